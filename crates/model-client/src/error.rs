//! What makes an endpoint's configuration one that cannot be called.

/// Why an endpoint cannot be called as it is configured. No message shows a secret.
#[derive(Debug, thiserror::Error)]
pub enum EndpointError {
    /// A header that HTTP does not know.
    #[error("{header:?} of endpoint {endpoint} is not a name of a header")]
    HeaderName {
        /// The endpoint's name.
        endpoint: String,
        /// What stands in the place of a header's name.
        header: String,
    },
    /// A header's value that cannot be sent.
    #[error(
        "the value of the header {header} of endpoint {endpoint} has characters that no header may have"
    )]
    HeaderValue {
        /// The endpoint's name.
        endpoint: String,
        /// The header.
        header: String,
    },
    /// A header that would replace one of the call's own.
    #[error(
        "endpoint {endpoint} must not have a header {header}: HTTP or the protocol {protocol} sends it itself; leave it out"
    )]
    OwnHeader {
        /// The endpoint's name.
        endpoint: String,
        /// The header.
        header: String,
        /// The endpoint's protocol.
        protocol: &'static str,
    },
    /// A parameter that would replace what the protocol sends.
    #[error(
        "{place} must not have a key \"{key}\": the protocol {protocol} of endpoint {endpoint} sends it itself; leave it out"
    )]
    OwnField {
        /// The part of the configuration that it stands in.
        place: String,
        /// The key.
        key: String,
        /// The endpoint's name.
        endpoint: String,
        /// The endpoint's protocol.
        protocol: &'static str,
    },
    /// A key that cannot be sent.
    #[error("the key of endpoint {endpoint} has characters that no header may have")]
    Key {
        /// The endpoint's name.
        endpoint: String,
    },
    /// A prompt that is none.
    #[error("the prompt in the {place} of layer_config.json is not a text")]
    Prompt {
        /// The part of the configuration that it stands in.
        place: String,
    },
    /// No call at all can be made.
    #[error("no HTTP client can be made: {0}")]
    Client(String),
    /// The date is not known, which certificates are checked with.
    #[error(
        "the clock of this machine stands before 1970, so that the certificate of no server can be checked; set the clock"
    )]
    Clock,
}

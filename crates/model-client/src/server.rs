//! A server, and how it is spoken to.

use std::time::Duration;

use layer::{EndpointConfig, Protocol};
use url::Url;

use crate::error::EndpointError;
use crate::protocol::{self, Shapes};
use crate::secrets::Credentials;
use crate::settings::Settings;

/// A server and how it is spoken to.
#[derive(Debug, Clone)]
pub struct Server {
    /// The address that is called.
    pub url: Url,
    /// In which protocol.
    pub protocol: Protocol,
    /// With which keys.
    pub credentials: Credentials,
    /// How long a call may take.
    pub timeout: Duration,
    /// The shapes of pictures that it makes.
    pub shapes: Shapes,
    /// Whether it takes a seed.
    takes_seed: bool,
}

impl Server {
    /// The server of an endpoint whose address is `url`, asked for `model`.
    ///
    /// # Errors
    /// [`EndpointError::Key`].
    pub fn of(
        entry: &EndpointConfig,
        url: &Url,
        credentials: Credentials,
        model: Option<&str>,
    ) -> Result<Self, EndpointError> {
        let protocol = entry.protocol().unwrap_or(Protocol::EditB64);
        let url = protocol::target(protocol, url, model);
        let credentials = credentials.with_key(protocol, &url, &entry.name)?;
        Ok(Self {
            credentials,
            timeout: entry.timeout(),
            shapes: protocol::shapes(protocol, model, entry.size_policy),
            takes_seed: protocol::takes_seed(protocol, &url, model),
            url,
            protocol,
        })
    }

    /// The seed of a call: what is to be sent of our own, where the server takes one and nobody gave
    /// another, and what goes out, be it somebody's.
    #[must_use]
    pub fn seed_of(&self, settings: &Settings, seed: u32) -> (Option<u32>, Option<i64>) {
        let of_endpoint = settings.endpoint_params.get("seed");
        // A form carries whatever a layer says.
        let carries = self.takes_seed || self.protocol == Protocol::Multipart;
        let of_layer = settings.layer_params.get("seed").filter(|_| carries);
        match of_endpoint.or(of_layer) {
            Some(own) => (None, own.as_i64()),
            None if self.takes_seed => (Some(seed), Some(seed.into())),
            None => (None, None),
        }
    }
}

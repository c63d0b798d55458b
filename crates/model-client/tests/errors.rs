//! What each error says.

use model_client::EndpointError;

#[test]
fn every_error_says_what_where_and_what_to_do() {
    let endpoint = || "a".to_owned();
    for (error, text) in [
        (
            EndpointError::HeaderName {
                endpoint: endpoint(),
                header: "x y".to_owned(),
            },
            "\"x y\" of endpoint a is not a name of a header",
        ),
        (
            EndpointError::HeaderValue {
                endpoint: endpoint(),
                header: "x-key".to_owned(),
            },
            "the value of the header x-key of endpoint a has characters that no header may have",
        ),
        (
            EndpointError::Key {
                endpoint: endpoint(),
            },
            "the key of endpoint a has characters that no header may have",
        ),
        (
            EndpointError::Prompt {
                place: "generation_params".to_owned(),
            },
            "the prompt in the generation_params of layer_config.json is not a text",
        ),
        (
            EndpointError::Client("no certificates".to_owned()),
            "no HTTP client can be made: no certificates",
        ),
    ] {
        assert_eq!(error.to_string(), text);
    }
}

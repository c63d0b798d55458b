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
            EndpointError::OwnHeader {
                endpoint: endpoint(),
                header: "content-length".to_owned(),
                protocol: "sdapi",
            },
            "endpoint a must not have a header content-length: HTTP or the protocol sdapi sends it itself; leave it out",
        ),
        (
            EndpointError::OwnField {
                place: "generation_params".to_owned(),
                key: "init_images".to_owned(),
                endpoint: endpoint(),
                protocol: "sdapi",
            },
            "generation_params must not have a key \"init_images\": the protocol sdapi of endpoint a sends it itself; leave it out",
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

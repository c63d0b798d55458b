//! Answers of `openai` that give an address in place of a picture.

use fixtures::maps::encode_png;
use fixtures::server::{Reply, ServerSpec};

use image::{Rgb, RgbImage};
use serde_json::{Value, json};

use crate::servers::openai;
use crate::support::*;

const SIGNATURE: &str = "planted-signature-of-the-address";
const KEY: &str = "planted-key-of-the-endpoint";

/// A picture that fits any canvas of the test map by scaling.
fn picture() -> Vec<u8> {
    encode_png(RgbImage::from_pixel(32, 32, Rgb([9, 8, 7])))
}

fn constant(picture: &RgbImage) -> RgbImage {
    RgbImage::from_pixel(picture.width(), picture.height(), Rgb([9, 8, 7]))
}

fn answering_with(url: &str) -> Value {
    json!({"created": 1, "data": [{"url": url}]})
}

fn entry_with_key(url: &str) -> Value {
    json!({"url": url, "api_key_env": "MODEL_KEY", "headers": {"x-own": "planted-header"}})
}

#[test]
fn an_address_elsewhere_is_fetched_without_keys() {
    let files = ServerSpec::new()
        .files(|_| {
            Reply::status(200)
                .header("content-type", "image/png")
                .body(picture())
        })
        .start();
    let address = files.url_at(&format!("/out/1.png?sig={SIGNATURE}"));
    let server = ServerSpec::new()
        .protocol(openai::DIFFUSION)
        .script(move |_, _| Reply::status(200).json(&answering_with(&address)))
        .start();
    let layer = layer_with(small_map(), &entry_with_key(&server.url_at("/v1")));
    set_variable(&layer, "MODEL_KEY", KEY);
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(constant);
    assert_eq!(files.requests().len(), 4);
    for request in files.requests() {
        assert_eq!(request.query, format!("sig={SIGNATURE}"));
        assert_eq!(request.header("authorization"), None);
        assert_eq!(request.header("x-own"), None);
    }
}

#[test]
fn an_address_of_the_server_itself_is_fetched_with_its_keys() {
    let server = ServerSpec::new()
        .protocol(openai::DIFFUSION)
        .files(|request| match request.header("authorization") {
            Some(_) => Reply::status(200).body(picture()),
            None => Reply::status(401),
        })
        .script(|_, _| Reply::status(200).json(&answering_with("/out/1.png")))
        .start();
    let layer = layer_with(small_map(), &entry_with_key(&server.url_at("/v1")));
    set_variable(&layer, "MODEL_KEY", KEY);
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(constant);
}

#[test]
fn a_data_url_is_the_picture_itself() {
    let url = format!("data:image/png;base64,{}", base64_encode(&picture()));
    let server = ServerSpec::new()
        .protocol(openai::DIFFUSION)
        .script(move |_, _| Reply::status(200).json(&answering_with(&url)))
        .start();
    let layer = layer_with(small_map(), &entry(&server.url_at("/v1")));
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(constant);
}

#[test]
fn a_picture_that_does_not_come_fails_the_try_and_shows_no_signature() {
    let files = ServerSpec::new()
        .files(|request| Reply::status(403).body(format!("bad signature: {}", request.query)))
        .start();
    let elsewhere = files.url_at(&format!("/out/1.png?sig={SIGNATURE}"));
    for (address, says) in [
        (
            elsewhere,
            "the picture is at 127.0.0.1/out/1.png, and does not come from there: HTTP 403 Forbidden",
        ),
        (
            "file:///etc/passwd".to_owned(),
            "a picture at an address that is none of http",
        ),
    ] {
        let server = ServerSpec::new()
            .protocol(openai::DIFFUSION)
            .script(move |_, _| Reply::status(200).json(&answering_with(&address)))
            .start();
        let layer = layer_with(small_map(), &entry(&server.url_at("/v1")));
        let run = layer.run(PROGRAM, &[]);
        run.assert_status(1);
        let messages = error_messages(&layer);
        assert!(messages[0].contains(says), "{messages:?}");
        let said = format!("{}{}{messages:?}", run.stdout, run.stderr);
        assert!(!said.contains(SIGNATURE), "{said}");
    }
}

#[test]
fn a_picture_that_is_slow_to_appear_is_asked_for_again() {
    let files = ServerSpec::new()
        .files(|request| match request.connection {
            1 => Reply::status(503).header("connection", "close"),
            _ => Reply::status(200).body(picture()),
        })
        .start();
    let address = files.url_at("/out/1.png");
    let server = ServerSpec::new()
        .protocol(openai::DIFFUSION)
        .script(move |_, _| Reply::status(200).json(&answering_with(&address)))
        .start();
    let layer = layer_with(small_map(), &entry(&server.url_at("/v1")));
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(constant);
    assert_eq!(server.calls().len(), 4, "no picture is paid for twice");
}

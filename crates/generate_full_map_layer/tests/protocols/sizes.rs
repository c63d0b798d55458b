//! `size_policy`: what servers are sent that make only some sizes.

use fixtures::server::ServerSpec;

use image::{RgbaImage, imageops};
use serde_json::json;

use crate::servers::{gemini, openai};
use crate::support::*;

#[test]
fn pad_sends_a_square_with_the_canvas_in_it_and_cuts_it_out_again() {
    let server = ServerSpec::new().start();
    let mut entry = entry(&server.url());
    entry["size_policy"] = "pad".into();
    let layer = layer_with(small_map().quadrant_px(16, 12), &entry);
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(invert);
    let mut sizes = Vec::new();
    for call in server.calls() {
        let text = call.json()["image_b64"]
            .as_str()
            .expect("a picture")
            .to_owned();
        let sent = image::load_from_memory(&base64_decode(&text)).expect("a picture");
        sizes.push((sent.width(), sent.height()));
        // What surrounds a wide canvas are its own first and last row.
        let sent = sent.to_rgb8();
        let row = |y: u32| imageops::crop_imm(&sent, 0, y, sent.width(), 1).to_image();
        if sent.width() == 16 {
            assert_eq!((row(0), row(15)), (row(2), row(13)));
            assert_ne!(row(2), row(3));
        }
    }
    sizes.sort_unstable();
    assert_eq!(sizes, [(16, 16), (24, 24), (32, 32), (32, 32)]);
}

/// A model that makes squares only, whatever it is sent.
fn squares(picture: &RgbaImage) -> RgbaImage {
    imageops::resize(picture, 64, 64, imageops::FilterType::CatmullRom)
}

#[test]
fn exact_stretches_what_a_server_of_squares_makes_and_says_so() {
    let server = ServerSpec::new().model(squares).start();
    let layer = layer_with(smooth_map(), &entry(&server.url()));
    layer
        .run(PROGRAM, &[])
        .assert_status(0)
        .assert_says("2 of them had another aspect ratio and were stretched");

    let mut padded = entry(&server.url());
    padded["size_policy"] = "pad".into();
    let layer = layer_with(smooth_map(), &padded);
    let run = layer.run(PROGRAM, &[]);
    run.assert_status(0);
    assert!(!run.stdout.contains("stretched"), "{}", run.stdout);
    assert_about(&layer, Clone::clone);
}

#[test]
fn the_policy_of_the_entry_wins_over_what_is_known_of_the_model() {
    let server = ServerSpec::new().protocol(gemini::PROTOCOL).start();
    let layer = layer_with(
        smooth_map(),
        &json!({"url": server.url(), "protocol": "gemini", "api_key_env": "KEY", "size_policy": "exact"}),
    );
    set_variable(&layer, "KEY", "AIza-test");
    layer
        .run(PROGRAM, &[])
        .assert_status(0)
        .assert_says("were stretched");
    let sent = |call: &fixtures::server::RecordedRequest| {
        let data = call.json()["contents"][0]["parts"][0]["inline_data"]["data"].clone();
        size_of(&base64_decode(data.as_str().expect("a picture")))
    };
    let mut sizes: Vec<_> = server.calls().iter().map(sent).collect();
    sizes.sort_unstable();
    assert_eq!(sizes, [(10, 10), (10, 20), (20, 10), (20, 20)]);
}

#[test]
fn a_model_of_any_size_is_padded_only_when_it_is_asked_for() {
    for (policy, sizes) in [
        (json!(null), ["10x10", "10x20", "20x10", "20x20"]),
        (
            json!("pad"),
            ["1024x1024", "1024x1024", "1024x1536", "1536x1024"],
        ),
    ] {
        let server = ServerSpec::new().protocol(openai::DIFFUSION).start();
        let mut entry = entry(&server.url_at("/v1"));
        entry["model"] = "gpt-image-2".into();
        entry["size_policy"] = policy;
        let layer = layer_with(smooth_map(), &entry);
        layer.run(PROGRAM, &[]).assert_status(0);
        assert_about(&layer, invert);
        let mut asked: Vec<_> = server
            .calls()
            .iter()
            .map(|call| texts_of(call)["size"].as_str().expect("a size").to_owned())
            .collect();
        asked.sort_unstable();
        assert_eq!(asked, sizes);
    }
}

#[test]
fn endpoints_of_different_forms_share_a_layer() {
    let (plain, padded) = (ServerSpec::new().start(), ServerSpec::new().start());
    let entries = [
        entry(&plain.url()),
        json!({"url": padded.url(), "size_policy": "pad"}),
    ];
    let layer = layer_with_all(small_map().quadrant_px(16, 12), &entries);
    layer
        .run(PROGRAM, &["--max-concurrent", "1"])
        .assert_status(0);
    layer.assert_complete(invert);
    assert_eq!((plain.calls().len(), padded.calls().len()), (2, 2));
}

//! `multipart`: a form to `…/edit`, raw bytes back.

use std::io::Cursor;

use fixtures::server::{Reply, ServerSpec};

use serde_json::json;

use crate::servers::multipart;
use crate::support::*;

#[test]
fn a_form_is_sent_and_raw_bytes_are_the_picture() {
    let server = ServerSpec::new().protocol(multipart::PROTOCOL).start();
    let mut entry = entry(&server.url_at("/models/edit"));
    entry["api_key_env"] = "MODEL_KEY".into();
    entry["params"] = json!({"seed": 8, "extra": [1, 2], "guidance_scale": null});
    let layer = layer_with(small_map(), &entry);
    set_variable(&layer, "MODEL_KEY", "the-key");
    tell(
        &layer,
        json!({"prompt": "snow, \"deep\"\nand white", "num_inference_steps": 20, "seed": 7,
               "negative_prompt": "", "guidance_scale": 3.5}),
    );
    let run = layer.run(PROGRAM, &[]);
    run.assert_status(0).assert_says("multipart");
    layer.assert_complete(invert);
    for call in server.calls() {
        assert_eq!(
            (call.method.as_str(), call.path.as_str()),
            ("POST", "/models/edit")
        );
        assert_eq!(call.header("accept"), Some("image/png"));
        assert_eq!(call.header("authorization"), Some("Bearer the-key"));
        assert!(call.header("content-length").is_some());
        assert_eq!(
            texts_of(&call),
            json!({"prompt": "snow, \"deep\"\nand white", "steps": "20", "seed": "8", "extra": "[1,2]"})
        );
        let (_, file) = form_of(&call)
            .into_iter()
            .find(|(name, _)| name == "file")
            .expect("the picture");
        assert_eq!(file.file_name.as_deref(), Some("canvas.png"));
        assert_eq!(file.content_type.as_deref(), Some("image/png"));
    }
}

#[test]
fn a_negative_prompt_is_sent_when_there_is_one() {
    let server = ServerSpec::new().protocol(multipart::PROTOCOL).start();
    let layer = layer_with(small_map(), &entry(&server.url_at("/edit")));
    tell(&layer, json!({"prompt": "p", "negative_prompt": "people"}));
    layer.run(PROGRAM, &["--max-items", "1"]).assert_status(0);
    let texts = texts_of(&server.calls()[0]);
    assert_eq!(texts, json!({"prompt": "p", "negative_prompt": "people"}));
}

#[test]
fn a_jpeg_is_declared_as_one_and_another_kind_of_picture_is_taken() {
    let server = ServerSpec::new()
        .protocol(multipart::PROTOCOL)
        .script(|_, _| {
            Reply::model_changed(|png| {
                let picture = image::load_from_memory(&png).expect("a picture");
                let mut webp = Cursor::new(Vec::new());
                picture
                    .write_to(&mut webp, image::ImageFormat::WebP)
                    .expect("a WebP");
                webp.into_inner()
            })
        })
        .start();
    let mut entry = entry(&server.url_at("/edit"));
    entry["image_format"] = json!({"jpeg": 95});
    let layer = layer_with(smooth_map(), &entry);
    layer.run(PROGRAM, &[]).assert_status(0);
    assert_about(&layer, invert);
    let (_, file) = &form_of(&server.calls()[0])[0];
    assert_eq!(file.file_name.as_deref(), Some("canvas.jpg"));
    assert_eq!(file.content_type.as_deref(), Some("image/jpeg"));
    assert!(file.bytes.starts_with(b"\xff\xd8\xff"));
}

#[test]
fn an_answer_that_is_no_picture_says_what_came() {
    for (reply, says) in [
        (
            Reply::status(200).json(&json!({"detail": "model is loading"})),
            "an answer without a picture (application/json): model is loading",
        ),
        (
            Reply::status(200).html("<p>busy</p>"),
            "an answer without a picture (text/html; charset=utf-8): 11 bytes that begin with \"<p>busy</p>\"",
        ),
        (
            Reply::status(422)
                .json(&json!({"detail": [{"loc": ["body", "steps"], "msg": "too many"}]})),
            "HTTP 422 Unprocessable Entity: [{\"loc\":[\"body\",\"steps\"],\"msg\":\"too many\"}]",
        ),
    ] {
        let server = ServerSpec::new()
            .protocol(multipart::PROTOCOL)
            .script(move |_, _| reply.clone())
            .start();
        let layer = layer_with(small_map(), &entry(&server.url_at("/edit")));
        layer.run(PROGRAM, &[]).assert_status(1);
        let messages = error_messages(&layer);
        assert!(messages[0].contains(says), "{messages:?}");
    }
}

#[test]
fn a_form_is_sent_again_where_it_is_redirected_to_with_307() {
    let server = ServerSpec::new()
        .protocol(multipart::PROTOCOL)
        .script(|request, _| match request.path.as_str() {
            "/edit" => Reply::status(307).header("location", "/new/edit"),
            _ => Reply::model(),
        })
        .start();
    let layer = layer_with(small_map(), &entry(&server.url_at("/edit")));
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(invert);
}

//! `gemini`: Google's `:generateContent`.

use std::io::Cursor;

use fixtures::layers::TestLayer;
use fixtures::server::{RecordedRequest, Reply, ScriptedServer, ServerSpec};

use serde_json::{Value, json};

use crate::servers::gemini;
use crate::support::*;

const KEY: &str = "AIza-test";

fn gemini_entry(url: &str) -> Value {
    json!({"url": url, "protocol": "gemini", "api_key_env": "GEMINI_KEY"})
}

fn gemini_layer(entry: &Value) -> TestLayer {
    let layer = layer_with(smooth_map(), entry);
    set_variable(&layer, "GEMINI_KEY", KEY);
    layer
}

fn replying(reply: Reply) -> ScriptedServer {
    ServerSpec::new()
        .protocol(gemini::PROTOCOL)
        .script(move |_, _| reply.clone())
        .start()
}

/// The size of the picture of a call, and the ratio that is asked for.
fn asked(call: &RecordedRequest) -> ((u32, u32), Value) {
    let body = call.json();
    let data = &body["contents"][0]["parts"][0]["inline_data"]["data"];
    let size = size_of(&base64_decode(data.as_str().expect("a picture")));
    (
        size,
        body["generationConfig"]["imageConfig"]["aspectRatio"].clone(),
    )
}

#[test]
fn a_canvas_gets_a_ratio_that_the_model_makes_and_comes_back_whole() {
    for protocol in [gemini::PROTOCOL, gemini::DRAFTING] {
        let server = ServerSpec::new().protocol(protocol).start();
        let layer = gemini_layer(&gemini_entry(&server.url()));
        tell(
            &layer,
            json!({"prompt": "snow", "num_inference_steps": 20, "seed": 7}),
        );
        let run = layer.run(PROGRAM, &[]);
        run.assert_status(0).assert_says("(gemini, 1 at a time)");
        assert!(!run.stdout.contains("resized"), "{}", run.stdout);
        assert_about(&layer, invert);
        let mut seen = Vec::new();
        for call in server.calls() {
            assert_eq!(
                call.path,
                "/v1beta/models/gemini-3.1-flash-image:generateContent"
            );
            assert_eq!(call.header("x-goog-api-key"), Some(KEY));
            assert_eq!(call.header("authorization"), None);
            assert_eq!(call.header("content-type"), Some("application/json"));
            let mut body = call.json();
            body["contents"][0]["parts"][0]["inline_data"]["data"] = "…".into();
            body["generationConfig"]["imageConfig"]["aspectRatio"] = "…".into();
            assert_eq!(
                body,
                json!({
                    "contents": [{"role": "user", "parts": [
                        {"inline_data": {"mime_type": "image/png", "data": "…"}},
                        {"text": "snow"},
                    ]}],
                    "generationConfig": {
                        "responseModalities": ["TEXT", "IMAGE"],
                        "imageConfig": {"aspectRatio": "…"},
                    },
                })
            );
            seen.push(asked(&call));
        }
        seen.sort_by_key(|(size, _)| *size);
        assert_eq!(
            seen,
            [
                ((10, 10), json!("1:1")),
                ((14, 21), json!("2:3")),
                ((20, 20), json!("1:1")),
                ((21, 14), json!("3:2")),
            ]
        );
    }
}

#[test]
fn a_jpeg_is_declared_as_one_and_taken_as_one() {
    let server = ServerSpec::new()
        .protocol(gemini::PROTOCOL)
        .script(|_, _| {
            Reply::model_changed(|png| {
                let picture = image::load_from_memory(&png).expect("a picture").to_rgb8();
                let mut jpeg = Cursor::new(Vec::new());
                picture
                    .write_to(&mut jpeg, image::ImageFormat::Jpeg)
                    .expect("a JPEG");
                jpeg.into_inner()
            })
        })
        .start();
    let mut entry = gemini_entry(&server.url());
    entry["image_format"] = json!({"jpeg": 100});
    let layer = gemini_layer(&entry);
    layer.run(PROGRAM, &[]).assert_status(0);
    assert_about(&layer, invert);
    let body = server.calls()[0].json();
    assert_eq!(
        body["contents"][0]["parts"][0]["inline_data"]["mime_type"],
        "image/jpeg"
    );
}

#[test]
fn the_model_stands_in_the_entry_or_in_the_address() {
    let server = ServerSpec::new().protocol(gemini::PROTOCOL).start();
    for (path, model) in [
        ("/", Some("gemini-3-pro-image")),
        ("/v1beta", Some("models/gemini-3-pro-image")),
        ("/v1beta/models/gemini-3-pro-image", None),
        ("/v1beta/models/gemini-3-pro-image:generateContent", None),
    ] {
        let mut entry = gemini_entry(&server.url_at(path));
        entry["model"] = json!(model);
        let layer = gemini_layer(&entry);
        layer.run(PROGRAM, &["--max-items", "1"]).assert_status(0);
    }
    assert_eq!(server.calls().len(), 4);
    for call in server.calls() {
        assert_eq!(
            call.path,
            "/v1beta/models/gemini-3-pro-image:generateContent"
        );
    }
}

#[test]
fn parameters_are_merged_last_into_what_they_belong_to() {
    let server = ServerSpec::new().protocol(gemini::PROTOCOL).start();
    let mut entry = gemini_entry(&server.url());
    entry["params"] = json!({
        "generationConfig": {"temperature": 0.2, "imageConfig": {"imageSize": "2K", "aspectRatio": "1:1"}},
        "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_NONE"}],
    });
    let layer = gemini_layer(&entry);
    layer.run(PROGRAM, &["--max-items", "1"]).assert_status(0);
    let body = server.calls()[0].json();
    assert_eq!(
        body["generationConfig"],
        json!({
            "responseModalities": ["TEXT", "IMAGE"],
            "imageConfig": {"aspectRatio": "1:1", "imageSize": "2K"},
            "temperature": 0.2,
        })
    );
    assert_eq!(body["safetySettings"][0]["threshold"], "BLOCK_NONE");
}

#[test]
fn a_refusal_fails_the_item_with_the_models_own_words_after_one_more_try() {
    let words = "The output may violate the policies.";
    for (reply, says) in [
        (
            gemini::finished("IMAGE_SAFETY", Some(words), &json!([])),
            "the model made no picture (IMAGE_SAFETY): The output may violate the policies.",
        ),
        (
            gemini::finished("NO_IMAGE", None, &json!(null)),
            "the model made no picture (NO_IMAGE)",
        ),
        (
            gemini::finished("STOP", None, &json!([{"text": "I cannot\nedit this map."}])),
            "the model made no picture (STOP): I cannot edit this map.",
        ),
        (
            gemini::blocked("PROHIBITED_CONTENT"),
            "the model made no picture (PROHIBITED_CONTENT)",
        ),
    ] {
        let server = replying(reply);
        let layer = gemini_layer(&gemini_entry(&server.url()));
        layer.run(PROGRAM, &[]).assert_status(1);
        let expected = format!("endpoint a: HTTP 200 OK: {says} (tried 2 times)");
        assert_eq!(error_messages(&layer), [expected]);
        assert_eq!(server.calls().len(), 2);
        let outcomes = layer.sql("SELECT outcome, http_status FROM attempts");
        assert_eq!(outcomes, [["bad_answer", "200"], ["bad_answer", "200"]]);
    }
}

#[test]
fn an_answer_of_another_form_is_a_bad_one() {
    let server = replying(Reply::status(200).json(&json!({"candidates": []})));
    let layer = gemini_layer(&gemini_entry(&server.url()));
    layer.run(PROGRAM, &[]).assert_status(1);
    let messages = error_messages(&layer);
    assert!(
        messages[0].contains("an answer without a picture (application/json)"),
        "{messages:?}"
    );
    assert!(messages[0].contains("(tried 3 times)"), "{messages:?}");
}

#[test]
fn a_rate_limit_is_waited_for_as_the_body_says_and_costs_no_item() {
    let server = ServerSpec::new()
        .protocol(gemini::PROTOCOL)
        .script(|_, call| match call {
            1 => gemini::rate_limited("1.0s"),
            _ => Reply::model(),
        })
        .start();
    let layer = gemini_layer(&gemini_entry(&server.url()));
    layer
        .run(PROGRAM, &[])
        .assert_status(0)
        .assert_says("You exceeded your current quota")
        .assert_says("it rests 1s");
    assert_about(&layer, invert);
}

#[test]
fn a_key_a_country_or_a_plan_that_will_not_do_puts_the_endpoint_out() {
    let server = ServerSpec::new().protocol(gemini::PROTOCOL).start();
    let layer = gemini_layer(&gemini_entry(&server.url()));
    std::fs::write(layer.root().join(".env"), "GEMINI_KEY=wrong\n").expect(".env");
    let run = layer.run(PROGRAM, &[]);
    run.assert_status(3)
        .assert_says("API key not valid. Please pass a valid API key.");
    assert_eq!(layer.statuses()["pending"], 4);

    let location = "User location is not supported for the API use.";
    let plan = "Quota exceeded for metric: free_tier_requests, limit: 0, model: gemini";
    for (code, status, message) in [
        (400, "FAILED_PRECONDITION", location),
        (429, "RESOURCE_EXHAUSTED", plan),
        (404, "NOT_FOUND", "models/x is not found"),
    ] {
        let server = replying(gemini::error(code, status, message, &json!([])));
        let layer = gemini_layer(&gemini_entry(&server.url()));
        let run = layer.run(PROGRAM, &[]);
        run.assert_status(3).assert_says(message);
        assert_eq!(layer.statuses()["pending"], 4);
    }
}

//! `openai`: OpenAI's image edits, and the servers that speak like it.

use fixtures::server::{Reply, ServerSpec};

use serde_json::{Value, json};

use crate::servers::openai;
use crate::support::*;

/// The picture of a call.
fn sent(request: &fixtures::server::RecordedRequest) -> fixtures::server::FormPart {
    let mut parts = form_of(request).into_iter();
    let found = parts.find(|(name, _)| name == "image");
    found.expect("the picture").1
}

#[test]
fn a_diffusion_server_is_asked_for_the_size_of_the_canvas() {
    let server = ServerSpec::new().protocol(openai::DIFFUSION).start();
    for path in ["/v1", "/v1/", "/v1/images/edits"] {
        let mut entry = entry(&server.url_at(path));
        entry["model"] = "Qwen/Qwen-Image-Edit".into();
        entry["params"] = json!({"guidance_scale": 1, "output_format": "png"});
        let layer = layer_with(small_map(), &entry);
        tell(
            &layer,
            json!({"prompt": "snow", "num_inference_steps": 20, "seed": 7, "true_cfg_scale": 4.0}),
        );
        let run = layer.run(PROGRAM, &[]);
        run.assert_status(0).assert_says("(openai, 1 at a time)");
        layer.assert_complete(invert);
    }
    for call in server.calls() {
        let image = sent(&call);
        assert_eq!(image.file_name.as_deref(), Some("canvas.png"));
        assert_eq!(image.content_type.as_deref(), Some("image/png"));
        let (width, height) = size_of(&image.bytes);
        assert_eq!(
            texts_of(&call),
            json!({"prompt": "snow", "model": "Qwen/Qwen-Image-Edit", "size": format!("{width}x{height}"),
                   "num_inference_steps": "20", "seed": "7", "true_cfg_scale": "4.0",
                   "guidance_scale": "1", "output_format": "png"})
        );
        assert_eq!(call.header("authorization"), None);
    }
}

fn gpt_image_entry(url: &str) -> Value {
    json!({"url": url, "model": "gpt-image-1", "api_key_env": "OPENAI_KEY"})
}

#[test]
fn gpt_image_1_gets_one_of_its_sizes_and_nothing_it_does_not_know() {
    let server = ServerSpec::new().protocol(openai::GPT_IMAGE).start();
    let mut entry = gpt_image_entry(&server.url_at("/v1"));
    entry["params"] = json!({"quality": "high", "input_fidelity": "high"});
    let layer = layer_with(smooth_map(), &entry);
    set_variable(&layer, "OPENAI_KEY", "sk-test");
    tell(
        &layer,
        json!({"prompt": "snow", "num_inference_steps": 20, "seed": 7, "guidance_scale": 3.0,
               "negative_prompt": "people", "true_cfg_scale": 2.0, "response_format": "b64_json"}),
    );
    let run = layer.run(PROGRAM, &[]);
    run.assert_status(0);
    assert!(!run.stdout.contains("resized"), "{}", run.stdout);
    assert_about(&layer, invert);
    let mut seen = Vec::new();
    for call in server.calls() {
        assert_eq!(call.header("authorization"), Some("Bearer sk-test"));
        let texts = texts_of(&call);
        let size = texts["size"].clone();
        assert_eq!(
            texts,
            json!({"prompt": "snow", "model": "gpt-image-1", "size": size, "quality": "high", "input_fidelity": "high"})
        );
        seen.push((size_of(&sent(&call).bytes), size));
    }
    seen.sort_by_key(|(size, _)| *size);
    assert_eq!(
        seen,
        [
            ((10, 10), json!("1024x1024")),
            ((14, 21), json!("1024x1536")),
            ((20, 20), json!("1024x1024")),
            ((21, 14), json!("1536x1024")),
        ]
    );
}

#[test]
fn a_safety_stop_fails_the_item_with_openais_words_after_one_more_try() {
    let server = ServerSpec::new()
        .protocol(openai::GPT_IMAGE)
        .script(|_, _| openai::refusal())
        .start();
    let layer = layer_with(small_map(), &gpt_image_entry(&server.url_at("/v1")));
    set_variable(&layer, "OPENAI_KEY", "sk-test");
    layer.run(PROGRAM, &[]).assert_status(1);
    let messages = error_messages(&layer);
    assert_eq!(
        messages,
        [
            "endpoint a: HTTP 400 Bad Request: Your request was rejected by the safety system. safety_violations=[violence]. (tried 2 times)"
        ]
    );
    assert_eq!(server.calls().len(), 2);
}

#[test]
fn what_one_model_refuses_another_may_draw() {
    let refusing = ServerSpec::new()
        .protocol(openai::DIFFUSION)
        .script(|_, _| openai::refusal())
        .start();
    let willing = ServerSpec::new().protocol(openai::DIFFUSION).start();
    let entries = [
        entry(&refusing.url_at("/v1")),
        entry(&willing.url_at("/v1")),
    ];
    let layer = layer_with_all(small_map(), &entries);
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(invert);
    assert!(!refusing.calls().is_empty(), "nothing was refused");
    assert_eq!(willing.calls().len(), 4);
}

#[test]
fn an_account_or_a_model_that_is_not_there_puts_the_endpoint_out() {
    for (status, param, code, words) in [
        (
            429,
            None,
            "insufficient_quota",
            "You exceeded your current quota.",
        ),
        (
            400,
            None,
            "billing_hard_limit_reached",
            "Billing hard limit has been reached.",
        ),
        (
            400,
            Some("model"),
            "invalid_value",
            "Invalid value: 'gpt-image-0'.",
        ),
        (401, None, "invalid_api_key", "Incorrect API key provided."),
        (403, None, "", "Your organization must be verified."),
    ] {
        let server = ServerSpec::new()
            .protocol(openai::DIFFUSION)
            .script(move |_, _| openai::error(status, "some_error", param, code, words))
            .start();
        let layer = layer_with(small_map(), &entry(&server.url_at("/v1")));
        let run = layer.run(PROGRAM, &[]);
        run.assert_status(3)
            .assert_says("endpoint a is out until its entry or its key changes: HTTP 4")
            .assert_says(words);
        assert_eq!(layer.statuses()["pending"], 4, "the items lose nothing");
        assert_eq!(server.calls().len(), 1);
    }
}

#[test]
fn a_rate_limit_is_waited_for_as_its_headers_say_and_costs_no_item() {
    let server = ServerSpec::new()
        .protocol(openai::DIFFUSION)
        .script(|_, call| match call {
            2 => openai::rate_limited("1s"),
            _ => Reply::model(),
        })
        .start();
    let layer = layer_with(small_map(), &entry(&server.url_at("/v1")));
    let run = layer.run(PROGRAM, &[]);
    run.assert_status(0)
        .assert_says("Rate limit reached for gpt-image-1")
        .assert_says("it rests 1s");
    layer.assert_complete(invert);
    let outcomes = layer.sql("SELECT outcome, http_status FROM attempts WHERE http_status = 429");
    assert_eq!(outcomes, [["away", "429"]]);
}

#[test]
fn errors_are_told_in_every_form_that_these_servers_use() {
    for (body, says) in [
        (
            json!({"error": {"message": "bad size", "type": "x", "code": 400}}),
            "bad size",
        ),
        (json!({"error": "prompt is empty"}), "prompt is empty"),
        (json!({"detail": "no such image"}), "no such image"),
    ] {
        let server = ServerSpec::new()
            .protocol(openai::DIFFUSION)
            .script(move |_, _| Reply::status(400).json(&body))
            .start();
        let layer = layer_with(small_map(), &entry(&server.url_at("/v1")));
        layer.run(PROGRAM, &[]).assert_status(1);
        assert_eq!(
            error_messages(&layer),
            [format!("endpoint a: HTTP 400 Bad Request: {says}")]
        );
    }
}

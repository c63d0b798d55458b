//! `sdapi`: AUTOMATIC1111's img2img.

use fixtures::server::{Reply, ServerSpec};

use serde_json::{Value, json};

use crate::servers::sdapi;
use crate::support::*;

#[test]
fn the_size_is_always_sent_and_the_parameters_last() {
    let server = ServerSpec::new().protocol(sdapi::PROTOCOL).start();
    for path in ["/sdapi/v1/img2img", "/sdapi/v1"] {
        let mut entry = entry(&server.url_at(path));
        entry["model"] = "sd_xl_base".into();
        entry["params"] = json!({
            "denoising_strength": 0.4, "cfg_scale": 6.5, "sampler_name": "Euler a",
            "override_settings": {"CLIP_stop_at_last_layers": 2},
        });
        let layer = layer_with(small_map(), &entry);
        tell(
            &layer,
            json!({"prompt": "snow", "negative_prompt": "people", "num_inference_steps": 20,
                   "seed": 7, "denoising_strength": 0.7}),
        );
        let run = layer.run(PROGRAM, &[]);
        run.assert_status(0).assert_says("(sdapi, 1 at a time)");
        layer.assert_complete(invert);
    }
    for call in server.calls() {
        assert_eq!(call.path, "/sdapi/v1/img2img");
        let mut body = call.json();
        let picture = body["init_images"][0].as_str().expect("a picture");
        let (width, height) = size_of(&base64_decode(picture));
        body["init_images"] = Value::Null;
        assert_eq!(
            body,
            json!({
                "init_images": null, "width": width, "height": height, "prompt": "snow",
                "negative_prompt": "people", "steps": 20, "seed": 7, "denoising_strength": 0.4,
                "cfg_scale": 6.5, "sampler_name": "Euler a",
                "override_settings": {"sd_model_checkpoint": "sd_xl_base", "CLIP_stop_at_last_layers": 2},
            })
        );
    }
}

#[test]
fn a_login_comes_from_the_key_or_the_address() {
    let server = ServerSpec::new().protocol(sdapi::WITH_LOGIN).start();
    let url = server.url_at("/sdapi/v1/img2img");
    let with = |user: &str| url.replace("http://", &format!("http://{user}@"));
    for (url, key) in [
        (url.clone(), Some("user:password")),
        (with("user"), Some("password")),
        (with("user:password"), None),
        (with("user:pass%77ord"), None),
    ] {
        let mut entry = entry(&url);
        entry["api_key_env"] = key.map_or(Value::Null, |_| "LOGIN".into());
        let layer = layer_with(small_map(), &entry);
        set_variable(&layer, "LOGIN", key.unwrap_or("unused"));
        layer.run(PROGRAM, &[]).assert_status(0);
        layer.assert_complete(invert);
    }
    let layer = layer_with(small_map(), &entry(&with("user:wrong-password")));
    let run = layer.run(PROGRAM, &[]);
    run.assert_status(3)
        .assert_says("HTTP 401 Unauthorized: Incorrect username or password");
    assert!(!run.stderr.contains("wrong-password"), "{}", run.stderr);
}

#[test]
fn an_exception_in_the_server_is_told_in_its_words() {
    let server = ServerSpec::new()
        .protocol(sdapi::PROTOCOL)
        .script(|_, _| sdapi::exception("OutOfMemoryError", "CUDA out of memory."))
        .start();
    let layer = layer_with(small_map(), &entry(&server.url_at("/sdapi/v1/img2img")));
    layer.run(PROGRAM, &[]).assert_status(1);
    assert_eq!(
        error_messages(&layer),
        [
            "endpoint a: HTTP 500 Internal Server Error: OutOfMemoryError: CUDA out of memory. (tried 3 times)"
        ]
    );
}

#[test]
fn a_server_that_does_not_serve_the_interface_is_out() {
    let server = ServerSpec::new()
        .protocol(sdapi::PROTOCOL)
        .script(|_, _| Reply::status(404).json(&json!({"detail": "Not Found"})))
        .start();
    let layer = layer_with(small_map(), &entry(&server.url_at("/sdapi/")));
    layer
        .run(PROGRAM, &[])
        .assert_status(3)
        .assert_says("HTTP 404 Not Found: Not Found");
}

#[test]
fn an_answer_may_have_a_data_url_or_no_picture_at_all() {
    let server = ServerSpec::new()
        .protocol(sdapi::PROTOCOL)
        .script(|request, _| {
            let text = request.json()["init_images"][0].clone();
            let url = format!(
                "data:image/png;base64,{}",
                text.as_str().expect("a picture")
            );
            Reply::status(200).json(&json!({"images": [url], "info": "{}"}))
        })
        .start();
    let layer = layer_with(small_map(), &entry(&server.url_at("/sdapi/v1")));
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(Clone::clone);

    server.set_script(|_, _| Reply::status(200).json(&json!({"images": [], "info": "{}"})));
    let layer = layer_with(small_map(), &entry(&server.url_at("/sdapi/v1")));
    layer.run(PROGRAM, &[]).assert_status(1);
    let messages = error_messages(&layer);
    assert!(
        messages[0].contains("an answer without images"),
        "{messages:?}"
    );
}

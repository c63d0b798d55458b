//! The options of an endpoint's entry, from end to end.

use std::time::Duration;

use fixtures::maps::MapSpec;
use fixtures::server::{Reply, ServerSpec};
use serde_json::json;

use crate::support::*;

#[test]
fn the_start_of_a_run_says_which_endpoint_speaks_what() {
    let server = ServerSpec::new().start();
    let at = |path: &str| entry(&server.url_at(path));
    let mut gemini = at("/?key=planted");
    gemini["protocol"] = "gemini".into();
    gemini["max_concurrent"] = 3.into();
    let layer = layer_with_all(
        small_map(),
        &[
            at("/x"),
            at("/edit"),
            at("/v1"),
            gemini,
            at("/sdapi/v1"),
            entry("builtin:snow"),
        ],
    );
    let run = layer.run(PROGRAM, &[]);
    for (name, path, protocol) in [
        ("a", "/x", "edit_b64, 1 at a time"),
        ("b", "/edit", "multipart, 1 at a time"),
        ("c", "/v1/images/edits", "openai, 1 at a time"),
        (
            "d",
            "/v1beta/models/gemini-3.1-flash-image:generateContent",
            "gemini, 3 at a time",
        ),
        ("e", "/sdapi/v1/img2img", "sdapi, 1 at a time"),
    ] {
        run.assert_says(&format!(
            "endpoint {name}: {} ({protocol})",
            server.url_at(path)
        ));
    }
    run.assert_says("endpoint f: builtin:snow (builtin, 1 at a time)");
}

#[test]
fn headers_are_sent_as_they_stand_or_from_the_environment() {
    let server = ServerSpec::new().start();
    let mut entry = entry(&server.url());
    entry["api_key_env"] = "KEY".into();
    entry["headers"] =
        json!({"X-Plain": "one", "Authorization": {"env": "AUTH"}, "X-Absent": {"env": "NOT_SET"}});
    let layer = layer_with(small_map(), &entry);
    set_variable(&layer, "KEY", "the-key");
    set_variable(&layer, "AUTH", "Token abc");
    layer
        .run(PROGRAM, &[])
        .assert_status(0)
        .assert_says("NOT_SET is not set: calls to a go without the header X-Absent");
    for call in server.calls() {
        assert_eq!(call.header("x-plain"), Some("one"));
        assert_eq!(call.header("authorization"), Some("Token abc"));
        assert_eq!(call.header("x-absent"), None);
    }
}

#[test]
fn an_endpoint_serves_as_many_calls_at_a_time_as_it_may() {
    let server = ServerSpec::new()
        .latency(Duration::from_millis(300))
        .start();
    let mut entry = entry(&server.url());
    entry["max_concurrent"] = 3.into();
    let layer = layer_with(MapSpec::rectangle(12, 12), &entry);
    layer.run(PROGRAM, &["--max-items", "9"]).assert_status(0);
    assert_eq!(server.most_under_way(), 3);
}

#[test]
fn a_call_ends_at_its_timeout_and_the_endpoint_is_away() {
    let server = ServerSpec::new()
        .script(|_, call| match call {
            1 => Reply::hang(),
            _ => Reply::model(),
        })
        .start();
    let mut entry = entry(&server.url());
    entry["timeout_s"] = 0.5.into();
    let layer = layer_with(small_map(), &entry);
    layer
        .run(PROGRAM, &[])
        .assert_status(0)
        .assert_says("no answer within 500ms");
    layer.assert_complete(invert);
}

#[test]
fn a_minute_brings_an_endpoint_no_more_calls_than_it_may_get() {
    let (limited, free) = (ServerSpec::new().start(), ServerSpec::new().start());
    let mut entry_of_limited = entry(&limited.url());
    entry_of_limited["max_per_minute"] = 2.into();
    entry_of_limited["max_concurrent"] = 3.into();
    let layer = layer_with_all(
        MapSpec::rectangle(12, 12),
        &[entry_of_limited, entry(&free.url())],
    );
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(invert);
    let calls = limited.calls();
    assert!(calls.len() >= 2 && free.calls().len() > 10);
    for (first, third) in calls.iter().zip(&calls[2..]) {
        let apart = third.received_at - first.received_at;
        assert!(apart > Duration::from_secs(55), "three calls in {apart:?}");
    }
}

#[test]
fn an_endpoint_has_a_prompt_a_model_and_parameters_of_its_own() {
    let (a, b) = (ServerSpec::new().start(), ServerSpec::new().start());
    let own = json!({"url": b.url(), "prompt": "of b", "model": "m", "params": {"num_inference_steps": 4, "seed": null}});
    let layer = layer_with_all(small_map(), &[entry(&a.url()), own]);
    tell(
        &layer,
        json!({"prompt": "of the layer", "num_inference_steps": 20, "seed": 7}),
    );
    layer
        .run(PROGRAM, &["--max-concurrent", "1"])
        .assert_status(0);
    let told = |body: serde_json::Value| {
        ["prompt", "model", "steps", "seed"].map(|field| body.get(field).cloned())
    };
    assert_eq!(
        told(a.calls()[0].json()),
        [
            Some(json!("of the layer")),
            None,
            Some(json!(20)),
            Some(json!(7))
        ]
    );
    assert_eq!(
        told(b.calls()[0].json()),
        [
            Some(json!("of b")),
            Some(json!("m")),
            Some(json!(4)),
            Some(json!(null))
        ]
    );
}

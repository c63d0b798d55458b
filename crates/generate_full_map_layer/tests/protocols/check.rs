//! `--check-endpoints`: one small canvas to each endpoint, and a table.

use fixtures::server::{Reply, ReservedPort, ServerSpec};

use serde_json::json;

use crate::servers::{gemini, multipart, openai};
use crate::support::*;

/// The row of an endpoint in the table.
fn row<'a>(stdout: &'a str, name: &str) -> &'a str {
    stdout
        .lines()
        .find(|line| line.starts_with(&format!("{name} ")))
        .unwrap_or_else(|| panic!("{name} has no row in\n{stdout}"))
}

#[test]
fn endpoints_that_work_are_shown_with_what_they_answered() {
    let small = ServerSpec::new().start();
    let form = ServerSpec::new().protocol(multipart::PROTOCOL).start();
    let google = ServerSpec::new().protocol(gemini::PROTOCOL).start();
    let layer = layer_with_all(
        small_map(),
        &[
            entry(&small.url()),
            entry(&form.url_at("/edit")),
            json!({"url": google.url(), "protocol": "gemini", "api_key_env": "KEY"}),
            entry("builtin:night"),
        ],
    );
    set_variable(&layer, "KEY", "AIza-test");
    let before = files_of(&layer);
    for flag in ["--check-endpoints", "--check_endpoints"] {
        let run = layer.run(PROGRAM, &[flag]);
        run.assert_status(0)
            .assert_says("4 of 4 endpoints work; 1x1 at (2, 2) was sent");
        for (name, parts) in [
            ("a", ["edit_b64", "200 OK", " s ", "16x16", "works"]),
            ("b", ["multipart", "200 OK", " s ", "16x16", "works"]),
            ("c", ["gemini", "200 OK", " s ", "1024x1024", "works"]),
            ("d", ["builtin", "-", " s ", "16x16", "works"]),
        ] {
            let row = row(&run.stdout, name);
            assert!(parts.iter().all(|part| row.contains(part)), "{row}");
        }
    }
    assert!(files_of(&layer) == before, "something was changed");
    for server in [&small, &form, &google] {
        assert_eq!(server.calls().len(), 2, "one call for each check");
    }
    let text = small.calls()[0].json()["image_b64"].clone();
    let sent = base64_decode(text.as_str().expect("a picture"));
    let sent = image::load_from_memory(&sent).expect("a picture").to_rgb8();
    assert_eq!(
        sent,
        layer.source(planner::Quadrant::new(2, 2)),
        "a real canvas"
    );
}

#[test]
fn what_is_wrong_is_shown_with_what_to_do() {
    let answering = |reply: Reply| ServerSpec::new().script(move |_, _| reply.clone()).start();
    let unauthorized = answering(Reply::status(401).json(&json!({"detail": "bad key"})));
    let missing = answering(Reply::status(404).json(&json!({"detail": "Not Found"})));
    let busy = answering(Reply::status(503).header("retry-after", "30"));
    let rejecting = answering(Reply::status(422).json(&json!({"detail": "no such field"})));
    let crashing = answering(Reply::status(500).body("Internal Server Error"));
    let silent = answering(Reply::hang());
    let garbage = answering(Reply::picture("garbage"));
    let page = answering(Reply::status(200).html("<html>"));
    let refusing = ServerSpec::new()
        .protocol(openai::DIFFUSION)
        .script(|_, _| openai::refusal())
        .start();
    let nobody = ReservedPort::any();
    let mut keyed = entry(&unauthorized.url());
    keyed["api_key_env"] = "MY_KEY".into();
    let mut impatient = entry(&silent.url());
    impatient["timeout_s"] = 0.5.into();
    let healthy = ServerSpec::new().start();
    let layer = layer_with_all(
        small_map(),
        &[
            keyed,
            entry(&unauthorized.url()),
            entry(&missing.url_at("/wrong?key=planted")),
            entry(&busy.url()),
            entry(&rejecting.url()),
            entry(&crashing.url()),
            impatient,
            entry(&nobody.url()),
            entry(&garbage.url()),
            entry(&page.url()),
            entry(&refusing.url_at("/v1")),
            entry(&healthy.url()),
        ],
    );
    set_variable(&layer, "MY_KEY", "planted-key");
    let before = files_of(&layer);
    let run = layer.run(PROGRAM, &["--check-endpoints"]);
    run.assert_status(3)
        .assert_says("1 of 12 endpoints work")
        .assert_says("error: 11 of 12 endpoints failed");
    for (name, status, says) in [
        (
            "a",
            "401 Unauthorized",
            "bad key; check the key in MY_KEY".to_owned(),
        ),
        (
            "b",
            "401 Unauthorized",
            "\"api_key_env\" names the variable that holds a key".to_owned(),
        ),
        (
            "c",
            "404 Not Found",
            format!(
                "check \"url\" and \"protocol\": {} was called as edit_b64",
                missing.url_at("/wrong")
            ),
        ),
        (
            "d",
            "503 Service Unavailable",
            "it is busy; a run waits and tries again".to_owned(),
        ),
        (
            "e",
            "422 Unprocessable Entity",
            "no such field; check \"model\", \"params\"".to_owned(),
        ),
        (
            "f",
            "500 Internal Server Error",
            "look into the server's log".to_owned(),
        ),
        (
            "g",
            "-",
            format!(
                "no answer within 500ms; check that a server answers at {}",
                silent.url()
            ),
        ),
        (
            "h",
            "-",
            format!(
                "cannot connect: Connection refused (os error 111); check that a server answers at {}",
                nobody.url()
            ),
        ),
        (
            "i",
            "200 OK",
            "is no PNG, JPEG or WebP: 7 bytes that begin with \"garbage\"".to_owned(),
        ),
        ("j", "200 OK", "check \"protocol\": ".to_owned()),
        (
            "k",
            "400 Bad Request",
            "rejected by the safety system. safety_violations=[violence].; change the prompt"
                .to_owned(),
        ),
        ("l", "200 OK", "works".to_owned()),
    ] {
        let row = row(&run.stdout, name);
        assert!(row.contains(status) && row.contains(&says), "{row}");
    }
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(!said.contains("planted"), "{said}");
    assert!(files_of(&layer) == before, "something was changed");
}

#[test]
fn a_check_needs_no_lock_and_no_item_that_is_left() {
    let server = ServerSpec::new().start();
    let layer = layer_with(small_map(), &entry(&server.url()));
    layer.run(PROGRAM, &[]).assert_status(0);
    let _held = layer::RunLock::take(&layer::LayerDir::at(layer.dir())).expect("the lock is free");
    layer
        .run(PROGRAM, &[])
        .assert_status(2)
        .assert_says("in use by another run");
    let before = files_of(&layer);
    layer.run(PROGRAM, &["--check-endpoints"]).assert_status(0);
    assert!(files_of(&layer) == before, "something was changed");
    assert_eq!(server.calls().len(), 5);
}

#[test]
fn a_check_without_endpoints_cannot_run() {
    let layer = layer_with_all(small_map(), []);
    layer
        .run(PROGRAM, &["--check-endpoints"])
        .assert_status(2)
        .assert_says("lists no model_endpoints");
}

//! Endpoints that come, go and change while a run goes on: edits of `layer_config.json`, of `.env` and of
//! a file that scripts write.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fixtures::layers::{Run, TestLayer, endpoints_at};
use fixtures::server::{RecordedRequest, Reply, ScriptedServer, ServerSpec};
use serde_json::{Value, json};

use crate::support::{
    Background, PATIENCE, PROGRAM, answering_after, assert_sound, city, count, invert, layer_at,
    set_option, wait_for,
};

/// Writes the file beside the layer, as a script does that knows nothing of writing it whole.
fn write_fleet(layer: &TestLayer, endpoints: &Value) {
    fs::write(layer.root().join("fleet.json"), endpoints.to_string()).expect("a file");
}

/// A server that takes this key only.
fn with_key(key: &'static str) -> ScriptedServer {
    let script = move |request: &RecordedRequest, _| match request.header("authorization")
        == Some(&format!("Bearer {key}"))
    {
        true => Reply::model(),
        false => Reply::status(401).json(&json!({"detail": "no such key"})),
    };
    ServerSpec::new().script(script).start()
}

#[test]
fn an_endpoint_that_is_added_takes_calls_and_one_that_is_removed_ends_those_that_it_has() {
    let may_answer = Arc::new(AtomicBool::new(false));
    let (first, second) = (answering_after(&may_answer), ServerSpec::new().start());
    let layer = layer_at(city(), &[&first]);
    let mut run = Background::start(&layer, &[]);
    assert!(first.wait_for_calls(1, PATIENCE));
    layer.configure(|config| {
        config["model_endpoints"] = endpoints_at([first.url().as_str(), second.url().as_str()]);
    });
    run.wait_until_says("endpoint b: ");
    assert!(second.wait_for_calls(1, PATIENCE));
    // What does not parse changes nothing, and is told with its place.
    let good = layer.config();
    let path = layer.dir().join("layer_config.json");
    for (broken, told) in [
        (
            "{\"version\": 1, \"model_endpoints\": [",
            "is not valid JSON",
        ),
        ("", "is empty"),
        ("{\"version\": 1, \"promt\": 1}", "unknown key \"promt\""),
    ] {
        fs::write(&path, broken).expect("a file");
        run.wait_until_says(told);
    }
    run.wait_until_says("stay as they were until that is mended");
    layer.write_config(&good);
    layer.configure(|config| {
        config["model_endpoints"] = json!([good["model_endpoints"][1]]);
        config["accept"] = json!({"tries": 7});
    });
    run.wait_until_says("endpoint a is no longer one of this run's");
    run.wait_until_says("\"accept\" were edited, which this run goes on without");
    may_answer.store(true, Ordering::SeqCst);
    let run = run.finish();
    run.assert_status(0).assert_says("  gone");
    layer.assert_complete(invert);
    assert_eq!(first.calls().len(), 1, "who is gone gets no call");
    let saved = layer.sql("SELECT count(*) FROM attempts WHERE endpoint = 'a' AND outcome = 'ok'");
    assert_eq!(saved[0][0], "1", "what was under way is saved");
    assert_eq!(second.calls().len() + 1, layer.statuses()["complete"]);
}

#[test]
fn a_key_that_was_refused_and_is_mended_ends_the_wait() {
    let server = with_key("right");
    let layer = layer_at(city(), &[]);
    let entry = json!({"name": "a", "url": server.url(), "api_key_env": "FLEET_KEY"});
    write_fleet(&layer, &json!([entry]));
    fs::write(layer.root().join(".env"), "FLEET_KEY=wrong\n").expect("a file");
    let mut run = Background::start(&layer, &["--endpoints-file", "fleet.json"]);
    run.wait_until_says("endpoint a is out");
    run.wait_until_says("no endpoint is left; waiting for one in fleet.json");
    // A key that is not there changes nothing.
    fs::write(layer.root().join(".env"), "OTHER=1\n").expect("a file");
    run.wait_until_says("endpoint a stays as it was: FLEET_KEY is not set");
    fs::write(layer.root().join(".env"), "FLEET_KEY=right\n").expect("a file");
    run.wait_until_says("has another key");
    run.finish().assert_status(0);
    layer.assert_complete(invert);
}

#[test]
fn sighup_has_the_endpoints_read_and_tried_again() {
    let may_work = Arc::new(AtomicBool::new(false));
    let works = Arc::clone(&may_work);
    let script = move |_: &RecordedRequest, _| match works.load(Ordering::SeqCst) {
        true => Reply::model(),
        false => Reply::status(403),
    };
    let server = ServerSpec::new().script(script).start();
    let layer = layer_at(city(), &[&server]);
    write_fleet(&layer, &json!([]));
    let mut run = Background::start(&layer, &["--endpoints-file", "fleet.json"]);
    run.wait_until_says("no endpoint is left; waiting for one in fleet.json: a (HTTP 403");
    may_work.store(true, Ordering::SeqCst);
    run.signal("HUP");
    run.wait_until_says("the endpoints were read again");
    run.finish().assert_status(0);
    layer.assert_complete(invert);
}

#[test]
fn a_wait_that_was_asked_for_ends_with_sighup_and_with_another_key() {
    for by_key in [false, true] {
        let may_work = Arc::new(AtomicBool::new(false));
        let works = Arc::clone(&may_work);
        // Longer than the test may take.
        let script = move |_: &RecordedRequest, _| match works.load(Ordering::SeqCst) {
            true => Reply::model(),
            false => Reply::status(429).header("retry-after", "3000"),
        };
        let server = ServerSpec::new().script(script).start();
        let layer = layer_at(city(), &[]);
        let entry = json!({"name": "a", "url": server.url(), "api_key_env": "FLEET_KEY"});
        layer.configure(|config| config["model_endpoints"] = json!([entry]));
        fs::write(layer.root().join(".env"), "FLEET_KEY=one-account\n").expect("a file");
        let mut run = Background::start(&layer, &[]);
        run.wait_until_says("no endpoint answers; waiting for one: a (");
        set_option(&layer, 0, "max_concurrent", 2);
        run.wait_until_says("has another max_concurrent");
        may_work.store(true, Ordering::SeqCst);
        assert_eq!(server.calls().len(), 1, "it asked to be left alone");
        match by_key {
            true => {
                let other = "FLEET_KEY=another-account\n";
                fs::write(layer.root().join(".env"), other).expect("a file");
            }
            false => run.signal("HUP"),
        }
        run.finish().assert_status(0);
        layer.assert_complete(invert);
    }
}

#[test]
fn a_machine_that_is_taken_out_and_put_back_is_called_while_an_old_call_hangs() {
    let hangs_once = |_: &RecordedRequest, call| match call {
        1 => Reply::hang(),
        _ => Reply::model(),
    };
    let server = ServerSpec::new().script(hangs_once).start();
    let layer = layer_at(city(), &[]);
    let entries = json!([{"name": "a", "url": server.url()}]);
    write_fleet(&layer, &entries);
    let args = ["--endpoints-file", "fleet.json", "--drain-s", "0"];
    let mut run = Background::start(&layer, &args);
    assert!(server.wait_for_calls(1, PATIENCE));
    write_fleet(&layer, &json!([]));
    run.wait_until_says("endpoint a is no longer one of this run's");
    write_fleet(&layer, &entries);
    run.wait_until_says(" is back");
    wait_for("others are complete", || count(&layer, "complete") > 2);
    run.signal("INT");
    run.finish().assert_status(130);
    let hung = layer.sql("SELECT outcome FROM attempts ORDER BY id LIMIT 1");
    assert_eq!(hung[0][0], "interrupted");
}

#[test]
fn a_key_of_the_environment_is_told_to_need_another_start() {
    let server = with_key("right");
    let layer = layer_at(city(), &[]);
    let entry = json!({"name": "a", "url": server.url(), "api_key_env": "FLEET_KEY"});
    layer.configure(|config| config["model_endpoints"] = json!([entry]));
    fs::write(layer.root().join(".env"), "FLEET_KEY=right\n").expect("a file");
    let mut command = layer.command(PROGRAM, &[]);
    command.env("FLEET_KEY", "wrong");
    let run = Run::of(&command.output().expect("it starts"));
    run.assert_status(3).assert_says(
        "endpoint a is out until its entry or its key changes: HTTP 401 Unauthorized: no such key; check the key in FLEET_KEY; FLEET_KEY is set in the environment, which .env cannot change: start the run again",
    );
    // A key of the file needs none.
    fs::write(layer.root().join(".env"), "FLEET_KEY=wrong\n").expect("a file");
    let run = layer.run(PROGRAM, &[]);
    run.assert_status(3)
        .assert_says("check the key in FLEET_KEY");
    assert!(
        !run.stderr.contains("start the run again"),
        "{}",
        run.stderr
    );
}

#[test]
fn settings_are_not_told_to_be_others_before_there_is_an_endpoint_to_compare_with() {
    let server = ServerSpec::new().start();
    let layer = layer_at(city(), &[&server]);
    layer.run(PROGRAM, &["--max-items", "2"]).assert_status(0);
    layer.configure(|config| config["model_endpoints"] = json!([]));
    write_fleet(&layer, &json!([]));
    let mut run = Background::start(&layer, &["--endpoints-file", "fleet.json"]);
    run.wait_until_says("no endpoint is left; waiting for one in fleet.json");
    run.signal("INT");
    let run = run.finish();
    run.assert_status(130);
    assert!(
        !run.stderr.contains("with other settings"),
        "{}",
        run.stderr
    );
}

#[test]
fn machines_that_are_killed_and_come_back_under_other_ports_lose_nothing() {
    let start = || ServerSpec::new().latency(Duration::from_millis(15)).start();
    let mut machines: Vec<ScriptedServer> = (0..4).map(|_| start()).collect();
    let layer = layer_at(city(), &[]);
    let list = |machines: &[ScriptedServer]| {
        let entry = |(number, machine): (usize, &ScriptedServer)| json!({"name": format!("m{number}"), "url": machine.url(), "max_concurrent": 2});
        machines.iter().enumerate().map(entry).collect::<Value>()
    };
    write_fleet(&layer, &list(&machines));
    let mut run = Background::start(&layer, &["--endpoints-file", "fleet.json"]);
    let mut killed = Vec::new();
    let mut next = 0;
    while run.has_ended().is_none() {
        // Half of them at once, as soon as something is under way; then others come.
        for _ in 0..2 {
            machines[next].stop();
            killed.push(std::mem::replace(&mut machines[next], start()));
            next = (next + 1) % machines.len();
        }
        let complete = count(&layer, "complete");
        write_fleet(&layer, &list(&machines));
        wait_for("more is complete", || {
            count(&layer, "complete") > complete + 2 || run.has_ended().is_some()
        });
    }
    run.finish().assert_status(0).assert_says("0 failed");
    layer.assert_complete(invert);
    assert_sound(&layer);
    assert!(killed.len() >= 4, "only {} were killed", killed.len());
    let paid: usize = killed
        .iter()
        .chain(&machines)
        .map(|m| m.calls().len())
        .sum();
    let made = layer.sql("SELECT count(*) FROM attempts WHERE http_status = 200")[0][0].clone();
    assert_eq!(made, layer.statuses()["complete"].to_string());
    assert!(paid >= layer.statuses()["complete"]);
}

#[test]
fn a_file_of_endpoints_is_read_at_the_start_or_refused() {
    let server = ServerSpec::new().start();
    let layer = layer_at(city(), &[&server]);
    let args = ["--endpoints-file", "fleet.json"];
    let refused = layer.run(PROGRAM, &args);
    refused
        .assert_status(2)
        .assert_says("there is no fleet.json");
    refused.assert_says("write [] into it");
    let twice = json!([{"name": "a", "url": "http://localhost:1/"}]);
    for (text, told) in [
        (twice.to_string(), "an endpoint has the name \"a\""),
        (
            "[{\"name\": \"b\"}]".to_owned(),
            "fleet.json[0]: the key \"url\" is missing",
        ),
        ("[".to_owned(), "fleet.json is not valid JSON"),
    ] {
        fs::write(layer.root().join("fleet.json"), text).expect("a file");
        layer.run(PROGRAM, &args).assert_status(2).assert_says(told);
    }
    assert!(server.calls().is_empty());
    write_fleet(
        &layer,
        &json!([{"name": "b", "url": server.url(), "max_concurrent": "auto"}]),
    );
    let dry = layer.run(PROGRAM, &[&args[..], &["--dry-run"]].concat());
    dry.assert_status(0).assert_says("-> b");
    dry.assert_says("endpoint b: ")
        .assert_says("auto, at most 16");
    let checked = layer.run(PROGRAM, &[&args[..], &["--check-endpoints"]].concat());
    checked
        .assert_status(0)
        .assert_says("2 of 2 endpoints work");
}

#[test]
fn a_run_without_endpoints_waits_for_one_in_the_file_and_can_be_stopped() {
    let layer = layer_at(city(), &[]);
    write_fleet(&layer, &json!([]));
    let args = ["--endpoints-file", "fleet.json", "--startup-wait", "0"];
    let mut run = Background::start(&layer, &args);
    run.wait_until_says("no endpoint is left; waiting for one in fleet.json");
    run.signal("INT");
    // The command that goes on waits as well.
    run.finish()
        .assert_status(130)
        .assert_says("--layer-dir layers/test --endpoints-file fleet.json");
    assert_eq!(layer.statuses().len(), 1, "{:?}", layer.statuses());
    let none = layer.run(PROGRAM, &["--check-endpoints", args[0], args[1]]);
    none.assert_status(2)
        .assert_says("there is no endpoint to check yet in fleet.json");
}

#[test]
fn an_endpoint_finds_out_how_many_calls_at_a_time_are_worth_it() {
    let server = ServerSpec::new().latency(Duration::from_millis(5)).start();
    let layer = layer_at(city(), &[]);
    let entry = json!({"name": "a", "url": server.url(), "max_concurrent": "auto",
        "max_concurrent_limit": 3, "price": {"per_hour": 3.6}});
    layer.configure(|config| config["model_endpoints"] = json!([entry]));
    let run = layer.run(PROGRAM, &["--max-cost", "10", "--summary", "run.json"]);
    run.assert_status(0)
        .assert_says("auto, at most 3 at a time");
    run.assert_says("  auto: ");
    layer.assert_complete(invert);
    assert!(server.most_under_way() <= 3);
    let figures = fs::read_to_string(layer.root().join("run.json")).expect("a summary");
    let figures: Value = serde_json::from_str(&figures).expect("JSON");
    let settled = figures["endpoints"][0]["settled_on"].as_u64();
    assert!(
        settled.is_some_and(|width| (1..=3).contains(&width)),
        "{settled:?}"
    );
}

#[test]
fn an_endpoint_that_takes_another_form_of_canvas_joins() {
    let may_answer = Arc::new(AtomicBool::new(false));
    let (first, second) = (answering_after(&may_answer), ServerSpec::new().start());
    let layer = layer_at(city(), &[&first]);
    let run = Background::start(&layer, &[]);
    assert!(first.wait_for_calls(1, PATIENCE));
    layer.configure(|config| {
        let second = json!({"name": "b", "url": second.url(), "image_format": {"jpeg": 100}});
        config["model_endpoints"] = json!([config["model_endpoints"][0], second]);
    });
    assert!(second.wait_for_calls(1, PATIENCE));
    may_answer.store(true, Ordering::SeqCst);
    let run = run.finish();
    run.assert_status(0);
    let kind =
        |request: &RecordedRequest| request.json()["image_b64"].as_str().unwrap()[..4].to_owned();
    assert!(
        second.calls().iter().all(|call| kind(call) == "/9j/"),
        "JPEGs"
    );
    assert!(
        first.calls().iter().all(|call| kind(call) == "iVBO"),
        "PNGs"
    );
}

//! What a run tells scripts and people: `--progress json`, `--summary`, `--color`, `-q`, `-v`.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fixtures::layers::{Run, TestLayer, endpoints_at, events_of};
use fixtures::maps::MapSpec;
use fixtures::programs::require_texts;
use fixtures::server::{Reply, ScriptedServer, ServerSpec};
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_generate_full_map_layer");

fn layer_at(server: &ScriptedServer) -> TestLayer {
    let map = MapSpec::rectangle(9, 9).quadrant_px(16, 12);
    TestLayer::new(map, &endpoints_at([server.url().as_str()]))
}

fn ended(run: &Run) -> Value {
    run.events().pop().expect("it has ended")
}

fn of<'a>(events: &'a [Value], name: &str) -> Vec<&'a Value> {
    let named = events.iter().filter(|event| event["event"] == name);
    named.collect()
}

fn summary(layer: &TestLayer) -> Value {
    let text = std::fs::read_to_string(layer.root().join("run.json")).expect("run.json");
    serde_json::from_str(&text).expect("it is JSON")
}

const FOLLOWED: [&str; 4] = ["--progress", "json", "--summary", "run.json"];

#[test]
fn a_script_is_told_each_item_and_the_figures_of_the_end() {
    let server = ServerSpec::new().start();
    let layer = layer_at(&server);
    let run = layer.run(PROGRAM, &FOLLOWED);
    run.assert_status(0);
    let events = run.events();
    let items = layer.statuses()["complete"];
    let started = &events[0];
    assert_eq!(started["event"], "started");
    assert_eq!(started["version"], 1);
    assert_eq!(started["items"], items);
    assert_eq!(started["pending"], items);
    assert_eq!(started["quadrants"], 81);
    assert_eq!(started["endpoints"][0]["endpoint"], "a");
    let told = of(&events, "item");
    assert_eq!(told.len(), items, "each item is told once");
    let quadrants: u64 = told
        .iter()
        .filter_map(|item| item["quadrants"].as_u64())
        .sum();
    assert_eq!(quadrants, 81);
    for (index, item) in told.iter().enumerate() {
        assert_eq!(item["totals"]["complete"], index + 1);
        let row = layer.sql(&format!(
            "SELECT top_left_x, top_left_y, step, block_type FROM generation_plan WHERE id = {}",
            item["item"]
        ));
        let number = |key: &str| item[key].to_string();
        assert_eq!(row[0][..3], [number("x"), number("y"), number("step")]);
        assert!(
            item["seconds"]
                .as_f64()
                .is_some_and(|seconds| seconds > 0.0)
        );
    }
    let end = ended(&run);
    assert_eq!(end["run"]["items_complete"], items);
    assert_eq!(end["run"]["calls"], server.calls().len());
    assert_eq!(end["endpoints"][0]["saved"], items);
    assert_eq!(end["reason"], Value::Null);
    let mut same = end.clone();
    for key in ["event", "at"] {
        same.as_object_mut().expect("an object").remove(key);
    }
    assert_eq!(summary(&layer), same, "the file says what the event says");
    // People are told on standard error.
    assert!(
        run.stderr.contains("items complete, 0 failed"),
        "{}",
        run.stderr
    );
    let again = layer.run(PROGRAM, &FOLLOWED);
    again.assert_status(0);
    assert_eq!(ended(&again)["pending"], 0);
}

#[test]
fn failures_wasted_calls_and_endpoints_that_are_out_are_told() {
    let server = ServerSpec::new().script(|_, _| Reply::status(401)).start();
    let layer = layer_at(&server);
    let run = layer.run(PROGRAM, &FOLLOWED);
    run.assert_status(3);
    let all = run.events();
    let out = of(&all, "endpoint_out");
    assert_eq!(out.len(), 1);
    assert_eq!(out[0]["endpoint"], "a");
    assert!(
        out[0]["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("401"))
    );
    assert_eq!(of(&all, "wasted").len(), server.calls().len());
    let end = ended(&run);
    assert_eq!(end["endpoints"][0]["out"], out[0]["reason"]);
    assert!(end["goes_on"].is_string() && end["reason"].is_string());
    assert_eq!(summary(&layer)["exit_status"], 3);

    let server = ServerSpec::new().script(|_, _| Reply::status(422)).start();
    let layer = layer_at(&server);
    let run = layer.run(PROGRAM, &[&FOLLOWED[..], &["--max-items", "2"]].concat());
    let all = run.events();
    let failed = of(&all, "failed");
    assert_eq!(failed.len(), layer.statuses()["error"], "{}", run.stderr);
    assert!(!failed.is_empty());
    assert!(
        failed[0]["message"]
            .as_str()
            .is_some_and(|said| said.contains("422"))
    );
    let end = ended(&run);
    assert_eq!(end["run"]["items_failed"], failed.len());
    let again = layer.run(
        PROGRAM,
        &[
            "--progress",
            "json",
            "--max-items",
            "50",
            "--max-errors",
            "99",
        ],
    );
    ended(&again);
}

#[test]
fn what_runs_nothing_tells_its_figures_and_its_text() {
    let server = ServerSpec::new().start();
    let layer = layer_at(&server);
    let run = layer.run(PROGRAM, &["--progress", "json", "--dry-run"]);
    run.assert_status(0);
    let end = ended(&run);
    assert_eq!(end["pending"], end["items"]);
    let text = end["text"].as_str().expect("a text");
    assert!(text.contains("calls would be made") && run.stderr.contains(text));
    let refusing = ServerSpec::new().script(|_, _| Reply::status(401)).start();
    let urls = [server.url(), refusing.url()];
    layer.configure(|config| {
        config["model_endpoints"] = endpoints_at(urls.iter().map(String::as_str));
    });
    let run = layer.run(PROGRAM, &["--check-endpoints", "-q", "--summary", "-"]);
    run.assert_status(3);
    let told: Value = serde_json::from_str(&run.stdout).expect("nothing else is there");
    let [good, bad] = [&told["endpoints"][0], &told["endpoints"][1]];
    assert_eq!(
        (&good["endpoint"], &good["works"]),
        (&json!("a"), &json!(true))
    );
    assert_eq!(bad["works"], false);
    assert!(
        bad["status"]
            .as_str()
            .is_some_and(|status| status.starts_with("401"))
    );
    assert!(good["latency"].is_f64() && bad["result"].is_string());
}

#[test]
fn what_is_refused_ends_with_its_reason() {
    let server = ServerSpec::new().start();
    let layer = layer_at(&server);
    let long = format!("{}.json", "a".repeat(300));
    let wrong: [&[&str]; 8] = [
        &["--summary", "new/"],
        &["--summary", ""],
        &["--summary", &long],
        &["--max-items", "0"],
        &["--keep", "100,100"],
        &["--summary", "."],
        &["--summary", "nowhere/run.json"],
        &["--summary", "-"],
    ];
    for args in wrong {
        let run = layer.run(PROGRAM, &[&["--progress", "json"], args].concat());
        run.assert_status(2);
        let end = ended(&run);
        let reason = end["reason"].as_str().expect("a reason");
        assert!(run.stderr.contains(reason), "{reason}\n{}", run.stderr);
    }
    layer.configure(|config| config["storage"] = json!("tape"));
    let run = layer.run(PROGRAM, &FOLLOWED);
    run.assert_status(2);
    assert_eq!(ended(&run)["exit_status"], 2);
    assert_eq!(summary(&layer)["exit_status"], 2);
    assert_eq!(server.calls().len(), 0, "nothing was called");
}

#[test]
fn a_signal_ends_with_its_status_and_a_kill_leaves_whole_lines() {
    for (signal, status) in [("INT", Some(130)), ("TERM", Some(143)), ("KILL", None)] {
        let server = ServerSpec::new().latency(Duration::from_millis(20)).start();
        let layer = layer_at(&server);
        let mut command = layer.command(PROGRAM, &FOLLOWED);
        let mut child = command.stderr(Stdio::null()).spawn().expect("it starts");
        let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut stdout = String::new();
        while !stdout.contains("\"event\":\"item\"") {
            assert!(
                output.read_line(&mut stdout).expect("a line") > 0,
                "{stdout}"
            );
        }
        let kill = ["-s", signal, &child.id().to_string()];
        assert!(Command::new("kill").args(kill).status().is_ok());
        while output.read_line(&mut stdout).expect("a line") > 0 {}
        let ended_with = child.wait().expect("it ends").code();
        assert_eq!(ended_with, status);
        let all = events_of(&stdout);
        match status {
            Some(status) => {
                let last = all.last().expect("there are events");
                assert_eq!(last["event"], "ended");
                assert_eq!(last["exit_status"], status);
                assert_eq!(last["reason"], format!("SIG{signal}"));
                assert_eq!(last["run"]["items_complete"], of(&all, "item").len());
                assert_eq!(summary(&layer)["exit_status"], status);
            }
            None => {
                assert!(of(&all, "ended").is_empty());
                assert!(!layer.root().join("run.json").exists());
            }
        }
    }
}

#[test]
fn a_second_signal_ends_at_once_and_that_is_told_too() {
    let server = ServerSpec::new().script(|_, _| Reply::hang()).start();
    let layer = layer_at(&server);
    let mut command = layer.command(PROGRAM, &FOLLOWED);
    let mut child = command.spawn().expect("it starts");
    let mut errors = BufReader::new(child.stderr.take().expect("a pipe"));
    let signal = |id: u32| {
        let kill = Command::new("kill")
            .args(["-s", "INT", &id.to_string()])
            .status();
        assert!(kill.is_ok_and(|status| status.success()));
    };
    let deadline = Instant::now() + Duration::from_secs(30);
    while server.calls().is_empty() {
        assert!(Instant::now() < deadline, "nothing is called");
        std::thread::sleep(Duration::from_millis(5));
    }
    signal(child.id());
    let mut said = String::new();
    while !said.contains("waiting up to") {
        assert!(errors.read_line(&mut said).expect("a line") > 0, "{said}");
    }
    signal(child.id());
    let output = child.wait_with_output().expect("it ends");
    let run = Run::of(&output);
    run.assert_status(130);
    assert_eq!(ended(&run)["reason"], "SIGINT, twice");
}

#[test]
fn completions_and_the_manual_page_are_printed() {
    require_texts(PROGRAM, "generate_full_map_layer", "check-endpoints");
}

#[test]
fn a_reader_that_goes_away_or_does_not_read_holds_up_nothing() {
    let server = ServerSpec::new().start();
    let layer = layer_at(&server);
    let mut command = layer.command(PROGRAM, &FOLLOWED);
    let mut child = command.stderr(Stdio::null()).spawn().expect("it starts");
    drop(child.stdout.take());
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    assert_eq!(summary(&layer)["pending"], 0);

    // The pipe takes some of the lines only.
    let layer = layer_at(&server);
    let mut command = layer.command(PROGRAM, &FOLLOWED);
    let mut child = command.stderr(Stdio::null()).spawn().expect("it starts");
    let unread = child.stdout.take();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !layer.root().join("run.json").exists() {
        assert!(Instant::now() < deadline, "it waits for the reader");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(summary(&layer)["pending"], 0);
    drop(unread);
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn the_summary_goes_to_standard_output_a_link_or_a_pipe_and_is_replaced_whole() {
    let server = ServerSpec::new().start();
    let layer = layer_at(&server);
    let run = layer.run(PROGRAM, &["--summary", "-", "--max-items", "1"]);
    let told: Value = serde_json::from_str(&run.stdout).expect("nothing else is there");
    assert_eq!(told["run"]["items_complete"], 1);
    assert!(run.stderr.contains("To go on:"));

    let file = layer.root().join("there.json");
    let old = serde_json::to_vec(&told).expect("JSON");
    std::fs::write(&file, old).expect("a file");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o640)).expect("its mode");
    std::os::unix::fs::symlink("there.json", layer.root().join("run.json")).expect("a link");
    layer
        .run(PROGRAM, &["--summary", "run.json", "--max-items", "1"])
        .assert_status(0);
    assert!(layer.root().join("run.json").is_symlink(), "the link stays");
    assert_eq!(summary(&layer)["complete"], 2);
    let mode = std::fs::metadata(&file)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o640, "and so does who may read it");
    layer
        .run(
            PROGRAM,
            &["--summary", "/dev/null", "-q", "--max-items", "1"],
        )
        .assert_status(0);
    assert!(
        !std::fs::metadata("/dev/null")
            .expect("it is there")
            .is_file()
    );
    let left = std::fs::read_dir(layer.root())
        .expect("a directory")
        .flatten();
    let left = left.filter(|entry| entry.file_name().to_string_lossy().starts_with('.'));
    assert_eq!(left.count(), 0, "nothing is left beside it");
}

#[test]
fn quiet_says_errors_and_what_was_asked_for_and_verbose_says_more() {
    let server = ServerSpec::new().start();
    let layer = layer_at(&server);
    let asked = layer.run(PROGRAM, &["-q", "--dry-run"]);
    assert!(asked.stdout.contains("calls would be made"));
    let run = layer.run(PROGRAM, &["-q", "--max-items", "2"]);
    run.assert_status(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    let run = layer.run(PROGRAM, &["-v", "--max-items", "2"]);
    assert!(
        run.stderr.contains("DEBUG") && run.stderr.contains("called"),
        "{}",
        run.stderr
    );
    let mut command = layer.command(PROGRAM, &["-v", "--max-items", "2"]);
    let output = command
        .env("RUST_LOG", "error")
        .output()
        .expect("it starts");
    assert!(!String::from_utf8_lossy(&output.stderr).contains("DEBUG"));
    let run = layer.run(PROGRAM, &["--progress", "none"]);
    assert!(!run.stdout.contains("[Step "), "{}", run.stdout);
    run.assert_says("items complete, 0 failed");
    let run = layer.run(PROGRAM, &["-q", "--keep", "100,100"]);
    run.assert_status(2).assert_says("error: ");
}

#[test]
fn colours_are_where_they_are_asked_for() {
    let server = ServerSpec::new().start();
    let layer = layer_at(&server);
    let colours = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = layer.command(PROGRAM, args);
        command
            .env_remove("NO_COLOR")
            .envs(variables.iter().copied());
        let output = command.output().expect("it starts");
        let has = |bytes: &[u8]| bytes.contains(&0x1b);
        (has(&output.stdout), has(&output.stderr))
    };
    let forced = [("CLICOLOR_FORCE", "1")];
    let both = [("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")];
    let refused = ["--keep", "100,100"];
    assert_eq!(colours(&refused, &[]), (false, false), "it is no terminal");
    assert_eq!(colours(&refused, &forced), (false, true));
    assert_eq!(colours(&refused, &both), (false, false), "NO_COLOR wins");
    for (when, expected) in [("always", true), ("never", false)] {
        let with = |args: &[&'static str]| [&["--color", when], args].concat();
        assert_eq!(colours(&with(&refused), &both), (false, expected));
        assert_eq!(colours(&with(&["--help"]), &both), (expected, false));
        let wrong = with(&["--max-items", "0"]);
        assert_eq!(colours(&wrong, &forced), (false, expected));
    }
}

//! SIGINT, SIGTERM and SIGHUP at every stage of a run.

use std::process::{Child, Command};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use fixtures::held::HeldDatabase;
use fixtures::layers::{TestLayer, endpoints_at};
use fixtures::maps::MapSpec;
use fixtures::server::{Reply, ReservedPort, ServerSpec};
use layer::Storage;
use planner::Quadrant;

use crate::support::{
    Background, ItemsByCanvas, PATIENCE, PROGRAM, answering_after, assert_sound, city, count,
    invert, layer_at, set_option, wait_for,
};

#[test]
fn the_first_signal_waits_for_the_calls_that_are_paid_for() {
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let answer = Arc::new(AtomicBool::new(false));
        // The answers come only after the run has said that it waits for them.
        let server = answering_after(&answer);
        let layer = layer_at(city(), &[&server]);
        let mut run = Background::start(&layer, &[]);
        wait_for("a call", || count(&layer, "in_progress") == 1);
        run.signal(signal);
        run.wait_until_says("waiting up to 10m 0s for 1 under way, which are paid for");
        answer.store(true, Ordering::SeqCst);
        let run = run.finish();
        run.assert_status(status)
            .assert_says(&format!("SIG{signal}"));
        run.assert_says("1 items complete, 0 failed")
            .assert_says("1 calls made, 0 wasted");
        assert_eq!(
            (count(&layer, "complete"), count(&layer, "in_progress")),
            (1, 0)
        );
        assert_sound(&layer);
        layer.run(PROGRAM, &[]).assert_status(0);
        layer.assert_complete(invert);
        assert_eq!(
            server.calls().len(),
            layer.statuses()["complete"],
            "a call was made twice"
        );
    }
}

/// A terminal, in which `shell` starts a run of the layer and is replaced by it: the run is all that is
/// in it. It writes to `out.txt`, `err.txt` and `run.json`.
fn terminal_with(layer: &TestLayer, shell: &str) -> Child {
    let command = format!(
        "{shell} exec {PROGRAM} --layer-dir layers/test --summary run.json > out.txt 2> err.txt"
    );
    Command::new("script")
        .args(["-q", "-e", "-c", &command, "/dev/null"])
        .current_dir(layer.root())
        .env_remove("RUST_LOG")
        .env("SHELL", "/bin/sh")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .expect("script is there")
}

/// Whether a run in a terminal has said it.
fn has_said(layer: &TestLayer, text: &str) -> bool {
    let files = ["out.txt", "err.txt"].map(|file| layer.root().join(file));
    let said = files.map(|file| std::fs::read_to_string(file).unwrap_or_default());
    said.iter().any(|said| said.contains(text))
}

/// The exit status of a run in a terminal, when it has ended.
fn status_in_summary(layer: &TestLayer) -> serde_json::Value {
    let summary = layer.root().join("run.json");
    let figures = || std::fs::read(&summary).ok();
    wait_for("the summary", || {
        figures().is_some_and(|text| !text.is_empty())
    });
    let figures: serde_json::Value =
        serde_json::from_slice(&figures().expect("a file")).expect("JSON");
    figures["exit_status"].clone()
}

#[test]
fn a_terminal_that_closes_ends_the_run_when_the_calls_are_answered_that_are_paid_for() {
    let answer = Arc::new(AtomicBool::new(false));
    let server = answering_after(&answer);
    let layer = layer_at(city(), &[&server]);
    let mut terminal = terminal_with(&layer, "");
    let said = |text: &str| has_said(&layer, text);
    wait_for("a call", || count(&layer, "in_progress") == 1);
    terminal.kill().expect("it is there");
    terminal.wait().expect("it has ended");
    wait_for("the end", || {
        said("SIGHUP: no new calls; waiting up to 10m 0s for 1 under way")
    });
    answer.store(true, Ordering::SeqCst);
    assert_eq!(status_in_summary(&layer), 129);
    wait_for("the last words", || said("1 items complete, 0 failed"));
    assert!(said("1 calls made, 0 wasted"));
    assert_eq!(
        (count(&layer, "complete"), count(&layer, "in_progress")),
        (1, 0)
    );
    assert_sound(&layer);
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(invert);
    assert_eq!(server.calls().len(), layer.statuses()["complete"]);
}

#[test]
fn a_terminal_that_closes_does_not_end_a_run_that_ignored_sighup_when_it_began() {
    let answer = Arc::new(AtomicBool::new(false));
    let server = answering_after(&answer);
    let layer = layer_at(city(), &[&server]);
    // As `nohup` starts it.
    let mut terminal = terminal_with(&layer, "trap '' HUP;");
    wait_for("a call", || count(&layer, "in_progress") == 1);
    terminal.kill().expect("it is there");
    terminal.wait().expect("it has ended");
    wait_for("a word on the signal", || {
        has_said(&layer, "SIGHUP") || has_said(&layer, "the endpoints were read again")
    });
    answer.store(true, Ordering::SeqCst);
    assert_eq!(status_in_summary(&layer), 0);
    layer.assert_complete(invert);
}

#[test]
fn what_outlasts_the_drain_is_pending_again() {
    let servers = [
        ServerSpec::new().start(),
        ServerSpec::new().script(|_, _| Reply::hang()).start(),
    ];
    let layer = layer_at(city(), &[&servers[0], &servers[1]]);
    let mut run = Background::start(&layer, &["--drain-s", "0.3"]);
    assert!(servers[1].wait_for_calls(1, PATIENCE));
    run.signal("INT");
    run.wait_until_says("waiting up to");
    run.finish().assert_status(130).assert_says("calls made");
    assert_eq!(count(&layer, "in_progress"), 0);
    let interrupted = layer.sql("SELECT count(*) FROM attempts WHERE outcome = 'interrupted'");
    assert_eq!(interrupted[0][0], "1");
    assert_sound(&layer);
}

#[test]
fn the_drain_lasts_as_long_as_the_endpoints_own_timeout() {
    let server = ServerSpec::new().script(|_, _| Reply::hang()).start();
    let layer = layer_at(city(), &[&server]);
    set_option(&layer, 0, "timeout_s", 3);
    let mut run = Background::start(&layer, &[]);
    assert!(server.wait_for_calls(1, PATIENCE));
    run.signal("TERM");
    run.wait_until_says("waiting up to 3s for 1 under way");
    run.finish().assert_status(143);
    assert_eq!(count(&layer, "in_progress"), 0);
}

#[test]
fn the_second_signal_ends_the_run_at_once_and_loses_nothing() {
    let server = ServerSpec::new()
        .script(|_, call| {
            if call <= 5 {
                Reply::model()
            } else {
                Reply::hang()
            }
        })
        .start();
    let layer = layer_at(city(), &[&server]);
    let mut run = Background::start(&layer, &[]);
    assert!(server.wait_for_calls(6, PATIENCE));
    run.signal("INT");
    run.wait_until_says("waiting up to");
    run.signal("INT");
    run.finish().assert_status(130);
    assert_sound(&layer);
    let in_flight = count(&layer, "in_progress");
    server.set_script(|_, _| Reply::model());
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(invert);
    let calls = ItemsByCanvas::of(&layer).calls(&[&server]);
    let repeated = calls.values().filter(|&&calls| calls == 2).count();
    assert!(calls.values().all(|&calls| calls <= 2), "{calls:?}");
    assert!((1..=in_flight).contains(&repeated), "{calls:?}");
}

#[test]
fn a_signal_ends_a_run_that_waits_for_endpoints() {
    let nobody = ReservedPort::any();
    let layer = layer_at(city(), &[]);
    layer.configure(|config| config["model_endpoints"] = endpoints_at([nobody.url().as_str()]));
    let mut run = Background::start(&layer, &[]);
    run.wait_until_says("no endpoint answers; waiting for one: a (cannot connect");
    run.signal("TERM");
    let run = run.finish();
    run.assert_status(143)
        .assert_says("no new calls, and none is under way");
    run.assert_says("0 items complete");
    assert_eq!(layer.statuses().len(), 1, "{:?}", layer.statuses());
}

#[test]
fn a_signal_ends_a_run_that_has_not_got_its_database_yet() {
    let server = ServerSpec::new().start();
    let layer = layer_at(city(), &[&server]);
    let held = HeldDatabase::hold(&layer.dir().join("progress.db"));
    let mut run = Background::start(&layer, &[]);
    std::thread::sleep(Duration::from_millis(300));
    assert!(run.has_ended().is_none());
    run.signal("INT");
    run.finish()
        .assert_status(130)
        .assert_says("SIGINT: ended before the first call");
    drop(held);
    assert!(server.calls().is_empty());
    layer.run(PROGRAM, &[]).assert_status(0);
}

#[test]
fn a_signal_ends_the_check_of_finished_pictures() {
    let server = ServerSpec::new().start();
    let endpoints = endpoints_at([server.url().as_str()]);
    let layer = TestLayer::stored_in(Storage::Files, MapSpec::rectangle(5, 5), &endpoints);
    layer.run(PROGRAM, &[]).assert_status(0);
    // Whoever reads a pipe that nobody writes to waits for ever.
    let _ = layer.sql("DELETE FROM pictures");
    let pipe = layer.picture_path(Quadrant::new(2, 2));
    std::fs::remove_file(&pipe).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    let mut run = Background::start(&layer, &["--resume"]);
    std::thread::sleep(Duration::from_millis(300));
    assert!(run.has_ended().is_none());
    run.signal("TERM");
    run.finish()
        .assert_status(143)
        .assert_says("ended before the first call");
    std::fs::remove_file(&pipe).unwrap();
    layer
        .run(PROGRAM, &["--resume"])
        .assert_status(0)
        .assert_says("1 have missing");
    layer.assert_complete(invert);
}

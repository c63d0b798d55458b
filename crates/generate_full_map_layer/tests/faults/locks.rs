//! Two runs on one layer, and other programs that hold its databases.

use std::path::PathBuf;
use std::time::Duration;

use fixtures::held::HeldDatabase;
use fixtures::layers::{TestLayer, endpoints_at, snapshot};
use fixtures::maps::{MapSpec, raw_sql_source};
use fixtures::server::{Reply, ServerSpec};
use serde_json::json;

use crate::support::{
    Background, PATIENCE, PROGRAM, assert_sound, city, count, invert, is_long, layer_at,
};

/// How long another program holds a database.
fn while_held() {
    std::thread::sleep(Duration::from_secs(if is_long() { 30 } else { 2 }));
}

#[test]
fn a_second_run_says_who_holds_the_layer_and_touches_nothing() {
    let server = ServerSpec::new().script(|_, _| Reply::hang()).start();
    let layer = layer_at(city(), &[&server]);
    let first = Background::start(&layer, &[]);
    assert!(server.wait_for_calls(1, PATIENCE));
    // But for the file in which SQLite notes who is reading.
    let files = || {
        let mut files = snapshot(layer.root().to_owned());
        files.retain(|(path, _)| !path.ends_with("progress.db-shm"));
        files
    };
    let before = files();
    for args in [&[][..], &["--resume"], &["--retry-errors"]] {
        let second = layer.run(PROGRAM, args);
        second
            .assert_status(2)
            .assert_says("is in use by another run");
        let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
        second.assert_says(&format!(
            "process {} on {}, since 20",
            first.pid(),
            host.trim()
        ));
    }
    let after = files();
    let changed = before
        .iter()
        .zip(&after)
        .find(|(before, after)| before != after);
    let changed = changed.map(|((path, _), (after, _))| (path, after));
    assert!(
        before.len() == after.len() && changed.is_none(),
        "{changed:?}"
    );
    assert_eq!(server.calls().len(), 1);
    let said = std::fs::read_to_string(layer.dir().join("run.lock.json")).unwrap();
    assert!(said.contains(&format!("\"pid\":{}", first.pid())), "{said}");
}

#[test]
fn the_lock_of_a_dead_run_is_no_obstacle() {
    let server = ServerSpec::new().script(|_, _| Reply::hang()).start();
    let layer = layer_at(city(), &[&server]);
    let first = Background::start(&layer, &[]);
    assert!(server.wait_for_calls(1, PATIENCE));
    assert!(first.kill());
    assert!(
        layer.dir().join("run.lock.json").exists(),
        "it had no time to tidy up"
    );
    server.set_script(|_, _| Reply::model());
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(invert);
    assert!(!layer.dir().join("run.lock.json").exists());
}

#[test]
fn a_progress_db_that_is_held_before_the_run_delays_it_and_no_more() {
    let server = ServerSpec::new().start();
    let layer = layer_at(city(), &[&server]);
    let held = HeldDatabase::hold(&layer.dir().join("progress.db"));
    let mut run = Background::start(&layer, &[]);
    run.wait_until_says("progress.db, which another program holds");
    while_held();
    assert!(run.has_ended().is_none(), "it did not wait");
    drop(held);
    run.finish().assert_status(0);
    layer.assert_complete(invert);
}

#[test]
fn a_progress_db_that_is_held_during_the_run_delays_it_and_no_more() {
    let server = ServerSpec::new().latency(Duration::from_millis(20)).start();
    let layer = layer_at(city(), &[&server]);
    let mut run = Background::start(&layer, &["--startup-wait", "1"]);
    assert!(server.wait_for_calls(3, PATIENCE));
    let held = HeldDatabase::hold(&layer.dir().join("progress.db"));
    let calls = server.calls().len();
    run.wait_until_says("progress.db, which another program holds");
    while_held();
    assert!(run.has_ended().is_none(), "it did not wait");
    assert!(
        server.calls().len() <= calls + 1,
        "calls were made that nobody recorded"
    );
    drop(held);
    run.finish().assert_status(0).assert_says("0 failed");
    layer.assert_complete(invert);
    assert_eq!(server.calls().len(), layer.statuses()["complete"]);
}

#[test]
fn a_source_that_is_held_delays_the_run_and_no_more() {
    let server = ServerSpec::new().latency(Duration::from_millis(20)).start();
    let layer = layer_at(city(), &[&server]);
    let source = layer.map_dir().join("quadrants.db");
    let held = HeldDatabase::hold(&source);
    let mut run = Background::start(&layer, &[]);
    run.wait_until_says("quadrants.db, which another program holds");
    while_held();
    assert!(run.has_ended().is_none() && server.calls().is_empty());
    drop(held);
    assert!(server.wait_for_calls(3, PATIENCE));
    let held = HeldDatabase::hold(&source);
    while_held();
    assert!(run.has_ended().is_none(), "it did not wait");
    drop(held);
    run.finish().assert_status(0).assert_says("0 failed");
    layer.assert_complete(invert);
}

/// Everything in the generation directory: names, bytes, times.
fn state_of(dir: PathBuf) -> Vec<(PathBuf, Vec<u8>, std::time::SystemTime)> {
    let files = snapshot(dir);
    let timed = files.into_iter().map(|(path, bytes)| {
        let modified = path.metadata().unwrap().modified().unwrap();
        (path, bytes, modified)
    });
    timed.collect()
}

#[test]
fn the_source_is_never_changed_be_it_in_wal_mode() {
    for in_wal_mode in [false, true] {
        let server = ServerSpec::new().start();
        let layer = if in_wal_mode {
            wal_layer(&server.url())
        } else {
            layer_at(city(), &[&server])
        };
        let before = state_of(layer.map_dir());
        let died = Background::start(&layer, &[]);
        assert!(server.wait_for_calls(2, PATIENCE));
        died.kill();
        assert!(
            state_of(layer.map_dir()) == before,
            "a killed run left something"
        );
        layer.run(PROGRAM, &[]).assert_status(0);
        assert!(state_of(layer.map_dir()) == before, "WAL: {in_wal_mode}");
    }
}

/// A layer of a map that other tools wrote, whose database is in WAL mode.
fn wal_layer(url: &str) -> TestLayer {
    let layer = TestLayer::new(
        MapSpec::new(fixtures::maps::raw_sql_region(
            fixtures::maps::SourceLayer::Generations,
        )),
        &endpoints_at([url]),
    );
    std::fs::remove_dir_all(layer.map_dir()).unwrap();
    tokio::runtime::Runtime::new()
        .unwrap()
        .block_on(raw_sql_source(&layer.map_dir()));
    let _ = layer.sql("DELETE FROM metadata");
    layer
}

#[test]
fn a_source_in_wal_mode_that_is_being_written_delays_nothing() {
    let server = ServerSpec::new().start();
    let layer = wal_layer(&server.url());
    let _held = HeldDatabase::hold(&layer.map_dir().join("quadrants.db"));
    layer.run(PROGRAM, &[]).assert_status(0);
    assert_eq!(count(&layer, "pending"), 0);
}

#[test]
fn runs_of_two_layers_of_one_map_do_not_meet() {
    let server = ServerSpec::new().latency(Duration::from_millis(5)).start();
    let first = layer_at(city(), &[&server]);
    let second = layer_at(city(), &[&server]);
    second.configure(|config| config["generation_dir"] = json!(first.map_dir()));
    let runs = [
        Background::start(&first, &[]),
        Background::start(&second, &[]),
    ];
    for run in runs {
        run.finish().assert_status(0);
    }
    for layer in [first, second] {
        assert_sound(&layer);
        layer.assert_complete(invert);
    }
}

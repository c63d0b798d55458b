//! The map beside a run: it only reads, and shows no keys.

use std::io::{BufRead, BufReader};

use fixtures::held::HeldDatabase;
use fixtures::layers::TestLayer;
use fixtures::maps::MapSpec;
use layer::{LayerDir, RunLock};
use serde_json::json;

const PROGRAM: &str = env!("CARGO_BIN_EXE_debug_generate_full_map_layer");

#[test]
fn a_live_run_is_no_obstacle_and_is_not_disturbed() {
    let layer = TestLayer::new(MapSpec::rectangle(6, 6), &json!([]));
    let _ = layer.sql("PRAGMA journal_mode = WAL");
    let _ = layer.sql("UPDATE generation_plan SET status = 'in_progress' WHERE id = 2");
    let lock = RunLock::take(&LayerDir::at(layer.dir())).unwrap();
    let held = HeldDatabase::hold(&layer.dir().join("progress.db"));
    layer.run(PROGRAM, &[]).assert_status(0);
    drop(held);
    let refused = RunLock::take(&LayerDir::at(layer.dir())).unwrap_err();
    assert!(
        refused.to_string().contains("in use by another run"),
        "{refused}"
    );
    assert_eq!(layer.statuses()["in_progress"], 1);
    drop(lock);
}

#[test]
fn a_lock_that_another_program_holds_is_told_and_waited_for() {
    let layer = TestLayer::new(MapSpec::rectangle(3, 3), &json!([]));
    let (progress, source) = (
        layer.dir().join("progress.db"),
        layer.map_dir().join("quadrants.db"),
    );
    for (args, path) in [
        (&[][..], &progress),
        (&[], &source),
        (&["--seams"], &progress),
        (&["--seams"], &source),
    ] {
        let held = HeldDatabase::hold(path);
        let mut child = layer.command(PROGRAM, args).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = said.next().unwrap().unwrap();
        assert!(line.starts_with("waiting for "), "{line}");
        assert!(line.ends_with(", which another program holds"), "{line}");
        drop(held);
        assert!(child.wait().unwrap().success());
    }
}

#[test]
fn the_page_shows_no_keys() {
    let keys = [
        "query-key-11aa22bb",
        "header-key-33cc44dd",
        "pass-word-55ee66ff",
    ];
    let url = format!("http://user:{}@localhost:1/?key={}", keys[2], keys[0]);
    let layer = TestLayer::new(
        MapSpec::rectangle(3, 3),
        &json!([{"name": "a", "url": url, "api_key_env": "KEY", "headers": {"x-key": keys[1]}}]),
    );
    let mut command = layer.command(PROGRAM, &[]);
    let output = command
        .env("RUST_LOG", "trace")
        .env("KEY", "env-key-77gg88hh")
        .output()
        .unwrap();
    assert!(output.status.success());
    let page = std::fs::read(layer.dir().join("debug_map.html")).unwrap();
    for written in [&page, &output.stdout, &output.stderr] {
        let text = String::from_utf8_lossy(written);
        for key in keys.into_iter().chain(["env-key-77gg88hh"]) {
            assert!(!text.contains(key), "{key} is shown");
        }
    }
}

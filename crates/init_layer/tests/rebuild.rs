//! `--rebuild`: a new `progress.db` where the old one is damaged or lost.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use fixtures::held::HeldDatabase;
use fixtures::layers::{Run, TestLayer};
use fixtures::maps::{MapSpec, encode_png};
use layer::{LayerDir, RunLock};
use planner::Quadrant;
use serde_json::json;

fn init(layer: &TestLayer, args: &[&str]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_init_layer"));
    Run::of(
        &command
            .current_dir(layer.root())
            .args(args)
            .output()
            .unwrap(),
    )
}

const REBUILD: [&str; 3] = ["--rebuild", "--output", "layers/test"];

/// A layer some of whose pictures are there: all of two blocks, half of a third.
fn begun() -> TestLayer {
    let layer = TestLayer::new(
        MapSpec::rectangle(9, 9),
        &json!([{"name": "a", "url": "http://localhost:1/"}]),
    );
    for (x, y) in [
        (0, 0),
        (1, 0),
        (0, 1),
        (1, 1),
        (3, 0),
        (4, 0),
        (3, 1),
        (4, 1),
        (6, 0),
        (7, 0),
    ] {
        let quadrant = Quadrant::new(x, y);
        let bytes = encode_png(layer.source(quadrant));
        std::fs::write(layer.picture_path(quadrant), bytes).unwrap();
    }
    layer
}

fn plan_of(layer: &TestLayer) -> Vec<Vec<String>> {
    layer.sql("SELECT id, step, block_type, top_left_x, top_left_y, width, height FROM generation_plan ORDER BY id")
}

#[test]
fn what_is_there_is_complete_and_the_rest_pending() {
    for damage in ["garbage", "cut", "lost", "empty"] {
        let layer = begun();
        let plan = plan_of(&layer);
        let path = layer.dir().join("progress.db");
        let whole = std::fs::read(&path).unwrap();
        match damage {
            "garbage" => std::fs::write(&path, vec![7; whole.len()]).unwrap(),
            "cut" => std::fs::write(&path, &whole[..whole.len() / 3]).unwrap(),
            "empty" => std::fs::write(&path, "").unwrap(),
            _ => std::fs::remove_file(&path).unwrap(),
        }
        let damaged = std::fs::read(&path).ok();
        init(&layer, &REBUILD).assert_status(0);
        assert_eq!(
            plan_of(&layer),
            plan,
            "{damage}: the same region has the same plan"
        );
        let expected = BTreeMap::from([
            ("complete".to_owned(), 2),
            ("pending".to_owned(), plan.len() - 2),
        ]);
        assert_eq!(layer.statuses(), expected, "{damage}");
        let complete = layer
            .sql("SELECT top_left_x, top_left_y FROM generation_plan WHERE status = 'complete'");
        assert_eq!(complete, [["0", "0"], ["3", "0"]]);
        // Of these pictures nothing is known, so that --resume decodes them.
        assert_eq!(layer.sql("SELECT count(*) FROM pictures")[0][0], "0");
        let kept: Vec<Vec<u8>> = std::fs::read_dir(layer.dir())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().contains("progress.db.bak-"))
            .map(|path| std::fs::read(path).unwrap())
            .collect();
        assert_eq!(
            kept,
            damaged.into_iter().collect::<Vec<_>>(),
            "{damage}: the old one is kept"
        );
    }
}

#[test]
fn a_live_run_is_respected_and_nothing_is_left_by_what_fails() {
    let layer = begun();
    let lock = RunLock::take(&LayerDir::at(layer.dir())).unwrap();
    init(&layer, &REBUILD)
        .assert_status(2)
        .assert_says("is in use by another run (process ");
    drop(lock);
    let names = || {
        let entries = std::fs::read_dir(layer.dir()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let before = (
        names(),
        std::fs::read(layer.dir().join("progress.db")).unwrap(),
    );
    std::fs::rename(layer.map_dir(), layer.root().join("aside")).unwrap();
    init(&layer, &REBUILD)
        .assert_status(2)
        .assert_says("there is no");
    assert!(
        (
            names(),
            std::fs::read(layer.dir().join("progress.db")).unwrap()
        ) == before
    );
}

#[test]
fn a_limit_on_the_size_of_files_leaves_no_half_layer() {
    let layer = begun();
    let before = std::fs::read_dir(layer.root().join("layers"))
        .unwrap()
        .count();
    let mut command = Command::new("sh");
    let run = Run::of(
        &command
            .current_dir(layer.root())
            .args([
                "-c",
                "ulimit -f 8; exec \"$0\" --name other --generation-dir map",
            ])
            .arg(env!("CARGO_BIN_EXE_init_layer"))
            .output()
            .unwrap(),
    );
    run.assert_status(2).assert_says("cannot write");
    let after = std::fs::read_dir(layer.root().join("layers"))
        .unwrap()
        .count();
    assert_eq!(after, before, "something is left");
}

#[test]
fn a_source_that_another_program_holds_is_told_and_waited_for() {
    let layer = begun();
    let held = HeldDatabase::hold(&layer.map_dir().join("quadrants.db"));
    let mut child = Command::new(env!("CARGO_BIN_EXE_init_layer"))
        .current_dir(layer.root())
        .args(["--name", "other", "--generation-dir", "map"])
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = said.next().unwrap().unwrap();
    assert_eq!(
        line,
        "waiting for map/quadrants.db, which another program holds"
    );
    drop(held);
    assert!(child.wait().unwrap().success());
}

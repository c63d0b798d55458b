//! `--rebuild`: a new `progress.db` where the old one is damaged or lost.

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use fixtures::held::HeldDatabase;
use fixtures::layers::{Run, TestLayer};
use fixtures::maps::{MapSpec, encode_png};
use layer::{LayerDir, RunLock};
use planner::{Quadrant, complete_followers};
use progress_db::ProgressDb;
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
        init(&layer, &REBUILD)
            .assert_status(0)
            .assert_says("what earlier calls cost is not known any more");
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

/// Limits of a layer's whole life hold, and estimates stay what they were.
#[test]
fn calls_are_known_after_a_rebuild_to_belong_to_their_blocks() {
    // A layer that was extended has other numbers; one of an earlier version lacks columns.
    for (shift, lacks) in [(0, None), (1000, None), (0, Some("usage"))] {
        let layer = begun();
        let _ = layer.sql(
            "INSERT INTO attempts (id, item_id, endpoint, started_at, ended_at, outcome, settings_hash, paid, cost)
             SELECT id, id, 'a', 1.5, 3.25, 'ok', 'abc', 1, 0.04 FROM generation_plan WHERE id < 6",
        );
        let _ = layer.sql(
            "UPDATE attempts SET outcome = 'in_flight', ended_at = NULL, paid = NULL WHERE id = 3",
        );
        let _ = layer.sql("UPDATE attempts SET pilot = '20260301T091204Z' WHERE id = 4");
        let _ = layer.sql("INSERT INTO settings VALUES ('abc', '{}')");
        let _ = layer.sql("INSERT INTO prompts VALUES (2, 'snow')");
        let _ = layer.sql("INSERT INTO begun_anew (item_id, after_attempt) VALUES (4, 3)");
        let _ = layer.sql(
            "INSERT INTO replacing (item_id, kept, version, at) VALUES (1, 'candidates', 2, 7.5)",
        );
        let calls = || {
            layer.sql(
                "SELECT a.id, top_left_x, top_left_y, outcome, paid, cost, pilot, told, added, after_attempt, kept, version, r.at FROM attempts AS a
                 JOIN generation_plan AS g ON g.id = a.item_id LEFT JOIN settings ON hash = settings_hash
                 LEFT JOIN prompts AS p ON p.item_id = g.id LEFT JOIN begun_anew AS b ON b.item_id = g.id
                 LEFT JOIN replacing AS r ON r.item_id = g.id ORDER BY a.id",
            )
        };
        let before = calls();
        assert_eq!(before.len(), 5);
        if shift > 0 {
            for change in [
                "UPDATE generation_plan SET id = id + 1000",
                "UPDATE attempts SET item_id = item_id + 1000",
                "UPDATE prompts SET item_id = item_id + 1000",
                "UPDATE begun_anew SET item_id = item_id + 1000",
                "UPDATE replacing SET item_id = item_id + 1000",
                "INSERT INTO attempts (id, item_id, endpoint, started_at, outcome, settings_hash, paid, cost)
                 VALUES (9, 7, 'a', 1, 'ok', 'abc', 1, 0.5)",
            ] {
                let _ = layer.sql(change);
            }
        }
        if let Some(column) = lacks {
            let _ = layer.sql(&format!("ALTER TABLE attempts DROP COLUMN {column}"));
        }
        let spent = || layer.sql("SELECT count(*), sum(cost) FROM attempts");
        let all = spent();
        let run = init(&layer, &REBUILD);
        run.assert_status(0);
        assert!(!run.stderr.contains("not known any more"), "{}", run.stderr);
        assert_eq!(calls(), before, "{shift} {lacks:?}");
        assert_eq!(spent(), all, "{shift} {lacks:?}");
    }
}

/// Makes every item complete, each quadrant with its source as its picture.
fn finish(layer: &TestLayer) {
    for &quadrant in layer.region().quadrants() {
        let bytes = encode_png(layer.source(quadrant));
        std::fs::write(layer.picture_path(quadrant), bytes).unwrap();
    }
    let _ = layer.sql("UPDATE generation_plan SET status = 'complete'");
}

/// The items that a rebuilt plan has still to make.
fn pending(layer: &TestLayer) -> Vec<i64> {
    let rows = layer.sql("SELECT id FROM generation_plan WHERE status = 'pending' ORDER BY id");
    rows.iter().map(|row| row[0].parse().unwrap()).collect()
}

/// A rebuilt plan makes the calls that `--resume` makes with an intact one.
#[tokio::test]
async fn what_was_drawn_to_join_a_missing_picture_is_made_again_with_it() {
    for (mode, url, joins) in [
        ("infill", "http://localhost:1/", true),
        ("infill", "builtin:snow", false),
        ("block", "http://localhost:1/", false),
    ] {
        let layer = TestLayer::new(
            MapSpec::drawn("..#####..\n.######..\n###.####.\n###.#####\n.########"),
            &json!([{"name": "a", "url": url}]),
        );
        layer.configure(|config| config["canvas"] = json!({"mode": mode}));
        finish(&layer);
        let items = ProgressDb::open_read_only(&layer.dir().join("progress.db"))
            .await
            .unwrap()
            .items()
            .await
            .unwrap();
        for gone in &items {
            let place = layer.picture_path(gone.block.top_left);
            let picture = std::fs::read(&place).unwrap();
            std::fs::remove_file(&place).unwrap();
            init(&layer, &REBUILD).assert_status(0);
            std::fs::write(&place, picture).unwrap();
            let mut expected = vec![gone.id];
            if joins {
                expected.extend(complete_followers(&items, &[gone.id], &HashSet::new()));
            }
            expected.sort_unstable();
            assert_eq!(pending(&layer), expected, "{mode} {url} {gone:?}");
        }
        // All within a second or two, and each kept what it found.
        assert_eq!(backups(&layer), items.len());
    }
}

fn backups(layer: &TestLayer) -> usize {
    let entries = std::fs::read_dir(layer.dir()).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let kept = names.filter(|name| name.starts_with("progress.db.bak-"));
    kept.filter(|name| !name.ends_with("-wal") && !name.ends_with("-shm"))
        .count()
}

#[test]
fn the_pictures_of_another_source_are_not_taken_for_this_ones() {
    let database = |layer: &TestLayer| std::fs::read(layer.dir().join("progress.db")).unwrap();
    for (edited, said) in [
        (
            "source_layer",
            "has the source_layer \"renders\", and \"generations\" was planned: put that back; or start the layer over with --force",
        ),
        (
            "source",
            "has another configuration than the source that was planned",
        ),
    ] {
        let layer = begun();
        if edited == "source_layer" {
            layer.configure(|config| config["source_layer"] = json!("renders"));
        } else {
            let _ = layer.sql("UPDATE metadata SET value = 'x' WHERE key = 'source_config_hash'");
        }
        // Damage to the plan alone does not hide what was planned.
        let _ = layer.sql("DROP TABLE generation_plan");
        let before = database(&layer);
        init(&layer, &REBUILD).assert_status(2).assert_says(said);
        assert_eq!((backups(&layer), database(&layer) == before), (0, true));
        std::fs::remove_file(layer.dir().join("progress.db")).unwrap();
        init(&layer, &REBUILD).assert_status(0).assert_says(
            "note: there is nothing left that says what the pictures were made of; they are taken for those of the",
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
fn a_database_that_another_program_holds_is_told_and_waited_for() {
    let other = ["--name", "other", "--generation-dir", "map"];
    for (args, path) in [
        (&other[..], "map/quadrants.db"),
        (&REBUILD, "map/quadrants.db"),
        (&REBUILD, "layers/test/progress.db"),
    ] {
        let layer = begun();
        let held = HeldDatabase::hold(&layer.root().join(path));
        let mut child = Command::new(env!("CARGO_BIN_EXE_init_layer"))
            .current_dir(layer.root())
            .args(args)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
        let line = said.next().unwrap().unwrap();
        let held_one = format!("{path}, which another program holds");
        assert!(
            line.starts_with("waiting for ") && line.ends_with(&held_one),
            "{line}"
        );
        drop(held);
        assert!(child.wait().unwrap().success());
    }
}

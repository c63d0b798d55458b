//! A run that dies at each of the moments that matter, and the run after it.

mod painter;

use std::time::SystemTime;

use fixtures::layers::{TestLayer, endpoints_at};
use fixtures::maps::{MapSpec, encode_png, quadrant_picture};
use fixtures::server::{ScriptedServer, ServerSpec};
use image::RgbImage;
use layer::{Judgement, Kept, LayerDir, LayerError, Review, Storage, Verdict};
use planner::{Block, BlockShape, Quadrant};
use progress_db::PictureRecord;

use painter::Painter;

const PROGRAM: &str = env!("CARGO_BIN_EXE_generate_full_map_layer");

fn invert(picture: &RgbImage) -> RgbImage {
    let mut picture = picture.clone();
    image::imageops::invert(&mut picture);
    picture
}

/// What a run left that died.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Left {
    calls: usize,
    complete: usize,
    in_progress: usize,
    pictures: usize,
    parts: usize,
}

fn left(layer: &TestLayer, server: &ScriptedServer) -> Left {
    let statuses = layer.statuses();
    let count = |status: &str| statuses.get(status).copied().unwrap_or(0);
    let parts = std::fs::read_dir(layer.pictures_dir()).map_or(0, |names| {
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.ends_with(".part")).count()
    });
    Left {
        calls: server.calls().len(),
        complete: count("complete"),
        in_progress: count("in_progress"),
        pictures: layer.all_stored().len(),
        parts,
    }
}

/// Runs a layer of nine 2x2 blocks and what is between them one at a time until it dies at a
/// point, looks at what is left, and runs it to its end. `repeated` is how many calls that makes
/// twice.
fn check(point: &str, expected: &Left, repeated: usize) {
    let server = ServerSpec::new().start();
    let layer = TestLayer::new(
        MapSpec::rectangle(9, 9),
        &endpoints_at([server.url().as_str()]),
    );
    // One item and no more, so that nothing else is under way.
    let mut command = layer.command(PROGRAM, &["--max-items", "1"]);
    let died = command.env("FAULT_POINT", point).output().unwrap();
    assert_eq!(
        died.status.code(),
        None,
        "{point}: {}",
        String::from_utf8_lossy(&died.stderr)
    );
    layer.assert_whole();
    let mut expected = *expected;
    if layer.storage() == Storage::Sqlite && expected.parts > 0 {
        // What is not committed is not there.
        (expected.pictures, expected.parts) = (0, 0);
    }
    assert_eq!(left(&layer, &server), expected, "{point}");

    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(invert);
    let items = layer.statuses()["complete"];
    assert_eq!(server.calls().len(), items + repeated, "{point}");
    let open = layer.sql("SELECT count(*) FROM attempts WHERE outcome = 'in_flight'");
    assert_eq!(open[0][0], "0", "{point}: a dead call is still under way");
}

#[test]
fn claimed_and_not_called_is_called_once() {
    let left = Left {
        calls: 0,
        complete: 0,
        in_progress: 1,
        pictures: 0,
        parts: 0,
    };
    check("claimed", &left, 0);
}

#[test]
fn answered_and_not_saved_is_called_again() {
    let left = Left {
        calls: 1,
        complete: 0,
        in_progress: 1,
        pictures: 0,
        parts: 0,
    };
    check("answered", &left, 1);
}

#[test]
fn one_of_four_pictures_renamed_is_no_complete_item() {
    let left = Left {
        calls: 1,
        complete: 0,
        in_progress: 1,
        pictures: 1,
        parts: 3,
    };
    check("published_one", &left, 1);
}

#[test]
fn all_pictures_renamed_and_not_committed_is_no_complete_item() {
    let left = Left {
        calls: 1,
        complete: 0,
        in_progress: 1,
        pictures: 4,
        parts: 0,
    };
    check("published_all", &left, 1);
}

#[test]
fn committed_is_complete_and_never_called_again() {
    let left = Left {
        calls: 1,
        complete: 1,
        in_progress: 0,
        pictures: 4,
        parts: 0,
    };
    check("committed", &left, 0);
}

/// Blocks of flat water on the left, and others.
#[test]
fn a_run_that_dies_while_it_makes_blocks_without_a_call_loses_none_and_calls_for_none() {
    for point in [
        "published_one",
        "published_one:5",
        "uncalled_published",
        "uncalled_committed",
        "claimed",
    ] {
        let server = ServerSpec::new().start();
        let map = MapSpec::rectangle(8, 8).quadrant_px(64, 64);
        let map = map.painted(|layer, at| match at.x < 5 {
            true => encode_png(RgbImage::from_pixel(64, 64, image::Rgb([9, 8, 7]))),
            false => encode_png(quadrant_picture(layer, at, 64, 64)),
        });
        let layer = TestLayer::new(map, &endpoints_at([server.url().as_str()]));
        layer.configure(|config| config["uniform"] = serde_json::json!({"mode": "copy"}));
        let mut command = layer.command(PROGRAM, &[]);
        let died = command.env("FAULT_POINT", point).output().unwrap();
        assert_eq!(died.status.code(), None, "{point}");
        layer.assert_whole();
        assert_eq!(server.calls().len(), 0, "{point}");
        layer.run(PROGRAM, &["--resume"]).assert_status(0);
        layer.assert_complete(|source| match source.get_pixel(0, 0).0 {
            [9, 8, 7] => source.clone(),
            _ => invert(source),
        });
        let uncalled = layer.sql("SELECT count(*) FROM uniform WHERE made IS NOT NULL");
        let uncalled: usize = uncalled[0][0].parse().unwrap();
        assert!(uncalled > 5, "{point}");
        assert_eq!(
            server.calls().len(),
            layer.statuses()["complete"] - uncalled,
            "{point}"
        );
    }
}

#[test]
fn a_panic_anywhere_ends_the_run_with_its_message() {
    for point in [
        "preparing",
        "drawing",
        "claimed",
        "answered",
        "cutting",
        "staging",
        "published_one",
        "published_all",
        "recording",
    ] {
        let server = ServerSpec::new().start();
        let layer = TestLayer::new(
            MapSpec::rectangle(9, 9),
            &endpoints_at([server.url().as_str()]),
        );
        let mut command = layer.command(PROGRAM, &[]);
        let panicked = command.env("PANIC_POINT", point).output().unwrap();
        let said = String::from_utf8_lossy(&panicked.stderr);
        assert_eq!(panicked.status.code(), Some(3), "{point}: {said}");
        let message = format!("a part of the program failed (planted at {point})");
        assert!(said.contains(&message), "{point}: {said}");
        assert!(server.calls().len() <= 2, "{point} is paid for again");
        layer.assert_whole();
        layer.run(PROGRAM, &[]).assert_status(0);
        layer.assert_complete(invert);
    }
}

#[test]
fn a_point_in_the_middle_of_a_run_loses_nothing_of_what_was_before() {
    // What ends together is published and committed together: of many items there are surely so many
    // commits.
    for (point, side) in [
        ("claimed:5", 9),
        ("answered:12", 9),
        ("published_one:17", 9),
        ("published_all:6", 12),
        ("committed:20", 18),
    ] {
        let server = ServerSpec::new().start();
        let layer = TestLayer::new(
            MapSpec::rectangle(side, side),
            &endpoints_at([server.url().as_str()]),
        );
        let mut command = layer.command(PROGRAM, &[]);
        let died = command.env("FAULT_POINT", point).output().unwrap();
        assert_eq!(died.status.code(), None, "{point}");
        layer.assert_whole();
        let in_flight = left(&layer, &server).in_progress;
        layer.run(PROGRAM, &[]).assert_status(0);
        layer.assert_complete(invert);
        let items = layer.statuses()["complete"];
        let calls = server.calls().len();
        assert!(
            (items..=items + in_flight).contains(&calls),
            "{point}: {calls} calls for {items} items, {in_flight} in flight"
        );
    }
}

/// Whenever a redo dies: what there was is finished or kept, and the plain command goes on.
#[test]
fn a_redo_that_dies_anywhere_loses_no_earlier_picture() {
    let points = [
        "keeping",
        "keeping:3",
        "kept",
        "recording",
        "claimed",
        "claimed:3",
        "answered",
        "staging",
        "published_one",
        "published_one:6",
        "published_all",
        "committed",
        "committed:3",
    ];
    for point in points {
        let painter = Painter::new();
        let layer = painter.finished(PROGRAM, Storage::Files, 5, "infill");
        let before = layer.all_stored();
        let mut command = layer.command(PROGRAM, &["--redo", "0,0"]);
        let died = command.env("FAULT_POINT", point).output().unwrap();
        assert_eq!(died.status.code(), None, "{point}");
        let mut kept = Vec::new();
        for entry in walk(&layer.dir().join("candidates")) {
            if !entry.to_string_lossy().contains(".part") {
                kept.push(std::fs::read(entry).unwrap());
            }
        }
        for (quadrant, bytes) in &before {
            let there = layer.stored(*quadrant).as_ref() == Some(bytes);
            assert!(there || kept.contains(bytes), "{point}: {quadrant} is lost");
        }
        layer.run(PROGRAM, &[]).assert_status(0);
        assert_eq!(
            layer.statuses()["complete"],
            layer.statuses().values().sum::<usize>()
        );
        // A kill before anything was put back is no redo.
        layer.run(PROGRAM, &["--redo", "0,0"]).assert_status(0);
        layer.run(PROGRAM, &["--resume"]).assert_status(0);
        layer.assert_tidy();
    }
}

/// How other pictures are put in the place of a block's.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    Keep,
    Accept,
    Choose,
}

/// The pictures of a layer.
type Stored = Vec<(Quadrant, Vec<u8>)>;

/// A layer of one block, whose first pictures are to come back; what is there, and these.
fn to_bring_back(way: Way, storage: Storage) -> (Painter, TestLayer, [Stored; 2]) {
    let painter = Painter::new();
    let layer = painter.finished(PROGRAM, storage, 2, "block");
    let first = layer.all_stored();
    layer.run(PROGRAM, &["--redo", "0,0"]).assert_status(0);
    let second = layer.all_stored();
    let dir = LayerDir::at(layer.dir());
    let block = Block::new(BlockShape::TwoByTwo, 0, 0);
    let _ = layer.sql("UPDATE generation_plan SET started_at = 1, completed_at = 2");
    if way == Way::Accept {
        let _ = layer.sql("UPDATE generation_plan SET status = 'error', completed_at = NULL");
        dir.rejected().replace(block, &first).unwrap();
    }
    if way == Way::Choose {
        let judgement = Judgement {
            block,
            verdict: Verdict::Choose {
                from: Kept::Candidates,
                version: 1,
            },
            note: String::new(),
            prompt: None,
            at: SystemTime::now(),
        };
        let put = |review: &mut Review| {
            review.put(judgement);
            Ok::<(), LayerError>(())
        };
        dir.change_review(put).unwrap();
    }
    (painter, layer, [second, first])
}

/// Asserts that what is remembered of each picture is what is there.
fn assert_recorded(layer: &TestLayer) {
    for (at, bytes) in layer.all_stored() {
        let (x, y) = (at.x, at.y);
        let query = format!("SELECT bytes, hash FROM pictures WHERE x = {x} AND y = {y}");
        let record = PictureRecord::of(&bytes);
        let expected = vec![record.bytes.to_string(), record.hash];
        assert_eq!(layer.sql(&query), [expected], "{at}");
    }
}

/// Whenever a `--keep`, an `--accept` or a choice made at the desk dies: whatever comes next first ends
/// what was begun, without a call, and the same command again changes nothing of that.
#[test]
fn pictures_that_were_being_put_in_place_when_a_run_died_are_there_whatever_comes_next() {
    let points = [
        ("keeping", false),
        ("kept", false),
        ("bringing_back", true),
        ("published_one", true),
        ("published_one:3", true),
        ("published_one:4", true),
        ("brought_back", true),
    ];
    let storage = TestLayer::new(MapSpec::rectangle(1, 1), &endpoints_at([])).storage();
    for way in [Way::Keep, Way::Accept, Way::Choose] {
        let (same, says) = match way {
            Way::Keep => (&["--keep", "0,0"][..], "version 1 is back"),
            Way::Accept => (&["--accept", "0,0"][..], "the answer is accepted"),
            Way::Choose => (&["--redo-flagged"][..], "version 1 is back"),
        };
        for (point, is_begun) in points {
            if way == Way::Accept && point == "keeping" {
                continue;
            }
            let mut nexts = vec![same, &["--resume"]];
            if point == "published_one" {
                nexts.extend([
                    &[][..],
                    &["--redo-flagged"],
                    &["--only", "0,0,1,1"],
                    &["--retry-errors"],
                ]);
            }
            if point == "published_one" && way != Way::Accept {
                nexts.push(&["--keep", "0,0@1"]);
            }
            for next in nexts {
                let case = format!("{storage:?} {way:?} {point} {next:?}");
                let (painter, layer, [before, after]) = to_bring_back(way, storage);
                let calls = painter.server.calls().len();
                let mut command = layer.command(PROGRAM, same);
                let died = command.env("FAULT_POINT", point).output().unwrap();
                assert_eq!(died.status.code(), None, "{case}");
                layer.assert_whole();

                let foretold = layer.run(PROGRAM, &["--dry-run", "--resume"]);
                let is_told = foretold.stdout.contains("is ended first");
                assert_eq!(is_told, is_begun, "{case}: {}", foretold.stdout);
                assert!(!foretold.stderr.contains("more calls"), "{case}");
                let run = layer.run(PROGRAM, next);
                let expected = if is_begun || next == same {
                    run.assert_status(0).assert_says(says);
                    assert_eq!(layer.statuses(), [("complete".to_owned(), 1)].into());
                    &after
                } else {
                    &before
                };
                assert!(layer.all_stored() == *expected, "{case}");
                assert_recorded(&layer);
                let complete = layer.statuses().contains_key("complete");
                if complete && way == Way::Choose && *expected == after {
                    let run = layer.run(PROGRAM, &["--redo-flagged"]);
                    run.assert_status(0).assert_says("is still to be done");
                    assert!(!run.stderr.contains("no pictures of"), "{}", run.stderr);
                }
                if complete {
                    layer.run(PROGRAM, &["--resume"]).assert_status(0);
                }
                assert!(layer.all_stored() == *expected, "{case}");
                assert_eq!(painter.server.calls().len(), calls, "{case}");
                layer.assert_tidy();
            }
        }
    }
}

/// More blocks than are put in place in one go: none of those that were before the kill is taken for
/// one that is to be exchanged again.
#[test]
fn of_many_blocks_that_were_being_brought_back_none_is_exchanged_twice() {
    let painter = Painter::new();
    let layer = painter.finished(PROGRAM, Storage::Files, 15, "block");
    let first = layer.all_stored();
    layer
        .run(PROGRAM, &["--redo", "0,0..14,14"])
        .assert_status(0);
    let corners = layer.sql("SELECT top_left_x || ',' || top_left_y FROM generation_plan");
    let all: Vec<&str> = corners.iter().map(|row| row[0].as_str()).collect();
    assert!(all.len() > 64);
    let calls = painter.server.calls().len();
    let keep = ["--keep", &all.join(" ")];
    for point in ["brought_back:2", "published_one:200"] {
        let mut command = layer.command(PROGRAM, &keep);
        let died = command.env("FAULT_POINT", point).output().unwrap();
        assert_eq!(died.status.code(), None, "{point}");
    }
    layer.run(PROGRAM, &keep).assert_status(0);
    assert!(layer.all_stored() == first);
    assert_recorded(&layer);
    assert_eq!(painter.server.calls().len(), calls);
}

/// Whoever deletes what was to be put in place meanwhile: a block that is still as it was stays so, and
/// one that is neither is told, never called for unasked, and never taken for finished.
#[test]
fn when_what_was_to_be_put_in_place_is_gone_no_torn_block_counts_as_complete() {
    for (point, is_torn) in [("bringing_back", false), ("published_one:2", true)] {
        let (painter, layer, [before, _]) = to_bring_back(Way::Keep, Storage::Files);
        let calls = painter.server.calls().len();
        let mut command = layer.command(PROGRAM, &["--keep", "0,0"]);
        let died = command.env("FAULT_POINT", point).output().unwrap();
        assert_eq!(died.status.code(), None, "{point}");
        std::fs::remove_dir_all(layer.dir().join("candidates/0_0/1")).unwrap();
        let run = layer.run(PROGRAM, &[]);
        run.assert_says("version 1");
        run.assert_status(i32::from(is_torn));
        if is_torn {
            assert_eq!(layer.statuses(), [("error".to_owned(), 1)].into());
            // What was there is kept.
            layer.run(PROGRAM, &["--keep", "0,0@2"]).assert_status(0);
        }
        assert!(layer.all_stored() == before, "{point}");
        assert_recorded(&layer);
        layer.run(PROGRAM, &[]).assert_status(0);
        assert_eq!(painter.server.calls().len(), calls, "{point}");
    }
}

/// Whenever a pilot beside the layer dies: the layer is as it was, and what is there of the pilot is
/// whole and told to have no end.
#[test]
fn a_pilot_with_other_settings_that_dies_anywhere_leaves_the_layer_as_it_was() {
    for point in [
        "preparing:5",
        "claimed:3",
        "answered:2",
        "staging:2",
        "published_one:5",
        "published_all:2",
        "committed:3",
    ] {
        let server = ServerSpec::new().start();
        let map = MapSpec::rectangle(6, 6).quadrant_px(8, 8);
        let layer = TestLayer::new(map, &endpoints_at([server.url().as_str()]));
        let plan = || layer.sql("SELECT * FROM generation_plan");
        let before = plan();
        let mut command = layer.command(PROGRAM, &["--only", "0,0,3,3", "--try", "a=1"]);
        let died = command.env("FAULT_POINT", point).output().unwrap();
        assert_eq!(died.status.code(), None, "{point}: {died:?}");
        assert_eq!(plan(), before, "{point}");
        assert!(layer.all_stored().is_empty(), "{point}");
        let own = LayerDir::at(layer.dir());
        let [pilot] = &own.pilots().unwrap()[..] else {
            panic!("{point}: it is one pilot")
        };
        assert_eq!(own.read_pilot(pilot).unwrap().ended_at, None, "{point}");
        for at in own.of_pilot(pilot).quadrants_with_pictures().unwrap() {
            let bytes = own.read_pilot_picture(pilot, at).unwrap().unwrap();
            image::load_from_memory(&bytes).unwrap_or_else(|error| panic!("{point}: {error}"));
        }
        layer.run(PROGRAM, &[]).assert_status(0);
        layer.assert_tidy();
    }
}

fn walk(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                walk(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

//! Blocks that are generated again, and their earlier pictures back.

mod painter;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use fixtures::layers::{Run, TestLayer, endpoints_at, snapshot};
use fixtures::maps::{MapSpec, encode_png};
use fixtures::server::{Reply, ServerSpec};
use image::{Rgb, RgbImage};
use layer::Storage;
use planner::Quadrant;
use serde_json::json;

use painter::Painter;

const PROGRAM: &str = env!("CARGO_BIN_EXE_generate_full_map_layer");
const STORAGES: [Storage; 2] = [Storage::Files, Storage::Sqlite];

/// The lattice: a finished layer of 9 x 9 quadrants.
fn lattice(painter: &Painter, storage: Storage, mode: &str) -> TestLayer {
    painter.finished(PROGRAM, storage, 9, mode)
}

fn pictures(layer: &TestLayer) -> BTreeMap<Quadrant, Vec<u8>> {
    layer.all_stored().into_iter().collect()
}

/// The quadrants whose pictures differ.
fn changed(
    before: &BTreeMap<Quadrant, Vec<u8>>,
    after: &BTreeMap<Quadrant, Vec<u8>>,
) -> BTreeSet<(i32, i32)> {
    assert_eq!(before.len(), after.len());
    let differing = before.iter().filter(|(at, bytes)| after[at] != **bytes);
    differing.map(|(at, _)| (at.x, at.y)).collect()
}

/// The quadrants of a rectangle.
fn rectangle(xs: std::ops::Range<i32>, ys: std::ops::Range<i32>) -> BTreeSet<(i32, i32)> {
    ys.flat_map(|y| xs.clone().map(move |x| (x, y))).collect()
}

/// (3, 3) is of the 2x2 in the middle; four strips join it, and four corners join these.
#[test]
fn a_redo_makes_the_promised_calls_and_changes_the_promised_pictures() {
    let block = rectangle(3..5, 3..5);
    let with_followers = rectangle(2..6, 2..6);
    for storage in STORAGES {
        for (mode, args, told, calls, expected) in [
            (
                "block",
                &["--redo", "4,4"][..],
                "redo: 1 block: 1 call",
                1,
                &block,
            ),
            (
                "infill",
                &["--redo", "3,3 4,3"],
                "redo: 1 block, and 8 later ones drawn to join them: 9 calls",
                9,
                &with_followers,
            ),
            (
                "infill",
                &["--redo", "3,3..4,4", "--without-followers"],
                "redo: 1 block: 1 call",
                1,
                &block,
            ),
        ] {
            let painter = Painter::new();
            let layer = lattice(&painter, storage, mode);
            let before = pictures(&layer);
            let already = painter.server.calls().len();

            let files = snapshot(layer.dir());
            let dry = layer.run(PROGRAM, &[args, &["--dry-run"]].concat());
            dry.assert_status(0).assert_says(told);
            assert!(!dry.stdout.contains("would"), "it lists no items");
            let all = dry.stdout.lines().find(|line| line.starts_with("all "));
            let words: Vec<&str> = all.expect("a sum").split_whitespace().collect();
            let quadrants = expected.len().to_string();
            assert_eq!(
                words[1..3],
                [calls.to_string(), quadrants],
                "{}",
                dry.stdout
            );
            assert!(snapshot(layer.dir()) == files, "a dry run changes nothing");

            layer.run(PROGRAM, args).assert_status(0).assert_says(told);
            assert_eq!(
                painter.server.calls().len() - already,
                calls,
                "{mode} {args:?}"
            );
            let after = pictures(&layer);
            assert_eq!(
                &changed(&before, &after),
                expected,
                "{storage:?} {mode} {args:?}"
            );
            layer.assert_tidy();
            // To go on is not to do it again.
            layer.run(PROGRAM, &[]).assert_status(0);
            assert_eq!(painter.server.calls().len() - already, calls);

            // Each way to have it back, bit for bit, as often as one likes.
            let middle = expected.iter().map(|(x, y)| format!("{x},{y}"));
            let all = middle.collect::<Vec<_>>().join(" ");
            for expected in [&before, &after, &before] {
                let run = layer.run(PROGRAM, &["--keep", &all]);
                run.assert_status(0).assert_says("nothing was called");
                assert!(pictures(&layer) == *expected, "{storage:?} {mode}");
            }
            layer.run(PROGRAM, &["--keep", "3,3@2"]).assert_status(0);
            assert_eq!(changed(&before, &pictures(&layer)), block);
            assert_eq!(painter.server.calls().len() - already, calls);
            layer.run(PROGRAM, &["--resume"]).assert_status(0);
            assert_eq!(
                painter.server.calls().len() - already,
                calls,
                "all are whole"
            );
        }
    }
}

#[test]
fn earlier_pictures_are_kept_once() {
    for storage in STORAGES {
        let painter = Painter::new();
        let layer = lattice(&painter, storage, "block");
        let first = pictures(&layer);
        for _ in 0..2 {
            layer.run(PROGRAM, &["--redo", "3,3"]).assert_status(0);
        }
        let kept = layer.dir().join("candidates/3_3");
        let second = std::fs::read(kept.join("1/3_3.png")).unwrap();
        assert_eq!(second, first[&Quadrant::new(3, 3)]);
        // The second time round the model has drawn the same again.
        assert!(kept.join("2/4_4.png").exists());
        layer.run(PROGRAM, &["--redo", "3,3"]).assert_status(0);
        assert!(!kept.join("3").exists());
    }
}

#[test]
fn a_prompt_is_added_for_the_blocks_that_are_named_and_no_others() {
    let painter = Painter::new();
    let layer = lattice(&painter, Storage::Files, "infill");
    let prompts = |from: usize| -> BTreeMap<String, usize> {
        let mut prompts = BTreeMap::new();
        for call in &painter.server.calls()[from..] {
            let prompt = call.json()["prompt"].as_str().unwrap().to_owned();
            *prompts.entry(prompt).or_default() += 1;
        }
        prompts
    };
    let already = painter.server.calls().len();
    let args = [
        "--redo",
        "3,3",
        "--redo-prompt",
        "no \"cars\"",
        "--max-items",
        "1",
    ];
    layer.run(PROGRAM, &args).assert_status(0);
    layer.run(PROGRAM, &[]).assert_status(0);
    let expected = [("snow".to_owned(), 8), ("snow\nno \"cars\"".to_owned(), 1)];
    assert_eq!(prompts(already), expected.clone().into());
    layer
        .run(PROGRAM, &["--explain", "3,3"])
        .assert_says("prompt: snow no \"cars\"");
    let run = layer.run(PROGRAM, &["--redo", "7,7", "--max-items", "1"]);
    run.assert_status(0);
    assert!(!run.stderr.contains("other settings"), "{}", run.stderr);
    // Each time with another seed.
    layer.run(PROGRAM, &[]).assert_status(0);
    let already = painter.server.calls().len();
    for _ in 0..3 {
        layer
            .run(PROGRAM, &["--redo", "0,0", "--without-followers"])
            .assert_status(0);
    }
    let seeds: BTreeSet<String> = painter.server.calls()[already..]
        .iter()
        .map(|call| call.json()["seed"].to_string())
        .collect();
    assert_eq!(seeds.len(), 3);
    // A block that is pending gets its text, too.
    let run = layer.run(PROGRAM, &["--redo", "3,3", "--max-items", "1"]);
    run.assert_status(0);
    let already = painter.server.calls().len();
    let strip = ["--redo", "2,3", "--redo-prompt", "more trees"];
    layer
        .run(PROGRAM, &strip)
        .assert_status(0)
        .assert_says("pending anyway");
    let expected = [("snow".to_owned(), 7), ("snow\nmore trees".to_owned(), 1)];
    assert_eq!(prompts(already), expected.into());
    // Without the text it is not there any more.
    let already = painter.server.calls().len();
    layer
        .run(PROGRAM, &["--redo", "3,3", "--without-followers"])
        .assert_status(0);
    assert_eq!(prompts(already), [("snow".to_owned(), 1)].into());
}

/// No endpoint, no redo; earlier pictures come back all the same.
#[test]
fn without_an_endpoint_nothing_is_put_back() {
    let painter = Painter::new();
    let layer = lattice(&painter, Storage::Files, "block");
    let first = pictures(&layer);
    layer.run(PROGRAM, &["--redo", "0,0"]).assert_status(0);
    layer.configure(|config| config["model_endpoints"] = json!([]));
    layer.run(PROGRAM, &["--redo", "0,0"]).assert_status(2);
    assert_eq!(layer.statuses().len(), 1, "all are complete");
    layer
        .run(PROGRAM, &["--keep", " 1,1  0,0"])
        .assert_status(0);
    assert!(pictures(&layer) == first);
}

#[test]
fn what_is_damaged_is_told_and_never_kept() {
    for storage in STORAGES {
        let painter = Painter::new();
        let layer = lattice(&painter, storage, "block");
        let whole = layer.stored(Quadrant::new(3, 3)).unwrap();
        layer.tamper(Quadrant::new(3, 3), Some(&whole[..whole.len() / 2]));
        let run = layer.run(PROGRAM, &["--redo", "3,3", "--redo-prompt", "-no cars"]);
        run.assert_status(0).assert_says("missing or damaged");
        layer.run(PROGRAM, &["--keep", "3,3"]).assert_status(2);
        // One that was spoilt among the candidates does not come back.
        layer.run(PROGRAM, &["--redo", "0,0"]).assert_status(0);
        let kept = layer.dir().join("candidates/0_0/1/0_0.png");
        let bytes = std::fs::read(&kept).unwrap();
        std::fs::write(&kept, &bytes[..bytes.len() / 2]).unwrap();
        for keep in ["0,0", "0,0@1"] {
            let run = layer.run(PROGRAM, &["--keep", keep]);
            run.assert_status(2).assert_says("the picture of (0, 0)");
            run.assert_says("candidates/0_0/1");
        }
        std::fs::write(&kept, &bytes).unwrap();
        // Nor does what a link leads to.
        let (own, moved) = (
            layer.dir().join("candidates/0_0/1"),
            layer.root().join("moved"),
        );
        std::fs::rename(&own, &moved).unwrap();
        std::os::unix::fs::symlink(&moved, &own).unwrap();
        layer.run(PROGRAM, &["--keep", "0,0"]).assert_status(2);
    }
}

/// A picture like those of the layer that no model has drawn.
fn painted() -> Vec<u8> {
    encode_png(RgbImage::from_fn(8, 8, |x, y| {
        Rgb([20 * x as u8, 200, 20 * y as u8])
    }))
}

/// It is whole, whatever is remembered of what was there.
#[test]
fn a_picture_that_somebody_has_painted_is_kept_like_any_other() {
    for storage in STORAGES {
        for again in [&["--redo", "3,3"][..], &["--resume"], &["--keep", "3,3"]] {
            let painter = Painter::new();
            let layer = lattice(&painter, storage, "block");
            layer.run(PROGRAM, &["--redo", "3,3"]).assert_status(0);
            layer.tamper(Quadrant::new(3, 3), Some(&painted()));
            let before = pictures(&layer);
            let run = layer.run(PROGRAM, again);
            run.assert_status(0);
            assert!(!run.stderr.contains("damaged, so"), "{}", run.stderr);
            assert!(pictures(&layer) != before, "{again:?}");
            // The third version, whatever came before it.
            let calls = painter.server.calls().len();
            layer.run(PROGRAM, &["--keep", "3,3@2"]).assert_status(0);
            assert!(pictures(&layer) == before, "{storage:?} {again:?}");
            assert_eq!(painter.server.calls().len(), calls);
        }
    }
}

#[test]
fn of_a_block_with_a_damaged_picture_the_others_are_kept() {
    for storage in STORAGES {
        for is_gone in [false, true] {
            for again in [&["--redo", "3,3"][..], &["--resume"]] {
                let painter = Painter::new();
                let layer = lattice(&painter, storage, "block");
                let (spoilt, other) = (Quadrant::new(3, 3), Quadrant::new(4, 3));
                let whole = layer.stored(spoilt).unwrap();
                let spoil = (!is_gone).then(|| &whole[..whole.len() / 2]);
                layer.tamper(spoilt, spoil);
                layer.tamper(other, Some(&painted()));
                let before = pictures(&layer);
                if again == ["--redo", "3,3"] {
                    let said = "the picture of (3, 3) is missing or damaged";
                    let dry = layer.run(PROGRAM, &["--redo", "3,3", "--dry-run"]);
                    dry.assert_status(0).assert_says(said);
                    let run = layer.run(PROGRAM, again);
                    run.assert_status(0).assert_says(said);
                } else {
                    layer.run(PROGRAM, again).assert_status(0);
                }
                let kept = layer.dir().join("candidates/3_3/1");
                assert!(!kept.join("3_3.png").exists(), "it is not whole");
                for (x, y) in [(4, 3), (3, 4), (4, 4)] {
                    let kept = std::fs::read(kept.join(format!("{x}_{y}.png"))).unwrap();
                    assert!(kept == before[&Quadrant::new(x, y)], "{storage:?} {x}_{y}");
                }
                // It is no version that a block could have.
                let now = pictures(&layer);
                for keep in ["3,3", "3,3@1"] {
                    let run = layer.run(PROGRAM, &["--keep", keep]);
                    run.assert_status(2)
                        .assert_says("version 1")
                        .assert_says("the picture of (3, 3)")
                        .assert_says("candidates/3_3/1");
                }
                assert!(pictures(&layer) == now);
            }
        }
    }
}

/// Where large things go, be it on another disk, where one file cannot have two names.
#[test]
fn candidates_may_be_a_link_to_another_disk() {
    for storage in STORAGES {
        let painter = Painter::new();
        let layer = lattice(&painter, storage, "block");
        let first = pictures(&layer);
        let shm = Path::new("/dev/shm");
        let elsewhere = match shm.is_dir() {
            true => tempfile::tempdir_in(shm).unwrap(),
            false => tempfile::tempdir().unwrap(),
        };
        symlink(elsewhere.path(), layer.dir().join("candidates")).unwrap();
        for _ in 0..2 {
            layer.run(PROGRAM, &["--redo", "3,3"]).assert_status(0);
            assert!(elsewhere.path().join("3_3/1/4_4.png").exists());
            layer.run(PROGRAM, &["--keep", "3,3@1"]).assert_status(0);
            assert!(pictures(&layer) == first, "{storage:?}");
        }
        // What it leads to is not there just now.
        drop(elsewhere);
        let calls = painter.server.calls().len();
        for args in [["--redo", "3,3"], ["--keep", "3,3"]] {
            let run = layer.run(PROGRAM, &args);
            run.assert_status(2).assert_says("leads to no directory");
        }
        assert!(pictures(&layer) == first);
        assert_eq!(painter.server.calls().len(), calls);
    }
}

/// Neither read nor written.
#[test]
fn what_is_no_directory_of_the_layer_is_refused_among_the_candidates() {
    for storage in STORAGES {
        for (place, says) in [
            ("candidates/3_3", "is a link"),
            ("candidates/3_3", "is not a directory; move it away"),
            ("candidates", "is not a directory; move it away"),
        ] {
            let painter = Painter::new();
            let layer = lattice(&painter, storage, "block");
            layer.run(PROGRAM, &["--redo", "3,3"]).assert_status(0);
            let (own, moved) = (layer.dir().join(place), layer.root().join("moved"));
            std::fs::rename(&own, &moved).unwrap();
            match says {
                "is a link" => symlink(&moved, &own).unwrap(),
                _ => std::fs::write(&own, "").unwrap(),
            }
            let (now, outside) = (pictures(&layer), snapshot(moved.clone()));
            let calls = painter.server.calls().len();
            for args in [["--redo", "3,3"], ["--keep", "3,3"], ["--keep", "3,3@1"]] {
                let run = layer.run(PROGRAM, &args);
                run.assert_status(2).assert_says(says).assert_says(place);
            }
            assert!(pictures(&layer) == now && snapshot(moved.clone()) == outside);
            assert_eq!(painter.server.calls().len(), calls, "{place} {says}");
            assert_eq!(layer.statuses().len(), 1, "all are complete");
        }
    }
}

#[test]
fn a_refused_selection_leaves_failed_items_as_they_are() {
    let server = ServerSpec::new()
        .script(|_, call| match call {
            1 => Reply::status(400),
            _ => Reply::model(),
        })
        .start();
    let map = MapSpec::rectangle(2, 2).quadrant_px(8, 8);
    let layer = TestLayer::new(map, &endpoints_at([server.url().as_str()]));
    layer.run(PROGRAM, &[]).assert_status(1);
    let run = layer.run(PROGRAM, &["--retry-errors", "--redo", "900,900"]);
    run.assert_status(2);
    assert_eq!(layer.statuses(), [("error".to_owned(), 1)].into());
}

/// It is what lay there last, not the newest of all.
#[test]
fn of_a_block_that_waits_comes_back_what_it_was() {
    let painter = Painter::new();
    let layer = lattice(&painter, Storage::Files, "infill");
    let first = pictures(&layer);
    layer.run(PROGRAM, &["--redo", "3,3"]).assert_status(0);
    let all = "3,3 2,3 5,3 3,2 3,5 2,2 5,2 2,5 5,5";
    layer.run(PROGRAM, &["--keep", all]).assert_status(0);
    assert!(pictures(&layer) == first);
    // All nine are put back, and one is drawn anew.
    layer
        .run(PROGRAM, &["--redo", "3,3", "--max-items", "1"])
        .assert_status(0);
    layer.run(PROGRAM, &["--keep", all]).assert_status(0);
    assert!(pictures(&layer) == first);
}

#[test]
fn a_file_may_say_which_as_text_or_as_geo_json() {
    let painter = Painter::new();
    let layer = lattice(&painter, Storage::Files, "block");
    let file: PathBuf = layer.root().join("again");
    std::fs::write(&file, "3,3\n0,0..1,1\n").unwrap();
    let args = ["--redo-file", file.to_str().unwrap(), "--dry-run"];
    layer
        .run(PROGRAM, &args)
        .assert_says("redo: 2 blocks: 2 calls");
    let all = json!({"type": "Polygon", "coordinates": [[[-180, -89], [180, -89], [180, 89], [-180, 89], [-180, -89]]]});
    std::fs::write(&file, all.to_string()).unwrap();
    let items = layer.statuses()["complete"];
    layer
        .run(PROGRAM, &args)
        .assert_says(&format!("redo: {items} blocks: {items} calls"));
}

/// It gives what it has only once.
#[test]
fn a_file_may_be_a_pipe() {
    let painter = Painter::new();
    let layer = lattice(&painter, Storage::Files, "block");
    let already = painter.server.calls().len();
    let mut command = layer.command(PROGRAM, &["--redo-file", "/dev/stdin"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"3,3 0,0").unwrap();
    drop(input);
    let run = Run::of(&child.wait_with_output().unwrap());
    run.assert_status(0);
    assert_eq!(painter.server.calls().len() - already, 2);
}

#[test]
fn what_cannot_be_meant_changes_nothing() {
    let painter = Painter::new();
    let layer = lattice(&painter, Storage::Files, "infill");
    let calls = painter.server.calls().len();
    // A run opens the database before it knows the plan; what stands in it is what counts.
    let all = || {
        let mut files = snapshot(layer.dir());
        files.retain(|(path, _)| !path.to_string_lossy().contains("progress.db"));
        let plan =
            layer.sql("SELECT id || status || coalesce(completed_at, '') FROM generation_plan");
        (
            files,
            plan,
            layer.sql("SELECT count(*) FROM attempts UNION ALL SELECT count(*) FROM prompts"),
        )
    };
    let before = all();
    for (args, said) in [
        (&["--redo", "900,900"][..], "is not in the plan"),
        (&["--redo", "3,3 900,900"], "is not in the plan"),
        (&["--redo", "100,100..200,200"], "none of what is asked for"),
        (&["--redo", "3;3"], "neither a quadrant nor a rectangle"),
        (&["--redo", ""], "no quadrant is named"),
        (&["--redo", "{\"type\": \"Moon\"}"], "GeoJSON"),
        (
            &["--redo-file", "nowhere"],
            "cannot read --redo-file nowhere",
        ),
        (
            &["--redo", "3,3", "--redo-prompt", " "],
            "a text without control characters",
        ),
        (&["--redo-prompt", "x"], "--redo"),
        (&["--without-followers"], "--redo"),
        (&["--keep", "3,3"], "has no earlier pictures"),
        (&["--keep", "3,3@7"], "has no pictures of version 7"),
        (&["--keep", "900,900"], "not in the plan"),
        (&["--keep", "3,3@x"], "names no version"),
        (&["--keep", " "], "names no quadrant"),
        (&["--keep", "3,3", "--redo", "3,3"], "cannot be used with"),
    ] {
        let run = layer.run(PROGRAM, args);
        run.assert_status(2).assert_says(said);
    }
    assert!(all() == before);
    assert_eq!(painter.server.calls().len(), calls);
}

//! A part drawn with other settings, beside the layer.

mod grey_city;
mod infilling;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use fixtures::layers::{TestLayer, endpoints_at, snapshot};
use fixtures::maps::{MapSpec, encode_png};
use fixtures::server::{RecordedRequest, Reply, ScriptedServer, ServerSpec};
use image::{Rgb, RgbImage, Rgba, RgbaImage};
use layer::{LayerDir, PilotRecord, Storage};
use planner::Quadrant;
use serde_json::{Value, json};

use grey_city::city;
use infilling::continue_colours;

const PROGRAM: &str = env!("CARGO_BIN_EXE_generate_full_map_layer");

/// All that tells of the layer itself.
const TABLES: [&str; 5] = [
    "SELECT * FROM generation_plan",
    "SELECT * FROM pictures",
    "SELECT * FROM uniform",
    "SELECT * FROM prompts",
    "SELECT id, item_id, endpoint, outcome, settings_hash, seed, joined FROM attempts WHERE pilot IS NULL",
];

/// The layer's rows, and its pictures.
type State = (Vec<Vec<Vec<String>>>, Vec<(Quadrant, Vec<u8>)>);

fn state(layer: &TestLayer) -> State {
    (
        TABLES.map(|table| layer.sql(table)).to_vec(),
        layer.all_stored(),
    )
}

fn pilots(layer: &TestLayer) -> Vec<PathBuf> {
    let pilots = LayerDir::at(layer.dir());
    let names = pilots.pilots().expect("pilots/ can be read");
    names.iter().map(|name| pilots.pilot_dir(name)).collect()
}

/// What is recorded of the newest pilot.
fn record(layer: &TestLayer) -> PilotRecord {
    let layer = LayerDir::at(layer.dir());
    let newest = layer.pilots().expect("pilots/ can be read").remove(0);
    layer.read_pilot(&newest).expect("pilot.json can be read")
}

/// The pictures of the newest pilot.
fn drawn(layer: &TestLayer) -> BTreeMap<Quadrant, Vec<u8>> {
    let names = std::fs::read_dir(&pilots(layer)[0]).expect("the pilot's directory");
    let picture = |entry: std::io::Result<std::fs::DirEntry>| {
        let entry = entry.expect("an entry");
        let at = LayerDir::quadrant_of_picture(entry.file_name().to_str()?)?;
        Some((at, std::fs::read(entry.path()).expect("a picture")))
    };
    names.filter_map(picture).collect()
}

fn square(storage: Storage, server: &ScriptedServer) -> TestLayer {
    let map = MapSpec::rectangle(9, 9).quadrant_px(8, 8);
    TestLayer::stored_in(storage, map, &endpoints_at([server.url().as_str()]))
}

/// The 2x2 at (3, 3), strips right of it and below it with what precedes these, and the corner.
const PART: &str = "3,3,5,5";

fn quadrants_of(record: &PilotRecord) -> BTreeSet<Quadrant> {
    let items = record.items.iter().flat_map(|item| {
        let size = |text: &str| text.parse::<i32>().expect("a shape");
        let (width, height) = item.shape.split_once('x').expect("a shape");
        let (width, height) = (size(width), size(height));
        let cells = (0..height).flat_map(move |dy| (0..width).map(move |dx| (dx, dy)));
        cells.map(|(dx, dy)| Quadrant::new(item.x + dx, item.y + dy))
    });
    items.collect()
}

#[test]
fn other_settings_are_tried_beside_the_layer_which_stays_as_it_is() {
    for storage in [Storage::Files, Storage::Sqlite] {
        let server = ServerSpec::new().start();
        let layer = square(storage, &server);
        layer.configure(|config| {
            config["generation_params"] = json!({"prompt": "snow", "guidance": 3});
            let endpoint = &mut config["model_endpoints"][0];
            endpoint["prompt"] = json!("snow of my own");
            endpoint["params"] = json!({"num_inference_steps": 30, "strength": 0.5});
            endpoint["price"] = json!({"per_call": 0.5});
        });
        // A part is complete, one item has failed, and the rest is pending.
        layer.run(PROGRAM, &["--only", "0,0,5,5"]).assert_status(0);
        server.set_script(|_, _| Reply::status(413));
        layer.run(PROGRAM, &["--max-items", "1"]).assert_status(1);
        server.set_script(|_, _| Reply::model());
        let before = state(&layer);
        let calls = server.calls().len();
        let explained = layer.run(PROGRAM, &["--explain", "3,3"]).stdout;
        let foretold = layer.run(PROGRAM, &["--dry-run"]).stdout;
        let tried = "prompt=\"snow, at \\\"night\\\"\", num_inference_steps=20, model=flux-2";

        let files = snapshot(layer.dir());
        let dry = layer.run(PROGRAM, &["--only", PART, "--try", tried, "--dry-run"]);
        dry.assert_status(0)
            .assert_says("prompt: \"snow of my own\" -> \"snow, at \\\"night\\\"\"")
            .assert_says("model: none -> \"flux-2\"")
            .assert_says("num_inference_steps: 30 -> 20")
            .assert_says("calls would be made");
        assert!(snapshot(layer.dir()) == files, "a dry run changes nothing");

        let run = layer.run(PROGRAM, &["--only", PART, "--try", tried]);
        run.assert_status(0)
            .assert_says("The pilot is in layers/test/pilots/")
            .assert_says("plan and pictures of the layer are as they were")
            .assert_says(
                "To compare it:\n  debug_generate_full_map_layer --layer-dir layers/test --serve",
            );
        assert!(!run.stdout.contains("To go on"), "{}", run.stdout);
        assert_eq!(state(&layer), before);
        layer.assert_whole();
        layer.assert_tidy();

        let record = record(&layer);
        let items = record.items.len();
        dry.assert_says(&format!("{items} calls would be made"));
        let sent = server.calls().split_off(calls);
        assert_eq!(
            sent.len(),
            items,
            "each block is drawn, also those that are complete"
        );
        for request in &sent {
            let sent = request.json();
            assert_eq!(sent["prompt"], "snow, at \"night\"");
            assert_eq!(sent["model"], "flux-2");
            assert_eq!(sent["steps"], 20);
            assert_eq!(
                (&sent["guidance"], &sent["strength"]),
                (&json!(3), &json!(0.5))
            );
        }
        let pictures = drawn(&layer);
        let inside = quadrants_of(&record);
        assert_eq!(pictures.keys().copied().collect::<BTreeSet<_>>(), inside);
        for x in 3..=5 {
            assert!((3..=5).all(|y| inside.contains(&Quadrant::new(x, y))));
        }
        for (at, bytes) in &pictures {
            let picture = image::load_from_memory(bytes)
                .expect("a picture")
                .into_rgb8();
            let mut expected = layer.source(*at);
            image::imageops::invert(&mut expected);
            assert!(picture == expected, "{at}");
        }

        let name = pilots(&layer)[0]
            .file_name()
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        let attempts =
            layer.sql("SELECT pilot, paid, cost, outcome FROM attempts WHERE pilot IS NOT NULL");
        assert_eq!(
            attempts,
            vec![vec![name, "1".into(), "0.5".into(), "ok".into()]; items]
        );
        let told = layer.sql("SELECT told FROM settings WHERE hash IN (SELECT settings_hash FROM attempts WHERE pilot IS NOT NULL)");
        assert_eq!(told.len(), 1);
        assert_eq!(
            serde_json::from_str::<Value>(&told[0][0]).unwrap(),
            record.endpoints[0].told
        );
        assert_eq!(record.tried["prompt"], "snow, at \"night\"");
        assert_eq!(record.part, format!("--only {PART}"));
        assert_eq!(
            (record.exit_status, record.reason.as_deref()),
            (Some(0), None)
        );
        assert!(record.ended_at.is_some());
        assert_eq!(
            (record.calls, record.calls_paid),
            (items as u64, items as u64)
        );
        assert!((record.cost - 0.5 * items as f64).abs() < 1e-9);
        assert!(record.items.iter().all(|item| item.status == "complete"));
        assert!(record.items.iter().any(|item| item.only_precedes));

        // It leaves no trace in what is told of the layer.
        assert_eq!(layer.run(PROGRAM, &["--explain", "3,3"]).stdout, explained);
        assert_eq!(layer.run(PROGRAM, &["--dry-run"]).stdout, foretold);
        let again = layer.run(PROGRAM, &["--only", PART, "--try", "seed=7"]);
        again.assert_status(0);
        assert_eq!(pilots(&layer).len(), 2);
        assert_eq!(server.calls().last().unwrap().json()["seed"], 7);
        let run = layer.run(PROGRAM, &["--retry-errors"]);
        run.assert_status(0);
        assert!(!run.stderr.contains("other settings"), "{}", run.stderr);
        layer.assert_whole();
    }
}

/// A block, and a quadrant that its canvas shows in a pilot of it, which the pilot does not draw.
fn part_with_something_around(layer: &TestLayer) -> Option<(String, Quadrant)> {
    let blocks =
        layer.sql("SELECT top_left_x || ',' || top_left_y FROM generation_plan WHERE step > 1");
    blocks.into_iter().find_map(|mut block| {
        let part = block.remove(0);
        let run = layer.run(PROGRAM, &["--only", &part, "--try", "strength=1"]);
        run.assert_status(0);
        let own = drawn(layer);
        let joined = layer
            .sql("SELECT joined FROM attempts WHERE pilot = (SELECT max(pilot) FROM attempts)");
        let mut joined = joined.iter().flat_map(|row| row[0].split(' '));
        let around = joined.find_map(|at| {
            let (x, y) = at.split_once(',')?;
            let at = Quadrant::new(x.parse().ok()?, y.parse().ok()?);
            (!own.contains_key(&at)).then_some(at)
        });
        Some((part, around?))
    })
}

/// A model that infills draws from its canvas alone, so a pilot with the settings of the layer draws
/// what the layer has, of its own pictures: those of the layer that it draws anew are not there.
#[test]
fn canvases_show_what_the_pilot_has_drawn_and_around_it_what_is_complete() {
    let server = ServerSpec::new().model(continue_colours).start();
    for (storage, order) in [(Storage::Files, "strict"), (Storage::Sqlite, "eager")] {
        let layer = TestLayer::stored_in(storage, city(), &endpoints_at([server.url().as_str()]));
        layer.configure(|config| {
            config["order"] = json!(order);
            config["canvas"] = json!({"mode": "infill"});
            config["model_endpoints"][0]["max_concurrent"] = json!(3);
        });
        layer.run(PROGRAM, &[]).assert_status(0);
        let whole: BTreeMap<Quadrant, Vec<u8>> = layer.all_stored().into_iter().collect();
        let part = ["--only", "3,3,8,8", "--try", "strength=1"];
        layer.run(PROGRAM, &part).assert_status(0);
        let pilot = drawn(&layer);
        assert!((36..whole.len()).contains(&pilot.len()), "{}", pilot.len());
        let same = |pilot: &BTreeMap<Quadrant, Vec<u8>>| {
            pilot.iter().all(|(at, bytes)| whole[at] == *bytes)
        };
        assert!(same(&pilot));
        let Some((other, around)) = part_with_something_around(&layer) else {
            panic!("around no part there is anything to show")
        };
        for &at in pilot.keys() {
            layer.tamper(at, None);
        }
        layer.run(PROGRAM, &part).assert_status(0);
        assert!(same(&drawn(&layer)));
        // Around a part one that is shown is gone: that is told, and nothing is drawn over it.
        layer.tamper(around, None);
        let part = ["--only", &other, "--try", "strength=1"];
        let failed = layer.run(PROGRAM, &part);
        failed.assert_status(1).assert_says("in the pilot");
        let record = record(&layer);
        assert_eq!(record.exit_status, Some(1));
        let why = record.items.iter().find_map(|item| item.message.as_ref());
        assert!(why.is_some_and(|why| why.contains("is missing")), "{why:?}");
        assert_eq!(layer.statuses().len(), 1, "no item of the layer has failed");
    }
}

#[test]
fn a_pilot_that_is_killed_or_stopped_leaves_the_layer_and_what_it_has_drawn() {
    let slowly = |_: &RecordedRequest, _: usize| Reply::model().after(Duration::from_millis(30));
    let server = ServerSpec::new().script(slowly).start();
    let layer = square(Storage::Files, &server);
    let before = state(&layer);
    let args = ["--only", PART, "--try", "a=1"];
    for signal in ["KILL", "INT"] {
        let calls = server.calls().len();
        let mut run = layer.command(PROGRAM, &args);
        let mut run = run.spawn().expect("the program starts");
        assert!(server.wait_for_calls(calls + 4, Duration::from_secs(60)));
        let pid = run.id().to_string();
        let mut kill = std::process::Command::new("kill");
        let kill = kill.args(["-s", signal, &pid]);
        assert!(kill.status().expect("kill runs").success());
        let ended = run.wait().expect("it ends");
        assert_eq!(state(&layer), before, "{signal}");
        let record = record(&layer);
        let drawn = drawn(&layer);
        let all = quadrants_of(&record).len();
        assert!((1..all).contains(&drawn.len()), "{} of {all}", drawn.len());
        for bytes in drawn.values() {
            image::load_from_memory(bytes).expect("a whole picture");
        }
        match signal {
            "KILL" => assert_eq!(record.ended_at, None),
            _ => {
                assert_eq!(ended.code(), Some(130));
                assert_eq!(record.exit_status, Some(130));
                let left = record.items.iter().filter(|item| item.status == "pending");
                assert!(left.count() > 0);
            }
        }
    }
    layer.run(PROGRAM, &args).assert_status(0);
    assert_eq!(pilots(&layer).len(), 3);
    assert_eq!(state(&layer), before);
    layer.run(PROGRAM, &[]).assert_status(0);
    let open = layer.sql("SELECT count(*) FROM attempts WHERE outcome = 'in_flight'");
    assert_eq!(open[0][0], "0");
    layer.assert_whole();
    layer.assert_tidy();
}

#[test]
fn what_pilots_cost_counts_for_the_run_and_for_the_layer() {
    let server = ServerSpec::new().start();
    let layer = square(Storage::Files, &server);
    layer.configure(|config| {
        config["model_endpoints"][0]["price"] = json!({"per_call": 1});
        config["model_endpoints"][0]["max_concurrent"] = json!(4);
        config["max_calls"] = json!(9);
    });
    let args = ["--only", PART, "--try", "a=1", "--max-cost", "3"];
    let run = layer.run(PROGRAM, &args);
    run.assert_status(3)
        .assert_says("--max-cost 3 is reached")
        .assert_says("3.00 USD for 3 calls")
        .assert_says("another pilot");
    let record = record(&layer);
    assert_eq!((record.exit_status, record.calls_paid), (Some(3), 3));
    assert!(
        record
            .reason
            .is_some_and(|why| why.contains("--max-cost 3"))
    );
    let run = layer.run(
        PROGRAM,
        &["--only", PART, "--try", "a=1", "--max-items", "2"],
    );
    run.assert_status(0);
    assert_eq!(server.calls().len(), 5);
    layer
        .run(PROGRAM, &[])
        .assert_status(3)
        .assert_says("(5 before this run)");
    assert_eq!(server.calls().len(), 9);
    assert_eq!(layer.statuses()["complete"], 4);
}

/// One of one colour is not accepted.
#[test]
fn an_answer_that_is_not_good_enough_is_kept_with_the_pilot() {
    let server = ServerSpec::new()
        .model(|canvas| {
            RgbaImage::from_pixel(canvas.width(), canvas.height(), Rgba([9, 9, 9, 255]))
        })
        .start();
    let painted = |_, at: Quadrant| {
        encode_png(RgbImage::from_fn(64, 64, |x, y| {
            Rgb([(x * 3) as u8, (y * 3) as u8, (x * y + at.x as u32) as u8])
        }))
    };
    let map = MapSpec::rectangle(3, 3)
        .quadrant_px(64, 64)
        .painted(painted);
    let layer = TestLayer::stored_in(Storage::Files, map, &endpoints_at([server.url().as_str()]));
    layer.configure(|config| config["accept"] = json!({}));
    let before = state(&layer);
    let run = layer.run(PROGRAM, &["--only", "0,0", "--try", "a=1"]);
    run.assert_status(1)
        .assert_says("is in layers/test/pilots/");
    assert!(!run.stdout.contains("--accept"), "{}", run.stdout);
    assert_eq!(server.calls().len(), 3, "as many tries as in a run");
    assert_eq!(state(&layer), before);
    assert!(!layer.dir().join("rejected").exists());
    assert!(pilots(&layer)[0].join("rejected/0_0/1/0_0.png").exists());
    let [item] = &record(&layer).items[..] else {
        panic!("it is one item")
    };
    assert_eq!(item.status, "error");
    let why = item.message.as_deref().unwrap_or_default();
    assert!(why.contains("not good enough"), "{why}");
    assert!(drawn(&layer).is_empty());
}

#[test]
fn flat_water_is_made_without_a_call_and_a_filter_simply_draws() {
    let server = ServerSpec::new().start();
    let painted = |_, at: Quadrant| match at.x {
        0..3 => encode_png(RgbImage::from_pixel(8, 8, Rgb([40, 60, 80]))),
        _ => encode_png(RgbImage::from_fn(8, 8, |x, y| {
            Rgb([x as u8 * 9, y as u8 * 9, 7])
        })),
    };
    let map = || MapSpec::rectangle(6, 3).quadrant_px(8, 8).painted(painted);
    let water = TestLayer::stored_in(
        Storage::Files,
        map(),
        &endpoints_at([server.url().as_str()]),
    );
    water.configure(|config| config["uniform"] = json!({"mode": "copy"}));
    let before = state(&water);
    let args = ["--only", "0,0,3,1", "--try", "a=1"];
    let dry = water.run(PROGRAM, &[&args[..], &["--dry-run"]].concat());
    dry.assert_status(0).assert_says("of flat water, no call");
    let run = water.run(PROGRAM, &args);
    run.assert_status(0).assert_says("of flat water, no call");
    assert_eq!(state(&water), before);
    let record = record(&water);
    assert!((server.calls().len() as u64) < record.items.len() as u64);
    assert_eq!(record.calls, server.calls().len() as u64);
    assert_eq!(drawn(&water).len(), quadrants_of(&record).len());
    // Of water alone nothing is called at all.
    let calls = server.calls().len();
    let run = water.run(PROGRAM, &["--only", "0,0", "--try", "a=1"]);
    run.assert_status(0).assert_says("The pilot is in");
    assert_eq!((server.calls().len(), drawn(&water).len()), (calls, 4));

    // What is refused leaves no pilot behind.
    let (before, made) = (state(&water), pilots(&water).len());
    water.configure(|config| config["model_endpoints"] = json!([]));
    let run = water.run(PROGRAM, &args);
    run.assert_status(2).assert_says("model_endpoints");
    assert_eq!((state(&water), pilots(&water).len()), (before, made));

    let filter = json!([{"name": "snow", "url": "builtin:snow"}]);
    let snow = TestLayer::stored_in(Storage::Files, map(), &filter);
    let run = snow.run(PROGRAM, &["--only", "3,0", "--try", "prompt=x"]);
    run.assert_status(0)
        .assert_says("endpoint snow has no settings, and draws as it does");
    assert!(!drawn(&snow).is_empty());
}

#[test]
fn what_would_be_otherwise_in_the_configuration_is_told() {
    let server = ServerSpec::new().start();
    let layer = square(Storage::Files, &server);
    layer.configure(|config| {
        config["model_endpoints"][0]["prompt"] = json!("its own");
        config["model_endpoints"][0]["params"] = json!({"num_steps": 9});
    });
    let settings = "prompt=tried, numSteps=20, name=x";
    let args = ["--only", PART, "--try", settings];
    let run = layer.run(PROGRAM, &[&args[..], &["--dry-run"]].concat());
    run.assert_status(0)
        .assert_says("prompt: \"its own\" -> \"tried\"")
        .assert_says("has its own prompt, numSteps, in place of which that is told")
        .assert_says("name: none -> \"x\"");
    assert!(!run.stdout.contains("canvas: {"), "{}", run.stdout);
    // What no model is told is refused before anything is begun.
    let of_layer = settings.replace("name", "canvas");
    let run = layer.run(PROGRAM, &["--only", PART, "--try", &of_layer, "--dry-run"]);
    run.assert_status(2)
        .assert_says("canvas is a key of the layer's configuration");
    // That some of it is left is told as well.
    let run = layer.run(PROGRAM, &[&args[..], &["--max-items", "1"]].concat());
    run.assert_status(0);
    let record = record(&layer);
    assert_eq!(
        record.reason.as_deref(),
        Some("no more blocks were asked for")
    );
}

#[test]
fn what_cannot_be_meant_changes_nothing() {
    let server = ServerSpec::new().start();
    let layer = square(Storage::Files, &server);
    let before = snapshot(layer.dir());
    let with = |more: &[&'static str]| [&["--only", PART, "--try", "a=1"], more].concat();
    for (args, said) in [
        (vec!["--try", "a=1"], "required"),
        (
            vec!["--only", PART, "--try", ""],
            "there is no setting in it",
        ),
        (vec!["--only", PART, "--try", "prompt"], "there must be ="),
        (vec!["--only", PART, "--try", "a=1, a=2"], "given twice"),
        (
            vec!["--only", PART, "--try", "prompt=7"],
            "given with --try cannot be told: the prompt",
        ),
        (
            vec!["--only", PART, "--try", "image_b64=x"],
            "must not have a key",
        ),
        (
            vec!["--only", "90,90", "--try", "a=1"],
            "is not in the plan",
        ),
        (with(&["--resume"]), "cannot be used with"),
        (with(&["--retry-errors"]), "cannot be used with"),
        (with(&["--redo", "3,3"]), "cannot be used with"),
        (with(&["--redo-flagged"]), "cannot be used with"),
        (with(&["--keep", "3,3"]), "cannot be used with"),
        (with(&["--accept", "3,3"]), "cannot be used with"),
        (with(&["--explain", "3,3"]), "cannot be used with"),
        (with(&["--check-endpoints"]), "cannot be used with"),
        (with(&["--max-cost", "1"]), "there is no \"price\""),
    ] {
        layer.run(PROGRAM, &args).assert_status(2).assert_says(said);
    }
    assert_eq!(server.calls().len(), 0);
    let besides = |files: Vec<(PathBuf, Vec<u8>)>| {
        let own = files.into_iter();
        let own = own.filter(|(path, _)| !path.to_string_lossy().contains("run.lock"));
        let own = own.filter(|(path, _)| !path.to_string_lossy().contains("progress.db"));
        own.collect::<Vec<_>>()
    };
    assert!(besides(snapshot(layer.dir())) == besides(before));
}

#[test]
fn no_key_gets_into_what_is_recorded() {
    let server = ServerSpec::new().start();
    let layer = square(Storage::Files, &server);
    layer.configure(|config| config["model_endpoints"][0]["api_key_env"] = json!("TEST_KEY"));
    let key = "sk-0123456789abcdef";
    let args = ["--only", "0,0", "--try", "user=sk-0123456789abcdef"];
    let mut command = layer.command(PROGRAM, &args);
    let output = command.env("TEST_KEY", key).output().expect("it runs");
    assert!(output.status.success(), "{output:?}");
    for text in [&output.stdout, &output.stderr] {
        assert!(!String::from_utf8_lossy(text).contains(key), "{output:?}");
    }
    for (path, bytes) in snapshot(layer.dir()) {
        let holds = bytes.windows(key.len()).any(|part| part == key.as_bytes());
        assert!(!holds, "{}", path.display());
    }
    assert!(record(&layer).tried.contains_key("user"));
}

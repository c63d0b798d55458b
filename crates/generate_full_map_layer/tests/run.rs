//! A run from start to end: the real program, real files, scripted servers.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::Command;
use std::time::Duration;

use fixtures::layers::{Run, TestLayer, endpoints_at, snapshot};
use fixtures::maps::{MapSpec, SourceLayer, encode_png};
use fixtures::server::{Reply, ScriptedServer, ServerSpec};
use image::{RgbImage, Rgba, RgbaImage};
use layer::Storage;
use planner::Quadrant;
use serde_json::json;

const PROGRAM: &str = env!("CARGO_BIN_EXE_generate_full_map_layer");

/// An irregular map with a hole, an island and negative coordinates.
const CITY: &str = "\
    ..#####..##
    .######..##
    ###.####...
    ###.#######
    .##########
    ..#####.##.";

fn city() -> MapSpec {
    MapSpec::drawn(&CITY.replace("    ", "")).quadrant_px(16, 12)
}

fn invert(picture: &RgbImage) -> RgbImage {
    let mut picture = picture.clone();
    image::imageops::invert(&mut picture);
    picture
}

fn inverting_layer(map: MapSpec, servers: &[&ScriptedServer]) -> TestLayer {
    let urls: Vec<String> = servers.iter().map(|server| server.url()).collect();
    TestLayer::new(map, &endpoints_at(urls.iter().map(String::as_str)))
}

#[test]
fn every_quadrant_is_what_the_model_made_of_it() {
    for map in [MapSpec::rectangle(9, 9), city()] {
        let (a, b) = (ServerSpec::new().start(), ServerSpec::new().start());
        let layer = inverting_layer(map, &[&a, &b]);
        let run = layer.run(PROGRAM, &[]);
        run.assert_status(0)
            .assert_says("[Step 1] ")
            .assert_says("(100%), 0 errors");
        layer.assert_complete(invert);
        let items = layer.statuses()["complete"];
        assert_eq!(
            a.calls().len() + b.calls().len(),
            items,
            "each item is called for once"
        );
        assert!(
            a.calls().len().abs_diff(b.calls().len()) <= items / 3,
            "both are used in turn"
        );
    }
}

#[test]
fn the_canvas_is_the_source_of_the_block() {
    let server = ServerSpec::new().start();
    let layer = inverting_layer(city(), &[&server]);
    layer.run(PROGRAM, &[]).assert_status(0);
    let mut sizes = BTreeSet::new();
    for request in server.calls() {
        let canvas = request.json()["image_b64"]
            .as_str()
            .expect("a picture")
            .to_owned();
        let bytes = base64_decode(&canvas);
        let picture = image::load_from_memory(&bytes).expect("the canvas decodes");
        sizes.insert((picture.width(), picture.height()));
    }
    assert_eq!(
        sizes,
        BTreeSet::from([(16, 12), (16, 24), (32, 12), (32, 24)])
    );
}

fn base64_decode(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .expect("base64")
}

#[test]
fn one_at_a_time_goes_strictly_in_turns_and_in_the_order_of_the_plan() {
    let servers = [
        ServerSpec::new().start(),
        ServerSpec::new().start(),
        ServerSpec::new().start(),
    ];
    // Of a full rectangle no two blocks of a step touch, so none waits until another is saved.
    let map = MapSpec::rectangle(9, 9);
    let layer = inverting_layer(map, &[&servers[0], &servers[1], &servers[2]]);
    layer
        .run(PROGRAM, &["--max-concurrent", "1"])
        .assert_status(0);
    let attempts = layer.sql("SELECT a.endpoint, p.step, p.id FROM attempts a JOIN generation_plan p ON p.id = a.item_id ORDER BY a.id");
    let in_order = layer.sql("SELECT '', step, id FROM generation_plan ORDER BY step, id");
    for (index, (attempt, planned)) in attempts.iter().zip(&in_order).enumerate() {
        assert_eq!(attempt[0], ["a", "b", "c"][index % 3], "claim {index}");
        assert_eq!(attempt[1..], planned[1..]);
    }
    assert_eq!(attempts.len(), in_order.len());
}

#[test]
fn two_blocks_that_touch_are_never_under_way_together() {
    let server = ServerSpec::new().latency(Duration::from_millis(20)).start();
    let layer = TestLayer::new(
        city(),
        &json!([{"name": "a", "url": server.url(), "max_concurrent": 8}]),
    );
    layer.run(PROGRAM, &[]).assert_status(0);
    assert!(
        server.most_under_way() > 1,
        "nothing ran together, so the test shows nothing"
    );
    // In pairs: the one that comes first is complete before the other starts.
    let bad = layer.sql(
        "SELECT p.id, q.id FROM generation_plan p JOIN generation_plan q
         ON (p.step, p.id) < (q.step, q.id) AND q.started_at < p.completed_at
         AND ((p.top_left_x + p.width = q.top_left_x OR q.top_left_x + q.width = p.top_left_x)
               AND p.top_left_y < q.top_left_y + q.height AND q.top_left_y < p.top_left_y + p.height
           OR (p.top_left_y + p.height = q.top_left_y OR q.top_left_y + q.height = p.top_left_y)
               AND p.top_left_x < q.top_left_x + q.width AND q.top_left_x < p.top_left_x + p.width)",
    );
    assert!(bad.is_empty(), "{bad:?}");
}

#[test]
fn a_failed_item_holds_back_what_touches_it_until_it_is_retried() {
    let healthy = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mended = std::sync::Arc::clone(&healthy);
    let layer = TestLayer::new(MapSpec::rectangle(9, 9), &json!([]));
    let poisoned = layer.source(Quadrant::new(3, 3));
    let server = ServerSpec::new()
        .script(move |request, _| {
            let bytes = base64_decode(request.json()["image_b64"].as_str().expect("a picture"));
            let canvas = image::load_from_memory(&bytes)
                .expect("a picture")
                .to_rgb8();
            let is_poisoned = canvas.dimensions() == (32, 32)
                && canvas.get_pixel(0, 0) == poisoned.get_pixel(0, 0);
            if is_poisoned && !mended.load(std::sync::atomic::Ordering::SeqCst) {
                return Reply::status(422).json(&json!({"detail": "not this one"}));
            }
            Reply::model()
        })
        .start();
    layer.configure(|config| config["model_endpoints"] = endpoints_at([server.url().as_str()]));
    layer
        .run(PROGRAM, &[])
        .assert_status(1)
        .assert_says("not this one")
        .assert_says("1 error");
    let statuses = layer.statuses();
    assert_eq!(statuses["error"], 1);
    // Two upright and two lying strips touch the middle block, and four corners touch these.
    assert_eq!(statuses["pending"], 8);
    assert_eq!(statuses["complete"], 27);

    let calls = server.calls().len();
    layer.run(PROGRAM, &[]).assert_status(1);
    assert_eq!(server.calls().len(), calls, "what failed is left alone");

    healthy.store(true, std::sync::atomic::Ordering::SeqCst);
    layer.run(PROGRAM, &["--retry_errors"]).assert_status(0);
    layer.assert_complete(invert);
    assert_eq!(server.calls().len(), calls + 9);
}

#[test]
fn resume_makes_missing_and_damaged_pictures_again() {
    let server = ServerSpec::new().start();
    let layer = inverting_layer(city(), &[&server]);
    layer.run(PROGRAM, &[]).assert_status(0);
    let calls = server.calls().len();
    layer.run(PROGRAM, &["--resume"]).assert_status(0);
    assert_eq!(server.calls().len(), calls, "whole pictures are left alone");

    layer.tamper(Quadrant::new(4, 0), None);
    let cut = Quadrant::new(9, 5);
    let bytes = layer.stored(cut).unwrap();
    layer.tamper(cut, Some(&bytes[..bytes.len() / 2]));
    let flipped = Quadrant::new(0, 2);
    let mut bytes = layer.stored(flipped).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    layer.tamper(flipped, Some(&bytes));

    layer
        .run(PROGRAM, &["--dry-run", "--resume"])
        .assert_status(0)
        .assert_says("3 have missing or damaged pictures");
    layer.run(PROGRAM, &["--resume"]).assert_status(0);
    assert_eq!(server.calls().len(), calls + 3);
    layer.assert_complete(invert);
}

#[test]
fn a_dry_run_calls_nothing_and_changes_nothing() {
    let server = ServerSpec::new().start();
    let layer = inverting_layer(city(), &[&server]);
    let before = snapshot(layer.root().to_owned());
    layer
        .run(PROGRAM, &["--dry-run"])
        .assert_status(0)
        .assert_says("-> a")
        .assert_says("nothing was changed");
    assert!(
        snapshot(layer.root().to_owned()) == before,
        "something was changed"
    );
    assert!(server.requests().is_empty());
}

#[test]
fn a_dry_run_tells_of_failed_items_and_of_a_run_that_is_under_way() {
    let server = ServerSpec::new().start();
    let layer = inverting_layer(city(), &[&server]);
    let said_of_failed = "run with --retry-errors only";
    let run = layer.run(PROGRAM, &["--dry-run"]);
    assert!(!run.stdout.contains(said_of_failed) && !run.stderr.contains("under way"));
    let _ = layer.sql("UPDATE generation_plan SET status = 'error' WHERE id IN (1, 2)");
    let lock = layer::RunLock::take(&layer::LayerDir::at(layer.dir())).expect("the lock is free");
    let before = snapshot(layer.root().to_owned());
    layer
        .run(PROGRAM, &["--dry-run"])
        .assert_status(0)
        .assert_says(&format!(
            "a run is under way on the layer (process {} on ",
            std::process::id()
        ))
        .assert_says("\n2 failed items, and ")
        .assert_says(said_of_failed);
    assert!(
        snapshot(layer.root().to_owned()) == before,
        "something was changed"
    );
    drop(lock);
    // What a run that was killed leaves is no run.
    std::fs::write(layer.dir().join("run.lock.json"), "{}").unwrap();
    let run = layer.run(PROGRAM, &["--dry-run", "--retry-errors"]);
    assert!(!run.stdout.contains(said_of_failed) && !run.stderr.contains("under way"));
}

#[test]
fn a_layer_whose_path_is_no_text_is_refused_and_not_changed() {
    let server = ServerSpec::new().start();
    let layer = inverting_layer(city(), &[&server]);
    let odd = layer.root().join(OsStr::from_bytes(b"odd-\xff"));
    std::fs::rename(layer.dir(), &odd).unwrap();
    let before = snapshot(layer.root().to_owned());
    for args in [
        &[][..],
        &["--dry-run"],
        &["--check-endpoints"],
        &["--resume"],
    ] {
        let mut command = Command::new(PROGRAM);
        let command = command
            .current_dir(layer.root())
            .arg("--layer-dir")
            .arg(&odd);
        Run::of(&command.args(args).output().unwrap())
            .assert_status(2)
            .assert_says("its path is not UTF-8; give it another name");
    }
    assert!(
        snapshot(layer.root().to_owned()) == before,
        "something was changed"
    );
    assert!(server.requests().is_empty());
}

#[test]
fn a_layer_made_by_another_tool_runs() {
    let server = ServerSpec::new().start();
    // Other tools know files only.
    let endpoints = endpoints_at([server.url().as_str()]);
    let layer = TestLayer::stored_in(Storage::Files, city(), &endpoints);
    layer.write_config(&json!({
        "name": "test", "generation_dir": "map", "source_layer": "generations",
        "model_endpoints": [{"name": "a", "url": server.url(), "api_key_env": "NO_SUCH_KEY", "colour": "blue"}],
        "generation_params": {"prompt": "test"},
    }));
    let _ = layer.sql("DROP TABLE pictures");
    let _ = layer.sql("DROP TABLE attempts");
    let _ = layer.sql("DELETE FROM metadata");
    let run = layer.run(PROGRAM, &[]);
    run.assert_status(0)
        .assert_says("NO_SUCH_KEY is not set")
        .assert_says("unknown key \"colour\"");
    layer.assert_complete(invert);
    let _ = layer.sql("DELETE FROM pictures");
    layer.tamper(Quadrant::new(0, 2), Some(b"no picture"));
    layer
        .run(PROGRAM, &["--resume"])
        .assert_status(0)
        .assert_says("1 have missing or damaged pictures");
    layer.assert_complete(invert);
}

#[test]
fn the_model_is_told_what_the_configuration_says() {
    let server = ServerSpec::new().start();
    let layer = inverting_layer(MapSpec::rectangle(2, 2), &[&server]);
    layer.configure(|config| {
        config["generation_params"] =
            json!({"prompt": "of the layer", "num_inference_steps": 20, "seed": 7, "extra": [1]});
        config["model_endpoints"][0]["prompt"] = "its own".into();
        config["model_endpoints"][0]["params"] = json!({"seed": 8});
        config["model_endpoints"][0]["api_key_env"] = "TEST_KEY".into();
    });
    std::fs::write(layer.root().join(".env"), "TEST_KEY=from-the-file\n").unwrap();
    layer.run(PROGRAM, &[]).assert_status(0);
    let request = &server.calls()[0];
    let body = request.json();
    assert_eq!(body["prompt"], "its own");
    assert_eq!(
        (&body["steps"], &body["seed"], &body["extra"]),
        (&json!(20), &json!(8), &json!([1]))
    );
    assert_eq!(body.get("num_inference_steps"), None);
    assert_eq!(
        request.header("authorization"),
        Some("Bearer from-the-file")
    );

    let _ = layer.sql("UPDATE generation_plan SET status = 'pending'");
    let mut command = layer.command(PROGRAM, &[]);
    assert!(
        command
            .env("TEST_KEY", "of-the-environment")
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(
        server.calls()[1].header("authorization"),
        Some("Bearer of-the-environment")
    );
}

#[test]
fn a_change_of_settings_is_told_and_counted() {
    let server = ServerSpec::new().start();
    let layer = inverting_layer(MapSpec::rectangle(5, 5), &[&server]);
    layer.run(PROGRAM, &["--max-items", "3"]).assert_status(0);
    assert_eq!(server.calls().len(), 3);
    layer.configure(|config| config["generation_params"]["prompt"] = "another".into());
    layer
        .run(PROGRAM, &["--max-items", "1"])
        .assert_status(0)
        .assert_says("3 complete items were made with other settings");
    layer.configure(|config| config["generation_params"]["prompt"] = "test".into());
    layer
        .run(PROGRAM, &[])
        .assert_status(0)
        .assert_says("1 complete items were made with other settings");
    layer.assert_complete(invert);
}

#[test]
fn a_source_that_is_not_the_one_planned_is_refused() {
    let server = ServerSpec::new().start();
    let layer = inverting_layer(MapSpec::rectangle(3, 3), &[&server]);
    std::fs::remove_dir_all(layer.map_dir()).unwrap();
    MapSpec::rectangle(3, 3)
        .quadrant_px(32, 32)
        .write_blocking(&layer.map_dir());
    layer
        .run(PROGRAM, &[])
        .assert_status(2)
        .assert_says("--accept-source-change");
    assert!(server.requests().is_empty());
    let accepts = ["--accept-source-change", "--max-items", "1"];
    let begun = layer.run(PROGRAM, &accepts);
    begun.assert_status(0);
    let goes_on = begun.stdout.lines().last().unwrap_or_default().trim();
    let args: Vec<&str> = goes_on.split(' ').skip(3).collect();
    assert_eq!(args, ["--accept-source-change"], "{goes_on}");
    layer.run(PROGRAM, &args).assert_status(0);
}

#[test]
fn the_builtin_model_needs_no_network_and_leaves_no_seam() {
    for filter in ["snow", "night"] {
        let endpoints = json!([{"name": "one", "url": format!("builtin:{filter}")}, {"name": "two", "url": format!("builtin:{filter}")}]);
        let layer = TestLayer::new(city(), &endpoints);
        layer.run(PROGRAM, &[]).assert_status(0);
        // Equal pixels become equal pixels, wherever they stand: so there is no seam.
        let mut seen: std::collections::HashMap<[u8; 3], [u8; 3]> =
            std::collections::HashMap::new();
        for &quadrant in layer.region().quadrants() {
            let (source, drawn) = (
                layer.source(quadrant),
                layer.picture(quadrant).expect("a picture"),
            );
            for (before, after) in source.pixels().zip(drawn.pixels()) {
                assert_eq!(*seen.entry(before.0).or_insert(after.0), after.0);
            }
        }
        assert!(
            seen.iter().any(|(before, after)| before != after),
            "the filter does nothing"
        );
    }
}

#[test]
fn what_cannot_run_says_why_and_changes_nothing() {
    let layer = TestLayer::new(MapSpec::rectangle(3, 3), &json!([]));
    let refused = |says: &str| {
        let before = snapshot(layer.root().to_owned());
        layer.run(PROGRAM, &[]).assert_status(2).assert_says(says);
        assert!(
            snapshot(layer.root().to_owned()) == before,
            "{says}: something was changed"
        );
    };
    refused("lists no model_endpoints; add entries like");
    layer.configure(|config| config["source_layer"] = "foo".into());
    refused("source_layer must be");
    layer.configure(|config| config["source_layer"] = "generations".into());
    layer.configure(|config| config["generaton_params"] = json!({}));
    refused("unknown key \"generaton_params\"; did you mean \"generation_params\"?");
    std::fs::remove_file(layer.dir().join("layer_config.json")).unwrap();
    refused("there is no");
}

#[test]
fn a_copy_has_the_source_s_own_bytes_where_they_are_as_they_would_be_stored() {
    let [translucent, plain] = [Quadrant::new(3, 0), Quadrant::new(2, 0)];
    let picture = RgbaImage::from_fn(16, 12, |x, y| Rgba([x as u8, y as u8, 77, 128 + x as u8]));
    let map = city().with_picture(translucent, SourceLayer::Generations, encode_png(picture));
    let (originals, region) = (map.clone(), map.region().clone());
    let layer = TestLayer::new(map, &json!([{"name": "a", "url": "builtin:copy"}]));
    layer.run(PROGRAM, &[]).assert_status(0);
    for &quadrant in region.quadrants() {
        let stored = layer.stored(quadrant).expect("it is there");
        let original = originals.picture(SourceLayer::Generations, quadrant);
        assert_eq!(
            Some(stored) == original,
            quadrant != translucent,
            "{quadrant}"
        );
    }
    assert_eq!(layer.picture(translucent), Some(layer.source(translucent)));
    assert!(layer.picture(plain).is_some());
    layer.assert_complete(Clone::clone);
}

#[test]
fn a_picture_of_one_quadrant_that_is_as_it_would_be_stored_is_stored_as_it_came() {
    // Made by another encoder than ours, with a text in it that ours does not write.
    let mut answer = Vec::new();
    let mut encoder = png::Encoder::new(&mut answer, 16, 16);
    encoder.set_color(png::ColorType::Rgb);
    encoder
        .add_text_chunk("parameters".into(), "steps: 20".into())
        .unwrap();
    let pixels: Vec<u8> = (0..16 * 16 * 3).map(|n| (n % 251) as u8).collect();
    encoder
        .write_header()
        .unwrap()
        .write_image_data(&pixels)
        .unwrap();
    let larger = encode_png(RgbImage::from_raw(16, 16, pixels).unwrap());
    let larger = image::load_from_memory(&larger).unwrap().resize_exact(
        32,
        32,
        image::imageops::FilterType::Nearest,
    );
    for (sent, is_kept) in [(answer.clone(), true), (encode_png(larger), false)] {
        let reply = sent.clone();
        let server = ServerSpec::new()
            .script(move |_, _| Reply::picture(reply.clone()))
            .start();
        let layer = TestLayer::new(
            MapSpec::rectangle(1, 1).quadrant_px(16, 16),
            &endpoints_at([&*server.url()]),
        );
        layer.run(PROGRAM, &[]).assert_status(0);
        let stored = layer.stored(Quadrant::new(0, 0)).expect("it is there");
        assert_eq!(stored == sent, is_kept);
        assert!(layer.picture(Quadrant::new(0, 0)).is_some());
    }
    // Where the block is only a part of what came, it is cut out.
    let server = ServerSpec::new().start();
    let layer = inverting_layer(MapSpec::rectangle(2, 2), &[&server]);
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(invert);
}

//! Runs with infill canvases: the real program and a model that sees nothing but the picture.

mod grey_city;
mod infilling;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use debug_generate_full_map_layer::{Edge, Seams};
use dispatch::duration_text;
use fixtures::layers::{Run, TestLayer, endpoints_at};
use fixtures::maps::MapSpec;
use fixtures::server::{RecordedRequest, Reply, ScriptedServer, ServerSpec};
use image::{RgbImage, RgbaImage};
use layer::{LayerDir, block_seed, quadrant_named};
use planner::{Block, BlockShape, Quadrant};
use serde_json::{Value, json};

use grey_city::{HEIGHT_PX, WIDTH_PX, city};
use infilling::continue_colours;

const PROGRAM: &str = env!("CARGO_BIN_EXE_generate_full_map_layer");

fn layer(canvas: &Value, server: &ScriptedServer) -> TestLayer {
    let layer = TestLayer::new(city(), &endpoints_at([server.url().as_str()]));
    layer.configure(|config| {
        config["canvas"] = canvas.clone();
        config["model_endpoints"][0]["max_concurrent"] = json!(3);
    });
    layer
}

fn infilling() -> ScriptedServer {
    ServerSpec::new().model(continue_colours).start()
}

/// The seams that a run with this canvas and this model leaves.
async fn seams(
    canvas: &Value,
    model: impl Fn(&RgbaImage) -> RgbaImage + Send + Sync + 'static,
) -> Seams {
    let server = ServerSpec::new().model(model).start();
    let layer = layer(canvas, &server);
    layer.run(PROGRAM, &[]).assert_status(0);
    let measured = Seams::of(&LayerDir::at(layer.dir())).await;
    measured.expect("the layer is complete")
}

/// The edges that show: those whose mean step is more than 2 levels above the one inside blocks.
fn visible(seams: &Seams) -> Vec<Edge> {
    seams
        .edges
        .iter()
        .filter(|edge| edge.step > seams.inside + 2.0)
        .copied()
        .collect()
}

#[test]
fn a_canvas_that_is_sent_again_shows_what_it_showed() {
    let server = ServerSpec::new()
        .model(continue_colours)
        .script(|request, _| match request.path.as_str() {
            "/again" => Reply::model(),
            _ => Reply::status(308).header("location", "/again"),
        })
        .start();
    let layer = layer(&json!({"mode": "infill"}), &server);
    layer.run(PROGRAM, &[]).assert_status(0);
    let mut bodies: Vec<_> = server.calls().into_iter().map(|call| call.body).collect();
    bodies.sort_unstable();
    assert!(bodies.len() > 20, "{} calls", bodies.len());
    for pair in bodies.chunks(2) {
        assert_eq!(pair[0], pair[1], "each is sent twice");
    }
}

#[tokio::test]
async fn a_model_that_sees_its_neighbours_leaves_no_seam() {
    let seams = seams(&json!({"mode": "infill"}), continue_colours).await;
    assert!(
        seams.edges.len() > 60,
        "{} edges are no map",
        seams.edges.len()
    );
    let visible = visible(&seams);
    assert!(visible.is_empty(), "inside {}: {visible:?}", seams.inside);
}

#[tokio::test]
async fn a_model_that_sees_only_the_block_leaves_seams() {
    let seams = seams(&json!({"mode": "block"}), continue_colours).await;
    let clear = seams.edges.iter().filter(|edge| edge.step > 20.0).count();
    assert!(
        2 * clear >= seams.edges.len(),
        "{clear} of {} edges",
        seams.edges.len()
    );
}

#[tokio::test]
async fn a_context_that_is_half_a_quadrant_off_leaves_seams() {
    for (dx, dy) in [(WIDTH_PX / 2, 0), (0, HEIGHT_PX / 2)] {
        let seams = seams(&json!({"mode": "infill"}), move |picture| {
            continue_colours(&with_context_moved(picture, dx, dy))
        })
        .await;
        assert!(
            !visible(&seams).is_empty(),
            "a shift by ({dx}, {dy}) is not noticed"
        );
    }
}

#[tokio::test]
async fn a_model_that_draws_everything_too_dark_is_matched_to_its_neighbours() {
    let darkening = |picture: &RgbaImage| {
        let mut answer = continue_colours(picture);
        let levels = answer.pixels_mut().flat_map(|pixel| &mut pixel.0[..3]);
        levels.for_each(|level| *level = level.saturating_sub(9));
        answer
    };
    let plain = seams(&json!({"mode": "infill"}), darkening).await;
    let matched = seams(&json!({"mode": "infill", "match_px": 10}), darkening).await;
    assert!(
        2 * visible(&plain).len() > plain.edges.len(),
        "{:?}",
        plain.across()
    );
    assert!(
        visible(&matched).is_empty(),
        "inside {}: {:?}",
        matched.inside,
        visible(&matched)
    );
}

/// The picture with all that is finished, and so has a colour, moved.
fn with_context_moved(picture: &RgbaImage, dx: u32, dy: u32) -> RgbaImage {
    let is_context = |pixel: &image::Rgba<u8>| {
        let [red, green, blue, _] = pixel.0;
        [red, green, blue] != [255, 0, 0] && !(red == green && green == blue)
    };
    RgbaImage::from_fn(picture.width(), picture.height(), |x, y| {
        let (own, other) = (
            picture.get_pixel(x, y),
            picture.get_pixel((x + dx) % picture.width(), (y + dy) % picture.height()),
        );
        if is_context(own) && is_context(other) {
            *other
        } else {
            *own
        }
    })
}

#[test]
fn the_model_gets_a_canvas_of_2x2_and_none_of_its_settings() {
    let server = infilling();
    let layer = layer(
        &json!({"mode": "infill", "match_px": 4, "noise": 0.5}),
        &server,
    );
    layer.configure(|config| config["generation_params"] = json!({"num_inference_steps": 7}));
    layer
        .run(PROGRAM, &[])
        .assert_status(0)
        .assert_says("inside the thin border");
    for call in server.calls() {
        let body = call.json();
        let keys: Vec<&String> = body.as_object().expect("an object").keys().collect();
        assert_eq!(keys.len(), 4, "{keys:?}");
        assert!(
            ["prompt", "steps", "seed", "image_b64"]
                .iter()
                .all(|key| body.get(key).is_some())
        );
        let prompt = body["prompt"].as_str().expect("a prompt");
        assert!(
            prompt.contains("inside the thin border")
                && prompt.contains("leave no trace of the border")
        );
        let picture = canvas_of(&body);
        assert_eq!(picture.dimensions(), (2 * WIDTH_PX, 2 * HEIGHT_PX));
    }
}

#[test]
fn endpoints_are_checked_with_the_canvas_that_they_will_get() {
    let server = infilling();
    let layer = layer(&json!({"mode": "infill"}), &server);
    layer.run(PROGRAM, &["--check-endpoints"]).assert_status(0);
    let picture = canvas_of(&server.calls()[0].json());
    assert_eq!(picture.dimensions(), (2 * WIDTH_PX, 2 * HEIGHT_PX));
    assert_eq!(picture.get_pixel(0, 0).0, [255, 0, 0]);
}

fn canvas_of(body: &Value) -> RgbImage {
    use base64::Engine;
    let text = body["image_b64"].as_str().expect("a picture");
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text)
        .expect("base64");
    image::load_from_memory(&bytes)
        .expect("a picture")
        .to_rgb8()
}

#[test]
fn a_filter_inside_the_process_gets_the_block_as_it_is() {
    let snow = json!([{"name": "snow", "url": "builtin:snow"}]);
    let layers = ["block", "infill"].map(|mode| {
        let layer = TestLayer::new(city(), &snow);
        layer.configure(|config| config["canvas"] = json!({"mode": mode, "border_px": 3}));
        layer.run(PROGRAM, &[]).assert_status(0);
        layer
    });
    for &quadrant in layers[0].region().quadrants() {
        assert!(
            layers[0].picture(quadrant) == layers[1].picture(quadrant),
            "{quadrant}"
        );
    }
}

#[test]
fn finished_files_are_never_touched() {
    let server = infilling();
    let layer = layer(&json!({"mode": "infill", "match_px": 8}), &server);
    layer.run(PROGRAM, &["--max-items", "40"]).assert_status(0);
    let before = files(&layer);
    assert!(before.len() > 40);
    layer.run(PROGRAM, &[]).assert_status(0);
    let after = files(&layer);
    assert_eq!(after.len(), layer.region().len());
    for (quadrant, bytes) in before {
        assert!(after[&quadrant] == bytes, "{quadrant} was changed");
    }
}

fn files(layer: &TestLayer) -> BTreeMap<Quadrant, Vec<u8>> {
    layer.all_stored().into_iter().collect()
}

/// A server that draws all but these, and tells when it is asked for something of step 2.
fn drawing_all_but(
    failing: &[i64],
    latency: Duration,
    has_begun_step_2: impl Fn(i64) + Send + Sync + 'static,
) -> ScriptedServer {
    let failing = failing.to_vec();
    let script = move |request: &RecordedRequest, _| {
        let seed = request.json()["seed"].as_i64().expect("a seed");
        has_begun_step_2(seed);
        match failing.contains(&seed) {
            true => Reply::status(422).json(&json!({"detail": "not this one"})),
            false => Reply::model().after(latency),
        }
    };
    let server = ServerSpec::new().model(continue_colours).script(script);
    server.start()
}

/// The seeds of the first calls for the items of a step, in the plan's order.
fn seeds_of(layer: &TestLayer, step: u8) -> Vec<i64> {
    let rows = layer.sql(&format!(
        "SELECT top_left_x, top_left_y, block_type FROM generation_plan WHERE step = {step} ORDER BY id"
    ));
    let seed = |row: &Vec<String>| {
        let shape = BlockShape::ALL.into_iter().find(|s| s.name() == row[2]);
        let Quadrant { x, y } = quadrant(row);
        let block = Block::new(shape.expect("a shape"), x, y);
        i64::from(block_seed(0, block, 0))
    };
    rows.iter().map(seed).collect()
}

#[test]
fn eager_pictures_are_those_of_the_strict_order_byte_for_byte() {
    let planned = layer(&json!({"mode": "infill"}), &infilling());
    let (squares, strips) = (seeds_of(&planned, 1), seeds_of(&planned, 2));
    let failing = [squares[4], squares[squares.len() - 2], strips[5]];
    let run = |order: &str, first: &[&str]| {
        // In the order that lets it, the slow one answers only when the other has begun with step 2.
        let begun = Arc::new(AtomicBool::new(true));
        let of_strips = (Arc::clone(&begun), strips.clone());
        let waits = Arc::clone(&begun);
        let quick = drawing_all_but(&failing, Duration::ZERO, move |seed| {
            let (begun, strips) = &of_strips;
            begun.fetch_or(strips.contains(&seed), Ordering::SeqCst);
        });
        let slow = drawing_all_but(&failing, Duration::from_millis(20), move |_| {
            let end = Instant::now() + Duration::from_secs(60);
            while !waits.load(Ordering::SeqCst) && Instant::now() < end {
                thread::sleep(Duration::from_millis(1));
            }
        });
        let urls = [slow.url(), quick.url()];
        let layer = TestLayer::new(city(), &endpoints_at(urls.iter().map(String::as_str)));
        layer.configure(|config| {
            config["canvas"] = json!({"mode": "infill", "match_px": 4});
            config["model_endpoints"][1]["max_concurrent"] = json!(3);
            config["order"] = json!(order);
        });
        let _ = layer.run(PROGRAM, first);
        begun.store(order == "strict", Ordering::SeqCst);
        layer.run(PROGRAM, &[]).assert_status(1);
        assert!(begun.load(Ordering::SeqCst), "step 2 waits for step 1");
        let failed = layer.sql("SELECT id FROM generation_plan WHERE status = 'error'");
        (failed, layer.statuses(), layer.all_stored())
    };
    let strict = run("strict", &["--max-items", "9"]);
    assert!(strict.0.len() >= 2 && strict.2.len() > 40, "{:?}", strict.1);
    for first in ["1", "20"] {
        let eager = run("eager", &["--max-items", first]);
        assert_eq!((&eager.0, &eager.1), (&strict.0, &strict.1));
        assert!(eager.2 == strict.2, "another picture");
    }
}

#[test]
fn a_dry_run_tells_what_the_eager_order_saves_and_another_order_is_refused() {
    let layer = layer(&json!({"mode": "infill"}), &infilling());
    layer.configure(|config| {
        config["model_endpoints"][0]["max_concurrent"] = json!(7);
        config["model_endpoints"][0]["expected_s"] = json!(60);
    });
    let dry_run = || layer.run(PROGRAM, &["--dry-run", "--summary", "-", "-q"]);
    let told = dry_run();
    let told: Value = serde_json::from_str(&told.stdout).expect("nothing else is there");
    let of = |key: &str| told["expected"][key].as_f64().expect("a number");
    let saved = of("seconds") - of("seconds_eager");
    assert!(saved >= 60.0, "{told}");
    let text = told["text"].as_str().expect("a text");
    let takes = |seconds| duration_text(Duration::from_secs_f64(seconds));
    let says = format!(
        "with \"order\": \"eager\" {}, {} less",
        takes(of("seconds_eager")),
        takes(saved)
    );
    assert!(text.trim_end().ends_with(&says), "{text}");
    layer.configure(|config| config["order"] = json!("eager"));
    let eager: Value = serde_json::from_str(&dry_run().stdout).expect("nothing else is there");
    assert_eq!(
        eager["expected"]["seconds"],
        told["expected"]["seconds_eager"]
    );
    let text = eager["text"].as_str().expect("a text");
    assert!(!text.contains("order"), "{text}");
    layer.configure(|config| config["order"] = json!("fast"));
    dry_run()
        .assert_status(2)
        .assert_says("order must be \"strict\" or \"eager\", not \"fast\"");
}

fn quadrant(row: &[String]) -> Quadrant {
    Quadrant::new(row[0].parse().expect("x"), row[1].parse().expect("y"))
}

/// The first quadrant of the plan's first item.
fn first_quadrant(layer: &TestLayer) -> Quadrant {
    quadrant(&layer.sql("SELECT top_left_x, top_left_y FROM generation_plan WHERE id = 1")[0])
}

#[test]
fn a_finished_neighbour_that_is_gone_fails_what_has_to_join_it() {
    let server = infilling();
    let layer = layer(&json!({"mode": "infill"}), &server);
    let squares = layer.sql("SELECT count(*) FROM generation_plan WHERE step = 1")[0][0].clone();
    layer
        .run(PROGRAM, &["--max-items", &squares])
        .assert_status(0);
    // A strip's left or upper neighbour, which it is to join.
    let rows = layer.sql(
        "SELECT q.top_left_x - (q.width = 1), q.top_left_y - (q.height = 1)
         FROM generation_plan p JOIN generation_plan q ON p.status = 'complete' AND q.step = 2
         AND q.top_left_x - (q.width = 1) BETWEEN p.top_left_x AND p.top_left_x + 1
         AND q.top_left_y - (q.height = 1) BETWEEN p.top_left_y AND p.top_left_y + 1",
    );
    let gone = quadrant(&rows[0]);
    let whole = layer.stored(gone).expect("it is finished");
    layer.tamper(gone, Some(&whole[..whole.len() / 2]));
    let calls = server.calls().len();
    layer
        .run(PROGRAM, &[])
        .assert_status(1)
        .assert_says(&format!("the finished picture of quadrant {gone} that this block has to join, is a picture that does not decode"))
        .assert_says("run again with --resume --retry-errors");
    let statuses = layer.statuses();
    assert!(
        statuses["error"] >= 1 && server.calls().len() > calls,
        "others go on: {statuses:?}"
    );
    layer
        .run(PROGRAM, &["--resume", "--retry-errors"])
        .assert_status(0);
    assert_eq!(layer.statuses().len(), 1);
    layer.assert_tidy();
}

#[test]
fn with_infill_what_joined_a_lost_picture_is_made_again_too() {
    let server = infilling();
    let layer = layer(&json!({"mode": "infill"}), &server);
    layer.run(PROGRAM, &[]).assert_status(0);
    // By plain SQL: everything that touches and comes later, or is a single quadrant of a later step at a corner, and so on.
    let followers = layer.sql(
        "WITH RECURSIVE again(id) AS (
           SELECT id FROM generation_plan WHERE id = 1
           UNION SELECT q.id FROM again JOIN generation_plan p ON p.id = again.id JOIN generation_plan q
             ON (p.step, p.id) < (q.step, q.id)
             AND ((p.top_left_x + p.width = q.top_left_x OR q.top_left_x + q.width = p.top_left_x)
                   AND p.top_left_y < q.top_left_y + q.height AND q.top_left_y < p.top_left_y + p.height
               OR (p.top_left_y + p.height = q.top_left_y OR q.top_left_y + q.height = p.top_left_y)
                   AND p.top_left_x < q.top_left_x + q.width AND q.top_left_x < p.top_left_x + p.width
               OR p.step < q.step AND q.block_type = '1x1'
                   AND p.top_left_x <= q.top_left_x + q.width AND q.top_left_x <= p.top_left_x + p.width
                   AND p.top_left_y <= q.top_left_y + q.height AND q.top_left_y <= p.top_left_y + p.height))
         SELECT id FROM again WHERE id <> 1",
    );
    assert!(followers.len() > 1);
    let says = format!("are made again too: {} more calls", followers.len());
    let calls = server.calls().len();
    layer.tamper(first_quadrant(&layer), None);
    let again = format!("{} calls would be made", followers.len() + 1);
    layer
        .run(PROGRAM, &["--resume", "--dry-run"])
        .assert_status(0)
        .assert_says(&says)
        .assert_says(&again);
    assert_eq!(server.calls().len(), calls);
    layer
        .run(PROGRAM, &["--resume"])
        .assert_status(0)
        .assert_says(&says);
    assert_eq!(server.calls().len(), calls + followers.len() + 1);
}

/// Whatever the calls' own record says was shown to them is what a redo takes along.
#[test]
fn a_redo_takes_along_all_that_was_shown_what_it_draws_anew() {
    let server = infilling();
    let map = "##..\n##..\n..#.\n....\n####\n####";
    let map = MapSpec::drawn(map).quadrant_px(8, 8);
    let layer = TestLayer::new(map, &endpoints_at([server.url().as_str()]));
    layer.configure(|config| config["canvas"] = json!({"mode": "infill"}));
    layer.run(PROGRAM, &[]).assert_status(0);
    let rows = layer.sql(
        "SELECT top_left_x, top_left_y, width, height, joined FROM attempts a
         JOIN generation_plan p ON p.id = a.item_id WHERE outcome = 'ok' ORDER BY p.step, p.id",
    );
    let blocks: Vec<(Block, Vec<Quadrant>)> = rows
        .iter()
        .map(|row| {
            let [x, y, width, height] = [0, 1, 2, 3].map(|at| row[at].parse().unwrap());
            let shape = BlockShape::of_size(width, height).unwrap();
            let joined = row[4]
                .split_whitespace()
                .map(|at| quadrant_named(at).unwrap());
            (Block::new(shape, x, y), joined.collect())
        })
        .collect();
    let mut at_corners = 0;
    for (block, _) in blocks
        .iter()
        .filter(|(block, _)| block.shape == BlockShape::TwoByTwo)
    {
        let mut anew = vec![*block];
        for (later, joined) in &blocks {
            let shows = |one: &&Block| joined.iter().any(|&at| one.contains(at));
            let shown: Vec<&Block> = anew.iter().filter(shows).collect();
            if !shown.is_empty() && later != block {
                let beside = shown.iter().any(|one| one.shared_edge(*later).is_some());
                at_corners += usize::from(!beside);
                anew.push(*later);
            }
        }
        let Quadrant { x, y } = block.top_left;
        let dry = layer.run(PROGRAM, &["--redo", &format!("{x},{y}"), "--dry-run"]);
        dry.assert_status(0).assert_says("redo: 1 block");
        let told = dry.stdout.lines().next().unwrap_or_default();
        let calls = told.rsplit(": ").next().unwrap_or_default();
        let calls = calls.split(' ').next().unwrap_or_default().parse::<usize>();
        // Which half of a canvas has room for what else there is, is decided late.
        assert!(
            calls.is_ok_and(|calls| calls >= anew.len()),
            "{}",
            dry.stdout
        );
    }
    assert!(
        at_corners > 0,
        "the map has no block that shows a corner alone"
    );
}

#[test]
fn with_block_only_the_lost_picture_is_made_again() {
    let server = infilling();
    let layer = layer(&json!({"mode": "block"}), &server);
    layer.run(PROGRAM, &[]).assert_status(0);
    let calls = server.calls().len();
    layer.tamper(first_quadrant(&layer), None);
    let run: Run = layer.run(PROGRAM, &["--resume"]);
    run.assert_status(0);
    assert!(!run.stderr.contains("more calls"), "{}", run.stderr);
    assert_eq!(server.calls().len(), calls + 1);
}

#[test]
fn a_canvas_that_makes_no_sense_is_refused() {
    let server = infilling();
    for (canvas, says) in [
        (
            json!({"mode": "outfill"}),
            "canvas.mode must be \"block\" or \"infill\", not \"outfill\"",
        ),
        (
            json!({"mode": "infill", "noise": 2}),
            "canvas.noise must be within 0 and 1, not 2",
        ),
        (
            json!({"mode": "infill", "bordr_px": 2}),
            "did you mean \"border_px\"?",
        ),
    ] {
        layer(&canvas, &server)
            .run(PROGRAM, &[])
            .assert_status(2)
            .assert_says(says);
    }
}

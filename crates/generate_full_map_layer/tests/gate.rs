//! Answers that are not good enough: another try with another seed, and in the end the best of them
//! kept, shown and, when somebody says so, accepted.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fixtures::layers::{TestLayer, endpoints_at, snapshot};
use fixtures::maps::{MapSpec, encode_png};
use fixtures::server::{ScriptedServer, ServerSpec};
use image::{Rgb, RgbImage, Rgba, RgbaImage};
use layer::{SourceLayer, Storage};
use planner::Quadrant;
use serde_json::json;

const PROGRAM: &str = env!("CARGO_BIN_EXE_generate_full_map_layer");
const STORAGES: [Storage; 2] = [Storage::Files, Storage::Sqlite];
const SIDE: u32 = 96;

/// Houses on streets: other ones in each quadrant.
fn city(_: SourceLayer, quadrant: Quadrant) -> Vec<u8> {
    let mut state = 0x9e37_79b9_u32
        ^ (quadrant.x as u32).wrapping_mul(0x85eb_ca6b)
        ^ (quadrant.y as u32).wrapping_mul(0xc2b2_ae35);
    let mut below = move |most: u32| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) % most
    };
    let mut picture = RgbImage::from_pixel(SIDE, SIDE, Rgb([96, 100, 92]));
    for _ in 0..40 {
        let (left, top) = (below(SIDE), below(SIDE));
        let (width, height) = (6 + below(18), 6 + below(18));
        let roof = [60 + below(160), 60 + below(120), 60 + below(150)].map(|tone| tone as u8);
        for y in top..(top + height).min(SIDE) {
            for x in left..(left + width).min(SIDE) {
                let is_edge = x == left || y == top;
                let shade = if is_edge { 40 } else { (x + y) as u8 % 3 };
                picture.put_pixel(x, y, Rgb(roof.map(|tone| tone - shade)));
            }
        }
    }
    encode_png(picture)
}

/// A map that goes on from quadrant to quadrant: red hills, with houses on them.
fn hills(_: SourceLayer, quadrant: Quadrant) -> Vec<u8> {
    let along = |at: i32, px: u32| f64::from(at * SIDE as i32 + px as i32);
    let mut picture = RgbImage::from_fn(SIDE, SIDE, |x, y| {
        let (x, y) = (along(quadrant.x, x), along(quadrant.y, y));
        let level = |base: f64, wave: f64| (base + 20.0 * wave.sin()) as u8;
        Rgb([
            level(180.0, x / 37.0),
            level(110.0, y / 29.0),
            level(50.0, (x + y) / 41.0),
        ])
    });
    for (left, top) in (0..3).flat_map(|x| (0..3).map(move |y| (14 + 24 * x, 14 + 24 * y))) {
        for (x, y) in (0..14).flat_map(|x| (0..12).map(move |y| (left + x, top + y))) {
            let is_wall = x == left || y == top;
            let roof = if is_wall { [70, 40, 20] } else { [150, 60, 40] };
            picture.put_pixel(x, y, Rgb(roof));
        }
    }
    encode_png(picture)
}

fn hilly(width: i32, height: i32) -> MapSpec {
    MapSpec::rectangle(width, height)
        .quadrant_px(SIDE, SIDE)
        .painted(hills)
}

fn map(width: i32, height: i32) -> MapSpec {
    MapSpec::rectangle(width, height)
        .quadrant_px(SIDE, SIDE)
        .painted(city)
}

/// A good model: the border painted over with what is beside it, and all in snow where it was drawn
/// on. What it is shown of finished neighbours has its colours already.
fn snow(canvas: &RgbaImage) -> RgbaImage {
    let is_border = |x: u32, y: u32| {
        let Rgba([red, green, blue, _]) = *canvas.get_pixel(x, y);
        red > 200 && green < 40 && blue < 40
    };
    let nearest = |x: u32, y: u32| {
        let steps = (1..6_i64).flat_map(|by| [(by, 0), (-by, 0), (0, by), (0, -by), (by, by)]);
        let places = steps.filter_map(|(dx, dy)| {
            let x = u32::try_from(i64::from(x) + dx).ok()?;
            let y = u32::try_from(i64::from(y) + dy).ok()?;
            (x < canvas.width() && y < canvas.height() && !is_border(x, y)).then_some((x, y))
        });
        places.into_iter().next().unwrap_or((x, y))
    };
    RgbaImage::from_fn(canvas.width(), canvas.height(), |x, y| {
        let (x, y) = if is_border(x, y) {
            nearest(x, y)
        } else {
            (x, y)
        };
        snowed(*canvas.get_pixel(x, y))
    })
}

fn snowed(Rgba([red, green, blue, alpha]): Rgba<u8>) -> Rgba<u8> {
    let pale = |tone: u8| 80 + tone / 3 * 2;
    Rgba([pale(red), pale(green), pale(blue) + 5, alpha])
}

/// The border is painted like all else, and left where it was.
fn with_border(canvas: &RgbaImage) -> RgbaImage {
    let mut picture = snow(canvas);
    for (drawn, pixel) in picture.pixels_mut().zip(canvas.pixels()) {
        let Rgba([red, green, blue, _]) = *pixel;
        if red > 200 && green < 40 && blue < 40 {
            *drawn = *pixel;
        }
    }
    picture
}

/// Red and blue are the other way round.
fn swapped(canvas: &RgbaImage) -> RgbaImage {
    let mut picture = snow(canvas);
    for Rgba([red, _, blue, _]) in picture.pixels_mut() {
        std::mem::swap(red, blue);
    }
    picture
}

fn moved_aside(canvas: &RgbaImage) -> RgbaImage {
    let picture = snow(canvas);
    let (width, height) = picture.dimensions();
    RgbaImage::from_fn(width, height, |x, y| {
        *picture.get_pixel(x.saturating_sub(5), y)
    })
}

fn solid(canvas: &RgbaImage) -> RgbaImage {
    RgbaImage::from_pixel(canvas.width(), canvas.height(), Rgba([120, 130, 140, 255]))
}

fn server(model: impl Fn(&RgbaImage) -> RgbaImage + Send + Sync + 'static) -> ScriptedServer {
    ServerSpec::new().model(model).start()
}

fn layer_of(storage: Storage, map: MapSpec, servers: &[&ScriptedServer]) -> TestLayer {
    let urls: Vec<String> = servers.iter().map(|server| server.url()).collect();
    let endpoints = endpoints_at(urls.iter().map(String::as_str));
    let layer = TestLayer::stored_in(storage, map, &endpoints);
    layer.configure(|config| {
        config.as_object_mut().unwrap().remove("accept");
    });
    layer
}

fn rejected(layer: &TestLayer) -> Vec<(PathBuf, Vec<u8>)> {
    let dir = layer.dir().join("rejected");
    if dir.exists() {
        snapshot(dir)
    } else {
        Vec::new()
    }
}

/// One endpoint leaves borders, one returns its input, one draws: with either kind of canvas the
/// layer ends whole, and nothing is in it but what the third has drawn.
#[test]
fn planted_defects_are_drawn_again_elsewhere_and_never_saved() {
    for (storage, mode) in STORAGES.into_iter().zip(["infill", "block"]) {
        let (bordered, echo, good) = (server(with_border), server(Clone::clone), server(snow));
        let layer = layer_of(storage, map(6, 5), &[&bordered, &echo, &good]);
        // So many that one is left for the good one, however long the others are the only free ones.
        layer.configure(|config| {
            config["canvas"] = json!({"mode": mode});
            config["accept"] = json!({"tries": 20});
        });
        let run = layer.run(PROGRAM, &[]);
        run.assert_status(0);
        layer.assert_whole();
        let by = |endpoint: &str, outcome: &str| {
            let query = format!(
                "SELECT count(*) FROM attempts WHERE endpoint = '{endpoint}' AND outcome = '{outcome}'"
            );
            layer.sql(&query)[0][0].parse::<usize>().unwrap()
        };
        assert_eq!(by("b", "ok"), 0, "{mode}");
        assert!(by("b", "not_accepted") > 0);
        assert_eq!(by("b", "not_accepted"), echo.calls().len());
        // A canvas that is nothing but the block has no border that could be left.
        if mode == "infill" {
            assert_eq!(by("a", "ok"), 0);
            assert_eq!(by("a", "not_accepted"), bordered.calls().len());
            run.assert_says("rejected for border_left ");
        } else {
            assert!(by("a", "ok") > 0);
        }
        run.assert_says("rejected for unchanged ");
        run.assert_says("not good enough: the input came back (");
        assert!(
            rejected(&layer).is_empty(),
            "what is complete needs no other"
        );
        // Each further try of a block has a seed of its own.
        let tries = layer.sql("SELECT item_id, seed FROM attempts");
        let seeds: HashSet<_> = tries.iter().collect();
        assert_eq!(seeds.len(), tries.len());
        let redrawn = layer.sql("SELECT top_left_x || ',' || top_left_y FROM generation_plan JOIN attempts ON item_id = generation_plan.id WHERE outcome = 'not_accepted'");
        let explained = layer.run(PROGRAM, &["--explain", &redrawn[0][0]]);
        explained.assert_says("not good enough");
    }
}

/// After three tries the item fails and says what was wrong; what touches it waits. Its best answer
/// is kept, and accepted only when somebody says so.
#[test]
fn an_item_fails_after_its_tries_and_its_best_answer_can_be_accepted() {
    for storage in STORAGES {
        // Bad, less bad, bad again.
        let calls = AtomicUsize::new(0);
        let model = move |canvas: &RgbaImage| match calls.fetch_add(1, Ordering::SeqCst) {
            1 => moved_aside(canvas),
            0 | 2 => solid(canvas),
            _ => snow(canvas),
        };
        let painter = server(model);
        let layer = layer_of(storage, map(4, 2), &[&painter]);
        layer.configure(|config| config["model_endpoints"][0]["max_concurrent"] = json!(1));
        let run = layer.run(PROGRAM, &[]);
        run.assert_status(1);
        let message = layer.sql("SELECT error_message FROM generation_plan WHERE status = 'error'");
        let [row] = &message[..] else {
            panic!("{message:?}")
        };
        let [message] = &row[..] else { panic!() };
        for part in [
            "nearly of one colour",
            "kept is a better one",
            "px aside (at most 1.5 px)",
        ] {
            assert!(message.contains(part), "{message}");
        }
        run.assert_says("--accept");
        let (kept, besides): (Vec<_>, Vec<_>) = rejected(&layer)
            .into_iter()
            .partition(|(path, _)| path.extension().is_some_and(|extension| extension == "png"));
        assert_eq!(kept.len(), 4, "a picture for each quadrant");
        assert_eq!(besides.len(), 1, "and how bad they are");
        let source = stitched(&layer);
        let kept_pixels = image::load_from_memory(&kept[0].1).unwrap().to_rgb8();
        let expected = moved_aside(&source);
        assert_eq!(
            kept_pixels.get_pixel(20, 20).0,
            expected.get_pixel(20, 20).0[..3]
        );

        let state = || (layer.sql("SELECT * FROM generation_plan"), rejected(&layer));
        let before = state();
        for nowhere in ["3,0", "9,9", "0,0@7"] {
            layer.run(PROGRAM, &["--accept", nowhere]).assert_status(2);
        }
        assert!(before == state(), "nothing was changed");

        let calls = painter.calls().len();
        let accepted = layer.run(PROGRAM, &["--accept", "1,1"]);
        accepted.assert_status(0).assert_says("nothing was called");
        assert_eq!(painter.calls().len(), calls);
        let stored: BTreeSet<Vec<u8>> = (0..2)
            .flat_map(|y| (0..2).map(move |x| Quadrant::new(x, y)))
            .map(|at| layer.stored(at).unwrap())
            .collect();
        assert_eq!(stored, kept.into_iter().map(|(_, bytes)| bytes).collect());
        assert!(rejected(&layer).is_empty());
        layer.run(PROGRAM, &["--resume"]).assert_status(0);
        assert_eq!(
            layer.statuses()["complete"],
            layer.statuses().values().sum::<usize>()
        );
    }
}

/// Whoever was called last: it is told whose pictures are there, what was accepted by hand and what
/// was put back; of a neighbour, too.
#[test]
fn it_is_told_whose_answer_was_accepted_and_whose_pictures_were_put_back() {
    for storage in STORAGES {
        // At first bad, and later good, each time that it is said in another blue.
        let taste = Arc::new(AtomicUsize::new(0));
        let painter = |bad: fn(&RgbaImage) -> RgbaImage| {
            let taste = Arc::clone(&taste);
            server(move |canvas| match taste.load(Ordering::SeqCst) {
                0 => bad(canvas),
                blue => {
                    let mut picture = snow(canvas);
                    let pixels = picture.pixels_mut();
                    pixels.for_each(|pixel| pixel.0[2] = pixel.0[2].saturating_add(blue as u8));
                    picture
                }
            })
        };
        let (blank, aside) = (painter(solid), painter(moved_aside));
        let layer = layer_of(storage, map(3, 2), &[&blank, &aside]);
        layer.configure(|config| config["canvas"] = json!({"mode": "infill"}));
        layer
            .run(PROGRAM, &["--max-concurrent", "1"])
            .assert_status(1);
        let calls = layer.sql("SELECT endpoint FROM attempts WHERE item_id = 1 ORDER BY id");
        assert_eq!(calls, [["a"], ["b"], ["a"]]);
        layer.run(PROGRAM, &["--accept", "0,0"]).assert_status(0);
        let accepted = "drawn by b: the answer of call 2, which was accepted by hand";
        let explained = |at: &str| layer.run(PROGRAM, &["--explain", at]).stdout;
        let told = explained("1,1");
        assert!(told.contains(accepted), "{told}");

        taste.store(1, Ordering::SeqCst);
        layer.run(PROGRAM, &[]).assert_status(0);
        let told = explained("2,0");
        let joined = "joined (1, 0) of 2x2 at (0, 0), by b: the answer of call 2";
        assert!(told.contains(joined), "{told}");

        let flags = ["--redo", "0,0", "--without-followers"];
        layer.run(PROGRAM, &flags).assert_status(0);
        let by =
            &layer.sql("SELECT endpoint, id FROM attempts WHERE outcome = 'ok' AND item_id = 1")[0];
        let (redrawn, told) = (format!(", drawn by {}\n", by[0]), explained("0,0"));
        assert!(told.contains(&redrawn), "{told}");
        layer.run(PROGRAM, &["--keep", "0,0"]).assert_status(0);
        let told = explained("0,0");
        assert!(told.contains(accepted), "{told}");
        taste.store(2, Ordering::SeqCst);
        layer.run(PROGRAM, &flags).assert_status(0);
        layer.run(PROGRAM, &["--keep", "0,0@2"]).assert_status(0);
        let told = explained("0,0");
        let (name, call) = (&by[0], &by[1]);
        let put_back = format!("drawn by {name}: the pictures of call {call}, which were put back");
        assert!(told.contains(&put_back), "{told}");
        let told = explained("2,0");
        assert!(told.contains(", which has other pictures since "), "{told}");

        // A picture that somebody has painted is of none of the calls.
        let painted = encode_png(RgbImage::from_pixel(SIDE, SIDE, Rgb([200, 190, 180])));
        let kept = layer.dir().join("candidates/0_0/2/1_1.png");
        std::fs::remove_file(&kept).unwrap();
        std::fs::write(&kept, painted).unwrap();
        for version in ["0,0@1", "0,0@2"] {
            layer.run(PROGRAM, &["--keep", version]).assert_status(0);
        }
        let told = explained("1,1");
        assert!(
            told.contains("drawn by somebody: none of its recorded calls"),
            "{told}"
        );
        let told = explained("0,1");
        assert!(told.contains(&put_back), "{told}");
    }
}

/// The block whose answers were not good enough, as it was sent.
fn stitched(layer: &TestLayer) -> RgbaImage {
    let mut canvas = RgbImage::new(2 * SIDE, 2 * SIDE);
    for (x, y) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        let source = layer.source(Quadrant::new(x, y));
        let (left, top) = (
            i64::from(SIDE) * i64::from(x),
            i64::from(SIDE) * i64::from(y),
        );
        image::imageops::replace(&mut canvas, &source, left, top);
    }
    image::DynamicImage::ImageRgb8(canvas).to_rgba8()
}

/// `--retry-errors` gives a failed item as many tries again, with other seeds; what was rejected goes
/// when it succeeds.
#[test]
fn what_failed_is_tried_again_when_asked_for() {
    let is_good = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let now = std::sync::Arc::clone(&is_good);
    let model = move |canvas: &RgbaImage| match now.load(Ordering::SeqCst) {
        true => snow(canvas),
        false => canvas.clone(),
    };
    let painter = server(model);
    let layer = layer_of(Storage::Files, map(5, 5), &[&painter]);
    layer.configure(|config| config["accept"] = json!({"tries": 2}));
    layer.run(PROGRAM, &[]).assert_status(1);
    let failed = layer.statuses()["error"];
    assert_eq!(painter.calls().len(), 2 * failed);
    layer.run(PROGRAM, &["--retry-errors"]).assert_status(1);
    assert_eq!(painter.calls().len(), 4 * failed);
    let seeds = layer.sql("SELECT DISTINCT seed FROM attempts");
    assert_eq!(seeds.len(), 4 * failed, "no seed twice");
    assert!(!rejected(&layer).is_empty());
    is_good.store(true, Ordering::SeqCst);
    layer.run(PROGRAM, &["--retry-errors"]).assert_status(0);
    layer.assert_whole();
    assert!(rejected(&layer).is_empty());
}

/// `false` switches one check off, or all of them.
#[test]
fn a_check_that_is_off_rejects_nothing() {
    for accept in [json!(false), json!({"unchanged": false})] {
        let echo = server(Clone::clone);
        let layer = layer_of(Storage::Files, map(5, 2), &[&echo]);
        layer.configure(|config| config["accept"] = accept.clone());
        layer.run(PROGRAM, &[]).assert_status(0);
        layer.assert_complete(Clone::clone);
        assert_eq!(echo.calls().len(), layer.statuses()["complete"], "{accept}");
    }
}

/// A filter of our own does what it is there for, and is not judged.
#[test]
fn filters_are_not_judged() {
    for filter in ["builtin:copy", "builtin:snow"] {
        let endpoints = json!([{"name": "a", "url": filter}]);
        let layer = TestLayer::new(map(4, 4), &endpoints);
        layer.configure(|config| {
            config.as_object_mut().unwrap().remove("accept");
        });
        layer.run(PROGRAM, &[]).assert_status(0);
    }
}

/// `--check-endpoints` says what a run would not accept.
#[test]
fn a_check_of_endpoints_tells_what_would_be_rejected() {
    let echo = server(Clone::clone);
    let layer = layer_of(Storage::Files, map(3, 3), &[&echo]);
    let run = layer.run(PROGRAM, &["--check-endpoints"]);
    run.assert_says("works; a run would not accept this picture: the input came back");
}

fn calls_of(layer: &TestLayer, endpoint: &str, outcome: &str) -> usize {
    let query = format!(
        "SELECT count(*) FROM attempts WHERE endpoint = '{endpoint}' AND outcome = '{outcome}'"
    );
    layer.sql(&query)[0][0].parse().unwrap()
}

/// Of two endpoints that draw in other colours from the first call on one draws the layer, and the
/// summary says so.
#[test]
fn two_endpoints_of_other_colours_do_not_draw_one_layer() {
    let (snowy, other) = (server(snow), server(swapped));
    let layer = layer_of(Storage::Files, hilly(8, 8), &[&snowy, &other]);
    layer.configure(|config| config["canvas"] = json!({"mode": "block"}));
    let run = layer.run(PROGRAM, &[]);
    run.assert_status(0);
    let saved = ["a", "b"].map(|endpoint| calls_of(&layer, endpoint, "ok"));
    let (most, least) = (saved[0].max(saved[1]), saved[0].min(saved[1]));
    assert!(4 * least <= most, "{saved:?}");
    run.assert_says("rejected for color ");
    run.assert_says(" draws in other colours than ");
}

/// A drawing that follows its source in other colours than the neighbour's does not join it, whatever
/// is known of the layer's colours.
#[test]
fn other_colours_beside_a_finished_neighbour_are_rejected() {
    for storage in STORAGES {
        let (snowy, other) = (server(snow), server(swapped));
        let layer = layer_of(storage, hilly(5, 5), &[&snowy]);
        layer.configure(|config| config["canvas"] = json!({"mode": "infill"}));
        let first = layer.run(PROGRAM, &["--max-items", "4"]);
        first.assert_says("4 items complete");
        assert_eq!(calls_of(&layer, "a", "ok"), 4);
        layer.configure(|config| {
            config["accept"] = json!({"color": false});
            config["model_endpoints"][0]["name"] = json!("c");
            config["model_endpoints"][0]["url"] = json!(other.url());
        });
        let run = layer.run(PROGRAM, &[]);
        run.assert_status(1).assert_says("rejected for seam ");
        assert_eq!(calls_of(&layer, "c", "ok"), 0);
        layer.configure(|config| config["model_endpoints"][0]["url"] = json!(snowy.url()));
        layer.run(PROGRAM, &["--retry-errors"]).assert_status(0);
    }
}

/// `--check-endpoints` says who draws in other colours than the others, or than the layer.
#[test]
fn a_check_of_endpoints_tells_of_other_colours() {
    let (snowy, other) = (server(snow), server(swapped));
    let layer = layer_of(Storage::Files, hilly(3, 3), &[&snowy, &other]);
    let run = layer.run(PROGRAM, &["--check-endpoints"]);
    run.assert_says("works; it draws in other colours than a (");
    layer.configure(|config| {
        config["model_endpoints"].as_array_mut().unwrap().pop();
    });
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.configure(|config| config["model_endpoints"][0]["url"] = json!(other.url()));
    let run = layer.run(PROGRAM, &["--check-endpoints"]);
    run.assert_says("works; it draws in other colours than the layer (");
}

/// What is kept of a failed block is not replaced by a worse answer of a later run, nor by one that it
/// cannot be compared with.
#[test]
fn a_better_rejected_answer_of_an_earlier_run_stays() {
    for storage in STORAGES {
        let calls = AtomicUsize::new(0);
        let model = move |canvas: &RgbaImage| match calls.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => moved_aside(canvas),
            _ => solid(canvas),
        };
        let painter = server(model);
        let layer = layer_of(storage, map(2, 2), &[&painter]);
        layer.configure(|config| config["accept"] = json!({"tries": 2}));
        layer.run(PROGRAM, &[]).assert_status(1);
        let kept = rejected(&layer);
        let run = layer.run(PROGRAM, &["--retry-errors"]);
        run.assert_status(1).assert_says("kept is a better one");
        assert!(kept == rejected(&layer), "the better one is still there");
        // A version before this one has not written down how bad it is.
        for (path, _) in &kept {
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                std::fs::remove_file(layer.dir().join("rejected").join(path)).unwrap();
            }
        }
        let kept = rejected(&layer);
        let run = layer.run(PROGRAM, &["--retry-errors"]);
        run.assert_status(1).assert_says("cannot be compared");
        assert!(kept == rejected(&layer), "it is still there");
    }
}

/// Answers that were rejected before a run was cut short are tries of the run that goes on.
#[test]
fn rejected_answers_of_a_run_that_was_cut_short_are_tries() {
    let painter = server(solid);
    let layer = layer_of(Storage::Files, map(2, 2), &[&painter]);
    layer.run(PROGRAM, &["--max-calls", "2"]).assert_status(3);
    assert_eq!(layer.statuses()["pending"], 1);
    let run = layer.run(PROGRAM, &[]);
    run.assert_status(1).assert_says("(tried 3 times)");
    assert_eq!(painter.calls().len(), 3);
    layer.run(PROGRAM, &["--retry-errors"]).assert_status(1);
    assert_eq!(painter.calls().len(), 6);
}

//! Seeds, and what `--explain` makes of the record of calls.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fixtures::layers::{TestLayer, endpoints_at};
use fixtures::maps::{MapSpec, encode_png};
use fixtures::server::{RecordedRequest, Reply, ScriptedServer, ServerSpec};
use image::Rgb;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_generate_full_map_layer");

const CITY: &str = "\
    #####..
    ####.##
    #######";

fn map() -> MapSpec {
    MapSpec::drawn(&CITY.replace("    ", "")).quadrant_px(16, 12)
}

fn seed_of(request: &RecordedRequest) -> Option<i64> {
    request.json()["seed"].as_i64()
}

/// The canvas, with colours that follow from the seed.
fn drawn_by_seed(request: &RecordedRequest) -> Reply {
    let body = request.json();
    let canvas = BASE64_STANDARD.decode(body["image_b64"].as_str().unwrap());
    let mut picture = image::load_from_memory(&canvas.unwrap()).unwrap().to_rgb8();
    let [_, .., a, b, c] = body["seed"].as_i64().unwrap_or(0).to_be_bytes();
    for Rgb([red, green, blue]) in picture.pixels_mut() {
        (*red, *green, *blue) = (*red ^ a, *green ^ b, *blue ^ c);
    }
    Reply::picture(encode_png(picture))
}

fn layer_at(server: &ScriptedServer, slots: u32) -> TestLayer {
    let layer = TestLayer::new(map(), &endpoints_at([server.url().as_str()]));
    layer.configure(|config| {
        config["model_endpoints"][0]["max_concurrent"] = json!(slots);
    });
    layer
}

/// Whatever the number of slots, whatever was away and however often the run was stopped.
#[test]
fn the_same_seed_and_settings_give_the_same_bytes() {
    let calm = ServerSpec::new()
        .script(|request, _| drawn_by_seed(request))
        .start();
    // Every third call comes to nothing, which is no try of the model's.
    let stormy = ServerSpec::new()
        .script(|request, call| match call % 3 {
            0 => Reply::status(503).header("retry-after", "0"),
            _ => drawn_by_seed(request),
        })
        .start();
    let (one, other) = (layer_at(&calm, 1), layer_at(&stormy, 3));
    one.run(PROGRAM, &[]).assert_status(0);
    other.run(PROGRAM, &["--max-items", "3"]).assert_status(0);
    other.run(PROGRAM, &[]).assert_status(0);
    assert_eq!(one.all_stored(), other.all_stored());
    let seeds: HashSet<_> = calm.calls().iter().map(seed_of).collect();
    assert_eq!(seeds.len(), calm.calls().len(), "each block has its own");
    assert!(
        seeds
            .iter()
            .flatten()
            .all(|seed| (0..1 << 31).contains(seed))
    );

    let another = layer_at(&calm, 1);
    another.configure(|config| config["seed"] = json!(1));
    another.run(PROGRAM, &[]).assert_status(0);
    let before = one.all_stored();
    let differ = before
        .iter()
        .zip(another.all_stored())
        .filter(|(a, b)| *a != b);
    assert_eq!(differ.count(), before.len(), "another seed, other pictures");
}

#[test]
fn an_answer_of_no_use_is_asked_for_again_with_another_seed() {
    let server = ServerSpec::new()
        .script(|request, call| match call {
            1 | 2 => Reply::picture("no picture"),
            _ => drawn_by_seed(request),
        })
        .start();
    let layer = layer_at(&server, 1);
    layer.run(PROGRAM, &["--max-items", "1"]).assert_status(0);
    let seeds: BTreeSet<_> = server.calls().iter().map(seed_of).collect();
    assert_eq!(seeds.len(), 3, "{seeds:?}");
}

/// Its value goes out, be it none, in the layer's parameters or the endpoint's, and is what is
/// recorded.
#[test]
fn a_seed_that_somebody_gave_is_left_alone() {
    for (of_layer, of_endpoint, sent, recorded) in [
        (
            json!({"prompt": "snow", "seed": 7}),
            json!({}),
            json!(7),
            "7",
        ),
        (
            json!({"prompt": "snow"}),
            json!({"seed": -1}),
            json!(-1),
            "-1",
        ),
        (
            json!({"prompt": "snow", "seed": 7}),
            json!({"seed": null}),
            Value::Null,
            "NULL",
        ),
    ] {
        let server = ServerSpec::new().start();
        let layer = layer_at(&server, 1);
        layer.configure(|config| {
            config["generation_params"] = of_layer.clone();
            config["model_endpoints"][0]["params"] = of_endpoint.clone();
        });
        layer.run(PROGRAM, &["--max-items", "2"]).assert_status(0);
        for call in server.calls() {
            assert_eq!(call.json()["seed"], sent);
        }
        let rows = layer.sql("SELECT DISTINCT coalesce(seed, 'NULL') FROM attempts");
        assert_eq!(rows, [[recorded]], "{of_layer} {of_endpoint}");
    }
}

/// Every call's row leads to all that was sent.
#[test]
fn the_record_of_a_call_leads_to_its_request() {
    let server = ServerSpec::new().start();
    let layer = layer_at(&server, 2);
    layer.configure(|config| {
        config["generation_params"] =
            json!({"prompt": "deep \"snow\"\nand ice", "true_cfg_scale": 2.5, "extra": {"a": 1, "b": 2}});
        config["model_endpoints"][0]["params"] = json!({"guidance_scale": 3, "extra": {"b": 3}});
        config["canvas"] = json!({"mode": "infill"});
    });
    layer.run(PROGRAM, &[]).assert_status(0);
    let rows = layer.sql(
        "SELECT seed, told FROM attempts JOIN settings ON hash = settings_hash WHERE outcome = 'ok'",
    );
    let recorded: BTreeMap<i64, Value> = rows
        .iter()
        .map(|row| {
            (
                row[0].parse().unwrap(),
                serde_json::from_str(&row[1]).unwrap(),
            )
        })
        .collect();
    let calls = server.calls();
    assert_eq!(recorded.len(), calls.len());
    for call in calls {
        let body = call.json();
        let told = &recorded[&seed_of(&call).unwrap()];
        assert_eq!(told["prompt"], body["prompt"]);
        for param in ["true_cfg_scale", "guidance_scale", "extra"] {
            assert_eq!(told["params"][param], body[param]);
        }
        assert_eq!(told["canvas"]["mode"], "infill");
    }
}

#[test]
fn a_quadrant_is_explained() {
    let server = ServerSpec::new()
        .script(|_, call| match call {
            1 => Reply::status(500).json(&json!({"detail": "out of\u{1b}[2J memory"})),
            _ => Reply::model(),
        })
        .start();
    let layer = layer_at(&server, 1);
    layer.configure(|config| {
        config["canvas"] = json!({"mode": "infill"});
        config["generation_params"] = json!({"prompt": "deep snow"});
    });
    let before = fixtures::layers::snapshot(layer.dir());
    let run = layer.run(PROGRAM, &["--explain", "0,0"]);
    run.assert_status(0)
        .assert_says("pending")
        .assert_says("no call is recorded");
    let same = fixtures::layers::snapshot(layer.dir()) == before;
    assert!(same, "nothing was changed");

    layer.run(PROGRAM, &[]).assert_status(0);
    let first = layer.sql("SELECT top_left_x, top_left_y FROM generation_plan WHERE id = 1");
    let at = first[0].join(",");
    let run = layer.run(PROGRAM, &["--explain", &at]);
    run.assert_status(0)
        .assert_says("item 1, step 1: complete")
        .assert_says("call 1 at ")
        .assert_says("HTTP 500")
        .assert_says(" (edit_b64), seed ")
        .assert_says("call 2 at ")
        .assert_says("prompt: deep snow");
    let seed = seed_of(&server.calls()[1]).unwrap();
    run.assert_says(&format!("seed {seed}"));
    assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);

    let last = "SELECT top_left_x, top_left_y, joined FROM generation_plan p JOIN attempts a ON a.item_id = p.id
                WHERE joined <> '' ORDER BY p.id DESC LIMIT 1";
    let row = &layer.sql(last)[0];
    let run = layer.run(PROGRAM, &["--explain", &format!("{},{}", row[0], row[1])]);
    for pair in row[2].split(' ') {
        run.assert_says(&format!("joined ({}) of ", pair.replace(',', ", ")));
    }
    // A call that is under way, and one whose run was killed.
    for (outcome, said) in [
        ("in_flight", "in_flight, unless its run was killed"),
        ("interrupted", "interrupted, for its run was killed"),
    ] {
        let rows = layer.sql(&format!(
            "UPDATE attempts SET outcome = '{outcome}', ended_at = NULL, http_status = NULL WHERE id = 2 RETURNING id"
        ));
        assert_eq!(rows.len(), 1);
        layer.run(PROGRAM, &["--explain", &at]).assert_says(said);
    }
    for (bad, said) in [
        ("900,900", "is not in the plan"),
        ("900", "is no quadrant"),
        ("a,b", "is no quadrant"),
    ] {
        let run = layer.run(PROGRAM, &["--explain", bad]);
        run.assert_status(2).assert_says(said);
    }
}

/// What is asked for again is the same request then, and paid for all the same.
#[test]
fn a_seed_of_ones_own_is_told_where_something_may_be_asked_for_again() {
    let server = ServerSpec::new().start();
    let layer = layer_at(&server, 1);
    for (seed, accept, args, is_told) in [
        (json!(7), json!({"tries": 3}), &[][..], true),
        (json!(7), json!(false), &[], false),
        (json!(7), json!(false), &["--redo", "0,0"], true),
        (json!(-1), json!({"tries": 3}), &["--redo", "0,0"], false),
        (Value::Null, json!({"tries": 3}), &["--redo", "0,0"], false),
    ] {
        layer.configure(|config| {
            config["generation_params"] = json!({"prompt": "snow", "seed": seed});
            config["accept"] = accept;
        });
        let args = [args, &["--max-items", "1"]].concat();
        let run = layer.run(PROGRAM, &args);
        let told = run.stderr.matches("goes out with every call (7 to").count();
        assert_eq!(
            told,
            usize::from(is_told),
            "{seed} {args:?}: {}",
            run.stderr
        );
    }
}

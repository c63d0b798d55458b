//! What is made of such blocks, and what is called for.

use std::collections::BTreeSet;

use fixtures::layers::TestLayer;
use fixtures::maps::{MapSpec, SourceLayer, encode_png};
use fixtures::server::ServerSpec;
use planner::Quadrant;
use serde_json::{Value, json};

use super::support::{
    DARK, PROGRAM, SIZE_PX, WATER, assert_called_for_others, blocks, flat, ids, is_water, layer,
    layer_of, map, water_items,
};

#[test]
fn flat_water_is_copied_without_a_call_and_all_else_is_called_once() {
    let server = ServerSpec::new().start();
    let layer = layer(&server, json!({"mode": "copy"}));
    let water = water_items(&layer);
    assert!(water.len() > 8);
    let says = format!("{} blocks of flat water, no call", water.len());
    let dry = layer.run(PROGRAM, &["--dry-run"]);
    dry.assert_status(0).assert_says(&says);
    assert!(!dry.stderr.contains("are gone"), "{}", dry.stderr);
    assert!(layer.sql("SELECT * FROM uniform").is_empty() && server.calls().is_empty());
    let run = layer.run(PROGRAM, &[]);
    run.assert_status(0);
    assert_eq!(run.stdout.matches(&says).count(), 2, "{}", run.stdout);
    assert_called_for_others(&layer, &water);
    assert_eq!(server.calls().len(), blocks(&layer).len() - water.len());
    for (quadrant, bytes) in layer.all_stored() {
        if is_water(quadrant) && bytes == encode_png(flat(WATER)) {
            continue;
        }
        let inverted = layer.picture(quadrant).unwrap() != layer.source(quadrant);
        assert!(inverted, "{quadrant}");
    }
    layer
        .run(PROGRAM, &["--resume"])
        .assert_status(0)
        .assert_says("there is nothing to do");
    let of_water = layer.run(PROGRAM, &["--explain", "0,0"]);
    of_water.assert_status(0).assert_says(
        "made without a call: copied from its source, which is #606060 within 4 in 100 % of its pixels",
    );
}

#[test]
fn by_default_and_with_call_everything_is_called_for() {
    for uniform in [
        Value::Null,
        json!({}),
        json!({"mode": "call", "tolerance": 9}),
    ] {
        let server = ServerSpec::new().start();
        let layer = layer(&server, uniform);
        let run = layer.run(PROGRAM, &[]);
        run.assert_status(0);
        assert!(!run.stdout.contains("flat water"), "{}", run.stdout);
        assert_called_for_others(&layer, &BTreeSet::new());
        assert!(layer.sql("SELECT * FROM uniform").is_empty());
    }
}

#[test]
fn it_is_filled_with_what_is_asked_for_or_its_own_colour() {
    for (uniform, expected) in [
        (json!({"mode": "fill"}), WATER),
        (
            json!({"mode": "fill", "color": "#626060"}),
            [0x62, 0x60, 0x60],
        ),
        (json!({"mode": "fill", "fill": "#0a1430"}), DARK),
        (
            json!({"mode": "fill", "color": "#606060", "fill": "#0a1430"}),
            DARK,
        ),
    ] {
        let server = ServerSpec::new().start();
        let layer = layer(&server, uniform.clone());
        let water = water_items(&layer);
        layer.run(PROGRAM, &[]).assert_status(0);
        assert_called_for_others(&layer, &water);
        for item in &water {
            for &quadrant in &blocks(&layer)[item].1 {
                assert!(layer.picture(quadrant) == Some(flat(expected)), "{uniform}");
            }
        }
    }
}

#[test]
fn without_an_endpoint_flat_water_alone_can_be_finished() {
    let layer = |map: MapSpec| {
        let layer = TestLayer::new(map.quadrant_px(SIZE_PX.0, SIZE_PX.1), &json!([]));
        layer.configure(|config| config["uniform"] = json!({"mode": "copy"}));
        layer
    };
    let water = layer(MapSpec::rectangle(7, 5).painted(|_, _| encode_png(flat(WATER))));
    water
        .run(PROGRAM, &[])
        .assert_status(0)
        .assert_says("blocks of flat water, no call");
    water.assert_complete(Clone::clone);
    water.run(PROGRAM, &["--redo", "0,0"]).assert_status(0);
    // Where there is something else nothing is begun.
    let mixed = layer(map());
    mixed
        .run(PROGRAM, &[])
        .assert_status(2)
        .assert_says("lists no model_endpoints");
    assert_eq!(mixed.statuses().len(), 1);
    assert!(mixed.statuses().contains_key("pending") && mixed.all_stored().is_empty());
}

#[test]
fn a_damaged_source_is_none_and_fails_its_item() {
    let server = ServerSpec::new().start();
    let at = Quadrant::new(0, 0);
    let whole = encode_png(flat(WATER));
    let half = whole[..whole.len() / 2].to_vec();
    let map = map().with_picture(at, SourceLayer::Generations, half);
    for uniform in [
        json!({"mode": "copy"}),
        json!({"mode": "fill", "fill": "#0a1430"}),
    ] {
        let layer = layer_of(map.clone(), &server, uniform);
        layer
            .run(PROGRAM, &[])
            .assert_status(1)
            .assert_says("quadrant (0, 0)");
        let failed = ids(&layer, "status = 'error'");
        assert_eq!(failed.len(), 1);
        assert!(blocks(&layer)[failed.first().unwrap()].1.contains(&at));
    }
}

#[test]
fn a_plan_of_another_tool_is_looked_at_and_run_as_our_own() {
    let server = ServerSpec::new().start();
    let layer = layer(&server, json!({"mode": "copy"}));
    let water = water_items(&layer);
    let _ = layer.sql("DROP TABLE uniform");
    let _ = layer.sql("DROP TABLE pictures");
    let says = format!("{} blocks of flat water, no call", water.len());
    for args in [&["--dry-run"][..], &["--dry-run", "--redo", "0,0"], &[]] {
        let run = layer.run(PROGRAM, args);
        run.assert_status(0);
        assert!(
            args.len() > 1 || run.stdout.contains(&says),
            "{}",
            run.stdout
        );
    }
    assert_called_for_others(&layer, &water);
}

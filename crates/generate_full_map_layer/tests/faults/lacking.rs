//! Plans that look complete and lack something.

use fixtures::layers::TestLayer;
use fixtures::maps::MapSpec;
use fixtures::server::{ScriptedServer, ServerSpec};
use serde_json::json;

use crate::support::{PROGRAM, city, invert, layer_at};

/// A layer that a run has finished, and its server.
fn finished() -> (ScriptedServer, TestLayer) {
    let server = ServerSpec::new().start();
    let layer = layer_at(city(), &[&server]);
    layer.run(PROGRAM, &[]).assert_status(0);
    (server, layer)
}

#[test]
fn pictures_that_are_gone_are_told_by_a_plain_run_and_made_again_by_resume() {
    let (_server, layer) = finished();
    let all = layer.region().quadrants();
    for gone in [&all[..1], &all[3..8], all] {
        for &quadrant in gone {
            layer.tamper(quadrant, None);
        }
        let said = format!("{} pictures of complete items are gone from", gone.len());
        for (args, status) in [(&[][..], 1), (&["--dry-run"], 0), (&[], 1)] {
            let run = layer.run(PROGRAM, args);
            run.assert_status(status).assert_says(&said);
            assert!(!run.stdout.contains("nothing to do"), "{}", run.stdout);
        }
        // Told before the calls as well, and still so at their end.
        let _ = layer.sql("UPDATE generation_plan SET status = 'pending' WHERE id = (SELECT max(id) FROM generation_plan)");
        layer
            .run(PROGRAM, &[])
            .assert_status(1)
            .assert_says("--resume makes them again");
        layer.run(PROGRAM, &["--resume"]).assert_status(0);
        layer
            .run(PROGRAM, &[])
            .assert_status(0)
            .assert_says("nothing to do");
        layer.assert_complete(invert);
    }
}

#[test]
fn rows_that_are_missing_from_a_plan_are_not_complete() {
    for by_another_tool in [false, true] {
        for rows in ["id = 1", "step = 3", "id % 2 = 0", "true"] {
            let (_server, layer) = finished();
            if by_another_tool {
                let _ = layer.sql("DELETE FROM metadata");
            }
            let _ = layer.sql(&format!("DELETE FROM generation_plan WHERE {rows}"));
            layer
                .run(PROGRAM, &[])
                .assert_status(1)
                .assert_says("no item of layers/test/progress.db covers; init_layer --rebuild --output layers/test makes a new plan");
        }
    }
}

#[test]
fn quadrants_that_the_source_has_got_since_are_no_matter() {
    let (_server, layer) = finished();
    std::fs::remove_dir_all(layer.map_dir()).unwrap();
    MapSpec::rectangle(11, 6)
        .quadrant_px(16, 12)
        .write_blocking(&layer.map_dir());
    layer
        .run(PROGRAM, &[])
        .assert_status(0)
        .assert_says("nothing to do");
}

#[test]
fn bounds_that_were_edited_are_told() {
    let (_server, layer) = finished();
    let said = "was planned, which is what runs; put these back, or plan the others with init_layer --rebuild --output layers/test";
    let bounds = |max_x: i32| json!({"min_x": 0, "min_y": 0, "max_x": max_x, "max_y": 5});
    layer.configure(|config| config["bounds"] = bounds(10));
    let run = layer.run(PROGRAM, &[]);
    run.assert_status(0);
    assert!(!run.stderr.contains(said), "they are those of the plan");
    for max_x in [7, 12] {
        layer.configure(|config| config["bounds"] = bounds(max_x));
        layer
            .run(PROGRAM, &["--dry-run"])
            .assert_status(0)
            .assert_says(said);
        layer.run(PROGRAM, &[]).assert_says(&format!(
            "asks for the bounds 0,0,{max_x},5, and 0,0,10,5 was planned"
        ));
    }
    let _ = layer.sql("UPDATE metadata SET value = '0,0,5,5' WHERE key = 'bounds'");
    layer.configure(|config| drop(config.as_object_mut().unwrap().remove("bounds")));
    layer
        .run(PROGRAM, &[])
        .assert_says("asks for the bounds 0,0,10,5, and 0,0,5,5 was planned");
}

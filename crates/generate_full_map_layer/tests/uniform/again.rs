//! They are made again.

use std::collections::BTreeSet;

use fixtures::layers::query;
use fixtures::server::{Reply, ServerSpec};
use image::{DynamicImage, ImageFormat};
use planner::Quadrant;
use serde_json::json;

use super::infilling::continue_colours;
use super::support::{PROGRAM, WATER, blocks, flat, ids, infilled, layer, water_items};

#[test]
fn a_damaged_copy_is_made_again_without_a_call_and_nothing_with_it() {
    let server = ServerSpec::new().model(continue_colours).start();
    let layer = infilled(&server);
    layer.run(PROGRAM, &[]).assert_status(0);
    let (before, calls) = (layer.all_stored(), server.calls().len());
    let items = water_items(&layer);
    let plan = blocks(&layer);
    for item in &items {
        let at = plan[item].1[0];
        layer.tamper(at, (item % 2 == 0).then_some(&b"no picture"[..]));
    }
    let says = format!("{} blocks of flat water, no call", items.len());
    layer
        .run(PROGRAM, &["--resume", "--dry-run"])
        .assert_status(0)
        .assert_says(&says)
        .assert_says("0 calls would be made");
    layer
        .run(PROGRAM, &["--resume"])
        .assert_status(0)
        .assert_says(&says);
    assert_eq!(server.calls().len(), calls);
    assert!(layer.all_stored() == before);
    // With another fill what was drawn beside them has to follow.
    layer.configure(|config| config["uniform"]["fill"] = json!("#301008"));
    let at = plan[items.first().unwrap()].1[0];
    layer.tamper(at, None);
    let run = layer.run(PROGRAM, &["--resume"]);
    run.assert_status(0)
        .assert_says("1 block of flat water, no call");
    assert!(layer.picture(at) == Some(flat([0x30, 0x10, 0x08])));
}

#[test]
fn a_redo_makes_it_again_without_a_call_unless_the_configuration_says_call() {
    let server = ServerSpec::new().start();
    let layer = layer(&server, json!({"mode": "copy"}));
    layer.run(PROGRAM, &[]).assert_status(0);
    let calls = server.calls().len();
    let both = ["--redo", "0,0 5,5"];
    layer
        .run(PROGRAM, &["--redo", "0,0 5,5", "--dry-run"])
        .assert_status(0)
        .assert_says("redo: 2 blocks, 1 of flat water without a call: 1 call");
    layer
        .run(PROGRAM, &both)
        .assert_status(0)
        .assert_says("1 block of flat water, no call");
    assert_eq!(server.calls().len(), calls + 1);
    layer.configure(|config| config["uniform"]["mode"] = json!("call"));
    layer
        .run(PROGRAM, &["--redo", "0,0"])
        .assert_status(0)
        .assert_says("redo: 1 block: 1 call");
    assert_eq!(server.calls().len(), calls + 2);
    layer
        .run(PROGRAM, &["--explain", "0,0"])
        .assert_status(0)
        .assert_says("drawn by a\n");
    // What was drawn is put back to be copied again.
    layer.configure(|config| config["uniform"]["mode"] = json!("copy"));
    layer
        .run(PROGRAM, &["--redo", "0,0"])
        .assert_status(0)
        .assert_says(": 0 calls");
    assert_eq!(server.calls().len(), calls + 2);
    assert!(layer.picture(Quadrant::new(0, 0)) == Some(flat(WATER)));
}

#[test]
fn a_redo_beside_it_does_not_count_it_among_what_follows() {
    let server = ServerSpec::new().model(continue_colours).start();
    let layer = infilled(&server);
    layer.run(PROGRAM, &[]).assert_status(0);
    let before: Vec<_> =
        layer.sql("SELECT id, completed_at FROM generation_plan WHERE model_name = 'uniform'");
    let calls = server.calls().len();
    let all = format!("0,0..{},{}", 20, 20);
    let squares = layer.sql("SELECT top_left_x || ',' || top_left_y FROM generation_plan WHERE step = 1 AND model_name <> 'uniform'");
    let squares: Vec<String> = squares.into_iter().map(|row| row[0].clone()).collect();
    let run = layer.run(PROGRAM, &["--redo", &squares.join(" ")]);
    run.assert_status(0);
    let after =
        layer.sql("SELECT id, completed_at FROM generation_plan WHERE model_name = 'uniform'");
    assert_eq!(before, after, "water was not made for what is beside it");
    let told = run
        .stderr
        .lines()
        .chain(run.stdout.lines())
        .find(|line| line.contains("redo: "));
    let said = told.unwrap().rsplit(": ").next().unwrap().to_owned();
    assert_eq!(said, format!("{} calls", server.calls().len() - calls));
    // All of it, with water named too.
    layer
        .run(PROGRAM, &["--redo", &all, "--dry-run"])
        .assert_status(0)
        .assert_says("of flat water without a call");
}

#[test]
fn failed_items_that_are_flat_need_no_call_when_they_are_tried_again() {
    let server = ServerSpec::new().script(|_, _| Reply::status(400)).start();
    let layer = layer(&server, json!({"mode": "call"}));
    layer
        .run(PROGRAM, &["--max-errors", "1000"])
        .assert_status(1);
    let water = water_items(&layer);
    let failed: BTreeSet<i64> = ids(&layer, "status = 'error'");
    let failed_water: BTreeSet<i64> = failed.intersection(&water).copied().collect();
    assert!(!failed_water.is_empty());
    // What was rejected of one is of no use any more.
    let blocks = blocks(&layer);
    let kept = |item: &i64| {
        let at = blocks[item].1[0];
        layer.dir().join(format!("rejected/{}_{}", at.x, at.y))
    };
    for item in &failed {
        std::fs::create_dir_all(kept(item).join("1")).unwrap();
    }
    layer.configure(|config| config["uniform"] = json!({"mode": "copy"}));
    layer
        .run(PROGRAM, &["--max-errors", "1000"])
        .assert_status(1);
    let waits = ids(&layer, "status = 'error'");
    assert!(
        failed_water.is_subset(&waits),
        "it failed, and is not asked for"
    );
    layer
        .run(PROGRAM, &["--retry-errors", "--max-errors", "1000"])
        .assert_status(1);
    assert_eq!(
        ids(&layer, "model_name = 'uniform' AND status = 'complete'"),
        water
    );
    for item in failed {
        assert_eq!(kept(&item).exists(), !water.contains(&item), "{item}");
    }
}

#[test]
fn what_was_found_to_be_none_is_not_looked_at_again_unless_it_changed() {
    let server = ServerSpec::new().start();
    let layer = layer(&server, json!({"mode": "copy"}));
    layer.run(PROGRAM, &["--max-items", "1"]).assert_status(0);
    let remembered = layer.sql("SELECT item_id FROM uniform WHERE looked IS NOT NULL");
    assert_eq!(
        remembered.len(),
        blocks(&layer).len() - water_items(&layer).len()
    );
    // A source that is water now, and one of which the settings have changed, are looked at.
    let map = layer.map_dir();
    let at = Quadrant::new(5, 5);
    let item = blocks(&layer)
        .into_iter()
        .find(|(_, (_, all))| all.contains(&at))
        .unwrap();
    for &quadrant in &item.1.1 {
        // Of another length: that is what is looked at.
        let mut bytes = std::io::Cursor::new(Vec::new());
        let picture = DynamicImage::from(flat(WATER));
        picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
        let hex: String = bytes
            .into_inner()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let Quadrant { x, y } = quadrant;
        let _ = query(
            &map.join("quadrants.db"),
            &format!(
                "UPDATE quadrants SET generation = x'{hex}' WHERE quadrant_x = {x} AND quadrant_y = {y}"
            ),
        );
    }
    layer
        .run(PROGRAM, &["--max-items", "1"])
        .assert_status(0)
        .assert_says("1 block of flat water, no call");
    layer.configure(|config| config["uniform"]["tolerance"] = json!(255));
    layer
        .run(PROGRAM, &["--max-items", "1"])
        .assert_status(0)
        .assert_says("there is nothing to do");
    assert_eq!(layer.statuses().len(), 1);
}

/// A flat block that gets a model's pictures back is one that was drawn: it says so, and what is drawn
/// again beside it draws it again.
#[test]
fn one_that_is_brought_back_was_drawn() {
    let server = ServerSpec::new().model(continue_colours).start();
    let layer = infilled(&server);
    layer.configure(|config| config["uniform"]["mode"] = json!("call"));
    layer.run(PROGRAM, &[]).assert_status(0);
    let flat = *water_items(&layer).first().unwrap();
    let Quadrant { x, y } = blocks(&layer)[&flat].1[0];
    let at = format!("{x},{y}");
    layer.configure(|config| config["uniform"]["mode"] = json!("copy"));
    let made = ["--redo", &at, "--without-followers"];
    layer.run(PROGRAM, &made).assert_status(0);
    let uncalled = "id IN (SELECT item_id FROM uniform WHERE made IS NOT NULL)";
    assert_eq!(ids(&layer, uncalled), [flat].into());
    layer
        .run(PROGRAM, &["--explain", &at])
        .assert_says("without a call");
    layer.run(PROGRAM, &["--keep", &at]).assert_status(0);
    assert!(ids(&layer, uncalled).is_empty());
    let explained = layer.run(PROGRAM, &["--explain", &at]);
    assert!(
        !explained.stdout.contains("without a call"),
        "{}",
        explained.stdout
    );
}

/// With a part of the plan a dry run says what the run then does.
#[test]
fn a_dry_run_of_a_part_is_what_the_run_does() {
    for part in ["0,0,4,4", "2,2,9,6", "7,5,13,8"] {
        let server = ServerSpec::new().model(continue_colours).start();
        let layer = infilled(&server);
        let dry = layer.run(PROGRAM, &["--only", part, "--dry-run"]);
        dry.assert_status(0);
        let says = dry
            .stdout
            .lines()
            .find(|line| line.contains(" would be made"))
            .unwrap();
        let calls: usize = says.split(' ').next().unwrap().parse().unwrap();
        layer.run(PROGRAM, &["--only", part]).assert_status(0);
        assert_eq!(server.calls().len(), calls, "{part}: {says}");
    }
}

//! A part of a layer first and alone, and then the rest around it.

mod grey_city;
mod infilling;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use debug_generate_full_map_layer::Seams;
use fixtures::layers::{TestLayer, endpoints_at, snapshot};
use fixtures::maps::MapSpec;
use fixtures::server::{RecordedRequest, Reply, ScriptedServer, ServerSpec};

use layer::LayerDir;
use planner::Quadrant;
use serde_json::json;

use grey_city::city;
use infilling::continue_colours;

const PROGRAM: &str = env!("CARGO_BIN_EXE_generate_full_map_layer");

/// The part that pilots ask for, and the same in other words.
const PART: &str = "3,3,8,8";

fn infilled(servers: &[&ScriptedServer], slots: usize) -> TestLayer {
    let urls: Vec<String> = servers.iter().map(|server| server.url()).collect();
    let layer = TestLayer::new(city(), &endpoints_at(urls.iter().map(String::as_str)));
    layer.configure(|config| {
        config["canvas"] = json!({"mode": "infill"});
        for endpoint in config["model_endpoints"].as_array_mut().expect("a list") {
            endpoint["max_concurrent"] = json!(slots);
        }
    });
    layer
}

fn infilling() -> ScriptedServer {
    ServerSpec::new().model(continue_colours).start()
}

/// An infilling model that takes a moment, each call another one.
fn unsteady(salt: usize) -> ScriptedServer {
    let script = move |_: &RecordedRequest, nth: usize| {
        Reply::model().after(Duration::from_millis((nth * 29 + salt * 17) as u64 % 41))
    };
    ServerSpec::new()
        .model(continue_colours)
        .script(script)
        .start()
}

fn pictures(layer: &TestLayer) -> BTreeMap<Quadrant, Vec<u8>> {
    layer.all_stored().into_iter().collect()
}

fn ids(layer: &TestLayer, query: &str) -> BTreeSet<String> {
    let rows = layer.sql(query).into_iter();
    rows.map(|row| row[0].clone()).collect()
}

/// The items that hold what lies between two corners and what must precede these, by plain SQL.
fn with_predecessors(layer: &TestLayer, [x1, y1, x2, y2]: [i32; 4]) -> BTreeSet<String> {
    ids(
        layer,
        &format!(
            "WITH RECURSIVE part(id) AS (
               SELECT id FROM generation_plan
               WHERE top_left_x <= {x2} AND top_left_x + width > {x1} AND top_left_y <= {y2} AND top_left_y + height > {y1}
               UNION SELECT p.id FROM part JOIN generation_plan q ON q.id = part.id JOIN generation_plan p
                 ON (p.step, p.id) < (q.step, q.id)
                 AND ((p.top_left_x + p.width = q.top_left_x OR q.top_left_x + q.width = p.top_left_x)
                       AND p.top_left_y < q.top_left_y + q.height AND q.top_left_y < p.top_left_y + p.height
                   OR (p.top_left_y + p.height = q.top_left_y OR q.top_left_y + q.height = p.top_left_y)
                       AND p.top_left_x < q.top_left_x + q.width AND q.top_left_x < p.top_left_x + p.width))
             SELECT id FROM part"
        ),
    )
}

const COMPLETE: &str = "SELECT id FROM generation_plan WHERE status = 'complete'";

#[tokio::test]
async fn the_part_runs_alone_and_the_next_run_goes_on_around_it() {
    let server = infilling();
    let layer = infilled(&[&server], 3);
    let all = layer.statuses()["pending"];
    let part = with_predecessors(&layer, [3, 3, 8, 8]);
    let calls = part.len();
    assert!((10..all).contains(&calls), "{calls} of {all} are no part");

    let files = snapshot(layer.dir());
    let dry = layer.run(PROGRAM, &["--only", PART, "--dry-run"]);
    dry.assert_status(0)
        .assert_says(&format!("only a part runs: {calls} of {all} items"))
        .assert_says(&format!("{} items outside of the part", all - calls))
        .assert_says(&format!("{calls} calls would be made, "))
        .assert_says("of them only to precede others");
    assert!(snapshot(layer.dir()) == files, "a dry run changes nothing");

    // The corners in another order.
    let pilot = layer.run(PROGRAM, &["--only", "8,3,3,8"]);
    pilot
        .assert_status(0)
        .assert_says("The part that was asked for is done")
        .assert_says(&format!("{} items outside of it are left", all - calls));
    let last = pilot.stdout.lines().last().expect("a summary");
    assert_eq!(last, "  generate_full_map_layer --layer-dir layers/test");
    assert_eq!(server.calls().len(), calls);
    assert_eq!(ids(&layer, COMPLETE), part);
    assert_eq!(ids(&layer, "SELECT DISTINCT item_id FROM attempts"), part);
    assert_eq!(
        layer.statuses()["pending"],
        all - calls,
        "the rest is untouched"
    );
    layer.assert_whole();
    let first = pictures(&layer);

    let again = layer.run(PROGRAM, &["--only", PART]);
    again
        .assert_status(0)
        .assert_says(&format!("All {calls} items of the part are complete"));
    assert_eq!(server.calls().len(), calls);

    layer.run(PROGRAM, &[]).assert_status(0);
    assert_eq!(server.calls().len(), all, "as many as without a pilot");
    assert_eq!(
        layer.statuses(),
        BTreeMap::from([("complete".to_owned(), all)])
    );
    layer.assert_whole();
    layer.assert_tidy();
    let after = pictures(&layer);
    assert_eq!(after.len(), layer.region().len());
    assert!(first.iter().all(|(at, bytes)| after[at] == *bytes));
    let seams = Seams::of(&LayerDir::at(layer.dir())).await.expect("seams");
    let visible = seams
        .edges
        .iter()
        .filter(|edge| edge.step > seams.inside + 2.0);
    assert_eq!(visible.count(), 0, "inside {}", seams.inside);
}

#[test]
fn a_pilot_is_the_same_whatever_answers_first_and_wherever_it_is_stopped() {
    let one = infilling();
    let strict = infilled(&[&one], 1);
    let args = ["--only", PART, "--max-concurrent", "1"];
    strict.run(PROGRAM, &args).assert_status(0);
    let part = pictures(&strict);
    strict.run(PROGRAM, &[]).assert_status(0);
    let whole = pictures(&strict);
    for stops in [&[][..], &["1", "4", "9"]] {
        let servers = [0, 1, 2].map(unsteady);
        let layer = infilled(&servers.each_ref(), 4);
        for most in stops {
            let run = layer.run(PROGRAM, &["--only", PART, "--max-items", most]);
            let command = format!("--layer-dir layers/test --only {PART}");
            run.assert_status(0).assert_says(&command);
        }
        layer.run(PROGRAM, &["--only", PART]).assert_status(0);
        assert!(pictures(&layer) == part, "the pilot, stopped {stops:?}");
        layer.run(PROGRAM, &[]).assert_status(0);
        assert!(pictures(&layer) == whole, "the rest, stopped {stops:?}");
    }
}

#[test]
fn a_pilot_that_is_killed_goes_on_with_the_same_command() {
    let server = unsteady(0);
    let layer = infilled(&[&server], 2);
    let part = with_predecessors(&layer, [3, 3, 8, 8]);
    for calls in [3, 11] {
        let mut pilot = layer.command(PROGRAM, &["--only", PART]);
        let mut pilot = pilot.spawn().expect("the program starts");
        assert!(server.wait_for_calls(calls, Duration::from_secs(60)));
        pilot.kill().expect("it runs");
        pilot.wait().expect("it is dead");
    }
    layer.run(PROGRAM, &["--only", PART]).assert_status(0);
    assert_eq!(ids(&layer, COMPLETE), part);
    assert_eq!(ids(&layer, "SELECT DISTINCT item_id FROM attempts"), part);
    let undisturbed = infilled(&[&server], 2);
    undisturbed.run(PROGRAM, &["--only", PART]).assert_status(0);
    assert!(pictures(&layer) == pictures(&undisturbed));
    layer.assert_tidy();
}

#[test]
fn what_fails_is_of_the_part_and_no_other_is_tried_again() {
    let server = ServerSpec::new().script(|_, _| Reply::status(413)).start();
    let map = MapSpec::rectangle(9, 9).quadrant_px(8, 8);
    let layer = TestLayer::new(map, &endpoints_at([server.url().as_str()]));
    // The 2x2 at (6, 6) fails outside, and the one at (0, 0) inside.
    for part in ["6,6,7,7", "0,0,1,1"] {
        let run = layer.run(PROGRAM, &["--only", part]);
        run.assert_status(1).assert_says("--retry-errors");
    }
    assert_eq!(layer.statuses()["error"], 2);
    let nothing = layer.run(PROGRAM, &["--only", "0,0,2,1"]);
    nothing
        .assert_status(1)
        .assert_says("1 items failed and 1 wait on them");
    assert_eq!(server.calls().len(), 2);

    server.set_script(|_, _| Reply::model());
    let dry = layer.run(
        PROGRAM,
        &["--only", "0,0,2,1", "--retry-errors", "--dry-run"],
    );
    dry.assert_status(0).assert_says("3 calls would be made");
    let run = layer.run(PROGRAM, &["--only", "0,0,2,1", "--retry-errors"]);
    run.assert_status(0).assert_says("1 failed items run again");
    assert_eq!(layer.statuses()["complete"], 3);
    assert_eq!(layer.statuses()["error"], 1, "the other one is left alone");
    layer.run(PROGRAM, &["--retry-errors"]).assert_status(0);
    assert_eq!(layer.statuses().len(), 1);
    let items = layer.statuses()["complete"];
    assert_eq!(server.calls().len(), items + 2);
}

#[test]
fn a_redo_and_a_check_of_pictures_may_be_of_a_part() {
    let server = infilling();
    let layer = infilled(&[&server], 3);
    layer.run(PROGRAM, &[]).assert_status(0);
    let calls = || server.calls().len();
    let before = calls();
    // Of what is put back only the block itself runs, and what joined it in the next run.
    let redo = layer.run(PROGRAM, &["--redo", "5,4", "--only", "5,4"]);
    redo.assert_status(0).assert_says("redo: 1 block, and ");
    assert_eq!(calls(), before + 1);
    let left = layer.statuses()["pending"];
    redo.assert_says(&format!("and {left} items outside of it are left to run"));
    layer.run(PROGRAM, &[]).assert_status(0);
    assert_eq!(calls(), before + 1 + left);

    for at in [Quadrant::new(3, 0), Quadrant::new(12, 8)] {
        layer.tamper(at, None);
    }
    let warned = layer.run(PROGRAM, &["--only", "3,0"]);
    warned
        .assert_status(1)
        .assert_says("1 pictures of complete items are gone");
    let run = layer.run(PROGRAM, &["--only", "3,0,3,0", "--resume"]);
    run.assert_status(0).assert_says("only a part runs: 1 of ");
    assert!(layer.stored(Quadrant::new(3, 0)).is_some());
    assert!(layer.stored(Quadrant::new(12, 8)).is_none());
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_whole();
}

#[test]
fn a_file_may_say_which_part() {
    let server = infilling();
    let layer = infilled(&[&server], 3);
    let file = layer.root().join("a part");
    let says = |text: &str, flag: &str| {
        std::fs::write(&file, text).expect("a file");
        let run = layer.run(PROGRAM, &[flag, "a part", "--dry-run"]);
        run.assert_status(0);
        run.stdout
    };
    let by_flag = layer.run(PROGRAM, &["--only", PART, "--dry-run"]).stdout;
    assert_eq!(says("3,3,8,8\n", "--only-file"), by_flag);
    assert_eq!(says("8,8..3,5\r\n3,3..8,4\r\n", "--only_file"), by_flag);
    let all = json!({"type": "Polygon", "coordinates": [[[-180, -89], [180, -89], [180, 89], [-180, 89], [-180, -89]]]});
    let items = layer.statuses()["pending"];
    let told = says(&all.to_string(), "--only-file");
    assert!(
        told.contains(&format!("{items} calls would be made;")),
        "{told}"
    );

    std::fs::write(&file, "0,3 1,3").expect("a file");
    let run = layer.run(PROGRAM, &["--only-file", "a part", "--max-items", "1"]);
    run.assert_status(0)
        .assert_says("generate_full_map_layer --layer-dir layers/test --only-file 'a part'");
}

#[test]
fn what_cannot_be_meant_changes_nothing() {
    let server = infilling();
    let layer = infilled(&[&server], 3);
    let plan = || layer.sql("SELECT id || status FROM generation_plan");
    let before = plan();
    for (args, said) in [
        (
            &["--only", "90,90,99,99"][..],
            "which is of the quadrants 0,0..13,8",
        ),
        (
            &["--only", "90,90,99,99", "--dry-run"],
            "which is of the quadrants 0,0..13,8",
        ),
        (&["--only", "900,900"], "is not in the plan"),
        (&["--only", "1,2,3"], "neither a quadrant nor a rectangle"),
        (
            &["--only", "1,2,3,4,5,6"],
            "neither a quadrant nor a rectangle",
        ),
        (&["--only", "1;2"], "neither a quadrant nor a rectangle"),
        (&["--only", ""], "no quadrant is named"),
        (&["--only", "{\"type\": \"Moon\"}"], "GeoJSON"),
        (
            &["--only-file", "nowhere"],
            "cannot read --only-file nowhere",
        ),
        (&["--only", PART, "--only-file", "x"], "cannot be used with"),
        (&["--only", PART, "--keep", "3,3"], "cannot be used with"),
        (&["--only", PART, "--accept", "3,3"], "cannot be used with"),
        (&["--only", PART, "--explain", "3,3"], "cannot be used with"),
        (&["--only", PART, "--redo", "900,900"], "is not in the plan"),
    ] {
        let run = layer.run(PROGRAM, args);
        run.assert_status(2).assert_says(said);
    }
    assert_eq!(plan(), before);
    assert_eq!(server.calls().len(), 0);
    assert!(pictures(&layer).is_empty());
}

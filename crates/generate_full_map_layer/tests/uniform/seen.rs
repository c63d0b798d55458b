//! Who sees them; a run that stops and one that does not.

use std::collections::BTreeSet;

use fixtures::server::ServerSpec;
use planner::Quadrant;
use serde_json::json;

use super::infilling::continue_colours;
use super::support::{PROGRAM, assert_called_for_others, blocks, infilled, water_items};

/// The quadrants of a text as in `1,2 3,4`.
fn quadrants_in(text: &str) -> BTreeSet<Quadrant> {
    let pairs = text
        .split_whitespace()
        .filter_map(|pair| pair.split_once(','));
    pairs
        .map(|(x, y)| Quadrant::new(x.parse().unwrap(), y.parse().unwrap()))
        .collect()
}

#[test]
fn infill_shows_flat_water_as_finished_to_all_that_is_beside_it() {
    let server = ServerSpec::new().model(continue_colours).start();
    let layer = infilled(&server);
    let water = water_items(&layer);
    layer.run(PROGRAM, &[]).assert_status(0);
    assert_called_for_others(&layer, &water);
    let plan = blocks(&layer);
    let mut of_later_steps = 0;
    for row in layer.sql("SELECT item_id, joined FROM attempts") {
        let item: i64 = row[0].parse().unwrap();
        let (step, own) = &plan[&item];
        let joined = quadrants_in(&row[1]);
        // To the left and right of what is one wide, above and below of what is one high.
        let (first, last) = (own[0], own[own.len() - 1]);
        for other in &water {
            for &at in &plan[other].1 {
                let beside = |low: i32, high: i32, at: i32| at == low - 1 || at == high + 1;
                let inside = |low: i32, high: i32, at: i32| (low..=high).contains(&at);
                let is_shown = (first.x == last.x
                    && beside(first.x, last.x, at.x)
                    && inside(first.y, last.y, at.y))
                    || (first.y == last.y
                        && beside(first.y, last.y, at.y)
                        && inside(first.x, last.x, at.x));
                if is_shown {
                    assert!(joined.contains(&at), "item {item} does not show {at}");
                    of_later_steps += usize::from((*step, item) < (plan[other].0, *other));
                }
            }
        }
    }
    assert!(of_later_steps > 0, "none of it comes later in the plan");
}

#[test]
fn a_run_that_stops_anywhere_ends_with_the_pictures_of_one_that_does_not() {
    let server = ServerSpec::new().model(continue_colours).start();
    let whole = infilled(&server);
    whole.run(PROGRAM, &[]).assert_status(0);
    for (most, concurrent) in [("1", 1), ("3", 2), ("7", 3)] {
        let stopped = infilled(&server);
        stopped.configure(|config| {
            config["model_endpoints"][0]["max_concurrent"] = json!(concurrent);
        });
        while stopped.statuses().len() > 1 || !stopped.statuses().contains_key("complete") {
            stopped
                .run(PROGRAM, &["--max-items", most])
                .assert_status(0);
        }
        assert!(whole.all_stored() == stopped.all_stored(), "{most}");
    }
}

#[test]
fn an_endpoint_may_be_called_uniform() {
    let server = ServerSpec::new().model(continue_colours).start();
    let whole = infilled(&server);
    let stopped = infilled(&server);
    stopped.configure(|config| config["model_endpoints"][0]["name"] = json!("uniform"));
    whole.run(PROGRAM, &[]).assert_status(0);
    for _ in 0..3 {
        stopped.run(PROGRAM, &["--max-items", "9"]).assert_status(0);
    }
    stopped.run(PROGRAM, &[]).assert_status(0);
    assert!(whole.all_stored() == stopped.all_stored());
}

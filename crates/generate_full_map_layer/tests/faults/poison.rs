//! A block that makes healthy servers break off.

use fixtures::layers::{TestLayer, endpoints_at};
use fixtures::maps::MapSpec;
use fixtures::server::{Reply, ScriptedServer, ServerSpec};
use planner::Quadrant;
use serde_json::json;

use crate::support::{ItemsByCanvas, PROGRAM, assert_sound, is_for, is_long};

/// Runs a map whose block at a quadrant makes servers break off, and returns how often it was
/// called for.
fn calls_for_poison(map: MapSpec, top_left: Quadrant, servers: usize) -> usize {
    let layer = TestLayer::new(map, &json!([]));
    let source = layer.source(top_left);
    let size = (2 * source.width(), 2 * source.height());
    let servers: Vec<ScriptedServer> = (0..servers)
        .map(|_| {
            let source = source.clone();
            ServerSpec::new()
                .script(move |request, _| {
                    if is_for(request, size, &source) {
                        Reply::close()
                    } else {
                        Reply::model()
                    }
                })
                .start()
        })
        .collect();
    let urls: Vec<String> = servers.iter().map(ScriptedServer::url).collect();
    layer.configure(|config| {
        config["model_endpoints"] = endpoints_at(urls.iter().map(String::as_str));
    });
    layer
        .run(PROGRAM, &[])
        .assert_status(1)
        .assert_says("1 failed");
    assert_sound(&layer);
    let failed = layer.sql("SELECT id, top_left_x, top_left_y, error_message FROM generation_plan WHERE status = 'error'");
    assert_eq!(failed.len(), 1, "{failed:?}");
    let place = [top_left.x.to_string(), top_left.y.to_string()];
    assert_eq!(failed[0][1..3], place);
    assert!(
        failed[0][3].contains("the connection failed"),
        "{}",
        failed[0][3]
    );
    let servers: Vec<&ScriptedServer> = servers.iter().collect();
    let calls = ItemsByCanvas::of(&layer).calls(&servers);
    let id: i64 = failed[0][0].parse().unwrap();
    let others = calls.iter().filter(|&(&item, _)| item != id);
    assert!(
        others.into_iter().all(|(_, &calls)| calls == 1),
        "{calls:?}"
    );
    calls[&id]
}

#[test]
fn it_is_given_up_after_three_tries_that_other_items_have_shown_to_be_its_own() {
    let calls = calls_for_poison(MapSpec::rectangle(12, 9), Quadrant::new(0, 0), 1);
    assert_eq!(calls, 3);
}

#[test]
fn it_is_given_up_where_the_others_are_done_before_it_is_tried_again() {
    let calls = calls_for_poison(MapSpec::rectangle(9, 9), Quadrant::new(0, 0), 4);
    assert!((3..=12).contains(&calls), "{calls} calls");
}

#[test]
fn it_is_given_up_where_there_is_nothing_to_compare_it_with() {
    let calls = calls_for_poison(MapSpec::rectangle(2, 2), Quadrant::new(0, 0), 4);
    assert!((8..=12).contains(&calls), "{calls} calls");
    if is_long() {
        // A single endpoint rests longer each time.
        let calls = calls_for_poison(MapSpec::rectangle(9, 9), Quadrant::new(6, 6), 1);
        assert_eq!(calls, 8);
    }
}

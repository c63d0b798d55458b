//! A block that makes healthy servers break off.

use fixtures::layers::{TestLayer, endpoints_at};
use fixtures::maps::MapSpec;
use fixtures::server::{Reply, ScriptedServer, ServerSpec};
use planner::Quadrant;
use serde_json::json;

use crate::support::{ItemsByCanvas, PROGRAM, assert_sound, count, is_for, is_long, layer_at};

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
    // But for the one call that tells whose fault it is.
    let others = calls.iter().filter(|&(&item, _)| item != id);
    let again: usize = others.map(|(_, &calls)| calls - 1).sum();
    let compared = layer.sql("SELECT count(*) FROM attempts WHERE outcome = 'compared'");
    assert!(again <= 1, "{calls:?}");
    assert_eq!(compared[0][0], again.to_string(), "{calls:?}");
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
        assert!((3..=12).contains(&calls), "{calls} calls");
    }
}

/// Completes all of a map but the blocks at some quadrants, which fail at every server from then
/// on with a reply, and returns how many calls that one run made for them, and to compare.
fn calls_for_the_last(blocks: &[Quadrant], servers: usize, reply: &Reply, args: &[&str]) -> usize {
    let layer = TestLayer::new(MapSpec::rectangle(9, 9), &json!([]));
    let sources: Vec<_> = blocks.iter().map(|&block| layer.source(block)).collect();
    let size = (2 * sources[0].width(), 2 * sources[0].height());
    let servers: Vec<ScriptedServer> = (0..servers)
        .map(|_| {
            let (sources, reply) = (sources.clone(), reply.clone());
            ServerSpec::new()
                .script(move |request, _| {
                    let is_bad = |source| is_for(request, size, source);
                    if sources.iter().any(is_bad) {
                        reply.clone()
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
    let run = layer.run(PROGRAM, args);
    run.assert_status(1)
        .assert_says(&format!("{} failed", blocks.len()));
    assert_sound(&layer);
    assert_eq!(count(&layer, "error"), blocks.len());
    let calls: usize = servers.iter().map(|server| server.calls().len()).sum();
    let recorded = layer.sql("SELECT count(*) FROM attempts");
    assert_eq!(recorded[0][0], calls.to_string(), "a call without a record");
    calls - count(&layer, "complete")
}

#[test]
fn two_at_the_end_of_a_step_are_given_up() {
    let blocks = [Quadrant::new(3, 6), Quadrant::new(6, 6)];
    for servers in [1, 3] {
        let calls = calls_for_the_last(&blocks, servers, &Reply::close(), &[]);
        assert!((4..=24).contains(&calls), "{calls} calls for two blocks");
    }
}

#[test]
fn one_that_is_turned_away_is_given_up_whatever_the_status() {
    std::thread::scope(|scope| {
        for status in [408, 429, 502, 503, 504, 404] {
            scope.spawn(move || {
                let reply = Reply::status(status).header("retry-after", "0.5");
                let calls = calls_for_the_last(&[Quadrant::new(6, 6)], 1, &reply, &[]);
                assert!((3..=12).contains(&calls), "{status}: {calls} calls");
            });
        }
    });
}

#[test]
fn one_that_is_all_that_was_asked_for_is_given_up() {
    let reply = Reply::close();
    let calls = calls_for_the_last(&[Quadrant::new(0, 0)], 1, &reply, &["--max-items", "1"]);
    assert!((3..=12).contains(&calls), "{calls} calls");
}

#[test]
fn a_block_that_alone_is_turned_away_for_a_while_is_not_given_up() {
    // The last block meets an outage that is longer than all tries of a bad one.
    let server = ServerSpec::new()
        .script(|_, call| match call {
            9..=40 => Reply::status(503).header("retry-after", "0.5"),
            _ => Reply::model(),
        })
        .start();
    let layer = layer_at(MapSpec::rectangle(9, 9), &[&server]);
    layer.run(PROGRAM, &[]).assert_status(0);
}

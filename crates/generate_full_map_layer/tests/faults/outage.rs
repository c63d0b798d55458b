//! All endpoints are away for a while.

use std::time::Duration;

use fixtures::server::{Reply, ScriptedServer, ServerSpec};

use crate::support::{
    Background, PATIENCE, PROGRAM, assert_sound, city, count, invert, layer_at, wait_for,
};

#[test]
fn an_outage_of_all_endpoints_costs_no_item_its_status() {
    let servers: Vec<ScriptedServer> = (0..3)
        .map(|_| ServerSpec::new().latency(Duration::from_millis(30)).start())
        .collect();
    let layer = layer_at(city(), &[&servers[0], &servers[1], &servers[2]]);
    let mut run = Background::start(&layer, &["--startup-wait", "1"]);
    assert!(servers[0].wait_for_calls(3, PATIENCE));
    servers.iter().for_each(ScriptedServer::stop);
    run.wait_until_says("no endpoint answers; waiting for one: a (");
    // Long enough for each item in hand to have been tried at each endpoint.
    wait_for("many tries", || {
        let tries = layer.sql("SELECT count(*) FROM attempts WHERE outcome = 'away'");
        tries[0][0].parse::<usize>().unwrap() >= 12
    });
    assert!(run.has_ended().is_none());
    assert_eq!(count(&layer, "error"), 0);
    assert_sound(&layer);
    servers.iter().for_each(ScriptedServer::start_again);
    let run = run.finish();
    run.assert_status(0).assert_says("0 failed");
    layer.assert_complete(invert);
    let lines = run
        .stdout
        .matches("no endpoint answers; waiting for one")
        .count();
    assert_eq!(lines, 1, "one line a minute:\n{}", run.stdout);
}

#[test]
fn an_outage_may_outlast_the_canvases_in_hand() {
    // Each try of the only endpoint is made with an item that was not there before, until there
    // is none left.
    let server = ServerSpec::new()
        .script(|_, call| match call {
            5..=24 => Reply::status(503).header("retry-after", "0.5"),
            _ => Reply::model(),
        })
        .start();
    let layer = layer_at(city(), &[&server]);
    layer
        .run(PROGRAM, &[])
        .assert_status(0)
        .assert_says("20 wasted");
    layer.assert_complete(invert);
}

#[test]
fn an_endpoint_that_comes_back_is_used_again() {
    let servers = [
        ServerSpec::new()
            .latency(Duration::from_millis(150))
            .start(),
        ServerSpec::new()
            .latency(Duration::from_millis(150))
            .start(),
    ];
    let layer = layer_at(city(), &[&servers[0], &servers[1]]);
    let run = Background::start(&layer, &[]);
    assert!(servers[1].wait_for_calls(1, PATIENCE));
    servers[1].stop();
    assert!(servers[0].wait_for_calls(servers[0].calls().len() + 2, PATIENCE));
    servers[1].start_again();
    let calls = servers[1].calls().len();
    run.finish().assert_status(0).assert_says("0 failed");
    assert!(servers[1].calls().len() > calls, "it was never tried again");
    layer.assert_complete(invert);
}

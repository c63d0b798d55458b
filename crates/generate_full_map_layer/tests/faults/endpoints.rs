//! Endpoints that fail, each in its own way, beside others that do not.

use std::thread;
use std::time::Duration;

use fixtures::layers::{TestLayer, endpoints_at};
use fixtures::maps::MapSpec;
use fixtures::server::{Ending, Reply, ReservedPort, ScriptedServer, ServerSpec};
use serde_json::json;

use crate::support::{
    ItemsByCanvas, PROGRAM, assert_sound, city, count, invert, layer_at, set_option,
};

/// A layer of one item.
fn one_item(servers: &[&ScriptedServer]) -> TestLayer {
    layer_at(MapSpec::rectangle(2, 2), servers)
}

fn always(reply: Reply) -> ScriptedServer {
    ServerSpec::new().script(move |_, _| reply.clone()).start()
}

/// Fails so many calls, and then answers.
fn failing_first(calls: usize, reply: Reply) -> ScriptedServer {
    ServerSpec::new()
        .script(move |_, call| {
            if call <= calls {
                reply.clone()
            } else {
                Reply::model()
            }
        })
        .start()
}

fn message(layer: &TestLayer) -> String {
    layer.sql("SELECT error_message FROM generation_plan WHERE status = 'error'")[0][0].clone()
}

#[test]
fn an_item_whose_answer_is_bad_goes_to_another_endpoint() {
    let (bad, good) = (
        always(Reply::status(500).body("out of memory")),
        ServerSpec::new().start(),
    );
    let layer = layer_at(city(), &[&bad, &good]);
    layer
        .run(PROGRAM, &[])
        .assert_status(0)
        .assert_says("out of memory");
    layer.assert_complete(invert);
    let calls = ItemsByCanvas::of(&layer).calls(&[&bad]);
    assert!(
        !calls.is_empty() && calls.values().all(|&calls| calls == 1),
        "{calls:?}"
    );
    assert_eq!(good.calls().len(), layer.statuses()["complete"]);
}

#[test]
fn three_bad_answers_are_the_end_of_an_item() {
    for status in [500, 501, 507, 519, 599] {
        let said = json!({"detail": "CUDA out of memory"});
        let servers = [
            always(Reply::status(status).json(&said)),
            always(Reply::status(status).json(&said)),
        ];
        let layer = one_item(&[&servers[0], &servers[1]]);
        layer.run(PROGRAM, &[]).assert_status(1);
        let calls = servers
            .iter()
            .map(|server| server.calls().len())
            .collect::<Vec<_>>();
        assert_eq!(calls.iter().sum::<usize>(), 3, "{status}: {calls:?}");
        assert!(
            calls.iter().all(|&calls| calls >= 1),
            "{status}: both are tried, {calls:?}"
        );
        let message = message(&layer);
        assert!(message.contains(&format!("HTTP {status}")), "{message}");
        assert!(message.contains("CUDA out of memory"), "{message}");
    }
}

#[test]
fn a_canvas_that_is_rejected_fails_its_item_at_once() {
    for status in [400, 413, 422] {
        let server = always(Reply::status(status).json(&json!({"detail": "too many steps"})));
        let layer = one_item(&[&server]);
        layer.run(PROGRAM, &[]).assert_status(1);
        assert_eq!(server.calls().len(), 1);
        let message = message(&layer);
        assert!(
            message.contains(&format!("HTTP {status}")) && message.contains("too many steps"),
            "{message}"
        );
    }
}

#[test]
fn an_endpoint_that_is_away_costs_its_item_nothing() {
    let wait = |status: u16| Reply::status(status).header("retry-after", "0.2");
    let cases = [
        ("408", wait(408)),
        ("425", wait(425)),
        ("429", wait(429)),
        ("502", wait(502)),
        ("520", wait(520)),
        ("530", wait(530)),
        ("503", wait(503)),
        ("504", wait(504)),
        (
            "retry-after-ms",
            Reply::status(503).header("retry-after-ms", "100"),
        ),
        (
            "openai",
            Reply::status(429).header("x-ratelimit-reset-requests", "100ms"),
        ),
        (
            "google",
            Reply::status(429).json(&json!({"error": {"details": [{"retryDelay": "0.1s"}]}})),
        ),
        ("closed", Reply::close()),
        ("reset", Reply::reset()),
        (
            "half an answer",
            Reply::model().cut_after(100, Ending::Close),
        ),
        (
            "half an answer, torn",
            Reply::model().cut_after(100, Ending::Reset),
        ),
        ("no HTTP", Reply::raw("220 mail ready\r\n", Ending::Close)),
    ];
    thread::scope(|scope| {
        for (name, reply) in cases {
            scope.spawn(move || {
                // Four failures of the only item: more than may count against it.
                let server = failing_first(4, reply);
                let layer = one_item(&[&server]);
                let run = layer.run(PROGRAM, &[]);
                assert_eq!(run.status, Some(0), "{name}\n{}", run.stderr);
                run.assert_says("0 failed")
                    .assert_says("5 calls made, 4 wasted");
                layer.assert_complete(invert);
                let away = layer.sql("SELECT count(*) FROM attempts WHERE outcome = 'away'");
                assert_eq!(away[0][0], "4", "{name}");
            });
        }
        scope.spawn(|| {
            let server = failing_first(4, Reply::hang());
            let layer = one_item(&[&server]);
            set_option(&layer, 0, "timeout_s", 0.5);
            layer
                .run(PROGRAM, &[])
                .assert_status(0)
                .assert_says("no answer within 500ms");
            assert_eq!(server.calls().len(), 5);
        });
    });
}

#[test]
fn a_server_is_left_alone_as_long_as_it_asks() {
    let server = failing_first(1, Reply::status(429).header("retry-after", "3"));
    let layer = one_item(&[&server]);
    layer
        .run(PROGRAM, &[])
        .assert_status(0)
        .assert_says("it rests 3s");
    let calls = server.calls();
    let waited = calls[1].received_at - calls[0].answered_at.unwrap();
    // Never sooner; how much later says nothing.
    assert!(waited >= Duration::from_millis(2900), "{waited:?}");
}

#[test]
fn an_endpoint_that_refuses_the_key_is_out_and_the_others_do_its_share() {
    let cases = [
        (401, json!({"detail": "no such key"})),
        (403, json!({"detail": "no such key"})),
        (404, json!({"detail": "no such key"})),
        (405, json!({"detail": "no such key"})),
        (410, json!({"detail": "no such key"})),
        (
            429,
            json!({"error": {"message": "no such key", "code": "insufficient_quota"}}),
        ),
    ];
    for (status, said) in cases {
        let bad = always(Reply::status(status).json(&said));
        let good = ServerSpec::new().start();
        let layer = layer_at(city(), &[&bad, &good]);
        let run = layer.run(PROGRAM, &[]);
        run.assert_status(0).assert_says("no such key");
        let line = "endpoint a is out until its entry or its key changes";
        assert_eq!(run.stderr.matches(line).count(), 1, "{}", run.stderr);
        assert_eq!(bad.calls().len(), 1, "{status}");
        layer.assert_complete(invert);

        let alone = layer_at(city(), &[&bad]);
        alone
            .run(PROGRAM, &[])
            .assert_status(3)
            .assert_says("no endpoint is left: a (HTTP");
        assert_eq!(
            alone.statuses().keys().collect::<Vec<_>>(),
            ["pending"],
            "{status}"
        );
    }
}

#[test]
fn an_address_that_is_gone_for_a_while_is_tried_again() {
    for status in [404, 410] {
        let server = ServerSpec::new()
            .script(move |_, call| match call {
                4..=6 => Reply::status(status),
                _ => Reply::model(),
            })
            .start();
        let layer = layer_at(city(), &[&server]);
        layer
            .run(PROGRAM, &[])
            .assert_status(0)
            .assert_says("0 failed");
        layer.assert_complete(invert);
    }
}

#[test]
fn a_retry_after_outlives_the_answer_to_an_older_call() {
    // The first call is answered after the second was turned away.
    let server = ServerSpec::new()
        .script(|_, call| match call {
            1 => Reply::model().after(Duration::from_millis(600)),
            2 => Reply::status(429).header("retry-after", "4"),
            _ => Reply::model(),
        })
        .start();
    let layer = layer_at(city(), &[&server]);
    set_option(&layer, 0, "max_concurrent", 2);
    layer.run(PROGRAM, &[]).assert_status(0);
    let calls = server.calls();
    let (turned_away, next) = (calls[1].answered_at.unwrap(), calls[2].received_at);
    assert!(next - turned_away >= Duration::from_millis(3900));
}

#[test]
fn a_wrong_setting_does_not_pay_for_ten_thousand_failures() {
    let server = always(Reply::status(422).json(&json!({"detail": "no such parameter"})));
    let layer = layer_at(MapSpec::rectangle(30, 12).quadrant_px(4, 4), &[&server]);
    let run = layer.run(PROGRAM, &["--max-errors", "7"]);
    run.assert_status(3)
        .assert_says("7 items in a row failed")
        .assert_says("no such parameter");
    assert_eq!((server.calls().len(), count(&layer, "error")), (7, 7));
    assert_eq!(count(&layer, "in_progress"), 0);
    layer
        .run(PROGRAM, &[])
        .assert_status(3)
        .assert_says("20 items in a row failed");
    assert_eq!(count(&layer, "error"), 27);

    server.set_script(|_, _| Reply::model());
    layer.run(PROGRAM, &["--retry-errors"]).assert_status(0);
    layer.assert_complete(invert);
}

#[test]
fn one_success_in_between_lets_the_run_go_on() {
    let server = ServerSpec::new()
        .script(|_, call| {
            if call % 3 == 0 {
                Reply::model()
            } else {
                Reply::status(400)
            }
        })
        .start();
    let layer = layer_at(MapSpec::rectangle(12, 12).quadrant_px(4, 4), &[&server]);
    layer.run(PROGRAM, &["--max-errors", "5"]).assert_status(1);
    assert!(count(&layer, "error") > 5);
    assert_sound(&layer);
}

#[test]
fn a_wrong_address_stops_the_run_and_is_told() {
    let nobody = [ReservedPort::any(), ReservedPort::any()];
    let layer = layer_at(city(), &[]);
    let urls = [nobody[0].url(), nobody[1].url()];
    layer.configure(|config| {
        config["model_endpoints"] = endpoints_at(urls.iter().map(String::as_str));
    });
    let run = layer.run(PROGRAM, &["--startup-wait", "2"]);
    run.assert_status(3)
        .assert_says("no endpoint has answered anything within 2s of the start");
    run.assert_says(" a (cannot connect: ")
        .assert_says(" b (cannot connect: ");
    assert_eq!(layer.statuses().keys().collect::<Vec<_>>(), ["pending"]);
}

#[test]
fn a_call_under_way_and_any_answer_at_all_are_no_wrong_address() {
    for server in [
        ServerSpec::new()
            .script(|_, _| Reply::model().after(Duration::from_secs(3)))
            .start(),
        failing_first(3, Reply::status(503).header("retry-after", "1")),
    ] {
        let nobody = ReservedPort::any();
        let layer = one_item(&[]);
        let urls = [nobody.url(), server.url()];
        layer.configure(|config| {
            config["model_endpoints"] = endpoints_at(urls.iter().map(String::as_str));
        });
        layer
            .run(PROGRAM, &["--startup-wait", "1"])
            .assert_status(0);
        layer.assert_complete(invert);
    }
}

#[test]
fn one_dead_endpoint_of_four_costs_nothing_but_its_share() {
    let nobody = ReservedPort::any();
    let servers: Vec<ScriptedServer> = (0..3)
        .map(|_| ServerSpec::new().latency(Duration::from_millis(10)).start())
        .collect();
    let layer = layer_at(city(), &[]);
    let mut urls = vec![nobody.url()];
    urls.extend(servers.iter().map(ScriptedServer::url));
    layer.configure(|config| {
        config["model_endpoints"] = endpoints_at(urls.iter().map(String::as_str));
    });
    layer
        .run(PROGRAM, &[])
        .assert_status(0)
        .assert_says("0 failed");
    layer.assert_complete(invert);
    let calls: usize = servers.iter().map(|server| server.calls().len()).sum();
    assert_eq!(
        calls,
        layer.statuses()["complete"],
        "the others are called once for each item"
    );
}

#[test]
fn a_hanging_endpoint_of_four_costs_its_timeout_and_never_the_others_progress() {
    let hanging = always(Reply::hang());
    let healthy: Vec<ScriptedServer> = (0..3).map(|_| ServerSpec::new().start()).collect();
    let layer = layer_at(
        MapSpec::rectangle(12, 9),
        &[&hanging, &healthy[0], &healthy[1], &healthy[2]],
    );
    set_option(&layer, 0, "timeout_s", 2);
    layer
        .run(PROGRAM, &[])
        .assert_status(0)
        .assert_says("no answer within 2s");
    layer.assert_complete(invert);
    // While the first call hung, the others finished all that did not wait on its item.
    let first_hung_until =
        layer.sql("SELECT min(ended_at) FROM attempts WHERE endpoint = 'a'")[0][0].clone();
    let meanwhile = layer.sql(&format!(
        "SELECT count(*) FROM generation_plan WHERE step = 1 AND completed_at < {first_hung_until}"
    ));
    assert_eq!(
        meanwhile[0][0], "11",
        "of the twelve blocks of the first step"
    );
}

#[test]
fn a_redirect_is_followed_and_never_posted_twice() {
    let server = ServerSpec::new()
        .script(|_, _| {
            Reply::model()
                .after(Duration::from_millis(1100))
                .redirecting_every(Duration::from_millis(150))
        })
        .start();
    let layer = one_item(&[&server]);
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(invert);
    let requests = server.requests();
    assert_eq!(server.calls().len(), 1, "it was posted twice");
    assert!(
        requests.len() > 3,
        "{} requests: there was no redirect",
        requests.len()
    );
}

/// The program does not keep what it has sent.
#[test]
fn a_canvas_that_is_sent_again_is_the_same_to_the_byte() {
    let server = ServerSpec::new()
        .script(|_, call| match call {
            1 => Reply::status(503).header("retry-after", "0"),
            2 => Reply::status(307).header("location", "/elsewhere?a=b"),
            _ => Reply::model(),
        })
        .start();
    let layer = one_item(&[&server]);
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.assert_complete(invert);
    let calls = server.calls();
    assert_eq!(calls.len(), 3);
    assert_eq!(calls[2].path, "/elsewhere");
    for call in &calls {
        assert_eq!(call.body, calls[0].body);
        let length = call.body.len().to_string();
        assert_eq!(call.header("content-length"), Some(length.as_str()));
        assert_eq!(call.header("transfer-encoding"), None);
    }
    let recorded = layer.sql("SELECT count(*) FROM attempts");
    assert_eq!(recorded[0][0], "2", "a redirect is one call");
}

#[test]
fn a_redirect_to_another_host_gets_neither_picture_nor_key() {
    let other = ServerSpec::new().start();
    let target = other.url();
    let server = ServerSpec::new()
        .script(move |_, _| Reply::status(307).header("location", &target))
        .start();
    let layer = one_item(&[&server]);
    layer
        .run(PROGRAM, &[])
        .assert_status(3)
        .assert_says("it redirects to another host");
    assert!(other.requests().is_empty());
    assert_eq!(count(&layer, "pending"), 1);
}

#[test]
fn a_redirect_in_circles_ends() {
    let server = ServerSpec::new()
        .script(|_, _| Reply::status(307).header("location", "/again"))
        .start();
    let layer = one_item(&[&server]);
    layer
        .run(PROGRAM, &[])
        .assert_status(3)
        .assert_says("in circles");
    assert_eq!(server.calls().len(), 2, "the picture is sent again once");
}

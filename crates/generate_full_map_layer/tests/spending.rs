//! What calls cost, and the limits of it.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use fixtures::layers::{TestLayer, endpoints_at};
use fixtures::maps::MapSpec;
use fixtures::server::{Protocol, RecordedRequest, Reply, ScriptedServer, ServerSpec, edit_b64};
use serde_json::json;

const PROGRAM: &str = env!("CARGO_BIN_EXE_generate_full_map_layer");

fn layer_at(server: &ScriptedServer, slots: u32, price: serde_json::Value) -> TestLayer {
    let map = MapSpec::rectangle(12, 12).quadrant_px(8, 8);
    let layer = TestLayer::new(map, &endpoints_at([server.url().as_str()]));
    layer.configure(|config| {
        config["model_endpoints"][0]["max_concurrent"] = json!(slots);
        config["model_endpoints"][0]["price"] = price;
    });
    layer
}

fn spent(layer: &TestLayer) -> (usize, f64) {
    let row = layer.sql("SELECT count(*), coalesce(sum(cost), 0.0) FROM attempts WHERE paid = 1");
    (row[0][0].parse().unwrap(), row[0][1].parse().unwrap())
}

/// However many calls go at a time, they never come to more; the run drains and says how to go on.
#[test]
fn a_limit_of_cost_is_never_exceeded_and_the_run_goes_on_where_it_was() {
    let server = ServerSpec::new().start();
    let layer = layer_at(&server, 64, json!({"per_call": 0.04}));
    let run = layer.run(PROGRAM, &["--max-cost", "0.5"]);
    run.assert_status(3);
    run.assert_says("--max-cost 0.5 is reached: this run has spent 0.48, 0.02 of it is left");
    run.assert_says("0.48 USD for 12 calls that are paid for");
    run.assert_says("To go on:\n  generate_full_map_layer --layer-dir");
    assert_eq!(server.calls().len(), 12);
    layer.assert_whole();
    assert!((spent(&layer).1 - 0.48).abs() < 1e-9);
    // The next run has money of its own.
    layer
        .run(PROGRAM, &["--max-calls", "5"])
        .assert_status(3)
        .assert_says("--max-calls 5 is reached");
    assert_eq!(server.calls().len(), 17);
    layer.run(PROGRAM, &[]).assert_status(0);
    assert_eq!(spent(&layer).0, layer.statuses()["complete"]);
}

/// Limits in the configuration are for the layer's whole life, and the smaller one counts.
#[test]
fn limits_in_the_configuration_last_for_all_runs() {
    let server = ServerSpec::new().start();
    let layer = layer_at(&server, 8, json!({"per_call": 1}));
    layer.configure(|config| {
        config["max_cost"] = json!(9.5);
        config["currency"] = json!("EUR");
    });
    let own = layer.run(PROGRAM, &["--max-cost", "4"]);
    own.assert_status(3).assert_says("4.00 EUR for 4 calls");
    assert!(!own.stderr.contains("later runs"), "{}", own.stderr);
    let run = layer.run(PROGRAM, &["--max-cost", "100"]);
    run.assert_status(3).assert_says("\"max_cost\": 9.5 in");
    run.assert_says("4.00 spent before this run")
        .assert_says("later runs have it, too: raise it to go on");
    assert_eq!(server.calls().len(), 9);
    let again = layer.run(PROGRAM, &[]);
    again.assert_status(3);
    assert_eq!(server.calls().len(), 9, "nothing is left to spend");
    layer.configure(|config| {
        config["max_cost"] = json!(null);
        config["max_calls"] = json!(11);
    });
    layer
        .run(PROGRAM, &[])
        .assert_status(3)
        .assert_says("\"max_calls\": 11 in")
        .assert_says("later runs have it, too: raise it to go on");
    assert_eq!(server.calls().len(), 11);
}

/// Who answers with an error has drawn nothing: that costs nothing, and is given back.
#[test]
fn what_fails_without_being_paid_for_is_given_back() {
    let server = ServerSpec::new()
        .script(|_, call| match call % 2 {
            0 => Reply::status(503).header("retry-after", "0"),
            _ => Reply::model(),
        })
        .start();
    let layer = layer_at(&server, 4, json!({"per_call": 0.25}));
    let run = layer.run(PROGRAM, &["--max-cost", "2.1"]);
    run.assert_status(3).assert_says("has spent 2.00");
    assert_eq!(layer.statuses()["complete"], 8);
    assert!(server.calls().len() > 8);
    assert_eq!(spent(&layer), (8, 2.0));
    let unpaid = layer.sql("SELECT sum(cost), max(paid) FROM attempts WHERE outcome = 'away'");
    assert_eq!(unpaid, [["0.0", "0"]]);
}

/// A run that is killed has set its calls' price aside, and what it may have spent counts.
#[cfg(feature = "fault-points")]
#[test]
fn what_a_killed_run_may_have_spent_counts() {
    let server = ServerSpec::new().start();
    let layer = layer_at(&server, 1, json!({"per_call": 1}));
    layer.configure(|config| config["max_cost"] = json!(3));
    let mut command = layer.command(PROGRAM, &[]);
    let died = command.env("FAULT_POINT", "answered:2").output().unwrap();
    assert_eq!(died.status.code(), None);
    assert_eq!(server.calls().len(), 2);
    layer.run(PROGRAM, &[]).assert_status(3);
    assert_eq!(server.calls().len(), 3);
    assert_eq!(spent(&layer), (3, 3.0));
}

/// A machine's slots share its price, and what it may take at most is set aside.
#[test]
fn a_rented_machine_costs_its_time() {
    let latency = std::time::Duration::from_millis(200);
    let server = ServerSpec::new().latency(latency).start();
    let layer = layer_at(&server, 4, json!({"per_hour": 3600}));
    layer.configure(|config| config["model_endpoints"][0]["timeout_s"] = json!(2));
    // A call may come to 0.5.
    let run = layer.run(PROGRAM, &["--max-cost", "0.4"]);
    run.assert_status(3)
        .assert_says("another call may cost 0.50");
    assert_eq!(server.calls().len(), 0);
    layer.run(PROGRAM, &["--max-cost", "1000"]).assert_status(0);
    let (calls, cost) = spent(&layer);
    assert_eq!(calls, server.calls().len());
    // A second of the machine costs 1, each of four slots a quarter of that; a call takes 0.2 s at
    // least, and costs no more than what was set aside.
    let of_one = cost / calls as f64;
    assert!((0.05..=0.5).contains(&of_one), "{cost} for {calls} calls");
}

/// Without a price there is nothing to limit; that is said before anything is called or put back.
#[test]
fn a_limit_needs_prices() {
    let server = ServerSpec::new().start();
    let layer = layer_at(&server, 1, json!(null));
    let run = layer.run(PROGRAM, &["--max-cost", "5"]);
    run.assert_status(2)
        .assert_says("there is no \"price\" of endpoint a");
    assert_eq!(server.calls().len(), 0);
    layer.run(PROGRAM, &["--max-calls", "2"]).assert_status(3);
    assert_eq!(server.calls().len(), 2);
}

/// What calls nothing needs no price; a dry run says that one is missing.
#[test]
fn what_calls_nothing_needs_no_price() {
    let server = ServerSpec::new().start();
    let layer = layer_at(&server, 1, json!({"per_call": 1}));
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.run(PROGRAM, &["--redo", "0,0"]).assert_status(0);
    layer.configure(|config| {
        config["model_endpoints"][0]["price"] = json!(null);
        config["max_cost"] = json!(9000);
    });
    layer.run(PROGRAM, &[]).assert_status(0);
    layer.run(PROGRAM, &["--resume"]).assert_status(0);
    layer
        .run(PROGRAM, &["--keep", "0,0@1"])
        .assert_status(2)
        .assert_says("that differ from what is there");
    layer
        .run(PROGRAM, &["--redo", "0,0"])
        .assert_status(2)
        .assert_says("no \"price\"");
    layer
        .run(PROGRAM, &["--redo", "0,0", "--dry-run"])
        .assert_status(0)
        .assert_says("no \"price\"");
}

/// What a server turned away before costs nothing, and is not expected to cost anything.
#[test]
fn an_outage_makes_no_forecast_dearer() {
    let server = ServerSpec::new()
        .script(|_, call| match call < 3 {
            true => Reply::status(503).header("retry-after", "0"),
            false => Reply::model(),
        })
        .start();
    let layer = layer_at(&server, 1, json!({"per_call": 1}));
    layer.run(PROGRAM, &["--max-items", "1"]).assert_status(0);
    let away = layer.sql("SELECT count(*) FROM attempts WHERE outcome = 'away'");
    assert!(away[0][0] != "0");
    let (calls, _, cost) = estimated(&layer);
    assert_eq!(calls, layer.statuses()["pending"] as f64);
    assert!((cost - calls).abs() < 1e-6, "{cost}");
}

/// What a server says that it used is kept.
#[test]
fn usage_is_kept_as_it_came() {
    let with_usage = |_: &RecordedRequest, picture: Vec<u8>| {
        let usage = json!({"total_tokens": 17});
        Reply::status(200)
            .json(&json!({"image_b64": BASE64_STANDARD.encode(picture), "usage": usage}))
    };
    let protocol = Protocol {
        response: with_usage,
        ..edit_b64::PROTOCOL
    };
    let server = ServerSpec::new().protocol(protocol).start();
    let layer = layer_at(&server, 1, json!({"per_call": 0.01}));
    layer.run(PROGRAM, &["--max-items", "1"]).assert_status(0);
    let usage = layer.sql("SELECT usage FROM attempts");
    assert_eq!(usage, [[r#"{"total_tokens":17}"#]]);
}

/// So is what it says that an answer used which was of no use: those are the calls that are looked up
/// on a bill.
#[test]
fn usage_of_an_answer_without_a_picture_is_kept_too() {
    for useless in [
        json!({"detail": "I would rather not draw this", "usage": {"total_tokens": 1300}}),
        json!({"image_b64": "AAAA", "usage": {"total_tokens": 1300}}),
        json!({"image_b64": "that is no base64", "usage": {"total_tokens": 1300}}),
    ] {
        let answers = move |_: &RecordedRequest, _| Reply::status(200).json(&useless);
        let server = ServerSpec::new().script(answers).start();
        let layer = layer_at(&server, 1, json!({"per_call": 0.01}));
        layer.run(PROGRAM, &["--max-items", "1"]).assert_status(1);
        let calls = layer.sql("SELECT DISTINCT outcome, paid, usage FROM attempts");
        assert_eq!(
            calls,
            [["bad_answer", "1", r#"{"total_tokens":1300}"#]],
            "{:?}",
            server.calls().len()
        );
    }
}

/// What a dry run says: the figures of its last row, and the seconds that they are of.
fn estimated(layer: &TestLayer) -> (f64, f64, f64) {
    let dry = layer.run(PROGRAM, &["--dry-run"]);
    dry.assert_status(0);
    let row = dry.stdout.lines().find(|line| line.starts_with("all "));
    let row = row.unwrap_or_else(|| panic!("{}", dry.stdout));
    let words: Vec<&str> = row.split_whitespace().collect();
    let [_, calls, _, times @ .., cost] = &words[..] else {
        panic!("{row}")
    };
    let seconds = times.iter().map(|time| {
        let (number, unit) = time.split_at(time.len() - 1);
        number.parse::<f64>().unwrap() * if unit == "m" { 60.0 } else { 1.0 }
    });
    (calls.parse().unwrap(), seconds.sum(), cost.parse().unwrap())
}

/// Nothing is known before the first call but what is expected; then earlier calls tell.
#[test]
fn a_dry_run_tells_what_the_run_takes_and_costs() {
    let slow = |millis| {
        let latency = std::time::Duration::from_millis(millis);
        ServerSpec::new().latency(latency).start()
    };
    let (quick, slower) = (slow(500), slow(1000));
    let map = MapSpec::rectangle(14, 14).quadrant_px(8, 8);
    let layer = TestLayer::new(
        map,
        &endpoints_at([quick.url().as_str(), slower.url().as_str()]),
    );
    let unknown = layer.run(PROGRAM, &["--dry-run"]);
    unknown.assert_says("not known yet: try --max-items 8");
    layer.configure(|config| {
        for endpoint in config["model_endpoints"].as_array_mut().unwrap() {
            endpoint["price"] = json!({"per_call": 0.04});
            endpoint["max_concurrent"] = json!(2);
            endpoint["expected_s"] = json!(60);
        }
    });
    let items = layer.statuses()["pending"];
    let (calls, seconds, cost) = estimated(&layer);
    assert_eq!(calls, items as f64);
    assert!((cost - 0.04 * calls).abs() < 1e-6);
    // 60 s with 4 slots.
    assert!(seconds >= 15.0 * calls, "{seconds}");

    layer.run(PROGRAM, &["--max-items", "20"]).assert_status(0);
    let (calls, seconds, cost) = estimated(&layer);
    assert_eq!(calls, items as f64 - 20.0);
    let run = layer.run(PROGRAM, &[]);
    run.assert_status(0)
        .assert_says(&format!("{cost:.2} USD for {calls} calls"));
    let took = layer.sql("SELECT max(ended_at) - min(started_at) FROM attempts WHERE id > 20")[0]
        [0]
    .parse::<f64>()
    .unwrap();
    // Told in whole seconds; a busy machine adds some of its own.
    assert!(
        (seconds - took).abs() <= 0.1 * took + 1.5,
        "{seconds} s were told, it took {took}"
    );
}

/// What limits a run is told before it, and counted.
#[test]
fn a_dry_run_ends_where_the_run_does() {
    let server = ServerSpec::new().start();
    let layer = layer_at(&server, 8, json!({"per_call": 0.04}));
    let listed = |args: &[&str]| {
        let dry = layer.run(PROGRAM, &[args, &["--dry-run"]].concat());
        dry.assert_status(0);
        let told = |after: &str| {
            let line = dry.stdout.lines().find(|line| line.contains(after))?;
            Some(line[..line.find(after)?].to_owned())
        };
        let calls = told(" calls would be made").expect("a sum");
        (calls.parse::<usize>().expect("a number"), dry.stdout)
    };
    // Before anything is known, and after.
    for _ in 0..2 {
        let (calls, told) = listed(&["--max-calls", "5"]);
        assert_eq!(calls, 5, "{told}");
        assert!(told.contains("a limit ends it after 5 items: --max-calls 5 is reached"));
        let (calls, told) = listed(&["--max-cost", "0.5"]);
        assert_eq!(calls, 12, "{told}");
        assert!(told.contains("--max-cost 0.5 is reached"), "{told}");
        let (calls, told) = listed(&["--max-cost", "0.01"]);
        assert_eq!(calls, 0, "{told}");
        assert!(told.contains("another call may cost 0.04"), "{told}");
        layer.run(PROGRAM, &["--max-items", "3"]).assert_status(0);
    }
    layer.configure(|config| config["max_calls"] = json!(6));
    let before = server.calls().len();
    let (calls, told) = listed(&[]);
    assert_eq!((calls, before), (0, 6), "{told}");
    assert!(told.contains("(6 before this run) is reached"), "{told}");
    layer.run(PROGRAM, &[]).assert_status(3);
    assert_eq!(server.calls().len(), before);
}

/// What the estimate is reckoned with is told where it is a guess, and what bounds a run bounds it.
#[test]
fn a_dry_run_says_what_it_reckons_with() {
    let latency = std::time::Duration::from_millis(20);
    let server = ServerSpec::new().latency(latency).start();
    let gone = ServerSpec::new().start();
    let nobody = gone.url();
    drop(gone);
    let map = MapSpec::rectangle(14, 14).quadrant_px(8, 8);
    let layer = TestLayer::new(
        map,
        &endpoints_at([server.url(), nobody].iter().map(String::as_str)),
    );
    layer.configure(|config| {
        config["model_endpoints"][0]["max_concurrent"] = json!("auto");
        config["model_endpoints"][0]["price"] = json!({"per_call": 0.04});
        config["model_endpoints"][1]["max_concurrent"] = json!(8);
        config["model_endpoints"][1]["price"] = json!({"per_call": 0.01});
    });
    layer.run(PROGRAM, &["--max-items", "3"]).assert_status(0);
    let expected = |args: &[&str]| {
        let args = [args, &["--dry-run", "--summary", "-", "-q"]].concat();
        let told = layer.run(PROGRAM, &args).stdout;
        serde_json::from_str::<serde_json::Value>(&told).expect("figures")
    };
    let told = expected(&[]);
    let text = told["text"].as_str().expect("a text");
    let expected_of = |told: &serde_json::Value, key: &str| told["expected"][key].as_f64();
    assert_eq!(told["expected"]["only_failed"], json!(["b"]));
    assert!(
        text.contains(
            "endpoint b: none of its calls has brought a picture so far; it is reckoned without"
        ),
        "{text}"
    );
    assert!(
        text.contains("endpoint a: reckoned as if more than 1 at a time brought no more"),
        "{text}"
    );
    assert!(
        text.contains("only blocks of one size were called so far"),
        "{text}"
    );
    let by_pixels = told["expected"]["by_pixels"]["seconds"]
        .as_f64()
        .expect("another");
    let seconds = expected_of(&told, "seconds").expect("a number");
    assert!(by_pixels < 0.9 * seconds, "{told}");
    let calls = expected_of(&told, "calls").expect("a number");
    assert_eq!(
        expected_of(&told, "cost"),
        Some((calls * 4.0).round() / 100.0)
    );
    // A call a minute, and 1 at a time.
    layer.configure(|config| {
        config["model_endpoints"][0]["max_per_minute"] = json!(1);
    });
    let limited = expected_of(&expected(&[]), "seconds").expect("a number");
    assert!((limited - 60.0 * (calls - 1.0)).abs() < 1.0, "{limited}");
    layer.configure(|config| {
        let endpoint = &mut config["model_endpoints"][0];
        endpoint["max_per_minute"] = json!(null);
        endpoint["max_concurrent"] = json!(8);
    });
    let wide = expected_of(&expected(&[]), "seconds").expect("a number");
    let narrow = expected_of(&expected(&["--max-concurrent", "1"]), "seconds").expect("a number");
    assert!(narrow > 3.0 * wide, "{narrow}, {wide}");
}

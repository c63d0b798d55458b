//! A run seen from afar: metrics that are served, notices that are posted, the log.

use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fixtures::layers::{Run, TestLayer, endpoints_at, snapshot};
use fixtures::maps::MapSpec;
use fixtures::metrics::Metrics;
use fixtures::server::{RecordedRequest, Reply, ScriptedServer, ServerSpec};
use layer::LayerDir;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_generate_full_map_layer");
const LONG: Duration = Duration::from_secs(60);

fn layer_at(servers: &[&ScriptedServer]) -> TestLayer {
    let map = MapSpec::rectangle(6, 6).quadrant_px(16, 12);
    let urls: Vec<String> = servers.iter().map(|server| server.url()).collect();
    TestLayer::new(map, &endpoints_at(urls.iter().map(String::as_str)))
}

/// A receiver that takes all.
fn receiver() -> ScriptedServer {
    ServerSpec::new().script(|_, _| Reply::status(204)).start()
}

/// What a receiver was sent.
fn notices(receiver: &ScriptedServer) -> Vec<Value> {
    receiver.calls().iter().map(RecordedRequest::json).collect()
}

fn names(notices: &[Value]) -> Vec<&str> {
    let names = notices.iter().map(|notice| notice["event"].as_str());
    names.map(Option::unwrap_or_default).collect()
}

/// What a server answers to a request for its metrics.
fn answer(address: &str, accept: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let request = format!("GET /metrics HTTP/1.1\r\nHost: {address}\r\nAccept: {accept}\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it is answered");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

fn page(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").expect("a head and a body").1
}

fn metrics(address: &str) -> Metrics {
    Metrics::of_prometheus(page(&answer(address, "text/plain")))
}

/// Starts a run that serves metrics on a free port, and says where.
fn start_with_metrics(layer: &TestLayer, args: &[&str]) -> (Child, String) {
    let mut command = layer.command(PROGRAM, &[&["--metrics", "0"], args].concat());
    let mut child = command.spawn().expect("it starts");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    let address = line
        .strip_prefix("metrics: http://")
        .and_then(|rest| rest.trim().strip_suffix("/metrics"));
    let address = address.unwrap_or_else(|| panic!("{line}")).to_owned();
    // What else it says is read by nobody, and held.
    std::thread::spawn(move || drop(output.read_to_end(&mut Vec::new())));
    (child, address)
}

fn signal(child: &Child, name: &str) {
    let kill = ["-s", name, &child.id().to_string()];
    assert!(Command::new("kill").args(kill).status().is_ok());
}

#[test]
fn each_event_is_posted_once_and_sent_again_until_it_is_received() {
    let good = ServerSpec::new().start();
    let key = "sk-0123456789abcdef";
    let refusing = ServerSpec::new().script(move |_, _| {
        Reply::status(401).json(&json!({"error": format!("the key {key} is unknown")}))
    });
    let refusing = refusing.start();
    let receiver = ServerSpec::new().script(|_, call| match call {
        1 => Reply::status(500),
        2 => Reply::close(),
        _ => Reply::status(200),
    });
    let receiver = receiver.start();
    let layer = layer_at(&[&good, &refusing]);
    layer.configure(|config| config["model_endpoints"][1]["api_key_env"] = json!("TEST_KEY"));
    let to = receiver.url().replace("http://", "http://me:pass%20word@") + "hook?token=secret";
    let other = self::receiver();
    let args = [
        "--notify",
        &to,
        "--notify",
        &other.url(),
        "--summary",
        "run.json",
    ];
    let mut command = layer.command(PROGRAM, &args);
    let run = Run::of(&command.env("TEST_KEY", key).output().expect("it starts"));
    run.assert_status(0);
    let sent = notices(&receiver);
    assert_eq!(
        names(&sent[2..]),
        ["endpoint_out", "ended"],
        "{}",
        run.stderr
    );
    assert_eq!(names(&notices(&other)), ["endpoint_out", "ended"]);
    // Whoever gets one again can tell.
    assert!(sent[0] == sent[1] && sent[1] == sent[2], "{sent:?}");
    let ids: HashSet<String> = sent.iter().map(|notice| notice["id"].to_string()).collect();
    assert_eq!(ids.len(), 2);
    for call in receiver.calls() {
        assert_eq!(call.json()["id"], call.header("idempotency-key").unwrap());
        assert_eq!(call.header("content-type"), Some("application/json"));
        assert_eq!(call.header("authorization"), Some("Basic bWU6cGFzcyB3b3Jk"));
    }
    let out = &sent[2];
    assert_eq!(
        (&out["endpoint"], &out["layer_name"]),
        (&json!("b"), &layer.config()["name"])
    );
    assert!(
        out["reason"]
            .as_str()
            .is_some_and(|reason| reason.contains("401"))
    );
    assert!(out["totals"]["items"].is_u64() && out["host"].is_string());
    // The figures are those of the summary.
    let text = std::fs::read_to_string(layer.root().join("run.json")).expect("run.json");
    let summary: Value = serde_json::from_str(&text).expect("it is JSON");
    for (name, figure) in summary.as_object().expect("an object") {
        assert_eq!(&sent[3][name], figure, "{name}");
    }
    let said = format!("{sent:?}{}{}", run.stdout, run.stderr);
    for secret in [key, "pass%20word", "pass word", "token=secret"] {
        assert!(!said.contains(secret), "{said}");
    }
    run.assert_says("was not received");
}

#[test]
fn the_metrics_of_the_end_are_the_figures_of_the_summary() {
    let server = ServerSpec::new().script(|_, call| match call {
        2 => Reply::half_picture(),
        _ => Reply::model(),
    });
    let server = server.start();
    let layer = layer_at(&[&server]);
    layer.configure(|config| {
        config["model_endpoints"][0]["price"] = json!({"per_call": 0.04});
        config["model_endpoints"][0]["name"] = json!("a \"b\" \\ {é}, c");
    });
    // Who is told that it has ended looks before it answers.
    let address = Arc::new(OnceLock::<String>::new());
    let looked = Arc::new(OnceLock::new());
    let (own, seen) = (Arc::clone(&address), Arc::clone(&looked));
    let receiver = ServerSpec::new().script(move |_, _| {
        let address = own.wait();
        let open = answer(address, "application/openmetrics-text");
        assert!(open.contains("content-type: application/openmetrics-text"));
        let open = Metrics::of_openmetrics(page(&open));
        let _ = seen.set((metrics(address), open));
        Reply::status(200)
    });
    let receiver = receiver.start();
    let args = ["--notify", &receiver.url(), "--max-cost", "25"];
    let (mut child, at) = start_with_metrics(&layer, &args);
    address.set(at).expect("once");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
    let (plain, open) = looked.get().expect("it was told");
    let ended = &notices(&receiver)[0];
    let run = |key: &str| ended["run"][key].as_f64().expect("a figure");
    for metrics in [plain, open] {
        let sum = |name: &str| metrics.sum(name, &[]);
        let calls = |outcome| metrics.sum("map_layer_calls_total", &[("outcome", outcome)]);
        assert_eq!(sum("map_layer_calls_total"), run("calls"));
        assert_eq!(calls("ok"), run("saved"));
        assert_eq!(calls("bad_answer"), 1.0);
        assert_eq!(
            sum("map_layer_quadrants_completed_total"),
            run("quadrants_complete")
        );
        assert_eq!(
            sum("map_layer_items_completed_total"),
            run("items_complete")
        );
        assert_eq!(sum("map_layer_calls_paid_total"), run("calls_paid"));
        assert_eq!(sum("map_layer_cost_total"), run("cost"));
        assert_eq!(sum("map_layer_cost_left"), 25.0 - run("cost"));
        for step in ended["steps"].as_array().expect("steps") {
            let number = step["step"].to_string();
            let labels = [("step", number.as_str()), ("status", "complete")];
            let complete = metrics.get("map_layer_items", &labels);
            assert_eq!(complete, step["complete"].as_f64());
        }
        let name = ended["endpoints"][0]["endpoint"].as_str().expect("a name");
        let slots = metrics.get("map_layer_endpoint_slots", &[("endpoint", name)]);
        assert_eq!(slots, Some(1.0));
        assert!(sum("process_resident_memory_bytes") > 1e6);
    }
}

#[test]
fn a_receiver_that_refuses_leads_elsewhere_or_never_answers_fails_nothing() {
    let server = ServerSpec::new().start();
    let elsewhere = receiver();
    let to = elsewhere.url();
    for (script, told) in [
        (Reply::status(404), "404"),
        (
            Reply::status(302).header("location", &to),
            "leads elsewhere",
        ),
        (
            Reply::status(307).header("location", &to),
            "leads elsewhere",
        ),
    ] {
        let receiver = ServerSpec::new().script(move |_, _| script.clone()).start();
        let layer = layer_at(&[&server]);
        let run = layer.run(PROGRAM, &["--notify", &receiver.url()]);
        run.assert_status(0).assert_says(told);
        assert_eq!(receiver.calls().len(), 1, "it is not sent again");
    }
    assert!(elsewhere.requests().is_empty(), "no other host hears of it");
    // What leads to another place of the same server is followed.
    let moved = ServerSpec::new().script(|request, _| match request.path.as_str() {
        "/old" => Reply::status(308).header("location", "/new"),
        _ => Reply::status(200),
    });
    let moved = moved.start();
    let layer = layer_at(&[&server]);
    let run = layer.run(PROGRAM, &["--notify", &moved.url_at("/old")]);
    run.assert_status(0);
    assert_eq!(names(&notices(&moved)), ["ended", "ended"]);
    assert!(!run.stderr.contains("not received"), "{}", run.stderr);

    let silent = ServerSpec::new().script(|_, _| Reply::hang()).start();
    let layer = layer_at(&[&server]);
    let mut command = layer.command(PROGRAM, &["--notify", &silent.url()]);
    let mut child = command.spawn().expect("it starts");
    assert!(silent.wait_for_calls(1, LONG), "it has ended");
    // Whoever will not wait for the receiver need not.
    while child.try_wait().expect("it is there").is_none() {
        signal(&child, "INT");
        std::thread::sleep(Duration::from_millis(20));
    }
    let run = Run::of(&child.wait_with_output().expect("it ends"));
    run.assert_status(0)
        .assert_says("the notice \"ended\" was not received");
    assert_eq!(layer.statuses().len(), 1, "all is complete");
}

#[test]
fn a_limit_and_an_end_of_any_kind_are_told() {
    let server = ServerSpec::new().start();
    let layer = layer_at(&[&server]);
    for (args, status) in [(["--max-calls", "2"], 3), (["--max-items", "1"], 0)] {
        let receiver = receiver();
        let told = ["--notify", &receiver.url(), "--progress", "json"];
        let run = layer.run(PROGRAM, &[&args[..], &told].concat());
        run.assert_status(status);
        let sent = notices(&receiver);
        assert_eq!(names(&sent), ["limit", "ended"]);
        let reason = sent[0]["reason"].as_str().expect("a reason");
        assert!(reason.contains(&args.join(" ")), "{reason}");
        assert!(sent[1]["goes_on"].is_string());
        let events = run.events();
        assert!(events.iter().any(|event| event["event"] == "limit"));
    }
    let refusing = ServerSpec::new().script(|_, _| Reply::status(422)).start();
    let told = receiver();
    let args = ["--max-errors", "1", "--notify", &told.url()];
    let run = layer_at(&[&refusing]).run(PROGRAM, &args);
    run.assert_status(3);
    let sent = notices(&told);
    assert_eq!(names(&sent), ["limit", "ended"]);
    assert_eq!(sent[0]["reason"], sent[1]["reason"]);

    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    let before = snapshot(layer.dir());
    let calls = server.calls().len();
    for (args, reason) in [
        (["--metrics", taken.as_str()], "which --metrics names"),
        (["--metrics", "192.0.2.1:9464"], "which --metrics names"),
        (["--summary", "nowhere/run.json"], "cannot be written"),
        (["--log-file", "nowhere/run.log"], "cannot be written"),
        (["--log-file", "layers/test/progress.db"], "else than a log"),
        (
            ["--log-file", "layers/test/layer_config.json"],
            "else than a log",
        ),
        (
            ["--log-file", "layers/test/review.json"],
            "one of the files that layers/test has for itself; name another file",
        ),
        (
            ["--log-file", "layers/test/generations/zz.log"],
            "one of the files that layers/test has for itself",
        ),
        (["--log-file", "map/bounds.json"], "map has for itself"),
        (["--summary", "map/bounds.json"], "map has for itself"),
        (["--summary", "layers/test/review.json"], "has for itself"),
        (
            ["--summary", "layers/test/generations/0_0.png"],
            "has for itself",
        ),
        (["--keep", "100,100"], "100"),
    ] {
        let receiver = receiver();
        let run = layer.run(
            PROGRAM,
            &[&args[..], &["--notify", &receiver.url()]].concat(),
        );
        run.assert_status(2).assert_says(reason);
        let sent = notices(&receiver);
        assert_eq!(names(&sent), ["ended"]);
        assert_eq!(sent[0]["exit_status"], 2);
        assert!(
            sent[0]["reason"]
                .as_str()
                .is_some_and(|said| said.contains(reason))
        );
    }
    for args in [
        ["--metrics", "nowhere"],
        ["--notify", "hooks.example.com"],
        ["--notify", "ftp://me:secret@hooks.example.com"],
    ] {
        layer.run(PROGRAM, &args).assert_status(2);
    }
    layer
        .run(PROGRAM, &["--dry-run", "--metrics", "0"])
        .assert_status(2);
    assert!(snapshot(layer.dir()) == before, "nothing is changed");
    assert!(!layer.map_dir().join("bounds.json").exists());
    let own = LayerDir::at(layer.dir());
    for (path, _) in &before {
        assert!(own.is_own(path), "{} is the layer's", path.display());
    }
    assert_eq!(server.calls().len(), calls, "nothing is called");
}

#[test]
fn while_a_run_drains_it_is_seen_and_its_end_is_told() {
    let server = ServerSpec::new().script(|_, _| Reply::hang()).start();
    let receiver = receiver();
    let layer = layer_at(&[&server]);
    let args = ["--notify", &receiver.url(), "--drain-s", "2"];
    let (child, address) = start_with_metrics(&layer, &args);
    // Who connects and asks for nothing is in nobody's way.
    let idle: Vec<TcpStream> = (0..4)
        .map(|_| TcpStream::connect(&address).expect("it listens"))
        .collect();
    assert!(server.wait_for_calls(1, LONG));
    signal(&child, "INT");
    let stopping = |metrics: &Metrics| metrics.sum("map_layer_stopping", &[]) == 1.0;
    let mut seen = metrics(&address);
    while !stopping(&seen) {
        seen = metrics(&address);
    }
    assert_eq!(seen.sum("map_layer_endpoint_calls_under_way", &[]), 1.0);
    assert_eq!(
        seen.sum("map_layer_items", &[("status", "in_progress")]),
        1.0
    );
    let run = Run::of(&child.wait_with_output().expect("it ends"));
    run.assert_status(130);
    let sent = notices(&receiver);
    assert_eq!(names(&sent), ["ended"]);
    assert_eq!(
        (&sent[0]["exit_status"], &sent[0]["reason"]),
        (&json!(130), &json!("SIGINT"))
    );
    drop(idle);
}

/// The lines of a log, each a JSON object.
fn lines(log: &str) -> Vec<Value> {
    let read = |line: &str| -> Value {
        serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))
    };
    let lines: Vec<Value> = log.lines().map(read).collect();
    for line in &lines {
        let keys = ["timestamp", "level", "message", "target"];
        assert!(keys.iter().all(|key| line[key].is_string()), "{line}");
    }
    lines
}

#[test]
fn the_log_has_what_is_said_as_text_or_json() {
    let server = ServerSpec::new().script(|_, call| match call {
        1 => Reply::half_picture(),
        _ => Reply::model(),
    });
    let server = server.start();
    let layer = layer_at(&[&server]);
    let run = layer.run(PROGRAM, &["--log-format", "json", "--max-items", "2"]);
    run.assert_status(0);
    assert_eq!(run.stdout, "", "all that is said is in the log");
    let all = lines(&run.stderr);
    let has = |all: &[Value], level: &str, part: &str| {
        let is_it = |line: &Value| {
            let message = line["message"].as_str().unwrap_or_default();
            line["level"] == level && message.contains(part)
        };
        assert!(all.iter().any(is_it), "{part} in {all:?}");
    };
    has(&all, "INFO", "endpoint a: http://");
    has(&all, "WARN", "endpoint a: ");
    has(&all, "INFO", "2 items complete, 0 failed");

    // A file has it too, and people read what they always do.
    let logged = ["--log-format", "json", "--log-file", "run.log"];
    let plain = layer.run(
        PROGRAM,
        &[&logged[..], &["--max-items", "2", "-q"]].concat(),
    );
    plain.assert_status(0);
    assert_eq!((plain.stdout.as_str(), plain.stderr.as_str()), ("", ""));
    let file = layer.root().join("run.log");
    let read = || std::fs::read_to_string(&file).expect("the log");
    let first = lines(&read());
    has(&first, "INFO", "2 items complete, 0 failed");
    let run = layer.run(
        PROGRAM,
        &[&logged[..], &["--max-items", "2", "-v"]].concat(),
    );
    run.assert_status(0)
        .assert_says("2 items complete, 0 failed");
    let both = lines(&read());
    assert!(both.len() > first.len() && both[..first.len()] == first[..]);
    has(&both, "DEBUG", "complete after");

    // What a disk does not take is told once, and holds up nothing.
    let run = layer.run(PROGRAM, &["--log-file", "/dev/full", "-v"]);
    run.assert_status(0);
    assert_eq!(
        run.stderr.matches("lacks lines").count(),
        1,
        "{}",
        run.stderr
    );
    let both = ["--log-file", "one.log", "--summary", "one.log"];
    let run = layer.run(PROGRAM, &both);
    run.assert_status(2)
        .assert_says("--log-file and --summary are both one.log");
    let text = layer.run(PROGRAM, &["--log-file", "text.log", "--keep", "100,100"]);
    text.assert_status(2);
    let text = std::fs::read_to_string(layer.root().join("text.log")).expect("the log");
    assert!(
        text.contains("ERROR") && text.contains("(100, 100)"),
        "{text}"
    );
}

#[test]
fn whoever_asks_too_much_of_the_metrics_is_let_go() {
    let server = ServerSpec::new().script(|_, _| Reply::hang()).start();
    let layer = layer_at(&[&server]);
    let mut command = layer.command(PROGRAM, &["--metrics", "127.0.0.1:0"]);
    let mut child = command.stderr(Stdio::null()).spawn().expect("it starts");
    let mut output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    output.read_line(&mut line).expect("a line");
    let address = line.trim().trim_start_matches("metrics: http://");
    let address = address.trim_end_matches("/metrics").to_owned();
    let ask = |request: &str| {
        let mut stream = TcpStream::connect(&address).expect("it listens");
        // Who is let go early may not be able to say all.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        answer
            .split_whitespace()
            .nth(1)
            .unwrap_or_default()
            .to_owned()
    };
    assert_eq!(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "200");
    assert_eq!(ask("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), "200");
    assert_eq!(ask("POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), "405");
    assert_eq!(ask("GET /other HTTP/1.1\r\nHost: x\r\n\r\n"), "404");
    let long = format!(
        "GET /metrics HTTP/1.1\r\nA: {}\r\n\r\n",
        "a".repeat(1 << 20)
    );
    assert_ne!(ask(&long), "200");
    assert_eq!(ask("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"), "200");
    child.kill().expect("it is there");
    child.wait().expect("it ends");
}

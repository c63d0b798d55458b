//! The desk, whoever asks: the real program, raw connections.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use fixtures::layers::{Run, TestLayer};
use fixtures::maps::MapSpec;
use layer::{Kept, LayerDir, Review, Verdict};
use planner::Quadrant;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_debug_generate_full_map_layer");

/// What is waited for at most, by far more than it takes.
const LONG: Duration = Duration::from_secs(90);

/// The program as it serves a desk.
struct Served {
    child: Child,
    host: String,
    token: String,
}

/// A request: its method, its path, its headers besides the host, and its body.
type Request<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);

impl Served {
    fn start(layer: &TestLayer) -> Self {
        let flags = ["--serve", "127.0.0.1:0", "--review"];
        let mut child = layer.command(PROGRAM, &flags).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = said.find_map(|line| {
            let line = line.unwrap();
            let (_, rest) = line.split_once(" at http://")?;
            Some(rest.strip_suffix(" until Ctrl-C")?.to_owned())
        });
        let address = address.expect("an address");
        let (host, token) = address.split_once("/?review=").expect("a token");
        Self {
            child,
            host: host.to_owned(),
            token: token.to_owned(),
        }
    }

    /// The status of an answer, its head and its body.
    fn ask(&self, (method, path, headers, body): Request<'_>) -> (u16, String, String) {
        let mut stream = TcpStream::connect(&self.host).expect("it listens");
        stream.set_read_timeout(Some(LONG)).unwrap();
        let is_named = headers.iter().any(|(name, _)| *name == "Host");
        let host = if is_named {
            String::new()
        } else {
            format!("Host: {}\r\n", self.host)
        };
        let headers = headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}\r\n"));
        let headers = headers.collect::<String>();
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\n{host}{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n"
        );
        // Who refuses may close before all is sent; what it says tells.
        let _ = stream.write_all((head + body).as_bytes());
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            // What was not taken of a body is answered by the system, too.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            read => drop(read.unwrap()),
        }
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_ascii_lowercase(), body.to_owned())
    }

    fn get(&self, path: &str) -> (u16, String, String) {
        self.ask(("GET", path, &[("X-Review-Token", &self.token)], ""))
    }

    fn json(&self, path: &str) -> Value {
        let (status, _, body) = self.get(path);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    fn post(&self, body: &str) -> (u16, String) {
        let origin = format!("http://{}", self.host);
        let headers = [
            ("Content-Type", "application/json"),
            ("X-Review-Token", &*self.token),
            ("Origin", &*origin),
            ("Sec-Fetch-Site", "same-origin"),
        ];
        let (status, _, said) = self.ask(("POST", "/review/judgements", &headers, body));
        (status, said)
    }

    /// A judgement of the block at a place, as it is seen now.
    fn judgement(&self, layer: &TestLayer, (x, y): (i32, i32), verdict: &Value) -> Value {
        let rows = layer.sql(&format!(
            "SELECT width || 'x' || height FROM generation_plan WHERE top_left_x = {x} AND top_left_y = {y}"
        ));
        let told = self.json(&format!("/review/blocks/{x}_{y}"));
        json!({"x": x, "y": y, "shape": rows[0][0], "seen": told["seen"], "verdict": verdict})
    }

    fn judge(&self, layer: &TestLayer, at: (i32, i32), verdict: &Value) -> Value {
        let (status, said) = self.post(&self.judgement(layer, at, verdict).to_string());
        assert_eq!(status, 200, "{said}");
        serde_json::from_str(&said).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A layer of 6x6 quadrants: all complete but the first block, which failed.
fn test_layer() -> TestLayer {
    let map = MapSpec::rectangle(6, 6).quadrant_px(8, 8);
    let layer = TestLayer::new(map, &json!([]));
    layer.finish_with_source();
    let _ = layer.sql(
        "UPDATE generation_plan SET status = 'error', started_at = 7.5, completed_at = NULL,
           error_message = 'edge 31.7 of 255, at most 18.0' WHERE id = 1",
    );
    layer
}

/// The top left of the item with this id.
fn at(layer: &TestLayer, id: u32) -> (i32, i32) {
    let rows = layer.sql(&format!(
        "SELECT top_left_x, top_left_y FROM generation_plan WHERE id = {id}"
    ));
    (rows[0][0].parse().unwrap(), rows[0][1].parse().unwrap())
}

fn review(layer: &TestLayer) -> Review {
    LayerDir::at(layer.dir()).read_review().unwrap()
}

#[test]
fn judgements_are_in_the_layer_when_they_are_answered() {
    let layer = test_layer();
    let served = Served::start(&layer);
    let (failed, second, third) = (at(&layer, 1), at(&layer, 2), at(&layer, 3));
    let agenda = served.json("/review/agenda");
    assert_eq!(agenda["suspects"][0], json!({"item": 0, "why": ["failed"]}));
    let told = served.json(&format!("/review/blocks/{}_{}", failed.0, failed.1));
    assert_eq!(told["message"], "edge 31.7 of 255, at most 18.0");
    let kept = LayerDir::at(layer.dir()).candidates();
    std::fs::create_dir_all(
        layer
            .dir()
            .join(format!("candidates/{}_{}", third.0, third.1)),
    )
    .unwrap();
    for quadrant in review_block(&layer, 3).quadrants() {
        let dir = layer
            .dir()
            .join(format!("candidates/{}_{}/4", third.0, third.1));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join(LayerDir::picture_name(quadrant)), "png").unwrap();
    }
    assert_eq!(kept.versions(review_block(&layer, 3)).unwrap(), [4]);

    // Of a failed one there is nothing to keep.
    let keep = served.judgement(&layer, failed, &json!("keep"));
    let (status, told) = served.post(&keep.to_string());
    assert_eq!(status, 400, "{told}");
    assert!(told.contains("nothing to keep; choose"), "{told}");
    assert!(!layer.dir().join("review.json").exists());
    let open = served.judge(&layer, failed, &json!("redo"));
    assert_eq!(
        open,
        json!({"items": [[0, 1]], "keep": 0, "redo": 1, "choose": 0})
    );
    let mut redo = served.judgement(&layer, second, &json!("redo"));
    redo["note"] = json!("a seam, and <b>cars</b>");
    redo["prompt"] = json!("no cars");
    assert_eq!(served.post(&redo.to_string()).0, 200);
    let choose = json!({"choose": {"from": "candidates", "version": 4}});
    let open = served.judge(&layer, third, &choose);
    assert_eq!(
        open,
        json!({"items": [[0, 3]], "keep": 0, "redo": 2, "choose": 1})
    );
    let review = review(&layer);
    let of = |id| review.of(review_block(&layer, id)).unwrap();
    assert_eq!(of(1).verdict, Verdict::Redo);
    assert_eq!(of(2).verdict, Verdict::Redo);
    assert_eq!(of(2).note, "a seam, and <b>cars</b>");
    assert_eq!(of(2).prompt.as_deref(), Some("no cars"));
    let (from, version) = (Kept::Candidates, 4);
    assert_eq!(of(3).verdict, Verdict::Choose { from, version });
    let told = served.json(&format!("/review/blocks/{}_{}", second.0, second.1));
    assert_eq!(told["judgement"]["prompt"], "no cars");

    // A later one takes its place, and none takes it back.
    served.judge(&layer, second, &json!("keep"));
    let open = served.judge(&layer, third, &Value::Null);
    assert_eq!(
        open,
        json!({"items": [[0, 2]], "keep": 1, "redo": 1, "choose": 0})
    );
    assert!(!layer.dir().join(".review.json.part").exists());
}

fn review_block(layer: &TestLayer, id: u32) -> planner::Block {
    let rows = layer.sql(&format!(
        "SELECT width, height FROM generation_plan WHERE id = {id}"
    ));
    let size = |column: usize| rows[0][column].parse().unwrap();
    let shape = planner::BlockShape::of_size(size(0), size(1)).unwrap();
    let (x, y) = at(layer, id);
    planner::Block::new(shape, x, y)
}

#[test]
fn nobody_else_can_judge() {
    let layer = test_layer();
    let served = Served::start(&layer);
    let block = at(&layer, 2);
    let body = served.judgement(&layer, block, &json!("redo")).to_string();
    let own = format!("http://{}", served.host);
    let port = served.host.rsplit_once(':').unwrap().1;
    let (json_type, token) = (
        ("Content-Type", "application/json"),
        ("X-Review-Token", &*served.token),
    );
    let (most, last) = served.token.split_at(served.token.len() - 1);
    let wrong = format!("{most}{}", if last == "x" { 'y' } else { 'x' });
    let evil_host = format!("evil.example:{port}");
    let neighbour = format!("http://127.0.0.1:{}", port.parse::<u16>().unwrap() ^ 1);
    let cases: [(u16, &[(&str, &str)]); 14] = [
        (403, &[json_type]),
        (403, &[json_type, ("X-Review-Token", "")]),
        (403, &[json_type, ("X-Review-Token", &wrong)]),
        (
            403,
            &[json_type, ("X-Review-Token", &wrong), ("Origin", &own)],
        ),
        (403, &[json_type, ("Cookie", &served.token)]),
        (403, &[json_type, token, ("Origin", "http://evil.example")]),
        (403, &[json_type, token, ("Origin", "null")]),
        (403, &[json_type, token, ("Origin", &neighbour)]),
        (
            403,
            &[
                json_type,
                token,
                ("Origin", &own),
                ("Origin", "http://evil.example"),
            ],
        ),
        (
            403,
            &[
                json_type,
                token,
                ("Origin", &own),
                ("Sec-Fetch-Site", "cross-site"),
            ],
        ),
        (421, &[json_type, token, ("Host", &evil_host)]),
        (
            421,
            &[json_type, token, ("Host", &evil_host), ("Origin", &own)],
        ),
        (
            415,
            &[("Content-Type", "text/plain"), token, ("Origin", &own)],
        ),
        (415, &[token, ("Origin", &own)]),
    ];
    for (expected, headers) in cases {
        let (status, head, _) = served.ask(("POST", "/review/judgements", headers, &body));
        assert_eq!(status, expected, "{headers:?}");
        assert!(!head.contains("access-control-"), "{head}");
    }
    let query = format!("/review/judgements?review={}", served.token);
    assert_eq!(
        served.ask(("POST", &query, &[json_type], &body)).0,
        403,
        "in the address"
    );
    // A page of another origin asks this way first, and is told nothing that lets it go on.
    let asks = [
        ("Origin", "http://evil.example"),
        ("Access-Control-Request-Method", "POST"),
        ("Access-Control-Request-Headers", "x-review-token"),
    ];
    let (status, head, _) = served.ask(("OPTIONS", "/review/judgements", &asks, ""));
    assert_eq!(status, 405);
    assert!(!head.contains("access-control-"), "{head}");
    assert!(!layer.dir().join("review.json").exists());
    for path in [
        "/review/agenda",
        &format!("/review/blocks/{}_{}", block.0, block.1),
    ] {
        assert_eq!(served.ask(("GET", path, &[], "")).0, 403, "{path}");
        let foreign = [token, ("Origin", "http://evil.example")];
        assert_eq!(served.ask(("GET", path, &foreign, "")).0, 403, "{path}");
    }
    // The same with what is right.
    assert_eq!(served.post(&body).0, 200);
    assert_eq!(review(&layer).judgements().count(), 1);
}

#[test]
fn only_the_page_with_the_token_is_a_desk_and_no_page_says_it() {
    let layer = test_layer();
    let served = Served::start(&layer);
    let page = |path: &str| served.ask(("GET", path, &[], ""));
    let wrong = format!("/?review={}", served.token.to_uppercase());
    for path in [
        "/",
        "/?review=",
        &wrong,
        "/?token=1",
        &format!("/?x={}", served.token),
    ] {
        let (status, _, page) = page(path);
        assert_eq!(status, 200, "{path}");
        assert!(
            !page.contains(r#"id="desk""#) && !page.contains("class Desk"),
            "{path}"
        );
        assert!(!page.contains(&served.token), "{path}");
    }
    let (status, head, desk) = page(&format!("/?review={}", served.token));
    assert_eq!(status, 200);
    assert!(desk.contains(r#"id="desk""#) && desk.contains("class Desk"));
    assert!(
        !desk.contains(&served.token),
        "it stands in the address alone"
    );
    assert!(head.contains("referrer-policy: no-referrer"), "{head}");
    // The desk's page is not what others are given then.
    assert!(!page("/").2.contains("class Desk"));
}

#[test]
fn without_review_there_is_no_desk() {
    let layer = test_layer();
    let mut child = layer
        .command(PROGRAM, &["--serve", "127.0.0.1:0"])
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let (_, address) = line.split_once("http://").expect("an address");
    let (host, rest) = address.split_once('/').unwrap();
    assert_eq!(rest, " until Ctrl-C\n");
    let served = Served {
        child,
        host: host.to_owned(),
        token: String::new(),
    };
    for path in ["/review/agenda", "/review/blocks/0_0", "/source/0_0.png"] {
        assert_eq!(served.get(path).0, 404, "{path}");
    }
    assert_eq!(served.post("{}").0, 404);
    assert!(!served.get("/?review=").2.contains("class Desk"));
}

#[test]
fn what_is_no_judgement_is_told_and_changes_nothing() {
    let layer = test_layer();
    let served = Served::start(&layer);
    let block = at(&layer, 2);
    let good = served.judgement(&layer, block, &json!("redo"));
    let with = |key: &str, value: Value| {
        let mut judgement = good.clone();
        judgement[key] = value;
        judgement.to_string()
    };
    let cases = [
        (400, String::new(), "no judgement"),
        (400, "{".to_owned(), "no judgement"),
        (400, "[]".to_owned(), "no judgement"),
        (400, "{}".to_owned(), "missing field"),
        (400, with("verdict", json!("burn")), "burn"),
        (
            400,
            with("verdict", json!({"choose": {"from": "/etc", "version": 1}})),
            "/etc",
        ),
        (
            400,
            with(
                "verdict",
                json!({"choose": {"from": "candidates", "version": -1}}),
            ),
            "-1",
        ),
        (400, with("x", json!(1.5)), "1.5"),
        (400, with("note", json!("x".repeat(4097))), "4096 bytes"),
        (400, with("prompt", json!("a\nb")), "line breaks"),
        (404, with("x", json!(77)), "(77, "),
        (404, with("shape", json!("9x9")), "9x9"),
        (404, with("shape", json!("1x1")), "no block of 1x1"),
        (
            409,
            with(
                "seen",
                json!({"state": 3, "started_at_ms": null, "completed_at_ms": 2000}),
            ),
            "look at it again",
        ),
        (
            409,
            with(
                "verdict",
                json!({"choose": {"from": "candidates", "version": 1}}),
            ),
            "no version 1",
        ),
        (
            413,
            with("note", json!("x".repeat(17_000))),
            "at most 16384 bytes",
        ),
        (413, with("note", json!("x".repeat(3_000_000))), ""),
    ];
    for (expected, body, says) in cases {
        let (status, said) = served.post(&body);
        let body = &body[..body.len().min(300)];
        assert_eq!(status, expected, "{body}: {said}");
        assert!(said.contains(says), "{body}: {said}");
    }
    assert!(!layer.dir().join("review.json").exists());
    assert_eq!(served.post(&good.to_string()).0, 200);
}

#[test]
fn a_block_that_is_drawn_again_is_to_be_judged_anew() {
    let layer = test_layer();
    let served = Served::start(&layer);
    let block = at(&layer, 2);
    let seen = served.judgement(&layer, block, &json!("keep"));
    assert_eq!(served.post(&seen.to_string()).0, 200);
    let path = format!("/review/blocks/{}_{}", block.0, block.1);
    assert_eq!(served.json(&path)["judgement"]["verdict"], "keep");
    let now = "(julianday('now') - 2440587.5) * 86400.0 + 5";
    let _ = layer.sql(&format!(
        "UPDATE generation_plan SET completed_at = {now} WHERE id = 2"
    ));
    until(|| served.json(&path)["judgement"].is_null());
    // What was seen is no more: a page that still shows it cannot judge it.
    assert_eq!(served.post(&seen.to_string()).0, 409);
    // And though the clock of who drew it was ahead, what is judged of it counts.
    let open = served.judge(&layer, block, &json!("redo"));
    assert_eq!(open["redo"], 1);
    let _ = layer.sql("UPDATE generation_plan SET status = 'pending' WHERE id = 2");
    until(|| served.json("/review/agenda")["open"]["redo"] == 0);
    let drawing = served.judgement(&layer, block, &json!("keep"));
    assert_eq!(served.post(&drawing.to_string()).0, 409);
}

/// The progress is not read at every request.
fn until(is_so: impl Fn() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < LONG, "it is not so");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn what_others_write_into_the_file_is_not_lost_and_a_damaged_one_is_told() {
    let layer = test_layer();
    let served = Served::start(&layer);
    let (other, path) = (Served::start(&layer), layer.dir().join("review.json"));
    served.judge(&layer, at(&layer, 2), &json!("keep"));
    other.judge(&layer, at(&layer, 3), &json!("redo"));
    let open = &served.json("/review/agenda")["open"];
    assert_eq!((&open["keep"], &open["redo"]), (&json!(1), &json!(1)));
    std::fs::write(&path, "{\"version\": 1, ").unwrap();
    let judgement = other.judgement_of_a_damaged_review(&layer);
    let (status, said) = served.post(&judgement);
    assert_eq!(status, 500);
    assert!(
        said.contains("review.json is not valid JSON") && said.contains("move"),
        "{said}"
    );
    assert_eq!(served.get("/review/agenda").0, 500);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{\"version\": 1, ");
    let started = layer.run(PROGRAM, &["--serve", "127.0.0.1:0", "--review"]);
    started
        .assert_status(2)
        .assert_says("review.json is not valid JSON");
    std::fs::remove_file(&path).unwrap();
    assert_eq!(served.post(&judgement).0, 200);
}

impl Served {
    /// What a page sends that has looked before the file was damaged.
    fn judgement_of_a_damaged_review(&self, layer: &TestLayer) -> String {
        let (x, y) = at(layer, 4);
        let block = review_block(layer, 4);
        let seen = json!({"state": 2, "started_at_ms": null, "completed_at_ms": 4000});
        json!({"x": x, "y": y, "shape": block.shape.name(), "seen": seen, "verdict": "keep"})
            .to_string()
    }
}

#[test]
fn a_desk_that_others_could_reach_is_refused() {
    let layer = test_layer();
    let run = |flags: &[&str]| -> Run { layer.run(PROGRAM, flags) };
    run(&["--serve", "0.0.0.0:0", "--review"])
        .assert_status(2)
        .assert_says("error: --review is for this machine alone, and others can reach 0.0.0.0:");
    run(&["--review"]).assert_status(2).assert_says("--serve");
}

#[test]
fn only_regular_pictures_of_planned_blocks_are_given_out() {
    let layer = test_layer();
    let (x, y) = at(&layer, 2);
    let kept = |from: &str| layer.dir().join(format!("{from}/{x}_{y}/3"));
    let secret = layer.root().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    for from in ["candidates", "rejected"] {
        std::fs::create_dir_all(kept(from)).unwrap();
        std::fs::write(kept(from).join(format!("{x}_{y}.png")), from).unwrap();
        symlink(&secret, kept(from).join(format!("{}_{y}.png", x + 1))).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(kept(from).join(format!("{x}_{}.png", y + 1)))
            .stdin(Stdio::null())
            .status();
        assert!(made.unwrap().success());
        std::fs::write(kept(from).join("60_60.png"), "of another block").unwrap();
    }
    symlink(
        layer.root(),
        layer.dir().join(format!("candidates/{x}_{y}/5")),
    )
    .unwrap();
    std::fs::write(layer.root().join(format!("{x}_{y}.png")), "elsewhere").unwrap();
    let served = Served::start(&layer);
    for from in ["candidates", "rejected"] {
        let (status, head, body) = served.get(&format!("/kept/{from}/{x}_{y}/3/{x}_{y}.png"));
        assert_eq!((status, &*body), (200, from));
        assert!(head.contains("content-type: image/png"), "{head}");
    }
    let other = at(&layer, 3);
    for path in [
        format!("/kept/candidates/{x}_{y}/3/{}_{y}.png", x + 1),
        format!("/kept/candidates/{x}_{y}/3/{x}_{}.png", y + 1),
        format!("/kept/candidates/{x}_{y}/5/{x}_{y}.png"),
        format!("/kept/candidates/{x}_{y}/03/{x}_{y}.png"),
        format!("/kept/candidates/{x}_{y}/+3/{x}_{y}.png"),
        format!("/kept/candidates/{x}_{y}/4/{x}_{y}.png"),
        format!("/kept/candidates/{x}_{y}/3/60_60.png"),
        format!("/kept/candidates/{x}_{y}/..%2f..%2fgenerations/{x}_{y}.png"),
        format!("/kept/candidates/..%2f{x}_{y}/3/{x}_{y}.png"),
        format!("/kept/candidates/%2e%2e/3/{x}_{y}.png"),
        format!("/kept/generations/{x}_{y}/3/{x}_{y}.png"),
        format!("/kept/../progress.db/{x}_{y}/3/{x}_{y}.png"),
        format!("/kept/candidates/{}_{}/3/{x}_{y}.png", other.0, other.1),
        "/kept/candidates/60_60/3/60_60.png".to_owned(),
        format!("/kept/candidates/{x}_{y}/3/{x}_{y}.png%00"),
        "/source/60_60.png".to_owned(),
        "/source/..%2fquadrants.db".to_owned(),
        "/source/quadrants.db".to_owned(),
        "/review/blocks/60_60".to_owned(),
    ] {
        assert_eq!(served.get(&path).0, 404, "{path}");
    }
    // The source's pictures, without --compare.
    let bytes = layer.stored(Quadrant::new(x, y)).unwrap();
    let (status, _, body) = served.get(&format!("/source/{x}_{y}.png"));
    assert_eq!(
        (status, body),
        (200, String::from_utf8_lossy(&bytes).into_owned())
    );
}

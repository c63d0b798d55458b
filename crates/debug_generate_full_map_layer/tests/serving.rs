//! The server, whatever its clients do: the real program, raw connections.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime};

use fixtures::layers::{TestLayer, snapshot};
use fixtures::maps::MapSpec;
use fixtures::programs::with_limit;
use layer::{LayerDir, PilotItem, PilotRecord, Storage};
use planner::Quadrant;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_debug_generate_full_map_layer");

/// What is waited for at most, by far more than it takes.
const LONG: Duration = Duration::from_secs(90);

/// The program as it serves a layer.
struct Served {
    child: Child,
    host: String,
}

impl Served {
    fn start(layer: &TestLayer) -> Self {
        Self::of(layer.command(PROGRAM, &["--serve", "127.0.0.1:0"]))
    }

    fn of(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let mut said = BufReader::new(child.stdout.take().expect("its output")).lines();
        let address = said.find_map(|line| {
            let line = line.expect("text");
            let (_, rest) = line.split_once("http://")?;
            Some(rest.split('/').next().expect("a host").to_owned())
        });
        let host = address.expect("an address");
        Self { child, host }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.host).expect("it listens");
        stream.set_read_timeout(Some(LONG)).expect("a time limit");
        stream
    }

    /// A connection over which `text` was sent, and no more.
    fn sent(&self, text: &str) -> TcpStream {
        let mut stream = self.connect();
        stream.write_all(text.as_bytes()).expect("it is taken");
        stream
    }

    fn head(&self, method: &str, path: &str) -> String {
        format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.host)
    }

    fn ask(&self, method: &str, path: &str) -> String {
        let mut head = self.head(method, path);
        head.push_str("Connection: close\r\n\r\n");
        let mut answer = Vec::new();
        let mut stream = self.sent(&head);
        stream.read_to_end(&mut answer).expect("an answer");
        String::from_utf8_lossy(&answer).into_owned()
    }

    fn get(&self, path: &str) -> String {
        self.ask("GET", path)
    }

    fn status(&self, path: &str) -> u16 {
        let answer = self.get(path);
        let status = answer.split(' ').nth(1).expect("a status");
        status.parse().expect("a number")
    }

    fn json(&self, path: &str) -> Value {
        let answer = self.get(path);
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        serde_json::from_str(body).expect("JSON")
    }

    /// Asks until the answer is as `wanted`: the progress is not read at every request.
    fn json_until(&self, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let answer = self.json(path);
            if wanted(&answer) {
                return answer;
            }
            assert!(began.elapsed() < LONG, "{answer}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status();
        assert!(sent.expect("kill").success());
    }

    fn end(&mut self) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status;
            }
            assert!(began.elapsed() < LONG, "it does not end");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn test_layer() -> TestLayer {
    TestLayer::stored_in(Storage::Files, MapSpec::rectangle(6, 6), &json!([]))
}

fn complete(layer: &TestLayer, items: &str) {
    let _ = layer.sql(&format!(
        "UPDATE generation_plan SET status = 'complete' WHERE {items}"
    ));
}

/// Whether the server has ended the connection.
fn is_let_go(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn only_regular_files_of_complete_blocks_are_given_out() {
    let layer = test_layer();
    complete(&layer, "top_left_x < 2 AND top_left_y < 2");
    let place = |x, y| layer.picture_path(Quadrant::new(x, y));
    let secret = layer.root().join("secret");
    std::fs::write(&secret, "secret").unwrap();
    std::fs::write(place(0, 0), "picture").unwrap();
    symlink(&secret, place(1, 0)).unwrap();
    let made = Command::new("mkfifo").arg(place(0, 1)).status();
    assert!(made.unwrap().success());
    std::fs::create_dir(place(1, 1)).unwrap();
    std::fs::write(place(5, 5), "left over of a block that is pending").unwrap();
    std::fs::write(place(60, 60), "of another plan").unwrap();
    let served = Served::start(&layer);
    assert!(served.get("/generations/0_0.png").ends_with("picture"));
    // More than are read at a time.
    for _ in 0..20 {
        assert_eq!(served.status("/generations/0_1.png"), 404, "a pipe");
    }
    for (name, what) in [
        ("1_0", "a link"),
        ("1_1", "a directory"),
        ("5_5", "a pending block's"),
        ("60_60", "no quadrant of the plan"),
    ] {
        assert_eq!(
            served.status(&format!("/generations/{name}.png")),
            404,
            "{what}"
        );
    }
    assert!(served.get("/generations/0_0.png").ends_with("picture"));
}

#[test]
fn a_page_is_told_what_has_changed_since_it_was_made() {
    let layer = test_layer();
    let mut served = Served::start(&layer);
    let page = served.get("/");
    let (_, live) = page.split_once(r#""live":"#).expect("a page that is live");
    let (live, _) = live.split_once('}').expect("an object");
    let live: Value = serde_json::from_str(&format!("{live}}}")).expect("JSON");
    let plan = live["plan"].as_str().expect("a plan").to_owned();
    let first = live["revision"].as_u64().expect("a revision");

    let since = |revision| format!("/changes/{plan}/{revision}");
    let nothing = served.json(&since(first));
    assert_eq!(
        (&nothing["kind"], &nothing["revision"]),
        (&json!("changes"), &json!(first))
    );
    assert!(
        nothing["progress"].is_null() && nothing["tiles"] == json!([]),
        "{nothing}"
    );
    complete(&layer, "id = 2");
    let changed = served.json_until(&since(first), |answer| !answer["progress"].is_null());
    assert_eq!(changed["progress"]["items"], json!([[1, 1]]));
    let second = changed["revision"].as_u64().expect("a revision");
    assert!(second > first);
    assert!(served.json(&since(second))["progress"].is_null());

    let replaced = json!({"kind": "replaced"});
    assert_eq!(served.json(&since(first - 1)), replaced);
    assert_eq!(served.json(&since(second + 1)), replaced);
    assert_eq!(served.json(&format!("/changes/1/{first}")), replaced);
    assert_eq!(served.status("/changes/x/1"), 400);

    let (database, away) = (layer.dir().join("progress.db"), layer.root().join("away"));
    std::fs::rename(&database, &away).unwrap();
    let trouble = served.json_until(&since(second), |answer| answer["kind"] == "trouble");
    let message = trouble["message"].as_str().expect("a message");
    assert!(message.contains("progress.db"), "{message}");
    std::fs::rename(&away, &database).unwrap();
    served.json_until(&since(second), |answer| answer["kind"] == "changes");

    assert!(served.ask("HEAD", "/").starts_with("HTTP/1.1 200 "));
    assert!(
        served
            .ask("POST", &since(second))
            .starts_with("HTTP/1.1 405 ")
    );
    served.signal("TERM");
    assert_eq!(served.end().code(), Some(0));
}

#[test]
fn who_sends_no_whole_request_is_let_go() {
    let layer = test_layer();
    let served = Served::start(&layer);
    let whole = served.head("GET", "/generations/0_0.png") + "\r\n";
    let mut connections = [
        served.sent(""),
        served.sent("GET / HT"),
        served.sent(&served.head("GET", "/")),
        served.sent(&whole),
        served.sent(&(whole.clone() + "GET / HT")),
    ];
    for (number, stream) in connections.iter_mut().enumerate() {
        assert!(is_let_go(stream), "{number}");
    }
}

#[test]
fn clients_that_ask_for_nothing_are_in_nobodys_way() {
    // What the system may refuse, this program must not run into first.
    granted::require(granted::Work::Planning).expect("open files");
    let layer = test_layer();
    let mut command = with_limit("-n 256", PROGRAM);
    command
        .current_dir(layer.root())
        .args(["--layer-dir", "layers/test", "--serve", "127.0.0.1:0"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut served = Served::of(command);
    let half = served.head("GET", "/");
    let mut connections: Vec<TcpStream> = (0..600).map(|_| served.sent(&half)).collect();
    assert!(served.get("/").starts_with("HTTP/1.1 200 "));
    // The last ones still have their places, and can go on.
    let last = connections.last_mut().expect("connections");
    last.write_all(b"Connection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    last.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "));
    served.signal("INT");
    assert_eq!(served.end().code(), Some(0));
}

#[test]
fn ctrl_c_ends_the_program_whatever_its_clients_do() {
    let layer = test_layer();
    complete(&layer, "id = 1");
    let megabytes = vec![0; 64 << 20];
    std::fs::write(layer.picture_path(Quadrant::new(0, 0)), megabytes).unwrap();
    for signal in ["INT", "TERM"] {
        let mut served = Served::start(&layer);
        let request = served.head("GET", "/generations/0_0.png") + "\r\n";
        let mut takes_nothing = served.sent(&request);
        // The answer is on its way from here on.
        takes_nothing.read_exact(&mut [0]).unwrap();
        let _half_sent = served.sent(&served.head("GET", "/"));
        let _silent = served.connect();
        served.signal(signal);
        assert_eq!(served.end().code(), Some(0), "{signal}");
    }
}

#[test]
fn overviews_follow_what_is_finished_and_nothing_else_is_given_out() {
    for storage in [Storage::Files, Storage::Sqlite] {
        let layer = TestLayer::stored_in(
            storage,
            MapSpec::rectangle(5, 5).quadrant_px(8, 8),
            &json!([]),
        );
        layer.finish_with_source();
        let served = Served::start(&layer);
        let page = served.get("/");
        let (_, live) = page.split_once(r#""live":"#).expect("a page that is live");
        let (live, _) = live.split_once('}').expect("an object");
        let live: Value = serde_json::from_str(&format!("{live}}}")).expect("JSON");
        let plan = live["plan"].as_str().expect("a plan").to_owned();
        let since = |revision: &Value| format!("/changes/{plan}/{revision}");
        let made = |answer: &Value| !answer["tiles"].as_array().expect("tiles").is_empty();
        let first = served.json_until(&since(&live["revision"]), made);
        // Nine tiles of 2x2 quadrants, and so on to one pixel.
        assert_eq!(
            first["tiles"].as_array().unwrap().len(),
            9 + 4 + 1 + 1 + 1 + 1
        );
        assert!(!first["worst_edges"].as_array().unwrap().is_empty());
        assert!(served.get("/overviews/1/0_0.png").contains("image/png"));
        for path in [
            "/overviews/0/0_0.png",
            "/overviews/1/3_0.png",
            "/overviews/1/0_0.webp",
            "/overviews/01/0_0.png",
            "/overviews/made.json",
            "/overviews/1/..%2fmade.json",
            "/overviews/1/%2e%2e/made.json",
            "/overviews/1/",
            "/compared/0_0.png",
            "/compared_overviews/1/0_0.png",
        ] {
            assert_eq!(served.status(path), 404, "{path}");
        }
        let tile = layer.dir().join("overviews/1/0_0.png");
        std::fs::rename(&tile, tile.with_extension("away")).unwrap();
        symlink(tile.with_extension("away"), &tile).unwrap();
        assert_eq!(served.status("/overviews/1/0_0.png"), 404, "a link");
        std::fs::rename(tile.with_extension("away"), &tile).unwrap();

        // A block is made again: what shows it is others, and the rest is not told.
        let other = layer.stored(Quadrant::new(4, 4)).unwrap();
        layer.tamper(Quadrant::new(0, 0), Some(&other));
        let _ = layer.sql("UPDATE generation_plan SET completed_at = 99 WHERE id = 1");
        let second = served.json_until(&since(&first["revision"]), made);
        let tiles: Vec<&Value> = second["tiles"].as_array().unwrap().iter().collect();
        assert_eq!(tiles.len(), 6, "{tiles:?}");
        assert!(
            tiles
                .iter()
                .all(|tile| tile[1] == 0 && tile[2] == 0 && !tile[3].is_null())
        );
        // And one is not finished any more: where nothing is left to see, the tile is gone.
        let _ = layer.sql("UPDATE generation_plan SET status = 'pending' WHERE id = 1");
        let third = served.json_until(&since(&second["revision"]), made);
        let gone = third["tiles"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|tile| tile[3].is_null());
        assert_eq!(gone.collect::<Vec<_>>(), [&json!([1, 0, 0, null])]);
        assert_eq!(served.status("/overviews/1/0_0.png"), 404);
    }
}

fn pilot_item(item: i64, (x, y): (i32, i32)) -> PilotItem {
    PilotItem {
        item,
        x,
        y,
        shape: "1x1".to_owned(),
        step: 3,
        only_precedes: false,
        status: "pending".to_owned(),
        message: None,
    }
}

#[test]
fn pilots_are_given_out_by_their_own_names_and_no_link_is_followed() {
    let layer = test_layer();
    layer.finish_with_source();
    let own = LayerDir::at(layer.dir());
    let (config, _) = own.read_config().unwrap();
    let secret = layer.root().join("secret");
    std::fs::create_dir(&secret).unwrap();
    std::fs::write(secret.join("0_0.png"), "secret").unwrap();
    let name = own.begin_pilot(SystemTime::now()).unwrap();
    let items = vec![pilot_item(1, (0, 0)), pilot_item(2, (5, 5))];
    let begun = PilotRecord::begun(&config, None);
    own.write_pilot(&name, &PilotRecord { items, ..begun })
        .unwrap();
    // It was killed: its calls and its pictures are all that tells of it.
    let _ = layer.sql(&format!(
        "INSERT INTO attempts (item_id, endpoint, started_at, outcome, settings_hash, paid, cost, pilot)
         VALUES (1, 'a', 1, 'ok', '', 1, 0.04, '{name}'), (2, 'a', 1, 'in_flight', '', NULL, 0.04, '{name}'),
           (3, 'a', 1, 'ok', '', 1, 7, NULL)"
    ));
    let place = |file: &str| own.pilot_dir(&name).join(file);
    std::fs::write(place("0_0.png"), "night").unwrap();
    symlink(secret.join("0_0.png"), place("1_0.png")).unwrap();
    std::fs::create_dir(place("2_0.png")).unwrap();
    let made = Command::new("mkfifo").arg(place("3_0.png")).status();
    assert!(made.unwrap().success());
    symlink(&secret, own.pilots_dir().join("20200101T000000Z")).unwrap();
    let served = Served::start(&layer);
    let told = served.json("/pilots/changes/none");
    let pilots = told["told"]["pilots"].as_array().unwrap();
    assert_eq!(pilots.len(), 1, "what a link leads to is no pilot");
    assert_eq!(pilots[0]["name"], name.as_str());
    assert_eq!(pilots[0]["state"], "dead");
    let figures = ["calls", "cost", "blocks", "left"].map(|key| pilots[0][key].clone());
    assert_eq!(figures, [json!(2), json!("0.08 USD"), json!(2), json!(1)]);
    let known = told["known"].as_str().unwrap();
    assert!(served.json(&format!("/pilots/changes/{known}"))["told"].is_null());
    let at = format!("/pilots/{name}");
    assert!(served.get(&format!("{at}/0_0.png")).ends_with("night"));
    assert_eq!(
        served.status("/pilots/source/0_0.png"),
        200,
        "to compare with"
    );
    for path in [
        format!("{at}/1_0.png"),
        format!("{at}/2_0.png"),
        format!("{at}/3_0.png"),
        format!("{at}/4_0.png"),
        format!("{at}/pilot.json"),
        format!("{at}/00_0.png"),
        format!("{at}/..%2f..%2flayer_config.json"),
        "/pilots/20200101T000000Z/0_0.png".to_owned(),
        "/pilots/../0_0.png".to_owned(),
        "/pilots/source/5_5.png".to_owned(),
    ] {
        assert_eq!(served.status(&path), 404, "{path}");
    }
    std::fs::write(place("pilot.json"), "{").unwrap();
    let told = served.json_until("/pilots/changes/none", |told| {
        !told["told"]["pilots"][0]["trouble"].is_null()
    });
    let trouble = told["told"]["pilots"][0]["trouble"].as_str().unwrap();
    assert!(
        trouble.contains("pilot.json is not valid JSON"),
        "{trouble}"
    );

    layer.run(PROGRAM, &["--publish", "site"]).assert_status(0);
    for (path, bytes) in snapshot(layer.root().join("site")) {
        let name = name.as_str().as_bytes();
        assert!(!bytes.windows(name.len()).any(|part| part == name));
        assert!(!path.to_string_lossy().contains("pilots"));
    }
}

#[test]
fn what_is_compared_is_served_too_and_no_more_of_it() {
    let map = MapSpec::rectangle(3, 2).quadrant_px(8, 8);
    let layer = TestLayer::new(map.clone(), &json!([]));
    layer.finish_with_source();
    let flags = ["--serve", "127.0.0.1:0", "--compare"];
    let served = Served::of(layer.command(PROGRAM, &flags));
    let bytes = layer.stored(Quadrant::new(1, 1)).unwrap();
    let answer = served.get("/compared/1_1.png");
    assert!(answer.ends_with(&*String::from_utf8_lossy(&bytes)));
    assert!(
        served
            .get("/compared_overviews/1/0_0.png")
            .contains("image/png")
    );
    for path in [
        "/compared/7_7.png",
        "/compared/..%2fquadrants.db",
        "/compared_overviews/9/0_0.png",
    ] {
        assert_eq!(served.status(path), 404, "{path}");
    }
    let page = served.get("/");
    assert!(page.contains(r#""compared":{"name":"test-map""#));
}

//! Layers to run, runs to disturb, and what must hold afterwards.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::process::{Child, Command, ExitStatus};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use fixtures::layers::{Run, TestLayer, endpoints_at};
use fixtures::maps::MapSpec;
use fixtures::server::{RecordedRequest, Reply, ScriptedServer, ServerSpec};
use image::RgbImage;
use planner::Quadrant;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_generate_full_map_layer");

/// How long anything may take before a test gives up; nothing is measured with it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// Whether this is `just test-long`.
pub(crate) fn is_long() -> bool {
    std::env::var_os("TEST_LONG").is_some()
}

/// Tells that the machine cannot show something; in `just test-long` that is a failure.
pub(crate) fn cannot_show(what: &str) {
    assert!(!is_long(), "this machine cannot show it: {what}");
    eprintln!("NOT SHOWN on this machine: {what}");
}

/// An irregular map with a hole, an island and negative turns.
pub(crate) fn city() -> MapSpec {
    MapSpec::drawn("..#####..##\n.######..##\n###.####...\n###.#######\n.##########\n..#####.##.")
        .quadrant_px(16, 12)
}

/// What the scripted servers' model makes of a picture.
pub(crate) fn invert(picture: &RgbImage) -> RgbImage {
    let mut picture = picture.clone();
    image::imageops::invert(&mut picture);
    picture
}

/// A layer whose endpoints `a`, `b`, … are these servers.
pub(crate) fn layer_at(map: MapSpec, servers: &[&ScriptedServer]) -> TestLayer {
    let urls: Vec<String> = servers.iter().map(|server| server.url()).collect();
    TestLayer::new(map, &endpoints_at(urls.iter().map(String::as_str)))
}

/// A server that answers each call only after `may_answer`.
pub(crate) fn answering_after(may_answer: &Arc<AtomicBool>) -> ScriptedServer {
    let may_answer = Arc::clone(may_answer);
    let script = move |_: &RecordedRequest, _| {
        let deadline = Instant::now() + PATIENCE;
        while !may_answer.load(Ordering::SeqCst) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        Reply::model()
    };
    ServerSpec::new().script(script).start()
}

/// Gives endpoint number `index` another option.
pub(crate) fn set_option(
    layer: &TestLayer,
    index: usize,
    key: &str,
    value: impl Into<serde_json::Value>,
) {
    let value = value.into();
    layer.configure(|config| config["model_endpoints"][index][key] = value);
}

/// A run that goes on while the test does something to it.
pub(crate) struct Background {
    child: Child,
    stdout: Arc<Mutex<String>>,
    stderr: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Background {
    /// Starts a run of the layer.
    pub(crate) fn start(layer: &TestLayer, args: &[&str]) -> Self {
        Self::of(layer.command(PROGRAM, args))
    }

    /// Starts a command whose output is piped.
    pub(crate) fn of(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let (stdout, stderr) = (Arc::default(), Arc::default());
        let readers = vec![
            read_into(child.stdout.take().expect("a pipe"), &stdout),
            read_into(child.stderr.take().expect("a pipe"), &stderr),
        ];
        Self {
            child,
            stdout,
            stderr,
            readers,
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal, as in `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.pid().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &pid])
            .status();
        assert!(sent.expect("kill").success(), "{pid} is gone");
    }

    /// Ends it with SIGKILL; whether that was what ended it.
    pub(crate) fn kill(mut self) -> bool {
        let _ = self.child.kill();
        let status = self.child.wait().expect("it has ended");
        status.code().is_none()
    }

    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().expect("its status")
    }

    /// Waits until it has said something, on either output.
    #[track_caller]
    pub(crate) fn wait_until_says(&mut self, text: &str) {
        self.wait_until(&format!("it says {text:?}"), |stdout, stderr| {
            stdout.contains(text) || stderr.contains(text)
        });
    }

    #[track_caller]
    fn wait_until(&mut self, what: &str, is_so: impl Fn(&str, &str) -> bool) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = self.has_ended();
            let (stdout, stderr) = (text(&self.stdout), text(&self.stderr));
            if is_so(&stdout, &stderr) {
                return;
            }
            let gives_up = ended.is_some() || Instant::now() > deadline;
            assert!(
                !gives_up,
                "never came: {what} ({ended:?})\n{stdout}\n{stderr}"
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// Waits for its end.
    #[track_caller]
    pub(crate) fn finish(mut self) -> Run {
        let deadline = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.has_ended() {
                break status;
            }
            let (stdout, stderr) = (text(&self.stdout), text(&self.stderr));
            assert!(
                Instant::now() < deadline,
                "it does not end\n{stdout}\n{stderr}"
            );
            std::thread::sleep(Duration::from_millis(5));
        };
        for reader in self.readers.drain(..) {
            reader.join().expect("the pipes are read");
        }
        Run {
            status: status.code(),
            stdout: text(&self.stdout),
            stderr: text(&self.stderr),
        }
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn read_into(mut pipe: impl Read + Send + 'static, into: &Arc<Mutex<String>>) -> JoinHandle<()> {
    let into = Arc::clone(into);
    std::thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = pipe.read(&mut bytes) {
            into.lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    })
}

fn text(from: &Arc<Mutex<String>>) -> String {
    from.lock().unwrap().clone()
}

/// Waits until something is so.
#[track_caller]
pub(crate) fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < deadline, "never came: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The item ids that a layer's calls were for, told by the picture that was sent.
pub(crate) struct ItemsByCanvas(HashMap<(u32, u32, Vec<u8>), i64>);

impl ItemsByCanvas {
    pub(crate) fn of(layer: &TestLayer) -> Self {
        let rows =
            layer.sql("SELECT id, top_left_x, top_left_y, width, height FROM generation_plan");
        let key = |row: &Vec<String>| {
            let numbers: Vec<i64> = row.iter().map(|text| text.parse().unwrap()).collect();
            let picture = layer.source(Quadrant::new(numbers[1] as i32, numbers[2] as i32));
            let size = (
                picture.width() * numbers[3] as u32,
                picture.height() * numbers[4] as u32,
            );
            ((size.0, size.1, start_of(&picture)), numbers[0])
        };
        let items: HashMap<_, _> = rows.iter().map(key).collect();
        assert_eq!(items.len(), rows.len(), "two blocks look the same");
        Self(items)
    }

    /// The item of a call.
    pub(crate) fn item(&self, request: &RecordedRequest) -> i64 {
        let canvas = canvas_of(request);
        self.0[&(canvas.width(), canvas.height(), start_of(&canvas))]
    }

    /// How many calls each item got.
    pub(crate) fn calls(&self, servers: &[&ScriptedServer]) -> BTreeMap<i64, usize> {
        let mut calls = BTreeMap::new();
        for request in servers.iter().flat_map(|server| server.calls()) {
            *calls.entry(self.item(&request)).or_default() += 1;
        }
        calls
    }
}

fn start_of(picture: &RgbImage) -> Vec<u8> {
    picture.as_raw()[..12].to_vec()
}

/// The picture that a call sent.
pub(crate) fn canvas_of(request: &RecordedRequest) -> RgbImage {
    use base64::Engine;
    let text = request.json()["image_b64"]
        .as_str()
        .expect("a picture")
        .to_owned();
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(text)
        .expect("base64");
    image::load_from_memory(&bytes)
        .expect("the canvas decodes")
        .to_rgb8()
}

/// Whether a call is for the block of this size at this quadrant.
pub(crate) fn is_for(request: &RecordedRequest, size: (u32, u32), source: &RgbImage) -> bool {
    let canvas = canvas_of(request);
    canvas.dimensions() == size && start_of(&canvas) == start_of(source)
}

/// Asserts what holds after a run that was ended in any way: pictures are whole and are what the
/// model made, and `complete` items have all of theirs.
#[track_caller]
pub(crate) fn assert_sound(layer: &TestLayer) {
    layer.assert_whole();
    for &quadrant in layer.region().quadrants() {
        if let Some(picture) = layer.picture(quadrant) {
            assert!(
                picture == invert(&layer.source(quadrant)),
                "{quadrant} is another picture"
            );
        }
    }
}

/// The number of items with a status.
pub(crate) fn count(layer: &TestLayer, status: &str) -> usize {
    layer.statuses().get(status).copied().unwrap_or(0)
}

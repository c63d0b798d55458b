//! Keys are planted everywhere, and everything that was written is searched for them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fixtures::layers::snapshot;
use fixtures::server::{RecordedRequest, Reply, ReservedPort, ServerSpec};
use serde_json::json;

use crate::support::{Background, PATIENCE, PROGRAM, city, layer_at};

const KEYS: [&str; 7] = [
    "sk-bearer-11aa22bb33cc",
    "header-value-44dd55ee66ff",
    "query/key+77==88",
    "user-name-99gg00hh",
    "pass:word-aa11bb22",
    "literal-header-cc33dd44",
    // Of another endpoint of the server, and begins as the first one does.
    "sk-bearer-55ii66jj77kk",
];

/// Tells all that it was sent.
fn echo(request: &RecordedRequest) -> String {
    format!(
        "you sent {} {}?{} {:?} and {}",
        request.method,
        request.path,
        request.query,
        request.headers,
        KEYS.join(" ")
    )
}

fn forms(key: &str) -> Vec<String> {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let encoded: String = key
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || byte == b'-' {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect();
    let (begins, ends) = (&key[..10], &key[key.len() - 10..]);
    vec![
        key.to_owned(),
        encoded,
        STANDARD.encode(key),
        begins.to_owned(),
        ends.to_owned(),
    ]
}

#[test]
fn keys_are_in_nothing_that_is_written() {
    type Script = Arc<dyn Fn(&RecordedRequest) -> Reply + Send + Sync>;
    let scripts: [Script; 7] = [
        Arc::new(|request| Reply::status(500).body(echo(request))),
        Arc::new(|request| Reply::status(401).json(&json!({"detail": echo(request)}))),
        Arc::new(|request| Reply::status(422).json(&json!({"error": {"message": echo(request)}}))),
        Arc::new(|request| {
            Reply::status(503)
                .header("retry-after", "0.2")
                .body(echo(request))
        }),
        Arc::new(|request| Reply::status(200).html(&echo(request))),
        Arc::new(|request| Reply::status(200).json(&json!({"error": echo(request)}))),
        Arc::new(|request| Reply::picture(format!("{} {}", &KEYS[0][..12], echo(request)))),
    ];
    for (number, script) in scripts.into_iter().enumerate() {
        let nobody = ReservedPort::any();
        let served = Arc::clone(&script);
        let server = ServerSpec::new()
            .script(move |request, call| {
                if call <= 4 {
                    served(request)
                } else {
                    Reply::model()
                }
            })
            .start();
        let layer = layer_at(city(), &[&server]);
        let url = server.url_at("/x?key=query%2Fkey%2B77%3D%3D88&more=1");
        let url = url.replace("http://", "http://user-name-99gg00hh:pass%3Aword-aa11bb22@");
        layer.configure(|config| {
            config["model_endpoints"] = json!([
                {"name": "a", "url": url, "api_key_env": "PLANTED_KEY", "protocol": "edit_b64", "headers": {
                    "x-secret": {"env": "PLANTED_HEADER"}, "x-literal": KEYS[5]}},
                // A prompt that echoes nothing, on an endpoint that speaks another protocol.
                {"name": "b", "url": url, "api_key_env": "OTHER_KEY", "protocol": "openai"},
            ]);
        });
        // An address where nobody is; but where the keys are refused nobody else would be left.
        if number != 1 {
            let dead = format!("{}?key=query%2Fkey%2B77%3D%3D88", nobody.url());
            layer.configure(|config| {
                let endpoints = config["model_endpoints"].as_array_mut().unwrap();
                endpoints.push(json!({"name": "dead", "url": dead}));
            });
        }
        for args in [
            &["--dry-run"][..],
            &["--check-endpoints"],
            &[],
            &["--retry-errors", "--resume"],
        ] {
            let mut command = layer.command(PROGRAM, args);
            command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "1");
            command
                .env("PLANTED_KEY", KEYS[0])
                .env("OTHER_KEY", KEYS[6])
                .env("PLANTED_HEADER", KEYS[1]);
            let run = fixtures::layers::Run::of(&command.output().unwrap());
            let mut written = vec![
                ("standard output".to_owned(), run.stdout.into_bytes()),
                ("standard error".to_owned(), run.stderr.into_bytes()),
            ];
            for (path, bytes) in snapshot(layer.dir()) {
                if !path.ends_with("layer_config.json") {
                    written.push((path.display().to_string(), bytes));
                }
            }
            for key in KEYS {
                for form in forms(key) {
                    for (place, bytes) in &written {
                        let found = bytes
                            .windows(form.len())
                            .any(|window| window == form.as_bytes());
                        let text = String::from_utf8_lossy(bytes);
                        assert!(
                            !found,
                            "answer {number}: {form:?} is in {place} of {args:?}\n{text}"
                        );
                    }
                }
            }
        }
        assert!(
            server
                .requests()
                .iter()
                .any(|request| request.header("authorization").is_some()),
            "no key was ever sent, so the test shows nothing"
        );
    }
}

#[test]
fn a_key_that_was_changed_while_the_run_goes_on_is_in_nothing_that_is_written() {
    const FIRST: &str = "sk-first-key-123456";
    const SECOND: &str = "sk-second-key-654321";
    let complaints = AtomicUsize::new(0);
    let script = move |request: &RecordedRequest, _| {
        let sent = request.header("authorization").unwrap_or_default();
        if sent != format!("Bearer {SECOND}") {
            return Reply::status(503).header("retry-after", "0.2");
        }
        let said = format!("key {SECOND} is not as good as {FIRST} was");
        match complaints.fetch_add(1, Ordering::SeqCst) {
            0..3 => Reply::status(400).json(&json!({"error": {"message": said}})),
            _ => Reply::model(),
        }
    };
    let server = ServerSpec::new().script(script).start();
    let layer = layer_at(city(), &[]);
    let entry = |name| json!({"name": name, "url": server.url(), "api_key_env": "KEYM"});
    layer.configure(|config| config["model_endpoints"] = json!([entry("a"), entry("b")]));
    let set_key = |key: &str| {
        std::fs::write(layer.root().join(".env"), format!("KEYM={key}\n")).expect("a file");
    };
    set_key(FIRST);
    let args = ["--progress", "json", "--log-file", "run.log", "-vv"];
    let run = Background::start(&layer, &args);
    assert!(server.wait_for_calls(1, PATIENCE));
    set_key(SECOND);
    let run = run.finish();
    run.assert_status(1);
    for said in [&run.stdout, &run.stderr] {
        assert!(said.contains("is not as good as"), "{said}");
    }
    let log = std::fs::read(layer.root().join("run.log")).expect("the log");
    let mut written = vec![
        ("standard output".to_owned(), run.stdout.into_bytes()),
        ("standard error".to_owned(), run.stderr.into_bytes()),
        ("run.log".to_owned(), log),
    ];
    let files = snapshot(layer.dir()).into_iter();
    written.extend(files.map(|(path, bytes)| (path.display().to_string(), bytes)));
    for (place, bytes) in &written {
        let text = String::from_utf8_lossy(bytes);
        for key in [FIRST, SECOND] {
            assert!(!text.contains(&key[..12]), "{key} is in {place}: {text}");
        }
    }
}

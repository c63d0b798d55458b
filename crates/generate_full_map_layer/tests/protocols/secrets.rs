//! No key is written anywhere, whichever protocol carries it and whatever a server says back.

use fixtures::server::{RecordedRequest, Reply, ServerSpec};
use serde_json::{Value, json};

use crate::support::*;

const KEY: &str = "planted-key-0123456789";
const HEADER: &str = "planted-header-0123456789";
const QUERY: &str = "planted-query-0123456789";

/// Says everything it was sent but the picture, in an error and in an answer without a picture.
fn tell_tale(request: &RecordedRequest, call: usize) -> Reply {
    let headers: Vec<String> = request
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    // The key stands where a message is cut off, too.
    let said = format!(
        "{}{KEY} {} http://host{}?{} {KEY}",
        "x".repeat(285),
        headers.join(" "),
        request.path,
        request.query
    );
    match call % 4 {
        0 => Reply::status(500).json(&json!({"error": {"message": said}})),
        1 => Reply::status(200).json(&json!({"detail": said})),
        2 => Reply::status(200)
            .header("content-type", "image/png")
            .body(format!("{{\"image_b64\": {KEY}, {said}")),
        _ => Reply::status(429)
            .header("retry-after", "0")
            .body(format!("{KEY} {said}")),
    }
}

#[test]
fn keys_headers_and_queries_are_in_no_output_and_no_file() {
    let ways = [
        ("edit_b64", "/"),
        ("multipart", "/edit"),
        ("openai", "/v1"),
        ("gemini", "/v1beta"),
        ("sdapi", "/sdapi/v1"),
    ];
    std::thread::scope(|scope| {
        for (protocol, path) in ways {
            scope.spawn(move || nothing_is_written(protocol, path));
        }
    });
}

fn nothing_is_written(protocol: &str, path: &str) {
    let server = ServerSpec::new().script(tell_tale).start();
    let url = server.url_at(&format!("{path}?key={QUERY}"));
    let entry = json!({
        "url": url, "protocol": protocol, "api_key_env": "MODEL_KEY",
        "headers": {"x-own": {"env": "MODEL_HEADER"}},
    });
    let layer = layer_with(small_map(), &entry);
    let key = if protocol == "sdapi" {
        format!("user:{KEY}")
    } else {
        KEY.to_owned()
    };
    let basic = base64_encode(key.as_bytes());
    for args in [&["--check-endpoints"][..], &[], &["--retry-errors"]] {
        let mut command = layer.command(PROGRAM, args);
        command
            .env("RUST_LOG", "trace")
            .env("MODEL_KEY", &key)
            .env("MODEL_HEADER", HEADER);
        let output = command.output().expect("the program starts");
        let mut written = vec![
            ("standard output".to_owned(), output.stdout),
            ("standard error".to_owned(), output.stderr),
        ];
        let files = files_of(&layer).into_iter();
        written.extend(files.map(|(path, bytes)| (path.display().to_string(), bytes)));
        for (place, bytes) in written {
            let text = String::from_utf8_lossy(&bytes);
            // Half a key is half the work of guessing it.
            let mut secrets = vec![&KEY[..16], &HEADER[..16], &basic[..16], &QUERY[..16]];
            if place.ends_with("layer_config.json") {
                // The user's own file holds the address with its query.
                secrets.pop();
            }
            for secret in secrets {
                assert!(
                    !text.contains(secret),
                    "{protocol}: {secret} is in {place}:\n{text}"
                );
            }
        }
    }
    let calls = server.calls();
    assert!(calls.len() > 3, "{protocol}: nothing was tried");
    for call in &calls {
        assert_eq!(call.query, format!("key={QUERY}"));
        assert!(carries(call, &key), "{protocol}");
    }
}

/// Whether a call carries the key in one of the ways of the protocols.
fn carries(call: &RecordedRequest, key: &str) -> bool {
    let expected: Value = json!([
        format!("Bearer {key}"),
        format!("Basic {}", base64_encode(key.as_bytes())),
        key,
    ]);
    let sent = [call.header("authorization"), call.header("x-goog-api-key")];
    sent.into_iter().flatten().any(|sent| {
        expected
            .as_array()
            .is_some_and(|known| known.contains(&json!(sent)))
    })
}

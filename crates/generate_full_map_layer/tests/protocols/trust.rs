//! What a model's answer, or a user's parameter, must not do.

use fixtures::server::{Reply, ServerSpec};

use serde_json::{Value, json};

use crate::servers::openai;
use crate::support::*;

const INSIDE: &str = "planted-text-from-inside-the-network";

#[test]
fn of_what_is_at_an_address_in_an_answer_only_the_kind_is_told() {
    let files = ServerSpec::new()
        .files(|request| match request.path.as_str() {
            "/page" => Reply::status(200).html(&format!("<!doctype html><html>{INSIDE}")),
            "/json" => Reply::status(200).json(&json!({ "secret": INSIDE })),
            "/text" => Reply::status(200).body(format!("{INSIDE} = 1")),
            "/long" => Reply::status(200).body(INSIDE.repeat(2 << 20)),
            "/error" => Reply::status(500).body(INSIDE),
            _ => Reply::status(200).body(b"\x89PNG\r\n\x1a\nplanted".to_vec()),
        })
        .start();
    for (path, says) in [
        ("/page", "no PNG, JPEG or WebP: a web page of 57 bytes"),
        ("/json", "no PNG, JPEG or WebP: JSON of 49 bytes"),
        ("/text", "no PNG, JPEG or WebP: a text of 40 bytes"),
        ("/long", "it has 75497472 bytes or more"),
        ("/error", "HTTP 500 Internal Server Error"),
        ("/half", "does not decode"),
    ] {
        let address = files.url_at(path);
        let server = ServerSpec::new()
            .protocol(openai::DIFFUSION)
            .script(move |_, _| {
                Reply::status(200).json(&json!({"created": 1, "data": [{"url": address}]}))
            })
            .start();
        let layer = layer_with(small_map(), &entry(&server.url_at("/v1")));
        let run = layer.run(PROGRAM, &["--max-items", "1"]);
        let messages = error_messages(&layer);
        assert!(messages[0].contains(says), "{path}: {messages:?}");
        let said = format!("{}{}", run.stdout, run.stderr);
        for said in messages.iter().chain([&said]) {
            assert!(!said.contains("planted"), "{path}: {said}");
        }
        for (file, bytes) in files_of(&layer) {
            let holds = bytes
                .windows(INSIDE.len())
                .any(|part| part == INSIDE.as_bytes());
            assert!(!holds, "{path}: {} shows it", file.display());
        }
    }
}

#[test]
fn a_private_address_is_fetched_only_from_the_endpoints_own_host() {
    for host in [
        "127.0.0.2",
        "[::1]",
        "0.0.0.0",
        "10.0.0.1",
        "169.254.169.254",
        "2130706434",
    ] {
        let files = ServerSpec::new().start();
        let port = files
            .url()
            .trim_end_matches('/')
            .rsplit(':')
            .next()
            .unwrap()
            .to_owned();
        let address = format!("http://{host}:{port}/out/1.png");
        let server = ServerSpec::new()
            .protocol(openai::DIFFUSION)
            .script(move |_, _| {
                Reply::status(200).json(&json!({"created": 1, "data": [{"url": address}]}))
            })
            .start();
        let layer = layer_with(small_map(), &entry(&server.url_at("/v1")));
        layer.run(PROGRAM, &["--max-items", "1"]).assert_status(1);
        let messages = error_messages(&layer);
        let says = "it is a private address, and not the endpoint's own host";
        assert!(messages[0].contains(says), "{host}: {messages:?}");
        assert_eq!(server.calls().len(), 1, "{host}: one call is paid for");
        assert_eq!(files.requests().len(), 0, "{host} was asked");
    }
}

#[test]
fn the_endpoints_own_host_may_go_by_another_name() {
    let files = ServerSpec::new()
        .files(|_| {
            Reply::status(200).body(fixtures::maps::encode_png(image::RgbImage::new(32, 32)))
        })
        .start();
    let address = files.url_at("/out/1.png").replace("127.0.0.1", "localhost");
    let server = ServerSpec::new()
        .protocol(openai::DIFFUSION)
        .script(move |_, _| {
            Reply::status(200).json(&json!({"created": 1, "data": [{"url": address}]}))
        })
        .start();
    let url = server.url_at("/v1").replace("127.0.0.1", "localhost");
    let layer = layer_with(small_map(), &entry(&url));
    layer.run(PROGRAM, &["--max-items", "1"]).assert_status(0);
}

#[test]
fn an_expired_address_costs_one_call_and_is_told_in_the_servers_words() {
    for status in [403, 404] {
        let files = ServerSpec::new()
            .files(move |_| {
                let said = "<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>";
                Reply::status(status).header("content-type", "application/xml").body(said)
            })
            .start();
        let address = files.url_at("/out/1.png?sig=planted-signature");
        let server = ServerSpec::new()
            .protocol(openai::DIFFUSION)
            .script(move |_, _| {
                Reply::status(200).json(&json!({"created": 1, "data": [{"url": address}]}))
            })
            .start();
        let layer = layer_with(small_map(), &entry(&server.url_at("/v1")));
        layer.run(PROGRAM, &["--max-items", "1"]).assert_status(1);
        assert_eq!(server.calls().len(), 1, "one call is paid for");
        let messages = error_messages(&layer);
        assert!(
            messages[0].contains("AccessDenied Request has expired"),
            "{messages:?}"
        );
    }
}

#[test]
fn no_parameter_and_no_header_replaces_what_the_protocol_sends() {
    let server = ServerSpec::new().start();
    for (protocol, key) in [
        ("edit_b64", "image_b64"),
        ("multipart", "file"),
        ("openai", "image"),
        ("openai", "image[]"),
        ("gemini", "contents"),
        ("gemini", "contents_"),
        ("sdapi", "init_images"),
    ] {
        let of_protocol = |extra: Value| {
            let mut entry = entry(&server.url_at("/x"));
            entry["protocol"] = protocol.into();
            for (key, value) in extra.as_object().unwrap() {
                entry[key] = value.clone();
            }
            entry
        };
        let refused = |entry: &Value, params: Value, says: &str| {
            let layer = layer_with(small_map(), entry);
            tell(&layer, params);
            for args in [&[][..], &["--dry-run"], &["--check-endpoints"]] {
                layer.run(PROGRAM, args).assert_status(2).assert_says(says);
            }
            assert_eq!(layer.statuses().len(), 1, "nothing was begun");
        };
        let says = format!("must not have a key \"{key}\"");
        refused(&of_protocol(json!({})), json!({ key: "x" }), &says);
        refused(
            &of_protocol(json!({"params": { key: null }})),
            json!({}),
            &says,
        );
        for header in [
            "Content-Length",
            "content-type",
            "HOST",
            "transfer-encoding",
        ] {
            let entry = of_protocol(json!({"headers": { header: "7" }}));
            refused(
                &entry,
                json!({}),
                &format!("must not have a header {header}"),
            );
        }
    }
    assert_eq!(server.requests().len(), 0);
}

//! Whatever comes in the place of a picture, and pictures of every kind.

use std::io::Cursor;
use std::thread;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use fixtures::layers::TestLayer;
use fixtures::maps::{MapSpec, encode_png};
use fixtures::server::{Reply, ScriptedServer, ServerSpec};
use image::{DynamicImage, ImageFormat, RgbImage, Rgba};
use planner::Quadrant;
use serde_json::json;

use crate::support::{Background, PROGRAM, invert, layer_at};

/// A layer of one item, whose canvas has 64x48 pixels.
fn one_item(server: &ScriptedServer) -> TestLayer {
    layer_at(MapSpec::rectangle(2, 2).quadrant_px(32, 24), &[server])
}

fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
    encode_png(picture)
}

/// A PNG of a few dozen bytes that claims to be huge.
fn bomb(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = png(RgbImage::new(1, 1));
    bytes[16..20].copy_from_slice(&width.to_be_bytes());
    bytes[20..24].copy_from_slice(&height.to_be_bytes());
    // The checksum of the head, or the decoder would refuse it for that.
    let checksum = crc32(&bytes[12..29]);
    bytes[29..33].copy_from_slice(&checksum.to_be_bytes());
    bytes.truncate(40);
    bytes
}

/// PNG's checksum (<https://www.w3.org/TR/png/#5CRC-algorithm>).
fn crc32(bytes: &[u8]) -> u32 {
    let update = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                0xedb8_8320 ^ (crc >> 1)
            } else {
                crc >> 1
            }
        })
    };
    !bytes.iter().fold(u32::MAX, update)
}

#[test]
fn a_bad_answer_fails_its_tries_with_a_message_that_says_what_came() {
    let cases: Vec<(&str, Reply, Vec<&str>)> = vec![
        (
            "not JSON",
            Reply::status(200)
                .header("content-type", "application/json")
                .body("{\"image_b64\": "),
            vec!["application/json", "14 bytes that begin with", "image_b64"],
        ),
        (
            "no picture",
            Reply::status(200).json(&json!({"status": "ok"})),
            vec!["without image_b64", "\"{\\\"status\\\":\\\"ok\\\"}\""],
        ),
        (
            "a picture that is null",
            Reply::status(200).json(&json!({"image_b64": null})),
            vec!["without image_b64"],
        ),
        (
            "broken base64",
            Reply::status(200).json(&json!({"image_b64": "!!!!"})),
            vec!["base64 is broken", "!!!!"],
        ),
        (
            "half a PNG",
            Reply::half_picture(),
            vec!["application/json", "does not decode", "89 50 4e 47"],
        ),
        (
            "a bomb",
            Reply::picture(bomb(60_000, 60_000)),
            vec!["does not decode", "40 bytes", "89 50 4e 47"],
        ),
        (
            "a wide bomb",
            Reply::picture(bomb(4_000_000_000, 1)),
            vec!["does not decode", "40 bytes"],
        ),
        (
            "HTML",
            Reply::status(200).html("<html><title>Sign in</title>"),
            vec!["text/html", "<title>Sign in"],
        ),
        (
            "nothing",
            Reply::status(200),
            vec!["no content type", "nothing (0 bytes)"],
        ),
        ("no content", Reply::status(204), vec!["HTTP 204"]),
        (
            "one pixel",
            Reply::picture(png(RgbImage::new(1, 1))),
            vec!["1x1 px", "64x48 px"],
        ),
        (
            "text for a picture",
            Reply::picture("sorry, no"),
            vec!["no PNG, JPEG or WebP", "sorry, no"],
        ),
        (
            "2 GB",
            Reply::endless(2 << 30),
            vec![
                "2147483648 bytes",
                "application/json",
                "begin with \"{\\\"image_b64",
            ],
        ),
    ];
    thread::scope(|scope| {
        for (name, reply, says) in cases {
            scope.spawn(move || {
                let server = ServerSpec::new().script(move |_, _| reply.clone()).start();
                let layer = one_item(&server);
                let run = layer.run(PROGRAM, &[]);
                assert_eq!(run.status, Some(1), "{name}: {}", run.stderr);
                assert_eq!(server.calls().len(), 3, "{name}");
                let message = &layer.sql("SELECT error_message FROM generation_plan")[0][0];
                assert!(
                    message.starts_with("endpoint a: HTTP 20"),
                    "{name}: {message}"
                );
                for text in says {
                    assert!(
                        message.contains(text),
                        "{name}: {text:?} is not in {message}"
                    );
                }
                let outcomes = layer.sql("SELECT DISTINCT outcome FROM attempts");
                assert_eq!(outcomes, [["bad_answer"]], "{name}");
                assert_eq!(layer.all_stored(), []);
            });
        }
    });
}

/// The half of a JPEG of the canvas's size.
fn half_a_jpeg() -> Vec<u8> {
    let picture = RgbImage::from_fn(64, 48, |x, y| image::Rgb([(x * y) as u8, x as u8, y as u8]));
    let mut bytes = encode(&picture.into(), ImageFormat::Jpeg);
    bytes.truncate(bytes.len() * 2 / 3);
    bytes
}

#[test]
fn a_picture_that_is_not_whole_is_never_saved_however_it_came() {
    let torn = half_a_jpeg();
    let mut unbounded = b"HTTP/1.1 200 OK\r\ncontent-type: image/jpeg\r\n\r\n".to_vec();
    unbounded.extend(&torn);
    // Zeros for the rest, and a second scan in the middle.
    let scan = torn
        .windows(2)
        .position(|marker| marker == [0xff, 0xda])
        .unwrap();
    let two_scans = [
        &torn[..],
        &torn[scan..scan + 14],
        &torn[scan + 14..],
        &[0xff, 0xd9],
    ]
    .concat();
    let webp = encode(
        &RgbImage::from_fn(64, 48, |x, y| image::Rgb([x as u8, y as u8, 9])).into(),
        ImageFormat::WebP,
    );
    for (name, protocol, reply) in [
        (
            "a body that ends early and has no length",
            "multipart",
            Reply::raw(unbounded, fixtures::server::Ending::Close),
        ),
        (
            "one cut before it became base64",
            "edit_b64",
            Reply::picture(torn.clone()),
        ),
        (
            "base64 that was cut",
            "edit_b64",
            Reply::status(200).json(&json!({
                "image_b64": BASE64.encode(&torn)[..torn.len() / 8 * 4]
            })),
        ),
        ("a second scan", "edit_b64", Reply::picture(two_scans)),
        (
            "half a WebP",
            "edit_b64",
            Reply::picture(&webp[..webp.len() / 2]),
        ),
    ] {
        let server = ServerSpec::new().script(move |_, _| reply.clone()).start();
        let layer = one_item(&server);
        crate::support::set_option(&layer, 0, "protocol", protocol);
        layer.run(PROGRAM, &[]).assert_status(1);
        let message = &layer.sql("SELECT error_message FROM generation_plan")[0][0];
        assert!(message.contains("does not decode"), "{name}: {message}");
        assert_eq!(layer.all_stored(), [], "{name}");
    }
}

/// The model's picture after a change of its kind.
fn as_kind(change: impl Fn(DynamicImage) -> Vec<u8> + Send + Sync + 'static) -> Reply {
    Reply::model_changed(move |bytes| change(image::load_from_memory(&bytes).unwrap()))
}

fn encode(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, format)
        .expect("the picture can be encoded");
    bytes.into_inner()
}

/// A PNG with a palette of all colours of the picture, which are at most 256.
fn with_palette(picture: &RgbImage) -> Vec<u8> {
    let mut colours: Vec<[u8; 3]> = Vec::new();
    let mut places = Vec::new();
    for pixel in picture.pixels() {
        let place = colours.iter().position(|colour| *colour == pixel.0);
        places.push(place.unwrap_or_else(|| {
            colours.push(pixel.0);
            colours.len() - 1
        }) as u8);
    }
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, picture.width(), picture.height());
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_palette(colours.concat());
    encoder
        .write_header()
        .unwrap()
        .write_image_data(&places)
        .unwrap();
    bytes
}

#[test]
fn a_good_picture_of_another_kind_is_accepted_and_stored_as_rgb() {
    type Expected = fn(&RgbImage) -> RgbImage;
    let grey: Expected =
        |source| DynamicImage::from(DynamicImage::from(invert(source)).into_luma8()).into_rgb8();
    let plain: Expected = |source| {
        RgbImage::from_fn(source.width(), source.height(), |x, y| {
            image::Rgb([(x / 8) as u8 * 40, (y / 8) as u8 * 40, 9])
        })
    };
    // The kind, the answer, what is stored, and by how much a pixel may differ.
    let cases: Vec<(&str, Reply, Expected, u8)> = vec![
        (
            "JPEG",
            as_kind(|picture| encode(&picture.into_rgb8().into(), ImageFormat::Jpeg)),
            invert,
            60,
        ),
        (
            "WebP",
            as_kind(|picture| encode(&picture, ImageFormat::WebP)),
            invert,
            0,
        ),
        (
            "16 bit",
            as_kind(|picture| png(picture.into_rgb16())),
            invert,
            0,
        ),
        (
            "grey",
            as_kind(|picture| png(picture.into_luma8())),
            grey,
            1,
        ),
        (
            "grey, 16 bit",
            as_kind(|picture| png(picture.into_luma8()).clone()),
            grey,
            1,
        ),
        (
            "alpha",
            as_kind(|picture| {
                let mut picture = picture.into_rgba8();
                for (x, y, pixel) in picture.enumerate_pixels_mut() {
                    *pixel = Rgba([pixel.0[0], pixel.0[1], pixel.0[2], (x * y) as u8]);
                }
                png(picture)
            }),
            invert,
            0,
        ),
        (
            "palette",
            as_kind(|picture| {
                let tile = |at: u32, size: u32| ((at % (size / 2)) / 8) as u8 * 40;
                let (width, height) = (picture.width(), picture.height());
                with_palette(&RgbImage::from_fn(width, height, |x, y| {
                    image::Rgb([tile(x, width), tile(y, height), 9])
                }))
            }),
            plain,
            0,
        ),
    ];
    thread::scope(|scope| {
        for (name, reply, expected, tolerance) in cases {
            scope.spawn(move || {
                let server = ServerSpec::new().script(move |_, _| reply.clone()).start();
                let layer = one_item(&server);
                let run = layer.run(PROGRAM, &[]);
                assert_eq!(run.status, Some(0), "{name}: {}", run.stderr);
                for &quadrant in layer.region().quadrants() {
                    let bytes = layer.stored(quadrant).unwrap();
                    let stored = image::load_from_memory(&bytes).unwrap();
                    assert_eq!(stored.color(), image::ColorType::Rgb8, "{name}");
                    let wanted = expected(&layer.source(quadrant));
                    let stored = stored.into_rgb8();
                    let differs = stored
                        .as_raw()
                        .iter()
                        .zip(wanted.as_raw())
                        .map(|(a, b)| a.abs_diff(*b))
                        .max();
                    assert!(
                        differs <= Some(tolerance),
                        "{name}: {quadrant} is {differs:?} off"
                    );
                }
            });
        }
    });
}

#[test]
fn the_status_that_is_recorded_and_told_is_the_servers_own() {
    let picture = png(RgbImage::new(64, 48));
    let body = json!({"image_b64": BASE64.encode(picture)});
    let server = ServerSpec::new()
        .script(move |_, _| Reply::status(201).json(&body))
        .start();
    let layer = one_item(&server);
    layer
        .run(PROGRAM, &["--check-endpoints"])
        .assert_status(0)
        .assert_says("201 Created");
    layer.run(PROGRAM, &[]).assert_status(0);
    assert_eq!(layer.sql("SELECT http_status FROM attempts"), [["201"]]);
}

#[test]
fn memory_stays_bounded_whatever_comes() {
    let nested = "[".repeat(20 << 20);
    let cases: Vec<(&str, Reply)> = vec![
        ("2 GB", Reply::endless(2 << 30)),
        (
            "a body without a length",
            Reply::raw(endless_head(), fixtures::server::Ending::Close),
        ),
        ("60,000 x 60,000", Reply::picture(bomb(60_000, 60_000))),
        ("20,000 x 20,000", Reply::picture(bomb(20_000, 20_000))),
        (
            "nothing but brackets",
            Reply::status(200)
                .header("content-type", "application/json")
                .body(nested),
        ),
        (
            "a long error",
            Reply::status(500).body(vec![b'e'; 64 << 20]),
        ),
    ];
    for (name, reply) in cases {
        let server = ServerSpec::new().script(move |_, _| reply.clone()).start();
        let layer = layer_at(MapSpec::rectangle(5, 5), &[&server]);
        crate::support::set_option(&layer, 0, "max_concurrent", 4);
        let mut run = Background::start(&layer, &["--max-errors", "4"]);
        let mut peak_kb = 0;
        while run.has_ended().is_none() {
            peak_kb = peak_kb.max(peak_of(run.pid()).unwrap_or(0));
            thread::sleep(std::time::Duration::from_millis(5));
        }
        let run = run.finish();
        assert_ne!(run.status, None, "{name}: {}", run.stderr);
        assert!(peak_kb > 1000, "{name}: nothing was measured");
        assert!(peak_kb < 400_000, "{name}: {peak_kb} KB");
    }
}

/// The head and the beginning of an answer in chunks that go on for 64 MB.
fn endless_head() -> Vec<u8> {
    let mut bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..64 {
        bytes.extend_from_slice(b"100000\r\n");
        bytes.resize(bytes.len() + (1 << 20), b'A');
        bytes.extend_from_slice(b"\r\n");
    }
    bytes
}

/// The most memory a process has had, in KB.
fn peak_of(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn an_answer_of_another_size_is_brought_to_the_canvas_and_told() {
    let server = ServerSpec::new()
        .script(|_, _| {
            as_kind(|picture| {
                png(picture.resize_exact(128, 96, image::imageops::FilterType::Nearest))
            })
        })
        .start();
    let layer = one_item(&server);
    layer
        .run(PROGRAM, &[])
        .assert_status(0)
        .assert_says("1 answers had another size than the canvas");
    let picture = layer.picture(Quadrant::new(0, 0)).unwrap();
    assert_eq!(picture.dimensions(), (32, 24));
}

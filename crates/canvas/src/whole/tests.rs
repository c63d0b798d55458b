//! Pictures of every kind, cut and mixed up at every place.

use image::codecs::webp::WebPEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageEncoder, RgbImage};
use jpeg_encoder::{ColorType, SamplingFactor};

use crate::{Buffers, Tell, decode};

const WIDTH: u32 = 41;
const HEIGHT: u32 = 37;

/// A picture in which no part is like another.
fn picture() -> RgbImage {
    let mut random = fastrand::Rng::with_seed(7);
    RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let grain = random.u32(0..40);
        image::Rgb([
            (x * 5 + grain) as u8,
            (y * 6 + grain) as u8,
            ((x * y) % 200 + grain) as u8,
        ])
    })
}

/// How a JPEG is made.
#[derive(Debug, Clone, Copy, Default)]
struct JpegOptions {
    sampling: Option<SamplingFactor>,
    is_progressive: bool,
    restarts: Option<u16>,
    is_grey: bool,
    /// Behind the EXIF marker.
    orientation: Option<u8>,
}

fn jpeg(options: JpegOptions) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 80);
    encoder.set_progressive(options.is_progressive);
    if let Some(sampling) = options.sampling {
        encoder.set_sampling_factor(sampling);
    }
    if let Some(restarts) = options.restarts {
        encoder.set_restart_interval(restarts);
    }
    if let Some(orientation) = options.orientation {
        let mut exif = b"Exif\0\0".to_vec();
        exif.extend(exif_of(orientation));
        encoder.add_app_segment(1, exif).unwrap();
    }
    let (width, height) = (WIDTH as u16, HEIGHT as u16);
    if options.is_grey {
        let grey = DynamicImage::from(picture()).into_luma8();
        encoder
            .encode(&grey, width, height, ColorType::Luma)
            .unwrap();
    } else {
        encoder
            .encode(&picture(), width, height, ColorType::Rgb)
            .unwrap();
    }
    bytes
}

/// EXIF data that says nothing but how a picture lies.
fn exif_of(orientation: u8) -> Vec<u8> {
    let mut exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
    exif
}

/// A PNG in lines of `IDAT` of a few bytes each.
fn png(change: impl Fn(&mut png::Encoder<'_, &mut Vec<u8>>), samples: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgb);
    change(&mut encoder);
    let mut writer = encoder.write_header().unwrap();
    {
        use std::io::Write;
        let mut stream = writer.stream_writer_with_size(300).unwrap();
        stream.write_all(samples).unwrap();
        stream.finish().unwrap();
    }
    writer.finish().unwrap();
    bytes
}

fn lossless_webp() -> Vec<u8> {
    let mut bytes = Vec::new();
    WebPEncoder::new_lossless(&mut bytes)
        .write_image(&picture(), WIDTH, HEIGHT, image::ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

/// Whole pictures of every kind.
fn kinds() -> Vec<(String, Vec<u8>)> {
    let rgb = picture();
    let rgba = DynamicImage::from(rgb.clone()).into_rgba8();
    let mut kinds = vec![
        ("PNG".to_owned(), png(|_| {}, &rgb)),
        (
            "PNG with alpha".to_owned(),
            png(|png| png.set_color(png::ColorType::Rgba), &rgba),
        ),
        ("lossless WebP".to_owned(), lossless_webp()),
        (
            "lossy WebP".to_owned(),
            include_bytes!("../../tests/pictures/lossy.webp").to_vec(),
        ),
    ];
    for is_progressive in [false, true] {
        for restarts in [None, Some(1), Some(5)] {
            for sampling in [
                SamplingFactor::F_1_1,
                SamplingFactor::F_2_1,
                SamplingFactor::F_2_2,
            ] {
                let options = JpegOptions {
                    sampling: Some(sampling),
                    is_progressive,
                    restarts,
                    ..JpegOptions::default()
                };
                kinds.push((format!("{options:?}"), jpeg(options)));
            }
        }
        let grey = JpegOptions {
            is_grey: true,
            is_progressive,
            ..JpegOptions::default()
        };
        kinds.push((format!("{grey:?}"), jpeg(grey)));
    }
    kinds
}

/// What is decoded, into a buffer that held another picture before.
fn decoded(bytes: &[u8]) -> Result<DynamicImage, String> {
    let mut buffers = Buffers::default();
    buffers.give_back(vec![0xab; 4 * (WIDTH * HEIGHT) as usize + 100]);
    decode(bytes, 1000, Tell::FirstBytes, &mut buffers)
}

/// Checks that what was made of a whole picture is refused, or shows the very same.
fn check(kind: &str, what: &str, whole: &DynamicImage, bytes: &[u8]) {
    if let Ok(picture) = decoded(bytes) {
        assert!(picture == *whole, "{kind}, {what}, is taken for whole");
    }
}

/// Where the first scan of a JPEG begins: its header, and its data.
fn first_scan(jpeg: &[u8]) -> Option<(usize, usize)> {
    let at = jpeg.windows(2).position(|marker| marker == [0xff, 0xda])?;
    Some((
        at,
        at + 2 + usize::from(u16::from_be_bytes([jpeg[at + 2], jpeg[at + 3]])),
    ))
}

#[test]
fn whole_pictures_of_every_kind_are_decoded() {
    for (kind, bytes) in kinds() {
        let whole = decoded(&bytes).unwrap_or_else(|error| panic!("{kind}: {error}"));
        let expected = image::load_from_memory(&bytes).unwrap();
        assert!(whole == expected, "{kind}");
        let mut followed = bytes.clone();
        followed.extend(b"what a server had to say besides");
        if !kind.contains("WebP") {
            assert_eq!(
                decoded(&followed),
                Ok(whole),
                "{kind} with something behind it"
            );
        }
    }
}

#[test]
fn a_picture_that_is_cut_anywhere_is_refused_whatever_stands_behind_it() {
    for (kind, bytes) in kinds() {
        let whole = decoded(&bytes).unwrap();
        let scan = first_scan(&bytes).filter(|_| bytes.starts_with(&[0xff, 0xd8]));
        let mut another_scan = scan.map_or(Vec::new(), |(from, to)| bytes[from..to].to_vec());
        another_scan.extend([0x12, 0x34, 0xff, 0xd9]);
        let mut random = fastrand::Rng::with_seed(3);
        let mut noise: Vec<u8> = (0..700).map(|_| random.u8(0..255)).collect();
        noise.extend([0xff, 0xd9]);
        let junk: [(&str, &[u8]); 8] = [
            ("nothing", b""),
            ("a text", b"\r\n<html>502 Bad Gateway</html>"),
            ("zeros", &[0; 64]),
            ("the end of a JPEG", &[0xff, 0xd9]),
            ("a restart", &[0xff, 0xd0, 0xff, 0xd1, 0x77, 0xff, 0xd9]),
            ("another scan", &another_scan),
            ("noise", &noise),
            ("the end of a PNG", b"\0\0\0\0IEND\xaeB`\x82"),
        ];
        for length in 0..bytes.len() {
            for (what, junk) in junk {
                let torn = [&bytes[..length], junk].concat();
                // Neither kind of WebP has anything that tells its own bytes from others.
                if kind.contains("WebP") && torn.len() == bytes.len() {
                    continue;
                }
                check(
                    &kind,
                    &format!("cut after {length} bytes and followed by {what}"),
                    &whole,
                    &torn,
                );
            }
        }
        assert!(decoded(&bytes[..bytes.len() - 3]).is_err(), "{kind}");
    }
}

#[test]
fn a_jpeg_with_a_second_scan_anywhere_is_refused() {
    for (kind, bytes) in kinds() {
        if !bytes.starts_with(&[0xff, 0xd8]) {
            continue;
        }
        let whole = decoded(&bytes).unwrap();
        let (header, data) = first_scan(&bytes).expect("a scan");
        for at in data..bytes.len() {
            let torn = [&bytes[..at], &bytes[header..data], &bytes[at..]].concat();
            check(&kind, &format!("with another scan at {at}"), &whole, &torn);
        }
    }
}

/// Where each chunk of a PNG begins and ends.
fn chunks(png: &[u8]) -> Vec<(usize, usize)> {
    let mut at = 8;
    let mut chunks = Vec::new();
    while at < png.len() {
        let length = u32::from_be_bytes(png[at..at + 4].try_into().unwrap()) as usize;
        chunks.push((at, at + 12 + length));
        at += 12 + length;
    }
    chunks
}

#[test]
fn a_png_without_one_of_its_chunks_or_with_a_wrong_bit_is_refused() {
    let rgba = DynamicImage::from(picture()).into_rgba8();
    for (kind, bytes) in [
        ("RGB", png(|_| {}, &picture())),
        (
            "RGBA",
            png(|png| png.set_color(png::ColorType::Rgba), &rgba),
        ),
    ] {
        let whole = decoded(&bytes).unwrap();
        assert!(chunks(&bytes).len() > 8, "there are several of pixels");
        for (from, to) in chunks(&bytes) {
            let torn = [&bytes[..from], &bytes[to..]].concat();
            check(kind, &format!("without the chunk at {from}"), &whole, &torn);
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(
                decoded(&damaged).is_err(),
                "{kind} with a wrong bit at {at}"
            );
        }
    }
}

/// A PNG with one more chunk at a place between two others.
pub(crate) fn with_chunk(png: &[u8], at: usize, name: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let named = [name, data].concat();
    let length = (data.len() as u32).to_be_bytes();
    let checksum = crc32fast::hash(&named).to_be_bytes();
    [&png[..at], &length, &named, &checksum, &png[at..]].concat()
}

#[test]
fn a_picture_is_turned_the_way_it_is_to_be_looked_at() {
    let turned = |orientation: u8| {
        let mut picture = DynamicImage::from(picture());
        picture.apply_orientation(Orientation::from_exif(orientation).unwrap());
        picture
    };
    for orientation in 1..=8 {
        let expected = turned(orientation);
        let plain = png(|_| {}, &picture());
        // Before the pixels, and behind them.
        for at in [8 + 25, plain.len() - 12] {
            let png = with_chunk(&plain, at, b"eXIf", &exif_of(orientation));
            assert_eq!(decoded(&png).as_ref(), Ok(&expected), "PNG, {orientation}");
        }
        let mut expected = decoded(&jpeg(JpegOptions::default())).unwrap();
        expected.apply_orientation(Orientation::from_exif(orientation).unwrap());
        let jpeg = jpeg(JpegOptions {
            orientation: Some(orientation),
            ..JpegOptions::default()
        });
        assert_eq!(decoded(&jpeg), Ok(expected), "JPEG, {orientation}");
    }
}

//! What the tests of all protocols need.

use std::path::PathBuf;

use fixtures::layers::TestLayer;
use fixtures::maps::{MapSpec, encode_png};
use fixtures::server::{FormPart, RecordedRequest};
use image::RgbImage;
use serde_json::{Value, json};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_generate_full_map_layer");

pub(crate) fn invert(picture: &RgbImage) -> RgbImage {
    let mut picture = picture.clone();
    image::imageops::invert(&mut picture);
    picture
}

/// One block of each shape: a 2x2, an upright and a lying strip, and a corner.
pub(crate) fn small_map() -> MapSpec {
    MapSpec::rectangle(3, 3)
}

/// The same with pictures that bear being scaled: a slope of 8 levels a pixel, so that one pixel
/// off is noticed.
pub(crate) fn smooth_map() -> MapSpec {
    small_map().quadrant_px(10, 10).painted(|_, quadrant| {
        encode_png(RgbImage::from_fn(10, 10, |x, y| {
            let level = |quadrant: i32, pixel: u32| (8 * (10 * quadrant as u32 + pixel) + 5) as u8;
            image::Rgb([level(quadrant.x, x), level(quadrant.y, y), 90])
        }))
    })
}

/// A layer of `map` with one endpoint `a` of this entry.
pub(crate) fn layer_with(map: MapSpec, entry: &Value) -> TestLayer {
    layer_with_all(map, [entry])
}

/// A layer of `map` with endpoints `a`, `b` and so on of these entries.
pub(crate) fn layer_with_all<'a>(
    map: MapSpec,
    entries: impl IntoIterator<Item = &'a Value>,
) -> TestLayer {
    let named = ('a'..='z').zip(entries).map(|(name, entry)| {
        let mut entry = entry.clone();
        entry["name"] = name.to_string().into();
        entry
    });
    TestLayer::new(map, &named.collect())
}

/// Sets what the layer tells all its models.
pub(crate) fn tell(layer: &TestLayer, generation_params: Value) {
    layer.configure(|config| config["generation_params"] = generation_params);
}

/// Sets a variable for the runs of a layer.
pub(crate) fn set_variable(layer: &TestLayer, name: &str, value: &str) {
    let path = layer.root().join(".env");
    let before = std::fs::read_to_string(&path).unwrap_or_default();
    std::fs::write(path, format!("{before}{name}='{value}'\n")).expect(".env");
}

/// The parts of a form by name, each exactly once.
pub(crate) fn form_of(request: &RecordedRequest) -> Vec<(String, FormPart)> {
    let form = request.form().expect("a form");
    let mut names: Vec<&str> = form.iter().map(|part| part.name.as_str()).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count, "a field is there twice: {names:?}");
    form.into_iter()
        .map(|part| (part.name.clone(), part))
        .collect()
}

/// The text fields of a form, as a JSON object.
pub(crate) fn texts_of(request: &RecordedRequest) -> Value {
    let parts = form_of(request).into_iter();
    let texts = parts.filter(|(_, part)| part.file_name.is_none());
    Value::Object(
        texts
            .map(|(name, part)| (name, part.text().into()))
            .collect(),
    )
}

/// The width and height of an encoded picture.
pub(crate) fn size_of(bytes: &[u8]) -> (u32, u32) {
    let picture = image::load_from_memory(bytes).expect("a picture");
    (picture.width(), picture.height())
}

pub(crate) fn base64_decode(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD
        .decode(text)
        .expect("base64")
}

pub(crate) fn base64_encode(bytes: &[u8]) -> String {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// The message of each failed item.
pub(crate) fn error_messages(layer: &TestLayer) -> Vec<String> {
    let rows =
        layer.sql("SELECT error_message FROM generation_plan WHERE status = 'error' ORDER BY id");
    rows.into_iter().map(|mut row| row.remove(0)).collect()
}

/// Asserts that every item is complete, and every picture about `expected` of its source.
#[track_caller]
pub(crate) fn assert_about(layer: &TestLayer, expected: impl Fn(&RgbImage) -> RgbImage) {
    for &quadrant in layer.region().quadrants() {
        let picture = layer
            .picture(quadrant)
            .unwrap_or_else(|| panic!("{quadrant} has no picture"));
        let expected = expected(&layer.source(quadrant));
        assert_eq!(picture.dimensions(), expected.dimensions());
        let differences = picture.iter().zip(expected.iter());
        let total: u32 = differences.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        let mean = f64::from(total) / f64::from(picture.len() as u32);
        assert!(mean < 2.0, "{quadrant} is {mean} levels off");
    }
    assert_eq!(layer.statuses().len(), 1, "{:?}", layer.statuses());
}

/// Every file of the project, by name and content.
pub(crate) fn files_of(layer: &TestLayer) -> Vec<(PathBuf, Vec<u8>)> {
    let mut directories = vec![layer.root().to_owned()];
    let mut files = Vec::new();
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).expect("a directory") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                directories.push(path);
            } else {
                let bytes = std::fs::read(&path).expect("a file");
                files.push((path, bytes));
            }
        }
    }
    files.sort();
    files
}

/// An entry for `url`.
pub(crate) fn entry(url: &str) -> Value {
    json!({"url": url})
}

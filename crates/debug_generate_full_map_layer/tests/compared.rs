//! A layer beside what it is compared with.

use fixtures::layers::TestLayer;
use fixtures::maps::{MapSpec, SourceLayer, generation_config};
use layer::{LayerDir, Storage};
use serde_json::json;

const PROGRAM: &str = env!("CARGO_BIN_EXE_debug_generate_full_map_layer");

fn map() -> MapSpec {
    MapSpec::drawn("##.\n###").quadrant_px(8, 8)
}

fn finished(storage: Storage) -> TestLayer {
    let layer = TestLayer::stored_in(storage, map(), &json!([]));
    layer.finish_with_source();
    layer
}

fn page(layer: &TestLayer) -> String {
    std::fs::read_to_string(LayerDir::at(layer.dir()).map_path()).expect("a page")
}

#[test]
fn a_page_that_is_a_file_has_the_source_s_pictures_beside_it() {
    let layer = finished(Storage::Files);
    let before = fixtures::layers::snapshot(layer.map_dir());
    let run = layer.run(PROGRAM, &["--compare"]);
    run.assert_status(0);
    assert!(
        run.stdout
            .contains("5 pictures were copied out of the database"),
        "{}",
        run.stdout
    );
    let dir = layer.dir().join("debug_map_source_pictures");
    for &at in layer.region().quadrants() {
        let copied = std::fs::read(dir.join(LayerDir::picture_name(at))).unwrap();
        assert_eq!(Some(copied), map().picture(SourceLayer::Generations, at));
    }
    assert!(layer.dir().join("source_overviews/1/0_0.png").exists());
    assert!(page(&layer).contains(r#""quadrants":"./debug_map_source_pictures/""#));
    let again = layer.run(PROGRAM, &["--compare"]);
    assert!(
        !again.stdout.contains("copied") && !again.stdout.contains("made"),
        "{}",
        again.stdout
    );
    assert_eq!(
        fixtures::layers::snapshot(layer.map_dir()),
        before,
        "nothing is written beside a source"
    );
}

#[test]
fn another_layer_of_the_same_map_is_compared_where_it_is() {
    for storage in [Storage::Files, Storage::Sqlite] {
        let (layer, other) = (finished(Storage::Files), finished(storage));
        let run = layer.run(PROGRAM, &["--compare", other.dir().to_str().unwrap()]);
        run.assert_status(0);
        let place = match storage {
            Storage::Files => "generations/",
            Storage::Sqlite => "debug_map_pictures/",
        };
        let page = page(&layer);
        let (_, compared) = page.split_once(r#""compared":"#).unwrap();
        assert!(compared[..600].contains(place), "{compared:.600}");
        assert!(other.dir().join("overviews/1/0_0.png").exists());
    }
}

#[test]
fn what_cannot_be_compared_is_named() {
    let layer = finished(Storage::Files);
    let mut config = generation_config("other", 16, 16);
    config["camera_azimuth_degrees"] = json!(77);
    let other = TestLayer::new(map().config(config), &json!([]));
    let nowhere = layer.root().join("nowhere");
    for (what, said) in [
        (other.dir(), "another camera or grid"),
        (nowhere, "layer_config.json"),
    ] {
        let run = layer.run(PROGRAM, &["--compare", what.to_str().unwrap()]);
        run.assert_status(2);
        assert!(
            run.stderr.contains(said) && run.stderr.contains(what.to_str().unwrap()),
            "{}",
            run.stderr
        );
    }
}

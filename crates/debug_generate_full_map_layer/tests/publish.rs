//! What `--publish` writes, writes again, and leaves alone.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use fixtures::layers::TestLayer;
use fixtures::maps::{MapSpec, encode_png};
use image::{Rgb, RgbImage};
use layer::Storage;
use planner::Quadrant;
use serde_json::{Value, json};

const PROGRAM: &str = env!("CARGO_BIN_EXE_debug_generate_full_map_layer");

const OUTLINE: &str = "##.##\n#####\n.####";
const SIDE_PX: u32 = 8;

/// A layer called `name` all of whose items are complete; its pictures are those of the source.
fn finished(storage: Storage, name: &str) -> TestLayer {
    let map = MapSpec::drawn(OUTLINE).quadrant_px(SIDE_PX, SIDE_PX);
    let layer = TestLayer::stored_in(storage, map.clone(), &json!([]));
    layer.configure(|config| config["name"] = json!(name));
    layer.finish_with_source();
    layer
}

fn publish(layer: &TestLayer, site: &Path, flags: &[&str]) -> String {
    let flags = [&["--publish", site.to_str().unwrap()], flags].concat();
    let run = layer.run(PROGRAM, &flags);
    run.assert_status(0);
    run.stdout
}

/// All files below `dir`, with what is in them and when they were written.
fn files(dir: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime, u64)> {
    let mut files = BTreeMap::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                let metadata = path.metadata().unwrap();
                let bytes = std::fs::read(&path).unwrap();
                files.insert(path, (bytes, metadata.modified().unwrap(), metadata.ino()));
            }
        }
    }
    files
}

fn tile(site: &Path, name: &str, level: u32, column: i32, row: i32, extension: &str) -> PathBuf {
    site.join(format!("{name}_files/{level}/{column}_{row}.{extension}"))
}

/// The whole map is 40x24 pixels, so it takes six halvings to one pixel.
const DEEPEST: u32 = 6;

#[test]
fn the_deepest_level_is_the_quadrants_files_and_the_shallowest_one_pixel() {
    for storage in [Storage::Files, Storage::Sqlite] {
        let layer = finished(storage, "Snow");
        let site = layer.root().join("site");
        publish(&layer, &site, &[]);
        let descriptor = std::fs::read_to_string(site.join("snow.dzi")).unwrap();
        for part in [
            "Format=\"png\"",
            "Overlap=\"0\"",
            "TileSize=\"8\"",
            "Width=\"40\"",
            "Height=\"24\"",
        ] {
            assert!(descriptor.contains(part), "{descriptor}");
        }
        for &at in layer.region().quadrants() {
            let path = tile(&site, "snow", DEEPEST, at.x, at.y, "png");
            assert_eq!(std::fs::read(&path).unwrap(), layer.stored(at).unwrap());
            let links = path.metadata().unwrap().nlink();
            assert_eq!(links > 1, storage == Storage::Files, "{}", path.display());
        }
        let count = std::fs::read_dir(site.join("snow_files").join(DEEPEST.to_string()))
            .unwrap()
            .count();
        assert_eq!(
            count,
            layer.region().len(),
            "outside of the outline there are no files"
        );
        let pixel = image::open(tile(&site, "snow", 0, 0, 0, "png")).unwrap();
        assert_eq!((pixel.width(), pixel.height()), (1, 1));
        let levels = std::fs::read_dir(site.join("snow_files")).unwrap().count();
        assert_eq!(levels, DEEPEST as usize + 1);
    }
}

#[test]
fn again_only_what_has_changed_is_written() {
    for flags in [&[][..], &["--webp"]] {
        for storage in [Storage::Files, Storage::Sqlite] {
            let layer = finished(storage, "Snow");
            let site = layer.root().join("site");
            publish(&layer, &site, flags);
            let before = files(&site.join("snow_files"));
            let said = publish(&layer, &site, flags);
            assert!(said.contains(" 0 of them written"), "{said}");
            assert_eq!(files(&site.join("snow_files")), before);

            let page = std::fs::read_to_string(site.join("index.html")).unwrap();
            let picture = RgbImage::from_pixel(SIDE_PX, SIDE_PX, Rgb([1, 2, 3]));
            layer.tamper(Quadrant::new(4, 0), Some(&encode_png(picture)));
            publish(&layer, &site, flags);
            let after = files(&site.join("snow_files"));
            let changed: Vec<&PathBuf> = after
                .keys()
                .filter(|path| after[*path] != before[*path])
                .collect();
            // One tile of each level, and nothing else.
            assert_eq!(changed.len(), DEEPEST as usize + 1, "{changed:?}");
            // What browsers keep has another address then.
            assert_ne!(
                std::fs::read_to_string(site.join("index.html")).unwrap(),
                page
            );
        }
    }
}

#[test]
fn what_is_no_more_is_removed_and_what_others_wrote_is_left_alone() {
    let layer = finished(Storage::Files, "Snow");
    let site = layer.root().join("site");
    publish(&layer, &site, &[]);
    for (name, text) in [
        ("notes.txt", "mine"),
        ("other.json", "{\"mine\": 1}"),
        ("snow_files/6/notes.txt", "mine"),
        ("snow_files/6/99_99.png", "mine"),
    ] {
        std::fs::write(site.join(name), text).unwrap();
    }
    let gone = layer.region().quadrants()[0];
    let block = planner::plan(layer.region())
        .blocks
        .into_iter()
        .position(|block| block.quadrants().any(|at| at == gone));
    let _ = layer.sql(&format!(
        "UPDATE generation_plan SET status = 'pending' WHERE id = {}",
        1 + block.unwrap()
    ));
    publish(&layer, &site, &[]);
    assert!(!tile(&site, "snow", DEEPEST, gone.x, gone.y, "png").exists());
    for name in [
        "notes.txt",
        "other.json",
        "snow_files/6/notes.txt",
        "snow_files/6/99_99.png",
    ] {
        assert!(site.join(name).exists(), "{name}");
    }
    publish(&layer, &site, &["--webp"]);
    let left = files(&site.join("snow_files"));
    let pngs: Vec<_> = left
        .keys()
        .filter(|path| path.extension().unwrap() == "png")
        .collect();
    assert_eq!(pngs, [&site.join("snow_files/6/99_99.png")]);
}

#[test]
fn a_webp_has_the_pixels_of_its_picture() {
    let layer = finished(Storage::Files, "Snow");
    let site = layer.root().join("site");
    publish(&layer, &site, &["--webp"]);
    for &at in layer.region().quadrants() {
        let published = image::open(tile(&site, "snow", DEEPEST, at.x, at.y, "webp")).unwrap();
        assert_eq!(Some(published.to_rgb8()), layer.picture(at));
    }
}

#[test]
fn of_a_map_that_has_grown_nothing_of_before_is_left() {
    let layer = finished(Storage::Files, "Snow");
    let site = layer.root().join("site");
    for flags in [&[][..], &["--webp"]] {
        publish(&layer, &site, flags);
        // Another plan, that reaches further to the top left: all tiles lie elsewhere.
        let grown = TestLayer::new(
            MapSpec::drawn("#.......\n........\n........").quadrant_px(SIDE_PX, SIDE_PX),
            &json!([]),
        );
        grown.configure(|config| config["name"] = json!("Snow"));
        grown.finish_with_source();
        let said = publish(&grown, &site, &[]);
        assert!(said.contains("4 files of Snow"), "{said}");
        let left: Vec<PathBuf> = files(&site.join("snow_files")).into_keys().collect();
        assert_eq!(
            left.len(),
            4,
            "a quadrant of 8 px and three halvings: {left:?}"
        );
    }
}

#[test]
fn a_picture_that_cannot_be_read_is_told_and_left_out() {
    let layer = finished(Storage::Files, "Snow");
    let site = layer.root().join("site");
    publish(&layer, &site, &["--webp"]);
    let at = layer.region().quadrants()[0];
    layer.tamper(at, Some(b"no picture"));
    let run = layer.run(PROGRAM, &["--publish", site.to_str().unwrap(), "--webp"]);
    run.assert_status(0);
    assert!(
        run.stderr
            .contains("1 pictures cannot be read and are left out"),
        "{}",
        run.stderr
    );
    assert!(!tile(&site, "snow", DEEPEST, at.x, at.y, "webp").exists());
    let whole = layer.source(at);
    layer.tamper(at, Some(&encode_png(whole)));
    publish(&layer, &site, &["--webp"]);
    assert!(tile(&site, "snow", DEEPEST, at.x, at.y, "webp").exists());
}

#[test]
fn what_is_in_the_way_is_named_and_nothing_is_written() {
    for taken in ["index.html", "snow.dzi", "snow_files", "snow.json"] {
        let layer = finished(Storage::Files, "Snow");
        let site = layer.root().join("site");
        std::fs::create_dir_all(&site).unwrap();
        std::fs::write(site.join(taken), "{}").unwrap();
        let run = layer.run(PROGRAM, &["--publish", site.to_str().unwrap()]);
        run.assert_status(2);
        assert!(
            run.stderr.contains(taken) && run.stderr.contains("another directory"),
            "{}",
            run.stderr
        );
        assert_eq!(std::fs::read_dir(&site).unwrap().count(), 1);
        assert_eq!(std::fs::read(site.join(taken)).unwrap(), b"{}");
    }
}

#[test]
fn layers_stand_beside_each_other_and_one_name_is_one_layer() {
    let (snow, night) = (
        finished(Storage::Files, "Snow"),
        finished(Storage::Sqlite, "Night"),
    );
    let site = snow.root().join("site");
    publish(&snow, &site, &[]);
    let before = files(&site.join("snow_files"));
    publish(&night, &site, &[]);
    assert_eq!(files(&site.join("snow_files")), before);
    let page = std::fs::read_to_string(site.join("index.html")).unwrap();
    assert!(page.contains("snow_files/") && page.contains("night_files/"));

    let alike = finished(Storage::Files, "snow!");
    let run = alike.run(PROGRAM, &["--publish", site.to_str().unwrap()]);
    run.assert_status(2);
    assert!(
        run.stderr.contains("\"Snow\"") && run.stderr.contains("another name"),
        "{}",
        run.stderr
    );

    let elsewhere = MapSpec::drawn("##").quadrant_px(SIDE_PX, SIDE_PX);
    let mut config: Value = fixtures::maps::generation_config("other", 16, 16);
    config["seed"]["lat"] = json!(10.0);
    let other = TestLayer::new(elsewhere.config(config), &json!([]));
    let run = other.run(PROGRAM, &["--publish", site.to_str().unwrap()]);
    run.assert_status(2);
    assert!(run.stderr.contains("another map"), "{}", run.stderr);
}

#[test]
fn a_kill_at_any_moment_costs_nothing_but_the_time() {
    let layer = finished(Storage::Sqlite, "Snow");
    let whole = layer.root().join("whole");
    publish(&layer, &whole, &["--webp"]);
    let expected: Vec<Vec<u8>> = files(&whole.join("snow_files"))
        .into_values()
        .map(|(bytes, ..)| bytes)
        .collect();
    for ms in [0, 1, 2, 4, 6, 8, 11, 14, 18, 23, 30] {
        let site = layer.root().join(format!("site-{ms}"));
        let mut killed = Command::new(PROGRAM)
            .args([
                "--layer-dir",
                layer.dir().to_str().unwrap(),
                "--publish",
                site.to_str().unwrap(),
                "--webp",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(ms));
        let _ = killed.kill();
        let _ = killed.wait();
        publish(&layer, &site, &["--webp"]);
        let files = files(&site.join("snow_files")).into_iter();
        let files: Vec<Vec<u8>> = files
            .filter(|(path, _)| path.extension().unwrap() != "part")
            .map(|(_, (bytes, ..))| bytes)
            .collect();
        assert!(files == expected, "after {ms} ms");
    }
}

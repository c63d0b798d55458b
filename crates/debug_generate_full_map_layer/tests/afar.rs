//! The overviews of a layer: what is seen in them, and what of them is made again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::SystemTime;

use fixtures::layers::TestLayer;
use fixtures::maps::{MapSpec, SourceLayer, encode_png};
use image::{Rgb, RgbImage, RgbaImage};
use layer::{LayerDir, Storage};
use planner::{Block, Quadrant};
use serde_json::json;

const PROGRAM: &str = env!("CARGO_BIN_EXE_debug_generate_full_map_layer");

const OUTLINES: [&str; 4] = [
    "##.##\n#####\n.####\n###..",
    "#",
    "#########",
    "#.#\n...\n#.#",
];

struct Finished {
    layer: TestLayer,
    map: MapSpec,
    size: (u32, u32),
    blocks: Vec<(i64, Block)>,
}

/// A layer all of whose items are complete; its pictures are those of the source.
fn finished(storage: Storage, outline: &str, size: (u32, u32)) -> Finished {
    let map = MapSpec::drawn(outline).quadrant_px(size.0, size.1);
    let layer = TestLayer::stored_in(storage, map.clone(), &json!([]));
    layer.finish_with_source();
    let blocks = planner::plan(layer.region()).blocks;
    Finished {
        layer,
        map,
        size,
        blocks: (1..).zip(blocks).collect(),
    }
}

impl Finished {
    fn draw(&self) -> String {
        let run = self.layer.run(PROGRAM, &[]);
        run.assert_status(0);
        run.stdout
    }

    fn overviews(&self) -> PathBuf {
        self.layer.dir().join("overviews")
    }

    /// All tiles, by level, column and row, with the moment at which each was written.
    fn tiles(&self) -> BTreeMap<(u32, u32, u32), SystemTime> {
        let mut tiles = BTreeMap::new();
        for level in std::fs::read_dir(self.overviews()).expect("overviews") {
            let level = level.expect("an entry").path();
            let Ok(number) = level.file_name().unwrap().to_str().unwrap().parse() else {
                continue;
            };
            for tile in std::fs::read_dir(level).expect("a level") {
                let tile = tile.expect("an entry");
                let name = tile.file_name().into_string().unwrap();
                let (column, row) = name.strip_suffix(".png").unwrap().split_once('_').unwrap();
                let written = tile.metadata().unwrap().modified().unwrap();
                tiles.insert(
                    (number, column.parse().unwrap(), row.parse().unwrap()),
                    written,
                );
            }
        }
        tiles
    }

    /// The whole map, see-through where it has no finished pictures.
    fn whole(&self) -> RgbaImage {
        let bounds = self.layer.region().bounds().unwrap();
        let (min, max) = (bounds.min(), bounds.max());
        let (width, height) = self.size;
        let mut whole = RgbaImage::new(
            width * (max.x - min.x + 1).unsigned_abs(),
            height * (max.y - min.y + 1).unsigned_abs(),
        );
        for (quadrant, bytes) in self.layer.all_stored() {
            let picture = image::load_from_memory(&bytes).unwrap().to_rgba8();
            let at = (
                (quadrant.x - min.x) * width as i32,
                (quadrant.y - min.y) * height as i32,
            );
            image::imageops::replace(&mut whole, &picture, at.0.into(), at.1.into());
        }
        whole
    }

    /// Holds every pixel of every tile to the mean of the pixels of the map that it covers.
    fn assert_means(&self) {
        let whole = self.whole();
        let mut expected = BTreeSet::new();
        let levels = whole
            .width()
            .max(whole.height())
            .next_power_of_two()
            .ilog2();
        for level in 1..=levels {
            let side = 1 << level;
            let (width, height) = (whole.width().div_ceil(side), whole.height().div_ceil(side));
            for row in 0..height.div_ceil(self.size.1) {
                for column in 0..width.div_ceil(self.size.0) {
                    let at = (column * self.size.0, row * self.size.1);
                    let px = (
                        self.size.0.min(width - at.0),
                        self.size.1.min(height - at.1),
                    );
                    if self.assert_tile((level, column, row), at, px, &whole) {
                        expected.insert((level, column, row));
                    }
                }
            }
        }
        assert_eq!(self.tiles().into_keys().collect::<BTreeSet<_>>(), expected);
    }

    /// Returns whether there is something to see in the tile.
    fn assert_tile(
        &self,
        tile: (u32, u32, u32),
        at: (u32, u32),
        px: (u32, u32),
        whole: &RgbaImage,
    ) -> bool {
        let side = 1 << tile.0;
        let mean = |x: u32, y: u32| {
            let (mut sums, mut alpha, mut count) = ([0.0; 3], 0.0, 0.0);
            for y in y * side..((y + 1) * side).min(whole.height()) {
                for x in x * side..((x + 1) * side).min(whole.width()) {
                    let pixel = whole[(x, y)].0.map(f64::from);
                    (0..3).for_each(|i| sums[i] += pixel[i] * pixel[3]);
                    alpha += pixel[3];
                    count += 1.0;
                }
            }
            (alpha > 0.0).then(|| (sums.map(|sum| sum / alpha), alpha / count))
        };
        let places = || (0..px.1).flat_map(|y| (0..px.0).map(move |x| (x, y)));
        if places().all(|(x, y)| mean(at.0 + x, at.1 + y).is_none()) {
            return false;
        }
        let path = self
            .overviews()
            .join(format!("{}/{}_{}.png", tile.0, tile.1, tile.2));
        let picture = image::open(&path).unwrap_or_else(|error| panic!("{tile:?}: {error}"));
        assert_eq!((picture.width(), picture.height()), px, "{tile:?}");
        let picture = picture.to_rgba8();
        // Each level rounds once; what hangs over the end counts more than its part.
        let is_exact = whole.width().is_multiple_of(side) && whole.height().is_multiple_of(side);
        for (x, y) in places() {
            let seen = picture[(x, y)].0.map(f64::from);
            match mean(at.0 + x, at.1 + y) {
                None => assert_eq!(seen[3], 0.0, "{tile:?} {x} {y}"),
                Some((colors, alpha)) if is_exact => {
                    for i in 0..3 {
                        assert!(
                            (seen[i] - colors[i]).abs() <= 1.0 + 0.5 * f64::from(tile.0),
                            "{tile:?} {x} {y}: {seen:?} {colors:?}"
                        );
                    }
                    assert!(
                        (seen[3] - alpha).abs() <= 1.0 + f64::from(tile.0),
                        "{tile:?} {x} {y}: {seen:?} {alpha}"
                    );
                }
                Some(_) => assert!(seen[3] > 0.0, "{tile:?} {x} {y}"),
            }
        }
        true
    }

    /// Gives the item `id` other pictures, as a run does that makes it again.
    fn redo(&self, id: i64, level: u8) {
        let block = self.block(id);
        let picture = encode_png(RgbImage::from_pixel(
            self.size.0,
            self.size.1,
            Rgb([level; 3]),
        ));
        block
            .quadrants()
            .for_each(|quadrant| self.layer.tamper(quadrant, Some(&picture)));
        let _ = self.layer.sql(&format!(
            "UPDATE generation_plan SET completed_at = completed_at + 100 WHERE id = {id}"
        ));
    }

    fn block(&self, id: i64) -> Block {
        self.blocks
            .iter()
            .find(|(of, _)| *of == id)
            .expect("an item")
            .1
    }

    fn tiles_over(&self, block: Block) -> BTreeSet<(u32, u32, u32)> {
        let min = self.layer.region().bounds().unwrap().min();
        let levels = self.tiles().keys().map(|tile| tile.0).max().unwrap();
        let over = |quadrant: Quadrant| {
            let at = (
                (quadrant.x - min.x).unsigned_abs(),
                (quadrant.y - min.y).unsigned_abs(),
            );
            (1..=levels).map(move |level| (level, at.0 >> level, at.1 >> level))
        };
        block.quadrants().flat_map(over).collect()
    }
}

#[test]
fn each_pixel_of_every_level_is_the_mean_of_what_it_covers() {
    for storage in [Storage::Files, Storage::Sqlite] {
        for outline in OUTLINES {
            for size in [(8, 8), (5, 7), (16, 6)] {
                let layer = finished(storage, outline, size);
                layer.draw();
                layer.assert_means();
            }
        }
    }
}

#[test]
fn a_block_that_was_made_again_rewrites_the_tiles_that_show_it_and_no_others() {
    for storage in [Storage::Files, Storage::Sqlite] {
        for id in 1..=5 {
            let layer = finished(storage, "######\n######\n####.#\n######", (8, 8));
            layer.draw();
            let before = layer.tiles();
            layer.redo(id, 9);
            assert!(layer.draw().contains(" overviews were made"));
            layer.assert_means();
            let written = layer
                .tiles()
                .into_iter()
                .filter(|(tile, at)| before[tile] != *at);
            let written: BTreeSet<_> = written.map(|(tile, _)| tile).collect();
            assert_eq!(written, layer.tiles_over(layer.block(id)), "item {id}");
            let before = layer.tiles();
            assert!(
                !layer.draw().contains("overviews were made"),
                "nothing is left to do"
            );
            assert_eq!(layer.tiles(), before);
        }
    }
}

#[test]
fn what_is_not_finished_any_more_is_not_seen() {
    let layer = finished(Storage::Files, OUTLINES[0], (8, 8));
    layer.draw();
    for id in [2, 1, 3] {
        let _ = layer.layer.sql(&format!(
            "UPDATE generation_plan SET status = 'pending' WHERE id = {id}"
        ));
        for quadrant in layer.block(id).quadrants() {
            layer.layer.tamper(quadrant, None);
        }
        layer.draw();
        layer.assert_means();
    }
}

#[test]
fn whatever_was_lost_or_spoilt_is_made_again() {
    let layer = finished(Storage::Files, OUTLINES[0], (8, 8));
    layer.draw();
    let made = layer.overviews().join("made.json");
    let text = std::fs::read_to_string(&made).unwrap();
    let half = text[..text.len() / 2].to_owned();
    let remembered = [
        String::new(),
        half,
        "{}".to_owned(),
        "[1".to_owned(),
        text.replace("\"version\":1", "\"version\":99"),
    ];
    for text in remembered {
        std::fs::write(&made, text).unwrap();
        layer.draw();
        layer.assert_means();
    }
    for tile in layer.tiles().into_keys() {
        std::fs::remove_file(
            layer
                .overviews()
                .join(format!("{}/{}_{}.png", tile.0, tile.1, tile.2)),
        )
        .unwrap();
        layer.draw();
        layer.assert_means();
    }
    // Files of others are left alone.
    std::fs::write(layer.overviews().join("1/notes.txt"), "mine").unwrap();
    std::fs::remove_file(&made).unwrap();
    layer.draw();
    assert!(layer.overviews().join("1/notes.txt").exists());
    std::fs::remove_file(layer.overviews().join("1/notes.txt")).unwrap();
    layer.assert_means();
}

#[test]
fn a_kill_at_any_moment_leaves_nothing_that_is_not_made_again() {
    let outline = vec!["#".repeat(24); 24].join("\n");
    let layer = finished(Storage::Files, &outline, (8, 8));
    for ms in [0, 3, 6, 10, 15, 20, 26, 33, 40, 50] {
        let _ = std::fs::remove_dir_all(layer.overviews());
        let mut killed = layer.layer.command(PROGRAM, &[]).spawn().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(ms));
        let _ = killed.kill();
        let _ = killed.wait();
        // What was made before the kill is not what is finished now.
        layer.redo(1, ms as u8);
        layer.draw();
        layer.assert_means();
    }
}

#[test]
fn a_damaged_picture_is_told_and_leaves_a_gap() {
    let layer = finished(Storage::Files, "###\n###", (8, 8));
    let quadrant = Quadrant::new(0, 0);
    layer.layer.tamper(quadrant, Some(b"no picture"));
    let run = layer.layer.run(PROGRAM, &[]);
    run.assert_status(0);
    assert!(
        run.stderr
            .contains("the picture of (0, 0) cannot be shown: "),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("--resume"), "{}", run.stderr);
    let tile = image::open(layer.overviews().join("1/0_0.png"))
        .unwrap()
        .to_rgba8();
    assert_eq!((tile[(0, 0)][3], tile[(4, 0)][3]), (0, 255));
    let whole = layer
        .map
        .picture(SourceLayer::Generations, quadrant)
        .unwrap();
    layer.layer.tamper(quadrant, Some(&whole));
    layer.draw();
    layer.assert_means();
}

#[test]
fn a_layer_that_cannot_be_written_to_is_shown_without_overviews() {
    let layer = finished(Storage::Files, "###", (8, 8));
    std::fs::write(layer.overviews(), "in the way").unwrap();
    let run = layer.layer.run(PROGRAM, &[]);
    run.assert_status(0);
    assert!(
        run.stderr.contains("the map is not shown from afar"),
        "{}",
        run.stderr
    );
    assert!(LayerDir::at(layer.layer.dir()).map_path().exists());
}

#[test]
fn the_worst_edges_are_those_that_seams_names_and_follow_what_is_made_again() {
    let layer = finished(
        Storage::Files,
        "######\n######\n######\n######\n######",
        (8, 8),
    );
    for id in 1..=layer.blocks.len() as i64 {
        layer.redo(id, (id * 37 % 251) as u8);
    }
    for changed in [0, 5, 9, 1, 7] {
        if changed > 0 {
            layer.redo(changed, (changed * 91 % 256) as u8);
        }
        layer.draw();
        let page = std::fs::read_to_string(layer.layer.dir().join("debug_map.html")).unwrap();
        let list = &page[page.find("\"worst_edges\":").expect("a list") + 14..];
        let listed: Vec<serde_json::Value> = serde_json::Deserializer::from_str(list)
            .into_iter()
            .next()
            .unwrap()
            .unwrap();
        let listed: Vec<(f64, String)> = listed
            .iter()
            .map(|edge| {
                let block = |i: usize| layer.block(1 + edge["items"][i].as_i64().unwrap());
                (
                    edge["step"].as_f64().unwrap(),
                    format!("{} and {}", block(0), block(1)),
                )
            })
            .collect();
        let run = layer.layer.run(PROGRAM, &["--seams"]);
        let named = run
            .stdout
            .lines()
            .filter(|line| line.contains(" and ") && line.starts_with("  "));
        let mut count = 0;
        for line in named {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (step, blocks) = (words[0].parse::<f64>().unwrap(), words[2..].join(" "));
            let own = listed
                .iter()
                .find(|(_, of)| *of == blocks)
                .unwrap_or_else(|| panic!("{blocks} in {listed:?}"));
            assert!(
                (own.0 - step).abs() < 0.011,
                "{blocks}: {} and {step}",
                own.0
            );
            count += 1;
        }
        assert_eq!(count, 10);
        assert!(listed.is_sorted_by(|a, b| a.0 >= b.0));
    }
}

//! A layer that is finished, and what has to be seen of it from afar.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::SystemTime;

use fixtures::layers::TestLayer;
use fixtures::maps::{MapSpec, encode_png};
use image::{Rgb, RgbImage, RgbaImage};
use layer::Storage;
use planner::{Block, Quadrant};
use serde_json::json;

use crate::PROGRAM;

pub(crate) struct Finished {
    pub(crate) layer: TestLayer,
    pub(crate) map: MapSpec,
    pub(crate) size: (u32, u32),
    pub(crate) blocks: Vec<(i64, Block)>,
}

/// A layer all of whose items are complete; its pictures are those of the source.
pub(crate) fn finished(storage: Storage, outline: &str, size: (u32, u32)) -> Finished {
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
    pub(crate) fn draw(&self) -> String {
        let run = self.layer.run(PROGRAM, &[]);
        run.assert_status(0);
        run.stdout
    }

    pub(crate) fn overviews(&self) -> PathBuf {
        self.layer.dir().join("overviews")
    }

    /// All tiles, by level, column and row, with the moment at which each was written.
    pub(crate) fn tiles(&self) -> BTreeMap<(u32, u32, u32), SystemTime> {
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
    pub(crate) fn whole(&self) -> RgbaImage {
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
    pub(crate) fn assert_means(&self) {
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
    pub(crate) fn assert_tile(
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
    pub(crate) fn redo(&self, id: i64, level: u8) {
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

    pub(crate) fn block(&self, id: i64) -> Block {
        self.blocks
            .iter()
            .find(|(of, _)| *of == id)
            .expect("an item")
            .1
    }

    pub(crate) fn tiles_over(&self, block: Block) -> BTreeSet<(u32, u32, u32)> {
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

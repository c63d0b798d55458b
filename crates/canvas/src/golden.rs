//! Infill canvases as pictures.
//!
//! Each case is a text beside a picture in `tests/canvases/`. The text draws the map, a character
//! for a quadrant, and below it the canvas, a character for a pixel. On the map `#` is a quadrant
//! of the block, `F` one that is shown as finished, `s` one that has a source, `.` none at all. On
//! the canvas the quadrants have letters in the order of reading, capital ones where they show
//! their finished picture; `#` is the border, and `.` a pixel that repeats another one.
//!
//! `UPDATE_CANVASES=1 cargo test -p canvas canvases` draws them anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use fixtures::maps::{SourceLayer, encode_png, pixel, quadrant_picture};
use image::{DynamicImage, RgbImage};
use layer::CanvasConfig;
use planner::{Block, BlockShape, Bounds, Quadrant};

use crate::{Arrangement, Kind, Picture, QuadrantSize, Sheet, infill};

/// A case without its pictures.
struct Case {
    size: QuadrantSize,
    block: Block,
    /// What the quadrants are, `#`, `F` or `s`.
    quadrants: BTreeMap<Quadrant, char>,
}

#[test]
fn canvases_are_as_drawn() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/canvases");
    let entries = std::fs::read_dir(&dir).expect("tests/canvases");
    let mut cases: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    cases.sort();
    assert!(cases.len() >= 25, "some cases are gone");
    for path in cases {
        check(&path);
    }
}

fn check(path: &Path) {
    let text = std::fs::read_to_string(path).expect("a case");
    let (head, expected) = text.split_once("\n\n\n").unwrap_or((text.trim_end(), ""));
    let case = Case::of(head);
    let sheet = case.draw();
    let (drawn, picture) = (case.text_of(&sheet), sheet.picture.to_rgb8());
    let golden = path.with_extension("png");
    if std::env::var_os("UPDATE_CANVASES").is_some() {
        std::fs::write(path, format!("{head}\n\n\n{drawn}")).expect("the text is written");
        std::fs::write(&golden, encode_png(picture)).expect("the picture is written");
        return;
    }
    assert!(drawn == expected, "{}: drawn is\n{drawn}", path.display());
    assert_eq!(sheet.picture.color(), image::ColorType::Rgb8);
    let golden: RgbImage = image::open(&golden).expect("a golden image").to_rgb8();
    assert!(picture == golden, "{} has other pixels", path.display());
}

impl Case {
    /// Reads `quadrants of 8x6 px, the first at (-1, 0)`, an empty line, and the map.
    fn of(head: &str) -> Self {
        let (title, map) = head.split_once("\n\n").expect("a title and a map");
        let numbers: Vec<i32> = title
            .split(|c: char| !c.is_ascii_digit() && c != '-')
            .filter_map(|number| number.parse().ok())
            .collect();
        let &[width, height, x, y] = numbers.as_slice() else {
            panic!("{title} does not name four numbers");
        };
        let quadrants: BTreeMap<Quadrant, char> = (y..)
            .zip(map.lines())
            .flat_map(|(y, line)| {
                (x..)
                    .zip(line.chars())
                    .map(move |(x, c)| (Quadrant::new(x, y), c))
            })
            .filter(|&(_, c)| c != '.')
            .collect();
        let own = quadrants
            .iter()
            .filter(|&(_, &c)| c == '#')
            .map(|(&quadrant, _)| quadrant);
        let bounds = Bounds::around(own).expect("a block");
        let (min, max) = (bounds.min(), bounds.max());
        let shape = BlockShape::of_size(max.x - min.x + 1, max.y - min.y + 1).expect("a shape");
        Self {
            size: QuadrantSize {
                width_px: width.unsigned_abs(),
                height_px: height.unsigned_abs(),
            },
            block: Block {
                shape,
                top_left: min,
            },
            quadrants,
        }
    }

    fn is_finished(&self, quadrant: Quadrant) -> bool {
        self.quadrants.get(&quadrant) == Some(&'F')
    }

    fn draw(&self) -> Sheet {
        let QuadrantSize {
            width_px,
            height_px,
        } = self.size;
        let pictures = self.quadrants.keys().map(|&quadrant| {
            let (kind, layer) = if self.is_finished(quadrant) {
                (Kind::Finished, FINISHED)
            } else {
                (Kind::Source, SOURCE)
            };
            let pixels = DynamicImage::from(quadrant_picture(layer, quadrant, width_px, height_px));
            Picture {
                quadrant,
                kind,
                pixels: pixels.to_rgba8(),
            }
        });
        let arrangement = Arrangement::of(self.block, self.size, |q| self.is_finished(q));
        let config = CanvasConfig::default();
        infill(&arrangement, &config, pictures.collect())
            .with_border(config.border_px, config.border_color)
    }

    /// The canvas as text: what each pixel is, found by its colour alone.
    fn text_of(&self, sheet: &Sheet) -> String {
        let letters: BTreeMap<Quadrant, char> =
            self.quadrants.keys().copied().zip('a'..='z').collect();
        let (width, height) = (self.size.width_px as i32, self.size.height_px as i32);
        let x0 = self.block.top_left.x * width - sheet.block_at_px.0 as i32;
        let y0 = self.block.top_left.y * height - sheet.block_at_px.1 as i32;
        let picture = sheet.picture.to_rgb8();
        let mut text = String::new();
        for (y, row) in (y0..).zip(picture.rows()) {
            for (x, found) in (x0..).zip(row) {
                let quadrant = Quadrant::new(x.div_euclid(width), y.div_euclid(height));
                let letter = letters.get(&quadrant);
                text.push(match letter {
                    _ if found.0 == [255, 0, 0] => '#',
                    Some(letter) if found.0 == pixel(FINISHED, x, y) => letter.to_ascii_uppercase(),
                    Some(letter) if found.0 == pixel(SOURCE, x, y) => *letter,
                    _ => '.',
                });
            }
            text.push('\n');
        }
        text
    }
}

const SOURCE: SourceLayer = SourceLayer::Renders;
const FINISHED: SourceLayer = SourceLayer::Generations;

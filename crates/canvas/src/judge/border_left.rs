//! What is left of the border around what was to be drawn.

use image::RgbImage;
use layer::Color;

use super::edges::{BESIDE_PX, Edge};

/// A pixel whose channels are this near to the border's, in levels, has its colour: models draw it
/// in another red, and compression takes some of it.
const NEAR: u8 = 80;
/// How much further from the border's colour what is beside its line has to be.
const BESIDE: u8 = 50;
/// Fewer pixels, or less than an eighth of a line, are too little to go by.
const LEAST_PX: usize = 12;

/// So many pixels of the border's colour one after another are the border wherever they are.
const LEAST_RUN_PX: usize = 40;

/// The share of a border's line that still has its colour, where the source is plain and what is
/// drawn beside it has another.
pub(crate) fn share(edge: &Edge, answer: &RgbImage) -> Option<f64> {
    let border = edge.border.as_ref()?;
    // Not the outermost: what is sharpened there may have any colour.
    let mut depths = vec![border.border_px / 2, border.border_px - 1];
    depths.dedup();
    let lines = depths.into_iter().map(|depth| edge.inside(answer, depth));
    let lines: Vec<_> = lines.collect::<Option<_>>()?;
    let beside = edge.inside(answer, border.border_px + BESIDE_PX)?;
    let (mut plain, mut left) = (0_usize, 0_usize);
    let mut run = Run::default();
    for (at, beside) in beside.iter().enumerate() {
        let distances = lines.iter().map(|line| distance(line[at], border.color));
        let nearest = distances.min().unwrap_or(u8::MAX);
        let is_near = nearest <= NEAR;
        let stands_out =
            is_near && distance(*beside, border.color) >= nearest.saturating_add(BESIDE);
        if border.is_plain[at] {
            plain += 1;
            left += usize::from(stands_out);
        }
        let is_source = distance(border.source[at], border.color) <= NEAR;
        run.add(is_near, stands_out && !is_source);
    }
    let length = beside.len();
    if run.longest >= LEAST_RUN_PX {
        return Some(run.longest as f64 / length as f64);
    }
    (plain >= LEAST_PX.max(length / 8)).then(|| left as f64 / plain as f64)
}

/// How many pixels one after another have the border's colour, at least a third of which have it
/// from nothing else.
#[derive(Default)]
struct Run {
    length: usize,
    standing_out: usize,
    longest: usize,
}

impl Run {
    fn add(&mut self, is_near: bool, stands_out: bool) {
        if !is_near {
            (self.length, self.standing_out) = (0, 0);
            return;
        }
        self.length += 1;
        self.standing_out += usize::from(stands_out);
        if 3 * self.standing_out >= self.length {
            self.longest = self.longest.max(self.length);
        }
    }
}

/// The largest difference of a channel.
fn distance(pixel: [u8; 3], Color(color): Color) -> u8 {
    let channels = pixel.into_iter().zip(color);
    channels
        .map(|(level, of_color)| level.abs_diff(of_color))
        .max()
        .unwrap_or(0)
}

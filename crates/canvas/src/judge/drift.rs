//! A drawing that lies aside from the source's edges.
//!
//! The strengths of edges around each patch are correlated at every shift within reach. They, and
//! not the pixels: another style has other colours, and its edges in the same places.

use image::RgbImage;

use super::patches::{PATCH_PX, Patch, REACH_PX, SIDE, read};

/// Fewer patches are too little to go by.
const LEAST_PATCHES: usize = 3;
/// A correlation of the edges that shows where a drawing lies.
const CLEAR: f32 = 0.25;
/// By how much the best shift is to correlate better than none.
const BETTER: f32 = 1.12;
/// An edge stronger than this counts like this: a few must not outweigh the rest.
const STRONGEST: i16 = 64;

/// The side of what is looked at around a patch, and the number of shifts each way.
const AROUND: usize = PATCH_PX + 2 * REACH_PX;
const SHIFTS: usize = 2 * REACH_PX + 1;

/// How far the drawing lies from where the source has it, in pixels; 0 where that is not clear.
pub(crate) fn distance_px(patches: &[&Patch], answer: &RgbImage) -> Option<f64> {
    if patches.len() < LEAST_PATCHES {
        return None;
    }
    let pairs: Vec<Pair> = patches
        .iter()
        .filter_map(|patch| Pair::of(patch, answer))
        .collect();
    if pairs.len() < LEAST_PATCHES {
        return None;
    }
    let score = |x: usize, y: usize| {
        let total: f32 = pairs.iter().map(|pair| pair.correlation(x, y)).sum();
        total / pairs.len() as f32
    };
    let near = || {
        (REACH_PX - 1..=REACH_PX + 1)
            .flat_map(|y| (REACH_PX - 1..=REACH_PX + 1).map(move |x| (x, y)))
    };
    let unmoved = score(REACH_PX, REACH_PX);
    let nearest = near().map(|(x, y)| score(x, y)).fold(0.0, f32::max);
    // Where it is clearly best, the rest need not be tried.
    if nearest <= unmoved && unmoved >= 2.0 * CLEAR {
        return Some(0.0);
    }
    let all = (0..SHIFTS).flat_map(|y| (0..SHIFTS).map(move |x| (x, y)));
    let scored = all.map(|(x, y)| (score(x, y), x, y));
    let (best, x, y) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    if best < CLEAR || best < BETTER * unmoved {
        return Some(0.0);
    }
    let aside = |shift: usize| shift as f64 - REACH_PX as f64;
    Some(aside(x).hypot(aside(y)))
}

/// The edges of a patch, around their mean, and those of the answer around its place.
struct Pair {
    source: [[i16; PATCH_PX]; PATCH_PX],
    answer: [[i16; AROUND]; AROUND],
    /// What brings their product to a correlation.
    scale: f32,
}

impl Pair {
    /// `None` where there is nothing to correlate.
    fn of(patch: &Patch, answer: &RgbImage) -> Option<Self> {
        let mut luma = [[0_u8; AROUND + 2]; AROUND + 2];
        let reach = REACH_PX as u32 + 1;
        let at_px = (
            patch.at_px.0.checked_sub(reach)?,
            patch.at_px.1.checked_sub(reach)?,
        );
        read(answer, at_px, luma.iter_mut().map(|row| &mut row[..]));
        let (source, source_norm) = edges::<SIDE, PATCH_PX>(&patch.luma);
        let (answer, answer_norm) = edges::<{ AROUND + 2 }, AROUND>(&luma);
        let norm = source_norm * answer_norm;
        (norm > 1.0).then(|| Self {
            source,
            answer,
            scale: 1.0 / ((PATCH_PX * PATCH_PX) as f32 * norm),
        })
    }

    fn correlation(&self, x: usize, y: usize) -> f32 {
        let rows = self.source.iter().zip(&self.answer[y..y + PATCH_PX]);
        let products = rows.map(|(source, answer)| {
            let pairs = source.iter().zip(&answer[x..x + PATCH_PX]);
            pairs
                .map(|(source, answer)| i32::from(*source) * i32::from(*answer))
                .sum::<i32>()
        });
        products.sum::<i32>() as f32 * self.scale
    }
}

/// How strong the edge is at each pixel by Sobel's operator, less the mean, and the deviation from it.
fn edges<const FROM: usize, const TO: usize>(luma: &[[u8; FROM]; FROM]) -> ([[i16; TO]; TO], f32) {
    let mut edges = [[0_i16; TO]; TO];
    let mut sum = 0_i32;
    for (row, lines) in edges.iter_mut().zip(luma.windows(3)) {
        let [above, this, below] = [&lines[0], &lines[1], &lines[2]];
        let mut smooth = [0_i16; FROM];
        let mut down = [0_i16; FROM];
        for x in 0..FROM {
            let [above, this, below] = [above[x], this[x], below[x]].map(i16::from);
            smooth[x] = above + 2 * this + below;
            down[x] = below - above;
        }
        for (x, edge) in row.iter_mut().enumerate() {
            let across = smooth[x + 2] - smooth[x];
            let down = down[x] + 2 * down[x + 1] + down[x + 2];
            *edge = ((across.abs() + down.abs()) / 8).min(STRONGEST);
            sum += i32::from(*edge);
        }
    }
    let count = (TO * TO) as i32;
    let mean = (sum / count) as i16;
    let mut squares = 0_i32;
    for edge in edges.as_flattened_mut() {
        *edge -= mean;
        squares += i32::from(*edge) * i32::from(*edge);
    }
    (edges, (squares as f32 / count as f32).sqrt())
}

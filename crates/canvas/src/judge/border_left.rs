//! What is left of the border around what was to be drawn.

use image::RgbImage;
use layer::Color;

use super::edges::Edge;

/// A pixel whose channels are this near to the border's, in levels, has its colour: models draw it
/// in another red, and compression takes some of it.
const NEAR: u8 = 80;
/// How much further from the border's colour what is beside its line has to be.
const BESIDE: u8 = 50;
/// How far beside the line that is looked for.
const BESIDE_PX: u32 = 4;

/// The share of a border's line that still has its colour, where neither the source has it nor
/// what is drawn beside it.
pub(crate) fn share(edge: &Edge, answer: &RgbImage) -> Option<f64> {
    let border = edge.border.as_ref()?;
    let depths = [0, border.border_px / 2, border.border_px - 1];
    let mut lines = Vec::with_capacity(3);
    for (index, depth) in depths.into_iter().enumerate() {
        if index == 0 || depth != depths[index - 1] {
            lines.push(edge.inside(answer, depth)?);
        }
    }
    let beside = edge.inside(answer, border.border_px + BESIDE_PX)?;
    let mut left = 0_usize;
    for (at, (source, beside)) in border.source.iter().zip(&beside).enumerate() {
        let distances = lines.iter().map(|line| distance(line[at], border.color));
        let nearest = distances.min().unwrap_or(u8::MAX);
        let is_near = nearest <= NEAR;
        let is_source = distance(*source, border.color) <= NEAR;
        let stands_out = distance(*beside, border.color) >= nearest.saturating_add(BESIDE);
        left += usize::from(is_near && !is_source && stands_out);
    }
    Some(left as f64 / beside.len().max(1) as f64)
}

/// The largest difference of a channel.
fn distance(pixel: [u8; 3], Color(color): Color) -> u8 {
    let channels = pixel.into_iter().zip(color);
    channels
        .map(|(level, of_color)| level.abs_diff(of_color))
        .max()
        .unwrap_or(0)
}

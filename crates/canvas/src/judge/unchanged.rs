//! The input that came back.

use image::RgbImage;

use super::cells::Cells;
use super::patches::{Patch, SIDE, read};

/// What JPEG changes of a pixel, in levels, is no change.
const TOLERATED: u32 = 3;
/// So many levels of difference of the mean colours make a picture another one.
const OTHER_COLOR: f64 = 40.0;
/// Fewer patches are too little to go by: flat water that comes back is right.
const LEAST_PATCHES: usize = 3;

/// How much an answer is like the source, 0 to 1: by its details, and by its colours.
pub(crate) fn likeness(
    answer: &RgbImage,
    source: &Cells,
    drawn: &Cells,
    patches: &[Patch],
) -> Option<f64> {
    if patches.len() < LEAST_PATCHES {
        return None;
    }
    let colors = color_difference(source, drawn) / OTHER_COLOR;
    // Most answers are told from their source by this, and are looked at no further.
    if colors >= 0.5 {
        return Some((1.0 - colors).max(0.0));
    }
    let (mut differences, mut deviations) = (0_u32, 0_u32);
    for Patch { at_px, luma } in patches {
        let mut rows = [[0_u8; SIDE]; SIDE];
        read(
            answer,
            (at_px.0 - 1, at_px.1 - 1),
            rows.iter_mut().map(|row| &mut row[..]),
        );
        let source = luma.as_flattened();
        let mean = source.iter().map(|&level| u32::from(level)).sum::<u32>() / source.len() as u32;
        for (&source, &answered) in source.iter().zip(rows.as_flattened()) {
            differences += u32::from(source.abs_diff(answered)).saturating_sub(TOLERATED);
            deviations += u32::from(source).abs_diff(mean);
        }
    }
    let details = f64::from(differences) / f64::from(deviations.max(1));
    Some((1.0 - details.max(colors)).max(0.0))
}

/// The mean difference of the cells' colours, of the channel where it is largest. The outermost
/// cells do not count: a border lies in them.
fn color_difference(source: &Cells, drawn: &Cells) -> f64 {
    let mut totals = [0_u32; 3];
    let mut count = 0_u32;
    let rows = source.cells.chunks_exact(source.columns as usize);
    let rows = rows.zip(drawn.cells.chunks_exact(source.columns as usize));
    let last = (source.cells.len() / source.columns as usize).saturating_sub(2);
    for (source, drawn) in rows.skip(1).take(last) {
        let inner = 1..source.len().saturating_sub(1).max(1);
        for (source, drawn) in source[inner.clone()].iter().zip(&drawn[inner]) {
            count += 1;
            for (channel, total) in totals.iter_mut().enumerate() {
                *total += u32::from(source.mean[channel].abs_diff(drawn.mean[channel]));
            }
        }
    }
    let largest = totals.into_iter().max().unwrap_or(0);
    f64::from(largest) / f64::from(count.max(1))
}

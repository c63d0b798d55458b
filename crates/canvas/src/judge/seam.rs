//! A step along an edge to a finished neighbour.
//!
//! The pixels on either side of an edge differ by as much as pixels beside each other do anywhere,
//! where one drawing goes on in the other, and by as much as any two pixels of the drawings, where
//! it does not.

use image::RgbImage;

use super::edges::{Edge, Line, Strengths};

/// So many levels between unrelated pixels are added to what there is: less is not seen.
const UNSEEN: f64 = 4.0;
/// A step is one where it is so many times those beside the edge.
const ALIKE: f64 = 1.2;
/// A step counts by how well the drawing beside it follows the source: a wall that stands just on
/// the edge is in the source, and another drawing is not.
const WEIGHT_AT_NONE: f64 = 1.4;
const WEIGHT_LESS: f64 = 1.2;
/// The least variance of edges that can be followed, in squared levels.
const LEAST_VARIANCE: f32 = 12.0;
/// How many pixels of an edge are looked at together.
const SEGMENT_PX: usize = 16;

/// Where the step across an edge lies between those beside it, 0, and the difference of pixels that
/// are not related, 1.
pub(crate) fn step(edge: &Edge, answer: &RgbImage) -> Option<f64> {
    let joined = edge.joined.as_ref()?;
    let drawn: Option<Vec<Line>> = (0..3).map(|depth| edge.inside(answer, depth)).collect();
    let (drawn, saved) = (drawn?, &joined.saved);
    // What the answer is off its neighbour will be taken off the block.
    let shift = if joined.is_matched {
        let (redrawn, saved) = (mean(&edge.outside(answer, 0)?), mean(&saved[0]));
        std::array::from_fn(|channel| redrawn[channel] - saved[channel])
    } else {
        [0; 3]
    };
    let at_edge: Vec<[u8; 3]> = drawn[0].iter().map(|pixel| less(*pixel, shift)).collect();
    let unrelated = unrelated(&at_edge, &saved[0]);
    let (mut above, mut beside, mut segments) = (0.0, 0.0, 0.0);
    for from in (0..at_edge.len()).step_by(SEGMENT_PX) {
        let to = from + SEGMENT_PX;
        if to > at_edge.len() {
            break;
        }
        let steps = |lines: &[Line], depth: usize| {
            difference(&lines[depth][from..to], &lines[depth + 1][from..to])
        };
        let largest = [
            (&drawn[..], 0),
            (&drawn[..], 1),
            (&saved[..], 0),
            (&saved[..], 1),
        ]
        .into_iter()
        .map(|(lines, depth)| steps(lines, depth))
        .fold(0.0, f64::max);
        // What crosses the edge may be drawn a pixel aside.
        let across = [(0, 0), (1, 0), (0, 1)]
            .into_iter()
            .map(|(skip, skip_saved)| {
                difference(&at_edge[from + skip..to], &saved[0][from + skip_saved..to])
            })
            .fold(f64::INFINITY, f64::min);
        // A wall that stands just on the edge is not to outweigh the rest of it.
        above += (across - ALIKE * largest).min(unrelated);
        beside += ALIKE * largest;
        segments += 1.0;
    }
    let (above, beside) = (above / segments, beside / segments);
    if segments == 0.0 {
        return None;
    }
    let step = above.max(0.0) / ((unrelated - beside).max(0.0) + UNSEEN);
    let weight = follows(&joined.source, &edge.strengths(answer, joined.border_px));
    Some(step * weight.map_or(1.0, |share| WEIGHT_AT_NONE - share * WEIGHT_LESS))
}

/// How well the edges along some lines of a drawing follow the source's, 0 to 1; `None` where one
/// has too few.
fn follows(source: &[Strengths], drawn: &[Strengths]) -> Option<f64> {
    let (source, drawn) = (centred(source)?, centred(drawn)?);
    let best = [(0, 0), (1, 0), (0, 1)]
        .into_iter()
        .map(|(skip, skip_drawn)| {
            let lines = source.0.iter().zip(&drawn.0);
            let products = lines.map(|(source, drawn)| {
                let pixels = source[skip..].iter().zip(&drawn[skip_drawn..]);
                pixels.map(|(source, drawn)| source * drawn).sum::<f32>()
            });
            products.sum::<f32>()
        });
    let best = best.fold(0.0, f32::max);
    Some(f64::from(best / (source.1 * drawn.1)).min(1.0))
}

/// Strengths around their mean, and the length of all of them as a vector.
fn centred(lines: &[Strengths]) -> Option<(Vec<Vec<f32>>, f32)> {
    let count = lines.iter().map(Vec::len).sum::<usize>();
    let total = lines
        .iter()
        .flatten()
        .map(|&strength| u32::from(strength))
        .sum::<u32>();
    let mean = total as f32 / count as f32;
    let line = |line: &Strengths| {
        line.iter()
            .map(|&strength| f32::from(strength) - mean)
            .collect()
    };
    let centred: Vec<Vec<f32>> = lines.iter().map(line).collect();
    let squares: f32 = centred
        .iter()
        .flatten()
        .map(|strength| strength * strength)
        .sum();
    (squares > LEAST_VARIANCE * count as f32).then(|| (centred, squares.sqrt()))
}

/// The mean difference of pixels on either side of an edge that are not across from each other.
fn unrelated(a: &[[u8; 3]], b: &[[u8; 3]]) -> f64 {
    let length = a.len();
    let (mut total, mut count) = (0.0, 0.0);
    for apart in [1, 2, 3, 4].map(|fifths| fifths * length / 5) {
        let pixels = (length - apart) as f64;
        total += pixels * difference(&a[apart..], &b[..length - apart]);
        count += pixels;
    }
    total / count
}

/// The mean difference of the channels of pixels beside each other.
fn difference(a: &[[u8; 3]], b: &[[u8; 3]]) -> f64 {
    let levels = a.as_flattened().iter().zip(b.as_flattened());
    let total: u32 = levels.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
    f64::from(total) / (3 * a.len().min(b.len()).max(1)) as f64
}

fn less(pixel: [u8; 3], shift: [i32; 3]) -> [u8; 3] {
    let level = |channel: usize| i32::from(pixel[channel]) - shift[channel];
    std::array::from_fn(|channel| level(channel).clamp(0, 255) as u8)
}

fn mean(line: &[[u8; 3]]) -> [i32; 3] {
    let count = line.len().max(1) as i32;
    let channel = |channel: usize| {
        line.iter()
            .map(|pixel| i32::from(pixel[channel]))
            .sum::<i32>()
    };
    std::array::from_fn(|index| channel(index) / count)
}

//! A step along an edge to a finished neighbour.

use image::RgbImage;

use super::edges::{Edge, Line};

/// So many levels are added to the steps beside an edge: less is not seen where all is flat.
const UNSEEN: f64 = 3.0;
/// How many pixels of an edge are looked at together.
const SEGMENT_PX: usize = 32;

/// The mean step across an edge as a multiple of those beside it, on the side where they are
/// larger.
pub(crate) fn step(edge: &Edge, answer: &RgbImage) -> Option<f64> {
    let joined = edge.joined.as_ref()?;
    let drawn: Option<Vec<Line>> = (0..3).map(|depth| edge.inside(answer, depth)).collect();
    let drawn = drawn?;
    // What the answer is off its neighbour will be taken off the block.
    let shift = if joined.is_matched {
        let redrawn = edge.outside(answer, 0)?;
        let (redrawn, saved) = (mean(&redrawn), mean(&joined.saved[0]));
        std::array::from_fn(|channel| redrawn[channel] - saved[channel])
    } else {
        [0; 3]
    };
    let saved = &joined.saved;
    let (mut across, mut beside) = (0.0, 0.0);
    for from in (0..drawn[0].len()).step_by(SEGMENT_PX) {
        let to = (from + SEGMENT_PX).min(drawn[0].len());
        let part = from..to;
        let within = |lines: &[Line]| {
            let first = difference(&lines[0][part.clone()], &lines[1][part.clone()], [0; 3]);
            let second = difference(&lines[1][part.clone()], &lines[2][part.clone()], [0; 3]);
            f64::midpoint(first, second)
        };
        let length = (to - from) as f64;
        beside += length * within(&drawn).max(within(saved));
        // What crosses the edge may be drawn a pixel aside.
        let aside = [(0, 0), (1, 0), (0, 1)]
            .into_iter()
            .map(|(skip, skip_saved)| {
                let drawn = &drawn[0][(from + skip).min(to)..to];
                let saved = &saved[0][(from + skip_saved).min(to)..to];
                difference(drawn, saved, shift)
            });
        across += length * aside.reduce(f64::min).unwrap_or(0.0);
    }
    let length = drawn[0].len() as f64;
    Some(across / (beside + UNSEEN * length))
}

/// The mean difference of the channels of pixels beside each other, when `shift` is taken off the
/// first.
fn difference(a: &[[u8; 3]], b: &[[u8; 3]], shift: [i32; 3]) -> f64 {
    let mut total = 0_u32;
    for (a, b) in a.iter().zip(b) {
        for channel in 0..3 {
            let level = (i32::from(a[channel]) - shift[channel]).clamp(0, 255);
            total += level.abs_diff(i32::from(b[channel]));
        }
    }
    f64::from(total) / (3 * a.len().min(b.len()).max(1)) as f64
}

fn mean(line: &[[u8; 3]]) -> [i32; 3] {
    let mut sums = [0_i32; 3];
    for pixel in line {
        for channel in 0..3 {
            sums[channel] += i32::from(pixel[channel]);
        }
    }
    sums.map(|sum| sum / line.len().max(1) as i32)
}

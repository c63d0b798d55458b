//! A step along an edge to a finished neighbour.
//!
//! The pixels on either side of an edge differ by as much as pixels beside each other do anywhere,
//! where one drawing goes on in the other, and by as much as any two pixels of the drawings, where
//! it does not. Drawings that follow their source and are in other colours differ along the whole
//! edge. Either is so too where the source has a wall, or a street, just on the edge: what may be a
//! step is compared with the source on both sides before it is held against an answer.

use image::RgbImage;
use planner::{Block, Quadrant};

use super::edges::{Edge, LINES, Line, SEGMENT_PX, SOURCE_LINES, Strengths};
use crate::match_colors::Side;

/// So many levels between unrelated pixels are added to what there is: less is not seen.
const UNSEEN: f64 = 4.0;
/// A step is one where it is so many times those beside the edge.
const ALIKE: f64 = 1.2;
/// A step counts by how well the drawing beside it follows the source: a wall that stands near the
/// edge is in the source, and another drawing is not.
const WEIGHT_AT_NONE: f64 = 1.4;
const WEIGHT_LESS: f64 = 1.2;
/// The least variance of edges that can be followed, in squared levels.
const LEAST_VARIANCE: f32 = 12.0;
/// Where the source has such a step itself, one of the drawing is none.
const OF_SOURCE: f64 = 0.3;

/// Other colours by so many levels along a whole edge are as much as between unrelated pictures.
const OTHER_COLORS: f64 = 40.0;
/// Of one segment no more than this counts: a few must not outweigh the rest.
const MOST_LEVELS: f64 = 64.0;
/// The source goes on across the edge where its colours differ by no more than so many levels there,
/// and by no more than so many where a drawing may have it, a pixel aside. A style makes no more
/// than so many times as much of it.
const GOES_ON: f64 = 12.0;
const GOES_ON_ASIDE: f64 = 24.0;
const MORE_CONTRAST: f64 = 1.5;
/// Where it goes on along fewer segments, or less than a sixth of the edge, that is too little to go
/// by.
const LEAST_SEGMENTS: usize = 3;
const LEAST_SHARE: usize = 6;

/// What may be a step along an edge to a finished neighbour.
#[derive(Debug, Clone)]
pub struct Step {
    neighbour: (i32, i32),
    side: Side,
    /// Where it lies between those beside it, 0, and the difference of pixels that are not related, 1.
    step: f64,
    /// How much the colours of each segment differ, in levels.
    levels: Vec<f64>,
    /// The source inside, from the edge on.
    source: [Line; SOURCE_LINES],
}

impl Step {
    /// What there is along an edge to a finished neighbour.
    pub(crate) fn of(edge: &Edge, answer: &RgbImage) -> Option<Self> {
        let joined = edge.joined.as_ref()?;
        let lines = (0..LINES as u32).map(|depth| edge.inside(answer, depth));
        let drawn: Vec<Line> = lines.collect::<Option<_>>()?;
        let saved = &joined.saved;
        // What the answer is off its neighbour will be taken off the block.
        let shift = if joined.is_matched {
            let (redrawn, saved) = (mean(&edge.outside(answer, 0)?), mean(&saved[0]));
            std::array::from_fn(|channel| redrawn[channel] - saved[channel])
        } else {
            [0; 3]
        };
        let step = step(&drawn, saved, shift)?;
        let weight = follows(&joined.strengths, &edge.strengths(answer, joined.border_px));
        let levels = differences(&drawn, saved).map(|levels| {
            let less = |channel: usize| levels[channel] - f64::from(shift[channel]);
            largest(std::array::from_fn(less))
        });
        Some(Self {
            neighbour: joined.neighbour,
            side: edge.side,
            step: step * weight.map_or(1.0, |share| WEIGHT_AT_NONE - share * WEIGHT_LESS),
            levels: levels.collect(),
            source: joined.source.clone(),
        })
    }

    /// The quadrant that is joined there.
    #[must_use]
    pub fn neighbour(&self, block: Block) -> Quadrant {
        let Quadrant { x, y } = block.top_left;
        Quadrant::new(x + self.neighbour.0, y + self.neighbour.1)
    }

    /// How large it is if the source goes on along the whole edge.
    pub(super) fn at_most(&self) -> f64 {
        let levels = self.levels.iter().copied();
        self.step.max(other_colors(levels).unwrap_or(0.0))
    }

    /// How large it is beside what the source has there, `neighbour` being that of the neighbour.
    /// Where there is none, other colours say nothing.
    pub(super) fn measured(&self, neighbour: Option<&RgbImage>) -> f64 {
        let line = |depth: u32| self.side.line_across(neighbour?, depth);
        let lines = (0..SOURCE_LINES as u32).map(line);
        let Some(beyond) = lines.collect::<Option<Vec<_>>>() else {
            return self.step;
        };
        let of_source = step(&self.source, &beyond, [0; 3]).unwrap_or(0.0);
        let step = if of_source > OF_SOURCE {
            0.0
        } else {
            self.step
        };
        // From the outermost to the innermost.
        let across: Vec<Line> = beyond.iter().rev().chain(&self.source).cloned().collect();
        let outer = (0..SOURCE_LINES - 1).map(|from| &across[from..from + LINES]);
        let aside: Vec<Vec<f64>> = outer
            .flat_map(|outer| {
                let inner =
                    (LINES..LINES + SOURCE_LINES - 1).map(|from| &across[from..from + LINES]);
                inner.map(move |inner| differences(inner, outer).map(largest).collect())
            })
            .collect();
        let just_there = differences(&self.source[..LINES], &beyond[..LINES]).map(largest);
        let levels = self.levels.iter().zip(just_there).enumerate();
        let goes_on = levels.filter_map(|(segment, (levels, source))| {
            let aside = aside.iter().filter_map(|levels| levels.get(segment));
            let aside = aside.copied().fold(0.0, f64::max);
            let most = aside.max(MORE_CONTRAST * source);
            let is_along = source <= GOES_ON && aside <= GOES_ON_ASIDE;
            is_along.then(|| (levels - most).max(0.0))
        });
        let goes_on: Vec<f64> = goes_on.collect();
        let is_enough = goes_on.len() >= LEAST_SEGMENTS.max(self.levels.len() / LEAST_SHARE);
        let other_colors = is_enough.then(|| other_colors(goes_on.into_iter()));
        step.max(other_colors.flatten().unwrap_or(0.0))
    }
}

/// Where the step between the lines on either side of an edge, from the edge on, lies between those
/// beside it, 0, and the difference of pixels that are not related, 1. `shift` is first taken off the
/// inner ones.
fn step(inner: &[Line], outer: &[Line], shift: [i32; 3]) -> Option<f64> {
    let at_edge: Vec<[u8; 3]> = inner[0].iter().map(|pixel| less(*pixel, shift)).collect();
    let unrelated = unrelated(&at_edge, &outer[0]);
    let (mut above, mut beside, mut segments) = (0.0, 0.0, 0.0);
    for from in (0..at_edge.len()).step_by(SEGMENT_PX) {
        let to = from + SEGMENT_PX;
        if to > at_edge.len().min(outer[0].len()) {
            break;
        }
        let steps = |lines: &[Line], depth: usize| {
            difference(&lines[depth][from..to], &lines[depth + 1][from..to])
        };
        let largest = [(inner, 0), (inner, 1), (outer, 0), (outer, 1)]
            .into_iter()
            .map(|(lines, depth)| steps(lines, depth))
            .fold(0.0, f64::max);
        // What crosses the edge may be drawn a pixel aside.
        let across = [(0, 0), (1, 0), (0, 1)]
            .into_iter()
            .map(|(skip, skip_outer)| {
                difference(&at_edge[from + skip..to], &outer[0][from + skip_outer..to])
            })
            .fold(f64::INFINITY, f64::min);
        // A wall that stands just on the edge is not to outweigh the rest of it.
        above += (across - ALIKE * largest).min(unrelated);
        beside += ALIKE * largest;
        segments += 1.0;
    }
    let (above, beside) = (above / segments, beside / segments);
    let step = above.max(0.0) / ((unrelated - beside).max(0.0) + UNSEEN);
    (segments > 0.0).then_some(step)
}

/// That of the channel where it is largest.
fn largest(levels: [f64; 3]) -> f64 {
    levels.into_iter().map(f64::abs).fold(0.0, f64::max)
}

/// By how many levels other colours along an edge count, by its segments.
fn other_colors(levels: impl Iterator<Item = f64>) -> Option<f64> {
    let add = |(count, total), levels: f64| (count + 1.0, total + levels.min(MOST_LEVELS));
    let (count, total) = levels.fold((0.0, 0.0), add);
    (count > 0.0).then(|| total / count / OTHER_COLORS)
}

/// How much the mean colours of the lines on either side of an edge differ, segment by segment.
fn differences<'a>(inner: &'a [Line], outer: &'a [Line]) -> impl Iterator<Item = [f64; 3]> + 'a {
    let pixels = inner.iter().chain(outer).map(Vec::len).min().unwrap_or(0);
    (0..pixels / SEGMENT_PX).map(move |segment| {
        let mut sums = [0_i32; 3];
        let part = SEGMENT_PX * segment..SEGMENT_PX * (segment + 1);
        for (inner, outer) in inner.iter().zip(outer) {
            for (inner, outer) in inner[part.clone()].iter().zip(&outer[part.clone()]) {
                for (channel, sum) in sums.iter_mut().enumerate() {
                    *sum += i32::from(inner[channel]) - i32::from(outer[channel]);
                }
            }
        }
        sums.map(|sum| f64::from(sum) / (LINES * SEGMENT_PX) as f64)
    })
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

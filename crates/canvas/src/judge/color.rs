//! Colours that are far from what a layer's finished blocks have for a source like theirs.

use std::sync::{Mutex, PoisonError};

use image::RgbImage;
use image::math::Rect;

use super::cells::{Cell, Cells};

/// Sources are alike when they have the same three upper bits of each channel, and both have
/// something drawn in them or not.
const BINS: usize = 2 << 9;
/// A cell of the source with so much contrast has something drawn in it.
const DRAWN: u8 = 24;
/// So many quadrants with a source like this are learned from before anything is said about one.
const LEAST_LEARNED: u32 = 8;
/// The share of a quadrant's cells whose source has to be known.
const LEAST_KNOWN: f64 = 0.5;
/// Fewer cells are too little to go by.
const LEAST_CELLS: usize = 12;
/// What a layer's colours spread at least, in levels, and how many times its spread is no
/// distance.
const LEAST_SPREAD: f64 = 6.0;
const SPREADS: f64 = 1.5;

/// What an answer has where the source is as it is: for each quadrant, each cell's kind of source
/// and the colour drawn for it.
#[derive(Debug, Clone, Default)]
pub struct Looked(Vec<Vec<(u16, [u8; 3])>>);

/// What a layer's finished blocks look like: which colours they have for which source.
#[derive(Debug, Default)]
pub struct Palette(Mutex<Vec<Bin>>);

/// The colours drawn for one kind of source.
#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    quadrants: u32,
    cells: f64,
    sums: [f64; 3],
    squares: [f64; 3],
}

impl Looked {
    pub(crate) fn of<'a>(pairs: impl Iterator<Item = (&'a Cells, &'a Cells)>) -> Self {
        let of_quadrant = |(source, drawn): (&Cells, &Cells)| {
            let both = source.cells.iter().zip(&drawn.cells);
            both.map(|(source, drawn)| (kind_of(source), drawn.mean))
                .collect()
        };
        Self(pairs.map(of_quadrant).collect())
    }
}

impl Palette {
    /// Learns from an answer that was accepted.
    pub fn learn(&self, looked: &Looked) {
        let mut bins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        bins.resize(BINS, Bin::default());
        for quadrant in &looked.0 {
            let mut seen = [false; BINS];
            for (kind, color) in quadrant {
                let kind = usize::from(*kind);
                let bin = &mut bins[kind];
                bin.quadrants += u32::from(!seen[kind]);
                seen[kind] = true;
                bin.cells += 1.0;
                for (channel, level) in color.iter().enumerate() {
                    let level = f64::from(*level);
                    bin.sums[channel] += level;
                    bin.squares[channel] += level * level;
                }
            }
        }
    }

    /// Learns from a quadrant that was finished before: its source as the canvas shows it, and its
    /// picture, of one size.
    pub fn learn_from(&self, source: &RgbImage, finished: &RgbImage) {
        if source.dimensions() != finished.dimensions() {
            return;
        }
        let part = Rect {
            x: 0,
            y: 0,
            width: source.width(),
            height: source.height(),
        };
        let (source, drawn) = (Cells::of(source, part), Cells::of(finished, part));
        self.learn(&Looked::of(std::iter::once((&source, &drawn))));
    }

    /// How far the worst quadrant is from what was learned, in levels beyond its spread; `None`
    /// while too little is known.
    pub(crate) fn distance(&self, looked: &Looked) -> Option<f64> {
        let bins = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if bins.is_empty() {
            return None;
        }
        let of_quadrant = |quadrant: &Vec<(u16, [u8; 3])>| {
            let known = quadrant.iter().filter_map(|(kind, color)| {
                let bin = &bins[usize::from(*kind)];
                (bin.quadrants >= LEAST_LEARNED).then(|| bin.distance(*color))
            });
            let (count, total) = known.fold((0_usize, 0.0), |(count, total), distance| {
                (count + 1, total + distance)
            });
            let enough =
                count >= LEAST_CELLS && count as f64 >= LEAST_KNOWN * quadrant.len() as f64;
            enough.then(|| total / count as f64)
        };
        looked.0.iter().filter_map(of_quadrant).reduce(f64::max)
    }
}

impl Bin {
    /// How far a colour is beyond the spread of those learned, of the channel where it is furthest.
    fn distance(&self, color: [u8; 3]) -> f64 {
        let of_channel = |channel: usize| {
            let mean = self.sums[channel] / self.cells;
            let variance = self.squares[channel] / self.cells - mean * mean;
            let spread = variance.max(0.0).sqrt().max(LEAST_SPREAD);
            ((f64::from(color[channel]) - mean).abs() - SPREADS * spread).max(0.0)
        };
        (0..3).map(of_channel).fold(0.0, f64::max)
    }
}

fn kind_of(source: &Cell) -> u16 {
    let bits = source.mean.map(|level| u16::from(level >> 5));
    let drawn = u16::from(source.contrast >= DRAWN);
    drawn << 9 | bits[0] << 6 | bits[1] << 3 | bits[2]
}

//! Colours that are far from what a layer's finished blocks have for a source like theirs.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use image::RgbImage;
use image::math::Rect;

use super::cells::{Cell, Cells};

/// Sources are alike when they have the same three upper bits of each channel, and both have
/// something drawn in them or not.
const KINDS: usize = 2 << 9;
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
/// Painters whose colours for like sources lie further apart, in levels, draw in other colours.
const APART: f64 = 20.0;
/// So many quadrants with a source like this tell how one painter draws it beside another.
const LEAST_COMPARED: u32 = 2;

/// What an answer has where the source is as it is: for each quadrant, each cell's kind of source
/// and the colour drawn for it.
#[derive(Debug, Clone, Default)]
pub struct Looked(Vec<Vec<(u16, [u8; 3])>>);

/// What a layer's finished blocks look like: which colours they have for which source.
///
/// It is learnt of each painter by itself, for colours of which some are one painter's and some
/// another's have a mean that is nobody's. Those who draw alike are one group, and what is compared
/// with is that of the largest; of equals the first that was there.
#[derive(Debug, Default)]
pub struct Palette(Mutex<Groups>);

/// A painter that draws in other colours than most of a layer has.
#[derive(Debug, Clone, PartialEq)]
pub struct Stranger {
    /// Its name.
    pub painter: String,
    /// The first of those that most was drawn by.
    pub than: String,
    /// How far apart their colours are for like sources, in levels.
    pub levels: f64,
}

impl fmt::Display for Stranger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            painter,
            than,
            levels,
        } = self;
        write!(
            f,
            "endpoint {painter} draws in other colours than {than} ({levels:.0} levels apart where sources are alike)"
        )
    }
}

#[derive(Debug, Default)]
struct Groups {
    painters: HashMap<String, Colors>,
    groups: Vec<Group>,
}

#[derive(Debug, Default)]
struct Group {
    /// In the order in which they came.
    painters: Vec<String>,
    colors: Colors,
}

/// The colours drawn for each kind of source.
#[derive(Debug, Clone, Default)]
struct Colors {
    quadrants: usize,
    bins: BTreeMap<u16, Bin>,
}

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

    /// That of a finished quadrant: its source as the canvas shows it, and its picture. Of pictures
    /// of two sizes there is nothing.
    #[must_use]
    pub fn of_finished(source: &RgbImage, finished: &RgbImage) -> Self {
        if source.dimensions() != finished.dimensions() {
            return Self::default();
        }
        let part = Rect {
            x: 0,
            y: 0,
            width: source.width(),
            height: source.height(),
        };
        let (source, drawn) = (Cells::of(source, part), Cells::of(finished, part));
        Self::of(std::iter::once((&source, &drawn)))
    }

    /// How far apart the colours of two drawings of one source are, in levels, where that is so far
    /// that they are other ones.
    #[must_use]
    pub fn other_colors(&self, than: &Self) -> Option<f64> {
        let [own, other] = [self, than].map(|looked| {
            let mut colors = Colors::default();
            colors.learn(looked);
            colors
        });
        own.apart(&other, 1).filter(|levels| *levels > APART)
    }
}

impl Palette {
    /// Learns from an answer of `painter` that was accepted.
    pub fn learn(&self, painter: &str, looked: &Looked) {
        self.groups().learn(painter, looked);
    }

    /// How far the worst quadrant is from what was learned, in levels beyond its spread; `None`
    /// while too little is known.
    pub(crate) fn distance(&self, looked: &Looked) -> Option<f64> {
        let groups = self.groups();
        let bins = &groups.largest()?.colors.bins;
        let of_quadrant = |quadrant: &Vec<(u16, [u8; 3])>| {
            let known = quadrant.iter().filter_map(|(kind, color)| {
                let bin = bins.get(kind)?;
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

    /// Who draws in other colours than most of the layer has, by name.
    #[must_use]
    pub fn strangers(&self) -> Vec<Stranger> {
        let groups = self.groups();
        let Some(largest) = groups.largest() else {
            return Vec::new();
        };
        let others = groups.painters.iter();
        let others = others.filter(|(painter, _)| !largest.painters.contains(painter));
        let stranger = |(painter, colors): (&String, &Colors)| {
            let levels = colors.apart(&largest.colors, LEAST_COMPARED)?;
            Some(Stranger {
                painter: painter.clone(),
                than: largest.painters[0].clone(),
                levels,
            })
        };
        let mut strangers: Vec<Stranger> = others.filter_map(stranger).collect();
        strangers.sort_by(|a, b| a.painter.cmp(&b.painter));
        strangers
    }

    fn groups(&self) -> MutexGuard<'_, Groups> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Groups {
    /// The group that most was drawn by.
    fn largest(&self) -> Option<&Group> {
        // Of equals the last is found, so the first has to come last.
        let groups = self.groups.iter().rev();
        groups.max_by_key(|group| group.colors.quadrants)
    }

    /// With each answer more is known of a painter: it is among those whose colours are nearest to
    /// all that it drew.
    fn learn(&mut self, painter: &str, looked: &Looked) {
        let mut colors = self.painters.remove(painter).unwrap_or_default();
        let is_of = |group: &Group| group.painters.iter().any(|other| other == painter);
        let before = self.groups.iter().position(is_of);
        if let Some(before) = before {
            self.groups[before].colors.take_off(&colors);
        }
        colors.learn(looked);
        let apart = |group: &Group| colors.apart(&group.colors, LEAST_COMPARED);
        let groups = self.groups.iter().map(apart).enumerate();
        let near = groups.filter_map(|(index, apart)| Some((index, apart?)));
        let near = near.filter(|(_, apart)| *apart <= APART);
        let nearest = near.min_by(|(_, a), (_, b)| a.total_cmp(b));
        // Where nothing can be told it stays.
        let stays = before.filter(|&before| apart(&self.groups[before]).is_none());
        let index = match (nearest, stays) {
            (Some((nearest, _)), _) => nearest,
            (None, Some(before)) => before,
            (None, None) => {
                self.groups.push(Group::default());
                self.groups.len() - 1
            }
        };
        if before != Some(index) {
            if let Some(before) = before {
                let painters = &mut self.groups[before].painters;
                painters.retain(|other| other != painter);
            }
            self.groups[index].painters.push(painter.to_owned());
        }
        self.groups[index].colors.add(&colors);
        self.painters.insert(painter.to_owned(), colors);
        self.groups.retain(|group| !group.painters.is_empty());
    }
}

impl Colors {
    fn learn(&mut self, looked: &Looked) {
        for quadrant in &looked.0 {
            self.quadrants += 1;
            let mut seen = [false; KINDS];
            for (kind, color) in quadrant {
                let bin = self.bins.entry(*kind).or_default();
                let is_first = !std::mem::replace(&mut seen[usize::from(*kind)], true);
                bin.quadrants += u32::from(is_first);
                bin.cells += 1.0;
                for (channel, level) in color.iter().enumerate() {
                    let level = f64::from(*level);
                    bin.sums[channel] += level;
                    bin.squares[channel] += level * level;
                }
            }
        }
    }

    fn add(&mut self, other: &Self) {
        self.quadrants += other.quadrants;
        for (kind, other) in &other.bins {
            let bin = self.bins.entry(*kind).or_default();
            bin.quadrants += other.quadrants;
            bin.cells += other.cells;
            for channel in 0..3 {
                bin.sums[channel] += other.sums[channel];
                bin.squares[channel] += other.squares[channel];
            }
        }
    }

    /// Takes off what was added.
    fn take_off(&mut self, added: &Self) {
        self.quadrants -= added.quadrants;
        for (kind, added) in &added.bins {
            let bin = self.bins.entry(*kind).or_default();
            bin.quadrants -= added.quadrants;
            bin.cells -= added.cells;
            for channel in 0..3 {
                bin.sums[channel] -= added.sums[channel];
                bin.squares[channel] -= added.squares[channel];
            }
        }
        self.bins.retain(|_, bin| bin.quadrants > 0);
    }

    /// How far apart the mean colours are for like sources, in levels, of the channel where they are
    /// furthest; `None` where too little is alike of which either has so many quadrants.
    fn apart(&self, other: &Self, least_quadrants: u32) -> Option<f64> {
        let (mut cells, mut total) = (0.0, 0.0);
        for (kind, own) in &self.bins {
            let Some(other) = other.bins.get(kind) else {
                continue;
            };
            if own.quadrants.min(other.quadrants) >= least_quadrants {
                let weight = own.cells.min(other.cells);
                cells += weight;
                total += weight * own.apart(other);
            }
        }
        let all = |colors: &Self| colors.bins.values().map(|bin| bin.cells).sum::<f64>();
        let enough =
            cells >= LEAST_CELLS as f64 && cells >= LEAST_KNOWN * all(self).min(all(other));
        enough.then(|| total / cells)
    }
}

impl Bin {
    fn mean(&self, channel: usize) -> f64 {
        self.sums[channel] / self.cells
    }

    /// How far a colour is beyond the spread of those learned, of the channel where it is furthest.
    fn distance(&self, color: [u8; 3]) -> f64 {
        let of_channel = |channel: usize| {
            let mean = self.mean(channel);
            let variance = self.squares[channel] / self.cells - mean * mean;
            let spread = variance.max(0.0).sqrt().max(LEAST_SPREAD);
            ((f64::from(color[channel]) - mean).abs() - SPREADS * spread).max(0.0)
        };
        (0..3).map(of_channel).fold(0.0, f64::max)
    }

    /// How far apart the means are, of the channel where they are furthest.
    fn apart(&self, other: &Self) -> f64 {
        let of_channel = |channel: usize| (self.mean(channel) - other.mean(channel)).abs();
        (0..3).map(of_channel).fold(0.0, f64::max)
    }
}

fn kind_of(source: &Cell) -> u16 {
    let bits = source.mean.map(|level| u16::from(level >> 5));
    let drawn = u16::from(source.contrast >= DRAWN);
    drawn << 9 | bits[0] << 6 | bits[1] << 3 | bits[2]
}

//! What earlier calls tell of those to come.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{EndpointIndex, EndpointLimits};

/// How many quadrants a block may have.
const SIZES: [usize; 3] = [4, 2, 1];

/// A call that is over.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct EarlierCall {
    /// Which of the endpoints it went to.
    pub endpoint: EndpointIndex,
    /// How many quadrants its block has.
    pub quadrants: usize,
    /// When it started, in seconds since whenever.
    pub started_s: f64,
    /// When it ended.
    pub ended_s: f64,
    /// What it came to.
    pub came_to: CameTo,
}

/// What a call came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CameTo {
    /// Pictures that were saved.
    Saved,
    /// Nothing that could be saved.
    Wasted {
        /// Whether it is paid for all the same.
        is_paid: bool,
    },
    /// It was made to compare, or cut short by a stop: it says nothing of others.
    Untold,
}

/// Which canvases an endpoint is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CanvasSizes {
    /// As large as the block.
    OfBlocks,
    /// All as large as a block of 2x2.
    AllAlike,
}

/// An endpoint whose calls are to be reckoned.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// What the dispatcher is told of it.
    pub limits: EndpointLimits,
    /// Which canvases it is sent.
    pub canvases: CanvasSizes,
    /// How long a call is expected to take, where no earlier one tells.
    pub expected: Option<Duration>,
}

/// What is expected of an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// What the dispatcher is told of it.
    pub limits: EndpointLimits,
    /// How many calls it takes to complete an item: 1 where none is wasted.
    pub calls_per_item: f64,
    /// How long a call takes for a block of each of [`SIZES`], in seconds.
    takes_s: [f64; 3],
    /// Where it is found out how many calls at a time are worth it: how many times as long one takes
    /// with so many under way.
    slower: BTreeMap<usize, f64>,
}

impl Expected {
    /// An endpoint whose calls all take the same time, and none is wasted.
    #[must_use]
    pub fn alike(limits: EndpointLimits, takes: Duration) -> Self {
        Self {
            limits,
            calls_per_item: 1.0,
            takes_s: [takes.as_secs_f64(); 3],
            slower: BTreeMap::new(),
        }
    }

    /// How long a call takes for a block of so many quadrants, with which so many are under way.
    #[must_use]
    pub fn takes(&self, quadrants: usize, together: usize) -> Duration {
        let takes = self.takes_s[place_of(quadrants)] * self.slower_by(together);
        // So many calls as there can be are no more than time has room for.
        Duration::from_secs_f64(takes.min(u32::MAX.into()))
    }

    /// The most calls at a time that are known to have brought pictures, where that is found out; more
    /// are reckoned to bring no more pictures a second.
    #[must_use]
    pub fn known_together(&self) -> usize {
        self.slower.keys().next_back().copied().unwrap_or(1)
    }

    fn slower_by(&self, together: usize) -> f64 {
        if !self.limits.adapts {
            return 1.0;
        }
        let known = |(&width, &factor): (&usize, &f64)| (width as f64, factor);
        let below = self.slower.range(..=together).next_back().map(known);
        let above = self.slower.range(together..).next().map(known);
        let at = together as f64;
        match (below, above) {
            (Some((low, factor)), Some((high, _))) if low >= high => factor,
            (Some((low, less)), Some((high, more))) => {
                less + (more - less) * (at - low) / (high - low)
            }
            (None, Some((_, factor))) => factor,
            // What was never tried is worth nothing.
            (Some((width, factor)), None) => factor * at / width,
            (None, None) => at,
        }
    }
}

/// What earlier calls tell of endpoints.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// What is expected of those that calls are reckoned with; where only canvases of one size were
    /// sent, as if the others took as long.
    pub endpoints: Vec<Expected>,
    /// The same as if the time of those went by their pixels, where that is another.
    pub by_pixels: Option<Vec<Expected>>,
    /// The names of those of which no call has brought pictures so far: others are reckoned without
    /// them, where there are others.
    pub only_failed: Vec<String>,
}

/// What earlier calls tell, and without any what is expected of the endpoints; `None` where nothing is
/// known of any.
#[must_use]
pub fn outlook(asked: &[Asked], calls: &[EarlierCall]) -> Option<Outlook> {
    let told: Vec<Told<'_>> = (0..)
        .zip(asked)
        .map(|(index, asked)| {
            let own = calls.iter().filter(|call| call.endpoint == index);
            Told::of(asked, &own.copied().collect::<Vec<_>>())
        })
        .collect();
    let (failing, mut there): (Vec<&Told<'_>>, Vec<&Told<'_>>) =
        told.iter().partition(|told| told.has_only_failed());
    if there.iter().all(|told| !told.is_known()) {
        there = told.iter().collect();
    }
    let as_long = expected(&there, |_, _| 1.0)?;
    let by_pixels = expected(&there, |size, known| size as f64 / known as f64)?;
    Some(Outlook {
        by_pixels: (by_pixels != as_long).then_some(by_pixels),
        endpoints: as_long,
        only_failed: failing.iter().map(|told| told.name().to_owned()).collect(),
    })
}

/// What is expected of each, where `guess` is how many times as long a call of one size takes as of
/// another, of endpoints that tell nothing of it.
fn expected(told: &[&Told<'_>], guess: impl Fn(usize, usize) -> f64) -> Option<Vec<Expected>> {
    let takes = told.iter().map(|own| own.takes(told, &guess));
    let takes: Vec<Option<[f64; 3]>> = takes.collect();
    let known: Vec<[f64; 3]> = takes.iter().copied().flatten().collect();
    if known.is_empty() {
        return None;
    }
    // One that has not been called yet is thought of as the others are.
    let mean = |place: usize| mean(known.iter().map(|takes| takes[place])).unwrap_or_default();
    let others = [0, 1, 2].map(mean);
    let of = |(own, takes): (&&Told<'_>, Option<[f64; 3]>)| Expected {
        limits: own.asked.limits.clone(),
        calls_per_item: own.calls_per_item(),
        takes_s: takes.unwrap_or(others),
        slower: own.slower.clone(),
    };
    Some(told.iter().zip(takes).map(of).collect())
}

/// What its own calls tell of an endpoint.
struct Told<'a> {
    asked: &'a Asked,
    saved: usize,
    paid: usize,
    wasted: usize,
    /// How long calls took that brought pictures, in seconds, by the quadrants of their canvas; of one
    /// that adapts as if as many as were fewest had been under way.
    takes_s: BTreeMap<usize, f64>,
    slower: BTreeMap<usize, f64>,
}

impl<'a> Told<'a> {
    fn of(asked: &'a Asked, calls: &[EarlierCall]) -> Self {
        let together = match asked.limits.adapts {
            true => together(calls),
            false => vec![1; calls.len()],
        };
        let mut lasted: BTreeMap<usize, Vec<(usize, f64)>> = BTreeMap::new();
        let saved = calls.iter().zip(together);
        let saved = saved.filter(|(call, _)| call.came_to == CameTo::Saved);
        for (call, together) in saved.clone() {
            let size = match asked.canvases {
                CanvasSizes::OfBlocks => call.quadrants,
                CanvasSizes::AllAlike => SIZES[0],
            };
            let seconds = (call.ended_s - call.started_s).max(0.0);
            lasted.entry(size).or_default().push((together, seconds));
        }
        let most = lasted.values().max_by_key(|lasted| lasted.len());
        let slower = most.map_or_else(BTreeMap::new, |lasted| slower(lasted));
        let takes = |(&size, lasted): (&usize, &Vec<(usize, f64)>)| {
            let factor = |together| slower.get(&together).copied().unwrap_or(1.0);
            let alone = lasted.iter().map(|&(together, s)| s / factor(together));
            let takes = match asked.limits.adapts {
                true => median(alone),
                false => mean(alone),
            };
            Some((size, takes?))
        };
        let is_wasted = |call: &&EarlierCall| matches!(call.came_to, CameTo::Wasted { .. });
        let is_paid = |call: &&EarlierCall| call.came_to == CameTo::Wasted { is_paid: true };
        Self {
            asked,
            saved: saved.count(),
            paid: calls.iter().filter(is_paid).count(),
            wasted: calls.iter().filter(is_wasted).count(),
            takes_s: lasted.iter().filter_map(takes).collect(),
            slower,
        }
    }

    fn name(&self) -> &str {
        &self.asked.limits.name
    }

    fn is_known(&self) -> bool {
        self.saved > 0 || self.asked.expected.is_some()
    }

    fn has_only_failed(&self) -> bool {
        self.saved == 0 && self.wasted > 0
    }

    /// What was turned away took no time and costs nothing.
    fn calls_per_item(&self) -> f64 {
        match self.saved {
            0 => 1.0,
            saved => (saved + self.paid) as f64 / saved as f64,
        }
    }

    /// How long a call takes of each of [`SIZES`].
    fn takes(&self, all: &[&Self], guess: &impl Fn(usize, usize) -> f64) -> Option<[f64; 3]> {
        if self.takes_s.is_empty() {
            return self.asked.expected.map(|takes| [takes.as_secs_f64(); 3]);
        }
        let of = |size: usize| {
            let known = |(&size, &takes): (&usize, &f64)| (size, takes);
            if let Some(&takes) = self.takes_s.get(&size) {
                return takes;
            }
            // The nearest that is known, and what tells how the time goes by the size.
            let mut near: Vec<(usize, f64)> = self.takes_s.iter().map(known).collect();
            near.sort_by_key(|&(known, _)| known.abs_diff(size));
            let (nearest, takes) = near[0];
            if self.asked.canvases == CanvasSizes::AllAlike {
                return takes;
            }
            let factor = match near.get(1) {
                Some(&(other, others)) => {
                    let a_quadrant = (takes - others) / (nearest as f64 - other as f64);
                    let on_the_line = takes + a_quadrant * (size as f64 - nearest as f64);
                    // It lies between that pixels matter alone and that they do not at all.
                    let by_pixels = size as f64 / nearest as f64;
                    let (least, most) = (by_pixels.min(1.0), by_pixels.max(1.0));
                    (on_the_line / takes.max(f64::MIN_POSITIVE)).clamp(least, most)
                }
                None => {
                    let know_both = all.iter().filter_map(|other| {
                        let (one, known) =
                            (other.takes_s.get(&size)?, other.takes_s.get(&nearest)?);
                        Some(one / known.max(f64::MIN_POSITIVE))
                    });
                    mean(know_both).unwrap_or_else(|| guess(size, nearest))
                }
            };
            takes * factor
        };
        Some(SIZES.map(of))
    }
}

/// How many times as long calls lasted with so many under way as with the fewest. Those that begin when
/// more are tried find a server that is not as busy as it is going to be, so what most of them took counts.
fn slower(lasted: &[(usize, f64)]) -> BTreeMap<usize, f64> {
    let mut by_width: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for &(together, seconds) in lasted {
        by_width.entry(together).or_default().push(seconds);
    }
    let usual = by_width.into_iter().filter_map(|(together, lasted)| {
        let usual = median(lasted.into_iter())?;
        Some((together, usual.max(1e-9)))
    });
    let usual: Vec<(usize, f64)> = usual.collect();
    let fewest = usual.first().map_or(1.0, |&(_, usual)| usual);
    let factors = usual.iter().map(|&(width, usual)| (width, usual / fewest));
    factors.collect()
}

/// With how many calls under way each of an endpoint's began, itself included.
fn together(calls: &[EarlierCall]) -> Vec<usize> {
    let times = |of: fn(&EarlierCall) -> f64| {
        let mut times: Vec<f64> = calls.iter().map(of).collect();
        times.sort_by(f64::total_cmp);
        times
    };
    let (starts, ends) = (times(|call| call.started_s), times(|call| call.ended_s));
    let of = |call: &EarlierCall| {
        // Those that begin together are told one after the other, and one that ends a bit late.
        let at = call.started_s + 0.05 * (call.ended_s - call.started_s);
        let until = |times: &[f64]| times.partition_point(|&time| time <= at);
        until(&starts).saturating_sub(until(&ends)).max(1)
    };
    calls.iter().map(of).collect()
}

fn place_of(quadrants: usize) -> usize {
    let place = SIZES.iter().position(|&size| size <= quadrants);
    place.unwrap_or(SIZES.len() - 1)
}

fn mean(of: impl Iterator<Item = f64>) -> Option<f64> {
    let (count, sum) = of.fold((0_u32, 0.0), |(count, sum), one| (count + 1, sum + one));
    (count > 0).then(|| sum / f64::from(count))
}

fn median(of: impl Iterator<Item = f64>) -> Option<f64> {
    let mut all: Vec<f64> = of.collect();
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied()
}

//! Packs 2x2 blocks and strips of small areas together.

use std::ops::RangeInclusive;

use crate::area::Area;
use crate::improve::{chosen, free_places};
use crate::layout::Layout;
use crate::noise::Noise;
use crate::packing::Packing;
use crate::square_profile::SquareProfiles;
use crate::strip_profile::StripProfiles;
use crate::windows::Windows;

/// Width in places, so that an area with all that its blocks can touch stays narrow enough for
/// [`StripProfiles`].
pub(crate) const WIDTH: usize = 8;
const LENGTH: usize = 13;
const SWEEPS: u32 = 6;

/// What chance may add to the worth of a block: a good deal, for other packings are wanted here.
const NOISE: i32 = 4096;

/// Tries other packings of as many 2x2 blocks on small areas, lays the strips around them anew,
/// and keeps what leaves no fewer strips. Packings of equally many blocks differ in how many
/// strips fit beside them, and no rule tells beforehand.
pub(crate) fn refine(
    packing: &mut Packing,
    layout: &mut Layout,
    square_profiles: &mut SquareProfiles,
    strip_profiles: &mut StripProfiles,
    seed: u32,
) {
    let cuts = Windows::cuts(packing.places(), WIDTH, LENGTH);
    for sweep in 0..SWEEPS {
        for (n, windows) in (0..).zip(&cuts) {
            let noise = Noise(1 << 31 | seed << 16 | sweep << 8 | n);
            for window in windows.iter() {
                let before: Vec<u32> = window
                    .iter()
                    .flat_map(|&line| windows.members(line))
                    .map(|(_, place)| place)
                    .filter(|&place| packing.is_taken(place))
                    .collect();
                before.iter().for_each(|&place| packing.release(place));
                let free = free_places(packing, windows, window, |place| noise.below(NOISE, place));
                let taken = square_profiles.solve(&free, 0);
                let after: Vec<u32> = chosen(windows, window, &taken).collect();
                let better = after != before
                    && repack(packing, layout, &before, &after, strip_profiles, noise);
                let kept = if better { &after } else { &before };
                kept.iter().for_each(|&place| packing.take(place));
            }
        }
    }
}

/// Puts 2x2 blocks at the places `after` in place of those at `before`, and strips around them.
/// Puts everything back and returns false when that makes it worse.
fn repack(
    packing: &Packing,
    layout: &mut Layout,
    before: &[u32],
    after: &[u32],
    profiles: &mut StripProfiles,
    noise: Noise,
) -> bool {
    // A block ends one after its place, and a strip that ends at it starts two further on.
    let around = |of: fn(crate::Quadrant) -> i32| -> RangeInclusive<i64> {
        let all = || {
            before
                .iter()
                .chain(after)
                .map(|&p| i64::from(of(packing.places()[p as usize])))
        };
        all().min().unwrap_or_default() - 2..=all().max().unwrap_or_default() + 3
    };
    let area = Area::of(layout, around(|q| q.x), around(|q| q.y));
    let worth_before = (before.len(), area.worth(layout));
    area.clear(layout);
    before
        .iter()
        .for_each(|&place| layout.lift_square(packing.number(place)));
    after
        .iter()
        .for_each(|&place| layout.put_square(packing.number(place)));
    area.lay(layout, profiles, noise);
    let better = (after.len(), area.worth(layout)) >= worth_before;
    if !better {
        area.restore(layout);
    }
    better
}

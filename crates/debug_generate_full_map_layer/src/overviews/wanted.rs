//! What is to be seen in overviews.

use std::collections::{HashMap, HashSet};

use layer::OverviewTile;
use planner::Quadrant;

use super::pyramid::{Pyramid, above, below};

/// What is to be seen.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) pyramid: Pyramid,
    /// The quadrants whose pictures are to be seen, each with a number that changes when its
    /// picture does, and with the block that it belongs to.
    pub(crate) quadrants: HashMap<Quadrant, (u64, u32)>,
}

impl Wanted {
    /// All tiles that show some of the quadrants, each with a number for what it shows.
    pub(super) fn tiles(&self) -> HashMap<OverviewTile, u64> {
        let stamps = self
            .quadrants
            .iter()
            .map(|(&at, &(stamp, _))| (self.pyramid.tile_of(at), stamp));
        let mut level: HashMap<OverviewTile, u64> = stamps.collect();
        let mut tiles = HashMap::new();
        for _ in 0..self.pyramid.halvings_to_a_pixel() {
            let above: HashSet<OverviewTile> = level.keys().map(|&tile| above(tile)).collect();
            let of = |tile: OverviewTile| {
                let (width, height) = self.pyramid.tile_px(tile);
                let parts = below(tile).map(|part| level.get(&part).copied().unwrap_or(0));
                mixed(
                    [u64::from(width), u64::from(height)]
                        .into_iter()
                        .chain(parts),
                )
            };
            level = above.into_iter().map(|tile| (tile, of(tile))).collect();
            tiles.extend(&level);
        }
        tiles
    }
}

/// A number for a picture and for when its block was finished.
pub(crate) fn stamp_of(picture: u64, completed_at_ms: Option<i64>) -> u64 {
    mixed([picture, completed_at_ms.unwrap_or(0).cast_unsigned()])
}

/// One number for several, which changes when one of them does.
fn mixed(numbers: impl IntoIterator<Item = u64>) -> u64 {
    // FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), whole numbers at a time, and then each
    // bit spread over all.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for number in numbers {
        hash = (hash ^ number).wrapping_mul(0x0100_0000_01b3);
        hash ^= hash >> 32;
        hash = hash.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
    hash ^ (hash >> 29)
}

//! What is remembered of how overviews were made.

use std::collections::HashMap;

use layer::OverviewTile;
use planner::Quadrant;
use serde::{Deserialize, Serialize};

use super::pyramid::Pyramid;

/// Overviews that were made otherwise are made anew.
const VERSION: u32 = 1;

/// The overviews on disk: of which pictures each was made, told by a number that changes when one
/// of them does; and the steps across the sides of quadrants.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) pyramid: Pyramid,
    pub(crate) tiles: HashMap<OverviewTile, u64>,
    pub(crate) borders: HashMap<Quadrant, Borders>,
}

/// The mean steps, in hundredths, from a picture to the one on its right and to the one below,
/// where another block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(
    from = "(u64, Option<u16>, Option<u16>)",
    into = "(u64, Option<u16>, Option<u16>)"
)]
pub(crate) struct Borders {
    /// Tells the picture.
    pub(crate) stamp: u64,
    pub(crate) right: Option<u16>,
    pub(crate) down: Option<u16>,
}

impl From<(u64, Option<u16>, Option<u16>)> for Borders {
    fn from((stamp, right, down): (u64, Option<u16>, Option<u16>)) -> Self {
        Self { stamp, right, down }
    }
}

impl From<Borders> for (u64, Option<u16>, Option<u16>) {
    fn from(borders: Borders) -> Self {
        (borders.stamp, borders.right, borders.down)
    }
}

/// A quadrant's x and y.
type Place = (i32, i32);

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    pyramid: Pyramid,
    tiles: Vec<(OverviewTile, u64)>,
    borders: Vec<(Place, Borders)>,
}

impl Made {
    pub(crate) fn nothing(pyramid: Pyramid) -> Self {
        Self {
            pyramid,
            tiles: HashMap::new(),
            borders: HashMap::new(),
        }
    }

    /// What `text` says, where it says so of this pyramid.
    pub(crate) fn read(text: &[u8], pyramid: Pyramid) -> Option<Self> {
        let file: File = serde_json::from_slice(text).ok()?;
        (file.version == VERSION && file.pyramid == pyramid).then(|| Self {
            pyramid,
            tiles: file.tiles.into_iter().collect(),
            borders: file
                .borders
                .into_iter()
                .map(|((x, y), borders)| (Quadrant::new(x, y), borders))
                .collect(),
        })
    }

    pub(crate) fn text(&self) -> Vec<u8> {
        let file = File {
            version: VERSION,
            pyramid: self.pyramid,
            tiles: self
                .tiles
                .iter()
                .map(|(&tile, &stamp)| (tile, stamp))
                .collect(),
            borders: self
                .borders
                .iter()
                .map(|(at, &borders)| ((at.x, at.y), borders))
                .collect(),
        };
        serde_json::to_vec(&file).expect("numbers are plain data")
    }
}

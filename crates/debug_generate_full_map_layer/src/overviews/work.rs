//! The order in which tiles are made.

use std::collections::{BTreeMap, HashMap, HashSet};

use layer::OverviewTile;
use planner::Quadrant;

use super::made::Made;
use super::pyramid::above;
use super::wanted::Wanted;

/// The tiles that are to be made, row by row: near ones with those right above them, and then level
/// by level.
pub(super) struct Work {
    rows: BTreeMap<(u32, u32), BTreeMap<OverviewTile, Vec<OverviewTile>>>,
    left: HashSet<OverviewTile>,
}

/// Tiles that are made together.
pub(super) struct Row {
    /// The level of its roots, and their row.
    level: u32,
    pub(super) place: u32,
    /// Tiles by what they hang on.
    pub(super) twigs: Vec<(OverviewTile, Vec<OverviewTile>)>,
}

/// The level of the roots of what is nearest.
const NEAR_ROOTS: u32 = 2;

impl Work {
    pub(super) fn of(made: &Made, wanted: &Wanted, tiles: &HashMap<OverviewTile, u64>) -> Self {
        let is_made = |tile: &OverviewTile, stamp: &u64| made.tiles.get(tile) == Some(stamp);
        let mut left: HashSet<OverviewTile> = tiles
            .iter()
            .filter(|(tile, stamp)| !is_made(tile, stamp))
            .map(|(&tile, _)| tile)
            .collect();
        // Tiles that are there, and whose quadrants' sides were not measured.
        let is_measured =
            |at: &Quadrant, stamp: u64| made.borders.get(at).map(|b| b.stamp) == Some(stamp);
        let unmeasured = wanted.quadrants.iter();
        let unmeasured = unmeasured.filter(|(at, (stamp, _))| !is_measured(at, *stamp));
        let nearest = unmeasured.map(|(&at, _)| above(wanted.pyramid.tile_of(at)));
        left.extend(nearest.filter(|tile| tiles.contains_key(tile)));
        let mut rows: BTreeMap<_, BTreeMap<_, Vec<_>>> = BTreeMap::new();
        for &tile in &left {
            let root = if tile.0 < NEAR_ROOTS {
                above(tile)
            } else {
                tile
            };
            let twigs = rows.entry((root.0, root.2)).or_default();
            twigs.entry(root).or_default().push(tile);
        }
        Self { rows, left }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.left.len()
    }

    pub(super) fn is_left(&self, tile: OverviewTile) -> bool {
        self.left.contains(&tile)
    }

    pub(super) fn next_row(&mut self) -> Option<Row> {
        let ((level, place), twigs) = self.rows.pop_first()?;
        Some(Row {
            level,
            place,
            twigs: twigs.into_iter().collect(),
        })
    }
}

impl Row {
    pub(super) fn tiles(&self) -> impl Iterator<Item = OverviewTile> + '_ {
        self.twigs.iter().flat_map(|(_, tiles)| tiles).copied()
    }

    /// Whether it shows quadrants.
    pub(super) fn is_near(&self) -> bool {
        self.level == NEAR_ROOTS
    }
}

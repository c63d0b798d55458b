//! The overviews of a layer that is served, as its pages are told of them.

use std::collections::HashMap;

use layer::OverviewTile;

use crate::afar::{Afar, WorstEdge};
use crate::tile_set::short;

/// The overviews as pages know them.
#[derive(Debug, Default)]
pub(crate) struct Followed {
    tiles: HashMap<OverviewTile, (u64, u64)>,
    /// Those that were taken away, and in which revision.
    gone: HashMap<OverviewTile, u64>,
    worst: Vec<WorstEdge>,
    worst_changed_in: u64,
}

impl Followed {
    /// Takes over what there is now, as of `revision`; returns whether anything has changed.
    pub(crate) fn take(&mut self, afar: &Afar, revision: u64) -> bool {
        let now = afar.overviews.tiles();
        let mut has_changed = false;
        for tile in self.tiles.keys().filter(|tile| !now.contains_key(tile)) {
            self.gone.insert(*tile, revision);
            has_changed = true;
        }
        self.tiles.retain(|tile, _| now.contains_key(tile));
        for (&tile, &stamp) in now {
            let known = self.tiles.entry(tile).or_insert((0, 0));
            if known.1 == 0 || known.0 != stamp {
                *known = (stamp, revision);
                self.gone.remove(&tile);
                has_changed = true;
            }
        }
        if self.worst != afar.worst {
            self.worst.clone_from(&afar.worst);
            self.worst_changed_in = revision;
            has_changed = true;
        }
        has_changed
    }

    /// All tiles, each with a number that changes when it does.
    pub(crate) fn tiles(&self) -> HashMap<OverviewTile, u64> {
        let tiles = self.tiles.iter();
        tiles.map(|(&tile, &(stamp, _))| (tile, stamp)).collect()
    }

    /// Whether there is such a tile.
    pub(crate) fn has(&self, tile: OverviewTile) -> bool {
        self.tiles.contains_key(&tile)
    }

    /// The edges that show most.
    pub(crate) fn worst(&self) -> &[WorstEdge] {
        &self.worst
    }

    /// The tiles that have changed since `revision`: level, column, row, and a number, or none for
    /// those that are gone.
    pub(crate) fn tiles_since(&self, revision: u64) -> Vec<(u32, u32, u32, Option<u32>)> {
        let changed = self.tiles.iter().filter(|(_, (_, at))| *at > revision);
        let changed = changed.map(|(tile, (stamp, _))| (tile, Some(short(*stamp))));
        let gone = self.gone.iter().filter(|(_, at)| **at > revision);
        let gone = gone.map(|(tile, _)| (tile, None));
        let told = changed.chain(gone);
        told.map(|(tile, stamp)| (tile.0, tile.1, tile.2, stamp))
            .collect()
    }

    /// The edges that show most, if they are others since `revision`.
    pub(crate) fn worst_since(&self, revision: u64) -> Option<&[WorstEdge]> {
        (self.worst_changed_in > revision).then_some(&*self.worst)
    }
}

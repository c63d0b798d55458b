//! The overviews of a layer that is served: made as its run goes on, and told to the pages.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::{Duration, Instant};

use layer::OverviewTile;

use crate::afar::{Afar, WorstEdge};
use crate::complain;
use crate::tile_set::short;
use crate::watch::Watch;

/// How often it is looked whether there is something to make.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Making overviews takes at most this part of the time: they share the machine with a run.
const MAKING_SHARE: u32 = 8;

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

/// Makes overviews of what was finished, as far as anybody has asked how far the layer is.
pub(crate) async fn keep_up(watch: &Watch) -> Infallible {
    let mut done = None;
    let mut was_told = false;
    loop {
        let view = watch.view();
        let is_done = |done: &Arc<_>| Arc::ptr_eq(done, &view.plan);
        if !done.as_ref().is_some_and(is_done) {
            let began = Instant::now();
            if let Some(mut afar) = Afar::of(&view.layer, &view.plan) {
                match afar.update(&view.layer, &view.plan, |_| {}).await {
                    Ok(_) => watch.take_overviews(&afar, view.plan_hash),
                    Err(error) if !was_told => {
                        complain(format_args!(
                            "warning: the map is not shown from afar: {error:#}"
                        ));
                        was_told = true;
                    }
                    Err(_) => {}
                }
            }
            done = Some(view.plan);
            tokio::time::sleep(began.elapsed() * MAKING_SHARE).await;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

//! The steps across the sides of quadrants, measured when their pictures are read anyway.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use anyhow::{Context, Result};
use canvas::{Buffers, Rim, decode_quadrant, into_opaque};
use layer::OverviewTile;
use planner::Quadrant;

use super::Overviews;
use super::made::Borders;
use super::pyramid::{above, below};
use super::wanted::Wanted;
use super::work::{Row, Work};

impl Overviews {
    /// Measures the steps across the sides of the quadrants whose pictures have changed, once the
    /// rims on both sides are known.
    pub(super) async fn measure(
        &mut self,
        row: &Row,
        rims: &mut HashMap<Quadrant, Rim>,
        wanted: &Wanted,
        work: &Work,
    ) -> Result<()> {
        let pyramid = self.made.pyramid;
        // What lies above the row touches it; what lies higher does not.
        let first = 4 * row.place;
        rims.retain(|quadrant, _| pyramid.tile_of(*quadrant).2 + 1 >= first);
        let nearest: Vec<OverviewTile> = row.tiles().filter(|tile| tile.0 == 1).collect();
        let quadrants = nearest.iter().flat_map(|&tile| below(tile));
        let quadrants = quadrants.filter_map(|(_, column, row)| pyramid.quadrant_at(column, row));
        for at in quadrants {
            let Some(&(stamp, block)) = wanted.quadrants.get(&at) else {
                continue;
            };
            let known = self.made.borders.get(&at).copied().unwrap_or_default();
            if known.stamp == stamp {
                continue;
            }
            self.made.borders.insert(
                at,
                Borders {
                    stamp,
                    ..Borders::default()
                },
            );
            for (dx, dy) in [(1, 0), (0, 1), (-1, 0), (0, -1)] {
                let (Some(x), Some(y)) = (at.x.checked_add(dx), at.y.checked_add(dy)) else {
                    continue;
                };
                let next = Quadrant::new(x, y);
                match wanted.quadrants.get(&next) {
                    Some(&(_, other)) if other != block => {}
                    _ => continue,
                }
                // The row below comes later, and looks up to this one.
                let its_tile = above(pyramid.tile_of(next));
                if its_tile.2 / 2 > row.place
                    && work.is_left(its_tile)
                    && self.is_stale(next, wanted)
                {
                    continue;
                }
                for quadrant in [at, next] {
                    if let Entry::Vacant(place) = rims.entry(quadrant)
                        && let Some(rim) = self.rim_of(quadrant).await?
                    {
                        place.insert(rim);
                    }
                }
                let (Some(own), Some(its)) = (rims.get(&at), rims.get(&next)) else {
                    continue;
                };
                let steps = match (dx, dy) {
                    (1, _) => own.to_the_right(its),
                    (-1, _) => its.to_the_right(own),
                    (_, 1) => own.down(its),
                    _ => its.down(own),
                };
                let step = Some((steps.mean() * 100.0).round() as u16);
                let holder = if dx + dy > 0 { at } else { next };
                let holder = self.made.borders.entry(holder).or_default();
                if dx == 0 {
                    holder.down = step;
                } else {
                    holder.right = step;
                }
            }
        }
        Ok(())
    }

    fn is_stale(&self, quadrant: Quadrant, wanted: &Wanted) -> bool {
        let stamp = wanted.quadrants.get(&quadrant).map(|&(stamp, _)| stamp);
        stamp
            != self
                .made
                .borders
                .get(&quadrant)
                .map(|borders| borders.stamp)
    }

    async fn rim_of(&self, quadrant: Quadrant) -> Result<Option<Rim>> {
        let Some(bytes) = self.shown.read(quadrant).await? else {
            return Ok(None);
        };
        let tile = self.made.pyramid.tile();
        let read = tokio::task::spawn_blocking(move || {
            let picture = decode_quadrant(&bytes, tile, &mut Buffers::default()).ok()?;
            Some(Rim::of(&into_opaque(picture)))
        });
        read.await.context("reading a picture was cut short")
    }
}

//! A few tiles that hang together, made from what is below them.

use std::collections::{HashMap, HashSet};

use anyhow::{Context, Result};
use canvas::{
    Buffers, Four, Rim, Seen, decode_overview, decode_quadrant, encode_overview, into_opaque,
    overview,
};
use layer::{OverviewFiles, OverviewTile};
use planner::Quadrant;

use super::pyramid::{Pyramid, below};

/// Tiles to be made, and what they are made from.
pub(super) struct Twig {
    files: OverviewFiles,
    pyramid: Pyramid,
    tiles: HashSet<OverviewTile>,
    /// The tiles below that are as they should be.
    there: HashSet<OverviewTile>,
    pictures: HashMap<Quadrant, Vec<u8>>,
    buffers: Buffers,
    /// The rims of the quadrants that were read.
    pub(super) rims: Vec<(Quadrant, Rim)>,
    /// The pictures that could not be read, and why.
    pub(super) damaged: Vec<(Quadrant, String)>,
}

impl Twig {
    pub(super) fn new(
        files: OverviewFiles,
        pyramid: Pyramid,
        tiles: Vec<OverviewTile>,
        there: HashSet<OverviewTile>,
        pictures: HashMap<Quadrant, Vec<u8>>,
    ) -> Self {
        Self {
            files,
            pyramid,
            tiles: tiles.into_iter().collect(),
            there,
            pictures,
            buffers: Buffers::default(),
            rims: Vec::new(),
            damaged: Vec::new(),
        }
    }

    /// Makes those of its tiles that are `root` or below it.
    ///
    /// # Errors
    /// When a tile cannot be written.
    pub(super) fn make(&mut self, root: OverviewTile) -> Result<()> {
        if self.tiles.contains(&root) {
            self.seen(root).map(drop)
        } else {
            // Only its quadrants' sides were not measured.
            for tile in below(root) {
                if self.tiles.contains(&tile) {
                    self.seen(tile)?;
                }
            }
            Ok(())
        }
    }

    /// What is seen in `tile`, which is written, too.
    fn seen(&mut self, tile: OverviewTile) -> Result<Option<Seen>> {
        let four = self.below(tile)?;
        let [left_below, ..] = below(tile);
        let below_px = self.pyramid.size_px(tile.0 - 1);
        let whole = |below: u64, tile_px: u32, place: u32| {
            let left = below.saturating_sub(2 * u64::from(place) * u64::from(tile_px));
            left.min(2 * u64::from(tile_px)) as u32
        };
        let whole_px = (
            whole(below_px.0, self.pyramid.tile_width_px, tile.1),
            whole(below_px.1, self.pyramid.tile_height_px, tile.2),
        );
        let describe = || format!("cannot make {}", self.files.path(tile).display());
        let failed = |reason: String| anyhow::Error::msg(reason);
        let seen = overview(&four, self.pyramid.tile_px(left_below), whole_px);
        let seen = seen.map_err(failed).with_context(describe)?;
        match &seen {
            Some(picture) => {
                let bytes = encode_overview(picture);
                let bytes = bytes.map_err(failed).with_context(describe)?;
                self.files.write(tile, &bytes)?;
            }
            None => self.files.remove(tile)?,
        }
        for picture in four.into_iter().flatten() {
            self.buffers.give_back_picture(picture);
        }
        Ok(seen)
    }

    fn decode(&mut self, quadrant: Quadrant, bytes: &[u8]) -> Option<Seen> {
        match decode_quadrant(bytes, self.pyramid.tile(), &mut self.buffers) {
            Ok(picture) => {
                // Finished pictures are opaque.
                let picture = into_opaque(picture);
                self.rims.push((quadrant, Rim::of(&picture)));
                Some(picture.into())
            }
            Err(reason) => {
                self.damaged.push((quadrant, reason));
                None
            }
        }
    }

    /// The four pictures below a tile.
    fn below(&mut self, tile: OverviewTile) -> Result<Four> {
        let mut four: Four = [const { None }; 4];
        for (place, below) in four.iter_mut().zip(below(tile)) {
            *place = if below.0 == 0 {
                let quadrant = self.pyramid.quadrant_at(below.1, below.2);
                match quadrant
                    .and_then(|quadrant| Some((quadrant, self.pictures.remove(&quadrant)?)))
                {
                    Some((quadrant, bytes)) => self.decode(quadrant, &bytes),
                    None => None,
                }
            } else if self.tiles.contains(&below) {
                self.seen(below)?
            } else if self.there.contains(&below) {
                // One that another program has spoiled is a gap until it is made again.
                let bytes = self.files.read(below)?;
                bytes.and_then(|bytes| decode_overview(&bytes, self.pyramid.tile_px(below)))
            } else {
                None
            };
        }
        Ok(four)
    }
}

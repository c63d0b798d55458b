//! Pictures of a map as a page asks for them: where they are, and which there are.
//! `assets/tile_set.js` reads what this file writes.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use layer::OverviewTile;
use serde::Serialize;

use crate::overviews::Pyramid;
use crate::varint::{put, put_signed};

/// A map's pictures and its overviews.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct TileSet {
    /// What the reader is told it is.
    pub(crate) name: String,
    /// Where its files are.
    pub(crate) place: Place,
    /// How it is cut into tiles.
    pub(crate) pyramid: Pyramid,
    /// Level by level from `first_level` on: how many tiles there are; then for each, in the order
    /// of rows and columns, how many rows further it lies than the one before, its column (in the
    /// same row as the difference to that one), and four bytes, the lowest first, that change when
    /// it does.
    pub(crate) tiles: String,
    /// The number of halvings of the first level that `tiles` tells of.
    pub(crate) first_level: u32,
}

/// Where a map's pictures are, as addresses that end with a slash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// Quadrants as `{x}_{y}.png`, overviews as `{halvings}/{column}_{row}.png`.
    Layer {
        quadrants: String,
        overviews: String,
    },
    /// A Deep Zoom Image: `{level}/{column}_{row}.{extension}`.
    DeepZoom { files: String, extension: String },
}

impl Place {
    /// The same with overviews at another address.
    pub(crate) fn with_overviews(&self, overviews: String) -> Self {
        match self {
            Self::Layer { quadrants, .. } => Self::Layer {
                quadrants: quadrants.clone(),
                overviews,
            },
            Self::DeepZoom { .. } => self.clone(),
        }
    }
}

impl TileSet {
    /// The set of `tiles` from `first_level` to the one that is a single tile.
    pub(crate) fn of<'a>(
        name: &str,
        place: Place,
        pyramid: Pyramid,
        first_level: u32,
        tiles: impl Iterator<Item = (&'a OverviewTile, &'a u64)>,
    ) -> Self {
        let mut levels: HashMap<u32, Vec<(u32, u32, u64)>> = HashMap::new();
        for (&(halvings, column, row), &stamp) in tiles {
            levels
                .entry(halvings)
                .or_default()
                .push((row, column, stamp));
        }
        let mut bytes = Vec::new();
        for level in first_level..=pyramid.halvings_to_a_tile() {
            let mut tiles = levels.remove(&level).unwrap_or_default();
            tiles.sort_unstable();
            put(&mut bytes, tiles.len() as u64);
            let (mut last_row, mut last_column) = (0, 0);
            for (row, column, stamp) in tiles {
                if row != last_row {
                    last_column = 0;
                }
                put(&mut bytes, u64::from(row - last_row));
                put_signed(&mut bytes, i64::from(column) - last_column);
                bytes.extend(short(stamp).to_le_bytes());
                (last_row, last_column) = (row, i64::from(column));
            }
        }
        Self {
            name: name.to_owned(),
            place,
            pyramid,
            first_level,
            tiles: STANDARD.encode(bytes),
        }
    }
}

/// What a page knows of the number of a tile.
pub(crate) fn short(stamp: u64) -> u32 {
    (stamp ^ (stamp >> 32)) as u32
}

#[cfg(test)]
mod tests {
    use canvas::QuadrantSize;
    use planner::{Bounds, Quadrant};

    use super::*;

    #[test]
    fn tiles_are_told_by_their_rows_and_columns() {
        let bounds = Bounds::new(Quadrant::new(-1, 0), Quadrant::new(1, 2)).unwrap();
        let tile = QuadrantSize {
            width_px: 16,
            height_px: 16,
        };
        let tiles = HashMap::from([
            ((0, 2, 0), 1),
            ((0, 1, 2), 2),
            ((0, 0, 2), 3),
            ((2, 0, 0), 4),
        ]);
        let place = Place::DeepZoom {
            files: "a_files/".into(),
            extension: "png".into(),
        };
        let set = TileSet::of("a", place, Pyramid::over(bounds, tile), 0, tiles.iter());
        let expected = [
            &[3, 0, 4, 1, 0, 0, 0][..],
            &[2, 0, 3, 0, 0, 0, 0, 2, 2, 0, 0, 0],
            &[0, 1, 0, 0, 4, 0, 0, 0],
        ];
        assert_eq!(STANDARD.decode(set.tiles).unwrap(), expected.concat());
    }
}

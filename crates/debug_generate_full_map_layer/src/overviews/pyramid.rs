//! A map that is halved again and again, cut into tiles of a quadrant's size.
//!
//! This is the pyramid of a Deep Zoom Image
//! (<https://learn.microsoft.com/en-us/previous-versions/windows/silverlight/dotnet-windows-silverlight/cc645077(v=vs.95)>)
//! counted from the other end: there the smallest level, of one pixel, is 0; here the map itself is,
//! whose tiles are the quadrants.

use canvas::QuadrantSize;
use layer::OverviewTile;
use planner::{Bounds, Quadrant};
use serde::{Deserialize, Serialize};

use crate::PlanState;

/// Where the tiles of all levels lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pyramid {
    /// The quadrant at the top left.
    pub(crate) min_x: i32,
    /// The quadrant at the top left.
    pub(crate) min_y: i32,
    /// Its size in quadrants.
    pub(crate) columns: u64,
    /// Its size in quadrants.
    pub(crate) rows: u64,
    /// The size of a tile, and of a quadrant.
    pub(crate) tile_width_px: u32,
    /// The size of a tile, and of a quadrant.
    pub(crate) tile_height_px: u32,
}

impl Pyramid {
    /// The pyramid over what lies within `bounds`.
    #[must_use]
    pub(crate) fn over(bounds: Bounds, tile: QuadrantSize) -> Self {
        let span = |min: i32, max: i32| (i64::from(max) - i64::from(min)).unsigned_abs() + 1;
        Self {
            min_x: bounds.min().x,
            min_y: bounds.min().y,
            columns: span(bounds.min().x, bounds.max().x),
            rows: span(bounds.min().y, bounds.max().y),
            tile_width_px: tile.width_px,
            tile_height_px: tile.height_px,
        }
    }

    /// The pyramid over all blocks of a plan.
    pub(crate) fn of_plan(plan: &PlanState, tile: QuadrantSize) -> Self {
        let quadrants = plan.items.iter().flat_map(|item| item.block.quadrants());
        let nowhere = Quadrant::new(0, 0);
        let bounds = Bounds::around(quadrants).or(Bounds::new(nowhere, nowhere).ok());
        Self::over(bounds.expect("a quadrant is a rectangle"), tile)
    }

    /// The size of its tiles.
    pub(crate) fn tile(&self) -> QuadrantSize {
        QuadrantSize {
            width_px: self.tile_width_px,
            height_px: self.tile_height_px,
        }
    }

    /// The tile of the map itself that `quadrant` is.
    pub(crate) fn tile_of(&self, quadrant: Quadrant) -> OverviewTile {
        (
            0,
            quadrant.x.wrapping_sub(self.min_x).cast_unsigned(),
            quadrant.y.wrapping_sub(self.min_y).cast_unsigned(),
        )
    }

    /// The quadrant that is the tile in this column and row of the map itself, where there is one.
    pub(crate) fn quadrant_at(&self, column: u32, row: u32) -> Option<Quadrant> {
        let along = |min: i32, place: u32| i32::try_from(i64::from(min) + i64::from(place)).ok();
        Some(Quadrant::new(
            along(self.min_x, column)?,
            along(self.min_y, row)?,
        ))
    }

    /// The size of the whole map in pixels after so many halvings.
    #[must_use]
    pub(crate) fn size_px(&self, halvings: u32) -> (u64, u64) {
        let half = |quadrants: u64, tile_px: u32| {
            let px = u128::from(quadrants) * u128::from(tile_px);
            px.div_ceil(1 << halvings) as u64
        };
        (
            half(self.columns, self.tile_width_px),
            half(self.rows, self.tile_height_px),
        )
    }

    /// The size of a tile in pixels: at the right and at the bottom, of what is left.
    pub(crate) fn tile_px(&self, (halvings, column, row): OverviewTile) -> (u32, u32) {
        let (width, height) = self.size_px(halvings);
        let along = |whole: u64, tile_px: u32, place: u32| {
            let left = whole.saturating_sub(u64::from(place) * u64::from(tile_px));
            left.min(u64::from(tile_px)) as u32
        };
        (
            along(width, self.tile_width_px, column),
            along(height, self.tile_height_px, row),
        )
    }

    /// How many halvings make one tile of the map.
    #[must_use]
    pub(crate) fn halvings_to_a_tile(&self) -> u32 {
        ceil_log2(self.columns.max(self.rows))
    }

    /// How many halvings make one pixel of the map: the number of the deepest level of its Deep
    /// Zoom Image.
    #[must_use]
    pub(crate) fn halvings_to_a_pixel(&self) -> u32 {
        let (width, height) = self.size_px(0);
        ceil_log2(width.max(height))
    }
}

/// The tile that shows `tile` from twice as far.
pub(crate) fn above((halvings, column, row): OverviewTile) -> OverviewTile {
    (halvings + 1, column / 2, row / 2)
}

/// The four tiles that `tile` shows from twice as far; the lower right may lie beyond the map.
pub(crate) fn below((halvings, column, row): OverviewTile) -> [OverviewTile; 4] {
    [(0, 0), (1, 0), (0, 1), (1, 1)].map(|(right, down)| {
        let twice = |place: u32, more: u32| place.saturating_mul(2).saturating_add(more);
        (halvings - 1, twice(column, right), twice(row, down))
    })
}

fn ceil_log2(number: u64) -> u32 {
    number.max(1).next_power_of_two().ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pyramid(columns: u64, rows: u64, side_px: u32) -> Pyramid {
        Pyramid {
            min_x: -3,
            min_y: 2,
            columns,
            rows,
            tile_width_px: side_px,
            tile_height_px: side_px,
        }
    }

    #[test]
    fn its_levels_are_those_of_a_deep_zoom_image() {
        let map = pyramid(5, 3, 512);
        assert_eq!(map.size_px(0), (2560, 1536));
        assert_eq!(map.size_px(10), (3, 2));
        assert_eq!(
            (map.halvings_to_a_tile(), map.halvings_to_a_pixel()),
            (3, 12)
        );
        assert_eq!(map.size_px(12), (1, 1));
        assert_eq!(map.tile_px((1, 2, 1)), (256, 256));
        assert_eq!(map.tile_px((3, 0, 0)), (320, 192));
        let single = pyramid(1, 1, 512);
        assert_eq!(
            (single.halvings_to_a_tile(), single.halvings_to_a_pixel()),
            (0, 9)
        );
    }

    #[test]
    fn the_largest_map_that_there_can_be_has_its_levels() {
        let corner = Quadrant::new(i32::MAX, i32::MAX);
        let all = Bounds::new(Quadrant::new(i32::MIN, i32::MIN), corner).unwrap();
        let map = Pyramid::over(
            all,
            QuadrantSize {
                width_px: 512,
                height_px: 512,
            },
        );
        assert_eq!(map.halvings_to_a_pixel(), 41);
        assert_eq!(map.tile_of(corner), (0, u32::MAX, u32::MAX));
        assert_eq!(map.quadrant_at(u32::MAX, u32::MAX), Some(corner));
        assert_eq!(map.tile_px((0, u32::MAX, u32::MAX)), (512, 512));
    }

    #[test]
    fn a_tile_lies_above_the_four_below_it() {
        for tile in below((3, 7, 2)) {
            assert_eq!(above(tile), (3, 7, 2));
        }
    }
}

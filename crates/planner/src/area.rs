//! A small rectangle whose strips can be laid anew and put back.

use std::ops::RangeInclusive;

use crate::lay::{cells, start_strips};
use crate::layout::{Cover, Layout};
use crate::noise::Noise;
use crate::strip_profile::{Cells, MAX_WIDTH, StripProfiles};
use crate::windows::Direction;

/// What chance may add to the worth of a strip.
const NOISE: i32 = 16;

/// A rectangle, in one direction at most [`MAX_WIDTH`] wide, and what covers it.
pub(crate) struct Area {
    columns: RangeInclusive<i64>,
    rows: RangeInclusive<i64>,
    /// The quadrants of the region in it, row by row.
    quadrants: Vec<u32>,
    /// What covered each of them when the area was made.
    covers: Vec<Cover>,
}

impl Area {
    /// The quadrants of `layout` in the rectangle, with what covers them.
    pub(crate) fn of(
        layout: &Layout,
        columns: RangeInclusive<i64>,
        rows: RangeInclusive<i64>,
    ) -> Self {
        let quadrants: Vec<u32> = rows
            .clone()
            .flat_map(|y| layout.grid.row(y, &columns))
            .collect();
        let covers = quadrants.iter().filter_map(|&i| layout.cover(i)).collect();
        Self {
            columns,
            rows,
            quadrants,
            covers,
        }
    }

    /// Covers the area as when it was made.
    pub(crate) fn restore(&self, layout: &mut Layout) {
        for (&i, &cover) in self.quadrants.iter().zip(&self.covers) {
            layout.set_cover(i, cover);
        }
    }

    /// Takes up all strips that lie within the area with both halves.
    pub(crate) fn clear(&self, layout: &mut Layout) {
        for &i in &self.quadrants {
            if let Some(Cover::First(direction)) = layout.cover(i)
                && self.holds(layout, layout.next(i, direction))
            {
                layout.lift_strip(i);
            }
        }
    }

    /// Lays as many strips as possible within the cleared area.
    pub(crate) fn lay(&self, layout: &mut Layout, profiles: &mut StripProfiles, noise: Noise) {
        // The profiles are fewer across the shorter side.
        let length = |range: &RangeInclusive<i64>| range.end() - range.start();
        let direction = if length(&self.columns) < length(&self.rows) {
            Direction::Upright
        } else {
            Direction::Lying
        };
        let mut open: Vec<(usize, u32, u32)> = self
            .quadrants
            .iter()
            .filter(|&&i| layout.cover(i) == Some(Cover::Single))
            .map(|&i| {
                let (x, y) = self.place(layout, i);
                match direction {
                    Direction::Upright => (y as usize, x as u32, i),
                    Direction::Lying => (x as usize, y as u32, i),
                }
            })
            .collect();
        open.sort_unstable();
        debug_assert!(open.iter().all(|o| (o.1 as usize) < MAX_WIDTH));
        let taste = |i: u32, direction: Direction| {
            let inside =
                layout.strip_fits(i, direction) && self.holds(layout, layout.next(i, direction));
            inside.then(|| noise.below(NOISE, 2 * i + u32::from(direction == Direction::Lying)))
        };
        let lines = open.last().map_or(0, |last| last.0 + 1);
        let mut rest = open.as_slice();
        let lines: Vec<Cells> = (0..lines)
            .map(|line| {
                let (this, others) = rest.split_at(rest.partition_point(|o| o.0 == line));
                rest = others;
                cells(layout, direction, this.iter().map(|o| (o.1, o.2)), taste)
            })
            .collect();
        let starts = profiles.solve(&lines);
        start_strips(layout, direction, open.iter().map(|o| o.2), &starts);
    }

    /// How good the strips of the area are: four for each, less one for each strip of a cycle,
    /// which will cost one of its four when it is broken.
    pub(crate) fn worth(&self, layout: &Layout) -> usize {
        self.strips(layout)
            .map(|(i, d)| 4 - usize::from(in_pinwheel(layout, i, d)))
            .sum()
    }

    /// The strips that start in the area.
    pub(crate) fn strips<'l>(
        &'l self,
        layout: &'l Layout,
    ) -> impl Iterator<Item = (u32, Direction)> + 'l {
        self.quadrants
            .iter()
            .filter_map(|&i| match layout.cover(i) {
                Some(Cover::First(direction)) => Some((i, direction)),
                _ => None,
            })
    }

    /// Whether quadrant `i` exists and lies in the area.
    fn holds(&self, layout: &Layout, i: u32) -> bool {
        let q = layout.grid.quadrant(i);
        self.columns.contains(&i64::from(q.x)) && self.rows.contains(&i64::from(q.y))
    }

    /// Column and row of quadrant `i`, counted from the area's corner.
    fn place(&self, layout: &Layout, i: u32) -> (i64, i64) {
        let q = layout.grid.quadrant(i);
        (
            i64::from(q.x) - self.columns.start(),
            i64::from(q.y) - self.rows.start(),
        )
    }
}

/// Whether the strip from `i` is one of four that go round a corner each and end at the next:
/// each would have to be generated before the next. Nearly all cycles are of this kind.
fn in_pinwheel(layout: &Layout, i: u32, direction: Direction) -> bool {
    let across = direction.across();
    let met = |i: u32, direction| {
        layout
            .met_by_ends(i, direction)
            .into_iter()
            .filter(|&n| n != crate::grid::NONE)
    };
    met(i, direction).any(|b| {
        met(b, across)
            .any(|c| c != i && met(c, direction).any(|d| d != b && met(d, across).any(|e| e == i)))
    })
}

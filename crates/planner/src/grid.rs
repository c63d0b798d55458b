//! The quadrants of a region, each with its four neighbours.

use std::ops::{Range, RangeInclusive};

use crate::{Quadrant, Region};

/// Stands for a neighbour that does not exist. A region cannot hold as many quadrants: they
/// would fill 32 GB.
pub(crate) const NONE: u32 = u32::MAX;

/// The quadrants of a region, row by row, each with its neighbours by their places in the list.
///
/// All of the planner walks over this list and never over the rectangle around the region:
/// two islands at the ends of the number range cost no more than two that lie side by side.
pub(crate) struct Grid<'r> {
    at: &'r [Quadrant],
    above: Vec<u32>,
    below: Vec<u32>,
}

impl<'r> Grid<'r> {
    pub(crate) fn of(region: &'r Region) -> Self {
        let at = region.quadrants();
        let mut above = vec![NONE; at.len()];
        let mut below = vec![NONE; at.len()];
        // `under` walks one row below the quadrant it is compared with, and never back.
        let mut under = 0;
        for (i, q) in (0u32..).zip(at) {
            let Some(y) = q.y.checked_add(1) else { break };
            let wanted = Quadrant::new(q.x, y);
            while at.get(under).is_some_and(|&q| q < wanted) {
                under += 1;
            }
            if at.get(under) == Some(&wanted) {
                above[under] = i;
                below[i as usize] = under as u32;
            }
        }
        Self { at, above, below }
    }

    pub(crate) fn len(&self) -> usize {
        self.at.len()
    }

    pub(crate) fn quadrant(&self, i: u32) -> Quadrant {
        self.at[i as usize]
    }

    /// The quadrants of row `y` within `columns`: they stand together in the list.
    pub(crate) fn row(&self, y: i64, columns: &RangeInclusive<i64>) -> Range<u32> {
        let before = |x: i64| {
            self.at
                .partition_point(|q| (i64::from(q.y), i64::from(q.x)) < (y, x)) as u32
        };
        before(*columns.start())..before(columns.end() + 1)
    }

    pub(crate) fn above(&self, i: u32) -> u32 {
        if i == NONE {
            NONE
        } else {
            self.above[i as usize]
        }
    }

    pub(crate) fn below(&self, i: u32) -> u32 {
        if i == NONE {
            NONE
        } else {
            self.below[i as usize]
        }
    }

    pub(crate) fn left(&self, i: u32) -> u32 {
        if i == NONE || i == 0 || !self.joined(i - 1) {
            NONE
        } else {
            i - 1
        }
    }

    pub(crate) fn right(&self, i: u32) -> u32 {
        if i == NONE || !self.joined(i) {
            NONE
        } else {
            i + 1
        }
    }

    /// Whether the quadrant after `i` in the list is its neighbour on the right.
    fn joined(&self, i: u32) -> bool {
        let i = i as usize;
        self.at.get(i + 1).is_some_and(|next| {
            next.y == self.at[i].y && self.at[i].x.checked_add(1) == Some(next.x)
        })
    }
}

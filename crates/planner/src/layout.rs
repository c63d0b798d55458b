//! Which block covers each quadrant, and where a strip may lie.

use std::collections::BTreeSet;

use crate::grid::{Grid, NONE};
use crate::windows::Direction;

/// What covers a quadrant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cover {
    /// The top-left quarter of a 2x2 block.
    Corner,
    /// Another quarter of a 2x2 block.
    Square,
    /// The upper half of an upright strip, or the left half of a lying one.
    First(Direction),
    /// The other half of a strip.
    Second(Direction),
    /// A block of its own.
    Single,
}

/// What covers each quadrant of a region: a plan but for its order.
pub(crate) struct Layout<'r> {
    pub(crate) grid: &'r Grid<'r>,
    cover: Vec<Cover>,
    /// Strips that are not to be laid, by their first quadrants; see the module `tangles`.
    forbidden: BTreeSet<(u32, Direction)>,
}

impl<'r> Layout<'r> {
    /// Each quadrant a block of its own.
    pub(crate) fn singles(grid: &'r Grid<'r>) -> Self {
        Self {
            grid,
            cover: vec![Cover::Single; grid.len()],
            forbidden: BTreeSet::new(),
        }
    }

    /// What covers quadrant `i`; nothing where there is none.
    pub(crate) fn cover(&self, i: u32) -> Option<Cover> {
        (i != NONE).then(|| self.cover[i as usize])
    }

    pub(crate) fn covers(&self) -> &[Cover] {
        &self.cover
    }

    pub(crate) fn set_cover(&mut self, i: u32, cover: Cover) {
        self.cover[i as usize] = cover;
    }

    pub(crate) fn is_square(&self, i: u32) -> bool {
        matches!(self.cover(i), Some(Cover::Corner | Cover::Square))
    }

    /// The quadrant after `i` in `direction`: the one below, or the one on the right.
    pub(crate) fn next(&self, i: u32, direction: Direction) -> u32 {
        match direction {
            Direction::Upright => self.grid.below(i),
            Direction::Lying => self.grid.right(i),
        }
    }

    /// The quadrant before `i` in `direction`: the one above, or the one on the left.
    pub(crate) fn previous(&self, i: u32, direction: Direction) -> u32 {
        match direction {
            Direction::Upright => self.grid.above(i),
            Direction::Lying => self.grid.left(i),
        }
    }

    /// Covers quadrant `i` and those to its right and below with a 2x2 block.
    pub(crate) fn put_square(&mut self, i: u32) {
        self.cover_square(i, Cover::Corner, Cover::Square);
    }

    /// Takes away the 2x2 block whose top-left quadrant is `i`.
    pub(crate) fn lift_square(&mut self, i: u32) {
        self.cover_square(i, Cover::Single, Cover::Single);
    }

    fn cover_square(&mut self, i: u32, corner: Cover, rest: Cover) {
        let (right, below) = (self.grid.right(i), self.grid.below(i));
        self.set_cover(i, corner);
        for quarter in [right, below, self.grid.below(right)] {
            self.set_cover(quarter, rest);
        }
    }

    /// Whether a strip may be laid from quadrant `i` beside what is there.
    ///
    /// A strip has no margin along its length. So where it ends there may be no 2x2 block, which
    /// comes earlier, and no strip of its own direction, for neither of the two could be second.
    pub(crate) fn strip_fits(&self, i: u32, direction: Direction) -> bool {
        let second = self.next(i, direction);
        if self.cover(i) != Some(Cover::Single) || self.cover(second) != Some(Cover::Single) {
            return false;
        }
        let before = self.previous(i, direction);
        let after = self.next(second, direction);
        !self.is_square(before)
            && !self.is_square(after)
            && self.cover(before) != Some(Cover::Second(direction))
            && self.cover(after) != Some(Cover::First(direction))
            && !self.forbidden.contains(&(i, direction))
    }

    pub(crate) fn lay_strip(&mut self, i: u32, direction: Direction) {
        let second = self.next(i, direction);
        self.set_cover(i, Cover::First(direction));
        self.set_cover(second, Cover::Second(direction));
    }

    /// Takes up the strip that starts at quadrant `i`, if one does.
    pub(crate) fn lift_strip(&mut self, i: u32) {
        if let Some(Cover::First(direction)) = self.cover(i) {
            let second = self.next(i, direction);
            self.set_cover(i, Cover::Single);
            self.set_cover(second, Cover::Single);
        }
    }

    /// Rules out the strip from quadrant `i`.
    pub(crate) fn forbid_strip(&mut self, i: u32, direction: Direction) {
        self.forbidden.insert((i, direction));
    }

    /// Takes back [`Layout::forbid_strip`].
    pub(crate) fn allow_strip(&mut self, i: u32, direction: Direction) {
        self.forbidden.remove(&(i, direction));
    }

    /// How many of the long sides of a strip from `i` lie along one whole 2x2 block, as both do
    /// on the lattice.
    pub(crate) fn flanks(&self, i: u32, direction: Direction) -> i32 {
        let across = direction.across();
        let second = self.next(i, direction);
        let flanked = |a: u32, b: u32| {
            self.is_square(a) && self.is_square(b) && !self.is_square(self.previous(a, direction))
        };
        i32::from(flanked(
            self.previous(i, across),
            self.previous(second, across),
        )) + i32::from(flanked(self.next(i, across), self.next(second, across)))
    }

    /// The strips, by their first quadrants, that the two ends of the strip from `i` meet; no
    /// strip of its own direction is among them.
    pub(crate) fn met_by_ends(&self, i: u32, direction: Direction) -> [u32; 2] {
        let across = direction.across();
        let strip_at = |i: u32| match self.cover(i) {
            Some(Cover::First(d)) if d == across => i,
            Some(Cover::Second(d)) if d == across => self.previous(i, across),
            _ => NONE,
        };
        let second = self.next(i, direction);
        [self.previous(i, direction), self.next(second, direction)].map(strip_at)
    }

    /// The numbers of 2x2 blocks and of strips.
    pub(crate) fn score(&self) -> (usize, usize) {
        let count = |f: fn(&Cover) -> bool| self.cover.iter().filter(|c| f(c)).count();
        (
            count(|c| *c == Cover::Corner),
            count(|c| matches!(c, Cover::First(_))),
        )
    }
}

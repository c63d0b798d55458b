//! Strips in the quadrants that the 2x2 blocks leave.

use crate::grid::{Grid, NONE};
use crate::packing::Packing;
use crate::windows::Direction;

/// What covers a quadrant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cover {
    /// A 2x2 block.
    Square,
    /// A block of its own.
    Single,
    /// The upper half of an upright strip, or the left half of a lying one.
    First(Direction),
    /// Its other half.
    Second(Direction),
}

/// The 2x2 blocks of a region, fixed, and a choice of strips beside them.
///
/// A strip has no margin along its length. So where it ends there may be no 2x2 block, which comes
/// earlier, and no strip of its own direction, for neither of the two could come second.
pub(crate) struct Strips<'r> {
    pub(crate) grid: &'r Grid<'r>,
    cover: Vec<Cover>,
    /// Strips that are not to be laid, by their first quadrant.
    forbidden: Vec<(u32, Direction)>,
}

impl<'r> Strips<'r> {
    pub(crate) fn beside(packing: &Packing, grid: &'r Grid<'r>) -> Self {
        let mut cover = vec![Cover::Single; grid.len()];
        let mut i = 0;
        for place in packing.blocks() {
            while grid.quadrant(i) != place {
                i += 1;
            }
            for quadrant in [i, grid.right(i), grid.below(i), grid.right(grid.below(i))] {
                cover[quadrant as usize] = Cover::Square;
            }
        }
        Self {
            grid,
            cover,
            forbidden: Vec::new(),
        }
    }

    pub(crate) fn cover(&self, i: u32) -> Option<Cover> {
        (i != NONE).then(|| self.cover[i as usize])
    }

    /// The quadrant after `i` in `direction`: the one below, or the one on the right.
    pub(crate) fn next(&self, i: u32, direction: Direction) -> u32 {
        match direction {
            Direction::Upright => self.grid.below(i),
            Direction::Lying => self.grid.right(i),
        }
    }

    pub(crate) fn previous(&self, i: u32, direction: Direction) -> u32 {
        match direction {
            Direction::Upright => self.grid.above(i),
            Direction::Lying => self.grid.left(i),
        }
    }

    /// Whether a strip may be laid from quadrant `i` beside what is there.
    pub(crate) fn fits(&self, i: u32, direction: Direction) -> bool {
        let second = self.next(i, direction);
        let before = self.cover(self.previous(i, direction));
        let after = self.cover(self.next(second, direction));
        self.cover(i) == Some(Cover::Single)
            && self.cover(second) == Some(Cover::Single)
            && before != Some(Cover::Square)
            && before != Some(Cover::Second(direction))
            && after != Some(Cover::Square)
            && after != Some(Cover::First(direction))
            && !self.forbidden.contains(&(i, direction))
    }

    pub(crate) fn lay(&mut self, i: u32, direction: Direction) {
        let second = self.next(i, direction);
        self.cover[i as usize] = Cover::First(direction);
        self.cover[second as usize] = Cover::Second(direction);
    }

    /// Takes up the strip that starts at quadrant `i`, if one does.
    pub(crate) fn lift(&mut self, i: u32) {
        if let Cover::First(direction) = self.cover[i as usize] {
            let second = self.next(i, direction);
            self.cover[i as usize] = Cover::Single;
            self.cover[second as usize] = Cover::Single;
        }
    }

    /// How many of the two long sides of a strip from `i` lie along the whole of one 2x2 block,
    /// as both do on the lattice.
    pub(crate) fn flanks(&self, i: u32, direction: Direction) -> i32 {
        let across = direction.across();
        let second = self.next(i, direction);
        let square = |i: u32| self.cover(i) == Some(Cover::Square);
        let flanked =
            |a: u32, b: u32| square(a) && square(b) && !square(self.previous(a, direction));
        let sides = [
            (self.previous(i, across), self.previous(second, across)),
            (self.next(i, across), self.next(second, across)),
        ];
        sides.into_iter().filter(|&(a, b)| flanked(a, b)).count() as i32
    }

    /// The quadrants that no 2x2 block covers.
    pub(crate) fn open(&self) -> Vec<u32> {
        (0..self.cover.len() as u32)
            .filter(|&i| self.cover[i as usize] != Cover::Square)
            .collect()
    }

    /// Lays strips wherever they fit, those first that two 2x2 blocks flank.
    pub(crate) fn fill(&mut self) {
        let open = self.open();
        for wanted in [2, 1, 0] {
            for &i in &open {
                for direction in [Direction::Upright, Direction::Lying] {
                    if self.fits(i, direction) && self.flanks(i, direction) >= wanted {
                        self.lay(i, direction);
                    }
                }
            }
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.cover
            .iter()
            .filter(|c| matches!(c, Cover::First(_)))
            .count()
    }

    /// Leaves out the strip from quadrant `i` from now on.
    pub(crate) fn forbid(&mut self, i: u32, direction: Direction) {
        self.forbidden.push((i, direction));
    }
    pub(crate) fn allow(&mut self) {
        self.forbidden.pop();
    }

    pub(crate) fn put(&mut self, i: u32, cover: Cover) {
        self.cover[i as usize] = cover;
    }
}

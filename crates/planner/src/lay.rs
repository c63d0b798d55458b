//! Lays as many strips as possible, window by window.

use crate::Quadrant;
use crate::strip_profile::{Cells, STRIP, Start, StripProfiles};
use crate::strips::{Cover, Strips};
use crate::windows::{Direction, Windows};

const WIDTH: usize = 10;
const SWEEPS: usize = 6;

pub(crate) fn lay_strips(strips: &mut Strips) {
    strips.fill();
    let open = strips.open();
    let at: Vec<Quadrant> = open.iter().map(|&i| strips.grid.quadrant(i)).collect();
    let cuts: Vec<(Direction, Windows)> = [0, WIDTH / 2, WIDTH / 4, 3 * WIDTH / 4]
        .into_iter()
        .flat_map(|offset| {
            [Direction::Upright, Direction::Lying].map(|d| (d, Windows::of(&at, d, WIDTH, offset)))
        })
        .collect();
    let mut profiles = StripProfiles::default();
    let mut count = strips.count();
    let mut cells = Vec::new();
    let mut starts = Vec::new();
    for _ in 0..SWEEPS {
        for (direction, cut) in &cuts {
            let (direction, across) = (*direction, direction.across());
            for window in cut.iter() {
                let members = |line| cut.members(line).map(|(bit, n)| (bit, open[n as usize]));
                for &line in window {
                    for (_, i) in members(line) {
                        strips.lift(i);
                    }
                }
                cells.clear();
                cells.extend(
                    window
                        .iter()
                        .map(|&line| line_cells(strips, direction, members(line), |_| true)),
                );
                profiles.solve(&cells, &mut starts);
                let all = window.iter().flat_map(|&line| members(line));
                for ((_, i), start) in all.zip(&starts) {
                    match start {
                        Start::Nothing => {}
                        Start::Along => strips.lay(i, direction),
                        Start::Across => strips.lay(i, across),
                    }
                }
            }
        }
        let now = strips.count();
        if now == count {
            break;
        }
        count = now;
    }
}

fn line_cells(
    strips: &Strips,
    direction: Direction,
    members: impl Iterator<Item = (u32, u32)>,
    inside: impl Fn(u32) -> bool,
) -> Cells {
    let across = direction.across();
    let mut cells = Cells::default();
    for (bit, i) in members {
        cells.open |= 1 << bit;
        if strips.fits(i, direction) && inside(strips.next(i, direction)) {
            cells.along |= 1 << bit;
            cells.along_worth[bit as usize] = STRIP + strips.flanks(i, direction);
        }
        if strips.fits(i, across) && inside(strips.next(i, across)) {
            cells.across |= 1 << bit;
            cells.across_worth[bit as usize] = STRIP + strips.flanks(i, across);
        }
    }
    cells
}

/// A small rectangle
pub(crate) struct Area {
    /// row by row
    pub(crate) cells: Vec<u32>,
    left: i64,
    top: i64,
    direction: Direction,
}

impl Area {
    pub(crate) fn of(strips: &Strips, left: i64, top: i64, right: i64, bottom: i64) -> Self {
        let cells = (top..=bottom)
            .flat_map(|y| strips.grid.row(y, left, right))
            .collect();
        let direction = if right - left < bottom - top {
            Direction::Upright
        } else {
            Direction::Lying
        };
        Self {
            cells,
            left,
            top,
            direction,
        }
    }

    pub(crate) fn relay(&self, strips: &mut Strips, profiles: &mut StripProfiles) {
        let direction = self.direction;
        let across = direction.across();
        let inside = |i: u32| self.cells.binary_search(&i).is_ok();
        for &i in &self.cells {
            if let Some(Cover::First(direction)) = strips.cover(i)
                && inside(strips.next(i, direction))
            {
                strips.lift(i);
            }
        }
        let mut open: Vec<(i64, u32, u32)> = self
            .cells
            .iter()
            .filter(|&&i| strips.cover(i) == Some(Cover::Single))
            .map(|&i| {
                let q = strips.grid.quadrant(i);
                let (x, y) = (i64::from(q.x) - self.left, i64::from(q.y) - self.top);
                match direction {
                    Direction::Upright => (y, x as u32, i),
                    Direction::Lying => (x, y as u32, i),
                }
            })
            .collect();
        open.sort_unstable();
        let mut lines = Vec::new();
        let mut k = 0;
        for line in 0..=open.last().map_or(-1, |o| o.0) {
            let n = open[k..].iter().take_while(|o| o.0 == line).count();
            lines.push(line_cells(
                strips,
                direction,
                open[k..k + n].iter().map(|o| (o.1, o.2)),
                inside,
            ));
            k += n;
        }
        let mut starts = Vec::new();
        profiles.solve(&lines, &mut starts);
        for (o, start) in open.iter().zip(&starts) {
            match start {
                Start::Nothing => {}
                Start::Along => strips.lay(o.2, direction),
                Start::Across => strips.lay(o.2, across),
            }
        }
    }

    /// Strips that start in it.
    pub(crate) fn count(&self, strips: &Strips) -> usize {
        self.cells
            .iter()
            .filter(|&&i| matches!(strips.cover(i), Some(Cover::First(_))))
            .count()
    }
}

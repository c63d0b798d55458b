//! Lays as many strips as possible beside fixed 2x2 blocks, window by window.

use crate::Quadrant;
use crate::layout::Layout;
use crate::strip_profile::{Cells, STRIP, Start, StripProfiles};
use crate::windows::{Direction, MAX_LENGTH, Windows};

const WIDTH: usize = 10;
const SWEEPS: usize = 6;

/// Sweeps of windows in both directions, each window cleared of strips and laid anew, optimally
/// beside the rest: no window ever ends with fewer strips. It starts with strips wherever they fit,
/// those first that two 2x2 blocks flank, and ends when a sweep has gained nothing.
pub(crate) fn lay_strips(layout: &mut Layout, profiles: &mut StripProfiles) {
    let open: Vec<u32> = (0..layout.grid.len() as u32)
        .filter(|&i| !layout.is_square(i))
        .collect();
    fill(layout, &open);
    let at: Vec<Quadrant> = open.iter().map(|&i| layout.grid.quadrant(i)).collect();
    let cuts = Windows::cuts(&at, WIDTH, MAX_LENGTH);
    for _ in 0..SWEEPS {
        let before = layout.score();
        for windows in &cuts {
            for window in windows.iter() {
                let members = |&line| {
                    windows
                        .members(line)
                        .map(|(bit, n)| (bit, open[n as usize]))
                };
                for (_, i) in window.iter().flat_map(members) {
                    layout.lift_strip(i);
                }
                let cells: Vec<Cells> = window
                    .iter()
                    .map(|line| {
                        cells(layout, windows.direction, members(line), |i, direction| {
                            layout.strip_fits(i, direction).then_some(0)
                        })
                    })
                    .collect();
                let starts = profiles.solve(&cells);
                let quadrants = window.iter().flat_map(members).map(|(_, i)| i);
                start_strips(layout, windows.direction, quadrants, &starts);
            }
        }
        if layout.score() == before {
            break;
        }
    }
}

fn fill(layout: &mut Layout, open: &[u32]) {
    for flanks in [2, 1, 0] {
        for &i in open {
            for direction in [Direction::Upright, Direction::Lying] {
                if layout.strip_fits(i, direction) && layout.flanks(i, direction) >= flanks {
                    layout.lay_strip(i, direction);
                }
            }
        }
    }
}

/// The open quadrants of one line of a window that runs in `direction`, each with its bit.
/// `taste` is what to add to the worth of a strip, if it may be laid at all.
pub(crate) fn cells(
    layout: &Layout,
    direction: Direction,
    open: impl Iterator<Item = (u32, u32)>,
    taste: impl Fn(u32, Direction) -> Option<i32>,
) -> Cells {
    // Among equals the strip that 2x2 blocks flank is taken: it waits for no other strip.
    let worth = |i: u32, direction: Direction| {
        taste(i, direction).map_or(0, |taste| STRIP + 4 * layout.flanks(i, direction) + taste)
    };
    let mut cells = Cells::default();
    for (bit, i) in open {
        cells.open |= 1 << bit;
        cells.along[bit as usize] = worth(i, direction);
        cells.across[bit as usize] = worth(i, direction.across());
    }
    cells
}

/// Lays the strips that `starts` says for each of `quadrants`.
pub(crate) fn start_strips(
    layout: &mut Layout,
    direction: Direction,
    quadrants: impl Iterator<Item = u32>,
    starts: &[Start],
) {
    for (i, start) in quadrants.zip(starts) {
        match start {
            Start::Nothing => {}
            Start::Along => layout.lay_strip(i, direction),
            Start::Across => layout.lay_strip(i, direction.across()),
        }
    }
}

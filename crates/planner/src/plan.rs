//! The blocks of a region in the order in which they are generated.

use crate::grid::Grid;
use crate::lattice::lattice;
use crate::layout::{Cover, Layout};
use crate::pack::{Profiles, pack, runs};
use crate::parts::parts;
use crate::tangles::untangle;
use crate::waves::{single_waves, strip_waves};
use crate::windows::Direction;
use crate::{Block, BlockShape, Region};

/// The blocks of a region in the order in which they are generated: all of step 1, then all of
/// step 2, then all of step 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The blocks, in order.
    pub blocks: Vec<Block>,
}

/// Cuts `region` into blocks so that no seam forms.
///
/// Every quadrant is in exactly one block. No two 2x2 blocks touch, not even by a corner. Of two
/// blocks that share an edge, the later one leaves room on its canvas for the earlier one. On a
/// full rectangle the plan is the fixed lattice; elsewhere there are about as many 2x2 blocks as
/// can be, then as many strips. The time grows with the number of quadrants, wherever they lie.
#[must_use]
pub fn plan(region: &Region) -> Plan {
    let blocks = match region.bounds() {
        None => Vec::new(),
        Some(bounds) if region.fills(bounds) => lattice(bounds),
        Some(_) => irregular(region),
    };
    Plan { blocks }
}

fn irregular(region: &Region) -> Vec<Block> {
    let grid = Grid::of(region);
    let mut layout = Layout::singles(&grid);
    let mut profiles = Profiles::new();
    let runs = runs(region.len());
    for part in parts(region.quadrants()) {
        // A quadrant by itself, of which there may be many, is covered already.
        if part.len() > 1 {
            let alone = Region::from_quadrants(part.iter().map(|&i| grid.quadrant(i)));
            for (&i, cover) in part.iter().zip(pack(&alone, runs, &mut profiles)) {
                layout.set_cover(i, cover);
            }
        }
    }
    let (layout, precedence) = untangle(layout, &mut profiles.strips);
    let block = |shape, i| Block {
        shape,
        top_left: grid.quadrant(i),
    };
    let squares = (0..)
        .zip(layout.covers())
        .filter(|(_, cover)| **cover == Cover::Corner)
        .map(|(i, _)| block(BlockShape::TwoByTwo, i));
    let strips =
        strip_waves(&precedence)
            .into_iter()
            .map(|n| match precedence.strips[n as usize] {
                (i, Direction::Upright) => block(BlockShape::OneByTwo, i),
                (i, Direction::Lying) => block(BlockShape::TwoByOne, i),
            });
    let singles = single_waves(&layout)
        .into_iter()
        .map(|i| block(BlockShape::OneByOne, i));
    squares.chain(strips).chain(singles).collect()
}

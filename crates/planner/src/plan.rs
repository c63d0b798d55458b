//! The blocks of a region in the order in which they are generated.

use crate::cycles::break_cycles;
use crate::grid::Grid;
use crate::improve::improve;
use crate::lattice::lattice;
use crate::lay::lay_strips;
use crate::packing::Packing;
use crate::start::start;
use crate::strips::Strips;
use crate::waves::{single_waves, strip_waves};
use crate::windows::Direction;
use crate::{Block, BlockShape, Quadrant, Region};

/// The blocks of a region in the order in which they are generated: all of step 1, then all of
/// step 2, then all of step 3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The blocks, in order.
    pub blocks: Vec<Block>,
}

/// Cuts `region` into blocks so that no seam forms.
#[must_use]
pub fn plan(region: &Region) -> Plan {
    let blocks = match region.bounds() {
        None => Vec::new(),
        Some(bounds) if region.fills(bounds) => lattice(bounds),
        Some(_) => irregular(region),
    };
    Plan { blocks }
}

/// The blocks of a region that is not a full rectangle.
fn irregular(region: &Region) -> Vec<Block> {
    let grid = Grid::of(region);
    let mut packing = Packing::of(&grid);
    start(&mut packing);
    improve(&mut packing);
    let mut strips = Strips::beside(&packing, &grid);
    lay_strips(&mut strips);
    let precedence = break_cycles(&mut strips);

    let block = |shape, Quadrant { x, y }| Block::new(shape, x, y);
    let squares = packing.blocks().map(|q| block(BlockShape::TwoByTwo, q));
    let strip = |n: u32| {
        let (first, direction) = precedence.strips[n as usize];
        let shape = match direction {
            Direction::Upright => BlockShape::OneByTwo,
            Direction::Lying => BlockShape::TwoByOne,
        };
        block(shape, grid.quadrant(first))
    };
    let single = |i: u32| block(BlockShape::OneByOne, grid.quadrant(i));
    squares
        .chain(strip_waves(&precedence).into_iter().map(strip))
        .chain(single_waves(&strips).into_iter().map(single))
        .collect()
}

//! The blocks of a region in the order in which they are generated.

use std::collections::HashSet;

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
    let Some(bounds) = region.bounds() else {
        return Plan { blocks: Vec::new() };
    };
    let min = bounds.min();
    let mut taken: HashSet<Quadrant> = HashSet::new();
    let mut blocks = Vec::new();
    for (shape, (dx, dy)) in [
        (BlockShape::TwoByTwo, (0, 0)),
        (BlockShape::OneByTwo, (2, 0)),
        (BlockShape::TwoByOne, (0, 2)),
    ] {
        for &q in region.quadrants() {
            let block = Block { shape, top_left: q };
            if (q.x - min.x) % 3 == dx
                && (q.y - min.y) % 3 == dy
                && block.quadrants().all(|q| region.contains(q))
            {
                taken.extend(block.quadrants());
                blocks.push(block);
            }
        }
    }
    blocks.extend(
        region
            .quadrants()
            .iter()
            .filter(|q| !taken.contains(q))
            .map(|&top_left| Block {
                shape: BlockShape::OneByOne,
                top_left,
            }),
    );
    Plan { blocks }
}

//! The fixed lattice: a 2x2 every third quadrant, strips between them, single quadrants where
//! the strips cross.

use crate::{Block, BlockShape, Bounds};

/// The blocks of a full rectangle, in the order in which they are generated.
///
/// Columns and rows are cut alike, into two, one, two, one, … from the smallest coordinate; a
/// column or row that is left at the end stands alone. Each part of the columns crossed with each
/// part of the rows is a block. No plan needs fewer calls in the interior, and no packing holds
/// more 2x2 blocks, so there is nothing to search for.
pub(crate) fn lattice(bounds: Bounds) -> Vec<Block> {
    let columns = Cut::of(bounds.min().x, bounds.max().x);
    let rows = Cut::of(bounds.min().y, bounds.max().y);
    let mut blocks = Vec::with_capacity(columns.len() * rows.len());
    for (shape, xs, ys) in [
        (BlockShape::TwoByTwo, &columns.pairs, &rows.pairs),
        (BlockShape::OneByTwo, &columns.singles, &rows.pairs),
        (BlockShape::TwoByOne, &columns.pairs, &rows.singles),
        (BlockShape::OneByOne, &columns.singles, &rows.singles),
    ] {
        for &y in ys {
            blocks.extend(xs.iter().map(|&x| Block::new(shape, x, y)));
        }
    }
    blocks
}

/// A row of coordinates cut into two, one, two, one, …: where each part starts.
struct Cut {
    pairs: Vec<i32>,
    singles: Vec<i32>,
}

impl Cut {
    fn of(min: i32, max: i32) -> Self {
        let pairs = (min..max).step_by(3).collect();
        let mut singles: Vec<i32> = (min..=max).skip(2).step_by(3).collect();
        if (i64::from(max) - i64::from(min)) % 3 == 0 {
            singles.push(max);
        }
        Self { pairs, singles }
    }

    fn len(&self) -> usize {
        self.pairs.len() + self.singles.len()
    }
}

//! How good a plan is.

use crate::grid::{Grid, NONE};
use crate::{Adjacency, BlockShape, Plan, Region};

/// How good a plan is, beside what the fixed lattice would give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quality {
    /// The quadrants of the region, all of which the plan covers.
    pub quadrants: usize,
    /// The blocks, each of which costs one call of a model.
    pub calls: usize,
    /// How many blocks are 2x2.
    pub two_by_two: usize,
    /// How many are 1x2 or 2x1.
    pub strips: usize,
    /// How many are 1x1.
    pub one_by_one: usize,
    /// For each step, how often blocks have to wait for others of the same step: the number of
    /// blocks in the longest chain of which each touches the one before it.
    pub waves: [usize; 3],
    /// How many 2x2 blocks the fixed lattice has that lie in the region as a whole.
    pub lattice_two_by_two: usize,
    /// How many quadrants its blocks of all shapes cover that lie in the region as a whole.
    pub lattice_quadrants: usize,
}

impl Quality {
    /// Blocks per quadrant: the cost of the plan. 4/9 is the least for the interior of a map.
    #[must_use]
    pub fn calls_per_quadrant(&self) -> f64 {
        ratio(self.calls, self.quadrants)
    }

    /// The share of the quadrants, from 0 to 1, that the fixed lattice would cover.
    #[must_use]
    pub fn lattice_coverage(&self) -> f64 {
        ratio(self.lattice_quadrants, self.quadrants)
    }
}

fn ratio(part: usize, of: usize) -> f64 {
    if of == 0 {
        0.0
    } else {
        part as f64 / of as f64
    }
}

impl Plan {
    /// How good this plan for `region` is.
    #[must_use]
    pub fn quality(&self, region: &Region) -> Quality {
        let count = |shape| self.blocks.iter().filter(|b| b.shape == shape).count();
        let (lattice_two_by_two, lattice_quadrants) = fixed_lattice(region);
        Quality {
            quadrants: region.len(),
            calls: self.blocks.len(),
            two_by_two: count(BlockShape::TwoByTwo),
            strips: count(BlockShape::OneByTwo) + count(BlockShape::TwoByOne),
            one_by_one: count(BlockShape::OneByOne),
            waves: self.waves(),
            lattice_two_by_two,
            lattice_quadrants,
        }
    }

    fn waves(&self) -> [usize; 3] {
        let adjacency = Adjacency::of(&self.blocks);
        let mut waves = [0; 3];
        let mut wave_of: Vec<usize> = Vec::with_capacity(self.blocks.len());
        for (n, block) in self.blocks.iter().enumerate() {
            let step = block.shape.step();
            let wave = 1 + adjacency
                .predecessors(n)
                .iter()
                .map(|&p| p as usize)
                .filter(|&p| self.blocks[p].shape.step() == step)
                .map(|p| wave_of[p])
                .max()
                .unwrap_or(0);
            wave_of.push(wave);
            let most = &mut waves[usize::from(step) - 1];
            *most = wave.max(*most);
        }
        waves
    }
}

/// The 2x2 blocks and the quadrants of the lattice from the region's corner, of whose blocks only
/// those are kept that lie in the region as a whole.
fn fixed_lattice(region: &Region) -> (usize, usize) {
    let Some(bounds) = region.bounds() else {
        return (0, 0);
    };
    let grid = Grid::of(region);
    let (mut squares, mut quadrants) = (0, 0);
    for i in 0..grid.len() as u32 {
        let q = grid.quadrant(i);
        let column = (i64::from(q.x) - i64::from(bounds.min().x)) % 3;
        let row = (i64::from(q.y) - i64::from(bounds.min().y)) % 3;
        let (right, below) = (grid.right(i), grid.below(i));
        match (column, row) {
            (0, 0) if right != NONE && below != NONE && grid.right(below) != NONE => {
                squares += 1;
                quadrants += 4;
            }
            (2, 0) if below != NONE => quadrants += 2,
            (0, 2) if right != NONE => quadrants += 2,
            (2, 2) => quadrants += 1,
            _ => {}
        }
    }
    (squares, quadrants)
}

//! Which blocks of a plan share an edge.

use crate::{Block, Owners, Quadrant};

/// For each block of a list, the others that share an edge with it.
///
/// Built by one sort of the quadrants and one walk over them, so a million quadrants take a
/// fraction of a second; a block's neighbours stand in one flat list.
#[derive(Debug, Clone)]
pub struct Adjacency {
    /// `neighbours[starts[i]..starts[i + 1]]` are those of block `i`.
    starts: Vec<u32>,
    neighbours: Vec<u32>,
}

impl Adjacency {
    /// The neighbours of each of `blocks`, by their places in the list.
    #[must_use]
    pub fn of(blocks: &[Block]) -> Self {
        let table = Owners::of(blocks.iter().copied());
        let owners = table.as_slice();
        let mut pairs: Vec<(u32, u32)> = Vec::with_capacity(owners.len() * 2);
        let mut add = |a: u32, b: u32| {
            if a != b {
                pairs.push((a, b));
                pairs.push((b, a));
            }
        };
        // `below` walks one row ahead of the quadrant it is compared with, and never back.
        let mut below = 0;
        for (at, &(quadrant, index)) in owners.iter().enumerate() {
            if let Some(&(next, other)) = owners.get(at + 1)
                && next == Quadrant::new(quadrant.x.wrapping_add(1), quadrant.y)
            {
                add(index, other);
            }
            let under = Quadrant::new(quadrant.x, quadrant.y.wrapping_add(1));
            while owners.get(below).is_some_and(|&(q, _)| q < under) {
                below += 1;
            }
            if let Some(&(q, other)) = owners.get(below)
                && q == under
            {
                add(index, other);
            }
        }
        drop(table);
        pairs.sort_unstable();
        pairs.dedup();
        let mut starts = vec![0u32; blocks.len() + 1];
        for &(a, _) in &pairs {
            starts[a as usize + 1] += 1;
        }
        for i in 0..blocks.len() {
            starts[i + 1] += starts[i];
        }
        Self {
            starts,
            neighbours: pairs.into_iter().map(|(_, b)| b).collect(),
        }
    }

    /// The blocks that share an edge with block `index`, in the order of the list.
    #[must_use]
    pub fn neighbours(&self, index: usize) -> &[u32] {
        &self.neighbours[self.starts[index] as usize..self.starts[index + 1] as usize]
    }

    /// Those of its neighbours that stand before block `index` in the list.
    #[must_use]
    pub fn predecessors(&self, index: usize) -> &[u32] {
        let all = self.neighbours(index);
        &all[..all.partition_point(|&other| (other as usize) < index)]
    }

    /// Those of its neighbours that stand after block `index` in the list.
    #[must_use]
    pub fn successors(&self, index: usize) -> &[u32] {
        let all = self.neighbours(index);
        &all[all.partition_point(|&other| (other as usize) < index)..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BlockShape, Region, plan};

    #[test]
    fn it_lists_exactly_the_blocks_that_share_an_edge() {
        let region = Region::from_quadrants(
            (-3..9)
                .flat_map(|y| (-4..7).map(move |x| Quadrant::new(x, y)))
                .filter(|q| (q.x * 7 + q.y * 5) % 11 != 0),
        );
        let blocks = plan(&region).blocks;
        let adjacency = Adjacency::of(&blocks);
        for (i, a) in blocks.iter().enumerate() {
            let expected: Vec<u32> = (0u32..)
                .zip(&blocks)
                .filter(|(_, b)| a.shared_edge(**b).is_some())
                .map(|(j, _)| j)
                .collect();
            assert_eq!(adjacency.neighbours(i), expected, "of {a}");
            assert!(adjacency.predecessors(i).iter().all(|&j| (j as usize) < i));
            assert!(adjacency.successors(i).iter().all(|&j| (j as usize) > i));
        }
    }

    #[test]
    fn the_edge_of_the_number_range_is_no_special_place() {
        let blocks = [
            Block::new(BlockShape::OneByOne, i32::MAX, i32::MAX),
            Block::new(BlockShape::OneByOne, i32::MIN, i32::MAX),
        ];
        let adjacency = Adjacency::of(&blocks);
        assert!(adjacency.neighbours(0).is_empty());
    }
}

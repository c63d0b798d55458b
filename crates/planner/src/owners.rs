//! Which block of a plan a quadrant is in.

use crate::{Block, Quadrant};

/// The quadrants of a list of blocks, sorted, each with the index of its block.
#[derive(Debug, Clone)]
pub struct Owners(Vec<(Quadrant, u32)>);

impl Owners {
    /// The quadrants of `blocks`.
    ///
    /// # Panics
    /// With more than four billion blocks.
    #[must_use]
    pub fn of(blocks: impl IntoIterator<Item = Block>) -> Self {
        let blocks = blocks.into_iter().enumerate();
        let mut owners: Vec<(Quadrant, u32)> = blocks
            .flat_map(|(index, block)| {
                let index =
                    u32::try_from(index).expect("a plan has fewer than four billion blocks");
                block.quadrants().map(move |quadrant| (quadrant, index))
            })
            .collect();
        owners.sort_unstable();
        Self(owners)
    }

    /// The index of the block that a quadrant is in; `None` where it is in none.
    #[must_use]
    pub fn of_quadrant(&self, quadrant: Quadrant) -> Option<u32> {
        let found = self.0.binary_search_by_key(&quadrant, |&(other, _)| other);
        found.ok().map(|index| self.0[index].1)
    }

    /// A quadrant that is in two blocks, and their indices.
    #[must_use]
    pub fn overlap(&self) -> Option<(Quadrant, [u32; 2])> {
        let mut pairs = self.0.windows(2);
        let pair = pairs.find(|pair| pair[0].0 == pair[1].0)?;
        Some((pair[0].0, [pair[0].1, pair[1].1]))
    }

    /// All of them, by quadrant.
    pub(crate) fn as_slice(&self) -> &[(Quadrant, u32)] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::BlockShape;

    #[test]
    fn every_quadrant_has_its_block_and_an_overlap_is_found() {
        let mut blocks = vec![
            Block::new(BlockShape::TwoByTwo, 3, -1),
            Block::new(BlockShape::OneByTwo, 2, -1),
        ];
        let owners = Owners::of(blocks.iter().copied());
        for (index, block) in (0..).zip(&blocks) {
            for quadrant in block.quadrants() {
                assert_eq!(owners.of_quadrant(quadrant), Some(index));
            }
        }
        assert_eq!(owners.of_quadrant(Quadrant::new(5, -1)), None);
        assert_eq!(owners.overlap(), None);
        blocks.push(Block::new(BlockShape::TwoByOne, 4, 0));
        let overlap = Owners::of(blocks).overlap();
        assert_eq!(overlap, Some((Quadrant::new(4, 0), [0, 2])));
    }
}

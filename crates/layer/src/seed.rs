//! The seeds that models draw with.

use planner::Block;

/// The seed of a block's call: the same for the same seed of the layer, the same place and as many
/// answers before that were not kept; else another one. Below 2^31, which all servers take.
///
/// The first four bytes of a BLAKE3 hash of these numbers, as 32 bits each, little-endian.
#[must_use]
pub fn block_seed(layer_seed: u32, block: Block, answered: u32) -> u32 {
    let shape = u32::from(block.shape.step()) << 8 | block.shape.width().cast_unsigned();
    let (x, y) = (block.top_left.x, block.top_left.y);
    let mut hasher = blake3::Hasher::new();
    for number in [
        layer_seed,
        x.cast_unsigned(),
        y.cast_unsigned(),
        shape,
        answered,
    ] {
        hasher.update(&number.to_le_bytes());
    }
    let [a, b, c, d, ..] = *hasher.finalize().as_bytes();
    u32::from_le_bytes([a, b, c, d]) & (u32::MAX >> 1)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use planner::BlockShape;

    use super::*;

    #[test]
    fn each_place_shape_layer_and_try_has_its_own_and_it_never_changes() {
        let mut seeds = HashSet::new();
        let mut asked = 0;
        for layer in [0, 1, u32::MAX] {
            for (x, y) in [(0, 0), (1, 0), (0, 1), (-1, 0), (i32::MIN, i32::MAX)] {
                for (width, height) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
                    let shape = BlockShape::of_size(width, height).unwrap();
                    for answered in 0..3 {
                        let block = Block::new(shape, x, y);
                        let seed = block_seed(layer, block, answered);
                        assert_eq!(seed, block_seed(layer, block, answered));
                        assert!(seed < 1 << 31);
                        seeds.insert(seed);
                        asked += 1;
                    }
                }
            }
        }
        assert_eq!(seeds.len(), asked);
        // What is recorded today must lead to the same pictures in years.
        let block = Block::new(BlockShape::OneByOne, 12, -3);
        assert_eq!(block_seed(0, block, 0), 1_947_431_818);
    }
}

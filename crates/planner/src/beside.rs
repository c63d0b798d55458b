//! Blocks beside others that are planned already.
//!
//! What stands may be finished, so each new block is generated after every old one that it touches
//! and must have room for it: it is of no earlier step, and has margin across their edge.

use std::collections::{HashMap, HashSet};

use crate::{Block, BlockShape, Owners, Plan, Quadrant, Region, plan};

/// Cuts `region` into blocks beside those of `standing`, which have none of its quadrants, so that no
/// seam forms whatever of `standing` is finished by then.
///
/// Where nothing stands near, the blocks are those of [`plan`]; beside what stands they are strips
/// and single quadrants.
#[must_use]
pub fn plan_beside(region: &Region, standing: &[Block]) -> Plan {
    if standing.is_empty() {
        return plan(region);
    }
    let owners = Owners::of(standing.iter().copied());
    let stands = |quadrant| {
        let owner = owners.of_quadrant(quadrant)?;
        Some(standing[owner as usize])
    };
    let planned = plan(region).blocks;
    let (mut blocks, broken): (Vec<_>, Vec<_>) = planned
        .into_iter()
        .partition(|&block| fits_beside(block, stands));
    let mut free: Vec<Quadrant> = broken.into_iter().flat_map(Block::quadrants).collect();
    free.extend(remove_singles(&mut blocks));
    free.sort_unstable_by_key(|quadrant| (quadrant.y, quadrant.x));
    blocks.extend(strips_of(&free, &blocks, stands));
    let covered: HashSet<Quadrant> = blocks.iter().flat_map(|block| block.quadrants()).collect();
    let singles = free
        .into_iter()
        .filter(|quadrant| !covered.contains(quadrant));
    blocks.extend(singles.map(|quadrant| Block {
        shape: BlockShape::OneByOne,
        top_left: quadrant,
    }));
    blocks.sort_by_key(|block| block.shape.step());
    Plan { blocks }
}

/// Whether `block` has room for whatever stands beside it, and comes after it.
fn fits_beside(block: Block, stands: impl Fn(Quadrant) -> Option<Block>) -> bool {
    block.around().all(|(quadrant, is_corner)| {
        let Some(other) = stands(quadrant) else {
            return true;
        };
        let are_squares = [block, other].map(|b| b.shape) == [BlockShape::TwoByTwo; 2];
        match block.shared_edge(other) {
            Some(axis) => other.shape.step() <= block.shape.step() && block.shape.has_margin(axis),
            // Two 2x2 blocks do not even touch by a corner.
            None => !(is_corner && are_squares),
        }
    })
}

/// Takes the single quadrants out, which may pair with what has become free.
fn remove_singles(blocks: &mut Vec<Block>) -> Vec<Quadrant> {
    let is_single = |block: &mut Block| block.shape == BlockShape::OneByOne;
    let singles = blocks.extract_if(.., is_single);
    singles.map(|block| block.top_left).collect()
}

/// Pairs of free quadrants, in order of generation, each with room for what comes before it.
fn strips_of(
    free: &[Quadrant],
    blocks: &[Block],
    stands: impl Fn(Quadrant) -> Option<Block>,
) -> Vec<Block> {
    let mut left: HashSet<Quadrant> = free.iter().copied().collect();
    let with_quadrants = |&block: &Block| block.quadrants().map(move |quadrant| (quadrant, block));
    let mut new: HashMap<Quadrant, Block> = blocks.iter().flat_map(with_quadrants).collect();
    let mut strips = Vec::new();
    for &quadrant in free {
        for shape in [BlockShape::OneByTwo, BlockShape::TwoByOne] {
            let strip = Block {
                shape,
                top_left: quadrant,
            };
            let is_free = strip.quadrants().all(|quadrant| left.contains(&quadrant));
            let before = |quadrant| stands(quadrant).or_else(|| new.get(&quadrant).copied());
            if is_free && fits_beside(strip, before) {
                for quadrant in strip.quadrants() {
                    left.remove(&quadrant);
                }
                new.extend(with_quadrants(&strip));
                strips.push(strip);
            }
        }
    }
    strips
}

//! Checks a plan against the promises, without any of the planner's own reasoning: it knows the
//! types, and computes sizes, neighbours and margins by itself.

use std::collections::HashMap;

use planner::{Block, BlockShape, Region};

/// Everything that is wrong with `blocks` as a plan for `region`; empty when all is well.
pub(crate) fn faults(region: &Region, blocks: &[Block]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut owner: HashMap<(i64, i64), usize> = HashMap::new();
    for (i, block) in blocks.iter().enumerate() {
        if i > 0 && step(blocks[i - 1].shape) > step(block.shape) {
            faults.push(format!("{block} comes after a later step"));
        }
        let (width, height) = size(block.shape);
        for dy in 0..height {
            for dx in 0..width {
                let at = (
                    i64::from(block.top_left.x) + dx,
                    i64::from(block.top_left.y) + dy,
                );
                if let Some(other) = owner.insert(at, i) {
                    faults.push(format!("{at:?} is in {} and in {block}", blocks[other]));
                }
            }
        }
    }
    for q in region.quadrants() {
        if !owner.contains_key(&(i64::from(q.x), i64::from(q.y))) {
            faults.push(format!("{q} is in no block"));
        }
    }
    if owner.len() > region.len() {
        faults.push("a block reaches outside the region".to_owned());
    }
    for (&(x, y), &a) in &owner {
        for (dx, dy) in [(1, 0), (0, 1), (1, 1), (-1, 1)] {
            match owner.get(&(x + dx, y + dy)) {
                Some(&b) if b != a => {
                    let (first, second) = (blocks[a.min(b)], blocks[a.max(b)]);
                    if size(first.shape) == (2, 2) && size(second.shape) == (2, 2) {
                        faults.push(format!("{first} touches {second}"));
                    }
                    let (width, height) = size(second.shape);
                    let fills_the_axis = match (dx, dy) {
                        (1, 0) => width == 2,
                        (0, 1) => height == 2,
                        _ => false,
                    };
                    if fills_the_axis {
                        faults.push(format!("{second} has no margin towards {first}"));
                    }
                }
                _ => {}
            }
        }
    }
    faults.sort();
    faults.dedup();
    faults
}

/// How many blocks of each step have to wait for each other: the longest chain of neighbours of
/// one step, in the order of the plan.
pub(crate) fn waves(blocks: &[Block]) -> [usize; 3] {
    let mut wave_at: HashMap<(i64, i64), (u8, usize)> = HashMap::new();
    let mut waves = [0; 3];
    for block in blocks {
        let (width, height) = size(block.shape);
        let (x, y) = (i64::from(block.top_left.x), i64::from(block.top_left.y));
        let around = (0..width)
            .flat_map(|dx| [(x + dx, y - 1), (x + dx, y + height)])
            .chain((0..height).flat_map(|dy| [(x - 1, y + dy), (x + width, y + dy)]));
        let step = step(block.shape);
        let wave = 1 + around
            .filter_map(|at| wave_at.get(&at))
            .filter(|earlier| earlier.0 == step)
            .map(|earlier| earlier.1)
            .max()
            .unwrap_or(0);
        for dx in 0..width {
            for dy in 0..height {
                wave_at.insert((x + dx, y + dy), (step, wave));
            }
        }
        let most = &mut waves[usize::from(step) - 1];
        *most = (*most).max(wave);
    }
    waves
}

fn size(shape: BlockShape) -> (i64, i64) {
    match shape {
        BlockShape::TwoByTwo => (2, 2),
        BlockShape::OneByTwo => (1, 2),
        BlockShape::TwoByOne => (2, 1),
        BlockShape::OneByOne => (1, 1),
    }
}

fn step(shape: BlockShape) -> u8 {
    match shape {
        BlockShape::TwoByTwo => 1,
        BlockShape::OneByTwo | BlockShape::TwoByOne => 2,
        BlockShape::OneByOne => 3,
    }
}

//! The plan in few bytes: columns of variable-length numbers, as base64. `assets/plan.js` reads
//! what this file writes.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::PlanState;
use crate::progress::{Progress, runs_of};
use crate::varint::{put, put_signed};

/// The columns of a plan.
#[derive(Debug, Serialize)]
pub(crate) struct Columns<'a> {
    /// How many items there are.
    count: usize,
    /// Runs of ids that follow each other: the first one and how many.
    ids: Vec<(i64, u32)>,
    /// For each item: width, height and step in one number; x and y, each as the difference to
    /// the item before.
    blocks: String,
    /// How far each item is.
    progress: Progress<'a>,
}

impl<'a> Columns<'a> {
    pub(crate) fn of(plan: &'a PlanState) -> Self {
        Self {
            count: plan.items.len(),
            ids: runs_of(plan.items.iter().map(|item| item.id)),
            blocks: STANDARD.encode(blocks(plan)),
            progress: Progress::of(plan, 0..plan.items.len()),
        }
    }
}

fn blocks(plan: &PlanState) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(plan.items.len() * 3);
    let (mut last_x, mut last_y) = (0, 0);
    for item in &plan.items {
        let shape = item.block.shape;
        let wide = u64::from(shape.width() == 2);
        let high = u64::from(shape.height() == 2);
        put(&mut bytes, wide | high << 1 | u64::from(item.step) << 2);
        let (x, y) = (
            i64::from(item.block.top_left.x),
            i64::from(item.block.top_left.y),
        );
        put_signed(&mut bytes, x - last_x);
        put_signed(&mut bytes, y - last_y);
        (last_x, last_y) = (x, y);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use planner::{Block, BlockShape, Item, Status};

    use super::*;

    #[test]
    fn a_block_is_its_shape_and_step_and_the_way_from_the_block_before() {
        let item = |shape, x, y| Item {
            id: 1,
            step: 2,
            block: Block::new(shape, x, y),
            status: Status::Pending,
        };
        let plan = PlanState {
            items: vec![
                item(BlockShape::OneByTwo, -1, 5),
                item(BlockShape::TwoByOne, 2, 5),
            ],
            ..PlanState::default()
        };
        assert_eq!(blocks(&plan), [0b1010, 1, 10, 0b1001, 6, 0]);
    }
}

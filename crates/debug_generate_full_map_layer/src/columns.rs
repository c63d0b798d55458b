//! The plan in few bytes: columns of variable-length numbers, as base64.
//!
//! A number is written in groups of seven bits, the lowest first, each but the last with its
//! high bit set (LEB128); a signed one is first folded to an unsigned one (zigzag). Places and
//! times are written as differences to those before, which are small. `assets/plan.js` reads
//! what this file writes.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use planner::Item;
use progress_db::LastTry;
use serde::Serialize;

use crate::{ItemState, PlanState};

/// Bytes of distinct error messages that a page holds at most.
const MAX_MESSAGE_BYTES: usize = 400_000;

/// What a try says, as bits.
const HAS_MODEL: u8 = 1;
const HAS_STARTED: u8 = 2;
const HAS_COMPLETED: u8 = 4;
const HAS_MESSAGE: u8 = 8;

/// The columns of a plan.
#[derive(Debug, Serialize)]
pub(crate) struct Columns<'a> {
    /// How many items there are.
    count: usize,
    /// Runs of ids that follow each other: the first one and how many.
    ids: Vec<(i64, u32)>,
    /// For each item: width, height, step, state and, if it is complete, whether pictures are
    /// missing, in one number; x and y, each as the
    /// difference to the item before.
    blocks: String,
    /// For each item: what its try says, as bits; then those things, times in tenths of a
    /// second: the start as the difference to the last start, the end as the difference to the
    /// start, or to the last start where there is none.
    tries: String,
    /// The endpoints' names.
    models: &'a [String],
    /// The error messages.
    messages: Vec<&'a str>,
}

impl<'a> Columns<'a> {
    pub(crate) fn of(plan: &'a PlanState) -> Self {
        let mut messages = Messages::default();
        Self {
            count: plan.items.len(),
            ids: id_runs(&plan.items),
            blocks: STANDARD.encode(blocks(plan)),
            tries: STANDARD.encode(tries(&plan.tries, &mut messages)),
            models: &plan.models,
            messages: messages.texts,
        }
    }
}

fn id_runs(items: &[Item]) -> Vec<(i64, u32)> {
    let mut runs: Vec<(i64, u32)> = Vec::new();
    for item in items {
        match runs.last_mut() {
            Some((first, count)) if first.checked_add(i64::from(*count)) == Some(item.id) => {
                *count += 1;
            }
            _ => runs.push((item.id, 1)),
        }
    }
    runs
}

fn blocks(plan: &PlanState) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(plan.items.len() * 3);
    let (mut last_x, mut last_y) = (0, 0);
    for (index, (item, &state)) in plan.items.iter().zip(&plan.states).enumerate() {
        let shape = item.block.shape;
        let wide = u64::from(shape.width() == 2);
        let high = u64::from(shape.height() == 2);
        let misses = u64::from(state == ItemState::Complete && !plan.has_pictures[index]);
        put(
            &mut bytes,
            wide | high << 1 | u64::from(item.step) << 2 | (state as u64) << 4 | misses << 7,
        );
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

fn tries<'a>(tries: &'a [LastTry], messages: &mut Messages<'a>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(tries.len());
    let mut last_start = 0;
    for last_try in tries {
        let has = |present: bool, bit: u8| if present { bit } else { 0 };
        bytes.push(
            has(last_try.model.is_some(), HAS_MODEL)
                | has(last_try.started_at_ms.is_some(), HAS_STARTED)
                | has(last_try.completed_at_ms.is_some(), HAS_COMPLETED)
                | has(last_try.error_message.is_some(), HAS_MESSAGE),
        );
        if let Some(model) = last_try.model {
            put(&mut bytes, u64::from(model));
        }
        if let Some(started_at_ms) = last_try.started_at_ms {
            let start = tenths(started_at_ms);
            put_signed(&mut bytes, start - last_start);
            last_start = start;
        }
        if let Some(completed_at_ms) = last_try.completed_at_ms {
            put_signed(&mut bytes, tenths(completed_at_ms) - last_start);
        }
        if let Some(message) = &last_try.error_message {
            put(&mut bytes, messages.place_of(message));
        }
    }
    bytes
}

/// Tenths of a second, within what a JavaScript number holds exactly.
fn tenths(ms: i64) -> i64 {
    ms.div_euclid(100).clamp(-(1 << 50), 1 << 50)
}

/// Distinct messages in the order in which they occur, up to a size.
#[derive(Default)]
struct Messages<'a> {
    texts: Vec<&'a str>,
    places: HashMap<&'a str, usize>,
    bytes: usize,
}

impl<'a> Messages<'a> {
    fn place_of(&mut self, message: &'a str) -> u64 {
        let mut message = message;
        if !self.places.contains_key(message) {
            if self.bytes + message.len() > MAX_MESSAGE_BYTES {
                message = "This page holds no more messages; progress.db has this one.";
            } else {
                self.bytes += message.len();
            }
        }
        let next = self.texts.len();
        let place = *self.places.entry(message).or_insert(next);
        if place == next {
            self.texts.push(message);
        }
        place as u64
    }
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn put_signed(bytes: &mut Vec<u8>, number: i64) {
    put(bytes, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

#[cfg(test)]
mod tests {
    use planner::Status;
    use planner::{Block, BlockShape};

    use super::*;

    #[test]
    fn numbers_take_seven_bits_a_byte() {
        let bytes = |number| {
            let mut bytes = Vec::new();
            put_signed(&mut bytes, number);
            bytes
        };
        assert_eq!(bytes(0), [0]);
        assert_eq!(bytes(-1), [1]);
        assert_eq!(bytes(63), [126]);
        assert_eq!(bytes(64), [0x80, 1]);
        assert_eq!(bytes(-300), [0xd7, 4]);
    }

    #[test]
    fn ids_that_follow_each_other_are_one_run() {
        let item = |id| Item {
            id,
            step: 3,
            block: Block::new(BlockShape::OneByOne, 0, 0),
            status: Status::Pending,
        };
        let items = [3, 4, 5, 9, i64::MAX, 1].map(item);
        assert_eq!(id_runs(&items), [(3, 3), (9, 1), (i64::MAX, 1), (1, 1)]);
    }

    #[test]
    fn a_block_is_its_shape_step_and_state_and_the_way_from_the_block_before() {
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
            states: vec![ItemState::Complete, ItemState::Waiting],
            has_pictures: vec![false, false],
            ..PlanState::default()
        };
        assert_eq!(blocks(&plan), [0b1010_1010, 1, 1, 10, 0b100_1001, 6, 0]);
    }

    #[test]
    fn messages_are_held_once_and_not_without_end() {
        let long: Vec<String> = (0..5000)
            .map(|i| format!("{i} {}", "x".repeat(195)))
            .collect();
        let mut messages = Messages::default();
        for text in long.iter().chain(&long) {
            messages.place_of(text);
        }
        let bytes: usize = messages.texts.iter().map(|text| text.len()).sum();
        assert!(bytes <= MAX_MESSAGE_BYTES + 100, "{bytes}");
        assert!(messages.texts.last().unwrap().contains("no more messages"));
        assert_eq!(messages.place_of(&long[7]), 7);
    }
}

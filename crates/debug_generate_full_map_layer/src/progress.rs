//! How far items are, in few bytes: in the page for all of them, in an answer for those that
//! have changed. `Plan.take` in `assets/plan.js` reads both.

use std::collections::HashMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::PlanState;
use crate::varint::{put, put_signed};

/// Bytes of distinct error messages that are written at most.
const MAX_MESSAGE_BYTES: usize = 400_000;

/// What an item's tag says, as bits above its state, which takes three.
const MISSES_PICTURES: u8 = 1 << 3;
const HAS_MODEL: u8 = 1 << 4;
const HAS_STARTED: u8 = 1 << 5;
const HAS_COMPLETED: u8 = 1 << 6;
const HAS_MESSAGE: u8 = 1 << 7;

/// How far some items are.
#[derive(Debug, Serialize)]
pub(crate) struct Progress<'a> {
    /// Runs of places in the order of generation that follow each other: the first one and how
    /// many.
    items: Vec<(i64, u32)>,
    /// For each item a tag: its state, whether it is complete without all its pictures, and what
    /// its last try says; then those things. Places and times are numbers of [`crate::varint`],
    /// times in tenths of a second: the start as the difference to the last start, the end as
    /// the difference to the start, or to the last start where there is none.
    tries: String,
    /// The endpoints' names.
    models: Vec<&'a str>,
    /// The error messages.
    messages: Vec<&'a str>,
}

impl<'a> Progress<'a> {
    /// How far those of `plan` are that stand at the places `items`.
    pub(crate) fn of(plan: &'a PlanState, items: impl Iterator<Item = usize> + Clone) -> Self {
        let mut models = Texts::up_to(usize::MAX);
        let mut messages = Texts::up_to(MAX_MESSAGE_BYTES);
        let mut bytes = Vec::new();
        let mut last_start = 0;
        for index in items.clone() {
            last_start = put_item(
                &mut bytes,
                plan,
                index,
                last_start,
                &mut models,
                &mut messages,
            );
        }
        Self {
            items: runs_of(items.map(|index| index as i64)),
            tries: STANDARD.encode(bytes),
            models: models.texts,
            messages: messages.texts,
        }
    }
}

/// Numbers as runs that follow each other: the first one and how many.
pub(crate) fn runs_of(numbers: impl Iterator<Item = i64>) -> Vec<(i64, u32)> {
    let mut runs: Vec<(i64, u32)> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some((first, count)) if first.checked_add(i64::from(*count)) == Some(number) => {
                *count += 1;
            }
            _ => runs.push((number, 1)),
        }
    }
    runs
}

fn put_item<'a>(
    bytes: &mut Vec<u8>,
    plan: &'a PlanState,
    index: usize,
    mut last_start: i64,
    models: &mut Texts<'a>,
    messages: &mut Texts<'a>,
) -> i64 {
    let last_try = &plan.tries[index];
    let model = plan.model(index);
    let has = |present: bool, bit: u8| if present { bit } else { 0 };
    bytes.push(
        plan.states[index] as u8
            | has(plan.misses_pictures(index), MISSES_PICTURES)
            | has(model.is_some(), HAS_MODEL)
            | has(last_try.started_at_ms.is_some(), HAS_STARTED)
            | has(last_try.completed_at_ms.is_some(), HAS_COMPLETED)
            | has(last_try.error_message.is_some(), HAS_MESSAGE),
    );
    if let Some(model) = model {
        put(bytes, models.index_of(model));
    }
    if let Some(started_at_ms) = last_try.started_at_ms {
        let start = tenths(started_at_ms);
        put_signed(bytes, start - last_start);
        last_start = start;
    }
    if let Some(completed_at_ms) = last_try.completed_at_ms {
        put_signed(bytes, tenths(completed_at_ms) - last_start);
    }
    if let Some(message) = &last_try.error_message {
        put(bytes, messages.index_of(message));
    }
    last_start
}

/// Tenths of a second, within what a JavaScript number holds exactly.
fn tenths(ms: i64) -> i64 {
    ms.div_euclid(100).clamp(-(1 << 50), 1 << 50)
}

/// Distinct texts in the order in which they occur, up to a size.
struct Texts<'a> {
    texts: Vec<&'a str>,
    indices: HashMap<&'a str, usize>,
    bytes_left: usize,
}

impl<'a> Texts<'a> {
    fn up_to(bytes: usize) -> Self {
        Self {
            texts: Vec::new(),
            indices: HashMap::new(),
            bytes_left: bytes,
        }
    }

    fn index_of(&mut self, text: &'a str) -> u64 {
        let mut text = text;
        if !self.indices.contains_key(text) {
            match self.bytes_left.checked_sub(text.len()) {
                Some(left) => self.bytes_left = left,
                None => text = "This page holds no more messages; progress.db has this one.",
            }
        }
        let next = self.texts.len();
        let index = *self.indices.entry(text).or_insert(next);
        if index == next {
            self.texts.push(text);
        }
        index as u64
    }
}

#[cfg(test)]
mod tests {
    use planner::{Block, BlockShape, Item, Status};
    use progress_db::LastTry;

    use super::*;
    use crate::ItemState;

    #[test]
    fn numbers_that_follow_each_other_are_one_run() {
        let numbers = [3, 4, 5, 9, i64::MAX, 1].into_iter();
        assert_eq!(runs_of(numbers), [(3, 3), (9, 1), (i64::MAX, 1), (1, 1)]);
    }

    #[test]
    fn an_item_is_written_alike_among_all_and_alone() {
        let item = |id| Item {
            id,
            step: 3,
            block: Block::new(BlockShape::OneByOne, 3 * id as i32, 0),
            status: Status::Pending,
        };
        let plan = PlanState {
            items: vec![item(1), item(2)],
            states: vec![ItemState::Complete, ItemState::Waiting],
            tries: vec![
                LastTry {
                    model: Some(1),
                    started_at_ms: Some(1000),
                    completed_at_ms: Some(1250),
                    rejected: 0,
                    error_message: None,
                },
                LastTry {
                    error_message: Some("no".into()),
                    ..LastTry::default()
                },
            ],
            models: vec!["a".into(), "b".into()],
            calls: Vec::new(),
            has_pictures: vec![false, false],
        };
        let first = [0b0111_1010, 0, 20, 4];
        let second = [0b1000_0100, 0];
        let written = |items: std::ops::Range<usize>| {
            let progress = Progress::of(&plan, items);
            let bytes = STANDARD.decode(&progress.tries).unwrap();
            (progress.items, bytes, progress.models, progress.messages)
        };
        let all = [&first[..], &second[..]].concat();
        assert_eq!(written(0..2), (vec![(0, 2)], all, vec!["b"], vec!["no"]));
        assert_eq!(
            written(0..1),
            (vec![(0, 1)], first.to_vec(), vec!["b"], vec![])
        );
        assert_eq!(
            written(1..2),
            (vec![(1, 1)], second.to_vec(), vec![], vec!["no"])
        );
    }

    #[test]
    fn messages_are_held_once_and_not_without_end() {
        let long: Vec<String> = (0..5000)
            .map(|i| format!("{i} {}", "x".repeat(195)))
            .collect();
        let mut messages = Texts::up_to(MAX_MESSAGE_BYTES);
        for text in long.iter().chain(&long) {
            messages.index_of(text);
        }
        let bytes: usize = messages.texts.iter().map(|text| text.len()).sum();
        assert!(bytes <= MAX_MESSAGE_BYTES + 100, "{bytes}");
        assert!(messages.texts.last().unwrap().contains("no more messages"));
        assert_eq!(messages.index_of(&long[7]), 7);
    }
}

//! What people think of blocks.

mod entry;
mod file;

use std::collections::BTreeMap;
use std::time::SystemTime;

use planner::{Block, Quadrant, Status};
use serde::{Deserialize, Serialize};

use crate::Kept;
use entry::Entry;

/// What somebody thinks of a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Entry", into = "Entry")]
pub struct Judgement {
    /// The block, as it was planned when it was judged.
    pub block: Block,
    /// What is to become of it.
    pub verdict: Verdict,
    /// Why; may be empty.
    pub note: String,
    /// What is added to the prompt of this block when it is drawn again.
    pub prompt: Option<String>,
    /// When it was judged, to the millisecond.
    pub at: SystemTime,
}

/// What is to become of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Verdict {
    /// It stays as it is.
    Keep,
    /// It is to be drawn again.
    Redo,
    /// Other pictures of it are to be put in its place.
    Choose {
        /// Where they are.
        from: Kept,
        /// Their version.
        version: u32,
    },
}

/// The judgements of a layer's blocks, of each the latest.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Review {
    judgements: BTreeMap<(i32, i32), Judgement>,
}

impl Judgement {
    /// Whether it is still to be carried out: nothing has happened to its block since. That is when it
    /// is later than what was judged: the pictures of a complete item, and the last try of a failed
    /// one, of which there is nothing to keep. Of an item that is to be drawn, or is being drawn, nothing is left to judge. Times are
    /// unix time in milliseconds.
    #[must_use]
    pub fn is_open(
        &self,
        status: Status,
        started_at_ms: Option<i64>,
        completed_at_ms: Option<i64>,
    ) -> bool {
        let judged = match status {
            Status::Complete => completed_at_ms,
            // It has no pictures that could stay.
            Status::Error if self.verdict == Verdict::Keep => return false,
            Status::Error => started_at_ms,
            Status::Pending | Status::InProgress => return false,
        };
        let at = self.at.duration_since(SystemTime::UNIX_EPOCH);
        let at = at.map_or(0, |since| {
            i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
        });
        // Where no time is known, nothing tells that it is older.
        judged.is_none_or(|judged| at > judged)
    }
}

impl Review {
    /// The judgements, in the order of their blocks' places.
    pub fn judgements(&self) -> impl Iterator<Item = &Judgement> {
        self.judgements.values()
    }

    /// The latest judgement of `block`; one of another block at the same place is none of it.
    #[must_use]
    pub fn of(&self, block: Block) -> Option<&Judgement> {
        let judgement = self.judgements.get(&key(block))?;
        (judgement.block == block).then_some(judgement)
    }

    /// Takes in a judgement, in place of an earlier one of its block.
    pub fn put(&mut self, judgement: Judgement) {
        self.judgements.insert(key(judgement.block), judgement);
    }

    /// Takes the judgement of `block` back; returns it.
    pub fn take_back(&mut self, block: Block) -> Option<Judgement> {
        self.of(block)?;
        self.judgements.remove(&key(block))
    }
}

fn key(block: Block) -> (i32, i32) {
    let Quadrant { x, y } = block.top_left;
    (y, x)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use planner::BlockShape;

    use super::*;

    fn judged_at(ms: u64) -> Judgement {
        Judgement {
            block: Block::new(BlockShape::TwoByTwo, 4, -2),
            verdict: Verdict::Redo,
            note: String::new(),
            prompt: None,
            at: SystemTime::UNIX_EPOCH + Duration::from_millis(ms),
        }
    }

    #[test]
    fn a_judgement_is_open_until_something_happens_to_its_block() {
        let judgement = judged_at(1_795_356_180_250);
        let (before, after) = (Some(1_795_356_180_249), Some(1_795_356_180_251));
        let is_open = |status, started, completed| judgement.is_open(status, started, completed);
        assert!(is_open(Status::Complete, before, before));
        assert!(!is_open(Status::Complete, before, after), "drawn again");
        assert!(!is_open(Status::Complete, before, Some(1_795_356_180_250)));
        assert!(is_open(Status::Complete, before, None), "no time is known");
        assert!(is_open(Status::Error, before, None));
        assert!(!is_open(Status::Error, after, None), "tried again");
        // A try that began before the judgement says nothing of a complete one.
        assert!(is_open(Status::Complete, after, before));
        let verdict = Verdict::Keep;
        let kept = Judgement {
            verdict,
            ..judged_at(1_795_356_180_250)
        };
        assert!(kept.is_open(Status::Complete, before, before));
        assert!(
            !kept.is_open(Status::Error, before, None),
            "nothing to keep"
        );
        for status in [Status::Pending, Status::InProgress] {
            assert!(!is_open(status, before, None), "{status:?}");
        }
    }

    #[test]
    fn of_a_block_the_latest_judgement_counts_and_of_another_none() {
        let mut review = Review::default();
        review.put(judged_at(1));
        review.put(judged_at(2));
        assert_eq!(review.judgements().collect::<Vec<_>>(), [&judged_at(2)]);
        let block = judged_at(1).block;
        let planned_anew = Block::new(BlockShape::OneByOne, 4, -2);
        assert_eq!(review.of(planned_anew), None);
        assert_eq!(review.take_back(planned_anew), None);
        assert_eq!(review.take_back(block), Some(judged_at(2)));
        assert_eq!(review, Review::default());
    }
}

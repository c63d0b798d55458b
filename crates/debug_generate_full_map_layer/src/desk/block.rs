//! What the desk is told of one block.

use anyhow::{Context, Result};
use layer::{Judgement, Kept, Review};
use serde::{Deserialize, Serialize};

use super::judged::open_at;
use crate::PlanState;
use crate::watch::View;

/// A block, with the pictures of it that are kept.
#[derive(Debug, Serialize)]
pub(crate) struct Told {
    item: usize,
    seen: Seen,
    /// Why it failed.
    message: Option<Box<str>>,
    /// The versions of its earlier pictures, from the first.
    candidates: Vec<u32>,
    /// The versions of the answers that were not good enough, from the first.
    rejected: Vec<u32>,
    /// What was judged of it and is still to be carried out.
    judgement: Option<Judgement>,
}

/// What tells that a block is as it was when somebody looked at it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Seen {
    state: u8,
    started_at_ms: Option<i64>,
    completed_at_ms: Option<i64>,
}

impl Seen {
    pub(crate) fn of(plan: &PlanState, place: usize) -> Self {
        Self {
            state: plan.states[place] as u8,
            started_at_ms: plan.tries[place].started_at_ms,
            completed_at_ms: plan.tries[place].completed_at_ms,
        }
    }

    /// The last moment of what was seen, in milliseconds of unix time.
    pub(crate) fn last_ms(&self) -> i64 {
        let times = [self.started_at_ms, self.completed_at_ms];
        times.into_iter().flatten().max().unwrap_or(0)
    }
}

impl Told {
    /// What is to be told of the block at a place in the order of generation.
    ///
    /// # Errors
    /// When the directories of kept pictures cannot be read.
    pub(crate) async fn of(view: &View, place: usize, review: &Review) -> Result<Self> {
        let block = view.plan.items[place].block;
        let dir = view.layer.dir.clone();
        let versions = tokio::task::spawn_blocking(move || {
            let of = |from| dir.kept(from).versions(block);
            of(Kept::Candidates).and_then(|candidates| Ok((candidates, of(Kept::Rejected)?)))
        });
        let (candidates, rejected) = versions.await.context("reading was cut short")??;
        Ok(Self {
            item: place,
            seen: Seen::of(&view.plan, place),
            message: view.plan.tries[place].error_message.clone(),
            candidates,
            rejected,
            judgement: open_at(&view.plan, review, place).cloned(),
        })
    }
}

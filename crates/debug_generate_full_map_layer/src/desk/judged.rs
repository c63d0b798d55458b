//! What was judged, kept in memory as long as the file is the same.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use layer::{Judgement, LayerDir, LayerError, Review, Verdict};
use serde::Serialize;

use crate::PlanState;
use crate::progress::runs_of;

/// The judgements of a layer.
#[derive(Debug)]
pub(crate) struct Judged {
    dir: LayerDir,
    known: Mutex<Option<(Stamp, Arc<Review>)>>,
}

/// Tells a file from the one that was there before; `None` when there is none.
type Stamp = Option<(u64, u64, i64, i64)>;

/// What is judged and still to be carried out.
#[derive(Debug, Default, PartialEq, Serialize)]
pub(crate) struct Open {
    /// The blocks, as runs of their places in the order of generation.
    items: Vec<(i64, u32)>,
    keep: usize,
    redo: usize,
    choose: usize,
}

impl Judged {
    pub(crate) fn of(dir: LayerDir) -> Self {
        let known = Mutex::new(None);
        Self { dir, known }
    }

    /// The judgements as they stand in the file.
    pub(crate) async fn read(self: &Arc<Self>) -> Result<Arc<Review>> {
        let judged = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || {
            // Before it is read: who writes it meanwhile makes it another one.
            let stamp = stamp_of(&judged.dir);
            let mut known = judged.known.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((of, review)) = &*known
                && *of == stamp
            {
                return Ok(Arc::clone(review));
            }
            let review = Arc::new(judged.dir.read_review()?);
            *known = Some((stamp, Arc::clone(&review)));
            Ok(review)
        });
        read.await.context("reading was cut short")?
    }

    /// Changes them on disk; what was changed there meanwhile stays.
    pub(crate) async fn change(
        self: &Arc<Self>,
        change: impl FnOnce(&mut Review) + Send + 'static,
    ) -> Result<Arc<Review>> {
        let judged = Arc::clone(self);
        let changed = tokio::task::spawn_blocking(move || {
            judged.dir.change_review::<LayerError>(|review| {
                change(review);
                Ok(())
            })
        });
        // It is read anew when it is asked for: another desk may have written since.
        Ok(Arc::new(changed.await.context("writing was cut short")??))
    }
}

fn stamp_of(dir: &LayerDir) -> Stamp {
    let of = |file: Metadata| (file.ino(), file.size(), file.mtime(), file.mtime_nsec());
    dir.review_path().metadata().ok().map(of)
}

/// The judgement of the block at a place in the order of generation that is still to be carried out.
pub(crate) fn open_at<'a>(
    plan: &PlanState,
    review: &'a Review,
    place: usize,
) -> Option<&'a Judgement> {
    let (item, last) = (&plan.items[place], &plan.tries[place]);
    let judgement = review.of(item.block)?;
    judgement
        .is_open(item.status, last.started_at_ms, last.completed_at_ms)
        .then_some(judgement)
}

impl Open {
    /// Those of the blocks of `plan`.
    pub(crate) fn of(plan: &PlanState, review: &Review) -> Self {
        let mut open = Self::default();
        let mut places = Vec::new();
        for place in 0..plan.items.len() {
            let Some(judgement) = open_at(plan, review, place) else {
                continue;
            };
            places.push(place as i64);
            match judgement.verdict {
                Verdict::Keep => open.keep += 1,
                Verdict::Redo => open.redo += 1,
                Verdict::Choose { .. } => open.choose += 1,
            }
        }
        open.items = runs_of(places.into_iter());
        open
    }
}

//! What is asked for of finished blocks: that they are generated again, or get other pictures.

use std::sync::Arc;

use anyhow::Context;
use layer::{Kept, Pictures};
use planner::Item;
use progress_db::ProgressDb;
use upkeep::{Asked, Followers, InPlace, Redo, Uncalled, Upkeep};

use super::layer_state::Start;
use crate::args::Args;
use crate::work::fault_point::fault_point;

/// What `--redo`, `--redo-file` or `--redo-flagged` asks for.
///
/// # Errors
/// When the text selects nothing that is planned.
pub(crate) async fn asked_for(args: &Args, start: &Start, items: &[Item]) -> anyhow::Result<Asked> {
    if args.redo_flagged {
        let asked = Asked::in_review(&start.layer).await?;
        if asked.again.is_empty() && asked.replaced.is_empty() {
            let review = start.layer.review_path();
            tracing::info!("nothing in {} is still to be done", review.display());
        }
        return Ok(asked);
    }
    let (text, file) = (args.redo.as_deref(), args.redo_file.as_deref());
    let again = start.selected("--redo", text, file, items)?;
    let of = |again| Asked::of(again, args.redo_prompt.as_deref(), items);
    Ok(again.map_or_else(Asked::default, of))
}

/// What it takes to generate the blocks again that are asked for, if any are.
pub(crate) fn redo_of(
    asked: &Asked,
    args: &Args,
    start: &Start,
    items: &[Item],
    uncalled: &Uncalled,
) -> Option<Redo> {
    let followers = match start.config.shows_surroundings() && !args.without_followers {
        true => Followers::Again,
        false => Followers::Stay,
    };
    (!asked.again.is_empty()).then(|| Redo::of(asked, items, followers, uncalled))
}

impl Start {
    /// The layer, to be worked on.
    pub(crate) fn upkeep<'a>(
        &'a self,
        pictures: &'a Arc<Pictures>,
        db: &'a mut ProgressDb,
    ) -> Upkeep<'a> {
        Upkeep {
            layer: &self.layer,
            pictures,
            db,
            size: self.size,
            shows_surroundings: self.config.shows_surroundings(),
            threads: cores::count(),
            warn: |line| tracing::warn!("{line}"),
            passing: fault_point,
        }
    }
}

/// `--keep` and `--accept`: other pictures take the place of those that are there, unless they have
/// just got it, `in_place`. Calls nothing; `None` when neither is asked for. Returns what was done, for
/// people.
///
/// # Errors
/// When there are none that could; then nothing was changed.
pub(crate) async fn replace(
    args: &Args,
    items: &[Item],
    in_place: &InPlace,
    mut upkeep: Upkeep<'_>,
) -> anyhow::Result<Option<String>> {
    let (from, flag, wanted) = match (&args.keep, &args.accept) {
        (Some(wanted), _) => (Kept::Candidates, "--keep", wanted),
        (None, Some(wanted)) => (Kept::Rejected, "--accept", wanted),
        (None, None) => return Ok(None),
    };
    let mut told = in_place.told.clone();
    let left = in_place.left_of(from, wanted);
    if !left.0.is_empty() {
        let chosen = upkeep.replacements(from, &left, items).await;
        told += &upkeep.replace(from, &chosen.context(flag)?, items).await?;
    }
    Ok(Some(told + "nothing was called\n"))
}

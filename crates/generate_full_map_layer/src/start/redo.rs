//! What is asked for of finished blocks: that they are generated again, or get other pictures.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::Context;
use layer::{Pictures, Selection};
use planner::{Item, Quadrant};
use progress_db::ProgressDb;
use upkeep::{Followers, Kept, Redo, Upkeep};

use super::layer_state::Start;
use crate::args::Args;
use crate::work::fault_point::fault_point;

/// The quadrants that `--redo` or `--redo-file` asks for, if any does. Read once: a pipe gives what
/// it has only once.
///
/// # Errors
/// When the text selects nothing that is planned.
pub(crate) fn asked_for(
    args: &Args,
    start: &Start,
    items: &[Item],
) -> anyhow::Result<Option<HashSet<Quadrant>>> {
    let (text, said) = match (&args.redo, &args.redo_file) {
        (Some(text), _) => (text.clone(), "--redo".to_owned()),
        (None, Some(path)) => {
            let said = format!("--redo-file {}", path.display());
            let text = std::fs::read_to_string(path);
            (text.with_context(|| format!("cannot read {said}"))?, said)
        }
        (None, None) => return Ok(None),
    };
    let planned: Vec<Quadrant> = items.iter().flat_map(|i| i.block.quadrants()).collect();
    let chosen = Selection::parse(&text, start.source.geometry())
        .and_then(|selection| selection.of(&planned))
        .context(said)?;
    Ok(Some(chosen.into_iter().collect()))
}

/// What it takes to generate the blocks again that hold `chosen`.
pub(crate) fn redo_of(
    chosen: &HashSet<Quadrant>,
    args: &Args,
    start: &Start,
    items: &[Item],
) -> Redo {
    let followers = match start.config.shows_surroundings() && !args.without_followers {
        true => Followers::Again,
        false => Followers::Stay,
    };
    Redo::of(chosen, items, followers)
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

/// `--keep` and `--accept`: other pictures take the place of those that are there. Calls nothing;
/// `None` when neither is asked for. Returns what was done, for people.
///
/// # Errors
/// When there are none that could; then nothing was changed.
pub(crate) async fn replace(
    args: &Args,
    items: &[Item],
    mut upkeep: Upkeep<'_>,
) -> anyhow::Result<Option<String>> {
    let (from, flag, wanted) = match (&args.keep, &args.accept) {
        (Some(wanted), _) => (Kept::Candidates, "--keep", wanted),
        (None, Some(wanted)) => (Kept::Rejected, "--accept", wanted),
        (None, None) => return Ok(None),
    };
    let chosen = upkeep.replacements(from, wanted, items).await;
    let chosen = chosen.context(flag)?;
    let told = upkeep.replace(from, &chosen, items).await?;
    Ok(Some(told + "nothing was called\n"))
}

/// The text that `--redo-prompt` adds, for each item that holds a quadrant of `chosen`.
pub(crate) fn prompts(
    args: &Args,
    chosen: &HashSet<Quadrant>,
    items: &[Item],
) -> HashMap<i64, String> {
    let Some(text) = &args.redo_prompt else {
        return HashMap::new();
    };
    let holds = |item: &&Item| item.block.quadrants().any(|at| chosen.contains(&at));
    let named = items.iter().filter(holds);
    named.map(|item| (item.id, text.clone())).collect()
}

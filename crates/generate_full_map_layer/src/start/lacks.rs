//! What a plan lacks that looks complete: pictures of complete items, and rows.

use std::collections::HashSet;

use layer::{Pictures, shell_quoted};
use planner::{Item, Pilot, Quadrant, Status};
use progress_db::{MetadataKey, ProgressDb};

use super::layer_state::Start;
use super::pilot::pilot_has;

/// A line for each thing that is missing, with what to do; where a part runs alone, of what that
/// needs. Costs one listing of `generations/`.
///
/// # Errors
/// When the directory or the database cannot be read.
pub(crate) async fn lacks(
    start: &Start,
    pictures: &Pictures,
    db: &mut ProgressDb,
    items: &[Item],
    pilot: Option<&Pilot>,
) -> anyhow::Result<Vec<String>> {
    let mut lacks = Vec::new();
    let there: HashSet<Quadrant> = pictures.quadrants().await?.into_iter().collect();
    let inside = items.iter().enumerate();
    let inside = inside.filter(|&(index, _)| pilot_has(pilot, index));
    let complete = inside
        .map(|(_, item)| item)
        .filter(|item| item.status == Status::Complete)
        .flat_map(|item| item.block.quadrants());
    let mut gone = complete.filter(|quadrant| !there.contains(quadrant));
    if let Some(first) = gone.next() {
        lacks.push(format!(
            "{} pictures of complete items are gone from {}, as that of quadrant {first}; --resume makes them again",
            1 + gone.count(),
            pictures.place().display()
        ));
    }
    if pilot.is_none()
        && let Some(unplanned) = without_a_row(start, db, items).await?
    {
        lacks.push(format!(
            "{unplanned} no item of {} covers; init_layer --rebuild --output {} makes a new plan and keeps what is finished",
            start.layer.progress_path().display(),
            shell_quoted(start.layer.path())
        ));
    }
    Ok(lacks)
}

/// The quadrants that were planned and have no row. Quadrants that the source has got since are
/// none of them, as far as the plan says how many it had.
async fn without_a_row(
    start: &Start,
    db: &mut ProgressDb,
    items: &[Item],
) -> anyhow::Result<Option<String>> {
    let covered = items.iter().flat_map(|item| item.block.quadrants());
    if let Some(planned) = db.metadata(MetadataKey::Quadrants).await?
        && let Ok(planned) = planned.parse::<usize>()
    {
        let missing = planned.saturating_sub(covered.count());
        return Ok((missing > 0).then(|| format!("{missing} of the {planned} planned quadrants")));
    }
    // A source of which a page is damaged is no reason not to run the rest.
    let Ok(region) = start
        .source
        .region(start.config.source_layer, start.bounds)
        .await
    else {
        return Ok(None);
    };
    let covered: HashSet<Quadrant> = covered.collect();
    let quadrants = region.quadrants().iter();
    let missing: Vec<_> = quadrants
        .filter(|quadrant| !covered.contains(quadrant))
        .collect();
    let line = |first| format!("{} quadrants of the source, as {first},", missing.len());
    Ok(missing.first().map(line))
}

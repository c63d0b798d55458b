//! What a plan lacks that looks complete: pictures of complete items, and rows.

use std::collections::HashSet;

use layer::{LayerDir, Pictures, Source, SourceLayer, shell_quoted};
use planner::{Bounds, Item, Pilot, Quadrant, Role, Status};
use progress_db::{MetadataKey, ProgressDb};

use crate::UpkeepError;

/// What a plan was made of.
#[derive(Debug, Clone, Copy)]
pub struct Planned<'a> {
    /// The layer.
    pub layer: &'a LayerDir,
    /// What it is made from.
    pub source: &'a Source,
    /// Which of its pictures.
    pub source_layer: SourceLayer,
    /// The part of the map that was planned, where that is known.
    pub bounds: Option<Bounds>,
}

/// A line for each thing that is missing, with what to do; where a part runs alone, of what that
/// needs. Costs one listing of `generations/`.
///
/// # Errors
/// [`UpkeepError`] when the directory or the database cannot be read.
pub async fn lacks(
    planned: Planned<'_>,
    pictures: &Pictures,
    db: &mut ProgressDb,
    items: &[Item],
    pilot: Option<&Pilot>,
) -> Result<Vec<String>, UpkeepError> {
    let mut lacks = Vec::new();
    let there: HashSet<Quadrant> = pictures.quadrants().await?.into_iter().collect();
    let inside = items.iter().enumerate();
    let inside =
        inside.filter(|&(index, _)| pilot.is_none_or(|pilot| pilot.role(index) != Role::Outside));
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
        && let Some(unplanned) = without_a_row(planned, db, items).await?
    {
        lacks.push(format!(
            "{unplanned} no item of {} covers; init_layer --rebuild --output {} makes a new plan and keeps what is finished",
            planned.layer.progress_path().display(),
            shell_quoted(planned.layer.path())
        ));
    }
    Ok(lacks)
}

/// Refuses a source that is not the one that was planned. Plans made by other tools do not say.
///
/// # Errors
/// [`UpkeepError::OtherSource`] and [`UpkeepError::OtherSourceLayer`]; others when the database cannot
/// be read.
pub async fn require_planned_source(
    db: &mut ProgressDb,
    source: &Source,
    source_layer: SourceLayer,
) -> Result<(), UpkeepError> {
    if let Some(planned) = db.metadata(MetadataKey::SourceConfigHash).await?
        && planned != source.config_hash()
    {
        let place = source.place().display().to_string();
        return Err(UpkeepError::OtherSource { place });
    }
    let now = source_layer.name();
    match db.metadata(MetadataKey::SourceLayer).await? {
        Some(planned) if planned != now => Err(UpkeepError::OtherSourceLayer { now, planned }),
        _ => Ok(()),
    }
}

/// The quadrants that were planned and have no row. Quadrants that the source has got since are
/// none of them, as far as the plan says how many it had.
async fn without_a_row(
    of: Planned<'_>,
    db: &mut ProgressDb,
    items: &[Item],
) -> Result<Option<String>, UpkeepError> {
    let covered = items.iter().flat_map(|item| item.block.quadrants());
    if let Some(planned) = db.metadata(MetadataKey::Quadrants).await?
        && let Ok(planned) = planned.parse::<usize>()
    {
        let missing = planned.saturating_sub(covered.count());
        return Ok((missing > 0).then(|| format!("{missing} of the {planned} planned quadrants")));
    }
    // A source of which a page is damaged is no reason not to run the rest.
    let Ok(region) = of.source.region(of.source_layer, of.bounds).await else {
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

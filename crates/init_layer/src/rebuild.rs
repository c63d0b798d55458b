//! Making a new `progress.db` for a layer whose own is damaged or lost.

use std::collections::HashSet;
use std::fs::File;
use std::path::Path;

use anyhow::{Context, bail};
use layer::{LayerConfig, LayerDir, RunLock, Source, unix_now};
use planner::{Item, Plan, Quadrant, Status, complete_followers};
use progress_db::{Change, Durability, MetadataKey, PlanMetadata, ProgressDb};

use crate::backup::{DATABASE_FILES, backup_name, with_suffix};
use crate::flat_water::FlatWater;
use crate::planned::{metadata_of, region_of, require_finished};
use crate::progress_line::plan_visibly;
use crate::summary::Summary;

/// Plans the layer anew from its configuration, and marks complete the items whose pictures are
/// all there and join what is there. Nothing is known of these pictures, so the next run with
/// `--resume` decodes them. The calls that the old database tells of are known to the new one.
pub(crate) async fn rebuild(layer: &LayerDir, partial: bool) -> anyhow::Result<Summary> {
    let (config, mut warnings) = layer.read_config()?;
    let _lock = RunLock::take(layer)?;
    let source = Source::open(&layer.generation_dir(&config)).await?;
    warnings.extend(require_finished(&source, partial)?);
    warnings.extend(refuse_other_source(layer, &config, &source).await?);
    let region = region_of(&source, config.source_layer, config.bounds).await?;
    let bounds = config
        .bounds
        .or_else(|| region.bounds())
        .context("the map has no quadrants")?;
    let (region, plan) = plan_visibly(region).await;
    let flat_water = FlatWater::of(&config, &source, &plan.blocks).await?;

    let place = layer.progress_path();
    let staged = with_suffix(&place, ".new");
    // What a rebuild that died has left.
    remove_database(&staged);
    let given = ProgressDb::metadata_in_what_is_left(&place, MetadataKey::BoundsGiven).await;
    let given = given.is_some_and(|given| given == "1");
    let metadata = metadata_of(&config, &source, bounds, given);
    let complete = match write(layer, &config, &source, &staged, &plan, &metadata).await {
        Ok((complete, lost)) => {
            warnings.extend(lost);
            complete
        }
        Err(error) => {
            remove_database(&staged);
            return Err(error);
        }
    };
    let backup = backup_name(&place);
    for suffix in DATABASE_FILES {
        let (old, kept) = (with_suffix(&place, suffix), with_suffix(&backup, suffix));
        if old.exists() {
            std::fs::rename(&old, &kept)
                .with_context(|| format!("cannot move {} to {}", old.display(), kept.display()))?;
            if suffix.is_empty() {
                warnings.push(format!("the old database is kept as {}", kept.display()));
            }
        }
    }
    let sync = || File::open(layer.path())?.sync_all();
    // The new database may at no time stand beside the old one's log.
    sync()
        .and_then(|()| std::fs::rename(&staged, &place))
        .and_then(|()| sync())
        .with_context(|| format!("cannot make {}", place.display()))?;
    Ok(
        Summary::new(layer.clone(), &config, &source, &region, &plan)
            .with_flat_water(flat_water)
            .with_complete(complete)
            .with_warnings(warnings),
    )
}

/// Refuses to take the pictures of another source for those of this one, as far as what is left
/// of the old database says what they were made of; a warning where it does not.
pub(crate) async fn refuse_other_source(
    layer: &LayerDir,
    config: &LayerConfig,
    source: &Source,
) -> anyhow::Result<Option<String>> {
    let place = layer.progress_path();
    let planned = |key| ProgressDb::metadata_in_what_is_left(&place, key);
    let (planned_layer, planned_hash) = (
        planned(MetadataKey::SourceLayer).await,
        planned(MetadataKey::SourceConfigHash).await,
    );
    let source_layer = config.source_layer.name();
    let remedy = format!(
        "start the layer over with --force; or move {} away, and the pictures that are there are taken for those of this source",
        place.display()
    );
    if let Some(planned) = &planned_layer
        && planned != source_layer
    {
        bail!(
            "{} has the source_layer {source_layer:?}, and {planned:?} was planned: put that back; or {remedy}",
            layer.config_path().display()
        );
    }
    if planned_hash.is_some_and(|planned| planned != source.config_hash()) {
        bail!(
            "{} has another configuration than the source that was planned: put that one back; or {remedy}",
            source.place().display()
        );
    }
    Ok(planned_layer.is_none().then(|| {
        format!(
            "there is nothing left that says what the pictures were made of; they are taken for those of the {source_layer} of {}",
            source.place().display()
        )
    }))
}

async fn write(
    layer: &LayerDir,
    config: &LayerConfig,
    source: &Source,
    staged: &Path,
    plan: &Plan,
    metadata: &PlanMetadata,
) -> anyhow::Result<(usize, Option<String>)> {
    progress_db::create(staged, plan, metadata).await?;
    let mut progress = ProgressDb::open(staged).await?;
    let mut items = progress.items().await?;
    // What is complete outlasts a power cut; the pictures may have been put there just now.
    layer.sync_pictures(config.storage)?;
    let quadrants = || {
        plan.blocks
            .iter()
            .flat_map(|block| block.quadrants())
            .collect()
    };
    let pictures = layer
        .open_pictures(config.storage, 0, source, quadrants)
        .await?;
    let there = pictures.quadrants_to_keep().await?;
    pictures.end().await;
    mark_complete(config, &there, &mut items);
    let at = unix_now();
    let changes: Vec<Change> = items
        .iter()
        .filter(|item| item.status == Status::Complete)
        .map(|item| Change::Complete {
            item: item.id,
            pictures: Vec::new(),
            at,
        })
        .collect();
    progress.commit(&changes, Durability::Power).await?;
    let lost = match progress.take_over(&layer.progress_path()).await {
        Ok(true) => None,
        Ok(false) | Err(_) => {
            let line = "what earlier calls cost is not known any more: the old database does not tell, and max_calls, max_cost and estimates begin anew";
            Some(line.to_owned())
        }
    };
    progress.close().await?;
    Ok((changes.len(), lost))
}

/// Complete is what has all its pictures; but where canvases show finished neighbours not what was
/// drawn to join an item that will be drawn anew.
fn mark_complete(config: &LayerConfig, there: &HashSet<Quadrant>, items: &mut [Item]) {
    let has_picture = |quadrant| there.contains(&quadrant);
    let mut missing = Vec::new();
    for item in &mut *items {
        if item.block.quadrants().all(has_picture) {
            item.status = Status::Complete;
        } else {
            missing.push(item.id);
        }
    }
    if !config.shows_surroundings() {
        return;
    }
    let again: HashSet<i64> = complete_followers(items, &missing, &HashSet::new())
        .into_iter()
        .collect();
    for item in items.iter_mut().filter(|item| again.contains(&item.id)) {
        item.status = Status::Pending;
    }
}

fn remove_database(path: &Path) {
    for suffix in DATABASE_FILES {
        let _ = std::fs::remove_file(with_suffix(path, suffix));
    }
}

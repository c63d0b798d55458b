//! Making a new `progress.db` for a layer whose own is damaged or lost.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context;
use layer::{LayerDir, RunLock};
use progress_db::{Change, Durability, ProgressDb};
use source_map::SourceMap;

use crate::init::{metadata_of, region_of};
use crate::progress_line::plan_visibly;
use crate::summary::Summary;

/// Plans the layer anew from its configuration, and marks complete the items whose pictures are
/// all there. Nothing is known of these pictures, so the next run with `--resume` decodes them.
pub(crate) async fn rebuild(layer: &LayerDir) -> anyhow::Result<Summary> {
    let (config, mut warnings) = layer.read_config()?;
    let _lock = RunLock::take(layer)?;
    let source = SourceMap::open(&layer.generation_dir(&config)).await?;
    let region = region_of(&source, config.source_layer, config.bounds).await?;
    let bounds = config
        .bounds
        .or_else(|| region.bounds())
        .context("the map has no quadrants")?;
    let (region, plan) = plan_visibly(region).await;

    let place = layer.progress_path();
    let time = layer::file_timestamp(SystemTime::now());
    let staged = place.with_file_name(format!("progress.db.new-{time}"));
    let complete = write(
        layer,
        &staged,
        &plan,
        &metadata_of(&config, &source, bounds),
    )
    .await;
    let complete = match complete {
        Ok(complete) => complete,
        Err(error) => {
            for suffix in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(with_suffix(&staged, suffix));
            }
            return Err(error);
        }
    };
    for suffix in ["", "-wal", "-shm"] {
        let old = with_suffix(&place, suffix);
        if old.exists() {
            let kept = with_suffix(
                &place.with_file_name(format!("progress.db.bak-{time}")),
                suffix,
            );
            std::fs::rename(&old, &kept)
                .with_context(|| format!("cannot move {} to {}", old.display(), kept.display()))?;
            if suffix.is_empty() {
                warnings.push(format!("the old database is kept as {}", kept.display()));
            }
        }
    }
    std::fs::rename(&staged, &place)
        .and_then(|()| std::fs::File::open(layer.path())?.sync_all())
        .with_context(|| format!("cannot make {}", place.display()))?;
    Ok(
        Summary::new(layer.clone(), &config, &source, &region, &plan)
            .with_complete(complete)
            .with_warnings(warnings),
    )
}

async fn write(
    layer: &LayerDir,
    staged: &std::path::Path,
    plan: &planner::Plan,
    metadata: &progress_db::PlanMetadata,
) -> anyhow::Result<usize> {
    progress_db::create(staged, plan, metadata).await?;
    let mut progress = ProgressDb::open(staged).await?;
    let at = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs_f64();
    let changes: Vec<Change> = progress
        .items()
        .await?
        .into_iter()
        .filter(|item| {
            item.block.quadrants().all(|quadrant| {
                std::fs::metadata(layer.picture_path(quadrant)).is_ok_and(|file| file.len() > 0)
            })
        })
        .map(|item| Change::Complete {
            item: item.id,
            pictures: Vec::new(),
            at,
        })
        .collect();
    progress.commit(&changes, Durability::Power).await?;
    progress.close().await?;
    Ok(changes.len())
}

fn with_suffix(path: &std::path::Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

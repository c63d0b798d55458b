//! Planning what a source has got since its layer was planned.

use std::collections::HashSet;

use anyhow::{Context, bail};
use layer::{LayerConfig, LayerDir, RunLock, Source, Storage};
use planner::{Block, Bounds, Quadrant, Region, plan_beside};
use progress_db::{MetadataKey, ProgressDb};

use crate::checks::{look_at_pictures, require_places};
use crate::flat_water::FlatWater;
use crate::planned::{region_of, require_finished};
use crate::rebuild::refuse_other_source;
use crate::summary::Summary;

/// Adds blocks to the layer's plan for the quadrants that the source has and the plan has not.
/// What is planned already stays as it is.
pub(crate) async fn extend(
    layer: &LayerDir,
    bounds: Option<Bounds>,
    partial: bool,
) -> anyhow::Result<Summary> {
    let (config, mut warnings) = layer.read_config()?;
    let _lock = RunLock::take(layer)?;
    let source = Source::open(&layer.generation_dir(&config)).await?;
    warnings.extend(require_finished(&source, partial)?);
    refuse_other_source(layer, &config, &source).await?;
    let mut progress = ProgressDb::open(&layer.progress_path()).await?;
    let items = progress.items().await?;
    let standing: Vec<Block> = items.iter().map(|item| item.block).collect();
    let planned: HashSet<Quadrant> = standing
        .iter()
        .flat_map(|block| block.quadrants())
        .collect();
    let limits = match bounds {
        Some(bounds) => Some(bounds),
        None => limits_of(&mut progress, &config, &planned).await?,
    };
    let all = region_of(&source, config.source_layer, None).await?;
    let is_asked = |quadrant: &Quadrant| limits.is_none_or(|bounds| bounds.contains(*quadrant));
    let unplanned = all
        .quadrants()
        .iter()
        .filter(|&quadrant| !planned.contains(quadrant));
    let (inside, outside): (Vec<Quadrant>, Vec<Quadrant>) =
        unplanned.partition(|&quadrant| is_asked(quadrant));
    if !outside.is_empty() {
        let whole = all.bounds().context("the map has no quadrants")?;
        warnings.push(format!(
            "{} more quadrants of the source lie outside the bounds of the layer; --bounds={whole} plans them too",
            outside.len()
        ));
    }
    if inside.is_empty() {
        bail!(
            "{} has no quadrants that are not planned in {}{}",
            source.place().display(),
            layer.path().display(),
            warnings
                .last()
                .map(|line| format!("; {line}"))
                .unwrap_or_default()
        );
    }
    let region = Region::from_quadrants(inside);
    require_places(&source, &region)?;
    warnings.extend(look_at_pictures(&source, config.source_layer, &region).await?);
    let plan = plan_beside(&region, &standing);
    let flat_water = FlatWater::of(&config, &source, &plan.blocks).await?;
    if config.storage == Storage::Sqlite {
        layer.add_quadrants(&source, region.quadrants()).await?;
    }
    let everything = planned.iter().chain(region.quadrants()).copied();
    let hull = Region::from_quadrants(everything).bounds();
    let bounds = limits.or(hull).context("there are no quadrants")?;
    // The settings first: with the plan alone a run would say that they ask for something else.
    layer.set_bounds(bounds)?;
    progress.extend(&plan.blocks, bounds).await?;
    progress.close().await?;
    let config = LayerConfig {
        bounds: None,
        ..config
    };
    Ok(
        Summary::new(layer.clone(), &config, &source, &region, &plan)
            .of_what_is_added()
            .with_flat_water(flat_water)
            .with_warnings(warnings),
    )
}

/// The part of the map that the layer is limited to; none where it is of the whole map.
async fn limits_of(
    progress: &mut ProgressDb,
    config: &LayerConfig,
    planned: &HashSet<Quadrant>,
) -> anyhow::Result<Option<Bounds>> {
    let given = progress.metadata(MetadataKey::BoundsGiven).await?;
    let is_given = match given.as_deref() {
        Some(given) => given == "1",
        // A plan that does not say: bounds that are just those of its quadrants limit nothing.
        None => Region::from_quadrants(planned.iter().copied()).bounds() != config.bounds,
    };
    Ok(config.bounds.filter(|_| is_given))
}

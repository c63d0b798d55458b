//! What is planned: which quadrants, and what is remembered beside the plan.

use std::time::SystemTime;

use anyhow::bail;
use layer::{LayerConfig, Source, SourceLayer, shell_quoted};
use planner::{Bounds, Region};
use progress_db::PlanMetadata;

/// The metadata of a plan that is made now.
pub(crate) fn metadata_of(
    config: &LayerConfig,
    source: &Source,
    bounds: Bounds,
    bounds_given: bool,
) -> PlanMetadata {
    PlanMetadata {
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        created_at: layer::timestamp(SystemTime::now()),
        bounds,
        bounds_given,
        source_config_hash: source.config_hash().to_owned(),
        source_layer: config.source_layer.name().to_owned(),
    }
}

/// Refuses a layer of which a part is missing, unless the rest is to be planned `partial`ly; a
/// warning then.
pub(crate) fn require_finished(source: &Source, partial: bool) -> anyhow::Result<Option<String>> {
    let Some((missing, planned)) = source.missing() else {
        return Ok(None);
    };
    let dir = shell_quoted(source.dir());
    if !partial {
        bail!(
            "{missing} of the {planned} quadrants of the layer in {} are not finished: finish it with generate_full_map_layer --layer-dir {dir}, or plan what is there with --partial",
            source.dir().display()
        );
    }
    Ok(Some(format!(
        "{missing} of the {planned} quadrants of the layer in {} are not finished and not planned; init_layer --extend plans them when they are",
        source.dir().display()
    )))
}

/// The quadrants to plan; an error that says where the map's quadrants are when there are none.
pub(crate) async fn region_of(
    source: &Source,
    source_layer: SourceLayer,
    bounds: Option<Bounds>,
) -> anyhow::Result<Region> {
    let other = match source_layer {
        SourceLayer::Generations => SourceLayer::Renders,
        SourceLayer::Renders => SourceLayer::Generations,
    };
    let region = source.region(source_layer, bounds).await?;
    if !region.is_empty() {
        return Ok(region);
    }
    let database = source.place();
    let database = database.display();
    if source.is_layer() && source_layer == SourceLayer::Renders {
        bail!(
            "{} is a layer, and a layer has no renders; leave out --source-layer",
            source.dir().display()
        );
    }
    if let Some(bounds) = bounds
        && let Some(all) = source.region(source_layer, None).await?.bounds()
    {
        bail!(
            "{database} has no {} within the bounds {bounds}; its quadrants lie within {all}",
            source_layer.name()
        );
    }
    if source.region(other, None).await?.is_empty() {
        bail!("{database} has no pictures at all; a source map has renders or generations");
    }
    bail!(
        "{database} has no {1}; it has {0}: use --source-layer {0}",
        other.name(),
        source_layer.name()
    );
}

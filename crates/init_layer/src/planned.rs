//! What is planned: which quadrants, and what is remembered beside the plan.

use std::time::SystemTime;

use anyhow::bail;
use layer::{LayerConfig, SourceLayer};
use planner::{Bounds, Region};
use progress_db::PlanMetadata;
use source_map::{PictureColumn, SourceMap};

/// The metadata of a plan that is made now.
pub(crate) fn metadata_of(
    config: &LayerConfig,
    source: &SourceMap,
    bounds: Bounds,
) -> PlanMetadata {
    PlanMetadata {
        program_version: env!("CARGO_PKG_VERSION").to_owned(),
        created_at: layer::timestamp(SystemTime::now()),
        bounds,
        source_config_hash: source.config_hash().to_owned(),
        source_layer: config.source_layer.name().to_owned(),
    }
}

/// Where the pictures of a layer's source are.
pub(crate) const fn column_of(source_layer: SourceLayer) -> PictureColumn {
    match source_layer {
        SourceLayer::Generations => PictureColumn::Generation,
        SourceLayer::Renders => PictureColumn::Render,
    }
}

/// The quadrants to plan; an error that says where the map's quadrants are when there are none.
pub(crate) async fn region_of(
    source: &SourceMap,
    source_layer: SourceLayer,
    bounds: Option<Bounds>,
) -> anyhow::Result<Region> {
    let (column, other_column, other_layer) = match source_layer {
        SourceLayer::Generations => (PictureColumn::Generation, PictureColumn::Render, "renders"),
        SourceLayer::Renders => (
            PictureColumn::Render,
            PictureColumn::Generation,
            "generations",
        ),
    };
    let region = source.region(column, bounds).await?;
    if !region.is_empty() {
        return Ok(region);
    }
    let database = source.database().display();
    if let Some(bounds) = bounds
        && let Some(all) = source.region(column, None).await?.bounds()
    {
        bail!(
            "{database} has no {} within the bounds {bounds}; its quadrants lie within {all}",
            source_layer.name()
        );
    }
    if source.region(other_column, None).await?.is_empty() {
        bail!("{database} has no pictures at all; a source map has renders or generations");
    }
    bail!(
        "{database} has no {}; it has {other_layer}: use --source-layer {other_layer}",
        source_layer.name()
    );
}

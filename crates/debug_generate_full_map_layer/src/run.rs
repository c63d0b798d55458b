//! What the program does: write the page, serve it, or both.

use anyhow::Result;
use layer::LayerDir;

use crate::{
    Args, BaseMap, Boundary, ItemState, Leaflet, PageOptions, PlacedLayer, pictures_url, write_page,
};

/// Does what `args` ask for and says on standard output what came of it.
///
/// # Errors
/// When the layer or its source map cannot be read, or the page cannot be written or served.
pub async fn run(args: &Args) -> Result<()> {
    let layer = PlacedLayer::open(LayerDir::at(&args.layer_dir)).await?;
    for warning in &layer.warnings {
        eprintln!("warning: {warning}");
    }
    let options = page_options(args)?;
    let output = args.output.clone().unwrap_or_else(|| layer.dir.map_path());
    let url = pictures_url(&output, &layer.dir.pictures_dir())?;
    let plan = layer.read_plan().await?;
    write_page(&output, &options.page(&layer, &plan, &url, None)?)?;
    println!(
        "{}: {} blocks, {} complete, {} failed; open it in a browser",
        output.display(),
        plan.items.len(),
        plan.count(ItemState::Complete),
        plan.count(ItemState::Failed)
    );
    Ok(())
}

fn page_options(args: &Args) -> Result<PageOptions> {
    let leaflet = match &args.leaflet_dir {
        Some(dir) => Leaflet::from_dir(dir)?,
        None => Leaflet::Cdn,
    };
    let boundary = args.boundary.as_deref().map(Boundary::read).transpose()?;
    Ok(PageOptions {
        base_map: BaseMap::new(args.tiles.as_deref(), args.leaflet_dir.is_some())?,
        leaflet,
        boundary,
    })
}

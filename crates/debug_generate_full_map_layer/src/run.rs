//! What the program does: write the page, serve it, or both, or measure the seams.

use std::path::Path;

use anyhow::{Context, Result};
use layer::LayerDir;
use serde_json::{Value, json};
use terminal::{detail, event, warn};
use tokio::signal::unix::{self, SignalKind};

use crate::publish::{Format, publish};
use crate::say::{answer, say};
use crate::{
    Args, BaseMap, Boundary, ItemState, Leaflet, PageOptions, Pictured, PlacedLayer, Seams, Server,
    seams_report, write_page,
};

/// Does what `args` ask for and says on standard output what came of it; the figures are for
/// scripts.
///
/// # Errors
/// When the layer or its source map cannot be read, or the page cannot be written or served.
pub async fn run(args: &Args) -> Result<Value> {
    let layer_dir = args.layer_dir.display().to_string();
    let started = json!({
        "version": terminal::FORMAT_VERSION,
        "program": "debug_generate_full_map_layer",
        "layer": layer_dir,
    });
    event("started", started);
    if args.seams {
        let seams = Seams::of(&LayerDir::at(&args.layer_dir)).await?;
        return seams_report::print(&args.layer_dir, &seams);
    }
    let layer = PlacedLayer::open(LayerDir::at(&args.layer_dir)).await?;
    for warning in &layer.warnings {
        warn(warning);
    }
    detail(format_args!(
        "read {layer_dir}: the layer {}, of {}x{} px",
        layer.name, layer.quadrant.width_px, layer.quadrant.height_px
    ));
    let options = page_options(args)?;
    let compare = args.compare.as_deref();
    if let Some(dir) = &args.publish {
        let (plan, _) = layer.read_plan().await?;
        let format = if args.webp { Format::Webp } else { Format::Png };
        return publish(&layer, &plan, &options, dir, format).await;
    }
    match &args.serve {
        None => {
            let output = args.output.clone().unwrap_or_else(|| layer.dir.map_path());
            write(&layer, &options, compare, &output).await
        }
        Some(address) => {
            let mut figures = match &args.output {
                Some(output) => write(&layer, &options, compare, output).await?,
                None => json!({}),
            };
            let mut server = Server::bind(address, layer, options, compare).await?;
            if args.review {
                server = server.with_desk().await?;
            }
            figures["address"] = serve(&args.layer_dir, server).await?.into();
            Ok(figures)
        }
    }
}

async fn write(
    layer: &PlacedLayer,
    options: &PageOptions,
    compare: Option<&str>,
    output: &Path,
) -> Result<Value> {
    let (plan, _) = layer.read_plan().await?;
    detail(format_args!("read the plan: {} blocks", plan.items.len()));
    let pictured = Pictured::for_file(layer, &plan, compare, output).await?;
    write_page(output, &options.page(layer, &plan, &pictured, None)?)?;
    say(format_args!(
        "{}: {} blocks, {} complete, {} failed; open it in a browser",
        output.display(),
        plan.items.len(),
        plan.count(ItemState::Complete),
        plan.count(ItemState::Failed)
    ))?;
    Ok(json!({
        "page": output.display().to_string(),
        "blocks": plan.items.len(),
        "complete": plan.count(ItemState::Complete),
        "failed": plan.count(ItemState::Failed),
    }))
}

/// Serves until a signal; returns the address.
async fn serve(layer_dir: &Path, server: Server) -> Result<String> {
    // Heard before anyone is told that it serves.
    let listen = |kind| unix::signal(kind).context("cannot listen for signals");
    let mut interrupt = listen(SignalKind::interrupt())?;
    let mut terminate = listen(SignalKind::terminate())?;
    let bound = server.address();
    if !bound.ip().is_loopback() {
        warn(format_args!("whoever can reach {bound} can see the layer"));
    }
    let address = server.url();
    event("serving", json!({"address": address}));
    answer(format_args!(
        "serving {} at {address} until Ctrl-C",
        layer_dir.display()
    ))?;
    tokio::select! {
        never = server.run() => match never {},
        _ = interrupt.recv() => Ok(address),
        _ = terminate.recv() => Ok(address),
    }
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

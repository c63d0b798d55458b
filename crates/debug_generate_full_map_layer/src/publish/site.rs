//! The page of a site.

use std::path::Path;

use anyhow::{Context, Result, bail};
use askama::Template;
use serde::Serialize;

use super::written::Written;
use crate::frame::Frame;
use crate::tile_set::TileSet;
use crate::{BaseMap, Boundary, Leaflet, PageOptions};

/// What marks a page as one of a site of ours.
const GENERATOR: &str =
    "<meta name=\"generator\" content=\"debug_generate_full_map_layer --publish\">";

const SCRIPTS: [&str; 12] = [
    include_str!("../../assets/styles.js"),
    include_str!("../../assets/plan.js"),
    include_str!("../../assets/geometry.js"),
    include_str!("../../assets/tile_set.js"),
    include_str!("../../assets/tile_loader.js"),
    include_str!("../../assets/picture_canvas.js"),
    include_str!("../../assets/map_layer.js"),
    include_str!("../../assets/curtain.js"),
    include_str!("../../assets/address.js"),
    include_str!("../../assets/loading.js"),
    include_str!("../../assets/views.js"),
    include_str!("../../assets/site.js"),
];

#[derive(Template)]
#[template(path = "site.html")]
struct SitePage<'a> {
    title: &'a str,
    generator: &'static str,
    frame: Frame<'a>,
}

#[derive(Serialize)]
struct SiteData<'a> {
    layers: Vec<LayerData>,
    base_map: Option<&'a BaseMap>,
    boundary: Option<&'a Boundary>,
}

#[derive(Serialize)]
struct LayerData {
    slug: String,
    geometry: [f64; 6],
    own: TileSet,
}

/// Makes sure that no page of others is in the way.
///
/// # Errors
/// When there is one.
pub(super) fn require_own_index(dir: &Path) -> Result<()> {
    let path = dir.join("index.html");
    match std::fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Ok(page) if page.contains(GENERATOR) => Ok(()),
        _ => bail!(
            "{} is there already and was not published by this program; publish into another directory",
            path.display()
        ),
    }
}

/// The page that shows all layers that were published in `dir`.
///
/// # Errors
/// When they cannot be read.
pub(super) fn page(dir: &Path, options: &PageOptions) -> Result<String> {
    let written = Written::all(dir)?;
    let names: Vec<&str> = written.iter().map(|layer| layer.name.as_str()).collect();
    let data = SiteData {
        layers: written
            .iter()
            .map(|layer| LayerData {
                slug: layer.slug.clone(),
                geometry: layer.geometry,
                own: layer.tile_set(),
            })
            .collect(),
        base_map: options.base_map.as_ref(),
        boundary: options.boundary.as_ref(),
    };
    let page = SitePage {
        title: &names.join(", "),
        generator: GENERATOR,
        frame: Frame::of(&options.leaflet, &data, SCRIPTS.to_vec())?,
    };
    page.render().context("cannot put the page together")
}

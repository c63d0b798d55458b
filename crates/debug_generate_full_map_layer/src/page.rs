//! The page: everything in one HTML file but the finished pictures.

use std::time::SystemTime;

use anyhow::{Context, Result};
use askama::Template;
use layer::shell_quoted;
use serde::Serialize;

use crate::columns::Columns;
use crate::frame::Frame;
use crate::health::Health;
use crate::{BaseMap, Boundary, Leaflet, Pictured, PlacedLayer, PlanState};

/// What a page is made of besides the layer and its plan.
#[derive(Debug, Clone)]
pub struct PageOptions {
    /// Where the page gets Leaflet from.
    pub leaflet: Leaflet,
    /// The tiles under the layer.
    pub base_map: Option<BaseMap>,
    /// An outline to draw.
    pub boundary: Option<Boundary>,
}

/// The page's script, in the order in which its parts build on each other.
const SCRIPTS: [&str; 25] = [
    include_str!("../assets/styles.js"),
    include_str!("../assets/plan.js"),
    include_str!("../assets/geometry.js"),
    include_str!("../assets/quadrant_index.js"),
    include_str!("../assets/tile_set.js"),
    include_str!("../assets/tile_loader.js"),
    include_str!("../assets/picture_canvas.js"),
    include_str!("../assets/far_image.js"),
    include_str!("../assets/near_paths.js"),
    include_str!("../assets/map_layer.js"),
    include_str!("../assets/curtain.js"),
    include_str!("../assets/address.js"),
    include_str!("../assets/loading.js"),
    include_str!("../assets/views.js"),
    include_str!("../assets/progress.js"),
    include_str!("../assets/panel.js"),
    include_str!("../assets/rejected.js"),
    include_str!("../assets/details.js"),
    include_str!("../assets/tour.js"),
    include_str!("../assets/lists.js"),
    include_str!("../assets/live.js"),
    include_str!("../assets/held_pictures.js"),
    include_str!("../assets/pilots.js"),
    include_str!("../assets/side_panes.js"),
    include_str!("../assets/side_by_side.js"),
];

/// What makes it a place to judge.
const DESK_SCRIPTS: [&str; 8] = [
    include_str!("../assets/desk_blocks.js"),
    include_str!("../assets/desk_order.js"),
    include_str!("../assets/desk_panes.js"),
    include_str!("../assets/desk_judging.js"),
    include_str!("../assets/desk_form.js"),
    include_str!("../assets/desk_head.js"),
    include_str!("../assets/desk_keys.js"),
    include_str!("../assets/desk.js"),
];

const MAIN: &str = include_str!("../assets/main.js");

#[derive(Template)]
#[template(path = "page.html")]
struct Page<'a> {
    name: &'a str,
    /// The layer, and what it is made from in turn.
    chain: &'a [String],
    source_layer: &'a str,
    /// The style of the desk, where there is one.
    desk_style: Option<&'static str>,
    frame: Frame<'a>,
}

/// What a page that is served live knows.
#[derive(Debug, Clone, Serialize)]
pub struct Live {
    /// How far it follows the progress.
    pub(crate) revision: u64,
    /// Tells its plan from others; too great a number for JavaScript.
    pub(crate) plan: String,
    /// Whether it is a place to judge.
    pub(crate) has_desk: bool,
}

#[derive(Serialize)]
struct PageData<'a> {
    name: &'a str,
    written_at_ms: u64,
    geometry: [f64; 6],
    seed: [f64; 2],
    #[serde(flatten)]
    pictured: &'a Pictured,
    health: Health,
    /// What runs the layer.
    command: String,
    base_map: Option<&'a BaseMap>,
    boundary: Option<&'a Boundary>,
    live: Option<&'a Live>,
    plan: Columns<'a>,
}

impl PageOptions {
    /// The page of `layer`, whose plan stands as `plan` says. `pictured` are the finished
    /// pictures; a `live` page asks its server for what has changed since.
    ///
    /// # Errors
    /// When the page cannot be put together.
    pub fn page(
        &self,
        layer: &PlacedLayer,
        plan: &PlanState,
        pictured: &Pictured,
        live: Option<&Live>,
    ) -> Result<String> {
        let written_at = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        let data = PageData {
            name: &layer.name,
            written_at_ms: written_at.map_or(0, |since| since.as_millis() as u64),
            geometry: layer.six_numbers(),
            seed: [layer.seed.lat, layer.seed.lng],
            pictured,
            health: Health::of(layer, plan),
            command: format!(
                "generate_full_map_layer --layer-dir {}",
                shell_quoted(layer.dir.path())
            ),
            base_map: self.base_map.as_ref(),
            boundary: self.boundary.as_ref(),
            live,
            plan: Columns::of(plan),
        };
        let has_desk = live.is_some_and(|live| live.has_desk);
        let desk: &[&str] = if has_desk { &DESK_SCRIPTS } else { &[] };
        let scripts = [&SCRIPTS, desk, &[MAIN]].concat();
        let page = Page {
            desk_style: has_desk.then_some(include_str!("../assets/desk.css")),
            name: &layer.name,
            chain: &layer.chain,
            source_layer: layer.source_layer.name(),
            frame: Frame::of(&self.leaflet, &data, scripts)?,
        };
        page.render().context("cannot put the page together")
    }
}

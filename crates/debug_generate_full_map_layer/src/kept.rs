//! Pictures that are kept of blocks besides the finished ones, as answers.

use anyhow::Context;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use layer::{Kept, LayerDir};
use planner::{Block, Quadrant};

use crate::turns::Turns;
use crate::watch::View;

/// The quadrant that is written as in `12_-3`: two whole numbers lead nowhere else.
pub(crate) fn quadrant(at: &str) -> Option<Quadrant> {
    LayerDir::quadrant_of_picture(&format!("{at}.png"))
}

/// Where the block with this top left stands in the plan.
pub(crate) fn place_of(view: &View, top_left: Quadrant) -> Option<usize> {
    let mut items = view.plan.items.iter();
    items.position(|item| item.block.top_left == top_left)
}

/// The picture of a block's quadrant in a version: the block's top left, the version and the picture's
/// name, as they stand in an address.
pub(crate) async fn picture(
    view: &View,
    turns: &Turns,
    from: Kept,
    [at, version, name]: [&str; 3],
) -> Response {
    let asked = || -> Option<(Block, u32, Quadrant)> {
        let block = view.plan.items[place_of(view, quadrant(at)?)?].block;
        let number: u32 = version.parse().ok()?;
        let quadrant = LayerDir::quadrant_of_picture(name)?;
        // `+1` and `01` are read as numbers, and never written.
        let is_asked_for = number.to_string() == version && block.contains(quadrant);
        is_asked_for.then_some((block, number, quadrant))
    };
    let Some((block, version, quadrant)) = asked() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let kept = view.layer.dir.kept(from);
    let read = async move {
        let read = tokio::task::spawn_blocking(move || kept.read_picture(block, version, quadrant));
        Ok::<_, anyhow::Error>(read.await.context("reading was cut short")??)
    };
    turns.png(read).await
}

//! Answers that were not good enough: a page shows the best of them with the block that failed.

use std::collections::BTreeMap;
use std::path::Path as FilePath;
use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use layer::{Kept, LayerDir};
use serde::Serialize;

use crate::kept::{self, place_of, quadrant};
use crate::turns::Turns;
use crate::watch::Watch;
use crate::{ItemState, PlacedLayer, PlanState, pictures_url};

/// Where a page has them.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Rejected {
    /// What addresses begin with.
    url: String,
    /// The newest version of each failed block, by its place in the order of generation; `None` where
    /// the page asks its server.
    versions: Option<BTreeMap<usize, u32>>,
}

impl Rejected {
    /// As a server has them.
    pub(crate) fn served() -> Self {
        Self {
            url: "rejected/".to_owned(),
            versions: None,
        }
    }

    /// As a page has them that is the file `page`.
    ///
    /// # Errors
    /// When they cannot be listed.
    pub(crate) fn beside(page: &FilePath, layer: &PlacedLayer, plan: &PlanState) -> Result<Self> {
        let mut versions = BTreeMap::new();
        for (place, item) in plan.items.iter().enumerate() {
            if plan.states[place] == ItemState::Failed {
                let newest = newest(&layer.dir, item.block)?;
                versions.extend(newest.map(|version| (place, version)));
            }
        }
        Ok(Self {
            url: pictures_url(page, &layer.dir.path().join("rejected"))?,
            versions: Some(versions),
        })
    }
}

fn newest(dir: &LayerDir, block: planner::Block) -> Result<Option<u32>> {
    Ok(dir.kept(Kept::Rejected).versions(block)?.last().copied())
}

type Shared = (Arc<Watch>, Arc<Turns>);

/// What is served of them.
pub(crate) fn routes(watch: Arc<Watch>, turns: Arc<Turns>) -> Router {
    Router::new()
        .route("/rejected/{block}", get(version))
        .route("/rejected/{block}/{version}/{name}", get(picture))
        .with_state((watch, turns))
}

/// The newest version of a block, as JSON: a number, or `null`.
async fn version(State((watch, _)): State<Shared>, Path(at): Path<String>) -> Response {
    let view = watch.view();
    let Some(place) = quadrant(&at).and_then(|at| place_of(&view, at)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let block = view.plan.items[place].block;
    let dir = view.layer.dir.clone();
    let newest = tokio::task::spawn_blocking(move || newest(&dir, block));
    let newest = newest.await.ok().and_then(Result::ok).flatten();
    let text = newest.map_or("null".to_owned(), |version| version.to_string());
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

async fn picture(
    State((watch, turns)): State<Shared>,
    Path((at, version, name)): Path<(String, String, String)>,
) -> Response {
    kept::picture(
        &watch.view(),
        &turns,
        Kept::Rejected,
        [&at, &version, &name],
    )
    .await
}

//! What is served of pilots: what there is of them, and their pictures.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use layer::{LayerDir, PilotName};

use super::{Cache, Told, told};
use crate::the_source::TheSource;
use crate::turns::Turns;
use crate::watch::Watch;

#[derive(Debug)]
struct Served {
    watch: Arc<Watch>,
    turns: Arc<Turns>,
    source: TheSource,
    cache: Arc<Cache>,
}

/// What is served of them.
pub(crate) fn routes(watch: Arc<Watch>, turns: Arc<Turns>) -> Router {
    let served = Served {
        watch,
        turns,
        source: TheSource::default(),
        cache: Arc::default(),
    };
    Router::new()
        .route("/pilots/changes/{known}", get(changes))
        .route("/pilots/source/{name}", get(source_picture))
        .route("/pilots/{pilot}/{name}", get(picture))
        .with_state(Arc::new(served))
}

impl Served {
    async fn told(&self) -> Result<Told> {
        let (dir, cache) = (self.watch.view().layer.dir.clone(), Arc::clone(&self.cache));
        let layer = dir.clone();
        let told = tokio::task::spawn_blocking(move || told(&dir, &cache));
        let mut told = told.await.context("reading was cut short")??;
        told.count_calls(&layer).await?;
        Ok(told)
    }
}

/// What there is as JSON with a word for it, or that word alone where the page knows it.
async fn changes(State(served): State<Arc<Served>>, Path(known): Path<String>) -> Response {
    let told = match served.told().await {
        Ok(told) => serde_json::to_string(&told).expect("what is told is plain data"),
        Err(error) => {
            return (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}\n")).into_response();
        }
    };
    let mut hasher = DefaultHasher::new();
    told.hash(&mut hasher);
    let word = format!("{:016x}", hasher.finish());
    let told = match word == known {
        true => "null",
        false => &told,
    };
    let text = format!("{{\"known\":\"{word}\",\"told\":{told}}}");
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

async fn picture(
    State(served): State<Arc<Served>>,
    Path((pilot, name)): Path<(String, String)>,
) -> Response {
    // Both names are read, so they lead nowhere else.
    let asked = PilotName::parse(&pilot).zip(LayerDir::quadrant_of_picture(&name));
    let Some((pilot, at)) = asked else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let dir = served.watch.view().layer.dir.clone();
    let read = async move {
        let read = tokio::task::spawn_blocking(move || dir.read_pilot_picture(&pilot, at));
        Ok::<_, anyhow::Error>(read.await.context("reading was cut short")??)
    };
    served.turns.png(read).await
}

/// The source's picture of a quadrant that a pilot has drawn; of others there is none to compare.
async fn source_picture(State(served): State<Arc<Served>>, Path(name): Path<String>) -> Response {
    let (at, told) = (LayerDir::quadrant_of_picture(&name), served.told().await);
    let at = at.filter(|&at| told.is_ok_and(|told| told.pilots.iter().any(|one| one.has(at))));
    let Some(at) = at else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let layer = served.watch.view().layer;
    let read = async { Ok::<_, anyhow::Error>(Some(served.source.picture(&layer, at).await?)) };
    served.turns.png(read).await
}

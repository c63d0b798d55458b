//! The desk: a place to judge blocks, at an address that only who was given it knows.

mod block;
mod gate;
mod judged;
mod judging;
mod order;

use std::sync::Arc;

use anyhow::Result;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use layer::{Kept, LayerDir};
use planner::Quadrant;
use serde::Serialize;

use crate::kept::{self, place_of, quadrant};
use crate::the_source::TheSource;
use crate::turns::Turns;
use crate::watch::Watch;
use block::Told;
use gate::{Token, may_judge, may_see};
use judged::{Judged, Open};
use order::Order;

/// What the desk is answered from.
#[derive(Debug)]
pub(crate) struct Desk {
    token: Token,
    watch: Arc<Watch>,
    turns: Arc<Turns>,
    /// What the layer is made from.
    source: TheSource,
    judged: Arc<Judged>,
}

/// The order in which blocks are judged, and what was judged of them.
#[derive(Serialize)]
struct Agenda {
    #[serde(flatten)]
    order: Order,
    open: Open,
}

impl Desk {
    /// A desk for the layer that `watch` looks at.
    ///
    /// # Errors
    /// When the layer's source or its judgements cannot be read.
    pub(crate) async fn over(watch: Arc<Watch>, turns: Arc<Turns>) -> Result<Arc<Self>> {
        let layer = watch.view().layer;
        let judged = Arc::new(Judged::of(layer.dir.clone()));
        judged.read().await?;
        let source = TheSource::default();
        source.of(&layer).await?;
        Ok(Arc::new(Self {
            token: Token::new()?,
            source,
            judged,
            watch,
            turns,
        }))
    }

    /// The part of an address that leads to the desk.
    pub(crate) fn query(&self) -> String {
        format!("?review={}", self.token.text())
    }

    /// Whether the address of a page leads to the desk.
    pub(crate) fn is_at(&self, query: Option<&str>) -> bool {
        self.token.is_in(query)
    }

    /// What is served besides the page.
    pub(crate) fn routes(self: Arc<Self>) -> Router {
        Router::new()
            .route("/review/agenda", get(agenda))
            .route("/review/blocks/{at}", get(told))
            .route("/review/judgements", post(judge))
            .route("/source/{name}", get(source_picture))
            .route("/kept/{from}/{block}/{version}/{name}", get(kept_picture))
            .with_state(self)
    }
}

async fn agenda(State(desk): State<Arc<Desk>>, headers: HeaderMap) -> Response {
    if let Err(refusal) = may_see(&headers, &desk.token) {
        return refusal.into_response();
    }
    desk.watch.look().await;
    let view = desk.watch.view();
    let order = desk.watch.with_overviews(|overviews| {
        let worst = overviews.worst();
        Order::of(&view.plan, worst)
    });
    match desk.judged.read().await {
        Ok(review) => {
            let open = Open::of(&view.plan, &review);
            json(&Agenda { order, open })
        }
        Err(error) => trouble(&error),
    }
}

async fn told(
    State(desk): State<Arc<Desk>>,
    Path(at): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Err(refusal) = may_see(&headers, &desk.token) {
        return refusal.into_response();
    }
    desk.watch.look().await;
    let view = desk.watch.view();
    let Some(place) = quadrant(&at).and_then(|at| place_of(&view, at)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let told = async {
        let review = desk.judged.read().await?;
        Told::of(&view, place, &review).await
    };
    match told.await {
        Ok(told) => json(&told),
        Err(error) => trouble(&error),
    }
}

async fn judge(State(desk): State<Arc<Desk>>, headers: HeaderMap, body: Body) -> Response {
    if let Err(refusal) = may_judge(&headers, &desk.token) {
        return refusal.into_response();
    }
    match judging::judge(&desk.watch, &desk.judged, body).await {
        Ok(open) => json(&open),
        Err((status, reason)) => (status, format!("{reason}\n")).into_response(),
    }
}

fn json(value: &impl Serialize) -> Response {
    let text = serde_json::to_string(value).expect("what is told is plain data");
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

fn trouble(error: &anyhow::Error) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}\n")).into_response()
}

async fn source_picture(State(desk): State<Arc<Desk>>, Path(name): Path<String>) -> Response {
    let view = desk.watch.view();
    let is_planned = |at: &Quadrant| view.plan.items.iter().any(|item| item.block.contains(*at));
    let Some(at) = LayerDir::quadrant_of_picture(&name).filter(is_planned) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let read = async { Ok::<_, anyhow::Error>(Some(desk.source.picture(&view.layer, at).await?)) };
    desk.turns.png(read).await
}

async fn kept_picture(
    State(desk): State<Arc<Desk>>,
    Path((from, at, version, name)): Path<(String, String, String, String)>,
) -> Response {
    let from = match &*from {
        "candidates" => Kept::Candidates,
        "rejected" => Kept::Rejected,
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    kept::picture(
        &desk.watch.view(),
        &desk.turns,
        from,
        [&at, &version, &name],
    )
    .await
}

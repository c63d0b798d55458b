//! Serving the page, and what has changed since it was made.
//!
//! The server gives out the page, the finished pictures and the progress, and changes nothing but, with
//! a desk, what is judged there.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use layer::{LayerDir, OverviewFiles, OverviewTile};
use tokio::net::TcpListener;

use crate::address::{AllowedHosts, listen};
use crate::compared::Compared;
use crate::desk::Desk;
use crate::keeping_up::keep_up;
use crate::page::Live;
use crate::pictured::compared;
use crate::tile_set::{Place, TileSet};
use crate::turns::Turns;
use crate::watch::Watch;
use crate::{PageOptions, Pictured, PlacedLayer, connections, pilots, rejected};

/// A server that listens already.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    bound: SocketAddr,
    pages: Pages,
}

/// What the requests are answered from.
#[derive(Debug)]
struct Pages {
    hosts: AllowedHosts,
    options: PageOptions,
    watch: Arc<Watch>,
    compared: Option<Compared>,
    turns: Arc<Turns>,
    desk: Option<Arc<Desk>>,
    /// The pages as they were made last, without the desk and with it.
    made: Mutex<[Option<Made>; 2]>,
}

/// A page, and the revision that it is of.
type Made = (u64, Bytes);

impl Server {
    /// Listens at `address`, `host:port` or a port of this machine, to serve the page of
    /// `layer`.
    ///
    /// # Errors
    /// When the address is none, or taken, or the layer cannot be read.
    pub async fn bind(
        address: &str,
        layer: PlacedLayer,
        options: PageOptions,
        compare: Option<&str>,
    ) -> Result<Self> {
        let listener = listen(address).await?;
        let bound = listener
            .local_addr()
            .context("cannot tell the server's address")?;
        let watch = Watch::over(layer).await?;
        let view = watch.view();
        let compared = match compare {
            Some(what) => Some(compared(&view.layer, &view.plan, what).await?),
            None => None,
        };
        Ok(Self {
            pages: Pages {
                hosts: AllowedHosts::of(address, bound),
                options,
                watch,
                compared,
                turns: Arc::new(Turns::new()),
                desk: None,
                made: Mutex::default(),
            },
            listener,
            bound,
        })
    }

    /// With a desk to judge at, for who is given its address.
    ///
    /// # Errors
    /// When others than this machine can reach the server, or the layer's source or its judgements
    /// cannot be read.
    pub async fn with_desk(mut self) -> Result<Self> {
        if !self.bound.ip().is_loopback() {
            bail!(
                "--review is for this machine alone, and others can reach {}, which --serve names: whoever can would judge, too; leave out the address, or give one of this machine, as in --serve 127.0.0.1:8765",
                self.bound
            );
        }
        let (watch, turns) = (self.pages.watch.clone(), self.pages.turns.clone());
        self.pages.desk = Some(Desk::over(watch, turns).await?);
        Ok(self)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.bound
    }

    /// What to open; who knows that of a desk can judge.
    #[must_use]
    pub fn url(&self) -> String {
        let desk = self.pages.desk.as_ref();
        let query = desk.map(|desk| desk.query()).unwrap_or_default();
        format!("http://{}/{query}", self.bound)
    }

    /// Serves without end; dropping the future ends it.
    pub async fn run(self) -> Infallible {
        let pages = Arc::new(self.pages);
        let desk = pages.desk.clone().map(Desk::routes).unwrap_or_default();
        let routes = Router::new()
            .route("/", get(page))
            .route("/changes/{plan}/{since}", get(changes))
            .route("/generations/{name}", get(picture))
            .route("/overviews/{level}/{name}", get(overview))
            .route("/compared/{name}", get(compared_picture))
            .route("/compared_overviews/{level}/{name}", get(compared_overview))
            .with_state(pages.clone())
            .merge(rejected::routes(pages.watch.clone(), pages.turns.clone()))
            .merge(pilots::routes(pages.watch.clone(), pages.turns.clone()))
            .merge(desk)
            .layer(middleware::from_fn_with_state(pages.clone(), guard));
        tokio::select! {
            never = connections::serve(self.listener, routes) => never,
            never = keep_up(&pages.watch) => never,
        }
    }
}

/// Refuses requests under another's name, and tells browsers to keep the answers to themselves.
async fn guard(State(pages): State<Arc<Pages>>, request: Request, next: Next) -> Response {
    let host = request.headers().get(header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !pages.hosts.allow(host) {
        let refusal = "This server answers to its own address only.\n";
        return (StatusCode::MISDIRECTED_REQUEST, refusal).into_response();
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(
        "cross-origin-resource-policy",
        HeaderValue::from_static("same-origin"),
    );
    if pages.desk.is_some() {
        // The address tells who may judge; the servers of base maps need not know it.
        let nothing = HeaderValue::from_static("no-referrer");
        headers.insert(header::REFERRER_POLICY, nothing);
    }
    response
}

async fn page(State(pages): State<Arc<Pages>>, RawQuery(query): RawQuery) -> Response {
    pages.watch.look().await;
    let desk = pages.desk.as_ref();
    let has_desk = desk.is_some_and(|desk| desk.is_at(query.as_deref()));
    match pages.make(has_desk) {
        Ok(page) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}\n")).into_response(),
    }
}

impl Pages {
    fn make(&self, has_desk: bool) -> Result<Bytes> {
        let view = self.watch.view();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let made = &mut made[usize::from(has_desk)];
        if let Some((revision, page)) = &*made
            && *revision == view.revision
        {
            return Ok(page.clone());
        }
        let live = Live {
            revision: view.revision,
            plan: view.plan_hash.to_string(),
            has_desk,
        };
        let pictured = self.watch.with_overviews(|overviews| {
            let mut pictured = Pictured::near(&view.layer, &view.plan, "generations/");
            let place = pictured.own.place.with_overviews("overviews/".to_owned());
            let tiles = overviews.tiles();
            let (name, pyramid) = (&view.layer.name, pictured.own.pyramid);
            pictured.own = TileSet::of(name, place, pyramid, 1, tiles.iter());
            pictured.worst_edges = overviews.worst().to_vec();
            pictured
        });
        let compared = self.compared.as_ref().map(|compared| {
            compared.tile_set(Place::Layer {
                quadrants: "compared/".to_owned(),
                overviews: "compared_overviews/".to_owned(),
            })
        });
        let pictured = Pictured {
            compared,
            ..pictured
        };
        let page = self
            .options
            .page(&view.layer, &view.plan, &pictured, Some(&live))?;
        let page = Bytes::from(page);
        *made = Some((view.revision, page.clone()));
        Ok(page)
    }
}

async fn changes(
    State(pages): State<Arc<Pages>>,
    Path((plan, since)): Path<(u64, u64)>,
) -> Response {
    pages.watch.look().await;
    let changes = pages.watch.changes_since(since, plan);
    ([(header::CONTENT_TYPE, "application/json")], changes).into_response()
}

async fn picture(State(pages): State<Arc<Pages>>, Path(name): Path<String>) -> Response {
    pages.watch.look().await;
    // The name is read as two whole numbers, so it leads nowhere else.
    let quadrant = LayerDir::quadrant_of_picture(&name);
    let found = quadrant.and_then(|q| Some((q, pages.watch.pictures_with(q)?)));
    let Some((quadrant, pictures)) = found else {
        return StatusCode::NOT_FOUND.into_response();
    };
    pages.turns.png(pictures.read_regular(quadrant)).await
}

async fn overview(
    State(pages): State<Arc<Pages>>,
    Path((level, name)): Path<(String, String)>,
) -> Response {
    let tile = OverviewFiles::tile(&level, &name);
    let tile = tile.filter(|&tile| pages.watch.with_overviews(|overviews| overviews.has(tile)));
    let Some(tile) = tile else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let files = pages.watch.view().layer.dir.overviews();
    pages.turns.png(read_tile(files, tile)).await
}

async fn compared_picture(State(pages): State<Arc<Pages>>, Path(name): Path<String>) -> Response {
    let quadrant = LayerDir::quadrant_of_picture(&name);
    match quadrant.zip(pages.compared.as_ref()) {
        Some((quadrant, compared)) => pages.turns.png(compared.picture(quadrant)).await,
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn compared_overview(
    State(pages): State<Arc<Pages>>,
    Path((level, name)): Path<(String, String)>,
) -> Response {
    let tile = OverviewFiles::tile(&level, &name);
    let found = tile.zip(pages.compared.as_ref());
    let Some((tile, compared)) = found.filter(|(tile, compared)| compared.has(*tile)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    pages.turns.png(read_tile(compared.files(), tile)).await
}

async fn read_tile(files: OverviewFiles, tile: OverviewTile) -> Result<Option<Vec<u8>>> {
    let read = tokio::task::spawn_blocking(move || files.read(tile));
    Ok(read.await.context("reading was cut short")??)
}

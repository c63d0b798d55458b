//! Serving the page, and what has changed since it was made.
//!
//! The server gives out the page, the finished pictures and the progress, and changes nothing.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use layer::LayerDir;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::address::{AllowedHosts, listen};
use crate::page::Live;
use crate::watch::Watch;
use crate::{PageOptions, PlacedLayer, connections};

/// So many pictures are read at a time.
const READ_AT_A_TIME: usize = 8;

/// A server that listens already.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    bound: SocketAddr,
    pages: Arc<Pages>,
}

/// What the requests are answered from.
#[derive(Debug)]
struct Pages {
    hosts: AllowedHosts,
    options: PageOptions,
    watch: Arc<Watch>,
    turns_to_read: Semaphore,
    /// The page as it was made last, and its revision.
    made: Mutex<Option<(u64, Bytes)>>,
}

impl Server {
    /// Listens at `address`, `host:port` or a port of this machine, to serve the page of
    /// `layer`.
    ///
    /// # Errors
    /// When the address is none, or taken, or the layer cannot be read.
    pub async fn bind(address: &str, layer: PlacedLayer, options: PageOptions) -> Result<Self> {
        let listener = listen(address).await?;
        let bound = listener
            .local_addr()
            .context("cannot tell the server's address")?;
        Ok(Self {
            pages: Arc::new(Pages {
                hosts: AllowedHosts::of(address, bound),
                options,
                watch: Watch::over(layer).await?,
                turns_to_read: Semaphore::new(READ_AT_A_TIME),
                made: Mutex::new(None),
            }),
            listener,
            bound,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.bound
    }

    /// Serves without end; dropping the future ends it.
    pub async fn run(self) -> Infallible {
        let pages = self.pages;
        let routes = Router::new()
            .route("/", get(page))
            .route("/changes/{plan}/{since}", get(changes))
            .route("/generations/{name}", get(picture))
            .layer(middleware::from_fn_with_state(pages.clone(), guard))
            .with_state(pages);
        connections::serve(self.listener, routes).await
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
    response
}

async fn page(State(pages): State<Arc<Pages>>) -> Response {
    pages.watch.look().await;
    match pages.make() {
        Ok(page) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}\n")).into_response(),
    }
}

impl Pages {
    fn make(&self) -> Result<Bytes> {
        let view = self.watch.view();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((revision, page)) = &*made
            && *revision == view.revision
        {
            return Ok(page.clone());
        }
        let live = Live {
            revision: view.revision,
            plan: view.plan_hash.to_string(),
        };
        let page = self
            .options
            .page(&view.layer, &view.plan, "generations/", Some(&live))?;
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
    // Each takes a thread and the memory of a picture.
    let _turn = pages.turns_to_read.acquire().await;
    match pictures.read_regular(quadrant).await {
        Ok(Some(bytes)) => ([(header::CONTENT_TYPE, "image/png")], bytes).into_response(),
        Ok(None) | Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

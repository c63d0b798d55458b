//! Serving the page, with the progress pushed to it.
//!
//! The server gives out the page, the finished pictures and the progress, and changes nothing.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream::{self, Stream};
use layer::LayerDir;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::address::{AllowedHosts, listen};
use crate::page::Live;
use crate::watch::{Message, Watch};
use crate::{PageOptions, PlacedLayer};

/// The longest that opening the page waits for the newest progress.
const FRESH_WITHIN: Duration = Duration::from_secs(2);

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
    watch: Watch,
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
    ///
    /// # Errors
    /// When the system takes the listener away.
    pub async fn run(self) -> Result<()> {
        let pages = self.pages;
        let routes = Router::new()
            .route("/", get(page))
            .route("/events/{plan}/{since}", get(events))
            .route("/generations/{name}", get(picture))
            .layer(middleware::from_fn_with_state(pages.clone(), guard))
            .with_state(pages.clone());
        tokio::select! {
            served = axum::serve(self.listener, routes) => served.context("the server has stopped"),
            () = pages.watch.keep_looking() => Ok(()),
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
    response
}

async fn page(State(pages): State<Arc<Pages>>) -> Response {
    // Another program may hold the database; the page of a moment ago is better than none.
    let _ = tokio::time::timeout(FRESH_WITHIN, pages.watch.look()).await;
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

async fn events(
    State(pages): State<Arc<Pages>>,
    Path((plan, since)): Path<(u64, u64)>,
    headers: HeaderMap,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    // A browser that comes back says what it heard last
    // (https://html.spec.whatwg.org/multipage/server-sent-events.html).
    let last_heard = headers
        .get("last-event-id")
        .and_then(|id| id.to_str().ok()?.parse().ok());
    let mut follower = Follower {
        heard: last_heard.unwrap_or(since),
        plan,
        waiting: VecDeque::new(),
        receiver: None,
        pages,
    };
    follower.catch_up();
    let stream = stream::unfold(follower, |mut follower| async {
        let message = follower.next().await?;
        Some((Ok(event_of(&message)), follower))
    });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// One page that follows the progress.
struct Follower {
    pages: Arc<Pages>,
    /// The plan that the page shows.
    plan: u64,
    /// The last revision that it was told of.
    heard: u64,
    waiting: VecDeque<Message>,
    receiver: Option<Receiver<Message>>,
}

impl Follower {
    fn catch_up(&mut self) {
        let (missed, receiver) = self.pages.watch.follow(self.heard, self.plan);
        self.waiting.extend(missed);
        self.receiver = Some(receiver);
    }

    async fn next(&mut self) -> Option<Message> {
        let message = loop {
            if let Some(message) = self.waiting.pop_front() {
                break message;
            }
            match self.receiver.as_mut()?.recv().await {
                Ok(message) => break message,
                // A slow page is told everything at once.
                Err(RecvError::Lagged(_)) => self.catch_up(),
                Err(RecvError::Closed) => return None,
            }
        };
        if let Message::Changes(revision, _) = message {
            self.heard = revision;
        }
        Some(message)
    }
}

async fn picture(State(pages): State<Arc<Pages>>, Path(name): Path<String>) -> Response {
    // The name is read as two whole numbers, so it leads nowhere else.
    let Some(quadrant) = LayerDir::quadrant_of_picture(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let pictures = Arc::clone(&pages.watch.view().layer.pictures);
    match pictures.read(quadrant).await {
        Ok(Some(bytes)) => ([(header::CONTENT_TYPE, "image/png")], bytes).into_response(),
        Ok(None) | Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

fn event_of(message: &Message) -> Event {
    match message {
        Message::Changes(revision, json) => Event::default()
            .event("changes")
            .id(revision.to_string())
            .data(json),
        Message::Replaced => Event::default().event("replaced").data("{}"),
        Message::Trouble(text) => Event::default()
            .event("trouble")
            .data(json!({ "message": text }).to_string()),
    }
}

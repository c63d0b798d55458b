//! Serving the metrics over HTTP.
//!
//! Whoever connects has ten seconds for all of it, and few can be connected at a time, so that nobody
//! is in the way of others for long, and of the run never.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::metrics::Format;
use crate::pages::Pages;

/// So many can be connected at a time, which leaves the run its files; others wait in the system's
/// queue.
const MOST_CONNECTIONS: usize = 8;
/// So long a connection may last: Prometheus waits no longer for an answer by itself.
const ALL_WITHIN: Duration = Duration::from_secs(10);
/// So long a request's head may take.
const HEAD_WITHIN: Duration = Duration::from_secs(3);
/// How long a request's head may be.
const MOST_HEAD_BYTES: usize = 16 << 10;
/// How long it is waited when the system grants no connection.
const REST: Duration = Duration::from_millis(200);

/// Answers all who connect to `listener`, without end.
pub(crate) async fn serve(listener: TcpListener, pages: Arc<Pages>) -> std::io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let routes = Router::new()
        .route("/", get(index))
        .route("/metrics", get(metrics))
        .with_state(pages);
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    loop {
        let place = Arc::clone(&places).acquire_owned().await;
        match listener.accept().await {
            Ok((stream, _)) => {
                let routes = routes.clone();
                tokio::spawn(async move {
                    let _ = timeout(ALL_WITHIN, answer(stream, routes)).await;
                    drop(place);
                });
            }
            Err(_) => sleep(REST).await,
        }
    }
}

/// Answers one request. How it ends concerns its client alone.
async fn answer(stream: TcpStream, routes: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(MOST_HEAD_BYTES)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    let _ = connection.await;
}

async fn index() -> &'static str {
    "Metrics of a run for Prometheus are at /metrics.\n"
}

async fn metrics(State(pages): State<Arc<Pages>>, headers: HeaderMap) -> Response {
    let accepted = headers.get_all(header::ACCEPT).iter();
    let accepted: Vec<&str> = accepted.filter_map(|value| value.to_str().ok()).collect();
    let format = Format::asked_for(&accepted.join(","));
    let page = pages.page(format).await;
    let head = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static(format.content_type()),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (head, page).into_response()
}

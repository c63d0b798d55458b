//! The connections of the server: how many there are at a time, and how long each may wait.
//!
//! A client that keeps a connection and sends or takes nothing must not be in the way of others.

use std::convert::Infallible;
use std::io::ErrorKind;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use crate::client_stream::ClientStream;

/// So long a request's head may take, from when the connection is there or the last answer sent.
const HEAD_WITHIN: Duration = Duration::from_secs(10);

/// Browsers send what all servers of a machine have left with them, which is some kilobytes.
const MOST_HEAD_BYTES: usize = 64 << 10;

/// How long it is waited when the system grants no connection.
const REST: Duration = Duration::from_millis(200);

/// Answers the requests of all who connect to `listener` by `routes`, without end; dropping the
/// future lets all of them go.
pub(crate) async fn serve(listener: TcpListener, routes: Router) -> Infallible {
    let places = Arc::new(Semaphore::new(granted::room_for_connections()));
    let wanted = Arc::new(Notify::new());
    let mut connections = JoinSet::new();
    loop {
        let stream = accept(&listener).await;
        while connections.try_join_next().is_some() {}
        let place = match Arc::clone(&places).try_acquire_owned() {
            Ok(place) => place,
            // The others wait in the system's queue meanwhile.
            Err(_) => wait_for_a_place(&places, &wanted).await,
        };
        let (routes, wanted) = (routes.clone(), Arc::clone(&wanted));
        connections.spawn(async move {
            answer(stream, routes, &wanted).await;
            drop(place);
        });
    }
}

async fn wait_for_a_place(
    places: &Arc<Semaphore>,
    wanted: &Notify,
) -> tokio::sync::OwnedSemaphorePermit {
    // It is the client that has asked for nothing the longest that hears this.
    wanted.notify_one();
    let place = Arc::clone(places).acquire_owned().await;
    // When none has heard it, none shall from now on.
    pin!(wanted.notified()).enable();
    place.expect("the semaphore is never closed")
}

/// The next connection. What the system refuses for want of files or memory is waited out.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) => {
                let is_gone = matches!(
                    error.kind(),
                    ErrorKind::ConnectionAborted
                        | ErrorKind::ConnectionRefused
                        | ErrorKind::ConnectionReset
                );
                if !is_gone {
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }
}

/// Answers what comes over `stream`. Before its first request is whole it makes place for others
/// when that is `wanted`.
async fn answer(stream: TcpStream, routes: Router, wanted: &Notify) {
    let routes = TowerToHyperService::new(routes);
    let has_asked = Notify::new();
    let service = service_fn(|request| {
        has_asked.notify_one();
        routes.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(MOST_HEAD_BYTES)
        .serve_connection(TokioIo::new(ClientStream::over(stream)), service);
    let mut connection = pin!(connection);
    // How a connection ends concerns its client alone.
    tokio::select! {
        biased;
        _ = &mut connection => return,
        () = has_asked.notified() => {}
        () = wanted.notified() => return,
    }
    let _ = connection.await;
}

//! Fetching a picture from the address that an answer gives for it.

use std::time::Duration;

use bytes::Bytes;
use reqwest::header::HeaderMap;
use reqwest::{Client, Url};

use crate::failure::{Failure, FailureKind};
use crate::server::Server;
use crate::status::kind_of_status;
use crate::wire::{read_body, transport_failure};

/// How often a picture is asked for: it is made and paid for.
const TRIES: u32 = 3;

/// Fetches at most `limit` bytes from `address`, absolute or relative to the server's own. The
/// server's keys go to no other origin than its own.
///
/// # Errors
/// [`Failure`], whose message shows neither the address's query, which may be a signature, nor
/// what was answered, which may repeat it.
pub(crate) async fn fetch(
    client: &Client,
    server: &Server,
    address: &str,
    limit: usize,
) -> Result<Bytes, Failure> {
    let url = server
        .url
        .join(address)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https"))
        .ok_or_else(|| Failure::bad_answer("a picture at an address that is none of http"))?;
    let headers = if url.origin() == server.url.origin() {
        server.credentials.headers.clone()
    } else {
        HeaderMap::new()
    };
    let mut tries = 1;
    loop {
        let fetched = fetch_once(client, &url, headers.clone(), limit).await;
        match fetched {
            Err(failure) if tries < TRIES && failure.is_away() => {
                tokio::time::sleep(Duration::from_millis(500)).await;
                tries += 1;
            }
            other => return other.map_err(|failure| at(&url, failure)),
        }
    }
}

async fn fetch_once(
    client: &Client,
    url: &Url,
    headers: HeaderMap,
    limit: usize,
) -> Result<Bytes, Failure> {
    let request = client.get(url.clone()).headers(headers);
    let response = request.send().await.map_err(transport_failure)?;
    let status = response.status();
    if status.is_success() {
        return read_body(response, limit).await;
    }
    let kind = match kind_of_status(status.as_u16(), None) {
        away @ FailureKind::Away { .. } => away,
        // The endpoint itself has answered; it is its picture that is not to be had.
        _ => FailureKind::BadAnswer,
    };
    Err(Failure::new(kind, format!("HTTP {status}")))
}

/// Says where the picture was to be fetched.
fn at(url: &Url, mut failure: Failure) -> Failure {
    failure.message = format!(
        "the picture is at {}{}, and does not come from there: {}",
        url.host_str().unwrap_or_default(),
        url.path(),
        failure.message
    );
    failure
}

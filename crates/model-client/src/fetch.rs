//! Fetching a picture from the address that an answer gives for it.
//!
//! The address comes from a model, and is not trusted: inside a private network only the
//! endpoint's own host is asked, and of what is there nothing but its kind is told.

use std::time::Duration;

use bytes::Bytes;
use reqwest::Url;
use reqwest::header::HeaderMap;

use crate::body::{MAX_ERROR_BYTES, Start, read_body, read_start, transport_failure};
use crate::client::Client;
use crate::private::{PRIVATE, addresses_of, is_private};
use crate::protocol::error_text;
use crate::secrets::Credentials;
use crate::server::Server;
use crate::status::kind_of_status;
use dispatch::{Failure, FailureKind};

/// How often a picture is asked for: it is made and paid for.
const TRIES: u32 = 3;

/// Fetches at most `limit` bytes from `address`, absolute or relative to the server's own. The
/// server's keys go to no other origin than its own.
///
/// # Errors
/// [`Failure`], whose message does not show the address's query, which may be a signature. Where
/// the picture is not to be had, another call would be paid for and bring no other address, so the
/// item fails at once.
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
        .ok_or_else(|| {
            let message = "a picture at an address that is none of http";
            Failure::new(FailureKind::Rejected, message)
        })?;
    let headers = if url.origin() == server.url.origin() {
        server.credentials.headers.clone()
    } else {
        HeaderMap::new()
    };
    let client = match reach(server, &url).await {
        Reach::OwnHost => &client.any,
        Reach::Internet => &client.public,
        Reach::Private => {
            let failure = Failure::new(FailureKind::Rejected, PRIVATE);
            return Err(at(&url, failure));
        }
    };
    let mut tries = 1;
    loop {
        let fetched = fetch_once(client, &url, headers.clone(), limit).await;
        match fetched {
            Err(_) if tries < TRIES => {
                tokio::time::sleep(Duration::from_millis(500)).await;
                tries += 1;
            }
            other => return other.map_err(|failure| at(&url, failure)),
        }
    }
}

/// Where an address leads.
enum Reach {
    OwnHost,
    Internet,
    Private,
}

async fn reach(server: &Server, url: &Url) -> Reach {
    if url.host() == server.url.host() {
        return Reach::OwnHost;
    }
    let addresses = addresses_of(url).await;
    if !addresses.iter().copied().any(is_private) {
        return Reach::Internet;
    }
    // A server may call itself by another name, or by its number.
    let own = addresses_of(&server.url).await;
    if addresses.iter().all(|address| own.contains(address)) {
        Reach::OwnHost
    } else {
        Reach::Private
    }
}

async fn fetch_once(
    client: &reqwest::Client,
    url: &Url,
    headers: HeaderMap,
    limit: usize,
) -> Result<Bytes, Failure> {
    let request = client.get(url.clone()).headers(headers);
    let response = request.send().await.map_err(transport_failure)?;
    let status = response.status();
    if status.is_success() {
        return read_body(response, limit, Start::Hidden).await;
    }
    // An address that has expired is told in the server's words; what else is there is not.
    let said = if matches!(status.as_u16(), 403 | 404 | 410) {
        let body = read_start(response, MAX_ERROR_BYTES).await;
        let body = Credentials::of_address(url).redact_bytes(&body);
        format!(": {}", error_text(&body))
    } else {
        String::new()
    };
    let kind = match kind_of_status(status.as_u16(), None) {
        away @ FailureKind::Away { .. } => away,
        // The endpoint itself has answered; it is its picture that is not to be had.
        _ => FailureKind::Rejected,
    };
    Err(Failure::new(kind, format!("HTTP {status}{said}")))
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

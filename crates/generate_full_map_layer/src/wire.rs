//! One call to a server: sending, redirects, limits, and what a failure means.

use std::time::{Duration, SystemTime};

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};

use crate::endpoint::{Endpoint, Server};
use crate::failure::{Failure, FailureKind, kind_of_status};
use crate::protocol::{self, Ask, Reply};

/// How many redirects of one call are followed. Modal answers a call that takes long with one
/// every 150 s.
const MAX_REDIRECTS: usize = 20;

/// The client that all calls go through.
///
/// # Errors
/// When the system has no entropy or no certificates.
pub(crate) fn client() -> reqwest::Result<Client> {
    Client::builder()
        .user_agent(concat!(
            "generate_full_map_layer/",
            env!("CARGO_PKG_VERSION")
        ))
        .connect_timeout(Duration::from_secs(15))
        // Load balancers drop connections that are silent for long, and servers close idle ones,
        // some after 5 s: a connection that is about to be closed must not be used.
        .tcp_keepalive(Duration::from_secs(30))
        .pool_idle_timeout(Duration::from_secs(4))
        .redirect(redirects())
        .build()
}

/// Redirects within one origin are followed: 301, 302 and 303 with a GET, which asks for the
/// result and starts nothing; 307 and 308, which send the picture again, once.
fn redirects() -> Policy {
    Policy::custom(|attempt| {
        let first = attempt.previous().first();
        let same_origin = first.is_some_and(|first| first.origin() == attempt.url().origin());
        let sends_again = matches!(
            attempt.status(),
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
        );
        let limit = if sends_again { 1 } else { MAX_REDIRECTS };
        if same_origin && attempt.previous().len() <= limit {
            attempt.follow()
        } else {
            attempt.stop()
        }
    })
}

/// Sends a canvas to a server and brings back the encoded picture it answers with.
///
/// # Errors
/// [`Failure`], whose message holds none of the endpoint's keys.
pub(crate) async fn call(
    client: &Client,
    endpoint: &Endpoint,
    server: &Server,
    ask: Ask<'_>,
) -> Result<Bytes, Failure> {
    let answered = tokio::time::timeout(endpoint.timeout, exchange(client, server, ask));
    let answered = answered.await.unwrap_or_else(|_| {
        Err(Failure::away(format!(
            "no answer within {}",
            humantime::format_duration(endpoint.timeout)
        )))
    });
    answered.map_err(|failure| Failure {
        message: server.credentials.redact(&failure.message),
        ..failure
    })
}

async fn exchange(client: &Client, server: &Server, ask: Ask<'_>) -> Result<Bytes, Failure> {
    let request = protocol::request(server.protocol, client, &server.url, ask)
        .headers(server.credentials.headers.clone());
    let response = request.send().await.map_err(transport_failure)?;
    let status = response.status();
    let headers = response.headers().clone();
    if !status.is_success() {
        // What an error says is worth a few lines, not a download.
        let body = read_start(response, 16 << 10).await;
        return Err(status_failure(status.as_u16(), &headers, &body));
    }
    let (width, height) = ask.size_px;
    let limit = (16 << 20) + 12 * width as usize * height as usize;
    let body = read_body(response, limit)
        .await
        .map_err(|failure| failure.with_status(status.as_u16()))?;
    let reply = Reply {
        status: status.as_u16(),
        headers,
        body,
    };
    protocol::picture(server.protocol, &reply).map_err(|failure| failure.with_status(reply.status))
}

/// What an answer with an error status means.
fn status_failure(status: u16, headers: &HeaderMap, body: &[u8]) -> Failure {
    let text = protocol::error_text(body);
    let mut kind = kind_of_status(status, retry_after(headers, body));
    // Waiting does not fill an account.
    if status == 429 && body_says(body, "insufficient_quota") {
        kind = FailureKind::EndpointOut;
    }
    let reason = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or("");
    let mut message = format!("HTTP {status} {reason}: {text}");
    if (300..400).contains(&status) {
        message = format!(
            "HTTP {status} {reason}: it redirects to another host, or in circles; use the address it leads to"
        );
    }
    Failure {
        kind,
        message,
        http_status: Some(status),
    }
}

fn body_says(body: &[u8], code: &str) -> bool {
    String::from_utf8_lossy(body).contains(code)
}

/// How long a server asks to be left alone: `Retry-After` in seconds or as a date, else OpenAI's
/// `x-ratelimit-reset-requests`, else Google's `RetryInfo`.
fn retry_after(headers: &HeaderMap, body: &[u8]) -> Option<Duration> {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    let seconds = |text: &str| {
        text.parse()
            .ok()
            .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    };
    let date = |text: &str| {
        let until = httpdate::parse_http_date(text).ok()?;
        Some(until.duration_since(SystemTime::now()).unwrap_or_default())
    };
    text(RETRY_AFTER.as_str())
        .and_then(|text| seconds(text).or_else(|| date(text)))
        .or_else(|| {
            text("x-ratelimit-reset-requests")
                .and_then(|text| seconds(text).or_else(|| humantime::parse_duration(text).ok()))
        })
        .or_else(|| google_retry_delay(body))
}

/// `error.details[].retryDelay`, as in `"43s"`
/// (<https://cloud.google.com/apis/design/errors#error_details>).
fn google_retry_delay(body: &[u8]) -> Option<Duration> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let details = value["error"]["details"].as_array()?;
    let delay = details
        .iter()
        .find_map(|detail| detail["retryDelay"].as_str())?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok()
}

/// Reads at most `limit` bytes; an answer that is longer is refused before it fills the memory.
async fn read_body(response: reqwest::Response, limit: usize) -> Result<Bytes, Failure> {
    let too_long = |bytes: u64| {
        Failure::bad_answer(format!(
            "an answer of {bytes} bytes or more; at most {limit} are read"
        ))
    };
    if let Some(length) = response.content_length()
        && length > limit as u64
    {
        return Err(too_long(length));
    }
    let mut body = BytesMut::with_capacity(response.content_length().unwrap_or(0) as usize);
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            Failure::away(format!(
                "the answer broke off after {} bytes: {}",
                body.len(),
                describe(error)
            ))
        })?;
        if body.len() + chunk.len() > limit {
            return Err(too_long((body.len() + chunk.len()) as u64));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

async fn read_start(response: reqwest::Response, limit: usize) -> Bytes {
    let mut body = BytesMut::new();
    let mut chunks = response.bytes_stream();
    while let Some(Ok(chunk)) = chunks.next().await {
        body.extend_from_slice(&chunk[..chunk.len().min(limit - body.len())]);
        if body.len() == limit {
            break;
        }
    }
    body.freeze()
}

fn transport_failure(error: reqwest::Error) -> Failure {
    let what = if error.is_connect() {
        "cannot connect"
    } else if error.is_builder() {
        return Failure::new(
            FailureKind::EndpointOut,
            format!("no request can be made: {}", describe(error)),
        );
    } else {
        "the connection failed"
    };
    Failure::away(format!("{what}: {}", describe(error)))
}

/// The innermost cause: the outer ones repeat the address, with the keys in it.
fn describe(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

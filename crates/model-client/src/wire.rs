//! One call to a server: sending, redirects, limits, and what a failure means.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use layer::Protocol;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;

use crate::bytes_shown::first_bytes;
use crate::error::EndpointError;
use crate::fetch::fetch;
use crate::private::{PRIVATE, PublicNames};
use crate::protocol::{self, Ask, Carried, Found, Reply};
use crate::retry_after::retry_after;
use crate::server::Server;
use crate::status::kind_of_status;
use dispatch::{Failure, FailureKind};

/// How many redirects of one call are followed. Modal answers a call that takes long with one
/// every 150 s.
const MAX_REDIRECTS: usize = 20;

/// How much of an answer is read, or looked through, for what it says of an error.
pub(crate) const MAX_ERROR_BYTES: usize = 16 << 10;

/// How long a server may take to say that it is there.
const PROBE_TIMEOUT: Duration = Duration::from_secs(15);

/// An encoded picture, and what it came as.
#[derive(Debug)]
pub struct Received {
    /// The picture.
    pub picture: Carried,
    /// The status and the type of the answer.
    pub came_as: CameAs,
}

/// The status and the type of an answer.
#[derive(Debug, Clone)]
pub struct CameAs {
    status: StatusCode,
    content_type: String,
}

impl Received {
    /// The status of the answer, as the server said it.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.came_as.status()
    }
}

impl CameAs {
    /// The status, as the server said it.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// The failure of an answer whose picture turned out to be of no use.
    #[must_use]
    pub fn unusable(&self, reason: &str) -> Failure {
        let (status, content_type) = (self.status, &self.content_type);
        Failure::bad_answer(format!(
            "HTTP {status}: the answer ({content_type}) is {reason}"
        ))
        .with_status(status.as_u16())
    }
}

/// What all calls go through.
#[derive(Debug, Clone)]
pub struct Client {
    /// For what the user has named.
    pub(crate) any: reqwest::Client,
    /// For what an answer has named: it goes to no private address.
    pub(crate) public: reqwest::Client,
}

impl Client {
    /// A client.
    ///
    /// # Errors
    /// When the system has no entropy or no certificates.
    pub fn new() -> Result<Self, EndpointError> {
        let failed = |error: reqwest::Error| EndpointError::Client(error.to_string());
        Ok(Self {
            any: builder().build().map_err(failed)?,
            public: builder()
                .dns_resolver(PublicNames::new())
                .build()
                .map_err(failed)?,
        })
    }

    /// Sends a canvas to a server and brings back the encoded picture it answers with.
    ///
    /// # Errors
    /// [`Failure`], whose message holds none of the server's keys.
    pub async fn call(&self, server: &Server, ask: Ask<'_>) -> Result<Received, Failure> {
        let answered = tokio::time::timeout(server.timeout, exchange(self, server, ask));
        let answered = answered.await.unwrap_or_else(|_| {
            Err(Failure::new(
                FailureKind::BrokeOff,
                format!(
                    "no answer within {}",
                    humantime::format_duration(server.timeout)
                ),
            ))
        });
        answered.map_err(|failure| Failure {
            message: server.credentials.redact(&failure.message),
            ..failure
        })
    }

    /// Asks a server something that costs nothing, to learn whether it is there: any answer of
    /// its own says so.
    ///
    /// # Errors
    /// [`Failure`] when there is no answer, or a load balancer says that nobody is behind it.
    pub async fn probe(&self, server: &Server) -> Result<(), Failure> {
        let request = self
            .any
            .get(server.url.clone())
            .headers(server.credentials.headers.clone())
            .timeout(PROBE_TIMEOUT);
        let status = request.send().await.map_err(transport_failure)?.status();
        match kind_of_status(status.as_u16(), None) {
            FailureKind::Away { .. } => Err(Failure::away(format!("HTTP {status}"))),
            _ => Ok(()),
        }
    }
}

fn builder() -> reqwest::ClientBuilder {
    reqwest::Client::builder()
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

async fn exchange(client: &Client, server: &Server, ask: Ask<'_>) -> Result<Received, Failure> {
    let request = protocol::request(server.protocol, &client.any, &server.url, ask)
        .await
        .headers(server.credentials.headers.clone());
    let response = request.send().await.map_err(transport_failure)?;
    let status = response.status();
    let headers = response.headers().clone();
    let content_type = protocol::content_type(&headers).to_owned();
    if !status.is_success() {
        // What an error says is worth a few lines, not a download. Keys are struck out before
        // it is shortened: half of one would not be found any more.
        let body = read_start(response, MAX_ERROR_BYTES).await;
        let body = server.credentials.redact_bytes(&body);
        return Err(status_failure(server.protocol, status, &headers, &body));
    }
    let (width, height) = ask.answer_px;
    let limit = (16 << 20) + 12 * width as usize * height as usize;
    let with_status = |failure: Failure| Failure {
        message: format!("HTTP {status}: {}", failure.message),
        ..failure.with_status(status.as_u16())
    };
    let body = read_body(response, limit, Start::Shown)
        .await
        .map_err(with_status)?;
    let reply = Reply { headers, body };
    let found = protocol::picture(server.protocol, &reply).or_else(|failure| {
        if reply.body.len() > MAX_ERROR_BYTES {
            return Err(failure);
        }
        let body = server.credentials.redact_bytes(&reply.body);
        protocol::picture(server.protocol, &Reply { body, ..reply })
    });
    let picture = match found.map_err(with_status)? {
        Found::Picture(picture) => picture,
        Found::At(address) => fetch(client, server, &address, limit)
            .await
            .map(Carried::Fetched)
            .map_err(with_status)?,
    };
    let came_as = CameAs {
        status,
        content_type,
    };
    Ok(Received { picture, came_as })
}

/// What an answer with an error status means.
fn status_failure(
    protocol: Protocol,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
) -> Failure {
    let by_status = kind_of_status(status.as_u16(), retry_after(headers, body));
    let kind = protocol::failure_kind(protocol, body).unwrap_or(by_status);
    // Waiting does not fill an account, whoever keeps it.
    let kind = if status == 429 && body_says(body, "insufficient_quota") {
        FailureKind::EndpointOut
    } else {
        kind
    };
    let said = if status.is_redirection() {
        "it redirects to another host, or in circles; use the address it leads to".to_owned()
    } else {
        protocol::error_text(body)
    };
    Failure {
        kind,
        message: format!("HTTP {status}: {said}"),
        http_status: Some(status.as_u16()),
    }
}

fn body_says(body: &[u8], code: &str) -> bool {
    String::from_utf8_lossy(body).contains(code)
}

/// Whether an error shows how what was read begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// It does.
    Shown,
    /// It does not: who named the address may not know what is there.
    Hidden,
}

/// Reads at most `limit` bytes; an answer that is longer is refused before it fills the memory.
pub(crate) async fn read_body(
    response: reqwest::Response,
    limit: usize,
    start: Start,
) -> Result<Bytes, Failure> {
    let content_type = protocol::content_type(response.headers()).to_owned();
    let too_long = |bytes: u64, body: &[u8]| {
        Failure::bad_answer(match start {
            Start::Shown => format!(
                "an answer of {bytes} bytes or more ({content_type}), of which at most {limit} are read: {}",
                first_bytes(body)
            ),
            Start::Hidden => {
                format!("it has {bytes} bytes or more, of which at most {limit} are read")
            }
        })
    };
    if let Some(length) = response.content_length()
        && length > limit as u64
    {
        return Err(too_long(length, &read_start(response, 64).await));
    }
    let mut body = BytesMut::with_capacity(response.content_length().unwrap_or(0) as usize);
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|error| {
            Failure::new(
                FailureKind::BrokeOff,
                format!(
                    "the answer broke off after {} bytes: {}",
                    body.len(),
                    describe(error)
                ),
            )
        })?;
        if body.len() + chunk.len() > limit {
            return Err(too_long((body.len() + chunk.len()) as u64, &body));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

pub(crate) async fn read_start(response: reqwest::Response, limit: usize) -> Bytes {
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

pub(crate) fn transport_failure(error: reqwest::Error) -> Failure {
    let (kind, what) = if error.is_connect() {
        (FailureKind::Away { retry_after: None }, "cannot connect")
    } else if error.is_builder() {
        (FailureKind::EndpointOut, "no request can be made")
    } else {
        (FailureKind::BrokeOff, "the connection failed")
    };
    let cause = describe(error);
    if cause == PRIVATE {
        return Failure::new(FailureKind::Rejected, cause);
    }
    Failure::new(kind, format!("{what}: {cause}"))
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

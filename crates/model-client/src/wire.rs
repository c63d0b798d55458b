//! One call to a server: sending, redirects, limits, and what a failure means.

use std::time::Duration;

use layer::Protocol;
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use crate::body::{MAX_ERROR_BYTES, Start, read_body, read_start, transport_failure};
use crate::client::Client;
use crate::fetch::fetch;
use crate::protocol::{self, Ask, Carried, Found, Reply};
use crate::retry_after::retry_after;
use crate::server::Server;
use crate::status::kind_of_status;
use dispatch::{Failure, FailureKind};

/// How long a server may take to say that it is there.
const PROBE_TIMEOUT: Duration = Duration::from_secs(15);

/// An encoded picture, and what it came as.
#[derive(Debug)]
pub struct Received {
    /// The picture.
    pub picture: Carried,
    /// The status and the type of the answer.
    pub came_as: CameAs,
    /// What the server says that it used, as JSON.
    pub usage: Option<String>,
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

impl Client {
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
    let usage = protocol::usage(&reply).map(|usage| server.credentials.redact(&usage));
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
    Ok(Received {
        picture,
        came_as,
        usage,
    })
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

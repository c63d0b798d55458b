//! One call to a server: sending, redirects, limits, and what a failure means.

use std::error::Error as _;
use std::time::Duration;

use bytes::Bytes;
use layer::Protocol;
use reqwest::header::{HeaderMap, LOCATION};
use reqwest::{Response, StatusCode, Url};

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

/// What came of a call.
#[derive(Debug)]
pub struct Called {
    /// The picture; else a failure, whose message holds none of the server's keys.
    pub result: Result<Received, Failure>,
    /// What the server says that it used, as JSON, whether or not it sent a picture.
    pub usage: Option<String>,
}

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

impl Client {
    /// Sends a canvas, `picture`, to a server and brings back the encoded picture it answers with.
    ///
    /// The canvas is let go as it is sent. Where it has to be sent once more, because the server
    /// has not taken it or wants it elsewhere, `again` makes it anew.
    pub async fn call<F>(
        &self,
        server: &Server,
        ask: Ask<'_>,
        picture: Bytes,
        again: impl Fn() -> F,
    ) -> Called
    where
        F: Future<Output = Result<Bytes, String>>,
    {
        let mut usage = None;
        let exchanged = exchange(self, server, ask, picture, again, &mut usage);
        let answered = tokio::time::timeout(server.timeout, exchanged);
        let answered = answered.await.unwrap_or_else(|_| {
            Err(Failure::new(
                FailureKind::BrokeOff,
                format!(
                    "no answer within {}",
                    humantime::format_duration(server.timeout)
                ),
            ))
        });
        let result = answered.map_err(|failure| Failure {
            message: server.credentials.redact(&failure.message),
            ..failure
        });
        Called { result, usage }
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

async fn exchange<F>(
    client: &Client,
    server: &Server,
    ask: Ask<'_>,
    picture: Bytes,
    again: impl Fn() -> F,
    usage: &mut Option<String>,
) -> Result<Received, Failure>
where
    F: Future<Output = Result<Bytes, String>>,
{
    let mut response = send(client, server, &server.url, ask, picture).await;
    if let Some(target) = sends_again_to(&server.url, &response) {
        let picture = again().await.map_err(Failure::bad_answer)?;
        response = send(client, server, &target, ask, picture).await;
    }
    let response = response.map_err(transport_failure)?;
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
    *usage = protocol::usage(&reply).map(|usage| server.credentials.redact(&usage));
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

async fn send(
    client: &Client,
    server: &Server,
    target: &Url,
    ask: Ask<'_>,
    picture: Bytes,
) -> reqwest::Result<Response> {
    protocol::request(server.protocol, &client.any, target, ask, picture)
        .await
        .headers(server.credentials.headers.clone())
        .send()
        .await
}

/// Where a canvas is to be sent once more that was sent to `url`, if anywhere: where 307 or 308 say,
/// within one origin, or to the same address when the server has closed the connection before it
/// looked at the request.
fn sends_again_to(url: &Url, response: &reqwest::Result<Response>) -> Option<Url> {
    let response = match response {
        Ok(response) => response,
        Err(error) => return is_not_taken(error).then(|| url.clone()),
    };
    let keeps_method = matches!(
        response.status(),
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT
    );
    // Behind another redirect it is the result that moved.
    if !keeps_method || response.url() != url {
        return None;
    }
    let location = response.headers().get(LOCATION)?.to_str().ok()?;
    let target = url.join(location).ok()?;
    (target.origin() == url.origin()).then_some(target)
}

/// Whether a server says, over HTTP/2, that it has not begun with a request.
/// <https://www.rfc-editor.org/rfc/rfc9113#section-8.7>
fn is_not_taken(error: &reqwest::Error) -> bool {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    let h2 = { causes }.find_map(|cause| cause.downcast_ref::<h2::Error>());
    h2.is_some_and(|error| {
        let (is_closing, is_refused) = (h2::Reason::NO_ERROR, h2::Reason::REFUSED_STREAM);
        error.is_remote()
            && ((error.is_go_away() && error.reason() == Some(is_closing))
                || (error.is_reset() && error.reason() == Some(is_refused)))
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

//! Reading what a server answers, within bounds; connections that fail.

use bytes::{Bytes, BytesMut};
use dispatch::{Failure, FailureKind};
use futures_util::StreamExt;

use crate::bytes_shown::first_bytes;
use crate::private::PRIVATE;
use crate::protocol;

/// How much of an answer is read, or looked through, for what it says of an error.
pub(crate) const MAX_ERROR_BYTES: usize = 16 << 10;

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

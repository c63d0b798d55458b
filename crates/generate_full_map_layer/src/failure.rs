//! The ways in which a call fails, and what each says about the item and the endpoint.

use std::fmt;
use std::time::Duration;

use progress_db::Outcome;

/// Why a call brought no picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// What follows from it.
    pub kind: FailureKind,
    /// What came, in one line; holds no key.
    pub message: String,
    /// The status of the answer, where one came.
    pub http_status: Option<u16>,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// The answer is of no use: it counts against the item, and the endpoint rests a moment.
    BadAnswer,
    /// The model declines to draw this: it counts against the item, which gets one more try.
    Refused,
    /// The endpoint is away: the item loses nothing, the endpoint rests, longer each time.
    Away {
        /// How long the server asks to be left alone.
        retry_after: Option<Duration>,
    },
    /// The endpoint took the request and broke off: it is away, or this canvas was too much for
    /// it. What it answers next tells.
    BrokeOff,
    /// The server will never take this canvas: the item fails at once.
    Rejected,
    /// The endpoint is of no use for the rest of the run; the item loses nothing.
    EndpointOut,
}

impl Failure {
    /// A failure without an answer's status.
    pub(crate) fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            http_status: None,
        }
    }

    /// An answer that is of no use.
    pub(crate) fn bad_answer(message: impl Into<String>) -> Self {
        Self::new(FailureKind::BadAnswer, message)
    }

    /// An endpoint that is away, without a word when it will be back.
    pub(crate) fn away(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Away { retry_after: None }, message)
    }

    /// The same failure, of an answer with this status.
    #[must_use]
    pub(crate) fn with_status(self, status: u16) -> Self {
        Self {
            http_status: Some(status),
            ..self
        }
    }

    /// Whether there was no answer, or one that says that nobody is there.
    #[must_use]
    pub(crate) fn is_away(&self) -> bool {
        matches!(self.kind, FailureKind::Away { .. } | FailureKind::BrokeOff)
    }

    /// What the record of the call says it bought.
    #[must_use]
    pub(crate) fn outcome(&self) -> Outcome {
        match self.kind {
            FailureKind::BadAnswer | FailureKind::Refused => Outcome::BadAnswer,
            FailureKind::Away { .. } | FailureKind::BrokeOff => Outcome::Away,
            FailureKind::Rejected => Outcome::Rejected,
            FailureKind::EndpointOut => Outcome::EndpointOut,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What an HTTP status that is no success says, after
/// [RFC 9110](https://www.rfc-editor.org/rfc/rfc9110#section-15) and what model servers and the
/// load balancers before them do in practice.
#[must_use]
pub(crate) fn kind_of_status(status: u16, retry_after: Option<Duration>) -> FailureKind {
    match status {
        400 | 413 | 422 => FailureKind::Rejected,
        401 | 403 | 404 | 405 | 410 => FailureKind::EndpointOut,
        408 | 425 | 429 | 502 | 503 | 504 => FailureKind::Away { retry_after },
        // A redirect that was not followed leads to another host, or in circles.
        300..=399 => FailureKind::EndpointOut,
        402 => FailureKind::EndpointOut,
        _ => FailureKind::BadAnswer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_tells_whose_fault_it_is() {
        let wait = Some(Duration::from_secs(7));
        for (statuses, kind) in [
            (vec![400, 413, 422], FailureKind::Rejected),
            (
                vec![401, 402, 403, 404, 405, 410, 302, 308],
                FailureKind::EndpointOut,
            ),
            (
                vec![408, 425, 429, 502, 503, 504],
                FailureKind::Away { retry_after: wait },
            ),
            (vec![500, 501, 505, 520, 418], FailureKind::BadAnswer),
        ] {
            for status in statuses {
                assert_eq!(kind_of_status(status, wait), kind, "{status}");
            }
        }
    }
}

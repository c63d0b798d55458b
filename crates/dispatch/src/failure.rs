//! The ways in which a call fails, and what each says about the item and the endpoint.

use std::fmt;
use std::time::Duration;

/// Why a call brought no picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What follows from it.
    pub kind: FailureKind,
    /// What came, in one line; holds no key.
    pub message: String,
    /// The status of the answer, where one came.
    pub http_status: Option<u16>,
}

/// What follows from a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The answer is of no use: it counts against the item, and the endpoint rests a moment.
    BadAnswer,
    /// The picture is whole and not good enough: the item gets another try, and the endpoint is
    /// there.
    NotAccepted,
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
    /// There is nothing at the address: the endpoint is away when it has answered before, and
    /// else its address is wrong.
    Missing,
    /// The endpoint is of no use until something is changed; the item loses nothing.
    EndpointOut,
}

impl Failure {
    /// A failure without an answer's status.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            http_status: None,
        }
    }

    /// An answer that is of no use.
    pub fn bad_answer(message: impl Into<String>) -> Self {
        Self::new(FailureKind::BadAnswer, message)
    }

    /// An endpoint that is away, without a word when it will be back.
    pub fn away(message: impl Into<String>) -> Self {
        Self::new(FailureKind::Away { retry_after: None }, message)
    }

    /// Whether the endpoint has looked at what it was sent, and answered.
    pub(crate) fn is_an_answer(&self) -> bool {
        match self.kind {
            FailureKind::BadAnswer
            | FailureKind::NotAccepted
            | FailureKind::Refused
            | FailureKind::Rejected => true,
            FailureKind::Away { .. }
            | FailureKind::BrokeOff
            | FailureKind::Missing
            | FailureKind::EndpointOut => false,
        }
    }

    /// The same failure, of an answer with this status.
    #[must_use]
    pub fn with_status(self, status: u16) -> Self {
        Self {
            http_status: Some(status),
            ..self
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

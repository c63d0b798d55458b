//! How calls end.

/// How a call ended that saved nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallEnd {
    /// The answer was of no use.
    BadAnswer,
    /// The picture was whole and not good enough.
    NotAccepted,
    /// The endpoint was away.
    Away,
    /// The endpoint refused this canvas for good.
    Rejected,
    /// The endpoint is out.
    EndpointOut,
    /// The answer was good and could not be saved.
    NotSaved,
    /// The run ended before the call did.
    Interrupted,
    /// It was made to compare, and was answered.
    Compared,
}

impl CallEnd {
    /// All of them, in their order.
    pub const ALL: [Self; 8] = [
        Self::BadAnswer,
        Self::NotAccepted,
        Self::Away,
        Self::Rejected,
        Self::EndpointOut,
        Self::NotSaved,
        Self::Interrupted,
        Self::Compared,
    ];
}

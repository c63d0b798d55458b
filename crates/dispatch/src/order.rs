//! What the dispatcher is told, and what it orders.

use planner::Quadrant;

use crate::{EndpointIndex, Failure, Handle, Money, Signal};

/// The number of a call, over all runs of a layer.
pub type AttemptId = i64;

/// A canvas that was ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CanvasId {
    /// The canvas of an item that is to be generated.
    Of(Handle),
    /// The canvas of an item, sent only to see whether an endpoint answers it.
    Comparison(Handle),
}

impl CanvasId {
    /// The item whose canvas it is.
    #[must_use]
    pub const fn handle(self) -> Handle {
        match self {
            Self::Of(handle) | Self::Comparison(handle) => handle,
        }
    }
}

/// Something that has happened.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Time has passed; the first event of a run is one of these.
    Wake,
    /// A canvas is ready to be sent, or cannot be drawn.
    Prepared {
        /// Which.
        canvas: CanvasId,
        /// Why there is none.
        result: Result<(), PrepareFailure>,
    },
    /// A call has ended; a picture that came is kept until it is saved or the call closed.
    Called {
        /// The call.
        attempt: AttemptId,
        /// Why it brought no picture.
        result: Result<(), Failure>,
    },
    /// An answer turned out to be of no use when it was to be saved.
    Unusable {
        /// The call.
        attempt: AttemptId,
        /// What is wrong with it.
        failure: Failure,
    },
    /// The items of these calls are complete, and committed.
    Saved {
        /// The calls.
        attempts: Vec<AttemptId>,
    },
    /// An endpoint was asked whether it is there.
    Probed {
        /// The endpoint.
        endpoint: EndpointIndex,
        /// Why it seems not to be.
        result: Result<(), Failure>,
    },
    /// Something cannot be written, and with it the items of these calls, if any.
    StorageFailed {
        /// The calls.
        attempts: Vec<AttemptId>,
        /// What, and why.
        message: String,
    },
    /// The user asks the run to end.
    Signal(Signal),
}

/// Why there is no canvas.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrepareFailure {
    /// The fault lies with the pictures of the item, or of what it has to join.
    Item(String),
    /// The source map as a whole cannot be read.
    Source(String),
}

/// Something to be done. Orders are carried out in their order as far as they are written down;
/// the work itself goes on side by side, and each piece of it ends in an [`Event`].
#[derive(Debug, Clone, PartialEq)]
pub enum Order {
    /// Draw a canvas: ends in [`Event::Prepared`].
    Prepare {
        /// Which.
        canvas: CanvasId,
        /// The quadrants around its block that it shows as finished.
        finished: Vec<Quadrant>,
    },
    /// Forget a canvas that was not sent and will not be.
    Discard(CanvasId),
    /// Record that a call starts (the item is claimed, unless it is a comparison), then send the
    /// canvas to the endpoint and forget it: ends in [`Event::Called`].
    Call {
        /// The number of the call.
        attempt: AttemptId,
        /// What is sent.
        canvas: CanvasId,
        /// Where to.
        endpoint: EndpointIndex,
        /// The most that it can cost, where that is known.
        aside: Option<Money>,
    },
    /// Save the picture that a call brought: ends in [`Event::Saved`], [`Event::Unusable`] or
    /// [`Event::StorageFailed`].
    Save {
        /// The call.
        attempt: AttemptId,
        /// What it cost, where that is known.
        cost: Option<Money>,
    },
    /// Give up a call that is under way; nothing is heard of it any more.
    Cancel {
        /// The call.
        attempt: AttemptId,
    },
    /// Record how a call ended that saved nothing, and forget its answer.
    Close {
        /// The call.
        attempt: AttemptId,
        /// How.
        end: CallEnd,
        /// The status of the answer, where one came.
        http_status: Option<u16>,
        /// What was wrong, where something was.
        message: Option<String>,
        /// Whether it is paid for.
        paid: bool,
        /// What it cost, where that is known.
        cost: Option<Money>,
    },
    /// Record that an item is pending again.
    PutBack(Handle),
    /// Record that an item failed.
    Fail {
        /// The item.
        handle: Handle,
        /// Why, for people.
        message: String,
    },
    /// Ask an endpoint whether it is there, with a request that costs nothing: ends in
    /// [`Event::Probed`].
    Probe(EndpointIndex),
    /// Say a line to the user.
    Tell(Level, String),
}

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
    /// The endpoint is out for the rest of the run.
    EndpointOut,
    /// The answer was good and could not be saved.
    NotSaved,
    /// The run ended before the call did.
    Interrupted,
    /// It was made to compare, and was answered.
    Compared,
}

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Only for who asks for everything.
    Detail,
    /// What happens.
    Plain,
    /// What the user may want to mend.
    Warning,
    /// What failed for good.
    Error,
}

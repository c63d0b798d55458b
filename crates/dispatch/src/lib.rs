//! Decides what runs next, where, and what a failure means; does nothing itself.
//!
//! A [`Dispatcher`] owns all that a run has to decide with: the [`Queue`] of items, the [`Pool`]
//! of endpoints, what failed [`Tries`] amount to, the [`Surroundings`] of blocks and the
//! [`Limits`]. It is told each [`Event`] and the time, and answers with [`Order`]s. It reads no
//! clock, spawns nothing, prints nothing and touches no file, so that the same value decides in a
//! run and in a simulation (`tests/simulation`) that makes weeks of faults in a second.

mod call_end;
mod dispatcher;
mod earlier;
mod estimate;
mod failure;
mod limits;
mod moment;
mod money;
mod order;
mod pool;
mod queue;
mod random;
mod surroundings;
mod tries;

pub use call_end::CallEnd;
pub use dispatcher::{Dispatcher, InFlight};
pub use earlier::{Asked, CameTo, CanvasSizes, EarlierCall, Expected, Outlook, outlook};
pub use estimate::{Bounds, Estimate, Estimates, estimate, turns};
pub use failure::{Failure, FailureKind};
pub use limits::{Ending, Limits, Signal, Tally};
pub use moment::{Moment, duration_text};
pub use money::{Bound, Budget, Money, Price};
pub use order::{AttemptId, CanvasId, Event, Level, Order, PrepareFailure};
pub use pool::{
    Ended, EndpointChange, EndpointIndex, EndpointLimits, EndpointTally, Ends, Member, Pool,
};
pub use queue::{Handle, Queue, StepCounts, Turn};
pub use surroundings::Surroundings;
pub use tries::{Standing, Tries, Verdict};

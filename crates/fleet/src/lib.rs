//! The endpoints of a layer: ready to be called, checked, watched.
//!
//! A [`Fleet`] is what a run is given: the entries in the layer's configuration, and in a file beside it
//! that scripts write. [`Watch`] looks at these files and at `.env` while the run goes on, and says what
//! is new as an [`Update`]; a file that cannot be used changes nothing. An endpoint is known by its name
//! and keeps its place; a [`Roster`] is where the run's tasks find it.

mod call;
mod check;
mod differences;
mod endpoint;
mod fleet;
mod roster;
mod watch;

pub use call::{call_server, decode_answer};
pub use check::{Checks, Given, check};
pub use endpoint::{Endpoint, Speaks};
pub use fleet::{Fleet, Reason, Update};
pub use roster::Roster;
pub use watch::Watch;

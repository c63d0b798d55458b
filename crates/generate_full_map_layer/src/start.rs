//! What comes before the first call.

pub(crate) mod check;
pub(crate) mod dry_run;
mod explain;
mod lacks;
pub(crate) mod layer_state;
pub(crate) mod pilot;
mod redo;
pub(crate) mod setup;

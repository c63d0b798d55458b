//! What comes before the first call.

pub(crate) mod budget;
pub(crate) mod check;
pub(crate) mod dry_run;
mod estimate;
mod explain;
mod lacks;
pub(crate) mod layer_state;
mod redo;
mod resume;
pub(crate) mod setup;
pub(crate) mod uncalled;

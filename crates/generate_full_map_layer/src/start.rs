//! What comes before the first call.

pub(crate) mod budget;
mod explain;
pub(crate) mod layer_state;
pub(crate) mod pilot;
mod redo;
mod resume;
pub(crate) mod setup;
pub(crate) mod uncalled;

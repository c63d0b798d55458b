//! What comes before the first call.

pub(crate) mod budget;
pub(crate) mod check;
mod explain;
pub(crate) mod layer_state;
pub(crate) mod pilot;
mod redo;
mod resume;
pub(crate) mod setup;
pub(crate) mod uncalled;

//! What comes before the first call.

pub(crate) mod budget;
pub(crate) mod layer_state;
pub(crate) mod pilot;
pub(crate) mod ready;
mod redo;
mod resume;
pub(crate) mod setup;
pub(crate) mod trial;
pub(crate) mod uncalled;

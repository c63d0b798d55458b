//! What the user sees.

pub(crate) mod progress;
pub(crate) mod summary;

//! What the user sees.

pub(crate) mod log;
pub(crate) mod printer;
pub(crate) mod progress;
pub(crate) mod summary;

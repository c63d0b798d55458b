//! What a run tells: how far it is, and what it came to.

mod progress;
mod summary;

pub use progress::Progress;
pub use summary::{Besides, summarize};

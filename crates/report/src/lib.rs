//! What a run tells: how far it is, and what it came to.

mod events;
mod figures;
mod progress;
mod summary;

pub use events::{Done, EndpointTold, counts_told, tell_start};
pub use figures::{Besides, Figures};
pub use progress::Progress;

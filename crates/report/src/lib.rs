//! What a run tells: how far it is, and what it came to.

mod forecast;
mod progress;
mod summary;
mod would_run;

pub use forecast::{Member, forecast};
pub use progress::Progress;
pub use summary::{Besides, summarize};
pub use would_run::{part_that_runs, would_run};

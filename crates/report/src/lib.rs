//! What a run tells: how far it is, and what it came to.

mod events;
mod figures;
mod forecast;
mod progress;
mod summary;
mod would_run;

pub use events::{Done, EndpointTold, counts_told, outcome_of, tell_start};
pub use figures::{Besides, Figures};
pub use forecast::{Forecast, Member, forecast};
pub use progress::Progress;
pub use would_run::{part_that_runs, would_run};

//! What a run tells: how far it is, and what it came to.

mod ended;
mod events;
mod figures;
mod forecast;
mod looking;
mod nothing_to_do;
mod pilot;
mod pilot_told;
mod progress;
mod summary;
mod would_run;

pub use ended::Ended;
pub use events::{
    Done, EndpointTold, counts_told, outcome_of, tell_endpoints, tell_start, totals_of,
};
pub use figures::{Besides, Figures};
pub use forecast::{Forecast, forecast};
pub use looking::{Looking, teller};
pub use nothing_to_do::{flat_water, nothing_to_do};
pub use pilot::PilotMade;
pub use pilot_told::PilotTold;
pub use progress::Progress;
pub use would_run::{part_that_runs, would_run};

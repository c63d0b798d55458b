//! Runs a layer's plan on a pool of model endpoints until all quadrants are generated.
//!
//! [`run`] reads and checks a layer (`start`), then lets the crate `dispatch` decide and carries
//! its orders out (`work`): to prepare a canvas, to call an endpoint, to save an answer, each a
//! task whose result is the next event. What the user sees goes through the crate `report`.

mod args;
mod run;
mod start;
mod work;

pub use args::Args;
pub use report::Ended;
pub use run::{run, runtime};

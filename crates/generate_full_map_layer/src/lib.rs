//! Runs a layer's plan on a pool of model endpoints until all quadrants are generated.
//!
//! [`run`] reads and checks a layer ([`start`]), then hands it to the dispatcher, one task that
//! owns the queue and the [`pool`] and decides what goes where. The work of an item is spawned and
//! ends in an [`event`]: to [`prepare`] its canvas, to call an endpoint and to save the answer
//! ([`work`]). The [`surroundings`] say what is finished around a block.
//! [`publish`] and [`recorder`] make finished pictures durable, in an order that is safe to die in
//! at any moment.

mod args;
mod check;
mod clock;
mod cores;
mod cpu_time;
mod dispatch;
mod dry_run;
mod endpoint;
mod event;
mod fault_point;
mod log;
mod pool;
mod prepare;
#[cfg(test)]
mod promises;
mod publish;
mod recorder;
mod report;
mod run;
mod setup;
mod shutdown;
mod start;
mod summary;
mod surroundings;
mod tries;
mod verify;
mod work;

pub use args::Args;
pub use run::{Ended, run};

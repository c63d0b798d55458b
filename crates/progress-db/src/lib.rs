//! The plan and its progress in `progress.db`, and what may run next.
//!
//! The database is the truth. [`ProgressDb`] holds all SQL of a layer's progress; [`Queue`] is
//! the same truth in memory for one run, built from the database at its start.

mod changes;
mod create;
mod database;
mod error;
mod file_state;
mod followers;
mod item;
mod queries;
mod queue;
mod script;
mod snapshot;
#[cfg(test)]
mod test_plan;

pub use changes::{AttemptId, Change, Durability, FinishedPicture, Outcome};
pub use create::{PlanMetadata, create};
pub use database::ProgressDb;
pub use error::ProgressError;
pub use file_state::FileState;
pub use followers::complete_followers;
pub use item::{Item, Status};
pub use queries::StepProgress;
pub use queue::{Handle, Queue, StepCounts};
pub use snapshot::{LastTry, Snapshot};

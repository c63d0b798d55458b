//! The plan and its progress in `progress.db`.
//!
//! The database is the truth, and [`ProgressDb`] holds all SQL of a layer's progress.

mod calls;
mod changes;
mod create;
mod database;
mod error;
mod explained;
mod explanation;
mod metadata;
mod pilot;
mod queries;
mod record;
mod recorder;
mod replacing;
mod script;
mod snapshot;
mod take_over;
#[cfg(test)]
mod test_plan;
mod uncalled;

pub use calls::{EndpointCalls, PastCall};
pub use changes::{AttemptId, Bill, Change, Durability, Outcome, StartedCall};
pub use create::{PlanMetadata, create};
pub use database::ProgressDb;
pub use error::ProgressError;
pub use metadata::MetadataKey;
pub use pilot::FailedInPilot;
pub use record::PictureRecord;
pub use recorder::Recorder;
pub use replacing::Replacing;
pub use snapshot::{LastTry, Snapshot};
pub use sqlite::FileState;

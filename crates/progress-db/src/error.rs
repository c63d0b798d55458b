//! What can go wrong with `progress.db`.

use std::path::{Path, PathBuf};

use sqlite::{Refusal, RefusalKind};

/// Why `progress.db` cannot be made, opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum ProgressError {
    /// There is no such file.
    #[error(
        "there is no {path}; a layer directory is made by init_layer, and a lost progress.db by init_layer --rebuild"
    )]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// There already is one.
    #[error("{path} is there already")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file is no database, or a damaged one.
    #[error(
        "{path} is damaged ({reason}); run init_layer --rebuild --output with this layer's directory, which makes a new one, marks complete what is there, and keeps this one; then run with --resume"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// SQLite's own words.
        reason: String,
    },
    /// A database, but not one of a layer.
    #[error(
        "{path} has no table generation_plan as a layer's plan has it ({reason}); make a new one with init_layer --rebuild --output with this layer's directory"
    )]
    NotAPlan {
        /// The file.
        path: PathBuf,
        /// What is missing.
        reason: String,
    },
    /// It was written by a newer version of this program.
    #[error(
        "{path} has schema version {found}, and this program reads up to version {supported}; use a newer program"
    )]
    NewerVersion {
        /// The file.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The newest that is understood.
        supported: u32,
    },
    /// A row of the plan that makes no sense.
    #[error(
        "item {id} of {path} {reason}; mend that row, or make a new progress.db with init_layer --rebuild"
    )]
    BadItem {
        /// The file.
        path: PathBuf,
        /// The row's id.
        id: i64,
        /// What is wrong with it.
        reason: String,
    },
    /// Two rows of the plan claim one quadrant.
    #[error(
        "items {first} and {second} of {path} both cover quadrant {quadrant}; make a new progress.db with init_layer --rebuild"
    )]
    Overlap {
        /// The file.
        path: PathBuf,
        /// One row's id.
        first: i64,
        /// The other's.
        second: i64,
        /// The quadrant.
        quadrant: planner::Quadrant,
    },
    /// The disk is full, or the file or its directory cannot be written.
    #[error("cannot write {path}: {reason}; make room or mend its permissions")]
    Storage {
        /// The file.
        path: PathBuf,
        /// SQLite's own words.
        reason: String,
    },
    /// The calls of a run are numbered, and there is no number left.
    #[error(
        "the table attempts of {path} has a row with the id {last}, after which calls cannot be numbered; take that row out"
    )]
    NoMoreCalls {
        /// The file.
        path: PathBuf,
        /// The greatest id.
        last: i64,
    },
    /// A quadrant that is in no item.
    #[error("quadrant {quadrant} is not in the plan of {path}; the map shows which ones are")]
    NotPlanned {
        /// The file.
        path: PathBuf,
        /// The quadrant.
        quadrant: planner::Quadrant,
    },
    /// Another program holds the database for longer than anybody waits.
    #[error("{path} is held by another program ({reason}); end that program, then run again")]
    Busy {
        /// The file.
        path: PathBuf,
        /// SQLite's own words.
        reason: String,
    },
    /// Anything else that SQLite refuses.
    #[error("cannot use {path}: {reason}")]
    Database {
        /// The file.
        path: PathBuf,
        /// SQLite's own words.
        reason: String,
    },
}

impl ProgressError {
    /// SQLite's error in our words.
    pub(crate) fn of(path: &Path, error: sqlx::Error) -> Self {
        Self::refused(path, Refusal::from(error))
    }

    /// Why the database at `path` cannot be used, in our words.
    pub(crate) fn refused(path: &Path, refusal: Refusal) -> Self {
        let path = path.to_owned();
        let Refusal { kind, reason, .. } = refusal;
        match kind {
            RefusalKind::Missing => Self::Missing { path },
            RefusalKind::Busy => Self::Busy { path, reason },
            RefusalKind::Unreadable
            | RefusalKind::ReadOnly
            | RefusalKind::HalfWritten
            | RefusalKind::Disk
            | RefusalKind::CannotOpen => Self::Storage { path, reason },
            RefusalKind::Empty | RefusalKind::NotADatabase | RefusalKind::Damaged => {
                Self::Damaged { path, reason }
            }
            RefusalKind::NoSuchTable => Self::NotAPlan { path, reason },
            RefusalKind::Other => Self::Database { path, reason },
        }
    }
}

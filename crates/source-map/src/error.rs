//! What can go wrong with a source map.

use std::path::{Path, PathBuf};

use planner::Quadrant;
use sqlite::{Refusal, RefusalKind};

/// Why a source map, or one of its pictures, cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No `quadrants.db` where the generation directory should be.
    #[error(
        "there is no {path}; the generation directory is the one that holds quadrants.db and generation_config.json"
    )]
    Missing {
        /// Where the database should be.
        path: PathBuf,
    },
    /// The file is there and cannot be opened or read.
    #[error("{path} cannot be read: {reason}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The file is no SQLite database.
    #[error("{path} is not an SQLite database; copy it again from the map it belongs to")]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// SQLite refused to open or to read the database.
    #[error("{path} cannot be read as a source map: {reason}{remedy}")]
    Database {
        /// The database.
        path: PathBuf,
        /// SQLite's own words.
        reason: String,
        /// What to do, where that is known; begins with a separator.
        remedy: String,
    },
    /// A quadrant is not two whole numbers of 32 bits.
    #[error(
        "{path} has a quadrant at {pair:?}, which is not a pair of whole numbers; mend that row of the table quadrants"
    )]
    BadQuadrant {
        /// The database.
        path: PathBuf,
        /// It as it stands there.
        pair: String,
    },
    /// Neither the database nor the file beside it has the configuration.
    #[error(
        "{path} has no generation_config in its metadata, and there is no generation_config.json beside it; the size of the quadrants and their place on the globe stand there"
    )]
    NoConfig {
        /// The database.
        path: PathBuf,
    },
    /// The configuration does not parse or makes no sense.
    #[error("the generation_config of {path} is not usable: {reason}")]
    BadConfig {
        /// The database or file it was read from.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The table says nothing of the kind.
    #[error(
        "the quadrants of {path} have no {column}, which uniform.where in layer_config.json names; leave that out, and blocks are told by their colour"
    )]
    NoMark {
        /// The database, or the directory of files.
        path: PathBuf,
        /// The column that is missing.
        column: &'static str,
    },
    /// The quadrant is not in the source any more.
    #[error("quadrant {quadrant} is not in {path} any more; it was when the layer was planned")]
    Gone {
        /// The quadrant.
        quadrant: Quadrant,
        /// The database.
        path: PathBuf,
    },
    /// The quadrant has no picture in that column.
    #[error("quadrant {quadrant} has no {column} in {path}")]
    NoPicture {
        /// The quadrant.
        quadrant: Quadrant,
        /// `render` or `generation`.
        column: &'static str,
        /// The database.
        path: PathBuf,
    },
    /// The picture lies on a page of the database that is damaged.
    #[error(
        "the {column} of quadrant {quadrant} in {path} cannot be read: {reason}; copy the database again from the map it belongs to, or make that picture anew"
    )]
    DamagedPicture {
        /// The quadrant.
        quadrant: Quadrant,
        /// `render` or `generation`.
        column: &'static str,
        /// The database.
        path: PathBuf,
        /// SQLite's own words.
        reason: String,
    },
    /// The picture's bytes are more than any picture of a quadrant can have.
    #[error(
        "the {column} of quadrant {quadrant} in {path} has {bytes} bytes; at most {limit} are read"
    )]
    PictureTooLarge {
        /// The quadrant.
        quadrant: Quadrant,
        /// `render` or `generation`.
        column: &'static str,
        /// The database.
        path: PathBuf,
        /// Its size.
        bytes: i64,
        /// The most that is read.
        limit: i64,
    },
}

impl SourceError {
    /// Why the database at `path` cannot be used, in our words.
    pub fn refused(path: &Path, refusal: Refusal) -> Self {
        let path = path.to_owned();
        let Refusal { kind, reason, .. } = refusal;
        let remedy = match kind {
            RefusalKind::Missing => return Self::Missing { path },
            RefusalKind::Unreadable => return Self::Unreadable { path, reason },
            RefusalKind::Empty | RefusalKind::NotADatabase => return Self::NotADatabase { path },
            RefusalKind::Damaged => {
                Some("the file is damaged: copy it again from the map it belongs to")
            }
            RefusalKind::NoSuchTable => Some(
                "it must have the table quadrants with quadrant_x, quadrant_y, render and generation",
            ),
            other => other.remedy(),
        };
        Self::Database {
            path,
            reason,
            remedy: remedy
                .map(|remedy| format!("; {remedy}"))
                .unwrap_or_default(),
        }
    }
}

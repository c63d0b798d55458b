//! What can go wrong with a layer directory.

use std::io;
use std::path::PathBuf;

use progress_db::ProgressError;
use source_map::SourceError;

use crate::Holder;

/// Why a layer, or a file that describes one, cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LayerError {
    /// A file that must be there is not.
    #[error("there is no {path}; {remedy}")]
    Missing {
        /// The file or directory.
        path: PathBuf,
        /// What to do.
        remedy: &'static str,
    },
    /// The layer that was there has been moved away, and none has come in its place.
    #[error(
        "there is no {path}; an init_layer --force that was cut short has left the layer that was there in {backup}: move that back, or make the layer anew with init_layer"
    )]
    MovedAway {
        /// The file.
        path: PathBuf,
        /// Where the layer lies.
        backup: PathBuf,
    },
    /// Of the configuration nothing is left but its name.
    #[error(
        "{path} is empty, as a power cut may leave it, and there is a plan beside it: make a layer of the same options with init_layer under another --output and copy its layer_config.json here; plan and pictures stay as they are"
    )]
    ConfigLost {
        /// The file.
        path: PathBuf,
    },
    /// The system refused to read, write or rename a file.
    #[error("cannot {action} {path}: {reason}")]
    Io {
        /// What was tried, as in `write`.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system said. Not called a source, whose words a chain of errors would repeat.
        reason: io::Error,
    },
    /// The file is not JSON, even with comments.
    #[error("{path} is not valid JSON: {reason}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What is wrong, with line and column.
        reason: String,
    },
    /// A key that this version does not know.
    #[error("{place}: unknown key \"{key}\"; did you mean \"{nearest}\"?")]
    UnknownKey {
        /// The file, and the place in it.
        place: String,
        /// The key.
        key: String,
        /// The known key nearest to it.
        nearest: String,
    },
    /// A key that must be there is not.
    #[error("{place}: the key \"{key}\" is missing")]
    MissingKey {
        /// The file, and the place in it.
        place: String,
        /// The key.
        key: String,
    },
    /// A value that makes no sense for its key.
    #[error("{place} {reason}")]
    BadValue {
        /// The file, and the place in it.
        place: String,
        /// What it must be, and what it is.
        reason: String,
    },
    /// The configuration was written by a newer version of this program.
    #[error(
        "{path} has version {version}, and this program reads up to version {supported}; use a newer program"
    )]
    NewerVersion {
        /// The configuration file.
        path: PathBuf,
        /// Its version.
        version: u64,
        /// The newest that is understood.
        supported: u64,
    },
    /// The file of judgements cannot be used.
    #[error("{reason}; mend it, or move {path} away and judge anew")]
    ReviewDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it. Not called a source, whose words a chain of errors would repeat.
        reason: Box<LayerError>,
    },
    /// What is recorded of a pilot cannot be used.
    #[error("{path} {reason}; the pictures beside it are as they were drawn")]
    PilotDamaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// An endpoints file, or a configuration, without an endpoint.
    #[error(
        "{path} lists no model_endpoints; add entries like {{\"name\": \"a\", \"url\": \"http://localhost:8000/\", \"api_key_env\": \"MODEL_API_KEY\"}}, or {{\"name\": \"snow\", \"url\": \"builtin:snow\"}} to try it without a model"
    )]
    NoEndpoints {
        /// The file.
        path: PathBuf,
    },
    /// Two endpoints of one name.
    #[error("{place}: two endpoints have the name \"{name}\"; each needs a name of its own")]
    DuplicateEndpoint {
        /// The file.
        place: String,
        /// The name.
        name: String,
    },
    /// `generations/` or `quadrants.db` has vanished, and finished pictures with it.
    #[error("{path} is gone, though {complete} items are complete; put it back, or {remedy}")]
    PicturesGone {
        /// Where it should be.
        path: PathBuf,
        /// How many items are complete.
        complete: usize,
        /// What else to do.
        remedy: &'static str,
    },
    /// The database of the pictures is not in its place any more.
    #[error("{path} was moved or removed during the run; put it back")]
    Moved {
        /// Where it should be.
        path: PathBuf,
    },
    /// A source, or the layer's own `quadrants.db`, cannot be read.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The plan of a layer that is a source cannot be read.
    #[error(transparent)]
    Progress(#[from] ProgressError),
    /// A `quadrants.db` lacks what a layer's must have.
    #[error(
        "the table quadrants of {path} has no column {column}; move the file away, and run with --resume to make its pictures again"
    )]
    NoSuchColumn {
        /// The file.
        path: PathBuf,
        /// The column.
        column: &'static str,
    },
    /// Layers that are made from one another without end.
    #[error(
        "{path} is made from a layer that is made from it, in the end; mend generation_dir in their layer_config.json"
    )]
    EndlessChain {
        /// A layer directory among them.
        path: PathBuf,
    },
    /// Something that is no directory stands where one belongs.
    #[error("{path} is not a directory; move it away")]
    NotADirectory {
        /// Its path.
        path: PathBuf,
    },
    /// A link within a layer's own directories.
    #[error(
        "{path} is a link, which is not followed there; put the directory itself in its place, or make {root} the link"
    )]
    Link {
        /// Its path.
        path: PathBuf,
        /// The directory that may be one.
        root: PathBuf,
    },
    /// A link where there may be one, to what is not there.
    #[error(
        "{path} is a link that leads to no directory; bring back what it leads to, or move it away"
    )]
    LeadsNowhere {
        /// Its path.
        path: PathBuf,
    },
    /// Another run holds the layer.
    #[error("{path} is in use by another run ({holder}); wait for it to end, or stop it")]
    InUse {
        /// The layer directory.
        path: PathBuf,
        /// Who holds it, as far as is known.
        holder: Holder,
    },
}

impl LayerError {
    /// Whether the disk is at fault: it is full, or a file or directory cannot be written.
    #[must_use]
    pub fn is_of_storage(&self) -> bool {
        match self {
            Self::Io { action, .. } => *action != "read",
            Self::PicturesGone { .. }
            | Self::Moved { .. }
            | Self::NotADirectory { .. }
            | Self::LeadsNowhere { .. }
            | Self::Link { .. } => true,
            _ => false,
        }
    }
}

//! What can go wrong.

use layer::LayerError;
use planner::{Block, Quadrant};
use progress_db::ProgressError;

/// Why blocks of a layer are left as they are.
#[derive(Debug, thiserror::Error)]
pub enum UpkeepError {
    /// A quadrant that no item holds.
    #[error("{quadrant} is not in the plan, and nothing was changed")]
    NotPlanned {
        /// The quadrant.
        quadrant: Quadrant,
    },
    /// There is nothing that could take a picture's place.
    #[error("{quadrant}: {block} has {what}, and nothing was changed")]
    Nothing {
        /// The quadrant that was named.
        quadrant: Quadrant,
        /// Its block.
        block: Block,
        /// What it has not.
        what: String,
    },
    /// The source has changed since it was planned.
    #[error(
        "{place} has another configuration than the source that was planned; plan it anew with init_layer --force, or accept it with --accept-source-change"
    )]
    OtherSource {
        /// Where it is.
        place: String,
    },
    /// Others of the source's pictures are to be drawn than were planned.
    #[error(
        "the source layer is {now}, and {planned} was planned; plan it anew with init_layer --force, or accept it with --accept-source-change"
    )]
    OtherSourceLayer {
        /// Those that the configuration names.
        now: &'static str,
        /// Those that were planned.
        planned: String,
    },
    /// The layer's files cannot be read or written.
    #[error(transparent)]
    Layer(#[from] LayerError),
    /// The layer's progress cannot be read or written.
    #[error(transparent)]
    Progress(#[from] ProgressError),
}

impl UpkeepError {
    /// Whether a disk is full or cannot be written: what is mended, and then the same works.
    #[must_use]
    pub fn is_of_storage(&self) -> bool {
        match self {
            Self::Layer(error) => error.is_of_storage(),
            Self::Progress(error) => matches!(error, ProgressError::Storage { .. }),
            _ => false,
        }
    }
}

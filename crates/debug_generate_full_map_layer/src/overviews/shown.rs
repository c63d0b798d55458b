//! Pictures of a map, wherever they are kept.

use std::sync::Arc;

use anyhow::Result;
use layer::{Pictures, Source, SourceLayer};
use planner::Quadrant;

/// The pictures that are seen from afar.
#[derive(Debug, Clone)]
pub(crate) enum Shown {
    /// Those of a layer.
    Layer(Arc<Pictures>),
    /// Those that a layer is made from.
    Source(Arc<Source>, SourceLayer),
}

impl Shown {
    /// Each quadrant that has one, and a number that changes when it does.
    pub(crate) async fn stamps(&self) -> Result<Vec<(Quadrant, u64)>> {
        Ok(match self {
            Self::Layer(pictures) => pictures.stamps().await?,
            Self::Source(source, of) => source.stamps(*of).await?,
        })
    }

    /// The bytes of the picture of `quadrant`; `None` when there is none.
    pub(crate) async fn read(&self, quadrant: Quadrant) -> Result<Option<Vec<u8>>> {
        Ok(match self {
            Self::Layer(pictures) => pictures.read_what_is_whole(quadrant).await?,
            Self::Source(source, of) => source.picture(*of, quadrant).await.ok(),
        })
    }
}

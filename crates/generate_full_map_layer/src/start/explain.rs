//! `--explain`: how a quadrant came to be.

use std::path::Path;

use layer::LayerDir;
use planner::Quadrant;
use progress_db::ProgressDb;

use crate::ended::Ended;

/// Tells all that is recorded of the block that holds `quadrant`; changes nothing, also while a run
/// goes on.
///
/// # Errors
/// When the plan cannot be read, or the quadrant is not in it.
pub(crate) async fn explain(layer_dir: &Path, quadrant: Quadrant) -> anyhow::Result<Ended> {
    let layer = LayerDir::at(layer_dir);
    let mut db = ProgressDb::open_read_only(&layer.progress_path()).await?;
    let text = db.explanation(quadrant).await?;
    db.close().await?;
    Ok(Ended::with(0, text))
}

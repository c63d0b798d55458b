//! What a layer is made from, kept open while it is the same.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use layer::Source;
use planner::Quadrant;
use tokio::sync::Mutex;

use crate::PlacedLayer;

/// The source of a layer that is served; with a new plan it may be another one.
#[derive(Debug, Default)]
pub(crate) struct TheSource(Mutex<Option<(PathBuf, Arc<Source>)>>);

impl TheSource {
    /// What `layer` is made from.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) async fn of(&self, layer: &PlacedLayer) -> Result<Arc<Source>> {
        let mut known = self.0.lock().await;
        if let Some((dir, source)) = &*known
            && *dir == layer.generation_dir
        {
            return Ok(Arc::clone(source));
        }
        let source = Arc::new(Source::open(&layer.generation_dir).await?);
        *known = Some((layer.generation_dir.clone(), Arc::clone(&source)));
        Ok(source)
    }

    /// The bytes of its picture of `quadrant`.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub(crate) async fn picture(&self, layer: &PlacedLayer, quadrant: Quadrant) -> Result<Vec<u8>> {
        let source = self.of(layer).await?;
        Ok(source.picture(layer.source_layer, quadrant).await?)
    }
}

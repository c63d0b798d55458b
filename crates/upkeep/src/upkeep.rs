//! What is needed of a layer to work on its blocks.

use std::sync::Arc;

use canvas::QuadrantSize;
use layer::{LayerDir, Pictures};
use progress_db::ProgressDb;

/// A layer that is worked on, under its lock.
#[derive(Debug)]
pub struct Upkeep<'a> {
    /// The layer.
    pub layer: &'a LayerDir,
    /// Its finished pictures.
    pub pictures: &'a Arc<Pictures>,
    /// Its progress.
    pub db: &'a mut ProgressDb,
    /// The size of its quadrants.
    pub size: QuadrantSize,
    /// Whether canvases show finished neighbours, so that later blocks join earlier ones.
    pub shows_surroundings: bool,
    /// How many threads there are to check pictures with.
    pub threads: usize,
    /// Is told what the user should know.
    pub warn: fn(&str),
    /// Is told of each place at which a death would leave the most behind.
    pub passing: fn(&str),
}

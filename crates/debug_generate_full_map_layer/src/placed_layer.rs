//! A layer with its place on the globe.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use canvas::QuadrantSize;
use layer::{LayerDir, Pictures, Source, SourceLayer};
use planner::Quadrant;
use progress_db::{FileState, ProgressDb};
use source_map::{Geometry, LatLng};

use crate::PlanState;

/// How many characters of an error message the map shows.
const MESSAGE_CHARS: u32 = 200;

/// A layer, and the geometry of the source map that it is made from.
#[derive(Debug, Clone)]
pub struct PlacedLayer {
    /// The layer directory.
    pub dir: LayerDir,
    /// The layer's name.
    pub name: String,
    /// The layer, what it is made from, and so on up to the source map.
    pub chain: Vec<String>,
    /// What it is made from.
    pub generation_dir: PathBuf,
    /// Its finished pictures.
    pub pictures: Arc<Pictures>,
    /// Which of the source's pictures are regenerated.
    pub source_layer: SourceLayer,
    /// The size of a quadrant's picture.
    pub quadrant: QuadrantSize,
    /// From the grid to the globe.
    pub geometry: Geometry,
    /// The bottom-right corner of quadrant (0, 0).
    pub seed: LatLng,
    /// The currency of prices.
    pub currency: String,
    /// What was overlooked in the layer's configuration.
    pub warnings: Vec<String>,
}

impl PlacedLayer {
    /// Reads the layer's configuration, and the geometry from the source map it names. Nothing
    /// is kept open.
    ///
    /// # Errors
    /// When either cannot be read: without the source map nothing has a place on the globe.
    pub async fn open(dir: LayerDir) -> Result<Self> {
        let (config, warnings) = dir.read_config()?;
        let generation_dir = dir.generation_dir(&config);
        let source = Source::open(&generation_dir).await.with_context(|| {
            format!(
                "cannot place the layer on the globe without its source map, which generation_dir in {} names",
                dir.config_path().display()
            )
        })?;
        let (width_px, height_px) = source.config().quadrant_size_px();
        Ok(Self {
            currency: config.currency.clone(),
            quadrant: QuadrantSize {
                width_px,
                height_px,
            },
            chain: [std::slice::from_ref(&config.name), source.chain()].concat(),
            name: config.name,
            pictures: Arc::new(Pictures::of(&dir, config.storage, source.geometry())),
            source_layer: config.source_layer,
            geometry: source.geometry(),
            seed: source.config().seed,
            generation_dir,
            dir,
            warnings,
        })
    }

    /// The geometry as pages have it: the latitude and the longitude of the grid corner (0, 0), and
    /// how much they grow for one quadrant to the right, and for one down.
    pub(crate) fn six_numbers(&self) -> [f64; 6] {
        let Geometry {
            origin,
            per_x,
            per_y,
        } = self.geometry;
        [
            origin.lat, origin.lng, per_x.lat, per_x.lng, per_y.lat, per_y.lng,
        ]
    }

    /// The plan as it stands now, and the state of the files in which it stands so. The database
    /// is only read.
    ///
    /// # Errors
    /// When `progress.db` or the directory of the pictures cannot be read.
    pub async fn read_plan(&self) -> Result<(PlanState, FileState)> {
        // A hundred thousand pictures take as long to list as the plan does to read.
        let pictures = Arc::clone(&self.pictures);
        let pictures = tokio::spawn(async move { pictures.quadrants().await });
        // One character more than is shown tells that a message was cut.
        let (snapshot, files) =
            ProgressDb::snapshot_of(&self.dir.progress_path(), MESSAGE_CHARS + 1).await?;
        let pictures = pictures
            .await
            .context("listing the pictures was cut short")??;
        let pictures: HashSet<Quadrant> = pictures.into_iter().collect();
        Ok((
            PlanState::of(snapshot, MESSAGE_CHARS as usize, &pictures),
            files,
        ))
    }
}

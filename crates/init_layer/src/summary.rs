//! What the user reads when the layer is made.

use std::fmt;
use std::path::{Path, PathBuf};

use layer::{LayerConfig, LayerDir};
use planner::{BlockShape, Bounds, Plan, Region};
use source_map::SourceMap;

/// What was made, and what to do next.
#[derive(Debug, Clone)]
pub struct Summary {
    layer: LayerDir,
    name: String,
    source: PathBuf,
    source_layer: &'static str,
    quadrant_size_px: (u32, u32),
    bounds: Option<Bounds>,
    quadrants: usize,
    blocks: Vec<(BlockShape, usize)>,
    endpoints: usize,
    backup: Option<PathBuf>,
    complete: Option<usize>,
    warnings: Vec<String>,
}

impl Summary {
    pub(crate) fn new(
        layer: LayerDir,
        config: &LayerConfig,
        source: &SourceMap,
        region: &Region,
        plan: &Plan,
    ) -> Self {
        let blocks = BlockShape::ALL
            .map(|shape| {
                (
                    shape,
                    plan.blocks
                        .iter()
                        .filter(|block| block.shape == shape)
                        .count(),
                )
            })
            .to_vec();
        Self {
            layer,
            name: config.name.clone(),
            source: source.database().to_owned(),
            source_layer: config.source_layer.name(),
            quadrant_size_px: source.config().quadrant_size_px(),
            bounds: config.bounds.or_else(|| region.bounds()),
            quadrants: region.len(),
            blocks,
            endpoints: config.model_endpoints.len(),
            backup: None,
            complete: None,
            warnings: Vec::new(),
        }
    }

    pub(crate) fn with_backup(self, backup: Option<&Path>) -> Self {
        Self {
            backup: backup.map(Path::to_owned),
            ..self
        }
    }

    pub(crate) fn with_complete(self, complete: usize) -> Self {
        Self {
            complete: Some(complete),
            ..self
        }
    }

    pub(crate) fn with_warnings(self, warnings: Vec<String>) -> Self {
        Self { warnings, ..self }
    }

    fn count(&self, shape: BlockShape) -> usize {
        self.blocks
            .iter()
            .find(|(other, _)| *other == shape)
            .map_or(0, |(_, count)| *count)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let calls: usize = self.blocks.iter().map(|(_, count)| count).sum();
        let (width, height) = self.quadrant_size_px;
        let layer = self.layer.path().display();
        writeln!(f, "Layer {} in {layer}", self.name)?;
        writeln!(
            f,
            "  source      {} ({}, {width}x{height} px)",
            self.source.display(),
            self.source_layer
        )?;
        if let Some(bounds) = self.bounds {
            let (min, max) = (bounds.min(), bounds.max());
            writeln!(f, "  bounds      {min} to {max}")?;
        }
        writeln!(f, "  quadrants   {}", self.quadrants)?;
        writeln!(
            f,
            "  step 1      {} blocks of 2x2",
            self.count(BlockShape::TwoByTwo)
        )?;
        writeln!(
            f,
            "  step 2      {} strips: {} of 1x2, {} of 2x1",
            self.count(BlockShape::OneByTwo) + self.count(BlockShape::TwoByOne),
            self.count(BlockShape::OneByTwo),
            self.count(BlockShape::TwoByOne)
        )?;
        writeln!(
            f,
            "  step 3      {} corners of 1x1",
            self.count(BlockShape::OneByOne)
        )?;
        #[expect(clippy::cast_precision_loss, reason = "a ratio for people")]
        let per_quadrant = calls as f64 / self.quadrants.max(1) as f64;
        writeln!(f, "  model calls {calls}, {per_quadrant:.4} per quadrant")?;
        writeln!(f, "  endpoints   {}", self.endpoints)?;
        if let Some(complete) = self.complete {
            writeln!(
                f,
                "  complete    {complete} items, whose pictures are all there"
            )?;
        }
        if let Some(backup) = &self.backup {
            writeln!(
                f,
                "  the layer that was there is kept as {}",
                backup.display()
            )?;
        }
        for warning in &self.warnings {
            writeln!(f, "  note: {warning}")?;
        }
        writeln!(f, "Next:")?;
        if self.complete.is_some() {
            writeln!(
                f,
                "  generate_full_map_layer --layer-dir {layer} --resume     check the pictures and go on"
            )?;
        } else {
            writeln!(
                f,
                "  generate_full_map_layer --layer-dir {layer} --dry-run    see what would run where"
            )?;
            writeln!(
                f,
                "  generate_full_map_layer --layer-dir {layer}              run it; again to go on after a stop"
            )?;
        }
        writeln!(
            f,
            "  debug_generate_full_map_layer --layer-dir {layer}        draw the plan and its progress"
        )
    }
}

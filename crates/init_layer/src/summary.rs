//! What the user reads when the layer is made.

use std::fmt;
use std::path::{Path, PathBuf};

use layer::{LayerConfig, LayerDir, Source, shell_quoted};
use planner::{BlockShape, Bounds, Plan, Quality, Region};
use serde_json::{Map, Value, json};

use crate::flat_water::FlatWater;

/// What was made, and what to do next.
#[derive(Debug, Clone)]
pub struct Summary {
    layer: LayerDir,
    name: String,
    source: PathBuf,
    source_layer: &'static str,
    quadrant_size_px: (u32, u32),
    bounds: Option<Bounds>,
    quality: Quality,
    /// How many of the strips stand upright.
    upright_strips: usize,
    endpoints: usize,
    flat_water: Option<FlatWater>,
    backup: Option<PathBuf>,
    complete: Option<usize>,
    /// Whether this is about what was added to a layer.
    is_added: bool,
    warnings: Vec<String>,
    missing: Vec<String>,
}

impl Summary {
    pub(crate) fn new(
        layer: LayerDir,
        config: &LayerConfig,
        source: &Source,
        region: &Region,
        plan: &Plan,
    ) -> Self {
        let upright_strips = plan
            .blocks
            .iter()
            .filter(|block| block.shape == BlockShape::OneByTwo)
            .count();
        Self {
            layer,
            name: config.name.clone(),
            source: source.place(),
            source_layer: config.source_layer.name(),
            quadrant_size_px: source.config().quadrant_size_px(),
            bounds: config.bounds.or_else(|| region.bounds()),
            quality: plan.quality(region),
            upright_strips,
            endpoints: config.model_endpoints.len(),
            flat_water: None,
            backup: None,
            complete: None,
            is_added: false,
            warnings: Vec::new(),
            missing: Vec::new(),
        }
    }

    pub(crate) fn with_backup(self, backup: Option<&Path>) -> Self {
        Self {
            backup: backup.map(Path::to_owned),
            ..self
        }
    }

    pub(crate) fn with_flat_water(self, flat_water: FlatWater) -> Self {
        Self {
            flat_water: Some(flat_water),
            ..self
        }
    }

    pub(crate) fn with_complete(self, complete: usize) -> Self {
        Self {
            complete: Some(complete),
            ..self
        }
    }

    /// Tells what was added to a layer.
    pub(crate) fn of_what_is_added(self) -> Self {
        Self {
            is_added: true,
            ..self
        }
    }

    pub(crate) fn with_warnings(self, warnings: Vec<String>) -> Self {
        Self { warnings, ..self }
    }

    /// With what a run would say is missing.
    pub(crate) fn with_missing(self, missing: Vec<String>) -> Self {
        Self { missing, ..self }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, height) = self.quadrant_size_px;
        let layer = shell_quoted(self.layer.path());
        let what = if self.is_added {
            "Added to layer"
        } else {
            "Layer"
        };
        writeln!(f, "{what} {} in {}", self.name, self.layer.path().display())?;
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
        self.write_quality(f)?;
        if let Some(line) = self.flat_water.and_then(|flat_water| flat_water.line()) {
            writeln!(f, "  uniform     {line}")?;
        }
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
        let config = self.layer.config_path();
        let remark = self.flat_water.and_then(|found| found.remark(&config));
        for note in self.warnings.iter().chain(&remark) {
            writeln!(f, "  note: {note}")?;
        }
        for missing in &self.missing {
            writeln!(f, "  before you run it: {missing}")?;
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

impl Summary {
    /// All of it, for scripts.
    #[must_use]
    pub fn told(&self) -> Map<String, Value> {
        let quality = &self.quality;
        let (width, height) = self.quadrant_size_px;
        let bounds = self.bounds.map(|bounds| {
            let (min, max) = (bounds.min(), bounds.max());
            json!({"min_x": min.x, "min_y": min.y, "max_x": max.x, "max_y": max.y})
        });
        let remark = self
            .flat_water
            .and_then(|found| found.remark(&self.layer.config_path()));
        let notes = self.warnings.iter().chain(&remark);
        let flat_water = self.flat_water.and_then(|flat_water| flat_water.line());
        let told = json!({
            "layer": self.layer.path().display().to_string(),
            "name": self.name,
            "added": self.is_added,
            "source": self.source.display().to_string(),
            "source_layer": self.source_layer,
            "quadrant_px": [width, height],
            "bounds": bounds,
            "quadrants": quality.quadrants,
            "blocks": {
                "2x2": quality.two_by_two,
                "1x2": self.upright_strips,
                "2x1": quality.strips - self.upright_strips,
                "1x1": quality.one_by_one,
            },
            "waves": quality.waves,
            "calls": quality.calls,
            "calls_per_quadrant": quality.calls_per_quadrant(),
            "lattice_coverage": quality.lattice_coverage(),
            "lattice_2x2": quality.lattice_two_by_two,
            "endpoints": self.endpoints,
            "complete": self.complete,
            "kept_as": self.backup.as_ref().map(|backup| backup.display().to_string()),
            "flat_water": flat_water,
            "notes": notes.collect::<Vec<_>>(),
            "before_a_run": self.missing,
        });
        match told {
            Value::Object(told) => told,
            _ => Map::new(),
        }
    }

    /// What the plan costs, and how good it is.
    fn write_quality(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quality = &self.quality;
        let [squares, strips, singles] = quality.waves.map(Waves);
        writeln!(f, "  quadrants   {}", quality.quadrants)?;
        writeln!(
            f,
            "  step 1      {} blocks of 2x2{squares}",
            quality.two_by_two
        )?;
        writeln!(
            f,
            "  step 2      {} strips: {} of 1x2, {} of 2x1{strips}",
            quality.strips,
            self.upright_strips,
            quality.strips - self.upright_strips,
        )?;
        writeln!(
            f,
            "  step 3      {} corners of 1x1{singles}",
            quality.one_by_one
        )?;
        writeln!(
            f,
            "  model calls {}, {:.4} per quadrant",
            quality.calls,
            quality.calls_per_quadrant()
        )?;
        writeln!(
            f,
            "  coverage    100 %, with {} of 2x2; the fixed lattice: {:.1} %, with {}",
            quality.two_by_two,
            100.0 * quality.lattice_coverage(),
            quality.lattice_two_by_two
        )
    }
}

/// In how many waves a step can be generated, as an ending of its line.
struct Waves(usize);

impl fmt::Display for Waves {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            1 => f.write_str(", in 1 wave"),
            waves => write!(f, ", in {waves} waves"),
        }
    }
}

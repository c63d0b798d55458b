//! What a run needs before its first call, checked before anything is changed.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use canvas::QuadrantSize;
use fleet::Fleet;
use layer::{LayerConfig, LayerDir, LayerError, Pictures, Selection, Source, shell_quoted};
use planner::{Block, Bounds, Item, Quadrant, Status};
use progress_db::{MetadataKey, ProgressDb};
use upkeep::{InPlace, Planned, require_planned_source};

use crate::args::Args;

/// Everything that is read of a layer and its source.
pub(crate) struct Start {
    pub layer: Arc<LayerDir>,
    pub config: LayerConfig,
    pub source: Source,
    /// The part of the map that was planned, where that is known.
    pub bounds: Option<Bounds>,
    pub size: QuadrantSize,
    pub fleet: Fleet,
    /// Whether all items are complete.
    pub is_complete: bool,
    /// What the user should know, a line each.
    pub warnings: Vec<String>,
}

impl Start {
    /// Reads and checks a layer, as if `tried` stood in its configuration.
    ///
    /// # Errors
    /// What is wrong, where, and what to do.
    pub(crate) async fn read(args: &Args) -> anyhow::Result<Self> {
        let layer = Arc::new(LayerDir::at(&args.layer_dir));
        let (mut config, mut warnings) = layer.read_config()?;
        let mut db = ProgressDb::open_read_only(&layer.progress_path()).await?;
        let source = Source::open(&layer.generation_dir(&config)).await?;
        let planned = require_planned_source(&mut db, &source, config.source_layer).await;
        let is_complete = db.is_complete().await?;
        let planned_bounds = db.metadata(MetadataKey::Bounds).await?;
        let planned_bounds = planned_bounds.and_then(|text| text.parse().ok());
        db.close().await?;
        match planned {
            Err(error) if args.accept_source_change => {
                warnings.push(format!("{error}; going on, as was asked for"));
            }
            other => other?,
        }
        let (file, tried) = (args.endpoints_file.as_deref(), args.tried.as_ref());
        let (fleet, about_endpoints) = Fleet::read(&layer, &mut config, file, tried)?;
        warnings.extend(about_endpoints);
        let source_layer = config.source_layer;
        let asked = match (config.bounds, planned_bounds) {
            // Without any they are those of the whole map, unless that cannot be read just now.
            (None, Some(_)) => source
                .region(source_layer, None)
                .await
                .ok()
                .and_then(|all| all.bounds()),
            (asked, _) => asked,
        };
        if let (Some(asked), Some(planned)) = (asked, planned_bounds)
            && asked != planned
        {
            warnings.push(format!(
                "{} asks for the bounds {asked}, and {planned} was planned, which is what runs; put these back, or plan the others with init_layer --rebuild --output {}, which keeps what is finished",
                layer.config_path().display(),
                shell_quoted(layer.path())
            ));
        }
        let (width_px, height_px) = source.config().quadrant_size_px();
        let size = QuadrantSize {
            width_px,
            height_px,
        };
        Ok(Self {
            layer,
            bounds: planned_bounds.or(config.bounds),
            config,
            source,
            size,
            fleet,
            is_complete,
            warnings,
        })
    }

    /// Refuses to go on without an endpoint, unless others may come.
    ///
    /// # Errors
    /// That there is none.
    pub(crate) fn require_endpoints(&self) -> Result<(), LayerError> {
        match self.fleet.file() {
            Some(_) => Ok(()),
            None => self.config.require_endpoints(self.layer.config_path()),
        }
    }

    /// The planned quadrants that a flag selects by its text or a file; `None` where neither is given.
    /// Reads the file: a pipe gives what it has only once.
    ///
    /// # Errors
    /// When the text selects nothing that is planned.
    pub(crate) fn selected(
        &self,
        flag: &str,
        text: Option<&str>,
        file: Option<&Path>,
        items: &[Item],
    ) -> anyhow::Result<Option<HashSet<Quadrant>>> {
        let (text, said) = match (text, file) {
            (Some(text), _) => (text.to_owned(), flag.to_owned()),
            (None, Some(path)) => {
                let said = format!("{flag}-file {}", path.display());
                let text = std::fs::read_to_string(path);
                (text.with_context(|| format!("cannot read {said}"))?, said)
            }
            (None, None) => return Ok(None),
        };
        let planned: Vec<Quadrant> = items.iter().flat_map(|i| i.block.quadrants()).collect();
        let chosen = Selection::parse(&text, self.source.geometry())
            .and_then(|selection| selection.of(&planned))
            .context(said)?;
        Ok(Some(chosen.into_iter().collect()))
    }

    /// What the plan was made of.
    pub(crate) fn planned(&self) -> Planned<'_> {
        Planned {
            layer: &self.layer,
            source: &self.source,
            source_layer: self.config.source_layer,
            bounds: self.bounds,
        }
    }

    /// The layer's finished pictures, under its lock; what a run that died had begun to put in place of
    /// others is there, and `items`, all of the plan, are up to date with that.
    ///
    /// # Errors
    /// When they cannot be read or written.
    pub(crate) async fn open_pictures(
        &self,
        db: &mut ProgressDb,
        items: &mut [Item],
    ) -> anyhow::Result<(Arc<Pictures>, InPlace)> {
        let complete = items.iter().filter(|item| item.status == Status::Complete);
        let quadrants = || {
            let blocks = items.iter().map(|item| item.block);
            blocks.flat_map(Block::quadrants).collect()
        };
        let (storage, complete) = (self.config.storage, complete.count());
        let pictures = self
            .layer
            .open_pictures(storage, complete, &self.source, quadrants);
        let pictures = Arc::new(pictures.await?);
        let mut upkeep = self.upkeep(&pictures, db);
        let in_place = upkeep.end_replacing(items).await?;
        Ok((pictures, in_place))
    }

    /// The layer's finished pictures, to be read.
    pub(crate) fn pictures(&self) -> Arc<Pictures> {
        let (storage, geometry) = (self.config.storage, self.source.geometry());
        Arc::new(Pictures::of(&self.layer, storage, geometry))
    }
}

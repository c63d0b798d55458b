//! What the layer is compared with: the pictures that it is made from, or another layer of the same
//! map.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use layer::{LayerDir, OverviewFiles, OverviewTile, Source};
use planner::Quadrant;

use crate::afar::wanted_of;
use crate::laid_out::{lay_out, lay_out_source};
use crate::overviews::{Overviews, Pace, Pyramid, Shown, Update, Wanted};
use crate::tile_set::{Place, TileSet};
use crate::{PlacedLayer, PlanState};

/// What `--compare` means without a value.
pub(crate) const SOURCE: &str = "source";

/// Other pictures of the same map.
#[derive(Debug)]
pub(crate) struct Compared {
    /// What the reader is told it is.
    pub(crate) name: String,
    pub(crate) shown: Shown,
    pub(crate) overviews: Overviews,
    pub(crate) wanted: Wanted,
    of: Of,
}

#[derive(Debug)]
enum Of {
    Source(Arc<Source>),
    Layer(Box<PlacedLayer>, PlanState),
}

impl Compared {
    /// Those that `what` names: `source`, or the directory of a layer.
    ///
    /// # Errors
    /// When they cannot be read, or are of another map.
    pub(crate) async fn open(layer: &PlacedLayer, plan: &PlanState, what: &str) -> Result<Self> {
        if what == SOURCE {
            return Self::source(layer, plan).await;
        }
        let other = PlacedLayer::open(LayerDir::at(what))
            .await
            .with_context(|| format!("cannot compare with {what}, which --compare names"))?;
        if other.quadrant != layer.quadrant || !other.geometry.is_like(&layer.geometry) {
            bail!(
                "cannot compare with {what}: its map has another camera or grid than that of {}; --compare takes a layer of the same map, or \"source\"",
                layer.dir.path().display()
            );
        }
        let (plan, _) = other.read_plan().await?;
        let wanted = wanted_of(&other, &plan).await?;
        let shown = Shown::Layer(other.pictures.clone());
        Ok(Self {
            name: other.name.clone(),
            overviews: Overviews::over(other.dir.overviews(), shown.clone(), wanted.pyramid),
            shown,
            wanted,
            of: Of::Layer(Box::new(other), plan),
        })
    }

    async fn source(layer: &PlacedLayer, plan: &PlanState) -> Result<Self> {
        let source = Arc::new(Source::open(&layer.generation_dir).await?);
        let shown = Shown::Source(source.clone(), layer.source_layer);
        let stamps: HashMap<Quadrant, u64> = shown.stamps().await?.into_iter().collect();
        let planned = plan.items.iter().flat_map(|item| item.block.quadrants());
        // All of one block: nobody looks for seams in the source.
        let quadrants = planned
            .filter_map(|at| Some((at, (*stamps.get(&at)?, 0))))
            .collect();
        let pyramid = Pyramid::of_plan(plan, layer.quadrant);
        let wanted = Wanted { pyramid, quadrants };
        Ok(Self {
            name: layer
                .chain
                .get(1)
                .map_or("source", String::as_str)
                .to_owned(),
            overviews: Overviews::over(layer.dir.source_overviews(), shown.clone(), wanted.pyramid),
            shown,
            wanted,
            of: Of::Source(source),
        })
    }

    /// Makes the overviews that are lacking.
    pub(crate) async fn update(&mut self, pace: impl FnMut(Pace)) -> Result<Update> {
        self.overviews.update(&self.wanted, pace).await
    }

    /// Where its pictures are as files, and how many were copied there.
    pub(crate) async fn lay_out(&self, layer: &PlacedLayer) -> Result<(PathBuf, usize)> {
        match &self.of {
            Of::Layer(other, plan) => lay_out(other, plan).await,
            Of::Source(source) => match source.pictures_dir() {
                Some(dir) => Ok((dir, 0)),
                None => {
                    lay_out_source(
                        &self.shown,
                        &self.wanted.quadrants,
                        &layer.dir.map_source_pictures_dir(),
                    )
                    .await
                }
            },
        }
    }

    /// Its overviews.
    pub(crate) fn files(&self) -> OverviewFiles {
        self.overviews.files().clone()
    }

    /// Whether there is such an overview.
    pub(crate) fn has(&self, tile: OverviewTile) -> bool {
        self.overviews.tiles().contains_key(&tile)
    }

    /// The bytes of the picture of `quadrant`; `None` when it is none of those that are compared.
    pub(crate) async fn picture(&self, quadrant: Quadrant) -> Result<Option<Vec<u8>>> {
        if !self.wanted.quadrants.contains_key(&quadrant) {
            return Ok(None);
        }
        match &self.of {
            Of::Layer(other, _) => Ok(other.pictures.read_regular(quadrant).await?),
            Of::Source(_) => self.shown.read(quadrant).await,
        }
    }

    /// Its tiles, which are at `place`: quadrants, and overviews.
    pub(crate) fn tile_set(&self, place: Place) -> TileSet {
        let tiles = self.overviews.all_tiles(&self.wanted);
        let pyramid = self.wanted.pyramid;
        TileSet::of(&self.name, place, pyramid, 0, tiles.iter())
    }
}

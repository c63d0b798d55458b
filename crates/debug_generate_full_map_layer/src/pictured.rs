//! What a page shows of pictures.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;
use terminal::warn;

use crate::afar::{Afar, WorstEdge};
use crate::compared::Compared;
use crate::overviews::{Pyramid, Update};
use crate::pilots::Pilots;
use crate::rejected::Rejected;
use crate::say::{PaceLine, say};
use crate::tile_set::{Place, TileSet};
use crate::{PlacedLayer, PlanState, lay_out, pictures_url};

/// The pictures that a page shows, and those that it compares them with.
#[derive(Debug, Serialize)]
pub struct Pictured {
    /// The layer's own.
    pub(crate) own: TileSet,
    /// What they are compared with.
    pub(crate) compared: Option<TileSet>,
    /// The edges that show most.
    pub(crate) worst_edges: Vec<WorstEdge>,
    /// Answers that were not good enough.
    pub(crate) rejected: Rejected,
    /// Pilots that tried other settings.
    pub(crate) pilots: Pilots,
}

impl Pictured {
    /// Pictures without overviews, at an address that ends with a slash.
    #[must_use]
    pub fn near(layer: &PlacedLayer, plan: &PlanState, quadrants: &str) -> Self {
        let place = Place::Layer {
            quadrants: quadrants.to_owned(),
            overviews: String::new(),
        };
        let pyramid = Pyramid::of_plan(plan, layer.quadrant);
        Self {
            own: TileSet::of(&layer.name, place, pyramid, 1, std::iter::empty()),
            compared: None,
            worst_edges: Vec::new(),
            rejected: Rejected::served(),
            pilots: Pilots::served(),
        }
    }

    /// Those of a page that is written to `output`: brings the overviews to where the plan stands, and
    /// copies what lies in a database.
    ///
    /// # Errors
    /// When pictures cannot be read or copied, or what to compare with cannot be shown.
    pub async fn for_file(
        layer: &PlacedLayer,
        plan: &PlanState,
        compare: Option<&str>,
        output: &Path,
    ) -> Result<Self> {
        let (dir, copied) = lay_out(layer, plan).await?;
        say_copied(copied, &dir)?;
        let mut pictured = Self::near(layer, plan, &pictures_url(output, &dir)?);
        pictured.rejected = Rejected::beside(output, layer, plan)?;
        pictured.pilots = Pilots::beside(output, layer).await?;
        if let Some(afar) = made(layer, plan).await? {
            let overviews = pictures_url(output, layer.dir.overviews().dir())?;
            let place = pictured.own.place.with_overviews(overviews);
            let tiles = afar.overviews.tiles().iter();
            pictured.own = TileSet::of(&layer.name, place, *afar.overviews.pyramid(), 1, tiles);
            pictured.worst_edges = afar.worst;
        }
        let Some(what) = compare else {
            return Ok(pictured);
        };
        let compared = compared(layer, plan, what).await?;
        let (dir, copied) = compared.lay_out(layer).await?;
        say_copied(copied, &dir)?;
        let place = Place::Layer {
            quadrants: pictures_url(output, &dir)?,
            overviews: pictures_url(output, compared.files().dir())?,
        };
        pictured.compared = Some(compared.tile_set(place));
        Ok(pictured)
    }
}

/// The layer's overviews as far as the plan is; `None` when they cannot be kept, which is told.
///
/// # Errors
/// When pictures cannot be listed.
pub(crate) async fn made(layer: &PlacedLayer, plan: &PlanState) -> Result<Option<Afar>> {
    let Some(mut afar) = Afar::of(layer, plan) else {
        return Ok(None);
    };
    let mut line = PaceLine::new(format!("overviews of {}", layer.name));
    let updated = afar.update(layer, plan, |pace| line.show(pace)).await;
    line.end();
    match updated {
        Ok(update) => {
            tell(&update)?;
            Ok(Some(afar))
        }
        // The page shows what is near without.
        Err(error) => {
            warn(format_args!("the map is not shown from afar: {error:#}"));
            Ok(None)
        }
    }
}

/// What the layer is compared with, with its overviews.
///
/// # Errors
/// When it cannot be shown.
pub(crate) async fn compared(
    layer: &PlacedLayer,
    plan: &PlanState,
    what: &str,
) -> Result<Compared> {
    let mut compared = Compared::open(layer, plan, what).await?;
    let mut line = PaceLine::new(format!("overviews of {}", compared.name));
    let updated = compared.update(|pace| line.show(pace)).await;
    line.end();
    tell(&updated?)?;
    Ok(compared)
}

/// How many damaged pictures are named.
const NAMED: usize = 5;

fn tell(update: &Update) -> Result<()> {
    for (quadrant, reason) in update.damaged.iter().take(NAMED) {
        warn(format_args!(
            "the picture of {quadrant} cannot be shown: {reason}; run the layer with --resume to make it again"
        ));
    }
    if let Some(more) = update.damaged.len().checked_sub(NAMED + 1) {
        warn(format_args!("and {} more", more + 1));
    }
    if update.made > 0 {
        say(format_args!("{} overviews were made", update.made))?;
    }
    Ok(())
}

fn say_copied(copied: usize, dir: &Path) -> Result<()> {
    if copied > 0 {
        say(format_args!(
            "{copied} pictures were copied out of the database to {}",
            dir.display()
        ))?;
    }
    Ok(())
}

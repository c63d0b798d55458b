//! What a run would refuse, or say before its first call, found before anything is written.

use std::path::Path;

use anyhow::bail;
use canvas::{Buffers, QuadrantSize, decode_quadrant};
use layer::{LayerConfig, Source, SourceLayer};
use model_client::{Environment, remarks};
use planner::{Quadrant, Region};

/// How many pictures are looked at for one that can be drawn from.
const LOOKED_AT: usize = 20;

/// Looks at the picture of one quadrant of `region`, and at others where that one cannot be drawn
/// from; then it is told.
///
/// # Errors
/// When none of them can be.
pub(crate) async fn look_at_pictures(
    source: &Source,
    source_layer: SourceLayer,
    region: &Region,
) -> anyhow::Result<Option<String>> {
    let (width_px, height_px) = source.config().quadrant_size_px();
    let size = QuadrantSize {
        width_px,
        height_px,
    };
    let quadrants = region.quadrants();
    // From all over the map: what is wrong with one is often wrong with those beside it.
    let apart = quadrants.len().div_ceil(LOOKED_AT).max(1);
    let mut first_bad = None;
    for &quadrant in quadrants.iter().step_by(apart) {
        let picture = source.picture(source_layer, quadrant).await;
        let usable = picture
            .map_err(|error| error.to_string())
            .and_then(|picture| {
                decode_quadrant(&picture, size, &mut Buffers::default()).map_err(|reason| {
                    format!(
                        "the {} of quadrant {quadrant} is {reason}",
                        source_layer.column()
                    )
                })
            });
        match (usable, first_bad) {
            (Ok(_), None) => return Ok(None),
            (Ok(_), Some(bad)) => {
                return Ok(Some(format!("{bad}; the item with it will fail")));
            }
            (Err(bad), earlier) => first_bad = earlier.or(Some(bad)),
        }
    }
    match first_bad {
        Some(bad) => bail!(
            "no picture in {} can be drawn from: {bad}",
            source.place().display()
        ),
        None => Ok(None),
    }
}

/// Refuses quadrants that have no place on the globe.
pub(crate) fn require_places(source: &Source, region: &Region) -> anyhow::Result<()> {
    let geometry = source.geometry();
    let seed = source.config().seed;
    let is_on_globe = |&quadrant: &Quadrant| {
        let place = geometry.grid_corner(i64::from(quadrant.x), i64::from(quadrant.y));
        place.lat.abs() <= 90.0 && (place.lng - seed.lng).abs() <= 180.0
    };
    if let Some(quadrant) = region.quadrants().iter().find(|place| !is_on_globe(place)) {
        bail!(
            "quadrant {quadrant} of {} has no place on the globe: its latitude is beyond a pole, or its longitude more than half around; mend its row or the generation_config, or leave it out with --bounds",
            source.place().display()
        );
    }
    Ok(())
}

/// What is still missing for a run, in the run's own words.
///
/// # Errors
/// Why a run would refuse an endpoint.
pub(crate) fn before_a_run(config: &LayerConfig, path: &Path) -> anyhow::Result<Vec<String>> {
    let (environment, warning) = Environment::read(Path::new("."));
    let missing = config.require_endpoints(path.to_owned()).err();
    let mut found = Vec::from_iter(missing.map(|error| error.to_string()));
    found.extend(warning);
    found.extend(remarks(config, &environment)?);
    Ok(found)
}

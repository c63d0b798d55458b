//! A city for a model that can tell a source from what is finished: it is grey.

use fixtures::maps::{MapSpec, SourceLayer, encode_png, pixel};
use image::{Rgb, RgbImage};
use planner::Quadrant;

pub(crate) const WIDTH_PX: u32 = 25;
pub(crate) const HEIGHT_PX: u32 = 20;

/// An irregular map with holes, an island, a bay and a diagonal.
const CITY: &str = "\
    ..########..##
    .#########..##
    ####.#####....
    ##########.###
    .#############
    ..####.#######
    ########..####
    .#######...#.#
    ..####...#####";

/// The city in grey, so that the model can tell a source from what is finished.
pub(crate) fn city() -> MapSpec {
    MapSpec::drawn(&CITY.replace("    ", ""))
        .quadrant_px(WIDTH_PX, HEIGHT_PX)
        .painted(|layer, quadrant| encode_png(grey(layer, quadrant)))
}

fn grey(layer: SourceLayer, quadrant: Quadrant) -> RgbImage {
    let (x0, y0) = (quadrant.x * WIDTH_PX as i32, quadrant.y * HEIGHT_PX as i32);
    RgbImage::from_fn(WIDTH_PX, HEIGHT_PX, |x, y| {
        let [level, ..] = pixel(layer, x0 + x as i32, y0 + y as i32);
        Rgb([level; 3])
    })
}

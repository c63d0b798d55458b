//! The canvas that shows the finished neighbours of a block.

use image::math::Rect;
use image::{DynamicImage, RgbaImage};
use layer::CanvasConfig;
use planner::Quadrant;

use super::fill::fill_unknown;
use super::prepare_source::prepare_source;
use super::rows::{cut, paste};
use super::{Arrangement, Join, Sheet};

/// What a quadrant shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Its source, which the model redraws or takes a hint from.
    Source,
    /// Its finished picture, which is never changed.
    Finished,
}

/// The picture of a quadrant in or around a block.
#[derive(Debug, Clone)]
pub(crate) struct Picture {
    pub quadrant: Quadrant,
    pub kind: Kind,
    pub pixels: RgbaImage,
}

/// Draws an infill canvas, still without its border. A quadrant around the block of which there is no picture is filled
/// with what is nearest to it.
///
/// The model is to draw the block and, with it, the sources that share an edge with it on the
/// canvas, so that it does not have to join the block to what will be drawn anew.
#[must_use]
pub(crate) fn infill(
    arrangement: &Arrangement,
    config: &CanvasConfig,
    mut pictures: Vec<Picture>,
) -> Sheet {
    let sources = pictures
        .iter_mut()
        .filter(|picture| picture.kind == Kind::Source);
    for Picture {
        quadrant, pixels, ..
    } in sources
    {
        prepare_source(pixels, *quadrant, config);
    }
    let (width, height) = arrangement.size_px();
    let mut canvas = RgbaImage::new(width, height);
    let mut known: Vec<Rect> = Vec::with_capacity(9);
    let mut to_draw: Vec<Rect> = Vec::with_capacity(5);
    for place in arrangement.places() {
        let Some(Picture {
            quadrant,
            kind,
            pixels,
        }) = pictures
            .iter()
            .find(|picture| picture.quadrant == place.quadrant)
        else {
            continue;
        };
        let Rect {
            x,
            y,
            width,
            height,
        } = place.on_canvas;
        let part = cut(pixels, place.from_px, (width, height));
        paste(&mut canvas, &part, (x, y));
        known.push(place.on_canvas);
        let is_drawn = arrangement.block.contains(*quadrant)
            || (*kind == Kind::Source && arrangement.is_across_an_edge(*quadrant));
        if is_drawn {
            to_draw.push(place.on_canvas);
        }
    }
    fill_unknown(&mut canvas, &known);
    let finished = |quadrant: Quadrant| {
        let picture = pictures
            .iter()
            .find(|picture| picture.quadrant == quadrant)?;
        (picture.kind == Kind::Finished).then_some(&picture.pixels)
    };
    Sheet {
        picture: without_needless_alpha(canvas),
        block_at_px: arrangement.block_at_px,
        to_draw,
        joins: Join::all_of(arrangement, config.match_px, finished),
    }
}

fn without_needless_alpha(canvas: RgbaImage) -> DynamicImage {
    let is_opaque = canvas.pixels().all(|pixel| pixel.0[3] == u8::MAX);
    let canvas = DynamicImage::ImageRgba8(canvas);
    if is_opaque {
        canvas.into_rgb8().into()
    } else {
        canvas
    }
}

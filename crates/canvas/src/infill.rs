//! The canvas that shows the finished neighbours of a block.

use image::math::Rect;
use image::{DynamicImage, RgbaImage};
use layer::CanvasConfig;
use planner::Quadrant;

use crate::buffers::Buffers;
use crate::fill::fill_unknown;
use crate::prepare_source::prepare_source;
use crate::rows::{cut, paste};
use crate::{Arrangement, Join, Place, Sheet};

/// What a quadrant shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Its source, which the model redraws or takes a hint from.
    Source,
    /// Its finished picture, which is never changed.
    Finished,
}

/// The picture of a quadrant in or around a block.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The quadrant.
    pub quadrant: Quadrant,
    /// What it shows.
    pub kind: Kind,
    /// As large as the map's quadrants are.
    pub pixels: RgbaImage,
}

impl Picture {
    /// The picture of `quadrant` as it was decoded.
    #[must_use]
    pub fn of(
        quadrant: Quadrant,
        kind: Kind,
        decoded: DynamicImage,
        buffers: &mut Buffers,
    ) -> Self {
        let pixels = decoded.to_rgba8();
        buffers.give_back_picture(decoded);
        Self {
            quadrant,
            kind,
            pixels,
        }
    }
}

/// Draws an infill canvas, still without its border. A quadrant around the block of which there is no picture is filled
/// with what is nearest to it.
///
/// The model is to draw the block and, with it, the sources that share an edge with it on the
/// canvas, so that it does not have to join the block to what will be drawn anew. Nor may any other
/// source stand outside of that, or it would be taken for finished: at a corner of the block, the
/// pixels of the finished picture beside it are repeated, and where none is it is drawn too.
#[must_use]
pub fn infill(
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
    let mut own: Vec<Rect> = Vec::with_capacity(4);
    let mut joined: Vec<Rect> = Vec::with_capacity(4);
    let mut at_corners: Vec<Place> = Vec::new();
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
        let is_own = arrangement.block.contains(*quadrant);
        let is_across = arrangement.is_across_an_edge(*quadrant);
        if is_own {
            own.push(place.on_canvas);
        } else if *kind == Kind::Finished && is_across {
            joined.push(place.on_canvas);
        }
        if is_own || (*kind == Kind::Source && is_across) {
            to_draw.push(place.on_canvas);
        } else if *kind == Kind::Source {
            at_corners.push(place);
        }
    }
    let is_finished = |quadrant: &Quadrant| {
        let mut finished = pictures
            .iter()
            .filter(|picture| picture.kind == Kind::Finished);
        finished.any(|picture| picture.quadrant == *quadrant)
    };
    for corner in at_corners {
        let beside = arrangement.beside_corner(corner.quadrant);
        match beside.into_iter().find(is_finished) {
            Some(finished) => {
                let shown = arrangement
                    .places()
                    .find(|place| place.quadrant == finished)
                    .expect("what is beside a corner that shows shows too");
                repeat(&mut canvas, shown.on_canvas, corner.on_canvas);
            }
            None => to_draw.push(corner.on_canvas),
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
        quadrants: own,
        finished: joined,
        to_draw,
        joins: Join::all_of(arrangement, config.match_px, finished),
    }
}

/// Gives each pixel of `into` the colour of the nearest one of `from`, which is beside it.
fn repeat(canvas: &mut RgbaImage, from: Rect, into: Rect) {
    for (x, y) in (into.y..into.y + into.height)
        .flat_map(|y| (into.x..into.x + into.width).map(move |x| (x, y)))
    {
        let nearest_x = x.clamp(from.x, from.x + from.width - 1);
        let nearest_y = y.clamp(from.y, from.y + from.height - 1);
        let pixel = *canvas.get_pixel(nearest_x, nearest_y);
        canvas.put_pixel(x, y, pixel);
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

#[cfg(test)]
mod tests {
    use image::Rgba;
    use planner::{Block, BlockShape};

    use super::*;
    use crate::QuadrantSize;
    use crate::frame::Frame;

    const SIZE: QuadrantSize = QuadrantSize {
        width_px: 8,
        height_px: 6,
    };
    const RED: Rgba<u8> = Rgba([255, 0, 0, 255]);

    /// An upright strip whose left side is finished.
    fn strip(config: &CanvasConfig, source: Rgba<u8>, finished: Rgba<u8>) -> Sheet {
        let is_finished = |quadrant: Quadrant| quadrant.x < 0;
        let arrangement =
            Arrangement::of(Block::new(BlockShape::OneByTwo, 0, 0), SIZE, is_finished);
        let pictures = arrangement.places().map(|place| {
            let is_finished = is_finished(place.quadrant);
            Picture {
                quadrant: place.quadrant,
                kind: if is_finished {
                    Kind::Finished
                } else {
                    Kind::Source
                },
                pixels: RgbaImage::from_pixel(8, 6, if is_finished { finished } else { source }),
            }
        });
        infill(&arrangement, config, pictures.collect())
    }

    #[test]
    fn sources_are_prepared_and_what_is_finished_is_not() {
        let (source, finished) = (Rgba([90, 120, 200, 255]), Rgba([200, 120, 90, 255]));
        let config = CanvasConfig {
            desaturation: 0.5,
            gamma_shift: 0.5,
            noise: 0.5,
            ..CanvasConfig::default()
        };
        let canvas = strip(&config, source, finished).picture.to_rgba8();
        for (x, _, pixel) in canvas.enumerate_pixels() {
            assert_eq!(*pixel == finished, x < 8, "{pixel:?}");
            assert_ne!(*pixel, source);
        }
    }

    #[test]
    fn a_frame_repeats_the_canvas_and_not_its_border() {
        let grey = Rgba([128, 128, 128, 255]);
        let framed = Frame::SQUARE.around(strip(&CanvasConfig::default(), grey, grey));
        assert_eq!(framed.block_at_px, (8, 2));
        let canvas = framed
            .with_border(2, layer::Color::default())
            .picture
            .to_rgba8();
        assert_eq!(canvas.dimensions(), (16, 16));
        for (x, y, pixel) in canvas.enumerate_pixels() {
            let is_border =
                x >= 8 && (2..14).contains(&y) && !((10..14).contains(&x) && (4..12).contains(&y));
            assert_eq!(*pixel == RED, is_border, "({x}, {y})");
        }
    }

    #[test]
    fn the_alpha_of_a_source_is_kept() {
        let finished = Rgba([1, 2, 3, 255]);
        let clear = strip(&CanvasConfig::default(), Rgba([9, 9, 9, 0]), finished);
        assert_eq!(clear.picture.to_rgba8().get_pixel(12, 5).0, [9, 9, 9, 0]);
        let opaque = strip(&CanvasConfig::default(), Rgba([9, 9, 9, 255]), finished);
        assert_eq!(opaque.picture.color(), image::ColorType::Rgb8);
    }
}

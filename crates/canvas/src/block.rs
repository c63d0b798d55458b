//! The canvas that is the source of the block as it is.

use image::{DynamicImage, RgbImage, RgbaImage};
use planner::{Block, Quadrant};

use crate::buffers::Buffers;
use crate::decode::decode_into;
use crate::rows::paste;
use crate::{QuadrantSize, Sheet};

/// Stitches the source pictures of a block side by side. The canvas has alpha only where a
/// source has some.
#[must_use]
pub fn stitch(
    block: Block,
    size: QuadrantSize,
    sources: &[(Quadrant, DynamicImage)],
    buffers: &mut Buffers,
) -> Sheet {
    let picture = if sources.iter().any(|(_, source)| has_alpha(source)) {
        let (width, height) = size.of_block(block);
        let mut canvas = RgbaImage::new(width, height);
        for (quadrant, source) in sources {
            paste(
                &mut canvas,
                &source.to_rgba8(),
                size.place_in(block, *quadrant),
            );
        }
        DynamicImage::ImageRgba8(canvas)
    } else {
        let mut canvas = canvas_for(block, size, buffers);
        for (quadrant, source) in sources {
            let at = size.place_in(block, *quadrant);
            match source {
                DynamicImage::ImageRgb8(source) => paste(&mut canvas, source, at),
                other => paste(&mut canvas, &other.to_rgb8(), at),
            }
        }
        DynamicImage::ImageRgb8(canvas)
    };
    sheet_of(block, size, picture)
}

/// The same of encoded pictures, if all are of the usual kind and whole; [`stitch`] is for
/// the rest.
#[must_use]
pub fn stitch_encoded<'a>(
    block: Block,
    size: QuadrantSize,
    sources: impl IntoIterator<Item = (Quadrant, &'a [u8])>,
    buffers: &mut Buffers,
) -> Option<Sheet> {
    let mut canvas = canvas_for(block, size, buffers);
    for (quadrant, source) in sources {
        let part = size.part_of(quadrant, block, (0, 0));
        if decode_into(source, &mut canvas, part).is_none() {
            buffers.give_back(canvas.into_raw());
            return None;
        }
    }
    Some(sheet_of(block, size, canvas.into()))
}

fn sheet_of(block: Block, size: QuadrantSize, picture: DynamicImage) -> Sheet {
    let part = |quadrant| size.part_of(quadrant, block, (0, 0));
    Sheet {
        quadrants: block.quadrants().map(part).collect(),
        ..Sheet::of(picture)
    }
}

/// A canvas whose pixels may be any: the sources cover it.
fn canvas_for(block: Block, size: QuadrantSize, buffers: &mut Buffers) -> RgbImage {
    let (width, height) = size.of_block(block);
    let pixels = buffers.take(3 * width as usize * height as usize);
    RgbImage::from_raw(width, height, pixels).expect("there is a byte for each sample")
}

fn has_alpha(picture: &DynamicImage) -> bool {
    match picture {
        DynamicImage::ImageRgb8(_) | DynamicImage::ImageLuma8(_) => false,
        other => {
            other.color().has_alpha()
                && other.to_rgba8().pixels().any(|pixel| pixel.0[3] != u8::MAX)
        }
    }
}

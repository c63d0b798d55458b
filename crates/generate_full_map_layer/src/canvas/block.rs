//! The canvas that is the source of the block as it is.

use image::{DynamicImage, RgbImage, RgbaImage};
use planner::{Block, Quadrant};

use super::rows::paste;
use super::{QuadrantSize, Sheet};
use crate::buffers::Buffers;

/// Stitches the source pictures of a block side by side. The canvas has alpha only where a
/// source has some.
#[must_use]
pub(crate) fn stitch(
    block: Block,
    size: QuadrantSize,
    sources: &[(Quadrant, DynamicImage)],
    buffers: &mut Buffers,
) -> Sheet {
    let (width, height) = size.of_block(block);
    let picture = if sources.iter().any(|(_, source)| has_alpha(source)) {
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
        // The sources cover it, so it does not matter what it holds.
        let pixels = buffers.take(3 * width as usize * height as usize);
        let mut canvas =
            RgbImage::from_raw(width, height, pixels).expect("there is a byte for each sample");
        for (quadrant, source) in sources {
            let at = size.place_in(block, *quadrant);
            match source {
                DynamicImage::ImageRgb8(source) => paste(&mut canvas, source, at),
                other => paste(&mut canvas, &other.to_rgb8(), at),
            }
        }
        DynamicImage::ImageRgb8(canvas)
    };
    Sheet::of(picture)
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

//! The canvas that is the source of the block as it is.

use image::{DynamicImage, GenericImage, RgbImage, RgbaImage};
use planner::{Block, Quadrant};

use super::{QuadrantSize, Sheet};

/// Stitches the source pictures of a block side by side. The canvas has alpha only where a
/// source has some.
#[must_use]
pub(crate) fn stitch(
    block: Block,
    size: QuadrantSize,
    sources: &[(Quadrant, DynamicImage)],
) -> Sheet {
    let (width, height) = size.of_block(block);
    let picture = if sources.iter().any(|(_, source)| has_alpha(source)) {
        let mut canvas = RgbaImage::new(width, height);
        for (quadrant, source) in sources {
            let (x, y) = size.place_in(block, *quadrant);
            canvas
                .copy_from(&source.to_rgba8(), x, y)
                .expect("a quadrant lies inside its block");
        }
        DynamicImage::ImageRgba8(canvas)
    } else {
        let mut canvas = RgbImage::new(width, height);
        for (quadrant, source) in sources {
            let (x, y) = size.place_in(block, *quadrant);
            let copied = match source {
                DynamicImage::ImageRgb8(source) => canvas.copy_from(source, x, y),
                other => canvas.copy_from(&other.to_rgb8(), x, y),
            };
            copied.expect("a quadrant lies inside its block");
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

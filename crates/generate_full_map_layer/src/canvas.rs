//! The picture that is sent for a block, and what is cut out of the answer.

use image::{DynamicImage, GenericImage, RgbImage, RgbaImage, imageops};
use layer::ImageFormat;
use planner::{Block, Quadrant};

use crate::codec;
use crate::frame::Frame;

/// What an endpoint's canvas looks like. Endpoints of one form share their canvases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CanvasForm {
    /// How it is encoded.
    pub format: ImageFormat,
    /// What is put around it.
    pub frame: Frame,
}

/// A picture that is sent for a block, and where the block lies in it.
#[derive(Debug, Clone)]
pub(crate) struct Sheet {
    /// The picture.
    pub picture: DynamicImage,
    /// The top-left pixel of the block.
    pub block_at_px: (u32, u32),
}

/// The size of every quadrant of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QuadrantSize {
    /// In pixels.
    pub width_px: u32,
    /// In pixels.
    pub height_px: u32,
}

impl QuadrantSize {
    /// The size of a block's picture.
    #[must_use]
    pub(crate) fn of_block(self, block: Block) -> (u32, u32) {
        (
            self.width_px * block.shape.width().unsigned_abs(),
            self.height_px * block.shape.height().unsigned_abs(),
        )
    }

    /// Where `quadrant` lies in the picture of `block`.
    fn place_in(self, block: Block, quadrant: Quadrant) -> (u32, u32) {
        (
            self.width_px * (quadrant.x - block.top_left.x).unsigned_abs(),
            self.height_px * (quadrant.y - block.top_left.y).unsigned_abs(),
        )
    }
}

/// Decodes the source picture of a quadrant.
///
/// # Errors
/// A line that says what is wrong with it.
pub(crate) fn decode_source(bytes: &[u8], size: QuadrantSize) -> Result<DynamicImage, String> {
    let picture = codec::decode(bytes, size.width_px.max(size.height_px).max(4096))?;
    if (picture.width(), picture.height()) != (size.width_px, size.height_px) {
        return Err(format!(
            "a picture of {}x{} px, where the map's quadrants have {}x{} px",
            picture.width(),
            picture.height(),
            size.width_px,
            size.height_px
        ));
    }
    Ok(picture)
}

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
    Sheet {
        picture,
        block_at_px: (0, 0),
    }
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

/// How an answer's size compares with the canvas's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SizeMatch {
    /// The same.
    Exact,
    /// Another, of the same shape.
    Resized,
    /// Another shape, so that the picture was stretched.
    Stretched,
}

/// Brings an answer to the canvas's size.
///
/// # Errors
/// A line that says so when it is too small to be a picture of the canvas.
pub(crate) fn bring_to_size(
    answer: RgbImage,
    width: u32,
    height: u32,
) -> Result<(RgbImage, SizeMatch), String> {
    let (from_width, from_height) = answer.dimensions();
    if (from_width, from_height) == (width, height) {
        return Ok((answer, SizeMatch::Exact));
    }
    if from_width < width.div_ceil(8) || from_height < height.div_ceil(8) {
        return Err(format!(
            "a picture of {from_width}x{from_height} px, too small for a canvas of {width}x{height} px"
        ));
    }
    let aspect = |width: u32, height: u32| f64::from(width) / f64::from(height);
    let stretch = aspect(from_width, from_height) / aspect(width, height);
    let size_match = if (0.99..=1.01).contains(&stretch) {
        SizeMatch::Resized
    } else {
        SizeMatch::Stretched
    };
    Ok((
        imageops::resize(&answer, width, height, imageops::FilterType::Lanczos3),
        size_match,
    ))
}

/// Cuts the quadrants of a block out of an answer of the size of the sheet that was sent.
pub(crate) fn split(
    block: Block,
    size: QuadrantSize,
    block_at_px: (u32, u32),
    answer: &RgbImage,
) -> impl Iterator<Item = (Quadrant, RgbImage)> {
    block.quadrants().map(move |quadrant| {
        let (x, y) = size.place_in(block, quadrant);
        let (x, y) = (x + block_at_px.0, y + block_at_px.1);
        (
            quadrant,
            imageops::crop_imm(answer, x, y, size.width_px, size.height_px).to_image(),
        )
    })
}

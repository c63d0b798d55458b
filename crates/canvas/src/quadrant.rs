//! A map's quadrants as pictures: how large they are, and how they are read.

use image::DynamicImage;
use image::math::Rect;
use planner::{Block, Quadrant};

use crate::buffers::Buffers;
use crate::bytes_shown::Tell;
use crate::decode::decode;

/// The size of every quadrant of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuadrantSize {
    /// In pixels.
    pub width_px: u32,
    /// In pixels.
    pub height_px: u32,
}

impl QuadrantSize {
    /// The size of a block's picture.
    #[must_use]
    pub fn of_block(self, block: Block) -> (u32, u32) {
        (
            self.width_px * block.shape.width().unsigned_abs(),
            self.height_px * block.shape.height().unsigned_abs(),
        )
    }

    /// The part of `quadrant` in a sheet that shows `block` at `block_at_px`.
    pub fn part_of(self, quadrant: Quadrant, block: Block, block_at_px: (u32, u32)) -> Rect {
        let (x, y) = self.place_in(block, quadrant);
        Rect {
            x: x + block_at_px.0,
            y: y + block_at_px.1,
            width: self.width_px,
            height: self.height_px,
        }
    }

    /// Where `quadrant` lies in the picture of `block`.
    pub(crate) fn place_in(self, block: Block, quadrant: Quadrant) -> (u32, u32) {
        (
            self.width_px * (quadrant.x - block.top_left.x).unsigned_abs(),
            self.height_px * (quadrant.y - block.top_left.y).unsigned_abs(),
        )
    }
}

/// Decodes the picture of a quadrant, of the source or a finished one.
///
/// # Errors
/// A line that says what is wrong with it.
pub fn decode_quadrant(
    bytes: &[u8],
    size: QuadrantSize,
    buffers: &mut Buffers,
) -> Result<DynamicImage, String> {
    let longest_side = size.width_px.max(size.height_px).max(4096);
    let picture = decode(bytes, longest_side, Tell::FirstBytes, buffers)?;
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

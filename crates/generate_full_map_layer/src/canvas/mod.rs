//! The picture that is sent for a block, and what is cut out of the answer.
//!
//! A [`block`] canvas is the source of the block as it is. An [`infill`] canvas is always 2x2
//! quadrants large and shows, where the block leaves room, the finished neighbours that it has to
//! join; the [`arrangement`] says what stands where.

mod answer;
mod arrangement;
mod block;
mod border;
mod fill;
#[cfg(test)]
mod golden;
mod infill;
mod match_colors;
mod prepare_source;
#[cfg(test)]
mod promises;

use image::DynamicImage;
use image::math::Rect;
use layer::{CanvasMode, Color, ImageFormat};
use planner::{Block, Quadrant};

pub(crate) use answer::{SizeMatch, bring_to_size};
pub(crate) use arrangement::Arrangement;
pub(crate) use block::{stitch, stitch_encoded};
pub(crate) use infill::{Kind, Picture, infill};
pub(crate) use match_colors::{Join, match_colors};

use crate::buffers::Buffers;
use crate::codec;
use crate::frame::Frame;
use border::draw_border;

/// What an endpoint's canvas looks like. Endpoints of one form share their canvases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CanvasForm {
    /// What it holds.
    pub mode: CanvasMode,
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
    /// What the model is to draw: all of these parts. Empty where it is simply everything.
    pub to_draw: Vec<Rect>,
    /// Where the answer's colours are matched to those of finished neighbours.
    pub joins: Vec<Join>,
}

impl Sheet {
    /// The sheet of a picture that is nothing but the block.
    pub(crate) fn of(picture: DynamicImage) -> Self {
        Self {
            picture,
            block_at_px: (0, 0),
            to_draw: Vec::new(),
            joins: Vec::new(),
        }
    }

    /// The same at `at_px` of `picture`, which is larger.
    pub(crate) fn within(self, picture: DynamicImage, at_px: (u32, u32)) -> Self {
        let (dx, dy) = at_px;
        let moved = |part: Rect| Rect {
            x: part.x + dx,
            y: part.y + dy,
            ..part
        };
        Self {
            picture,
            block_at_px: (self.block_at_px.0 + dx, self.block_at_px.1 + dy),
            to_draw: self.to_draw.into_iter().map(moved).collect(),
            joins: self.joins,
        }
    }

    /// The same with a border around what the model is to draw.
    pub(crate) fn with_border(mut self, border_px: u32, color: Color) -> Self {
        draw_border(&mut self.picture, &self.to_draw, border_px, color);
        self
    }
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

    /// The part of `quadrant` in a sheet that shows `block` at `block_at_px`.
    pub(crate) fn part_of(self, quadrant: Quadrant, block: Block, block_at_px: (u32, u32)) -> Rect {
        let (x, y) = self.place_in(block, quadrant);
        Rect {
            x: x + block_at_px.0,
            y: y + block_at_px.1,
            width: self.width_px,
            height: self.height_px,
        }
    }

    /// Where `quadrant` lies in the picture of `block`.
    fn place_in(self, block: Block, quadrant: Quadrant) -> (u32, u32) {
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
pub(crate) fn decode_quadrant(
    bytes: &[u8],
    size: QuadrantSize,
    buffers: &mut Buffers,
) -> Result<DynamicImage, String> {
    let longest_side = size.width_px.max(size.height_px).max(4096);
    let picture = codec::decode(bytes, longest_side, buffers)?;
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

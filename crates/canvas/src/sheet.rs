//! A canvas before it is encoded.

use image::DynamicImage;
use image::math::Rect;
use layer::Color;

use crate::border::draw_border;
use crate::match_colors::Join;

/// A picture that is sent for a block, and where the block lies in it.
#[derive(Debug, Clone)]
pub struct Sheet {
    /// The picture.
    pub picture: DynamicImage,
    /// The top-left pixel of the block.
    pub block_at_px: (u32, u32),
    /// The quadrants of the block.
    pub quadrants: Vec<Rect>,
    /// What shows of the finished quadrants that share an edge with the block.
    pub finished: Vec<Rect>,
    /// What the model is to draw: all of these parts. Empty where it is simply everything.
    pub to_draw: Vec<Rect>,
    /// Where the answer's colours are matched to those of finished neighbours.
    pub joins: Vec<Join>,
}

impl Sheet {
    /// The sheet of a picture that is nothing but the block.
    pub fn of(picture: DynamicImage) -> Self {
        Self {
            picture,
            block_at_px: (0, 0),
            quadrants: Vec::new(),
            finished: Vec::new(),
            to_draw: Vec::new(),
            joins: Vec::new(),
        }
    }

    /// The same at `at_px` of `picture`, which is larger.
    pub fn within(self, picture: DynamicImage, at_px: (u32, u32)) -> Self {
        let (dx, dy) = at_px;
        let moved = |part: Rect| Rect {
            x: part.x + dx,
            y: part.y + dy,
            ..part
        };
        Self {
            picture,
            block_at_px: (self.block_at_px.0 + dx, self.block_at_px.1 + dy),
            quadrants: self.quadrants.into_iter().map(moved).collect(),
            finished: self.finished.into_iter().map(moved).collect(),
            to_draw: self.to_draw.into_iter().map(moved).collect(),
            joins: self.joins,
        }
    }

    /// The same with a border around what the model is to draw.
    pub fn with_border(mut self, border_px: u32, color: Color) -> Self {
        draw_border(&mut self.picture, &self.to_draw, border_px, color);
        self
    }
}

//! What stands where on an infill canvas.

use image::math::Rect;
use planner::{Block, Quadrant};

use crate::QuadrantSize;

/// Where the quadrants in and around a block stand on its infill canvas, which is 2x2 quadrants
/// large.
///
/// Along an axis on which the block leaves room, it stands in the middle when both sides are
/// finished (half a quadrant of each shows), at the other end when one is (a whole quadrant of it
/// shows), and else at the left or top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrangement {
    /// The block.
    pub block: Block,
    /// The size of the map's quadrants.
    pub size: QuadrantSize,
    /// The top-left pixel of the block.
    pub block_at_px: (u32, u32),
}

/// The part of a quadrant that shows on a canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The quadrant.
    pub quadrant: Quadrant,
    /// Where on the canvas.
    pub on_canvas: Rect,
    /// The top-left pixel of the part, in the quadrant's own picture.
    pub from_px: (u32, u32),
}

impl Arrangement {
    /// The arrangement of `block` where `is_finished` says which quadrants around it are shown as
    /// finished. A side counts as finished when at least one quadrant across it is.
    pub fn of(block: Block, size: QuadrantSize, is_finished: impl Fn(Quadrant) -> bool) -> Self {
        let Quadrant { x, y } = block.top_left;
        let (width, height) = (block.shape.width(), block.shape.height());
        let column = |x: i32| (y..y + height).any(|y| is_finished(Quadrant::new(x, y)));
        let row = |y: i32| (x..x + width).any(|x| is_finished(Quadrant::new(x, y)));
        let left = along_axis(width, size.width_px, column(x - 1), column(x + width));
        let top = along_axis(height, size.height_px, row(y - 1), row(y + height));
        Self {
            block,
            size,
            block_at_px: (left, top),
        }
    }

    /// The size of the canvas.
    pub const fn size_px(&self) -> (u32, u32) {
        (2 * self.size.width_px, 2 * self.size.height_px)
    }

    /// The quadrants in and around the block of which something shows, row by row.
    pub fn places(&self) -> impl Iterator<Item = Place> + use<> {
        let this = *self;
        let Quadrant { x, y } = this.block.top_left;
        let (width, height) = (this.block.shape.width(), this.block.shape.height());
        (-1..=height).flat_map(move |dy| {
            (-1..=width).filter_map(move |dx| {
                let (left, from_x, width) = part(dx, this.block_at_px.0, this.size.width_px)?;
                let (top, from_y, height) = part(dy, this.block_at_px.1, this.size.height_px)?;
                Some(Place {
                    quadrant: Quadrant::new(x + dx, y + dy),
                    on_canvas: Rect {
                        x: left,
                        y: top,
                        width,
                        height,
                    },
                    from_px: (from_x, from_y),
                })
            })
        })
    }

    /// Whether `quadrant`, one of those around the block, shares an edge with it.
    pub fn is_across_an_edge(&self, quadrant: Quadrant) -> bool {
        let Quadrant { x, y } = self.block.top_left;
        let (width, height) = (self.block.shape.width(), self.block.shape.height());
        let in_its_columns = (x..x + width).contains(&quadrant.x);
        let in_its_rows = (y..y + height).contains(&quadrant.y);
        in_its_columns != in_its_rows
    }

    /// Of a quadrant at a corner of the block, the two that share an edge with both.
    pub(crate) fn beside_corner(&self, corner: Quadrant) -> [Quadrant; 2] {
        let first = self.block.top_left;
        let towards = |at: i32, first: i32| if at < first { at + 1 } else { at - 1 };
        [
            Quadrant::new(towards(corner.x, first.x), corner.y),
            Quadrant::new(corner.x, towards(corner.y, first.y)),
        ]
    }
}

/// Where a block of `length` quadrants stands along an axis.
const fn along_axis(length: i32, size_px: u32, before: bool, after: bool) -> u32 {
    match (length, before, after) {
        (1, true, true) => size_px / 2,
        (1, true, false) => size_px,
        _ => 0,
    }
}

/// Of the quadrant `steps` after the block's first one along an axis: where its part on the canvas
/// begins, where that begins in its own picture, and how long it is; `None` when it does not show.
fn part(steps: i32, block_at_px: u32, size_px: u32) -> Option<(u32, u32, u32)> {
    let size = i64::from(size_px);
    let begin = i64::from(block_at_px) + i64::from(steps) * size;
    let from = begin.max(0);
    let to = (begin + size).min(2 * size);
    let px = |number: i64| u32::try_from(number).expect("it lies on the canvas");
    (from < to).then(|| (px(from), px(from - begin), px(to - from)))
}

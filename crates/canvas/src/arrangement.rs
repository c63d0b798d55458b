//! What stands where on an infill canvas.

use image::math::Rect;
use planner::{Block, Quadrant};

use crate::QuadrantSize;

/// Where the quadrants in and around a block stand on its infill canvas, which is 2x2 quadrants
/// large.
///
/// Along an axis on which the block leaves room, it stands in the middle when both sides are
/// finished (half a quadrant of each shows), at the other end when one is (a whole quadrant of it
/// shows), and else at the end where fewer corners show that are not finished, or at the left or
/// top.
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
        let lefts = along_axis(width, size.width_px, column(x - 1), column(x + width));
        let tops = along_axis(height, size.height_px, row(y - 1), row(y + height));
        let at = |block_at_px| Self {
            block,
            size,
            block_at_px,
        };
        let all = tops
            .iter()
            .flat_map(|&top| lefts.iter().map(move |&left| (left, top)));
        let unfinished_corners = |arrangement: &Self| {
            let corners = arrangement.places().map(|place| place.quadrant);
            let corners = corners.filter(|&quadrant| arrangement.is_corner(quadrant));
            corners.filter(|&quadrant| !is_finished(quadrant)).count()
        };
        all.map(at)
            .min_by_key(unfinished_corners)
            .expect("along each axis there is one position at least")
    }

    /// The quadrants of `finished` that the infill canvas of a block shows.
    pub fn joined(block: Block, size: QuadrantSize, finished: &[Quadrant]) -> Vec<Quadrant> {
        let is_finished = |quadrant: &Quadrant| finished.contains(quadrant);
        let arrangement = Self::of(block, size, |quadrant| is_finished(&quadrant));
        arrangement.beside().filter(is_finished).collect()
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

    /// The quadrants around the block of which something shows.
    pub fn beside(&self) -> impl Iterator<Item = Quadrant> + use<> {
        let block = self.block;
        let shown = self.places().map(|place| place.quadrant);
        shown.filter(move |&quadrant| !block.contains(quadrant))
    }

    /// Whether `quadrant`, one of those around the block, shares an edge with it.
    pub fn is_across_an_edge(&self, quadrant: Quadrant) -> bool {
        let Quadrant { x, y } = self.block.top_left;
        let (width, height) = (self.block.shape.width(), self.block.shape.height());
        let in_its_columns = (x..x + width).contains(&quadrant.x);
        let in_its_rows = (y..y + height).contains(&quadrant.y);
        in_its_columns != in_its_rows
    }

    fn is_corner(&self, quadrant: Quadrant) -> bool {
        !self.block.contains(quadrant) && !self.is_across_an_edge(quadrant)
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

/// Where a block of `length` quadrants can stand along an axis.
fn along_axis(length: i32, size_px: u32, before: bool, after: bool) -> Vec<u32> {
    match (length, before, after) {
        (1, true, true) => vec![size_px / 2],
        (1, true, false) => vec![size_px],
        (1, false, false) => vec![0, size_px],
        _ => vec![0],
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

#[cfg(test)]
mod tests {
    use planner::BlockShape;

    use super::*;

    #[test]
    fn a_block_stands_where_no_unfinished_corner_shows() {
        let size = QuadrantSize {
            width_px: 8,
            height_px: 6,
        };
        let block = Block::new(BlockShape::OneByOne, 0, 0);
        // Its left side is finished, and of the corners beside it the lower or the upper one.
        for (corner, expected) in [(1, (8, 0)), (-1, (8, 6))] {
            let finished = [Quadrant::new(-1, 0), Quadrant::new(-1, corner)];
            let arrangement = Arrangement::of(block, size, |q| finished.contains(&q));
            assert_eq!(arrangement.block_at_px, expected);
            let shown = arrangement.places().map(|place| place.quadrant);
            let mut corners = shown.filter(|&quadrant| arrangement.is_corner(quadrant));
            assert_eq!(corners.next(), Some(finished[1]));
        }
    }
}

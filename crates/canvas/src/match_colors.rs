//! Taking a shift of colours off an answer where it joins finished neighbours.
//!
//! A model that draws a neighbour's pixels a little too dark has most likely drawn the block's
//! own pixels beside them just as much too dark.

use image::math::Rect;
use image::{Rgb, RgbImage, RgbaImage};
use planner::Quadrant;

use crate::rows::cut;
use crate::{Arrangement, QuadrantSize};

/// An edge between a quadrant of a block and a finished one.
#[derive(Debug, Clone, PartialEq)]
pub struct Join {
    /// The block's quadrant, from the block's top-left pixel.
    quadrant: Rect,
    /// Which of its sides the neighbour is on.
    side: Side,
    /// The neighbour's pixels next to the edge that the canvas shows: where they begin, from the
    /// block's top-left pixel.
    strip_at_px: (i64, i64),
    /// Their width and height.
    strip_size_px: (u32, u32),
    /// The mean of their saved colours.
    saved: [f64; 3],
    /// How deep into the block the match reaches.
    depth_px: u32,
}

/// A side of a quadrant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Left,
    Right,
    Top,
    Bottom,
}

impl Side {
    pub(crate) const ALL: [Self; 4] = [Self::Left, Self::Right, Self::Top, Self::Bottom];

    pub(crate) const fn opposite(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
            Self::Top => Self::Bottom,
            Self::Bottom => Self::Top,
        }
    }

    /// To the quadrant on this side.
    pub(crate) const fn step(self) -> (i32, i32) {
        match self {
            Self::Left => (-1, 0),
            Self::Right => (1, 0),
            Self::Top => (0, -1),
            Self::Bottom => (0, 1),
        }
    }
}

impl Join {
    /// The joins of a canvas, `depth_px` deep. `finished` gives the picture of a quadrant around
    /// the block if it is shown as finished.
    pub(crate) fn all_of<'a>(
        arrangement: &Arrangement,
        depth_px: u32,
        finished: impl Fn(Quadrant) -> Option<&'a RgbaImage>,
    ) -> Vec<Self> {
        if depth_px == 0 {
            return Vec::new();
        }
        let Arrangement { block, size, .. } = *arrangement;
        let sides = block
            .quadrants()
            .flat_map(|quadrant| Side::ALL.map(|side| (quadrant, side)));
        let join = |(quadrant, side): (Quadrant, Side)| {
            let (dx, dy) = side.step();
            let neighbour = Quadrant::new(quadrant.x + dx, quadrant.y + dy);
            let picture = finished(neighbour)?;
            let shown = arrangement
                .places()
                .find(|place| place.quadrant == neighbour)?;
            let (x, y) = size.place_in(block, quadrant);
            Some(Self::of(
                size,
                (x, y),
                side,
                shown.on_canvas,
                picture,
                depth_px,
            ))
        };
        sides.filter_map(join).collect()
    }

    fn of(
        size: QuadrantSize,
        (x, y): (u32, u32),
        side: Side,
        shown: Rect,
        picture: &RgbaImage,
        depth_px: u32,
    ) -> Self {
        let QuadrantSize {
            width_px,
            height_px,
        } = size;
        let (across, down) = (shown.width.min(depth_px), shown.height.min(depth_px));
        let (left, top) = (i64::from(x), i64::from(y));
        let (width, height) = (i64::from(width_px), i64::from(height_px));
        // Where the strip is from the block's pixels, its size, and where it is in the
        // neighbour's own picture.
        let (strip_at_px, strip_size_px, from) = match side {
            Side::Left => (
                (left - i64::from(across), top),
                (across, height_px),
                (width_px - across, 0),
            ),
            Side::Right => ((left + width, top), (across, height_px), (0, 0)),
            Side::Top => (
                (left, top - i64::from(down)),
                (width_px, down),
                (0, height_px - down),
            ),
            Side::Bottom => ((left, top + height), (width_px, down), (0, 0)),
        };
        let strip = cut(picture, from, strip_size_px);
        let [red, green, blue, _] = mean(strip.pixels().map(|pixel| pixel.0));
        Self {
            quadrant: Rect {
                x,
                y,
                width: width_px,
                height: height_px,
            },
            side,
            strip_at_px,
            strip_size_px,
            saved: [red, green, blue],
            depth_px,
        }
    }

    /// How much the answer's version of the neighbour differs from the saved one.
    fn shift(&self, answer: &RgbImage, block_at_px: (u32, u32)) -> [f64; 3] {
        let at = |from: u32, offset: i64| {
            u32::try_from(i64::from(from) + offset).expect("the canvas shows the strip")
        };
        let (x, y) = (
            at(block_at_px.0, self.strip_at_px.0),
            at(block_at_px.1, self.strip_at_px.1),
        );
        let strip = cut(answer, (x, y), self.strip_size_px);
        let answered = mean(strip.pixels().map(|pixel| pixel.0));
        std::array::from_fn(|channel| answered[channel] - self.saved[channel])
    }

    /// How much of the shift is taken off the quadrant's pixel `(x, y)`: 1 at the edge, 0 at the
    /// full depth.
    fn weight(&self, x: u32, y: u32) -> f64 {
        let distance = match self.side {
            Side::Left => x,
            Side::Right => self.quadrant.width - 1 - x,
            Side::Top => y,
            Side::Bottom => self.quadrant.height - 1 - y,
        };
        (1.0 - f64::from(distance) / f64::from(self.depth_px)).max(0.0)
    }
}

/// Takes off the block in `answer` what the answer is off its finished neighbours.
///
/// Where the reach of several edges overlaps, their weights are scaled so that they do not add up
/// to more than 1: a shift of the whole answer is taken off once.
pub fn match_colors(answer: &mut RgbImage, block_at_px: (u32, u32), joins: &[Join]) {
    let shifts: Vec<(&Join, [f64; 3])> = joins
        .iter()
        .map(|join| (join, join.shift(answer, block_at_px)))
        .collect();
    for of_quadrant in shifts.chunk_by(|(a, _), (b, _)| a.quadrant == b.quadrant) {
        let Rect {
            x: left,
            y: top,
            width,
            height,
        } = of_quadrant[0].0.quadrant;
        for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
            let weights = of_quadrant.iter().map(|(join, _)| join.weight(x, y));
            let total: f64 = weights.clone().sum();
            if total == 0.0 {
                continue;
            }
            let Rgb(levels) =
                answer.get_pixel_mut(block_at_px.0 + left + x, block_at_px.1 + top + y);
            for (channel, level) in levels.iter_mut().enumerate() {
                let off: f64 = weights
                    .clone()
                    .zip(of_quadrant)
                    .map(|(weight, (_, shift))| weight * shift[channel])
                    .sum();
                *level = (f64::from(*level) - off / total.max(1.0))
                    .round()
                    .clamp(0.0, 255.0) as u8;
            }
        }
    }
}

fn mean<const N: usize>(pixels: impl Iterator<Item = [u8; N]>) -> [f64; N] {
    let mut sums = [0_u64; N];
    let mut count = 0_u64;
    for pixel in pixels {
        count += 1;
        for (sum, level) in sums.iter_mut().zip(pixel) {
            *sum += u64::from(level);
        }
    }
    sums.map(|sum| sum as f64 / count.max(1) as f64)
}

#[cfg(test)]
mod tests {
    use image::Rgba;
    use planner::{Block, BlockShape};

    use super::*;

    const SIZE: QuadrantSize = QuadrantSize {
        width_px: 8,
        height_px: 6,
    };
    const SAVED: [u8; 3] = [100, 150, 200];

    /// What becomes of an answer of one colour beside neighbours of another.
    fn matched(
        shape: BlockShape,
        finished: &[Quadrant],
        depth_px: u32,
        answer: [u8; 3],
    ) -> (RgbImage, Arrangement) {
        let arrangement = Arrangement::of(Block::new(shape, 0, 0), SIZE, |q| finished.contains(&q));
        let saved = RgbaImage::from_pixel(8, 6, Rgba([SAVED[0], SAVED[1], SAVED[2], 255]));
        let joins = Join::all_of(&arrangement, depth_px, |q| {
            finished.contains(&q).then_some(&saved)
        });
        let mut answer = RgbImage::from_pixel(16, 12, Rgb(answer));
        match_colors(&mut answer, arrangement.block_at_px, &joins);
        (answer, arrangement)
    }

    fn reds(picture: &RgbImage, y: u32, from: u32) -> Vec<u8> {
        (from..from + 8)
            .map(|x| picture.get_pixel(x, y).0[0])
            .collect()
    }

    #[test]
    fn the_shift_is_taken_off_the_less_the_further_from_the_edge() {
        let left = [Quadrant::new(-1, 0), Quadrant::new(-1, 1)];
        let (answer, arrangement) = matched(BlockShape::OneByTwo, &left, 4, [140, 150, 160]);
        assert_eq!(arrangement.block_at_px, (8, 0));
        for y in 0..12 {
            assert_eq!(
                reds(&answer, y, 8),
                [100, 110, 120, 130, 140, 140, 140, 140]
            );
            assert_eq!(reds(&answer, y, 0), [140; 8], "the neighbour is left alone");
        }
        assert_eq!(answer.get_pixel(8, 3).0, SAVED);
    }

    #[test]
    fn an_edge_to_an_unfinished_neighbour_is_left_as_it_is() {
        let (answer, _) = matched(
            BlockShape::OneByTwo,
            &[Quadrant::new(1, 1)],
            8,
            [140, 150, 160],
        );
        assert_eq!(reds(&answer, 5, 0), [140; 8]);
        assert_eq!(
            reds(&answer, 6, 0),
            [135, 130, 125, 120, 115, 110, 105, 100]
        );
    }

    #[test]
    fn a_shift_of_the_whole_answer_is_taken_off_once_where_edges_meet() {
        let around = [(-1, 0), (1, 0), (0, -1), (0, 1)].map(|(x, y)| Quadrant::new(x, y));
        let (answer, arrangement) = matched(BlockShape::OneByOne, &around, 64, [140, 110, 200]);
        let (x0, y0) = arrangement.block_at_px;
        assert_eq!((x0, y0), (4, 3));
        for (x, y) in (y0..y0 + 6).flat_map(|y| (x0..x0 + 8).map(move |x| (x, y))) {
            assert_eq!(answer.get_pixel(x, y).0, SAVED);
        }
    }

    #[test]
    fn nothing_is_matched_unless_asked_for() {
        let left = [Quadrant::new(-1, 0)];
        let (answer, _) = matched(BlockShape::OneByOne, &left, 0, [140, 150, 160]);
        assert!(answer.pixels().all(|pixel| pixel.0 == [140, 150, 160]));
    }
}

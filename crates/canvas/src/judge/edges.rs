//! The sides of a block's quadrants: where there is a border, and which neighbour is to be joined.

use image::RgbImage;
use image::math::Rect;
use layer::{AcceptConfig, Color};

use crate::match_colors::Side;
use crate::sheet::Sheet;

/// How many lines of pixels are looked at on either side of an edge.
pub(crate) const LINES: usize = 3;
/// How many of the source: a drawing may lie a pixel aside.
pub(crate) const SOURCE_LINES: usize = LINES + 1;
/// How far beside the border's line what it is compared to is.
pub(crate) const BESIDE_PX: u32 = 4;
/// A source whose levels spread no further than this is plain: grain does.
const PLAIN: u8 = 32;
/// An edge stronger than this counts like this: a few must not outweigh the rest.
const STRONGEST: u8 = 64;
/// How far inside of a quadrant the lines are that tell whether a drawing follows the source.
const FOLLOWED_PX: [u32; 4] = [3, 6, 10, 14];
/// How many pixels of an edge are looked at together.
pub(crate) const SEGMENT_PX: usize = 16;
/// Shorter sides are too little to go by.
const LEAST_PX: u32 = 48;

/// A line of pixels along an edge.
pub(crate) type Line = Vec<[u8; 3]>;

/// How strong the edges across a line are at each pixel, in levels of luma.
pub(crate) type Strengths = Vec<u8>;

/// A side of a quadrant.
#[derive(Debug, Clone)]
pub(crate) struct Edge {
    pub(crate) quadrant: Rect,
    pub(crate) side: Side,
    pub(crate) border: Option<Border>,
    pub(crate) joined: Option<Joined>,
}

/// The border along an edge.
#[derive(Debug, Clone)]
pub(crate) struct Border {
    pub(crate) color: Color,
    pub(crate) border_px: u32,
    /// Where the source has nothing that could stand out as a line: what does is the border.
    pub(crate) is_plain: Vec<bool>,
    /// The source where the border's middle is.
    pub(crate) source: Line,
}

/// The finished neighbour across an edge.
#[derive(Debug, Clone)]
pub(crate) struct Joined {
    /// How wide the border is.
    pub(crate) border_px: u32,
    /// Its saved pixels, those at the edge first.
    pub(crate) saved: [Line; LINES],
    /// The quadrant that it is of, as many to the right of the block's first one, and below it.
    pub(crate) neighbour: (i32, i32),
    /// The source inside the quadrant, from the edge on.
    pub(crate) source: [Line; SOURCE_LINES],
    /// Of lines some way inside the quadrant, how strong the source's edges are along them.
    pub(crate) strengths: Vec<Strengths>,
    /// Whether the answer's colours will be matched to it.
    pub(crate) is_matched: bool,
}

/// The edges of a sheet at which there is something to see.
pub(crate) fn of(
    sheet: &Sheet,
    picture: &RgbImage,
    border_px: u32,
    color: Color,
    accept: &AcceptConfig,
) -> Vec<Edge> {
    let sides = sheet
        .quadrants
        .iter()
        .flat_map(|&quadrant| Side::ALL.map(|side| (quadrant, side)));
    let edge = |(quadrant, side): (Rect, Side)| {
        let mut edge = Edge {
            quadrant,
            side,
            border: None,
            joined: None,
        };
        if edge.length() < LEAST_PX {
            return None;
        }
        let is_drawn = edge.is_across(&sheet.to_draw, 1);
        if accept.border_left.is_some() && border_px > 0 && !is_drawn {
            edge.border = Some(Border {
                color,
                border_px,
                source: edge.inside(picture, border_px / 2)?,
                is_plain: edge.plain(picture, border_px + BESIDE_PX + 1)?,
            });
        }
        if accept.seam.is_some() && edge.is_across(&sheet.finished, LINES as u32) {
            let saved = (0..LINES as u32).map(|depth| edge.outside(picture, depth));
            let source = (0..SOURCE_LINES as u32).map(|depth| edge.inside(picture, depth));
            edge.joined = Some(Joined {
                border_px,
                saved: saved.collect::<Option<Vec<_>>>()?.try_into().ok()?,
                neighbour: edge.neighbour(sheet.block_at_px),
                source: source.collect::<Option<Vec<_>>>()?.try_into().ok()?,
                strengths: edge.strengths(picture, border_px),
                is_matched: !sheet.joins.is_empty(),
            });
        }
        (edge.border.is_some() || edge.joined.is_some()).then_some(edge)
    };
    sides.filter_map(edge).collect()
}

impl Side {
    /// Of a picture across this side, the line so many pixels from the edge.
    pub(crate) fn line_across(self, picture: &RgbImage, depth: u32) -> Option<Line> {
        let (width, height) = picture.dimensions();
        let whole = Edge {
            quadrant: Rect {
                x: 0,
                y: 0,
                width,
                height,
            },
            side: self.opposite(),
            border: None,
            joined: None,
        };
        whole.inside(picture, depth)
    }
}

impl Edge {
    fn length(&self) -> u32 {
        match self.side {
            Side::Left | Side::Right => self.quadrant.height,
            Side::Top | Side::Bottom => self.quadrant.width,
        }
    }

    /// The quadrant across the edge, as many to the right of the block's first one, and below it.
    fn neighbour(&self, block_at_px: (u32, u32)) -> (i32, i32) {
        let Rect {
            x,
            y,
            width,
            height,
        } = self.quadrant;
        let quadrants = |from: u32, to: u32, length: u32| ((to - from) / length) as i32;
        let (dx, dy) = self.side.step();
        (
            quadrants(block_at_px.0, x, width) + dx,
            quadrants(block_at_px.1, y, height) + dy,
        )
    }

    /// Whether one of `parts` lies across the middle of the edge, and is so many pixels deep.
    fn is_across(&self, parts: &[Rect], depth_px: u32) -> bool {
        let Rect {
            x,
            y,
            width,
            height,
        } = self.quadrant;
        let (middle_x, middle_y) = (x + width / 2, y + height / 2);
        let deep = match self.side {
            Side::Left => x.checked_sub(depth_px).map(|x| (x, middle_y)),
            Side::Right => Some((x + width + depth_px - 1, middle_y)),
            Side::Top => y.checked_sub(depth_px).map(|y| (middle_x, y)),
            Side::Bottom => Some((middle_x, y + height + depth_px - 1)),
        };
        let holds = |part: &Rect, (x, y): (u32, u32)| {
            (part.x..part.x + part.width).contains(&x)
                && (part.y..part.y + part.height).contains(&y)
        };
        deep.is_some_and(|pixel| parts.iter().any(|part| holds(part, pixel)))
    }

    /// How strong the edges of a picture are along some lines inside of the quadrant; none where it
    /// is too small.
    pub(crate) fn strengths(&self, picture: &RgbImage, border_px: u32) -> Vec<Strengths> {
        let lines = FOLLOWED_PX.map(|depth| self.inside(picture, border_px + depth));
        let strengths = |line: Line| {
            let luma = |pixel: &[u8; 3]| {
                let [red, green, blue] = pixel.map(u32::from);
                ((red + 2 * green + blue) / 4) as u8
            };
            let luma: Vec<u8> = line.iter().map(luma).collect();
            let apart = luma.iter().zip(luma.iter().skip(2));
            apart.map(|(a, b)| a.abs_diff(*b).min(STRONGEST)).collect()
        };
        lines.into_iter().flatten().map(strengths).collect()
    }

    /// Along the edge, whether the outermost `depth` pixels of the quadrant are nearly alike.
    fn plain(&self, picture: &RgbImage, depth: u32) -> Option<Vec<bool>> {
        let mut lowest = self.inside(picture, 0)?;
        let mut highest = lowest.clone();
        for depth in 1..depth {
            let line = self.inside(picture, depth)?;
            let lowest = lowest.as_flattened_mut().iter_mut();
            let both = lowest.zip(highest.as_flattened_mut());
            for ((lowest, highest), level) in both.zip(line.as_flattened()) {
                *lowest = (*lowest).min(*level);
                *highest = (*highest).max(*level);
            }
        }
        let spread = lowest.iter().zip(&highest);
        let is_plain = |(lowest, highest): (&[u8; 3], &[u8; 3])| {
            (0..3).all(|channel| highest[channel] - lowest[channel] <= PLAIN)
        };
        Some(spread.map(is_plain).collect())
    }

    /// The line of a picture `depth` pixels inside of the quadrant, counted from the edge.
    pub(crate) fn inside(&self, picture: &RgbImage, depth: u32) -> Option<Line> {
        let Rect {
            x,
            y,
            width,
            height,
        } = self.quadrant;
        match self.side {
            Side::Left => self.line(picture, x + depth),
            Side::Right => self.line(picture, (x + width - 1).checked_sub(depth)?),
            Side::Top => self.line(picture, y + depth),
            Side::Bottom => self.line(picture, (y + height - 1).checked_sub(depth)?),
        }
    }

    /// The same outside.
    pub(crate) fn outside(&self, picture: &RgbImage, depth: u32) -> Option<Line> {
        let Rect {
            x,
            y,
            width,
            height,
        } = self.quadrant;
        match self.side {
            Side::Left => self.line(picture, x.checked_sub(depth + 1)?),
            Side::Right => self.line(picture, x + width + depth),
            Side::Top => self.line(picture, y.checked_sub(depth + 1)?),
            Side::Bottom => self.line(picture, y + height + depth),
        }
    }

    /// The pixels along the edge whose row or column is this; `None` beyond the picture.
    fn line(&self, picture: &RgbImage, at: u32) -> Option<Line> {
        let Rect {
            x,
            y,
            width,
            height,
        } = self.quadrant;
        match self.side {
            Side::Left | Side::Right if at < picture.width() => {
                let column = (y..y + height).map(|y| picture.get_pixel(at, y).0);
                Some(column.collect())
            }
            Side::Top | Side::Bottom if at < picture.height() => {
                let from = 3 * (at as usize * picture.width() as usize + x as usize);
                let (pixels, _) = picture.as_raw()[from..from + 3 * width as usize].as_chunks();
                Some(pixels.to_vec())
            }
            _ => None,
        }
    }
}

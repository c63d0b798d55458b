//! Good answers to a call, and planted bad ones.

use canvas::{Arrangement, Outgoing};
use image::{Rgb, RgbImage, imageops};

use crate::cases::Layer;
use crate::styles::{STRANGE, Style, compressed, mixed, shifted};

/// What is wrong with a planted answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    Blank,
    Gradient,
    Unchanged,
    UnchangedJpeg,
    Border,
    BorderPartly,
    BorderOtherRed,
    Drift(i32),
    OtherColors,
    OtherDrawing,
    Step,
    Swapped,
    Brighter,
    Darker,
    Tinted,
}

impl Defect {
    pub(crate) const ALL: [Self; 18] = [
        Self::Blank,
        Self::Gradient,
        Self::Unchanged,
        Self::UnchangedJpeg,
        Self::Border,
        Self::BorderPartly,
        Self::BorderOtherRed,
        Self::Drift(2),
        Self::Drift(3),
        Self::Drift(5),
        Self::Drift(8),
        Self::OtherColors,
        Self::OtherDrawing,
        Self::Step,
        Self::Swapped,
        Self::Brighter,
        Self::Darker,
        Self::Tinted,
    ];

    /// Whether the canvas has to show finished neighbours for it to be one.
    pub(crate) fn is_of_neighbours(self) -> bool {
        matches!(
            self,
            Self::Border
                | Self::BorderPartly
                | Self::BorderOtherRed
                | Self::OtherDrawing
                | Self::Step
        ) || self.is_of_first()
    }

    /// Whether it is one before anything is learnt: other colours than those of what is joined.
    pub(crate) fn is_of_first(self) -> bool {
        matches!(
            self,
            Self::Swapped | Self::Brighter | Self::Darker | Self::Tinted
        )
    }
}

/// A call: what was sent, and the map as a good answer and its neighbours draw it.
pub(crate) struct Call {
    pub(crate) arrangement: Arrangement,
    pub(crate) outgoing: Outgoing,
    /// Whether the answer's colours are matched to its neighbours'.
    pub(crate) is_matched: bool,
    pub(crate) map: RgbImage,
    /// The canvas before its border, and with it.
    pub(crate) bare: RgbImage,
    pub(crate) sent: RgbImage,
    pub(crate) drawn: RgbImage,
    /// Where the canvas begins on the drawn map.
    pub(crate) at_px: (u32, u32),
}

impl Call {
    /// The answer that draws the map so many pixels aside.
    pub(crate) fn good(&self, dx: i32, dy: i32) -> RgbImage {
        let (width, height) = self.arrangement.size_px();
        let (x, y) = self.at_px;
        if (dx, dy) != (0, 0) {
            let aside = shifted(&self.drawn, dx, dy);
            return imageops::crop_imm(&aside, x, y, width, height).to_image();
        }
        imageops::crop_imm(&self.drawn, x, y, width, height).to_image()
    }

    pub(crate) fn bad(
        &self,
        layer: &Layer,
        defect: Defect,
        random: &mut fastrand::Rng,
    ) -> RgbImage {
        let mut answer = self.good(0, 0);
        let (width, height) = answer.dimensions();
        let size = layer.size;
        let (left, top) = self.arrangement.block_at_px;
        let (wide, high) = size.of_block(self.arrangement.block);
        let block = move |x: u32, y: u32| {
            (left..left + wide).contains(&x) && (top..top + high).contains(&y)
        };
        // How far a pixel of the block is from the nearest finished neighbour.
        let shape = self.arrangement.block.shape;
        let to_neighbour = move |x: u32, y: u32| {
            let across = (x - left).min(left + wide - 1 - x);
            let down = (y - top).min(top + high - 1 - y);
            match (shape.width(), shape.height()) {
                (1, 1) => across.min(down),
                (1, _) => across,
                _ => down,
            }
        };
        match defect {
            Defect::Blank => {
                let color = Rgb([random.u8(..), random.u8(..), random.u8(..)]);
                answer = RgbImage::from_pixel(width, height, color);
            }
            Defect::Gradient => {
                let from: [u8; 3] = std::array::from_fn(|_| random.u8(..));
                let to: [u8; 3] = std::array::from_fn(|_| random.u8(..));
                answer = RgbImage::from_fn(width, height, |x, y| {
                    let t = f32::from((x + y) as u16) / (width + height) as f32;
                    Rgb(std::array::from_fn(|c| {
                        (f32::from(from[c]) * (1.0 - t) + f32::from(to[c]) * t) as u8
                    }))
                });
            }
            Defect::Unchanged => {
                answer = if random.bool() {
                    self.sent.clone()
                } else {
                    self.bare.clone()
                }
            }
            Defect::UnchangedJpeg => answer = compressed(&self.bare, random.u8(80..96)),
            Defect::Border | Defect::BorderPartly | Defect::BorderOtherRed => {
                let color = match defect {
                    Defect::BorderOtherRed => {
                        [random.u8(196..236), random.u8(16..50), random.u8(16..50)]
                    }
                    _ => [255, 0, 0],
                };
                let (first, share) = (random.f32() * 0.6, 0.4);
                for (x, y, pixel) in answer.enumerate_pixels_mut() {
                    let sent = self.sent.get_pixel(x, y).0;
                    let is_border = sent[0] > 225
                        && sent[1] < 40
                        && sent[2] < 40
                        && self.bare.get_pixel(x, y).0[2] > 44
                        && block(x, y)
                        && to_neighbour(x, y) < 2;
                    let at = (x as f32 / width as f32, y as f32 / height as f32);
                    let is_part = |at: f32| (first..first + share).contains(&at);
                    if is_border
                        && (defect != Defect::BorderPartly || is_part(at.0) || is_part(at.1))
                    {
                        pixel.0 = color;
                    }
                }
                if random.bool() {
                    answer = compressed(&answer, 90);
                }
            }
            Defect::Drift(px) => {
                let directions = [
                    (1, 0),
                    (-1, 0),
                    (0, 1),
                    (0, -1),
                    (1, 1),
                    (-1, 1),
                    (1, -1),
                    (-1, -1),
                ];
                let (dx, dy) = directions[random.usize(0..8)];
                let base = self.good(px * dx, px * dy);
                answer = if layer.style == Style::Jittered {
                    shifted(&base, dx, dy)
                } else {
                    base
                };
            }
            Defect::Swapped | Defect::Brighter | Defect::Darker | Defect::Tinted => {
                let drawn = self.good(0, 0);
                let pixels = || drawn.enumerate_pixels().filter(|(x, y, _)| block(*x, *y));
                let recolor = recolored(defect, pixels().map(|(_, _, pixel)| pixel.0), random);
                for (x, y, pixel) in answer.enumerate_pixels_mut() {
                    // What is in other colours everywhere is matched.
                    if block(x, y) || !self.is_matched {
                        pixel.0 = recolor.of(pixel.0);
                    }
                }
            }
            Defect::OtherColors => answer = mixed(&answer, STRANGE),
            Defect::OtherDrawing => {
                let mut other_random = fastrand::Rng::with_seed(random.u64(..));
                let other = layer.source.draw(width, height, &mut other_random);
                let other = layer.style.draw(&other, random.u64(..));
                for (x, y, pixel) in answer.enumerate_pixels_mut() {
                    if block(x, y) && to_neighbour(x, y) < size.width_px.min(size.height_px) / 3 {
                        *pixel = *other.get_pixel(x, y);
                    }
                }
            }
            Defect::Step => {
                let up: i16 = random.i16(28..50);
                let mean: u64 = answer
                    .pixels()
                    .map(|pixel| u64::from(pixel.0[1]))
                    .sum::<u64>()
                    / u64::from(width * height);
                let up = if mean > 128 { -up } else { up };
                for (x, y, pixel) in answer.enumerate_pixels_mut() {
                    if block(x, y) {
                        pixel.0 = pixel
                            .0
                            .map(|level| (i16::from(level) + up).clamp(0, 255) as u8);
                    }
                }
            }
        }
        answer
    }
}

/// Other colours: channels in another order, and levels that are added.
struct Recolor {
    order: [usize; 3],
    more: [i16; 3],
}

impl Recolor {
    fn of(&self, color: [u8; 3]) -> [u8; 3] {
        std::array::from_fn(|channel| {
            let level = i16::from(color[self.order[channel]]) + self.more[channel];
            level.clamp(0, 255) as u8
        })
    }
}

/// Of so many levels a difference of colours is seen.
const SEEN: f64 = 28.0;

/// Other colours for a drawing, such that the difference is seen: where its channels are alike they
/// are not put in another order but tinted, and where there is no room upwards it gets darker.
fn recolored(
    defect: Defect,
    pixels: impl Iterator<Item = [u8; 3]> + Clone,
    random: &mut fastrand::Rng,
) -> Recolor {
    let count = pixels.clone().count() as f64;
    let mean = |of: &dyn Fn([u8; 3]) -> u8| {
        let total: f64 = pixels.clone().map(|pixel| f64::from(of(pixel))).sum();
        total / count
    };
    let by = random.i16(30..50);
    let as_it_is = [0, 1, 2];
    let shifted = |levels: i16, level: f64| match levels {
        up if up > 0 && level > 170.0 => -up,
        down if down < 0 && level < 85.0 => -down,
        levels => levels,
    };
    let all = mean(&|pixel| pixel[1]);
    match defect {
        Defect::Brighter => Recolor {
            order: as_it_is,
            more: [shifted(by, all); 3],
        },
        Defect::Darker => Recolor {
            order: as_it_is,
            more: [shifted(-by, all); 3],
        },
        Defect::Swapped => {
            let orders = [[2, 1, 0], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1]];
            let order = *random.choice(&orders).expect("it is not empty");
            let differs = |pixel: [u8; 3]| {
                let channels = (0..3).map(|channel| pixel[order[channel]].abs_diff(pixel[channel]));
                channels.max().unwrap_or(0)
            };
            match mean(&differs) {
                seen if seen >= SEEN => Recolor {
                    order,
                    more: [0; 3],
                },
                _ => recolored(Defect::Tinted, pixels, random),
            }
        }
        _ => {
            let channel = random.usize(0..3);
            let mut more = [0; 3];
            let level = mean(&|pixel| pixel[channel]);
            more[channel] = shifted(if random.bool() { by } else { -by }, level);
            Recolor {
                order: as_it_is,
                more,
            }
        }
    }
}

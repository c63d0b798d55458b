//! What a good model makes of a map: a layer's style.

use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

use crate::noise::smooth;

/// How the pictures of a layer are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Recolored,
    Night,
    Quantized,
    Sharpened,
    Compressed,
    Soft,
    Grainy,
    Jittered,
    Snow,
}

impl Style {
    pub(crate) const ALL: [Self; 9] = [
        Self::Recolored,
        Self::Night,
        Self::Quantized,
        Self::Sharpened,
        Self::Compressed,
        Self::Soft,
        Self::Grainy,
        Self::Jittered,
        Self::Snow,
    ];

    /// The map as one call draws it: `call` is the seed of what differs between calls.
    pub(crate) fn draw(self, map: &RgbImage, call: u64) -> RgbImage {
        let mut random = fastrand::Rng::with_seed(call);
        let mut drawn = match self {
            Self::Recolored => mixed(map, WARM),
            Self::Night => each(map, |[red, green, blue]| {
                let luma = (i32::from(red) + 2 * i32::from(green) + i32::from(blue)) / 4;
                let dark = 255 - luma;
                [dark / 3 + 10, dark / 2 + 14, dark * 3 / 4 + 30]
            }),
            Self::Quantized => each(&mixed(map, COOL), |color| {
                color.map(|level| i32::from(level / 36) * 36 + 18)
            }),
            Self::Sharpened => {
                let soft = blurred(map);
                let mut sharp = map.clone();
                for (pixel, soft) in sharp.pixels_mut().zip(soft.pixels()) {
                    let mean = pixel.0.iter().map(|&level| i32::from(level)).sum::<i32>() / 3;
                    for channel in 0..3 {
                        let (level, soft) =
                            (i32::from(pixel.0[channel]), i32::from(soft.0[channel]));
                        let level = level + (level - soft) + (level - mean) / 3;
                        pixel.0[channel] = level.clamp(0, 255) as u8;
                    }
                }
                sharp
            }
            Self::Compressed => compressed(&mixed(map, COOL), 82),
            Self::Soft => mixed(&blurred(map), WARM),
            Self::Grainy => {
                let mut grainy = mixed(map, PALE);
                for pixel in grainy.pixels_mut() {
                    let grain = random.i32(-14..15);
                    pixel.0 = pixel
                        .0
                        .map(|level| (i32::from(level) + grain).clamp(0, 255) as u8);
                }
                grainy
            }
            Self::Jittered => mixed(map, PALE),
            Self::Snow => RgbImage::from_fn(map.width(), map.height(), |x, y| {
                // Snow lies where the map has it, whichever call draws it.
                let cover = ((smooth(x, y, 40, 11) - 0.35) * 3.0).clamp(0.0, 0.85);
                let white = [236.0, 240.0, 248.0];
                let pixel = map.get_pixel(x, y).0;
                Rgb(std::array::from_fn(|channel| {
                    let level = f32::from(pixel[channel]);
                    (level + (white[channel] - level) * cover) as u8
                }))
            }),
        };
        let off = random.i16(-3..4);
        for pixel in drawn.pixels_mut() {
            let grain = random.i16(-1..2) + off;
            pixel.0 = pixel
                .0
                .map(|level| (i16::from(level) + grain).clamp(0, 255) as u8);
        }
        if self == Self::Jittered {
            let (dx, dy) = (random.i32(-1..2), random.i32(-1..2));
            drawn = shifted(&drawn, dx, dy);
        }
        drawn
    }
}

/// What becomes of each channel, in hundredths of red, green, blue, and a constant.
type Mix = [[i32; 4]; 3];
const WARM: Mix = [[85, 20, 5, 22], [10, 75, 5, 10], [0, 15, 60, 0]];
const COOL: Mix = [[60, 10, 10, 0], [5, 85, 10, 4], [5, 20, 85, 24]];
const PALE: Mix = [[70, 10, 0, 52], [5, 72, 5, 48], [0, 10, 66, 50]];
/// That of no layer.
pub(crate) const STRANGE: Mix = [[-40, 30, 80, 90], [70, -20, 20, 30], [20, 60, -50, 110]];

pub(crate) fn mixed(map: &RgbImage, mix: Mix) -> RgbImage {
    each(map, |color| {
        mix.map(|[red, green, blue, more]| {
            (red * i32::from(color[0]) + green * i32::from(color[1]) + blue * i32::from(color[2]))
                / 100
                + more
        })
    })
}

fn each(map: &RgbImage, of: impl Fn([u8; 3]) -> [i32; 3]) -> RgbImage {
    let mut drawn = map.clone();
    for pixel in drawn.pixels_mut() {
        pixel.0 = of(pixel.0).map(|level| level.clamp(0, 255) as u8);
    }
    drawn
}

fn blurred(map: &RgbImage) -> RgbImage {
    let (width, height) = map.dimensions();
    RgbImage::from_fn(width, height, |x, y| {
        let mut sums = [0_u32; 3];
        for dy in 0..3 {
            for dx in 0..3 {
                let near_x = (x + dx).saturating_sub(1).min(width - 1);
                let near_y = (y + dy).saturating_sub(1).min(height - 1);
                for (sum, level) in sums.iter_mut().zip(map.get_pixel(near_x, near_y).0) {
                    *sum += u32::from(level);
                }
            }
        }
        Rgb(sums.map(|sum| (sum / 9) as u8))
    })
}

/// The picture as it comes out of a JPEG.
pub(crate) fn compressed(picture: &RgbImage, quality: u8) -> RgbImage {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .encode_image(picture)
        .expect("it can be encoded");
    image::load_from_memory(&bytes)
        .expect("it was just encoded")
        .into_rgb8()
}

/// The picture so many pixels to the right and down, with its edges repeated.
pub(crate) fn shifted(picture: &RgbImage, dx: i32, dy: i32) -> RgbImage {
    let (width, height) = picture.dimensions();
    let at = |at: u32, by: i32, length: u32| at.saturating_add_signed(-by).min(length - 1);
    RgbImage::from_fn(width, height, |x, y| {
        *picture.get_pixel(at(x, dx, width), at(y, dy, height))
    })
}

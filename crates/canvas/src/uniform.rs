//! Whether a block is of one colour.

use image::{Rgb, RgbImage};
use layer::{Color, PngCompression, UniformConfig};

use crate::buffers::Buffers;
use crate::quadrant::QuadrantSize;
use crate::stored::all_of;

/// How often each level occurs in each channel.
struct Histogram([[u32; 256]; 3]);

/// Whether a block of `quadrants` of which this is one may be of one colour: what takes a look at
/// one quadrant of it spares most of them the decoding of the others.
#[must_use]
pub fn may_be_uniform(picture: &RgbImage, quadrants: usize, config: &UniformConfig) -> bool {
    let pixels = picture.pixels().len();
    let others = (1.0 - config.share) * (pixels * quadrants) as f64;
    let needed = pixels as f64 - others - 1.0;
    if let Some(color) = config.color {
        return count(picture, color, config.tolerance) as f64 >= needed;
    }
    let width = 2 * usize::from(config.tolerance) + 1;
    let histogram = Histogram::of([picture]);
    histogram.0.iter().all(|channel| {
        // As many as lie within any one range that is so wide.
        let mut within: u32 = channel.iter().take(width).sum();
        let mut most = within;
        for high in width..256 {
            within = within + channel[high] - channel[high - width];
            most = most.max(within);
        }
        f64::from(most) >= needed
    })
}

/// The colour that most of the pictures has: in each channel the level in the middle of all.
#[must_use]
pub fn middle_color(pictures: &[RgbImage]) -> Color {
    let histogram = Histogram::of(pictures);
    Color(histogram.0.map(|channel| {
        let all: u64 = channel.iter().copied().map(u64::from).sum();
        let mut so_far = 0;
        let middle = channel.iter().position(|&count| {
            so_far += u64::from(count);
            2 * so_far >= all
        });
        middle.unwrap_or_default() as u8
    }))
}

/// The share of the pixels of all pictures that have a colour, each channel within `tolerance`.
#[must_use]
pub fn share_of(pictures: &[RgbImage], color: Color, tolerance: u8) -> f64 {
    let all: usize = pictures.iter().map(|picture| picture.pixels().len()).sum();
    let with = pictures
        .iter()
        .map(|picture| count(picture, color, tolerance));
    with.sum::<usize>() as f64 / all.max(1) as f64
}

/// A quadrant of one colour as it is stored.
///
/// # Errors
/// A line that says why not; only memory can be short.
pub fn filled(
    color: Color,
    size: QuadrantSize,
    compression: PngCompression,
    buffers: &mut Buffers,
) -> Result<Vec<u8>, String> {
    let picture = RgbImage::from_pixel(size.width_px, size.height_px, Rgb(color.0));
    crate::encode::encode_quadrant(&picture, all_of(size), compression, buffers)
}

fn count(picture: &RgbImage, color: Color, tolerance: u8) -> usize {
    let is_near =
        |pixel: &&Rgb<u8>| (0..3).all(|at| pixel.0[at].abs_diff(color.0[at]) <= tolerance);
    picture.pixels().filter(is_near).count()
}

impl Histogram {
    fn of<'a>(pictures: impl IntoIterator<Item = &'a RgbImage>) -> Self {
        let mut levels = [[0; 256]; 3];
        for pixel in pictures.into_iter().flat_map(RgbImage::pixels) {
            for (channel, &level) in levels.iter_mut().zip(&pixel.0) {
                channel[usize::from(level)] += 1;
            }
        }
        Self(levels)
    }
}

#[cfg(test)]
mod tests {
    use layer::UniformMode;
    use proptest::prelude::*;

    use super::*;

    const WATER: Color = Color([0x4a, 0x63, 0x72]);

    fn config(color: Option<Color>, tolerance: u8, share: f64) -> UniformConfig {
        UniformConfig {
            mode: UniformMode::Copy,
            color,
            tolerance,
            share,
            ..UniformConfig::default()
        }
    }

    /// A picture of 20x10 whose first `others` pixels are another colour than water.
    fn picture(others: u32, other: [u8; 3]) -> RgbImage {
        RgbImage::from_fn(20, 10, |x, y| match 20 * y + x < others {
            true => Rgb(other),
            false => Rgb(WATER.0),
        })
    }

    #[test]
    fn a_pixel_has_the_colour_up_to_the_tolerance_in_each_channel() {
        for (levels, tolerance, has) in [
            ([4, 0, 0], 4, true),
            ([0, 5, 0], 4, false),
            ([4, 4, 4], 4, true),
            ([0, 0, 1], 0, false),
            ([100, 0, 0], 255, true),
        ] {
            let [red, green, blue] = [0, 1, 2].map(|at| WATER.0[at] + levels[at]);
            let picture = picture(200, [red, green, blue]);
            let share = share_of(&[picture], WATER, tolerance);
            assert_eq!(share, f64::from(u8::from(has)), "{levels:?} {tolerance}");
        }
    }

    #[test]
    fn the_share_counts_to_the_pixel() {
        for (others, share, has) in [
            (1, 0.995, true),
            (2, 0.995, false),
            (0, 1.0, true),
            (1, 1.0, false),
        ] {
            let pictures = [picture(others, [0; 3])];
            let found = share_of(&pictures, middle_color(&pictures), 0);
            assert_eq!(found >= share, has, "{others} of 200, {share}: {found}");
        }
    }

    #[test]
    fn the_middle_is_what_most_have_and_between_what_is_around() {
        assert_eq!(middle_color(&[picture(99, [255; 3])]), WATER);
        let noisy = RgbImage::from_fn(27, 30, |x, _| Rgb([100 + (x % 9) as u8; 3]));
        assert_eq!(middle_color(&[noisy]), Color([104; 3]));
    }

    proptest! {
        /// The short look never says no where the long one says yes.
        #[test]
        fn what_is_uniform_may_be(
            levels in proptest::collection::vec(0_u8..12, 4 * 16),
            tolerance in 0_u8..8,
            share in 0.51_f64..=1.0,
            given in any::<bool>(),
        ) {
            let picture = |part: &[u8]| {
                RgbImage::from_fn(4, 4, |x, y| Rgb([part[(4 * y + x) as usize]; 3]))
            };
            let pictures: Vec<RgbImage> = levels.chunks(16).map(picture).collect();
            let color = given.then_some(Color([5; 3]));
            let config = config(color, tolerance, share);
            let color = color.unwrap_or_else(|| middle_color(&pictures));
            if share_of(&pictures, color, tolerance) >= share {
                for picture in &pictures {
                    prop_assert!(may_be_uniform(picture, pictures.len(), &config));
                }
            }
        }
    }
}

//! The map that ships with the project as models draw it: clean, dithered, noisy, soft, enlarged.

use fixtures::maps::SourceLayer;
use fixtures::tiny_city;
use image::{RgbImage, imageops};
use planner::Quadrant;

/// How the surface of a picture looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Texture {
    Clean,
    /// Some dots of 2x2 pixels are lighter or darker.
    Dithered,
    /// One pixel of sixteen is.
    Sparse,
    /// Each sample differs by so much at most.
    Noise(i16),
    /// Noise, and then blurred: film grain.
    Grain,
    /// Drawn at half the size, with noise, each pixel four times.
    EnlargedNoise,
}

impl Texture {
    pub(crate) const ALL: [Self; 8] = [
        Self::Clean,
        Self::Dithered,
        Self::Sparse,
        Self::Noise(1),
        Self::Noise(2),
        Self::Noise(4),
        Self::Grain,
        Self::EnlargedNoise,
    ];

    /// The picture of a quadrant in this texture.
    pub(crate) fn picture(self, source: SourceLayer, quadrant: Quadrant) -> RgbImage {
        let mut picture = tiny_city::picture(source, quadrant);
        let place = (i64::from(quadrant.x) << 32) ^ i64::from(quadrant.y);
        let mut dice = fastrand::Rng::with_seed(place.unsigned_abs());
        match self {
            Self::Clean => {}
            Self::Dithered => shift(&mut picture, 2, || {
                [0, 0, 0, 8, 0, 0, -8, 0].map(|by| [by; 3])[dice.usize(..8)]
            }),
            Self::Sparse => shift(&mut picture, 1, || {
                [if dice.usize(..16) == 0 { 6 } else { 0 }; 3]
            }),
            Self::Noise(most) => shift(&mut picture, 1, || [0; 3].map(|_| dice.i16(-most..=most))),
            Self::Grain => {
                shift(&mut picture, 1, || [0; 3].map(|_| dice.i16(-17..=17)));
                picture = imageops::blur(&picture, 0.8);
            }
            Self::EnlargedNoise => {
                let (width, height) = picture.dimensions();
                let filter = imageops::FilterType::Triangle;
                let mut small = imageops::resize(&picture, width / 2, height / 2, filter);
                shift(&mut small, 1, || [0; 3].map(|_| dice.i16(-3..=3)));
                let nearest = imageops::FilterType::Nearest;
                picture = imageops::resize(&small, width, height, nearest);
            }
        }
        picture
    }
}

/// Shifts the colours of dots of so many pixels.
fn shift(picture: &mut RgbImage, dot_px: u32, mut by: impl FnMut() -> [i16; 3]) {
    let (width, height) = picture.dimensions();
    for y in (0..height).step_by(dot_px as usize) {
        for x in (0..width).step_by(dot_px as usize) {
            let by = by();
            for (x, y) in (y..y + dot_px).flat_map(|y| (x..x + dot_px).map(move |x| (x, y))) {
                for (channel, by) in picture.get_pixel_mut(x, y).0.iter_mut().zip(by) {
                    *channel = (i16::from(*channel) + by).clamp(0, 255) as u8;
                }
            }
        }
    }
}

/// Some quadrants of the map.
pub(crate) fn quadrants(source: SourceLayer) -> Vec<Quadrant> {
    let region = tiny_city::region(source);
    region.quadrants().iter().copied().step_by(8).collect()
}

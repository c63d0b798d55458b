//! Source pixels as a model was trained to expect them: with less colour, grain, and darker
//! shadows, in this order.

use image::RgbaImage;
use layer::CanvasConfig;
use planner::Quadrant;

/// How far grain spreads at its strongest, as a share of the pixel's value.
const GRAIN: f64 = 0.15;
/// What is added to an exponent of 1 at the strongest shift of gamma, and the share of brightness
/// that is lost with it.
const GAMMA: (f64, f64) = (0.8, 0.3);

/// Prepares the source picture of `quadrant` as an infill canvas shows it. Its grain is the same on
/// every canvas.
pub fn prepare_source(picture: &mut RgbaImage, quadrant: Quadrant, config: &CanvasConfig) {
    let CanvasConfig {
        desaturation,
        gamma_shift,
        noise,
        ..
    } = *config;
    if desaturation == 0.0 && gamma_shift == 0.0 && noise == 0.0 {
        return;
    }
    let mut grain = Grain::of(quadrant);
    let (more_gamma, less_light) = (GAMMA.0 * gamma_shift, GAMMA.1 * gamma_shift);
    for pixel in picture.pixels_mut() {
        let [red, green, blue, _] = pixel.0.map(|level| f64::from(level) / 255.0);
        // Luma of ITU-R BT.601.
        let grey = 0.299 * red + 0.587 * green + 0.114 * blue;
        let factor = if noise > 0.0 {
            1.0 + GRAIN * noise * grain.next()
        } else {
            1.0
        };
        for (channel, level) in [red, green, blue].into_iter().enumerate() {
            let level = level + (grey - level) * desaturation;
            let level = (level * factor).clamp(0.0, 1.0);
            let level = level.powf(1.0 + more_gamma) * (1.0 - less_light);
            pixel.0[channel] = (level * 255.0).round() as u8;
        }
    }
}

/// Normally distributed numbers of mean 0 and variance 1, the same for a quadrant in every run.
struct Grain(fastrand::Rng);

impl Grain {
    fn of(quadrant: Quadrant) -> Self {
        let place =
            (u64::from(quadrant.x.cast_unsigned()) << 32) | u64::from(quadrant.y.cast_unsigned());
        Self(fastrand::Rng::with_seed(place))
    }

    /// Box and Muller's transform of two evenly distributed numbers.
    fn next(&mut self) -> f64 {
        let radius = (-2.0 * (1.0 - self.0.f64()).ln()).sqrt();
        radius * (std::f64::consts::TAU * self.0.f64()).cos()
    }
}

#[cfg(test)]
mod tests {
    use image::Rgba;

    use super::*;

    fn picture() -> RgbaImage {
        RgbaImage::from_fn(64, 64, |x, y| Rgba([100, 2 * x as u8, 3 * y as u8, 90]))
    }

    fn prepared(config: &CanvasConfig, x: i32) -> RgbaImage {
        let mut picture = picture();
        prepare_source(&mut picture, Quadrant::new(x, -7), config);
        picture
    }

    #[test]
    fn by_default_nothing_is_changed() {
        assert_eq!(prepared(&CanvasConfig::default(), 0), picture());
    }

    #[test]
    fn desaturation_takes_the_colour_and_leaves_the_brightness() {
        let half = CanvasConfig {
            desaturation: 0.5,
            ..CanvasConfig::default()
        };
        let full = CanvasConfig {
            desaturation: 1.0,
            ..CanvasConfig::default()
        };
        for ((before, half), full) in picture()
            .pixels()
            .zip(prepared(&half, 0).pixels())
            .zip(prepared(&full, 0).pixels())
        {
            let [red, green, blue, alpha] = full.0;
            assert!(red == green && green == blue && alpha == 90, "{full:?}");
            for channel in 0..3 {
                let middle = f64::midpoint(before.0[channel].into(), red.into());
                assert!((f64::from(half.0[channel]) - middle).abs() <= 1.0);
            }
        }
    }

    #[test]
    fn gamma_presses_the_dark_tones_most() {
        let config = CanvasConfig {
            gamma_shift: 1.0,
            ..CanvasConfig::default()
        };
        let mut picture = RgbaImage::from_fn(256, 1, |x, _| Rgba([x as u8, x as u8, x as u8, 255]));
        prepare_source(&mut picture, Quadrant::new(0, 0), &config);
        let levels: Vec<u8> = picture.pixels().map(|pixel| pixel.0[0]).collect();
        assert!(levels.is_sorted() && levels[0] == 0);
        let kept = |level: usize| f64::from(levels[level]) / level as f64;
        assert!(kept(32) < 0.2 && kept(128) < 0.45 && (0.69..0.71).contains(&kept(255)));
    }

    #[test]
    fn grain_is_fixed_for_a_quadrant_and_differs_between_quadrants() {
        let config = CanvasConfig {
            noise: 1.0,
            ..CanvasConfig::default()
        };
        assert_eq!(prepared(&config, 3), prepared(&config, 3));
        assert_ne!(prepared(&config, 3), prepared(&config, 4));
        let reds: Vec<f64> = prepared(&config, 3)
            .pixels()
            .map(|p| p.0[0].into())
            .collect();
        let mean = reds.iter().sum::<f64>() / reds.len() as f64;
        let spread =
            (reds.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / reds.len() as f64).sqrt();
        assert!(
            (mean - 100.0).abs() < 1.5 && (spread - 15.0).abs() < 1.5,
            "{mean} {spread}"
        );
    }
}

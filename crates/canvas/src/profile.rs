//! Colours as sRGB, whatever they were stored as.

use image::{DynamicImage, RgbImage, RgbaImage};
use moxcms::{
    CicpColorPrimaries, CicpProfile, ColorProfile, DataColorSpace, Layout, MatrixCoefficients,
    TransferCharacteristics, TransformExecutor, TransformOptions,
};

/// How far two levels of a colour may be apart that count as the same: profiles of sRGB differ by
/// as much.
const SAME: u8 = 2;

/// What a picture's colours mean.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Colors<'a> {
    /// What an ICC profile says.
    Profile(&'a [u8]),
    /// What four code points say: primaries, transfer, matrix and range
    /// (<https://www.w3.org/TR/png-3/#cICP-chunk>).
    CodePoints([u8; 4]),
}

/// A picture with its colours as sRGB, at 8 bits a channel; as it is when they are that already.
///
/// # Errors
/// A line that says which colours cannot be converted.
pub(crate) fn to_srgb(picture: DynamicImage, colors: Colors<'_>) -> Result<DynamicImage, String> {
    let refused =
        |what: &str| format!("a picture whose colours cannot be converted to sRGB ({what})");
    let profile = match colors {
        Colors::Profile(bytes) => ColorProfile::new_from_slice(bytes)
            .map_err(|error| refused(&format!("its profile cannot be read: {error}")))?,
        Colors::CodePoints(points) => of_code_points(points)
            .ok_or_else(|| refused(&format!("its colour space is {points:?} of ITU-T H.273")))?,
    };
    let is_grey = !picture.color().has_color();
    let fits = match profile.color_space {
        DataColorSpace::Rgb => true,
        DataColorSpace::Gray => is_grey,
        _ => false,
    };
    if !fits {
        let kind = if is_grey { "grey" } else { "RGB" };
        return Err(refused(&format!(
            "it has {kind} pixels, and a profile for {:?}",
            profile.color_space
        )));
    }
    let has_alpha = picture.color().has_alpha();
    let of_grey = profile.color_space == DataColorSpace::Gray;
    let (from, to) = match (of_grey, has_alpha) {
        (true, true) => (Layout::GrayAlpha, Layout::Rgba),
        (true, false) => (Layout::Gray, Layout::Rgb),
        (false, true) => (Layout::Rgba, Layout::Rgba),
        (false, false) => (Layout::Rgb, Layout::Rgb),
    };
    let transform = |from, to| {
        profile
            .create_transform_8bit(
                from,
                &ColorProfile::new_srgb(),
                to,
                TransformOptions::default(),
            )
            .map_err(|error| refused(&error.to_string()))
    };
    let probe = if of_grey { Layout::Gray } else { Layout::Rgb };
    if changes_nothing(&*transform(probe, Layout::Rgb)?, of_grey).map_err(|e| refused(&e))? {
        return Ok(picture);
    }
    let (width, height) = (picture.width(), picture.height());
    let pixels = match from {
        Layout::Gray => picture.into_luma8().into_raw(),
        Layout::GrayAlpha => picture.into_luma_alpha8().into_raw(),
        Layout::Rgba => picture.into_rgba8().into_raw(),
        _ => picture.into_rgb8().into_raw(),
    };
    let mut converted = vec![0; width as usize * height as usize * if has_alpha { 4 } else { 3 }];
    transform(from, to)?
        .transform(&pixels, &mut converted)
        .map_err(|error| refused(&error.to_string()))?;
    let fits = "there is a byte for each sample";
    Ok(if has_alpha {
        RgbaImage::from_raw(width, height, converted)
            .expect(fits)
            .into()
    } else {
        RgbImage::from_raw(width, height, converted)
            .expect(fits)
            .into()
    })
}

fn of_code_points([primaries, transfer, matrix, range]: [u8; 4]) -> Option<ColorProfile> {
    let points = CicpProfile {
        color_primaries: CicpColorPrimaries::try_from(primaries).ok()?,
        transfer_characteristics: TransferCharacteristics::try_from(transfer).ok()?,
        matrix_coefficients: MatrixCoefficients::try_from(matrix).ok()?,
        full_range: range == 1,
    };
    let profile = ColorProfile::new_from_cicp(points);
    // A PNG has RGB of the full range.
    let is_known = profile.red_trc.is_some() && (matrix, range) == (0, 1);
    is_known.then_some(profile)
}

/// Whether a conversion leaves colours from all over the cube as they are.
fn changes_nothing(transform: &dyn TransformExecutor<u8>, of_grey: bool) -> Result<bool, String> {
    let levels = (0..=255).step_by(15);
    let (from, expected): (Vec<u8>, Vec<u8>) = if of_grey {
        (
            levels.clone().collect(),
            levels.flat_map(|level| [level; 3]).collect(),
        )
    } else {
        let cube: Vec<u8> = levels
            .clone()
            .flat_map(|red| {
                let levels = levels.clone();
                levels
                    .clone()
                    .flat_map(move |green| levels.clone().flat_map(move |blue| [red, green, blue]))
            })
            .collect();
        (cube.clone(), cube)
    };
    let mut converted = vec![0; expected.len()];
    transform
        .transform(&from, &mut converted)
        .map_err(|error| error.to_string())?;
    Ok(converted
        .iter()
        .zip(&expected)
        .all(|(a, b)| a.abs_diff(*b) <= SAME))
}

#[cfg(test)]
mod tests;

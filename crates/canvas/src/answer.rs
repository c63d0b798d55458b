//! Bringing an answer to the size of the canvas.

use image::{RgbImage, imageops};

/// How an answer's size compares with the canvas's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SizeMatch {
    /// The same.
    Exact,
    /// Another, of the same shape.
    Resized,
    /// Another shape, so that the picture was stretched.
    Stretched,
}

/// Brings an answer to the canvas's size.
///
/// # Errors
/// A line that says so when it is too small to be a picture of the canvas.
pub(crate) fn bring_to_size(
    answer: RgbImage,
    width: u32,
    height: u32,
) -> Result<(RgbImage, SizeMatch), String> {
    let (from_width, from_height) = answer.dimensions();
    if (from_width, from_height) == (width, height) {
        return Ok((answer, SizeMatch::Exact));
    }
    if from_width < width.div_ceil(8) || from_height < height.div_ceil(8) {
        return Err(format!(
            "a picture of {from_width}x{from_height} px, too small for a canvas of {width}x{height} px"
        ));
    }
    let aspect = |width: u32, height: u32| f64::from(width) / f64::from(height);
    let stretch = aspect(from_width, from_height) / aspect(width, height);
    let size_match = if (0.99..=1.01).contains(&stretch) {
        SizeMatch::Resized
    } else {
        SizeMatch::Stretched
    };
    Ok((
        imageops::resize(&answer, width, height, imageops::FilterType::Lanczos3),
        size_match,
    ))
}

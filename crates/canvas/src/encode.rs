//! Pictures into bytes.

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::math::Rect;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, RgbImage};
use layer::{ImageFormat, PngCompression};

use crate::buffers::Buffers;
use crate::rows::rows_of;

/// Encodes a canvas for the wire, in a hurry: it is read once.
///
/// # Errors
/// A line that says why not; only memory can be short.
pub(crate) fn encode_canvas(
    picture: &DynamicImage,
    format: ImageFormat,
) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::with_capacity(picture.as_bytes().len() / 4);
    let (width, height, color) = (
        picture.width(),
        picture.height(),
        ExtendedColorType::from(picture.color()),
    );
    let encoded = match format {
        ImageFormat::Png => {
            PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive)
                .write_image(picture.as_bytes(), width, height, color)
        }
        // JPEG has no alpha.
        ImageFormat::Jpeg { quality } => {
            JpegEncoder::new_with_quality(&mut bytes, quality).encode_image(&picture.to_rgb8())
        }
    };
    encoded.map(|()| bytes).map_err(|error| error.to_string())
}

/// Encodes a part of an RGB picture for the disk: a finished quadrant.
///
/// # Errors
/// A line that says why not; only memory can be short.
///
/// # Panics
/// When the part does not lie inside the picture.
pub fn encode_quadrant(
    picture: &RgbImage,
    part: Rect,
    compression: PngCompression,
    buffers: &mut Buffers,
) -> Result<Vec<u8>, String> {
    let (width, height) = (part.width, part.height);
    // The encoder wants all samples in one piece.
    let mut samples = buffers.take(3 * width as usize * height as usize);
    samples.clear();
    rows_of(picture, part).for_each(|row| samples.extend_from_slice(row));
    let encoded = match compression {
        PngCompression::Fast => encode_rgb(&samples, width, CompressionType::Fast),
        PngCompression::Balanced => match is_worth_compressing(&samples, width)? {
            true => encode_rgb(&samples, width, COMPRESSED),
            false => encode_rgb(&samples, width, CompressionType::Fast),
        },
        PngCompression::Best => encode_rgb(&samples, width, CompressionType::Level(9)),
    };
    buffers.give_back(samples);
    encoded
}

/// What finds repetitions, and not at any price.
const COMPRESSED: CompressionType = CompressionType::Level(2);

/// How much smaller a sample must become for a picture to be worth compressing. Of pictures of which
/// the whole becomes less than a twentieth smaller no sample did.
const WORTH_IT: f64 = 0.07;

/// Of so many rows one is in the sample. In pictures without repetitions looking for them takes up to
/// ten times as long as doing without, so that already a tenth of the rows would double the time.
const ROWS_A_SAMPLED_ROW: usize = 128;

/// In how many places a picture is looked at.
const BANDS: usize = 2;

/// The fewest rows of a place: what repeats is often the row above.
const LEAST_ROWS: usize = 2;

/// Whether compressing an RGB picture saves enough to be worth its time: whether it does for a few of
/// its rows. Pixel art as models draw it, with noise in every pixel, has no repetitions to be found.
///
/// # Errors
/// A line that says why not; only memory can be short.
fn is_worth_compressing(samples: &[u8], width: u32) -> Result<bool, String> {
    let stride = 3 * width as usize;
    let height = samples.len() / stride;
    let rows = (height / ROWS_A_SAMPLED_ROW / BANDS).max(LEAST_ROWS);
    if height < 4 * BANDS * rows {
        return Ok(true);
    }
    let mut sample = Vec::with_capacity(BANDS * rows * stride);
    for band in 0..BANDS {
        // Not across the large pixels of pixel art.
        let first = (height * (2 * band + 1) / (2 * BANDS)) & !7;
        sample.extend_from_slice(&samples[first * stride..(first + rows) * stride]);
    }
    let fast = encode_rgb(&sample, width, CompressionType::Fast)?.len();
    let compressed = encode_rgb(&sample, width, COMPRESSED)?.len();
    Ok((compressed as f64) < (1.0 - WORTH_IT) * fast as f64)
}

/// Encodes RGB samples, row by row.
fn encode_rgb(samples: &[u8], width: u32, compression: CompressionType) -> Result<Vec<u8>, String> {
    let height = samples.len() as u32 / (3 * width);
    let mut bytes = Vec::with_capacity(samples.len() / 4);
    let encoded = PngEncoder::new_with_quality(&mut bytes, compression, FilterType::Adaptive)
        .write_image(samples, width, height, ExtendedColorType::Rgb8);
    encoded.map(|()| bytes).map_err(|error| error.to_string())
}

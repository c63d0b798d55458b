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
    let compression = match compression {
        PngCompression::Fast => CompressionType::Fast,
        PngCompression::Balanced => CompressionType::Level(2),
        PngCompression::Best => CompressionType::Level(9),
    };
    let (width, height) = (part.width, part.height);
    // The encoder wants all samples in one piece.
    let mut samples = buffers.take(3 * width as usize * height as usize);
    samples.clear();
    rows_of(picture, part).for_each(|row| samples.extend_from_slice(row));
    let mut bytes = Vec::with_capacity(samples.len() / 4);
    let encoded = PngEncoder::new_with_quality(&mut bytes, compression, FilterType::Adaptive)
        .write_image(&samples, width, height, ExtendedColorType::Rgb8);
    buffers.give_back(samples);
    encoded.map(|()| bytes).map_err(|error| error.to_string())
}

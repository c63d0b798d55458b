//! Pictures in and out of bytes. What is decoded comes from a map or a model and is not trusted.

use std::io::Cursor;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageReader, Limits, RgbImage};
use layer::{ImageFormat, PngCompression};

/// The most memory that decoding one picture may take, in bytes.
const MAX_DECODE_BYTES: u64 = 512 << 20;

/// Decodes a PNG, JPEG or WebP whose sides are at most `max_side_px`.
///
/// # Errors
/// A line that says what came instead.
pub(crate) fn decode(bytes: &[u8], max_side_px: u32) -> Result<DynamicImage, String> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(max_side_px);
    limits.max_image_height = Some(max_side_px);
    limits.max_alloc = Some(MAX_DECODE_BYTES);
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    if reader.format().is_none() {
        return Err(format!("no PNG, JPEG or WebP: {}", first_bytes(bytes)));
    }
    reader.limits(limits);
    reader.decode().map_err(|error| {
        format!(
            "a picture that does not decode ({error}): {}",
            first_bytes(bytes)
        )
    })
}

/// The picture without alpha, at 8 bits a channel.
#[must_use]
pub(crate) fn into_opaque(picture: DynamicImage) -> RgbImage {
    // Dropping alpha keeps the colours as they are; 16 bits are rounded.
    match picture {
        DynamicImage::ImageRgb8(picture) => picture,
        other => other.into_rgb8(),
    }
}

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

/// Encodes a finished quadrant for the disk.
///
/// # Errors
/// A line that says why not; only memory can be short.
pub(crate) fn encode_quadrant(
    picture: &RgbImage,
    compression: PngCompression,
) -> Result<Vec<u8>, String> {
    let compression = match compression {
        PngCompression::Fast => CompressionType::Fast,
        PngCompression::Balanced => CompressionType::Level(1),
        PngCompression::Best => CompressionType::Best,
    };
    let mut bytes = Vec::with_capacity(picture.as_raw().len() / 4);
    PngEncoder::new_with_quality(&mut bytes, compression, FilterType::Adaptive)
        .write_image(
            picture.as_raw(),
            picture.width(),
            picture.height(),
            ExtendedColorType::Rgb8,
        )
        .map(|()| bytes)
        .map_err(|error| error.to_string())
}

/// What bytes look like, for a message: the text they begin with, or their numbers.
#[must_use]
pub(crate) fn first_bytes(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing (0 bytes)".to_owned();
    }
    let start = &bytes[..bytes.len().min(40)];
    let text = String::from_utf8_lossy(start);
    let readable =
        !text.contains('\u{fffd}') && !text.chars().any(|c| c.is_control() && !c.is_whitespace());
    let shown = if readable {
        let words: Vec<&str> = text.split_whitespace().collect();
        format!("{:?}", words.join(" "))
    } else {
        let hex: Vec<String> = start
            .iter()
            .take(12)
            .map(|byte| format!("{byte:02x}"))
            .collect();
        hex.join(" ")
    };
    format!("{} bytes that begin with {shown}", bytes.len())
}

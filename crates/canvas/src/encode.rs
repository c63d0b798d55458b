//! Pictures into bytes.

use std::collections::HashSet;
use std::io::Write as _;

use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::math::Rect;
use image::{DynamicImage, ExtendedColorType, ImageEncoder, RgbImage};
use layer::{ImageFormat, PngCompression};
use png::{ColorType, Compression, EncodingError, Filter};

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
    let encoded = match format {
        ImageFormat::Png => match picture {
            DynamicImage::ImageRgb8(_) => hurried_png(picture, ColorType::Rgb, &mut bytes),
            DynamicImage::ImageRgba8(_) => hurried_png(picture, ColorType::Rgba, &mut bytes),
            other => hurried_png(&other.to_rgba8().into(), ColorType::Rgba, &mut bytes),
        }
        .map_err(|error| error.to_string()),
        // JPEG has no alpha.
        ImageFormat::Jpeg { quality } => JpegEncoder::new_with_quality(&mut bytes, quality)
            .encode_image(&picture.to_rgb8())
            .map_err(|error| error.to_string()),
    };
    encoded.map(|()| bytes)
}

/// How many bytes of compressed pixels a chunk of a PNG holds.
const CHUNK: usize = 64 << 10;

/// Appends a picture of 8 bits a sample as a PNG. Each row is told by the pixels to the left or by
/// those above, whichever are nearer: to look at all five filters of PNG takes longer than all the
/// rest, for hardly a twentieth of the bytes.
fn hurried_png(
    picture: &DynamicImage,
    color: ColorType,
    bytes: &mut Vec<u8>,
) -> Result<(), EncodingError> {
    let (width, height) = (picture.width(), picture.height());
    let mut encoder = png::Encoder::new(bytes, width, height);
    encoder.set_color(color);
    encoder.set_compression(Compression::Fast);
    let mut writer = encoder.write_header()?;
    let mut rows = writer.stream_writer_with_size(CHUNK)?;
    let row_length = width as usize * color.samples();
    let mut above: &[u8] = &[];
    for row in picture.as_bytes().chunks_exact(row_length) {
        let is_nearer_above =
            !above.is_empty() && distance(row, above) <= distance(&row[color.samples()..], row);
        rows.set_filter(match is_nearer_above {
            true => Filter::Up,
            false => Filter::Sub,
        });
        rows.write_all(row)?;
        above = row;
    }
    rows.finish()?;
    writer.finish()
}

/// How far samples are from those that they are told by, all together.
fn distance(samples: &[u8], from: &[u8]) -> u32 {
    let pairs = samples.iter().zip(from);
    pairs
        .map(|(sample, from)| u32::from(sample.abs_diff(*from)))
        .sum()
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

/// Of so many rows one is looked at for colours.
const ROWS_A_ROW_OF_COLORS: usize = 16;

/// A picture of so few colours was drawn without noise.
const FEW_COLORS: usize = 256;

/// Whether compressing an RGB picture saves enough to be worth its time: whether it has few colours, or
/// it does for a few of its rows. Pixel art as models draw it, with noise in every pixel, has no
/// repetitions to be found.
///
/// # Errors
/// A line that says why not; only memory can be short.
fn is_worth_compressing(samples: &[u8], width: u32) -> Result<bool, String> {
    let stride = 3 * width as usize;
    let height = samples.len() / stride;
    let rows = (height / ROWS_A_SAMPLED_ROW / BANDS).max(LEAST_ROWS);
    if height < 4 * BANDS * rows || has_few_colors(samples, stride) {
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

/// Whether an RGB picture has few colours, as far as rows all over it tell. It takes as long as it takes
/// to see too many.
fn has_few_colors(samples: &[u8], stride: usize) -> bool {
    let (mut seen, mut last) = (HashSet::with_capacity(FEW_COLORS), None);
    let rows = samples.chunks_exact(stride).step_by(ROWS_A_ROW_OF_COLORS);
    for color in rows.flat_map(|row| row.chunks_exact(3)) {
        if last.replace(color) != Some(color) {
            seen.insert(color);
            if seen.len() > FEW_COLORS {
                return false;
            }
        }
    }
    true
}

/// Encodes RGB samples, row by row.
fn encode_rgb(samples: &[u8], width: u32, compression: CompressionType) -> Result<Vec<u8>, String> {
    let height = samples.len() as u32 / (3 * width);
    let mut bytes = Vec::with_capacity(samples.len() / 4);
    let encoded = PngEncoder::new_with_quality(&mut bytes, compression, FilterType::Adaptive)
        .write_image(samples, width, height, ExtendedColorType::Rgb8);
    encoded.map(|()| bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use image::{Rgb, RgbaImage};

    use super::*;

    #[test]
    fn a_canvas_in_a_hurry_keeps_every_pixel() {
        let level = |x: u32, y: u32| ((x * 31) ^ (y * 17) ^ (x * y)) as u8;
        for (width, height) in [(1, 1), (1, 9), (9, 1), (40, 30), (700, 500)] {
            let rgb = RgbImage::from_fn(width, height, |x, y| Rgb([level(x, y), x as u8, y as u8]));
            let mut rgba: RgbaImage = DynamicImage::from(rgb.clone()).to_rgba8();
            for (x, y, pixel) in rgba.enumerate_pixels_mut() {
                pixel.0[3] = level(y, x);
            }
            let luma = DynamicImage::from(rgb.clone()).to_luma8();
            for canvas in [rgb.into(), rgba.into(), DynamicImage::from(luma)] {
                let bytes = encode_canvas(&canvas, ImageFormat::Png).unwrap();
                let decoded = image::load_from_memory(&bytes).unwrap();
                assert_eq!(decoded.to_rgba8(), canvas.to_rgba8());
            }
        }
    }

    #[test]
    fn what_repeats_from_row_to_row_takes_hardly_any_bytes() {
        let doubled = |x: u32, y: u32| Rgb([(x * x * 7) as u8, (x * 91) as u8, (y / 64) as u8]);
        let canvas = RgbImage::from_fn(512, 512, doubled).into();
        let bytes = encode_canvas(&canvas, ImageFormat::Png).unwrap();
        assert!(bytes.len() < 40_000, "{} bytes", bytes.len());
    }
}

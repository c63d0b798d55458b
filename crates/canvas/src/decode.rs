//! Bytes into pictures. What is decoded comes from a map or a model and is not trusted.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};

use image::error::{DecodingError, ImageFormatHint};
use image::math::Rect;
use image::metadata::Orientation;
use image::{
    ColorType, DynamicImage, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult,
    Limits, RgbImage,
};

use crate::buffers::Buffers;
use crate::bytes_shown::Tell;
use crate::profile::{Colors, to_srgb};
use crate::rows::rows_of_mut;
use crate::whole::require_whole;

/// The most memory that decoding one picture may take, in bytes.
const MAX_DECODE_BYTES: u64 = 512 << 20;

const PNG_LIMITS: png::Limits = png::Limits {
    bytes: MAX_DECODE_BYTES as usize,
};

/// Decodes a whole PNG, JPEG or WebP whose sides are at most `max_side_px`: turned the way it is to
/// be looked at, and with its colours as sRGB.
///
/// # Errors
/// A line that says what came instead.
pub fn decode(
    bytes: &[u8],
    max_side_px: u32,
    tell: Tell,
    buffers: &mut Buffers,
) -> Result<DynamicImage, String> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(max_side_px);
    limits.max_image_height = Some(max_side_px);
    limits.max_alloc = Some(MAX_DECODE_BYTES);
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| error.to_string())?;
    let Some(format) = reader.format() else {
        return Err(format!("no PNG, JPEG or WebP: {}", tell.what(bytes)));
    };
    reader.limits(limits.clone());
    let damaged = |error: &dyn std::fmt::Display| {
        format!(
            "a picture that does not decode ({error}): {}",
            tell.what(bytes)
        )
    };
    let mut decoder = guarded(|| reader.into_decoder())
        .and_then(|decoder| {
            limits.reserve(decoder.total_bytes())?;
            Ok(decoder)
        })
        .map_err(|error: ImageError| damaged(&error))?;
    let chunks = require_whole(bytes, format).map_err(|reason| damaged(&reason))?;
    let orientation = match chunks.exif {
        // One that stands behind the pixels is not known to the decoder.
        Some(exif) => Ok(Orientation::from_exif_chunk(exif)),
        None => decoder.orientation().map(Some),
    };
    let orientation = orientation.map_err(|error| damaged(&error))?;
    let profile = decoder.icc_profile().map_err(|error| damaged(&error))?;
    let mut picture =
        guarded(|| read(decoder, bytes, format, buffers)).map_err(|error| damaged(&error))?;
    picture.apply_orientation(orientation.unwrap_or(Orientation::NoTransforms));
    match (chunks.code_points, &profile) {
        (Some(points), _) => to_srgb(picture, Colors::CodePoints(points)),
        (None, Some(profile)) => to_srgb(picture, Colors::Profile(profile)),
        (None, None) => Ok(picture),
    }
}

/// Calls a decoder of another's. One that panics on what it was given is one more way for a
/// picture to be bad; a panic of our own code is not.
fn guarded<T>(decode: impl FnOnce() -> ImageResult<T>) -> ImageResult<T> {
    catch_unwind(AssertUnwindSafe(decode)).unwrap_or_else(|_| {
        let reason = "its decoder cannot cope with it";
        Err(ImageError::Decoding(DecodingError::new(
            ImageFormatHint::Unknown,
            reason,
        )))
    })
}

fn read(
    decoder: impl ImageDecoder,
    bytes: &[u8],
    format: ImageFormat,
    buffers: &mut Buffers,
) -> ImageResult<DynamicImage> {
    let (width, height) = decoder.dimensions();
    if decoder.color_type() != ColorType::Rgb8 {
        return DynamicImage::from_decoder(decoder);
    }
    let pixels = buffers.take(decoder.total_bytes() as usize);
    let mut picture =
        RgbImage::from_raw(width, height, pixels).expect("a decoder knows the size of its picture");
    let all = Rect {
        x: 0,
        y: 0,
        width,
        height,
    };
    if format == ImageFormat::Png && decode_into(bytes, &mut picture, all).is_some() {
        return Ok(picture.into());
    }
    // What a decoder leaves out must not show what was in the buffer before.
    picture.fill(0);
    decoder.read_image(&mut picture)?;
    Ok(picture.into())
}

/// Decodes the usual picture of a map, a whole PNG of 8-bit RGB as large as `part`, straight into
/// that part of `picture`: each pixel of a map comes this way, and is not moved twice.
///
/// `None` when the bytes are anything else or damaged; [`decode`] tells. The part then holds
/// anything. Otherwise each of its pixels is the picture's.
///
/// # Panics
/// When the part does not lie inside the picture.
#[must_use]
pub(crate) fn decode_into(bytes: &[u8], picture: &mut RgbImage, part: Rect) -> Option<()> {
    let is_plain = require_whole(bytes, ImageFormat::Png).is_ok_and(|chunks| chunks.say_nothing());
    if !is_plain {
        return None;
    }
    let mut decoder = png::Decoder::new_with_limits(Cursor::new(bytes), PNG_LIMITS);
    decoder.set_ignore_text_chunk(true);
    let mut reader = decoder.read_info().ok()?;
    let info = reader.info();
    let is_usual = info.size() == (part.width, part.height)
        && (info.color_type, info.bit_depth) == (png::ColorType::Rgb, png::BitDepth::Eight)
        && info.trns.is_none()
        && info.animation_control.is_none()
        && !info.interlaced;
    if !is_usual {
        return None;
    }
    for row in rows_of_mut(picture, part) {
        reader.read_row(row).ok()??;
    }
    reader.read_row(&mut []).ok()?.is_none().then_some(())
}

/// The picture without alpha, at 8 bits a channel.
#[must_use]
pub fn into_opaque(picture: DynamicImage) -> RgbImage {
    // Dropping alpha keeps the colours as they are; 16 bits are rounded.
    match picture {
        DynamicImage::ImageRgb8(picture) => picture,
        other => other.into_rgb8(),
    }
}

#[cfg(test)]
mod tests {
    use image::{Luma, Rgba};

    use layer::{ImageFormat, PngCompression};

    use super::*;
    use crate::encode::{encode_canvas, encode_quadrant};

    const ALL: Rect = Rect {
        x: 0,
        y: 0,
        width: 128,
        height: 96,
    };

    fn city() -> RgbImage {
        let layer = fixtures::maps::SourceLayer::Generations;
        let picture = fixtures::tiny_city::picture(layer, planner::Quadrant::new(0, 0));
        image::imageops::crop_imm(&picture, 0, 0, 128, 96).to_image()
    }

    #[test]
    fn a_stored_picture_is_the_same_however_it_is_compressed() {
        let compressions = [
            PngCompression::Fast,
            PngCompression::Balanced,
            PngCompression::Best,
        ];
        let sizes = compressions.map(|compression| {
            let bytes =
                encode_quadrant(&city(), ALL, compression, &mut Buffers::default()).unwrap();
            assert_eq!(
                into_opaque(
                    decode(&bytes, 128, Tell::FirstBytes, &mut Buffers::default()).unwrap()
                ),
                city()
            );
            bytes.len()
        });
        assert!(
            sizes.is_sorted_by(|larger, smaller| larger > smaller),
            "{sizes:?}"
        );
    }

    #[test]
    fn a_part_of_a_picture_is_what_is_stored() {
        let city = city();
        for (x, y, width, height) in [(0, 0, 64, 48), (64, 48, 64, 48), (127, 3, 1, 93)] {
            let part = Rect {
                x,
                y,
                width,
                height,
            };
            let bytes = encode_quadrant(
                &city,
                part,
                PngCompression::Balanced,
                &mut Buffers::default(),
            )
            .unwrap();
            let stored = into_opaque(
                decode(&bytes, 128, Tell::FirstBytes, &mut Buffers::default()).unwrap(),
            );
            let expected = image::imageops::crop_imm(&city, x, y, width, height);
            assert_eq!(stored, expected.to_image());
        }
    }

    /// What [`decode_into`] makes of `bytes` in the middle of a white picture.
    fn decoded_into(bytes: &[u8]) -> Option<RgbImage> {
        let mut around = RgbImage::from_pixel(140, 100, image::Rgb([255; 3]));
        decode_into(bytes, &mut around, Rect { x: 9, y: 3, ..ALL })?;
        let middle = image::imageops::crop_imm(&around, 9, 3, 128, 96).to_image();
        image::imageops::replace(
            &mut around,
            &RgbImage::from_pixel(128, 96, image::Rgb([255; 3])),
            9,
            3,
        );
        assert!(
            around.iter().all(|&sample| sample == 255),
            "what is around is left alone"
        );
        Some(middle)
    }

    #[test]
    fn a_picture_is_the_same_wherever_it_is_decoded_to() {
        for compression in [PngCompression::Fast, PngCompression::Best] {
            let bytes =
                encode_quadrant(&city(), ALL, compression, &mut Buffers::default()).unwrap();
            assert_eq!(decoded_into(&bytes), Some(city()));
            for length in (0..bytes.len()).step_by(97).chain([bytes.len() - 13]) {
                let cut = &bytes[..length];
                let decoded = decode(cut, 128, Tell::FirstBytes, &mut Buffers::default());
                assert_eq!(
                    decoded_into(cut),
                    decoded.ok().map(into_opaque),
                    "{length} bytes"
                );
            }
            let mut damaged = bytes;
            let middle = damaged.len() / 2;
            damaged[middle] ^= 1;
            assert_eq!(decoded_into(&damaged), None);
        }
    }

    #[test]
    fn what_is_no_usual_picture_is_left_to_others() {
        let city = DynamicImage::from(city());
        let others = [
            city.to_rgba8().into(),
            city.to_luma8().into(),
            city.to_rgb16().into(),
            city.crop_imm(0, 0, 127, 96),
        ];
        for other in &others {
            let png = encode_canvas(other, ImageFormat::Png).unwrap();
            assert_eq!(decoded_into(&png), None, "{:?}", other.color());
        }
        let jpeg = encode_canvas(&city, ImageFormat::Jpeg { quality: 90 }).unwrap();
        assert_eq!(decoded_into(&jpeg), None);
        let mut with_clear_color = Vec::new();
        let mut encoder = png::Encoder::new(&mut with_clear_color, 128, 96);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_trns(vec![0, 1, 0, 2, 0, 3]);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(city.as_bytes()).unwrap();
        drop(writer);
        assert_eq!(decoded_into(&with_clear_color), None);
    }

    #[test]
    fn a_canvas_is_what_its_format_says() {
        let canvas = DynamicImage::ImageRgb8(city());
        let png = encode_canvas(&canvas, ImageFormat::Png).unwrap();
        assert_eq!(image::guess_format(&png).unwrap(), image::ImageFormat::Png);
        let [fine, coarse] =
            [95, 20].map(|quality| encode_canvas(&canvas, ImageFormat::Jpeg { quality }).unwrap());
        assert_eq!(
            image::guess_format(&fine).unwrap(),
            image::ImageFormat::Jpeg
        );
        assert!(coarse.len() < fine.len());
    }

    #[test]
    fn sixteen_bits_are_rounded_and_alpha_is_dropped() {
        let deep = DynamicImage::ImageLuma16(image::ImageBuffer::from_fn(3, 1, |x, _| {
            Luma([[0, 32_896, 65_535][x as usize]])
        }));
        assert_eq!(
            into_opaque(deep).into_raw(),
            [0, 0, 0, 128, 128, 128, 255, 255, 255]
        );
        let sheer =
            DynamicImage::ImageRgba8(image::ImageBuffer::from_pixel(1, 1, Rgba([10, 20, 30, 0])));
        assert_eq!(into_opaque(sheer).into_raw(), [10, 20, 30]);
    }

    #[test]
    fn what_is_too_large_is_not_decoded() {
        let bytes =
            encode_quadrant(&city(), ALL, PngCompression::Fast, &mut Buffers::default()).unwrap();
        assert!(decode(&bytes, 127, Tell::FirstBytes, &mut Buffers::default()).is_err());
        assert!(
            decode(
                &bytes[..bytes.len() / 2],
                128,
                Tell::FirstBytes,
                &mut Buffers::default()
            )
            .is_err()
        );
    }
}

//! Pictures in the form in which finished quadrants are stored: PNG, 8-bit RGB, of the map's size.

use image::RgbImage;
use image::math::Rect;
use layer::PngCompression;

use crate::buffers::Buffers;
use crate::decode::{decode_into, into_opaque};
use crate::encode::encode_quadrant;
use crate::quadrant::{QuadrantSize, decode_quadrant};

/// Whether `bytes` are a picture of a quadrant as it is stored: whole, and each pixel of it what
/// it says. Costs as much as decoding it.
#[must_use]
pub fn is_as_stored(bytes: &[u8], size: QuadrantSize, buffers: &mut Buffers) -> bool {
    let all = all_of(size);
    let pixels = buffers.take(3 * all.width as usize * all.height as usize);
    let mut picture =
        RgbImage::from_raw(all.width, all.height, pixels).expect("there is a byte for each sample");
    let is_usual = decode_into(bytes, &mut picture, all).is_some();
    buffers.give_back(picture.into_raw());
    is_usual
}

/// The picture of a quadrant as it is stored: `bytes` themselves where they are that already, else
/// the same pixels, without alpha.
///
/// # Errors
/// A line that says what is wrong with it.
pub fn as_stored(
    bytes: &[u8],
    size: QuadrantSize,
    compression: PngCompression,
    buffers: &mut Buffers,
) -> Result<Vec<u8>, String> {
    if is_as_stored(bytes, size, buffers) {
        return Ok(bytes.to_vec());
    }
    let picture = into_opaque(decode_quadrant(bytes, size, buffers)?);
    let encoded = encode_quadrant(&picture, all_of(size), compression, buffers);
    buffers.give_back(picture.into_raw());
    encoded
}

pub(crate) const fn all_of(size: QuadrantSize) -> Rect {
    Rect {
        x: 0,
        y: 0,
        width: size.width_px,
        height: size.height_px,
    }
}

#[cfg(test)]
mod tests {
    use image::{DynamicImage, ImageFormat, RgbaImage};

    use super::*;

    const SIZE: QuadrantSize = QuadrantSize {
        width_px: 16,
        height_px: 12,
    };

    fn picture(width: u32, height: u32) -> RgbaImage {
        RgbaImage::from_fn(width, height, |x, y| {
            image::Rgba([x as u8 * 9, y as u8 * 7, (x * y) as u8, 255 - x as u8])
        })
    }

    fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.into().write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn stored(bytes: &[u8]) -> Result<Vec<u8>, String> {
        let buffers = &mut Buffers::default();
        as_stored(bytes, SIZE, PngCompression::Balanced, buffers)
    }

    #[test]
    fn what_is_stored_already_stays_byte_for_byte_and_all_else_keeps_its_pixels() {
        let rgb = DynamicImage::from(picture(16, 12)).to_rgb8();
        let plain = encoded(rgb.clone(), ImageFormat::Png);
        assert_eq!(stored(&plain).unwrap(), plain);
        for (other, expected) in [
            (encoded(picture(16, 12), ImageFormat::Png), &rgb),
            (encoded(picture(16, 12), ImageFormat::WebP), &rgb),
            (
                encoded(DynamicImage::from(rgb.clone()).to_rgb16(), ImageFormat::Png),
                &rgb,
            ),
        ] {
            let again = stored(&other).unwrap();
            assert_ne!(again, other);
            assert!(is_as_stored(&again, SIZE, &mut Buffers::default()));
            let decoded = decode_quadrant(&again, SIZE, &mut Buffers::default());
            assert_eq!(&into_opaque(decoded.unwrap()), expected);
        }
    }

    #[test]
    fn what_is_no_whole_picture_of_the_size_is_refused() {
        let plain = encoded(
            DynamicImage::from(picture(16, 12)).to_rgb8(),
            ImageFormat::Png,
        );
        for length in 0..plain.len() {
            let cut = &plain[..length];
            assert!(
                !is_as_stored(cut, SIZE, &mut Buffers::default()),
                "{length}"
            );
            assert!(stored(cut).is_err(), "{length}");
        }
        let other = encoded(
            DynamicImage::from(picture(12, 16)).to_rgb8(),
            ImageFormat::Png,
        );
        assert!(stored(&other).unwrap_err().contains("12x16"));
    }
}

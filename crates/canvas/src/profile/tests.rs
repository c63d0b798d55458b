//! Pictures in other colours than sRGB's.

use image::{ImageEncoder, Rgb};

use super::*;
use crate::{Buffers, Tell, decode};

/// A colour that each profile has, and that is another one in most of them.
const COLOR: [u8; 3] = [180, 120, 70];

fn with_profile(picture: &DynamicImage, profile: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::png::PngEncoder::new(&mut bytes);
    encoder.set_icc_profile(profile.to_vec()).unwrap();
    encoder
        .write_image(
            picture.as_bytes(),
            picture.width(),
            picture.height(),
            picture.color().into(),
        )
        .unwrap();
    bytes
}

fn plain() -> DynamicImage {
    RgbImage::from_pixel(6, 5, Rgb(COLOR)).into()
}

fn decoded(bytes: &[u8]) -> Result<DynamicImage, String> {
    decode(bytes, 100, Tell::FirstBytes, &mut Buffers::default())
}

#[test]
fn a_picture_with_a_profile_of_srgb_is_left_as_it_is() {
    let profile = ColorProfile::new_srgb().encode().unwrap();
    for picture in [plain(), plain().to_rgba8().into()] {
        assert_eq!(decoded(&with_profile(&picture, &profile)), Ok(picture));
    }
    let grey = DynamicImage::from(plain().to_luma8());
    let bytes = with_profile(&grey, &profile);
    assert_eq!(decoded(&bytes), Ok(grey), "a grey picture with it");
}

#[test]
fn a_picture_in_other_colours_is_converted() {
    // Computed with the matrices and curves of the standards: a colour of a wide space lies
    // farther out in sRGB.
    for (name, profile, expected) in [
        ("Display P3", ColorProfile::new_display_p3(), [190, 117, 59]),
        ("Adobe RGB", ColorProfile::new_adobe_rgb(), [199, 121, 65]),
    ] {
        let profile = profile.encode().unwrap();
        let deep = DynamicImage::from(plain().to_rgb16());
        for picture in [plain(), plain().to_rgba8().into(), deep] {
            let found = decoded(&with_profile(&picture, &profile)).unwrap();
            let pixel = found.to_rgb8().get_pixel(3, 3).0;
            let off = pixel.iter().zip(expected).map(|(a, b)| a.abs_diff(b)).max();
            assert!(off <= Some(3), "{name}: {pixel:?}");
            assert_eq!(found.color().has_alpha(), picture.color().has_alpha());
        }
    }
}

#[test]
fn a_grey_picture_with_another_gamma_is_converted() {
    let profile = ColorProfile::new_gray_with_gamma(1.0).encode().unwrap();
    let grey = DynamicImage::from(image::GrayImage::from_pixel(4, 4, image::Luma([55])));
    let found = decoded(&with_profile(&grey, &profile)).unwrap();
    let [red, green, blue] = found.to_rgb8().get_pixel(1, 1).0;
    // 55 of 255 in linear light.
    assert!(
        red == green && green == blue && red.abs_diff(128) <= 2,
        "{red} {green} {blue}"
    );
}

#[test]
fn the_colour_space_of_a_png_is_followed() {
    let plain_png = crate::encode::encode_canvas(&plain(), layer::ImageFormat::Png).unwrap();
    let with_points =
        |points: [u8; 4]| crate::whole::tests::with_chunk(&plain_png, 8 + 25, b"cICP", &points);
    assert_eq!(decoded(&with_points([1, 13, 0, 1])), Ok(plain()), "sRGB");
    let p3 = decoded(&with_points([12, 13, 0, 1])).unwrap().to_rgb8();
    assert!(
        p3.get_pixel(0, 0).0[0].abs_diff(190) <= 3,
        "{:?}",
        p3.get_pixel(0, 0)
    );
    let error = decoded(&with_points([1, 2, 0, 1])).unwrap_err();
    assert!(error.contains("cannot be converted to sRGB"), "{error}");
}

#[test]
fn what_cannot_be_converted_is_told() {
    let grey = ColorProfile::new_gray_with_gamma(2.2).encode().unwrap();
    for (profile, says) in [
        (grey, "it has RGB pixels, and a profile for Gray"),
        (b"no profile at all".to_vec(), "its profile cannot be read"),
    ] {
        let error = decoded(&with_profile(&plain(), &profile)).unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

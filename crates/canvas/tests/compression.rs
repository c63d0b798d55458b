//! Pictures are compressed where that saves something, and nowhere else.

#[path = "textured/textures.rs"]
mod textures;

use canvas::{Buffers, encode_quadrant};
use fixtures::maps::SourceLayer;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::math::Rect;
use image::{ExtendedColorType, ImageEncoder, RgbImage};
use layer::PngCompression;
use proptest::prelude::*;

use textures::{Texture, quadrants};

fn encoded(picture: &RgbImage, compression: PngCompression) -> Vec<u8> {
    let (width, height) = picture.dimensions();
    let all = Rect {
        x: 0,
        y: 0,
        width,
        height,
    };
    encode_quadrant(picture, all, compression, &mut Buffers::default()).unwrap()
}

/// A picture whose repetitions were looked for.
fn compressed(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    let level = CompressionType::Level(2);
    let (width, height) = picture.dimensions();
    PngEncoder::new_with_quality(&mut bytes, level, FilterType::Adaptive)
        .write_image(picture, width, height, ExtendedColorType::Rgb8)
        .unwrap();
    bytes
}

#[test]
fn compression_is_paid_for_where_it_saves_something() {
    let (mut spared, mut saved) = (0, 0);
    for source in [SourceLayer::Generations, SourceLayer::Renders] {
        for (texture, quadrant) in Texture::ALL
            .into_iter()
            .flat_map(|texture| quadrants(source).into_iter().map(move |at| (texture, at)))
        {
            let picture = texture.picture(source, quadrant);
            let chosen = encoded(&picture, PngCompression::Balanced);
            let fast = encoded(&picture, PngCompression::Fast);
            let small = compressed(&picture);
            let saving = 1.0 - small.len() as f64 / fast.len() as f64;
            let what = format!("{texture:?} {source:?} {quadrant}: {saving:.3} saved");
            match saving {
                ..0.05 => {
                    assert!(chosen == fast, "{what}");
                    spared += 1;
                }
                0.2.. => {
                    assert!(chosen == small, "{what}");
                    saved += 1;
                }
                _ => assert!(chosen == fast || chosen == small, "{what}"),
            }
            let decoded = image::load_from_memory(&chosen).unwrap();
            assert!(decoded.to_rgb8() == picture, "{what}");
        }
    }
    assert!(spared > 20 && saved > 20, "{spared} spared, {saved} saved");
}

proptest! {
    #[test]
    fn pictures_of_any_size_and_kind_come_back(
        (width, height) in (1u32..300, 1u32..300),
        colors in 1u8..=255,
        seed: u64,
        compression in prop::sample::select(vec![
            PngCompression::Fast,
            PngCompression::Balanced,
            PngCompression::Best,
        ]),
    ) {
        let mut dice = fastrand::Rng::with_seed(seed);
        let picture = RgbImage::from_fn(width, height, |_, _| {
            image::Rgb([0; 3].map(|_| dice.u8(..colors)))
        });
        let bytes = encoded(&picture, compression);
        prop_assert_eq!(image::load_from_memory(&bytes).unwrap().to_rgb8(), picture);
    }
}

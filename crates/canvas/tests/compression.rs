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

/// Large pixels, of which a row repeats the one above, small ones, and rows in between that are dithered.
#[test]
fn what_has_few_colors_is_compressed_where_that_saves() {
    let mut dice = fastrand::Rng::with_seed(5);
    let mut saved = 0;
    for (pixel, colors) in [1, 2, 3, 4, 8, 16]
        .into_iter()
        .flat_map(|pixel| [2, 16, 90, 200].map(|colors| (pixel, colors)))
    {
        let palette: Vec<[u8; 3]> = (0..colors).map(|_| [0; 3].map(|_| dice.u8(..))).collect();
        let side = 512_u32.div_ceil(pixel);
        let drawn: Vec<[u8; 3]> = (0..side * side)
            .map(|_| palette[dice.usize(..palette.len())])
            .collect();
        let picture = RgbImage::from_fn(512, 512, |x, y| match y % 64 {
            0 | 1 => image::Rgb(palette[dice.usize(..palette.len())]),
            _ => image::Rgb(drawn[(y / pixel * side + x / pixel) as usize]),
        });
        let (small, fast) = (
            compressed(&picture),
            encoded(&picture, PngCompression::Fast),
        );
        let saving = 1.0 - small.len() as f64 / fast.len() as f64;
        if saving >= 0.2 {
            let chosen = encoded(&picture, PngCompression::Balanced);
            assert!(chosen == small, "{colors} colours, {pixel} px: {saving:.3}");
            saved += 1;
        }
    }
    assert!(saved > 12, "{saved} saved");
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

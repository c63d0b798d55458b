//! Measures what compressing finished quadrants costs and saves: `cargo bench -p canvas --bench
//! compression`.
//!
//! Each kind of picture is encoded as `fast`, with a search for repetitions, and as `balanced`, which
//! chooses one of the two by a few rows of each picture.

#[path = "../tests/textured/textures.rs"]
mod textures;

use std::time::Instant;

use canvas::{Buffers, encode_quadrant};
use fixtures::maps::SourceLayer;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::math::Rect;
use image::{ExtendedColorType, ImageEncoder, RgbImage};
use layer::PngCompression;

use textures::{Texture, quadrants};

/// Each picture is encoded so often; the shortest time counts.
const TIMES: usize = 9;

fn main() {
    println!("a quadrant of 512x512 px, encoded; the shortest time of {TIMES}\n");
    println!(
        "{:<30}|{:^16} |{:^16} |{:^16} | {:>8} {:>14}",
        "", "fast", "compressed", "balanced", "saving", "balanced to"
    );
    println!(
        "{:<30}|{:>8}{:>8} |{:>8}{:>8} |{:>8}{:>8} | {:>8} {:>14}",
        "", "KB", "ms", "KB", "ms", "KB", "ms", "%", "the faster"
    );
    for source in [SourceLayer::Generations, SourceLayer::Renders] {
        for texture in Texture::ALL {
            print_row(source, texture);
        }
    }
}

fn print_row(source: SourceLayer, texture: Texture) {
    let pictures: Vec<RgbImage> = quadrants(source)
        .into_iter()
        .map(|quadrant| texture.picture(source, quadrant))
        .collect();
    let buffers = &mut Buffers::default();
    let (mut fast, mut compressed, mut balanced) = ((0.0, 0.0), (0.0, 0.0), (0.0, 0.0));
    for picture in &pictures {
        let own = |compression| {
            let (width, height) = picture.dimensions();
            let all = Rect {
                x: 0,
                y: 0,
                width,
                height,
            };
            move |buffers: &mut Buffers| {
                encode_quadrant(picture, all, compression, buffers).expect("it encodes")
            }
        };
        add(&mut fast, buffers, own(PngCompression::Fast));
        add(&mut compressed, buffers, |_| with_search(picture));
        add(&mut balanced, buffers, own(PngCompression::Balanced));
    }
    let count = pictures.len() as f64;
    print!("{:<30}", format!("{source:?}, {texture:?}").to_lowercase());
    for (kb, ms) in [fast, compressed, balanced] {
        print!("|{:>8.0}{:>8.2} ", kb / count, ms / count);
    }
    println!(
        "| {:>8.1} {:>14.2}",
        100.0 * (1.0 - compressed.0 / fast.0),
        balanced.1 / fast.1.min(compressed.1)
    );
}

/// Adds the size in KB and the shortest time in ms.
fn add(
    sum: &mut (f64, f64),
    buffers: &mut Buffers,
    mut encode: impl FnMut(&mut Buffers) -> Vec<u8>,
) {
    let mut shortest = f64::INFINITY;
    let mut bytes = 0;
    for _ in 0..TIMES {
        let start = Instant::now();
        bytes = encode(buffers).len();
        shortest = shortest.min(1e3 * start.elapsed().as_secs_f64());
    }
    sum.0 += bytes as f64 / 1e3;
    sum.1 += shortest;
}

fn with_search(picture: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(picture.as_raw().len() / 4);
    let (width, height) = picture.dimensions();
    let level = CompressionType::Level(2);
    PngEncoder::new_with_quality(&mut bytes, level, FilterType::Adaptive)
        .write_image(picture, width, height, ExtendedColorType::Rgb8)
        .expect("it encodes");
    bytes
}

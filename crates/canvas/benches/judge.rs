//! Measures how well answers are judged, and what it costs: `cargo bench -p canvas`.
//!
//! Prints for each kind of source how many good answers are rejected, then for each defect how many
//! of those planted are caught, then what judging costs beside the decoding and encoding of a block.

#[path = "../tests/judged/answers.rs"]
mod answers;
#[path = "../tests/judged/cases.rs"]
mod cases;
#[path = "../tests/judged/noise.rs"]
mod noise;
#[path = "../tests/judged/sources.rs"]
mod sources;
#[path = "../tests/judged/styles.rs"]
mod styles;

use std::hint::black_box;
use std::time::Instant;

use canvas::{
    Buffers, CanvasForm, Carries, Frame, Outgoing, Palette, QuadrantSize, Tell, encode_quadrant,
    stitch_encoded,
};
use image::RgbImage;
use image::math::Rect;
use layer::{AcceptConfig, CanvasConfig, CanvasMode, ImageFormat, PngCompression};
use planner::{Block, BlockShape};

use answers::Defect;
use cases::{Context, Layer};
use sources::Source;
use styles::Style;

const SIZES_PX: [(u32, u32); 4] = [(128, 128), (256, 256), (192, 136), (160, 160)];
const GOOD_OF_LAYER: u64 = 24;
const OF_STREETS: u64 = 8;
const OF_MATCHED: u64 = 2;
const BAD_OF_LAYER: u64 = 2;

fn main() {
    let is_told = std::env::args().any(|argument| argument == "--each");
    let mut good = [(0, 0); Source::ALL.len()];
    let mut streets = [(0, 0); Source::ALL.len()];
    let mut matched = [(0, 0); Source::ALL.len()];
    let mut unmatched = [(0, 0); Source::ALL.len()];
    let mut caught = [[(0, 0); Source::ALL.len()]; Defect::ALL.len()];
    for (row, source) in Source::ALL.into_iter().enumerate() {
        for (index, style) in Style::ALL.into_iter().enumerate() {
            let (width_px, height_px) = SIZES_PX[(row + index) % SIZES_PX.len()];
            let size = QuadrantSize {
                width_px,
                height_px,
            };
            let layer = Layer::new(source, style, size);
            let accept = AcceptConfig::default();
            for seed in seeds(row, index, GOOD_OF_LAYER) {
                let judgement = layer.judge(seed, None, &accept);
                count(&mut good[row], !judgement.is_good());
                if is_told && !judgement.is_good() {
                    println!("{source:?} {style:?} {width_px} px {seed}: {judgement}");
                }
            }
            for seed in seeds(row + 10, index, OF_STREETS) {
                let judgement = layer.judge_with_streets(seed, &accept);
                count(&mut streets[row], !judgement.is_good());
                if is_told && !judgement.is_good() {
                    println!("{source:?} {style:?} {width_px} px {seed}: streets: {judgement}");
                }
            }
            for seed in seeds(row + 15, index, OF_MATCHED) {
                for (context, row) in [
                    (Context::AsMuchBrighter, &mut matched[row]),
                    (Context::AsItIs, &mut unmatched[row]),
                ] {
                    let judgement = layer.judge_matched(seed, context);
                    count(row, !judgement.is_good());
                }
            }
            for (of_defect, defect) in caught.iter_mut().zip(Defect::ALL) {
                for seed in seeds(row + 5, index, BAD_OF_LAYER) {
                    let judgement = layer.judge(seed, Some(defect), &accept);
                    count(&mut of_defect[row], !judgement.is_good());
                    if is_told && judgement.is_good() {
                        println!("{source:?} {style:?} {width_px} px {seed}: {defect:?} missed");
                    }
                }
            }
        }
    }
    print!("{:<24}", "of answers");
    for source in Source::ALL {
        print!(" {:>12}", source.name());
    }
    println!(" {:>12}", "all");
    print_row("good, rejected", &good);
    print_row("by streets, rejected", &streets);
    print_row("matched, rejected", &matched);
    print_row("not matched, caught", &unmatched);
    let mut all = [(0, 0); Source::ALL.len()];
    for (of_defect, defect) in caught.iter().zip(Defect::ALL) {
        print_row(&format!("{defect:?}, caught"), of_defect);
        for (all, of_source) in all.iter_mut().zip(of_defect) {
            all.0 += of_source.0;
            all.1 += of_source.1;
        }
    }
    print_row("bad, caught", &all);
    println!();
    println!(
        "{:<18} {:>12} {:>12} {:>12} {:>12} {:>8}",
        "ms per quadrant", "codecs", "remembered", "good judged", "bad judged", "share"
    );
    for source in Source::ALL {
        print_cost(source);
    }
}

/// Those of one layer, which no other layer has.
fn seeds(row: usize, index: usize, count: u64) -> std::ops::Range<u64> {
    let first = 1_000 * (10 * row + index + 1) as u64;
    first..first + count
}

fn count(of: &mut (u32, u32), is_one: bool) {
    of.0 += u32::from(is_one);
    of.1 += 1;
}

fn print_row(name: &str, of_sources: &[(u32, u32)]) {
    print!("{name:<24}");
    let sum = of_sources
        .iter()
        .fold((0, 0), |sum, of| (sum.0 + of.0, sum.1 + of.1));
    for (found, of) in of_sources.iter().copied().chain([sum]) {
        print!(" {:>12}", format!("{found}/{of}"));
    }
    println!(" {:>6.1} %", 100.0 * f64::from(sum.0) / f64::from(sum.1));
}

/// What a block of 2x2 quadrants of 512 px costs.
fn print_cost(source: Source) {
    const PX: u32 = 512;
    let size = QuadrantSize {
        width_px: PX,
        height_px: PX,
    };
    let map = source.draw(2 * PX, 2 * PX, &mut fastrand::Rng::with_seed(1));
    let drawn = Style::Recolored.draw(&map, 2);
    let aside = styles::shifted(&drawn, 5, 3);
    let block = Block::new(BlockShape::TwoByTwo, 0, 0);
    let part = |quadrant| size.part_of(quadrant, block, (0, 0));
    let buffers = &mut Buffers::default();
    let stored = |picture: &RgbImage, part: Rect, buffers: &mut Buffers| {
        encode_quadrant(picture, part, PngCompression::default(), buffers).expect("it is encoded")
    };
    let sources: Vec<_> = block
        .quadrants()
        .map(|quadrant| (quadrant, stored(&map, part(quadrant), buffers)))
        .collect();
    let answer = stored(
        &drawn,
        Rect {
            x: 0,
            y: 0,
            width: 2 * PX,
            height: 2 * PX,
        },
        buffers,
    );
    let form = CanvasForm {
        mode: CanvasMode::Block,
        carries: Carries::Encoded(ImageFormat::Png),
        frame: Frame::None,
    };
    let config = CanvasConfig::default();
    let accept = AcceptConfig::default();
    let palette = Palette::default();
    let sent = |accept: Option<&AcceptConfig>, buffers: &mut Buffers| {
        let sources = sources.iter().map(|(at, bytes)| (*at, &**bytes));
        let sheet = stitch_encoded(block, size, sources, buffers).expect("they are whole");
        Outgoing::of(sheet, form, &config, accept, buffers).expect("it is encoded")
    };
    let outgoing = sent(Some(&accept), buffers);
    let judged = |answer: &RgbImage| {
        least_ms(21, || {
            drop(black_box(outgoing.sent.judge(answer, &accept, &palette)));
        })
    };
    let (good, bad) = (judged(&drawn), judged(&aside));
    let plain = least_ms(7, || drop(black_box(sent(None, buffers))));
    let remembered = {
        let sources = sources.iter().map(|(at, bytes)| (*at, &**bytes));
        let sheet = stitch_encoded(block, size, sources, buffers).expect("they are whole");
        let form = CanvasForm {
            carries: Carries::Encoded(ImageFormat::Jpeg { quality: 1 }),
            ..form
        };
        let of = |accept: Option<&AcceptConfig>| {
            let sheet = sheet.clone();
            let begin = Instant::now();
            black_box(Outgoing::of(
                sheet,
                form,
                &config,
                accept,
                &mut Buffers::default(),
            ))
            .expect("it is encoded");
            begin.elapsed().as_secs_f64() * 1e3
        };
        let least = |accept: Option<&AcceptConfig>| {
            (0..21).map(|_| of(accept)).fold(f64::INFINITY, f64::min)
        };
        least(Some(&accept)) - least(None)
    };
    let received = least_ms(7, || {
        let picture = outgoing
            .sent
            .decode_answer(&answer, Tell::FirstBytes, buffers)
            .expect("it is whole");
        for quadrant in block.quadrants() {
            black_box(stored(&picture, part(quadrant), buffers));
        }
    });
    let codecs = plain + received;
    println!(
        "{:<18} {:>12.2} {:>12.3} {:>12.3} {:>12.3} {:>6.1} %",
        source.name(),
        codecs / 4.0,
        remembered / 4.0,
        good / 4.0,
        bad / 4.0,
        100.0 * (remembered + good) / codecs
    );
}

/// The least time of several, which others on the machine disturb the least.
fn least_ms(times: u32, mut work: impl FnMut()) -> f64 {
    let timed = (0..times).map(|_| {
        let begin = Instant::now();
        work();
        begin.elapsed().as_secs_f64() * 1e3
    });
    timed.fold(f64::INFINITY, f64::min)
}

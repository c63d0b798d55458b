//! Good answers are accepted and bad ones are not, whatever the map and whatever the layer's style.
//! `cargo bench -p canvas` measures the same with thousands.

#[path = "judged/answers.rs"]
mod answers;
#[path = "judged/cases.rs"]
mod cases;
#[path = "judged/noise.rs"]
mod noise;
#[path = "judged/sources.rs"]
mod sources;
#[path = "judged/styles.rs"]
mod styles;

use canvas::{
    Buffers, CanvasForm, Carries, Frame, Looked, Outgoing, Palette, QuadrantSize, Sheet, stitch,
};
use image::{DynamicImage, Rgb, RgbImage};
use layer::{AcceptConfig, CanvasConfig, CanvasMode, Check, ImageFormat};
use planner::{Block, BlockShape, Quadrant};
use proptest::prelude::*;

use answers::Defect;
use cases::{Context, Layer};
use sources::Source;
use styles::Style;

/// One layer of each kind of map in each style.
fn layers() -> impl Iterator<Item = Layer> {
    let size = QuadrantSize {
        width_px: 144,
        height_px: 128,
    };
    let kinds = Source::ALL
        .into_iter()
        .flat_map(|source| Style::ALL.map(|style| (source, style)));
    kinds.map(move |(source, style)| Layer::new(source, style, size))
}

#[test]
fn of_a_hundred_good_answers_at_most_one_is_rejected_and_of_bad_ones_95_are() {
    let accept = AcceptConfig::default();
    let (mut good, mut rejected, mut bad, mut missed) = (0, Vec::new(), 0, Vec::new());
    for (index, layer) in (1_u64..).zip(layers()) {
        let name = |what: &str| format!("{what} of {} {:?}", layer.source.name(), layer.style);
        for seed in 100 * index..100 * index + 5 {
            good += 1;
            let judgement = layer.judge(seed, None, &accept);
            if !judgement.is_good() {
                rejected.push(format!("{}: {judgement}", name("good")));
            }
        }
        good += 1;
        let judgement = layer.judge_with_streets(100 * index, &accept);
        if !judgement.is_good() {
            rejected.push(format!("{}: {judgement}", name("beside streets")));
        }
        // Half of them, the other half in the next style.
        for defect in Defect::ALL.into_iter().skip(index as usize % 2).step_by(2) {
            bad += 1;
            let judgement = layer.judge(100 * index + 50, Some(defect), &accept);
            if judgement.is_good() {
                missed.push(name(&format!("{defect:?}")));
            }
        }
    }
    assert!(100 * rejected.len() <= good, "{rejected:#?} of {good}");
    assert!(20 * missed.len() <= bad, "{missed:#?} of {bad}");
}

#[test]
fn what_is_wrong_is_told_with_its_value() {
    let size = QuadrantSize {
        width_px: 128,
        height_px: 128,
    };
    let layer = Layer::new(Source::PixelArt, Style::Soft, size);
    let accept = AcceptConfig::default();
    for (defect, check, words) in [
        (
            Defect::Blank,
            Check::Solid,
            "it is nearly of one colour (100 %",
        ),
        (Defect::Unchanged, Check::Unchanged, "the input came back ("),
        (
            Defect::Border,
            Check::BorderLeft,
            "the border was left in (",
        ),
        (Defect::Drift(5), Check::Drift, "px aside (at most 1.5 px)"),
        (
            Defect::OtherColors,
            Check::Color,
            "its colours are not the layer's (",
        ),
        (
            Defect::OtherDrawing,
            Check::Seam,
            "it does not join its neighbour (",
        ),
        (
            Defect::Swapped,
            Check::Seam,
            "it does not join its neighbour (",
        ),
    ] {
        let judgement = layer.judge(3, Some(defect), &accept);
        let of_check = judgement
            .findings
            .iter()
            .find(|finding| finding.check == check);
        let finding = of_check.unwrap_or_else(|| panic!("{defect:?}: {judgement}"));
        assert!(finding.measured > finding.limit);
        assert!(judgement.to_string().contains(words), "{judgement}");
        assert!(judgement.badness() > 1.0);
    }
}

#[test]
fn what_is_matched_to_its_neighbours_is_judged_as_it_will_be_saved() {
    let size = QuadrantSize {
        width_px: 256,
        height_px: 256,
    };
    for source in [Source::PixelArt, Source::Render, Source::Water] {
        let layer = Layer::new(source, Style::Compressed, size);
        for seed in 1..4 {
            let judgement = layer.judge_matched(seed, Context::AsMuchBrighter);
            assert!(judgement.is_good(), "{source:?} {seed}: {judgement}");
            let judgement = layer.judge_matched(seed, Context::AsItIs);
            let mut found = judgement.findings.iter();
            assert!(
                found.any(|finding| finding.check == Check::Seam),
                "{source:?} {seed}: {judgement}"
            );
        }
    }
}

/// From the first answers on: who draws in other colours than the others is known, and changes nothing
/// of what answers are compared with: what most has, or what the first of two has.
#[test]
fn two_styles_are_not_learnt_as_one() {
    let accept = AcceptConfig::default();
    let strange = |drawn: RgbImage| styles::mixed(&drawn, styles::STRANGE);
    let (mut bad, mut found) = (0, 0);
    for mut layer in layers().step_by(4) {
        let name = format!("{} {:?}", layer.source.name(), layer.style);
        for painters in [&["a", "c"][..], &["a", "c", "b"], &["c", "a", "b"]] {
            let mut learn = |painters: &[(usize, &str)]| {
                layer.palette = Palette::default();
                for round in 0..6 {
                    for &(place, painter) in painters {
                        let seed = 10 * round + place as u64;
                        match painter {
                            "c" => layer.learn(painter, seed, strange),
                            _ => layer.learn(painter, seed, |drawn| drawn),
                        }
                    }
                }
                let strangers = layer.palette.strangers();
                let named: Vec<_> = strangers.into_iter().map(|one| one.painter).collect();
                let findings =
                    |seed: u64, defect: Option<Defect>| layer.judge(seed, defect, &accept).findings;
                let judged = [findings(7, None), findings(8, Some(Defect::OtherColors))];
                (named, judged)
            };
            let placed: Vec<(usize, &str)> = painters.iter().copied().enumerate().collect();
            let without: Vec<_> = placed
                .iter()
                .copied()
                .filter(|(_, painter)| *painter != "c")
                .collect();
            let (named, judged) = learn(&placed);
            assert_eq!(named, ["c"], "{name} {painters:?}");
            let (named, expected) = learn(&without);
            assert_eq!(named, [""; 0], "{name} {painters:?}");
            assert_eq!(judged, expected, "{name} {painters:?}");
            bad += 1;
            let mut of_bad = judged[1].iter();
            found += usize::from(of_bad.any(|finding| finding.check == Check::Color));
        }
    }
    assert!(10 * found >= 8 * bad, "{found} of {bad}");
}

#[test]
fn a_check_that_is_off_says_nothing() {
    let size = QuadrantSize {
        width_px: 128,
        height_px: 128,
    };
    let layer = Layer::new(Source::Roofs, Style::Night, size);
    for defect in Defect::ALL {
        assert!(layer.judge(5, Some(defect), &AcceptConfig::OFF).is_good());
        let all = layer.judge(5, Some(defect), &AcceptConfig::default());
        for finding in &all.findings {
            let mut accept = AcceptConfig::default();
            match finding.check {
                Check::Solid => accept.solid = None,
                Check::Unchanged => accept.unchanged = None,
                Check::BorderLeft => accept.border_left = None,
                Check::Drift => accept.drift = None,
                Check::Color => accept.color = None,
                Check::Seam => accept.seam = None,
            }
            let others = layer.judge(5, Some(defect), &accept).findings;
            let expected = all
                .findings
                .iter()
                .filter(|other| other.check != finding.check);
            assert!(others.iter().eq(expected), "{defect:?}: {others:?}");
        }
    }
}

#[test]
fn what_a_filter_draws_is_not_judged() {
    let source = RgbImage::from_fn(64, 64, |x, y| Rgb([(x * y) as u8, 7, 90]));
    for (carries, is_judged) in [
        (Carries::Pixels, false),
        (Carries::Encoded(ImageFormat::Png), true),
    ] {
        let outgoing = sent(&source, carries);
        let judgement = outgoing
            .sent
            .judge(&source, &AcceptConfig::default(), &Palette::default());
        assert_eq!(judgement.is_good(), !is_judged, "{judgement}");
    }
}

/// A canvas that is the block of one quadrant.
fn sent(source: &RgbImage, carries: Carries) -> Outgoing {
    let size = QuadrantSize {
        width_px: source.width(),
        height_px: source.height(),
    };
    let block = Block::new(BlockShape::OneByOne, 0, 0);
    let sources = [(Quadrant::new(0, 0), DynamicImage::from(source.clone()))];
    let buffers = &mut Buffers::default();
    let sheet: Sheet = stitch(block, size, &sources, buffers);
    let form = CanvasForm {
        mode: CanvasMode::Block,
        carries,
        frame: Frame::SQUARE,
    };
    let (config, accept) = (CanvasConfig::default(), AcceptConfig::default());
    Outgoing::of(sheet, form, &config, Some(&accept), buffers).expect("it can be encoded")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn tiny_quadrants_are_accepted(
        width_px in 1_u32..48,
        height_px in 1_u32..48,
        seed: u64,
        is_bad: bool,
    ) {
        let size = QuadrantSize { width_px, height_px };
        let layer = Layer::new(Source::Render, Style::Snow, size);
        let defect = is_bad.then_some(Defect::Blank);
        let judgement = layer.judge(seed, defect, &AcceptConfig::default());
        // There is too little to go by.
        prop_assert!(judgement.is_good(), "{judgement}");
    }

    #[test]
    fn any_picture_of_any_size_can_be_judged(
        width in 1_u32..90,
        height in 1_u32..90,
        colors in prop::array::uniform4(any::<[u8; 3]>()),
        seed: u64,
    ) {
        let picture = |seed: u64| {
            let mut random = fastrand::Rng::with_seed(seed);
            RgbImage::from_fn(width, height, |_, _| Rgb(colors[random.usize(0..4)]))
        };
        let source = picture(seed);
        let outgoing = sent(&source, Carries::Encoded(ImageFormat::Png));
        let (accept, palette) = (AcceptConfig::default(), Palette::default());
        palette.learn("a", &Looked::of_finished(&source, &picture(seed ^ 1)));
        let side = width.max(height);
        for answer in [RgbImage::from_pixel(side, side, Rgb(colors[0])), RgbImage::new(side, side), picture(seed)] {
            let judgement = outgoing.sent.judge(&answer, &accept, &palette);
            prop_assert!(judgement.badness().is_finite());
            palette.learn(["a", "b"][usize::from(side > 40)], &judgement.looked);
        }
    }
}

//! Calls with good and with planted bad answers.

use canvas::{
    Arrangement, Buffers, CanvasForm, Carries, Frame, Judgement, Kind, Looked, Outgoing, Palette,
    Picture, QuadrantSize, infill,
};
use image::{DynamicImage, RgbImage, imageops};
use layer::{AcceptConfig, CanvasConfig, CanvasMode, ImageFormat};
use planner::{Block, BlockShape, Quadrant};

use crate::answers::{Call, Defect};
use crate::sources::Source;
use crate::styles::Style;

/// A layer of one style over maps of one kind.
pub(crate) struct Layer {
    pub(crate) source: Source,
    pub(crate) style: Style,
    pub(crate) size: QuadrantSize,
    pub(crate) palette: Palette,
}

/// What a map has along the edges of its quadrants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Edges {
    AsDrawn,
    /// A street on one side of each.
    Streets,
}

/// How a model has drawn the neighbours once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Context {
    AsItIs,
    AsMuchBrighter,
}

const STREET_PX: u32 = 7;
const STREET: [u8; 3] = [98, 84, 120];

impl Layer {
    pub(crate) fn new(source: Source, style: Style, size: QuadrantSize) -> Self {
        let layer = Self {
            source,
            style,
            size,
            palette: Palette::default(),
        };
        for seed in 0..6 {
            layer.learn("a", seed, |drawn| drawn);
        }
        layer
    }

    /// Has a painter finish four quadrants, in the layer's style but for what `paint` makes of it.
    pub(crate) fn learn(&self, painter: &str, seed: u64, paint: impl Fn(RgbImage) -> RgbImage) {
        let size = self.size;
        let mut random = fastrand::Rng::with_seed(1_000_000 + seed);
        let map = self
            .source
            .draw(2 * size.width_px, 2 * size.height_px, &mut random);
        let drawn = paint(self.style.draw(&map, seed));
        for (x, y) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
            let cut = |picture: &RgbImage| {
                imageops::crop_imm(
                    picture,
                    x * size.width_px,
                    y * size.height_px,
                    size.width_px,
                    size.height_px,
                )
                .to_image()
            };
            let looked = Looked::of_finished(&cut(&map), &cut(&drawn));
            self.palette.learn(painter, &looked);
        }
    }

    /// The judgement of an answer of this seed.
    pub(crate) fn judge(
        &self,
        seed: u64,
        defect: Option<Defect>,
        accept: &AcceptConfig,
    ) -> Judgement {
        let mut random = fastrand::Rng::with_seed(seed);
        let call = self.call(&mut random, defect, (Edges::AsDrawn, accept));
        let answer = match defect {
            None => call.good(0, 0),
            Some(defect) => call.bad(self, defect, &mut random),
        };
        let nothing_learnt = Palette::default();
        let palette = match defect {
            Some(defect) if defect.is_of_first() => &nothing_learnt,
            _ => &self.palette,
        };
        self.judged(&call, &answer, (accept, palette))
    }

    /// The judgement of a good answer for a map that has a street along each edge of its quadrants.
    pub(crate) fn judge_with_streets(&self, seed: u64, accept: &AcceptConfig) -> Judgement {
        let mut random = fastrand::Rng::with_seed(seed);
        let beside_neighbours = Some(Defect::Border);
        let call = self.call(&mut random, beside_neighbours, (Edges::Streets, accept));
        self.judged(&call, &call.good(0, 0), (accept, &Palette::default()))
    }

    /// The judgement of an answer that is brighter, where that is matched to the neighbours as the
    /// model has drawn them: as much brighter, or as they are.
    pub(crate) fn judge_matched(&self, seed: u64, context: Context) -> Judgement {
        let accept = AcceptConfig::default();
        let seeds = (1_000 * seed..).map(fastrand::Rng::with_seed);
        let mut calls = seeds.map(|mut random| {
            let beside_neighbours = Some(Defect::Border);
            self.call(&mut random, beside_neighbours, (Edges::AsDrawn, &accept))
        });
        let call = calls
            .find(|call| call.is_matched)
            .expect("every other one is");
        let mut answer = call.good(0, 0);
        let (left, top) = call.arrangement.block_at_px;
        let (wide, high) = self.size.of_block(call.arrangement.block);
        for (x, y, pixel) in answer.enumerate_pixels_mut() {
            let is_own = (left..left + wide).contains(&x) && (top..top + high).contains(&y);
            if is_own || context == Context::AsMuchBrighter {
                pixel.0 = pixel.0.map(|level| level.saturating_add(36));
            }
        }
        self.judged(&call, &answer, (&accept, &Palette::default()))
    }

    fn judged(
        &self,
        call: &Call,
        answer: &RgbImage,
        (accept, palette): (&AcceptConfig, &Palette),
    ) -> Judgement {
        let mut judgement = call.outgoing.sent.judge(answer, accept, palette);
        let block = call.arrangement.block;
        judgement.settle(accept, |step| {
            let Quadrant { x, y } = step.neighbour(block);
            let QuadrantSize {
                width_px,
                height_px,
            } = self.size;
            let (left, top) = (x as u32 * width_px, y as u32 * height_px);
            Some(imageops::crop_imm(&call.map, left, top, width_px, height_px).to_image())
        });
        judgement
    }

    fn call(
        &self,
        random: &mut fastrand::Rng,
        defect: Option<Defect>,
        (edges, accept): (Edges, &AcceptConfig),
    ) -> Call {
        let size = self.size;
        let mut map = self
            .source
            .draw(4 * size.width_px, 4 * size.height_px, random);
        if edges == Edges::Streets {
            for (x, y, pixel) in map.enumerate_pixels_mut() {
                if x % size.width_px < STREET_PX || y % size.height_px < STREET_PX {
                    pixel.0 = STREET;
                }
            }
        }
        let drawn = self.style.draw(&map, random.u64(..));
        let needs_neighbours = defect.is_some_and(Defect::is_of_neighbours);
        let shapes = [
            BlockShape::TwoByTwo,
            BlockShape::OneByTwo,
            BlockShape::TwoByOne,
            BlockShape::OneByOne,
        ];
        let shape = shapes[random.usize(usize::from(needs_neighbours)..4)];
        let block = Block::new(shape, 1, 1);
        let sides = random.u8(1..16);
        // Along an axis that the block fills there is no room for a neighbour.
        let finished = |quadrant: Quadrant| {
            let side = |is: bool, bit: u8| is && (needs_neighbours || sides & bit != 0);
            let fits_x = shape.width() == 1;
            let fits_y = shape.height() == 1;
            (fits_x
                && (side(quadrant.x < 1, 1) || side(quadrant.x > 1, 2))
                && (1..1 + shape.height()).contains(&quadrant.y))
                || (fits_y
                    && (side(quadrant.y < 1, 4) || side(quadrant.y > 1, 8))
                    && (1..1 + shape.width()).contains(&quadrant.x))
        };
        let arrangement = Arrangement::of(block, size, finished);
        let before = self.style.draw(&map, random.u64(..));
        let pictures = arrangement.places().filter(|place| {
            place.quadrant.x >= 0
                && place.quadrant.y >= 0
                && place.quadrant.x < 4
                && place.quadrant.y < 4
        });
        let pictures = pictures.map(|place| {
            let kind = if finished(place.quadrant) {
                Kind::Finished
            } else {
                Kind::Source
            };
            let of = if kind == Kind::Finished {
                &before
            } else {
                &map
            };
            let (x, y) = (
                place.quadrant.x as u32 * size.width_px,
                place.quadrant.y as u32 * size.height_px,
            );
            let part = imageops::crop_imm(of, x, y, size.width_px, size.height_px).to_image();
            Picture {
                quadrant: place.quadrant,
                kind,
                pixels: DynamicImage::from(part).to_rgba8(),
            }
        });
        let config = CanvasConfig {
            mode: CanvasMode::Infill,
            match_px: if random.bool() { size.width_px / 4 } else { 0 },
            ..CanvasConfig::default()
        };
        let sheet = infill(&arrangement, &config, pictures.collect());
        let bare = sheet.picture.to_rgb8();
        let format = if random.bool() {
            ImageFormat::Png
        } else {
            ImageFormat::Jpeg { quality: 90 }
        };
        let form = CanvasForm {
            mode: CanvasMode::Infill,
            carries: Carries::Encoded(format),
            frame: Frame::None,
        };
        let outgoing = Outgoing::of(sheet, form, &config, Some(accept), &mut Buffers::default())
            .expect("it can be encoded");
        let (_, bytes) = outgoing.content.clone().encoded().expect("it is encoded");
        let sent = image::load_from_memory(&bytes)
            .expect("it was just encoded")
            .into_rgb8();
        let (left, top) = arrangement.block_at_px;
        Call {
            arrangement,
            outgoing,
            is_matched: config.match_px > 0,
            map,
            bare,
            sent,
            drawn,
            at_px: (size.width_px - left, size.height_px - top),
        }
    }
}

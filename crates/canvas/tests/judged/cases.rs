//! Calls with good and with planted bad answers.

use canvas::{
    Arrangement, Buffers, CanvasForm, Carries, Frame, Judgement, Kind, Outgoing, Palette, Picture,
    QuadrantSize, infill,
};
use image::{DynamicImage, Rgb, RgbImage, imageops};
use layer::{AcceptConfig, CanvasConfig, CanvasMode, ImageFormat};
use planner::{Block, BlockShape, Quadrant};

use crate::sources::Source;
use crate::styles::{STRANGE, Style, compressed, mixed, shifted};

/// What is wrong with a planted answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    Blank,
    Gradient,
    Unchanged,
    UnchangedJpeg,
    Border,
    BorderPartly,
    BorderOtherRed,
    Drift(i32),
    OtherColors,
    OtherDrawing,
    Step,
}

impl Defect {
    pub(crate) const ALL: [Self; 14] = [
        Self::Blank,
        Self::Gradient,
        Self::Unchanged,
        Self::UnchangedJpeg,
        Self::Border,
        Self::BorderPartly,
        Self::BorderOtherRed,
        Self::Drift(2),
        Self::Drift(3),
        Self::Drift(5),
        Self::Drift(8),
        Self::OtherColors,
        Self::OtherDrawing,
        Self::Step,
    ];

    /// Whether the canvas has to show finished neighbours for it to be one.
    fn is_of_neighbours(self) -> bool {
        matches!(
            self,
            Self::Border
                | Self::BorderPartly
                | Self::BorderOtherRed
                | Self::OtherDrawing
                | Self::Step
        )
    }
}

/// A layer of one style over maps of one kind.
pub(crate) struct Layer {
    pub(crate) source: Source,
    pub(crate) style: Style,
    pub(crate) size: QuadrantSize,
    pub(crate) palette: Palette,
}

/// A call: what was sent, and the map as a good answer and its neighbours draw it.
struct Call {
    arrangement: Arrangement,
    outgoing: Outgoing,
    /// The canvas before its border, and with it.
    bare: RgbImage,
    sent: RgbImage,
    drawn: RgbImage,
    /// Where the canvas begins on the drawn map.
    at_px: (u32, u32),
}

impl Layer {
    pub(crate) fn new(source: Source, style: Style, size: QuadrantSize) -> Self {
        let layer = Self {
            source,
            style,
            size,
            palette: Palette::default(),
        };
        for seed in 0..6 {
            let mut random = fastrand::Rng::with_seed(1_000_000 + seed);
            let map = source.draw(2 * size.width_px, 2 * size.height_px, &mut random);
            let drawn = style.draw(&map, seed);
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
                layer.palette.learn_from(&cut(&map), &cut(&drawn));
            }
        }
        layer
    }

    /// The judgement of an answer of this seed.
    pub(crate) fn judge(
        &self,
        seed: u64,
        defect: Option<Defect>,
        accept: &AcceptConfig,
    ) -> Judgement {
        let mut random = fastrand::Rng::with_seed(seed);
        let call = self.call(&mut random, defect, accept);
        let answer = match defect {
            None => call.good(0, 0),
            Some(defect) => call.bad(self, defect, &mut random),
        };
        call.outgoing.judge(&answer, accept, &self.palette)
    }

    fn call(
        &self,
        random: &mut fastrand::Rng,
        defect: Option<Defect>,
        accept: &AcceptConfig,
    ) -> Call {
        let size = self.size;
        let map = self
            .source
            .draw(4 * size.width_px, 4 * size.height_px, random);
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
        let (_, bytes) = outgoing.encoded().expect("it is encoded");
        let sent = image::load_from_memory(bytes)
            .expect("it was just encoded")
            .into_rgb8();
        let (left, top) = arrangement.block_at_px;
        Call {
            arrangement,
            outgoing,
            bare,
            sent,
            drawn,
            at_px: (size.width_px - left, size.height_px - top),
        }
    }
}

impl Call {
    /// The answer that draws the map so many pixels aside.
    fn good(&self, dx: i32, dy: i32) -> RgbImage {
        let (width, height) = self.arrangement.size_px();
        let (x, y) = self.at_px;
        if (dx, dy) != (0, 0) {
            let aside = shifted(&self.drawn, dx, dy);
            return imageops::crop_imm(&aside, x, y, width, height).to_image();
        }
        imageops::crop_imm(&self.drawn, x, y, width, height).to_image()
    }

    fn bad(&self, layer: &Layer, defect: Defect, random: &mut fastrand::Rng) -> RgbImage {
        let mut answer = self.good(0, 0);
        let (width, height) = answer.dimensions();
        let size = layer.size;
        let (left, top) = self.arrangement.block_at_px;
        let (wide, high) = size.of_block(self.arrangement.block);
        let block = move |x: u32, y: u32| {
            (left..left + wide).contains(&x) && (top..top + high).contains(&y)
        };
        // How far a pixel of the block is from the nearest finished neighbour.
        let shape = self.arrangement.block.shape;
        let to_neighbour = move |x: u32, y: u32| {
            let across = (x - left).min(left + wide - 1 - x);
            let down = (y - top).min(top + high - 1 - y);
            match (shape.width(), shape.height()) {
                (1, 1) => across.min(down),
                (1, _) => across,
                _ => down,
            }
        };
        match defect {
            Defect::Blank => {
                let color = Rgb([random.u8(..), random.u8(..), random.u8(..)]);
                answer = RgbImage::from_pixel(width, height, color);
            }
            Defect::Gradient => {
                let from: [u8; 3] = std::array::from_fn(|_| random.u8(..));
                let to: [u8; 3] = std::array::from_fn(|_| random.u8(..));
                answer = RgbImage::from_fn(width, height, |x, y| {
                    let t = f32::from((x + y) as u16) / (width + height) as f32;
                    Rgb(std::array::from_fn(|c| {
                        (f32::from(from[c]) * (1.0 - t) + f32::from(to[c]) * t) as u8
                    }))
                });
            }
            Defect::Unchanged => {
                answer = if random.bool() {
                    self.sent.clone()
                } else {
                    self.bare.clone()
                }
            }
            Defect::UnchangedJpeg => answer = compressed(&self.bare, random.u8(80..96)),
            Defect::Border | Defect::BorderPartly | Defect::BorderOtherRed => {
                let color = match defect {
                    Defect::BorderOtherRed => {
                        [random.u8(196..236), random.u8(16..50), random.u8(16..50)]
                    }
                    _ => [255, 0, 0],
                };
                let (first, share) = (random.f32() * 0.6, 0.4);
                for (x, y, pixel) in answer.enumerate_pixels_mut() {
                    let sent = self.sent.get_pixel(x, y).0;
                    let is_border = sent[0] > 225
                        && sent[1] < 40
                        && sent[2] < 40
                        && self.bare.get_pixel(x, y).0[2] > 44
                        && block(x, y)
                        && to_neighbour(x, y) < 2;
                    let at = (x as f32 / width as f32, y as f32 / height as f32);
                    let is_part = |at: f32| (first..first + share).contains(&at);
                    if is_border
                        && (defect != Defect::BorderPartly || is_part(at.0) || is_part(at.1))
                    {
                        pixel.0 = color;
                    }
                }
                if random.bool() {
                    answer = compressed(&answer, 90);
                }
            }
            Defect::Drift(px) => {
                let directions = [
                    (1, 0),
                    (-1, 0),
                    (0, 1),
                    (0, -1),
                    (1, 1),
                    (-1, 1),
                    (1, -1),
                    (-1, -1),
                ];
                let (dx, dy) = directions[random.usize(0..8)];
                let base = self.good(px * dx, px * dy);
                answer = if layer.style == Style::Jittered {
                    shifted(&base, dx, dy)
                } else {
                    base
                };
            }
            Defect::OtherColors => answer = mixed(&answer, STRANGE),
            Defect::OtherDrawing => {
                let mut other_random = fastrand::Rng::with_seed(random.u64(..));
                let other = layer.source.draw(width, height, &mut other_random);
                let other = layer.style.draw(&other, random.u64(..));
                for (x, y, pixel) in answer.enumerate_pixels_mut() {
                    if block(x, y) && to_neighbour(x, y) < size.width_px.min(size.height_px) / 3 {
                        *pixel = *other.get_pixel(x, y);
                    }
                }
            }
            Defect::Step => {
                let up: i16 = random.i16(28..50);
                let mean: u64 = answer
                    .pixels()
                    .map(|pixel| u64::from(pixel.0[1]))
                    .sum::<u64>()
                    / u64::from(width * height);
                let up = if mean > 128 { -up } else { up };
                for (x, y, pixel) in answer.enumerate_pixels_mut() {
                    if block(x, y) {
                        pixel.0 = pixel
                            .0
                            .map(|level| (i16::from(level) + up).clamp(0, 255) as u8);
                    }
                }
            }
        }
        answer
    }
}

//! Maps of five kinds, made up.

use image::{Rgb, RgbImage};

use crate::noise::{hash, smooth};

/// What a map's quadrants look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// Houses of many colours with outlines and windows.
    PixelArt,
    /// Water, a shore and boats.
    Water,
    /// Thin roads on paper.
    Lines,
    /// A render: soft shapes, light and grain.
    Render,
    /// Rows of roofs, many of them red.
    Roofs,
}

impl Source {
    pub(crate) const ALL: [Self; 5] = [
        Self::PixelArt,
        Self::Water,
        Self::Lines,
        Self::Render,
        Self::Roofs,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::PixelArt => "pixel art",
            Self::Water => "water",
            Self::Lines => "thin lines",
            Self::Render => "render",
            Self::Roofs => "roofs",
        }
    }

    /// A map of this kind.
    pub(crate) fn draw(self, width: u32, height: u32, random: &mut fastrand::Rng) -> RgbImage {
        match self {
            Self::PixelArt => pixel_art(width, height, random),
            Self::Water => water(width, height, random),
            Self::Lines => lines(width, height, random),
            Self::Render => render(width, height, random),
            Self::Roofs => roofs(width, height, random),
        }
    }
}

fn pixel_art(width: u32, height: u32, random: &mut fastrand::Rng) -> RgbImage {
    const PALETTE: [[u8; 3]; 12] = [
        [214, 96, 77],
        [244, 165, 130],
        [253, 219, 199],
        [146, 197, 222],
        [67, 147, 195],
        [33, 102, 172],
        [120, 160, 80],
        [90, 120, 60],
        [230, 200, 90],
        [180, 140, 100],
        [110, 80, 70],
        [200, 200, 205],
    ];
    let mut picture = RgbImage::from_fn(width, height, |x, y| {
        let tile = hash(x / 4, y / 4, 7) % 16;
        Rgb([(96 + tile) as u8, (140 + tile) as u8, (84 + tile / 2) as u8])
    });
    for _ in 0..width * height / 700 {
        let (wide, high) = (random.u32(10..44), random.u32(10..40));
        let (x, y) = (random.u32(0..width), random.u32(0..height));
        let wall = random.choice(PALETTE).expect("it is not empty");
        rect(&mut picture, x, y, wide, high, [40, 34, 44]);
        rect(&mut picture, x + 1, y + 1, wide - 2, high - 2, wall);
        let shade = wall.map(|level| level / 4 * 3);
        rect(
            &mut picture,
            x + wide / 2,
            y + 1,
            wide / 2 - 1,
            high - 2,
            shade,
        );
        let window = random.choice(PALETTE).expect("it is not empty");
        for row in 0..high / 8 {
            for column in 0..wide / 7 {
                rect(
                    &mut picture,
                    x + 3 + 7 * column,
                    y + 3 + 8 * row,
                    3,
                    4,
                    window,
                );
            }
        }
    }
    picture
}

fn water(width: u32, height: u32, random: &mut fastrand::Rng) -> RgbImage {
    let base = [
        46 + random.u32(0..12),
        106 + random.u32(0..12),
        160 + random.u32(0..12),
    ];
    let (slope, offset) = (random.f32() - 0.5, random.f32());
    let wave = random.f32() * 6.0;
    let mut picture = RgbImage::from_fn(width, height, |x, y| {
        let along = slope * (y as f32 - height as f32 / 2.0) + 6.0 * (y as f32 / 19.0 + wave).sin();
        let shore = width as f32 * (0.3 + 0.4 * offset) + along;
        let beyond = x as f32 - shore;
        if beyond > 40.0 {
            let grass = hash(x / 3, y / 3, 3) % 24;
            Rgb([(90 + grass) as u8, (126 + grass) as u8, 70])
        } else if beyond > 32.0 {
            Rgb([222, 206, 160])
        } else {
            let ripple = if hash(x / 9, y / 2, 5).is_multiple_of(60) {
                9
            } else {
                0
            };
            let deep = (y * 12 / height) + ripple;
            Rgb(base.map(|level| (level + deep) as u8))
        }
    });
    for _ in 0..width * height / 2200 {
        let (x, y) = (random.u32(0..width), random.u32(0..height));
        let (wide, high) = (random.u32(5..14), random.u32(3..7));
        rect(&mut picture, x, y, wide, high, [236, 232, 220]);
        rect(
            &mut picture,
            x + 1,
            y + 1,
            wide / 2,
            high - 2,
            [120, 84, 60],
        );
    }
    picture
}

fn lines(width: u32, height: u32, random: &mut fastrand::Rng) -> RgbImage {
    let paper = [
        244 - random.u8(0..10),
        240 - random.u8(0..8),
        230 - random.u8(0..16),
    ];
    let mut picture = RgbImage::from_pixel(width, height, Rgb(paper));
    for _ in 0..width * height / 2600 {
        let (mut x, mut y) = (random.f32() * width as f32, random.f32() * height as f32);
        let turn = random.f32() * 7.0;
        let direction = [0.0, 0.5, 1.0, 1.5].map(|half| half * std::f32::consts::PI)
            [random.usize(0..4)]
            + if random.bool() { turn } else { 0.0 };
        let color = [
            [70, 70, 80],
            [200, 120, 60],
            [150, 150, 150],
            [60, 110, 170],
        ][random.usize(0..4)];
        let thick = random.u32(1..4);
        for _ in 0..random.u32(40..220) {
            x += direction.cos();
            y += direction.sin();
            if x >= 0.0 && y >= 0.0 {
                rect(&mut picture, x as u32, y as u32, thick, thick, color);
            }
        }
    }
    picture
}

fn render(width: u32, height: u32, random: &mut fastrand::Rng) -> RgbImage {
    let seed = random.u32(..);
    let light = 0.4 + 0.4 * random.f32();
    let mut picture = RgbImage::from_fn(width, height, |x, y| {
        let soft = 0.55 * smooth(x, y, 48, seed)
            + 0.3 * smooth(x, y, 17, seed ^ 1)
            + 0.15 * smooth(x, y, 6, seed ^ 2);
        let hue = smooth(x, y, 90, seed ^ 3);
        let level = 50.0 + 160.0 * soft * (light + 0.5);
        Rgb(
            [level * (0.8 + 0.3 * hue), level, level * (1.1 - 0.4 * hue)]
                .map(|level| level.min(255.0) as u8),
        )
    });
    for _ in 0..width * height / 3000 {
        let (x, y) = (random.u32(0..width), random.u32(0..height));
        let (wide, high) = (random.u32(12..50), random.u32(12..50));
        let level = random.u8(60..220);
        for row in 0..high {
            let lit = level.saturating_add((row / 2) as u8);
            rect(
                &mut picture,
                x,
                y + row,
                wide,
                1,
                [lit, lit, lit.saturating_sub(14)],
            );
        }
    }
    for pixel in picture.pixels_mut() {
        let grain = random.i16(-7..8);
        pixel.0 = pixel
            .0
            .map(|level| (i16::from(level) + grain).clamp(0, 255) as u8);
    }
    picture
}

fn roofs(width: u32, height: u32, random: &mut fastrand::Rng) -> RgbImage {
    let (across, down) = (random.u32(11..29), random.u32(14..32));
    let seed = random.u32(..);
    RgbImage::from_fn(width, height, |x, y| {
        let (column, row) = (x / across, y / down);
        let (dx, dy) = (x % across, y % down);
        let of_house = hash(column, row, seed);
        if dx < 2 || dy < 3 {
            return Rgb([92, 92, 96]);
        }
        let color = match of_house % 5 {
            0 => [226, 40, 36],
            1 => [190, 70, 56],
            2 => [150, 92, 70],
            3 => [170, 150, 140],
            _ => [206, 100, 74],
        };
        let tiles = if dy % 4 == 0 { 26 } else { 0 };
        let shade = if dx > across / 2 { 20 } else { 0 };
        let chimney = dx == 5 && dy > 5 && dy < 9 && of_house.is_multiple_of(3);
        let lighter = if chimney { 50 } else { 0 };
        Rgb(color.map(|level: u8| level.saturating_sub(tiles + shade).saturating_add(lighter)))
    })
}

fn rect(picture: &mut RgbImage, x: u32, y: u32, width: u32, height: u32, color: [u8; 3]) {
    for y in y..(y + height).min(picture.height()) {
        for x in x..(x + width).min(picture.width()) {
            picture.put_pixel(x, y, Rgb(color));
        }
    }
}

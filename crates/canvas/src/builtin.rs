//! The built-in model: picture filters that need no network.
//!
//! Each output pixel depends on its own input pixel only, so no filter can leave a seam.

use image::{Rgb, RgbImage};
use layer::Filter;

/// Draws a picture anew.
pub fn apply(filter: Filter, picture: &mut RgbImage) {
    let redraw = match filter {
        Filter::Copy => return,
        Filter::Snow => snow,
        Filter::Night => night,
    };
    for pixel in picture.pixels_mut() {
        pixel.0 = redraw(*pixel);
    }
}

/// A winter day: what grows is white, what is bright is dusted, all light is cold.
fn snow(Rgb([r, g, b]): Rgb<u8>) -> [u8; 3] {
    let [red, green, blue] = [i32::from(r), i32::from(g), i32::from(b)];
    let light = (red * 54 + green * 183 + blue * 19) / 256;
    // How green a pixel is: snow lies on grass and trees first, but lets their shading through.
    let growth = (green - red.max(blue)).clamp(0, 48) * 5;
    // And on whatever faces the sky, which is what is bright.
    let open = (light - 96).clamp(0, 120) * 3 / 2;
    let water = (blue - red - 24).clamp(0, 60) * 3;
    let cover = (growth.max(open) - water).clamp(0, 225);
    let fallen = 206 + light * 48 / 255;
    let mix = |channel: i32, tint: i32| {
        let grey = (channel * 5 + light * 3) / 8;
        byte((grey * (255 - cover) + (fallen + tint) * cover) / 255)
    };
    [mix(red, -8), mix(green, 0), mix(blue, 10)]
}

/// A night: all is moonlit, and behind glass the lamps are lit.
fn night(Rgb([r, g, b]): Rgb<u8>) -> [u8; 3] {
    let [red, green, blue] = [i32::from(r), i32::from(g), i32::from(b)];
    let light = (red * 54 + green * 183 + blue * 19) / 256;
    // By day glass is a dull blue: bluer than walls, streets and copper roofs, less so than water.
    let dull_blue = 20 - (blue - red - 62).abs();
    let glass = dull_blue.min(blue - green - 16).clamp(0, 8) * 32;
    let lamp = (glass * (light + 40) / 130).clamp(0, 240);
    let moon = |channel: i32, weight: i32, floor: i32| (channel + light) / 2 * weight / 256 + floor;
    let lit = |dark: i32, glow: i32| byte((dark * (255 - lamp) + glow * lamp) / 255);
    [
        lit(moon(red, 62, 6), 255),
        lit(moon(green, 74, 10), 206),
        lit(moon(blue, 118, 26), 112),
    ]
}

fn byte(value: i32) -> u8 {
    u8::try_from(value.clamp(0, 255)).unwrap_or(u8::MAX)
}

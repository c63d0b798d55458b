//! The border around what the model is to draw.

use image::math::Rect;
use image::{DynamicImage, GenericImage, GenericImageView, Rgba};
use layer::Color;

/// Draws the outermost `border_px` pixels of an area in `color`, along its outline whatever its
/// shape. The area is all of `parts`; what is outside of it stays as it is.
pub(crate) fn draw_border(canvas: &mut DynamicImage, parts: &[Rect], border_px: u32, color: Color) {
    if border_px == 0 || parts.is_empty() {
        return;
    }
    let (width, height) = canvas.dimensions();
    let (columns, rows) = (width as usize, height as usize);
    let mut area = vec![false; columns * rows];
    for part in parts {
        for y in part.y..part.y + part.height {
            let from = y as usize * columns + part.x as usize;
            area[from..from + part.width as usize].fill(true);
        }
    }
    // A pixel is inside when all pixels of the square around it belong to the area: first those
    // of its row, then of these those of its column.
    let mut inside = area.clone();
    for y in 0..rows {
        erode(&mut inside, y * columns, 1, columns, border_px as usize);
    }
    for x in 0..columns {
        erode(&mut inside, x, columns, rows, border_px as usize);
    }
    let [red, green, blue] = color.0;
    let color = Rgba([red, green, blue, u8::MAX]);
    for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
        let i = y as usize * columns + x as usize;
        if area[i] && !inside[i] {
            canvas.put_pixel(x, y, color);
        }
    }
}

/// Takes off the first and last `by` of each run of `true` among the `count` places from `first`,
/// each `stride` after the one before.
fn erode(mask: &mut [bool], first: usize, stride: usize, count: usize, by: usize) {
    let at = |i: usize| first + i * stride;
    let mut i = 0;
    while i < count {
        let begin = i;
        while i < count && mask[at(i)] {
            i += 1;
        }
        for j in (begin..i).filter(|j| j - begin < by || i - j <= by) {
            mask[at(j)] = false;
        }
        i += 1;
    }
}

//! What is drawn on a canvas where there is neither a source nor a finished picture.

use image::RgbaImage;
use image::math::Rect;

/// Gives each pixel outside of `known` the colour of the nearest pixel of its row that is known,
/// else of the nearest pixel of its column; of two that are equally near the one to the left or
/// above.
pub(crate) fn fill_unknown(canvas: &mut RgbaImage, known: &[Rect]) {
    let (width, height) = canvas.dimensions();
    let area: u64 = known
        .iter()
        .map(|r| u64::from(r.width) * u64::from(r.height))
        .sum();
    if area == u64::from(width) * u64::from(height) {
        return;
    }
    let mut known_rows = Vec::new();
    for y in 0..height {
        let in_row = |x: u32| {
            known
                .iter()
                .any(|r| (r.x..r.x + r.width).contains(&x) && (r.y..r.y + r.height).contains(&y))
        };
        let known_columns: Vec<u32> = (0..width).filter(|&x| in_row(x)).collect();
        if known_columns.is_empty() {
            continue;
        }
        known_rows.push(y);
        for x in 0..width {
            let pixel = *canvas.get_pixel(nearest(&known_columns, x), y);
            canvas.put_pixel(x, y, pixel);
        }
    }
    // A row that had anything in it is whole by now.
    for y in (0..height).filter(|y| known_rows.binary_search(y).is_err()) {
        for x in 0..width {
            let pixel = *canvas.get_pixel(x, nearest(&known_rows, y));
            canvas.put_pixel(x, y, pixel);
        }
    }
}

/// The number in `sorted`, which is not empty, that is nearest to `at`; the smaller of two.
fn nearest(sorted: &[u32], at: u32) -> u32 {
    let next = sorted.partition_point(|&number| number < at);
    match (next.checked_sub(1).map(|i| sorted[i]), sorted.get(next)) {
        (Some(before), Some(&after)) if at - before <= after - at => before,
        (_, Some(&after)) => after,
        (Some(before), None) => before,
        (None, None) => unreachable!("the list is not empty"),
    }
}

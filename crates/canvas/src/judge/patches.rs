//! The places of a quadrant where its source has the most contrast.

use image::RgbImage;
use image::math::Rect;

use super::cells::Cells;

/// How wide and high a patch is.
pub(crate) const PATCH_PX: usize = 16;
/// How far a drawing may lie aside and be found.
pub(crate) const REACH_PX: usize = 8;
/// With the pixels around it that its edges follow from.
pub(crate) const SIDE: usize = PATCH_PX + 2;
/// A quadrant is divided into so many parts each way, of which each gives one patch.
const ZONES: u32 = 5;
/// Less is no edge.
const LEAST_CONTRAST: u8 = 24;

/// A square of luma.
#[derive(Debug, Clone)]
pub(crate) struct Patch {
    /// Its top-left pixel on the canvas.
    pub(crate) at_px: (u32, u32),
    /// Row by row, with one pixel more all around.
    pub(crate) luma: Box<[[u8; SIDE]; SIDE]>,
}

/// Picks patches of a part of a picture, none nearer to the part's edges than what a shift and a
/// border need.
pub(crate) fn pick(picture: &RgbImage, part: Rect, cells: &Cells, border_px: u32) -> Vec<Patch> {
    let margin = REACH_PX as u32 + 1 + border_px;
    let (columns, rows) = (
        cells.columns,
        cells.cells.len() as u32 / cells.columns.max(1),
    );
    let fits = |index: u32, cell_px: u32, length: u32| {
        index * cell_px >= margin && index * cell_px + PATCH_PX as u32 + margin <= length
    };
    let zone_px = |count: u32| count.div_ceil(ZONES).max(1);
    let (zone_columns, zone_rows) = (zone_px(columns), zone_px(rows));
    let mut picked = Vec::new();
    for top in (0..rows).step_by(zone_rows as usize) {
        for left in (0..columns).step_by(zone_columns as usize) {
            let of_zone = (top..(top + zone_rows).min(rows))
                .flat_map(|y| (left..(left + zone_columns).min(columns)).map(move |x| (x, y)));
            let inside = of_zone.filter(|&(x, y)| {
                fits(x, cells.cell_px.0, part.width) && fits(y, cells.cell_px.1, part.height)
            });
            let contrast = |&(x, y): &(u32, u32)| cells.cells[(y * columns + x) as usize].contrast;
            let Some((x, y)) = inside.max_by_key(contrast) else {
                continue;
            };
            if contrast(&(x, y)) >= LEAST_CONTRAST {
                let at_px = (part.x + x * cells.cell_px.0, part.y + y * cells.cell_px.1);
                let mut luma = Box::new([[0; SIDE]; SIDE]);
                let (x, y) = (at_px.0 - 1, at_px.1 - 1);
                read(picture, (x, y), luma.iter_mut().map(|row| &mut row[..]));
                picked.push(Patch { at_px, luma });
            }
        }
    }
    picked
}

/// Reads the luma of a picture into rows, from `at_px` on.
pub(crate) fn read<'a>(
    picture: &RgbImage,
    (x, y): (u32, u32),
    rows: impl Iterator<Item = &'a mut [u8]>,
) {
    let lines = picture.as_raw().chunks_exact(3 * picture.width() as usize);
    for (row, line) in rows.zip(lines.skip(y as usize)) {
        let (pixels, _) = line[3 * x as usize..].as_chunks::<3>();
        for (luma, [red, green, blue]) in row.iter_mut().zip(pixels) {
            *luma = ((u32::from(*red) + 2 * u32::from(*green) + u32::from(*blue)) / 4) as u8;
        }
    }
}

//! A quadrant seen from afar: a small grid of colours, and how much there is in each.

use image::RgbImage;
use image::math::Rect;

/// The largest grid, and the smallest cell.
const MOST_CELLS: u32 = 32;
const LEAST_CELL_PX: u32 = 16;
/// How many rows of a cell are looked at, and how many pixels of such a row.
const SAMPLED: u32 = 4;
const SAMPLED_OF_ROW: u32 = 8;

/// The cells of a quadrant, row by row.
#[derive(Debug, Clone)]
pub(crate) struct Cells {
    pub(crate) cells: Vec<Cell>,
    pub(crate) columns: u32,
    pub(crate) cell_px: (u32, u32),
}

/// Some pixels of a picture.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cell {
    /// Their mean colour.
    pub(crate) mean: [u8; 3],
    /// Between the darkest and the lightest of them, in levels of luma.
    pub(crate) contrast: u8,
}

impl Cells {
    /// The cells of a part that lies inside a picture; none where it is too small.
    pub(crate) fn of(picture: &RgbImage, part: Rect) -> Self {
        let columns = (part.width / LEAST_CELL_PX).min(MOST_CELLS);
        let rows = (part.height / LEAST_CELL_PX).min(MOST_CELLS);
        let mut cells = Vec::with_capacity((columns * rows) as usize);
        if columns == 0 || rows == 0 {
            let cell_px = (0, 0);
            return Self {
                cells,
                columns,
                cell_px,
            };
        }
        let cell_px = (part.width / columns, part.height / rows);
        let stride = 3 * picture.width() as usize;
        let cell_bytes = 3 * cell_px.0 as usize;
        let left = 3 * part.x as usize;
        let (step_y, step) = (
            cell_px.1 / SAMPLED,
            3 * (cell_px.0 / SAMPLED_OF_ROW) as usize,
        );
        let mut sums = vec![Sum::NONE; columns as usize];
        for row in 0..rows {
            sums.fill(Sum::NONE);
            for sample in 0..SAMPLED {
                let y = part.y + row * cell_px.1 + step_y / 2 + sample * step_y;
                let line = &picture.as_raw()[y as usize * stride + left..];
                for (sum, cell) in sums.iter_mut().zip(line.chunks_exact(cell_bytes)) {
                    for pixel in cell[3..].chunks(step).take(SAMPLED_OF_ROW as usize) {
                        sum.add([pixel[0], pixel[1], pixel[2]]);
                    }
                }
            }
            cells.extend(sums.iter().map(Sum::cell));
        }
        Self {
            cells,
            columns,
            cell_px,
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Sum {
    channels: [u32; 3],
    darkest: u32,
    lightest: u32,
}

impl Sum {
    const NONE: Self = Self {
        channels: [0; 3],
        darkest: u32::MAX,
        lightest: 0,
    };

    #[inline]
    fn add(&mut self, [red, green, blue]: [u8; 3]) {
        let [red, green, blue] = [u32::from(red), u32::from(green), u32::from(blue)];
        self.channels[0] += red;
        self.channels[1] += green;
        self.channels[2] += blue;
        let luma = red + 2 * green + blue;
        self.darkest = self.darkest.min(luma);
        self.lightest = self.lightest.max(luma);
    }

    fn cell(&self) -> Cell {
        Cell {
            mean: self
                .channels
                .map(|sum| (sum / (SAMPLED * SAMPLED_OF_ROW)) as u8),
            contrast: ((self.lightest - self.darkest) / 4) as u8,
        }
    }
}

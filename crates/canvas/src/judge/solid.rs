//! Nearly one colour where the source is not.

use super::cells::Cells;

/// A cell of the source with so much contrast, in levels, has something drawn in it.
const DRAWN: u8 = 24;
/// A cell of the answer with no more than this has nothing: what compression adds is less.
const FLAT: u8 = 5;
/// Fewer cells are too little to go by.
const LEAST_CELLS: usize = 12;

/// The share of the cells with something drawn in the source that have nothing in the answer.
pub(crate) fn share(source: &Cells, drawn: &Cells) -> Option<f64> {
    let both = source.cells.iter().zip(&drawn.cells);
    let with_source = both.filter(|(source, _)| source.contrast >= DRAWN);
    let (mut cells, mut flat) = (0_usize, 0_usize);
    for (_, drawn) in with_source {
        cells += 1;
        flat += usize::from(drawn.contrast <= FLAT);
    }
    (cells >= LEAST_CELLS).then(|| flat as f64 / cells as f64)
}

//! What touches a block at a corner alone.

use planner::{Block, Owners, Quadrant};

use super::Handle;

/// The items at the corners of a block, without those `beside` it.
pub(super) fn at_corners(owners: &Owners, block: Block, beside: &[Handle]) -> Vec<Handle> {
    let Quadrant { x, y } = block.top_left;
    let columns = [-1, block.shape.width()].map(|dx| x.checked_add(dx));
    let rows = [-1, block.shape.height()].map(|dy| y.checked_add(dy));
    let corners = columns.into_iter().flatten().flat_map(|x| {
        let rows = rows.into_iter().flatten();
        rows.map(move |y| Quadrant::new(x, y))
    });
    let items = corners.filter_map(|at| owners.of_quadrant(at));
    items.filter(|item| !beside.contains(item)).collect()
}

//! Which quadrants around a block its canvas shows as finished.
//!
//! A quadrant is shown as finished when its item is complete and either touches the block and
//! precedes it, or belongs to an earlier step. When an item's turn has come nothing of that can
//! change any more, so a canvas does not depend on which calls ended first. Where a part runs alone
//! that holds of what is around it too: what is not complete there when the run begins stays so.

use planner::{Item, Owners, Quadrant, Status};

use crate::{Handle, Queue};

/// The items of a plan by their quadrants.
#[derive(Debug)]
pub struct Surroundings {
    owners: Owners,
}

impl Surroundings {
    /// The surroundings of the items of `queue`.
    #[must_use]
    pub fn of(queue: &Queue) -> Self {
        let blocks = queue.items().iter().map(|item| item.block);
        Self {
            owners: Owners::of(blocks),
        }
    }

    /// The quadrants around an item's block that are shown as finished, row by row; `None` while
    /// that can still change.
    #[must_use]
    pub fn finished_around(&self, queue: &Queue, handle: Handle) -> Option<Vec<Quadrant>> {
        let block = queue.item(handle).block;
        let Quadrant { x, y } = block.top_left;
        let (width, height) = (block.shape.width(), block.shape.height());
        let mut finished = Vec::new();
        for (dx, dy) in (-1..=height).flat_map(|dy| (-1..=width).map(move |dx| (dx, dy))) {
            let (Some(x), Some(y)) = (x.checked_add(dx), y.checked_add(dy)) else {
                continue;
            };
            let quadrant = Quadrant::new(x, y);
            let Some(owner) = self.owners.of_quadrant(quadrant) else {
                continue;
            };
            if !is_shown_when_complete((handle, queue.item(handle)), (owner, queue.item(owner))) {
                continue;
            }
            match queue.item(owner).status {
                Status::Complete => finished.push(quadrant),
                Status::Error => {}
                Status::Pending if queue.is_held_back(owner) || queue.is_outside(owner) => {}
                Status::Pending | Status::InProgress => return None,
            }
        }
        Some(finished)
    }
}

/// Whether the canvas of an item shows `other` once that is complete.
fn is_shown_when_complete(
    (handle, item): (Handle, &Item),
    (other, owner): (Handle, &Item),
) -> bool {
    owner.step < item.step || (other < handle && item.block.shared_edge(owner.block).is_some())
}

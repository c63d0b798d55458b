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

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, HashSet};

    use planner::{Pilot, Region, plan};

    use super::*;

    /// A map with holes and a ragged rim.
    fn items() -> Vec<Item> {
        let all = (0..12).flat_map(|y| (0..15).map(move |x| Quadrant::new(x, y)));
        let region = Region::from_quadrants(all.filter(|q| (q.x * 7 + q.y * 5) % 13 != 0));
        let item = |(id, block): (i64, planner::Block)| Item {
            id,
            step: block.shape.step(),
            block,
            status: Status::Pending,
        };
        (1..).zip(plan(&region).blocks).map(item).collect()
    }

    fn part(x: i32, y: i32) -> HashSet<Quadrant> {
        let rows = y..y + 6;
        rows.flat_map(|y| (x..x + 6).map(move |x| Quadrant::new(x, y)))
            .collect()
    }

    /// Runs a queue with so many calls at a time, of which the oldest or the newest ends first; what
    /// each canvas shows, and the items as they are then.
    fn run(
        mut queue: Queue,
        calls: usize,
        newest_first: bool,
    ) -> (BTreeMap<Handle, Vec<Quadrant>>, Vec<Item>) {
        let surroundings = Surroundings::of(&queue);
        let (mut shown, mut under_way) = (BTreeMap::new(), Vec::new());
        loop {
            while under_way.len() < calls {
                let next = queue.ready().next();
                let Some(next) = next else { break };
                let finished = surroundings.finished_around(&queue, next);
                shown.insert(next, finished.expect("its turn has come"));
                queue.take(next);
                under_way.push(next);
            }
            match under_way.len() {
                0 => return (shown, queue.items().to_vec()),
                all if newest_first => queue.complete(under_way.remove(all - 1)),
                _ => queue.complete(under_way.remove(0)),
            }
        }
    }

    #[test]
    fn a_pilot_shows_the_same_whatever_ends_first_and_the_rest_what_it_would_without() {
        let (whole, _) = run(Queue::of(items()), 1, false);
        let mut differing = 0;
        for (x, y) in [(0, 0), (4, 3), (5, 5), (9, 1), (9, 6), (-3, 8)] {
            let pilot = Pilot::of(&items(), &part(x, y));
            let queue = || Queue::of_pilot(items(), &pilot);
            let (first, complete) = run(queue(), 1, false);
            for (calls, newest_first) in [(2, true), (3, false), (9, true), (100, true)] {
                let (shown, _) = run(queue(), calls, newest_first);
                assert!(shown == first, "{calls} calls at a time");
            }
            let (rest, complete) = run(Queue::of(complete), 5, true);
            assert!(complete.iter().all(|item| item.status == Status::Complete));
            assert_eq!(first.len() + rest.len(), complete.len(), "each once");
            assert!(rest.iter().all(|(at, shown)| whole[at] == *shown));
            for (at, shown) in &first {
                // Less is shown only of what touches at a corner alone.
                let missing = whole[at].iter().filter(|other| !shown.contains(other));
                let block = complete[*at as usize].block;
                for &other in missing {
                    let one = planner::Block::new(planner::BlockShape::OneByOne, other.x, other.y);
                    assert_eq!(block.shared_edge(one), None, "{other} beside {block}");
                    differing += 1;
                }
                assert!(shown.iter().all(|other| whole[at].contains(other)));
            }
        }
        assert!(differing > 0, "no rim has such a corner");
    }
}

//! Which quadrants around a block its canvas shows as finished.
//!
//! A quadrant is shown as finished when its item is complete and either touches the block and
//! precedes it, or belongs to an earlier step, or was made without a call before the run's first one.
//! When an item's turn has come nothing of that can change any more, so a canvas does not depend on
//! which calls ended first, nor on whether steps wait for one another. Where a part runs alone that holds of what is around it too: what is not
//! complete there when the run begins stays so.

use std::collections::HashSet;
use std::sync::Arc;

use planner::{Item, Owners, Quadrant, Status};

use crate::{Handle, Queue};

/// The items of a plan by their quadrants.
#[derive(Debug)]
pub struct Surroundings {
    owners: Arc<Owners>,
    /// Complete items that no call has drawn. That they are does not depend on the run: each run
    /// makes them before its first call.
    uncalled: HashSet<Handle>,
}

impl Surroundings {
    /// The surroundings of the items of `queue`.
    #[must_use]
    pub fn of(queue: &Queue) -> Self {
        let blocks = queue.items().iter().map(|item| item.block);
        let owners = queue.owners();
        Self {
            owners: owners.unwrap_or_else(|| Arc::new(Owners::of(blocks))),
            uncalled: HashSet::new(),
        }
    }

    /// The same, where complete items were made without a call: all around them show these.
    #[must_use]
    pub fn with_uncalled(self, uncalled: impl IntoIterator<Item = Handle>) -> Self {
        Self {
            uncalled: uncalled.into_iter().collect(),
            ..self
        }
    }

    /// The quadrants around an item's block that are shown as finished, row by row; `None` while
    /// that can still change.
    #[must_use]
    pub fn finished_around(&self, queue: &Queue, handle: Handle) -> Option<Vec<Quadrant>> {
        let block = queue.item(handle).block;
        let mut finished = Vec::new();
        for (quadrant, _) in block.around() {
            let Some(owner) = self.owners.of_quadrant(quadrant) else {
                continue;
            };
            let (item, other) = ((handle, queue.item(handle)), (owner, queue.item(owner)));
            if !self.uncalled.contains(&owner) && !is_shown_when_complete(item, other) {
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
    use std::collections::BTreeMap;

    use planner::{BlockShape, Region, complete_followers, plan};

    use super::*;
    use crate::Turn;
    use crate::random::Random;

    /// The items of a map with holes, some of them complete without a call.
    fn items(random: &mut Random) -> (Vec<Item>, HashSet<i64>) {
        let all = (0..11).flat_map(|y| (0..13).map(move |x| Quadrant::new(x, y)));
        let there: Vec<Quadrant> = all.filter(|_| random.fraction() < 0.8).collect();
        let blocks = plan(&Region::from_quadrants(there)).blocks;
        let mut uncalled = HashSet::new();
        let items = (1..).zip(blocks).map(|(id, block)| {
            let is_uncalled = random.fraction() < 0.3;
            if is_uncalled {
                uncalled.insert(id);
            }
            Item {
                id,
                step: block.shape.step(),
                block,
                status: match is_uncalled {
                    true => Status::Complete,
                    false => Status::Pending,
                },
            }
        });
        (items.collect(), uncalled)
    }

    fn surroundings(queue: &Queue, uncalled: &HashSet<i64>) -> Surroundings {
        let handles = (0..).zip(queue.items());
        let handles = handles.filter(|(_, item)| uncalled.contains(&item.id));
        Surroundings::of(queue).with_uncalled(handles.map(|(handle, _)| handle))
    }

    /// What the canvas of each item shows in a run whose calls end in any order, and which stops and
    /// goes on now and then; items of which `fails` do.
    fn shown(
        mut items: Vec<Item>,
        uncalled: &HashSet<i64>,
        fails: &HashSet<i64>,
        stops: f64,
        turn: Turn,
        random: &mut Random,
    ) -> BTreeMap<i64, Vec<Quadrant>> {
        let mut shown = BTreeMap::new();
        loop {
            let mut queue = Queue::of(items).starting(turn);
            let around = surroundings(&queue, uncalled);
            let mut under_way = Vec::new();
            loop {
                let ready: Vec<Handle> = queue.ready().collect();
                let is_over = ready.is_empty() && under_way.is_empty();
                if is_over || random.fraction() < stops {
                    break;
                }
                if under_way.is_empty() || (!ready.is_empty() && random.fraction() < 0.6) {
                    let handle = ready[(random.fraction() * ready.len() as f64) as usize];
                    let finished = around.finished_around(&queue, handle);
                    let finished = finished.expect("its turn has come");
                    shown.insert(queue.item(handle).id, finished);
                    queue.take(handle);
                    under_way.push(handle);
                } else {
                    let at = (random.fraction() * under_way.len() as f64) as usize;
                    let handle = under_way.swap_remove(at);
                    match fails.contains(&queue.item(handle).id) {
                        true => queue.fail(handle),
                        false => queue.complete(handle),
                    }
                }
            }
            items = queue.items().to_vec();
            if queue.current_step().is_none() {
                return shown;
            }
        }
    }

    /// What is put back with an item is what has seen it, directly or over others.
    #[test]
    fn followers_are_all_later_items_whose_canvas_shows_what_they_follow() {
        let mut random = Random::from_seed(12);
        let mut at_corners = 0;
        for _ in 0..40 {
            let (mut items, uncalled) = items(&mut random);
            items.iter_mut().for_each(|i| i.status = Status::Complete);
            let queue = Queue::of(items.clone());
            let around = surroundings(&queue, &uncalled);
            for ids in [1, 1, 2].map(|count| {
                let any = |_| items[(random.fraction() * items.len() as f64) as usize].id;
                (0..count).map(any).collect::<Vec<i64>>()
            }) {
                let mut anew: HashSet<i64> = ids.iter().copied().collect();
                let mut expected = Vec::new();
                // In the order of generation all that it shows is decided before.
                for (handle, item) in (0..).zip(&items) {
                    let shown = around.finished_around(&queue, handle).expect("all is");
                    // A strip fills its canvas from side to side: there is no room for corners.
                    let corners = item.block.around().filter(|(_, is_corner)| *is_corner);
                    let corners: Vec<Quadrant> = corners.map(|(at, _)| at).collect();
                    let is_single = item.block.shape == BlockShape::OneByOne;
                    let shown = shown.iter().filter(|at| is_single || !corners.contains(at));
                    let owners = shown.map(|&at| around.owners.of_quadrant(at));
                    let of_anew =
                        |owner: &Handle| *owner < handle && anew.contains(&queue.item(*owner).id);
                    let seen: Vec<Handle> = owners.flatten().filter(of_anew).collect();
                    if seen.is_empty() || uncalled.contains(&item.id) || ids.contains(&item.id) {
                        continue;
                    }
                    let touches =
                        |other: &Handle| item.block.shared_edge(queue.item(*other).block).is_some();
                    at_corners += usize::from(!seen.iter().any(touches));
                    anew.insert(item.id);
                    expected.push(item.id);
                }
                assert_eq!(complete_followers(&items, &ids, &uncalled), expected);
            }
        }
        assert!(at_corners > 10, "{at_corners}");
    }

    #[test]
    fn canvases_follow_from_the_plan_and_from_what_failed_whatever_stops_and_ends_first() {
        let mut random = Random::from_seed(11);
        let mut of_later = 0;
        for _ in 0..60 {
            let (items, uncalled) = items(&mut random);
            let failing = items.iter().filter(|_| random.fraction() < 0.05);
            let fails: HashSet<i64> = failing.map(|item| item.id).collect();
            let mut shown = |stops, turn| {
                let items = items.clone();
                shown(items, &uncalled, &fails, stops, turn, &mut random)
            };
            let once = shown(0.0, Turn::AfterSteps);
            for stops in [0.0, 0.02, 0.2] {
                for turn in [Turn::AfterSteps, Turn::AfterSurrounding] {
                    assert_eq!(once, shown(stops, turn), "{turn:?}");
                }
            }
            let queue = Queue::of(items);
            let (with, without) = (surroundings(&queue, &uncalled), Surroundings::of(&queue));
            for handle in queue.ready() {
                let all = with.finished_around(&queue, handle).unwrap();
                let before = without.finished_around(&queue, handle).unwrap();
                of_later += all.len() - before.len();
                let owner = |at| queue.item(with.owners.of_quadrant(at).unwrap()).id;
                assert!(before.iter().all(|at| all.contains(at)));
                assert!(all.iter().all(|&at| uncalled.contains(&owner(at))));
            }
        }
        assert!(of_later > 100, "{of_later}");
    }
}

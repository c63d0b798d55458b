//! What may run next.
//!
//! The next item is the first pending one, in `(step, id)`, of the lowest step that is not
//! finished, whose touching predecessors are complete. A step is finished when none of its items
//! is under way or could still run. A failed item holds back what touches it, and nothing else.
//! Of a plan a part may run alone: then nothing outside of it runs, or is waited for.

use std::collections::{BTreeMap, BTreeSet};

use planner::{Adjacency, Item, Pilot, Role, Status};

/// An item's index in the order of generation, from 0: what a run calls it. Its row in the database
/// has a number of its own, [`Item::id`].
pub type Handle = u32;

/// The items of one run and their states, in memory.
#[derive(Debug, Clone)]
pub struct Queue {
    items: Vec<Item>,
    adjacency: Adjacency,
    /// Predecessors that touch the item and are not complete.
    missing: Vec<u8>,
    /// Failed items among the predecessors, directly or over others: while there are any the
    /// item cannot run.
    held_back: Vec<bool>,
    /// Pending items that no failed one holds back.
    open: BTreeSet<Handle>,
    /// Those whose predecessors are all complete.
    ready: BTreeSet<Handle>,
    steps: BTreeMap<u8, StepCounts>,
    /// What each item is to the part that runs; empty where all of the plan runs.
    roles: Vec<Role>,
    /// The counts of these.
    outside_counts: StepCounts,
}

/// How many items of a step are in each state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StepCounts {
    /// Pending, and not held back by a failed item.
    pub pending: usize,
    /// Pending, and waiting on a failed item.
    pub held_back: usize,
    /// Taken and not yet put back, complete or failed.
    pub taken: usize,
    /// Done.
    pub complete: usize,
    /// Failed.
    pub failed: usize,
}

impl StepCounts {
    /// All items of the step.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.pending + self.held_back + self.taken + self.complete + self.failed
    }

    /// Whether nothing of the step is under way or could still run.
    #[must_use]
    pub const fn is_finished(&self) -> bool {
        self.pending == 0 && self.taken == 0
    }
}

impl Queue {
    /// The queue of `items`, which are in the order of generation. What is `in_progress` counts
    /// as pending: the run that claimed it is dead.
    #[must_use]
    pub fn of(items: Vec<Item>) -> Self {
        Self::with_roles(items, Vec::new())
    }

    /// The queue of a part of `items`, as if nothing else were planned: what is outside of it is
    /// neither run nor waited for, and counted apart.
    #[must_use]
    pub fn of_pilot(items: Vec<Item>, pilot: &Pilot) -> Self {
        Self::with_roles(items, pilot.roles().to_vec())
    }

    fn with_roles(mut items: Vec<Item>, roles: Vec<Role>) -> Self {
        for item in &mut items {
            if item.status == Status::InProgress {
                item.status = Status::Pending;
            }
        }
        let blocks: Vec<_> = items.iter().map(|item| item.block).collect();
        let adjacency = Adjacency::of(&blocks);
        let mut queue = Self {
            missing: vec![0; items.len()],
            held_back: vec![false; items.len()],
            open: BTreeSet::new(),
            ready: BTreeSet::new(),
            steps: BTreeMap::new(),
            items,
            adjacency,
            roles,
            outside_counts: StepCounts::default(),
        };
        for index in 0..queue.items.len() {
            let missing = queue
                .adjacency
                .predecessors(index)
                .iter()
                .filter(|&&other| queue.items[other as usize].status != Status::Complete)
                .count();
            // A block of four quadrants touches at most eight others.
            queue.missing[index] = u8::try_from(missing).unwrap_or(u8::MAX);
            let is_outside = queue.is_outside(handle(index));
            let counts = match is_outside {
                true => &mut queue.outside_counts,
                false => queue.steps.entry(queue.items[index].step).or_default(),
            };
            match queue.items[index].status {
                Status::Complete => counts.complete += 1,
                Status::Error => counts.failed += 1,
                Status::Pending | Status::InProgress => {
                    counts.pending += 1;
                    if !is_outside {
                        queue.open.insert(handle(index));
                    }
                    if missing == 0 && !is_outside {
                        queue.ready.insert(handle(index));
                    }
                }
            }
        }
        for index in 0..queue.items.len() {
            if queue.items[index].status == Status::Error {
                queue.hold_back_behind(handle(index));
            }
        }
        queue
    }

    /// The item of a handle.
    #[must_use]
    pub fn item(&self, handle: Handle) -> &Item {
        &self.items[handle as usize]
    }

    /// All items in the order of generation; a handle is an index into this list.
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// Which items touch which.
    #[must_use]
    pub fn adjacency(&self) -> &Adjacency {
        &self.adjacency
    }

    /// The lowest step that is not finished; `None` when nothing is under way or could still
    /// run.
    #[must_use]
    pub fn current_step(&self) -> Option<u8> {
        self.steps
            .iter()
            .find(|(_, counts)| !counts.is_finished())
            .map(|(&step, _)| step)
    }

    /// The items that may run now, in order, without taking them.
    pub fn ready(&self) -> impl Iterator<Item = Handle> + '_ {
        let step = self.current_step();
        self.ready
            .iter()
            .copied()
            .take_while(move |&handle| Some(self.item(handle).step) == step)
    }

    /// The items that are likely to run next, in order: those that may run now and those that
    /// wait for others to complete.
    pub fn upcoming(&self) -> impl Iterator<Item = Handle> + '_ {
        self.open.iter().copied()
    }

    /// Whether an item may run now.
    #[must_use]
    pub fn is_ready(&self, handle: Handle) -> bool {
        self.ready.contains(&handle) && Some(self.item(handle).step) == self.current_step()
    }

    /// Takes an item that may run now.
    ///
    /// # Panics
    /// When it may not.
    pub fn take(&mut self, handle: Handle) {
        assert!(
            self.ready.remove(&handle),
            "item {} is not ready",
            self.item(handle).id
        );
        self.open.remove(&handle);
        self.items[handle as usize].status = Status::InProgress;
        let counts = self.counts_mut(handle);
        counts.pending -= 1;
        counts.taken += 1;
    }

    /// Puts back an item that was taken.
    pub fn put_back(&mut self, handle: Handle) {
        self.items[handle as usize].status = Status::Pending;
        self.open.insert(handle);
        self.ready.insert(handle);
        let counts = self.counts_mut(handle);
        counts.taken -= 1;
        counts.pending += 1;
    }

    /// Notes that a taken item is complete; what touches it comes nearer to running.
    pub fn complete(&mut self, handle: Handle) {
        self.items[handle as usize].status = Status::Complete;
        let counts = self.counts_mut(handle);
        counts.taken -= 1;
        counts.complete += 1;
        for &next in self.adjacency.successors(handle as usize) {
            self.missing[next as usize] -= 1;
            if self.missing[next as usize] == 0
                && self.items[next as usize].status == Status::Pending
                && !self.is_outside(next)
            {
                self.ready.insert(next);
            }
        }
    }

    /// Notes that a taken item failed; what touches it waits.
    pub fn fail(&mut self, handle: Handle) {
        self.items[handle as usize].status = Status::Error;
        let counts = self.counts_mut(handle);
        counts.taken -= 1;
        counts.failed += 1;
        self.hold_back_behind(handle);
    }

    /// Whether a pending item waits on a failed one.
    #[must_use]
    pub fn is_held_back(&self, handle: Handle) -> bool {
        self.held_back[handle as usize]
    }

    /// Whether an item stays out of this run, because only a part was asked for.
    #[must_use]
    pub fn is_outside(&self, handle: Handle) -> bool {
        self.roles.get(handle as usize) == Some(&Role::Outside)
    }

    /// Whether an item runs only because what was asked for may not start without it.
    #[must_use]
    pub fn only_precedes(&self, handle: Handle) -> bool {
        self.roles.get(handle as usize) == Some(&Role::Precedes)
    }

    /// The counts of all items that stay out of this run; none are where all of the plan runs.
    #[must_use]
    pub fn outside(&self) -> StepCounts {
        self.outside_counts
    }

    /// The counts of each step, without what stays out of this run.
    #[must_use]
    pub fn steps(&self) -> &BTreeMap<u8, StepCounts> {
        &self.steps
    }

    /// The counts of all steps together, without what stays out of this run.
    #[must_use]
    pub fn totals(&self) -> StepCounts {
        let mut all = StepCounts::default();
        for counts in self.steps.values() {
            all.pending += counts.pending;
            all.held_back += counts.held_back;
            all.taken += counts.taken;
            all.complete += counts.complete;
            all.failed += counts.failed;
        }
        all
    }

    /// Marks everything that waits on `failed`, directly or over others.
    fn hold_back_behind(&mut self, failed: Handle) {
        let mut behind = vec![failed];
        while let Some(handle) = behind.pop() {
            if handle != failed {
                let counts = self.counts_mut(handle);
                counts.pending -= 1;
                counts.held_back += 1;
            }
            for &next in self.adjacency.successors(handle as usize) {
                let index = next as usize;
                if self.items[index].status != Status::Pending || self.held_back[index] {
                    continue;
                }
                self.held_back[index] = true;
                self.open.remove(&next);
                behind.push(next);
            }
        }
    }

    fn counts_mut(&mut self, handle: Handle) -> &mut StepCounts {
        if self.is_outside(handle) {
            return &mut self.outside_counts;
        }
        let step = self.items[handle as usize].step;
        self.steps.get_mut(&step).expect("each step is counted")
    }
}

fn handle(index: usize) -> Handle {
    Handle::try_from(index).expect("a plan has fewer than four billion items")
}

#[cfg(test)]
mod tests {
    use planner::{Quadrant, Region, plan};

    use super::*;

    fn queue(width: i32, height: i32) -> Queue {
        let region = Region::from_quadrants(
            (0..height).flat_map(|y| (0..width).map(move |x| Quadrant::new(x, y))),
        );
        let items = (1..)
            .zip(plan(&region).blocks)
            .map(|(id, block)| Item {
                id,
                step: block.shape.step(),
                block,
                status: Status::Pending,
            })
            .collect();
        Queue::of(items)
    }

    /// The queue of a part of a 9 x 9 map.
    fn part(xs: std::ops::Range<i32>, ys: std::ops::Range<i32>) -> (Queue, Pilot) {
        let asked = ys.flat_map(|y| xs.clone().map(move |x| Quadrant::new(x, y)));
        let items = queue(9, 9).items().to_vec();
        let pilot = Pilot::of(&items, &asked.collect());
        (Queue::of_pilot(items, &pilot), pilot)
    }

    fn run_all(queue: &mut Queue, fails: impl Fn(Handle) -> bool) -> Vec<Handle> {
        let mut order = Vec::new();
        loop {
            let Some(next) = queue.ready().next() else {
                return order;
            };
            queue.take(next);
            assert!(
                queue.upcoming().all(|handle| handle != next),
                "it was taken"
            );
            order.push(next);
            if fails(next) {
                queue.fail(next);
            } else {
                queue.complete(next);
            }
        }
    }

    #[test]
    fn everything_runs_in_the_order_of_the_plan() {
        let mut queue = queue(9, 9);
        let order = run_all(&mut queue, |_| false);
        assert_eq!(order, (0..queue.items().len() as u32).collect::<Vec<_>>());
        assert_eq!(queue.current_step(), None);
    }

    #[test]
    fn a_failed_item_holds_back_what_touches_it_and_nothing_else() {
        let mut queue = queue(9, 9);
        let order = run_all(&mut queue, |handle| handle == 4);
        // The middle 2x2 of nine touches two upright and two lying strips, and each of these
        // touches corners.
        let waiting: Vec<_> = (0..queue.items().len() as u32)
            .filter(|&h| queue.is_held_back(h))
            .collect();
        assert_eq!(order.len() + waiting.len(), queue.items().len());
        assert!(!waiting.is_empty());
        for &handle in &waiting {
            let behind_failed = queue
                .adjacency()
                .predecessors(handle as usize)
                .iter()
                .any(|&before| before == 4 || queue.is_held_back(before));
            assert!(
                behind_failed,
                "{} waits for nothing",
                queue.item(handle).block
            );
        }
        assert_eq!(
            queue.current_step(),
            None,
            "the run ends although items wait"
        );
    }

    #[test]
    fn a_step_starts_when_the_one_before_has_nothing_under_way() {
        let mut queue = queue(9, 9);
        let first: Vec<_> = queue.ready().collect();
        assert_eq!(first.len(), 9, "all of step 1");
        for &handle in &first {
            queue.take(handle);
        }
        for &handle in &first[1..] {
            queue.complete(handle);
        }
        assert_eq!(queue.ready().count(), 0, "one of step 1 is under way");
        queue.put_back(first[0]);
        assert_eq!(queue.ready().collect::<Vec<_>>(), [first[0]]);
        queue.take(first[0]);
        queue.complete(first[0]);
        assert_eq!(queue.current_step(), Some(2));
    }

    #[test]
    fn a_plan_that_is_half_done_goes_on_where_it_was() {
        let mut items = queue(9, 9).items().to_vec();
        items[0].status = Status::Complete;
        items[1].status = Status::InProgress;
        items[2].status = Status::Error;
        let queue = Queue::of(items);
        assert_eq!(queue.ready().next(), Some(1));
        assert_eq!(queue.steps()[&1].failed, 1);
        assert!(queue.steps()[&2].held_back > 0);
    }

    #[test]
    fn every_item_is_counted_once_whatever_becomes_of_it() {
        let mut queue = queue(9, 9);
        let totals = |queue: &Queue| -> Vec<usize> {
            queue.steps().values().map(StepCounts::total).collect()
        };
        let all = totals(&queue);
        assert_eq!(all.iter().sum::<usize>(), queue.items().len());
        let mut number = 0;
        loop {
            let Some(next) = queue.ready().next() else {
                break;
            };
            queue.take(next);
            number += 1;
            match number % 7 {
                0 => queue.fail(next),
                1 => queue.put_back(next),
                _ => queue.complete(next),
            }
            assert_eq!(totals(&queue), all);
        }
    }

    #[test]
    fn a_part_runs_to_its_end_and_nothing_else_does() {
        // The corner at (2, 2), with two strips at its sides and the four 2x2 around.
        let (mut queue, pilot) = part(2..3, 2..3);
        let all = queue.items().len();
        let order = run_all(&mut queue, |_| false);
        let inside = (0..all as u32).filter(|&h| pilot.role(h as usize) != Role::Outside);
        assert_eq!(order, inside.collect::<Vec<_>>());
        assert!((4..all).contains(&order.len()), "{} items", order.len());
        assert_eq!(queue.totals().complete, order.len());
        assert_eq!(queue.outside().pending, all - order.len());
        assert_eq!(queue.upcoming().count(), 0, "nothing is looked forward to");
    }

    #[test]
    fn a_failed_item_is_counted_where_it_holds_back() {
        let (mut queue, _) = part(2..3, 2..3);
        let all = queue.items().len();
        // Of the four 2x2 one at whose other side there is a strip, too.
        run_all(&mut queue, |handle| handle == 1);
        assert!(queue.totals().held_back > 0 && queue.outside().held_back > 0);
        assert_eq!(queue.totals().total() + queue.outside().total(), all);
    }

    #[test]
    fn what_failed_outside_of_a_part_is_no_matter() {
        let (queue, pilot) = part(0..2, 0..2);
        let mut items = queue.items().to_vec();
        items[8].status = Status::Error;
        let mut queue = Queue::of_pilot(items, &pilot);
        assert_eq!(run_all(&mut queue, |_| false), [0]);
        assert_eq!(queue.totals().failed, 0);
        assert_eq!(queue.outside().failed, 1);
    }
}

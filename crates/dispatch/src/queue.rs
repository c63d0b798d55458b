//! What may run next.
//!
//! The next item is the first pending one, in `(step, id)`, whose touching predecessors are complete
//! and whose [`Turn`] has come: in the strict order when the steps before its own are finished. A step
//! is finished when none of its items is under way or could still run. A failed item holds back what
//! touches it, and nothing else. Of a plan a part may run alone: then nothing outside of it runs, or
//! is waited for.

mod corners;
mod counts;
#[cfg(test)]
mod tests;
mod turn;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use planner::{Adjacency, Item, Owners, Pilot, Role, Status};

use corners::at_corners;
pub use counts::StepCounts;
pub use turn::Turn;

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
    /// Those that may run now.
    ready: BTreeSet<Handle>,
    /// Those whose predecessors are all complete, and whose turn has not come.
    waiting: BTreeSet<Handle>,
    turn: Turn,
    /// The items by their quadrants, where those at corners count.
    owners: Option<Arc<Owners>>,
    /// Items of earlier steps at the item's corners that are not complete.
    missing_at_corners: Vec<u8>,
    steps: BTreeMap<u8, StepCounts>,
    /// What each item is to the part that runs; empty where all of the plan runs.
    roles: Vec<Role>,
    /// The counts of these.
    outside_counts: StepCounts,
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
            waiting: BTreeSet::new(),
            turn: Turn::default(),
            owners: None,
            missing_at_corners: Vec::new(),
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
                }
            }
        }
        for index in 0..queue.items.len() {
            if queue.items[index].status == Status::Error {
                queue.hold_back_behind(handle(index));
            }
        }
        queue.starting(Turn::AfterSteps)
    }

    /// The same, where items start when this turn has come.
    #[must_use]
    pub fn starting(mut self, turn: Turn) -> Self {
        self.turn = turn;
        (self.owners, self.missing_at_corners) = (None, Vec::new());
        if turn == Turn::AfterSurrounding {
            let blocks = self.items.iter().map(|item| item.block);
            self.owners = Some(Arc::new(Owners::of(blocks)));
            let missing = (0..self.items.len()).map(|index| self.count_missing_at_corners(index));
            self.missing_at_corners = missing.collect();
        }
        self.ready.clear();
        self.waiting.clear();
        for index in 0..self.items.len() {
            self.admit(handle(index));
        }
        self.let_steps_start();
        self
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

    /// When the turn of an item comes.
    #[must_use]
    pub fn turn(&self) -> Turn {
        self.turn
    }

    /// The items by their quadrants, where the queue has them.
    pub(crate) fn owners(&self) -> Option<Arc<Owners>> {
        self.owners.clone()
    }

    /// The items that may run now, in order, without taking them.
    pub fn ready(&self) -> impl Iterator<Item = Handle> + '_ {
        self.ready.iter().copied()
    }

    /// The items that are likely to run next, in order: those that may run now and those that
    /// wait for others to complete.
    pub fn upcoming(&self) -> impl Iterator<Item = Handle> + '_ {
        self.open.iter().copied()
    }

    /// Whether an item may run now.
    #[must_use]
    pub fn is_ready(&self, handle: Handle) -> bool {
        self.ready.contains(&handle)
    }

    /// How many items are still to be given out until endpoints wait for one another: those of the
    /// step, or where steps do not wait all of them.
    #[must_use]
    pub fn left(&self) -> usize {
        match self.turn {
            Turn::AfterSteps => {
                let step = self.current_step();
                step.map_or(0, |step| self.steps[&step].pending)
            }
            Turn::AfterTouching | Turn::AfterSurrounding => {
                self.steps.values().map(|counts| counts.pending).sum()
            }
        }
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
        for next in self.adjacency.successors(handle as usize).to_vec() {
            self.missing[next as usize] -= 1;
            self.admit(next);
        }
        let step = self.item(handle).step;
        for next in self.at_corners(handle) {
            if self.item(next).step > step {
                self.missing_at_corners[next as usize] -= 1;
                self.admit(next);
            }
        }
        self.let_steps_start();
    }

    /// Notes that a taken item failed; what touches it waits.
    pub fn fail(&mut self, handle: Handle) {
        self.items[handle as usize].status = Status::Error;
        let counts = self.counts_mut(handle);
        counts.taken -= 1;
        counts.failed += 1;
        self.hold_back_behind(handle);
        self.let_steps_start();
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

    /// Notes an item that waits for nothing that touches it: it is ready, or waits for its turn.
    fn admit(&mut self, handle: Handle) {
        let index = handle as usize;
        let is_open = self.items[index].status == Status::Pending && !self.is_outside(handle);
        if !is_open || self.missing[index] > 0 {
            return;
        }
        let is_its_turn = match self.turn {
            Turn::AfterSteps => false,
            Turn::AfterTouching => true,
            Turn::AfterSurrounding => self.missing_at_corners[index] == 0,
        };
        if is_its_turn {
            self.waiting.remove(&handle);
            self.ready.insert(handle);
        } else {
            self.waiting.insert(handle);
        }
    }

    /// Makes those ready that waited for the steps before their own.
    fn let_steps_start(&mut self) {
        let Some(step) = self.current_step() else {
            return;
        };
        while let Some(&first) = self.waiting.first()
            && self.item(first).step <= step
        {
            self.waiting.remove(&first);
            self.ready.insert(first);
        }
    }

    /// The items that touch an item at a corner alone, where these count.
    fn at_corners(&self, handle: Handle) -> Vec<Handle> {
        let beside = self.adjacency.neighbours(handle as usize);
        let owners = self.owners.as_deref();
        owners.map_or_else(Vec::new, |owners| {
            at_corners(owners, self.item(handle).block, beside)
        })
    }

    /// How many items of earlier steps at an item's corners may still become complete, or would have
    /// had to: what is outside of a part is not waited for.
    fn count_missing_at_corners(&self, index: usize) -> u8 {
        let step = self.items[index].step;
        let at_corners = self.at_corners(handle(index)).into_iter();
        let missing = at_corners.filter(|&other| {
            let item = self.item(other);
            item.step < step && item.status != Status::Complete && !self.is_outside(other)
        });
        // A block has four corners.
        u8::try_from(missing.count()).unwrap_or(u8::MAX)
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

//! A call that is made to learn whose fault it is that others failed: an endpoint is sent a
//! canvas that was answered before.

use planner::Status;

use super::{Call, Dispatcher};
use crate::pool::LONGEST_REST;
use crate::{CanvasId, EndpointIndex, Handle, Level, Moment, Order};

/// A comparison that is being prepared or under way. Until it has ended its endpoint is kept for
/// it, and items in doubt wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Comparison {
    /// Whose canvas is sent.
    handle: Handle,
    pub(super) endpoint: EndpointIndex,
    /// The item in doubt.
    doubted: Handle,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Coming,
    Ready,
    /// Since when.
    Called(Moment),
}

/// So many canvases that were not answered are remembered.
const MOST_REMEMBERED: usize = 16;

impl Dispatcher {
    /// The item whose canvas an endpoint can be sent to learn something of the item `doubted`:
    /// what it answered last, else what any endpoint did, else one that is not asked for now.
    pub(super) fn comparable(&self, doubted: Handle, endpoint: EndpointIndex) -> Option<Handle> {
        let is_fit = |handle: &Handle| !self.unanswered_comparisons.contains(handle);
        let own = self
            .answered_by
            .get(&endpoint)
            .filter(|&handle| is_fit(handle));
        let mut others = self.answered_by.values();
        if let Some(&handle) = own.or_else(|| others.find(|&handle| is_fit(handle))) {
            return Some(handle);
        }
        if self.queue.totals().complete > 0 {
            let items = self.queue.items();
            let last = Handle::try_from(items.len()).ok()?;
            // Nothing outside of a part is called, not even once more.
            let is_complete = |&handle: &Handle| {
                self.queue.item(handle).status == Status::Complete && !self.queue.is_outside(handle)
            };
            let mut complete = (0..last).rev().filter(is_complete);
            let first = complete.next()?;
            // Where none was answered, one is as good as another.
            let mut all = std::iter::once(first).chain(complete);
            return Some(all.find(is_fit).unwrap_or(first));
        }
        // With all that is asked for in doubt, another one tells as much.
        self.limits.max_items?;
        let mut open = self.queue.upcoming();
        open.find(|&other| other != doubted && !self.may_begin(other))
    }

    /// Whether a comparison at an endpoint tells as much of an item as one elsewhere: best where
    /// the item has just failed and another was answered, worst where the last one was not.
    pub(super) fn is_telling(&self, doubted: Handle, endpoint: EndpointIndex, now: Moment) -> bool {
        let rank = |endpoint| {
            let has_answered = self.answered_by.contains_key(&endpoint);
            let failed_lately = self.tries.failed_lately_at(doubted, endpoint, now);
            (!self.tries.is_deaf(endpoint), failed_lately, has_answered)
        };
        // One that does not take part for long is not waited for.
        let takes_part = |other: EndpointIndex| {
            let wakes = self.pool.members()[other].wakes_at(now);
            let is_soon = wakes.is_none_or(|at| at <= now + LONGEST_REST);
            is_soon && self.affords(other) && self.suits(doubted, other, now)
        };
        let is_better = |other| rank(other) > rank(endpoint) && takes_part(other);
        !self.pool.has_other(is_better)
    }

    pub(super) fn compare(&mut self, doubted: Handle, endpoint: EndpointIndex, now: Moment) {
        let Some(handle) = self.comparable(doubted, endpoint) else {
            return;
        };
        self.tries.compares(now);
        let finished = match &self.surroundings {
            None => Vec::new(),
            Some(surroundings) => surroundings
                .finished_around(&self.queue, handle)
                .unwrap_or_default(),
        };
        self.comparison = Some(Comparison {
            handle,
            endpoint,
            doubted,
            state: State::Coming,
        });
        let canvas = CanvasId::Comparison(handle);
        self.orders.push(Order::Prepare { canvas, finished });
    }

    pub(super) fn on_comparison_prepared(&mut self, is_ready: bool) {
        match &mut self.comparison {
            Some(comparison) if is_ready => comparison.state = State::Ready,
            // The next one is as good, in ten minutes.
            _ => self.end_comparison(),
        }
    }

    /// Makes the call of a comparison that is ready, as soon as its endpoint is free.
    pub(super) fn call_comparison(&mut self, now: Moment) {
        let Some(comparison) = self.comparison else {
            return;
        };
        let Comparison {
            handle,
            endpoint,
            doubted,
            state,
        } = comparison;
        // There is none that is worth more than the limit.
        if !self.pool.members()[endpoint].is_left() || !self.affords(endpoint) {
            return self.end_comparison();
        }
        if state != State::Ready || !self.pool.may_call(endpoint, now) {
            return;
        }
        self.comparison = Some(Comparison {
            state: State::Called(now),
            ..comparison
        });
        let (block, other, name) = (self.block(doubted), self.block(handle), self.name(endpoint));
        let line = format!(
            "{block}: to learn whether it fails or endpoint {name} is away, {name} is sent {other} once more; that is one call, and its picture is not used"
        );
        self.tell(Level::Plain, line);
        self.tally.comparisons += 1;
        self.tries.compares(now);
        self.call(CanvasId::Comparison(handle), endpoint, now);
    }

    pub(super) fn on_comparison_ended(
        &mut self,
        call: &Call,
        handle: Handle,
        answered: bool,
        now: Moment,
    ) {
        let is_current = self.comparison.is_some_and(|current| {
            (current.handle, current.endpoint) == (handle, call.endpoint)
                && current.state == State::Called(call.started)
        });
        // It was cut, where it is not.
        if !is_current {
            return;
        }
        // One that was not answered may be so now, where its endpoint is tried anew meanwhile.
        match answered || !self.is_of_the_past(call) {
            true => self.on_compared(handle, call.endpoint, answered, now),
            false => self.end_comparison(),
        }
    }

    fn on_compared(
        &mut self,
        handle: Handle,
        endpoint: EndpointIndex,
        answered: bool,
        now: Moment,
    ) {
        self.tries.compared(handle, endpoint, answered, now);
        if answered {
            self.unanswered_comparisons.clear();
            self.answered_by.insert(endpoint, handle);
        } else if self.unanswered_comparisons.len() < MOST_REMEMBERED {
            self.unanswered_comparisons.insert(handle);
        }
        self.end_comparison();
    }

    /// Ends a comparison whose endpoint has become another one, or is gone.
    pub(super) fn cut_comparison(&mut self, endpoint: EndpointIndex) {
        let Some(comparison) = self.comparison.filter(|c| c.endpoint == endpoint) else {
            return;
        };
        if !matches!(comparison.state, State::Called(_)) {
            self.tries.does_not_compare();
        }
        self.end_comparison();
    }

    /// Forgets a comparison that has ended.
    pub(super) fn end_comparison(&mut self) {
        if let Some(comparison) = self.comparison.take() {
            let canvas = CanvasId::Comparison(comparison.handle);
            self.orders.push(Order::Discard(canvas));
        }
    }
}

//! Which item goes to which endpoint.

use std::time::Duration;

use super::{Call, CanvasState, Dispatcher};
use crate::{CanvasId, EndpointIndex, Handle, Moment, Order, Standing, Turn};

/// An endpoint that may not be called more than once a minute is waited for.
const A_MINUTE: Duration = Duration::from_secs(60);

/// What is to be done with a free endpoint.
enum Choice {
    Begin(Handle, EndpointIndex),
    /// Ask it whether it is there, to learn whose fault it was that this item failed there.
    Probe(Handle, EndpointIndex),
    /// Let it do what it is known to do, for the same reason.
    Compare(Handle, EndpointIndex),
}

impl Dispatcher {
    /// Gives out items while there are endpoints for them.
    pub(super) fn assign(&mut self, now: Moment) {
        self.give_up_bad_sources();
        self.give_up_hopeless();
        self.call_comparison(now);
        // Claimed and not complete: twice the slots, so that saving never holds up a call and
        // memory stays bounded when the disk is slow.
        while self.stop.is_none()
            && self.calls.len() < 2 * self.pool.max_concurrent()
            && self.pool.has_free(now)
        {
            match self.choose(now) {
                None => break,
                Some(Choice::Begin(handle, endpoint)) => self.begin(handle, endpoint, now),
                Some(Choice::Probe(handle, endpoint)) => {
                    self.probing = Some((endpoint, handle));
                    self.orders.push(Order::Probe(endpoint));
                }
                Some(Choice::Compare(handle, endpoint)) => self.compare(handle, endpoint, now),
            }
        }
    }

    /// The next item, and an endpoint for it.
    fn choose(&self, now: Moment) -> Option<Choice> {
        let left = self.queue.left();
        let mut put_off = None;
        let mut is_free_for_any = true;
        for handle in self.candidates().filter(|&handle| self.may_begin(handle)) {
            let is_known = self.tries.knows(handle);
            match self.canvases.get(&handle) {
                Some(CanvasState::Ready) => {}
                // The order of the plan is kept: nothing overtakes an item whose canvas comes
                // soon.
                Some(CanvasState::Coming(_)) => return None,
                // Canvases are prepared for so many items and no more.
                None if is_known => continue,
                None => break,
            }
            if !is_known && !is_free_for_any {
                continue;
            }
            if self.comparison.is_some() && self.tries.is_in_doubt(handle) {
                continue;
            }
            let suits = |endpoint| self.suits(handle, endpoint, now);
            let standing = |endpoint| self.tries.standing(handle, endpoint, now);
            let clear = |endpoint| {
                suits(endpoint) && self.affords(endpoint) && standing(endpoint) == Standing::Clear
            };
            if let Some(endpoint) = self.pool.pick(now, left, clear) {
                return Some(Choice::Begin(handle, endpoint));
            }
            is_free_for_any &= is_known;
            if put_off.is_none() {
                let choice = |endpoint| self.choose_for_doubtful(handle, endpoint, now);
                // To ask whether it is there costs nothing.
                let has_choice = |endpoint| match choice(endpoint) {
                    None => false,
                    Some(Choice::Probe(..)) => suits(endpoint),
                    Some(_) => suits(endpoint) && self.affords(endpoint),
                };
                put_off = self.pool.pick(now, left, has_choice).and_then(choice);
            }
        }
        // Another item would tell better whether the endpoint is back, but there is none.
        put_off
    }

    /// The items that may run now, in order; where others may overtake them, only those whose
    /// canvases are ready.
    fn candidates(&self) -> Box<dyn Iterator<Item = Handle> + '_> {
        // One at a time is always in order.
        let is_strict = self.queue.turn() == Turn::AfterSteps || self.pool.max_concurrent() == 1;
        if is_strict {
            return Box::new(self.queue.ready());
        }
        let drawn = self.canvases.iter();
        let drawn = drawn.filter(|&(_, &state)| state == CanvasState::Ready);
        let drawn = drawn.map(|(&handle, _)| handle);
        Box::new(drawn.filter(|&handle| self.queue.is_ready(handle)))
    }

    /// Whether an endpoint is none that gave a useless answer for the item, as long as there are
    /// others, and none that is busy finding out something.
    pub(super) fn suits(&self, handle: Handle, endpoint: EndpointIndex, now: Moment) -> bool {
        let is_probed = self.probing.is_some_and(|(probed, _)| probed == endpoint);
        let is_compared = self.comparison.is_some_and(|c| c.endpoint == endpoint);
        if is_probed || is_compared {
            return false;
        }
        !self.tries.was_bad_at(handle, endpoint)
            || !self.pool.has_other(|other| {
                !self.tries.was_bad_at(handle, other)
                    && self.affords(other)
                    && self.tries.standing(handle, other, now) != Standing::Waits
                    && self.pool.members()[other].is_free_soon(now)
            })
    }

    /// What becomes of an item in doubt for which an endpoint is free, where no other item is.
    fn choose_for_doubtful(
        &self,
        handle: Handle,
        endpoint: EndpointIndex,
        now: Moment,
    ) -> Option<Choice> {
        if self.comparison.is_some() || self.probing.is_some() {
            return None;
        }
        let members = self.pool.members();
        let is_better = |other: EndpointIndex| {
            let is_clear = self.tries.standing(handle, other, now) == Standing::Clear;
            let is_there = !members[other].is_away();
            // That it fails for others does not mean that it fails for this one.
            let wakes = members[other].wakes_at(now);
            let is_soon_there = is_there || wakes.is_none_or(|at| at <= now + A_MINUTE);
            self.suits(handle, other, now)
                && self.affords(other)
                && ((is_soon_there && self.tries.is_worth_trying(handle, other))
                    || (is_there && is_clear && members[other].is_free_soon(now)))
        };
        let is_alone = self.tries.are_few_in_doubt();
        if is_alone && self.tries.is_worth_trying(handle, endpoint) {
            return Some(Choice::Begin(handle, endpoint));
        }
        if is_alone && self.pool.has_other(is_better) {
            return None;
        }
        if self.comparable(handle, endpoint).is_none() {
            if is_alone && !self.calls.is_empty() && self.tries.is_worth_comparing(handle) {
                // What is under way will tell something, or be there to compare with.
                return None;
            }
            // There is nothing to compare it with but what costs nothing.
            if !self.is_alone(handle) {
                return Some(Choice::Begin(handle, endpoint));
            }
            if self.tries.broke_off_at(handle, endpoint) {
                return Some(Choice::Probe(handle, endpoint));
            }
            let waits = self.tries.waits_for_probes(handle, endpoint);
            return (!waits).then_some(Choice::Begin(handle, endpoint));
        }
        let is_due = self.tries.next_comparison(now).is_none();
        if is_due && self.tries.is_worth_comparing(handle) {
            if !self.tries.failed_lately(handle, now) {
                // Only what has just failed can be compared.
                return Some(Choice::Begin(handle, endpoint));
            }
            let is_telling = self.is_telling(handle, endpoint, now);
            if is_telling {
                return Some(Choice::Compare(handle, endpoint));
            }
            return (!is_alone).then_some(Choice::Begin(handle, endpoint));
        }
        let waits = self.tries.standing(handle, endpoint, now) == Standing::Waits;
        (!waits).then_some(Choice::Begin(handle, endpoint))
    }

    /// Whether this is the only item that can run now.
    fn is_alone(&self, handle: Handle) -> bool {
        let mut ready = self.queue.ready().filter(|&other| self.may_begin(other));
        self.calls.is_empty() && ready.all(|other| other == handle)
    }

    fn begin(&mut self, handle: Handle, endpoint: EndpointIndex, now: Moment) {
        self.canvases.remove(&handle);
        if self.limits.max_items.is_some() {
            self.begun.insert(handle);
        }
        self.queue.take(handle);
        self.wants_canvases = true;
        self.call(CanvasId::Of(handle), endpoint, now);
    }

    /// Orders a call.
    pub(super) fn call(&mut self, canvas: CanvasId, endpoint: EndpointIndex, now: Moment) {
        self.pool.start(endpoint, now);
        let attempt = self.next_attempt;
        self.next_attempt += 1;
        let call = Call {
            canvas,
            endpoint,
            started: now,
            is_called: true,
            aside: self.pool.members()[endpoint].most(),
            cost: None,
        };
        self.spent.set_aside(call.aside);
        self.calls.insert(attempt, call);
        let priced = self.pool.members()[endpoint].has_price();
        self.orders.push(Order::Call {
            attempt,
            canvas,
            endpoint,
            aside: priced.then_some(call.aside),
        });
    }
}

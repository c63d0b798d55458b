//! The dispatcher: what goes where, and what follows from what happens.

mod ahead;
mod assigning;
mod changing;
mod comparing;
mod ending;
mod failing;
mod seen;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::money::{self, Spent};
use crate::pool::Terms;
use crate::random::Random;
use crate::{
    AttemptId, CallEnd, CanvasId, Ending, EndpointIndex, Event, Failure, FailureKind, Handle,
    Level, Limits, Moment, Money, Order, Pool, PrepareFailure, Queue, Surroundings, Tally, Tries,
};
use ahead::Pace;
use comparing::Comparison;
pub use seen::InFlight;

/// The state of a run.
#[derive(Debug)]
pub struct Dispatcher {
    queue: Queue,
    pool: Pool,
    tries: Tries,
    /// Where canvases show what is around a block.
    surroundings: Option<Surroundings>,
    limits: Limits,
    tally: Tally,
    next_attempt: AttemptId,
    /// Canvases on their way, or ready and waiting for an endpoint.
    canvases: BTreeMap<Handle, CanvasState>,
    pace: Pace,
    /// Items of which there can be no canvas, and why; each fails when its turn comes.
    bad_sources: BTreeMap<Handle, String>,
    /// Calls that are under way, or whose answers are being saved.
    calls: BTreeMap<AttemptId, Call>,
    /// Items begun in this run, kept only when their number is limited.
    begun: BTreeSet<Handle>,
    comparison: Option<Comparison>,
    /// Items whose canvases were sent to compare, and not answered since one was.
    unanswered_comparisons: BTreeSet<Handle>,
    /// The complete item whose canvas each endpoint answered last.
    answered_by: BTreeMap<EndpointIndex, Handle>,
    /// The endpoint that is being asked whether it is there, and for which item.
    probing: Option<(EndpointIndex, Handle)>,
    spent: Spent,
    errors_in_a_row: usize,
    stop: Option<Ending>,
    /// Whether it stops because a limit is reached.
    is_at_limit: bool,
    /// When calls that are still under way are given up.
    drain_until: Option<Moment>,
    outage_told: Option<Moment>,
    /// Since when there are endpoints, and whether it was told that there is none.
    endpoints_since: Moment,
    lack_told: bool,
    random: Random,
    /// Whether other canvases may be wanted than those that were ordered.
    wants_canvases: bool,
    orders: Vec<Order>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CanvasState {
    /// Since when, where hardly any other was on its way: then it tells how long one takes.
    Coming(Option<Moment>),
    Ready,
}

/// A call that is under way, or whose answer is being saved.
#[derive(Debug, Clone, Copy)]
struct Call {
    canvas: CanvasId,
    endpoint: EndpointIndex,
    started: Moment,
    /// Whether it is under way.
    is_called: bool,
    /// What it costs, and how long it may take, whatever its endpoint becomes meanwhile.
    terms: Terms,
    /// What was set aside for it.
    aside: Money,
    /// What it cost, when it has ended.
    cost: Option<Money>,
    /// How long it took, when it has ended.
    took: Duration,
}

impl Dispatcher {
    /// A run of `queue` on `pool`. `surroundings` are those of the queue where canvases show what
    /// is around a block; calls are numbered after `last_attempt`; `seed` is for the length of
    /// rests.
    #[must_use]
    pub fn new(
        queue: Queue,
        pool: Pool,
        limits: Limits,
        surroundings: Option<Surroundings>,
        last_attempt: AttemptId,
        seed: u64,
    ) -> Self {
        Self {
            queue,
            pool,
            tries: Tries::new(limits.max_not_accepted),
            surroundings,
            limits,
            tally: Tally::default(),
            next_attempt: last_attempt + 1,
            canvases: BTreeMap::new(),
            pace: Pace::default(),
            bad_sources: BTreeMap::new(),
            calls: BTreeMap::new(),
            begun: BTreeSet::new(),
            comparison: None,
            unanswered_comparisons: BTreeSet::new(),
            answered_by: BTreeMap::new(),
            probing: None,
            spent: Spent::default(),
            errors_in_a_row: 0,
            stop: None,
            is_at_limit: false,
            drain_until: None,
            outage_told: None,
            endpoints_since: Moment::ZERO,
            lack_told: false,
            random: Random::from_seed(seed),
            wants_canvases: true,
            orders: Vec::new(),
        }
    }

    /// The same where so many pictures of items were not good enough before the run: they count as
    /// tries.
    #[must_use]
    pub fn with_rejected(mut self, before: impl IntoIterator<Item = (Handle, usize)>) -> Self {
        for (handle, not_accepted) in before {
            self.tries.had(handle, not_accepted);
        }
        self
    }

    /// Takes in what has happened, and says what is to be done now.
    pub fn on(&mut self, event: Event, now: Moment) -> Vec<Order> {
        self.take_in(event, now);
        if self.stop.is_none() {
            self.assign(now);
            self.stop_if_hopeless(now);
        }
        if self.stop.is_none() {
            self.prepare_ahead(now);
        }
        std::mem::take(&mut self.orders)
    }

    /// How the run ends, when nothing is under way any more and nothing could be begun.
    #[must_use]
    pub fn ending(&self) -> Option<Ending> {
        if !self.calls.is_empty() || (self.stop.is_none() && self.has_more()) {
            return None;
        }
        let all = self.queue.totals();
        let is_unfinished = all.failed + all.held_back > 0;
        Some(match &self.stop {
            Some(ending) => ending.clone(),
            None if is_unfinished => Ending::Unfinished,
            None => Ending::Done,
        })
    }

    /// The items and their states.
    #[must_use]
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// The endpoints and their states.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// What was done so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally {
            calls_paid: self.spent.calls,
            cost: self.spent.cost,
            ..self.tally
        }
    }

    /// Whether the run waits for what is under way, and begins nothing more.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stop.is_some()
    }

    /// How many canvases, calls and tries are kept: what the memory of a run depends on.
    #[must_use]
    pub fn held(&self) -> usize {
        self.canvases.len() + self.bad_sources.len() + self.calls.len()
    }

    fn take_in(&mut self, event: Event, now: Moment) {
        match event {
            Event::Wake => self.on_wake(now),
            Event::Prepared { canvas, result } => self.on_prepared(canvas, result, now),
            Event::Called { attempt, result } => self.on_called(attempt, result, now),
            Event::Unusable { attempt, failure } => self.on_unusable(attempt, &failure, now),
            Event::Saved { attempts } => {
                for attempt in attempts {
                    self.on_saved(attempt, now);
                }
            }
            Event::Probed { endpoint, result } => self.on_probed(endpoint, result, now),
            Event::StorageFailed { attempts, message } => {
                self.on_storage_failed(&attempts, &message, now);
            }
            Event::Endpoints(changes) => self.on_endpoints(changes, now),
            Event::Signal(signal) => self.on_signal(signal, now),
        }
    }

    fn on_prepared(&mut self, canvas: CanvasId, result: Result<(), PrepareFailure>, now: Moment) {
        match (canvas, result) {
            (_, Err(PrepareFailure::Source(message))) => {
                // What is under way can still be saved.
                let message = format!("the source map cannot be read: {message}");
                self.stop.get_or_insert(Ending::Early(message));
            }
            (CanvasId::Comparison(_), result) => self.on_comparison_prepared(result.is_ok()),
            (CanvasId::Of(handle), Ok(())) => {
                if let Some(state) = self.canvases.get_mut(&handle)
                    && let CanvasState::Coming(since) = std::mem::replace(state, CanvasState::Ready)
                    && let Some(since) = since
                {
                    self.pace.note_canvas(now.saturating_sub(since));
                }
            }
            (CanvasId::Of(handle), Err(PrepareFailure::Item(message))) => {
                if self.canvases.remove(&handle).is_some() {
                    self.bad_sources.insert(handle, message);
                    self.wants_canvases = true;
                }
            }
        }
    }

    fn on_called(&mut self, attempt: AttemptId, result: Result<(), Failure>, now: Moment) {
        let Some(call) = self.calls.get_mut(&attempt).filter(|call| call.is_called) else {
            return;
        };
        call.is_called = false;
        let mut call = *call;
        let is_paid = result.as_ref().err().is_none_or(money::is_paid);
        self.settle(&mut call, is_paid, now);
        let settled_on = self.pool.members()[call.endpoint].settled_on();
        if result.is_ok() {
            self.pace.note_call(now.saturating_sub(call.started));
        }
        match (result, call.canvas) {
            (Ok(()), CanvasId::Of(_)) => {
                self.pool.answered(call.endpoint, call.started, now);
                self.calls.insert(attempt, call);
                let cost = call.cost;
                self.orders.push(Order::Save { attempt, cost });
            }
            (Ok(()), CanvasId::Comparison(handle)) => {
                self.pool.answered(call.endpoint, call.started, now);
                self.pool.good_answer(call.endpoint);
                self.calls.remove(&attempt);
                self.close((attempt, call), CallEnd::Compared, (None, None), true);
                self.on_comparison_ended(&call, handle, true, now);
            }
            (Err(failure), _) => {
                self.calls.remove(&attempt);
                self.on_failed_call(attempt, call, failure, is_paid, now);
            }
        }
        let member = &self.pool.members()[call.endpoint];
        if let Some(width) = member
            .settled_on()
            .filter(|_| member.settled_on() != settled_on)
        {
            let line = format!(
                "endpoint {}: {width} calls at a time are worth it",
                member.name()
            );
            self.tell(Level::Detail, line);
        }
    }

    fn on_unusable(&mut self, attempt: AttemptId, failure: &Failure, now: Moment) {
        let Some(call) = self.calls.remove(&attempt) else {
            return;
        };
        match failure.kind {
            FailureKind::NotAccepted => self.pool.not_accepted(call.endpoint),
            _ if self.is_of_the_past(&call) => {}
            _ => self.pool.bad_answer(call.endpoint, now),
        }
        let (block, name) = (self.block(call.canvas.handle()), self.name(call.endpoint));
        let line = format!("{block}: endpoint {name}: {failure}");
        self.tell(Level::Warning, line);
        self.on_failure(attempt, call, failure, true, now);
    }

    fn on_saved(&mut self, attempt: AttemptId, now: Moment) {
        let Some(call) = self.calls.remove(&attempt) else {
            return;
        };
        let handle = call.canvas.handle();
        self.pool.good_answer(call.endpoint);
        self.pool.saved(call.endpoint);
        self.pool.over(call.endpoint, None, call.took);
        self.queue.complete(handle);
        if self.is_of_the_past(&call) {
            self.tries.forget(handle);
        } else {
            self.tries.saved(handle, call.endpoint, call.started, now);
            self.answered_by.insert(call.endpoint, handle);
        }
        self.errors_in_a_row = 0;
        self.tally.items_completed += 1;
        self.tally.quadrants_completed += self.block(handle).quadrants().count();
        self.outage_told = None;
        self.wants_canvases = true;
    }

    /// Whether what a call does says nothing of its endpoint as it is now.
    fn is_of_the_past(&self, call: &Call) -> bool {
        self.pool.is_of_the_past(call.endpoint, call.started)
    }

    /// Whether there is an item that could still be begun.
    fn has_more(&self) -> bool {
        let most = self.limits.max_items.unwrap_or(usize::MAX);
        if self.begun.len() >= most {
            // An item that was begun and put back is still owed.
            return self.begun.iter().any(|&handle| self.queue.is_ready(handle));
        }
        self.queue.current_step().is_some()
    }

    fn may_begin(&self, handle: Handle) -> bool {
        self.limits
            .max_items
            .is_none_or(|most| self.begun.len() < most || self.begun.contains(&handle))
    }

    fn block(&self, handle: Handle) -> planner::Block {
        self.queue.item(handle).block
    }

    fn name(&self, endpoint: EndpointIndex) -> &str {
        self.pool.members()[endpoint].name()
    }

    fn tell(&mut self, level: Level, line: String) {
        self.orders.push(Order::Tell(level, line));
    }

    fn close(
        &mut self,
        (attempt, call): (AttemptId, Call),
        end: CallEnd,
        (http_status, message): (Option<u16>, Option<String>),
        paid: bool,
    ) {
        self.pool.over(call.endpoint, Some(end), call.took);
        self.orders.push(Order::Close {
            attempt,
            end,
            http_status,
            message,
            paid,
            cost: call.cost,
        });
    }

    /// Whether a call to an endpoint stays within what may be spent.
    fn affords(&self, endpoint: EndpointIndex) -> bool {
        let most = self.pool.members()[endpoint].most();
        self.spent.leaves_room_in(&self.limits.budget, most)
    }

    /// Takes what a call cost that has ended, or gives back what was set aside for it.
    fn settle(&mut self, call: &mut Call, is_paid: bool, now: Moment) {
        call.took = now.saturating_sub(call.started);
        let cost = call.terms.cost_of(call.took);
        call.cost = cost.map(|cost| if is_paid { cost } else { Money::ZERO });
        let paid = is_paid.then_some(cost.unwrap_or_default());
        self.spent.settle(call.aside, paid);
        self.pool.paid(call.endpoint, paid.unwrap_or_default());
    }
}

//! The dispatcher: decides which item goes where, and what follows from what the workers tell.
//!
//! It is one task that owns the queue and the pool, so nothing here is locked. It never waits
//! for a piece of work: all of it is spawned, and ends in an [`Event`].

mod ending;
mod failing;
mod limits;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use dispatch::{Handle, Queue};
use progress_db::AttemptId;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::Instant;

pub(crate) use self::limits::{Limits, Stop, Tally};
use crate::event::{Answer, Event, PrepareFailure};
use crate::pool::{EndpointIndex, Pool};
use crate::prepare::Canvas;
use crate::report::{Report, duration_text};
use crate::shutdown::Shutdown;
use crate::surroundings::Surroundings;
use crate::tries::Tries;
use crate::work::{Call, Work};
use canvas::SizeMatch;
use model_client::Failure;

/// The state of a run.
pub(crate) struct Dispatcher {
    pub work: Arc<Work>,
    pub queue: Queue,
    pub pool: Pool,
    pub report: Report,
    pub tally: Tally,
    limits: Limits,
    next_attempt: AttemptId,
    tries: Tries,
    /// Where canvases show what is around a block.
    surroundings: Option<Surroundings>,
    /// Canvases on their way, or ready and waiting for an endpoint.
    prepared: BTreeMap<Handle, Prepared>,
    in_flight: HashMap<Handle, InFlight>,
    /// Items begun in this run, kept only when their number is limited.
    begun: HashSet<Handle>,
    errors_in_a_row: usize,
    started: Instant,
    stop: Option<Stop>,
    /// When calls that are still under way are given up.
    drain_until: Option<Instant>,
    outage_told: Option<Instant>,
    /// Endpoints that are being asked whether they are there.
    probing: HashSet<EndpointIndex>,
}

/// An item's canvas.
enum Prepared {
    /// On its way.
    Coming,
    /// Ready to be sent.
    Ready(Arc<Canvas>),
    /// There will be none; the item fails when its turn comes.
    Bad(String),
}

/// A claimed item that is not complete.
struct InFlight {
    call: Call,
    started: Instant,
    /// The call, while it is under way.
    calling: Option<AbortHandle>,
}

impl Dispatcher {
    pub(crate) fn new(
        work: Arc<Work>,
        queue: Queue,
        pool: Pool,
        report: Report,
        limits: Limits,
        last_attempt: AttemptId,
    ) -> Self {
        Self {
            surroundings: work.shows_surroundings().then(|| Surroundings::of(&queue)),
            work,
            queue,
            pool,
            report,
            tally: Tally::default(),
            limits,
            next_attempt: last_attempt + 1,
            tries: Tries::default(),
            prepared: BTreeMap::new(),
            in_flight: HashMap::new(),
            begun: HashSet::new(),
            errors_in_a_row: 0,
            started: Instant::now(),
            stop: None,
            drain_until: None,
            outage_told: None,
            probing: HashSet::new(),
        }
    }

    /// Runs until everything is done or the run has to stop. Nothing is under way afterwards.
    pub(crate) async fn run(
        &mut self,
        events: &mut mpsc::UnboundedReceiver<Event>,
        shutdown: &mut Shutdown,
    ) -> Option<Stop> {
        loop {
            let now = Instant::now();
            if self.stop.is_none() {
                self.prepare_ahead();
                self.assign(now);
                self.stop_if_hopeless(now);
            }
            if self.in_flight.is_empty() && (self.stop.is_some() || !self.has_more()) {
                break;
            }
            tokio::select! {
                biased;
                signal = shutdown.next() => self.on_signal(signal),
                Some(event) = events.recv() => {
                    self.on_event(event);
                    // A burst of events is one occasion to think, not many.
                    while let Ok(event) = events.try_recv() {
                        self.on_event(event);
                    }
                }
                () = tokio::time::sleep_until(self.next_wake(now)) => self.on_wake(Instant::now()),
            }
            self.report.update(self.queue.steps(), Instant::now());
        }
        self.stop.take()
    }

    /// Whether there is an item that could still be begun.
    fn has_more(&self) -> bool {
        if self
            .limits
            .max_items
            .is_some_and(|most| self.begun.len() >= most)
        {
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

    /// Keeps canvases ready for all slots and a few more: first for items that may run now, then
    /// for those that come next, so that a new step finds its first canvases ready.
    fn prepare_ahead(&mut self) {
        let depth = self.pool.max_concurrent() + self.work.cores.count() + 1;
        let queue = &self.queue;
        self.prepared
            .retain(|&handle, _| !queue.is_held_back(handle));
        let mut wanted: Vec<Handle> = self
            .queue
            .ready()
            .filter(|&handle| self.may_begin(handle))
            .take(depth)
            .collect();
        let ahead = depth.saturating_sub(wanted.len());
        let not_yet = self
            .queue
            .upcoming()
            .filter(|&handle| !self.queue.is_ready(handle));
        wanted.extend(not_yet.filter(|&handle| self.may_begin(handle)).take(ahead));
        for handle in wanted {
            if let Entry::Vacant(entry) = self.prepared.entry(handle) {
                let finished = match &self.surroundings {
                    None => Vec::new(),
                    Some(surroundings) => {
                        match surroundings.finished_around(&self.queue, handle) {
                            Some(finished) => finished,
                            // Its canvas waits for what it will show.
                            None => continue,
                        }
                    }
                };
                entry.insert(Prepared::Coming);
                let item = *self.queue.item(handle);
                tokio::spawn(Arc::clone(&self.work).prepare(handle, item, finished));
            }
        }
    }

    /// Gives out items while there are endpoints for them.
    fn assign(&mut self, now: Instant) {
        self.give_up_bad_sources();
        self.give_up_hopeless();
        // Claimed and not complete: twice the slots, so that saving never holds up a call and
        // memory stays bounded when the disk is slow.
        while self.in_flight.len() < 2 * self.pool.max_concurrent() && self.pool.has_free(now) {
            let Some((handle, endpoint)) = self.choose(now) else {
                break;
            };
            // An item that made an endpoint break off is compared with others; where there are
            // none, with the endpoint's answer to a request that costs nothing.
            if self.tries.broke_off_at(handle, endpoint) && self.is_alone(handle) {
                self.probing.insert(endpoint);
                tokio::spawn(Arc::clone(&self.work).probe(endpoint));
                continue;
            }
            self.begin(handle, endpoint, now);
        }
    }

    /// The next item, and an endpoint for it.
    fn choose(&mut self, now: Instant) -> Option<(Handle, EndpointIndex)> {
        let left = self
            .queue
            .current_step()
            .map_or(0, |step| self.queue.steps()[&step].pending);
        let mut put_off = None;
        for handle in self.queue.ready().filter(|&handle| self.may_begin(handle)) {
            match self.prepared.get(&handle) {
                Some(Prepared::Ready(_)) => {}
                // The order of the plan is kept: nothing overtakes an item whose canvas comes soon.
                Some(Prepared::Coming) => return None,
                // Canvases are prepared for so many items and no more: all of these were put off.
                Some(Prepared::Bad(_)) | None => break,
            }
            let elsewhere = self.pool.has_other(|endpoint| {
                !self.tries.was_bad_at(handle, endpoint)
                    && self.pool.members()[endpoint]
                        .rests_for(now)
                        .is_none_or(|rest| rest < Duration::from_secs(10))
            });
            let suits = |endpoint| {
                let was_bad = elsewhere && self.tries.was_bad_at(handle, endpoint);
                !was_bad && !self.probing.contains(&endpoint)
            };
            if let Some(endpoint) = self.pool.pick(now, left, |endpoint| {
                suits(endpoint) && !self.tries.is_suspect_at(handle, endpoint)
            }) {
                return Some((handle, endpoint));
            }
            if put_off.is_none() {
                put_off = self
                    .pool
                    .pick(now, left, suits)
                    .map(|endpoint| (handle, endpoint));
            }
        }
        // Another item would tell better whether the endpoint is back, but there is none.
        put_off
    }

    /// Whether this is the only item that can run now.
    fn is_alone(&self, handle: Handle) -> bool {
        self.in_flight.is_empty() && self.queue.ready().all(|other| other == handle)
    }

    fn begin(&mut self, handle: Handle, endpoint: EndpointIndex, now: Instant) {
        let Some(Prepared::Ready(canvas)) = self.prepared.remove(&handle) else {
            unreachable!("only prepared items are chosen");
        };
        if self.limits.max_items.is_some() {
            self.begun.insert(handle);
        }
        self.queue.take(handle);
        self.pool.start(endpoint, now);
        let call = Call {
            handle,
            item: *self.queue.item(handle),
            endpoint,
            attempt: self.next_attempt,
            canvas,
        };
        self.next_attempt += 1;
        let calling = tokio::spawn(Arc::clone(&self.work).call(call.clone())).abort_handle();
        self.in_flight.insert(
            handle,
            InFlight {
                call,
                started: now,
                calling: Some(calling),
            },
        );
    }

    fn on_event(&mut self, event: Event) {
        let now = Instant::now();
        match event {
            Event::Prepared { handle, canvas } => self.on_prepared(handle, canvas),
            Event::Called { handle, answer } => self.on_called(handle, answer, now),
            Event::Decoded { size_match } => match size_match {
                SizeMatch::Exact => {}
                SizeMatch::Resized => self.tally.resized += 1,
                SizeMatch::Stretched => self.tally.stretched += 1,
            },
            Event::Unusable { handle, failure } => {
                let Some(InFlight { call, .. }) = self.in_flight.remove(&handle) else {
                    return;
                };
                self.pool.bad_answer(call.endpoint, now);
                let name = &self.work.endpoints[call.endpoint].name;
                tracing::warn!("{}: endpoint {name}: {failure}", call.item.block);
                self.on_failure(call, &failure);
            }
            Event::Saved { handles } => {
                handles.into_iter().for_each(|handle| self.on_saved(handle));
            }
            Event::Probed { endpoint, answer } => self.on_probed(endpoint, answer, now),
            Event::StorageFailed { handles, message } => self.on_storage_failed(handles, &message),
        }
    }

    fn on_called(&mut self, handle: Handle, answer: Result<Answer, Failure>, now: Instant) {
        let Some(in_flight) = self.in_flight.get_mut(&handle) else {
            return;
        };
        in_flight.calling = None;
        let (endpoint, started) = (in_flight.call.endpoint, in_flight.started);
        match answer {
            Ok(answer) => {
                self.pool.answered(endpoint, started, now);
                tokio::spawn(Arc::clone(&self.work).save(in_flight.call.clone(), answer));
            }
            Err(failure) => {
                let InFlight { call, .. } =
                    self.in_flight.remove(&handle).expect("it was found above");
                let name = self.work.endpoints[endpoint].name.clone();
                let out = self
                    .pool
                    .failed(endpoint, started, now, &failure, fastrand::f64());
                if let Some(line) = out {
                    tracing::error!("{line}");
                } else if let Some(rest) = self.pool.members()[endpoint].rests_for(now) {
                    let (block, rest) = (call.item.block, duration_text(rest));
                    let line = format!("{block}: endpoint {name}: {failure}; it rests {rest}");
                    // An outage of all is told once a minute, not with each try.
                    if self.outage_told.is_some() && self.pool.all_away() {
                        tracing::debug!("{line}");
                    } else {
                        tracing::warn!("{line}");
                    }
                }
                self.on_failure(call, &failure);
            }
        }
    }

    fn on_prepared(&mut self, handle: Handle, canvas: Result<Arc<Canvas>, PrepareFailure>) {
        let prepared = match canvas {
            Ok(canvas) => Prepared::Ready(canvas),
            Err(PrepareFailure::Item(message)) => Prepared::Bad(message),
            Err(PrepareFailure::Source(message)) => {
                // What is under way can still be saved.
                self.stop.get_or_insert(Stop::Early(format!(
                    "the source map cannot be read: {message}"
                )));
                return;
            }
        };
        if let Some(entry) = self.prepared.get_mut(&handle) {
            *entry = prepared;
        }
    }

    fn on_saved(&mut self, handle: Handle) {
        let Some(InFlight { call, .. }) = self.in_flight.remove(&handle) else {
            return;
        };
        self.pool.good_answer(call.endpoint);
        self.queue.complete(handle);
        self.tries.saved(handle, call.endpoint);
        self.errors_in_a_row = 0;
        self.tally.items_completed += 1;
        self.tally.quadrants_completed += call.item.block.quadrants().count();
        self.outage_told = None;
    }
}

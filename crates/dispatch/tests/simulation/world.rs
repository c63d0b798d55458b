//! Everything around the dispatcher: servers, pictures, a disk, a database, a user.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashSet};
use std::time::Duration;

use dispatch::{
    AttemptId, CallEnd, CanvasId, Dispatcher, Ending, EndpointIndex, Event, Failure, FailureKind,
    Handle, Limits, Order, Pool, PrepareFailure, Queue, Signal, Surroundings, Turn,
};
use planner::{Pilot, Quadrant, Status};

use crate::chance::Chance;
use crate::plans::{self, Plan};
use crate::promises::Promises;
use crate::servers::{Mood, Outcome, Poison, Server};
use crate::shown::Shown;
use crate::spending::{self, Spending};

/// When the last trouble is over.
const HORIZON: Duration = Duration::from_secs(20_000);
/// A run that makes so many events goes round in circles.
const MOST_EVENTS: u64 = 200_000;

/// A layer, its servers, and the time.
pub(crate) struct World {
    chance: Chance,
    trace: bool,
    plan: &'static Plan,
    servers: Vec<Server>,
    now: Duration,
    /// What is committed.
    status: Vec<Status>,
    attempts: BTreeMap<AttemptId, Attempt>,
    calls_received: usize,
    bad_sources: Vec<bool>,
    /// When the disk is full.
    full_disk: (Duration, Duration),
    saves_fail: f64,
    shows_surroundings: bool,
    max_concurrent: Option<usize>,
    max_errors: usize,
    startup_wait: Duration,
    events: u64,
    /// For prices and limits.
    purse: Chance,
    /// For the order of each run.
    order: Chance,
    /// How many canvases are at hand at least, and how many beside.
    canvases: (usize, usize),
}

/// A row of `attempts`.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Attempt {
    InFlight,
    Saved,
    Closed(CallEnd),
}

/// What a run goes through.
struct Disturbance {
    killed_after: Option<u64>,
    signalled_after: Option<u64>,
    max_items: Option<usize>,
    /// The part that runs alone, where not all does.
    part: Option<HashSet<Quadrant>>,
    is_limited: bool,
}

impl Disturbance {
    /// A run that nothing disturbs.
    fn none(part: Option<HashSet<Quadrant>>) -> Self {
        Self {
            killed_after: None,
            signalled_after: None,
            max_items: None,
            part,
            is_limited: false,
        }
    }
}

impl World {
    pub(crate) fn made_up(seed: u64, trace: bool) -> Self {
        let mut chance = Chance::from_seed(seed);
        let plan = plans::one_of(&mut chance);
        let items = plan.items.len();
        let endpoints = chance.pick(&[1, 1, 2, 3, 4, 8, 16, 64]);
        let mut servers: Vec<Server> = (0..endpoints)
            .map(|number| Server::made_up(number, HORIZON, &mut chance))
            .collect();
        if chance.happens(0.2) {
            let from = chance.duration(1.0, 3000.0);
            let until = from + chance.duration(30.0, 10_000.0);
            let mood = chance.pick(&[Mood::Down, Mood::Hanging, Mood::Away(503, None)]);
            for server in &mut servers {
                server.impose(from, until, mood);
            }
        }
        poison(&mut servers, items, &mut chance);
        let mut purse = Chance::from_seed(seed ^ 0x6d6f_6e65_7900);
        spending::price(&mut servers, &mut purse);
        let at_hand = Chance::from_seed(seed ^ 0x6861_6e64).pick(&[1, 4, 64]);
        let bad = if chance.happens(0.2) { 0.05 } else { 0.0 };
        let full_from = chance.duration(1.0, 5000.0);
        let full_disk = if chance.happens(0.1) {
            (full_from, full_from + chance.duration(1.0, 500.0))
        } else {
            (Duration::ZERO, Duration::ZERO)
        };
        Self {
            trace,
            plan,
            servers,
            now: Duration::ZERO,
            status: vec![Status::Pending; items],
            attempts: BTreeMap::new(),
            calls_received: 0,
            bad_sources: (0..items).map(|_| chance.happens(bad)).collect(),
            full_disk,
            saves_fail: if chance.happens(0.1) { 0.02 } else { 0.0 },
            shows_surroundings: chance.happens(0.5),
            max_concurrent: chance.pick(&[None, None, Some(1), Some(3)]),
            max_errors: chance.pick(&[3, 20, 20, 1000]),
            startup_wait: Duration::from_secs(chance.pick(&[60, 600])),
            events: 0,
            purse,
            order: Chance::from_seed(seed ^ 0x6f72_6465_7200),
            canvases: (at_hand, 3),
            chance,
        }
    }

    /// Runs the layer again and again until it is done; how many events that took, or which
    /// promise was broken.
    pub(crate) fn live(mut self) -> Result<u64, String> {
        for disturbed in (0..self.chance.below(5)).rev() {
            let chance = &mut self.chance;
            let after = |share: f64, chance: &mut Chance| {
                let events = chance.duration(1.0, 3000.0).as_secs();
                chance.happens(share).then_some(events)
            };
            let disturbance = Disturbance {
                killed_after: after(0.5, chance),
                signalled_after: after(0.3, chance),
                max_items: after(0.2, chance).map(|most| 1 + most as usize % 50),
                part: self.plan.part(chance),
                is_limited: true,
            };
            self.say(|| format!("== a run that {disturbed} follow"));
            self.run(&disturbance)?;
            self.now += self.chance.duration(1.0, 300.0);
        }
        // Whatever was wrong is over, and failed items are tried again, as a user would.
        self.now = self.now.max(HORIZON + Duration::from_secs(10_000));
        (self.full_disk, self.saves_fail) = ((Duration::ZERO, Duration::ZERO), 0.0);
        if let Some(part) = self.plan.part(&mut self.chance) {
            self.say(|| "== an undisturbed pilot".to_owned());
            self.try_failed_again();
            self.run(&Disturbance::none(Some(part)))?;
        }
        let mut ending = None;
        for _ in 0..2 + self.plan.items.len() / self.max_errors {
            self.try_failed_again();
            self.say(|| "== an undisturbed run".to_owned());
            ending = self.run(&Disturbance::none(None))?;
        }
        // Without one it waits for the end of an outage.
        if ending.is_some() {
            self.check_end(ending.as_ref())?;
        }
        Ok(self.events)
    }

    fn try_failed_again(&mut self) {
        let failed = |status: &&mut Status| **status == Status::Error;
        let failed = self.status.iter_mut().filter(failed);
        failed.for_each(|status| *status = Status::Pending);
    }

    /// One run of the program; how it ended, unless it was killed.
    fn run(&mut self, disturbance: &Disturbance) -> Result<Option<Ending>, String> {
        for status in &mut self.status {
            if *status == Status::InProgress {
                *status = Status::Pending;
            }
        }
        for attempt in self.attempts.values_mut() {
            if *attempt == Attempt::InFlight {
                *attempt = Attempt::Closed(CallEnd::Interrupted);
            }
        }
        let mut items = self.plan.items.clone();
        for (item, &status) in items.iter_mut().zip(&self.status) {
            item.status = status;
        }
        let queue = match &disturbance.part {
            Some(part) => {
                let pilot = Pilot::of(&items, part);
                Queue::of_pilot(items, &pilot)
            }
            None => Queue::of(items),
        };
        let turn = match self.order.happens(0.5) {
            true => Turn::eager(self.shows_surroundings),
            false => Turn::AfterSteps,
        };
        self.say(|| format!("items start {turn:?}"));
        let queue = queue.starting(turn);
        let is_limited = disturbance.is_limited;
        let spending = Spending::made_up(&self.servers, is_limited, &mut self.purse);
        let limits = Limits {
            max_items: disturbance.max_items,
            max_errors: self.max_errors,
            max_not_accepted: 3,
            budget: spending.budget(),
            startup_wait: self.startup_wait,
            drain: self.chance.happens(0.5).then_some(Duration::from_secs(20)),
            canvases_at_hand: self.canvases.0,
            spare_canvases: self.canvases.1,
        };
        let pool = Pool::new(
            self.servers.iter().map(|server| server.limits.clone()),
            self.max_concurrent,
        );
        let promises = Promises::of(
            self.plan,
            self.status.clone(),
            self.servers.len(),
            pool.max_concurrent(),
            disturbance.max_items,
            spending,
            self.now,
        );
        let promises = promises.alone(disturbance.part.as_ref()).starting(turn);
        let surroundings = self.shows_surroundings.then(|| Surroundings::of(&queue));
        let last = self.attempts.keys().next_back().copied().unwrap_or(0);
        let seed = self.chance.next();
        let mut run = Run {
            started: self.now,
            dispatcher: Dispatcher::new(queue, pool, limits, surroundings, last, seed),
            shown: Shown::of(self.plan, &self.status),
            promises,
            agenda: BinaryHeap::new(),
            turn: 0,
            calls: BTreeMap::new(),
            drawn: BTreeMap::new(),
        };
        run.plan_in(self.now, Happening::Tell(Event::Wake));
        let ended = self.carry_on(&mut run, disturbance)?;
        if self.shows_surroundings {
            run.shown.check(|item| run.promises.is_inside(item))?;
        }
        Ok(ended)
    }

    /// Goes through a run to its end; how it ended, unless it was killed.
    fn carry_on(
        &mut self,
        run: &mut Run,
        disturbance: &Disturbance,
    ) -> Result<Option<Ending>, String> {
        let mut events = 0;
        loop {
            if let Some(ending) = run.dispatcher.ending() {
                self.say(|| format!("ends: {ending:?}"));
                let waited = self.now - run.started >= self.startup_wait;
                run.promises
                    .at_end(&run.dispatcher, &ending, self.max_errors, waited)?;
                // What was written last is committed before the program ends.
                self.commit_all(run);
                return Ok(Some(ending));
            }
            let wake = run
                .dispatcher
                .next_wake(self.now - run.started)
                .map(|at| at + run.started);
            let next = run.agenda.peek().map(|Reverse(planned)| planned.at);
            let due = match (next, wake) {
                (None, None) => return Err("nothing will ever happen again".to_owned()),
                (Some(at), wake) if wake.is_none_or(|wake| at <= wake) => {
                    let Reverse(planned) = run.agenda.pop().expect("it was just seen");
                    self.now = self.now.max(at);
                    planned.what
                }
                (_, Some(wake)) => {
                    self.now = self.now.max(wake);
                    Happening::Tell(Event::Wake)
                }
                (Some(_), None) => unreachable!("the first of one is taken"),
            };
            run.promises.before_event(self.now);
            events += 1;
            self.events += 1;
            if events > MOST_EVENTS / 50 && !self.anything_tells(&run.promises) {
                // An outage, for all that anybody can tell.
                return Ok(None);
            }
            if events > MOST_EVENTS {
                return Err(format!("{events} events, and no end"));
            }
            if disturbance.killed_after == Some(events) {
                self.say(|| "killed".to_owned());
                return Ok(None);
            }
            if disturbance.signalled_after == Some(events) {
                self.tell(run, Event::Signal(Signal::Terminate))?;
            }
            match due {
                Happening::Tell(event) => self.tell(run, event)?,
                Happening::Commit(written) => self.commit(&written),
                Happening::CallEnds(attempt) => self.call_ends(run, attempt)?,
            }
        }
    }

    fn tell(&mut self, run: &mut Run, event: Event) -> Result<(), String> {
        let since_start = self.now - run.started;
        self.say(|| format!("event {event:?}"));
        match &event {
            Event::Signal(_) => run.promises.is_signalled = true,
            Event::Saved { attempts } => attempts.iter().for_each(|&a| run.promises.on_saved(a)),
            Event::StorageFailed { attempts, .. } => {
                run.promises.storage_failed = true;
                attempts.iter().for_each(|&a| run.promises.on_not_saved(a));
            }
            Event::Unusable { attempt, failure } => {
                let MadeUpCall { endpoint, item, .. } = run.calls[attempt];
                let is_poison = self.servers[endpoint].poison_of(item).is_some();
                run.promises
                    .on_unusable(*attempt, endpoint, is_poison, failure, self.now);
            }
            Event::Probed {
                endpoint,
                result: Err(failure),
            } => run.promises.on_missed_probe(*endpoint, failure, self.now),
            _ => {}
        }
        let mut written = Vec::new();
        for order in run.dispatcher.on(event, since_start) {
            self.say(|| format!("  order {order:?}"));
            self.carry_out(run, order, &mut written)?;
        }
        if !written.is_empty() {
            let at = self.now + Duration::from_millis(self.chance.below(30) as u64);
            run.plan_in(at, Happening::Commit(written));
        }
        run.promises
            .at_event(&run.dispatcher, &self.servers, self.canvases, self.now)
    }

    fn carry_out(
        &mut self,
        run: &mut Run,
        order: Order,
        written: &mut Vec<Written>,
    ) -> Result<(), String> {
        let soon = self.now + Duration::from_millis(1 + self.chance.below(40) as u64);

        match order {
            Order::Prepare { canvas, finished } => {
                let item = canvas.handle() as usize;
                if !run.promises.is_inside(item) {
                    return Err(format!("item {item} outside of the part is prepared"));
                }
                if let CanvasId::Of(handle) = canvas {
                    run.drawn.insert(handle, finished);
                }
                let result = match self.bad_sources[item] {
                    true => Err(PrepareFailure::Item("a bad picture".to_owned())),
                    false => Ok(()),
                };
                run.plan_in(soon, Happening::Tell(Event::Prepared { canvas, result }));
            }
            Order::Call {
                attempt,
                canvas,
                endpoint,
                ..
            } => self.call(run, attempt, canvas, endpoint)?,
            Order::Save { attempt, .. } => {
                let call = run.calls[&attempt].clone();
                let event = match call.outcome {
                    Outcome::Undecodable => Event::Unusable {
                        attempt,
                        failure: match self.chance.happens(0.5) {
                            true => Failure::bad_answer("no picture").with_status(200),
                            false => Failure::new(FailureKind::NotAccepted, "blank"),
                        },
                    },
                    _ if self.disk_is_full() || self.chance.happens(self.saves_fail) => {
                        Event::StorageFailed {
                            attempts: vec![attempt],
                            message: "the disk is full".to_owned(),
                        }
                    }
                    _ => {
                        run.plan_in(
                            soon,
                            Happening::Commit(vec![Written::Saved(attempt, call.item)]),
                        );
                        Event::Saved {
                            attempts: vec![attempt],
                        }
                    }
                };
                run.plan_in(soon, Happening::Tell(event));
            }
            Order::Cancel { attempt } => {
                let took = self.now - run.calls[&attempt].started;
                run.promises.on_ended(attempt, None, false, took, self.now);
                run.calls
                    .get_mut(&attempt)
                    .expect("it was called")
                    .cancelled = true;
            }
            Order::Close { attempt, end, .. } => written.push(Written::Closed(attempt, end)),
            Order::PutBack(handle) => {
                run.promises.on_put_back(handle as usize)?;
                written.push(Written::Status(handle as usize, Status::Pending));
            }
            Order::Fail { handle, .. } => {
                let item = handle as usize;
                let is_poison = self.servers.iter().any(|s| s.poison_of(item).is_some());
                let fell_ill = self.fell_ill_since(run.promises.compared_at);
                run.promises
                    .on_fail(item, self.bad_sources[item], is_poison, fell_ill)?;
                run.shown.failed(item);
                written.push(Written::Status(item, Status::Error));
            }
            Order::Probe(endpoint) => {
                let is_there = self.servers[endpoint].is_there(self.now);
                let result = is_there
                    .then_some(())
                    .ok_or_else(|| Failure::away("nobody"));
                run.plan_in(soon, Happening::Tell(Event::Probed { endpoint, result }));
            }
            Order::Discard(_) | Order::Tell(..) => {}
        }
        Ok(())
    }

    fn call(
        &mut self,
        run: &mut Run,
        attempt: AttemptId,
        canvas: CanvasId,
        endpoint: EndpointIndex,
    ) -> Result<(), String> {
        let item = canvas.handle() as usize;
        let server = &self.servers[endpoint];
        match canvas {
            CanvasId::Of(handle) => {
                let drawn = run.drawn.remove(&handle);
                let shown = drawn.ok_or_else(|| format!("item {item} is sent without a canvas"))?;
                self.check_surroundings(run, item, &shown)?;
                run.shown.called(item, &shown);
                run.promises
                    .on_call(attempt, item, endpoint, server, self.now)?;
            }
            CanvasId::Comparison(_) => {
                run.promises
                    .on_comparison(attempt, item, endpoint, server, self.now)?;
            }
        }
        if self.disk_is_full() {
            run.promises.storage_failed = true;
            run.promises
                .on_ended(attempt, None, false, Duration::ZERO, self.now);
            let event = Event::StorageFailed {
                attempts: vec![attempt],
                message: "the claim cannot be written".to_owned(),
            };
            let call = MadeUpCall::new(item, endpoint, self.now, Outcome::Picture);
            run.calls.insert(
                attempt,
                MadeUpCall {
                    cancelled: true,
                    ..call
                },
            );
            run.plan_in(self.now, Happening::Tell(event));
            return Ok(());
        }
        self.attempts.insert(attempt, Attempt::InFlight);
        if let CanvasId::Of(_) = canvas {
            self.status[item] = Status::InProgress;
        }
        self.calls_received += 1;
        let (took, outcome) = self.servers[endpoint].call(item, self.now, &mut self.chance);
        run.calls
            .insert(attempt, MadeUpCall::new(item, endpoint, self.now, outcome));
        run.plan_in(self.now + took, Happening::CallEnds(attempt));
        Ok(())
    }

    fn call_ends(&mut self, run: &mut Run, attempt: AttemptId) -> Result<(), String> {
        let call = run.calls[&attempt].clone();
        if call.cancelled {
            return Ok(());
        }
        let is_poison = call.outcome.is_poison();
        let is_late = matches!(&call.outcome, Outcome::Failed(failure) if failure.kind == FailureKind::BrokeOff);
        if is_late && !is_poison && self.servers[call.endpoint].is_too_slow(call.started) {
            run.promises.on_late(call.item);
        }
        let took = self.now - call.started;
        run.promises
            .on_ended(attempt, Some(&call.outcome), is_poison, took, self.now);
        let result = match call.outcome {
            Outcome::Failed(failure) => Err(failure),
            Outcome::Picture | Outcome::Undecodable => Ok(()),
        };
        self.tell(run, Event::Called { attempt, result })
    }

    /// What a canvas shows as finished is complete, and is all that it can show.
    /// Whether the canvas that an item is called with shows what it joins, and nothing unfinished.
    fn check_surroundings(
        &self,
        run: &Run,
        item: usize,
        finished: &[Quadrant],
    ) -> Result<(), String> {
        if !self.shows_surroundings {
            return Ok(());
        }
        let is_complete = |other: usize| run.promises.status[other] == Status::Complete;
        let items = &self.plan.items;
        let shown = |other: usize| {
            let quadrants = items[other].block.quadrants();
            quadrants
                .filter(|quadrant| finished.contains(quadrant))
                .count()
        };
        let unfinished = (0..items.len()).find(|&other| shown(other) > 0 && !is_complete(other));
        let left_out = self.plan.before[item]
            .iter()
            .find(|&&o| is_complete(o) && shown(o) == 0);
        // What it shows besides is of earlier steps, all that could be complete by now.
        let step = items[item].step;
        let settled = (0..items.len()).find(|&o| {
            let is_around = self.plan.around[item].contains(&o) && items[o].step < step;
            is_around && is_complete(o) && shown(o) == 0
        });
        let left_out = left_out.copied().or(settled);
        match (unfinished, left_out) {
            (None, None) => Ok(()),
            (Some(other), _) => Err(format!("item {item} shows {other}, which is not complete")),
            (_, Some(other)) => Err(format!("item {item} does not show {other}, which it joins")),
        }
    }

    /// Whether a server changed after a comparison, while that still spoke for it: the one thing
    /// that cannot be told from a block that fails.
    fn fell_ill_since(&self, compared_at: Option<Duration>) -> bool {
        let holds = |at: &Duration| self.now <= *at + Duration::from_secs(660);
        compared_at.filter(holds).is_some_and(|at| {
            let mut servers = self.servers.iter();
            servers.any(|server| server.mood_at(at) != server.mood_at(self.now))
        })
    }

    /// Whether something is complete that an endpoint would answer again.
    fn anything_tells(&self, promises: &Promises) -> bool {
        let is_answered = |item| {
            let mut live = self
                .servers
                .iter()
                .filter(|server| !server.is_lost(self.now));
            live.any(|server| server.poison_of(item).is_none())
        };
        let is_complete = |&i: &usize| self.status[i] == Status::Complete && promises.is_inside(i);
        (0..self.status.len()).filter(is_complete).any(is_answered)
    }

    fn disk_is_full(&self) -> bool {
        (self.full_disk.0..self.full_disk.1).contains(&self.now)
    }

    fn commit(&mut self, written: &[Written]) {
        for &written in written {
            match written {
                Written::Saved(attempt, item) => {
                    self.attempts.insert(attempt, Attempt::Saved);
                    self.status[item] = Status::Complete;
                }
                Written::Closed(attempt, end) => {
                    self.attempts
                        .entry(attempt)
                        .and_modify(|row| *row = Attempt::Closed(end));
                }
                Written::Status(item, status) => self.status[item] = status,
            }
        }
    }

    fn commit_all(&mut self, run: &mut Run) {
        while let Some(Reverse(planned)) = run.agenda.pop() {
            if let Happening::Commit(written) = planned.what {
                self.commit(&written);
            }
        }
    }

    /// What holds when the layer is done.
    fn check_end(&self, ending: Option<&Ending>) -> Result<(), String> {
        let attempts = self.attempts.len();
        if self.calls_received != attempts {
            return Err(format!(
                "{} calls, {attempts} recorded",
                self.calls_received
            ));
        }
        if let Some((attempt, _)) = self.attempts.iter().find(|(_, a)| **a == Attempt::InFlight) {
            return Err(format!("call {attempt} is never closed"));
        }
        if self.servers.iter().all(|server| server.is_lost(self.now)) {
            return match ending {
                Some(Ending::Early(_) | Ending::Done | Ending::Unfinished) => Ok(()),
                other => Err(format!("without endpoints it ended with {other:?}")),
            };
        }
        // What cannot be drawn anywhere, and what touches it later, directly or over others.
        let mut cannot: Vec<bool> = (0..self.status.len())
            .map(|item| {
                let live = self.servers.iter().filter(|server| !server.is_lost(self.now));
                let mut live = live.map(|server| server.poison_of(item));
                self.bad_sources[item]
                    || live.clone().all(|poison| poison.is_some())
                    // One refusal for good is enough, wherever it comes from.
                    || live.any(|poison| {
                        matches!(poison, Some(Poison::Rejected | Poison::Refused | Poison::BadAnswer))
                    })
            })
            .collect();
        for item in 0..cannot.len() {
            cannot[item] |= self.plan.before[item].iter().any(|&other| cannot[other]);
            let is_lost = self.status[item] != Status::Complete && !cannot[item];
            if is_lost && !matches!(ending, Some(Ending::Early(_))) {
                let block = self.plan.items[item].block;
                return Err(format!(
                    "{block} could be complete, and is {:?}",
                    self.status[item]
                ));
            }
        }
        if cannot.iter().all(|&cannot| !cannot) && ending != Some(&Ending::Done) {
            return Err(format!(
                "all could be complete, and it ended with {ending:?}"
            ));
        }
        Ok(())
    }

    fn say(&self, line: impl FnOnce() -> String) {
        if self.trace {
            println!("{:>12.3} {}", self.now.as_secs_f64(), line());
        }
    }
}

/// Gives some blocks a server or all that cannot draw them.
fn poison(servers: &mut [Server], items: usize, chance: &mut Chance) {
    if !chance.happens(0.4) {
        return;
    }
    for _ in 0..1 + chance.below(3) {
        let item = if chance.happens(0.5) {
            items - 1
        } else {
            chance.below(items)
        };
        let kind = chance.pick(&[
            Poison::BreaksOff,
            Poison::BreaksOff,
            Poison::Away,
            Poison::Away,
            Poison::Busy,
            Poison::Hangs,
            Poison::BadAnswer,
            Poison::Refused,
            Poison::Rejected,
        ]);
        let (only, everywhere) = (chance.below(servers.len()), chance.happens(0.6));
        for (number, server) in servers.iter_mut().enumerate() {
            if (everywhere || number == only) && server.poison_of(item).is_none() {
                server.poison.push((item, kind));
            }
        }
    }
}

/// One run of the program.
struct Run {
    started: Duration,
    dispatcher: Dispatcher,
    promises: Promises,
    agenda: BinaryHeap<Reverse<Planned>>,
    turn: u64,
    calls: BTreeMap<AttemptId, MadeUpCall>,
    /// What the canvases show that are drawn and were not sent.
    drawn: BTreeMap<Handle, Vec<Quadrant>>,
    shown: Shown,
}

impl Run {
    fn plan_in(&mut self, at: Duration, what: Happening) {
        self.turn += 1;
        let turn = self.turn;
        self.agenda.push(Reverse(Planned { at, turn, what }));
    }
}

#[derive(Debug, Clone)]
struct MadeUpCall {
    item: usize,
    endpoint: EndpointIndex,
    started: Duration,
    outcome: Outcome,
    cancelled: bool,
}

impl MadeUpCall {
    fn new(item: usize, endpoint: EndpointIndex, started: Duration, outcome: Outcome) -> Self {
        Self {
            item,
            endpoint,
            started,
            outcome,
            cancelled: false,
        }
    }
}

/// Something on its way into the database.
#[derive(Debug, Clone, Copy)]
enum Written {
    Saved(AttemptId, usize),
    Closed(AttemptId, CallEnd),
    Status(usize, Status),
}

enum Happening {
    Tell(Event),
    Commit(Vec<Written>),
    CallEnds(AttemptId),
}

struct Planned {
    at: Duration,
    turn: u64,
    what: Happening,
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.turn) == (other.at, other.turn)
    }
}

impl Eq for Planned {}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Planned {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.turn).cmp(&(other.at, other.turn))
    }
}

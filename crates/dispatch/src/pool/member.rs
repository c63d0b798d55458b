//! One endpoint of the pool: its calls, rests and limits.

use std::collections::VecDeque;
use std::time::Duration;

use super::adapting::Adapting;
use super::{EndpointLimits, Ends, Terms};
use crate::{Failure, FailureKind, Moment, Money};

/// One endpoint's state.
#[derive(Debug)]
pub struct Member {
    pub(super) limits: EndpointLimits,
    /// Where it is to be found out how many slots are worth using.
    pub(super) adapting: Option<Adapting>,
    /// When each call that is under way started.
    pub(super) calls: Vec<Moment>,
    /// The same of calls to the server that was called before under its name.
    pub(super) former: Vec<Moment>,
    /// Since when it is the server that it is.
    pub(super) replaced_at: Option<Moment>,
    /// Since when it has another chance: what began before tells nothing of it.
    pub(super) renewed_at: Option<Moment>,
    /// Whether it is no endpoint of the run any more.
    pub(super) gone: bool,
    /// When the calls of the last minute started, and a few before.
    pub(super) last_minute: VecDeque<Moment>,
    /// Until when it rests because it was away, or its answer was bad. An answer ends this.
    pub(super) resting_until: Option<Moment>,
    /// Until when it asked to be left alone. Nothing that it does ends this but time.
    pub(super) asked_until: Option<Moment>,
    /// Whether it is called though it asked to be left alone, and no such call has ended yet.
    pub(super) one_first: bool,
    pub(super) out: Option<String>,
    /// Failures without an answer in between, that each make the next rest longer.
    pub(super) away_in_a_row: u32,
    pub(super) bad_in_a_row: u32,
    pub(super) last_away: Option<Moment>,
    /// When it turned a call away because it had enough of them, where it was away for that.
    pub(super) had_enough_at: Option<Moment>,
    /// Smoothed duration of a successful call.
    pub(super) latency: Option<Duration>,
    pub(super) last_failure: Option<String>,
    pub(super) tally: EndpointTally,
    pub(super) ends: Ends,
}

/// What an endpoint did in this run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct EndpointTally {
    /// Calls made.
    pub calls: u64,
    /// Calls whose pictures were saved.
    pub saved: u64,
    /// Calls whose pictures were whole and not good enough.
    pub not_accepted: u64,
    /// Answers of any kind, errors included.
    pub answers: u64,
    /// Time spent in calls that brought a picture.
    pub busy: Duration,
    /// Calls that brought a picture.
    pub pictures: u64,
    /// What its calls cost.
    pub cost: Money,
}

impl Member {
    pub(super) fn new(limits: EndpointLimits) -> Self {
        Self {
            adapting: limits.adapts.then(|| Adapting::new(limits.slots)),
            limits,
            calls: Vec::new(),
            former: Vec::new(),
            replaced_at: None,
            renewed_at: None,
            gone: false,
            last_minute: VecDeque::new(),
            resting_until: None,
            asked_until: None,
            one_first: false,
            out: None,
            away_in_a_row: 0,
            bad_in_a_row: 0,
            last_away: None,
            had_enough_at: None,
            latency: None,
            last_failure: None,
            tally: EndpointTally::default(),
            ends: Ends::default(),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.limits.name
    }

    /// How many calls it serves at a time.
    #[must_use]
    pub fn slots_in_all(&self) -> usize {
        self.limits.slots
    }

    /// How long a call to it may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.limits.timeout
    }

    /// Whether it is known what it costs.
    #[must_use]
    pub fn has_price(&self) -> bool {
        self.limits.price.is_some()
    }

    /// The terms of a call that begins now.
    pub(crate) fn terms(&self) -> Terms {
        Terms {
            price: self.limits.price,
            shared_by: self.width(),
            timeout: self.limits.timeout,
        }
    }

    /// The most that a call to it can cost: where it adapts as if it were alone.
    pub(crate) fn most(&self) -> Money {
        let shared_by = if self.limits.adapts {
            1
        } else {
            self.limits.slots
        };
        let terms = Terms {
            shared_by,
            ..self.terms()
        };
        terms.cost_of(terms.timeout).unwrap_or_default()
    }

    /// How many calls it is given at a time.
    #[must_use]
    pub fn width(&self) -> usize {
        self.adapting
            .as_ref()
            .map_or(self.limits.slots, Adapting::width)
    }

    /// How many calls at a time have turned out to be worth it, where that is found out.
    #[must_use]
    pub fn settled_on(&self) -> Option<usize> {
        self.adapting.as_ref().map(Adapting::held)
    }

    /// Whether it is no endpoint of the run any more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.gone
    }

    /// Whether it may be called, sooner or later.
    #[must_use]
    pub fn is_left(&self) -> bool {
        self.out.is_none() && !self.gone
    }

    /// Whether a call that started then says nothing of it as it is.
    pub(super) fn is_of_the_past(&self, started: Moment) -> bool {
        self.gone || self.renewed_at.is_some_and(|at| started < at)
    }

    /// Whether a call that started then is to the server that was called before.
    pub(super) fn is_former(&self, started: Moment) -> bool {
        self.replaced_at.is_some_and(|at| started < at)
    }

    /// How many of its calls no slot of it waits for.
    pub(super) fn calls_of_the_past(&self) -> usize {
        let here = if self.gone { self.calls.len() } else { 0 };
        here + self.former.len()
    }

    /// What was known of it does not hold any more, but what it asked for.
    pub(super) fn renew(&mut self, now: Moment) {
        self.renewed_at = Some(now);
        self.resting_until = None;
        self.out = None;
        (self.away_in_a_row, self.bad_in_a_row) = (0, 0);
        self.last_away = None;
    }

    /// The same, and what it asked for does not hold either; one call shows whether it asks again.
    pub(super) fn try_now(&mut self, now: Moment) {
        self.renew(now);
        let asked_until = self.asked_until.take();
        self.one_first |= asked_until.is_some_and(|until| until > now);
    }

    /// It is another server from now on.
    pub(super) fn replace(&mut self, now: Moment) {
        self.renew(now);
        self.replaced_at = Some(now);
        self.asked_until = None;
        self.one_first = false;
        self.latency = None;
        self.former.append(&mut self.calls);
        if let Some(adapting) = &mut self.adapting {
            adapting.begin_again();
        }
    }

    /// Its limits are these, from the next call on.
    pub(super) fn set_limits(&mut self, limits: EndpointLimits) {
        self.adapting = match self.adapting.take() {
            Some(adapting) if limits.adapts => Some(adapting.within(limits.slots)),
            _ => limits.adapts.then(|| Adapting::new(limits.slots)),
        };
        self.limits = limits;
    }

    /// What it did in this run.
    #[must_use]
    pub fn tally(&self) -> EndpointTally {
        self.tally
    }

    /// How its calls of this run ended.
    #[must_use]
    pub fn ends(&self) -> &Ends {
        &self.ends
    }

    /// Whether a call to it is under way that may still bring something: it is not known to be away, or
    /// has turned later ones away only because it had enough of them, and the call has taken no longer
    /// than it may.
    #[must_use]
    pub fn is_at_work(&self, now: Moment) -> bool {
        let in_time = |started: Moment| now <= started.saturating_add(self.limits.timeout);
        let is_taken = |started: Moment| {
            !self.is_away() || self.had_enough_at.is_some_and(|turned| started < turned)
        };
        let mut calls = self.calls.iter().copied();
        calls.any(|started| in_time(started) && is_taken(started))
    }

    /// Why the endpoint is out, if it is.
    #[must_use]
    pub fn out(&self) -> Option<&str> {
        self.out.as_deref()
    }

    /// The message of its last failure.
    #[must_use]
    pub fn last_failure(&self) -> Option<&str> {
        self.last_failure.as_deref()
    }

    /// How long it rests from `now` on, if it does.
    #[must_use]
    pub fn rests_for(&self, now: Moment) -> Option<Duration> {
        self.resting_until
            .max(self.asked_until)
            .map(|until| until.saturating_sub(now))
            .filter(|rest| !rest.is_zero())
    }

    /// Whether a call to it is under way.
    #[must_use]
    pub fn is_called(&self) -> bool {
        !self.calls.is_empty()
    }

    /// How many calls to it are under way.
    #[must_use]
    pub fn calls_under_way(&self) -> usize {
        self.calls.len()
    }

    /// Whether it could take a call now.
    #[must_use]
    pub fn is_free(&self, now: Moment) -> bool {
        self.is_left() && self.has_room() && self.wakes_at(now).is_none()
    }

    /// Whether it is likely to take a call before long.
    #[must_use]
    pub fn is_free_soon(&self, now: Moment) -> bool {
        let usual = self
            .latency
            .map_or(self.limits.timeout, |latency| 2 * latency);
        let is_on_time = |&started: &Moment| now <= started + usual;
        let rests = self.wakes_at(now).is_some_and(|until| until > now + SOON);
        let has_room = self.has_room() || self.calls.iter().any(is_on_time);
        self.is_left() && !rests && has_room
    }

    /// Whether the last thing known of it is that it was away.
    #[must_use]
    pub fn is_away(&self) -> bool {
        self.away_in_a_row > 0
    }

    /// Whether a slot is free. An endpoint that was away is tried with one call, not with all it can take.
    fn has_room(&self) -> bool {
        let is_of_now = |&started: &Moment| !self.is_of_the_past(started);
        let is_tried = || self.calls.iter().any(is_of_now);
        self.calls.len() < self.width() && !(self.takes_one() && is_tried())
    }

    /// Whether it is to be seen first whether it takes calls.
    fn takes_one(&self) -> bool {
        self.is_away() || self.one_first
    }

    /// When its rest and its limit of calls a minute allow the next call, if not now.
    #[must_use]
    pub fn wakes_at(&self, now: Moment) -> Option<Moment> {
        let limited_until = self.allowed_from(0, now);
        self.resting_until
            .max(self.asked_until)
            .max(limited_until)
            .filter(|&until| until > now)
    }

    /// From when on its limit of calls a minute allows one call more than `planned` further ones;
    /// `None` where nothing holds it back.
    fn allowed_from(&self, planned: usize, now: Moment) -> Option<Moment> {
        let limit = self.limits.max_per_minute?;
        let minutes = MINUTE.saturating_mul(u32::try_from(planned / limit).unwrap_or(u32::MAX));
        // The call as many places before it as a minute may hold must be a minute old.
        let index = (self.last_minute.len() + planned % limit).checked_sub(limit);
        match index.and_then(|index| self.last_minute.get(index)) {
            Some(&before) => Some((before + MINUTE).max(now) + minutes),
            None if minutes.is_zero() => None,
            None => Some(now + minutes),
        }
    }

    /// How many calls it surely finishes until `deadline`, as far as is known of it: none where
    /// nothing is. At most `most` are counted.
    pub(super) fn finishes_by(&self, now: Moment, deadline: Moment, most: usize) -> usize {
        let Some(latency) = self.latency.filter(|latency| !latency.is_zero()) else {
            return 0;
        };
        if !self.is_left() || self.takes_one() || self.bad_in_a_row > 0 {
            return 0;
        }
        // One that rests may have to rest again.
        if self.rests_for(now).is_some() {
            return 0;
        }
        let mut slots: Vec<Moment> = (0..self.width().min(most))
            .filter_map(|slot| match self.calls.get(slot) {
                None => Some(now),
                Some(&started) => {
                    let expected = started + latency;
                    if expected > now {
                        Some(expected)
                    } else if now < expected + latency {
                        // A call that takes longer than usual may take as long again.
                        Some(now + latency)
                    } else {
                        // It hangs, for all that is known.
                        None
                    }
                }
            })
            .collect();
        let mut finished = 0;
        while finished < most {
            let Some(slot) = slots.iter_mut().min() else {
                break;
            };
            let allowed = self.allowed_from(finished, now).unwrap_or_default();
            *slot = (*slot).max(allowed) + latency;
            if *slot > deadline {
                break;
            }
            finished += 1;
        }
        finished
    }

    /// Notes that a call starts.
    pub(super) fn start(&mut self, now: Moment) {
        self.calls.push(now);
        self.tally.calls += 1;
        if let Some(adapting) = &mut self.adapting {
            adapting.started(self.calls.len(), now);
        }
        self.last_minute.push_back(now);
        let limit = self.limits.max_per_minute.unwrap_or(0);
        let is_over = |at: &Moment| *at + MINUTE <= now;
        while self.last_minute.len() > limit && self.last_minute.front().is_some_and(is_over) {
            self.last_minute.pop_front();
        }
    }

    /// Notes that a call is over that started at `started`.
    pub(super) fn ended(&mut self, started: Moment) {
        let calls = if self.is_former(started) {
            &mut self.former
        } else {
            &mut self.calls
        };
        if let Some(index) = calls.iter().position(|&call| call == started) {
            calls.swap_remove(index);
        }
    }

    /// Takes in what a failure says of how many calls at a time are too many.
    pub(super) fn adapt_to(&mut self, failure: &Failure, started: Moment, now: Moment) {
        let with = self.calls.len() + 1;
        let Some(adapting) = &mut self.adapting else {
            return;
        };
        match failure.kind {
            _ if has_enough(failure) => adapting.too_much(started, now, with),
            FailureKind::BrokeOff => adapting.broke_off(started, now, with),
            _ => adapting.failed(started, with),
        }
    }

    pub(super) fn rest_until(&mut self, until: Moment) {
        self.resting_until = self.resting_until.max(Some(until));
    }
}

/// Whether a server that failed so is there and has enough calls.
pub(super) fn has_enough(failure: &Failure) -> bool {
    let is_away = matches!(failure.kind, FailureKind::Away { .. });
    is_away && matches!(failure.http_status, Some(429 | 503))
}

/// What is worth waiting for.
const SOON: Duration = Duration::from_secs(10);
/// What a limit of calls a minute is counted over.
const MINUTE: Duration = Duration::from_secs(60);

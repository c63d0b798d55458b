//! One endpoint of the pool: its calls, rests and limits.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// One endpoint's state.
#[derive(Debug)]
pub(crate) struct Member {
    pub(super) name: String,
    pub(super) slots: usize,
    pub(super) max_per_minute: Option<usize>,
    /// When each call that is under way started.
    pub(super) calls: Vec<Instant>,
    /// When the calls of the last minute started; kept only where they are limited.
    pub(super) last_minute: VecDeque<Instant>,
    pub(super) resting_until: Option<Instant>,
    pub(super) out: Option<String>,
    /// Failures without an answer in between, that each make the next rest longer.
    pub(super) away_in_a_row: u32,
    pub(super) bad_in_a_row: u32,
    pub(super) last_away: Option<Instant>,
    /// Smoothed duration of a successful call.
    pub(super) latency: Option<Duration>,
    pub(super) last_failure: Option<String>,
    pub(crate) tally: Tally,
}

/// What an endpoint did in this run.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Tally {
    /// Calls made.
    pub calls: u64,
    /// Calls whose pictures were saved.
    pub saved: u64,
    /// Answers of any kind, errors included.
    pub answers: u64,
    /// Time spent in calls that brought a picture.
    pub busy: Duration,
    /// Calls that brought a picture.
    pub pictures: u64,
}

impl Member {
    pub(super) fn new(name: String, slots: usize, max_per_minute: Option<u32>) -> Self {
        Self {
            name,
            slots,
            max_per_minute: max_per_minute.map(|limit| limit as usize),
            calls: Vec::new(),
            last_minute: VecDeque::new(),
            resting_until: None,
            out: None,
            away_in_a_row: 0,
            bad_in_a_row: 0,
            last_away: None,
            latency: None,
            last_failure: None,
            tally: Tally::default(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Why the endpoint is out, if it is.
    pub(crate) fn out(&self) -> Option<&str> {
        self.out.as_deref()
    }

    /// The message of its last failure.
    pub(crate) fn last_failure(&self) -> Option<&str> {
        self.last_failure.as_deref()
    }

    /// How long it rests from `now` on, if it does.
    pub(crate) fn rests_for(&self, now: Instant) -> Option<Duration> {
        self.resting_until
            .map(|until| until.saturating_duration_since(now))
            .filter(|rest| !rest.is_zero())
    }

    /// Whether a call to it is under way.
    pub(crate) fn is_called(&self) -> bool {
        !self.calls.is_empty()
    }

    pub(super) fn is_free(&self, now: Instant) -> bool {
        // An endpoint that was away is tried with one call, not with all it can take.
        let slots = if self.away_in_a_row > 0 {
            1
        } else {
            self.slots
        };
        self.out.is_none() && self.calls.len() < slots && self.wakes_at(now).is_none()
    }

    /// When its rest and its limit of calls a minute allow the next call, if not now.
    pub(super) fn wakes_at(&self, now: Instant) -> Option<Instant> {
        let limited_until = self
            .max_per_minute
            .filter(|&limit| self.last_minute.len() >= limit)
            .and_then(|_| self.last_minute.front())
            .map(|first| *first + Duration::from_secs(60));
        self.resting_until
            .max(limited_until)
            .filter(|&until| until > now)
    }

    pub(super) fn rest_until(&mut self, until: Instant) {
        self.resting_until = Some(self.resting_until.map_or(until, |other| other.max(until)));
    }
}

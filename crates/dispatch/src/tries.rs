//! What an item's failed calls amount to.
//!
//! A useless answer, and a picture that is not good enough, counts against its item. A call that
//! ends without an answer is the item's fault or the endpoint's, and a block is compared with what
//! its endpoint does for others:
//!
//! - another item fails there too, before anything is answered: the endpoint is away, and the
//!   failure counts against nobody;
//! - the endpoint answers a call for another item that began no earlier: the failure counts against
//!   the item. It counts for less where the endpoint fails for others as well;
//! - there is no other item left: a *comparison* tells, a call with a canvas that was answered
//!   before. From an endpoint that has answered it, failures count at once, for a while.
//!
//! An item that has failed without an answer is *in doubt*, and its failures say nothing about
//! other items.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::{EndpointIndex, Failure, FailureKind, Handle, Moment};

/// After so many failures that count against it an item is given up.
const MOST_TRIES: u32 = 3;
/// So do so many calls without an answer, where the endpoint answers others and never fails.
const MOST_UNANSWERED: u32 = 3;
/// After so many refusals.
const MOST_REFUSALS: usize = 2;
/// After so many failures where only an endpoint's answers to requests that cost nothing speak
/// against the item: a server may answer those and yet have nobody behind it who draws.
const MOST_PROBED: usize = 8;
/// After so many at an endpoint that has answered a comparison: an outage that begins just then
/// is mostly over by the last.
const MOST_AFTER_COMPARISON: u32 = 4;
/// After so many where the endpoint said how long to wait: that is mostly not the item.
const MOST_BUSY: u32 = 8;
/// How long a comparison speaks for its endpoint, and the time between two of them.
pub(crate) const COMPARISON_HOLDS: Duration = Duration::from_secs(600);
/// So many results of an endpoint are remembered.
const REMEMBERED: usize = 20;
/// How much an endpoint's own failures can take from its word.
const MOST_LENIENT: u32 = 5;
/// An item is tried so often without knowing whose fault its failures are, and no more.
const MOST_IN_DOUBT: usize = 5;
/// So many failures of an item are worth a comparison.
const WORTH_COMPARING: usize = 2;
/// An item is tried at so many endpoints before one of them is asked for a comparison.
const ENOUGH_ENDPOINTS: usize = 3;
/// Calls of an item that begin closer together fail together.
const APART: Duration = Duration::from_millis(700);
/// An endpoint that failed for so many other items is away.
const MANY: usize = 3;
/// What an endpoint does for others tells of failures that are no older.
const SOON: Duration = Duration::from_secs(60);
/// A comparison tells of failures that are no older: a little more than the longest rest.
const LATELY: Duration = Duration::from_secs(330);
/// With more items in doubt it is not the items.
const MOST_DOUBTED: usize = 3;
/// What is needed to give an item up, in parts that all weights divide.
const ENOUGH: u32 = 2520;

/// The failed calls of the items of a run that are not given up yet.
#[derive(Debug)]
pub struct Tries {
    /// After how many pictures that are not good enough an item is given up.
    max_not_accepted: usize,
    items: BTreeMap<Handle, ItemTries>,
    /// Of items that have not failed in this run, how many pictures were not good enough before it.
    before: BTreeMap<Handle, usize>,
    endpoints: BTreeMap<EndpointIndex, Witness>,
    /// When the last comparison began.
    compared: Option<Moment>,
    /// When anything was answered last, by any endpoint.
    last_answer: Option<Moment>,
}

#[derive(Debug, Default)]
struct ItemTries {
    calls: usize,
    /// Who gave an answer that was of no use.
    bad: Vec<EndpointIndex>,
    refusals: usize,
    /// Who gave a picture that was not good enough.
    not_accepted: Vec<EndpointIndex>,
    /// How many pictures were not good enough before the run.
    not_accepted_before: usize,
    /// Whether one failure counts where the endpoint had answered nothing yet.
    cold_counts: bool,
    /// When the last call began that counts.
    counted: Option<Moment>,
    /// What speaks against it, in parts of [`ENOUGH`].
    against: u32,
    /// Failures of which nothing tells yet whose fault they are.
    open: Vec<Open>,
    /// Failures after which the endpoint has answered a request that cost nothing.
    probed: usize,
    /// Calls that ended without an answer.
    unanswered: usize,
    /// How many of them the last comparison had seen.
    compared: usize,
    /// How many since then are not explained by an endpoint that is away.
    unexplained: usize,
    /// When the last of them ended.
    last_unanswered: Option<Moment>,
    /// Whether it was in doubt when a comparison was answered.
    is_judged: bool,
    /// Whether a comparison was answered since it was heard itself.
    was_compared: bool,
    /// Where they were.
    silent: Vec<EndpointIndex>,
    last: Option<Verdict>,
}

/// A call that ended without an answer.
#[derive(Debug)]
struct Open {
    endpoint: EndpointIndex,
    /// Whether the endpoint had taken the request before it was away.
    broke_off: bool,
    /// Whether the endpoint said how long to wait.
    is_busy: bool,
    /// Whether the endpoint had answered nothing yet: it may have been about to start.
    cold: bool,
    /// Whether nothing was answered anywhere since the item failed before: the two may be of one
    /// outage of all.
    in_silence: bool,
    started: Moment,
    failed: Moment,
}

/// What an endpoint did for all items.
#[derive(Debug, Default)]
struct Witness {
    /// The last results of calls, and whether they were answers.
    results: VecDeque<(Handle, bool)>,
    /// Items that were not in doubt and failed since the last answer, and when those calls began.
    away_for: BTreeMap<Handle, Moment>,
    has_answered: bool,
    /// Whether it has not answered its last comparison, nor anything since.
    is_deaf: bool,
    /// From when until when a comparison speaks for it.
    proven: Option<(Moment, Moment)>,
}

/// Why an item is given up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Where it failed last.
    pub endpoint: EndpointIndex,
    /// How it failed there.
    pub message: String,
}

/// Whether an item may be tried at an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing speaks against it.
    Clear,
    /// It failed before, and another item would tell better whose fault that was.
    InDoubt,
    /// It has to wait for what tells whose fault it was.
    Waits,
}

impl Tries {
    /// No calls yet. After `max_not_accepted` pictures that are not good enough an item is given
    /// up.
    #[must_use]
    pub fn new(max_not_accepted: usize) -> Self {
        Self {
            max_not_accepted: max_not_accepted.max(1),
            items: BTreeMap::new(),
            before: BTreeMap::new(),
            endpoints: BTreeMap::new(),
            compared: None,
            last_answer: None,
        }
    }

    /// Notes that so many pictures of an item were not good enough before the run. It is tried once more
    /// at least.
    pub fn had(&mut self, handle: Handle, not_accepted: usize) {
        let most = self.max_not_accepted - 1;
        self.before.insert(handle, not_accepted.min(most));
    }

    /// Notes that a call for an item failed that began at `started`. Whether the endpoint is not
    /// to blame.
    pub fn note(
        &mut self,
        handle: Handle,
        endpoint: EndpointIndex,
        failure: &Failure,
        started: Moment,
        now: Moment,
    ) -> bool {
        let is_served = self.is_proven(endpoint, now);
        let before = self.before.remove(&handle).unwrap_or(0);
        let item = self.items.entry(handle).or_default();
        item.calls += 1 + before;
        item.not_accepted_before += before;
        item.last = Some(Verdict {
            endpoint,
            message: failure.message.clone(),
        });
        match failure.kind {
            FailureKind::BadAnswer | FailureKind::Refused => {
                item.bad.push(endpoint);
                item.refusals += usize::from(failure.kind == FailureKind::Refused);
                item.is_heard(is_served);
                self.answered(handle, endpoint, (started, now));
                false
            }
            FailureKind::NotAccepted => {
                item.not_accepted.push(endpoint);
                item.is_heard(is_served);
                self.answered(handle, endpoint, (started, now));
                false
            }
            FailureKind::Rejected => {
                self.answered(handle, endpoint, (started, now));
                false
            }
            FailureKind::Away { .. } | FailureKind::Missing | FailureKind::BrokeOff => {
                self.unanswered(handle, endpoint, failure.kind, (started, now))
            }
            FailureKind::EndpointOut => {
                self.endpoints.remove(&endpoint);
                false
            }
        }
    }

    fn unanswered(
        &mut self,
        handle: Handle,
        endpoint: EndpointIndex,
        kind: FailureKind,
        (started, now): (Moment, Moment),
    ) -> bool {
        let broke_off = kind == FailureKind::BrokeOff;
        let is_busy = matches!(
            kind,
            FailureKind::Away {
                retry_after: Some(_)
            }
        );
        let item = self.items.get_mut(&handle).expect("it was just noted");
        // One that has failed before says nothing about its endpoints.
        let testifies = item.last_unanswered.is_none();
        let in_silence = item
            .last_unanswered
            .is_some_and(|failed| self.last_answer.is_none_or(|answered| answered <= failed));
        item.unanswered += 1;
        item.last_unanswered = Some(now);
        if !item.silent.contains(&endpoint) {
            item.silent.push(endpoint);
        }
        let witness = self.endpoints.entry(endpoint).or_default();
        let proven = witness.is_proven(started);
        if item.is_judged && proven {
            item.against += match is_busy {
                true => ENOUGH / MOST_BUSY,
                false => ENOUGH / MOST_AFTER_COMPARISON,
            };
            return true;
        }
        let others = witness.away_for.keys().filter(|&&other| other != handle);
        let others = others.count();
        if !witness.is_deaf && others < MANY {
            item.unexplained += 1;
        }
        if others == 0 {
            item.open.retain(|open| open.endpoint != endpoint);
            item.open.push(Open {
                endpoint,
                broke_off,
                is_busy,
                cold: !witness.has_answered,
                in_silence,
                started,
                failed: now,
            });
        }
        if testifies {
            self.is_away(endpoint, handle, started);
        }
        false
    }

    /// Notes that an endpoint failed for an item that is not in doubt: so did it for others.
    fn is_away(&mut self, endpoint: EndpointIndex, handle: Handle, started: Moment) {
        let witness = self.endpoints.entry(endpoint).or_default();
        witness.remember(handle, false);
        witness.proven = None;
        if witness.away_for.len() <= MANY {
            witness.away_for.insert(handle, started);
        }
        for (&other, item) in &mut self.items {
            if other != handle {
                item.open.retain(|open| open.endpoint != endpoint);
            }
        }
    }

    /// Notes that an endpoint has answered a call for an item that began at `started`. Of what failed
    /// that began later it tells nothing: a server that turns new calls away may finish old ones.
    fn answered(
        &mut self,
        handle: Handle,
        endpoint: EndpointIndex,
        (started, now): (Moment, Moment),
    ) {
        self.last_answer = Some(now);
        let witness = self.endpoints.entry(endpoint).or_default();
        witness.away_for.retain(|_, &mut began| began > started);
        witness.has_answered = true;
        witness.is_deaf = false;
        witness.remember(handle, true);
        for (&other, item) in &mut self.items {
            // Its own answers do not speak against an item.
            let weight = if other == handle {
                0
            } else {
                witness.weight(other)
            };
            let here = |open: &mut Open| open.endpoint == endpoint && open.started <= started;
            // In a row they may all be of one outage, which is over: they count once.
            if let Some(open) = item.open.extract_if(.., here).last() {
                // What is turned away everywhere at the same time is one outage, and what was long
                // ago may have been another.
                let is_another =
                    open.broke_off || item.counted.is_none_or(|at| open.started >= at + APART);
                let is_another = is_another
                    && now <= open.failed + SOON
                    && !(open.in_silence && item.counted.is_some());
                if is_another && !(open.cold && std::mem::replace(&mut item.cold_counts, true)) {
                    item.against += match open.is_busy {
                        true => weight.min(ENOUGH / MOST_BUSY),
                        false => weight,
                    };
                    item.counted = Some(open.started);
                }
            }
        }
    }

    /// Notes that an endpoint has answered a request that was no call: the failures of `handle`
    /// there are more likely its own.
    pub fn answered_probe(&mut self, handle: Handle, endpoint: EndpointIndex) {
        if let Some(item) = self.items.get_mut(&handle) {
            let all = item.open.len();
            item.open.retain(|open| open.endpoint != endpoint);
            item.probed += all - item.open.len();
        }
    }

    /// Notes that an endpoint did not answer when it was asked whether it is there: it is away.
    pub fn missed_probe(&mut self, endpoint: EndpointIndex) {
        for item in self.items.values_mut() {
            item.open.retain(|open| open.endpoint != endpoint);
        }
    }

    /// Notes that an endpoint is gone, or another server from now on: nothing that it did, or did not
    /// do, tells whose fault a failure was.
    pub fn forget_endpoint(&mut self, endpoint: EndpointIndex) {
        self.endpoints.remove(&endpoint);
        for item in self.items.values_mut() {
            item.open.retain(|open| open.endpoint != endpoint);
            item.silent.retain(|&silent| silent != endpoint);
        }
    }

    /// Notes that a comparison begins.
    pub fn compares(&mut self, now: Moment) {
        self.compared = Some(now);
        for item in self.items.values_mut() {
            item.compared = item.unanswered;
            item.unexplained = 0;
        }
    }

    /// Notes that a comparison that began is not made: another one may be, at once.
    pub fn does_not_compare(&mut self) {
        self.compared = None;
    }

    /// Notes how a comparison ended: a call with the canvas of `handle`, which is not in doubt.
    pub fn compared(
        &mut self,
        handle: Handle,
        endpoint: EndpointIndex,
        answered: bool,
        now: Moment,
    ) {
        if !answered {
            // There is an outage, and whatever failed may be due to it.
            self.is_away(endpoint, handle, self.compared.unwrap_or(now));
            self.endpoints.entry(endpoint).or_default().is_deaf = true;
            for item in self.items.values_mut() {
                item.against = 0;
            }
            return;
        }
        let began = self.compared.unwrap_or(now);
        for item in self.items.values_mut() {
            if item.failed_lately(began) {
                item.is_judged = true;
                item.was_compared = true;
            } else if item.is_in_doubt() {
                // That was another time.
                item.is_heard(false);
                item.was_compared = true;
            }
        }
        self.answered(handle, endpoint, (began, now));
        let witness = self.endpoints.entry(endpoint).or_default();
        witness.proven = Some((now, began + COMPARISON_HOLDS));
    }

    /// Whether an item failed at an endpoint so short a time ago that a comparison there tells.
    #[must_use]
    pub fn failed_lately_at(&self, handle: Handle, endpoint: EndpointIndex, now: Moment) -> bool {
        let item = self.items.get(&handle);
        item.is_some_and(|item| item.failed_lately_at(endpoint, now))
    }

    /// Whether an item was not answered anywhere so short a time ago.
    #[must_use]
    pub fn failed_lately(&self, handle: Handle, now: Moment) -> bool {
        let item = self.items.get(&handle);
        item.is_some_and(|item| item.failed_lately(now))
    }

    /// Whether an endpoint has not answered its last comparison, nor anything since.
    #[must_use]
    pub fn is_deaf(&self, endpoint: EndpointIndex) -> bool {
        let witness = self.endpoints.get(&endpoint);
        witness.is_some_and(|witness| witness.is_deaf)
    }

    /// When the next comparison is allowed, if not now.
    #[must_use]
    pub fn next_comparison(&self, now: Moment) -> Option<Moment> {
        self.compared
            .map(|at| at + COMPARISON_HOLDS)
            .filter(|&at| at > now)
    }

    /// Whether a comparison would tell something of an item.
    #[must_use]
    pub fn is_worth_comparing(&self, handle: Handle) -> bool {
        let item = self.items.get(&handle);
        item.is_some_and(|item| item.since_comparison() >= WORTH_COMPARING)
    }

    /// Notes that an item is complete, thanks to a call to `endpoint` that began at `started`.
    pub fn saved(&mut self, handle: Handle, endpoint: EndpointIndex, started: Moment, now: Moment) {
        self.answered(handle, endpoint, (started, now));
        self.forget(handle);
    }

    /// Forgets an item that is given up.
    pub fn forget(&mut self, handle: Handle) {
        self.before.remove(&handle);
        self.items.remove(&handle);
    }

    /// Why an item is to be given up, if it is.
    #[must_use]
    pub fn verdict(&self, handle: Handle) -> Option<Verdict> {
        let item = self.items.get(&handle)?;
        let useless = ENOUGH * parts(item.bad.len()) / MOST_TRIES;
        let not_accepted = item.not_accepted_before + item.not_accepted.len();
        let not_good = ENOUGH * parts(not_accepted) / parts(self.max_not_accepted);
        let given_up = item.against + useless + not_good >= ENOUGH
            || item.refusals >= MOST_REFUSALS
            || item.bad.len() + item.probed >= MOST_PROBED;
        let Verdict { endpoint, message } = item.last.clone().filter(|_| given_up)?;
        Some(Verdict {
            endpoint,
            message: format!("{message} (tried {} times)", item.calls),
        })
    }

    /// All items that are to be given up.
    #[must_use]
    pub fn verdicts(&self) -> Vec<(Handle, Verdict)> {
        let items = self.items.keys();
        items
            .filter_map(|&handle| Some((handle, self.verdict(handle)?)))
            .collect()
    }

    /// Whether an endpoint has given an answer for this item before that could not be used.
    #[must_use]
    pub fn was_bad_at(&self, handle: Handle, endpoint: EndpointIndex) -> bool {
        self.items.get(&handle).is_some_and(|item| {
            item.bad.contains(&endpoint) || item.not_accepted.contains(&endpoint)
        })
    }

    /// Whether a call for the item ended without an answer.
    #[must_use]
    pub fn is_in_doubt(&self, handle: Handle) -> bool {
        self.items.get(&handle).is_some_and(ItemTries::is_in_doubt)
    }

    /// Whether an item may be tried at an endpoint.
    #[must_use]
    pub fn standing(&self, handle: Handle, endpoint: EndpointIndex, now: Moment) -> Standing {
        let Some(item) = self.items.get(&handle).filter(|item| item.is_in_doubt()) else {
            return Standing::Clear;
        };
        if item.is_judged && self.is_proven(endpoint, now) {
            return Standing::Clear;
        }
        // Where it is known to be served, it is tried there and nowhere else.
        let is_served = |witness: &Witness| witness.is_proven(now);
        let waits = item.unexplained >= item.most_in_doubt()
            || (item.is_judged && self.endpoints.values().any(is_served));
        if waits && self.are_few_in_doubt() {
            return Standing::Waits;
        }
        let is_away = |witness: &Witness| !witness.away_for.is_empty();
        if item.since_comparison() > WORTH_COMPARING
            || item.open.iter().any(|open| open.endpoint == endpoint)
            || self.endpoints.get(&endpoint).is_some_and(is_away)
        {
            return Standing::InDoubt;
        }
        Standing::Clear
    }

    /// Whether an endpoint that has not been tried would tell more of an item than another try
    /// where it was not answered.
    #[must_use]
    pub fn is_worth_trying(&self, handle: Handle, endpoint: EndpointIndex) -> bool {
        self.items.get(&handle).is_some_and(|item| {
            item.silent.len() < ENOUGH_ENDPOINTS && !item.silent.contains(&endpoint)
        })
    }

    /// Whether so few items are in doubt that it may be they that fail. Many are an outage.
    #[must_use]
    pub fn are_few_in_doubt(&self) -> bool {
        let mut in_doubt = self.items.values().filter(|item| item.is_in_doubt());
        in_doubt.nth(MOST_DOUBTED).is_none()
    }

    /// Whether anything is remembered of an item.
    #[must_use]
    pub fn knows(&self, handle: Handle) -> bool {
        self.items.contains_key(&handle)
    }

    /// The items of which anything is remembered, in order.
    pub fn known(&self) -> impl Iterator<Item = Handle> + '_ {
        self.items.keys().copied()
    }

    /// Whether an item has broken off at so many endpoints that those are to be asked whether
    /// they are there, before it is tried at another one.
    #[must_use]
    pub fn waits_for_probes(&self, handle: Handle, endpoint: EndpointIndex) -> bool {
        self.items.get(&handle).is_some_and(|item| {
            let is_new = item.open.iter().all(|open| open.endpoint != endpoint);
            let broke_off = item.open.iter().any(|open| open.broke_off);
            is_new && broke_off && item.open.len() >= MOST_IN_DOUBT
        })
    }

    /// Whether an endpoint has taken the item's canvas and broken off, and nothing was answered
    /// since.
    #[must_use]
    pub fn broke_off_at(&self, handle: Handle, endpoint: EndpointIndex) -> bool {
        self.items.get(&handle).is_some_and(|item| {
            let mut open = item.open.iter();
            open.any(|open| open.endpoint == endpoint && open.broke_off)
        })
    }

    /// Whether a comparison speaks for an endpoint.
    #[must_use]
    pub fn is_proven(&self, endpoint: EndpointIndex, now: Moment) -> bool {
        self.endpoints
            .get(&endpoint)
            .is_some_and(|witness| witness.is_proven(now))
    }
}

impl ItemTries {
    fn is_in_doubt(&self) -> bool {
        self.unanswered > 0
    }

    /// It was heard: whoever did not answer was away. Not so where an endpoint `is_served` by a
    /// comparison that has told otherwise of it.
    fn is_heard(&mut self, is_served: bool) {
        if self.is_judged && is_served {
            return;
        }
        (self.unanswered, self.compared, self.unexplained) = (0, 0, 0);
        (self.is_judged, self.was_compared) = (false, false);
        self.open.clear();
        self.silent.clear();
    }

    fn failed_lately(&self, now: Moment) -> bool {
        self.last_unanswered.is_some_and(|at| now <= at + LATELY)
    }

    fn failed_lately_at(&self, endpoint: EndpointIndex, now: Moment) -> bool {
        let is_late = |open: &Open| open.endpoint == endpoint && now <= open.failed + LATELY;
        self.open.iter().any(is_late)
    }

    /// How often it is tried without knowing whose fault its failures are: until a comparison is worth
    /// it, where there was one before.
    fn most_in_doubt(&self) -> usize {
        match self.was_compared {
            true => WORTH_COMPARING,
            false => MOST_IN_DOUBT,
        }
    }

    fn since_comparison(&self) -> usize {
        self.unanswered - self.compared
    }
}

impl Witness {
    fn is_proven(&self, now: Moment) -> bool {
        self.proven
            .is_some_and(|(from, until)| (from..until).contains(&now))
    }

    fn remember(&mut self, handle: Handle, answered: bool) {
        self.results.push_back((handle, answered));
        if self.results.len() > REMEMBERED {
            self.results.pop_front();
        }
    }

    /// How much a failure for an item weighs where the endpoint answers for others.
    fn weight(&self, handle: Handle) -> u32 {
        let failed = self.results.iter();
        let failed = failed.filter(|&&(other, answered)| !answered && other != handle);
        ENOUGH / (MOST_UNANSWERED + parts(failed.count()).min(MOST_LENIENT))
    }
}

/// A small number, to reckon with.
fn parts(count: usize) -> u32 {
    u32::try_from(count.min(1000)).expect("it is small")
}

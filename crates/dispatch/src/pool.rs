//! Which endpoint gets the next call: turns, rests, limits, and the last items of a step.

mod adapting;
mod ends;
mod member;
mod terms;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::{CallEnd, Failure, FailureKind, Moment, Money};
pub use ends::{Ended, Ends};
pub use member::{EndpointTally, Member};
pub use terms::EndpointLimits;
pub(crate) use terms::Terms;

/// An endpoint's place in the pool, which it keeps as long as the run lasts.
pub type EndpointIndex = usize;

/// What is new of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EndpointChange {
    /// It is one of the run's, with these limits from the next call on. One that was not joins them:
    /// behind all others, or where it was before.
    Here(EndpointLimits),
    /// Another server answers under its name: what was known of the one before does not hold, and calls
    /// to that one leave it all its slots.
    Replaced,
    /// It has another chance, though it rests or is out. What it asked for itself still holds.
    TriedAgain,
    /// It has another chance, also where it asked to be left alone: it is called with another key, which
    /// is another account, or somebody wants it now. If it asked, one call goes there first.
    TriedNow,
    /// It is none of the run's any more: it gets no call, and those under way are waited for.
    Gone,
}

/// The longest rest of an endpoint that does not say itself how long.
pub(crate) const LONGEST_REST: Duration = Duration::from_secs(300);
/// The first rest of an endpoint that is away.
const FIRST_REST: Duration = Duration::from_secs(1);
/// The first and the longest rest after a bad answer.
const BAD_ANSWER_REST: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(2));
/// The rest after a call that failed through its item, not through the endpoint.
const REST_AFTER_ITEM: Duration = Duration::from_secs(2);
/// The shortest wait that a server may ask for: it cannot ask to be called all the time.
const SHORTEST_RETRY_AFTER: Duration = Duration::from_millis(500);
/// The longest wait that a server may ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);
/// How much sooner than a free endpoint the busy ones must finish all that is left of a step for
/// the free one to be passed over. Less is noise.
const WORTH_WAITING: f64 = 0.75;
/// With more items left than so many rounds of all slots everybody is needed.
const LAST_ROUNDS: usize = 8;

/// The endpoints of a run and their states.
#[derive(Debug)]
pub struct Pool {
    members: Vec<Member>,
    /// The endpoint used last.
    last_used: Option<EndpointIndex>,
    /// How many calls may be under way together, however many slots there are.
    most_together: usize,
    under_way: usize,
    /// How many slots the endpoints have together, and how many calls are none of them's any more.
    slots: usize,
    of_the_past: usize,
}

impl Pool {
    /// A pool of endpoints; at most `max_concurrent` calls are under way together, or as many as
    /// there are slots.
    #[must_use]
    pub fn new(
        endpoints: impl IntoIterator<Item = EndpointLimits>,
        max_concurrent: Option<usize>,
    ) -> Self {
        let mut pool = Self {
            members: endpoints.into_iter().map(Member::new).collect(),
            last_used: None,
            most_together: max_concurrent.unwrap_or(usize::MAX),
            under_way: 0,
            slots: 0,
            of_the_past: 0,
        };
        pool.count();
        pool
    }

    /// Takes in what is new of an endpoint.
    ///
    /// # Panics
    /// When it is neither one of the pool's nor the next that joins it.
    pub fn change(&mut self, index: EndpointIndex, change: EndpointChange, now: Moment) {
        match change {
            EndpointChange::Here(limits) if index == self.members.len() => {
                self.members.push(Member::new(limits));
            }
            EndpointChange::Here(limits) => {
                self.members[index].gone = false;
                self.members[index].set_limits(limits);
            }
            EndpointChange::Replaced => self.members[index].replace(now),
            EndpointChange::TriedAgain => self.members[index].renew(now),
            EndpointChange::TriedNow => self.members[index].try_now(now),
            EndpointChange::Gone => self.members[index].gone = true,
        }
        self.count();
    }

    /// Counts slots, and calls that none of them waits for.
    fn count(&mut self) {
        let here = self.members.iter().filter(|member| !member.gone);
        self.slots = here.map(Member::width).sum();
        self.of_the_past = self.members.iter().map(Member::calls_of_the_past).sum();
    }

    /// How many calls may be under way together: as many as there are slots, or fewer.
    #[must_use]
    pub fn max_concurrent(&self) -> usize {
        self.slots.min(self.most_together)
    }

    /// How many calls are under way.
    #[must_use]
    pub fn calls_under_way(&self) -> usize {
        self.under_way
    }

    /// How many of them no slot waits for: their endpoints are gone, or other servers by now.
    #[must_use]
    pub fn calls_of_the_past(&self) -> usize {
        self.of_the_past
    }

    /// Whether what a call does that started then says nothing of its endpoint as it is now.
    #[must_use]
    pub fn is_of_the_past(&self, index: EndpointIndex, started: Moment) -> bool {
        self.members[index].is_of_the_past(started)
    }

    /// The endpoints, in the order of the configuration, and those that joined later; also those that
    /// are gone.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Whether there is no endpoint but such as are out.
    #[must_use]
    pub fn all_out(&self) -> bool {
        !self.members.iter().any(Member::is_left)
    }

    /// Whether there are endpoints left, and the last thing known of each is that it was away.
    #[must_use]
    pub fn all_away(&self) -> bool {
        let mut left = self.members.iter().filter(|member| member.is_left());
        !self.all_out() && left.all(Member::is_away)
    }

    /// Whether any endpoint has answered anything.
    #[must_use]
    pub fn any_answered(&self) -> bool {
        self.members.iter().any(|member| member.tally.answers > 0)
    }

    /// Whether there is an endpoint that is not out and for which `suits` holds.
    pub fn has_other(&self, suits: impl Fn(EndpointIndex) -> bool) -> bool {
        self.members
            .iter()
            .enumerate()
            .any(|(index, member)| member.is_left() && suits(index))
    }

    /// Whether any endpoint could take a call now.
    #[must_use]
    pub fn has_free(&self, now: Moment) -> bool {
        self.under_way < self.most_together && self.members.iter().any(|member| member.is_free(now))
    }

    /// Whether an endpoint could take a call now.
    #[must_use]
    pub fn may_call(&self, index: EndpointIndex, now: Moment) -> bool {
        self.under_way < self.most_together && self.members[index].is_free(now)
    }

    /// The endpoint for the next call: the next free one after the one used last, among those
    /// that `suits`. `left` is how many items of the step are still to be given out, this one
    /// included: when they are few, an endpoint is passed over that would finish later than the
    /// others surely finish all of them.
    pub fn pick(
        &self,
        now: Moment,
        left: usize,
        suits: impl Fn(EndpointIndex) -> bool,
    ) -> Option<EndpointIndex> {
        if self.under_way >= self.most_together {
            return None;
        }
        let first = self.last_used.map_or(0, |last| last + 1);
        (0..self.members.len())
            .map(|offset| (first + offset) % self.members.len())
            .find(|&index| {
                self.members[index].is_free(now)
                    && suits(index)
                    && !self.others_are_faster(index, now, left, &suits)
            })
    }

    /// Whether the other slots that suit surely finish all that is left of the step well before
    /// `candidate` would finish one item of it.
    fn others_are_faster(
        &self,
        candidate: EndpointIndex,
        now: Moment,
        left: usize,
        suits: impl Fn(EndpointIndex) -> bool,
    ) -> bool {
        let slots = self.slots;
        // With strict turns nobody is passed over, and with much left everybody is needed.
        if slots.min(self.most_together) == 1 || left > slots * LAST_ROUNDS {
            return false;
        }
        let Some(own_latency) = self.members[candidate].latency else {
            return false;
        };
        let deadline = now + own_latency.mul_f64(WORTH_WAITING);
        let mut finished = 0;
        for (index, member) in self.members.iter().enumerate() {
            if index != candidate && suits(index) {
                finished += member.finishes_by(now, deadline, left);
                if finished >= left {
                    return true;
                }
            }
        }
        false
    }

    /// Notes that a call to an endpoint starts.
    pub fn start(&mut self, index: EndpointIndex, now: Moment) {
        self.last_used = Some(index);
        self.under_way += 1;
        self.members[index].start(now);
    }

    /// Notes that a call which started at `started` brought a picture.
    pub fn answered(&mut self, index: EndpointIndex, started: Moment, now: Moment) {
        let member = self.ended(index, started);
        let took = now.saturating_sub(started);
        member.tally.answers += 1;
        member.tally.pictures += 1;
        member.tally.busy += took;
        if member.is_of_the_past(started) {
            return;
        }
        member.latency = Some(
            member
                .latency
                .map_or(took, |latency| latency.mul_f64(0.7) + took.mul_f64(0.3)),
        );
        member.away_in_a_row = 0;
        member.one_first = false;
        member.resting_until = None;
        let with = member.calls.len() + 1;
        if let Some(adapting) = &mut member.adapting {
            adapting.answered(started, took, with);
            self.count();
        }
    }

    /// Notes that a call was given up by this side; it says nothing about the endpoint.
    pub fn cancelled(&mut self, index: EndpointIndex, started: Moment) {
        self.ended(index, started);
    }

    /// Notes that a call which started at `started` failed. Returns a line when the endpoint is
    /// out from now on. `jitter` is between 0 and 1.
    pub fn failed(
        &mut self,
        index: EndpointIndex,
        started: Moment,
        now: Moment,
        failure: &Failure,
        jitter: f64,
    ) -> Option<String> {
        let member = self.ended(index, started);
        if failure.http_status.is_some() {
            member.tally.answers += 1;
        }
        if member.is_of_the_past(started) {
            return None;
        }
        if member.limits.adapts {
            member.adapt_to(failure, started, now);
            self.count();
        }
        let member = &mut self.members[index];
        member.one_first = false;
        member.last_failure = Some(failure.message.clone());
        member.had_enough_at = member::has_enough(failure).then_some(now);
        match failure.kind {
            FailureKind::BadAnswer | FailureKind::Refused => self.bad_answer(index, now),
            FailureKind::Rejected | FailureKind::NotAccepted => member.away_in_a_row = 0,
            FailureKind::Away { retry_after } => {
                if let Some(asked) = retry_after {
                    let asked = asked.clamp(SHORTEST_RETRY_AFTER, LONGEST_RETRY_AFTER);
                    member.asked_until = member.asked_until.max(Some(now + asked));
                }
                self.away(index, started, now, jitter, retry_after.is_some());
            }
            FailureKind::BrokeOff => self.away(index, started, now, jitter, false),
            FailureKind::Missing if member.tally.pictures > 0 => {
                self.away(index, started, now, jitter, false);
            }
            FailureKind::Missing | FailureKind::EndpointOut if member.out.is_some() => {}
            FailureKind::Missing | FailureKind::EndpointOut => {
                member.out = Some(failure.message.clone());
                return Some(format!(
                    "endpoint {} is out until its entry or its key changes: {}",
                    member.limits.name, failure.message
                ));
            }
        }
        None
    }

    /// Notes that an endpoint did not answer when it was asked whether it is there.
    pub fn is_not_there(
        &mut self,
        index: EndpointIndex,
        now: Moment,
        failure: &Failure,
        jitter: f64,
    ) {
        self.members[index].last_failure = Some(failure.message.clone());
        self.away(index, now, now, jitter, false);
    }

    /// Lets an endpoint rest that was away: as long as it asks, or longer each time.
    fn away(
        &mut self,
        index: EndpointIndex,
        started: Moment,
        now: Moment,
        jitter: f64,
        it_asked: bool,
    ) {
        let member = &mut self.members[index];
        // Calls that were under way together fail together; that is one failure.
        if member.last_away.is_none_or(|last| started >= last) {
            member.away_in_a_row += 1;
            member.last_away = Some(now);
        }
        if !it_asked {
            let doubled = FIRST_REST.saturating_mul(1 << (member.away_in_a_row.max(1) - 1).min(16));
            member.rest_until(now + doubled.min(LONGEST_REST).mul_f64(0.75 + 0.25 * jitter));
        }
    }

    /// Notes that an answer, which had come in time, turned out to be of no use.
    pub fn bad_answer(&mut self, index: EndpointIndex, now: Moment) {
        let member = &mut self.members[index];
        let (first, longest) = BAD_ANSWER_REST;
        member.away_in_a_row = 0;
        member.rest_until(
            now + first
                .saturating_mul(1 << member.bad_in_a_row.min(8))
                .min(longest),
        );
        member.bad_in_a_row += 1;
    }

    /// Notes that the last failure of an endpoint was its item's fault: the endpoint is there.
    pub fn is_not_to_blame(&mut self, index: EndpointIndex, now: Moment) {
        let member = &mut self.members[index];
        member.away_in_a_row = 0;
        member.resting_until = Some(now + REST_AFTER_ITEM);
    }

    /// Notes that an answer was good.
    pub fn good_answer(&mut self, index: EndpointIndex) {
        self.members[index].bad_in_a_row = 0;
    }

    /// Notes that a picture of an endpoint's was whole and not good enough.
    pub fn not_accepted(&mut self, index: EndpointIndex) {
        self.good_answer(index);
        self.members[index].tally.not_accepted += 1;
    }

    /// Notes what a call cost.
    pub fn paid(&mut self, index: EndpointIndex, cost: Money) {
        let tally = &mut self.members[index].tally;
        tally.cost = tally.cost.plus(cost);
    }

    /// Notes that a call is over, which took so long: its pictures were saved, or how else it ended.
    pub fn over(&mut self, index: EndpointIndex, end: Option<CallEnd>, took: Duration) {
        self.members[index].ends.add(end, took);
    }

    /// Notes that the pictures of a call were saved.
    pub fn saved(&mut self, index: EndpointIndex) {
        self.members[index].tally.saved += 1;
    }

    /// When the next endpoint wakes that sleeps now; `None` when none does.
    #[must_use]
    pub fn next_wake(&self, now: Moment) -> Option<Moment> {
        self.members
            .iter()
            .filter(|member| member.is_left())
            .filter_map(|member| member.wakes_at(now))
            .min()
    }

    fn ended(&mut self, index: EndpointIndex, started: Moment) -> &mut Member {
        self.under_way = self.under_way.saturating_sub(1);
        let member = &mut self.members[index];
        if member.gone || member.is_former(started) {
            self.of_the_past = self.of_the_past.saturating_sub(1);
        }
        member.ended(started);
        member
    }
}

//! Which endpoint gets the next call: turns, rests, limits, and the last items of a step.

mod ends;
mod member;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::{CallEnd, Failure, FailureKind, Moment, Money};
pub use ends::{Ended, Ends};
pub use member::{EndpointLimits, EndpointTally, Member};

/// An endpoint's index in the configuration.
pub type EndpointIndex = usize;

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
    /// How many calls may be under way together.
    max_concurrent: usize,
    under_way: usize,
}

impl Pool {
    /// A pool of endpoints; at most `max_concurrent` calls are under way together, or as many as
    /// there are slots.
    #[must_use]
    pub fn new(
        endpoints: impl IntoIterator<Item = EndpointLimits>,
        max_concurrent: Option<usize>,
    ) -> Self {
        let members: Vec<Member> = endpoints.into_iter().map(Member::new).collect();
        let slots: usize = members.iter().map(|member| member.limits.slots).sum();
        Self {
            max_concurrent: max_concurrent.unwrap_or(slots).min(slots),
            members,
            last_used: None,
            under_way: 0,
        }
    }

    /// How many calls may be under way together.
    #[must_use]
    pub fn max_concurrent(&self) -> usize {
        self.max_concurrent
    }

    /// How many calls are under way.
    #[must_use]
    pub fn calls_under_way(&self) -> usize {
        self.under_way
    }

    /// The endpoints, in the order of the configuration.
    #[must_use]
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Whether every endpoint is out for the rest of the run.
    #[must_use]
    pub fn all_out(&self) -> bool {
        self.members.iter().all(|member| member.out.is_some())
    }

    /// Whether there are endpoints left, and the last thing known of each is that it was away.
    #[must_use]
    pub fn all_away(&self) -> bool {
        let mut left = self.members.iter().filter(|member| member.out.is_none());
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
            .any(|(index, member)| member.out.is_none() && suits(index))
    }

    /// Whether any endpoint could take a call now.
    #[must_use]
    pub fn has_free(&self, now: Moment) -> bool {
        self.under_way < self.max_concurrent
            && self.members.iter().any(|member| member.is_free(now))
    }

    /// Whether an endpoint could take a call now.
    #[must_use]
    pub fn may_call(&self, index: EndpointIndex, now: Moment) -> bool {
        self.under_way < self.max_concurrent && self.members[index].is_free(now)
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
        if self.under_way >= self.max_concurrent {
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
        let slots: usize = self.members.iter().map(|member| member.limits.slots).sum();
        // With strict turns nobody is passed over, and with much left everybody is needed.
        if self.max_concurrent == 1 || left > slots * LAST_ROUNDS {
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
        member.latency = Some(
            member
                .latency
                .map_or(took, |latency| latency.mul_f64(0.7) + took.mul_f64(0.3)),
        );
        member.tally.answers += 1;
        member.tally.pictures += 1;
        member.tally.busy += took;
        member.away_in_a_row = 0;
        member.resting_until = None;
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
        member.last_failure = Some(failure.message.clone());
        if failure.http_status.is_some() {
            member.tally.answers += 1;
        }
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
                    "endpoint {} is out for the rest of this run: {}",
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
            .filter(|member| member.out.is_none())
            .filter_map(|member| member.wakes_at(now))
            .min()
    }

    fn ended(&mut self, index: EndpointIndex, started: Moment) -> &mut Member {
        self.under_way = self.under_way.saturating_sub(1);
        let member = &mut self.members[index];
        member.ended(started);
        member
    }
}

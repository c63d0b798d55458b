//! What the ends of calls tell of endpoints: who rests and how long, and who is out.

use std::time::Duration;

use super::member::{Member, has_enough};
use super::{EndpointIndex, LONGEST_REST, Pool};
use crate::{CallEnd, Failure, FailureKind, Moment, Money};

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

impl Pool {
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
        member.had_enough_at = has_enough(failure).then_some(now);
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

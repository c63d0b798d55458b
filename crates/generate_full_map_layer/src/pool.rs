//! Which endpoint gets the next call: turns, rests, limits, and the last items of a step.
//!
//! The pool is told the time and does nothing but decide, so that it can be tested without
//! waiting.

mod member;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::time::Instant;

pub(crate) use member::Member;
use model_client::{Failure, FailureKind};

/// An endpoint's place in the configuration.
pub(crate) type EndpointIndex = usize;

/// The longest rest of an endpoint that does not say itself how long.
const LONGEST_REST: Duration = Duration::from_secs(300);
/// The first rest of an endpoint that is away.
const FIRST_REST: Duration = Duration::from_secs(1);
/// The first and the longest rest after a bad answer.
const BAD_ANSWER_REST: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(2));
/// The shortest wait that a server may ask for: it cannot ask to be called all the time.
const SHORTEST_RETRY_AFTER: Duration = Duration::from_millis(500);
/// The longest wait that a server may ask for.
const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(24 * 3600);
/// How much sooner than a free endpoint the busy ones must finish all that is left of a step for
/// the free one to be passed over. Less is noise.
const WORTH_WAITING: f64 = 0.75;

/// The endpoints of a run and their states.
#[derive(Debug)]
pub(crate) struct Pool {
    members: Vec<Member>,
    /// The endpoint used last.
    last_used: Option<EndpointIndex>,
    /// How many calls may be under way together.
    max_concurrent: usize,
}

impl Pool {
    /// A pool of endpoints: name, slots, and calls a minute.
    pub(crate) fn new(
        endpoints: impl IntoIterator<Item = (String, usize, Option<u32>)>,
        max_concurrent: Option<usize>,
    ) -> Self {
        let members: Vec<Member> = endpoints
            .into_iter()
            .map(|(name, slots, limit)| Member::new(name, slots, limit))
            .collect();
        let slots: usize = members.iter().map(|member| member.slots).sum();
        Self {
            max_concurrent: max_concurrent.unwrap_or(slots).min(slots),
            members,
            last_used: None,
        }
    }

    /// How many calls may be under way together.
    pub(crate) fn max_concurrent(&self) -> usize {
        self.max_concurrent
    }

    /// How many calls are under way.
    pub(crate) fn calls_under_way(&self) -> usize {
        self.members.iter().map(|member| member.calls.len()).sum()
    }

    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// Whether every endpoint is out for the rest of the run.
    pub(crate) fn all_out(&self) -> bool {
        self.members.iter().all(|member| member.out.is_some())
    }

    /// Whether there are endpoints left, and the last thing known of each is that it was away.
    pub(crate) fn all_away(&self) -> bool {
        let mut left = self.members.iter().filter(|member| member.out.is_none());
        !self.all_out() && left.all(|member| member.away_in_a_row > 0)
    }

    /// Whether any endpoint has answered anything.
    pub(crate) fn any_answered(&self) -> bool {
        self.members.iter().any(|member| member.tally.answers > 0)
    }

    /// Whether there is an endpoint that is not out and for which `suits` holds.
    pub(crate) fn has_other(&self, suits: impl Fn(EndpointIndex) -> bool) -> bool {
        self.members
            .iter()
            .enumerate()
            .any(|(index, member)| member.out.is_none() && suits(index))
    }

    /// Whether any endpoint could take a call now.
    pub(crate) fn has_free(&self, now: Instant) -> bool {
        self.calls_under_way() < self.max_concurrent
            && self.members.iter().any(|member| member.is_free(now))
    }

    /// The endpoint for the next call: the next free one after the one used last, among those
    /// that `suits`. `left` is how many items of the step are still to be given out, this one
    /// included: when they are few, an endpoint is passed over that would finish later than the
    /// others finish all of them.
    pub(crate) fn pick(
        &self,
        now: Instant,
        left: usize,
        suits: impl Fn(EndpointIndex) -> bool,
    ) -> Option<EndpointIndex> {
        if self.calls_under_way() >= self.max_concurrent {
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

    /// Whether the other slots that suit finish all that is left of the step well before
    /// `candidate` would finish one item of it.
    fn others_are_faster(
        &self,
        candidate: EndpointIndex,
        now: Instant,
        left: usize,
        suits: impl Fn(EndpointIndex) -> bool,
    ) -> bool {
        let slots: usize = self.members.iter().map(|member| member.slots).sum();
        // With strict turns nobody is passed over, and with much left everybody is needed.
        if self.max_concurrent == 1 || left > slots * 8 {
            return false;
        }
        let Some(own_latency) = self.members[candidate].latency else {
            return false;
        };
        let deadline = own_latency.mul_f64(WORTH_WAITING);
        // How many items each other slot finishes until then, one after the other.
        let mut finished = 0;
        for (index, member) in self.members.iter().enumerate() {
            let Some(latency) = member.latency.filter(|latency| !latency.is_zero()) else {
                continue;
            };
            if member.out.is_some() || index == candidate || !suits(index) {
                continue;
            }
            let rest = member
                .resting_until
                .map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
            for slot in 0..member.slots {
                let busy = member.calls.get(slot).map_or(Duration::ZERO, |started| {
                    // A call that takes longer than usual may take as long again.
                    latency
                        .checked_sub(now.saturating_duration_since(*started))
                        .unwrap_or(latency)
                });
                let free_for = deadline.saturating_sub(busy.max(rest));
                finished += (free_for.as_secs_f64() / latency.as_secs_f64()) as usize;
            }
        }
        finished >= left
    }

    /// Notes that a call to an endpoint starts.
    pub(crate) fn start(&mut self, index: EndpointIndex, now: Instant) {
        self.last_used = Some(index);
        let member = &mut self.members[index];
        member.calls.push(now);
        member.tally.calls += 1;
        if let Some(limit) = member.max_per_minute {
            member.last_minute.push_back(now);
            while member.last_minute.len() > limit {
                member.last_minute.pop_front();
            }
        }
    }

    /// Notes that a call which started at `started` brought a picture.
    pub(crate) fn answered(&mut self, index: EndpointIndex, started: Instant, now: Instant) {
        let member = self.ended(index, started);
        let took = now.saturating_duration_since(started);
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
    pub(crate) fn cancelled(&mut self, index: EndpointIndex, started: Instant) {
        self.ended(index, started);
    }

    /// Notes that a call which started at `started` failed. Returns a line when the endpoint is
    /// out from now on. `jitter` is between 0 and 1.
    pub(crate) fn failed(
        &mut self,
        index: EndpointIndex,
        started: Instant,
        now: Instant,
        failure: &Failure,
        jitter: f64,
    ) -> Option<String> {
        let member = self.ended(index, started);
        member.last_failure = Some(failure.message.clone());
        if failure.http_status.is_some() {
            member.tally.answers += 1;
        }
        match failure.kind {
            FailureKind::BadAnswer | FailureKind::Refused => {
                self.bad_answer(index, now);
                None
            }
            FailureKind::Rejected => {
                member.away_in_a_row = 0;
                None
            }
            FailureKind::Away { .. } | FailureKind::BrokeOff => {
                // Calls that were under way together fail together; that is one failure.
                if member.last_away.is_none_or(|last| started >= last) {
                    member.away_in_a_row += 1;
                    member.last_away = Some(now);
                }
                let doubled =
                    FIRST_REST.saturating_mul(1 << (member.away_in_a_row.max(1) - 1).min(16));
                let own = doubled.min(LONGEST_REST).mul_f64(0.75 + 0.25 * jitter);
                let rest = match failure.kind {
                    FailureKind::Away {
                        retry_after: Some(asked),
                    } => asked.clamp(SHORTEST_RETRY_AFTER, LONGEST_RETRY_AFTER),
                    _ => own,
                };
                member.rest_until(now + rest);
                None
            }
            FailureKind::EndpointOut | FailureKind::Missing if member.out.is_some() => None,
            FailureKind::EndpointOut | FailureKind::Missing => {
                member.out = Some(failure.message.clone());
                Some(format!(
                    "endpoint {} is out for the rest of this run: {}",
                    member.name, failure.message
                ))
            }
        }
    }

    /// Notes that an answer, which had come in time, turned out to be of no use.
    pub(crate) fn bad_answer(&mut self, index: EndpointIndex, now: Instant) {
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

    /// Notes that an answer was good.
    pub(crate) fn good_answer(&mut self, index: EndpointIndex) {
        self.members[index].bad_in_a_row = 0;
        self.members[index].tally.saved += 1;
    }

    /// When the next endpoint wakes that sleeps now; `None` when none does.
    pub(crate) fn next_wake(&self, now: Instant) -> Option<Instant> {
        self.members
            .iter()
            .filter(|member| member.out.is_none())
            .filter_map(|member| member.wakes_at(now))
            .min()
    }

    fn ended(&mut self, index: EndpointIndex, started: Instant) -> &mut Member {
        let member = &mut self.members[index];
        if let Some(place) = member.calls.iter().position(|&call| call == started) {
            member.calls.swap_remove(place);
        }
        member
    }
}

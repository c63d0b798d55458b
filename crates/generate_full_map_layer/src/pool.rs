//! Which endpoint gets the next call: turns, rests, limits, and the last items of a step.
//!
//! The pool is told the time and does nothing but decide, so that it can be tested without
//! waiting.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::failure::{Failure, FailureKind};

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

/// One endpoint's state.
#[derive(Debug)]
pub(crate) struct Member {
    name: String,
    slots: usize,
    max_per_minute: Option<usize>,
    /// When each call that is under way started.
    calls: Vec<Instant>,
    /// When the calls of the last minute started; kept only where they are limited.
    last_minute: VecDeque<Instant>,
    resting_until: Option<Instant>,
    out: Option<String>,
    /// Failures without an answer in between, that each make the next rest longer.
    away_in_a_row: u32,
    bad_in_a_row: u32,
    last_away: Option<Instant>,
    /// Smoothed duration of a successful call.
    latency: Option<Duration>,
    last_failure: Option<String>,
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

impl Pool {
    /// A pool of endpoints: name, slots, and calls a minute.
    pub(crate) fn new(
        endpoints: impl IntoIterator<Item = (String, usize, Option<u32>)>,
        max_concurrent: Option<usize>,
    ) -> Self {
        let members: Vec<Member> = endpoints
            .into_iter()
            .map(|(name, slots, max_per_minute)| Member {
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
            })
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
            FailureKind::EndpointOut if member.out.is_some() => None,
            FailureKind::EndpointOut => {
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

impl Member {
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

    fn is_free(&self, now: Instant) -> bool {
        // An endpoint that was away is tried with one call, not with all it can take.
        let slots = if self.away_in_a_row > 0 {
            1
        } else {
            self.slots
        };
        self.out.is_none() && self.calls.len() < slots && self.wakes_at(now).is_none()
    }

    /// When its rest and its limit of calls a minute allow the next call, if not now.
    fn wakes_at(&self, now: Instant) -> Option<Instant> {
        let limited_until = self
            .max_per_minute
            .filter(|&limit| self.last_minute.len() >= limit)
            .and_then(|_| self.last_minute.front())
            .map(|first| *first + Duration::from_secs(60));
        self.resting_until
            .max(limited_until)
            .filter(|&until| until > now)
    }

    fn rest_until(&mut self, until: Instant) {
        self.resting_until = Some(self.resting_until.map_or(until, |other| other.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(slots: &[usize]) -> Pool {
        Pool::new(
            slots
                .iter()
                .enumerate()
                .map(|(index, &slots)| (format!("e{index}"), slots, None)),
            None,
        )
    }

    fn away() -> Failure {
        Failure::away("gone")
    }

    #[test]
    fn turns_go_round_among_the_free() {
        let mut pool = pool(&[1, 1, 1]);
        let now = Instant::now();
        let mut picks = Vec::new();
        for _ in 0..3 {
            let index = pool.pick(now, 100, |_| true).unwrap();
            pool.start(index, now);
            picks.push(index);
        }
        assert_eq!(picks, [0, 1, 2]);
        assert_eq!(pool.pick(now, 100, |_| true), None, "all are busy");
        pool.answered(1, now, now);
        pool.answered(0, now, now);
        assert_eq!(
            pool.pick(now, 100, |_| true),
            Some(0),
            "the next free one after 2"
        );
    }

    #[test]
    fn an_endpoint_that_is_away_rests_longer_each_time_and_at_most_five_minutes() {
        let mut pool = pool(&[1]);
        let mut now = Instant::now();
        let mut rests = Vec::new();
        for _ in 0..12 {
            pool.start(0, now);
            pool.failed(0, now, now, &away(), 1.0);
            let wake = pool.next_wake(now).unwrap();
            rests.push((wake - now).as_secs());
            now = wake;
        }
        assert_eq!(rests, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        pool.start(0, now);
        pool.answered(0, now, now);
        pool.start(0, now);
        pool.failed(0, now, now, &away(), 1.0);
        assert_eq!(
            pool.next_wake(now),
            Some(now + Duration::from_secs(1)),
            "an answer ends the row"
        );
    }

    #[test]
    fn calls_that_fail_together_are_one_failure() {
        let mut pool = pool(&[4]);
        let now = Instant::now();
        for _ in 0..4 {
            pool.start(0, now);
        }
        let later = now + Duration::from_secs(1);
        for _ in 0..4 {
            pool.failed(0, now, later, &away(), 1.0);
        }
        assert_eq!(pool.next_wake(later), Some(later + Duration::from_secs(1)));
        let woken = later + Duration::from_secs(1);
        pool.start(0, woken);
        assert_eq!(
            pool.pick(woken, 100, |_| true),
            None,
            "it is tried with one call first"
        );
        pool.answered(0, woken, woken);
        assert_eq!(pool.pick(woken, 100, |_| true), Some(0));
    }

    #[test]
    fn a_server_that_says_how_long_is_left_alone_that_long() {
        let mut pool = pool(&[1]);
        let now = Instant::now();
        pool.start(0, now);
        let failure = Failure::new(
            FailureKind::Away {
                retry_after: Some(Duration::from_secs(77)),
            },
            "slow down",
        );
        pool.failed(0, now, now, &failure, 0.0);
        let back = now + Duration::from_secs(77);
        assert_eq!(pool.next_wake(now), Some(back));
        pool.start(0, back);
        let at_once = Failure::new(
            FailureKind::Away {
                retry_after: Some(Duration::ZERO),
            },
            "slow down",
        );
        pool.failed(0, back, back, &at_once, 0.0);
        assert!(
            pool.next_wake(back).is_some(),
            "nobody is called all the time"
        );
    }

    #[test]
    fn bad_answers_make_short_rests() {
        let mut pool = pool(&[1]);
        let mut now = Instant::now();
        let mut rests = Vec::new();
        for _ in 0..4 {
            pool.start(0, now);
            pool.failed(0, now, now, &Failure::bad_answer("garbage"), 0.5);
            let wake = pool.next_wake(now).unwrap();
            rests.push((wake - now).as_millis());
            now = wake;
        }
        assert_eq!(rests, [500, 1000, 2000, 2000]);
    }

    #[test]
    fn an_endpoint_that_is_out_gets_nothing_more() {
        let mut pool = pool(&[1, 1]);
        let now = Instant::now();
        pool.start(0, now);
        let line = pool.failed(
            0,
            now,
            now,
            &Failure::new(FailureKind::EndpointOut, "HTTP 401"),
            0.0,
        );
        assert_eq!(
            line.unwrap(),
            "endpoint e0 is out for the rest of this run: HTTP 401"
        );
        assert_eq!(pool.pick(now, 100, |_| true), Some(1));
        assert!(!pool.all_out());
        assert_eq!(pool.next_wake(now), None);
    }

    #[test]
    fn the_last_items_of_a_step_go_to_those_who_finish_them_first() {
        let mut pool = pool(&[1, 1]);
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        // One endpoint takes 100 ms, the other 1000 ms.
        pool.start(0, start);
        pool.start(1, start);
        pool.answered(0, start, at(100));
        pool.answered(1, start, at(1000));
        pool.start(0, at(1000));
        assert_eq!(
            pool.pick(at(1000), 20, |_| true),
            Some(1),
            "with much left everybody is needed"
        );
        assert_eq!(
            pool.pick(at(1000), 3, |_| true),
            None,
            "the fast one finishes three before the slow one finishes one"
        );
        pool.answered(0, at(1000), at(1100));
        assert_eq!(pool.pick(at(1100), 2, |_| true), Some(0));
    }

    #[test]
    fn an_endpoint_is_not_passed_over_for_one_that_does_not_suit() {
        let mut pool = pool(&[1, 1]);
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        pool.start(0, start);
        pool.start(1, start);
        pool.answered(0, start, at(100));
        pool.answered(1, start, at(1000));
        assert_eq!(pool.pick(at(1000), 1, |_| true), Some(0));
        assert_eq!(pool.pick(at(1000), 1, |index| index == 1), Some(1));
    }

    #[test]
    fn with_strict_turns_nobody_is_passed_over() {
        let mut pool = Pool::new(
            [("fast".to_owned(), 1, None), ("slow".to_owned(), 1, None)],
            Some(1),
        );
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        pool.start(0, start);
        pool.answered(0, start, at(1));
        pool.start(1, start);
        pool.answered(1, start, at(1000));
        let picks: Vec<_> = (0..4)
            .map(|_| {
                let index = pool.pick(at(2000), 1, |_| true).unwrap();
                pool.start(index, at(2000));
                pool.cancelled(index, at(2000));
                index
            })
            .collect();
        assert_eq!(picks, [0, 1, 0, 1]);
    }

    #[test]
    fn a_minute_holds_no_more_calls_than_it_may() {
        let mut pool = Pool::new([("e".to_owned(), 5, Some(2))], None);
        let start = Instant::now();
        let at = |s| start + Duration::from_secs(s);
        for s in [0, 10] {
            assert!(pool.pick(at(s), 100, |_| true).is_some());
            pool.start(0, at(s));
            pool.answered(0, at(s), at(s));
        }
        assert_eq!(pool.pick(at(20), 100, |_| true), None);
        assert_eq!(pool.next_wake(at(20)), Some(at(60)));
        assert_eq!(pool.pick(at(60), 100, |_| true), Some(0));
    }
}

//! Which endpoint gets the next call: turns, rests, limits, and the last items of a step.

mod adapting;
mod ends;
mod heard;
mod member;
mod terms;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::Moment;
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

    /// When the next endpoint wakes that sleeps now; `None` when none does.
    #[must_use]
    pub fn next_wake(&self, now: Moment) -> Option<Moment> {
        self.members
            .iter()
            .filter(|member| member.is_left())
            .filter_map(|member| member.wakes_at(now))
            .min()
    }
}

//! A run at one moment.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use dispatch::{Dispatcher, Ended, InFlight, Member, Moment, Money, StepCounts, Tally};
use progress_db::Outcome;
use report::outcome_of;

/// What is seen of a run.
#[derive(Debug)]
pub(crate) struct Snapshot {
    pub taken: Instant,
    pub steps: BTreeMap<u8, StepCounts>,
    pub tally: Tally,
    pub in_flight: InFlight,
    /// Items that could be called now.
    pub ready: usize,
    /// How many calls may be under way together.
    pub max_concurrent: usize,
    /// What is left of the limits of calls and of money.
    pub left: (Option<u64>, Option<Money>),
    pub is_stopping: bool,
    pub is_stalled: bool,
    /// By their names: one that is gone and came again under its name is one.
    pub endpoints: BTreeMap<String, EndpointSeen>,
}

/// What is seen of an endpoint.
#[derive(Debug, Default)]
pub(crate) struct EndpointSeen {
    pub slots: usize,
    pub under_way: usize,
    pub rests: Duration,
    pub is_away: bool,
    pub is_out: bool,
    /// What its calls cost, where that is known.
    pub cost: Option<Money>,
    /// Its calls that are over, by their outcome.
    pub calls: BTreeMap<&'static str, Ended>,
}

impl Snapshot {
    /// A run as it is now.
    pub(crate) fn of(dispatcher: &Dispatcher, is_stalled: bool, now: Moment) -> Self {
        let mut endpoints: BTreeMap<String, EndpointSeen> = BTreeMap::new();
        for member in dispatcher.pool().members() {
            match endpoints.get_mut(member.name()) {
                None => drop(endpoints.insert(member.name().to_owned(), seen(member, now))),
                Some(other) => other.join(seen(member, now)),
            }
        }
        let queue = dispatcher.queue();
        Self {
            taken: Instant::now(),
            steps: queue.steps().clone(),
            tally: dispatcher.tally(),
            in_flight: dispatcher.in_flight(),
            ready: queue.ready().count(),
            max_concurrent: dispatcher.pool().max_concurrent(),
            left: dispatcher.left(),
            is_stopping: dispatcher.is_stopping(),
            is_stalled,
            endpoints,
        }
    }
}

fn seen(member: &Member, now: Moment) -> EndpointSeen {
    let calls = member.ends().each().filter_map(|(end, ended)| {
        let outcome = end.map_or(Outcome::Ok, outcome_of);
        // Those that were saved are told from the start, so that there is a rate of them.
        (ended.calls > 0 || outcome == Outcome::Ok).then_some((outcome.name(), ended))
    });
    let is_out = member.out().is_some() || member.is_gone();
    let rests = member.wakes_at(now).filter(|_| !is_out);
    EndpointSeen {
        slots: if is_out { 0 } else { member.width() },
        under_way: member.calls_under_way(),
        rests: rests.map(|until| until - now).unwrap_or_default(),
        is_away: member.is_away() && !is_out,
        is_out,
        cost: member.has_price().then_some(member.tally().cost),
        calls: calls.collect(),
    }
}

impl EndpointSeen {
    /// Both together: the state is that of the one that is still there.
    fn join(&mut self, other: Self) {
        self.slots += other.slots;
        self.under_way += other.under_way;
        if !other.is_out {
            (self.rests, self.is_away) = (other.rests, other.is_away);
        }
        self.is_out &= other.is_out;
        self.cost = match (self.cost, other.cost) {
            (Some(own), Some(cost)) => Some(own.plus(cost)),
            (own, cost) => own.or(cost),
        };
        for (outcome, ended) in other.calls {
            let own = self.calls.entry(outcome).or_default();
            own.calls += ended.calls;
            own.took += ended.took;
        }
    }
}

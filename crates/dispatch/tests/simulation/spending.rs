//! What a run spends, counted from outside.

use std::collections::BTreeMap;
use std::time::Duration;

use dispatch::{
    AttemptId, Bound, Budget, EndpointIndex, EndpointLimits, FailureKind, Money, Price, Tally,
};

use crate::chance::Chance;
use crate::servers::{Outcome, Server};

/// What a run may spend, and has spent.
#[derive(Debug, Default)]
pub(crate) struct Spending {
    endpoints: Vec<EndpointLimits>,
    most_calls: Option<u64>,
    most_cost: Option<f64>,
    /// Where, what it may come to, and as its endpoint was when it began.
    under_way: BTreeMap<AttemptId, (EndpointIndex, f64, EndpointLimits)>,
    calls: u64,
    costs: Vec<f64>,
}

/// What a call costs at most, in units of money, and one that took so long.
fn cost(limits: &EndpointLimits, took: Duration) -> f64 {
    let hours = took.min(limits.timeout).as_secs_f64() / 3600.0;
    match limits.price {
        None => 0.0,
        Some(Price::PerCall(price)) => price.units(),
        Some(Price::PerHour(price)) => price.units() * hours / limits.slots as f64,
    }
}

/// Gives servers prices, most of the time to all.
pub(crate) fn price(servers: &mut [Server], chance: &mut Chance) {
    let to_all = chance.happens(0.8);
    for server in servers {
        let price = chance.pick(&[
            None,
            Some(Price::PerCall(Money::of(0.04))),
            Some(Price::PerCall(Money::of(0.25))),
            Some(Price::PerHour(Money::of(1.8))),
        ]);
        let least = to_all.then(|| Price::PerCall(Money::of(0.01)));
        server.limits.price = price.or(least);
    }
}

impl Spending {
    /// Nothing is spent yet, and a share of the runs has limits.
    pub(crate) fn made_up(servers: &[Server], is_limited: bool, chance: &mut Chance) -> Self {
        let some = |share: f64, chance: &mut Chance| is_limited && chance.happens(share);
        let most_calls = some(0.3, chance).then(|| 1 + chance.below(60) as u64);
        let most_cost = some(0.3, chance).then(|| chance.duration(0.01, 4.0).as_secs_f64());
        // Who does not know what calls cost cannot limit that: it is refused.
        let are_priced = servers.iter().all(|server| server.limits.price.is_some());
        let most_cost = most_cost.filter(|_| are_priced);
        Self {
            endpoints: servers.iter().map(|server| server.limits.clone()).collect(),
            most_calls,
            most_cost: most_cost.map(|most| Money::of(most).units()),
            costs: vec![0.0; servers.len()],
            ..Self::default()
        }
    }

    /// The limits as the dispatcher is told them.
    pub(crate) fn budget(&self) -> Budget {
        let name = "a limit".to_owned();
        Budget {
            calls: self.most_calls.map(|most| Bound {
                most,
                name: name.clone(),
                lasts: false,
            }),
            cost: self.most_cost.map(|most| Bound {
                most: Money::of(most),
                name,
                lasts: false,
            }),
        }
    }

    /// A call starts. However all that are under way end, they come to no more than is allowed.
    /// `width` is how many calls its endpoint is given at a time.
    pub(crate) fn on_call(
        &mut self,
        attempt: AttemptId,
        at: EndpointIndex,
        width: usize,
    ) -> Result<(), String> {
        let limits = EndpointLimits {
            slots: width,
            ..self.endpoints[at].clone()
        };
        let most = self.most(at);
        self.under_way.insert(attempt, (at, most, limits));
        let calls = self.calls + self.under_way.len() as u64;
        if self.most_calls.is_some_and(|most| calls > most) {
            return Err(format!("{calls} calls, and {:?} may be", self.most_calls));
        }
        let worst = self.worst();
        match self.most_cost {
            Some(most) if worst > most + 1e-9 => {
                Err(format!("calls may come to {worst}, and {most} may be"))
            }
            _ => Ok(()),
        }
    }

    /// A call is over: cancelled where there is no outcome. Who cancels may have to pay.
    pub(crate) fn on_ended(
        &mut self,
        attempt: AttemptId,
        outcome: Option<&Outcome>,
        took: Duration,
    ) {
        let Some((at, _, limits)) = self.under_way.remove(&attempt) else {
            return;
        };
        let is_paid = match outcome {
            None | Some(Outcome::Picture | Outcome::Undecodable) => true,
            Some(Outcome::Failed(failure)) => match failure.http_status {
                Some(status) => status < 400 && failure.kind != FailureKind::Rejected,
                None => matches!(
                    failure.kind,
                    FailureKind::BrokeOff | FailureKind::BadAnswer | FailureKind::Refused
                ),
            },
        };
        if is_paid {
            self.calls += 1;
            self.costs[at] += cost(&limits, took);
        }
    }

    fn worst(&self) -> f64 {
        let under_way = self.under_way.values().map(|&(_, most, _)| most);
        self.costs.iter().sum::<f64>() + under_way.sum::<f64>()
    }

    /// The most that a call can cost: where its endpoint adapts as if it were alone.
    fn most(&self, at: EndpointIndex) -> f64 {
        let limits = &self.endpoints[at];
        let alone = EndpointLimits {
            slots: if limits.adapts { 1 } else { limits.slots },
            ..limits.clone()
        };
        cost(&alone, limits.timeout)
    }

    /// An endpoint has other limits from the next call on.
    pub(crate) fn on_limits(&mut self, at: EndpointIndex, limits: &EndpointLimits) {
        self.endpoints[at] = limits.clone();
    }

    /// Whether another call to an endpoint stays within the limits for sure.
    pub(crate) fn affords(&self, at: EndpointIndex) -> bool {
        let calls = self.calls + self.under_way.len() as u64;
        let most = self.most(at);
        // Amounts are whole millionths, and each call may round up by one.
        let slack = 1e-6 * (2 + self.calls) as f64;
        self.most_calls.is_none_or(|most| calls < most)
            && self
                .most_cost
                .is_none_or(|bound| self.worst() + most + slack <= bound)
    }

    /// Whether what was counted is what was spent.
    pub(crate) fn check(&self, tally: Tally) -> Result<(), String> {
        let cost: f64 = self.costs.iter().sum();
        let is_near = (tally.cost.units() - cost).abs() <= 1e-6 * (2 + self.calls) as f64;
        if tally.calls_paid == self.calls && is_near {
            return Ok(());
        }
        let counted = (tally.calls_paid, tally.cost.units());
        Err(format!(
            "it counts {counted:?}, and spent {:?}",
            (self.calls, cost)
        ))
    }
}

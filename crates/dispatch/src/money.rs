//! What calls cost, and how much of it there is.

use std::fmt;
use std::time::Duration;

use crate::{Failure, FailureKind};

/// An amount of money, in millionths of whatever the currency is: sums of prices are exact.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Money(u64);

const MILLION: f64 = 1e6;

impl Money {
    /// None.
    pub const ZERO: Self = Self(0);

    /// So many units of the currency, to the nearest millionth; none where that is negative or no
    /// number.
    #[must_use]
    pub fn of(units: f64) -> Self {
        Self((units * MILLION).round() as u64)
    }

    /// In units of the currency.
    #[must_use]
    pub fn units(self) -> f64 {
        self.0 as f64 / MILLION
    }

    /// Both together, or the most that there is.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// What is left without `other`; none where that is more.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    fn share(self, of: f64) -> Self {
        Self((self.0 as f64 * of).ceil() as u64)
    }
}

/// Two places after the point, or as many as it takes to tell it from nothing.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let units = self.units();
        match self.0 {
            1..10_000 => {
                let text = format!("{units:.6}");
                f.write_str(text.trim_end_matches('0'))
            }
            10_000..1_000_000 if !self.0.is_multiple_of(10_000) => write!(f, "{units:.3}"),
            _ => write!(f, "{units:.2}"),
        }
    }
}

/// What an endpoint costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Price {
    /// Each call that brings an answer, of whatever use it is.
    PerCall(Money),
    /// A rented machine, for an hour. Its slots share that: a call costs its time of one of them.
    PerHour(Money),
}

impl Price {
    /// What a call costs that took so long at an endpoint of so many slots.
    pub(crate) fn of_call(self, took: Duration, slots: usize) -> Money {
        match self {
            Self::PerCall(price) => price,
            Self::PerHour(price) => price.share(took.as_secs_f64() / 3600.0 / slots.max(1) as f64),
        }
    }
}

/// How much may be spent, and under which name people know that limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bound<T> {
    /// The most.
    pub most: T,
    /// As in `--max-cost 25`.
    pub name: String,
    /// Whether later runs have it, too.
    pub lasts: bool,
}

/// What a run may spend. The price of a call is set aside before it starts, as much as it can be, so
/// that calls side by side never come to more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Budget {
    /// How many calls may be made that are paid for.
    pub calls: Option<Bound<u64>>,
    /// What they may cost.
    pub cost: Option<Bound<Money>>,
}

/// What a run has spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Spent {
    /// Calls that were paid for.
    pub(crate) calls: u64,
    /// What they cost.
    pub(crate) cost: Money,
    /// Calls that are under way.
    calls_aside: u64,
    /// The most that they can cost.
    cost_aside: Money,
}

impl Spent {
    /// Whether a call that costs up to `most` can be made within `budget`.
    pub(crate) fn leaves_room_in(&self, budget: &Budget, most: Money) -> bool {
        let (calls, cost) = (&budget.calls, &budget.cost);
        let with_all = self.cost.plus(self.cost_aside).plus(most);
        calls
            .as_ref()
            .is_none_or(|bound| self.calls + self.calls_aside < bound.most)
            && cost.as_ref().is_none_or(|bound| with_all <= bound.most)
    }

    /// Sets a call's price aside.
    pub(crate) fn set_aside(&mut self, most: Money) {
        self.calls_aside += 1;
        self.cost_aside = self.cost_aside.plus(most);
    }

    /// Takes what was set aside for a call; what was not paid for is given back.
    pub(crate) fn settle(&mut self, most: Money, paid: Option<Money>) {
        self.calls_aside -= 1;
        self.cost_aside = self.cost_aside.minus(most);
        if let Some(paid) = paid {
            self.calls += 1;
            self.cost = self.cost.plus(paid);
        }
    }
}

/// Whether a call that failed so is paid for. Who refuses a request at once has done nothing; whether
/// one that broke off was drawn nobody knows, so it counts.
pub(crate) fn is_paid(failure: &Failure) -> bool {
    match failure.kind {
        FailureKind::NotAccepted | FailureKind::BrokeOff => true,
        FailureKind::BadAnswer | FailureKind::Refused => {
            failure.http_status.is_none_or(|status| status < 400)
        }
        FailureKind::Away { .. }
        | FailureKind::Rejected
        | FailureKind::Missing
        | FailureKind::EndpointOut => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_told_as_people_write_them() {
        for (units, text) in [
            (0.0, "0.00"),
            (0.04, "0.04"),
            (0.039, "0.039"),
            (0.0125, "0.013"),
            (0.0005, "0.0005"),
            (0.000_001, "0.000001"),
            (1.8, "1.80"),
            (1234.567, "1234.57"),
            (-3.0, "0.00"),
            (f64::NAN, "0.00"),
        ] {
            assert_eq!(Money::of(units).to_string(), text);
        }
    }

    #[test]
    fn a_machine_s_slots_share_its_price() {
        let hour = Duration::from_secs(3600);
        let price = Price::PerHour(Money::of(1.8));
        assert_eq!(price.of_call(hour, 1), Money::of(1.8));
        assert_eq!(price.of_call(hour / 4, 3), Money::of(0.15));
        // What is set aside is never less than what is taken.
        assert_eq!(price.of_call(Duration::from_nanos(1), 1), Money(1));
        let price = Price::PerCall(Money::of(0.04));
        assert_eq!(price.of_call(hour, 4), Money::of(0.04));
    }

    #[test]
    fn what_is_not_paid_for_is_given_back() {
        let bound = |most| Bound {
            most,
            name: String::new(),
            lasts: false,
        };
        let budget = Budget {
            calls: Some(Bound {
                most: 3,
                name: String::new(),
                lasts: false,
            }),
            cost: Some(bound(Money::of(1.0))),
        };
        let (mut spent, most) = (Spent::default(), Money::of(0.4));
        for _ in 0..2 {
            assert!(spent.leaves_room_in(&budget, most));
            spent.set_aside(most);
        }
        assert!(
            !spent.leaves_room_in(&budget, most),
            "1.20 would be too much"
        );
        spent.settle(most, None);
        assert!(spent.leaves_room_in(&budget, most));
        spent.settle(most, Some(Money::of(0.1)));
        for _ in 0..2 {
            assert!(spent.leaves_room_in(&budget, most));
            spent.set_aside(most);
        }
        assert!(!spent.leaves_room_in(&budget, Money::ZERO), "a fourth call");
        assert_eq!((spent.calls, spent.cost), (1, Money::of(0.1)));
    }
}

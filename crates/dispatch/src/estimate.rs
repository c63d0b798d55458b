//! What a run is going to take, before it does.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, VecDeque};
use std::time::Duration;

use planner::Block;

use crate::{
    AttemptId, Budget, Dispatcher, EndpointIndex, Event, Expected, Failure, FailureKind, Handle,
    Limits, Moment, Money, Order, Pool, Queue,
};

/// What a part of a run is going to take.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Estimate {
    /// How many calls.
    pub calls: usize,
    /// How many quadrants these draw.
    pub quadrants: usize,
    /// From the end of the steps before it to its own; nothing where it ends before them.
    pub takes: Duration,
    /// What the calls of endpoints cost whose price is known.
    pub cost: Money,
}

/// The endpoints in the order in which a run gives out its first calls: round by round, each as often
/// as it has slots.
pub fn turns(slots: &[usize]) -> impl Iterator<Item = usize> {
    let rounds = slots.iter().max().copied().unwrap_or(0);
    (0..rounds).flat_map(|round| {
        let numbered = slots.iter().enumerate();
        let with_slot = numbered.filter(move |&(_, &slots)| slots > round);
        with_slot.map(|(index, _)| index)
    })
}

/// What bounds a run that is estimated.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bounds {
    /// How many items are begun at most.
    pub max_items: Option<usize>,
    /// How many calls go at a time at most.
    pub max_concurrent: Option<usize>,
    /// What it may spend.
    pub budget: Budget,
}

/// How a run is going to go.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Estimates {
    /// What each step takes.
    pub steps: BTreeMap<u8, Estimate>,
    /// How many items are completed.
    pub items: usize,
    /// The limit of calls or of money that ends it, in words, where one does.
    pub limit: Option<String>,
}

impl Estimates {
    /// What all steps take together.
    #[must_use]
    pub fn all(&self) -> Estimate {
        let mut all = Estimate::default();
        for part in self.steps.values() {
            all.calls += part.calls;
            all.quadrants += part.quadrants;
            all.takes += part.takes;
            all.cost = all.cost.plus(part.cost);
        }
        all
    }
}

/// How a run of `queue` on these endpoints is going to go: the dispatcher runs it in made-up time, in
/// which each call takes as long as is expected, so many are wasted as were before, no endpoint is away,
/// and to draw and to save take no time.
#[must_use]
pub fn estimate(queue: Queue, endpoints: &[Expected], bounds: &Bounds) -> Estimates {
    MadeUp::of(queue, endpoints, bounds).goes()
}

/// A run in made-up time.
struct MadeUp<'a> {
    endpoints: &'a [Expected],
    dispatcher: Dispatcher,
    now: Moment,
    /// What happens now.
    due: VecDeque<Event>,
    /// When calls end.
    ends: BinaryHeap<Reverse<(Moment, AttemptId)>>,
    calls: HashMap<AttemptId, (Handle, EndpointIndex)>,
    /// How many items each endpoint has completed, and how many of its calls were wasted.
    brought: Vec<(usize, usize)>,
    estimates: Estimates,
}

impl<'a> MadeUp<'a> {
    fn of(queue: Queue, endpoints: &'a [Expected], bounds: &Bounds) -> Self {
        let limits = Limits {
            max_items: bounds.max_items,
            max_errors: usize::MAX,
            max_not_accepted: usize::MAX,
            budget: bounds.budget.clone(),
            startup_wait: Duration::ZERO,
            awaits_endpoints: None,
            drain: None,
            canvases_at_hand: 0,
            spare_canvases: 1,
        };
        let all = endpoints.iter().map(|endpoint| endpoint.limits.clone());
        let pool = Pool::new(all, bounds.max_concurrent);
        Self {
            endpoints,
            dispatcher: Dispatcher::new(queue, pool, limits, None, 0, 1),
            now: Moment::ZERO,
            due: VecDeque::from([Event::Wake]),
            ends: BinaryHeap::new(),
            calls: HashMap::new(),
            brought: vec![(0, 0); endpoints.len()],
            estimates: Estimates::default(),
        }
    }

    fn goes(mut self) -> Estimates {
        while self.dispatcher.ending().is_none() {
            while let Some(event) = self.due.pop_front() {
                let orders = self.dispatcher.on(event, self.now);
                for order in &orders {
                    self.carry_out(order);
                }
            }
            let next = self.ends.peek().map(|&Reverse((at, _))| at);
            let wake = self.dispatcher.next_wake(self.now);
            let Some(at) = wake.into_iter().chain(next).min() else {
                break;
            };
            self.now = at;
            match next == Some(at) {
                false => self.due.push_back(Event::Wake),
                true => self
                    .due
                    .extend(self.ends.pop().map(|Reverse((_, attempt))| {
                        let result = Ok(());
                        Event::Called { attempt, result }
                    })),
            }
        }
        self.estimates.limit = self
            .dispatcher
            .limit()
            .filter(|_| self.dispatcher.is_stopping());
        let mut before = Duration::ZERO;
        for step in self.estimates.steps.values_mut() {
            let ends = step.takes.max(before);
            step.takes = ends - before;
            before = ends;
        }
        self.estimates
    }

    fn carry_out(&mut self, order: &Order) {
        match *order {
            Order::Prepare { canvas, .. } => {
                let result = Ok(());
                self.due.push_back(Event::Prepared { canvas, result });
            }
            Order::Call {
                attempt,
                canvas,
                endpoint,
                ..
            } => {
                let handle = canvas.handle();
                let quadrants = self.block(handle).quadrants().count();
                let together = self.dispatcher.pool().members()[endpoint].calls_under_way();
                let takes = self.endpoints[endpoint].takes(quadrants, together);
                self.ends.push(Reverse((self.now + takes, attempt)));
                self.calls.insert(attempt, (handle, endpoint));
            }
            Order::Save { attempt, cost } => self.save(attempt, cost),
            _ => {}
        }
    }

    /// Saves what a call brought, unless it is one of those that are wasted.
    fn save(&mut self, attempt: AttemptId, cost: Option<Money>) {
        let Some((handle, endpoint)) = self.calls.remove(&attempt) else {
            return;
        };
        let quadrants = self.block(handle).quadrants().count();
        let number = self.dispatcher.queue().item(handle).step;
        let step = self.estimates.steps.entry(number).or_default();
        step.calls += 1;
        step.cost = step.cost.plus(cost.unwrap_or_default());
        step.takes = self.now;
        let (saved, wasted) = &mut self.brought[endpoint];
        let to_waste = (*saved + 1) as f64 * (self.endpoints[endpoint].calls_per_item - 1.0);
        if *wasted < to_waste.round() as usize {
            *wasted += 1;
            let failure = Failure::new(FailureKind::NotAccepted, "as others were before");
            return self.due.push_back(Event::Unusable { attempt, failure });
        }
        *saved += 1;
        step.quadrants += quadrants;
        self.estimates.items += 1;
        let attempts = vec![attempt];
        self.due.push_back(Event::Saved { attempts });
    }

    fn block(&self, handle: Handle) -> Block {
        self.dispatcher.queue().item(handle).block
    }
}

#[cfg(test)]
mod tests {
    use planner::{Item, Quadrant, Region, Status, plan};

    use super::*;
    use crate::{Bound, EndpointLimits, Price, Turn};

    fn square(side: i32) -> Queue {
        let all = (0..side).flat_map(|y| (0..side).map(move |x| Quadrant::new(x, y)));
        let plan = plan(&Region::from_quadrants(all));
        let items = (1..).zip(&plan.blocks).map(|(id, planned)| Item {
            id,
            step: planned.shape.step(),
            block: *planned,
            status: Status::Pending,
        });
        Queue::of(items.collect())
    }

    fn endpoint(slots: usize, seconds: u64) -> Expected {
        priced(slots, seconds, Price::PerCall(Money::of(0.04)))
    }

    fn priced(slots: usize, seconds: u64, price: Price) -> Expected {
        let limits = EndpointLimits {
            name: "a".to_owned(),
            slots,
            adapts: false,
            max_per_minute: None,
            timeout: Duration::from_secs(600),
            price: Some(price),
        };
        Expected::alike(limits, Duration::from_secs(seconds))
    }

    fn at_most(max_items: usize) -> Bounds {
        Bounds {
            max_items: Some(max_items),
            ..Bounds::default()
        }
    }

    #[test]
    fn calls_side_by_side_take_as_long_as_the_slots_need() {
        // The lattice: 9 blocks, 12 strips of which no more than 6 touch nothing unfinished, 4 corners.
        let steps = estimate(square(8), &[endpoint(3, 10)], &Bounds::default()).steps;
        let calls: Vec<usize> = steps.values().map(|step| step.calls).collect();
        assert_eq!(calls, [9, 12, 4]);
        let takes: Vec<u64> = steps.values().map(|step| step.takes.as_secs()).collect();
        assert_eq!(takes, [30, 40, 20]);
        assert_eq!(steps[&1].cost, Money::of(0.36));
    }

    #[test]
    fn where_steps_do_not_wait_the_slots_are_full_to_the_end() {
        let whole = |turn| {
            let queue = square(17).starting(turn);
            let all = estimate(queue, &[endpoint(11, 10)], &Bounds::default()).all();
            assert_eq!((all.calls, all.quadrants), (121, 17 * 17));
            all.takes.as_secs()
        };
        // 36 blocks, 60 strips, 25 corners.
        assert_eq!(whole(Turn::AfterSteps), 40 + 60 + 30);
        assert_eq!(whole(Turn::AfterTouching), 110);
        assert_eq!(whole(Turn::AfterSurrounding), 110);
    }

    #[test]
    fn a_part_of_a_run_and_wasted_calls_are_counted() {
        let part = estimate(square(8), &[endpoint(3, 10)], &at_most(4));
        assert_eq!((part.steps.len(), part.items, part.limit), (1, 4, None));
        let first = &part.steps[&1];
        assert_eq!((first.calls, first.takes.as_secs()), (4, 20));
        let mut wasteful = endpoint(3, 10);
        wasteful.calls_per_item = 1.5;
        let first = &estimate(square(8), &[wasteful], &at_most(8)).steps[&1];
        // One more round than so many calls need: what is wasted in the last is made again.
        assert_eq!((first.calls, first.takes.as_secs()), (12, 50));
        assert_eq!((first.quadrants, first.cost), (32, Money::of(0.48)));
        let nobody = estimate(square(8), &[], &Bounds::default());
        assert!(nobody.steps.is_empty());
    }

    #[test]
    fn a_machine_costs_its_time() {
        let rented = priced(2, 10, Price::PerHour(Money::of(3.6)));
        let steps = estimate(square(8), &[rented], &at_most(4)).steps;
        assert_eq!(steps[&1].cost, Money::of(0.02));
    }

    #[test]
    fn it_ends_where_the_run_would() {
        let bound = |most: f64| Bound {
            most: Money::of(most),
            name: format!("--max-cost {most}"),
            lasts: false,
        };
        let estimated = |calls: Option<u64>, cost: Option<f64>, price| {
            let name = String::from("--max-calls");
            let budget = Budget {
                calls: calls.map(|most| Bound {
                    most,
                    name,
                    lasts: false,
                }),
                cost: cost.map(bound),
            };
            let bounds = Bounds {
                budget,
                ..Bounds::default()
            };
            estimate(square(8), &[priced(3, 10, price)], &bounds)
        };
        let per_call = Price::PerCall(Money::of(0.04));
        for (calls, cost, price, items, told) in [
            (Some(3), None, per_call, 3, "3 calls were paid for"),
            (Some(0), None, per_call, 0, "0 calls were paid for"),
            (None, Some(0.5), per_call, 12, "--max-cost 0.5 is reached"),
            // A call may take 600 s.
            (
                None,
                Some(0.05),
                Price::PerHour(Money::of(3.6)),
                0,
                "another call may cost 0.20",
            ),
        ] {
            let estimated = estimated(calls, cost, price);
            assert_eq!(estimated.items, items, "{told}");
            assert_eq!(estimated.all().calls, items);
            assert!(estimated.limit.expect("a limit").contains(told));
        }
        let ends = estimated(Some(25), Some(1.0), per_call);
        assert_eq!((ends.items, ends.limit), (25, None));
    }
}

//! What a run is going to take, before it does.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::time::Duration;

use crate::{Handle, Money, Price, Queue};

/// What is expected of an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Expected {
    /// How many calls it serves at a time.
    pub slots: usize,
    /// How long a call takes.
    pub takes: Duration,
    /// How many calls it takes to complete an item: 1 where none is wasted.
    pub calls_per_item: f64,
    /// What it costs, where that is known.
    pub price: Option<Price>,
}

/// What a part of a run is going to take.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Estimate {
    /// How many calls.
    pub calls: f64,
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

/// What each step of `queue` takes until all is complete that can be, or `max_items` items are: the
/// queue's own order on these endpoints, as if every call took as long as is expected.
#[must_use]
pub fn estimate(
    mut queue: Queue,
    endpoints: &[Expected],
    max_items: Option<usize>,
) -> BTreeMap<u8, Estimate> {
    let mut steps: BTreeMap<u8, Estimate> = BTreeMap::new();
    let slots: Vec<usize> = endpoints.iter().map(|endpoint| endpoint.slots).collect();
    let mut free: VecDeque<usize> = turns(&slots).collect();
    let mut running: BinaryHeap<Reverse<(Duration, Handle, usize)>> = BinaryHeap::new();
    let mut now = Duration::ZERO;
    let mut left = max_items.unwrap_or(usize::MAX);
    loop {
        while left > 0 && !free.is_empty() {
            let Some(handle) = queue.ready().next() else {
                break;
            };
            let index = free.pop_front().expect("there is one");
            let endpoint = &endpoints[index];
            queue.take(handle);
            left -= 1;
            let takes = endpoint.takes.mul_f64(endpoint.calls_per_item);
            running.push(Reverse((now + takes, handle, index)));
            let step = steps.entry(queue.item(handle).step).or_default();
            step.calls += endpoint.calls_per_item;
            step.quadrants += queue.item(handle).block.quadrants().count();
            let price = endpoint.price;
            let cost = price.map(|price| price.of_call(endpoint.takes, endpoint.slots));
            let cost = cost.unwrap_or_default().units() * endpoint.calls_per_item;
            step.cost = step.cost.plus(Money::of(cost));
        }
        let Some(Reverse((at, handle, index))) = running.pop() else {
            break;
        };
        now = at;
        queue.complete(handle);
        free.push_back(index);
        // When its last item ends, for now.
        let step = queue.item(handle).step;
        steps.entry(step).or_default().takes = now;
    }
    let mut before = Duration::ZERO;
    for step in steps.values_mut() {
        let ends = step.takes.max(before);
        step.takes = ends - before;
        before = ends;
    }
    steps
}

#[cfg(test)]
mod tests {
    use planner::{Item, Quadrant, Region, Status, plan};

    use super::*;
    use crate::Turn;

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
        Expected {
            slots,
            takes: Duration::from_secs(seconds),
            calls_per_item: 1.0,
            price: Some(Price::PerCall(Money::of(0.04))),
        }
    }

    #[test]
    fn calls_side_by_side_take_as_long_as_the_slots_need() {
        // The lattice: 9 blocks, 12 strips of which no more than 6 touch nothing unfinished, 4 corners.
        let steps = estimate(square(8), &[endpoint(3, 10)], None);
        let calls: Vec<f64> = steps.values().map(|step| step.calls).collect();
        assert_eq!(calls, [9.0, 12.0, 4.0]);
        let takes: Vec<u64> = steps.values().map(|step| step.takes.as_secs()).collect();
        assert_eq!(takes, [30, 40, 20]);
        assert_eq!(steps[&1].cost, Money::of(0.36));
    }

    #[test]
    fn where_steps_do_not_wait_the_slots_are_full_to_the_end() {
        let whole = |turn| {
            let steps = estimate(square(17).starting(turn), &[endpoint(11, 10)], None);
            let calls: f64 = steps.values().map(|step| step.calls).sum();
            let quadrants: usize = steps.values().map(|step| step.quadrants).sum();
            assert_eq!((calls, quadrants), (121.0, 17 * 17));
            steps.values().map(|step| step.takes.as_secs()).sum::<u64>()
        };
        // 36 blocks, 60 strips, 25 corners.
        assert_eq!(whole(Turn::AfterSteps), 40 + 60 + 30);
        assert_eq!(whole(Turn::AfterTouching), 110);
        assert_eq!(whole(Turn::AfterSurrounding), 110);
    }

    #[test]
    fn a_part_of_a_run_and_wasted_calls_are_counted() {
        let steps = estimate(square(8), &[endpoint(3, 10)], Some(4));
        assert_eq!(steps.len(), 1);
        assert_eq!((steps[&1].calls, steps[&1].takes.as_secs()), (4.0, 20));
        let wasteful = Expected {
            calls_per_item: 1.5,
            ..endpoint(3, 10)
        };
        let steps = estimate(square(8), &[wasteful], None);
        assert_eq!((steps[&1].calls, steps[&1].takes.as_secs()), (13.5, 45));
        assert!(estimate(square(8), &[], None).is_empty());
    }

    #[test]
    fn a_machine_costs_its_time() {
        let rented = Expected {
            price: Some(Price::PerHour(Money::of(3.6))),
            ..endpoint(2, 10)
        };
        let steps = estimate(square(8), &[rented], Some(4));
        assert_eq!(steps[&1].cost, Money::of(0.02));
    }
}

//! A run for tests.

use std::time::Duration;

use dispatch::{Bound, Budget, Dispatcher, EndpointLimits, Limits, Money, Pool, Price, Queue};
use planner::{Item, Quadrant, Region, Status};

/// A run of a map of 12x12 quadrants at endpoints of these names, that may pay for a thousand calls.
pub(crate) fn dispatcher(names: &[&str]) -> Dispatcher {
    let all = (0..12).flat_map(|y| (0..12).map(move |x| Quadrant::new(x, y)));
    let blocks = planner::plan(&Region::from_quadrants(all)).blocks;
    let items = (1..).zip(blocks).map(|(id, block)| Item {
        id,
        step: block.shape.step(),
        block,
        status: Status::Pending,
    });
    let endpoints = names.iter().map(|&name| EndpointLimits {
        name: name.to_owned(),
        slots: 1,
        adapts: false,
        max_per_minute: None,
        timeout: Duration::from_secs(600),
        price: Some(Price::PerCall(Money::of(0.04))),
    });
    let limits = Limits {
        max_items: None,
        max_errors: 20,
        max_not_accepted: 3,
        budget: Budget {
            calls: Some(Bound {
                most: 1000,
                name: String::new(),
                lasts: false,
            }),
            cost: None,
        },
        startup_wait: Duration::from_secs(60),
        drain: None,
        awaits_endpoints: None,
        canvases_at_hand: names.len(),
        spare_canvases: names.len(),
    };
    let queue = Queue::of(items.collect());
    let pool = Pool::new(endpoints, None);
    Dispatcher::new(queue, pool, limits, None, 0, 1)
}

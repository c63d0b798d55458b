//! Runs in made-up time: how long they take does not depend on the machine.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use dispatch::{
    Budget, CanvasId, Dispatcher, EndpointLimits, Event, Limits, Moment, Order, Pool, Queue,
    Surroundings, Turn,
};
use planner::{Block, Item, Quadrant, Region, Status, plan};

pub(crate) const LATENCY: Duration = Duration::from_secs(15);
pub(crate) const ALL: [Turn; 3] = [
    Turn::AfterSteps,
    Turn::AfterTouching,
    Turn::AfterSurrounding,
];

/// A plan of these blocks, in their order.
pub(crate) fn of_blocks(blocks: impl IntoIterator<Item = Block>) -> Vec<Item> {
    let item = |(id, block): (i64, Block)| Item {
        id,
        step: block.shape.step(),
        block,
        status: Status::Pending,
    };
    (1..).zip(blocks).map(item).collect()
}

fn items(region: impl Iterator<Item = Quadrant>) -> Vec<Item> {
    of_blocks(plan(&Region::from_quadrants(region)).blocks)
}

pub(crate) fn square(side: i32) -> Vec<Item> {
    items((0..side).flat_map(|y| (0..side).map(move |x| Quadrant::new(x, y))))
}

/// A round island with holes.
pub(crate) fn island(side: i32) -> Vec<Item> {
    let all = (0..side).flat_map(|y| (0..side).map(move |x| Quadrant::new(x, y)));
    items(all.filter(|at| {
        let (dx, dy) = (2 * at.x - side, 2 * at.y - side);
        dx * dx + dy * dy < side * side && (at.x * 7 + at.y * 5) % 23 != 0
    }))
}

/// A number between 0 and 1 that follows from another one.
fn fraction(number: usize) -> f64 {
    let mixed = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

/// A run in made-up time.
pub(crate) struct Run<'a> {
    pub(crate) items: &'a [Item],
    pub(crate) turn: Turn,
    pub(crate) endpoints: usize,
    /// How much the latency of a call differs from the mean, at most.
    pub(crate) differs: f64,
    /// How long a canvas is drawn, as many at a time as there are.
    pub(crate) drawing: Duration,
}

/// How a run went.
pub(crate) struct Went {
    pub(crate) took: Duration,
    /// The mean latency of its calls.
    pub(crate) latency: Duration,
    /// How many canvases and calls there were at most.
    pub(crate) held: usize,
}

impl Run<'_> {
    pub(crate) fn goes(&self) -> Went {
        let queue = Queue::of(self.items.to_vec()).starting(self.turn);
        // Strict runs of both kinds take the same time.
        let shows = self.turn != Turn::AfterTouching;
        let surroundings = shows.then(|| Surroundings::of(&queue));
        let endpoint = |number: usize| EndpointLimits {
            name: number.to_string(),
            slots: 1,
            adapts: false,
            max_per_minute: None,
            timeout: Duration::from_secs(600),
            price: None,
        };
        let limits = Limits {
            max_items: None,
            max_errors: 20,
            max_not_accepted: 3,
            budget: Budget::default(),
            startup_wait: Duration::from_secs(600),
            drain: None,
            awaits_endpoints: None,
            canvases_at_hand: 64,
            spare_canvases: 3,
        };
        let pool = Pool::new((0..self.endpoints).map(endpoint), None);
        let mut dispatcher = Dispatcher::new(queue, pool, limits, surroundings, 0, 1);
        let (mut now, mut turn) = (Duration::ZERO, 0);
        let mut agenda: BinaryHeap<Reverse<(Moment, usize, Happening)>> = BinaryHeap::new();
        agenda.push(Reverse((now, turn, Happening::Wake)));
        let (mut calls, mut busy) = (0, Duration::ZERO);
        let mut held = 0;
        while let Some(Reverse((at, _, happening))) = agenda.pop() {
            now = at;
            let event = match happening {
                Happening::Wake => Event::Wake,
                Happening::Drawn(canvas) => Event::Prepared {
                    canvas,
                    result: Ok(()),
                },
                Happening::Answered(attempt) => Event::Called {
                    attempt,
                    result: Ok(()),
                },
                Happening::Saved(attempt) => Event::Saved {
                    attempts: vec![attempt],
                },
            };
            let orders = dispatcher.on(event, now);
            held = held.max(dispatcher.held());
            for order in orders {
                let (at, next) = match order {
                    Order::Prepare { canvas, .. } => (now + self.drawing, Happening::Drawn(canvas)),
                    Order::Call { attempt, .. } => {
                        let share = 1.0 + self.differs * (2.0 * fraction(calls) - 1.0);
                        let took = LATENCY.mul_f64(share);
                        calls += 1;
                        busy += took;
                        (now + took, Happening::Answered(attempt))
                    }
                    Order::Save { attempt, .. } => (now, Happening::Saved(attempt)),
                    Order::Discard(_) => continue,
                    other => panic!("{other:?}"),
                };
                turn += 1;
                agenda.push(Reverse((at, turn, next)));
            }
        }
        let complete = dispatcher.queue().totals().complete;
        assert_eq!(complete, self.items.len(), "{:?}", self.turn);
        Went {
            took: now,
            latency: busy.div_f64(calls as f64),
            held,
        }
    }

    /// The least time that so many calls take, where no endpoint ever waits.
    pub(crate) fn least(&self, latency: Duration) -> Duration {
        latency.mul_f64(self.items.len() as f64 / self.endpoints as f64)
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Wake,
    Drawn(CanvasId),
    Answered(i64),
    Saved(i64),
}

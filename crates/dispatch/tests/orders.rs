//! How long a run takes in the strict and in the eager order, in made-up time: it does not depend on the
//! machine.
//!
//! `cargo test --release -p dispatch --test orders -- --ignored --nocapture` prints a table of great maps
//! and what an event costs.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use dispatch::{
    Budget, CanvasId, Dispatcher, EndpointLimits, Event, Expected, Limits, Moment, Order, Pool,
    Queue, Surroundings, Turn, estimate,
};
use planner::{Block, BlockShape, Item, Quadrant, Region, Status, plan};

const LATENCY: Duration = Duration::from_secs(15);
const ALL: [Turn; 3] = [
    Turn::AfterSteps,
    Turn::AfterTouching,
    Turn::AfterSurrounding,
];

fn items(region: impl Iterator<Item = Quadrant>) -> Vec<Item> {
    let item = |(id, block): (i64, Block)| Item {
        id,
        step: block.shape.step(),
        block,
        status: Status::Pending,
    };
    let blocks = plan(&Region::from_quadrants(region)).blocks;
    (1..).zip(blocks).map(item).collect()
}

fn square(side: i32) -> Vec<Item> {
    items((0..side).flat_map(|y| (0..side).map(move |x| Quadrant::new(x, y))))
}

/// A round island with holes.
fn island(side: i32) -> Vec<Item> {
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
struct Run<'a> {
    items: &'a [Item],
    turn: Turn,
    endpoints: usize,
    /// How much the latency of a call differs from the mean, at most.
    differs: f64,
    /// How long a canvas is drawn, as many at a time as there are.
    drawing: Duration,
}

/// How a run went.
struct Went {
    took: Duration,
    /// The mean latency of its calls.
    latency: Duration,
    events: usize,
    deciding: Duration,
    /// How many canvases and calls there were at most.
    held: usize,
}

impl Run<'_> {
    fn goes(&self) -> Went {
        let queue = Queue::of(self.items.to_vec()).starting(self.turn);
        // Strict runs of both kinds take the same time.
        let shows = self.turn != Turn::AfterTouching;
        let surroundings = shows.then(|| Surroundings::of(&queue));
        let endpoint = |number: usize| EndpointLimits {
            name: number.to_string(),
            slots: 1,
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
            canvases_at_hand: 64,
            spare_canvases: 3,
        };
        let pool = Pool::new((0..self.endpoints).map(endpoint), None);
        let mut dispatcher = Dispatcher::new(queue, pool, limits, surroundings, 0, 1);
        let (mut now, mut turn) = (Duration::ZERO, 0);
        let mut agenda: BinaryHeap<Reverse<(Moment, usize, Happening)>> = BinaryHeap::new();
        agenda.push(Reverse((now, turn, Happening::Wake)));
        let (mut calls, mut busy) = (0, Duration::ZERO);
        let (mut events, mut deciding, mut held) = (0, Duration::ZERO, 0);
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
            let started = Instant::now();
            let orders = dispatcher.on(event, now);
            deciding += started.elapsed();
            events += 1;
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
            events,
            deciding,
            held,
        }
    }

    /// The least time that so many calls take, where no endpoint ever waits.
    fn least(&self, latency: Duration) -> Duration {
        latency.mul_f64(self.items.len() as f64 / self.endpoints as f64)
    }

    /// The same, where calls that take the same time go round by round.
    fn rounds(&self, latency: Duration) -> Duration {
        latency.mul_f64(self.items.len().div_ceil(self.endpoints) as f64)
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Wake,
    Drawn(CanvasId),
    Answered(i64),
    Saved(i64),
}

#[test]
fn in_the_eager_order_no_endpoint_waits_for_a_step() {
    let (lattice, island) = (square(48), island(60));
    let mut evenly = 0;
    for items in [&lattice, &island] {
        for turn in [Turn::AfterTouching, Turn::AfterSurrounding] {
            for (endpoints, differs) in [(16, 0.0), (16, 0.2), (64, 0.0), (64, 0.2)] {
                let run = Run {
                    items,
                    turn,
                    endpoints,
                    differs,
                    drawing: Duration::from_millis(20),
                };
                let went = run.goes();
                let least = run.least(went.latency);
                // The last calls do not end together, but where all take the same time and go in
                // whole rounds.
                let is_even = differs == 0.0 && items.len().is_multiple_of(endpoints);
                let tail = match is_even {
                    true => Duration::ZERO,
                    false => went.latency,
                };
                evenly += usize::from(is_even);
                assert!(
                    went.took <= least.mul_f64(1.05) + tail,
                    "{endpoints} endpoints, {turn:?}: {:?} of {least:?}",
                    went.took
                );
            }
        }
    }
    assert!(evenly >= 4, "the lattice has 1024 blocks");
}

#[test]
fn canvases_that_others_have_overtaken_are_not_kept() {
    // Squares apart from one another, with four quadrants beside each; of these the plan has those of
    // the last square first.
    let squares = (0..9).map(|n| Block::new(BlockShape::TwoByTwo, 10 * n, 0));
    let beside = (0..9).rev().flat_map(|n| {
        let beside = [(0, -1), (2, 0), (1, 2), (-1, 1)];
        beside.map(|(dx, dy)| Block::new(BlockShape::OneByOne, 10 * n + dx, dy))
    });
    let item = |(id, block): (i64, Block)| Item {
        id,
        step: block.shape.step(),
        block,
        status: Status::Pending,
    };
    let items: Vec<Item> = (1..).zip(squares.chain(beside)).map(item).collect();
    let (endpoints, drawing) = (3, Duration::ZERO);
    for turn in ALL {
        let run = Run {
            items: &items,
            turn,
            endpoints,
            differs: 0.5,
            drawing,
        };
        let held = run.goes().held;
        assert!(held <= 2 * (endpoints + 3) + 2 * endpoints, "{held}");
    }
}

#[test]
fn what_eager_saves_is_what_the_estimate_says() {
    let items = island(50);
    for turn in ALL {
        let queue = Queue::of(items.clone()).starting(turn);
        let expected = Expected {
            slots: 48,
            takes: LATENCY,
            calls_per_item: 1.0,
            price: None,
        };
        let steps = estimate(queue, &[expected], None);
        let run = Run {
            items: &items,
            turn,
            endpoints: 48,
            differs: 0.0,
            drawing: Duration::ZERO,
        };
        let told: Duration = steps.values().map(|step| step.takes).sum();
        assert_eq!(told, run.goes().took, "{turn:?}");
    }
}

#[test]
#[ignore = "a table for people"]
fn great_maps() {
    let maps = [
        ("square 120", square(120)),
        ("island 136", island(136)),
        ("square 200", square(200)),
    ];
    println!(
        "map         calls  endpoints  differs  turn              took    / least  / rounds  us an event"
    );
    for (name, items) in &maps {
        for (endpoints, differs) in [
            (1000, 0.0),
            (1000, 0.2),
            (640, 0.0),
            (640, 0.2),
            (16, 0.0),
            (16, 0.2),
        ] {
            for turn in ALL {
                let run = Run {
                    items,
                    turn,
                    endpoints,
                    differs,
                    drawing: Duration::from_millis(20),
                };
                let went = run.goes();
                let took = went.took.as_secs_f64();
                println!(
                    "{name}  {:>6}  {endpoints:>9}  {differs:>7}  {:<16}  {took:>6.1}  {:>6.3}  {:>8.3}  {:>10.1}",
                    items.len(),
                    format!("{turn:?}"),
                    took / run.least(went.latency).as_secs_f64(),
                    took / run.rounds(went.latency).as_secs_f64(),
                    went.deciding.as_secs_f64() * 1e6 / went.events as f64
                );
            }
        }
    }
}

//! Runs in made-up time: how long they take does not depend on the machine.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use dispatch::{
    Budget, CanvasId, Dispatcher, EndpointIndex, EndpointLimits, Event, Failure, FailureKind,
    Limits, Moment, Money, Order, Pool, Queue, Surroundings, Turn,
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
pub(crate) fn fraction(number: usize) -> f64 {
    let mixed = (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

pub(crate) fn limits(max_items: Option<usize>) -> Limits {
    Limits {
        max_items,
        max_errors: 20,
        max_not_accepted: 3,
        budget: Budget::default(),
        startup_wait: Duration::from_secs(600),
        drain: None,
        awaits_endpoints: None,
        canvases_at_hand: 64,
        spare_canvases: 3,
    }
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
        let limits = limits(None);
        let pool = Pool::new((0..self.endpoints).map(endpoint), None);
        let dispatcher = Dispatcher::new(queue, pool, limits, surroundings, 0, 1);
        let mut calls = 0;
        let gone = goes(dispatcher, self.drawing, |_, _, _| {
            let share = 1.0 + self.differs * (2.0 * fraction(calls) - 1.0);
            calls += 1;
            (LATENCY.mul_f64(share), Answer::Good)
        });
        let complete = gone.dispatcher.queue().totals().complete;
        assert_eq!(complete, self.items.len(), "{:?}", self.turn);
        let busy: Duration = gone.calls.iter().map(|call| call.took).sum();
        Went {
            took: gone.took,
            latency: busy.div_f64(gone.calls.len() as f64),
            held: gone.held,
        }
    }

    /// The least time that so many calls take, where no endpoint ever waits.
    pub(crate) fn least(&self, latency: Duration) -> Duration {
        latency.mul_f64(self.items.len() as f64 / self.endpoints as f64)
    }
}

/// What a server answers to a call.
pub(crate) enum Answer {
    Good,
    NotGoodEnough,
    /// Nobody is there, also when that is asked.
    Nobody,
}

/// A call of a run.
pub(crate) struct Call {
    pub(crate) endpoint: EndpointIndex,
    pub(crate) block: Block,
    pub(crate) started: Moment,
    pub(crate) took: Duration,
    pub(crate) answer: Answer,
    pub(crate) cost: Money,
}

/// What a dispatcher has done until it ended.
pub(crate) struct Gone {
    pub(crate) dispatcher: Dispatcher,
    pub(crate) took: Duration,
    pub(crate) calls: Vec<Call>,
    pub(crate) held: usize,
}

/// Runs a dispatcher in made-up time. `serves` says how long a call to an endpoint takes, and what comes
/// of it, for which block and when it starts.
pub(crate) fn goes(
    mut dispatcher: Dispatcher,
    drawing: Duration,
    mut serves: impl FnMut(EndpointIndex, Block, Moment) -> (Duration, Answer),
) -> Gone {
    let (mut now, mut turn) = (Duration::ZERO, 0);
    let (mut took, mut held) = (Duration::ZERO, 0);
    let mut agenda: BinaryHeap<Reverse<(Moment, usize, Happening)>> = BinaryHeap::new();
    agenda.push(Reverse((now, turn, Happening::Wake)));
    let mut calls: Vec<Call> = Vec::new();
    let away = || Failure::away("nobody is there");
    while dispatcher.ending().is_none() {
        let wake = dispatcher.next_wake(now);
        let is_next = |at: &Moment| agenda.peek().is_none_or(|Reverse((next, _, _))| at < next);
        let happening = match wake.filter(is_next) {
            Some(at) => {
                now = at;
                Happening::Wake
            }
            None => {
                let Reverse((at, _, happening)) = agenda.pop().expect("it waits for something");
                now = at;
                happening
            }
        };
        let of = |attempt: i64| &calls[usize::try_from(attempt).expect("from 1 on") - 1];
        let event = match happening {
            Happening::Wake => Event::Wake,
            Happening::Drawn(canvas) => Event::Prepared {
                canvas,
                result: Ok(()),
            },
            Happening::Answered(attempt) => Event::Called {
                attempt,
                result: match of(attempt).answer {
                    Answer::Nobody => Err(away()),
                    Answer::Good | Answer::NotGoodEnough => Ok(()),
                },
            },
            Happening::Saved(attempt) => match of(attempt).answer {
                Answer::NotGoodEnough => Event::Unusable {
                    attempt,
                    failure: Failure::new(FailureKind::NotAccepted, "grey"),
                },
                _ => Event::Saved {
                    attempts: vec![attempt],
                },
            },
            Happening::Probed(endpoint) => Event::Probed {
                endpoint,
                result: Err(away()),
            },
        };
        took = match event {
            Event::Saved { .. } => now,
            _ => took,
        };
        let orders = dispatcher.on(event, now);
        held = held.max(dispatcher.held());
        for order in orders {
            let (at, next) = match order {
                Order::Prepare { canvas, .. } => (now + drawing, Happening::Drawn(canvas)),
                Order::Call {
                    attempt,
                    endpoint,
                    canvas,
                    ..
                } => {
                    let block = dispatcher.queue().item(canvas.handle()).block;
                    let (took, answer) = serves(endpoint, block, now);
                    calls.push(Call {
                        endpoint,
                        block,
                        started: now,
                        took,
                        answer,
                        cost: Money::ZERO,
                    });
                    (now + took, Happening::Answered(attempt))
                }
                Order::Save { attempt, cost } => {
                    let index = usize::try_from(attempt).expect("from 1 on") - 1;
                    calls[index].cost = cost.unwrap_or_default();
                    (now, Happening::Saved(attempt))
                }
                Order::Probe(endpoint) => (now, Happening::Probed(endpoint)),
                Order::Discard(_) | Order::Tell(..) | Order::Close { .. } | Order::PutBack(_) => {
                    continue;
                }
                other => panic!("{other:?}"),
            };
            turn += 1;
            agenda.push(Reverse((at, turn, next)));
        }
    }
    Gone {
        dispatcher,
        took,
        calls,
        held,
    }
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    Wake,
    Drawn(CanvasId),
    Answered(i64),
    Saved(i64),
    Probed(EndpointIndex),
}

//! What is foretold of a run after its first 20 calls, and what it then takes: of all kinds of pools, in
//! made-up time.

use std::collections::HashSet;
use std::time::Duration;

use dispatch::{
    Asked, Bounds, CameTo, CanvasSizes, Dispatcher, EarlierCall, EndpointLimits, Estimate,
    Estimates, Money, Outlook, Pool, Price, Queue, Turn, estimate, outlook,
};
use planner::Item;

use crate::made_up::{ALL, Answer, Gone, fraction, goes, island, limits, square};

/// How a server answers.
#[derive(Clone, Copy)]
struct Server {
    slots: usize,
    adapts: bool,
    max_per_minute: Option<usize>,
    price: Price,
    /// What a call takes besides its quadrants, and for each of them.
    takes_s: (f64, f64),
    /// How many calls it draws side by side; others wait until it is their turn.
    draws: usize,
    /// How much one call differs from another, at most.
    differs: f64,
    /// Of each so many-th block the first answer is not good enough.
    wastes_each: Option<usize>,
    is_dead: bool,
}

/// Calls of `seconds`, whatever their size.
fn server(slots: usize, seconds: f64) -> Server {
    Server {
        slots,
        adapts: false,
        max_per_minute: None,
        price: Price::PerCall(Money::of(0.04)),
        takes_s: (seconds, 0.0),
        draws: usize::MAX,
        differs: 0.0,
        wastes_each: None,
        is_dead: false,
    }
}

fn per_hour(price: f64) -> Price {
    Price::PerHour(Money::of(price))
}

fn by_pixels(slots: usize, a_quadrant: f64) -> Server {
    Server {
        takes_s: (0.0, a_quadrant),
        price: per_hour(3.6),
        ..server(slots, 0.0)
    }
}

fn adapting(most: usize, seconds: f64, draws: usize) -> Server {
    Server {
        adapts: true,
        draws,
        price: per_hour(1.8),
        ..server(most, seconds)
    }
}

fn dead() -> Server {
    Server {
        is_dead: true,
        price: Price::PerCall(Money::of(0.01)),
        ..server(8, 0.001)
    }
}

/// A layer of which a part was run.
struct Begun<'a> {
    pool: &'a [Server],
    turn: Turn,
    canvases: CanvasSizes,
    max_concurrent: Option<usize>,
    items: Vec<Item>,
    calls: Vec<EarlierCall>,
}

impl<'a> Begun<'a> {
    fn new(pool: &'a [Server], turn: Turn, items: Vec<Item>) -> Self {
        Self {
            pool,
            turn,
            canvases: CanvasSizes::OfBlocks,
            max_concurrent: None,
            items,
            calls: Vec::new(),
        }
    }

    fn queue(&self) -> Queue {
        Queue::of(self.items.clone()).starting(self.turn)
    }

    fn limits(&self) -> impl Iterator<Item = EndpointLimits> {
        let of = |(number, server): (usize, &Server)| EndpointLimits {
            name: number.to_string(),
            slots: server.slots,
            adapts: server.adapts,
            max_per_minute: server.max_per_minute,
            timeout: Duration::from_secs(600),
            price: Some(server.price),
        };
        self.pool.iter().enumerate().map(of)
    }

    /// Runs so many items, or all.
    fn runs(&mut self, max_items: Option<usize>) -> Estimate {
        let pool = Pool::new(self.limits(), self.max_concurrent);
        let dispatcher = Dispatcher::new(self.queue(), pool, limits(max_items), None, 0, 1);
        let (canvases, mut number) = (self.canvases, self.calls.len());
        // When each server has drawn what it was sent, of all that it draws side by side.
        let free = self
            .pool
            .iter()
            .map(|server| vec![Duration::ZERO; server.draws.min(server.slots)]);
        let mut free: Vec<Vec<Duration>> = free.collect();
        let mut tried = HashSet::new();
        let gone = goes(dispatcher, Duration::ZERO, |endpoint, block, now| {
            let server = &self.pool[endpoint];
            let quadrants = match canvases {
                CanvasSizes::OfBlocks => block.quadrants().count(),
                CanvasSizes::AllAlike => 4,
            };
            number += 1;
            let takes = server.takes_s.0 + server.takes_s.1 * quadrants as f64;
            let differs = 1.0 + server.differs * (2.0 * fraction(number) - 1.0);
            let is_first = tried.insert(block.top_left);
            let is_wasted = is_first
                && (server.wastes_each).is_some_and(|each| tried.len().is_multiple_of(each));
            let answer = match (server.is_dead, is_wasted) {
                (true, _) => Answer::Nobody,
                (false, true) => Answer::NotGoodEnough,
                (false, false) => Answer::Good,
            };
            let first = free[endpoint].iter_mut().min().expect("it draws");
            *first = now.max(*first) + Duration::from_secs_f64(takes * differs);
            (*first - now, answer)
        });
        self.note(&gone);
        let paid = || {
            gone.calls
                .iter()
                .filter(|call| !matches!(call.answer, Answer::Nobody))
        };
        Estimate {
            calls: paid().count(),
            quadrants: 0,
            takes: gone.took,
            cost: paid().fold(Money::ZERO, |sum, call| sum.plus(call.cost)),
        }
    }

    /// Keeps what a run has done, as a layer does.
    fn note(&mut self, gone: &Gone) {
        let before = self
            .calls
            .iter()
            .map(|call| call.ended_s)
            .fold(0.0, f64::max)
            + 100.0;
        self.calls.extend(gone.calls.iter().map(|call| {
            let started_s = before + call.started.as_secs_f64();
            EarlierCall {
                endpoint: call.endpoint,
                quadrants: call.block.quadrants().count(),
                started_s,
                ended_s: started_s + call.took.as_secs_f64(),
                came_to: match call.answer {
                    Answer::Good => CameTo::Saved,
                    Answer::NotGoodEnough => CameTo::Wasted { is_paid: true },
                    Answer::Nobody => CameTo::Wasted { is_paid: false },
                },
            }
        }));
        self.items = gone.dispatcher.queue().items().to_vec();
    }

    fn outlook(&self) -> Outlook {
        let asked = self.limits().map(|limits| Asked {
            limits,
            canvases: self.canvases,
            expected: None,
        });
        outlook(&asked.collect::<Vec<_>>(), &self.calls).expect("there were calls")
    }

    fn estimate(&self, endpoints: &[dispatch::Expected]) -> Estimates {
        let bounds = Bounds {
            max_concurrent: self.max_concurrent,
            ..Bounds::default()
        };
        estimate(self.queue(), endpoints, &bounds)
    }
}

/// How far two amounts are from one another, as a share of the second.
fn off(told: f64, took: f64) -> f64 {
    (told - took).abs() / took
}

fn is_near(told: &Estimate, took: &Estimate) -> bool {
    off(told.takes.as_secs_f64(), took.takes.as_secs_f64()) <= 0.1
        && off(told.cost.units(), took.cost.units()) <= 0.1
        && off(told.calls as f64, took.calls as f64) <= 0.1
}

/// Those of all orders and of three plans of which too much or too little was told.
fn wrongly_told(name: &str, pool: &[Server], change: impl Fn(&mut Begun<'_>)) -> Vec<String> {
    let mut wrong = Vec::new();
    for turn in ALL {
        for items in [square(20), island(24), square(32)] {
            let mut begun = Begun::new(pool, turn, items);
            change(&mut begun);
            begun.runs(Some(20));
            let told = begun.estimate(&begun.outlook().endpoints).all();
            let took = begun.runs(None);
            if !is_near(&told, &took) {
                wrong.push(format!(
                    "{name}, {turn:?}: {told:?} was told, it took {took:?}"
                ));
            }
        }
    }
    wrong
}

#[test]
fn what_is_told_after_20_calls_is_within_a_tenth() {
    let limited = |slots, seconds, most| Server {
        max_per_minute: Some(most),
        ..server(slots, seconds)
    };
    let pools: &[(&str, &[Server])] = &[
        ("alike", &[server(2, 5.0), server(2, 5.0)]),
        ("unlike", &[server(4, 5.0), server(1, 2.0), server(2, 9.0)]),
        ("limited", &[limited(4, 1.0, 20)]),
        ("limited beside", &[limited(4, 1.0, 20), server(2, 6.0)]),
        (
            "limited alone in time",
            &[limited(2, 40.0, 1), limited(2, 3.0, 7)],
        ),
        (
            "dead",
            &[
                Server {
                    price: per_hour(1.0),
                    ..server(2, 3.0)
                },
                dead(),
            ],
        ),
        ("dead first", &[dead(), server(3, 4.0), server(1, 7.0)]),
        ("one by one", &[adapting(16, 3.0, 1), server(2, 2.0)]),
        ("one by one alone", &[adapting(16, 3.0, 1)]),
        ("four at a time", &[adapting(4, 3.0, 4)]),
        ("two at a time", &[adapting(8, 3.0, 2)]),
        (
            "wasteful",
            &[Server {
                wastes_each: Some(4),
                ..server(3, 5.0)
            }],
        ),
        (
            "wasteful and limited",
            &[Server {
                wastes_each: Some(5),
                ..limited(3, 1.0, 15)
            }],
        ),
        (
            "noisy",
            &[Server {
                differs: 0.2,
                ..server(3, 5.0)
            }],
        ),
    ];
    let mut wrong = Vec::new();
    for (name, pool) in pools {
        wrong.extend(wrongly_told(name, pool, |_| {}));
        wrong.extend(wrongly_told(name, pool, |begun| {
            begun.canvases = CanvasSizes::AllAlike;
        }));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn fewer_calls_at_a_time_than_there_are_slots_are_reckoned_with() {
    for most in [1, 3] {
        let pool = [server(8, 5.0), server(2, 5.0)];
        let wrong = wrongly_told("fewer", &pool, |begun| begun.max_concurrent = Some(most));
        assert!(wrong.is_empty(), "{most}: {wrong:#?}");
    }
}

#[test]
fn canvases_of_one_size_alone_leave_two_estimates_and_the_run_takes_one_or_lies_between() {
    for turn in ALL {
        for (is_by_pixels, server) in [
            (Some(true), by_pixels(4, 0.5)),
            (
                Some(false),
                Server {
                    price: per_hour(3.6),
                    ..server(4, 2.0)
                },
            ),
            (
                None,
                Server {
                    takes_s: (1.0, 0.25),
                    ..by_pixels(4, 0.0)
                },
            ),
        ] {
            let pool = [server];
            let mut begun = Begun::new(&pool, turn, square(36));
            begun.runs(Some(20));
            let outlook = begun.outlook();
            let as_long = begun.estimate(&outlook.endpoints).all();
            let by_pixels = outlook.by_pixels.expect("blocks of 2x2 alone were called");
            let by_pixels = begun.estimate(&by_pixels).all();
            // Where calls of two sizes tell, there is one.
            let mut later = Begun::new(&pool, turn, square(36));
            later.runs(Some(180));
            let outlook = later.outlook();
            assert_eq!(outlook.by_pixels, None);
            let (told, took) = (later.estimate(&outlook.endpoints).all(), later.runs(None));
            assert!(is_near(&told, &took), "{turn:?}: {told:?}, {took:?}");
            let took = begun.runs(None);
            match is_by_pixels {
                Some(true) => assert!(is_near(&by_pixels, &took), "{by_pixels:?}, {took:?}"),
                Some(false) => assert!(is_near(&as_long, &took), "{as_long:?}, {took:?}"),
                None => assert!(by_pixels.takes < took.takes && took.takes < as_long.takes),
            }
        }
    }
}

#[test]
fn where_every_canvas_is_alike_one_size_tells_of_all() {
    let pool = [by_pixels(4, 0.5)];
    let mut begun = Begun::new(&pool, Turn::AfterSteps, square(32));
    begun.canvases = CanvasSizes::AllAlike;
    begun.runs(Some(20));
    assert_eq!(begun.outlook().by_pixels, None);
    let (told, took) = (
        begun.estimate(&begun.outlook().endpoints).all(),
        begun.runs(None),
    );
    assert!(is_near(&told, &took), "{told:?}, {took:?}");
}

/// What was never tried is worth nothing: no run takes longer than that.
#[test]
fn a_server_that_can_do_more_than_was_seen_is_no_slower_than_told() {
    for draws in [1, 2, 4, 16] {
        let pool = [adapting(16, 3.0, draws), server(2, 2.0)];
        let mut begun = Begun::new(&pool, Turn::AfterSteps, square(32));
        begun.runs(Some(20));
        assert_eq!(begun.outlook().endpoints[0].known_together(), 1);
        let told = begun.estimate(&begun.outlook().endpoints).all();
        let took = begun.runs(None);
        assert!(
            took.takes <= told.takes.mul_f64(1.1),
            "{draws}: {told:?}, {took:?}"
        );
    }
}

#[test]
fn those_that_have_only_failed_are_named_and_left_out_where_there_are_others() {
    let pool = [dead(), server(2, 3.0)];
    let mut begun = Begun::new(&pool, Turn::AfterSteps, square(20));
    begun.runs(Some(20));
    let outlook = begun.outlook();
    assert_eq!(outlook.only_failed, ["0"]);
    let left: Vec<&str> = outlook
        .endpoints
        .iter()
        .map(|e| e.limits.name.as_str())
        .collect();
    assert_eq!(left, ["1"]);
    // None would be left: what is expected of them is all there is.
    let limits = begun.limits().next().expect("there is one");
    let expected = Some(Duration::from_secs(60));
    let canvases = CanvasSizes::OfBlocks;
    let asked = Asked {
        limits,
        canvases,
        expected,
    };
    let failed: Vec<EarlierCall> = begun
        .calls
        .iter()
        .filter(|call| call.endpoint == 0)
        .copied()
        .collect();
    let alone = outlook_of(&asked, &failed).expect("60 s");
    assert_eq!((alone.only_failed.len(), alone.endpoints.len()), (1, 1));
    let unknown = Asked {
        expected: None,
        ..asked
    };
    assert_eq!(outlook_of(&unknown, &failed), None);
}

fn outlook_of(asked: &Asked, calls: &[EarlierCall]) -> Option<Outlook> {
    outlook(std::slice::from_ref(asked), calls)
}

//! What a run says while it goes on, event by event.

use std::time::Duration;

use dispatch::{
    AttemptId, CanvasId, Dispatcher, Ending, EndpointIndex, EndpointLimits, Event, Failure,
    FailureKind, Level, Limits, Order, Pool, Queue, Signal,
};
use planner::{Block, BlockShape, Item, Status};

/// A run of single quadrants that do not touch, and what it has said.
struct Run {
    dispatcher: Dispatcher,
    now: Duration,
    said: Vec<(Level, String)>,
    /// Calls that are under way.
    calls: Vec<(AttemptId, CanvasId, EndpointIndex)>,
}

impl Run {
    fn of(items: i32, endpoints: &[&str]) -> Self {
        let item = |n: i32| Item {
            id: i64::from(n) + 1,
            step: 3,
            block: Block::new(BlockShape::OneByOne, 2 * n, 0),
            status: Status::Pending,
        };
        let queue = Queue::of((0..items).map(item).collect());
        let limits = endpoints.iter().map(|&name| EndpointLimits {
            name: name.to_owned(),
            slots: 1,
            max_per_minute: None,
            timeout: Duration::from_secs(90),
        });
        let pool = Pool::new(limits, None);
        let limits = Limits {
            max_items: None,
            max_errors: 2,
            startup_wait: Duration::from_secs(600),
            drain: None,
            spare_canvases: 2,
        };
        let mut run = Self {
            dispatcher: Dispatcher::new(queue, pool, limits, None, 0, 1),
            now: Duration::ZERO,
            said: Vec::new(),
            calls: Vec::new(),
        };
        run.tell(Event::Wake);
        run
    }

    /// Tells an event, and does at once what is cheap.
    fn tell(&mut self, event: Event) {
        let mut events = vec![event];
        while let Some(event) = events.pop() {
            for order in self.dispatcher.on(event, self.now) {
                match order {
                    Order::Prepare { canvas, .. } => events.push(Event::Prepared {
                        canvas,
                        result: Ok(()),
                    }),
                    Order::Call {
                        attempt,
                        canvas,
                        endpoint,
                    } => self.calls.push((attempt, canvas, endpoint)),
                    Order::Save { attempt } => events.push(Event::Saved {
                        attempts: vec![attempt],
                    }),
                    Order::Cancel { attempt } => self.calls.retain(|&(a, ..)| a != attempt),
                    Order::Probe(endpoint) => events.push(Event::Probed {
                        endpoint,
                        result: Ok(()),
                    }),
                    Order::Tell(level, line) => self.said.push((level, line)),
                    _ => {}
                }
            }
        }
    }

    /// The oldest call ends a second after it began.
    fn ends(&mut self, result: Result<(), Failure>) {
        self.now += Duration::from_secs(1);
        let (attempt, ..) = self.calls.remove(0);
        self.tell(Event::Called { attempt, result });
    }

    /// Sleeps until the dispatcher wants to be woken.
    fn wakes(&mut self) {
        self.now = self.dispatcher.next_wake(self.now).expect("it waits");
        self.tell(Event::Wake);
    }

    /// What was said at a level since the last look.
    fn said(&mut self, level: Level) -> Vec<String> {
        let said = std::mem::take(&mut self.said).into_iter();
        said.filter(|&(l, _)| l == level)
            .map(|(_, line)| line)
            .collect()
    }
}

fn away() -> Failure {
    Failure::away("no route").with_status(503)
}

#[test]
fn an_item_that_fails_is_told_with_its_block_its_endpoint_and_why() {
    let mut run = Run::of(1, &["a"]);
    for _ in 0..2 {
        run.ends(Err(Failure::bad_answer("half a picture")));
        let said = run.said(Level::Warning);
        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with("1x1 at (0, 0): endpoint a: half a picture; it rests "));
        run.wakes();
    }
    run.ends(Err(Failure::bad_answer("half a picture")));
    assert_eq!(
        run.said(Level::Error),
        ["1x1 at (0, 0) failed: endpoint a: half a picture (tried 3 times)"]
    );
    assert_eq!(run.dispatcher.ending(), Some(Ending::Unfinished));
}

#[test]
fn what_turns_out_to_be_no_picture_is_told_too() {
    let mut run = Run::of(1, &["a"]);
    let (attempt, ..) = run.calls.remove(0);
    // The save is under way when it turns out.
    let orders = run.dispatcher.on(
        Event::Called {
            attempt,
            result: Ok(()),
        },
        run.now,
    );
    assert!(
        orders
            .iter()
            .any(|order| matches!(order, Order::Save { .. }))
    );
    let failure = Failure::bad_answer("a web page");
    run.tell(Event::Unusable { attempt, failure });
    assert_eq!(
        run.said(Level::Warning),
        ["1x1 at (0, 0): endpoint a: a web page"]
    );
}

#[test]
fn a_server_that_will_never_take_it_fails_it_at_once_in_its_own_words() {
    let mut run = Run::of(1, &["a"]);
    run.ends(Err(Failure::new(FailureKind::Rejected, "too large")));
    assert_eq!(
        run.said(Level::Error),
        ["1x1 at (0, 0) failed: endpoint a: too large"]
    );
}

#[test]
fn an_outage_of_all_is_told_once_a_minute_and_when_each_is_tried_again() {
    let mut run = Run::of(2, &["a"]);
    run.ends(Ok(()));
    run.ends(Err(away()));
    let plain = run.said(Level::Plain);
    assert_eq!(plain.len(), 1, "{plain:?}");
    assert!(
        plain[0].starts_with("no endpoint answers; waiting for one: a (no route; next try in ")
    );
    let (mut lines, mut details, until) = (0, 0, run.now + Duration::from_secs(300));
    while run.now < until {
        match run.calls.is_empty() {
            true => run.wakes(),
            false => run.ends(Err(away())),
        }
        let said = std::mem::take(&mut run.said);
        lines += said
            .iter()
            .filter(|(_, line)| line.starts_with("no endpoint answers"))
            .count();
        details += said
            .iter()
            .filter(|(level, _)| *level == Level::Detail)
            .count();
        assert!(
            said.iter().all(|(level, _)| *level != Level::Warning),
            "{said:?}"
        );
    }
    assert!((4..=5).contains(&lines), "{lines} lines in five minutes");
    assert!(details > 5, "each try is there for who wants to know");
}

#[test]
fn an_endpoint_that_is_out_is_told_and_the_run_ends_when_none_is_left() {
    let mut run = Run::of(3, &["a", "b"]);
    let refused = Failure::new(FailureKind::EndpointOut, "HTTP 401: bad key");
    run.ends(Err(refused.clone()));
    assert_eq!(
        run.said(Level::Error),
        ["endpoint a is out for the rest of this run: HTTP 401: bad key"]
    );
    run.ends(Err(refused));
    let Some(Ending::Early(why)) = run.dispatcher.ending() else {
        panic!("it ends with {:?}", run.dispatcher.ending());
    };
    assert_eq!(
        why,
        "no endpoint is left: a (HTTP 401: bad key; out), b (HTTP 401: bad key; out)"
    );
}

#[test]
fn a_run_that_nobody_answers_ends_after_the_start() {
    let mut run = Run::of(1, &["a"]);
    while run.dispatcher.ending().is_none() && run.now < Duration::from_secs(1000) {
        match run.calls.is_empty() {
            true => run.wakes(),
            false => run.ends(Err(Failure::away("refused"))),
        }
    }
    assert!(run.now >= Duration::from_secs(600), "{:?}", run.now);
    let Some(Ending::Early(why)) = run.dispatcher.ending() else {
        panic!("it ends with {:?}", run.dispatcher.ending());
    };
    assert!(why.starts_with("no endpoint has answered anything within 10m 0s of the start"));
    assert!(why.contains("a (refused; next try in "), "{why}");
}

#[test]
fn too_many_failures_in_a_row_end_a_run() {
    let mut run = Run::of(5, &["a"]);
    for _ in 0..2 {
        run.ends(Err(Failure::new(FailureKind::Rejected, "no")));
    }
    let Some(Ending::Early(why)) = run.dispatcher.ending() else {
        panic!("it ends with {:?}", run.dispatcher.ending());
    };
    assert!(why.starts_with("2 items in a row failed;"), "{why}");
}

#[test]
fn a_signal_says_what_is_waited_for_and_for_how_long() {
    let mut run = Run::of(3, &["a", "b"]);
    run.tell(Event::Signal(Signal::Terminate));
    let said = run.said(Level::Plain);
    assert_eq!(said.len(), 1);
    assert!(
        said[0].contains("waiting up to 1m 30s for 2 under way, which are paid for"),
        "{said:?}"
    );
    assert_eq!(run.dispatcher.ending(), None, "two calls are paid for");
    run.now += Duration::from_secs(89);
    run.tell(Event::Wake);
    assert_eq!(run.calls.len(), 2);
    run.now += Duration::from_secs(1);
    run.tell(Event::Wake);
    assert_eq!(run.calls.len(), 0, "they are given up");
    assert_eq!(
        run.dispatcher.ending(),
        Some(Ending::Signal(Signal::Terminate))
    );

    let mut idle = Run::of(1, &["a"]);
    idle.ends(Err(away()));
    idle.said.clear();
    idle.tell(Event::Signal(Signal::Interrupt));
    let said = idle.said(Level::Plain);
    assert!(
        said[0].ends_with("no new calls, and none is under way"),
        "{said:?}"
    );
}

#[test]
fn a_comparison_says_what_it_is_for_and_what_it_costs() {
    let mut run = Run::of(2, &["a"]);
    run.ends(Ok(()));
    while !run
        .calls
        .iter()
        .any(|(_, canvas, _)| matches!(canvas, CanvasId::Comparison(_)))
    {
        match run.calls.is_empty() {
            true => run.wakes(),
            false => run.ends(Err(Failure::new(FailureKind::BrokeOff, "it broke off"))),
        }
        assert!(run.now < Duration::from_secs(600));
    }
    assert_eq!(run.dispatcher.tally().comparisons, 1);
    let said = run.said(Level::Plain);
    assert_eq!(
        said.last().map(String::as_str),
        Some(
            "1x1 at (2, 0): to learn whether it fails or endpoint a is away, a is sent 1x1 at (0, 0) once more; that is one call, and its picture is not used"
        )
    );
}

#[test]
fn a_disk_that_takes_nothing_ends_the_run_and_says_so() {
    let mut run = Run::of(3, &["a", "b"]);
    let (attempt, ..) = run.calls[0];
    run.tell(Event::StorageFailed {
        attempts: vec![attempt],
        message: "the disk is full".to_owned(),
    });
    assert_eq!(run.calls.len(), 0, "both are given up");
    let Some(Ending::Early(why)) = run.dispatcher.ending() else {
        panic!("it ends with {:?}", run.dispatcher.ending());
    };
    assert!(
        why.starts_with("the disk is full; the run stops, nothing is lost"),
        "{why}"
    );
    let orders = run.dispatcher.on(Event::Wake, run.now);
    assert!(orders.is_empty(), "{orders:?}");
}

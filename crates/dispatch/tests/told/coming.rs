//! Endpoints that come, go and become others.

use std::time::Duration;

use dispatch::{
    CanvasId, Ending, EndpointChange, EndpointLimits, Event, Failure, FailureKind, Level,
};
use planner::{Block, BlockShape, Item, Status};

use crate::broke_off;
use crate::run::{Drawing, Run};

fn limits(name: &str, slots: usize) -> EndpointLimits {
    EndpointLimits {
        name: name.to_owned(),
        slots,
        adapts: false,
        max_per_minute: None,
        timeout: Duration::from_secs(90),
        price: None,
    }
}

fn refused() -> Failure {
    Failure::new(FailureKind::EndpointOut, "HTTP 401: bad key").with_status(401)
}

/// Where the calls under way are.
fn places(run: &Run) -> Vec<usize> {
    run.called().into_iter().map(|(_, at)| at).collect()
}

#[test]
fn one_that_joins_is_called_and_one_that_is_gone_is_not_but_saves_what_it_has() {
    let mut run = Run::of(6, &["a", "b"]).begun();
    assert_eq!(places(&run), [0, 1]);
    let changes = vec![
        (1, EndpointChange::Gone),
        (2, EndpointChange::Here(limits("c", 2))),
    ];
    run.tell(Event::Endpoints(changes));
    assert_eq!(places(&run), [0, 1, 2, 2], "three slots, and the call of b");
    run.ends_nth(1, Ok(()));
    assert_eq!(places(&run), [0, 2, 2]);
    assert_eq!(run.dispatcher.pool().members()[1].tally().saved, 1);
    run.tell(Event::Endpoints(vec![(
        1,
        EndpointChange::Here(limits("b", 1)),
    )]));
    assert_eq!(places(&run), [0, 2, 2, 1], "it is back at its place");
}

#[test]
fn a_machine_that_hangs_and_is_replaced_keeps_nobody_waiting() {
    let mut run = Run::of(3, &["a"]).begun();
    run.now += Duration::from_secs(1);
    run.tell(Event::Endpoints(vec![(0, EndpointChange::Replaced)]));
    assert_eq!(places(&run), [0, 0], "beside the call that hangs");
    run.ends_nth(0, Err(broke_off()));
    run.ends_nth(0, Ok(()));
    assert_eq!(run.said(Level::Warning), [""; 0], "nobody rests for it");
    run.ends(Ok(()));
    run.ends(Ok(()));
    assert_eq!(run.dispatcher.tally().items_completed, 3);
}

#[test]
fn one_that_was_out_and_one_that_rests_get_another_chance() {
    let mut run = Run::of(4, &["a", "b"]).begun();
    run.ends(Err(refused()));
    run.ends(Err(Failure::away("no route")));
    assert_eq!(places(&run), [0; 0]);
    let again = [0, 1].map(|at| (at, EndpointChange::TriedAgain));
    run.tell(Event::Endpoints(again.to_vec()));
    let mut called = places(&run);
    called.sort_unstable();
    assert_eq!(called, [0, 1]);
    // What it asked for itself still holds.
    run.ends(Err(busy()));
    run.tell(Event::Endpoints(again.to_vec()));
    assert_eq!(places(&run).len(), 1);
}

/// A server that asks to be left alone.
fn busy() -> Failure {
    let retry_after = Some(Duration::from_secs(300));
    Failure::new(FailureKind::Away { retry_after }, "busy").with_status(429)
}

#[test]
fn one_that_asked_to_be_left_alone_is_tried_now_with_one_call_first() {
    let columns: Vec<i32> = (0..9).map(|n| 2 * n).collect();
    let mut run = Run::at(&columns, &["a"], 3).begun();
    run.ends_nth(1, Err(busy()));
    assert_eq!(places(&run), [0, 0], "two that began before hang");
    let change = |run: &mut Run, change| run.tell(Event::Endpoints(vec![(0, change)]));
    change(&mut run, EndpointChange::Here(limits("a", 4)));
    change(&mut run, EndpointChange::TriedAgain);
    assert_eq!(places(&run).len(), 2, "its limits are no reason");
    run.now += Duration::from_secs(1);
    change(&mut run, EndpointChange::TriedNow);
    assert_eq!(places(&run).len(), 3, "one goes there first");
    change(&mut run, EndpointChange::TriedNow);
    assert_eq!(places(&run).len(), 3, "however often it is asked for");
    // What began before tells nothing of it.
    run.ends_nth(0, Err(busy()));
    assert_eq!(places(&run).len(), 2);
    run.ends_nth(1, Ok(()));
    assert_eq!(places(&run).len(), 4, "it takes calls");
    run.ends_nth(1, Err(busy()));
    assert_eq!(places(&run).len(), 3, "and rests when it asks again");
    run.now += Duration::from_secs(299);
    run.tell(Event::Wake);
    assert_eq!(places(&run).len(), 3);
}

#[test]
fn one_that_comes_back_has_all_its_slots_while_old_calls_hang_and_no_more() {
    let columns: Vec<i32> = (0..9).map(|n| 2 * n).collect();
    let mut run = Run::at(&columns, &["a"], 2).begun();
    for returns in 1..3 {
        run.now += Duration::from_secs(1);
        run.tell(Event::Endpoints(vec![(0, EndpointChange::Gone)]));
        run.tell(Event::Endpoints(vec![
            (0, EndpointChange::Here(limits("a", 2))),
            (0, EndpointChange::Replaced),
        ]));
        assert_eq!(places(&run).len(), 2 + 2 * returns);
        run.tell(Event::Wake);
        assert_eq!(places(&run).len(), 2 + 2 * returns);
    }
    while !run.calls.is_empty() {
        run.ends(Ok(()));
    }
    assert_eq!(run.dispatcher.tally().items_completed, 9);
}

/// One item is complete, the other breaks off until it is compared with the first.
fn with_a_comparison() -> Run {
    let mut run = Run::of(2, &["a"]).begun();
    run.ends(Ok(()));
    run.goes_on_to_a_comparison(&broke_off());
    run
}

/// After how many more calls the run has given up the item that always breaks off, where it is
/// answered what it compares with.
fn calls_until_given_up(run: &mut Run) -> usize {
    let until = run.now + Duration::from_secs(3000);
    let mut calls = 0;
    while run.dispatcher.tally().items_failed == 0 {
        assert!(run.now < until, "it is never given up");
        let Some(&(canvas, _)) = run.called().first() else {
            run.wakes();
            continue;
        };
        calls += 1;
        run.ends(match canvas {
            CanvasId::Of(_) => Err(broke_off()),
            CanvasId::Comparison(_) => Ok(()),
        });
    }
    calls
}

#[test]
fn an_endpoint_that_is_tried_again_keeps_its_comparison() {
    let mut run = with_a_comparison();
    let as_it_is = calls_until_given_up(&mut run);
    let mut run = with_a_comparison();
    let again = vec![(0, EndpointChange::TriedAgain)];
    run.tell(Event::Endpoints(again));
    assert!(calls_until_given_up(&mut run) <= as_it_is);
    assert_eq!(run.dispatcher.tally().comparisons, 1);
}

#[test]
fn one_that_is_replaced_is_compared_anew_and_what_the_other_answers_tells_nothing() {
    let mut run = with_a_comparison();
    run.tell(Event::Endpoints(vec![(0, EndpointChange::Replaced)]));
    let (attempt, ..) = run.calls.remove(0);
    run.now += Duration::from_secs(1);
    run.tell(Event::Called {
        attempt,
        result: Ok(()),
    });
    assert!(calls_until_given_up(&mut run) > 1);
    assert_eq!(run.dispatcher.tally().comparisons, 2);
}

#[test]
fn a_comparison_that_was_cut_before_its_call_is_soon_made() {
    let mut run = Run::of(2, &["a"]).begun();
    run.ends(Ok(()));
    run.draws_comparisons = Drawing::Slowly;
    while !run.canvases.contains(&CanvasId::Comparison(0)) {
        match run.calls.is_empty() {
            true => run.wakes(),
            false => run.ends(Err(broke_off())),
        }
    }
    run.tell(Event::Endpoints(vec![(0, EndpointChange::Replaced)]));
    run.draws_comparisons = Drawing::AtOnce;
    // What the new server does not answer is worth one as well.
    let begun = run.now;
    run.goes_on_to_a_comparison(&broke_off());
    assert!(run.now < begun + Duration::from_secs(300));
}

#[test]
fn a_run_waits_for_endpoints_where_some_may_come_and_says_so_once() {
    let item = |n: i32| Item {
        id: i64::from(n) + 1,
        step: 3,
        block: Block::new(BlockShape::OneByOne, 2 * n, 0),
        status: Status::Pending,
    };
    let items = (0..3).map(item).collect();
    let mut run = Run::awaiting(items, &["a"], 1, None, Some("fleet.json")).begun();
    run.ends(Err(refused()));
    let waits = "no endpoint is left; waiting for one in fleet.json: a (HTTP 401: bad key; out)";
    assert_eq!(run.said(Level::Warning), [waits]);
    run.now += Duration::from_secs(9000);
    run.tell(Event::Wake);
    assert_eq!(run.said(Level::Warning), [""; 0]);
    assert_eq!(run.dispatcher.ending(), None);
    assert!(run.dispatcher.awaits_endpoints());
    run.tell(Event::Endpoints(vec![(
        1,
        EndpointChange::Here(limits("b", 3)),
    )]));
    assert_eq!(places(&run), [1, 1, 1]);
    // The time without endpoints does not count as one without an answer.
    run.now += Duration::from_secs(1);
    run.tell(Event::Wake);
    assert_eq!(run.dispatcher.ending(), None);
}

#[test]
fn a_run_that_nobody_answers_names_where_its_endpoints_come_from_and_since_when() {
    let items = || {
        let blocks = (0..3).map(|n| Block::new(BlockShape::OneByOne, 2 * n, 0));
        let item = |(id, block)| Item {
            id,
            step: 3,
            block,
            status: Status::Pending,
        };
        (1..).zip(blocks).map(item).collect()
    };
    let why = |mut run: Run| {
        while run.dispatcher.ending().is_none() {
            match run.calls.is_empty() {
                true => run.wakes(),
                false => run.ends(Err(Failure::away("refused"))),
            }
        }
        let Some(Ending::Early(why)) = run.dispatcher.ending() else {
            panic!("it ends with {:?}", run.dispatcher.ending());
        };
        why
    };
    let begun = Run::awaiting(items(), &["a"], 1, None, Some("fleet.json")).begun();
    let at_start =
        "within 10m 0s of the start; check the addresses in fleet.json and layer_config.json: a (";
    let told = why(begun);
    assert!(told.contains(at_start), "{told}");
    let mut waits = Run::awaiting(items(), &[], 1, None, Some("fleet.json")).begun();
    waits.now += Duration::from_secs(9000);
    let comes = vec![(0, EndpointChange::Here(limits("dead", 1)))];
    waits.tell(Event::Endpoints(comes));
    let later = "within 10m 0s after the first one came; check the addresses in fleet.json and layer_config.json: dead (";
    let told = why(waits);
    assert!(told.contains(later), "{told}");
}

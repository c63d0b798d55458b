//! Endpoints that come, go and become others.

use std::time::Duration;

use dispatch::{EndpointChange, EndpointLimits, Event, Failure, FailureKind, Level};
use planner::{Block, BlockShape, Item, Status};

use crate::broke_off;
use crate::run::Run;

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
    let retry_after = Some(Duration::from_secs(50));
    run.ends(Err(Failure::new(FailureKind::Away { retry_after }, "busy")));
    run.tell(Event::Endpoints(again.to_vec()));
    assert_eq!(places(&run).len(), 1);
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

//! What a run says while it goes on, event by event, and what it gives to whom.

mod coming;
mod given;
mod run;

use std::time::Duration;

use dispatch::{Ending, Event, Failure, FailureKind, Level, Order, Signal};
use run::Run;

fn away() -> Failure {
    Failure::away("no route").with_status(503)
}

fn broke_off() -> Failure {
    Failure::new(FailureKind::BrokeOff, "it broke off")
}

#[test]
fn an_item_that_fails_is_told_with_its_block_its_endpoint_and_why() {
    let mut run = Run::of(1, &["a"]).begun();
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
    let mut run = Run::of(1, &["a"]).begun();
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
    let mut run = Run::of(1, &["a"]).begun();
    run.ends(Err(Failure::new(FailureKind::Rejected, "too large")));
    assert_eq!(
        run.said(Level::Error),
        ["1x1 at (0, 0) failed: endpoint a: too large"]
    );
}

#[test]
fn an_outage_of_all_is_told_once_a_minute_and_when_each_is_tried_again() {
    let mut run = Run::of(2, &["a"]).begun();
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
fn a_call_under_way_in_an_outage_is_told_as_what_it_is() {
    let mut run = Run::of(2, &["a"]).begun();
    run.ends(Ok(()));
    run.ends(Err(away()));
    let told = run.now;
    run.wakes();
    assert_eq!(run.calls.len(), 1, "it is tried again, and hangs");
    run.said.clear();
    run.wakes();
    assert_eq!(run.now, told + Duration::from_secs(60));
    assert_eq!(
        run.said(Level::Plain),
        ["no endpoint answers; waiting for one: a (no route; being tried now)"]
    );
}

#[test]
fn an_endpoint_that_is_out_is_told_and_the_run_ends_when_none_is_left() {
    let mut run = Run::of(3, &["a", "b"]).begun();
    let refused = Failure::new(FailureKind::EndpointOut, "HTTP 401: bad key");
    run.ends(Err(refused.clone()));
    assert_eq!(
        run.said(Level::Error),
        ["endpoint a is out until its entry or its key changes: HTTP 401: bad key"]
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
    let mut run = Run::of(1, &["a"]).begun();
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
    let mut run = Run::of(5, &["a"]).begun();
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
    let mut run = Run::of(3, &["a", "b"]).begun();
    assert!(!run.dispatcher.is_stopping());
    run.tell(Event::Signal(Signal::Terminate));
    let said = run.said(Level::Plain);
    assert_eq!(said.len(), 1);
    assert!(
        said[0].contains("waiting up to 1m 30s for 2 under way, which are paid for"),
        "{said:?}"
    );
    assert!(run.dispatcher.is_stopping());
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

    let mut idle = Run::of(1, &["a"]).begun();
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
    let mut run = Run::of(2, &["a"]).begun();
    run.ends(Ok(()));
    run.goes_on_to_a_comparison(&broke_off());
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
    let mut run = Run::of(3, &["a", "b"]).begun();
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
        why.starts_with("the disk is full; the run stops, nothing is lost")
            // Which may have been a redo.
            && !why.contains("same command"),
        "{why}"
    );
    let orders = run.dispatcher.on(Event::Wake, run.now);
    assert!(orders.is_empty(), "{orders:?}");
}

//! Which item is given to which endpoint, and when.

use std::time::Duration;

use dispatch::{CanvasId, Failure};
use planner::{Block, BlockShape, Item, Status};

use crate::broke_off;
use crate::run::{Drawing, Run};

const fn item_of(handle: u32) -> CanvasId {
    CanvasId::Of(handle)
}

#[test]
fn canvases_are_prepared_for_all_slots_and_a_few_more() {
    let run = Run::at(&[0, 2, 4, 6, 8, 10, 12, 14, 16], &["a", "b"], 2).begun();
    assert_eq!(run.calls.len(), 4);
    // Six at once, and as many again as were called.
    assert_eq!(run.canvases.len(), 9, "{:?}", run.canvases);
    let few = Run::at(&[0, 2, 4, 6, 8, 10, 12, 14, 16], &["a"], 1).begun();
    assert_eq!(few.canvases.len(), 4, "{:?}", few.canvases);
}

#[test]
fn canvases_of_the_next_step_are_ready_when_it_begins() {
    let item = |id, step| Item {
        id,
        step,
        block: Block::new(BlockShape::OneByOne, 2 * id as i32, 0),
        status: Status::Pending,
    };
    let items = vec![item(1, 1), item(2, 2), item(3, 2)];
    let run = Run::with(items, &["a"], 1, None).begun();
    assert_eq!(run.called(), [(item_of(0), 0)]);
    assert_eq!(run.canvases, [item_of(0), item_of(1), item_of(2)]);
}

#[test]
fn with_all_that_is_asked_for_in_doubt_another_item_is_compared_with() {
    let item = |n: i32| Item {
        id: i64::from(n) + 1,
        step: 3,
        block: Block::new(BlockShape::OneByOne, 2 * n, 0),
        status: Status::Pending,
    };
    let mut run = Run::with((0..3).map(item).collect(), &["a"], 1, Some(1)).begun();
    let compared = run.goes_on_to_a_comparison(&broke_off());
    assert_eq!(compared, CanvasId::Comparison(1), "it was not asked for");
}

#[test]
fn nothing_overtakes_an_item_whose_canvas_is_still_to_come() {
    // The second touches the first, and has no canvas before that is saved.
    let mut run = Run::at(&[0, 1, 3, 5, 7, 9], &["a"], 1);
    run.saves_slowly = true;
    let mut run = run.begun();
    run.ends(Ok(()));
    assert_eq!(run.called(), [(item_of(2), 0)], "while the first is saved");
    run.ends(Ok(()));
    assert_eq!(run.called(), [], "two are being saved, twice the slots");
    run.saves();
    assert_eq!(run.called(), [(item_of(1), 0)]);
}

#[test]
fn an_item_that_was_badly_answered_waits_for_another_endpoint_that_is_soon_free() {
    let mut run = Run::of(2, &["a", "b"]).begun();
    assert_eq!(run.called(), [(item_of(0), 0), (item_of(1), 1)]);
    run.ends(Err(Failure::bad_answer("half a picture")));
    run.wakes();
    assert_eq!(
        run.called(),
        [(item_of(1), 1)],
        "a is free, and had its try"
    );
    run.ends(Ok(()));
    assert_eq!(run.called(), [(item_of(0), 1)]);
}

#[test]
fn an_endpoint_that_has_just_answered_is_not_asked_whether_it_is_there() {
    let mut run = Run::at(&[0, 2], &["a"], 2);
    run.saves_slowly = true;
    let mut run = run.begun();
    run.ends(Err(broke_off()));
    assert_eq!(run.called(), [(item_of(1), 0)]);
    run.ends(Ok(()));
    assert_eq!((run.called(), run.probes), (vec![(item_of(0), 0)], 0));
}

/// Two items are complete, the first of them last; the third breaks off.
fn with_a_third_that_breaks_off() -> Run {
    let mut run = Run::at(&[0, 2, 4], &["a"], 2).begun();
    run.ends_nth(1, Ok(()));
    run.ends(Ok(()));
    assert_eq!(run.called(), [(item_of(2), 0)]);
    run
}

#[test]
fn what_an_endpoint_answered_last_is_compared_with_and_what_it_did_not_answer_is_not() {
    let mut run = with_a_third_that_breaks_off();
    let first = run.goes_on_to_a_comparison(&broke_off());
    assert_eq!(first, CanvasId::Comparison(0));
    let compared = run.now;
    run.ends(Err(broke_off()));
    let second = run.goes_on_to_a_comparison(&broke_off());
    assert_eq!(second, CanvasId::Comparison(1), "the other one was not");
    assert!(run.now >= compared + Duration::from_secs(600));
}

#[test]
fn a_comparison_that_cannot_be_drawn_is_not_called() {
    let mut run = with_a_third_that_breaks_off();
    run.draws_comparisons = Drawing::Badly;
    let until = run.now + Duration::from_secs(500);
    while run.now < until {
        match run.calls.is_empty() {
            true => run.wakes(),
            false => run.ends(Err(broke_off())),
        }
        let is_of_an_item = |(canvas, _)| matches!(canvas, CanvasId::Of(_));
        assert!(run.called().into_iter().all(is_of_an_item));
    }
    assert!(run.canvases.contains(&CanvasId::Comparison(0)));
    assert_eq!(run.dispatcher.tally().comparisons, 0);
}

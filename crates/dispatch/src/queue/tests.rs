use planner::{Block, BlockShape, Quadrant, Region, plan};

use super::*;

fn queue(width: i32, height: i32) -> Queue {
    let region = Region::from_quadrants(
        (0..height).flat_map(|y| (0..width).map(move |x| Quadrant::new(x, y))),
    );
    let items = (1..)
        .zip(plan(&region).blocks)
        .map(|(id, block)| Item {
            id,
            step: block.shape.step(),
            block,
            status: Status::Pending,
        })
        .collect();
    Queue::of(items)
}

/// The queue of a part of a 9 x 9 map.
fn part(xs: std::ops::Range<i32>, ys: std::ops::Range<i32>) -> (Queue, Pilot) {
    let asked = ys.flat_map(|y| xs.clone().map(move |x| Quadrant::new(x, y)));
    let items = queue(9, 9).items().to_vec();
    let pilot = Pilot::of(&items, &asked.collect());
    (Queue::of_pilot(items, &pilot), pilot)
}

fn run_all(queue: &mut Queue, fails: impl Fn(Handle) -> bool) -> Vec<Handle> {
    let mut order = Vec::new();
    loop {
        let Some(next) = queue.ready().next() else {
            return order;
        };
        queue.take(next);
        assert!(
            queue.upcoming().all(|handle| handle != next),
            "it was taken"
        );
        order.push(next);
        if fails(next) {
            queue.fail(next);
        } else {
            queue.complete(next);
        }
    }
}

#[test]
fn everything_runs_in_the_order_of_the_plan() {
    let mut queue = queue(9, 9);
    let order = run_all(&mut queue, |_| false);
    assert_eq!(order, (0..queue.items().len() as u32).collect::<Vec<_>>());
    assert_eq!(queue.current_step(), None);
}

#[test]
fn a_failed_item_holds_back_what_touches_it_and_nothing_else() {
    let mut queue = queue(9, 9);
    let order = run_all(&mut queue, |handle| handle == 4);
    // The middle 2x2 of nine touches two upright and two lying strips, and each of these
    // touches corners.
    let waiting: Vec<_> = (0..queue.items().len() as u32)
        .filter(|&h| queue.is_held_back(h))
        .collect();
    assert_eq!(order.len() + waiting.len(), queue.items().len());
    assert!(!waiting.is_empty());
    for &handle in &waiting {
        let behind_failed = queue
            .adjacency()
            .predecessors(handle as usize)
            .iter()
            .any(|&before| before == 4 || queue.is_held_back(before));
        assert!(
            behind_failed,
            "{} waits for nothing",
            queue.item(handle).block
        );
    }
    assert_eq!(
        queue.current_step(),
        None,
        "the run ends although items wait"
    );
}

#[test]
fn a_step_starts_when_the_one_before_has_nothing_under_way() {
    let mut queue = queue(9, 9);
    let first: Vec<_> = queue.ready().collect();
    assert_eq!(first.len(), 9, "all of step 1");
    for &handle in &first {
        queue.take(handle);
    }
    for &handle in &first[1..] {
        queue.complete(handle);
    }
    assert_eq!(queue.ready().count(), 0, "one of step 1 is under way");
    queue.put_back(first[0]);
    assert_eq!(queue.ready().collect::<Vec<_>>(), [first[0]]);
    queue.take(first[0]);
    queue.complete(first[0]);
    assert_eq!(queue.current_step(), Some(2));
}

/// The items of a 9 x 9 map by where their blocks begin.
fn at(queue: &Queue, x: i32, y: i32) -> Handle {
    let mut items = (0..).zip(queue.items());
    let found = items.find(|(_, item)| item.block.top_left == Quadrant::new(x, y));
    found.expect("a block").0
}

fn complete(queue: &mut Queue, x: i32, y: i32) {
    let handle = at(queue, x, y);
    queue.take(handle);
    queue.complete(handle);
}

#[test]
fn in_the_eager_order_an_item_starts_when_what_touches_it_is_complete() {
    let mut queue = queue(9, 9).starting(Turn::AfterTouching);
    let strip = at(&queue, 2, 0);
    complete(&mut queue, 0, 0);
    assert!(!queue.is_ready(strip));
    complete(&mut queue, 3, 0);
    assert!(queue.is_ready(strip) && queue.current_step() == Some(1));
    assert_eq!(
        queue.ready().next(),
        Some(at(&queue, 6, 0)),
        "lower steps first"
    );
    assert_eq!(queue.left(), queue.items().len() - 2, "all are waited for");
}

#[test]
fn where_surroundings_show_it_waits_for_what_is_at_its_corners_too() {
    // AA...
    // AAc..
    // ..c..
    // ...BB   and one that is far away
    // ...BB
    let blocks = [
        Block::new(BlockShape::TwoByTwo, 0, 0),
        Block::new(BlockShape::TwoByTwo, 3, 3),
        Block::new(BlockShape::TwoByTwo, 8, 0),
        Block::new(BlockShape::OneByTwo, 2, 1),
    ];
    let item = |(id, &block): (i64, &Block)| Item {
        id,
        step: block.shape.step(),
        block,
        status: Status::Pending,
    };
    let items: Vec<Item> = (1..).zip(&blocks).map(item).collect();
    let queue = |turn| Queue::of(items.clone()).starting(turn);
    let mut touching = queue(Turn::AfterTouching);
    complete(&mut touching, 0, 0);
    assert!(touching.is_ready(3));
    let mut surrounding = queue(Turn::AfterSurrounding);
    complete(&mut surrounding, 0, 0);
    assert!(!surrounding.is_ready(3));
    complete(&mut surrounding, 3, 3);
    assert!(surrounding.is_ready(3));
    let mut failing = queue(Turn::AfterSurrounding);
    failing.take(1);
    failing.fail(1);
    let mut items = items.clone();
    items[1].status = Status::Error;
    let failed = Queue::of(items).starting(Turn::AfterSurrounding);
    for mut queue in [failing, failed] {
        complete(&mut queue, 0, 0);
        assert!(!queue.is_ready(3), "the strict order waits for the step");
        complete(&mut queue, 8, 0);
        assert!(queue.is_ready(3), "it is finished");
    }
}

#[test]
fn in_any_order_the_same_runs_and_no_item_is_left() {
    for turn in [
        Turn::AfterSteps,
        Turn::AfterTouching,
        Turn::AfterSurrounding,
    ] {
        let mut queue = queue(14, 11).starting(turn);
        let strict = run_all(&mut queue.clone().starting(Turn::AfterSteps), |h| h == 7);
        // The last of those that are ready.
        let (mut order, mut fails) = (Vec::new(), 0);
        while let Some(next) = queue.ready().last() {
            queue.take(next);
            order.push(next);
            match next == 7 {
                true => queue.fail(next),
                false => queue.complete(next),
            }
            fails += usize::from(next == 7);
        }
        assert_eq!((order.len(), fails), (strict.len(), 1), "{turn:?}");
        assert_eq!(queue.current_step(), None);
        let step = |handle: Handle| queue.item(handle).step;
        let overlaps = order.windows(2).any(|pair| step(pair[0]) > step(pair[1]));
        assert_eq!(overlaps, turn != Turn::AfterSteps, "{turn:?}");
    }
}

#[test]
fn a_plan_that_is_half_done_goes_on_where_it_was() {
    let mut items = queue(9, 9).items().to_vec();
    items[0].status = Status::Complete;
    items[1].status = Status::InProgress;
    items[2].status = Status::Error;
    let queue = Queue::of(items);
    assert_eq!(queue.ready().next(), Some(1));
    assert_eq!(queue.steps()[&1].failed, 1);
    assert!(queue.steps()[&2].held_back > 0);
}

#[test]
fn every_item_is_counted_once_whatever_becomes_of_it() {
    let mut queue = queue(9, 9);
    let totals =
        |queue: &Queue| -> Vec<usize> { queue.steps().values().map(StepCounts::total).collect() };
    let all = totals(&queue);
    assert_eq!(all.iter().sum::<usize>(), queue.items().len());
    let mut number = 0;
    loop {
        let Some(next) = queue.ready().next() else {
            break;
        };
        queue.take(next);
        number += 1;
        match number % 7 {
            0 => queue.fail(next),
            1 => queue.put_back(next),
            _ => queue.complete(next),
        }
        assert_eq!(totals(&queue), all);
    }
}

#[test]
fn a_part_runs_to_its_end_and_nothing_else_does() {
    // The corner at (2, 2), with two strips at its sides and the four 2x2 around.
    let (mut queue, pilot) = part(2..3, 2..3);
    let all = queue.items().len();
    let order = run_all(&mut queue, |_| false);
    let inside = (0..all as u32).filter(|&h| pilot.role(h as usize) != Role::Outside);
    assert_eq!(order, inside.collect::<Vec<_>>());
    assert!((4..all).contains(&order.len()), "{} items", order.len());
    assert_eq!(queue.totals().complete, order.len());
    assert_eq!(queue.outside().pending, all - order.len());
    assert_eq!(queue.upcoming().count(), 0, "nothing is looked forward to");
}

#[test]
fn a_failed_item_is_counted_where_it_holds_back() {
    let (mut queue, _) = part(2..3, 2..3);
    let all = queue.items().len();
    // Of the four 2x2 one at whose other side there is a strip, too.
    run_all(&mut queue, |handle| handle == 1);
    assert!(queue.totals().held_back > 0 && queue.outside().held_back > 0);
    assert_eq!(queue.totals().total() + queue.outside().total(), all);
}

#[test]
fn what_failed_outside_of_a_part_is_no_matter() {
    let (queue, pilot) = part(0..2, 0..2);
    let mut items = queue.items().to_vec();
    items[8].status = Status::Error;
    let mut queue = Queue::of_pilot(items, &pilot);
    assert_eq!(run_all(&mut queue, |_| false), [0]);
    assert_eq!(queue.totals().failed, 0);
    assert_eq!(queue.outside().failed, 1);
}

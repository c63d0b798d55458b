//! What every part of a plan promises that is generated alone.

use std::collections::HashSet;

use planner::{Item, Pilot, Quadrant, Role, Status, plan};
use proptest::prelude::*;

use crate::regions::random;

const STATUSES: [Status; 4] = [
    Status::Pending,
    Status::Pending,
    Status::Complete,
    Status::Error,
];

/// A plan of a random region, with any statuses or with none, and a rectangle of it.
fn parts() -> impl Strategy<Value = (Vec<Item>, HashSet<Quadrant>)> {
    let rectangle = (-10..10, -5..11, 1..9, 1..9);
    let statuses = prop_oneof![
        Just(Vec::new()),
        prop::collection::vec(prop::sample::select(&STATUSES[..]), 1..40),
    ];
    (random(18, 14), rectangle, statuses).prop_map(|(region, (x, y, width, height), statuses)| {
        let statuses = statuses.iter().copied().cycle();
        let mut statuses = statuses.chain(std::iter::repeat(Status::Pending));
        let item = |(id, block): (i64, planner::Block)| Item {
            id,
            step: block.shape.step(),
            block,
            status: statuses.next().unwrap_or(Status::Pending),
        };
        let items = (1..).zip(plan(&region).blocks).map(item).collect();
        let rows = y..y + height;
        let asked = rows.flat_map(|y| (x..x + width).map(move |x| Quadrant::new(x, y)));
        (items, asked.collect())
    })
}

/// The items that touch an item and come before it, by the blocks' own geometry.
fn before(items: &[Item], index: usize) -> impl Iterator<Item = usize> {
    let block = items[index].block;
    (0..index).filter(move |&other| items[other].block.shared_edge(block).is_some())
}

/// Which items are complete when those that may have run, failed ones aside.
fn run(items: &[Item], may_run: impl Fn(usize) -> bool) -> Vec<bool> {
    let mut complete: Vec<bool> = Vec::new();
    for (index, item) in items.iter().enumerate() {
        let runs = item.status == Status::Pending
            && may_run(index)
            && before(items, index).all(|other| complete[other]);
        complete.push(runs || item.status == Status::Complete);
    }
    complete
}

proptest! {
    #[test]
    fn alone_it_comes_as_far_as_with_all_the_rest((items, asked) in parts()) {
        let pilot = Pilot::of(&items, &asked);
        let is_asked = |item: &Item| item.block.quadrants().any(|at| asked.contains(&at));
        let alone = run(&items, |index| pilot.role(index) != Role::Outside);
        let all = run(&items, |_| true);
        for (index, item) in items.iter().enumerate() {
            prop_assert_eq!(pilot.role(index) == Role::Asked, is_asked(item));
            if is_asked(item) {
                prop_assert_eq!(alone[index], all[index], "{}", item.block);
            }
        }
    }

    #[test]
    fn nothing_is_taken_along_that_is_not_needed((items, asked) in parts()) {
        let pilot = Pilot::of(&items, &asked);
        let can_run = run(&items, |_| true);
        let is_open = |index: usize| items[index].status == Status::Pending && can_run[index];
        for index in 0..items.len() {
            if pilot.role(index) != Role::Precedes || !is_open(index) {
                continue;
            }
            // One of the part that can still run may not start before it.
            let waits = (index + 1..items.len()).any(|later| {
                pilot.role(later) != Role::Outside
                    && is_open(later)
                    && before(&items, later).any(|other| other == index)
            });
            prop_assert!(waits, "{} is for nothing", items[index].block);
        }
    }

    #[test]
    fn it_is_the_same_part_after_any_stop((items, asked) in parts(), done in 0..200_usize) {
        let mut items: Vec<Item> = items;
        items.iter_mut().for_each(|item| item.status = Status::Pending);
        let pilot = Pilot::of(&items, &asked);
        let inside = (0..items.len()).filter(|&index| pilot.role(index) != Role::Outside);
        let inside: Vec<usize> = inside.take(done).collect();
        inside.iter().for_each(|&index| items[index].status = Status::Complete);
        prop_assert_eq!(Pilot::of(&items, &asked), pilot);
    }
}

#[test]
fn a_part_of_a_lattice_takes_what_its_rim_joins() {
    let region = crate::regions::rectangle(0, 0, 310, 310);
    let items = (1..).zip(plan(&region).blocks).map(|(id, block)| Item {
        id,
        step: block.shape.step(),
        block,
        status: Status::Pending,
    });
    let items: Vec<Item> = items.collect();
    let all = region.quadrants().iter().copied().collect();
    assert_eq!(Pilot::of(&items, &all).count(Role::Asked), items.len());
    let asked = (150..156).flat_map(|y| (150..156).map(move |x| Quadrant::new(x, y)));
    let pilot = Pilot::of(&items, &asked.collect());
    // Of the lattice: four 2x2, two strips each beside and below, a corner each; and what the
    // strips at its right and lower rim have on their other side.
    assert_eq!(pilot.count(Role::Asked), 16);
    assert_eq!(pilot.count(Role::Precedes), 9);
}

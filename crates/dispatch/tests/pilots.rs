//! What canvases show where a part of a plan runs alone, and in the run after it.

use std::collections::{BTreeMap, HashSet};

use dispatch::{Handle, Queue, Surroundings};
use planner::{Item, Pilot, Quadrant, Region, Status, plan};

/// A map with holes and a ragged rim.
fn items() -> Vec<Item> {
    let all = (0..12).flat_map(|y| (0..15).map(move |x| Quadrant::new(x, y)));
    let region = Region::from_quadrants(all.filter(|q| (q.x * 7 + q.y * 5) % 13 != 0));
    let item = |(id, block): (i64, planner::Block)| Item {
        id,
        step: block.shape.step(),
        block,
        status: Status::Pending,
    };
    (1..).zip(plan(&region).blocks).map(item).collect()
}

fn part(x: i32, y: i32) -> HashSet<Quadrant> {
    let rows = y..y + 6;
    rows.flat_map(|y| (x..x + 6).map(move |x| Quadrant::new(x, y)))
        .collect()
}

/// Runs a queue with so many calls at a time, of which the oldest or the newest ends first; what
/// each canvas shows, and the items as they are then.
fn run(
    mut queue: Queue,
    calls: usize,
    newest_first: bool,
) -> (BTreeMap<Handle, Vec<Quadrant>>, Vec<Item>) {
    let surroundings = Surroundings::of(&queue);
    let (mut shown, mut under_way) = (BTreeMap::new(), Vec::new());
    loop {
        while under_way.len() < calls {
            let next = queue.ready().next();
            let Some(next) = next else { break };
            let finished = surroundings.finished_around(&queue, next);
            shown.insert(next, finished.expect("its turn has come"));
            queue.take(next);
            under_way.push(next);
        }
        match under_way.len() {
            0 => return (shown, queue.items().to_vec()),
            all if newest_first => queue.complete(under_way.remove(all - 1)),
            _ => queue.complete(under_way.remove(0)),
        }
    }
}

#[test]
fn a_pilot_shows_the_same_whatever_ends_first_and_the_rest_what_it_would_without() {
    let (whole, _) = run(Queue::of(items()), 1, false);
    let mut differing = 0;
    for (x, y) in [(0, 0), (4, 3), (5, 5), (9, 1), (9, 6), (-3, 8)] {
        let pilot = Pilot::of(&items(), &part(x, y));
        let queue = || Queue::of_pilot(items(), &pilot);
        let (first, complete) = run(queue(), 1, false);
        for (calls, newest_first) in [(2, true), (3, false), (9, true), (100, true)] {
            let (shown, _) = run(queue(), calls, newest_first);
            assert!(shown == first, "{calls} calls at a time");
        }
        let (rest, complete) = run(Queue::of(complete), 5, true);
        assert!(complete.iter().all(|item| item.status == Status::Complete));
        assert_eq!(first.len() + rest.len(), complete.len(), "each once");
        assert!(rest.iter().all(|(at, shown)| whole[at] == *shown));
        for (at, shown) in &first {
            // Less is shown only of what touches at a corner alone.
            let missing = whole[at].iter().filter(|other| !shown.contains(other));
            let block = complete[*at as usize].block;
            for &other in missing {
                let one = planner::Block::new(planner::BlockShape::OneByOne, other.x, other.y);
                assert_eq!(block.shared_edge(one), None, "{other} beside {block}");
                differing += 1;
            }
            assert!(shown.iter().all(|other| whole[at].contains(other)));
        }
    }
    assert!(differing > 0, "no rim has such a corner");
}

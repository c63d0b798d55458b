//! How long a run takes in the strict and in the eager order, and what is foretold of it.

mod foretold;
mod made_up;

use std::time::Duration;

use dispatch::{Bounds, EndpointLimits, Expected, Queue, Turn, estimate};
use planner::{Block, BlockShape};

use made_up::{ALL, LATENCY, Run, island, of_blocks, square};

#[test]
fn in_the_eager_order_no_endpoint_waits_for_a_step() {
    let (lattice, island) = (square(48), island(60));
    let mut evenly = 0;
    for items in [&lattice, &island] {
        for turn in [Turn::AfterTouching, Turn::AfterSurrounding] {
            for (endpoints, differs) in [(16, 0.0), (16, 0.2), (64, 0.0), (64, 0.2)] {
                let run = Run {
                    items,
                    turn,
                    endpoints,
                    differs,
                    drawing: Duration::from_millis(20),
                };
                let went = run.goes();
                let least = run.least(went.latency);
                // The last calls do not end together, but where all take the same time and go in
                // whole rounds.
                let is_even = differs == 0.0 && items.len().is_multiple_of(endpoints);
                let tail = match is_even {
                    true => Duration::ZERO,
                    false => went.latency,
                };
                evenly += usize::from(is_even);
                assert!(
                    went.took <= least.mul_f64(1.05) + tail,
                    "{endpoints} endpoints, {turn:?}: {:?} of {least:?}",
                    went.took
                );
            }
        }
    }
    assert!(evenly >= 4, "the lattice has 1024 blocks");
}

#[test]
fn canvases_that_others_have_overtaken_are_not_kept() {
    // Squares apart from one another, with four quadrants beside each; of these the plan has those of
    // the last square first.
    let squares = (0..9).map(|n| Block::new(BlockShape::TwoByTwo, 10 * n, 0));
    let beside = (0..9).rev().flat_map(|n| {
        let beside = [(0, -1), (2, 0), (1, 2), (-1, 1)];
        beside.map(|(dx, dy)| Block::new(BlockShape::OneByOne, 10 * n + dx, dy))
    });
    let items = of_blocks(squares.chain(beside));
    let (endpoints, drawing) = (3, Duration::ZERO);
    for turn in ALL {
        let run = Run {
            items: &items,
            turn,
            endpoints,
            differs: 0.5,
            drawing,
        };
        let held = run.goes().held;
        assert!(held <= 2 * (endpoints + 3) + 2 * endpoints, "{held}");
    }
}

#[test]
fn what_eager_saves_is_what_the_estimate_says() {
    let items = island(50);
    for turn in ALL {
        let queue = Queue::of(items.clone()).starting(turn);
        let limits = EndpointLimits {
            name: "a".to_owned(),
            slots: 48,
            adapts: false,
            max_per_minute: None,
            timeout: Duration::from_secs(600),
            price: None,
        };
        let expected = Expected::alike(limits, LATENCY);
        let told = estimate(queue, &[expected], &Bounds::default()).all().takes;
        let run = Run {
            items: &items,
            turn,
            endpoints: 48,
            differs: 0.0,
            drawing: Duration::ZERO,
        };
        assert_eq!(told, run.goes().took, "{turn:?}");
    }
}

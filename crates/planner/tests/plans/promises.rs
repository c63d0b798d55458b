//! What every plan promises, for every region.

use planner::{Block, BlockShape, Quadrant, Region, plan, plan_beside};
use proptest::prelude::*;

use crate::checker::{faults, waves};
use crate::regions::{ragged_disc, random, rectangle};

/// The lattice, written down shape by shape from its definition.
fn lattice(x: i32, y: i32, width: i32, height: i32) -> Vec<Block> {
    let mut blocks = Vec::new();
    let trailing = |d: i32, length: i32| d % 3 == 0 && d + 1 == length;
    for shape in [
        BlockShape::TwoByTwo,
        BlockShape::OneByTwo,
        BlockShape::TwoByOne,
        BlockShape::OneByOne,
    ] {
        for dy in 0..height {
            for dx in 0..width {
                let wide = dx % 3 == 0 && !trailing(dx, width);
                let high = dy % 3 == 0 && !trailing(dy, height);
                let narrow = dx % 3 == 2 || trailing(dx, width);
                let low = dy % 3 == 2 || trailing(dy, height);
                let starts = match shape {
                    BlockShape::TwoByTwo => wide && high,
                    BlockShape::OneByTwo => narrow && high,
                    BlockShape::TwoByOne => wide && low,
                    BlockShape::OneByOne => narrow && low,
                };
                if starts {
                    blocks.push(Block::new(shape, x + dx, y + dy));
                }
            }
        }
    }
    blocks
}

#[test]
fn every_rectangle_up_to_12x12_is_the_lattice_item_for_item() {
    for width in 1..=12 {
        for height in 1..=12 {
            let region = rectangle(-5, 7, width, height);
            let blocks = plan(&region).blocks;
            assert_eq!(blocks, lattice(-5, 7, width, height), "{width}x{height}");
            assert_eq!(faults(&region, &blocks), [""; 0], "{width}x{height}");
        }
    }
}

#[test]
fn a_large_rectangle_is_the_lattice_too() {
    for (width, height) in [(300, 301), (1, 5000), (4999, 2)] {
        let region = rectangle(3, -1000, width, height);
        assert!(
            plan(&region).blocks == lattice(3, -1000, width, height),
            "{width}x{height}"
        );
    }
}

#[test]
fn the_ends_of_the_number_range_are_places_like_any_other() {
    let far = [i32::MIN, -1_000_000_000, 0, 1_000_000_000, i32::MAX - 9];
    let square = |x: i32, y: i32| rectangle(x, y, 10, 10).quadrants().to_vec();
    let cut = |q: &Quadrant| (i64::from(q.x) * 7 + i64::from(q.y) * 3).rem_euclid(11) != 0;
    let region = Region::from_quadrants(
        far.into_iter()
            .flat_map(|x| far.map(|y| square(x, y)))
            .flatten()
            .filter(cut),
    );
    assert_eq!(faults(&region, &plan(&region).blocks), [""; 0]);
    let corner = Region::from_quadrants(
        [
            (i32::MAX, i32::MAX),
            (i32::MIN, i32::MIN),
            (i32::MIN, i32::MAX),
        ]
        .map(|(x, y)| Quadrant::new(x, y)),
    );
    assert_eq!(plan(&corner).blocks.len(), 3);
}

/// A plan in one number, the same on every machine: FNV-1a over its blocks.
fn fingerprint(blocks: &[Block]) -> u64 {
    let numbers = blocks.iter().flat_map(|b| {
        [
            b.shape.width(),
            b.shape.height(),
            b.top_left.x,
            b.top_left.y,
        ]
        .map(i32::to_le_bytes)
    });
    numbers.flatten().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[test]
fn the_plan_is_the_same_on_every_machine_and_in_every_run() {
    // A change of the planner that changes plans changes this number; nothing else may.
    let blocks = plan(&ragged_disc()).blocks;
    assert_eq!(format!("{:016x}", fingerprint(&blocks)), "87e41557f372feab");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_quadrant_is_in_one_block_and_no_seam_forms(region in random(24, 24)) {
        prop_assert_eq!(faults(&region, &plan(&region).blocks), [""; 0]);
    }

    #[test]
    fn what_is_planned_later_joins_what_stands_whatever_of_that_is_finished(
        region in random(24, 24),
        first in random(24, 24),
    ) {
        let (standing, later): (Vec<_>, Vec<_>) =
            region.quadrants().iter().copied().partition(|&quadrant| first.contains(quadrant));
        let standing = plan(&Region::from_quadrants(standing)).blocks;
        let new = plan_beside(&Region::from_quadrants(later), &standing).blocks;
        for (new, old) in new.iter().flat_map(|&new| standing.iter().map(move |&old| (new, old))) {
            if let Some(axis) = new.shared_edge(old) {
                prop_assert!(old.shape.step() <= new.shape.step(), "{new} comes before {old}");
                prop_assert!(new.shape.has_margin(axis), "{new} has no room for {old}");
            }
        }
        let mut all = [standing, new].concat();
        all.sort_by_key(|block| block.shape.step());
        prop_assert_eq!(faults(&region, &all), [""; 0]);
    }

    #[test]
    fn beside_nothing_the_plan_is_the_usual_one(region in random(24, 24)) {
        prop_assert_eq!(plan_beside(&region, &[]), plan(&region));
    }

    #[test]
    fn few_waves_are_enough(region in random(24, 24)) {
        let [squares, strips, singles] = waves(&plan(&region).blocks);
        prop_assert!(squares <= 1 && strips <= 8 && singles <= 3, "{squares}/{strips}/{singles}");
    }

    #[test]
    fn the_plan_says_itself_how_many_waves_it_takes(region in random(24, 24)) {
        let plan = plan(&region);
        prop_assert_eq!(plan.quality(&region).waves, waves(&plan.blocks));
    }

    #[test]
    fn the_order_in_which_quadrants_are_named_does_not_matter(region in random(24, 24), turn in any::<prop::sample::Index>()) {
        let mut named = region.quadrants().to_vec();
        if !named.is_empty() {
            let turn = turn.index(named.len());
            named.rotate_left(turn);
        }
        named.reverse();
        named.extend_from_within(..named.len() / 2);
        prop_assert_eq!(plan(&Region::from_quadrants(named)), plan(&region));
    }

    #[test]
    fn a_region_that_is_moved_gets_the_same_plan(region in random(24, 24), dx in -2_000_000_000..2_000_000_000, dy in -70_i32..70) {
        let moved = |q: Quadrant| Quadrant::new(q.x + dx, q.y + dy);
        let expected: Vec<Block> = plan(&region)
            .blocks
            .into_iter()
            .map(|b| Block { shape: b.shape, top_left: moved(b.top_left) })
            .collect();
        let region = Region::from_quadrants(region.quadrants().iter().map(|&q| moved(q)));
        prop_assert_eq!(plan(&region).blocks, expected);
    }
}

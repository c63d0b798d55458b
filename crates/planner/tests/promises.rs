//! What every plan promises, for every region.

mod checker;

use checker::{faults, waves};
use planner::{Quadrant, Region, plan};
use proptest::prelude::*;

/// A region drawn cell by cell, with holes, islands and diagonals as they come.
fn regions() -> impl Strategy<Value = Region> {
    (1..28_i32, 1..28_i32, 1..=10_u32, any::<u64>()).prop_map(|(width, height, tenths, seed)| {
        let mut state = seed;
        let mut draw = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u32 % 10
        };
        Region::from_quadrants(
            (0..height)
                .flat_map(|y| (0..width).map(move |x| Quadrant::new(x - 9, y - 4)))
                .filter(|_| draw() < tenths),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_quadrant_is_in_one_block_and_no_seam_forms(region in regions()) {
        prop_assert_eq!(faults(&region, &plan(&region).blocks), Vec::<String>::new());
    }

    #[test]
    fn few_waves_are_enough(region in regions()) {
        let [squares, strips, singles] = waves(&plan(&region).blocks);
        prop_assert!(squares <= 1 && strips <= 8 && singles <= 3, "{squares}/{strips}/{singles}");
    }
}

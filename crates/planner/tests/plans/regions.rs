//! Regions to plan.

use planner::{Quadrant, Region};
use proptest::prelude::*;

/// A rectangle of quadrants from `(x, y)`.
pub(crate) fn rectangle(x: i32, y: i32, width: i32, height: i32) -> Region {
    Region::from_quadrants(
        (0..height).flat_map(|dy| (0..width).map(move |dx| Quadrant::new(x + dx, y + dy))),
    )
}

/// The quadrants of several regions.
pub(crate) fn union(regions: impl IntoIterator<Item = Region>) -> Region {
    Region::from_quadrants(regions.into_iter().flat_map(|r| r.quadrants().to_vec()))
}

/// A disc of 45 quadrants across in which about every tenth quadrant is missing.
pub(crate) fn ragged_disc() -> Region {
    let mut draw = draws(2024);
    let all = rectangle(0, 0, 45, 45);
    let disc = |q: &Quadrant| (q.x - 22).pow(2) + (q.y - 22).pow(2) < 23 * 23;
    Region::from_quadrants(
        all.quadrants()
            .iter()
            .copied()
            .filter(disc)
            .filter(|_| !draw().is_multiple_of(10)),
    )
}

/// Regions up to `width` x `height` drawn quadrant by quadrant, from a few crumbs to nearly full:
/// with holes, islands and diagonals as they come.
pub(crate) fn random(width: i32, height: i32) -> impl Strategy<Value = Region> {
    (1..=width, 1..=height, 1..=20_u64, any::<u64>()).prop_map(|(width, height, share, seed)| {
        let mut draw = draws(seed);
        let all = rectangle(-9, -4, width, height);
        Region::from_quadrants(
            all.quadrants()
                .iter()
                .copied()
                .filter(|_| draw() % 20 < share),
        )
    })
}

/// Numbers without pattern: a linear congruence, whose upper bits are good enough.
fn draws(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    }
}

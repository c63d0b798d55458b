//! Numbers that look random and are the same for a place each time.

/// A number for a place.
pub(crate) fn hash(x: u32, y: u32, seed: u32) -> u32 {
    let mut mixed = x
        .wrapping_mul(0x9e37_79b1)
        .wrapping_add(y.wrapping_mul(0x85eb_ca77))
        .wrapping_add(seed.wrapping_mul(0xc2b2_ae3d));
    mixed ^= mixed >> 15;
    mixed = mixed.wrapping_mul(0x2c1b_3c6d);
    mixed ^= mixed >> 12;
    mixed = mixed.wrapping_mul(0x297a_2d39);
    mixed ^ (mixed >> 15)
}

/// Noise between 0 and 1 whose bumps are `size_px` large.
pub(crate) fn smooth(x: u32, y: u32, size_px: u32, seed: u32) -> f32 {
    let (column, row) = (x / size_px, y / size_px);
    let ease = |at: u32| {
        let t = (at % size_px) as f32 / size_px as f32;
        t * t * (3.0 - 2.0 * t)
    };
    let (right, down) = (ease(x), ease(y));
    let at = |dx: u32, dy: u32| (hash(column + dx, row + dy, seed) % 1024) as f32 / 1023.0;
    let upper = at(0, 0) + (at(1, 0) - at(0, 0)) * right;
    let lower = at(0, 1) + (at(1, 1) - at(0, 1)) * right;
    upper + (lower - upper) * down
}

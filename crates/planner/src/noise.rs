//! Numbers that look random and are the same everywhere.

/// A stream of numbers without pattern, set by its seed alone.
///
/// Windows with several best solutions take another one each time, which lets the search drift;
/// the same region still gets the same plan on every machine.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Noise(pub(crate) u32);

impl Noise {
    /// The number at place `n` of the stream, below `limit`: the finaliser of SplitMix64.
    pub(crate) fn below(self, limit: i32, n: u32) -> i32 {
        let mut z = (u64::from(self.0) << 32 | u64::from(n)).wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        // The upper 31 bits: the best mixed ones, and they fit.
        (z >> 33) as i32 % limit
    }
}

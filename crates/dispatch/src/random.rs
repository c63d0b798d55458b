//! A little chance, from a seed: the dispatcher draws nothing from outside.

/// Numbers that look random (xorshift64*, Vigna 2016, <https://doi.org/10.1145/2845077>).
#[derive(Debug, Clone)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn from_seed(seed: u64) -> Self {
        Self(seed | 1)
    }

    /// The next number between 0 and 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1u64 << 53) as f64
    }
}

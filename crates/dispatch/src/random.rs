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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_are_spread_and_follow_from_the_seed() {
        let numbers = |seed| {
            let mut random = Random::from_seed(seed);
            (0..1000).map(|_| random.fraction()).collect::<Vec<_>>()
        };
        let all = numbers(7);
        assert!(all.iter().all(|number| (0.0..1.0).contains(number)));
        for tenth in 0..10 {
            let from = f64::from(tenth) / 10.0;
            let inside = all.iter().filter(|&&n| (from..from + 0.1).contains(&n));
            assert!((50..150).contains(&inside.count()), "{from}");
        }
        assert_eq!(all, numbers(7));
        // The same run has the same rests in the next version too.
        let begin = [0.8202466665411988, 0.9282901565044228, 0.08934959275158794];
        assert_eq!(all[..3], begin);
        assert_ne!(all, numbers(8));
    }
}

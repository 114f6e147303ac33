//! Random numbers from a seed.

/// A stream of random words: `SplitMix64` (Steele, Lea and Flood 2014). The same seed gives the
/// same stream on every machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Random(u64);

impl Random {
    /// A stream.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    /// The next word.
    pub const fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// A number from 0 up to `count`, each as likely as the others to within 2⁻³²; 0 if there is
    /// no choice.
    #[expect(clippy::cast_possible_truncation, reason = "below the count, which is a usize")]
    pub const fn below(&mut self, count: usize) -> usize {
        ((self.word() as u128 * count as u128) >> 64) as usize
    }

    /// A fraction from 0 up to 1.
    #[expect(clippy::cast_precision_loss, reason = "53 bits")]
    pub const fn fraction(&mut self) -> f64 {
        (self.word() >> 11) as f64 / 9_007_199_254_740_992.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_below() {
        let mut random = Random::seeded(1);
        let mut seen = [0; 7];
        for _ in 0..7_000 {
            seen[random.below(7)] += 1;
            assert!((0.0..1.0).contains(&random.fraction()));
        }
        assert!(seen.iter().all(|count| (850..1_150).contains(count)), "{seen:?}");
        assert_eq!(random.below(0), 0);
    }
}

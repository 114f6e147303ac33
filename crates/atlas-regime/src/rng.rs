//! The random stream of the reference implementation, bit for bit.

const N: usize = 624;
const M: usize = 397;

/// The Mersenne Twister MT19937 with the seeding and doubles of `NumPy`'s legacy `RandomState`.
///
/// Kept because k-means++ starts must equal the reference's for the same seed.
/// Source: Matsumoto and Nishimura 1998, "Mersenne Twister", ACM TOMACS 8(1), initialisation of
/// 2002 (multiplier 1 812 433 253); doubles have 53 random bits from two outputs.
///
/// # Examples
/// ```
/// use atlas_regime::Mt19937;
/// let mut rng = Mt19937::new(0);
/// assert_eq!(rng.next_f64(), 0.548_813_503_927_324_8);
/// ```
#[derive(Debug, Clone)]
pub struct Mt19937 {
    state: Box<[u32; N]>,
    next: usize,
}

impl Mt19937 {
    /// Starts the stream of a 32-bit seed.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        let mut state = Box::new([0_u32; N]);
        let mut word = seed;
        for (index, slot) in (0_u32..).zip(state.iter_mut()) {
            if index > 0 {
                word = 1_812_433_253_u32.wrapping_mul(word ^ (word >> 30)).wrapping_add(index);
            }
            *slot = word;
        }
        Self { state, next: N }
    }

    /// The next 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.next == N {
            self.refill();
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9d2c_5680;
        y ^= (y << 15) & 0xefc6_0000;
        y ^ (y >> 18)
    }

    /// The next uniform number in [0, 1), a multiple of 2⁻⁵³; takes two outputs.
    pub fn next_f64(&mut self) -> f64 {
        let high = f64::from(self.next_u32() >> 5);
        let low = f64::from(self.next_u32() >> 6);
        (high * 67_108_864.0 + low) / 9_007_199_254_740_992.0
    }

    fn refill(&mut self) {
        for i in 0..N {
            let y = (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7fff_ffff);
            let twist = if y & 1 == 0 { 0 } else { 0x9908_b0df };
            self.state[i] = self.state[(i + M) % N] ^ (y >> 1) ^ twist;
        }
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ten_thousandth_output_of_seed_5489_is_the_published_one() {
        let mut rng = Mt19937::new(5489);
        let last = (0..10_000).map(|_| rng.next_u32()).last();
        assert_eq!(last, Some(4_123_659_995));
    }
}

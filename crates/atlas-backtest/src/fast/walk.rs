//! A price path anybody can make again.

/// A driftless random walk of `bars` closes in millionths of a dollar, from $100: each step is a
/// uniform fraction of up to 2 % either way, computed in whole hundredths of a cent from
/// `SplitMix64` (Steele, Lea and Flood 2014), held between $1 and $10 000.
///
/// # Examples
/// ```
/// let walk = atlas_backtest::fast::random_walk(1, 3);
/// assert_eq!(walk, [100_266_200, 101_251_900, 103_159_400]);
/// ```
#[must_use]
pub fn random_walk(seed: u64, bars: usize) -> Vec<i64> {
    let mut state = seed;
    let mut price = 1_000_000_i64;
    let mut step = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^= word >> 31;
        // Twenty-one bits, from −2²⁰ to 2²⁰ − 1.
        i64::from(u32::try_from(word >> 43).unwrap_or(0)) - (1 << 20)
    };
    let next = |_| {
        price = (price + price * step() / (50 << 20)).clamp(10_000, 100_000_000);
        price * 100
    };
    (0..bars).map(next).collect()
}

//! Streaming indicators: state machines that see one value and the past.
//!
//! Every indicator is made once, checked, and then pushed one value (or bar) at a time in constant
//! amortised time, without allocating; its state serializes. [`batch`] runs one over a whole column
//! into a buffer of the caller's, by the same pushes; [`Fill`] (and `fill` of [`Macd`] and
//! [`Bollinger`]) does so into a [`Column`] of plain numbers, in loops made for it, to the same bits.
//!
//! | indicator | first value at push | undefined |
//! | --- | --- | --- |
//! | [`Sma`], [`Wma`], [`StdDev`], [`Bollinger`], [`RollingMax`], [`RollingMin`] | `n` | - |
//! | [`Ema`], [`Wilder`] | `n`, seeded with the mean of the first `n` values | - |
//! | [`ZScore`] | `n` | a window without variation |
//! | [`Roc`] | `n + 1` | - |
//! | [`Rsi`] | `n + 1` | no change at all so far |
//! | [`Macd`] | `slow + signal - 1` | - |
//! | [`RealisedVolatility`] | `n + 1` | - |
//! | [`Correlation`], [`Beta`] | `n` | a window without variation |
//! | [`TrueRange`] | 2 | - |
//! | [`Atr`] | `n + 1` | - |
//! | [`Adx`] | `2n` | as long as nothing moved |
//! | [`Stochastic`] | `k + slow_k + slow_d - 2` | a window whose highest high is its lowest low |
//! | [`Donchian`] | `n` | - |
//! | [`HighDistance`] | `n` | a highest price of zero |
//! | [`Obv`] | 1 | - |
//! | [`Vwap`] | 1 | as long as no share was traded |
//!
//! Undefined is `None`, never zero. A value that is not finite is left out: the push gives `None`
//! and changes nothing. Running sums are compensated, and taken anew when a value leaves a window
//! that dwarfs the rest, so that they do not drift.

mod average;
mod bars;
mod column;
mod fused;
mod high;
mod moments;
mod momentum;
mod pair;
mod range;
mod rolling;
mod sums;

pub use average::{Ema, Sma, Wilder, Wma};
pub use bars::{
    Adx, AdxValue, Donchian, DonchianValue, Obv, Ohlcv, Stochastic, StochasticValue, Vwap,
};
pub use column::{Column, Fill};
pub use high::HighDistance;
pub use moments::{
    Bollinger, BollingerColumns, BollingerValue, RealisedVolatility, StdDev, ZScore,
};
pub use momentum::{Macd, MacdColumns, MacdValue, Roc, Rsi};
pub use pair::{Beta, Correlation};
pub use range::{Atr, Ranges, TrueRange};
pub use rolling::{RollingMax, RollingMin};

use crate::Error;

/// Something that is pushed one value at a time.
pub trait Indicator {
    /// What it is pushed: a price, a pair of values, a bar.
    type Input: Copy;
    /// What it gives.
    type Output;

    /// Takes in the next value; `None` while undefined.
    fn push(&mut self, input: Self::Input) -> Option<Self::Output>;
}

/// Runs an indicator over a column into a buffer, which is cleared first; one entry an input.
///
/// The buffer keeps its allocation, so that one buffer serves many columns.
///
/// # Examples
/// ```
/// use atlas_strategy::indicator::{Sma, batch};
///
/// let mut out = Vec::new();
/// batch(&mut Sma::new(2)?, &[1.0, 2.0, 4.0], &mut out);
/// assert_eq!(out, [None, Some(1.5), Some(3.0)]);
/// # Ok::<(), atlas_strategy::Error>(())
/// ```
pub fn batch<I: Indicator>(
    indicator: &mut I,
    inputs: &[I::Input],
    out: &mut Vec<Option<I::Output>>,
) {
    out.clear();
    out.extend(inputs.iter().map(|input| indicator.push(*input)));
}

/// A window or period that is at least `min`.
pub(crate) fn period(
    owner: &'static str,
    name: &'static str,
    value: usize,
    min: usize,
    rule: &'static str,
) -> Result<usize, Error> {
    if value >= min {
        return Ok(value);
    }
    Err(Error::Parameter { owner, name, value: value.to_string(), rule })
}

/// A window as a divisor.
pub(crate) fn count(window: usize) -> f64 {
    // A window is a buffer in memory, far below 2^52 values.
    #[expect(clippy::cast_precision_loss, reason = "a window is far below 2^52")]
    let count = window as f64;
    count
}

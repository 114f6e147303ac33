//! Indicators of bars: trends, channels, volume.

use serde::{Deserialize, Serialize};

use super::column::Fill;
use super::sums::Double;
use super::{Indicator, RollingMax, RollingMin, Sma, Wilder, count, period};
use crate::Error;

/// One bar, complete.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ohlcv {
    /// First price.
    pub open: f64,
    /// Highest price.
    pub high: f64,
    /// Lowest price.
    pub low: f64,
    /// Last price.
    pub close: f64,
    /// Shares traded.
    pub volume: f64,
}

impl Ohlcv {
    pub(super) fn is_finite(&self) -> bool {
        [self.open, self.high, self.low, self.close, self.volume].iter().all(|x| x.is_finite())
    }

    /// The part of the range, gap included, that a bar covers.
    pub(super) fn true_range(&self, last_close: f64) -> f64 {
        true_range(self.high, self.low, last_close)
    }
}

/// The part of a range, gap to the close before included, that a bar covers.
#[inline]
pub(super) fn true_range(high: f64, low: f64, last_close: f64) -> f64 {
    high.max(last_close) - low.min(last_close)
}

/// Average directional index with the two directional indicators it rests on, each 0 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct AdxValue {
    /// Strength of the trend, whichever way.
    pub adx: f64,
    /// Share of the range that went up.
    pub plus_di: f64,
    /// Share of the range that went down.
    pub minus_di: f64,
}

/// Wilder's directional movement. Movements and ranges are summed over `n - 1` bars and then
/// smoothed; the index is seeded with the mean of its first `n` values and smoothed the same way.
/// Bars without any range leave the movement as it was. Source: Wilder (1978). The field uses 14.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Adx {
    n: f64,
    /// Bars that are only summed up.
    summing: usize,
    last: Option<Ohlcv>,
    plus: f64,
    minus: f64,
    range: f64,
    index: Wilder,
}

impl Adx {
    /// One of period `n`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for `n` below 2.
    pub fn new(n: usize) -> Result<Self, Error> {
        let n = period("ADX", "n", n, 2, "2 or more")?;
        Ok(Self {
            n: count(n),
            summing: n - 1,
            last: None,
            plus: 0.0,
            minus: 0.0,
            range: 0.0,
            index: Wilder::new(n)?,
        })
    }

    /// The movement of one bar: up, down, range.
    fn movement(bar: &Ohlcv, last: &Ohlcv) -> (f64, f64, f64) {
        let (up, down) = (bar.high - last.high, last.low - bar.low);
        let plus = if up > down && up > 0.0 { up } else { 0.0 };
        let minus = if down > up && down > 0.0 { down } else { 0.0 };
        (plus, minus, bar.true_range(last.close))
    }
}

impl Indicator for Adx {
    type Input = Ohlcv;
    type Output = AdxValue;

    fn push(&mut self, bar: Ohlcv) -> Option<AdxValue> {
        if !bar.is_finite() {
            return None;
        }
        let last = self.last.replace(bar)?;
        let (plus, minus, range) = Self::movement(&bar, &last);
        if self.summing > 0 {
            self.summing -= 1;
            self.plus += plus;
            self.minus += minus;
            self.range += range;
            return None;
        }
        self.plus += plus - self.plus / self.n;
        self.minus += minus - self.minus / self.n;
        self.range += range - self.range / self.n;
        if self.range <= 0.0 {
            return None;
        }
        let plus_di = 100.0 * self.plus / self.range;
        let minus_di = 100.0 * self.minus / self.range;
        let moved = plus_di + minus_di;
        if moved <= 0.0 {
            return None;
        }
        let adx = self.index.push(100.0 * (plus_di - minus_di).abs() / moved)?;
        Some(AdxValue { adx, plus_di, minus_di })
    }
}

/// Where the close lies in the range of late.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct StochasticValue {
    /// Smoothed position in the range, 0 to 100.
    pub slow_k: f64,
    /// Its own mean.
    pub slow_d: f64,
}

/// Slow stochastic oscillator: 100 × (close − lowest) / (highest − lowest) over `k` bars, its mean
/// over `slow_k`, and the mean of that over `slow_d`. A window without a range gives no value and
/// does not enter the means. The field uses 14, 3, 3.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stochastic {
    high: RollingMax,
    low: RollingMin,
    slow_k: Sma,
    slow_d: Sma,
}

impl Stochastic {
    /// One of three windows.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a window of 0.
    pub fn new(k: usize, slow_k: usize, slow_d: usize) -> Result<Self, Error> {
        Ok(Self {
            high: RollingMax::new(k)?,
            low: RollingMin::new(k)?,
            slow_k: Sma::new(slow_k)?,
            slow_d: Sma::new(slow_d)?,
        })
    }
}

impl Indicator for Stochastic {
    type Input = Ohlcv;
    type Output = StochasticValue;

    fn push(&mut self, bar: Ohlcv) -> Option<StochasticValue> {
        if !bar.is_finite() {
            return None;
        }
        let (high, low) = (self.high.push(bar.high), self.low.push(bar.low));
        let (high, low) = (high?, low?);
        if high <= low {
            return None;
        }
        let slow_k = self.slow_k.push(100.0 * (bar.close - low) / (high - low))?;
        let slow_d = self.slow_d.push(slow_k)?;
        Some(StochasticValue { slow_k, slow_d })
    }
}

/// The channel of the last bars.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct DonchianValue {
    /// Highest high.
    pub upper: f64,
    /// Mean of the two.
    pub middle: f64,
    /// Lowest low.
    pub lower: f64,
}

/// Donchian channel: highest high and lowest low of the last `n` bars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Donchian {
    high: RollingMax,
    low: RollingMin,
}

impl Donchian {
    /// One over `n` bars.
    ///
    /// # Errors
    /// [`Error::Parameter`] for `n` = 0.
    pub fn new(n: usize) -> Result<Self, Error> {
        Ok(Self { high: RollingMax::new(n)?, low: RollingMin::new(n)? })
    }
}

impl Indicator for Donchian {
    type Input = Ohlcv;
    type Output = DonchianValue;

    fn push(&mut self, bar: Ohlcv) -> Option<DonchianValue> {
        if !bar.is_finite() {
            return None;
        }
        let (upper, lower) = (self.high.push(bar.high), self.low.push(bar.low));
        let (upper, lower) = (upper?, lower?);
        Some(DonchianValue { upper, middle: f64::midpoint(upper, lower), lower })
    }
}

/// On-balance volume: volume added on a higher close, taken away on a lower one, starting at the
/// first bar's volume.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Obv {
    last: Option<f64>,
    sum: Double,
}

impl Indicator for Obv {
    type Input = Ohlcv;
    type Output = f64;

    fn push(&mut self, bar: Ohlcv) -> Option<f64> {
        if !bar.is_finite() {
            return None;
        }
        match self.last.replace(bar.close) {
            None => self.sum = Double::ZERO.plus(bar.volume),
            Some(last) if bar.close > last => self.sum = self.sum.plus(bar.volume),
            Some(last) if bar.close < last => self.sum = self.sum.plus(-bar.volume),
            Some(_) => {}
        }
        Some(self.sum.value())
    }
}

impl Fill for Obv {}

/// Volume-weighted average of the typical price (high + low + close) / 3 since the last reset, which
/// belongs at the start of each session; undefined as long as no share was traded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Vwap {
    traded: Double,
    volume: Double,
}

impl Vwap {
    /// Starts a new session.
    pub const fn reset(&mut self) {
        (self.traded, self.volume) = (Double::ZERO, Double::ZERO);
    }
}

impl Indicator for Vwap {
    type Input = Ohlcv;
    type Output = f64;

    fn push(&mut self, bar: Ohlcv) -> Option<f64> {
        if !bar.is_finite() {
            return None;
        }
        let typical = (bar.high + bar.low + bar.close) / 3.0;
        self.traded = self.traded.plus(typical * bar.volume);
        self.volume = self.volume.plus(bar.volume);
        let volume = self.volume.value();
        (volume > 0.0).then(|| self.traded.value() / volume)
    }
}

impl Fill for Vwap {}

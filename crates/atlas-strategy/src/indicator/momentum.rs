//! Indicators of pace: rate of change, RSI, MACD.

use serde::{Deserialize, Serialize};

use super::column::{BLOCK, Column, Fill, in_blocks};
use super::sums::Ring;
use super::{Ema, Indicator, Wilder, period};
use crate::Error;

/// Rate of change: the newest value over the one `n` before it, minus one, in per cent; a value of
/// zero `n` before leaves it undefined.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Roc {
    ring: Ring<f64>,
}

impl Roc {
    /// One over `n` changes.
    ///
    /// # Errors
    /// [`Error::Parameter`] for `n` = 0.
    pub fn new(n: usize) -> Result<Self, Error> {
        Ok(Self { ring: Ring::new(period("ROC", "n", n, 1, "1 or more")?) })
    }
}

impl Indicator for Roc {
    type Input = f64;
    type Output = f64;

    fn push(&mut self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        let old = self.ring.push(value)?;
        let change = (value / old - 1.0) * 100.0;
        change.is_finite().then_some(change)
    }
}

impl Fill for Roc {}

/// Relative strength index: 100 × gains / (gains + losses), both by Wilder's smoothing; undefined
/// as long as nothing has changed at all. Source: Wilder (1978). The field uses 14.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rsi {
    gains: Wilder,
    losses: Wilder,
    last: Option<f64>,
}

impl Rsi {
    /// One of period `n`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for `n` = 0.
    pub fn new(n: usize) -> Result<Self, Error> {
        Ok(Self { gains: Wilder::new(n)?, losses: Wilder::new(n)?, last: None })
    }
}

impl Indicator for Rsi {
    type Input = f64;
    type Output = f64;

    fn push(&mut self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        let change = value - self.last.replace(value)?;
        let (gain, loss) = (self.gains.push(change.max(0.0)), self.losses.push((-change).max(0.0)));
        let (gain, loss) = (gain?, loss?);
        let moved = gain + loss;
        (moved > 0.0).then(|| 100.0 * gain / moved)
    }
}

impl Fill for Rsi {
    fn fill(&mut self, inputs: &[f64], out: &mut Column) {
        out.restart(inputs.len());
        let warm = self.gains.0.seeding() + 1;
        let mut state = (self, out);
        in_blocks(
            &mut state,
            inputs,
            warm,
            |(rsi, out), value| out.put(rsi.push(value)),
            |(rsi, out), before, new| {
                let Some(mut last) = before.last().copied() else { return false };
                let (mut gains, mut losses) = (rsi.gains.0.clone(), rsi.losses.0.clone());
                out.put_all(new.iter().map(|value| {
                    let change = value - last;
                    last = *value;
                    let (gain, loss) =
                        (gains.step(change.max(0.0)), losses.step((-change).max(0.0)));
                    // Zero over zero, as long as nothing moved, is the NaN of an undefined result.
                    100.0 * gain / (gain + loss)
                }));
                rsi.last = Some(last);
                (rsi.gains.0, rsi.losses.0) = (gains, losses);
                true
            },
        );
    }
}

/// Moving average convergence divergence at one value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MacdValue {
    /// Fast average minus slow average.
    pub macd: f64,
    /// Its own average.
    pub signal: f64,
    /// Macd minus signal.
    pub histogram: f64,
}

/// MACD: the difference of two exponential averages and the average of that; each seeded with the
/// mean of its own first values. The field uses 12, 26, 9.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Macd {
    fast: Ema,
    slow: Ema,
    signal: Ema,
}

impl Macd {
    /// One of three periods.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a period of 0 or a fast one that is not below the slow one.
    pub fn new(fast: usize, slow: usize, signal: usize) -> Result<Self, Error> {
        period("MACD", "slow", slow, fast.saturating_add(1), "above the fast period")?;
        Ok(Self { fast: Ema::new(fast)?, slow: Ema::new(slow)?, signal: Ema::new(signal)? })
    }
}

impl Indicator for Macd {
    type Input = f64;
    type Output = MacdValue;

    fn push(&mut self, value: f64) -> Option<MacdValue> {
        let fast = self.fast.push(value);
        let slow = self.slow.push(value)?;
        let macd = fast? - slow;
        let signal = self.signal.push(macd)?;
        Some(MacdValue { macd, signal, histogram: macd - signal })
    }
}

/// MACD over a whole column.
#[derive(Debug, Clone, Default)]
pub struct MacdColumns {
    /// Fast averages minus slow averages.
    pub macd: Column,
    /// Their own averages.
    pub signal: Column,
    /// Macd minus signal.
    pub histogram: Column,
}

impl Macd {
    /// Pushes every value and keeps every result, one a value; the columns are emptied first.
    pub fn fill(&mut self, values: &[f64], out: &mut MacdColumns) {
        for column in [&mut out.macd, &mut out.signal, &mut out.histogram] {
            column.restart(values.len());
        }
        let warm = self.slow.0.seeding() + self.signal.0.seeding();
        let mut state = (self, out);
        let (mut lines, mut signals) = ([0.0; BLOCK], [0.0; BLOCK]);
        in_blocks(
            &mut state,
            values,
            warm,
            |(own, out), value| {
                let found = own.push(value);
                out.macd.put(found.map(|found| found.macd));
                out.signal.put(found.map(|found| found.signal));
                out.histogram.put(found.map(|found| found.histogram));
            },
            |(own, out), _, new| {
                let (mut fast, mut slow) = (own.fast.0.clone(), own.slow.0.clone());
                let mut signal = own.signal.0.clone();
                let (lines, signals) = (&mut lines[..new.len()], &mut signals[..new.len()]);
                for ((value, line), average) in
                    new.iter().zip(lines.iter_mut()).zip(signals.iter_mut())
                {
                    *line = fast.step(*value) - slow.step(*value);
                    *average = signal.step(*line);
                }
                (own.fast.0, own.slow.0, own.signal.0) = (fast, slow, signal);
                out.macd.put_all(lines.iter().copied());
                out.signal.put_all(signals.iter().copied());
                let both = lines.iter().zip(signals.iter());
                out.histogram.put_all(both.map(|(line, average)| line - average));
                true
            },
        );
    }
}

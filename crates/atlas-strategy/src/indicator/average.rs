//! Moving averages.

use serde::{Deserialize, Serialize};

use super::column::{Column, Fill, in_blocks};
use super::fused::{Block, means};
use super::sums::{Double, Ring, dwarfed};
use super::{Indicator, count, period};
use crate::Error;

/// Simple moving average: the mean of the last `n` values.
///
/// # Examples
/// ```
/// use atlas_strategy::indicator::{Indicator, Sma};
///
/// let mut sma = Sma::new(2)?;
/// assert_eq!(sma.push(1.0), None);
/// assert_eq!(sma.push(2.0), Some(1.5));
/// # Ok::<(), atlas_strategy::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sma {
    ring: Ring<f64>,
    sum: Double,
    scale: f64,
}

impl Sma {
    /// One over `n` values.
    ///
    /// # Errors
    /// [`Error::Parameter`] for `n` = 0.
    pub fn new(n: usize) -> Result<Self, Error> {
        let n = period("SMA", "n", n, 1, "1 or more")?;
        Ok(Self { ring: Ring::new(n), sum: Double::ZERO, scale: count(n) })
    }

    /// The sum of the window, with the digits a single number would lose.
    fn add(&mut self, value: f64) -> Option<Double> {
        let Some(old) = self.ring.push(value) else {
            self.sum = self.sum.plus(value);
            return self.ring.is_full().then_some(self.sum);
        };
        self.sum = self.sum.swap(value, old);
        if dwarfed(old, self.sum.value()) {
            self.sum = self.ring.iter().fold(Double::ZERO, Double::plus);
        }
        Some(self.sum)
    }
}

impl Indicator for Sma {
    type Input = f64;
    type Output = f64;

    fn push(&mut self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        self.add(value).map(|sum| sum.value() / self.scale)
    }
}

impl Fill for Sma {
    fn fill(&mut self, inputs: &[f64], out: &mut Column) {
        out.restart(inputs.len());
        let (n, mut block) = (self.ring.window(), Block::new());
        let mut state = (self, out);
        in_blocks(
            &mut state,
            inputs,
            n,
            |(sma, out), value| out.put(sma.push(value)),
            |(sma, out), before, new| {
                let old = &inputs[before.len() - n..];
                let Some(sum) = means(&mut block, sma.sum, sma.scale, new, old) else {
                    return false;
                };
                sma.sum = sum;
                let end = before.len() + new.len();
                sma.ring.replace(&inputs[end - n..end], new.len());
                out.put_all(block.mean[..new.len()].iter().copied());
                true
            },
        );
    }
}

/// Exponential moving average with factor 2 / (n + 1), seeded with the mean of the first `n` values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ema(pub(super) Recursive);

impl Ema {
    /// One of period `n`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for `n` = 0.
    pub fn new(n: usize) -> Result<Self, Error> {
        let n = period("EMA", "n", n, 1, "1 or more")?;
        Ok(Self(Recursive::new(n, 2.0 / (count(n) + 1.0))))
    }
}

impl Indicator for Ema {
    type Input = f64;
    type Output = f64;

    fn push(&mut self, value: f64) -> Option<f64> {
        self.0.push(value)
    }
}

impl Fill for Ema {
    fn fill(&mut self, inputs: &[f64], out: &mut Column) {
        self.0.fill(inputs, out);
    }
}

/// Wilder's smoothing: an exponential moving average with factor 1 / n, seeded with the mean of the
/// first `n` values. Source: J. W. Wilder, "New Concepts in Technical Trading Systems" (1978).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wilder(pub(super) Recursive);

impl Wilder {
    /// One of period `n`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for `n` = 0.
    pub fn new(n: usize) -> Result<Self, Error> {
        let n = period("Wilder's smoothing", "n", n, 1, "1 or more")?;
        Ok(Self(Recursive::new(n, 1.0 / count(n))))
    }
}

impl Indicator for Wilder {
    type Input = f64;
    type Output = f64;

    fn push(&mut self, value: f64) -> Option<f64> {
        self.0.push(value)
    }
}

impl Fill for Wilder {
    fn fill(&mut self, inputs: &[f64], out: &mut Column) {
        self.0.fill(inputs, out);
    }
}

/// y ← y + factor × (x − y), after a mean of the first values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Recursive {
    factor: f64,
    seeding: usize,
    n: f64,
    sum: Double,
    value: f64,
}

impl Recursive {
    fn new(n: usize, factor: f64) -> Self {
        Self { factor, seeding: n, n: count(n), sum: Double::ZERO, value: 0.0 }
    }

    /// Values it still needs before its first result.
    pub(super) const fn seeding(&self) -> usize {
        self.seeding
    }

    /// The next value once seeded.
    #[inline]
    pub(super) fn step(&mut self, value: f64) -> f64 {
        self.value += self.factor * (value - self.value);
        self.value
    }

    fn fill(&mut self, inputs: &[f64], out: &mut Column) {
        out.restart(inputs.len());
        let mut state = (self, out);
        let warm = state.0.seeding;
        in_blocks(
            &mut state,
            inputs,
            warm,
            |(mean, out), value| out.put(mean.push(value)),
            |(mean, out), _, new| {
                // A copy on the stack, which no write to the column can touch.
                let mut own = (**mean).clone();
                out.put_all(new.iter().map(|value| own.step(*value)));
                **mean = own;
                true
            },
        );
    }

    fn push(&mut self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        if self.seeding == 0 {
            return Some(self.step(value));
        }
        self.sum = self.sum.plus(value);
        self.seeding -= 1;
        if self.seeding > 0 {
            return None;
        }
        self.value = self.sum.value() / self.n;
        Some(self.value)
    }
}

/// Weighted moving average: weights `n` for the newest value down to 1 for the oldest.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wma {
    ring: Ring<f64>,
    sum: Double,
    weighted: Double,
    n: f64,
}

impl Wma {
    /// One over `n` values.
    ///
    /// # Errors
    /// [`Error::Parameter`] for `n` = 0.
    pub fn new(n: usize) -> Result<Self, Error> {
        let n = period("WMA", "n", n, 1, "1 or more")?;
        let ring = Ring::new(n);
        Ok(Self { ring, sum: Double::ZERO, weighted: Double::ZERO, n: count(n) })
    }

    /// Takes both sums anew.
    fn refresh(&mut self) {
        let (mut sum, mut weighted, mut weight) = (Double::ZERO, Double::ZERO, 0.0);
        for value in self.ring.iter() {
            weight += 1.0;
            sum = sum.plus(value);
            weighted = weighted.add(Double::product(value, weight));
        }
        (self.sum, self.weighted) = (sum, weighted);
    }
}

impl Indicator for Wma {
    type Input = f64;
    type Output = f64;

    fn push(&mut self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        let full = self.ring.is_full();
        let Some(old) = self.ring.push(value) else {
            // Still filling: the newest value has the largest weight so far.
            let last = self.ring.is_full() && !full;
            self.refresh_if(last);
            return last.then(|| self.mean());
        };
        // Every weight falls by one, the oldest out of the window.
        self.weighted = self.weighted.sub(self.sum).add(Double::product(value, self.n));
        self.sum = self.sum.swap(value, old);
        self.refresh_if(dwarfed(old, self.sum.value()));
        Some(self.mean())
    }
}

impl Fill for Wma {}

impl Wma {
    fn refresh_if(&mut self, needed: bool) {
        if needed {
            self.refresh();
        }
    }

    fn mean(&self) -> f64 {
        self.weighted.value() / (self.n * (self.n + 1.0) / 2.0)
    }
}

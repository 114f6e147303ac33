//! Moving averages.

use serde::{Deserialize, Serialize};

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
    pub(super) fn add(&mut self, value: f64) -> Option<Double> {
        self.sum = self.sum.plus(value);
        if let Some(old) = self.ring.push(value) {
            self.sum = self.sum.plus(-old);
            if dwarfed(old, self.sum.value()) {
                self.sum = self.ring.iter().fold(Double::ZERO, Double::plus);
            }
        }
        self.ring.is_full().then_some(self.sum)
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

/// Exponential moving average with factor 2 / (n + 1), seeded with the mean of the first `n` values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ema(Recursive);

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

/// Wilder's smoothing: an exponential moving average with factor 1 / n, seeded with the mean of the
/// first `n` values. Source: J. W. Wilder, "New Concepts in Technical Trading Systems" (1978).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Wilder(Recursive);

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

/// y ← y + factor × (x − y), after a mean of the first values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Recursive {
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

    fn push(&mut self, value: f64) -> Option<f64> {
        if !value.is_finite() {
            return None;
        }
        if self.seeding == 0 {
            self.value += self.factor * (value - self.value);
            return Some(self.value);
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
        self.sum = self.sum.plus(value).plus(-old);
        self.refresh_if(dwarfed(old, self.sum.value()));
        Some(self.mean())
    }
}

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

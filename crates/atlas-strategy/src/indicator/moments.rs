//! Indicators of spread: standard deviation, Bollinger bands, z-score, realised volatility.

use serde::{Deserialize, Serialize};

use super::sums::{Double, Ring, dwarfed};
use super::{Indicator, count, period};
use crate::Error;

/// Mean and variance of a window, from double-length sums of values and squares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Moments {
    ring: Ring<f64>,
    sum: Double,
    squares: Double,
    n: f64,
}

impl Moments {
    fn new(owner: &'static str, n: usize, min: usize, rule: &'static str) -> Result<Self, Error> {
        let n = period(owner, "n", n, min, rule)?;
        let ring = Ring::new(n);
        Ok(Self { ring, sum: Double::ZERO, squares: Double::ZERO, n: count(n) })
    }

    /// Mean and sum of squared deviations of the window.
    fn push(&mut self, value: f64) -> Option<(f64, f64)> {
        if !value.is_finite() {
            return None;
        }
        self.sum = self.sum.plus(value);
        self.squares = self.squares.add(Double::product(value, value));
        if let Some(old) = self.ring.push(value) {
            let square = Double::product(old, old);
            self.sum = self.sum.plus(-old);
            self.squares = self.squares.sub(square);
            if dwarfed(square.value(), self.squares.value()) {
                let values = self.ring.iter();
                let zero = (Double::ZERO, Double::ZERO);
                (self.sum, self.squares) = values.fold(zero, |(sum, squares), value| {
                    (sum.plus(value), squares.add(Double::product(value, value)))
                });
            }
        }
        if !self.ring.is_full() {
            return None;
        }
        // n Σx² − (Σx)², in double length: what is left of it is the variation.
        let scaled = self.squares.times(self.n).sub(self.sum.mul(self.sum)).value();
        Some((self.sum.value() / self.n, (scaled / self.n).max(0.0)))
    }
}

/// Population standard deviation of the last `n` values (divisor `n`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StdDev(Moments);

impl StdDev {
    /// One over `n` values.
    ///
    /// # Errors
    /// [`Error::Parameter`] for `n` below 2.
    pub fn new(n: usize) -> Result<Self, Error> {
        Moments::new("standard deviation", n, 2, "2 or more").map(Self)
    }
}

impl Indicator for StdDev {
    type Input = f64;
    type Output = f64;

    fn push(&mut self, value: f64) -> Option<f64> {
        let (_, deviations) = self.0.push(value)?;
        Some((deviations / self.0.n).sqrt())
    }
}

/// Bands around a simple moving average.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BollingerValue {
    /// Mean plus width.
    pub upper: f64,
    /// Mean.
    pub middle: f64,
    /// Mean minus width.
    pub lower: f64,
}

/// Bollinger bands: the mean of the last `n` values, and `width` population standard deviations
/// above and below it. The field uses 20 and 2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bollinger {
    moments: Moments,
    width: f64,
}

impl Bollinger {
    /// One over `n` values.
    ///
    /// # Errors
    /// [`Error::Parameter`] for `n` below 2 or a width that is not finite and above 0.
    pub fn new(n: usize, width: f64) -> Result<Self, Error> {
        let moments = Moments::new("Bollinger bands", n, 2, "2 or more")?;
        if !(width.is_finite() && width > 0.0) {
            return Err(Error::Parameter {
                owner: "Bollinger bands",
                name: "width",
                value: width.to_string(),
                rule: "finite and above 0",
            });
        }
        Ok(Self { moments, width })
    }
}

impl Indicator for Bollinger {
    type Input = f64;
    type Output = BollingerValue;

    fn push(&mut self, value: f64) -> Option<BollingerValue> {
        let (middle, deviations) = self.moments.push(value)?;
        let width = self.width * (deviations / self.moments.n).sqrt();
        Some(BollingerValue { upper: middle + width, middle, lower: middle - width })
    }
}

/// How many population standard deviations the newest value lies above the mean of the last `n`;
/// undefined where they are all alike.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ZScore(Moments);

impl ZScore {
    /// One over `n` values.
    ///
    /// # Errors
    /// [`Error::Parameter`] for `n` below 2.
    pub fn new(n: usize) -> Result<Self, Error> {
        Moments::new("z-score", n, 2, "2 or more").map(Self)
    }
}

impl Indicator for ZScore {
    type Input = f64;
    type Output = f64;

    fn push(&mut self, value: f64) -> Option<f64> {
        let (mean, deviations) = self.0.push(value)?;
        let deviation = (deviations / self.0.n).sqrt();
        (deviation > 0.0).then(|| (value - mean) / deviation)
    }
}

/// Annualised volatility of log returns over the last `n` changes of a price: their sample standard
/// deviation (divisor `n - 1`) times √`sessions`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RealisedVolatility {
    moments: Moments,
    last: Option<f64>,
    sessions: f64,
}

impl RealisedVolatility {
    /// One over `n` changes, for a year of `sessions` (252 for stocks, 365 for crypto).
    ///
    /// # Errors
    /// [`Error::Parameter`] for `n` below 2 or sessions that are not finite and above 0.
    pub fn new(n: usize, sessions: f64) -> Result<Self, Error> {
        let moments = Moments::new("realised volatility", n, 2, "2 or more")?;
        if !(sessions.is_finite() && sessions > 0.0) {
            return Err(Error::Parameter {
                owner: "realised volatility",
                name: "sessions",
                value: sessions.to_string(),
                rule: "finite and above 0",
            });
        }
        Ok(Self { moments, last: None, sessions })
    }
}

impl Indicator for RealisedVolatility {
    type Input = f64;
    type Output = f64;

    /// Takes in a price above zero; others are left out.
    fn push(&mut self, price: f64) -> Option<f64> {
        if !(price.is_finite() && price > 0.0) {
            return None;
        }
        let last = self.last.replace(price)?;
        let (_, deviations) = self.moments.push((price / last).ln())?;
        Some((deviations / (self.moments.n - 1.0) * self.sessions).sqrt())
    }
}

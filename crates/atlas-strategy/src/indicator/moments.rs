//! Indicators of spread: standard deviation, Bollinger bands, z-score, realised volatility.

use serde::{Deserialize, Serialize};

use super::column::{Column, Fill, in_blocks};
use super::fused::{Before, Block, moments, root_of};
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

    /// Mean, and root of n² times the variance, of the window.
    fn push(&mut self, value: f64) -> Option<(f64, f64)> {
        if !value.is_finite() {
            return None;
        }
        if let Some(old) = self.ring.push(value) {
            self.sum = self.sum.swap(value, old);
            self.squares = self.squares.shift(Double::squares(value, old));
            if dwarfed(old * old, self.squares.value()) {
                let values = self.ring.iter();
                let zero = (Double::ZERO, Double::ZERO);
                (self.sum, self.squares) = values.fold(zero, |(sum, squares), value| {
                    (sum.plus(value), squares.add(Double::product(value, value)))
                });
            }
        } else {
            self.sum = self.sum.plus(value);
            self.squares = self.squares.add(Double::product(value, value));
            if !self.ring.is_full() {
                return None;
            }
        }
        // n Σx² − (Σx)², in double length: what is left of it is the variation.
        let variation = self.sum.variation(self.squares, self.n);
        Some((self.sum.value() / self.n, root_of(variation)))
    }

    /// Runs over a column: `one` takes in what a push gave, `many` values with their means and roots.
    fn run<S>(
        &mut self,
        inputs: &[f64],
        state: &mut S,
        one: impl Fn(&mut S, f64, Option<(f64, f64)>),
        many: impl Fn(&mut S, &[f64], &[f64], &[f64]),
    ) {
        let (n, mut block) = (self.ring.window(), Block::new());
        let mut both = (self, state);
        in_blocks(
            &mut both,
            inputs,
            n,
            |(own, state), value| one(state, value, own.push(value)),
            |(own, state), before, new| {
                let old = &inputs[before.len() - n..];
                let sums = Before { sum: own.sum, squares: own.squares, n: own.n };
                let Some(sums) = moments(&mut block, sums, new, old) else { return false };
                (own.sum, own.squares) = sums;
                let end = before.len() + new.len();
                own.ring.replace(&inputs[end - n..end], new.len());
                many(state, new, &block.mean[..new.len()], &block.root[..new.len()]);
                true
            },
        );
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
        let (_, root) = self.0.push(value)?;
        Some(root / self.0.n)
    }
}

impl Fill for StdDev {
    fn fill(&mut self, inputs: &[f64], out: &mut Column) {
        out.restart(inputs.len());
        let n = self.0.n;
        self.0.run(
            inputs,
            out,
            |out, _, found| out.put(found.map(|(_, root)| root / n)),
            |out, _, _, roots| out.put_all(roots.iter().map(|root| root / n)),
        );
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
        let (middle, root) = self.moments.push(value)?;
        let width = self.width / self.moments.n * root;
        Some(BollingerValue { upper: middle + width, middle, lower: middle - width })
    }
}

/// The bands of a whole column.
#[derive(Debug, Clone, Default)]
pub struct BollingerColumns {
    /// Means plus widths.
    pub upper: Column,
    /// Means.
    pub middle: Column,
    /// Means minus widths.
    pub lower: Column,
}

impl Bollinger {
    /// Pushes every value and keeps every result, one a value; the columns are emptied first.
    pub fn fill(&mut self, values: &[f64], out: &mut BollingerColumns) {
        for column in [&mut out.upper, &mut out.middle, &mut out.lower] {
            column.restart(values.len());
        }
        let scale = self.width / self.moments.n;
        self.moments.run(
            values,
            out,
            |out, _, found| {
                let width = found.map(|(middle, root)| (middle, scale * root));
                out.upper.put(width.map(|(middle, width)| middle + width));
                out.middle.put(width.map(|(middle, _)| middle));
                out.lower.put(width.map(|(middle, width)| middle - width));
            },
            |out, _, means, roots| {
                let both = || means.iter().zip(roots);
                out.upper.put_all(both().map(|(middle, root)| middle + scale * root));
                out.middle.put_all(means.iter().copied());
                out.lower.put_all(both().map(|(middle, root)| middle - scale * root));
            },
        );
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
        let (mean, root) = self.0.push(value)?;
        let deviation = root / self.0.n;
        (deviation > 0.0).then(|| (value - mean) / deviation)
    }
}

impl Fill for ZScore {
    fn fill(&mut self, inputs: &[f64], out: &mut Column) {
        out.restart(inputs.len());
        let n = self.0.n;
        let score = move |value: f64, mean: f64, root: f64| {
            let deviation = root / n;
            if deviation > 0.0 { (value - mean) / deviation } else { f64::NAN }
        };
        self.0.run(
            inputs,
            out,
            |out, value, found| {
                let score = found.map(|(mean, root)| score(value, mean, root));
                out.put(score);
            },
            |out, values, means, roots| {
                let all = values.iter().zip(means).zip(roots);
                out.put_all(all.map(|((value, mean), root)| score(*value, *mean, *root)));
            },
        );
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
        let (_, root) = self.moments.push((price / last).ln())?;
        let n = self.moments.n;
        Some(root * (self.sessions / (n * (n - 1.0))).sqrt())
    }
}

impl Fill for RealisedVolatility {}

//! Indicators of two series: rolling correlation and beta.

use serde::{Deserialize, Serialize};

use super::column::Fill;
use super::sums::{Double, Ring, dwarfed};
use super::{Indicator, count, period};
use crate::Error;

/// Sums of a window of pairs, in double length.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Pairs {
    ring: Ring<(f64, f64)>,
    sums: Sums,
    n: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
struct Sums {
    x: Double,
    y: Double,
    xx: Double,
    yy: Double,
    xy: Double,
}

impl Sums {
    fn plus(self, (x, y): (f64, f64)) -> Self {
        Self {
            x: self.x.plus(x),
            y: self.y.plus(y),
            xx: self.xx.add(Double::product(x, x)),
            yy: self.yy.add(Double::product(y, y)),
            xy: self.xy.add(Double::product(x, y)),
        }
    }

    fn minus(self, (x, y): (f64, f64)) -> Self {
        Self {
            x: self.x.plus(-x),
            y: self.y.plus(-y),
            xx: self.xx.sub(Double::product(x, x)),
            yy: self.yy.sub(Double::product(y, y)),
            xy: self.xy.sub(Double::product(x, y)),
        }
    }
}

/// n² times the variances and the covariance of a window.
struct Variation {
    xx: f64,
    yy: f64,
    xy: f64,
}

impl Pairs {
    fn new(owner: &'static str, n: usize) -> Result<Self, Error> {
        let n = period(owner, "n", n, 2, "2 or more")?;
        Ok(Self { ring: Ring::new(n), sums: Sums::default(), n: count(n) })
    }

    fn push(&mut self, pair: (f64, f64)) -> Option<Variation> {
        if !(pair.0.is_finite() && pair.1.is_finite()) {
            return None;
        }
        self.sums = self.sums.plus(pair);
        if let Some(old) = self.ring.push(pair) {
            self.sums = self.sums.minus(old);
            let spike = dwarfed(old.0 * old.0, self.sums.xx.value())
                || dwarfed(old.1 * old.1, self.sums.yy.value());
            if spike {
                self.sums = self.ring.iter().fold(Sums::default(), Sums::plus);
            }
        }
        if !self.ring.is_full() {
            return None;
        }
        let Sums { x, y, xx, yy, xy } = self.sums;
        Some(Variation {
            xx: x.variation(xx, self.n),
            yy: y.variation(yy, self.n),
            xy: xy.times(self.n).sub(x.mul(y)).value(),
        })
    }
}

/// Pearson's correlation of the last `n` pairs, −1 to 1; undefined where either does not vary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correlation(Pairs);

impl Correlation {
    /// One over `n` pairs.
    ///
    /// # Errors
    /// [`Error::Parameter`] for `n` below 2.
    pub fn new(n: usize) -> Result<Self, Error> {
        Pairs::new("correlation", n).map(Self)
    }
}

impl Indicator for Correlation {
    type Input = (f64, f64);
    type Output = f64;

    fn push(&mut self, pair: (f64, f64)) -> Option<f64> {
        let Variation { xx, yy, xy } = self.0.push(pair)?;
        let scale = xx.sqrt() * yy.sqrt();
        (scale > 0.0).then(|| (xy / scale).clamp(-1.0, 1.0))
    }
}

impl Fill for Correlation {}

/// Slope of `y` on `x` over the last `n` pairs, such as of a stock's returns on the market's;
/// undefined where `x` does not vary.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Beta(Pairs);

impl Beta {
    /// One over `n` pairs `(x, y)`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for `n` below 2.
    pub fn new(n: usize) -> Result<Self, Error> {
        Pairs::new("beta", n).map(Self)
    }
}

impl Indicator for Beta {
    type Input = (f64, f64);
    type Output = f64;

    fn push(&mut self, pair: (f64, f64)) -> Option<f64> {
        let Variation { xx, xy, .. } = self.0.push(pair)?;
        (xx > 0.0).then(|| xy / xx)
    }
}

impl Fill for Beta {}

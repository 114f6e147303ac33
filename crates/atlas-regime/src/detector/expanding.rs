//! Mean and spread of everything seen so far.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::count::float;

/// Running mean and variance of several columns (Welford 1962).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Expanding {
    observations: usize,
    mean: Vec<f64>,
    spread: Vec<f64>,
}

impl Expanding {
    pub(crate) fn new(cols: usize) -> Self {
        Self { observations: 0, mean: vec![0.0; cols], spread: vec![0.0; cols] }
    }

    /// Rows seen.
    pub(crate) const fn observations(&self) -> usize {
        self.observations
    }

    pub(crate) fn push(&mut self, row: &[f64]) {
        self.observations += 1;
        let n = float(self.observations);
        for ((m, s), x) in self.mean.iter_mut().zip(&mut self.spread).zip(row) {
            let gap = x - *m;
            *m += gap / n;
            *s += gap * (x - *m);
        }
    }

    /// Population z-score of `x` in a column; `None` where the column does not vary.
    pub(crate) fn z(&self, column: usize, x: f64) -> Option<f64> {
        let variance = self.spread[column] / float(self.observations.max(1));
        (variance > 0.0).then(|| (x - self.mean[column]) / variance.sqrt())
    }

    /// Refuses restored moments of another width or number of rows, or that no rows have.
    pub(crate) fn check(&self, cols: usize, observations: usize) -> Result<(), Error> {
        let sizes = [
            ("the moments seen: their rows", self.observations, observations),
            ("the moments seen: their means", self.mean.len(), cols),
            ("the moments seen: their spreads", self.spread.len(), cols),
        ];
        for (what, found, expected) in sizes {
            if found != expected {
                return Err(Error::Shape { what, found, expected });
            }
        }
        let sound = |x: &f64| x.abs() <= MOMENT_MAX;
        let in_order =
            self.mean.iter().all(sound) && self.spread.iter().all(|s| sound(s) && *s >= 0.0);
        if in_order {
            return Ok(());
        }
        let value = format!("{:?} and {:?}", self.mean, self.spread);
        Err(Error::Parameter { name: "moments", value, rule: "finite, spreads not negative" })
    }
}

/// Far from overflow, and beyond any sum of squared features.
const MOMENT_MAX: f64 = 1e200;

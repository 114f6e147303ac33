//! Mean and spread of everything seen so far.

use crate::count::float;

/// Running mean and variance of several columns (Welford 1962).
#[derive(Debug, Clone)]
pub(crate) struct Expanding {
    observations: usize,
    mean: Vec<f64>,
    spread: Vec<f64>,
}

impl Expanding {
    pub(crate) fn new(cols: usize) -> Self {
        Self { observations: 0, mean: vec![0.0; cols], spread: vec![0.0; cols] }
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
}

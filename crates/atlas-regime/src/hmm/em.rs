//! One round of expectation maximisation.

use super::model::HmmModel;
use crate::Rows;
use crate::count::float;

/// Buffers of the scaled forward-backward recursion over fixed rows.
#[derive(Debug)]
pub(super) struct Em<'a> {
    rows: Rows<'a>,
    states: usize,
    /// Smallest variance allowed per column.
    floor: Vec<f64>,
    log_volumes: Vec<f64>,
    densities: Vec<f64>,
    forward: Vec<f64>,
    backward: Vec<f64>,
    scale: Vec<f64>,
}

impl<'a> Em<'a> {
    pub(super) fn new(rows: Rows<'a>, states: usize, floor: Vec<f64>) -> Self {
        let size = rows.len() * states;
        Self {
            rows,
            states,
            floor,
            log_volumes: vec![0.0; states],
            densities: vec![0.0; size],
            forward: vec![0.0; size],
            backward: vec![0.0; size],
            scale: vec![0.0; rows.len()],
        }
    }

    /// Improves the model once and returns the log-likelihood of what it was before; `None` if
    /// that is not finite.
    pub(super) fn step(&mut self, model: &mut HmmModel) -> Option<f64> {
        let likelihood = self.expect(model);
        if !likelihood.is_finite() {
            return None;
        }
        self.maximise(model);
        Some(likelihood)
    }

    fn expect(&mut self, model: &HmmModel) -> f64 {
        let k = self.states;
        let mut likelihood = 0.0;
        model.log_volumes(&mut self.log_volumes);
        for (t, row) in self.rows.iter().enumerate() {
            let here = t * k..(t + 1) * k;
            model.log_densities(row, &self.log_volumes, &mut self.densities[here.clone()]);
            let top =
                self.densities[here.clone()].iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let mut total = 0.0;
            for to in 0..k {
                let density = libm::exp(self.densities[t * k + to] - top);
                self.densities[t * k + to] = density;
                let prior: f64 = if t == 0 {
                    model.initial[to]
                } else {
                    (0..k).map(|i| self.forward[(t - 1) * k + i] * model.transitions[i][to]).sum()
                };
                self.forward[t * k + to] = prior * density;
                total += prior * density;
            }
            self.scale[t] = total;
            self.forward[here].iter_mut().for_each(|p| *p /= total);
            likelihood += libm::log(total) + top;
        }
        for t in (0..self.rows.len()).rev() {
            for from in 0..k {
                self.backward[t * k + from] = if t + 1 == self.rows.len() {
                    1.0
                } else {
                    let next = (t + 1) * k;
                    let sum: f64 = (0..k)
                        .map(|j| {
                            model.transitions[from][j]
                                * self.densities[next + j]
                                * self.backward[next + j]
                        })
                        .sum();
                    sum / self.scale[t + 1]
                };
            }
        }
        likelihood
    }

    fn maximise(&self, model: &mut HmmModel) {
        let k = self.states;
        let gamma = |t: usize, i: usize| self.forward[t * k + i] * self.backward[t * k + i];
        for i in 0..k {
            model.initial[i] = gamma(0, i);
            let mut moves = vec![0.0; k];
            for t in 0..self.rows.len() - 1 {
                let next = (t + 1) * k;
                for (j, total) in moves.iter_mut().enumerate() {
                    *total += self.forward[t * k + i]
                        * model.transitions[i][j]
                        * self.densities[next + j]
                        * self.backward[next + j]
                        / self.scale[t + 1];
                }
            }
            let left: f64 = moves.iter().sum();
            for (slot, total) in model.transitions[i].iter_mut().zip(&moves) {
                *slot = if left > 0.0 { total / left } else { 1.0 / float(k) };
            }
            let weight: f64 = (0..self.rows.len()).map(|t| gamma(t, i)).sum();
            if weight <= 0.0 {
                continue;
            }
            self.moments(weight, |t| gamma(t, i), &mut model.means[i], &mut model.variances[i]);
        }
        let total: f64 = model.initial.iter().sum();
        model.initial.iter_mut().for_each(|p| *p /= total);
    }

    /// Weighted mean and variance of every column, row by row as the rows lie in memory.
    fn moments(
        &self,
        weight: f64,
        gamma: impl Fn(usize) -> f64,
        means: &mut [f64],
        variances: &mut [f64],
    ) {
        means.fill(0.0);
        for (t, row) in self.rows.iter().enumerate() {
            let g = gamma(t);
            for (mean, x) in means.iter_mut().zip(row) {
                *mean += g * x;
            }
        }
        for mean in means.iter_mut() {
            *mean /= weight;
        }
        variances.fill(0.0);
        for (t, row) in self.rows.iter().enumerate() {
            let g = gamma(t);
            for ((variance, mean), x) in variances.iter_mut().zip(&*means).zip(row) {
                *variance += g * (x - mean) * (x - mean);
            }
        }
        for (variance, floor) in variances.iter_mut().zip(&self.floor) {
            *variance = (*variance / weight).max(*floor);
        }
    }
}

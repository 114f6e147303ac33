//! A hidden Markov model and what it says about observations.

use serde::{Deserialize, Serialize};

use crate::filter::check_row;
use crate::{Error, Rows};

/// A Gaussian hidden Markov model with independent columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HmmModel {
    /// Probability of each state before the first observation.
    pub initial: Vec<f64>,
    /// Probability of going from each state (row) to each state (column).
    pub transitions: Vec<Vec<f64>>,
    /// Mean of each state, column by column.
    pub means: Vec<Vec<f64>>,
    /// Variance of each state, column by column, positive.
    pub variances: Vec<Vec<f64>>,
}

impl HmmModel {
    /// Number of states.
    #[must_use]
    pub const fn states(&self) -> usize {
        self.initial.len()
    }

    /// Refuses parameters of differing sizes, probabilities that do not add up, variances that are
    /// not positive.
    ///
    /// # Errors
    /// [`Error::Shape`] or [`Error::Parameter`]; no other.
    pub fn check(&self) -> Result<(), Error> {
        let k = self.states();
        let cols = self.means.first().map_or(0, Vec::len);
        let shape = |what, found| Err(Error::Shape { what, found, expected: k });
        if self.transitions.len() != k || self.transitions.iter().any(|r| r.len() != k) {
            return shape("the transition matrix", self.transitions.len());
        }
        if k == 0 || self.means.len() != k || self.variances.len() != k {
            return shape("the list of means or variances", self.means.len());
        }
        let widths = self.means.iter().chain(&self.variances).map(Vec::len);
        if let Some(found) = widths.into_iter().find(|w| *w != cols || cols == 0) {
            return Err(Error::Shape { what: "a mean or variance", found, expected: cols.max(1) });
        }
        let fault =
            |name, value: f64, rule| Err(Error::Parameter { name, value: value.to_string(), rule });
        for row in self.transitions.iter().chain([&self.initial]) {
            let sum: f64 = row.iter().sum();
            if row.iter().any(|p| p.is_nan() || *p < 0.0) || (sum - 1.0).abs() > 1e-6 {
                return fault("probabilities", sum, "not negative, adding up to 1");
            }
        }
        if let Some(v) = self.variances.iter().flatten().find(|v| !(v.is_finite() && **v > 0.0)) {
            return fault("variances", *v, "positive and finite");
        }
        if let Some(m) = self.means.iter().flatten().find(|m| !m.is_finite()) {
            return fault("means", *m, "finite");
        }
        Ok(())
    }

    /// Sum over the columns of `ln(2πv)` in each state: what a density needs besides the row.
    pub(crate) fn log_volumes(&self, out: &mut [f64]) {
        for (slot, variance) in out.iter_mut().zip(&self.variances) {
            *slot = variance.iter().map(|v| libm::log(std::f64::consts::TAU * v)).sum();
        }
    }

    /// Logarithm of the density of a row in each state, given [`log_volumes`](Self::log_volumes).
    pub(crate) fn log_densities(&self, row: &[f64], volumes: &[f64], out: &mut [f64]) {
        let states = self.means.iter().zip(&self.variances).zip(volumes);
        for (slot, ((mean, variance), volume)) in out.iter_mut().zip(states) {
            let mut sum = 0.0;
            for ((x, m), v) in row.iter().zip(mean).zip(variance) {
                sum += (x - m) * (x - m) / v;
            }
            *slot = -0.5 * (volume + sum);
        }
    }

    /// States of the most likely path through all rows: **smoothed**, each one depends on later
    /// rows too. Never for decisions; the first state on a tie.
    ///
    /// # Errors
    /// Those of [`check`](Self::check); [`Error::Shape`] and [`Error::NotFinite`] for bad rows; no
    /// other.
    pub fn viterbi(&self, rows: Rows<'_>) -> Result<Vec<u32>, Error> {
        let mut filter = HmmFilter::new(self)?;
        let k = self.states();
        let mut from = vec![0_u32; rows.len() * k];
        for (row, back) in rows.iter().zip(from.chunks_exact_mut(k)) {
            filter.push_path(row, back)?;
        }
        let mut path = vec![0; rows.len()];
        let mut state = first_largest(&filter.path);
        for (slot, back) in path.iter_mut().zip(from.chunks_exact(k)).rev() {
            *slot = u32::try_from(state).unwrap_or(u32::MAX);
            state = back[state] as usize;
        }
        Ok(path)
    }
}

/// The model run forward, one observation at a time: filtered probabilities and the last state of
/// the most likely path. Both use the past only.
///
/// # Examples
/// ```
/// use atlas_regime::hmm::{HmmFilter, HmmModel};
/// let model = HmmModel {
///     initial: vec![0.5, 0.5],
///     transitions: vec![vec![0.9, 0.1], vec![0.1, 0.9]],
///     means: vec![vec![0.0], vec![4.0]],
///     variances: vec![vec![1.0], vec![1.0]],
/// };
/// let mut filter = HmmFilter::new(&model)?;
/// filter.push(&[3.9])?;
/// assert!(filter.probabilities()[1] > 0.99);
/// assert_eq!(filter.viterbi_state(), 1);
/// # Ok::<(), atlas_regime::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct HmmFilter {
    model: HmmModel,
    log_initial: Vec<f64>,
    log_transitions: Vec<Vec<f64>>,
    probabilities: Vec<f64>,
    /// Logarithm of the likelihood of the best path into each state.
    path: Vec<f64>,
    log_volumes: Vec<f64>,
    densities: Vec<f64>,
    next: Vec<f64>,
    pushed: usize,
}

impl HmmFilter {
    /// Starts before the first observation.
    ///
    /// # Errors
    /// Those of [`HmmModel::check`].
    pub fn new(model: &HmmModel) -> Result<Self, Error> {
        model.check()?;
        let k = model.states();
        let mut log_volumes = vec![0.0; k];
        model.log_volumes(&mut log_volumes);
        let logs = |row: &Vec<f64>| row.iter().map(|p| libm::log(*p)).collect::<Vec<f64>>();
        Ok(Self {
            log_initial: logs(&model.initial),
            log_transitions: model.transitions.iter().map(logs).collect(),
            probabilities: model.initial.clone(),
            path: vec![0.0; k],
            log_volumes,
            densities: vec![0.0; k],
            next: vec![0.0; k],
            pushed: 0,
            model: model.clone(),
        })
    }

    /// Takes one observation in.
    ///
    /// # Errors
    /// [`Error::Shape`] for a row of another length, [`Error::NotFinite`] for NaN or infinite
    /// numbers; the filter is then as it was. No other.
    pub fn push(&mut self, row: &[f64]) -> Result<(), Error> {
        let mut back = vec![0; self.model.states()];
        self.push_path(row, &mut back)
    }

    /// Probability of each state given everything pushed so far.
    #[must_use]
    pub fn probabilities(&self) -> &[f64] {
        &self.probabilities
    }

    /// Last state of the most likely path through everything pushed so far.
    #[must_use]
    pub fn viterbi_state(&self) -> usize {
        first_largest(&self.path)
    }

    fn push_path(&mut self, row: &[f64], back: &mut [u32]) -> Result<(), Error> {
        check_row(row, self.model.means[0].len(), self.pushed)?;
        self.model.log_densities(row, &self.log_volumes, &mut self.densities);
        let k = self.model.states();
        for (to, slot) in back.iter_mut().enumerate() {
            let mut best = (0_u32, self.log_initial[to]);
            if self.pushed > 0 {
                best = (0, f64::NEG_INFINITY);
                for (from, value) in (0_u32..).zip(&self.path) {
                    let value = value + self.log_transitions[from as usize][to];
                    if value > best.1 {
                        best = (from, value);
                    }
                }
            }
            *slot = best.0;
            self.next[to] = best.1 + self.densities[to];
        }
        std::mem::swap(&mut self.path, &mut self.next);
        let top = self.densities.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let mut total = 0.0;
        for to in 0..k {
            let prior: f64 = if self.pushed == 0 {
                self.model.initial[to]
            } else {
                (0..k).map(|i| self.probabilities[i] * self.model.transitions[i][to]).sum()
            };
            self.next[to] = prior * libm::exp(self.densities[to] - top);
            total += self.next[to];
        }
        if total > 0.0 {
            for (p, n) in self.probabilities.iter_mut().zip(&self.next) {
                *p = n / total;
            }
        }
        self.pushed += 1;
        Ok(())
    }
}

fn first_largest(values: &[f64]) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (i, &v) in values.iter().enumerate() {
        if v > best.1 {
            best = (i, v);
        }
    }
    best.0
}

//! Fitting a hidden Markov model from several starts.

use serde::{Deserialize, Serialize};

use super::em::Em;
use super::model::{HMM_FORMAT, HmmModel};
use crate::count::float;
use crate::discrete::params::RESTARTS_MAX;
use crate::kmeanspp::Seeding;
use crate::parallel::in_parts;
use crate::{Error, Mt19937, Rows, Scaler};

/// Parameters of a fit, unchecked; [`check`](Self::check) makes them usable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HmmParams {
    /// Number of states, 1 to 8.
    pub states: usize,
    /// Number of k-means++ starts, 1 to 1 000 000.
    pub restarts: usize,
    /// Rounds of expectation maximisation per start at most.
    pub iterations_max: usize,
    /// A start ends when the log-likelihood grows by no more than this, absolute.
    pub tol: f64,
    /// Seed of the starts.
    pub seed: u32,
    /// Probability of staying in a state that every start begins with.
    pub stay: f64,
    /// Smallest variance, as a share of the column's.
    pub variance_floor: f64,
}

impl Default for HmmParams {
    /// Two states, ten starts, 500 rounds, tolerance 10⁻⁶, staying with probability 0.95, variance
    /// at least 10⁻⁴ of the column's.
    fn default() -> Self {
        Self {
            states: 2,
            restarts: 10,
            iterations_max: 500,
            tol: 1e-6,
            seed: 0,
            stay: 0.95,
            variance_floor: 1e-4,
        }
    }
}

impl HmmParams {
    /// Proves the parameters usable.
    ///
    /// # Errors
    /// [`Error::Parameter`] for states outside 1..=8, restarts outside 1..=1 000 000, no rounds, a
    /// negative tolerance, a probability or share outside (0, 1); no other.
    pub fn check(self) -> Result<CheckedHmmParams, Error> {
        let fault = |name, value: String, rule| Err(Error::Parameter { name, value, rule });
        if !(1..=8).contains(&self.states) {
            return fault("states", self.states.to_string(), "1 to 8");
        }
        if !(1..=RESTARTS_MAX).contains(&self.restarts) {
            return fault("restarts", self.restarts.to_string(), "1 to 1000000");
        }
        if self.iterations_max == 0 {
            return fault("iterations_max", "0".to_owned(), "at least 1");
        }
        if self.tol.is_nan() || self.tol < 0.0 {
            return fault("tol", self.tol.to_string(), "not negative");
        }
        for (name, p) in [("stay", self.stay), ("variance_floor", self.variance_floor)] {
            if !(p > 0.0 && p < 1.0) {
                return fault(name, p.to_string(), "between 0 and 1");
            }
        }
        Ok(CheckedHmmParams(self))
    }
}

/// Parameters that passed [`HmmParams::check`]; the only ones a fit takes.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedHmmParams(HmmParams);

/// A fitted model with how well it fits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HmmFit {
    /// The model, states by variance of the first column, calmest first.
    pub model: HmmModel,
    /// Log-likelihood of the sample.
    pub log_likelihood: f64,
    /// Rounds the best start took.
    pub iterations: usize,
    /// The best start, from 0.
    pub best_restart: usize,
}

impl CheckedHmmParams {
    /// Fits the model to finite rows; the start with the largest likelihood wins, the earliest on
    /// a tie.
    ///
    /// # Errors
    /// [`Error::TooFewRows`] for fewer than two rows a state, [`Error::NotFinite`] for NaN or
    /// infinite numbers, [`Error::AllEqual`] if no column varies, [`Error::Overflow`] if no start
    /// has a finite likelihood; no other.
    ///
    /// # Examples
    /// ```
    /// use atlas_regime::{Rows, hmm::HmmParams};
    /// let data: Vec<f64> = (0..200)
    ///     .map(|t| if t % 100 < 60 { 0.1 } else { 1.0 } * [1.0, -0.4, -1.2, 0.6][t % 4])
    ///     .collect();
    /// let fit = HmmParams::default().check()?.fit(Rows::new(&data, 1)?)?;
    /// assert!(fit.model.variances()[1][0] > 10.0 * fit.model.variances()[0][0]);
    /// # Ok::<(), atlas_regime::Error>(())
    /// ```
    pub fn fit(&self, rows: Rows<'_>) -> Result<HmmFit, Error> {
        let params = &self.0;
        let scaler = self.check_sample(rows)?;
        let mut rng = Mt19937::new(params.seed);
        let mut seeding = Seeding::new(rows);
        let starts: Vec<HmmModel> = (0..params.restarts)
            .map(|_| start(params, rows, &seeding.draw(params.states, &mut rng), &scaler))
            .collect();
        self.best_of(rows, &scaler, &starts)
    }

    /// Fits the model from one explicit start instead of those drawn from the seed.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit) and of [`HmmModel::check`]; [`Error::Shape`] for a start with
    /// another number of states or columns; no other.
    ///
    /// # Examples
    /// ```
    /// use atlas_regime::{Rows, hmm::HmmParams};
    /// let data: Vec<f64> = (0..200)
    ///     .map(|t| if t % 100 < 60 { 0.1 } else { 1.0 } * [1.0, -0.4, -1.2, 0.6][t % 4])
    ///     .collect();
    /// let (params, rows) = (HmmParams::default().check()?, Rows::new(&data, 1)?);
    /// let fit = params.fit(rows)?;
    /// let again = params.fit_from(rows, &fit.model)?; // a few rounds more
    /// assert!(again.log_likelihood >= fit.log_likelihood);
    /// # Ok::<(), atlas_regime::Error>(())
    /// ```
    pub fn fit_from(&self, rows: Rows<'_>, start: &HmmModel) -> Result<HmmFit, Error> {
        let scaler = self.check_sample(rows)?;
        start.check()?;
        let sizes = [
            ("the start: its states", start.states(), self.0.states),
            ("the start: its columns", start.means[0].len(), rows.cols()),
        ];
        for (what, found, expected) in sizes {
            if found != expected {
                return Err(Error::Shape { what, found, expected });
            }
        }
        self.best_of(rows, &scaler, std::slice::from_ref(start))
    }

    /// Refuses samples no model can be fitted to; gives the moments of the others.
    fn check_sample(&self, rows: Rows<'_>) -> Result<Scaler, Error> {
        let (have, need) = (rows.len(), 2 * self.0.states);
        if have < need {
            return Err(Error::TooFewRows { what: "the sample", have, need });
        }
        let scaler = Scaler::fit(rows)?;
        if scaler.variance().iter().all(|v| *v <= 0.0) {
            return Err(Error::AllEqual { what: "the sample", rows: have });
        }
        Ok(scaler)
    }

    /// Runs every start to its end, over all threads, and keeps the likeliest, the earliest on a
    /// tie.
    fn best_of(
        &self,
        rows: Rows<'_>,
        scaler: &Scaler,
        starts: &[HmmModel],
    ) -> Result<HmmFit, Error> {
        let params = &self.0;
        let widest = scaler.variance().iter().copied().fold(0.0, f64::max);
        let floor = |v: &f64| params.variance_floor * if *v > 0.0 { *v } else { widest };
        let floor: Vec<f64> = scaler.variance().iter().map(floor).collect();
        let climbed = in_parts(starts, starts.len(), |part| {
            let mut em = Em::new(rows, params.states, floor.clone());
            let climb = |start: &HmmModel| {
                let mut model = start.clone();
                let reached = climb(params, &mut em, &mut model);
                reached.map(|(log_likelihood, iterations)| (model, log_likelihood, iterations))
            };
            part.iter().map(climb).collect()
        });
        let mut best: Option<HmmFit> = None;
        for (best_restart, climbed) in climbed.into_iter().enumerate() {
            let Some((model, log_likelihood, iterations)) = climbed else { continue };
            if best.as_ref().is_none_or(|b| log_likelihood > b.log_likelihood) {
                best = Some(HmmFit { model, log_likelihood, iterations, best_restart });
            }
        }
        let mut best = best.ok_or(Error::Overflow { what: "hidden Markov model" })?;
        best.model = calmest_first(&best.model);
        Ok(best)
    }
}

/// Improves a model until its likelihood grows no more; the likelihood and the rounds taken, or
/// `None` where it is not finite.
fn climb(params: &HmmParams, em: &mut Em<'_>, model: &mut HmmModel) -> Option<(f64, usize)> {
    let mut before = f64::NEG_INFINITY;
    for iterations in 1..=params.iterations_max {
        let now = em.step(model)?;
        if now - before <= params.tol || iterations == params.iterations_max {
            return Some((now, iterations));
        }
        before = now;
    }
    None
}

/// Rows nearest to each drawn centre give means and variances.
fn start(params: &HmmParams, rows: Rows<'_>, picked: &[usize], scaler: &Scaler) -> HmmModel {
    let k = params.states;
    let distance = |row: &[f64], center: &[f64]| -> f64 {
        let terms = row.iter().zip(center).zip(scaler.scale());
        terms.map(|((x, c), s)| (x - c) * (x - c) / (s * s)).sum()
    };
    let mut means = vec![vec![0.0; rows.cols()]; k];
    let mut counts = vec![0.0; k];
    for row in &rows {
        let mut nearest = (0, f64::INFINITY);
        for (i, &t) in picked.iter().enumerate() {
            let d = distance(row, rows.row(t));
            if d < nearest.1 {
                nearest = (i, d);
            }
        }
        counts[nearest.0] += 1.0;
        for (m, x) in means[nearest.0].iter_mut().zip(row) {
            *m += x;
        }
    }
    for ((mean, count), &t) in means.iter_mut().zip(&counts).zip(picked) {
        if *count > 0.0 {
            for m in mean {
                *m /= count;
            }
        } else {
            mean.copy_from_slice(rows.row(t));
        }
    }
    let leave = if k > 1 { (1.0 - params.stay) / float(k - 1) } else { 0.0 };
    let to = |i: usize, j: usize| match (k, i == j) {
        (1, _) => 1.0,
        (_, true) => params.stay,
        (_, false) => leave,
    };
    let widest = scaler.variance().iter().copied().fold(0.0, f64::max);
    let variance = |v: &f64| if *v > 0.0 { *v } else { widest };
    HmmModel {
        format: HMM_FORMAT,
        initial: vec![1.0 / float(k); k],
        transitions: (0..k).map(|i| (0..k).map(|j| to(i, j)).collect()).collect(),
        means,
        variances: vec![scaler.variance().iter().map(variance).collect(); k],
    }
}

/// The same model with states renumbered by variance of the first column.
fn calmest_first(model: &HmmModel) -> HmmModel {
    let mut order: Vec<usize> = (0..model.states()).collect();
    order.sort_by(|&a, &b| model.variances[a][0].total_cmp(&model.variances[b][0]));
    let pick = |v: &[Vec<f64>]| order.iter().map(|&i| v[i].clone()).collect::<Vec<_>>();
    HmmModel {
        format: HMM_FORMAT,
        initial: order.iter().map(|&i| model.initial[i]).collect(),
        transitions: order
            .iter()
            .map(|&i| order.iter().map(|&j| model.transitions[i][j]).collect())
            .collect(),
        means: pick(&model.means),
        variances: pick(&model.variances),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hmm::HmmFilter;

    /// A two-state chain with known parameters and normal observations.
    fn sample(n: usize) -> (Vec<f64>, Vec<u32>) {
        let mut rng = Mt19937::new(3);
        let mut state = 0;
        let mut out = (Vec::new(), Vec::new());
        for _ in 0..n {
            let leave = if state == 0 { 0.02 } else { 0.05 };
            if rng.next_f64() < leave {
                state = 1 - state;
            }
            let normal = (0..12).map(|_| rng.next_f64()).sum::<f64>() - 6.0;
            out.0.push(if state == 0 { 0.5 + 0.8 * normal } else { -1.0 + 2.0 * normal });
            out.1.push(state);
        }
        out
    }

    #[test]
    fn the_parameters_of_a_known_chain_are_found() {
        let (data, truth) = sample(4000);
        let rows = Rows::new(&data, 1).unwrap();
        let fit = HmmParams { restarts: 3, ..HmmParams::default() }.check().unwrap().fit(rows);
        let model = fit.unwrap().model;
        assert!((model.means[0][0] - 0.5).abs() < 0.1, "{model:?}");
        assert!((model.means[1][0] + 1.0).abs() < 0.2);
        assert!((model.variances[1][0].sqrt() - 2.0).abs() < 0.2);
        assert!((model.transitions[0][1] - 0.02).abs() < 0.015);
        let right = |path: &[u32]| path.iter().zip(&truth).filter(|(a, b)| a == b).count();
        assert!(right(&model.viterbi(rows).unwrap()) > 3600);
        let mut filter = HmmFilter::new(&model).unwrap();
        let online: Vec<u32> = data
            .iter()
            .map(|x| {
                filter.push(&[*x]).unwrap();
                u32::from(filter.probabilities()[1] > 0.5)
            })
            .collect();
        assert!(right(&online) > 3400);
    }

    #[test]
    fn bad_samples_are_refused() {
        let params = HmmParams::default().check().unwrap();
        let fit = |data: &[f64]| params.fit(Rows::new(data, 1).unwrap());
        assert!(matches!(fit(&[1.0; 3]), Err(Error::TooFewRows { .. })));
        assert!(matches!(fit(&[1.0; 9]), Err(Error::AllEqual { .. })));
        assert!(matches!(fit(&[1.0, 2.0, f64::NAN, 3.0]), Err(Error::NotFinite { .. })));
        assert!(HmmParams { states: 0, ..HmmParams::default() }.check().is_err());
    }
}

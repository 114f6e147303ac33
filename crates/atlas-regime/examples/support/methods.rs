//! The methods compared in the simulation study, each run on one path.

use atlas_regime::continuous::{ContinuousFilter, ContinuousParams};
use atlas_regime::hmm::{HmmFilter, HmmModel, HmmParams};
use atlas_regime::sparse::SparseParams;
use atlas_regime::{Error, Filter, FitOptions, JumpParams, Rows};

use super::simulate::{balanced_accuracy, matched, standardise_by};
use super::store::Record;
use super::{deviation, float, mean};

/// One simulated path.
pub struct Sample {
    pub states: usize,
    pub truth: Vec<u32>,
    /// What a forecast is about, row after row.
    pub observed: Vec<f64>,
    pub observed_cols: usize,
    /// What the methods see.
    pub features: Vec<f64>,
    pub cols: usize,
    /// The features look ahead, so no choice made with them can be causal.
    pub ahead: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Method {
    Oracle,
    /// With this many starts.
    Markov(usize),
    /// With one start that knows nothing of the rows but their moments.
    FlatMarkov,
    Discrete,
    Continuous {
        mode_loss: bool,
    },
    Sparse,
    /// The discrete model, nothing seen before its time.
    Online,
    /// The true parameters, nothing seen before its time.
    OnlineOracle,
    /// The hidden Markov model with ten starts, nothing seen before its time.
    OnlineMarkov,
}

/// A penalty and, for the sparse model, the number of features.
pub type Choice = (f64, f64);

/// Labels of the whole sample, and the state of every row from data up to it.
type Found = (Vec<u32>, Vec<u32>);

impl Sample {
    fn accuracy(&self, found: &[u32]) -> f64 {
        balanced_accuracy(&self.truth, found, self.states)
    }

    /// How well the second half is forecast, one row ahead, by a model fitted to the first half
    /// and run online: mean logarithm of the density, states' moments and moves as labelled in the
    /// first half. No true label enters, and no row after the forecast one.
    fn score(
        &self,
        fit: impl Fn(Rows<'_>, Rows<'_>) -> Result<Found, Error>,
    ) -> Result<f64, Error> {
        self.score_of(self.truth.len(), fit)
    }

    /// The same of the first `end` rows; no later one is looked at.
    fn score_of(
        &self,
        end: usize,
        fit: impl Fn(Rows<'_>, Rows<'_>) -> Result<Found, Error>,
    ) -> Result<f64, Error> {
        let half = end / 2;
        let mut data = self.features[..end * self.cols].to_vec();
        standardise_by(&mut data, self.cols, half);
        let rows = Rows::new(&data, self.cols)?;
        let (labels, online) = fit(Rows::new(&data[..half * self.cols], self.cols)?, rows)?;
        let forecast = Forecast::new(self, &labels);
        let densities = (half..end)
            .map(|t| forecast.log_density(online[t - 1], &self.observed[t * self.observed_cols..]));
        Ok(densities.sum::<f64>() / float(end - half))
    }

    /// Nothing seen before its time: the score of every penalty is how well a fit to the first
    /// quarter forecasts the second one; the accuracy is that of the second half's online states
    /// under a fit to the first half, each state from the rows up to its own.
    pub fn run_online(
        &self,
        method: Method,
        choices: &[Choice],
        oracle: &HmmModel,
    ) -> Result<Record, Error> {
        let half = self.truth.len() / 2;
        let second =
            |online: &[u32]| balanced_accuracy(&self.truth[half..], &online[half..], self.states);
        let mut out = Record::default();
        if matches!(method, Method::OnlineOracle | Method::OnlineMarkov) {
            let first = Rows::new(&self.observed[..half * self.observed_cols], self.observed_cols)?;
            let mut filter = if method == Method::OnlineOracle {
                HmmFilter::new(oracle)?
            } else {
                HmmFilter::new(&self.markov_params(10).check()?.fit(first)?.model)?
            };
            let mut online = Vec::with_capacity(self.truth.len());
            for row in self.observed.chunks_exact(self.observed_cols) {
                filter.push(row)?;
                online.push(u32::try_from(filter.viterbi_state()).unwrap_or(0));
            }
            return Ok(Record { accuracies: vec![second(&online)], scores: vec![f64::NAN] });
        }
        let mut data = self.features.clone();
        standardise_by(&mut data, self.cols, half);
        let first = Rows::new(&data[..half * self.cols], self.cols)?;
        let all = Rows::new(&data, self.cols)?;
        for &choice in choices {
            let jump = |first: Rows<'_>, all: Rows<'_>| {
                self.jump(Method::Discrete, choice, first, all, true)
            };
            out.scores.push(self.score_of(half, jump)?);
            out.accuracies.push(second(&jump(first, all)?.1));
        }
        Ok(out)
    }

    /// Labels of the whole path; none for a method that has no such labels.
    fn labels(
        &self,
        method: Method,
        choice: Choice,
        oracle: Option<&HmmModel>,
    ) -> Result<Option<Vec<u32>>, Error> {
        let rows = Rows::new(&self.features, self.cols)?;
        let observed = Rows::new(&self.observed, self.observed_cols)?;
        Ok(Some(match (method, oracle) {
            (Method::Oracle, Some(model)) => model.viterbi(observed)?,
            (Method::Oracle, None)
            | (Method::Online | Method::OnlineOracle | Method::OnlineMarkov, _) => return Ok(None),
            (Method::Markov(restarts), _) => self.markov(restarts, observed)?,
            (Method::FlatMarkov, _) => self.flat_markov(observed)?,
            _ => self.jump(method, choice, rows, rows, false)?.0,
        }))
    }

    /// Rows found right, per state, in the place of accuracies, and all its rows in the place of
    /// scores.
    pub fn counts(
        &self,
        method: Method,
        choice: Choice,
        oracle: &HmmModel,
    ) -> Result<Record, Error> {
        let labels = self.labels(method, choice, Some(oracle))?.unwrap_or_default();
        let (_, accuracies, scores) = matched(&self.truth, &labels, self.states);
        Ok(Record { accuracies, scores })
    }

    /// Accuracies of one method under the choices `wanted` and scores under those `scored`; the
    /// others stay NaN, as do scores of a method that has none.
    pub fn run(
        &self,
        method: Method,
        choices: &[Choice],
        wanted: &dyn Fn(usize) -> bool,
        oracle: Option<&HmmModel>,
        scored: &dyn Fn(usize) -> bool,
    ) -> Result<Record, Error> {
        let mut out = Record::empty(choices.len());
        let jump = !matches!(method, Method::Oracle | Method::Markov(_) | Method::FlatMarkov);
        for (i, &choice) in choices.iter().enumerate() {
            let labels = if wanted(i) { self.labels(method, choice, oracle)? } else { None };
            if let Some(labels) = labels {
                out.accuracies[i] = self.accuracy(&labels);
            }
            if jump && scored(i) && !self.ahead {
                out.scores[i] =
                    self.score(|first, all| self.jump(method, choice, first, all, true))?;
            }
        }
        Ok(out)
    }

    fn markov(&self, restarts: usize, rows: Rows<'_>) -> Result<Vec<u32>, Error> {
        self.markov_params(restarts).check()?.fit(rows)?.model.viterbi(rows)
    }

    /// From equal means and variances spread evenly around the sample's, 2/3 to 4/3 of it for two
    /// states: with all of them equal nothing would ever move.
    fn flat_markov(&self, rows: Rows<'_>) -> Result<Vec<u32>, Error> {
        let (params, k) = (self.markov_params(1), self.states);
        let (m, s) = (mean(&self.observed), deviation(&self.observed));
        let leave = (1.0 - params.stay) / float(k - 1);
        let to = |i, j| if i == j { params.stay } else { leave };
        let start = HmmModel::from_parameters(
            vec![1.0 / float(k); k],
            (0..k).map(|i| (0..k).map(|j| to(i, j)).collect()).collect(),
            vec![vec![m]; k],
            (0..k).map(|i| vec![s * s * 2.0 * float(i + 1) / float(k + 1)]).collect(),
        )?;
        params.check()?.fit_from(rows, &start)?.model.viterbi(rows)
    }

    fn markov_params(&self, restarts: usize) -> HmmParams {
        HmmParams {
            states: self.states,
            restarts,
            iterations_max: 100,
            tol: if self.observed_cols > 1 { 1e-2 } else { 1e-4 },
            ..HmmParams::default()
        }
    }

    /// Labels of `rows`, and online labels of `all` if wanted.
    fn jump(
        &self,
        method: Method,
        (penalty, features_max): Choice,
        rows: Rows<'_>,
        all: Rows<'_>,
        online: bool,
    ) -> Result<Found, Error> {
        let jump = JumpParams::new(self.states, penalty);
        let run = |filter: &mut dyn FnMut(&[f64]) -> Result<u8, Error>| {
            let all = all.iter().filter(|_| online);
            all.map(|row| filter(row).map(u32::from)).collect::<Result<Vec<_>, _>>()
        };
        if let Method::Continuous { mode_loss } = method {
            let params = ContinuousParams { jump, grid_size: 0.05, mode_loss }.check()?;
            let fit = params.fit_with(rows, &FitOptions::default())?;
            let mut filter = ContinuousFilter::new(&fit.model)?;
            return Ok((fit.labels, run(&mut |row| Ok(filter.push(row)?.state))?));
        }
        let (labels, model) = if method == Method::Sparse {
            let params =
                SparseParams { jump, features_max, rounds_max: 10, ..SparseParams::default() };
            let fit = params.check()?.fit(rows, None)?;
            (fit.labels, fit.model.states().clone())
        } else {
            let fit = jump.check()?.fit(rows, None)?;
            (fit.labels, fit.model)
        };
        let mut filter = Filter::new(&model)?;
        Ok((labels, run(&mut |row| Ok(filter.push(row)?.state))?))
    }
}

/// Moments and moves of labelled states.
struct Forecast {
    cols: usize,
    moves: Vec<Vec<f64>>,
    means: Vec<Vec<f64>>,
    variances: Vec<Vec<f64>>,
}

impl Forecast {
    fn new(sample: &Sample, labels: &[u32]) -> Self {
        let (k, cols) = (sample.states, sample.observed_cols);
        let rows = || sample.observed.chunks_exact(cols).zip(labels);
        let moments = |state: Option<u32>| {
            let chosen = || rows().filter(move |(_, l)| state.is_none_or(|s| s == **l));
            let count = chosen().count();
            let mut mean = vec![0.0; cols];
            for (row, _) in chosen() {
                mean.iter_mut().zip(row).for_each(|(m, x)| *m += x / float(count));
            }
            let mut variance = vec![0.0; cols];
            for (row, _) in chosen() {
                for ((v, m), x) in variance.iter_mut().zip(&mean).zip(row) {
                    *v += (x - m) * (x - m) / float(count);
                }
            }
            (count, mean, variance)
        };
        let (_, mean, variance) = moments(None);
        // A state with few rows takes the moments of all; many columns share their spread, as a
        // spread of its own for each state would be guessed from too little.
        let of = |s| {
            let (count, own, spread) = moments(Some(s));
            let own = if count < 5 { mean.clone() } else { own };
            (own, if count < 5 || cols > 1 { variance.clone() } else { spread })
        };
        let ((means, variances), states): ((Vec<_>, Vec<_>), usize) =
            ((0..).take(k).map(of).unzip(), k);
        let mut moves = vec![vec![1.0; states]; states];
        for pair in labels.windows(2) {
            moves[pair[0] as usize][pair[1] as usize] += 1.0;
        }
        for row in &mut moves {
            let total: f64 = row.iter().sum();
            for p in row {
                *p /= total;
            }
        }
        Self { cols, moves, means, variances }
    }

    fn log_density(&self, state: u32, row: &[f64]) -> f64 {
        let states = self.means.iter().zip(&self.variances).zip(&self.moves[state as usize]);
        let logs: Vec<f64> = states
            .map(|((mean, variance), p)| {
                let columns = row[..self.cols].iter().zip(mean).zip(variance);
                let terms = columns.map(|((x, m), v)| {
                    let v = v.max(1e-12);
                    (std::f64::consts::TAU * v).ln() + (x - m) * (x - m) / v
                });
                p.ln() - terms.sum::<f64>() / 2.0
            })
            .collect();
        let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        top + logs.iter().map(|l| (l - top).exp()).sum::<f64>().ln()
    }
}

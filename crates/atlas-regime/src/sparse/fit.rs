//! Fitting the sparse model: a jump model and its feature weights in turn.

use serde::{Deserialize, Serialize};

use super::lasso::bounded_weights;
use super::model::{SPARSE_FORMAT, SparseInner, SparseModel};
use super::scatter::{between_cluster_sums, weighted_means};
use crate::continuous::{BYTES_MAX, ContinuousParams, Grid, Share};
use crate::count::float;
use crate::descent::Restart;
use crate::parallel::in_parts;
use crate::{Error, FitOptions, JumpModel, JumpParams, Rows};

/// Parameters of a sparse jump model, unchecked; [`check`](Self::check) makes them usable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SparseParams {
    /// Parameters of the inner model; its penalty is divided by the square root of the number of
    /// features.
    pub jump: JumpParams,
    /// The inner model mixes states, with this grid and mode loss; discrete when absent.
    pub mixture: Option<Mixture>,
    /// Effective number of features at most, κ² ≥ 1.
    pub features_max: f64,
    /// Rounds of weights at most.
    pub rounds_max: usize,
    /// The rounds end when the weights change by no more than this, relative, in L1.
    pub weights_tol: f64,
}

/// How the inner model of a sparse model mixes states.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mixture {
    /// Step of the weights of states.
    pub grid_size: f64,
    /// Whether time spent in mixed states is charged.
    pub mode_loss: bool,
}

impl Default for SparseParams {
    /// A discrete inner model, up to 100 features, 30 rounds, tolerance 10⁻⁴.
    fn default() -> Self {
        Self {
            jump: JumpParams::default(),
            mixture: None,
            features_max: 100.0,
            rounds_max: 30,
            weights_tol: 1e-4,
        }
    }
}

impl SparseParams {
    /// The defaults with another number of states, penalty and number of features.
    #[must_use]
    pub fn new(states: usize, penalty: f64, features_max: f64) -> Self {
        Self { jump: JumpParams::new(states, penalty), features_max, ..Self::default() }
    }

    /// Proves the parameters usable.
    ///
    /// # Errors
    /// Those of [`JumpParams::check`] and [`ContinuousParams::check`]; [`Error::Parameter`] for
    /// fewer than one feature, no rounds, or a negative tolerance; no other.
    pub fn check(self) -> Result<CheckedSparseParams, Error> {
        let fault =
            |name, value: f64, rule| Err(Error::Parameter { name, value: value.to_string(), rule });
        self.jump.clone().check()?;
        if let Some(Mixture { grid_size, mode_loss }) = self.mixture {
            ContinuousParams { jump: self.jump.clone(), grid_size, mode_loss }.check()?;
        }
        if !(self.features_max.is_finite() && self.features_max >= 1.0) {
            return fault("features_max", self.features_max, "finite and at least 1");
        }
        if self.rounds_max == 0 {
            return fault("rounds_max", 0.0, "at least 1");
        }
        if self.weights_tol.is_nan() || self.weights_tol < 0.0 {
            return fault("weights_tol", self.weights_tol, "not negative");
        }
        Ok(CheckedSparseParams(self))
    }
}

/// Parameters that passed [`SparseParams::check`]; the only ones a fit takes.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedSparseParams(SparseParams);

/// A fitted sparse model with what the fit saw on the way.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SparseFit {
    /// The inner model of the last round, feature weights included.
    pub model: SparseModel,
    /// State (or heaviest state) of each row of the sample.
    pub labels: Vec<u32>,
    /// Membership of each row in each state (T × K, row after row), 0 or 1 for a discrete inner
    /// model.
    pub memberships: Vec<f64>,
    /// The last weights; their roots are the feature weights of the *next* round.
    pub weights: Vec<f64>,
    /// Every round.
    pub rounds: Vec<SparseRound>,
}

/// One round: a fit under the weights of the round before, and the weights it suggests.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SparseRound {
    /// Objective of the fit.
    pub objective: f64,
    /// Its descents.
    pub restarts: Vec<Restart>,
    /// Which of them won.
    pub best_restart: usize,
    /// `sort_permutation[new] = old`.
    pub sort_permutation: Vec<usize>,
    /// Row numbers of its drawn start centres.
    pub start_rows: Vec<Vec<usize>>,
    /// Start taken over from the round before (weighted), if any.
    pub warm_start: Option<Vec<f64>>,
    /// Between-cluster sum of squares of each feature.
    pub between: Vec<f64>,
    /// Weights for the next round; `None` if all rows fell into one state.
    pub next_weights: Option<Vec<f64>>,
}

/// The parts of an inner fit the rounds need.
struct Inner {
    model: SparseInner,
    labels: Vec<u32>,
    memberships: Vec<f64>,
    restarts: Vec<Restart>,
    start_rows: Vec<Vec<usize>>,
    sort_permutation: Vec<usize>,
}

impl Inner {
    fn states(&self) -> &JumpModel {
        match &self.model {
            SparseInner::Discrete(model) => model,
            SparseInner::Continuous(model) => model.states(),
        }
    }

    /// What is told of the round it comes from.
    fn round(
        &self,
        warm_start: Option<Vec<f64>>,
        between: Vec<f64>,
        next_weights: Option<Vec<f64>>,
    ) -> SparseRound {
        SparseRound {
            objective: self.states().objective,
            best_restart: self.states().best_restart,
            restarts: self.restarts.clone(),
            sort_permutation: self.sort_permutation.clone(),
            start_rows: self.start_rows.clone(),
            warm_start,
            between,
            next_weights,
        }
    }
}

impl CheckedSparseParams {
    /// The parameters themselves.
    #[must_use]
    pub const fn params(&self) -> &SparseParams {
        &self.0
    }

    /// Fits the model: the last round wins, as in the reference.
    ///
    /// Source: Nystrup, Kolm and Lindström 2021, "Feature selection in jump models".
    ///
    /// # Errors
    /// Those of [`CheckedJumpParams::fit_with`](crate::CheckedJumpParams::fit_with); with a mixture
    /// those of [`CheckedContinuousParams::fit_with`](crate::continuous::CheckedContinuousParams::fit_with)
    /// too; no other.
    ///
    /// # Examples
    /// ```
    /// use atlas_regime::{Rows, sparse::SparseParams};
    /// let data = [0.0, 0.3, 0.1, -0.3, 5.0, 0.3, 5.1, -0.3]; // the second column is noise
    /// let fit = SparseParams::new(2, 0.1, 1.0).check()?.fit(Rows::new(&data, 2)?, None)?;
    /// assert_eq!(fit.weights, [1.0, 0.0]);
    /// # Ok::<(), atlas_regime::Error>(())
    /// ```
    pub fn fit(&self, rows: Rows<'_>, returns: Option<&[f64]>) -> Result<SparseFit, Error> {
        self.fit_with(rows, &FitOptions { returns, ..FitOptions::default() })
    }

    /// [`fit`](Self::fit) with explicit starts: `starts` and `warm_start` are given as the features
    /// are, **not** weighted, and weighted anew in every round. The warm start belongs to the first
    /// round; later ones take over the centres of the round before.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit); [`Error::Parameter`] for `feature_weights`, which a sparse model
    /// finds by itself; no other.
    ///
    /// # Examples
    /// ```
    /// use atlas_regime::{FitOptions, Rows, sparse::SparseParams};
    /// let data = [0.0, 0.3, 0.1, -0.3, 5.0, 0.3, 5.1, -0.3];
    /// let starts = [vec![0.0, 0.0, 5.0, 0.0]];
    /// let options = FitOptions { starts: Some(&starts), ..FitOptions::default() };
    /// let params = SparseParams::new(2, 0.1, 1.0).check()?;
    /// let fit = params.fit_with(Rows::new(&data, 2)?, &options)?;
    /// assert_eq!((fit.weights, fit.rounds[0].restarts.len()), (vec![1.0, 0.0], 1));
    /// # Ok::<(), atlas_regime::Error>(())
    /// ```
    pub fn fit_with(&self, rows: Rows<'_>, options: &FitOptions<'_>) -> Result<SparseFit, Error> {
        self.fit_within(rows, options, BYTES_MAX)
    }

    /// [`fit_with`](Self::fit_with) with a share of the memory a fit may take.
    fn fit_within(
        &self,
        rows: Rows<'_>,
        options: &FitOptions<'_>,
        bytes_max: usize,
    ) -> Result<SparseFit, Error> {
        let params = self.params();
        if let Some(weights) = options.feature_weights {
            let (name, value) = ("feature_weights", format!("{weights:?}"));
            return Err(Error::Parameter {
                name,
                value,
                rule: "absent: a sparse model finds them",
            });
        }
        let mut weights = vec![1.0 / float(rows.cols()).sqrt(); rows.cols()];
        let mut before = vec![2.0; rows.cols()];
        let mut rounds: Vec<SparseRound> = Vec::new();
        let mut last: Option<Inner> = None;
        while rounds.len() < params.rounds_max && change(&weights, &before) > params.weights_tol {
            before.clone_from(&weights);
            let roots: Vec<f64> = weights.iter().map(|w| w.sqrt()).collect();
            let weighted = |centers: &[f64]| -> Vec<f64> {
                centers.iter().zip(roots.iter().cycle()).map(|(c, root)| c * root).collect()
            };
            let warm_start = match &last {
                Some(inner) => {
                    let means = weighted_means(rows, &inner.memberships, params.jump.states)?;
                    Some(weighted(&means))
                }
                None => options.warm_start.map(weighted),
            };
            let starts: Option<Vec<Vec<f64>>> =
                options.starts.map(|starts| starts.iter().map(|s| weighted(s)).collect());
            let options = FitOptions {
                returns: options.returns,
                feature_weights: Some(&roots),
                warm_start: warm_start.as_deref(),
                starts: starts.as_deref(),
            };
            let inner = self.inner(rows, &options, bytes_max)?;
            let (between, next_weights) = self.next_weights(rows, &inner.memberships)?;
            rounds.push(inner.round(warm_start, between, next_weights.clone()));
            last = Some(inner);
            let Some(next) = next_weights else { break };
            weights = next;
        }
        let Some(Inner { model: inner, labels, memberships, .. }) = last else {
            return Err(Error::TooFewRows { what: "the list of rounds", have: 0, need: 1 });
        };
        let model = SparseModel {
            format: SPARSE_FORMAT,
            inner,
            weights: weights.clone(),
            rounds: rounds.len(),
            features_max: params.features_max,
        };
        Ok(SparseFit { model, labels, memberships, weights, rounds })
    }

    /// How far apart the states lie in each feature, and the weights that suggests; `None` where
    /// they lie apart in none.
    fn next_weights(
        &self,
        rows: Rows<'_>,
        memberships: &[f64],
    ) -> Result<(Vec<f64>, Option<Vec<f64>>), Error> {
        let between = between_cluster_sums(rows, memberships, self.params().jump.states)?;
        let largest = between.iter().copied().fold(0.0, f64::max);
        if largest <= 0.0 {
            return Ok((between, None));
        }
        let relative: Vec<f64> = between.iter().map(|b| b / largest).collect();
        let next = bounded_weights(&relative, self.params().features_max.sqrt())?;
        Ok((between, Some(next)))
    }

    /// Fits the same rows under several penalties, in parallel; entry `i` equals a
    /// [`fit_with`](Self::fit_with) of its own with `penalties[i]` and the same options, explicit
    /// starts included, whatever the number of threads.
    ///
    /// # Errors
    /// Those of [`SparseParams::check`] and [`fit_with`](Self::fit_with), for the first penalty that has one.
    ///
    /// # Examples
    /// ```
    /// use atlas_regime::{FitOptions, Rows, sparse::SparseParams};
    /// let data = [0.0, 0.3, 0.1, -0.3, 5.0, 0.3, 5.1, -0.3]; // the second column is noise
    /// let params = SparseParams::new(2, 0.0, 1.0).check()?;
    /// let options = FitOptions::default();
    /// let fits = params.fit_grid(Rows::new(&data, 2)?, &options, &[0.1, 1000.0])?;
    /// let jumps = |i: usize| fits[i].labels.windows(2).filter(|p| p[0] != p[1]).count();
    /// assert_eq!((jumps(0), jumps(1)), (1, 0)); // at last a jump never pays
    /// # Ok::<(), atlas_regime::Error>(())
    /// ```
    pub fn fit_grid(
        &self,
        rows: Rows<'_>,
        options: &FitOptions<'_>,
        penalties: &[f64],
    ) -> Result<Vec<SparseFit>, Error> {
        let params = self.params();
        let vertices = match params.mixture {
            Some(mixture) => Grid::count(params.jump.states, mixture.grid_size)?,
            None => 0,
        };
        let share = Share::of_grid(rows.len(), vertices, penalties.len());
        let fit = |&penalty: &f64| {
            let jump = JumpParams { penalty, ..params.jump.clone() };
            let params = SparseParams { jump, ..params.clone() }.check()?;
            params.fit_within(rows, options, share.bytes)
        };
        in_parts(penalties, share.fits, |part| part.iter().map(fit).collect()).into_iter().collect()
    }

    fn inner(
        &self,
        rows: Rows<'_>,
        options: &FitOptions<'_>,
        bytes_max: usize,
    ) -> Result<Inner, Error> {
        let params = self.params();
        let jump = JumpParams {
            penalty: params.jump.penalty / float(rows.cols()).sqrt(),
            ..params.jump.clone()
        };
        if let Some(Mixture { grid_size, mode_loss }) = params.mixture {
            let continuous = ContinuousParams { jump, grid_size, mode_loss }.check()?;
            let fit = continuous.fit_within(rows, options, bytes_max)?;
            return Ok(Inner {
                model: SparseInner::Continuous(fit.model),
                labels: fit.labels,
                memberships: fit.weights,
                restarts: fit.restarts,
                start_rows: fit.start_rows,
                sort_permutation: fit.sort_permutation,
            });
        }
        let states = jump.states;
        let fit = jump.check()?.fit_with(rows, options)?;
        let mut memberships = vec![0.0; rows.len() * states];
        for (t, &label) in fit.labels.iter().enumerate() {
            memberships[t * states + label as usize] = 1.0;
        }
        Ok(Inner {
            model: SparseInner::Discrete(fit.model),
            labels: fit.labels,
            memberships,
            restarts: fit.restarts,
            start_rows: fit.start_rows,
            sort_permutation: fit.sort_permutation,
        })
    }
}

/// Relative change in L1.
fn change(now: &[f64], before: &[f64]) -> f64 {
    let gap: f64 = now.iter().zip(before).map(|(a, b)| (a - b).abs()).sum();
    gap / before.iter().map(|b| b.abs()).sum::<f64>()
}

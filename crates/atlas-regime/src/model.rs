//! A fitted jump model: immutable, serializable, with what it saw in its sample.

use serde::{Deserialize, Serialize};

use crate::descent::Steps as _;
use crate::discrete::estep::Discrete;
use crate::discrete::params::STATES_MAX;
use crate::{Error, Rows, SortBy};

/// The format of serialized models this version writes and reads.
pub const MODEL_FORMAT: u32 = 1;

/// What a fit of a discrete jump model found, states numbered in the order of [`SortBy`].
///
/// It cannot be changed. Everything per state is `None` where the state is empty or the figure is
/// undefined, so that a model survives JSON and nothing computes with NaN unawares.
///
/// # Examples
/// ```
/// use atlas_regime::{JumpParams, Rows};
/// let data = [0.0, 0.1, -0.1, 5.0, 5.1, 4.9];
/// let returns = [0.01, 0.02, 0.01, -0.03, -0.01, -0.02];
/// let fit = JumpParams::new(2, 1.0).check()?.fit(Rows::new(&data, 1)?, Some(&returns))?;
/// let model = fit.model;
/// assert_eq!((model.states(), model.frequency()), (2, &[3.0, 3.0][..]));
/// assert!(model.mean_return()[0] > model.mean_return()[1]);
/// # Ok::<(), atlas_regime::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JumpModel {
    pub(crate) format: u32,
    pub(crate) features: usize,
    pub(crate) feature_weights: Option<Vec<f64>>,
    pub(crate) penalty: f64,
    pub(crate) sort_by: SortBy,
    pub(crate) centers: Vec<Option<Vec<f64>>>,
    pub(crate) objective: f64,
    pub(crate) rows: usize,
    pub(crate) iterations: usize,
    pub(crate) restarts: usize,
    pub(crate) best_restart: usize,
    pub(crate) frequency: Vec<f64>,
    pub(crate) mean_return: Vec<Option<f64>>,
    pub(crate) volatility: Vec<Option<f64>>,
    pub(crate) transitions: Vec<Option<Vec<f64>>>,
}

impl JumpModel {
    /// A model with the given centres, as if fitted: for filters over centres from elsewhere.
    ///
    /// Sample figures are empty; the objective is 0.
    ///
    /// # Errors
    /// Those of [`check`](Self::check); [`Error::Parameter`] for a negative or non-finite penalty;
    /// no other.
    pub fn from_centers(centers: Vec<Option<Vec<f64>>>, penalty: f64) -> Result<Self, Error> {
        let model = Self {
            format: MODEL_FORMAT,
            features: centers.iter().flatten().map(Vec::len).next().unwrap_or(0),
            feature_weights: None,
            penalty,
            sort_by: SortBy::Unsorted,
            centers,
            objective: 0.0,
            rows: 0,
            iterations: 0,
            restarts: 0,
            best_restart: 0,
            frequency: Vec::new(),
            mean_return: Vec::new(),
            volatility: Vec::new(),
            transitions: Vec::new(),
        };
        model.check()?;
        Ok(model)
    }

    /// Number of states, empty ones included.
    #[must_use]
    pub const fn states(&self) -> usize {
        self.centers.len()
    }

    /// Number of feature columns.
    #[must_use]
    pub const fn features(&self) -> usize {
        self.features
    }

    /// Weight every column of a row is multiplied by before anything else; all 1 when absent.
    #[must_use]
    pub fn feature_weights(&self) -> Option<&[f64]> {
        self.feature_weights.as_deref()
    }

    /// Penalty λ for each change of state, in units of half a squared distance.
    #[must_use]
    pub const fn penalty(&self) -> f64 {
        self.penalty
    }

    /// Order the states are numbered in.
    #[must_use]
    pub const fn sort_by(&self) -> SortBy {
        self.sort_by
    }

    /// Centre of each state in the space of the (weighted) features; `None` for an empty state.
    #[must_use]
    pub fn centers(&self) -> &[Option<Vec<f64>>] {
        &self.centers
    }

    /// Sum of half squared distances and penalties over the sample.
    #[must_use]
    pub const fn objective(&self) -> f64 {
        self.objective
    }

    /// Rows of the sample.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Updates of the centres in the restart that won.
    #[must_use]
    pub const fn iterations(&self) -> usize {
        self.iterations
    }

    /// Number of restarts tried.
    #[must_use]
    pub const fn restarts(&self) -> usize {
        self.restarts
    }

    /// Which of them won, from 0.
    #[must_use]
    pub const fn best_restart(&self) -> usize {
        self.best_restart
    }

    /// Rows in each state; weights summed up, for a continuous model.
    #[must_use]
    pub fn frequency(&self) -> &[f64] {
        &self.frequency
    }

    /// Mean return per session in each state; empty without a return series.
    #[must_use]
    pub fn mean_return(&self) -> &[Option<f64>] {
        &self.mean_return
    }

    /// Standard deviation of returns per session in each state; empty without a return series.
    #[must_use]
    pub fn volatility(&self) -> &[Option<f64>] {
        &self.volatility
    }

    /// Shares of moves from each state to each state; `None` for a state without successor.
    #[must_use]
    pub fn transitions(&self) -> &[Option<Vec<f64>>] {
        &self.transitions
    }

    /// The same model for rows whose columns are multiplied by these weights first; the centres
    /// stay as they are.
    ///
    /// # Errors
    /// [`Error::Shape`] for another number of weights than features, [`Error::NotFinite`] for a
    /// weight that is not finite; no other.
    pub fn with_feature_weights(self, weights: Vec<f64>) -> Result<Self, Error> {
        let model = Self { feature_weights: Some(weights), ..self };
        model.check()?;
        Ok(model)
    }

    /// The states no row of the sample is in.
    pub fn empty_states(&self) -> impl Iterator<Item = usize> + '_ {
        self.centers.iter().enumerate().filter(|(_, c)| c.is_none()).map(|(k, _)| k)
    }

    /// The centres row after row, NaN for an empty state.
    pub(crate) fn flat_centers(&self) -> Vec<f64> {
        let nan = vec![f64::NAN; self.features];
        self.centers.iter().flat_map(|c| c.as_ref().unwrap_or(&nan)).copied().collect()
    }

    /// Writes the row as the centres see it: multiplied by the feature weights.
    pub(crate) fn weigh(&self, row: &[f64], out: &mut [f64]) {
        match &self.feature_weights {
            None => out.copy_from_slice(row),
            Some(weights) => {
                for ((slot, x), w) in out.iter_mut().zip(row).zip(weights) {
                    *slot = x * w;
                }
            }
        }
    }

    /// States of the cheapest path through all rows: **smoothed**, each one depends on later rows
    /// too. Never for decisions; use a [`Filter`](crate::Filter) there.
    ///
    /// # Errors
    /// Those of [`check`](Self::check); [`Error::Shape`] for rows of another width,
    /// [`Error::NotFinite`] for NaN or infinite numbers, [`Error::TooFewRows`] without rows; no
    /// other.
    pub fn smoothed_states(&self, rows: Rows<'_>) -> Result<Vec<u32>, Error> {
        self.check()?;
        if rows.cols() != self.features {
            let (found, expected) = (rows.cols(), self.features);
            return Err(Error::Shape { what: "a row", found, expected });
        }
        rows.check_finite("the data")?;
        if rows.is_empty() {
            return Err(Error::TooFewRows { what: "the data", have: 0, need: 1 });
        }
        let mut weighted = vec![0.0; rows.as_slice().len()];
        for (row, out) in rows.iter().zip(weighted.chunks_exact_mut(rows.cols())) {
            self.weigh(row, out);
        }
        let weighted = Rows::new(&weighted, rows.cols())?;
        let mut labels = vec![0; rows.len()];
        Discrete::new(weighted, self.states(), self.penalty)
            .label(&self.flat_centers(), &mut labels);
        Ok(labels)
    }

    /// Refuses a deserialized model of another format or with inconsistent shapes.
    ///
    /// # Errors
    /// [`Error::Format`] for another format, [`Error::Shape`] where lengths disagree,
    /// [`Error::TooFewRows`] without centres, [`Error::Parameter`] for a bad penalty or more than 8
    /// states or for figures of the sample that are none, [`Error::NotFinite`] for a centre or
    /// weight that is not finite; no other.
    pub fn check(&self) -> Result<(), Error> {
        if self.format != MODEL_FORMAT {
            let (found, expected) = (self.format, MODEL_FORMAT);
            return Err(Error::Format { what: "the jump model", found, expected });
        }
        if let Some(weights) = &self.feature_weights
            && weights.len() != self.features
        {
            let (found, expected) = (weights.len(), self.features);
            return Err(Error::Shape { what: "the list of feature weights", found, expected });
        }
        if let Some(weights) = &self.feature_weights
            && let Some(column) = weights.iter().position(|x| !x.is_finite())
        {
            let (what, value) = ("the list of feature weights", weights[column]);
            return Err(Error::NotFinite { what, row: 0, column, value });
        }
        if self.centers.len() > STATES_MAX {
            let value = self.centers.len().to_string();
            return Err(Error::Parameter { name: "states", value, rule: "1 to 8" });
        }
        if self.centers.iter().all(Option::is_none) || self.features == 0 {
            return Err(Error::TooFewRows { what: "the centres", have: 0, need: 1 });
        }
        if !(self.penalty.is_finite() && self.penalty >= 0.0) {
            let value = self.penalty.to_string();
            return Err(Error::Parameter { name: "penalty", value, rule: "finite, not negative" });
        }
        for (row, center) in self.centers.iter().enumerate() {
            let Some(center) = center else { continue };
            if center.len() != self.features {
                return Err(Error::Shape {
                    what: "a centre",
                    found: center.len(),
                    expected: self.features,
                });
            }
            if let Some(column) = center.iter().position(|x| !x.is_finite()) {
                let value = center[column];
                return Err(Error::NotFinite { what: "the centres", row, column, value });
            }
        }
        self.check_sample_figures()
    }

    /// Refuses figures of the sample that are no figures, or not one per state.
    fn check_sample_figures(&self) -> Result<(), Error> {
        let states = self.states();
        let lengths = [
            ("the list of frequencies", self.frequency.len()),
            ("the list of mean returns", self.mean_return.len()),
            ("the list of volatilities", self.volatility.len()),
            ("the transition matrix", self.transitions.len()),
        ];
        for (what, found) in lengths {
            if found != 0 && found != states {
                return Err(Error::Shape { what, found, expected: states });
            }
        }
        let rows = self.transitions.iter().flatten();
        if let Some(bad) = rows.clone().find(|row| row.len() != states) {
            let (what, found) = ("a row of the transition matrix", bad.len());
            return Err(Error::Shape { what, found, expected: states });
        }
        let shares = rows.flatten().all(|x| (0.0..=1.0).contains(x));
        let counts = self.frequency.iter().all(|x| x.is_finite() && *x >= 0.0);
        let spreads = self.volatility.iter().flatten().all(|x| x.is_finite() && *x >= 0.0);
        let means = self.mean_return.iter().flatten().all(|x| x.is_finite());
        if !(shares && counts && spreads && means && self.objective.is_finite()) {
            let value = format!("objective {}", self.objective);
            return Err(Error::Parameter {
                name: "sample figures",
                value,
                rule: "finite; frequencies and volatilities not negative, shares from 0 to 1",
            });
        }
        let (chosen, tried) = (self.best_restart, self.restarts);
        if chosen >= tried.max(1) {
            let value = chosen.to_string();
            return Err(Error::Parameter { name: "best_restart", value, rule: "below restarts" });
        }
        Ok(())
    }
}

/// Undefined as `None`.
pub(crate) fn defined(values: &[f64]) -> Vec<Option<f64>> {
    values.iter().map(|&x| x.is_finite().then_some(x)).collect()
}

/// Centres with empty states as `None`.
pub(crate) fn named_centers(flat: &[f64], features: usize) -> Vec<Option<Vec<f64>>> {
    let row = |c: &[f64]| c.iter().all(|x| x.is_finite()).then(|| c.to_vec());
    flat.chunks_exact(features).map(row).collect()
}

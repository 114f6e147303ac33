//! A fitted sparse model, as it is kept and filed away.

use serde::{Deserialize, Serialize};

use crate::continuous::ContinuousModel;
use crate::{Error, JumpModel};

/// The format of serialized sparse models this version writes and reads.
pub const SPARSE_FORMAT: u32 = 1;

/// The inner model of a sparse fit's last round with the weights that came out; serializable, and
/// it cannot be changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SparseModel {
    pub(super) format: u32,
    pub(super) inner: SparseInner,
    pub(super) weights: Vec<f64>,
    pub(super) rounds: usize,
    pub(super) features_max: f64,
}

/// The model a sparse model weighs the features of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SparseInner {
    /// Every observation in one state.
    Discrete(JumpModel),
    /// Every observation in a mixture.
    Continuous(ContinuousModel),
}

impl SparseModel {
    /// The inner model of the last round, its feature weights included.
    #[must_use]
    pub const fn inner(&self) -> &SparseInner {
        &self.inner
    }

    /// Centres, order and sample figures of the states.
    #[must_use]
    pub const fn states(&self) -> &JumpModel {
        match &self.inner {
            SparseInner::Discrete(model) => model,
            SparseInner::Continuous(model) => model.states(),
        }
    }

    /// The last weights w, one per feature; their roots would be the feature weights of the *next*
    /// round.
    #[must_use]
    pub fn weights(&self) -> &[f64] {
        &self.weights
    }

    /// Rounds of weights the fit took.
    #[must_use]
    pub const fn rounds(&self) -> usize {
        self.rounds
    }

    /// Effective number of features at most, κ².
    #[must_use]
    pub const fn features_max(&self) -> f64 {
        self.features_max
    }

    /// Refuses a deserialized model of another format or with inconsistent parts.
    ///
    /// # Errors
    /// [`Error::Format`] for another format, [`Error::Shape`] for another number of weights than
    /// features, [`Error::NotFinite`] or [`Error::Parameter`] for weights, rounds or a κ² no fit
    /// gives, those of [`JumpModel::check`] and [`ContinuousModel::check`]; no other.
    pub fn check(&self) -> Result<(), Error> {
        if self.format != SPARSE_FORMAT {
            let (found, expected) = (self.format, SPARSE_FORMAT);
            return Err(Error::Format { what: "the sparse jump model", found, expected });
        }
        match &self.inner {
            SparseInner::Discrete(model) => model.check()?,
            SparseInner::Continuous(model) => model.check()?,
        }
        let (found, expected) = (self.weights.len(), self.states().features());
        if found != expected {
            return Err(Error::Shape { what: "the list of weights", found, expected });
        }
        let bad = |w: &f64| !(w.is_finite() && *w >= 0.0);
        if let Some(column) = self.weights.iter().position(bad) {
            let (what, value) = ("the list of weights", self.weights[column]);
            return Err(Error::NotFinite { what, row: 0, column, value });
        }
        if self.rounds == 0 || !(self.features_max.is_finite() && self.features_max >= 1.0) {
            let value = format!("{} rounds, features_max {}", self.rounds, self.features_max);
            let rule = "at least 1 each, and finite";
            return Err(Error::Parameter { name: "features_max", value, rule });
        }
        Ok(())
    }
}

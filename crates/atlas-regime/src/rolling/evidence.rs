//! What the rolling detector says, and why.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::refit::Renaming;
use crate::{FeatureReading, MarketState};

/// What is said about one session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RollingEstimate {
    /// Number of the session, counted from 0 at the first pushed.
    pub session: usize,
    /// Its date.
    pub date: NaiveDate,
    /// State under the chosen penalty; `None` before the first choice.
    pub state: Option<MarketState>,
    /// The chosen penalty.
    pub penalty: Option<f64>,
    /// State under every candidate: 0 bull, 1 bear.
    pub candidates: Vec<u8>,
    /// Candidates whose states were renamed against the nearest centres, on a refit's session.
    pub renamings: Vec<Renaming>,
    /// What led to the state.
    pub evidence: RollingEvidence,
}

/// What led to a state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RollingEvidence {
    /// Session of the refit in force; its sample ends the session before.
    pub refit_session: usize,
    /// Date of that refit.
    pub refit_date: NaiveDate,
    /// Sessions since the refit; 0 on the refit's own session.
    pub model_age: usize,
    /// Session the penalty was last chosen on; `None` for a single candidate and before the first
    /// choice.
    pub chosen_session: Option<usize>,
    /// Which rule decided.
    pub decided_by: RollingRule,
    /// The features.
    pub features: Vec<FeatureReading>,
    /// Half squared distance to the bull and the bear centre under the chosen penalty; `None`
    /// without a choice or where the fit found one state only.
    pub distances: Option<[f64; 2]>,
    /// How much costlier the path into the other state is, finite; `None` as for the distances.
    pub margin: Option<f64>,
    /// Objective of the fit under the chosen penalty; `None` without a choice.
    pub objective: Option<f64>,
}

/// The rule that decided a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RollingRule {
    /// The last state of the cheapest path through the lookback, under the chosen penalty.
    CheapestPath,
    /// The fit under the chosen penalty found one state only, which counts as bull.
    SingleState,
    /// No penalty has been chosen yet, so no state is said.
    NoChoiceYet,
}

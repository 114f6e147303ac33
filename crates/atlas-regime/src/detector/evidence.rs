//! Why the detector said what it said.

use atlas_core::Regime;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::{VixReading, VixShock};

/// A regime with the evidence for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegimeEstimate {
    /// The session judged, after its close.
    pub as_of: NaiveDate,
    /// The regime, shock override included.
    pub regime: Regime,
    /// Everything that led to it.
    pub evidence: Evidence,
}

/// The state of the two-state model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarketState {
    /// The state with the larger cumulative return in the fit's sample.
    Bull,
    /// The other one.
    Bear,
}

/// The rule that decided the regime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DecidedBy {
    /// The rungs on the bull–bear axis (profile *calibrated*).
    Ladder,
    /// State and expanding z-scores (profile *seed*).
    ZScores,
    /// The VIX shock rule, overriding the model.
    VixShock,
}

/// The branch of the z-score rule that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ZScoreBranch {
    /// Bear state, downside z above and Sortino z below the thresholds: crash.
    BearExtreme,
    /// Bear state otherwise: bear.
    BearOtherwise,
    /// Bull state, Sortino z positive: bull.
    BullSortinoPositive,
    /// Bull state otherwise, too few observations for a z-score included: neutral.
    BullOtherwise,
}

impl ZScoreBranch {
    /// The regime the branch leads to.
    #[must_use]
    pub const fn regime(self) -> Regime {
        match self {
            Self::BearExtreme => Regime::Crash,
            Self::BearOtherwise => Regime::Bear,
            Self::BullSortinoPositive => Regime::Bull,
            Self::BullOtherwise => Regime::Neutral,
        }
    }
}

/// How the names of the states, given by the returns in the sample, compare with those of the
/// refit before, matched by the nearest centres.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "naming")]
#[non_exhaustive]
pub enum Naming {
    /// There is no earlier refit that tells two states apart, or the estimate was stored before
    /// this was recorded.
    #[default]
    NotCompared,
    /// Both ways of naming agree.
    Agrees,
    /// **An incident**: the nearest centres have the other name, so bull and bear have changed
    /// places since the refit before.
    Exchanged {
        /// Sum of squared distances of the centres to the earlier ones of the same name.
        distance_same: f64,
        /// The same with the names exchanged; smaller.
        distance_exchanged: f64,
    },
}

/// What the returns behind the features are measured against.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "basis")]
#[non_exhaustive]
pub enum ReturnBasis {
    /// In excess of the Treasury rate.
    Excess,
    /// Raw returns: no rate series was given.
    RawNoRate,
    /// Raw returns: the rate series ends too early for the session judged.
    RawRateEnded {
        /// Last date of the rate series.
        last: NaiveDate,
    },
}

/// What is known of the VIX on the session judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "vix")]
#[non_exhaustive]
pub enum VixEvidence {
    /// The rule was applied. Under the policy to carry on, a change is `None` where the close it
    /// compares with is missing, and `vix_unseen` is not 0.
    Read(VixReading),
    /// The VIX was missing or stale and the policy is to carry on: no **new** shock could be seen.
    Missing {
        /// Last date of the VIX series, if there is any.
        last: Option<NaiveDate>,
        /// The shock that was in force before and still is: a lost quote ends none. It lasts at
        /// most until the longest hold ends. Absent in estimates stored before it was kept.
        #[serde(default)]
        shock: Option<VixShock>,
    },
}

/// One feature on the session judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FeatureReading {
    /// Its name, such as `sortino_20`.
    pub name: String,
    /// Its value, per session.
    pub value: f64,
    /// Its value in standard deviations of the fit's sample, clipped as the model sees it.
    pub scaled: f64,
    /// Its value in standard deviations of everything since the warm-up; `None` where that does
    /// not vary.
    pub expanding_z: Option<f64>,
}

/// Everything that led to a regime.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Evidence {
    /// Number of the session, counted from 0 at the index's first.
    pub session: usize,
    /// Session number of the refit in force; its sample ends the session before.
    pub refit_session: usize,
    /// Date of that refit.
    pub refit_date: NaiveDate,
    /// Sessions since the refit; 0 on the refit's own session.
    pub model_age: usize,
    /// Rows of the refit's sample.
    pub sample_rows: usize,
    /// Penalty of the fit; `None` in estimates stored before this was recorded.
    #[serde(default)]
    pub penalty: Option<f64>,
    /// Session the penalty was last chosen on; `None` for a fixed one and before the first choice.
    #[serde(default)]
    pub chosen_session: Option<usize>,
    /// Objective of the fit.
    pub objective: f64,
    /// What the returns are measured against.
    pub returns: ReturnBasis,
    /// The features.
    pub features: Vec<FeatureReading>,
    /// State of the two-state model by the online filter.
    pub state: MarketState,
    /// Half squared distance to the bull and the bear centre.
    pub distances: [f64; 2],
    /// How much costlier the path into the other state is; infinite (stored as `null`) where that
    /// one is too far away to be squared.
    #[serde(with = "crate::stored::maybe_infinite")]
    pub state_margin: f64,
    /// Position on the axis from the bull centre (0) to the bear centre (1).
    pub stress: f64,
    /// Positions of the four rungs on that axis, bull to crash; `None` for the z-score rule.
    pub rungs: Option<[f64; 4]>,
    /// How much costlier the path into the next-best label is; `None` for the z-score rule.
    pub label_margin: Option<f64>,
    /// The regime before the shock override.
    pub model_regime: Regime,
    /// The VIX.
    pub vix: VixEvidence,
    /// Sessions without a VIX close among those that decide whether a shock is in force: the
    /// longest hold and the three sessions its first rise looks back. Where it is not 0, a shock
    /// may have gone unseen.
    #[serde(default)]
    pub vix_unseen: usize,
    /// Which rule decided.
    pub decided_by: DecidedBy,
    /// Branch of the z-score rule that led to [`model_regime`](Self::model_regime); `None` for the
    /// ladder and in estimates stored before this was recorded.
    #[serde(default)]
    pub z_branch: Option<ZScoreBranch>,
    /// The names of the states against those of the refit before.
    #[serde(default)]
    pub naming: Naming,
}

//! The detector's settings and its two named profiles.

use serde::{Deserialize, Serialize};

use crate::{Error, JumpParams, RateQuote, VixParams};

/// What to do when the VIX has no close on the date asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum VixPolicy {
    /// Refuse to name a regime.
    #[default]
    Refuse,
    /// Carry on without the shock rule and say so in the evidence.
    CarryOn,
}

/// How the two states become four regimes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum RegimeRule {
    /// Four rungs on the axis from the bull to the bear centre; see [`LadderParams`].
    Ladder(LadderParams),
    /// Bull or bear by the model, split by expanding z-scores; see [`ZScoreParams`].
    ZScores(ZScoreParams),
}

/// Four rungs on the axis that runs from the bull centre (0) to the bear centre (1) of the fitted
/// two-state model, and a jump penalty on the label itself.
///
/// Each rung is a quantile of the sample's rows of one state, projected on the axis; one that would
/// lie below a milder rung, where the states overlap much, is moved up to it. The label of
/// a session is the last one of the cheapest path through the rungs, at the same scale of loss as
/// the model's own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LadderParams {
    /// Penalty for each change of label.
    pub penalty: f64,
    /// Rung *bull*: this quantile of the bull rows.
    pub bull_quantile: f64,
    /// Rung *neutral*: this quantile of the bull rows.
    pub neutral_quantile: f64,
    /// Rung *bear*: this quantile of the bear rows.
    pub bear_quantile: f64,
    /// Rung *crash*: this quantile of the bear rows.
    pub crash_quantile: f64,
}

impl Default for LadderParams {
    /// The model's own penalty of 50, medians for the milder and 95 % quantiles for the harsher
    /// rung of each side; neighbouring values give much the same, see
    /// `docs/studies/regime-detector.md`.
    fn default() -> Self {
        Self {
            penalty: 50.0,
            bull_quantile: 0.50,
            neutral_quantile: 0.95,
            bear_quantile: 0.50,
            crash_quantile: 0.95,
        }
    }
}

/// Thresholds on expanding z-scores: crash when bear and downside z above, Sortino z below the
/// thresholds; bear otherwise when bear; bull when bull and Sortino z positive; else neutral.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ZScoreParams {
    /// Fewest observations a z-score is made of.
    pub observations_min: usize,
    /// A crash has a z-score of the downside deviation above this.
    pub crash_downside_above: f64,
    /// A crash has a z-score of the 20-session Sortino ratio below this.
    pub crash_sortino_below: f64,
}

impl Default for ZScoreParams {
    /// 60 observations, +2.5 and −0.9.
    fn default() -> Self {
        Self { observations_min: 60, crash_downside_above: 2.5, crash_sortino_below: -0.9 }
    }
}

/// Settings of the detector, unchecked; [`check`](Self::check) makes them usable.
///
/// # Examples
/// ```
/// use atlas_regime::DetectorParams;
/// let calibrated = DetectorParams::calibrated();
/// assert_eq!(calibrated, DetectorParams::default());
/// assert!(calibrated.check().is_ok());
/// assert!(DetectorParams { refit_every: 0, ..DetectorParams::seed() }.check().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DetectorParams {
    /// Penalty λ of the two-state model.
    pub penalty: f64,
    /// Number of k-means++ starts of each fit.
    pub restarts: usize,
    /// Seed of the starts.
    pub seed: u32,
    /// Sessions between refits; they fall on multiples of this, counted from the index's start.
    pub refit_every: usize,
    /// Rows of a fit at most.
    pub lookback: usize,
    /// Rows of a fit at least.
    pub rows_min: usize,
    /// First sessions left out while the weighted means settle.
    pub warm_up: usize,
    /// Features are clipped at this many standard deviations of the fit's rows.
    pub clip: f64,
    /// How the rate series is quoted.
    pub rate_quote: RateQuote,
    /// From states to regimes.
    pub rule: RegimeRule,
    /// The shock rule.
    pub vix: VixParams,
    /// What to do without a VIX close.
    pub vix_missing: VixPolicy,
}

impl Default for DetectorParams {
    fn default() -> Self {
        Self::calibrated()
    }
}

impl DetectorParams {
    /// The default profile: labels as persistent as the model behind them.
    #[must_use]
    pub fn calibrated() -> Self {
        Self {
            penalty: 50.0,
            restarts: 10,
            seed: 0,
            refit_every: 126,
            lookback: 3000,
            rows_min: 750,
            warm_up: 252,
            clip: 3.0,
            rate_quote: RateQuote::BondEquivalent,
            rule: RegimeRule::Ladder(LadderParams::default()),
            vix: VixParams::default(),
            vix_missing: VixPolicy::Refuse,
        }
    }

    /// The profile of the systems Atlas replaces, kept for comparison: λ = 1.5 and thresholds on
    /// expanding z-scores. Its labels change about twenty times a year.
    #[must_use]
    pub fn seed() -> Self {
        Self {
            penalty: 1.5,
            lookback: 1000,
            rule: RegimeRule::ZScores(ZScoreParams::default()),
            ..Self::calibrated()
        }
    }

    /// Proves the settings usable.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a value outside of its range, naming it; no other.
    pub fn check(self) -> Result<CheckedDetectorParams, Error> {
        self.jump_params().check()?;
        self.vix.check()?;
        at_least("refit_every", self.refit_every, 1, "at least 1")?;
        at_least("rows_min", self.rows_min, 60, "at least 60")?;
        at_least("lookback", self.lookback, self.rows_min, "at least rows_min")?;
        within("clip", self.clip, 0.1, 100.0, "from 0.1 to 100")?;
        match &self.rule {
            RegimeRule::Ladder(ladder) => ladder.check()?,
            RegimeRule::ZScores(z) => {
                at_least("rule.observations_min", z.observations_min, 2, "at least 2")?;
                let rule = "from -100 to 100";
                within("rule.crash_downside_above", z.crash_downside_above, -100.0, 100.0, rule)?;
                within("rule.crash_sortino_below", z.crash_sortino_below, -100.0, 100.0, rule)?;
            }
        }
        Ok(CheckedDetectorParams(self))
    }

    /// The parameters of the two-state model.
    pub(crate) fn jump_params(&self) -> JumpParams {
        JumpParams { restarts: self.restarts, seed: self.seed, ..JumpParams::new(2, self.penalty) }
    }
}

impl LadderParams {
    fn check(&self) -> Result<(), Error> {
        within("rule.penalty", self.penalty, 0.0, 1e12, "finite and not negative")?;
        let quantiles = [
            ("rule.bull_quantile", self.bull_quantile),
            ("rule.neutral_quantile", self.neutral_quantile),
            ("rule.bear_quantile", self.bear_quantile),
            ("rule.crash_quantile", self.crash_quantile),
        ];
        for (name, q) in quantiles {
            within(name, q, 0.0, 1.0, "from 0 to 1")?;
        }
        within("rule.neutral_quantile", self.neutral_quantile, self.bull_quantile, 1.0, ORDER)?;
        within("rule.crash_quantile", self.crash_quantile, self.bear_quantile, 1.0, ORDER)
    }
}

const ORDER: &str = "not below the milder rung's";

fn at_least(name: &'static str, value: usize, min: usize, rule: &'static str) -> Result<(), Error> {
    if value >= min {
        return Ok(());
    }
    Err(Error::Parameter { name, value: value.to_string(), rule })
}

fn within(
    name: &'static str,
    value: f64,
    low: f64,
    high: f64,
    rule: &'static str,
) -> Result<(), Error> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    Err(Error::Parameter { name, value: value.to_string(), rule })
}

/// Settings that passed [`DetectorParams::check`]; the only ones a detector takes.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedDetectorParams(DetectorParams);

impl CheckedDetectorParams {
    /// The settings themselves.
    #[must_use]
    pub const fn params(&self) -> &DetectorParams {
        &self.0
    }
}

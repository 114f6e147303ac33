//! The detector's settings and its two named profiles.

use serde::{Deserialize, Serialize};

use crate::rolling::contest::Terms;
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
    /// A penalty of 50, medians for the milder rung of each side, the 95 % quantile for neutral and
    /// the 98 % quantile for crash; how neighbouring values fare stands in
    /// `docs/studies/regime-detector.md`.
    fn default() -> Self {
        Self {
            penalty: 50.0,
            bull_quantile: 0.50,
            neutral_quantile: 0.95,
            bear_quantile: 0.50,
            crash_quantile: 0.98,
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

/// Candidate penalties, and how one of them is chosen again and again: by the Sharpe ratio of the
/// strategy that holds the index in the bull state, in excess of cash and after costs, on the
/// states **as they were emitted** by the fits then in force.
///
/// Until enough sessions have been emitted the detector's `penalty` is in force; on a tie the
/// larger one is taken, where no ratio is defined the old one is kept, and a candidate whose fit
/// tells no states apart cannot be chosen.
///
/// # Examples
/// ```
/// use atlas_regime::{DetectorParams, PenaltyChoice};
/// let choice = PenaltyChoice { candidates: vec![15.0, 35.0, 150.0], ..PenaltyChoice::default() };
/// let params = DetectorParams { choice: Some(choice), ..DetectorParams::calibrated() };
/// assert!(params.check().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PenaltyChoice {
    /// Penalties to choose from, strictly increasing, the detector's own among them.
    pub candidates: Vec<f64>,
    /// Sessions between choices, counted from the index's start.
    pub choose_every: usize,
    /// Sessions the candidates are compared over.
    pub validation: usize,
    /// A state of session t is acted on from session t + `delay`.
    pub delay: usize,
    /// Cost of changing the position by its whole, one way, such as 0.001.
    pub cost: f64,
}

impl Default for PenaltyChoice {
    /// The detector's own 35 among five candidates, chosen every 21 sessions over 2 016, from
    /// t + 2 at 10 basis points a side.
    fn default() -> Self {
        Self {
            candidates: vec![15.0, 35.0, 50.0, 70.0, 150.0],
            choose_every: 21,
            validation: 2016,
            delay: 2,
            cost: 0.001,
        }
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
    /// Penalty λ of the two-state model; with a [`choice`](Self::choice), the one in force before
    /// the first.
    pub penalty: f64,
    /// Whether and how the penalty is chosen again and again; fixed when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<PenaltyChoice>,
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
            penalty: 35.0,
            choice: None,
            restarts: 10,
            seed: 0,
            refit_every: 126,
            lookback: 2000,
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
        self.vix.clone().check()?;
        if let Some(choice) = &self.choice {
            choice.check(&self)?;
        }
        at_least("refit_every", self.refit_every, 1, "at least 1")?;
        at_least("rows_min", self.rows_min, 60, "at least 60")?;
        at_least("lookback", self.lookback, self.rows_min, "at least rows_min")?;
        let lengths = [
            ("refit_every", self.refit_every),
            ("lookback", self.lookback),
            ("rows_min", self.rows_min),
            ("warm_up", self.warm_up),
        ];
        for (name, value) in lengths {
            at_most(name, value, LENGTH_MAX, "at most 1000000")?;
        }
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

    /// The penalties fitted at every refit.
    pub(crate) fn candidates(&self) -> &[f64] {
        match &self.choice {
            Some(choice) => &choice.candidates,
            None => std::slice::from_ref(&self.penalty),
        }
    }

    /// Which of them is in force before the first choice.
    pub(crate) fn first_candidate(&self) -> usize {
        let own = |penalty: &f64| penalty.to_bits() == self.penalty.to_bits();
        self.candidates().iter().position(own).unwrap_or(0)
    }

    /// On what terms they are compared.
    pub(crate) fn terms(&self) -> Terms {
        self.choice.as_ref().map_or(PenaltyChoice::default().terms(), PenaltyChoice::terms)
    }

    /// The parameters of the two-state model.
    pub(crate) fn jump_params(&self) -> JumpParams {
        JumpParams { restarts: self.restarts, seed: self.seed, ..JumpParams::new(2, self.penalty) }
    }
}

impl PenaltyChoice {
    /// On what terms candidates are compared.
    pub(crate) const fn terms(&self) -> Terms {
        let Self { choose_every, validation, delay, cost, .. } = *self;
        Terms { choose_every, validation, delay, cost }
    }

    fn check(&self, params: &DetectorParams) -> Result<(), Error> {
        let ordered = self.candidates.windows(2).all(|pair| pair[0] < pair[1]);
        let own = |penalty: &f64| penalty.to_bits() == params.penalty.to_bits();
        if !ordered || !self.candidates.iter().any(own) {
            return Err(Error::Parameter {
                name: "choice.candidates",
                value: format!("{:?}", self.candidates),
                rule: "strictly increasing, with the detector's own penalty among them",
            });
        }
        for &penalty in &self.candidates {
            JumpParams { penalty, ..params.jump_params() }.check()?;
        }
        at_least("choice.choose_every", self.choose_every, 1, "at least 1")?;
        let lengths = [
            ("choice.validation", self.validation, 20, "from 20 to 1000000"),
            ("choice.delay", self.delay, 1, "from 1 to 1000000"),
        ];
        for (name, value, least, rule) in lengths {
            at_least(name, value, least, rule)?;
            at_most(name, value, LENGTH_MAX, rule)?;
        }
        within("choice.cost", self.cost, 0.0, 1.0, "from 0 to 1")
    }
}

/// The largest number of sessions that makes sense.
const LENGTH_MAX: usize = 1_000_000;

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

fn at_most(name: &'static str, value: usize, max: usize, rule: &'static str) -> Result<(), Error> {
    if value <= max {
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

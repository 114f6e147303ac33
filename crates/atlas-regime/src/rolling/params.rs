//! What the rolling detector is asked to do, unchecked and checked.

use serde::{Deserialize, Serialize};

use super::contest::Terms;
use crate::{Error, Ewm, Feature, JumpParams};

/// Settings of a rolling detector, unchecked; [`check`](Self::check) makes them usable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RollingParams {
    /// Features of the excess returns.
    pub features: Vec<Feature>,
    /// Candidate penalties, strictly increasing; a single one is simply used.
    pub penalties: Vec<f64>,
    /// Sessions between refits, counted from the series' start.
    pub refit_every: usize,
    /// Rows of each fit and of the window the online state is read from.
    pub lookback: usize,
    /// First sessions left out while the weighted means settle.
    pub warm_up: usize,
    /// Features are clipped at this many standard deviations of the fit's rows.
    pub clip: f64,
    /// Sessions between choices of the penalty, counted from the series' start.
    pub choose_every: usize,
    /// Sessions the candidates are compared over.
    pub validation: usize,
    /// A state of session t is acted on from session t + `delay`.
    pub delay: usize,
    /// Cost of changing the position by its whole, one way, such as 0.001.
    pub cost: f64,
    /// Number of k-means++ starts of each fit.
    pub restarts: usize,
    /// Seed of the starts.
    pub seed: u32,
}

impl Default for RollingParams {
    /// λ = 50 on 1 000 rows, refitted every 126 sessions; choices, were there any, every 21 over
    /// 2 016, from t + 2 at 10 basis points a side.
    fn default() -> Self {
        Self {
            features: Feature::PAPER.to_vec(),
            penalties: vec![50.0],
            refit_every: 126,
            lookback: 1000,
            warm_up: 252,
            clip: 3.0,
            choose_every: 21,
            validation: 2016,
            delay: 2,
            cost: 0.001,
            restarts: 10,
            seed: 0,
        }
    }
}

impl RollingParams {
    /// The protocol of Shu, Yu and Mulvey 2024: 3 000 rows, refits every six months, a penalty
    /// chosen monthly over eight years. The paper does not publish its candidates; these are.
    #[must_use]
    pub fn paper(penalties: Vec<f64>) -> Self {
        Self { penalties, lookback: 3000, ..Self::default() }
    }

    /// Proves the settings usable.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a value outside of its range, naming it; no other.
    pub fn check(self) -> Result<CheckedRollingParams, Error> {
        let fault = |name, value: String, rule| Err(Error::Parameter { name, value, rule });
        if self.features.is_empty() || self.features.len() > FEATURES_MAX {
            return fault("features", self.features.len().to_string(), "1 to 32 features");
        }
        for feature in &self.features {
            Ewm::new(feature.halflife())?;
        }
        if self.penalties.is_empty() || self.penalties.windows(2).any(|p| p[0] >= p[1]) {
            let value = format!("{:?}", self.penalties);
            return fault("penalties", value, "at least one, strictly increasing");
        }
        for &penalty in &self.penalties {
            let (restarts, seed) = (self.restarts, self.seed);
            JumpParams { restarts, seed, ..JumpParams::new(2, penalty) }.check()?;
        }
        let sizes = [
            ("refit_every", self.refit_every, 1),
            ("lookback", self.lookback, 60),
            ("choose_every", self.choose_every, 1),
            ("validation", self.validation, 20),
            ("delay", self.delay, 1),
        ];
        for (name, value, least) in sizes {
            if value < least {
                return fault(name, value.to_string(), "larger");
            }
        }
        let lengths = [
            ("lookback", self.lookback),
            ("warm_up", self.warm_up),
            ("validation", self.validation),
            ("delay", self.delay),
            ("restarts", self.restarts),
        ];
        for (name, value) in lengths {
            if value > LENGTH_MAX {
                return fault(name, value.to_string(), "at most 1000000");
            }
        }
        if !(0.1..=100.0).contains(&self.clip) {
            return fault("clip", self.clip.to_string(), "from 0.1 to 100");
        }
        if !(0.0..=1.0).contains(&self.cost) {
            return fault("cost", self.cost.to_string(), "from 0 to 1");
        }
        Ok(CheckedRollingParams(self))
    }

    /// On what terms candidates are compared.
    pub(super) const fn terms(&self) -> Terms {
        let Self { choose_every, validation, delay, cost, .. } = *self;
        Terms { choose_every, validation, delay, cost }
    }
}

/// The largest number of features.
pub(super) const FEATURES_MAX: usize = 32;

/// The largest number of sessions or starts that makes sense.
const LENGTH_MAX: usize = 1_000_000;

/// Settings that passed [`RollingParams::check`]; the only ones a detector takes.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedRollingParams(RollingParams);

impl CheckedRollingParams {
    /// The settings themselves.
    #[must_use]
    pub const fn params(&self) -> &RollingParams {
        &self.0
    }
}

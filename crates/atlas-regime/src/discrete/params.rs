//! What a fit is asked to do, unchecked and checked.

use serde::{Deserialize, Serialize};

use crate::{Error, SortBy};

/// Parameters of a discrete jump model, as somebody wrote them; [`check`](Self::check) makes them
/// usable.
///
/// # Examples
/// ```
/// use atlas_regime::JumpParams;
/// assert!(JumpParams::new(2, 50.0).check().is_ok());
/// assert!(JumpParams::new(0, 50.0).check().is_err());
/// assert!(JumpParams::new(2, f64::INFINITY).check().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct JumpParams {
    /// Number of states K, 1 to 8.
    pub states: usize,
    /// Penalty λ ≥ 0 for each change of state, in units of half a squared distance.
    pub penalty: f64,
    /// Number of k-means++ starts, at least 1 (unless starts are passed explicitly).
    pub restarts: usize,
    /// Largest number of updates of the centres per start.
    pub iterations_max: usize,
    /// A descent ends when the objective falls by no more than this; absolute.
    pub tol: f64,
    /// Seed of the stream all starts are drawn from.
    pub seed: u32,
    /// Order in which states are numbered.
    pub sort_by: SortBy,
    /// Reproduces what the reference implementation does where this one knows better: negative
    /// penalties and rows that are all equal are accepted, and the continuous model stops when the
    /// vertices group the rows as before although the objective still falls. For comparisons only.
    pub compat: bool,
}

impl Default for JumpParams {
    /// Two states, λ = 50, and the reference's ten starts, 1 000 iterations, tolerance 10⁻⁸.
    fn default() -> Self {
        Self {
            states: 2,
            penalty: 50.0,
            restarts: 10,
            iterations_max: 1000,
            tol: 1e-8,
            seed: 0,
            sort_by: SortBy::CumulativeReturn,
            compat: false,
        }
    }
}

impl JumpParams {
    /// The defaults with another number of states and penalty.
    #[must_use]
    pub fn new(states: usize, penalty: f64) -> Self {
        Self { states, penalty, ..Self::default() }
    }

    /// Proves the parameters usable.
    ///
    /// # Errors
    /// [`Error::Parameter`] for states outside 1..=8, a negative or non-finite penalty, no
    /// restarts or more than a million, a negative or NaN tolerance; no other.
    pub fn check(self) -> Result<CheckedJumpParams, Error> {
        let fault = |name, value: String, rule| Err(Error::Parameter { name, value, rule });
        if !(1..=STATES_MAX).contains(&self.states) {
            return fault("states", self.states.to_string(), "1 to 8");
        }
        if !(self.penalty.is_finite() && (self.penalty >= 0.0 || self.compat)) {
            return fault("penalty", self.penalty.to_string(), "finite and not negative");
        }
        if !(1..=RESTARTS_MAX).contains(&self.restarts) {
            return fault("restarts", self.restarts.to_string(), "1 to 1000000");
        }
        if self.tol.is_nan() || self.tol < 0.0 {
            return fault("tol", self.tol.to_string(), "not negative");
        }
        Ok(CheckedJumpParams(self))
    }
}

/// More starts than anybody waits for.
pub(crate) const RESTARTS_MAX: usize = 1_000_000;

/// The largest number of states supported.
pub(crate) const STATES_MAX: usize = 8;

/// Parameters that passed [`JumpParams::check`]; the only ones a fit takes.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedJumpParams(JumpParams);

impl CheckedJumpParams {
    /// The parameters themselves.
    #[must_use]
    pub const fn params(&self) -> &JumpParams {
        &self.0
    }
}

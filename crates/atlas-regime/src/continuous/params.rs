//! Parameters of the continuous model, unchecked and checked.

use serde::{Deserialize, Serialize};

use super::grid::Grid;
use crate::{CheckedJumpParams, Error, JumpParams};

/// Parameters of a continuous jump model, unchecked; [`check`](Self::check) makes them usable.
///
/// # Examples
/// ```
/// use atlas_regime::continuous::ContinuousParams;
/// let params = ContinuousParams::new(2, 600.0);
/// assert_eq!(params.grid_size, 0.05);
/// assert!(params.check().is_ok());
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContinuousParams {
    /// What it shares with the discrete model; the penalty should be about ten times as large.
    pub jump: JumpParams,
    /// Step of the weights, 0 < step ≤ 1; cut to 1/⌊1/step⌋.
    pub grid_size: f64,
    /// Whether time spent in mixed states is charged.
    pub mode_loss: bool,
}

impl Default for ContinuousParams {
    /// Two states, λ = 500, steps of 0.05, mode loss on.
    fn default() -> Self {
        Self { jump: JumpParams::new(2, 500.0), grid_size: 0.05, mode_loss: true }
    }
}

impl ContinuousParams {
    /// The defaults with another number of states and penalty.
    #[must_use]
    pub fn new(states: usize, penalty: f64) -> Self {
        Self { jump: JumpParams::new(states, penalty), ..Self::default() }
    }

    /// Proves the parameters usable.
    ///
    /// # Errors
    /// Those of [`JumpParams::check`] and [`Grid::new`]; no other.
    pub fn check(self) -> Result<CheckedContinuousParams, Error> {
        let Self { jump, grid_size, mode_loss } = self;
        let jump = jump.check()?;
        let grid = Grid::new(jump.params().states, grid_size)?;
        Ok(CheckedContinuousParams { jump, grid, grid_size, mode_loss })
    }
}

/// Parameters that passed [`ContinuousParams::check`]; the only ones a fit takes.
#[derive(Debug, Clone, PartialEq)]
pub struct CheckedContinuousParams {
    pub(super) jump: CheckedJumpParams,
    pub(super) grid: Grid,
    pub(super) grid_size: f64,
    pub(super) mode_loss: bool,
}

impl CheckedContinuousParams {
    /// The grid of mixed states.
    #[must_use]
    pub const fn grid(&self) -> &Grid {
        &self.grid
    }
}

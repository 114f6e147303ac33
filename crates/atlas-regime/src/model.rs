//! A fitted jump model: immutable, serializable, with what it saw in its sample.

use serde::{Deserialize, Serialize};

use crate::{Error, SortBy};

/// The format of serialized models this version writes and reads.
pub const MODEL_FORMAT: u32 = 1;

/// What a fit of a discrete jump model found, states numbered in the order of [`SortBy`].
///
/// Everything per state is `None` where the state is empty or the figure is undefined, so that a
/// model survives JSON and nothing computes with NaN unawares.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct JumpModel {
    /// Format of the serialized form, [`MODEL_FORMAT`].
    pub format: u32,
    /// Number of feature columns.
    pub features: usize,
    /// Penalty λ for each change of state, in units of half a squared distance.
    pub penalty: f64,
    /// Order the states are numbered in.
    pub sort_by: SortBy,
    /// Centre of each state in the space of the (weighted) features; `None` for an empty state.
    pub centers: Vec<Option<Vec<f64>>>,
    /// Sum of half squared distances and penalties over the sample.
    pub objective: f64,
    /// Rows of the sample.
    pub rows: usize,
    /// Updates of the centres in the restart that won.
    pub iterations: usize,
    /// Number of restarts tried.
    pub restarts: usize,
    /// Which of them won, from 0.
    pub best_restart: usize,
    /// Rows in each state.
    pub frequency: Vec<f64>,
    /// Mean return per session in each state; empty without a return series.
    pub mean_return: Vec<Option<f64>>,
    /// Standard deviation of returns per session in each state; empty without a return series.
    pub volatility: Vec<Option<f64>>,
    /// Shares of moves from each state to each state; `None` for a state without successor.
    pub transitions: Vec<Option<Vec<f64>>>,
}

impl JumpModel {
    /// Number of states, empty ones included.
    #[must_use]
    pub const fn states(&self) -> usize {
        self.centers.len()
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

    /// Refuses a deserialized model of another format or with inconsistent shapes.
    ///
    /// # Errors
    /// [`Error::Format`] for another format, [`Error::Shape`] where lengths disagree,
    /// [`Error::NotFinite`] for a centre that is not finite; no other.
    pub fn check(&self) -> Result<(), Error> {
        if self.format != MODEL_FORMAT {
            let (found, expected) = (self.format, MODEL_FORMAT);
            return Err(Error::Format { what: "the jump model", found, expected });
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

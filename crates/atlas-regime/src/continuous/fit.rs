//! Fitting the continuous model.

use super::estep::Continuous;
use super::model::{ContinuousModel, heaviest};
use super::params::CheckedContinuousParams;
use crate::descent::{Limits, Memory, Restart, best, descend};
use crate::discrete::{FitOptions, Prepared};
use crate::order::InSample;
use crate::partition::Partitions;
use crate::{Error, Rows};

/// A fitted continuous model with what the fit saw on the way.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ContinuousFit {
    /// The model.
    pub model: ContinuousModel,
    /// Weights of the states per row of the sample (T × K, row after row), states sorted.
    pub weights: Vec<f64>,
    /// The state with the largest weight per row, the first on a tie.
    pub labels: Vec<u32>,
    /// Every descent, in order of its start, before sorting; labels are vertices.
    pub restarts: Vec<Restart>,
    /// Row numbers of the drawn start centres of each restart; none for explicit starts.
    pub start_rows: Vec<Vec<usize>>,
    /// `sort_permutation[new] = old`.
    pub sort_permutation: Vec<usize>,
}

impl CheckedContinuousParams {
    /// Fits the model to finite rows; see [`CheckedJumpParams::fit`](crate::CheckedJumpParams::fit).
    ///
    /// # Errors
    /// Those of [`CheckedJumpParams::fit_with`](crate::CheckedJumpParams::fit_with).
    ///
    /// # Examples
    /// ```
    /// use atlas_regime::{FitOptions, Rows, continuous::ContinuousParams};
    /// let data = [0.0, 0.1, 2.5, 4.9, 5.0, 5.1];
    /// let params = ContinuousParams::new(2, 10.0).check()?;
    /// let fit = params.fit_with(Rows::new(&data, 1)?, &FitOptions::default())?;
    /// assert_eq!(fit.weights.len(), 12);
    /// assert!(fit.weights.iter().any(|w| *w > 0.0 && *w < 1.0)); // on the way between
    /// # Ok::<(), atlas_regime::Error>(())
    /// ```
    pub fn fit_with(
        &self,
        rows: Rows<'_>,
        options: &FitOptions<'_>,
    ) -> Result<ContinuousFit, Error> {
        let params = self.jump.params();
        let prepared = Prepared::new(&self.jump, rows, options)?;
        let rows = prepared.rows(rows)?;
        let penalties = self.grid.penalties(params.penalty, self.mode_loss)?;
        let limits = Limits {
            iterations_max: params.iterations_max,
            tol: params.tol,
            exact: !params.compat,
        };
        let mut partitions = Partitions::new(self.grid.len());
        let mut steps = Continuous::new(rows, &self.grid, &penalties);
        let mut memory = Memory::default();
        let restarts: Vec<Restart> = prepared
            .starts
            .iter()
            .map(|start| {
                descend(&mut steps, start, rows.len(), limits, &mut partitions, &mut memory)
            })
            .collect();
        let winner = best(&restarts, limits, &mut partitions);
        if !restarts[winner].value.is_finite() {
            return Err(Error::Overflow { what: "continuous jump model" });
        }
        let chosen = &restarts[winner];
        let vertices = chosen.labels.iter().map(|&v| self.grid.vertex(v as usize));
        let seen = InSample::new(params.states, vertices.clone(), options.returns);
        let order = seen.order(params.sort_by);
        let weights: Vec<f64> = vertices.flat_map(|v| order.iter().map(|&old| v[old])).collect();
        let labels: Vec<u32> =
            weights.chunks_exact(params.states).map(|w| u32::from(heaviest(w))).collect();
        let seen = seen.permuted(&order);
        let states = prepared.model(params, &restarts, winner, &order, seen, &labels);
        let model =
            ContinuousModel { states, grid_size: self.grid_size, mode_loss: self.mode_loss };
        let start_rows = prepared.start_rows;
        Ok(ContinuousFit { model, weights, labels, restarts, start_rows, sort_permutation: order })
    }
}

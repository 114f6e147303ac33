//! Fitting the continuous model.

use super::model::{CONTINUOUS_FORMAT, ContinuousModel, heaviest};
use super::params::{CheckedContinuousParams, ContinuousParams};
use super::restarts::{BYTES_MAX, Share, costs_bytes, descend_all};
use crate::descent::{Limits, Restart, best};
use crate::discrete::{FitOptions, Prepared};
use crate::order::InSample;
use crate::parallel::in_parts;
use crate::partition::Partitions;
use crate::{Error, JumpParams, Rows};

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
    /// Those of [`CheckedJumpParams::fit_with`](crate::CheckedJumpParams::fit_with);
    /// [`Error::TooLarge`] if the costs of every row in every vertex would take more than 2 GiB;
    /// no other.
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
        self.fit_within(rows, options, BYTES_MAX)
    }

    /// [`fit_with`](Self::fit_with) with a share of the memory a fit may take.
    pub(crate) fn fit_within(
        &self,
        rows: Rows<'_>,
        options: &FitOptions<'_>,
        bytes_max: usize,
    ) -> Result<ContinuousFit, Error> {
        let params = self.jump.params();
        let prepared = Prepared::new(&self.jump, rows, options)?;
        let rows = prepared.rows(rows)?;
        costs_bytes(rows.len(), &self.grid)?;
        let penalties = self.grid.penalties(params.penalty, self.mode_loss)?;
        let limits = Limits {
            iterations_max: params.iterations_max,
            tol: params.tol,
            exact: !params.compat,
        };
        let restarts =
            descend_all(rows, &self.grid, &penalties, &prepared.starts, limits, bytes_max)?;
        let mut partitions = Partitions::new(self.grid.len());
        let winner = best(&restarts, limits, &mut partitions);
        if !restarts[winner].value.is_finite() {
            return Err(Error::Overflow { what: "continuous jump model" });
        }
        let chosen = &restarts[winner];
        let vertices = chosen.labels.iter().map(|&v| self.grid.at(v as usize));
        let seen = InSample::new(params.states, vertices.clone(), options.returns);
        let order = seen.order(params.sort_by);
        let weights: Vec<f64> = vertices.flat_map(|v| order.iter().map(|&old| v[old])).collect();
        let labels: Vec<u32> =
            weights.chunks_exact(params.states).map(|w| u32::from(heaviest(w))).collect();
        let seen = seen.permuted(&order);
        let states = prepared.model(params, &restarts, winner, &order, seen, &labels);
        let (grid_size, mode_loss) = (self.grid_size, self.mode_loss);
        let model = ContinuousModel { format: CONTINUOUS_FORMAT, states, grid_size, mode_loss };
        let start_rows = prepared.start_rows;
        Ok(ContinuousFit { model, weights, labels, restarts, start_rows, sort_permutation: order })
    }

    /// Fits the same rows under several penalties, in parallel; entry `i` equals a fit of its own
    /// with `penalties[i]`, whatever the number of threads. Starts are drawn once, as they do not
    /// depend on the penalty. Together the fits that run at once take no more memory than one may.
    ///
    /// # Errors
    /// Those of [`ContinuousParams::check`] and [`fit_with`](Self::fit_with), for the first penalty
    /// that has one.
    ///
    /// # Examples
    /// ```
    /// use atlas_regime::{FitOptions, Rows, continuous::ContinuousParams};
    /// let data = [0.0, 0.1, 2.5, 4.9, 5.0, 5.1];
    /// let params = ContinuousParams::new(2, 0.0).check()?;
    /// let options = FitOptions::default();
    /// let fits = params.fit_grid(Rows::new(&data, 1)?, &options, &[1.0, 10.0])?;
    /// assert!(fits[0].model.states().objective() < fits[1].model.states().objective());
    /// # Ok::<(), atlas_regime::Error>(())
    /// ```
    pub fn fit_grid(
        &self,
        rows: Rows<'_>,
        options: &FitOptions<'_>,
        penalties: &[f64],
    ) -> Result<Vec<ContinuousFit>, Error> {
        let drawn = Prepared::new(&self.jump, rows, &FitOptions { warm_start: None, ..*options })?;
        let options = FitOptions { starts: Some(&drawn.starts), ..*options };
        let share = Share::of_grid(rows.len(), self.grid.len(), penalties.len());
        let fit = |&penalty: &f64| {
            let jump = JumpParams { penalty, ..self.jump.params().clone() };
            let (grid_size, mode_loss) = (self.grid_size, self.mode_loss);
            let params = ContinuousParams { jump, grid_size, mode_loss }.check()?;
            let mut fit = params.fit_within(rows, &options, share.bytes)?;
            fit.start_rows.clone_from(&drawn.start_rows);
            Ok(fit)
        };
        in_parts(penalties, share.fits, |part| part.iter().map(fit).collect()).into_iter().collect()
    }
}

//! Fitting the discrete model.

use rayon::prelude::*;

use super::general::General;
use super::lockstep;
use super::params::{CheckedJumpParams, JumpParams};
use super::prepare::{FitOptions, Prepared};
use crate::descent::{Limits, Memory, Restart, best, descend};
use crate::dp::Penalties;
use crate::model::JumpModel;
use crate::order::InSample;
use crate::parallel::in_parts;
use crate::partition::Partitions;
use crate::{Error, Rows};

/// A fitted model with what the fit saw on the way.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Fit {
    /// The model.
    pub model: JumpModel,
    /// State of each row of the sample, on the cheapest path through all of it.
    pub labels: Vec<u32>,
    /// Every descent, in order of its start, states as drawn (before sorting).
    pub restarts: Vec<Restart>,
    /// Row numbers of the drawn start centres of each restart; none for explicit starts.
    pub start_rows: Vec<Vec<usize>>,
    /// `sort_permutation[new] = old`.
    pub sort_permutation: Vec<usize>,
}

impl CheckedJumpParams {
    /// Fits the model to finite rows by coordinate descent from several starts.
    ///
    /// `returns`, one per row, order the states; without them the most frequent comes first.
    /// Source: Nystrup, Lindström and Madsen 2020, "Learning hidden Markov models with persistent
    /// states by penalizing jumps"; numerically equal to the `jumpmodels` package 0.1.1.
    ///
    /// A column that never moves is accepted, by design: it tells no states apart and changes none.
    ///
    /// # Errors
    /// Those of [`fit_with`](Self::fit_with).
    ///
    /// # Examples
    /// ```
    /// use atlas_regime::{JumpParams, Rows};
    /// let data = [0.0, 0.1, -0.1, 5.0, 5.1, 4.9];
    /// let returns = [0.01, 0.02, 0.01, -0.03, -0.01, -0.02];
    /// let fit = JumpParams::new(2, 1.0).check()?.fit(Rows::new(&data, 1)?, Some(&returns))?;
    /// assert_eq!(fit.labels, [0, 0, 0, 1, 1, 1]); // state 0 earned more
    /// # Ok::<(), atlas_regime::Error>(())
    /// ```
    pub fn fit(&self, rows: Rows<'_>, returns: Option<&[f64]>) -> Result<Fit, Error> {
        self.fit_with(rows, &FitOptions { returns, ..FitOptions::default() })
    }

    /// Fits the same rows under several penalties, in parallel; entry `i` equals a fit of its own
    /// with `penalties[i]`, whatever the number of threads. Starts are drawn once, as they do not
    /// depend on the penalty.
    ///
    /// # Errors
    /// Those of [`JumpParams::check`](crate::JumpParams::check) and
    /// [`fit_with`](Self::fit_with), for the first penalty that has one.
    ///
    /// # Examples
    /// ```
    /// use atlas_regime::{FitOptions, JumpParams, Rows};
    /// let data = [0.0, 0.1, 1.2, 0.1, 2.0, 2.1, 1.9, 2.0];
    /// let params = JumpParams::new(2, 0.0).check()?;
    /// let fits = params.fit_grid(Rows::new(&data, 1)?, &FitOptions::default(), &[0.0, 1.0])?;
    /// let jumps = |i: usize| fits[i].labels.windows(2).filter(|p| p[0] != p[1]).count();
    /// assert!(jumps(0) > jumps(1));
    /// # Ok::<(), atlas_regime::Error>(())
    /// ```
    pub fn fit_grid(
        &self,
        rows: Rows<'_>,
        options: &FitOptions<'_>,
        penalties: &[f64],
    ) -> Result<Vec<Fit>, Error> {
        let drawn = Prepared::new(self, rows, &FitOptions { warm_start: None, ..*options })?;
        let options = FitOptions { starts: Some(&drawn.starts), ..*options };
        let fit = |&penalty: &f64| {
            let params = JumpParams { penalty, ..self.params().clone() }.check()?;
            let mut fit = params.fit_with(rows, &options)?;
            fit.start_rows.clone_from(&drawn.start_rows);
            Ok(fit)
        };
        penalties.par_iter().map(fit).collect()
    }

    /// Like [`fit`](Self::fit), with feature weights, explicit starts or a warm one.
    ///
    /// # Errors
    /// [`Error::TooFewRows`] for fewer rows than states or an empty list of starts,
    /// [`Error::AllEqual`] if more than one state is asked of rows that are all equal,
    /// [`Error::NotFinite`] naming row and column, [`Error::Shape`] if returns, weights or starts
    /// have another length, [`Error::Parameter`] for weights that are negative or all zero,
    /// [`Error::Overflow`] if squared distances overflow; no other.
    pub fn fit_with(&self, rows: Rows<'_>, options: &FitOptions<'_>) -> Result<Fit, Error> {
        let params = self.params();
        let prepared = Prepared::new(self, rows, options)?;
        let rows = prepared.rows(rows)?;
        let limits =
            Limits { iterations_max: params.iterations_max, tol: params.tol, exact: false };
        let mut partitions = Partitions::new(params.states);
        let restarts: Vec<Restart> = if params.penalty < 0.0 {
            let penalties = Penalties::uniform(params.states, params.penalty)?;
            let mut steps = General::new(rows, &penalties);
            let mut memory = Memory::default();
            let run = |start: &Vec<f64>| {
                descend(&mut steps, start, rows.len(), limits, &mut partitions, &mut memory)
            };
            prepared.starts.iter().map(run).collect()
        } else {
            let run = |starts: &[Vec<f64>]| {
                lockstep::descend_all(rows, params.states, params.penalty, starts, limits)
            };
            in_parts(&prepared.starts, parts(rows, params.states, prepared.starts.len()), run)
        };
        let winner = best(&restarts, limits, &mut partitions);
        if !restarts[winner].value.is_finite() {
            return Err(Error::Overflow { what: "discrete jump model" });
        }
        let chosen = &restarts[winner];
        let identity = identity(params.states);
        let weight = |&label: &u32| &identity[label as usize * params.states..][..params.states];
        let seen = InSample::new(params.states, chosen.labels.iter().map(weight), options.returns);
        let order = seen.order(params.sort_by);
        let mut renamed = vec![0_u32; params.states];
        for (new, &old) in (0_u32..).zip(&order) {
            renamed[old] = new;
        }
        let labels: Vec<u32> = chosen.labels.iter().map(|&old| renamed[old as usize]).collect();
        let seen = seen.permuted(&order);
        let model = prepared.model(params, &restarts, winner, &order, seen, &labels);
        let start_rows = prepared.start_rows;
        Ok(Fit { model, labels, restarts, start_rows, sort_permutation: order })
    }
}

/// Into how many parts starts may be shared out: four of them take one step in one go, and all of
/// them together must be worth waking a thread for.
const fn parts(rows: Rows<'_>, states: usize, starts: usize) -> usize {
    let size = rows.len().saturating_mul(states).saturating_mul(starts);
    if size < WORTH_A_THREAD { 1 } else { starts.div_ceil(4) }
}

/// Rows times states times starts of about a millisecond.
const WORTH_A_THREAD: usize = 150_000;

/// The identity matrix, row after row.
fn identity(states: usize) -> Vec<f64> {
    let on_diagonal = |i| if i % (states + 1) == 0 { 1.0 } else { 0.0 };
    (0..states * states).map(on_diagonal).collect()
}

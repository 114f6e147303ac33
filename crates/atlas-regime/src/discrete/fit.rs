//! Fitting the discrete model: starts, descents, choice, names.

use super::estep::Discrete;
use super::params::CheckedJumpParams;
use crate::descent::{Limits, Restart, best, descend};
use crate::kmeanspp::Seeding;
use crate::model::{JumpModel, MODEL_FORMAT, defined, named_centers};
use crate::order::{InSample, transitions};
use crate::partition::Partitions;
use crate::{Error, Mt19937, Rows};

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

/// Where descents begin.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Starts<'a> {
    /// Start centres (K × D, row after row) to use instead of drawing from the seed.
    pub explicit: Option<&'a [Vec<f64>]>,
    /// Centres of an earlier fit, tried after all others.
    pub warm: Option<&'a [f64]>,
}

impl CheckedJumpParams {
    /// Fits the model to finite rows by coordinate descent from several starts.
    ///
    /// `returns`, one per row, order the states; without them the most frequent comes first.
    /// Source: Nystrup, Lindström and Madsen 2020, "Learning hidden Markov models with persistent
    /// states by penalizing jumps"; numerically equal to the `jumpmodels` package 0.1.1.
    ///
    /// # Errors
    /// [`Error::TooFewRows`] for fewer rows than states, [`Error::NotFinite`] naming row and
    /// column, [`Error::Shape`] if returns or starts have another length, [`Error::Overflow`] if
    /// squared distances overflow; no other.
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
        self.fit_from(rows, returns, Starts::default())
    }

    /// Like [`fit`](Self::fit), with explicit starts or a warm one.
    ///
    /// # Errors
    /// Those of [`fit`](Self::fit).
    pub fn fit_from(
        &self,
        rows: Rows<'_>,
        returns: Option<&[f64]>,
        starts: Starts<'_>,
    ) -> Result<Fit, Error> {
        let params = self.params();
        check_sample(rows, params.states, returns)?;
        let size = params.states * rows.cols();
        let (centers, start_rows) = start_centers(rows, self, starts)?;
        if let Some(bad) = centers.iter().find(|c| c.len() != size) {
            return Err(Error::Shape { what: "a start", found: bad.len(), expected: size });
        }
        let limits =
            Limits { iterations_max: params.iterations_max, tol: params.tol, exact: false };
        let mut partitions = Partitions::new(params.states);
        let mut steps = Discrete::new(rows, params.states, params.penalty);
        let restarts: Vec<Restart> = centers
            .iter()
            .map(|start| descend(&mut steps, start, rows.len(), limits, &mut partitions))
            .collect();
        let winner = best(&restarts, limits, &mut partitions);
        if !restarts[winner].value.is_finite() {
            return Err(Error::Overflow { what: "discrete jump model" });
        }
        Ok(self.name_states(rows, returns, restarts, winner, start_rows))
    }

    fn name_states(
        &self,
        rows: Rows<'_>,
        returns: Option<&[f64]>,
        restarts: Vec<Restart>,
        winner: usize,
        start_rows: Vec<Vec<usize>>,
    ) -> Fit {
        let params = self.params();
        let chosen = &restarts[winner];
        let one_hot: Vec<f64> = (0..params.states * params.states)
            .map(|i| if i % (params.states + 1) == 0 { 1.0 } else { 0.0 })
            .collect();
        let weight = |&label: &u32| &one_hot[label as usize * params.states..][..params.states];
        let seen = InSample::new(params.states, chosen.labels.iter().map(weight), returns);
        let sort_permutation = seen.order(params.sort_by);
        let seen = seen.permuted(&sort_permutation);
        let mut renamed = vec![0_u32; params.states];
        for (new, &old) in (0_u32..).zip(&sort_permutation) {
            renamed[old] = new;
        }
        let labels: Vec<u32> = chosen.labels.iter().map(|&old| renamed[old as usize]).collect();
        let cols = rows.cols();
        let centers = sort_permutation
            .iter()
            .flat_map(|&old| &chosen.centers[old * cols..(old + 1) * cols])
            .copied()
            .collect::<Vec<f64>>();
        let model = JumpModel {
            format: MODEL_FORMAT,
            features: cols,
            penalty: params.penalty,
            sort_by: params.sort_by,
            centers: named_centers(&centers, cols),
            objective: chosen.value,
            rows: rows.len(),
            iterations: chosen.iterations,
            restarts: restarts.len(),
            best_restart: winner,
            mean_return: seen.mean_return.as_deref().map_or_else(Vec::new, defined),
            volatility: seen.volatility.as_deref().map_or_else(Vec::new, defined),
            transitions: transitions(params.states, &labels),
            frequency: seen.frequency,
        };
        Fit { model, labels, restarts, start_rows, sort_permutation }
    }
}

/// Refuses samples no model can be fitted to.
pub(crate) fn check_sample(
    rows: Rows<'_>,
    states: usize,
    returns: Option<&[f64]>,
) -> Result<(), Error> {
    if rows.len() < states {
        return Err(Error::TooFewRows { what: "the sample", have: rows.len(), need: states });
    }
    rows.check_finite("the sample")?;
    let Some(returns) = returns else { return Ok(()) };
    if returns.len() != rows.len() {
        return Err(Error::Shape {
            what: "the return series",
            found: returns.len(),
            expected: rows.len(),
        });
    }
    Rows::new(returns, 1)?.check_finite("the return series")
}

/// Start centres in the order they are tried, and the rows they were drawn from.
#[expect(clippy::type_complexity, reason = "two parallel lists, used once")]
fn start_centers(
    rows: Rows<'_>,
    params: &CheckedJumpParams,
    starts: Starts<'_>,
) -> Result<(Vec<Vec<f64>>, Vec<Vec<usize>>), Error> {
    let params = params.params();
    let mut drawn = Vec::new();
    let mut centers = match starts.explicit {
        Some([]) => {
            return Err(Error::TooFewRows { what: "the list of starts", have: 0, need: 1 });
        }
        Some(explicit) => explicit.to_vec(),
        None => {
            let mut rng = Mt19937::new(params.seed);
            let mut seeding = Seeding::new(rows);
            drawn = (0..params.restarts).map(|_| seeding.draw(params.states, &mut rng)).collect();
            drawn.iter().map(|picked| gather(rows, picked)).collect()
        }
    };
    centers.extend(starts.warm.map(<[f64]>::to_vec));
    Ok((centers, drawn))
}

/// The rows with the given numbers, one after the other.
fn gather(rows: Rows<'_>, picked: &[usize]) -> Vec<f64> {
    picked.iter().flat_map(|&t| rows.row(t)).copied().collect()
}

//! Choosing by the past and being judged by the future, step after step.

use serde::{Deserialize, Serialize};

use super::split::{Split, WalkForward};
use crate::Error;
use crate::metrics::{Conventions, Metrics, total_return};

/// What came of choosing, at each step, the candidate with the best past.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Walk {
    /// Every step.
    pub steps: Vec<Step>,
    /// Returns of the futures, put end to end.
    pub returns: Vec<f64>,
    /// What those amount to.
    pub metrics: Metrics,
    /// Sharpe ratio of the futures over the mean one of the chosen pasts: how much of what was
    /// seen was kept; `None` unless both are above zero.
    pub efficiency: Option<f64>,
}

/// One step: a choice and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Rows of past and future.
    pub split: Split,
    /// Number of the candidate that was chosen; `None` if none had a Sharpe ratio: nothing is held.
    pub chosen: Option<usize>,
    /// Its Sharpe ratio a period in the past.
    pub past_sharpe: Option<f64>,
    /// Its compound return in the future.
    pub future_return: Option<f64>,
}

/// Walks forward over the returns of several candidates, each run once over the same rows.
///
/// The returns of a candidate in a future are those of its run through all of history: it comes
/// into each future with the positions it had, not with an empty account. At equal ratios the
/// first candidate is chosen.
///
/// # Errors
/// [`Error::Parameter`] for no candidates, candidates of different length, returns that are none,
/// and as [`WalkForward::splits`].
///
/// # Examples
/// ```
/// use atlas_backtest::honesty::split::{Past, WalkForward};
/// use atlas_backtest::honesty::walk::walk_forward;
///
/// let (good, bad) = (vec![0.01, 0.02, 0.01, 0.02, 0.01, 0.02], vec![-0.01; 6]);
/// let plan = WalkForward { past: Past::Anchored, train: 2, test: 2, purge: 0, embargo: 0 };
/// let walk = walk_forward(&[bad, good], plan)?;
/// assert_eq!(walk.returns, [0.01, 0.02, 0.01, 0.02]);
/// assert!(walk.steps.iter().all(|step| step.chosen == Some(1)));
/// # Ok::<(), atlas_backtest::Error>(())
/// ```
pub fn walk_forward(candidates: &[Vec<f64>], plan: WalkForward) -> Result<Walk, Error> {
    let rows = check_candidates(candidates)?;
    let (mut steps, mut returns, mut pasts) = (Vec::new(), Vec::new(), Vec::new());
    for split in plan.splits(rows)? {
        let mut best: Option<(usize, f64)> = None;
        for (number, candidate) in candidates.iter().enumerate() {
            let past = candidate.get(split.train.clone()).unwrap_or_default();
            let sharpe = Metrics::of(past, Conventions::SESSIONS)?.sharpe_per_period;
            if let Some(sharpe) = sharpe.filter(|sharpe| best.is_none_or(|(_, b)| *sharpe > b)) {
                best = Some((number, sharpe));
            }
        }
        let future = best
            .and_then(|(number, _)| candidates.get(number)?.get(split.test.clone()))
            .map_or_else(|| vec![0.0; split.test.len()], <[f64]>::to_vec);
        pasts.extend(best.map(|(_, sharpe)| sharpe));
        steps.push(Step {
            split,
            chosen: best.map(|(number, _)| number),
            past_sharpe: best.map(|(_, sharpe)| sharpe),
            future_return: total_return(&future),
        });
        returns.extend(future);
    }
    let metrics = Metrics::of(&returns, Conventions::SESSIONS)?;
    let past = crate::metrics::stats::mean(&pasts).filter(|past| *past > 0.0);
    let kept = metrics.sharpe_per_period.filter(|future| *future > 0.0);
    let efficiency = kept.zip(past).map(|(future, past)| future / past);
    Ok(Walk { steps, returns, metrics, efficiency })
}

/// The rows all candidates have.
pub(super) fn check_candidates(candidates: &[Vec<f64>]) -> Result<usize, Error> {
    let rows = candidates.first().map_or(0, Vec::len);
    if candidates.is_empty() || candidates.iter().any(|candidate| candidate.len() != rows) {
        return Err(Error::Parameter {
            what: "the number of candidates",
            value: candidates.len().to_string(),
            range: "at least 1, all of the same rows",
        });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::super::split::Past;
    use super::*;

    const PLAN: WalkForward =
        WalkForward { past: Past::Rolling, train: 3, test: 2, purge: 1, embargo: 0 };

    #[test]
    fn nothing_is_chosen_where_nothing_varies() {
        let walk = walk_forward(&[vec![0.01; 8]], PLAN).unwrap();
        assert_eq!(walk.returns, [0.0; 4]);
        assert!(walk.steps.iter().all(|step| step.chosen.is_none()));
        assert!(walk_forward(&[], PLAN).is_err());
        assert!(walk_forward(&[vec![0.0; 8], vec![0.0; 7]], PLAN).is_err());
    }

    #[test]
    fn the_future_changes_no_choice_before_it() {
        let rows = 40_u32;
        let candidate = |k: u32| -> Vec<f64> {
            (0..rows).map(|i| f64::from((i * 7 + k * 13) % 11) / 100.0 - 0.05).collect()
        };
        let candidates: Vec<Vec<f64>> = (0..5).map(candidate).collect();
        let whole = walk_forward(&candidates, PLAN).unwrap();
        let mut changed = candidates;
        for candidate in &mut changed {
            candidate[20..].iter_mut().for_each(|r| *r = -*r);
        }
        let other = walk_forward(&changed, PLAN).unwrap();
        for (a, b) in whole.steps.iter().zip(&other.steps) {
            if a.split.train.end <= 20 {
                assert_eq!(a.chosen, b.chosen);
            }
        }
    }
}

//! Choosing by every way to deal history into a past and a future.
//!
//! Source: M. López de Prado, "Advances in Financial Machine Learning" (2018), chapter 12.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::split::combinations;
use super::walk::check_candidates;
use crate::Error;
use crate::metrics::stats::{float, mean, quantile_of_sorted, variance};
use crate::metrics::{Conventions, Metrics};

/// How combinatorial purged cross-validation deals history, in blocks and rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrossPlan {
    /// Equal blocks history is cut into, 2 to 16.
    pub blocks: usize,
    /// Blocks that are judged by at a time, fewer than there are.
    pub judged: usize,
    /// Rows left out before a judged block and after it.
    pub purge: usize,
    /// Rows left out after a judged block besides.
    pub embargo: usize,
}

/// What came of choosing the candidate with the best past under every deal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cross {
    /// Every deal, in lexical order of the judged blocks.
    pub deals: Vec<CrossDeal>,
    /// Sharpe ratio a year of each path through history that is all future; `None` where it is
    /// undefined. Every block lies on each path once, judged under another deal.
    pub paths: Vec<Option<f64>>,
    /// Mean of those that are defined.
    pub mean: Option<f64>,
    /// Their standard deviation, n − 1.
    pub deviation: Option<f64>,
    /// The lowest, the middle and the highest of them.
    pub range: Option<(f64, f64, f64)>,
    /// Share of the defined ones at zero or below.
    pub at_most_zero: Option<f64>,
    /// Mean Sharpe ratio a year the chosen ones had in their pasts.
    pub mean_past: Option<f64>,
}

/// One deal: a choice and what became of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CrossDeal {
    /// Rows that were judged by.
    pub test: Vec<Range<usize>>,
    /// Number of the candidate that was chosen; `None` if none had a Sharpe ratio: nothing is held.
    pub chosen: Option<usize>,
    /// Its Sharpe ratio a year in the past.
    pub past_sharpe: Option<f64>,
    /// Its Sharpe ratio a year in the judged blocks.
    pub future_sharpe: Option<f64>,
}

/// Chooses among the returns of several candidates, each run once over the same rows, under every
/// deal of history; at equal ratios the first candidate is chosen.
///
/// # Errors
/// [`Error::Parameter`] for no candidates, candidates of different length, and a plan that does
/// not fit, as [`combinations`].
///
/// # Examples
/// ```
/// use atlas_backtest::honesty::cross::{CrossPlan, cross_validate};
///
/// let good: Vec<f64> = (0..60).map(|i| 0.001 + f64::from(i % 3) / 100.0).collect();
/// let bad: Vec<f64> = good.iter().map(|r| -r).collect();
/// let plan = CrossPlan { blocks: 6, judged: 2, purge: 1, embargo: 0 };
/// let found = cross_validate(&[bad, good], plan)?;
/// assert_eq!((found.deals.len(), found.paths.len()), (15, 5));
/// assert!(found.deals.iter().all(|deal| deal.chosen == Some(1)));
/// assert_eq!(found.at_most_zero, Some(0.0));
/// # Ok::<(), atlas_backtest::Error>(())
/// ```
pub fn cross_validate(candidates: &[Vec<f64>], plan: CrossPlan) -> Result<Cross, Error> {
    let rows = check_candidates(candidates)?;
    let CrossPlan { blocks, judged, purge, embargo } = plan;
    let mut deals = Vec::new();
    for deal in combinations(rows, blocks, judged, purge, embargo)? {
        let mut best: Option<(usize, f64)> = None;
        for (number, candidate) in candidates.iter().enumerate() {
            let sharpe = sharpe_of(&pick(candidate, &deal.train))?;
            if let Some(sharpe) = sharpe.filter(|sharpe| best.is_none_or(|(_, b)| *sharpe > b)) {
                best = Some((number, sharpe));
            }
        }
        let future = best.and_then(|(number, _)| candidates.get(number));
        let future = future.map(|candidate| sharpe_of(&pick(candidate, &deal.test))).transpose()?;
        deals.push(CrossDeal {
            test: deal.test,
            chosen: best.map(|(number, _)| number),
            past_sharpe: best.map(|(_, sharpe)| sharpe),
            future_sharpe: future.flatten(),
        });
    }
    let paths = paths(candidates, &deals, blocks)?;
    let mut defined: Vec<f64> = paths.iter().flatten().copied().collect();
    defined.sort_by(f64::total_cmp);
    let at = |share| quantile_of_sorted(&defined, share);
    let none = defined.partition_point(|sharpe| *sharpe <= 0.0);
    let pasts: Vec<f64> = deals.iter().filter_map(|deal| deal.past_sharpe).collect();
    Ok(Cross {
        mean: mean(&defined),
        deviation: variance(&defined).map(f64::sqrt),
        range: at(0.0).zip(at(0.5)).zip(at(1.0)).map(|((low, middle), high)| (low, middle, high)),
        at_most_zero: (!defined.is_empty()).then(|| float(none) / float(defined.len())),
        mean_past: mean(&pasts),
        deals,
        paths,
    })
}

/// The Sharpe ratio of each path: its n-th one takes every block from the n-th deal that judges it.
fn paths(
    candidates: &[Vec<f64>],
    deals: &[CrossDeal],
    blocks: usize,
) -> Result<Vec<Option<f64>>, Error> {
    let rows = candidates.first().map_or(0, Vec::len);
    let ranges = super::split::even(rows, blocks);
    let judging = |block: &Range<usize>| -> Vec<&CrossDeal> {
        deals.iter().filter(|deal| deal.test.contains(block)).collect()
    };
    let by_block: Vec<Vec<&CrossDeal>> = ranges.iter().map(judging).collect();
    let count = by_block.iter().map(Vec::len).min().unwrap_or(0);
    let mut all = Vec::with_capacity(count);
    for path in 0..count {
        let mut returns = Vec::with_capacity(rows);
        for (block, deals) in ranges.iter().zip(&by_block) {
            let chosen = deals.get(path).and_then(|deal| candidates.get(deal.chosen?));
            match chosen.and_then(|candidate| candidate.get(block.clone())) {
                Some(part) => returns.extend_from_slice(part),
                None => returns.extend(block.clone().map(|_| 0.0)),
            }
        }
        all.push(sharpe_of(&returns)?);
    }
    Ok(all)
}

fn pick(returns: &[f64], ranges: &[Range<usize>]) -> Vec<f64> {
    ranges.iter().filter_map(|range| returns.get(range.clone())).flatten().copied().collect()
}

fn sharpe_of(returns: &[f64]) -> Result<Option<f64>, Error> {
    Ok(Metrics::of(returns, Conventions::SESSIONS)?.sharpe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::honesty::Random;

    const PLAN: CrossPlan = CrossPlan { blocks: 6, judged: 2, purge: 2, embargo: 1 };

    #[test]
    fn the_best_of_noise_is_noise() {
        let mut random = Random::seeded(4);
        let candidate = |random: &mut Random| -> Vec<f64> {
            (0..600).map(|_| (random.fraction() - 0.5) / 50.0).collect()
        };
        let candidates: Vec<Vec<f64>> = (0..20).map(|_| candidate(&mut random)).collect();
        let found = cross_validate(&candidates, PLAN).unwrap();
        assert_eq!((found.deals.len(), found.paths.len()), (15, 5));
        let (past, future) = (found.mean_past.unwrap(), found.mean.unwrap());
        assert!(past > 1.0 && future < past / 2.0, "{past} {future}");
    }

    #[test]
    fn a_path_is_made_of_every_block_once() {
        // One candidate: each path is the candidate itself.
        let one: Vec<f64> = (0..61).map(|i| f64::from(i * 7 % 11) / 100.0 - 0.04).collect();
        let found = cross_validate(std::slice::from_ref(&one), PLAN).unwrap();
        let whole = sharpe_of(&one).unwrap();
        assert!(found.paths.iter().all(|path| *path == whole), "{:?}", found.paths);
        assert!(found.deviation.unwrap() < 1e-12);
        let nothing = cross_validate(&[vec![0.0; 61]], PLAN).unwrap();
        assert_eq!((nothing.mean, nothing.range, nothing.at_most_zero), (None, None, None));
        assert!(cross_validate(&[], PLAN).is_err());
        assert!(cross_validate(&[one], CrossPlan { judged: 6, ..PLAN }).is_err());
    }
}

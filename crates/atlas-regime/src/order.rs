//! Naming states by economics: what each state earned, and the order that follows from it.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::count::float;

/// The order in which states are numbered after a fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SortBy {
    /// Largest cumulative return in the sample first, so that state 0 is the bull state.
    #[default]
    CumulativeReturn,
    /// Largest mean return first.
    MeanReturn,
    /// Smallest volatility first.
    Volatility,
    /// Most frequent first; what the others become without a return series.
    Frequency,
    /// As the descent left them.
    Unsorted,
}

/// What was observed in each state, weighted by membership.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct InSample {
    pub(crate) frequency: Vec<f64>,
    /// Mean return per session; NaN for an empty state; absent without returns.
    pub(crate) mean_return: Option<Vec<f64>>,
    /// Standard deviation per session; NaN with fewer than two observations.
    pub(crate) volatility: Option<Vec<f64>>,
}

/// Sums of weights and weighted returns of one state.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    weight: f64,
    weight_squared: f64,
    first: f64,
    second: f64,
}

impl InSample {
    /// Adds up over all rows; `weights` yields the membership of each row in each state.
    pub(crate) fn new<'w>(
        states: usize,
        weights: impl Iterator<Item = &'w [f64]>,
        returns: Option<&[f64]>,
    ) -> Self {
        let mut sums = vec![Sums::default(); states];
        for (t, row) in weights.enumerate() {
            let r = returns.map_or(0.0, |r| r[t]);
            for (sum, &w) in sums.iter_mut().zip(row) {
                sum.weight += w;
                sum.weight_squared += w * w;
                sum.first += w * r;
                sum.second += w * r * r;
            }
        }
        let frequency = sums.iter().map(|s| s.weight).collect();
        let mean = |s: &Sums| s.first / s.weight;
        let mean_return = returns.map(|_| sums.iter().map(mean).collect());
        let volatility = returns.map(|_| {
            let deviation = |s: &Sums| {
                let variance = s.second / s.weight - mean(s) * mean(s);
                (variance / (1.0 - s.weight_squared / (s.weight * s.weight))).sqrt()
            };
            sums.iter().map(deviation).map(finite_or_nan).collect()
        });
        Self { frequency, mean_return, volatility }
    }

    /// `permutation[new] = old`, ascending by the key of the wanted order, NaN last.
    pub(crate) fn order(&self, by: SortBy) -> Vec<usize> {
        let states = self.frequency.len();
        let key: Vec<f64> = match (by, &self.mean_return, &self.volatility) {
            (SortBy::Unsorted, Some(_), _) => return (0..states).collect(),
            (SortBy::CumulativeReturn, Some(ret), _) => {
                ret.iter().zip(&self.frequency).map(|(r, f)| -r * f).collect()
            }
            (SortBy::MeanReturn, Some(ret), _) => ret.iter().map(|r| -r).collect(),
            (SortBy::Volatility, _, Some(vol)) => vol.clone(),
            _ => self.frequency.iter().map(|f| -f).collect(),
        };
        let mut permutation: Vec<usize> = (0..states).collect();
        permutation.sort_by(|&a, &b| {
            let (x, y) = (finite_or_nan(key[a]), finite_or_nan(key[b]));
            x.is_nan()
                .cmp(&y.is_nan())
                .then_with(|| x.partial_cmp(&y).unwrap_or(std::cmp::Ordering::Equal))
        });
        permutation
    }

    /// The same, with states renumbered.
    pub(crate) fn permuted(&self, permutation: &[usize]) -> Self {
        let pick = |v: &Vec<f64>| permutation.iter().map(|&old| v[old]).collect();
        Self {
            frequency: pick(&self.frequency),
            mean_return: self.mean_return.as_ref().map(pick),
            volatility: self.volatility.as_ref().map(pick),
        }
    }
}

/// Mean and standard deviation of returns in each state, weighted by memberships (T × K, row after
/// row), with the reliability-weight correction of the variance; NaN where undefined.
///
/// # Errors
/// [`Error::Parameter`] for 0 states, [`Error::Shape`] unless there are `states` memberships per
/// return; no other.
pub fn returns_by_state(
    returns: &[f64],
    memberships: &[f64],
    states: usize,
) -> Result<(Vec<f64>, Vec<f64>), Error> {
    let rows = crate::Rows::new(memberships, states)?;
    if rows.len() != returns.len() {
        let (found, expected) = (rows.len(), returns.len());
        return Err(Error::Shape { what: "the memberships", found, expected });
    }
    let seen = InSample::new(states, rows.iter(), Some(returns));
    Ok((seen.mean_return.unwrap_or_default(), seen.volatility.unwrap_or_default()))
}

/// Shares of moves from each state (row) to each state (column); `None` where a state is never
/// left nor kept.
pub(crate) fn transitions(states: usize, labels: &[u32]) -> Vec<Option<Vec<f64>>> {
    let mut counts = vec![0_usize; states * states];
    for pair in labels.windows(2) {
        counts[pair[0] as usize * states + pair[1] as usize] += 1;
    }
    let share = |row: &[usize]| {
        let total: usize = row.iter().sum();
        (total > 0).then(|| row.iter().map(|&c| float(c) / float(total)).collect())
    };
    counts.chunks_exact(states).map(share).collect()
}

fn finite_or_nan(x: f64) -> f64 {
    if x.is_finite() { x } else { f64::NAN }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bull_state_comes_first_and_empty_states_last() {
        let one_hot = [[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [1.0, 0.0, 0.0]];
        let weights = one_hot.iter().map(<[f64; 3]>::as_slice);
        let found = InSample::new(3, weights, Some(&[0.01, 0.02, -0.01, -0.03]));
        assert_eq!(found.order(SortBy::CumulativeReturn), [1, 0, 2]);
        assert_eq!(found.order(SortBy::Volatility), [1, 0, 2]);
        let vol = found.volatility.unwrap();
        assert!((vol[1] - 0.005 * 2.0_f64.sqrt()).abs() < 1e-12);
        assert!(vol[2].is_nan());
    }

    #[test]
    fn a_state_without_successor_has_no_transitions() {
        let found = transitions(2, &[0, 0, 0, 1]);
        assert_eq!(found, [Some(vec![2.0 / 3.0, 1.0 / 3.0]), None]);
    }
}

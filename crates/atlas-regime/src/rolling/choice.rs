//! Choosing a penalty by what its states, as they were emitted, would have earned.

use std::collections::VecDeque;

use super::params::RollingParams;
use crate::count::float;

/// Sharpe ratio per session of the strategy that holds the index while the state was bull `delay`
/// sessions before, in excess of cash and after costs; `None` where returns do not vary.
///
/// `states` and `returns` end with the same session; states reach `delay + 1` sessions further
/// back, as far as there are any.
fn sharpe(states: &VecDeque<u8>, returns: &VecDeque<f64>, params: &RollingParams) -> Option<f64> {
    let extra = states.len().checked_sub(returns.len())?;
    let first = extra.checked_sub(params.delay)?;
    let mut held = match first.checked_sub(1) {
        Some(before) => states[before] == 0,
        None => states[first] == 0,
    };
    let (mut sum, mut squares) = (0.0, 0.0);
    for (state, r) in states.iter().skip(first).zip(returns) {
        let hold = *state == 0;
        let cost = if hold == held { 0.0 } else { params.cost };
        let earned = if hold { r - cost } else { -cost };
        sum += earned;
        squares += earned * earned;
        held = hold;
    }
    let n = float(returns.len());
    let mean = sum / n;
    let variance = squares / n - mean * mean;
    (variance > 0.0).then(|| mean / variance.sqrt())
}

/// Index of the candidate with the largest ratio; the larger penalty on a tie, the old one where
/// no ratio is defined.
pub(super) fn choose<'s>(
    candidates: impl Iterator<Item = &'s VecDeque<u8>>,
    returns: &VecDeque<f64>,
    params: &RollingParams,
    old: Option<usize>,
) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (i, states) in candidates.enumerate() {
        let Some(ratio) = sharpe(states, returns, params) else { continue };
        if best.is_none_or(|(_, largest)| ratio >= largest) {
            best = Some((i, ratio));
        }
    }
    best.map(|(i, _)| i).or(old)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_take_the_larger_penalty_and_nothing_defined_keeps_the_old() {
        let params = RollingParams { validation: 4, ..RollingParams::default() };
        let bull = VecDeque::from(vec![0; 7]);
        let bear = VecDeque::from(vec![1; 7]);
        let returns = VecDeque::from(vec![0.01, -0.01, 0.02, 0.01]);
        let pick = |c: &[&VecDeque<u8>], old| choose(c.iter().copied(), &returns, &params, old);
        assert_eq!(pick(&[&bull, &bull], None), Some(1));
        assert_eq!(pick(&[&bull, &bear], None), Some(0));
        assert_eq!(pick(&[&bear, &bear], Some(0)), Some(0));
    }

    #[test]
    fn the_state_of_two_sessions_ago_is_held_and_changes_cost() {
        let params = RollingParams { cost: 0.5, ..RollingParams::default() };
        // States of sessions 0 to 4; the last two sessions are compared, holding states 1 and 2.
        let states = VecDeque::from(vec![0, 0, 1, 0, 0]);
        let returns = VecDeque::from(vec![0.1, 9.0]);
        let earned = [0.1, -0.5];
        let mean: f64 = earned.iter().sum::<f64>() / 2.0;
        let sd = (earned.iter().map(|e| (e - mean) * (e - mean)).sum::<f64>() / 2.0).sqrt();
        let found = sharpe(&states, &returns, &params).unwrap();
        assert!((found - mean / sd).abs() < 1e-12);
    }
}

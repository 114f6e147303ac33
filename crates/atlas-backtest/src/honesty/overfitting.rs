//! The probability of backtest overfitting.
//!
//! Source: D. Bailey, J. Borwein, M. López de Prado and Q. Zhu, "The Probability of Backtest
//! Overfitting" (2017): combinatorially symmetric cross-validation.

use serde::{Deserialize, Serialize};

use super::split::{choose, even};
use crate::Error;
use crate::metrics::stats::float;

/// How the best of the past fares afterwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overfitting {
    /// Share of deals in which the best of one half is in the lower half of the other.
    pub probability: f64,
    /// Deals in which a best one could be named.
    pub deals: usize,
    /// Share of deals in which the best of one half has a Sharpe ratio below zero in the other.
    pub loss_probability: f64,
    /// For each deal the logit of the relative rank in the other half; below zero is the lower
    /// half.
    pub logits: Vec<f64>,
}

impl Overfitting {
    /// Of the returns of every trial over the same rows, cut into `blocks` (even, 2 to 16): each
    /// choice of half of them is the past once. Trials are ranked by Sharpe ratio; one without is
    /// the worst. `None` if no deal has a best trial.
    ///
    /// # Errors
    /// [`Error::Parameter`] for fewer than two trials, trials of different length, an odd or
    /// unfit number of blocks, or fewer than two rows a block.
    pub fn of(trials: &[Vec<f64>], blocks: usize) -> Result<Option<Self>, Error> {
        let rows = check(trials, blocks)?;
        let ranges = even(rows, blocks);
        let sums: Vec<Vec<Sums>> = trials
            .iter()
            .map(|trial| {
                let block = |range: &std::ops::Range<usize>| trial.get(range.clone());
                ranges.iter().map(|range| Sums::of(block(range).unwrap_or_default())).collect()
            })
            .collect();
        let mut logits = Vec::new();
        let mut losses = 0_usize;
        for past in choose(blocks, blocks / 2) {
            let of = |trial: &Vec<Sums>, inside: bool| {
                let parts = trial.iter().enumerate().filter(|(b, _)| past.contains(b) == inside);
                parts.fold(Sums::default(), |all, (_, part)| all.and(part)).ratio()
            };
            let before: Vec<Option<f64>> = sums.iter().map(|trial| of(trial, true)).collect();
            let best = before
                .iter()
                .enumerate()
                .filter_map(|(at, ratio)| Some((at, (*ratio)?)))
                .fold(None, |best: Option<(usize, f64)>, next| match best {
                    Some(best) if best.1 >= next.1 => Some(best),
                    Some(_) | None => Some(next),
                });
            let Some((best, _)) = best else { continue };
            let after: Vec<f64> =
                sums.iter().map(|t| of(t, false).unwrap_or(f64::NEG_INFINITY)).collect();
            let own = after.get(best).copied().unwrap_or(f64::NEG_INFINITY);
            losses += usize::from(own < 0.0);
            // Ties share their ranks evenly.
            let below = float(after.iter().filter(|other| **other < own).count());
            let ties = float(after.iter().filter(|other| other.total_cmp(&own).is_eq()).count());
            let rank = below + ties.midpoint(1.0);
            let relative = rank / (float(trials.len()) + 1.0);
            logits.push(libm::log(relative / (1.0 - relative)));
        }
        if logits.is_empty() {
            return Ok(None);
        }
        let deals = logits.len();
        let lower = logits.iter().filter(|logit| **logit <= 0.0).count();
        Ok(Some(Self {
            probability: float(lower) / float(deals),
            deals,
            loss_probability: float(losses) / float(deals),
            logits,
        }))
    }
}

/// What a Sharpe ratio needs of a block; the blocks of a deal are added up.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    count: usize,
    sum: f64,
    squares: f64,
    /// The largest size.
    most: f64,
}

impl Sums {
    fn of(returns: &[f64]) -> Self {
        returns.iter().fold(Self::default(), |all, r| Self {
            count: all.count + 1,
            sum: all.sum + r,
            squares: all.squares + r * r,
            most: all.most.max(r.abs()),
        })
    }

    const fn and(self, other: &Self) -> Self {
        Self {
            count: self.count + other.count,
            sum: self.sum + other.sum,
            squares: self.squares + other.squares,
            most: self.most.max(other.most),
        }
    }

    /// Sharpe ratio a period; `None` if returns do not vary beyond rounding.
    fn ratio(self) -> Option<f64> {
        let n = float(self.count);
        let mean = self.sum / n;
        let variance = (self.squares - n * mean * mean) / (n - 1.0);
        let least = self.most * self.most * f64::EPSILON * n;
        (variance > least).then(|| mean / variance.sqrt())
    }
}

fn check(trials: &[Vec<f64>], blocks: usize) -> Result<usize, Error> {
    let rows = trials.first().map_or(0, Vec::len);
    let wrong = |what, value: String, range| Err(Error::Parameter { what, value, range });
    if trials.len() < 2 || trials.iter().any(|trial| trial.len() != rows) {
        let value = trials.len().to_string();
        return wrong("the number of trials", value, "at least 2, all of the same rows");
    }
    if !(2..=16).contains(&blocks) || blocks % 2 == 1 || rows < 2 * blocks {
        let value = format!("{blocks} of {rows} rows");
        return wrong("blocks", value, "an even number from 2 to 16, with two rows a block");
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::super::Random;
    use super::*;

    fn noise(trials: usize, rows: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut random = Random::seeded(seed);
        let mut one = || (0..rows).map(|_| random.fraction() - 0.5).collect();
        (0..trials).map(|_| one()).collect()
    }

    #[test]
    fn noise_is_overfit_about_half_of_the_time() {
        let mut sum = 0.0;
        for seed in 0..12 {
            sum += Overfitting::of(&noise(20, 320, seed), 8).unwrap().unwrap().probability;
        }
        assert!((0.35..0.65).contains(&(sum / 12.0)), "{}", sum / 12.0);
    }

    #[test]
    fn true_skill_is_not() {
        let mut trials = noise(10, 320, 1);
        trials[3].iter_mut().for_each(|r| *r += 0.3);
        let found = Overfitting::of(&trials, 8).unwrap().unwrap();
        assert_eq!((found.deals, found.probability, found.loss_probability), (70, 0.0, 0.0));
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let trials = noise(3, 20, 1);
        assert!(Overfitting::of(&trials[..1], 2).is_err());
        assert!(Overfitting::of(&trials, 3).is_err());
        assert!(Overfitting::of(&trials, 12).is_err());
        let flat = vec![vec![0.0; 20]; 2];
        assert_eq!(Overfitting::of(&flat, 4).unwrap(), None);
    }
}

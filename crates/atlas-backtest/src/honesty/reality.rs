//! Whether the best of many beats a benchmark by more than luck.
//!
//! Sources: H. White, "A Reality Check for Data Snooping" (2000); P. R. Hansen, "A Test for
//! Superior Predictive Ability" (2005), the consistent version. Both on the stationary bootstrap.

use serde::{Deserialize, Serialize};

use super::bootstrap::Bootstrap;
use crate::Error;
use crate::metrics::stats::{float, mean};

/// Probabilities of seeing a best one as good as this, were none better than the benchmark.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RealityCheck {
    /// Number of the trial with the highest mean difference.
    pub best: usize,
    /// That mean difference a period.
    pub difference: f64,
    /// White's p-value.
    pub white: f64,
    /// Hansen's consistent p-value, of studentised differences; `None` if no difference varies.
    pub hansen: Option<f64>,
}

impl RealityCheck {
    /// Of the returns of every trial and of the benchmark over the same rows.
    ///
    /// # Errors
    /// [`Error::Parameter`] for no trials or different lengths, and as [`Bootstrap::each`].
    pub fn of(trials: &[Vec<f64>], benchmark: &[f64], bootstrap: Bootstrap) -> Result<Self, Error> {
        let rows = benchmark.len();
        if trials.is_empty() || trials.iter().any(|trial| trial.len() != rows) || rows < 2 {
            return Err(Error::Parameter {
                what: "the number of trials",
                value: trials.len().to_string(),
                range: "at least 1, all with the benchmark's rows, of which there are two or more",
            });
        }
        let ahead = |trial: &Vec<f64>| trial.iter().zip(benchmark).map(|(a, b)| a - b).collect();
        let differences: Vec<Vec<f64>> = trials.iter().map(ahead).collect();
        let means: Vec<f64> = differences.iter().map(|d| mean(d).unwrap_or(0.0)).collect();
        let mut drawn: Vec<Vec<f64>> = Vec::new();
        bootstrap.each(rows, |rows| {
            let again = |d: &Vec<f64>| {
                rows.iter().filter_map(|row| d.get(*row)).sum::<f64>() / float(rows.len())
            };
            drawn.push(differences.iter().map(again).collect());
        })?;
        let (best, difference) = means
            .iter()
            .enumerate()
            .fold((0, f64::NEG_INFINITY), |b, (at, m)| if *m > b.1 { (at, *m) } else { b });
        let white = share(&drawn, |draw| {
            most(draw.iter().zip(&means).map(|(again, mean)| again - mean)) >= difference
        });
        Ok(Self { best, difference, white, hansen: hansen(&drawn, &means, rows) })
    }
}

/// Differences in units of their own error; those that lose by more than luck are not allowed to
/// make the rest look good.
fn hansen(drawn: &[Vec<f64>], means: &[f64], rows: usize) -> Option<f64> {
    let errors: Vec<f64> = (0..means.len())
        .map(|at| {
            let own: Vec<f64> = drawn.iter().filter_map(|draw| draw.get(at).copied()).collect();
            let center = mean(&own).unwrap_or(0.0);
            let squares: Vec<f64> = own.iter().map(|x| (x - center) * (x - center)).collect();
            mean(&squares).unwrap_or(0.0).sqrt()
        })
        .collect();
    let usable = || means.iter().zip(&errors).enumerate().filter(|(_, (_, error))| **error > 0.0);
    usable().next()?;
    let statistic = most(usable().map(|(_, (mean, error))| mean / error)).max(0.0);
    let n = float(rows);
    let least = -(2.0 * libm::log(libm::log(n).max(1.0))).sqrt();
    let better = |draw: &Vec<f64>| {
        let scaled = usable().filter_map(|(at, (mean, error))| {
            let center = if mean / error >= least { *mean } else { 0.0 };
            Some((draw.get(at)? - center) / error)
        });
        most(scaled).max(0.0) >= statistic
    };
    Some(share(drawn, better))
}

fn most(values: impl Iterator<Item = f64>) -> f64 {
    values.fold(f64::NEG_INFINITY, f64::max)
}

fn share(drawn: &[Vec<f64>], is: impl Fn(&Vec<f64>) -> bool) -> f64 {
    float(drawn.iter().filter(|draw| is(draw)).count()) / float(drawn.len().max(1))
}

#[cfg(test)]
mod tests {
    use super::super::Random;
    use super::*;

    fn noise(trials: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut random = Random::seeded(seed);
        let mut one = || (0..250).map(|_| random.fraction() - 0.5).collect();
        (0..trials).map(|_| one()).collect()
    }

    fn check(trials: &[Vec<f64>]) -> RealityCheck {
        let bootstrap = Bootstrap { draws: 300, mean_block: 2.0, seed: 7 };
        RealityCheck::of(trials, &vec![0.0; 250], bootstrap).unwrap()
    }

    #[test]
    fn the_best_of_noise_is_rarely_significant() {
        let found: Vec<f64> = (0..20).map(|seed| check(&noise(15, seed)).white).collect();
        assert!(found.iter().filter(|p| **p < 0.05).count() <= 3, "{found:?}");
    }

    #[test]
    fn true_skill_is_found_among_noise_and_losers() {
        let mut trials = noise(15, 3);
        trials[4].iter_mut().for_each(|r| *r += 0.2);
        trials[5].iter_mut().for_each(|r| *r -= 0.4);
        let found = check(&trials);
        assert_eq!(found.best, 4);
        assert!(found.white < 0.02 && found.hansen.unwrap() < 0.02, "{found:?}");
        assert!(found.hansen.unwrap() <= found.white + 0.05, "{found:?}");
        let bootstrap = Bootstrap { draws: 10, mean_block: 2.0, seed: 7 };
        assert!(RealityCheck::of(&[], &[0.0; 5], bootstrap).is_err());
        let same = RealityCheck::of(&[vec![0.0; 5]], &[0.0; 5], bootstrap).unwrap();
        assert_eq!(same.hansen, None);
    }
}

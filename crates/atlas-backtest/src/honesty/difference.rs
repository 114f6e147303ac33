//! Whether two Sharpe ratios differ by more than luck.
//!
//! Source: O. Ledoit and M. Wolf, "Robust Performance Hypothesis Testing with the Sharpe Ratio"
//! (2008): a studentised circular block bootstrap of the difference, which neither needs returns to
//! be normal nor one day to be independent of the next.

use serde::{Deserialize, Serialize};

use super::{Random, sharpe};
use crate::Error;
use crate::metrics::stats::{float, quantile_of_sorted};

/// How the difference is dealt again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dealing {
    /// Number of histories drawn, 1 to 100 000.
    pub draws: usize,
    /// Rows of a block.
    pub block: usize,
    /// Seed.
    pub seed: u64,
}

/// The difference of two Sharpe ratios a period, first less second.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct SharpeDifference {
    /// The difference.
    pub difference: f64,
    /// Its standard error, robust to dependence (Parzen kernel, bandwidth by Andrews 1991).
    pub error: f64,
    /// Probability of a difference of at least this size, were the true ratios equal.
    pub p_value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Share of histories between both ends.
    pub confidence: f64,
}

impl SharpeDifference {
    /// Of two series of returns over the same rows; `None` if one of them does not vary.
    ///
    /// # Errors
    /// [`Error::Parameter`] for series of different length, fewer than four blocks of rows, no
    /// draws, or a confidence outside of 0 to 1.
    ///
    /// # Examples
    /// ```
    /// use atlas_backtest::honesty::difference::{Dealing, SharpeDifference};
    ///
    /// let one: Vec<f64> = (0..400).map(|i| f64::from(i % 7) / 100.0 - 0.02).collect();
    /// let other: Vec<f64> = one.iter().rev().map(|r| r - 0.02).collect();
    /// let dealing = Dealing { draws: 499, block: 5, seed: 1 };
    /// let found = SharpeDifference::of(&one, &other, 0.95, dealing)?.unwrap();
    /// assert!(found.difference > 0.9 && found.p_value < 0.05);
    /// # Ok::<(), atlas_backtest::Error>(())
    /// ```
    pub fn of(
        one: &[f64],
        other: &[f64],
        confidence: f64,
        dealing: Dealing,
    ) -> Result<Option<Self>, Error> {
        let rows = one.len();
        let confidence = sharpe::check_confidence(confidence)?;
        check(rows, other.len(), dealing)?;
        let pairs: Vec<[f64; 2]> = one.iter().zip(other).map(|(a, b)| [*a, *b]).collect();
        let Some(point) = Moments::of(pairs.iter()) else { return Ok(None) };
        let error = point.error(&robust(&point.centered(pairs.iter())), rows);
        if !(error.is_finite() && error > 0.0) {
            return Ok(None);
        }
        let statistic = point.difference().abs() / error;
        let mut found = Vec::with_capacity(dealing.draws);
        let mut random = Random::seeded(dealing.seed);
        let blocks = rows / dealing.block;
        let mut drawn: Vec<[f64; 2]> = Vec::with_capacity(blocks * dealing.block);
        for _ in 0..dealing.draws {
            drawn.clear();
            for _ in 0..blocks {
                let start = random.below(rows);
                let block = pairs.iter().cycle().skip(start).take(dealing.block);
                drawn.extend(block.copied());
            }
            let Some(again) = Moments::of(drawn.iter()) else { continue };
            let covariance = of_blocks(&again.centered(drawn.iter()), dealing.block);
            let own_error = again.error(&covariance, drawn.len());
            if own_error > 0.0 {
                found.push((again.difference() - point.difference()).abs() / own_error);
            }
        }
        found.sort_by(f64::total_cmp);
        let above = found.len() - found.partition_point(|one| *one < statistic);
        let reach = quantile_of_sorted(&found, confidence).unwrap_or(f64::NAN) * error;
        let difference = point.difference();
        Ok(Some(Self {
            difference,
            error,
            p_value: float(above + 1) / float(found.len() + 1),
            low: difference - reach,
            high: difference + reach,
            confidence,
        }))
    }
}

fn check(rows: usize, others: usize, dealing: Dealing) -> Result<(), Error> {
    let wrong =
        |what, value: usize, range| Err(Error::Parameter { what, value: value.to_string(), range });
    if others != rows {
        return wrong("the number of returns of the second", others, "that of the first");
    }
    if !(1..=100_000).contains(&dealing.draws) {
        return wrong("draws", dealing.draws, "1 to 100000");
    }
    if dealing.block == 0 || rows < 4 * dealing.block {
        return wrong("block", dealing.block, "above 0 and at most a quarter of the rows");
    }
    Ok(())
}

/// First and second moments of both series.
#[derive(Debug, Clone, Copy)]
struct Moments {
    mean: [f64; 2],
    square: [f64; 2],
}

/// Rows of deviations from the four moments.
type Rows = Vec<[f64; 4]>;
/// Covariance of the four moments.
type Covariance = [[f64; 4]; 4];

impl Moments {
    fn of<'a>(pairs: impl ExactSizeIterator<Item = &'a [f64; 2]>) -> Option<Self> {
        let n = float(pairs.len());
        let (mut mean, mut square) = ([0.0; 2], [0.0; 2]);
        for pair in pairs {
            for side in 0..2 {
                mean[side] += pair[side] / n;
                square[side] += pair[side] * pair[side] / n;
            }
        }
        let found = Self { mean, square };
        let varies = |side: usize| found.variance(side) > square[side] * f64::EPSILON * 8.0;
        (varies(0) && varies(1)).then_some(found)
    }

    fn variance(&self, side: usize) -> f64 {
        self.square[side] - self.mean[side] * self.mean[side]
    }

    fn difference(&self) -> f64 {
        self.mean[0] / self.variance(0).sqrt() - self.mean[1] / self.variance(1).sqrt()
    }

    fn centered<'a>(&self, pairs: impl Iterator<Item = &'a [f64; 2]>) -> Rows {
        let row = |[a, b]: &[f64; 2]| {
            let ([ma, mb], [sa, sb]) = (self.mean, self.square);
            [a - ma, b - mb, a * a - sa, b * b - sb]
        };
        pairs.map(row).collect()
    }

    /// Standard error of the difference by the delta method.
    fn error(&self, covariance: &Covariance, rows: usize) -> f64 {
        let power = |side: usize| {
            let variance = self.variance(side);
            variance * variance.sqrt()
        };
        let gradient = [
            self.square[0] / power(0),
            -self.square[1] / power(1),
            -0.5 * self.mean[0] / power(0),
            0.5 * self.mean[1] / power(1),
        ];
        let mut sum = 0.0;
        for (row, left) in covariance.iter().zip(gradient) {
            for (cell, right) in row.iter().zip(gradient) {
                sum += left * cell * right;
            }
        }
        (sum / float(rows)).max(0.0).sqrt()
    }
}

/// Covariance of drawn blocks, which are independent of each other.
fn of_blocks(rows: &Rows, block: usize) -> Covariance {
    let mut all = [[0.0; 4]; 4];
    let blocks = float((rows.len() / block).max(1));
    for part in rows.chunks_exact(block) {
        let mut sum = [0.0; 4];
        for row in part {
            for (total, value) in sum.iter_mut().zip(row) {
                *total += value;
            }
        }
        for (line, left) in all.iter_mut().zip(sum) {
            for (cell, right) in line.iter_mut().zip(sum) {
                *cell += left * right / float(block) / blocks;
            }
        }
    }
    all
}

/// Covariance robust to dependence in time: Parzen's kernel with the bandwidth of Andrews (1991)
/// for autoregressions of order one, scaled by T / (T − 4).
fn robust(rows: &Rows) -> Covariance {
    let n = float(rows.len());
    let lags = bandwidth(rows);
    let mut all = autocovariance(rows, 0);
    for lag in 1..rows.len() {
        let x = float(lag) / lags;
        if x >= 1.0 {
            break;
        }
        let weight = if x <= 0.5 {
            6.0_f64.mul_add(x * x * (x - 1.0), 1.0)
        } else {
            2.0 * (1.0 - x) * (1.0 - x) * (1.0 - x)
        };
        let at = autocovariance(rows, lag);
        for i in 0..4 {
            for j in 0..4 {
                all[i][j] += weight * (at[i][j] + at[j][i]);
            }
        }
    }
    all.map(|line| line.map(|cell| cell * n / (n - 4.0)))
}

fn autocovariance(rows: &Rows, lag: usize) -> Covariance {
    let mut all = [[0.0; 4]; 4];
    let n = float(rows.len());
    for (now, before) in rows.iter().skip(lag).zip(rows) {
        for (line, left) in all.iter_mut().zip(now) {
            for (cell, right) in line.iter_mut().zip(before) {
                *cell += left * right / n;
            }
        }
    }
    all
}

fn bandwidth(rows: &Rows) -> f64 {
    let (mut above, mut below) = (0.0, 0.0);
    for column in 0..4 {
        let value = |row: &[f64; 4]| row[column];
        let (mut cross, mut own) = (0.0, 0.0);
        for pair in rows.windows(2) {
            cross += value(&pair[0]) * value(&pair[1]);
            own += value(&pair[0]) * value(&pair[0]);
        }
        let slope = if own > 0.0 { (cross / own).clamp(-0.97, 0.97) } else { 0.0 };
        let rest: f64 =
            rows.windows(2).map(|p| value(&p[1]) - slope * value(&p[0])).map(|e| e * e).sum();
        let variance = rest / float(rows.len().max(2) - 1);
        let fourth = variance * variance;
        let left = 1.0 - slope;
        above += 4.0 * slope * slope * fourth / libm::pow(left, 8.0);
        below += fourth / libm::pow(left, 4.0);
    }
    if below <= 0.0 {
        return 1.0;
    }
    (2.6614 * libm::pow(above / below * float(rows.len()), 0.2)).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(rows: usize, seed: u64, drift: f64) -> Vec<f64> {
        let mut random = Random::seeded(seed);
        (0..rows).map(|_| random.fraction() - 0.5 + drift).collect()
    }

    const DEALING: Dealing = Dealing { draws: 199, block: 5, seed: 2 };

    #[test]
    fn equal_skill_is_rarely_told_apart() {
        let rejected = (0..40).filter(|seed| {
            let (a, b) = (noise(300, *seed, 0.02), noise(300, seed + 1_000, 0.02));
            let found = SharpeDifference::of(&a, &b, 0.95, DEALING).unwrap().unwrap();
            found.p_value < 0.05
        });
        let rejected = rejected.count();
        assert!(rejected <= 6, "{rejected} of 40");
    }

    #[test]
    fn a_clear_difference_is_found_and_has_the_error_of_theory() {
        let (a, b) = (noise(2_000, 1, 0.05), noise(2_000, 2, 0.0));
        let found = SharpeDifference::of(&a, &b, 0.95, DEALING).unwrap().unwrap();
        // Two independent ratios near zero: the error of each is about 1 / sqrt(T).
        assert!((found.error / (2.0_f64 / 2_000.0).sqrt() - 1.0).abs() < 0.1, "{found:?}");
        assert!(found.p_value < 0.02 && found.low > 0.0, "{found:?}");
        let back = SharpeDifference::of(&b, &a, 0.95, DEALING).unwrap().unwrap();
        assert!((back.difference + found.difference).abs() < 1e-12);
    }

    #[test]
    fn what_cannot_be_compared_is_refused() {
        let a = noise(40, 1, 0.0);
        assert!(SharpeDifference::of(&a, &a[1..], 0.95, DEALING).is_err());
        assert!(SharpeDifference::of(&a, &a, 0.95, Dealing { block: 11, ..DEALING }).is_err());
        assert!(SharpeDifference::of(&a, &a, 0.95, Dealing { draws: 0, ..DEALING }).is_err());
        assert_eq!(SharpeDifference::of(&a, &[0.1; 40], 0.95, DEALING).unwrap(), None);
    }
}

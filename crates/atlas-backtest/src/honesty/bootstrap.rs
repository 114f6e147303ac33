//! How far a figure moves when history is dealt again.
//!
//! The stationary bootstrap draws blocks of geometric length, so that what hangs together in time
//! mostly stays together. Source: D. Politis and J. Romano, "The Stationary Bootstrap" (1994).

use serde::{Deserialize, Serialize};

use super::{Random, sharpe};
use crate::Error;
use crate::metrics::stats::{float, quantile_of_sorted};

/// How often history is dealt again, in what pieces.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bootstrap {
    /// Number of histories drawn, 1 to 100 000.
    pub draws: usize,
    /// Mean length of a block in rows, at least 1.
    pub mean_block: f64,
    /// Seed.
    pub seed: u64,
}

/// Where a figure lies when history is dealt again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// The figure of history as it was.
    pub point: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Share of histories between both ends.
    pub confidence: f64,
    /// Share of histories in which the figure is zero or below.
    pub at_most_zero: f64,
    /// Histories in which the figure is defined.
    pub draws: usize,
}

impl Bootstrap {
    /// Checks the numbers.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn check(self) -> Result<Self, Error> {
        if self.draws == 0 || self.draws > DRAWS_MAX {
            let value = self.draws.to_string();
            return Err(Error::Parameter { what: "draws", value, range: "1 to 100000" });
        }
        if !self.mean_block.is_finite() || self.mean_block < 1.0 {
            let value = self.mean_block.to_string();
            return Err(Error::Parameter { what: "mean_block", value, range: "at least 1" });
        }
        Ok(self)
    }

    /// Hands out the row numbers of one drawn history after the other.
    ///
    /// # Errors
    /// As [`check`](Self::check), and [`Error::Parameter`] for no rows.
    pub fn each(&self, rows: usize, mut look: impl FnMut(&[usize])) -> Result<(), Error> {
        let Self { draws, mean_block, seed } = self.check()?;
        if rows == 0 {
            let value = "0".to_owned();
            return Err(Error::Parameter { what: "the number of rows", value, range: "above 0" });
        }
        let mut random = Random::seeded(seed);
        let mut drawn = vec![0; rows];
        for _ in 0..draws {
            let mut row = random.below(rows);
            for place in &mut drawn {
                *place = row;
                let fresh = random.fraction() * mean_block < 1.0;
                row = if fresh { random.below(rows) } else { (row + 1) % rows };
            }
            look(&drawn);
        }
        Ok(())
    }

    /// The percentile interval of a figure of returns. Histories in which it is undefined are left
    /// out; `None` if it is undefined of history as it was, or of all drawn ones.
    ///
    /// # Errors
    /// As [`each`](Self::each), and [`Error::Parameter`] for a confidence outside of 0 to 1.
    ///
    /// # Examples
    /// ```
    /// use atlas_backtest::honesty::bootstrap::Bootstrap;
    ///
    /// let returns: Vec<f64> = (0..100).map(|i| f64::from(i % 7) / 100.0 - 0.02).collect();
    /// let mean = |r: &[f64]| Some(r.iter().sum::<f64>() / 100.0);
    /// let bootstrap = Bootstrap { draws: 500, mean_block: 5.0, seed: 1 };
    /// let interval = bootstrap.interval(&returns, 0.9, mean)?.unwrap();
    /// assert!(interval.low < interval.point && interval.point < interval.high);
    /// # Ok::<(), atlas_backtest::Error>(())
    /// ```
    pub fn interval(
        &self,
        returns: &[f64],
        confidence: f64,
        figure: impl Fn(&[f64]) -> Option<f64>,
    ) -> Result<Option<Interval>, Error> {
        let confidence = sharpe::check_confidence(confidence)?;
        let mut figures = Vec::with_capacity(self.draws);
        let mut again = Vec::with_capacity(returns.len());
        self.each(returns.len(), |rows| {
            again.clear();
            again.extend(rows.iter().filter_map(|row| returns.get(*row).copied()));
            figures.extend(figure(&again));
        })?;
        figures.sort_by(f64::total_cmp);
        let tail = (1.0 - confidence) / 2.0;
        let ends = quantile_of_sorted(&figures, tail).zip(quantile_of_sorted(&figures, 1.0 - tail));
        let none = figures.partition_point(|value| *value <= 0.0);
        Ok(figure(returns).zip(ends).map(|(point, (low, high))| Interval {
            point,
            low,
            high,
            confidence,
            at_most_zero: float(none) / float(figures.len()),
            draws: figures.len(),
        }))
    }
}

/// More draws than this add nothing but time.
const DRAWS_MAX: usize = 100_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_as_long_as_asked_on_average() {
        let bootstrap = Bootstrap { draws: 50, mean_block: 8.0, seed: 3 };
        let (mut breaks, mut pairs) = (0, 0);
        bootstrap
            .each(1_000, |rows| {
                pairs += rows.len() - 1;
                breaks += rows.windows(2).filter(|pair| pair[1] != (pair[0] + 1) % 1_000).count();
            })
            .unwrap();
        let mean = float(pairs) / float(breaks);
        assert!((7.7..8.3).contains(&mean), "{mean}");
    }

    #[test]
    fn the_interval_of_a_mean_is_about_that_of_theory() {
        let mut random = Random::seeded(5);
        let returns: Vec<f64> = (0..2_000).map(|_| random.fraction() - 0.5).collect();
        let mean = |r: &[f64]| crate::metrics::stats::mean(r);
        let bootstrap = Bootstrap { draws: 2_000, mean_block: 1.0, seed: 1 };
        let interval = bootstrap.interval(&returns, 0.95, mean).unwrap().unwrap();
        let error = 1.96 * (1.0_f64 / 12.0).sqrt() / 2_000.0_f64.sqrt();
        assert!(((interval.high - interval.low) / (2.0 * error) - 1.0).abs() < 0.08);
        assert_eq!(bootstrap.interval(&returns, 0.95, mean).unwrap(), Some(interval));
        assert!(bootstrap.interval(&[], 0.95, mean).is_err());
        assert!(bootstrap.interval(&returns, 1.0, mean).is_err());
        assert!(Bootstrap { mean_block: 0.5, ..bootstrap }.check().is_err());
    }
}

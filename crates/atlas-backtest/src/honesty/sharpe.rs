//! How likely a Sharpe ratio is not luck.
//!
//! Source: D. Bailey and M. López de Prado, "The Sharpe Ratio Efficient Frontier" (2012) and "The
//! Deflated Sharpe Ratio" (2014). Ratios are per period and in excess of the risk-free return,
//! kurtosis is 3 for a normal; nothing is annualised before it is compared.

use serde::{Deserialize, Serialize};

use super::normal;
use crate::Error;
use crate::metrics::Metrics;
use crate::metrics::stats::float;

/// A Sharpe ratio with what its error depends on.
///
/// # Examples
/// The example of the paper: 2.5 a year over five years, the best of a hundred trials.
/// ```
/// use atlas_backtest::honesty::sharpe::{Estimate, expected_best};
///
/// let sharpe = 2.5 / 250.0_f64.sqrt();
/// let estimate = Estimate { sharpe, periods: 1_250, skewness: -3.0, kurtosis: 10.0 };
/// let best_by_luck = expected_best(100, 0.5 / 250.0).unwrap();
/// assert!((best_by_luck - 0.113_172).abs() < 5e-7);
/// assert!((estimate.probability_above(best_by_luck).unwrap() - 0.9004).abs() < 5e-5);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// Sharpe ratio a period.
    pub sharpe: f64,
    /// Number of returns it rests on.
    pub periods: usize,
    /// Their skewness.
    pub skewness: f64,
    /// Their kurtosis, 3 for a normal.
    pub kurtosis: f64,
}

impl Estimate {
    /// Of returns; `None` where their Sharpe ratio is undefined.
    #[must_use]
    pub fn of(metrics: &Metrics) -> Option<Self> {
        Some(Self {
            sharpe: metrics.sharpe_per_period?,
            periods: metrics.periods,
            skewness: metrics.skewness?,
            kurtosis: metrics.kurtosis?,
        })
    }

    /// Variance of the ratio's estimate, times the number of returns less one.
    fn spread(&self) -> Option<f64> {
        let Self { sharpe, skewness, kurtosis, .. } = *self;
        let spread = 1.0 - skewness * sharpe + (kurtosis - 1.0) / 4.0 * sharpe * sharpe;
        (spread > 0.0).then_some(spread)
    }

    /// Probabilistic Sharpe ratio: the probability that the true ratio is above `benchmark`, per
    /// period. `None` of fewer than two returns, or where moments cannot belong together.
    #[must_use]
    pub fn probability_above(&self, benchmark: f64) -> Option<f64> {
        let returns = float(self.periods.checked_sub(1).filter(|rest| *rest > 0)?);
        let z = (self.sharpe - benchmark) * returns.sqrt() / self.spread()?.sqrt();
        z.is_finite().then(|| normal::cdf(z))
    }

    /// Deflated Sharpe ratio: the probability that the true ratio is above what the best of
    /// `trials` without any skill would show, their ratios varying by `variance`. One trial gives
    /// the probability of being above zero.
    #[must_use]
    pub fn deflated(&self, trials: usize, variance: f64) -> Option<f64> {
        self.probability_above(expected_best(trials, variance)?)
    }

    /// Minimum track record: the number of returns after which the true ratio is above
    /// `benchmark` with `confidence`, would the moments stay as they are. `None` if the ratio is
    /// not above the benchmark, or the confidence is not between 0 and 1.
    #[must_use]
    pub fn periods_needed(&self, benchmark: f64, confidence: f64) -> Option<f64> {
        let ahead = self.sharpe - benchmark;
        let z = normal::quantile(confidence)?;
        (ahead > 0.0).then_some(1.0 + self.spread()? * (z / ahead) * (z / ahead))
    }
}

/// Largest Sharpe ratio a period to be expected of `trials` without any skill, their ratios
/// varying by `variance` (Bailey and López de Prado 2014, equation 1). Zero for one trial; `None`
/// for none, and for a variance that is none.
#[must_use]
pub fn expected_best(trials: usize, variance: f64) -> Option<f64> {
    if trials == 0 || !variance.is_finite() || variance < 0.0 {
        return None;
    }
    if trials == 1 {
        return Some(0.0);
    }
    let n = float(trials);
    let first = normal::quantile(1.0 - 1.0 / n)?;
    let second = normal::quantile(1.0 - 1.0 / (n * std::f64::consts::E))?;
    Some(variance.sqrt() * ((1.0 - EULER) * first + EULER * second))
}

/// Checks a confidence.
///
/// # Errors
/// [`Error::Parameter`] outside of 0 to 1, both ends excluded.
pub fn check_confidence(confidence: f64) -> Result<f64, Error> {
    if confidence > 0.0 && confidence < 1.0 {
        return Ok(confidence);
    }
    Err(Error::Parameter {
        what: "a confidence",
        value: confidence.to_string(),
        range: "between 0 and 1",
    })
}

/// Euler's and Mascheroni's constant.
const EULER: f64 = 0.577_215_664_901_532_9;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_trial_is_held_against_zero() {
        let estimate = Estimate { sharpe: 0.05, periods: 500, skewness: -0.5, kurtosis: 6.0 };
        assert_eq!(estimate.deflated(1, 0.7), estimate.probability_above(0.0));
        assert_eq!(estimate.deflated(0, 0.7), None);
        assert!(estimate.deflated(10, 0.01).unwrap() < estimate.deflated(2, 0.01).unwrap());
        assert_eq!(expected_best(10, f64::NAN), None);
    }

    #[test]
    fn a_track_record_of_that_length_is_just_enough() {
        let estimate = Estimate { sharpe: 0.1, periods: 100, skewness: -1.0, kurtosis: 5.0 };
        let needed = estimate.periods_needed(0.02, 0.95).unwrap();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let periods = needed.ceil() as usize;
        let at = |periods| Estimate { periods, ..estimate }.probability_above(0.02).unwrap();
        assert!(at(periods) >= 0.95 && at(periods - 1) < 0.95);
        assert_eq!(estimate.periods_needed(0.1, 0.95), None);
        assert_eq!(Estimate { periods: 1, ..estimate }.probability_above(0.0), None);
    }
}

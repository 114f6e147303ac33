//! Against another series of returns.

use serde::{Deserialize, Serialize};

use super::stats::{covariance, deviation, mean, variance};
use super::{Conventions, check_returns};
use crate::Error;

/// How returns compare with those of a benchmark over the same periods.
///
/// Beta is the covariance over the benchmark's variance, both in excess; alpha compounds the mean
/// of `excess − beta × benchmark excess` to a year; the information ratio is the mean difference
/// over its sample deviation (ddof 1), × √periods.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Relative {
    /// Sensitivity to the benchmark.
    pub beta: Option<f64>,
    /// Return a year that the benchmark does not explain.
    pub alpha: Option<f64>,
    /// Correlation with the benchmark.
    pub correlation: Option<f64>,
    /// Deviation of the difference, a year.
    pub tracking_error: Option<f64>,
    /// Information ratio a year.
    pub information_ratio: Option<f64>,
}

impl Relative {
    /// Of two series of the same periods.
    ///
    /// # Errors
    /// [`Error::Parameter`] if they differ in length, and as [`super::Metrics::of`].
    pub fn of(returns: &[f64], benchmark: &[f64], conventions: Conventions) -> Result<Self, Error> {
        let Conventions { periods_per_year: year, risk_free } = conventions.check()?;
        check_returns(returns)?;
        check_returns(benchmark)?;
        if returns.len() != benchmark.len() {
            return Err(Error::Parameter {
                what: "the number of benchmark returns",
                value: benchmark.len().to_string(),
                range: "that of the returns themselves",
            });
        }
        let excess = |values: &[f64]| values.iter().map(|r| r - risk_free).collect::<Vec<f64>>();
        let (own, other) = (excess(returns), excess(benchmark));
        let beta =
            deviation(&other).and_then(|_| Some(covariance(&own, &other)? / variance(&other)?));
        let alpha = beta.and_then(|beta| {
            let rest: Vec<f64> = own.iter().zip(&other).map(|(a, b)| a - beta * b).collect();
            Some(libm::pow(1.0 + mean(&rest)?, year) - 1.0)
        });
        let correlation = covariance(&own, &other)
            .zip(deviation(&own).zip(deviation(&other)))
            .map(|(shared, (a, b))| shared / (a * b));
        let difference: Vec<f64> = returns.iter().zip(benchmark).map(|(a, b)| a - b).collect();
        let spread = deviation(&difference);
        Ok(Self {
            beta,
            alpha,
            correlation,
            tracking_error: spread.map(|spread| spread * year.sqrt()),
            information_ratio: mean(&difference)
                .zip(spread)
                .map(|(mean, spread)| mean / spread * year.sqrt()),
        })
    }
}

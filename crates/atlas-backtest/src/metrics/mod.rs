//! What a series of returns amounts to, with every convention stated.
//!
//! Returns are *simple* returns per session, as fractions. Undefined is `None`, never zero, never
//! infinity: no dispersion, no losses to divide by, too few values. Sums run in the order given
//! and powers come from `libm`, so that the same returns give the same bytes on every machine.
//!
//! | metric | convention |
//! | --- | --- |
//! | annual return | compound: `(1 + total)^(periods / n) − 1` |
//! | volatility | sample deviation (ddof 1) × √periods |
//! | Sharpe | mean excess / its sample deviation (ddof 1) × √periods |
//! | Sortino | mean excess × periods / (√mean(min(excess, 0)²) × √periods), mean over all values |
//! | Calmar | annual return / size of the maximum drawdown |
//! | Omega | Σ gains / Σ losses in excess, threshold 0 |
//! | value at risk | 5 % quantile of returns, linear between order statistics (type 7) |
//! | expected shortfall | mean of the lowest `1 + ⌊0.05 (n − 1)⌋` returns |
//! | skewness, kurtosis | moment ratios with divisor `n`; kurtosis of a normal is 3 |
//! | tail ratio | size of the 95 % quantile / size of the 5 % quantile |
//! | stability | R² of the line through cumulative log returns |
//!
//! They equal `empyrical-reloaded` on golden series, with two differences on purpose: empyrical
//! gives Omega and tail ratio as infinity where Atlas says undefined, and kurtosis here is not in
//! excess of 3. `quantstats` computes skewness and kurtosis with bias corrections and its
//! information ratio per period; both follow from these by their definitions.

mod drawdown;
mod relative;
pub(crate) mod stats;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use drawdown::{Drawdown, drawdowns};
pub use relative::Relative;

use crate::Error;
use stats::{deviation, float, mean, quantile_of_sorted, standardized};

/// How returns are brought to a year, and what is earned without risk.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conventions {
    /// Returns in a year: 252 for sessions.
    pub periods_per_year: f64,
    /// Simple return a period without risk, as a fraction.
    pub risk_free: f64,
}

impl Conventions {
    /// 252 sessions in a year, nothing earned without risk.
    pub const SESSIONS: Self = Self { periods_per_year: 252.0, risk_free: 0.0 };

    /// Checks that both are finite and a year has periods.
    ///
    /// # Errors
    /// [`Error::Parameter`].
    pub fn check(self) -> Result<Self, Error> {
        if !self.periods_per_year.is_finite() || self.periods_per_year <= 0.0 {
            return Err(Error::Parameter {
                what: "periods_per_year",
                value: self.periods_per_year.to_string(),
                range: "above zero",
            });
        }
        if !self.risk_free.is_finite() || self.risk_free <= -1.0 {
            return Err(Error::Parameter {
                what: "risk_free",
                value: self.risk_free.to_string(),
                range: "a fraction above -1",
            });
        }
        Ok(self)
    }
}

/// What a series of returns amounts to; see the module for every convention.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Number of returns.
    pub periods: usize,
    /// What annual figures rest on.
    pub conventions: Conventions,
    /// Compound simple return over all periods, as a fraction.
    pub total_return: Option<f64>,
    /// The same a year.
    pub annual_return: Option<f64>,
    /// Volatility a year, as a fraction.
    pub annual_volatility: Option<f64>,
    /// Sharpe ratio a year.
    pub sharpe: Option<f64>,
    /// Sharpe ratio a period, which significance is computed from.
    pub sharpe_per_period: Option<f64>,
    /// Sortino ratio a year.
    pub sortino: Option<f64>,
    /// Calmar ratio.
    pub calmar: Option<f64>,
    /// Omega ratio at a threshold of the risk-free return.
    pub omega: Option<f64>,
    /// Deepest fall from a peak, as a fraction, zero or below.
    pub max_drawdown: Option<f64>,
    /// Most periods in a row below a peak.
    pub max_drawdown_periods: usize,
    /// 5 % quantile of returns.
    pub value_at_risk: Option<f64>,
    /// Mean of the worst 5 % of returns.
    pub expected_shortfall: Option<f64>,
    /// Skewness.
    pub skewness: Option<f64>,
    /// Kurtosis, 3 for a normal.
    pub kurtosis: Option<f64>,
    /// Tail ratio.
    pub tail_ratio: Option<f64>,
    /// R² of cumulative log returns against time.
    pub stability: Option<f64>,
    /// Best return.
    pub best: Option<f64>,
    /// Worst return.
    pub worst: Option<f64>,
    /// Share of returns above zero.
    pub positive: Option<f64>,
}

impl Metrics {
    /// Of simple returns per period, oldest first.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a return that is not finite or below −1, and for conventions that
    /// cannot be used.
    ///
    /// # Examples
    /// ```
    /// use atlas_backtest::metrics::{Conventions, Metrics};
    ///
    /// let metrics = Metrics::of(&[0.01, -0.02, 0.03], Conventions::SESSIONS)?;
    /// assert!((metrics.max_drawdown.unwrap() + 0.02).abs() < 1e-12);
    /// // Nothing varies, so nothing can be divided by its deviation.
    /// assert_eq!(Metrics::of(&[0.01, 0.01], Conventions::SESSIONS)?.sharpe, None);
    /// # Ok::<(), atlas_backtest::Error>(())
    /// ```
    pub fn of(returns: &[f64], conventions: Conventions) -> Result<Self, Error> {
        let conventions = conventions.check()?;
        check_returns(returns)?;
        let year = conventions.periods_per_year;
        let excess: Vec<f64> = returns.iter().map(|r| r - conventions.risk_free).collect();
        let total = total_return(returns);
        let annual = total.and_then(|total| annual_return(total, returns.len(), year));
        let curve = drawdowns(returns);
        let deepest = curve.iter().copied().reduce(f64::min);
        let per_period = mean(&excess).zip(deviation(&excess)).map(|(mean, dev)| mean / dev);
        let mut sorted = returns.to_vec();
        sorted.sort_by(f64::total_cmp);
        let positive = returns.iter().filter(|r| **r > 0.0).count();
        Ok(Self {
            periods: returns.len(),
            conventions,
            total_return: total,
            annual_return: annual,
            annual_volatility: deviation(returns).map(|dev| dev * year.sqrt()),
            sharpe: per_period.map(|ratio| ratio * year.sqrt()),
            sharpe_per_period: per_period,
            sortino: sortino(&excess, year),
            calmar: annual.zip(deepest.filter(|d| *d < 0.0)).map(|(a, d)| a / d.abs()),
            omega: omega(&excess),
            max_drawdown: deepest,
            max_drawdown_periods: drawdown::longest(&curve),
            value_at_risk: quantile_of_sorted(&sorted, TAIL),
            expected_shortfall: expected_shortfall(&sorted),
            skewness: standardized(returns, 3),
            kurtosis: standardized(returns, 4),
            tail_ratio: tail_ratio(&sorted),
            stability: stability(returns),
            best: sorted.last().copied(),
            worst: sorted.first().copied(),
            positive: (!returns.is_empty()).then(|| float(positive) / float(returns.len())),
        })
    }
}

/// Sharpe ratios a year of every stretch of `window` returns, the first ending with return number
/// `window`; `None` where a stretch does not vary.
///
/// # Errors
/// [`Error::Parameter`] for a window below two, and as [`Metrics::of`].
pub fn rolling_sharpe(
    returns: &[f64],
    window: usize,
    conventions: Conventions,
) -> Result<Vec<Option<f64>>, Error> {
    let conventions = conventions.check()?;
    check_returns(returns)?;
    if window < 2 {
        return Err(Error::Parameter {
            what: "window",
            value: window.to_string(),
            range: "at least 2",
        });
    }
    let excess: Vec<f64> = returns.iter().map(|r| r - conventions.risk_free).collect();
    let sharpe = |part: &[f64]| Some(mean(part)? / deviation(part)?);
    let root = conventions.periods_per_year.sqrt();
    Ok(excess.windows(window).map(|part| sharpe(part).map(|ratio| ratio * root)).collect())
}

/// Compound simple return; `None` of nothing.
#[must_use]
pub fn total_return(returns: &[f64]) -> Option<f64> {
    (!returns.is_empty()).then(|| returns.iter().fold(1.0, |wealth, r| wealth * (1.0 + r)) - 1.0)
}

pub(crate) fn check_returns(returns: &[f64]) -> Result<(), Error> {
    match returns.iter().find(|r| !r.is_finite() || **r < -1.0) {
        None => Ok(()),
        Some(wrong) => Err(Error::Parameter {
            what: "a simple return",
            value: wrong.to_string(),
            range: "a finite fraction of at least -1",
        }),
    }
}

fn annual_return(total: f64, periods: usize, year: f64) -> Option<f64> {
    (periods > 0).then(|| libm::pow(1.0 + total, year / float(periods)) - 1.0)
}

fn sortino(excess: &[f64], year: f64) -> Option<f64> {
    let squares: Vec<f64> = excess.iter().map(|r| r.min(0.0) * r.min(0.0)).collect();
    let downside = mean(&squares)?.sqrt() * year.sqrt();
    (downside > 0.0).then_some(mean(excess)? * year / downside)
}

fn omega(excess: &[f64]) -> Option<f64> {
    let gains: f64 = excess.iter().filter(|r| **r > 0.0).sum();
    let losses: f64 = excess.iter().filter(|r| **r < 0.0).sum();
    (losses < 0.0).then_some(gains / -losses)
}

fn expected_shortfall(sorted: &[f64]) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to the last index"
    )]
    let cut = (TAIL * float(last)) as usize;
    mean(sorted.get(..=cut)?)
}

fn tail_ratio(sorted: &[f64]) -> Option<f64> {
    let high = quantile_of_sorted(sorted, 1.0 - TAIL)?.abs();
    let low = quantile_of_sorted(sorted, TAIL)?.abs();
    (low > 0.0).then_some(high / low)
}

/// R² of the least-squares line through cumulative log returns.
fn stability(returns: &[f64]) -> Option<f64> {
    if returns.iter().any(|r| *r <= -1.0) {
        return None;
    }
    let mut sum = 0.0;
    let logs = returns.iter().map(|r| {
        sum += libm::log1p(*r);
        sum
    });
    let logs: Vec<f64> = logs.collect();
    let time: Vec<f64> = (0..logs.len()).map(float).collect();
    let correlation = stats::covariance(&time, &logs)? / (deviation(&time)? * deviation(&logs)?);
    Some(correlation * correlation)
}

/// The tail that value at risk, expected shortfall and tail ratio look at.
const TAIL: f64 = 0.05;

//! Performance figures of an equity curve; undefined is `None`, never zero.

/// Simple return from the first to the last value; `None` with fewer than two or from nothing.
///
/// # Examples
/// ```
/// assert_eq!(atlas_report::metrics::simple_return(&[100.0, 90.0, 125.0]), Some(0.25));
/// assert_eq!(atlas_report::metrics::simple_return(&[100.0]), None);
/// ```
#[must_use]
pub fn simple_return(equity: &[f64]) -> Option<f64> {
    let (first, last) = (equity.first()?, equity.last()?);
    (equity.len() > 1 && *first > 0.0).then(|| last / first - 1.0)
}

/// Largest fall from a peak so far, as a positive share of the peak; `None` for an empty curve or
/// one that is not above zero throughout.
///
/// # Examples
/// ```
/// assert_eq!(atlas_report::metrics::max_drawdown(&[100.0, 120.0, 90.0, 130.0]), Some(0.25));
/// ```
#[must_use]
pub fn max_drawdown(equity: &[f64]) -> Option<f64> {
    let mut peak = *equity.first()?;
    let mut worst = 0.0_f64;
    for value in equity {
        // NaN ends it as well.
        if value.is_nan() || *value <= 0.0 {
            return None;
        }
        peak = peak.max(*value);
        worst = worst.max(1.0 - value / peak);
    }
    Some(worst)
}

/// Annualised Sharpe ratio of per-session excess returns: mean over sample deviation (n − 1), times
/// the square root of `sessions_per_year`; `None` with fewer than two returns or no deviation.
#[must_use]
pub fn sharpe(excess_returns: &[f64], sessions_per_year: f64) -> Option<f64> {
    if excess_returns.len() < 2 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "a number of sessions is far below 2^53")]
    let n = excess_returns.len() as f64;
    let mean = excess_returns.iter().sum::<f64>() / n;
    let variance = excess_returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0);
    (variance > 0.0).then(|| mean / variance.sqrt() * sessions_per_year.sqrt())
}

//! How alike two symbols move: the correlation of their daily returns.

use chrono::NaiveDate;

/// The correlation (Pearson) of the simple returns of two series over the last `sessions` sessions,
/// each given as dates and closes, oldest first.
///
/// `None` if a series has fewer closes than `sessions` returns need, if the two are not of the same
/// sessions, if a close is not finite and above zero, or if one of them does not move.
///
/// # Examples
/// ```
/// use atlas_strategy::alike::correlation;
///
/// let dates: Vec<chrono::NaiveDate> =
///     chrono::NaiveDate::from_ymd_opt(2024, 1, 2).unwrap().iter_days().take(4).collect();
/// let (one, other) = ([10.0, 11.0, 9.9, 10.89], [5.0, 4.5, 4.95, 4.455]);
/// let alike = correlation((&dates, &one), (&dates, &other), 3).unwrap();
/// assert!((alike + 1.0).abs() < 1e-12);
/// assert_eq!(correlation((&dates, &one), (&dates, &other), 4), None);
/// ```
#[must_use]
pub fn correlation(
    one: (&[NaiveDate], &[f64]),
    other: (&[NaiveDate], &[f64]),
    sessions: usize,
) -> Option<f64> {
    let (dates, first) = tail(one, sessions)?;
    let (same, second) = tail(other, sessions)?;
    if dates != same || sessions < 2 {
        return None;
    }
    let usable = |closes: &[f64]| closes.iter().all(|close| close.is_finite() && *close > 0.0);
    if !usable(first) || !usable(second) || !moves(first) || !moves(second) {
        return None;
    }
    let (a, b) = (returns(first), returns(second));
    #[expect(clippy::cast_precision_loss, reason = "a number of sessions is far below 2^52")]
    let count = sessions as f64;
    let (mean_a, mean_b) = (a.iter().sum::<f64>() / count, b.iter().sum::<f64>() / count);
    let (mut covariance, mut variance_a, mut variance_b) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (x, y) in a.iter().zip(&b) {
        let (x, y) = (x - mean_a, y - mean_b);
        covariance += x * y;
        variance_a += x * x;
        variance_b += y * y;
    }
    let value = covariance / (variance_a * variance_b).sqrt();
    value.is_finite().then(|| value.clamp(-1.0, 1.0))
}

/// The last `sessions` returns' closes and their dates.
fn tail<'a>(
    (dates, closes): (&'a [NaiveDate], &'a [f64]),
    sessions: usize,
) -> Option<(&'a [NaiveDate], &'a [f64])> {
    let from = closes.len().checked_sub(sessions.checked_add(1)?)?;
    Some((dates.get(from..)?, closes.get(from..)?)).filter(|(d, c)| d.len() == c.len())
}

/// Whether its returns are not all the same, as those of a price that stands still are.
fn moves(closes: &[f64]) -> bool {
    let mut pairs = closes.windows(2).map(|pair| pair[1] / pair[0]);
    let first = pairs.next();
    pairs.any(|ratio| Some(ratio) != first)
}

fn returns(closes: &[f64]) -> Vec<f64> {
    closes.windows(2).map(|pair| pair[1] / pair[0] - 1.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dates(from: u32, count: usize) -> Vec<NaiveDate> {
        NaiveDate::from_ymd_opt(2024, 1, from).unwrap().iter_days().take(count).collect()
    }

    #[test]
    fn what_is_not_of_the_same_sessions_is_not_compared() {
        let closes = [10.0, 11.0, 10.5, 12.0, 11.0];
        let (days, later) = (dates(2, 5), dates(3, 5));
        assert_eq!(correlation((&days, &closes), (&days, &closes), 4), Some(1.0));
        assert_eq!(correlation((&days, &closes), (&later, &closes), 4), None);
        // Of a longer series the last sessions count, which are others here.
        assert_eq!(correlation((&days, &closes), (&later, &closes), 3), None);
        assert_eq!(correlation((&days, &closes), (&days, &closes), 5), None);
    }

    #[test]
    fn what_stands_still_or_is_no_price_has_no_correlation() {
        let days = dates(2, 4);
        let moving = [10.0, 11.0, 10.5, 12.0];
        for odd in [[473.96; 4], [10.0, f64::NAN, 10.0, 11.0], [10.0, 0.0, 10.0, 11.0]] {
            assert_eq!(correlation((&days, &moving), (&days, &odd), 3), None, "{odd:?}");
        }
    }
}

//! Sums, moments and quantiles, always added up in the order given.

/// A count as a number; exact far beyond any series.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
pub(crate) const fn float(count: usize) -> f64 {
    count as f64
}

/// Arithmetic mean; `None` of nothing.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / float(values.len()))
}

/// Sum of squared distances to the mean.
fn squares(values: &[f64], mean: f64) -> f64 {
    values.iter().map(|value| (value - mean) * (value - mean)).sum()
}

/// Sample variance with divisor `n − 1`; `None` of fewer than two values.
pub(crate) fn variance(values: &[f64]) -> Option<f64> {
    let mean = mean(values)?;
    (values.len() > 1).then(|| squares(values, mean) / float(values.len() - 1))
}

/// Square root of [`variance`]; `None` too if the values do not vary beyond rounding.
pub(crate) fn deviation(values: &[f64]) -> Option<f64> {
    let deviation = variance(values)?.sqrt();
    let size = values.iter().fold(0.0, |most: f64, value| most.max(value.abs()));
    // The mean of equal values may be off by a rounding a value.
    (deviation > size * f64::EPSILON * float(values.len())).then_some(deviation)
}

/// Central moment ratio `m_k / m_2^(k/2)` with divisor `n`: skewness for 3, kurtosis (3 for a
/// normal) for 4; `None` if nothing varies.
pub(crate) fn standardized(values: &[f64], power: i32) -> Option<f64> {
    deviation(values)?;
    let mean = mean(values)?;
    let n = float(values.len());
    let second = squares(values, mean) / n;
    let moment = values.iter().map(|value| (value - mean).powi(power)).sum::<f64>() / n;
    Some(moment / libm::pow(second, f64::from(power) / 2.0))
}

/// Sample covariance with divisor `n − 1` of two series of the same length.
pub(crate) fn covariance(a: &[f64], b: &[f64]) -> Option<f64> {
    if a.len() != b.len() || a.len() < 2 {
        return None;
    }
    let (mean_a, mean_b) = (mean(a)?, mean(b)?);
    let sum: f64 = a.iter().zip(b).map(|(x, y)| (x - mean_a) * (y - mean_b)).sum();
    Some(sum / float(a.len() - 1))
}

/// Linear interpolation between order statistics, at `q` from 0 to 1 of the way (Hyndman and Fan
/// 1996, type 7), of values in order; `None` of nothing.
pub(crate) fn quantile_of_sorted(sorted: &[f64], q: f64) -> Option<f64> {
    let last = sorted.len().checked_sub(1)?;
    let place = q.clamp(0.0, 1.0) * float(last);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 0 to the last index"
    )]
    let below = place.floor() as usize;
    let (low, high) = (sorted.get(below)?, sorted.get((below + 1).min(last))?);
    Some(low + (place - float(below)) * (high - low))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_vary_has_no_deviation() {
        assert_eq!(deviation(&[0.1 + 0.2, 0.3, 0.3]), None);
        assert_eq!(standardized(&[1.0; 5], 3), None);
        assert_eq!(variance(&[1.0]), None);
        assert_eq!(mean(&[]), None);
        assert_eq!(quantile_of_sorted(&[], 0.5), None);
    }

    #[test]
    fn moments_of_a_small_sample() {
        let values = [1.0, 2.0, 3.0, 4.0];
        assert_eq!(variance(&values), Some(5.0 / 3.0));
        assert!(standardized(&values, 3).unwrap().abs() < 1e-15);
        assert!((standardized(&values, 4).unwrap() - 1.64).abs() < 1e-12);
        assert_eq!(quantile_of_sorted(&values, 0.5), Some(2.5));
    }
}

//! The standard normal distribution.

use std::f64::consts::SQRT_2;

/// Probability of a standard normal value at or below `x`.
///
/// # Examples
/// ```
/// use atlas_backtest::honesty::normal::{cdf, quantile};
///
/// assert!((cdf(1.959_963_984_540_054) - 0.975).abs() < 1e-15);
/// assert!((quantile(0.975).unwrap() - 1.959_963_984_540_054).abs() < 1e-12);
/// assert_eq!(quantile(1.0), None);
/// ```
#[must_use]
pub fn cdf(x: f64) -> f64 {
    0.5 * libm::erfc(-x / SQRT_2)
}

/// The value whose [`cdf`] is `p`; `None` outside of 0 to 1, both ends excluded.
///
/// Halves an interval until it is empty: as exact as the `cdf`, and the same on every machine.
#[must_use]
pub fn quantile(p: f64) -> Option<f64> {
    if !(p > 0.0 && p < 1.0) {
        return None;
    }
    // The smaller tail is the more exact one.
    if p > 0.5 {
        return Some(-lower(1.0 - p));
    }
    Some(lower(p))
}

fn lower(p: f64) -> f64 {
    let (mut low, mut high) = (-40.0_f64, 0.0_f64);
    loop {
        let middle = f64::midpoint(low, high);
        if middle <= low || middle >= high {
            return middle;
        }
        if cdf(middle) < p { low = middle } else { high = middle }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_invert() {
        for p in [1e-12, 0.01, 0.3, 0.5, 0.9, 0.999_999] {
            let x = quantile(p).unwrap();
            assert!((cdf(x) - p).abs() < 1e-14 * p.max(0.01), "{p} {x}");
        }
        assert_eq!(quantile(0.0), None);
        assert_eq!(quantile(f64::NAN), None);
    }
}

//! The weight step of the sparse model.

use crate::Error;
use crate::count::float;

/// Soft threshold `max(0, x − δ)` scaled to length 1; all 0 stays all 0.
#[must_use]
pub fn soft_threshold(x: &[f64], delta: f64) -> Vec<f64> {
    let cut: Vec<f64> = x.iter().map(|v| if *v > delta { v - delta } else { 0.0 }).collect();
    let length = cut.iter().map(|v| v * v).sum::<f64>().sqrt();
    if length > 0.0 { cut.iter().map(|v| v / length).collect() } else { cut }
}

/// The weights w ≥ 0 that maximise `a·w` with `‖w‖₂ ≤ 1` and `‖w‖₁ ≤ bound`.
///
/// Soft thresholding with the threshold found by bisection, to within 10⁻⁸ as in the reference.
/// A single value, or several equal ones, get equal weights. Source: Witten and Tibshirani 2010,
/// "A framework for feature selection in clustering", section 3.
///
/// # Errors
/// [`Error::Parameter`] unless `bound` is at least 1 (below it nothing has length 1),
/// [`Error::TooFewRows`] without values, [`Error::NotFinite`] for NaN or infinite values; no other.
///
/// # Examples
/// ```
/// use atlas_regime::sparse::bounded_weights;
/// assert_eq!(bounded_weights(&[1.0, 0.2, 0.1], 1.0)?, [1.0, 0.0, 0.0]);
/// let spread = bounded_weights(&[1.0, 0.5, 0.5], 10.0)?;
/// assert!(spread[0] > spread[1] && spread[1] == spread[2]);
/// # Ok::<(), atlas_regime::Error>(())
/// ```
pub fn bounded_weights(a: &[f64], bound: f64) -> Result<Vec<f64>, Error> {
    if bound.is_nan() || bound < 1.0 {
        let value = bound.to_string();
        return Err(Error::Parameter { name: "bound", value, rule: "at least 1" });
    }
    if a.is_empty() {
        return Err(Error::TooFewRows { what: "the list of values", have: 0, need: 1 });
    }
    crate::Rows::new(a, 1)?.check_finite("the list of values")?;
    let Some(high) = second_largest_distinct(a) else {
        let even = 1.0 / float(a.len()).sqrt();
        return Ok(vec![even; a.len()]);
    };
    let norm = |w: &[f64]| w.iter().sum::<f64>();
    let plain = soft_threshold(a, 0.0);
    if high < 1e-8 || bound >= norm(&plain) {
        return Ok(plain);
    }
    let tightest = soft_threshold(a, high);
    if bound <= norm(&tightest) {
        return Ok(tightest);
    }
    let (mut low, mut top, mut gap) = (0.0, high, high);
    let mut weights = plain;
    for _ in 0..100 {
        if gap <= 1e-8 {
            break;
        }
        let middle = f64::midpoint(top, low);
        weights = soft_threshold(a, middle);
        let found = norm(&weights);
        if found < bound {
            top = middle;
        } else if found > bound {
            low = middle;
        } else {
            break;
        }
        gap /= 2.0;
    }
    Ok(weights)
}

/// The largest value below the largest; `None` if all are equal.
fn second_largest_distinct(a: &[f64]) -> Option<f64> {
    let largest = a.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    a.iter().copied().filter(|v| *v < largest).reduce(f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_values_get_equal_weights() {
        assert_eq!(bounded_weights(&[0.3], 1.0), Ok(vec![1.0]));
        assert_eq!(bounded_weights(&[0.3; 4], 3.0), Ok(vec![0.5; 4]));
        assert!(bounded_weights(&[1.0, 2.0], 0.99).is_err());
        assert!(bounded_weights(&[], 2.0).is_err());
        assert!(bounded_weights(&[f64::NAN], 2.0).is_err());
    }
}

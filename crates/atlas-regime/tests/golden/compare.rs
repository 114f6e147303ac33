//! Comparing what was found with what is expected.

use std::fmt::Debug;

/// Relative tolerances of the specification, section 14.
pub(crate) const FLOAT: f64 = 1e-10;
pub(crate) const RETURN: f64 = 1e-9;
pub(crate) const VOLATILITY: f64 = 1e-7;
pub(crate) const SPARSE_WEIGHT: f64 = 1e-6;
/// A margin is a small difference of large numbers.
pub(crate) const MARGIN: f64 = 1e-6;

pub(crate) fn same<T: PartialEq + Debug>(
    what: &str,
    found: &T,
    expected: &T,
) -> Result<(), String> {
    if found == expected {
        return Ok(());
    }
    let shorten = |x: &T| format!("{x:?}").chars().take(120).collect::<String>();
    Err(format!("{what}: found {}, expected {}", shorten(found), shorten(expected)))
}

/// Equal to within `tol` of the expected value or of `scale`, whichever is larger; NaN equals NaN.
pub(crate) fn close(
    what: &str,
    found: &[f64],
    expected: &[f64],
    tol: f64,
    scale: f64,
) -> Result<(), String> {
    if found.len() != expected.len() {
        return Err(format!("{what}: {} values, expected {}", found.len(), expected.len()));
    }
    for (i, (&f, &e)) in found.iter().zip(expected).enumerate() {
        let equal = if e.is_finite() {
            (f - e).abs() <= tol * e.abs().max(scale)
        } else {
            f.is_nan() == e.is_nan() && (f.is_nan() || f.total_cmp(&e).is_eq())
        };
        if !equal {
            return Err(format!("{what}[{i}]: found {f:e}, expected {e:e}"));
        }
    }
    Ok(())
}

/// Equal to the bit, all NaN alike.
pub(crate) fn exact(what: &str, found: &[f64], expected: &[f64]) -> Result<(), String> {
    close(what, found, expected, 0.0, 0.0)
}

/// CRC-32 of labels as little-endian u16.
pub(crate) fn crc(labels: &[u32]) -> Result<usize, String> {
    let mut crc = flate2::Crc::new();
    for &label in labels {
        let label = u16::try_from(label).map_err(|e| e.to_string())?;
        crc.update(&label.to_le_bytes());
    }
    usize::try_from(crc.sum()).map_err(|e| e.to_string())
}

/// Difference between the smallest and the second smallest; infinite with one value only.
pub(crate) fn margin(values: impl Iterator<Item = f64>) -> f64 {
    let (mut first, mut second) = (f64::INFINITY, f64::INFINITY);
    let mut count = 0;
    for v in values {
        count += 1;
        if v < first {
            (first, second) = (v, first);
        } else if v < second {
            second = v;
        }
    }
    if count < 2 { f64::INFINITY } else { second - first }
}

/// The smaller one; a NaN, the difference of two infinities, says nothing.
pub(crate) fn smaller(a: f64, b: f64) -> f64 {
    a.min(b)
}

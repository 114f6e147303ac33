//! How far apart the states lie in each feature.

use crate::continuous::BYTES_MAX;
use crate::{Error, Rows};

/// Means of the rows weighted by membership (T × K), state after state; NaN for an empty state.
///
/// # Errors
/// [`Error::Parameter`] for 0 states, [`Error::TooFewRows`] without rows, [`Error::Shape`] for
/// another number of memberships than rows × `states`, [`Error::TooLarge`] if the means would take
/// more than 2 GiB; no other.
pub fn weighted_means(
    rows: Rows<'_>,
    memberships: &[f64],
    states: usize,
) -> Result<Vec<f64>, Error> {
    check(rows, memberships, states)?;
    Ok(means_of(rows, memberships, states))
}

fn means_of(rows: Rows<'_>, memberships: &[f64], states: usize) -> Vec<f64> {
    let cols = rows.cols();
    let mut means = vec![0.0; states * cols];
    let mut totals = vec![0.0; states];
    for (t, row) in rows.iter().enumerate() {
        for (k, &w) in memberships[t * states..(t + 1) * states].iter().enumerate() {
            if w > 0.0 {
                totals[k] += w;
                for (m, x) in means[k * cols..(k + 1) * cols].iter_mut().zip(row) {
                    *m += w * x;
                }
            }
        }
    }
    for (mean, total) in means.chunks_exact_mut(cols).zip(totals) {
        for m in mean {
            *m /= total;
        }
    }
    means
}

/// Between-cluster sum of squares of each feature, `Σ_k n_k (m_kj − m_j)²`; a sum below 10⁻⁶
/// counts as 0, an empty state adds nothing.
///
/// # Errors
/// Those of [`weighted_means`].
pub fn between_cluster_sums(
    rows: Rows<'_>,
    memberships: &[f64],
    states: usize,
) -> Result<Vec<f64>, Error> {
    check(rows, memberships, states)?;
    let cols = rows.cols();
    let means = means_of(rows, memberships, states);
    let mut totals = vec![0.0; states];
    for weights in memberships.chunks_exact(states) {
        for (total, w) in totals.iter_mut().zip(weights) {
            *total += w;
        }
    }
    let overall = means_of(rows, &vec![1.0; rows.len()], 1);
    let mut sums = vec![0.0; cols];
    for (mean, total) in means.chunks_exact(cols).zip(totals) {
        if total > 0.0 {
            for ((sum, m), all) in sums.iter_mut().zip(mean).zip(&overall) {
                *sum += total * ((m - all) * (m - all));
            }
        }
    }
    for sum in &mut sums {
        if sum.abs() < NOISE {
            *sum = 0.0;
        }
    }
    Ok(sums)
}

/// Refuses memberships that are not one per row and state.
fn check(rows: Rows<'_>, memberships: &[f64], states: usize) -> Result<(), Error> {
    if states == 0 {
        let value = "0".to_owned();
        return Err(Error::Parameter { name: "states", value, rule: "at least 1" });
    }
    if rows.is_empty() {
        return Err(Error::TooFewRows { what: "the data", have: 0, need: 1 });
    }
    let (found, expected) = (memberships.len(), rows.len().saturating_mul(states));
    if found != expected {
        return Err(Error::Shape { what: "the list of memberships", found, expected });
    }
    // What comes out has states × columns numbers, which memberships per row do not bound.
    let bytes = states.saturating_mul(rows.cols()).saturating_mul(size_of::<f64>());
    if bytes > BYTES_MAX {
        return Err(Error::TooLarge { what: "the list of means", bytes, max: BYTES_MAX });
    }
    Ok(())
}

/// Sums below this are rounding noise (the reference's constant).
const NOISE: f64 = 1e-6;

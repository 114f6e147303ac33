//! How far apart the states lie in each feature.

use crate::Rows;
use crate::count::float;

/// Means of the rows weighted by membership (T × K), state after state; NaN for an empty state.
///
/// # Panics
/// If there are fewer memberships than rows × `states`.
#[must_use]
pub fn weighted_means(rows: Rows<'_>, memberships: &[f64], states: usize) -> Vec<f64> {
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
/// # Panics
/// If there are fewer memberships than rows × `states`.
#[must_use]
pub fn between_cluster_sums(rows: Rows<'_>, memberships: &[f64], states: usize) -> Vec<f64> {
    let cols = rows.cols();
    let means = weighted_means(rows, memberships, states);
    let mut totals = vec![0.0; states];
    for weights in memberships.chunks_exact(states) {
        for (total, w) in totals.iter_mut().zip(weights) {
            *total += w;
        }
    }
    let overall = weighted_means(rows, &vec![1.0; rows.len()], 1);
    debug_assert!(float(rows.len()) > 0.0, "a sample has rows");
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
    sums
}

/// Sums below this are rounding noise (the reference's constant).
const NOISE: f64 = 1e-6;

//! Counts as numbers of the real line.

/// The count as a float; exact below 2⁵³, far above any number of sessions.
#[expect(clippy::cast_precision_loss, reason = "counts of rows stay far below 2^53")]
pub(crate) const fn float(count: usize) -> f64 {
    count as f64
}

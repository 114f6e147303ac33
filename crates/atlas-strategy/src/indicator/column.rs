//! Columns of results, and the batch form of indicators that fills them.

use super::Indicator;

/// One result an input, undefined ones included; a buffer of the caller's that serves many runs.
///
/// An undefined result takes no more room than a defined one: it is kept as a NaN, which no defined
/// result is, and read back as `None`.
///
/// # Examples
/// ```
/// use atlas_strategy::indicator::{Column, Fill, Sma};
///
/// let mut out = Column::new();
/// Sma::new(2)?.fill(&[1.0, 2.0, 4.0], &mut out);
/// assert_eq!(out.iter().collect::<Vec<_>>(), [None, Some(1.5), Some(3.0)]);
/// # Ok::<(), atlas_strategy::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Column(Vec<f64>);

impl Column {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Number of results, undefined ones included.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The result of one input; `None` where it is undefined, or where there is no such input.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<f64> {
        self.0.get(at).copied().and_then(defined)
    }

    /// The results in order.
    pub fn iter(&self) -> impl Iterator<Item = Option<f64>> {
        self.0.iter().copied().map(defined)
    }

    /// Empties it for so many results.
    pub(super) fn restart(&mut self, results: usize) {
        self.0.clear();
        self.0.reserve(results);
    }

    /// Takes in the result of one push.
    #[inline]
    pub(super) fn put(&mut self, result: Option<f64>) {
        self.0.push(result.unwrap_or(f64::NAN));
    }

    /// Takes in results, undefined ones as NaN.
    #[inline]
    pub(super) fn put_all(&mut self, results: impl Iterator<Item = f64>) {
        self.0.extend(results);
    }
}

fn defined(value: f64) -> Option<f64> {
    (!value.is_nan()).then_some(value)
}

/// An indicator that fills a column in one pass, to the very bits that pushes give.
pub trait Fill: Indicator<Output = f64> {
    /// Pushes every input and keeps every result, one an input; the column is emptied first. What
    /// was pushed before counts.
    fn fill(&mut self, inputs: &[Self::Input], out: &mut Column) {
        out.restart(inputs.len());
        out.put_all(inputs.iter().map(|input| self.push(*input).unwrap_or(f64::NAN)));
    }
}

/// Cuts a series into runs: `slow` pushes one value, `fast` takes a block in one loop. A block is
/// fast once `warm` finite values were pushed one by one without a gap, and if it is finite itself;
/// `fast` may still refuse it, having changed nothing, and it is then pushed.
pub(super) fn in_blocks<S>(
    state: &mut S,
    inputs: &[f64],
    warm: usize,
    mut slow: impl FnMut(&mut S, f64),
    mut fast: impl FnMut(&mut S, &[f64], &[f64]) -> bool,
) {
    let (mut at, mut ready) = (0, 0);
    while at < inputs.len() {
        let length = if ready < warm { 1 } else { BLOCK.min(inputs.len() - at) };
        let block = &inputs[at..at + length];
        let taken = ready >= warm && all_finite(block) && fast(state, &inputs[..at], block);
        if !taken {
            for value in block {
                ready = if value.is_finite() { ready + 1 } else { 0 };
                slow(state, *value);
            }
        }
        at += length;
    }
}

/// Whether every value is a number; without a branch, so that it is looked at in parallel.
pub(super) fn all_finite(values: &[f64]) -> bool {
    values.iter().fold(true, |all, value| all & (value.abs() < f64::INFINITY))
}

/// Values handled at once: they and what is computed of them stay in the nearest cache.
pub(super) const BLOCK: usize = 256;

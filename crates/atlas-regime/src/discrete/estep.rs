//! Labels of the discrete model: the cheapest path under a constant jump penalty.

use crate::Rows;
use crate::descent::Steps;

/// The two half-steps of the discrete model over fixed rows.
#[derive(Debug)]
pub(crate) struct Discrete<'a> {
    rows: Rows<'a>,
    states: usize,
    penalty: f64,
    /// Value of the cheapest path into each state.
    values: Vec<f64>,
    /// Predecessor of each state, row after row.
    from: Vec<u8>,
    counts: Vec<f64>,
}

impl<'a> Discrete<'a> {
    /// Prepares buffers; `states` is 1 to 8 and `penalty` finite and not negative.
    pub(crate) fn new(rows: Rows<'a>, states: usize, penalty: f64) -> Self {
        Self {
            rows,
            states,
            penalty,
            values: vec![0.0; states],
            from: vec![0; states * rows.len()],
            counts: vec![0.0; states],
        }
    }
}

impl Steps for Discrete<'_> {
    fn label(&mut self, centers: &[f64], labels: &mut [u32]) -> f64 {
        self.values.fill(0.0);
        let back = self.from.chunks_exact_mut(self.states);
        let mut first = true;
        for (row, from) in self.rows.iter().zip(back) {
            if first {
                for (v, c) in self.values.iter_mut().zip(centers.chunks_exact(row.len())) {
                    *v = loss(row, c);
                }
                first = false;
            } else {
                advance(&mut self.values, self.penalty, row, centers, |k, i| from[k] = i);
            }
        }
        let (mut state, value) = first_smallest(&self.values);
        for (label, from) in labels.iter_mut().zip(self.from.chunks_exact(self.states)).rev() {
            *label = u32::from(state);
            state = from[usize::from(state)];
        }
        value
    }

    fn center(&mut self, labels: &[u32], centers: &mut [f64]) {
        center_by_labels(self.rows, labels, &mut self.counts, centers);
    }
}

/// Means of the rows of each state, NaN for an empty one; overwrites `counts`.
pub(crate) fn center_by_labels(
    rows: Rows<'_>,
    labels: &[u32],
    counts: &mut [f64],
    centers: &mut [f64],
) {
    counts.fill(0.0);
    centers.fill(0.0);
    let cols = rows.cols();
    for (row, &label) in rows.iter().zip(labels) {
        let k = label as usize;
        counts[k] += 1.0;
        for (c, x) in centers[k * cols..(k + 1) * cols].iter_mut().zip(row) {
            *c += x;
        }
    }
    for (center, count) in centers.chunks_exact_mut(cols).zip(counts) {
        for c in center {
            *c /= *count;
        }
    }
}

/// Half the squared distance; infinite to the NaN centre of an empty state.
pub(crate) fn loss(row: &[f64], center: &[f64]) -> f64 {
    let mut sum = 0.0;
    for (x, c) in row.iter().zip(center) {
        let gap = x - c;
        sum += gap * gap;
    }
    if sum.is_nan() { f64::INFINITY } else { 0.5 * sum }
}

/// One step of the forward recursion in O(K·D), equal bit for bit to trying every predecessor:
/// rounding is monotone, so the cheapest jump comes from the cheapest state.
///
/// Calls `back(k, i)` with the first cheapest predecessor `i` of each state `k`.
pub(crate) fn advance(
    values: &mut [f64],
    penalty: f64,
    row: &[f64],
    centers: &[f64],
    mut back: impl FnMut(usize, u8),
) {
    let jump = jump_cost(values, penalty);
    let mut origin = 0_u8;
    for &v in values.iter() {
        if v + penalty <= jump {
            break;
        }
        origin = origin.saturating_add(1);
    }
    for ((k, v), center) in (0_u8..).zip(values.iter_mut()).zip(centers.chunks_exact(row.len())) {
        let stays = *v < jump || (*v <= jump && k < origin);
        back(usize::from(k), if stays { k } else { origin });
        *v = loss(row, center) + if *v < jump { *v } else { jump };
    }
}

/// The same without predecessors, for filters.
pub(crate) fn advance_values(values: &mut [f64], penalty: f64, row: &[f64], centers: &[f64]) {
    let jump = jump_cost(values, penalty);
    for (v, center) in values.iter_mut().zip(centers.chunks_exact(row.len())) {
        *v = loss(row, center) + if *v < jump { *v } else { jump };
    }
}

/// Cost of the cheapest way to jump: the smallest value plus the penalty.
fn jump_cost(values: &[f64], penalty: f64) -> f64 {
    values.iter().fold(f64::INFINITY, |m, &v| if v < m { v } else { m }) + penalty
}

/// Index and value of the first smallest number; 0 where all are infinite.
pub(crate) fn first_smallest(values: &[f64]) -> (u8, f64) {
    let mut best = (0_u8, values.first().copied().unwrap_or(f64::INFINITY));
    for (k, &v) in (0_u8..).zip(values) {
        if v < best.1 {
            best = (k, v);
        }
    }
    best
}

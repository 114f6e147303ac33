//! Labels of the discrete model under any penalties, negative ones included (compatibility).

use super::estep::{center_by_labels, loss};
use crate::Rows;
use crate::descent::Steps;
use crate::dp::Penalties;

/// The two half-steps with the O(K²) recursion.
#[derive(Debug)]
pub(crate) struct General<'a> {
    rows: Rows<'a>,
    penalties: &'a Penalties,
    values: Vec<f64>,
    counts: Vec<f64>,
}

impl<'a> General<'a> {
    pub(crate) fn new(rows: Rows<'a>, penalties: &'a Penalties) -> Self {
        let states = penalties.states();
        Self { rows, penalties, values: vec![0.0; states * rows.len()], counts: vec![0.0; states] }
    }
}

impl Steps for General<'_> {
    fn label(&mut self, centers: &[f64], labels: &mut [u32]) -> f64 {
        let slots = self.values.chunks_exact_mut(self.penalties.states());
        for (row, slots) in self.rows.iter().zip(slots) {
            for (slot, center) in slots.iter_mut().zip(centers.chunks_exact(row.len())) {
                *slot = loss(row, center);
            }
        }
        self.penalties.solve_in_place(&mut self.values, labels)
    }

    fn center(&mut self, labels: &[u32], centers: &mut [f64]) {
        center_by_labels(self.rows, labels, &mut self.counts, centers);
    }
}

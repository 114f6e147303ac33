//! Labels of the continuous model: the cheapest path over the vertices of the grid.

use super::grid::Grid;
use crate::Rows;
use crate::descent::Steps;
use crate::dp::Penalties;

/// The two half-steps of the continuous model over fixed rows.
#[derive(Debug)]
pub(crate) struct Continuous<'a> {
    rows: Rows<'a>,
    grid: &'a Grid,
    penalties: &'a Penalties,
    values: Vec<f64>,
    weights: Vec<f64>,
}

/// What an undefined or infinite distance costs, as in the reference.
const FORBIDDEN: f64 = 1e100;

impl<'a> Continuous<'a> {
    pub(crate) fn new(rows: Rows<'a>, grid: &'a Grid, penalties: &'a Penalties) -> Self {
        let values = vec![0.0; rows.len() * grid.len()];
        Self { rows, grid, penalties, values, weights: vec![0.0; grid.states()] }
    }
}

impl Steps for Continuous<'_> {
    fn label(&mut self, centers: &[f64], labels: &mut [u32]) -> f64 {
        let slots = self.values.chunks_exact_mut(self.grid.len());
        for (row, slots) in self.rows.iter().zip(slots) {
            mixed_losses(row, centers, self.grid, slots);
        }
        self.penalties.solve_in_place(&mut self.values, labels)
    }

    fn center(&mut self, labels: &[u32], centers: &mut [f64]) {
        let cols = self.rows.cols();
        self.weights.fill(0.0);
        centers.fill(0.0);
        for (row, &label) in self.rows.iter().zip(labels) {
            let weights = self.grid.at(label as usize);
            let totals = self.weights.iter_mut().zip(centers.chunks_exact_mut(cols));
            for (&w, (total, center)) in weights.iter().zip(totals) {
                if w > 0.0 {
                    *total += w;
                    for (c, x) in center.iter_mut().zip(row) {
                        *c += w * x;
                    }
                }
            }
        }
        for (center, total) in centers.chunks_exact_mut(cols).zip(&self.weights) {
            for c in center {
                *c /= total;
            }
        }
    }
}

/// Half squared distances of a row to the centres, mixed with the weights of every vertex.
pub(crate) fn mixed_losses(row: &[f64], centers: &[f64], grid: &Grid, out: &mut [f64]) {
    let states = grid.states();
    let mut pure = [0.0; 8];
    for (slot, center) in pure.iter_mut().zip(centers.chunks_exact(row.len())) {
        let half = crate::discrete::estep::loss(row, center);
        *slot = if half.is_finite() { half } else { FORBIDDEN };
    }
    out.fill(0.0);
    for (k, l) in pure[..states].iter().enumerate() {
        for (slot, p) in out.iter_mut().zip(grid.weights_of(k)) {
            *slot += p * l;
        }
    }
}

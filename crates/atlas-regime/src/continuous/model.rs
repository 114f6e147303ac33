//! A fitted continuous model and its online filter.

use serde::{Deserialize, Serialize};

use super::estep::mixed_losses;
use super::grid::Grid;
use super::rings::Scratch;
use crate::dp::Penalties;
use crate::filter::check_row;
use crate::{Error, JumpModel, Rows};

/// A fitted continuous jump model; serializable.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ContinuousModel {
    /// Centres, order and sample figures of the pure states.
    pub states: JumpModel,
    /// Step of the weights.
    pub grid_size: f64,
    /// Whether time spent in mixed states is charged.
    pub mode_loss: bool,
}

/// What the continuous filter says after one observation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MixedEstimate {
    /// Number of the vertex of the grid; [`Grid::vertex`] has its weights.
    pub vertex: usize,
    /// The state with the largest weight, the first on a tie.
    pub state: u8,
}

impl ContinuousModel {
    /// Vertices of the cheapest path through all rows: **smoothed**, each one depends on later
    /// rows too. Never for decisions.
    ///
    /// # Errors
    /// Those of [`ContinuousFilter::new`] and [`ContinuousFilter::push`], [`Error::TooFewRows`]
    /// without rows; no other.
    pub fn smoothed_vertices(&self, rows: Rows<'_>) -> Result<Vec<u32>, Error> {
        let filter = ContinuousFilter::new(self)?;
        if rows.is_empty() {
            return Err(Error::TooFewRows { what: "the data", have: 0, need: 1 });
        }
        let mut values = vec![0.0; rows.len() * filter.grid.len()];
        let mut weighted = vec![0.0; rows.cols()];
        for (t, (row, slots)) in
            rows.iter().zip(values.chunks_exact_mut(filter.grid.len())).enumerate()
        {
            check_row(row, self.states.features, t)?;
            self.states.weigh(row, &mut weighted);
            mixed_losses(&weighted, &filter.centers, &filter.grid, slots);
        }
        let mut path = vec![0; rows.len()];
        filter.penalties.solve_in_place(&mut values, &mut path);
        Ok(path)
    }
}

/// The online filter of a continuous model: the vertex of the newest observation.
#[derive(Debug, Clone)]
pub struct ContinuousFilter {
    model: JumpModel,
    centers: Vec<f64>,
    grid: Grid,
    penalties: Penalties,
    values: Vec<f64>,
    next: Vec<f64>,
    scratch: Scratch,
    weighted: Vec<f64>,
    pushed: u64,
}

impl ContinuousFilter {
    /// Starts cold.
    ///
    /// # Errors
    /// Those of [`JumpModel::check`], [`Grid::new`] and [`Grid::penalties`]; no other.
    pub fn new(model: &ContinuousModel) -> Result<Self, Error> {
        model.states.check()?;
        let grid = Grid::new(model.states.states(), model.grid_size)?;
        let penalties = grid.penalties(model.states.penalty, model.mode_loss)?;
        Ok(Self {
            centers: model.states.flat_centers(),
            values: vec![0.0; grid.len()],
            next: vec![0.0; grid.len()],
            weighted: vec![0.0; model.states.features],
            model: model.states.clone(),
            scratch: penalties.scratch(),
            grid,
            penalties,
            pushed: 0,
        })
    }

    /// Takes one observation in; without allocation: O(G²) for G vertices of two
    /// states, about O(K·G) for more.
    ///
    /// # Errors
    /// [`Error::Shape`] for a row of another length, [`Error::NotFinite`] for NaN or infinite
    /// numbers; the filter is then as it was. No other.
    pub fn push(&mut self, row: &[f64]) -> Result<MixedEstimate, Error> {
        check_row(row, self.model.features, usize::try_from(self.pushed).unwrap_or(usize::MAX))?;
        self.model.weigh(row, &mut self.weighted);
        mixed_losses(&self.weighted, &self.centers, &self.grid, &mut self.next);
        if self.pushed > 0 {
            self.penalties.advance(&self.values, &mut self.next, &mut self.scratch);
        }
        std::mem::swap(&mut self.values, &mut self.next);
        self.pushed += 1;
        let vertex = crate::dp::first_smallest(self.values.iter().copied());
        Ok(MixedEstimate { vertex, state: heaviest(self.grid.vertex(vertex)) })
    }

    /// The grid of mixed states.
    #[must_use]
    pub const fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Cost of the cheapest path into each vertex, since the filter was made.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }
}

/// Index of the first largest weight.
pub(crate) fn heaviest(weights: &[f64]) -> u8 {
    let mut best = (0, f64::NEG_INFINITY);
    for (k, &w) in (0_u8..).zip(weights) {
        if w > best.1 {
            best = (k, w);
        }
    }
    best.0
}

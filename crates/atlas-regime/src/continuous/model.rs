//! A fitted continuous model and its online filter.

use serde::{Deserialize, Serialize};

use super::estep::mixed_losses;
use super::grid::Grid;
use super::restarts::costs_bytes;
use super::rings::Scratch;
use crate::discrete::estep::loss;
use crate::discrete::params::STATES_MAX;
use crate::dp::Penalties;
use crate::filter::check_row;
use crate::model::defined;
use crate::stored::{Buffer, Format, Range, restored, take_off};
use crate::{Error, JumpModel, Rows};

/// The format of serialized continuous models this version writes and reads.
pub const CONTINUOUS_FORMAT: u32 = 1;

/// A fitted continuous jump model; serializable, and it cannot be changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContinuousModel {
    pub(crate) format: u32,
    pub(crate) states: JumpModel,
    pub(crate) grid_size: f64,
    pub(crate) mode_loss: bool,
}

/// What the continuous filter says after one observation.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct MixedEstimate {
    /// Number of the vertex of the grid; [`Grid::vertex`] has its weights.
    pub vertex: usize,
    /// The state with the largest weight, the first on a tie.
    pub state: u8,
    /// Weights of the states at that vertex, adding up to 1; 0 beyond the model's states.
    pub weights: [f64; STATES_MAX],
    /// How much costlier the cheapest path into any vertex with another heaviest state is;
    /// infinite with one state, or where all of those are too far away to be squared.
    pub margin: f64,
}

impl ContinuousModel {
    /// A model with the given pure states, as if fitted: for filters over centres from elsewhere.
    ///
    /// # Errors
    /// Those of [`check`](Self::check).
    pub fn new(states: JumpModel, grid_size: f64, mode_loss: bool) -> Result<Self, Error> {
        let model = Self { format: CONTINUOUS_FORMAT, states, grid_size, mode_loss };
        model.check()?;
        Ok(model)
    }

    /// Refuses a deserialized model of another format or with inconsistent parts.
    ///
    /// # Errors
    /// [`Error::Format`] for another format, [`Error::Parameter`] for a bad step, those of
    /// [`JumpModel::check`]; no other.
    pub fn check(&self) -> Result<(), Error> {
        if self.format != CONTINUOUS_FORMAT {
            let (found, expected) = (self.format, CONTINUOUS_FORMAT);
            return Err(Error::Format { what: "the continuous jump model", found, expected });
        }
        self.states.check()?;
        Grid::count(self.states.states(), self.grid_size).map(|_| ())
    }

    /// Centres, order and sample figures of the pure states.
    #[must_use]
    pub const fn states(&self) -> &JumpModel {
        &self.states
    }

    /// Step of the weights.
    #[must_use]
    pub const fn grid_size(&self) -> f64 {
        self.grid_size
    }

    /// Whether time spent in mixed states is charged.
    #[must_use]
    pub const fn mode_loss(&self) -> bool {
        self.mode_loss
    }

    /// Vertices of the cheapest path through all rows: **smoothed**, each one depends on later
    /// rows too. Never for decisions.
    ///
    /// # Errors
    /// Those of [`ContinuousFilter::new`] and [`ContinuousFilter::push`], [`Error::TooFewRows`]
    /// without rows, [`Error::TooLarge`] if the costs of every row in every vertex would take more
    /// than 2 GiB; no other.
    pub fn smoothed_vertices(&self, rows: Rows<'_>) -> Result<Vec<u32>, Error> {
        let filter = ContinuousFilter::new(self)?;
        if rows.is_empty() {
            return Err(Error::TooFewRows { what: "the data", have: 0, need: 1 });
        }
        costs_bytes(rows.len(), &filter.grid)?;
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
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(into = "Stored", try_from = "Stored")]
pub struct ContinuousFilter {
    model: ContinuousModel,
    centers: Vec<f64>,
    grid: Grid,
    penalties: Penalties,
    /// The heaviest state of each vertex.
    heaviest: Vec<u8>,
    values: Vec<f64>,
    next: Buffer<Vec<f64>>,
    scratch: Buffer<Scratch>,
    weighted: Buffer<Vec<f64>>,
    range: Range,
    pushed: u64,
}

impl ContinuousFilter {
    /// Starts cold.
    ///
    /// # Errors
    /// Those of [`ContinuousModel::check`], [`Grid::new`] and [`Grid::penalties`]; no other.
    pub fn new(model: &ContinuousModel) -> Result<Self, Error> {
        model.check()?;
        let grid = Grid::new(model.states.states(), model.grid_size)?;
        let penalties = grid.penalties(model.states.penalty, model.mode_loss)?;
        Ok(Self {
            centers: model.states.flat_centers(),
            values: vec![0.0; grid.len()],
            next: Buffer(vec![0.0; grid.len()]),
            weighted: Buffer(vec![0.0; model.states.features]),
            model: model.clone(),
            scratch: Buffer(penalties.scratch()),
            heaviest: (0..grid.len()).map(|i| heaviest(grid.at(i))).collect(),
            grid,
            penalties,
            range: Range::of(&model.states),
            pushed: 0,
        })
    }

    /// Takes one observation in; without allocation: O(G²) for G vertices of two
    /// states, about O(K·G) for more.
    ///
    /// # Errors
    /// [`Error::Shape`] for a row of another length, [`Error::NotFinite`] for NaN or infinite
    /// numbers, [`Error::Overflow`] for a row too far from every centre to be squared,
    /// [`Error::TooFar`] for one beside whose costs neither what they differ by, nor the penalty,
    /// nor the distance of the centres would count any more; the filter is then as it was. No
    /// other.
    pub fn push(&mut self, row: &[f64]) -> Result<MixedEstimate, Error> {
        let model = &self.model.states;
        check_row(row, model.features, usize::try_from(self.pushed).unwrap_or(usize::MAX))?;
        let (weighted, next) = (self.weighted.0.as_mut_slice(), self.next.0.as_mut_slice());
        model.weigh(row, weighted);
        let mut centers = self.centers.chunks_exact(model.features);
        if !centers.any(|center| loss(weighted, center).is_finite()) {
            return Err(Error::Overflow { what: "continuous filter" });
        }
        mixed_losses(weighted, &self.centers, &self.grid, next);
        if self.pushed > 0 {
            self.penalties.advance(&self.values, next, &mut self.scratch.0);
        }
        let vertex = crate::dp::first_smallest(next.iter().copied());
        if !next[vertex].is_finite() {
            return Err(Error::Overflow { what: "continuous filter" });
        }
        if next[vertex] >= self.range.ceiling {
            let centers = self.centers.chunks_exact(model.features);
            if self.range.drowns(centers.map(|center| loss(weighted, center))) {
                let row = usize::try_from(self.pushed).unwrap_or(usize::MAX);
                return Err(Error::TooFar { what: "continuous filter", row });
            }
            take_off(next[vertex], next);
        }
        std::mem::swap(&mut self.values, &mut self.next.0);
        self.pushed += 1;
        Ok(self.estimate(vertex))
    }

    fn estimate(&self, vertex: usize) -> MixedEstimate {
        let state = self.heaviest[vertex];
        let mut next = f64::INFINITY;
        for (&value, &heaviest) in self.values.iter().zip(&self.heaviest) {
            next = if value < next && heaviest != state { value } else { next };
        }
        let mut weights = [0.0; STATES_MAX];
        for (slot, weight) in weights.iter_mut().zip(self.grid.at(vertex)) {
            *slot = *weight;
        }
        MixedEstimate { vertex, state, weights, margin: next - self.values[vertex] }
    }

    /// The grid of mixed states.
    #[must_use]
    pub const fn grid(&self) -> &Grid {
        &self.grid
    }

    /// Cost of the cheapest path into each vertex, since the filter was made, or since the best one
    /// was taken off all of them, as [`Filter::values`](crate::Filter::values) says.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }
}

/// A filter as it is filed away; infinite costs are absent.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: Format<1>,
    model: ContinuousModel,
    values: Vec<Option<f64>>,
    pushed: u64,
}

impl From<ContinuousFilter> for Stored {
    fn from(filter: ContinuousFilter) -> Self {
        let ContinuousFilter { model, values, pushed, .. } = filter;
        Self { format: Format, model, values: defined(&values), pushed }
    }
}

impl TryFrom<Stored> for ContinuousFilter {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        let mut filter = Self::new(&stored.model)?;
        let vertices = filter.values.len();
        filter.values = restored(&stored.values, "the costs", vertices, f64::INFINITY)?;
        if stored.pushed >= u64::MAX / 2 {
            let value = stored.pushed.to_string();
            return Err(Error::Parameter { name: "pushed", value, rule: "a count of rows" });
        }
        filter.pushed = stored.pushed;
        Ok(filter)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_that_add_up_do_not_drown_what_comes_after() {
        let centers = vec![Some(vec![0.0]), Some(vec![1.0])];
        let states = JumpModel::from_centers(centers, 1.0).unwrap();
        let model = ContinuousModel::new(states, 0.25, false).unwrap();
        let mut filter = ContinuousFilter::new(&model).unwrap();
        for _ in 0..300 {
            assert_eq!(filter.push(&[-2.9e6]).unwrap().state, 0);
        }
        let found: Vec<u8> = (0..12).map(|_| filter.push(&[1.0]).unwrap().state).collect();
        assert_eq!((found[0], found[11]), (0, 1));
    }

    #[test]
    fn a_row_too_far_away_is_refused_and_a_stored_filter_goes_on() {
        for states in [2_u8, 3] {
            let centers = (0..states).map(|k| Some(vec![4.0 * f64::from(k)])).collect();
            let states = JumpModel::from_centers(centers, 3.0).unwrap();
            let model = ContinuousModel::new(states, 0.25, true).unwrap();
            let mut filter = ContinuousFilter::new(&model).unwrap();
            for row in [0.1, 3.9, 4.2] {
                let before = filter.clone();
                let expected = Err(Error::Overflow { what: "continuous filter" });
                assert_eq!(filter.push(&[1e200]), expected);
                assert!(matches!(filter.push(&[1e150]), Err(Error::TooFar { .. })));
                assert_eq!(filter, before);
                let found = filter.push(&[row]).unwrap();
                let model = &model.states;
                assert_eq!(&found.weights[..model.states()], filter.grid().at(found.vertex));
                let states = (0..filter.grid().len()).map(|i| heaviest(filter.grid().at(i)));
                let others = filter.values().iter().zip(states).filter(|(_, s)| *s != found.state);
                let next = others.map(|(v, _)| *v).fold(f64::INFINITY, f64::min);
                let best = filter.values().iter().copied().fold(f64::INFINITY, f64::min);
                assert!(found.margin >= 0.0 && (found.margin - (next - best)).abs() < 1e-12);
            }
            let json = serde_json::to_value(&filter).unwrap();
            let mut restored: ContinuousFilter = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(restored, filter);
            assert_eq!(restored.push(&[4.0]), filter.push(&[4.0]));
            assert_eq!(filter.push(&[4.0]).unwrap().state, 1);
            let damages = [
                ("format", 2.into()),
                ("values", serde_json::json!([1.0])),
                ("pushed", (-1).into()),
            ];
            for (field, value) in damages {
                let mut json = json.clone();
                json[field] = value;
                assert!(serde_json::from_value::<ContinuousFilter>(json).is_err(), "{field}");
            }
        }
    }
}

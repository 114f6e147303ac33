//! The cheapest path through a table of losses under any matrix of jump penalties.
//!
//! The general form of the recursion, O(T·K²): the continuous model runs on it, and it is the
//! yardstick the O(K) form of the discrete model is tested against.

use crate::Error;
use crate::continuous::rings::{Rings, Scratch};
use crate::continuous::{BYTES_MAX, Grid};

/// Penalties for every pair of states, kept in both orders of memory, or worked out from a grid
/// that is too fine for that.
#[derive(Debug, Clone, PartialEq)]
pub struct Penalties {
    states: usize,
    /// Where the penalties are not written out.
    far: Option<Far>,
    /// Length of a row of `by_from`: the number of states, rounded up for small ones.
    stride: usize,
    by_from: Vec<f64>,
    by_to: Vec<f64>,
    /// A quicker way to the same values, where the penalties have the shape for it.
    rings: Option<Rings>,
}

/// Penalties between the vertices of a grid.
#[derive(Debug, Clone, PartialEq)]
struct Far {
    grid: Grid,
    penalty: f64,
    /// Charge for leaving each vertex.
    charges: Vec<f64>,
}

/// What the recursion found.
#[derive(Debug, Clone, PartialEq)]
pub struct CheapestPath {
    /// Cost of the cheapest path.
    pub value: f64,
    /// State per row on it; the first on a tie.
    pub path: Vec<u32>,
    /// Cost of the cheapest path into each state, row after row.
    pub values: Vec<f64>,
}

impl Penalties {
    /// Takes a square matrix, entry `from * states + to`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for 0 states, [`Error::Shape`] if the matrix is not square,
    /// [`Error::NotFinite`] for NaN or infinite penalties, [`Error::TooLarge`] if they would take
    /// more than 2 GiB; no other.
    pub fn new(states: usize, matrix: &[f64]) -> Result<Self, Error> {
        let expected = entries(states)?;
        if matrix.len() != expected {
            let found = matrix.len();
            return Err(Error::Shape { what: "the penalty matrix", found, expected });
        }
        crate::Rows::new(matrix, states)?.check_finite("the penalty matrix")?;
        let by_to = (0..states * states).map(|i| matrix[i % states * states + i / states]);
        let by_to = by_to.collect();
        let stride = match states {
            9..=16 => 16,
            17..=24 => 24,
            _ => states,
        };
        let mut by_from = vec![f64::INFINITY; states * stride];
        for (padded, row) in by_from.chunks_exact_mut(stride).zip(matrix.chunks_exact(states)) {
            padded[..states].copy_from_slice(row);
        }
        Ok(Self { states, far: None, stride, by_from, by_to, rings: None })
    }

    /// The same penalties, with a quicker way to the cheapest entries.
    pub(crate) fn with_rings(self, rings: Rings) -> Self {
        Self { rings: Some(rings), ..self }
    }

    /// Penalties between the vertices of a grid, worked out when they are asked for.
    pub(crate) fn on_grid(grid: Grid, penalty: f64, charges: Vec<f64>, rings: Rings) -> Self {
        Self {
            states: grid.len(),
            stride: grid.len(),
            far: Some(Far { grid, penalty, charges }),
            by_from: Vec::new(),
            by_to: Vec::new(),
            rings: Some(rings),
        }
    }

    /// Writes the costs of going to a state: the values before, plus the penalties.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled once per instruction set")]
    fn costs_of(&self, to: usize, before: &[f64], costs: &mut [f64]) {
        if let Some(Far { grid, penalty, charges }) = &self.far {
            grid.half_distances(to, costs);
            for ((cost, v), charge) in costs.iter_mut().zip(before).zip(charges) {
                *cost = v + (penalty * (*cost * *cost) + charge);
            }
            return;
        }
        let entry = &self.by_to[to * self.states..(to + 1) * self.states];
        for ((cost, v), p) in costs.iter_mut().zip(before).zip(entry) {
            *cost = v + p;
        }
    }

    /// Buffers for [`advance`](Self::advance).
    pub(crate) fn scratch(&self) -> Scratch {
        self.rings.as_ref().map_or_else(Scratch::default, Rings::scratch)
    }

    #[cfg(test)]
    pub(crate) const fn has_rings(&self) -> bool {
        self.rings.is_some()
    }

    /// The same penalty for every change of state, none for staying; it may be negative, as the
    /// reference allows.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn uniform(states: usize, penalty: f64) -> Result<Self, Error> {
        let entries = entries(states)?;
        let off_diagonal = |i| if i % (states + 1) == 0 { 0.0 } else { penalty };
        let matrix: Vec<f64> = (0..entries).map(off_diagonal).collect();
        Self::new(states, &matrix)
    }

    /// Number of states.
    #[must_use]
    pub const fn states(&self) -> usize {
        self.states
    }

    /// The penalty for going from one state to another.
    #[must_use]
    pub fn between(&self, from: usize, to: usize) -> f64 {
        match &self.far {
            None => self.by_from[from * self.stride + to],
            Some(Far { grid, penalty, charges }) => {
                let pairs = grid.at(from).iter().zip(grid.at(to));
                let half = pairs.map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0;
                penalty * (half * half) + charges[from]
            }
        }
    }

    /// The cheapest path through `losses` (T × K, row after row); a NaN loss counts as infinite.
    ///
    /// # Errors
    /// [`Error::Shape`] if the losses are not a whole number of rows, [`Error::TooFewRows`]
    /// without rows; no other.
    ///
    /// # Examples
    /// ```
    /// use atlas_regime::dp::Penalties;
    /// let losses = [0.0, 1.0, 0.6, 0.4, 0.0, 1.0];
    /// let found = Penalties::uniform(2, 0.5)?.solve(&losses)?;
    /// assert_eq!(found.path, [0, 0, 0]); // a visit to state 1 would not pay
    /// assert_eq!(found.value, 0.6);
    /// # Ok::<(), atlas_regime::Error>(())
    /// ```
    pub fn solve(&self, losses: &[f64]) -> Result<CheapestPath, Error> {
        if !losses.len().is_multiple_of(self.states) {
            let (found, expected) = (losses.len() % self.states, self.states);
            return Err(Error::Shape { what: "the last row of losses", found, expected });
        }
        if losses.is_empty() {
            return Err(Error::TooFewRows { what: "the losses", have: 0, need: 1 });
        }
        let as_cost = |x: &f64| if x.is_nan() { f64::INFINITY } else { *x };
        let mut values: Vec<f64> = losses.iter().map(as_cost).collect();
        let mut path = vec![0; losses.len() / self.states];
        let value = self.solve_in_place(&mut values, &mut path);
        Ok(CheapestPath { value, path, values })
    }

    /// Turns losses into values row by row, then traces the path back; not empty, without NaN.
    pub(crate) fn solve_in_place(&self, values: &mut [f64], path: &mut [u32]) -> f64 {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            #[expect(
                unsafe_code,
                reason = "the processor was just asked; measured to be worth it"
            )]
            // SAFETY: the function needs nothing but AVX2, which the processor has.
            return unsafe { self.solve_avx2(values, path) };
        }
        self.solve_plain(values, path)
    }

    /// The same loops compiled for wider vectors; no operation is fused, so no bit differs.
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    fn solve_avx2(&self, values: &mut [f64], path: &mut [u32]) -> f64 {
        self.solve_plain(values, path)
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled once per instruction set")]
    fn solve_plain(&self, values: &mut [f64], path: &mut [u32]) -> f64 {
        let k = self.states;
        let rows = values.len() / k;
        let mut scratch = self.scratch();
        for t in 1..rows {
            let (past, now) = values.split_at_mut(t * k);
            self.advance(&past[(t - 1) * k..], &mut now[..k], &mut scratch);
        }
        let last = &values[(rows - 1) * k..];
        let mut state = first_smallest(last.iter().copied());
        let value = last[state];
        let mut costs = vec![f64::INFINITY; k];
        for (t, slot) in path.iter_mut().enumerate().rev() {
            *slot = u32::try_from(state).unwrap_or(u32::MAX);
            if t > 0 {
                self.costs_of(state, &values[(t - 1) * k..t * k], &mut costs);
                state = first_smallest_of(&costs);
            }
        }
        value
    }

    /// Adds to each loss in `row` the cheapest way to get there from the values `before`.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled once per instruction set")]
    pub(crate) fn advance(&self, before: &[f64], row: &mut [f64], scratch: &mut Scratch) {
        if let Some(rings) = &self.rings {
            return rings.advance(before, row, scratch);
        }
        match self.stride {
            16 => self.advance_fixed::<16>(before, row),
            24 => self.advance_fixed::<24>(before, row),
            _ => self.advance_any(before, row),
        }
    }

    /// For a number of states, padded, that the compiler knows: 24 for the grid of 0.05 on two
    /// states.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled once per instruction set")]
    fn advance_fixed<const S: usize>(&self, before: &[f64], row: &mut [f64]) {
        for block in (0..S).step_by(LANES) {
            let mut cheapest = [f64::INFINITY; LANES];
            for (v, exits) in before.iter().zip(self.by_from.chunks_exact(S)) {
                for (best, p) in cheapest.iter_mut().zip(&exits[block..block + LANES]) {
                    let cost = v + p;
                    *best = if cost < *best { cost } else { *best };
                }
            }
            for (loss, best) in row.iter_mut().skip(block).zip(cheapest) {
                *loss += best;
            }
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled once per instruction set")]
    fn advance_any(&self, before: &[f64], row: &mut [f64]) {
        for (loss, entry) in row.iter_mut().zip(self.by_to.chunks_exact(self.states)) {
            let blocks = before.chunks_exact(LANES).zip(entry.chunks_exact(LANES));
            let mut best = [f64::INFINITY; LANES];
            for (values, penalties) in blocks {
                for ((b, v), p) in best.iter_mut().zip(values).zip(penalties) {
                    let cost = v + p;
                    *b = if cost < *b { cost } else { *b };
                }
            }
            let done = before.len() / LANES * LANES;
            let tail = before[done..].iter().zip(&entry[done..]).map(|(v, p)| v + p);
            *loss += best.into_iter().chain(tail).fold(f64::INFINITY, smaller);
        }
    }
}

/// Entries of the matrix, which is kept twice beside the one handed in.
fn entries(states: usize) -> Result<usize, Error> {
    if states == 0 {
        let value = "0".to_owned();
        return Err(Error::Parameter { name: "states", value, rule: "at least 1" });
    }
    let entries = states.saturating_mul(states);
    match entries.saturating_mul(3 * size_of::<f64>()) {
        bytes if bytes > BYTES_MAX => {
            Err(Error::TooLarge { what: "the penalty matrix", bytes, max: BYTES_MAX })
        }
        _ => Ok(entries),
    }
}

/// Running minima kept side by side.
const LANES: usize = 8;

fn smaller(m: f64, x: f64) -> f64 {
    if x < m { x } else { m }
}

/// Index of the first smallest number; 0 where all are infinite.
#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled once per instruction set")]
fn first_smallest_of(costs: &[f64]) -> usize {
    let blocks = costs.chunks_exact(LANES);
    let mut best = [f64::INFINITY; LANES];
    let tail = blocks.remainder();
    for block in blocks {
        for (b, &cost) in best.iter_mut().zip(block) {
            *b = if cost < *b { cost } else { *b };
        }
    }
    let least = best.into_iter().chain(tail.iter().copied()).fold(f64::INFINITY, smaller);
    costs.iter().position(|cost| *cost <= least).unwrap_or(0)
}

/// Index of the first smallest cost; 0 where all are infinite.
pub(crate) fn first_smallest(costs: impl Iterator<Item = f64>) -> usize {
    let mut best = (0, f64::INFINITY);
    for (i, cost) in costs.enumerate() {
        if cost < best.1 {
            best = (i, cost);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_take_the_first_state() {
        let found = Penalties::uniform(3, 1.0).unwrap().solve(&[0.0; 12]).unwrap();
        assert_eq!(found.path, [0; 4]);
    }

    #[test]
    fn bad_matrices_are_refused() {
        assert!(Penalties::new(2, &[0.0; 3]).is_err());
        assert!(Penalties::new(0, &[]).is_err());
        assert!(Penalties::uniform(2, f64::INFINITY).is_err());
        assert!(Penalties::uniform(2, 1.0).unwrap().solve(&[1.0; 3]).is_err());
        assert!(Penalties::uniform(2, 1.0).unwrap().solve(&[]).is_err());
    }
}

//! The cheapest path through a table of losses under any matrix of jump penalties.
//!
//! The general form of the recursion, O(T·K²): the continuous model runs on it, and it is the
//! yardstick the O(K) form of the discrete model is tested against.

use crate::Error;

/// Penalties for every pair of states, kept in both orders of memory.
#[derive(Debug, Clone, PartialEq)]
pub struct Penalties {
    states: usize,
    by_from: Vec<f64>,
    by_to: Vec<f64>,
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
    /// [`Error::NotFinite`] for NaN or infinite penalties; no other.
    pub fn new(states: usize, matrix: Vec<f64>) -> Result<Self, Error> {
        if states == 0 {
            let value = "0".to_owned();
            return Err(Error::Parameter { name: "states", value, rule: "at least 1" });
        }
        if matrix.len() != states * states {
            let (found, expected) = (matrix.len(), states * states);
            return Err(Error::Shape { what: "the penalty matrix", found, expected });
        }
        crate::Rows::new(&matrix, states)?.check_finite("the penalty matrix")?;
        let by_to = (0..states * states).map(|i| matrix[i % states * states + i / states]);
        let by_to = by_to.collect();
        Ok(Self { states, by_from: matrix, by_to })
    }

    /// The same penalty for every change of state, none for staying; it may be negative, as the
    /// reference allows.
    ///
    /// # Errors
    /// Those of [`new`](Self::new).
    pub fn uniform(states: usize, penalty: f64) -> Result<Self, Error> {
        let off_diagonal = |i| if i % (states + 1) == 0 { 0.0 } else { penalty };
        Self::new(states, (0..states * states).map(off_diagonal).collect())
    }

    /// Number of states.
    #[must_use]
    pub const fn states(&self) -> usize {
        self.states
    }

    /// The penalty for going from one state to another.
    #[must_use]
    pub fn between(&self, from: usize, to: usize) -> f64 {
        self.by_from[from * self.states + to]
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
        let k = self.states;
        for t in 1..values.len() / k {
            let (past, now) = values.split_at_mut(t * k);
            self.advance(&past[(t - 1) * k..], &mut now[..k]);
        }
        let last = &values[values.len() - k..];
        let mut state = first_smallest(last.iter().copied());
        let value = last[state];
        for (t, slot) in path.iter_mut().enumerate().rev() {
            *slot = u32::try_from(state).unwrap_or(u32::MAX);
            if t > 0 {
                let entry = &self.by_to[state * k..(state + 1) * k];
                let before = &values[(t - 1) * k..t * k];
                state = first_smallest(before.iter().zip(entry).map(|(v, p)| v + p));
            }
        }
        value
    }

    /// Adds to each loss in `row` the cheapest way to get there from the values `before`.
    pub(crate) fn advance(&self, before: &[f64], row: &mut [f64]) {
        let k = self.states;
        match k {
            21 => self.advance_fixed::<21>(before, row),
            _ if k <= SMALL => self.advance_small(before, row),
            _ => {
                for (loss, entry) in row.iter_mut().zip(self.by_to.chunks_exact(k)) {
                    *loss += before
                        .iter()
                        .zip(entry)
                        .map(|(v, p)| v + p)
                        .fold(f64::INFINITY, |m, x| if x < m { x } else { m });
                }
            }
        }
    }

    fn advance_small(&self, before: &[f64], row: &mut [f64]) {
        let mut cheapest = [f64::INFINITY; SMALL];
        let cheapest = &mut cheapest[..self.states];
        for (v, exits) in before.iter().zip(self.by_from.chunks_exact(self.states)) {
            for (best, p) in cheapest.iter_mut().zip(exits) {
                let cost = v + p;
                *best = if cost < *best { cost } else { *best };
            }
        }
        for (loss, best) in row.iter_mut().zip(cheapest) {
            *loss += *best;
        }
    }

    /// The same for a number of states the compiler knows: 21, the grid of 0.05 on two states.
    fn advance_fixed<const K: usize>(&self, before: &[f64], row: &mut [f64]) {
        let mut cheapest = [f64::INFINITY; K];
        for (v, exits) in before.iter().zip(self.by_from.chunks_exact(K)) {
            for (best, p) in cheapest.iter_mut().zip(exits) {
                let cost = v + p;
                *best = if cost < *best { cost } else { *best };
            }
        }
        for (loss, best) in row.iter_mut().zip(cheapest) {
            *loss += best;
        }
    }
}

/// Up to this many states the running minima fit on the stack.
const SMALL: usize = 256;

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
        assert!(Penalties::new(2, vec![0.0; 3]).is_err());
        assert!(Penalties::new(0, vec![]).is_err());
        assert!(Penalties::uniform(2, f64::INFINITY).is_err());
        assert!(Penalties::uniform(2, 1.0).unwrap().solve(&[1.0; 3]).is_err());
        assert!(Penalties::uniform(2, 1.0).unwrap().solve(&[]).is_err());
    }
}

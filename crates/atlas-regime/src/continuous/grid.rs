//! Mixed states: a grid on the simplex, and what it costs to move on it.

use super::charges;
use super::rings::Rings;
use crate::Error;
use crate::count::float;
use crate::dp::Penalties;

/// All mixtures of K states with weights that are multiples of 1/N, in descending lexicographic
/// order: first everything in state 0, last everything in state K − 1.
///
/// # Examples
/// ```
/// use atlas_regime::continuous::Grid;
/// let grid = Grid::new(2, 0.5)?;
/// assert_eq!(grid.vertex(0), Some(&[1.0, 0.0][..]));
/// assert_eq!(grid.vertex(1), Some(&[0.5, 0.5][..]));
/// assert_eq!((grid.len(), grid.vertex(3)), (3, None));
/// # Ok::<(), atlas_regime::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Grid {
    states: usize,
    /// Steps from one pure state to another.
    steps: usize,
    vertices: Vec<f64>,
    /// The same weights state by state.
    by_state: Vec<f64>,
}

/// The largest number of vertices supported with three states or more: enough for steps of 0.05
/// with eight.
pub const VERTICES_MAX: usize = 1_000_000;

/// The largest number for which all penalties are written out, which takes 256 MiB; with two states
/// there is no other way.
const MATRIX_MAX: usize = 4096;

impl Grid {
    /// Lays out the grid with N = ⌊1/`size`⌋ steps a side.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless there are 1 to 8 states and 0 < `size` ≤ 1;
    /// [`Error::GridTooFine`] above [`VERTICES_MAX`] vertices, or 4 096 with two states; no other.
    pub fn new(states: usize, size: f64) -> Result<Self, Error> {
        let steps = steps(states, size)?;
        let count = binomial(steps, states);
        let max = if states < 3 { MATRIX_MAX } else { VERTICES_MAX };
        if count > max {
            return Err(Error::GridTooFine { vertices: count, max });
        }
        let mut vertices = Vec::with_capacity(count * states);
        let mut tuple = vec![0; states];
        fill(&mut tuple, 0, steps, &mut |tuple| {
            vertices.extend(tuple.iter().map(|&i| float(i) / float(steps)));
        });
        let by_state = (0..states).flat_map(|k| vertices.iter().skip(k).step_by(states)).copied();
        let by_state = by_state.collect();
        Ok(Self { states, steps, vertices, by_state })
    }

    /// Number of vertices a grid would have: C(N + K − 1, K − 1), at most `usize::MAX`.
    ///
    /// # Errors
    /// [`Error::Parameter`] as for [`new`](Self::new); no other.
    pub fn count(states: usize, size: f64) -> Result<usize, Error> {
        Ok(binomial(steps(states, size)?, states))
    }

    /// Number of vertices.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.vertices.len() / self.states
    }

    /// Never: a grid has at least one vertex.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.vertices.is_empty()
    }

    /// Number of states mixed.
    #[must_use]
    pub const fn states(&self) -> usize {
        self.states
    }

    /// Weights of the states at vertex `i`, adding up to 1; `None` from [`len`](Self::len) on.
    #[must_use]
    pub fn vertex(&self, i: usize) -> Option<&[f64]> {
        (i < self.len()).then(|| self.at(i))
    }

    /// [`vertex`](Self::vertex) for a number that is known to be one.
    pub(crate) fn at(&self, i: usize) -> &[f64] {
        &self.vertices[i * self.states..(i + 1) * self.states]
    }

    /// Weights of one state at all vertices.
    pub(crate) fn weights_of(&self, state: usize) -> &[f64] {
        let n = self.len();
        &self.by_state[state * n..(state + 1) * n]
    }

    /// Penalties `λ (‖p − q‖₁ / 2)²` for going from vertex p to q; with `mode_loss` each row is
    /// charged with `m_p − m_0`, where `m_p = log Σ_q exp(−penalty(p, q))`, so that corners stay
    /// free and mixed states cost something for every session spent in them.
    ///
    /// Source: Aydınhan, Kolm, Mulvey and Shu 2024, "Identifying patterns in financial markets:
    /// extending the statistical jump model for regime identification".
    ///
    /// Beyond 4 096 vertices penalties are worked out when they are asked for, instead of being
    /// written out.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for a penalty that is not finite, [`Error::GridTooFine`] for a negative
    /// one beyond 4 096 vertices; no other.
    pub fn penalties(&self, penalty: f64, mode_loss: bool) -> Result<Penalties, Error> {
        if self.len() > MATRIX_MAX {
            return self.far_penalties(penalty, mode_loss);
        }
        let n = self.len();
        let mut matrix = Vec::with_capacity(n * n);
        for i in 0..n {
            for j in 0..n {
                let pairs = self.at(i).iter().zip(self.at(j));
                let half = pairs.map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0;
                matrix.push(penalty * (half * half));
            }
        }
        let charges = mode_loss.then(|| charges::from_matrix(&matrix, n));
        if let Some(charges) = &charges {
            for (row, charge) in matrix.chunks_exact_mut(n).zip(charges) {
                for p in row {
                    *p += charge;
                }
            }
        }
        let penalties = Penalties::new(n, &matrix)?;
        if self.states < 3 || penalty < 0.0 {
            return Ok(penalties);
        }
        let rings = Rings::new(self.states, self.ring_costs(penalty), charges.as_deref());
        Ok(penalties.with_rings(rings))
    }

    /// The same without a matrix.
    fn far_penalties(&self, penalty: f64, mode_loss: bool) -> Result<Penalties, Error> {
        if penalty < 0.0 {
            return Err(Error::GridTooFine { vertices: self.len(), max: MATRIX_MAX });
        }
        if !penalty.is_finite() {
            let what = "the penalty";
            return Err(Error::NotFinite { what, row: 0, column: 0, value: penalty });
        }
        let costs = self.ring_costs(penalty);
        let charges = if mode_loss {
            charges::from_distances(self.tuples(), &costs)
        } else {
            vec![0.0; self.len()]
        };
        let rings = Rings::new(self.states, costs, Some(&charges));
        Ok(Penalties::on_grid(self.clone(), penalty, charges, rings))
    }

    /// The vertices in steps.
    fn tuples(&self) -> impl Iterator<Item = Vec<usize>> + '_ {
        let steps = float(self.steps);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "from 0 to the number of steps, rounded back to what it was made of"
        )]
        let whole = move |weight: &f64| (weight * steps).round() as usize;
        self.vertices.chunks_exact(self.states).map(move |v| v.iter().map(whole).collect())
    }

    /// Half the distance of every vertex to one of them.
    pub(crate) fn half_distances(&self, to: usize, out: &mut [f64]) {
        out.fill(0.0);
        for (k, own) in self.at(to).iter().enumerate() {
            for (slot, weight) in out.iter_mut().zip(self.weights_of(k)) {
                *slot += (weight - own).abs();
            }
        }
        for slot in out {
            *slot /= 2.0;
        }
    }

    /// Penalty for moving 0, 1, … steps.
    fn ring_costs(&self, penalty: f64) -> Vec<f64> {
        let share = |d: usize| float(d) / float(self.steps);
        (0..=self.steps).map(|d| penalty * (share(d) * share(d))).collect()
    }
}

fn steps(states: usize, size: f64) -> Result<usize, Error> {
    if !(1..=8).contains(&states) {
        let value = states.to_string();
        return Err(Error::Parameter { name: "states", value, rule: "1 to 8" });
    }
    if !(0.0001..=1.0).contains(&size) {
        let value = size.to_string();
        return Err(Error::Parameter { name: "grid_size", value, rule: "from 0.0001 to 1" });
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "from 1 to 10 000, cut as the reference cuts it"
    )]
    let steps = (1.0 / size) as usize;
    Ok(steps)
}

/// C(steps + states − 1, states − 1), saturating.
fn binomial(steps: usize, states: usize) -> usize {
    let product = (1..states).try_fold(1_u128, |count, i| {
        count.checked_mul(u128::try_from(steps + i).ok()?)?.checked_div(u128::try_from(i).ok()?)
    });
    product.and_then(|count| usize::try_from(count).ok()).unwrap_or(usize::MAX)
}

/// Emits every tuple from position `at` on that adds up to `left`, largest first.
fn fill(tuple: &mut [usize], at: usize, left: usize, emit: &mut impl FnMut(&[usize])) {
    if at + 1 == tuple.len() {
        tuple[at] = left;
        emit(tuple);
        return;
    }
    for here in (0..=left).rev() {
        tuple[at] = here;
        fill(tuple, at + 1, left - here, emit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_binomial_and_vertices_add_up() {
        for (states, size, expected) in [(2, 0.05, 21), (3, 0.05, 231), (4, 0.05, 1771)] {
            let grid = Grid::new(states, size).unwrap();
            assert_eq!(grid.len(), expected);
            assert_eq!(Grid::count(states, size), Ok(expected));
            for i in 0..grid.len() {
                assert!((grid.at(i).iter().sum::<f64>() - 1.0).abs() < 1e-12);
            }
        }
        assert_eq!(Grid::count(8, 0.05), Ok(888_030));
        assert!(matches!(Grid::new(8, 0.04), Err(Error::GridTooFine { max: VERTICES_MAX, .. })));
        assert!(matches!(Grid::new(2, 0.0001), Err(Error::GridTooFine { max: MATRIX_MAX, .. })));
    }

    /// Penalties worked out when asked for lead along the same paths as those written out.
    #[test]
    fn penalties_without_a_matrix_are_the_same() {
        let mut rng = crate::Mt19937::new(8);
        for (states, size) in [(3, 0.1), (4, 0.2), (5, 0.25), (8, 0.5)] {
            let grid = Grid::new(states, size).unwrap();
            let n = grid.len();
            for (penalty, mode_loss) in [(0.4, true), (30.0, true), (30.0, false), (2000.0, true)] {
                let near = grid.penalties(penalty, mode_loss).unwrap();
                let far = grid.far_penalties(penalty, mode_loss).unwrap();
                for i in 0..n * n {
                    let (a, b) = (near.between(i / n, i % n), far.between(i / n, i % n));
                    assert!((a - b).abs() <= 1e-12 * a.abs().max(1.0), "{a} {b}");
                }
                let losses: Vec<f64> = (0..7 * n).map(|_| 9.0 * rng.next_f64()).collect();
                let (a, b) = (near.solve(&losses).unwrap(), far.solve(&losses).unwrap());
                assert_eq!(a.path, b.path);
                assert!((a.value - b.value).abs() <= 1e-11 * a.value.abs());
            }
        }
        assert!(Grid::new(5, 0.05).unwrap().penalties(-1.0, true).is_err());
        assert!(Grid::new(5, 0.05).unwrap().penalties(f64::INFINITY, true).is_err());
    }
}

//! The cheapest way to every vertex of a grid, by rings of growing distance.

/// Moving from vertex p to q costs `f(d)`, where d is the number of steps between them and f grows
/// ever faster. So the cheapest way to every vertex is found ring by ring: the smallest value at
/// most d steps away comes from those at most d − 1 steps away of the neighbours, and once a ring
/// improves no vertex, no wider ring does. A few rings usually suffice, where comparing every pair
/// of vertices takes their number squared.
///
/// Why no wider ring: let q, D + 1 steps away, improve p₀ on all that is nearer, and let p₁ be the
/// neighbour of p₀ on the way to q. If ring D did not improve p₁, some q′ at d ≤ D − 1 steps from
/// p₁ is as good for it: `V(q′) + f(d) ≤ V(q) + f(D)`. But q′ is at most d + 1 ≤ D steps from p₀,
/// so `V(q) + f(D + 1) < V(q′) + f(d + 1)`. Together `f(D + 1) − f(D) < f(d + 1) − f(d)`, which
/// contradicts that f grows ever faster.
///
/// Neighbours are found in two half-steps: take one unit from any state, then give it to any. So
/// that both are plain loops over memory, vertices lie in blocks: all states but the last three
/// fixed, one row for each weight of the third last (largest first), one place for each weight of
/// the last, everything else infinite. With one unit taken away, the same place holds the vertex
/// whose third last state lost it, the row below the one whose second last state did, and the place
/// to the right of that the last state's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rings {
    /// `f(d)` for d = 0, 1, … steps.
    costs: Vec<f64>,
    /// Charge for leaving each vertex.
    charges: Vec<f64>,
    /// Place of each vertex in the buffers.
    places: Vec<usize>,
    /// Infinite where no vertex is once a unit is taken, minus infinity elsewhere.
    mask: Vec<f64>,
    blocks: Vec<Block>,
    /// Places in a row.
    stride: usize,
}

/// Vertices that differ in the last three states only.
#[derive(Debug, Clone, PartialEq)]
struct Block {
    first: usize,
    /// Places in all rows together, without those of the row below.
    len: usize,
    /// Where the blocks begin with one unit more in one of the other states.
    above: Vec<usize>,
    /// Where the blocks begin with one unit less.
    below: Vec<usize>,
}

/// Buffers of one recursion.
#[derive(Debug, Clone, Default)]
pub(crate) struct Scratch {
    nearest: Vec<f64>,
    taken: Vec<f64>,
    best: Vec<f64>,
}

/// Rows take a multiple of so many places, which suits every vector.
const LANES: usize = 8;

impl Rings {
    /// For a grid of `states` ≥ 3 in descending lexicographic order.
    pub(crate) fn new(states: usize, costs: Vec<f64>, charges: Option<&[f64]>) -> Self {
        let steps = costs.len().saturating_sub(1);
        let stride = (steps + 2).div_ceil(LANES) * LANES;
        let mut prefixes: Vec<Vec<usize>> = Vec::new();
        prefixes_of(&mut vec![0; states.saturating_sub(3)], 0, steps, &mut |p| {
            prefixes.push(p.to_vec());
        });
        // Rows of each block, then one of infinities that parts it from the next.
        let rows = |p: &[usize]| steps + 1 - p.iter().sum::<usize>();
        let mut firsts = Vec::with_capacity(prefixes.len());
        let (mut size, mut places) = (stride + LANES, Vec::new());
        for prefix in &prefixes {
            firsts.push(size);
            for row in 0..rows(prefix) {
                places.extend((0..=row).map(|place| size + row * stride + place));
            }
            size += (rows(prefix) + 1) * stride + LANES;
        }
        // Descending, hence searched the other way round.
        let find = |p: &[usize]| {
            let found = prefixes.binary_search_by(|q| p.cmp(q.as_slice())).ok();
            found.map(|i| firsts[i])
        };
        let moved = |p: &[usize], change: fn(usize) -> Option<usize>| -> Vec<usize> {
            let one = |i: usize| {
                let mut other = p.to_vec();
                other[i] = change(other[i])?;
                find(&other)
            };
            (0..p.len()).filter_map(one).collect()
        };
        let mut mask = vec![f64::INFINITY; size];
        let mut blocks = Vec::with_capacity(prefixes.len());
        for (prefix, &first) in prefixes.iter().zip(&firsts) {
            for row in 0..rows(prefix) - 1 {
                mask[first + row * stride..][..=row].fill(f64::NEG_INFINITY);
            }
            blocks.push(Block {
                first,
                len: rows(prefix) * stride,
                above: moved(prefix, |x| x.checked_add(1)),
                below: moved(prefix, |x| x.checked_sub(1)),
            });
        }
        let charges = charges.map_or_else(|| vec![0.0; places.len()], <[f64]>::to_vec);
        Self { costs, charges, places, mask, blocks, stride }
    }

    pub(crate) fn scratch(&self) -> Scratch {
        let buffer = vec![f64::INFINITY; self.mask.len()];
        Scratch { nearest: buffer.clone(), taken: buffer.clone(), best: buffer }
    }

    /// Adds to each loss in `row` the cheapest way to get there from the values `before`.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled once per instruction set")]
    pub(crate) fn advance(&self, before: &[f64], row: &mut [f64], scratch: &mut Scratch) {
        // Ring 0: staying.
        for ((&place, value), charge) in self.places.iter().zip(before).zip(&self.charges) {
            let value = value + charge;
            scratch.nearest[place] = value;
            scratch.best[place] = value;
        }
        for cost in self.costs.iter().skip(1) {
            self.take(scratch);
            if !self.give(*cost, scratch) {
                break;
            }
        }
        for (loss, &place) in row.iter_mut().zip(&self.places) {
            *loss += scratch.best[place];
        }
    }

    /// The nearest values with one unit taken from any state.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled once per instruction set")]
    fn take(&self, Scratch { nearest, taken, .. }: &mut Scratch) {
        for block in &self.blocks {
            let (first, len) = (block.first, block.len);
            let out = &mut taken[first..first + len];
            let same = &nearest[first..first + len];
            let lower = &nearest[first + self.stride..][..len];
            let right = &nearest[first + self.stride + 1..][..len];
            let mask = &self.mask[first..first + len];
            let all = out.iter_mut().zip(same).zip(lower).zip(right).zip(mask);
            for ((((out, same), lower), right), mask) in all {
                let least = smaller(smaller(*same, *lower), *right);
                *out = if least > *mask { least } else { *mask };
            }
            for &other in &block.above {
                // The other block has a row less.
                let other = &nearest[other..other + len - self.stride];
                for (out, other) in out.iter_mut().zip(other) {
                    *out = smaller(*other, *out);
                }
            }
        }
    }

    /// The unit given to any state; whether that improved any vertex at this cost.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "compiled once per instruction set")]
    fn give(&self, cost: f64, Scratch { nearest, taken, best }: &mut Scratch) -> bool {
        let mut better = 0_u64;
        for block in &self.blocks {
            let (first, len) = (block.first, block.len);
            let out = &mut nearest[first..first + len];
            let same = &taken[first..first + len];
            let upper = &taken[first - self.stride..][..len];
            let left = &taken[first - self.stride - 1..][..len];
            for (((out, same), upper), left) in out.iter_mut().zip(same).zip(upper).zip(left) {
                *out = smaller(smaller(*same, *upper), *left);
            }
            for &other in &block.below {
                let other = &taken[other..other + len];
                for (out, other) in out.iter_mut().zip(other) {
                    *out = smaller(*other, *out);
                }
            }
            for (best, value) in best[first..first + len].iter_mut().zip(&*out) {
                let candidate = value + cost;
                better |= u64::from(candidate < *best);
                *best = smaller(candidate, *best);
            }
        }
        better > 0
    }
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "compiled once per instruction set")]
fn smaller(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

/// Emits every tuple of counts that add up to at most `left`, in descending order.
fn prefixes_of(tuple: &mut [usize], at: usize, left: usize, emit: &mut impl FnMut(&[usize])) {
    if at == tuple.len() {
        emit(tuple);
        return;
    }
    for here in (0..=left).rev() {
        tuple[at] = here;
        prefixes_of(tuple, at + 1, left - here, emit);
    }
}

#[cfg(test)]
mod tests {
    use crate::Mt19937;
    use crate::continuous::Grid;
    use crate::dp::Penalties;

    /// Against every pair of vertices compared, on grids of 3 to 8 states, even and uneven values.
    #[test]
    fn rings_find_what_comparing_every_pair_finds() {
        let mut rng = Mt19937::new(5);
        for (states, size) in [(3, 0.05), (3, 0.3), (4, 0.1), (5, 0.2), (8, 0.25)] {
            let grid = Grid::new(states, size).unwrap();
            for penalty in [0.0, 0.3, 20.0, 3000.0] {
                for mode_loss in [false, true] {
                    let fast = grid.penalties(penalty, mode_loss).unwrap();
                    let n = grid.len();
                    let all: Vec<f64> = (0..n * n).map(|i| fast.between(i / n, i % n)).collect();
                    let slow = Penalties::new(n, &all).unwrap();
                    let losses: Vec<f64> = (0..6 * n)
                        .map(|i| {
                            let u = rng.next_f64();
                            if i % 7 == 0 { 100.0 * u * u } else { 9.0 * u }
                        })
                        .collect();
                    let (a, b) = (fast.solve(&losses).unwrap(), slow.solve(&losses).unwrap());
                    assert!(fast.has_rings() && !slow.has_rings());
                    for (x, y) in a.values.iter().zip(&b.values) {
                        assert!((x - y).abs() <= 1e-12 * y.abs().max(1.0), "{x} {y}");
                    }
                    if penalty > 0.0 {
                        assert_eq!(a.path, b.path);
                    }
                }
            }
        }
    }
}

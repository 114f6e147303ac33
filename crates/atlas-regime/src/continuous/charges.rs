//! What time spent at a vertex is charged: `m_p − m_0` with `m_p = log Σ_q exp(−penalty(p, q))`.

use std::collections::BTreeMap;

use crate::count::float;

/// From the whole matrix of penalties, in the reference's order of summation: ties between
/// vertices are broken by the last bits.
pub(super) fn from_matrix(matrix: &[f64], vertices: usize) -> Vec<f64> {
    let sums: Vec<f64> = matrix.chunks_exact(vertices).map(log_sum_exp_negated).collect();
    sums.iter().map(|sum| sum - sums[0]).collect()
}

/// From the number of vertices at every distance, for grids too fine for a matrix; equal up to
/// rounding. `tuples` are the vertices in steps, one after the other, and `costs[d]` the penalty
/// for `d` steps. Vertices that are the same up to the order of states are charged the same.
pub(super) fn from_distances(tuples: impl Iterator<Item = Vec<usize>>, costs: &[f64]) -> Vec<f64> {
    let mut known: BTreeMap<Vec<usize>, f64> = BTreeMap::new();
    let mut charges = Vec::new();
    let mut first = None;
    for mut tuple in tuples {
        tuple.sort_unstable();
        let sum = known.get(&tuple).copied().unwrap_or_else(|| {
            let counts = at_each_distance(&tuple, costs.len() - 1);
            let terms = counts.iter().zip(costs).skip(1).map(|(n, cost)| n * libm::exp(-cost));
            let sum = libm::log1p(terms.sum());
            known.insert(tuple, sum);
            sum
        });
        charges.push(sum - *first.get_or_insert(sum));
    }
    charges
}

/// Number of vertices `d` steps away, for every d. Built up state by state: the vertices reach
/// `sum` steps so far, `over` of them above those of the vertex itself, and d is what `over` ends as.
fn at_each_distance(vertex: &[usize], steps: usize) -> Vec<f64> {
    let size = steps + 1;
    let mut ways = vec![0.0; size * size];
    ways[0] = 1.0;
    for &own in vertex {
        let mut next = vec![0.0; size * size];
        for sum in 0..size {
            for over in 0..size {
                let so_far = ways[sum * size + over];
                if so_far <= 0.0 {
                    continue;
                }
                for here in 0..=steps - sum {
                    let above = over + here.saturating_sub(own);
                    if above < size {
                        next[(sum + here) * size + above] += so_far;
                    }
                }
            }
        }
        ways = next;
    }
    ways.split_off(steps * size)
}

/// `log Σ exp(−x)`, the largest terms set apart.
fn log_sum_exp_negated(row: &[f64]) -> f64 {
    let least = row.iter().fold(f64::INFINITY, |m, &x| if x < m { x } else { m });
    let largest = row.iter().filter(|x| **x <= least).count();
    let rest = row.iter().filter(|x| **x > least).map(|x| libm::exp(least - x));
    let rest: Vec<f64> = rest.collect();
    let count = float(largest);
    libm::log1p(pairwise_sum(&rest) / count) + libm::log(count) - least
}

/// Sum in blocks of eight running sums, halves added up above 128 terms, as `NumPy` does.
fn pairwise_sum(terms: &[f64]) -> f64 {
    if terms.len() > 128 {
        let half = terms.len() / 2 / 8 * 8;
        return pairwise_sum(&terms[..half]) + pairwise_sum(&terms[half..]);
    }
    let blocks = terms.chunks_exact(8);
    let tail = blocks.remainder();
    let mut sums = [0.0; 8];
    for block in blocks {
        for (sum, x) in sums.iter_mut().zip(block) {
            *sum += x;
        }
    }
    let low = (sums[0] + sums[1]) + (sums[2] + sums[3]);
    let high = (sums[4] + sums[5]) + (sums[6] + sums[7]);
    tail.iter().fold(low + high, |sum, x| sum + x)
}

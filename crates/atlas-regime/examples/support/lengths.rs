//! Two-state designs of four lengths: Hardy's monthly chain and a thesis's daily one.

use super::cells::{CONTINUOUS, Cell, Entry, Published, penalties};
use super::methods::{Choice, Method};
use super::simulate::Chain;

/// Rows of a path.
const LENGTHS: [usize; 4] = [250, 500, 1000, 2000];

/// The discrete model under λ = 1 on Hardy's chain, by length, in a public re-run with the
/// reference package. Its number of paths is not known: the figures are taken as exact.
const MONTHLY: [f64; 4] = [0.770, 0.789, 0.800, 0.803];

/// The thesis's means over 1 000 paths, by length: true parameters, maximum likelihood from a flat
/// and from a k-means start, the discrete and the sparse model under λ = 90.
const THESIS: [[f64; 4]; 5] = [
    [0.695, 0.780, 0.877, 0.929],
    [0.531, 0.648, 0.747, 0.779],
    [0.460, 0.528, 0.726, 0.867],
    [0.655, 0.765, 0.878, 0.930],
    [0.659, 0.772, 0.888, 0.941],
];

/// The thesis's penalty.
const THESIS_PENALTY: f64 = 90.0;

pub fn cells() -> Vec<Cell> {
    let mut out: Vec<Cell> = LENGTHS.into_iter().zip(MONTHLY).map(|(n, m)| monthly(n, m)).collect();
    for (i, length) in LENGTHS.into_iter().enumerate() {
        out.push(thesis(length, THESIS.map(|row| row[i])));
    }
    // Which features these publications used is not known to us: the centred ones for comparison.
    let designs = [
        ("monthly", "Two states, monthly", Chain::two_state_monthly()),
        ("thesis", "Two states, daily (thesis)", Chain::two_state_thesis()),
    ];
    for (key, title, chain) in designs {
        for length in LENGTHS {
            let mut cell = Cell::series(key, title, chain.clone(), length, true);
            let grid = with_thesis_penalty();
            cell.entries = vec![entry(Method::Discrete, "discrete jump model", None, &grid)];
            out.push(cell);
        }
    }
    out
}

fn entry(
    method: Method,
    name: &'static str,
    published: Option<Published>,
    choices: &[Choice],
) -> Entry {
    Entry { method, name, published, choices: choices.to_vec() }
}

const ONCE: [Choice; 1] = [(0.0, 0.0)];

fn markov(starts: usize, published: Option<Published>) -> Entry {
    let name = if starts == 1 {
        "hidden Markov model, one start"
    } else {
        "hidden Markov model, ten starts"
    };
    entry(Method::Markov(starts), name, published, &ONCE)
}

fn continuous(choices: &[Choice]) -> impl Iterator<Item = Entry> {
    CONTINUOUS.map(|(method, name)| entry(method, name, None, choices)).into_iter()
}

fn with_thesis_penalty() -> Vec<Choice> {
    let mut grid = penalties();
    grid.push((THESIS_PENALTY, 0.0));
    grid.sort_by(|a, b| a.0.total_cmp(&b.0));
    grid
}

fn monthly(length: usize, published: f64) -> Cell {
    let chain = Chain::two_state_monthly();
    let mut cell = Cell::series("monthly", "Two states, monthly", chain, length, false);
    let grid = penalties();
    let sparse: Vec<Choice> = [4.0, 9.0]
        .into_iter()
        .flat_map(|features| [1.0, 4.0, 12.0, 30.0].map(|penalty| (penalty, features)))
        .collect();
    cell.entries = vec![
        entry(Method::Oracle, "true parameters, Viterbi", None, &ONCE),
        markov(10, None),
        markov(1, None),
        entry(Method::Discrete, "discrete jump model", None, &grid),
    ];
    cell.entries.extend(continuous(&grid));
    cell.entries.push(entry(Method::Sparse, "sparse jump model", None, &sparse));
    cell.by_penalty = vec![(1.0, Published(published, f64::NAN, f64::INFINITY))];
    cell
}

fn thesis(length: usize, published: [f64; 5]) -> Cell {
    let chain = Chain::two_state_thesis();
    let mut cell = Cell::series("thesis", "Two states, daily (thesis)", chain, length, false);
    let [oracle, flat, kmeans, discrete, sparse] =
        published.map(|m| Published(m, f64::NAN, 1000.0));
    let grid = with_thesis_penalty();
    let selections = [2.0, 4.0, 6.0, 9.0, 12.0].map(|features| (THESIS_PENALTY, features));
    cell.entries = vec![
        entry(Method::Oracle, "true parameters, Viterbi", Some(oracle), &ONCE),
        entry(Method::FlatMarkov, "hidden Markov model, flat start", Some(flat), &ONCE),
        markov(1, Some(kmeans)),
        markov(10, None),
        entry(Method::Discrete, "discrete jump model", None, &grid),
    ];
    cell.entries.extend(continuous(&grid));
    cell.entries.push(entry(Method::Sparse, "sparse jump model", Some(sparse), &selections));
    cell.by_penalty = vec![(THESIS_PENALTY, discrete)];
    cell
}

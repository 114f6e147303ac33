//! A second, plain implementation of one descent, for the figures the crate does not keep.

use atlas_regime::continuous::Grid;
use atlas_regime::dp::Penalties;
use atlas_regime::{JumpParams, Rows};

use crate::basics::path_margin;
use crate::compare::smaller;

pub(crate) struct Replay {
    pub(crate) labels: Vec<u32>,
    pub(crate) iterations: usize,
    /// Smallest margin of any decision in any labelling.
    pub(crate) margin: f64,
    /// Whether the last two labellings were the same and not only grouped alike.
    pub(crate) labels_equal_exactly: bool,
}

/// Half squared distances, mixed over the vertices of a grid if there is one.
pub(crate) fn losses(rows: Rows<'_>, centers: &[f64], grid: Option<&Grid>) -> Vec<f64> {
    let mut out = Vec::new();
    for row in &rows {
        let pure = centers
            .chunks(rows.cols())
            .map(|c| 0.5 * row.iter().zip(c).map(|(x, c)| (x - c) * (x - c)).sum::<f64>());
        match grid {
            None => out.extend(pure),
            Some(grid) => {
                let pure: Vec<f64> = pure.map(|l| if l.is_finite() { l } else { 1e100 }).collect();
                for i in 0..grid.len() {
                    let mix = grid.vertex(i).unwrap_or_default().iter().zip(&pure);
                    out.push(mix.map(|(p, l)| p * l).sum());
                }
            }
        }
    }
    out
}

pub(crate) fn replay(
    rows: Rows<'_>,
    grid: Option<&Grid>,
    penalties: &Penalties,
    start: &[f64],
    params: &JumpParams,
) -> Replay {
    let mut centers = start.to_vec();
    let mut smallest = f64::NAN;
    let mut label = |centers: &[f64]| {
        let found = penalties.solve(&losses(rows, centers, grid)).expect("losses are a table");
        smallest = smaller(smallest, path_margin(penalties, &found.values, &found.path));
        (found.path, found.value)
    };
    let (mut labels, mut value) = label(&centers);
    let mut before: Option<(Vec<u32>, f64)> = None;
    let mut iterations = 0;
    loop {
        let goes_on = before.as_ref().is_none_or(|(old, old_value)| {
            !same_grouping(old, &labels) && old_value - value > params.tol
        });
        if iterations >= params.iterations_max || !goes_on {
            break;
        }
        iterations += 1;
        centers = means(rows, &labels, grid, params.states);
        let next = label(&centers);
        before =
            Some((std::mem::replace(&mut labels, next.0), std::mem::replace(&mut value, next.1)));
    }
    let labels_equal_exactly = before.is_some_and(|(old, _)| old == labels);
    Replay { labels, iterations, margin: smallest, labels_equal_exactly }
}

/// Two labellings group alike if pairs of labels are as many as labels on either side.
fn same_grouping(a: &[u32], b: &[u32]) -> bool {
    let distinct = |mut x: Vec<(u32, u32)>| {
        x.sort_unstable();
        x.dedup();
        x.len()
    };
    let pairs = distinct(a.iter().copied().zip(b.iter().copied()).collect());
    let first = distinct(a.iter().map(|&x| (x, 0)).collect());
    let second = distinct(b.iter().map(|&x| (x, 0)).collect());
    pairs == first && pairs == second
}

fn means(rows: Rows<'_>, labels: &[u32], grid: Option<&Grid>, states: usize) -> Vec<f64> {
    let mut out = Vec::with_capacity(states * rows.cols());
    for k in 0..states {
        let weight = |label: u32| match grid {
            None => f64::from(u8::from(label as usize == k)),
            Some(grid) => grid.vertex(label as usize).unwrap_or_default()[k],
        };
        let total: f64 = labels.iter().map(|&l| weight(l)).sum();
        for j in 0..rows.cols() {
            let sum: f64 = rows.iter().zip(labels).map(|(row, &l)| weight(l) * row[j]).sum();
            out.push(sum / total);
        }
    }
    out
}

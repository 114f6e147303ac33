//! Coordinate descent between labels and centres, and the choice among restarts.

use serde::{Deserialize, Serialize};

use crate::partition::Partitions;

/// Why a descent ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Stop {
    /// The labels group the rows as they did one step before.
    SameClustering,
    /// The objective fell by no more than the tolerance.
    Tol,
    /// The limit of iterations was reached.
    MaxIter,
}

/// One descent from one start.
#[derive(Debug, Clone, PartialEq)]
pub struct Restart {
    /// Final objective.
    pub value: f64,
    /// Objective after each labelling; one more than iterations.
    pub values: Vec<f64>,
    /// Number of times the centres were updated.
    pub iterations: usize,
    /// Why it ended.
    pub stop: Stop,
    /// Final label per row: state, or vertex of the grid for the continuous model.
    pub labels: Vec<u32>,
    /// The centres that produced the labels, row after row; NaN for an empty state.
    pub centers: Vec<f64>,
}

/// The two half-steps of a jump model.
pub(crate) trait Steps {
    /// Labels every row given the centres and returns the objective.
    fn label(&mut self, centers: &[f64], labels: &mut [u32]) -> f64;
    /// Updates the centres given the labels.
    fn center(&mut self, labels: &[u32], centers: &mut [f64]);
}

/// When a descent ends.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) iterations_max: usize,
    pub(crate) tol: f64,
    /// Stop only on equal labels, not on equal grouping.
    pub(crate) exact: bool,
}

/// Alternates the half-steps from `start` until nothing changes (spec of the reference, §2.3).
pub(crate) fn descend(
    steps: &mut impl Steps,
    start: &[f64],
    rows: usize,
    limits: Limits,
    partitions: &mut Partitions,
) -> Restart {
    let mut centers = start.to_vec();
    let mut labels = vec![0_u32; rows];
    let mut before: Vec<u32> = Vec::new();
    let mut value = steps.label(&centers, &mut labels);
    let mut values = vec![value];
    let mut value_before = f64::INFINITY;
    let mut iterations = 0;
    let stop = loop {
        if iterations >= limits.iterations_max {
            break Stop::MaxIter;
        }
        let unchanged = if limits.exact {
            before == labels
        } else {
            !before.is_empty() && partitions.same(&labels, &before)
        };
        if unchanged {
            break Stop::SameClustering;
        }
        if !improves(value_before, value, limits.tol) {
            break Stop::Tol;
        }
        iterations += 1;
        before.clone_from(&labels);
        value_before = value;
        steps.center(&before, &mut centers);
        value = steps.label(&centers, &mut labels);
        values.push(value);
    };
    Restart { value, values, iterations, stop, labels, centers }
}

/// Whether the objective fell by more than the tolerance; false where the difference is NaN.
fn improves(before: f64, now: f64, tol: f64) -> bool {
    before - now > tol
}

/// The index of the best restart: strictly smaller objective **and** another grouping than the
/// best one so far, so that equal groupings and ties keep the earliest.
pub(crate) fn best(restarts: &[Restart], limits: Limits, partitions: &mut Partitions) -> usize {
    let mut best = 0;
    let mut value = f64::INFINITY;
    for (i, restart) in restarts.iter().enumerate() {
        let leader = &restarts[best];
        let same = i > 0
            && if limits.exact {
                restart.labels == leader.labels
            } else {
                partitions.same(&restart.labels, &leader.labels)
            };
        if restart.value < value && !same {
            best = i;
            value = restart.value;
        }
    }
    best
}

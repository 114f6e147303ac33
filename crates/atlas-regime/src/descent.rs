//! Coordinate descent between labels and centres, and the choice among restarts.

use std::collections::BTreeMap;
use std::hash::{Hash as _, Hasher as _};

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

/// Labellings met so far and what one more step made of them, so that descents that meet do not
/// take the same steps twice. Their outcome is the same to the bit: a step depends on nothing else.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    by_hash: BTreeMap<u64, Vec<usize>>,
    met: Vec<Met>,
}

#[derive(Debug)]
struct Met {
    labels: Vec<u32>,
    /// The centres of these labels, the labelling they lead to and its objective.
    next: Option<(Vec<f64>, usize, f64)>,
}

/// A new descent forgets the others when so many labels are kept.
const KEPT_MAX: usize = 1 << 24;

impl Memory {
    /// The number of a labelling.
    fn number(&mut self, labels: &[u32]) -> usize {
        let mut hasher = std::hash::DefaultHasher::new();
        labels.hash(&mut hasher);
        let alike = self.by_hash.entry(hasher.finish()).or_default();
        if let Some(&known) = alike.iter().find(|&&i| self.met[i].labels == labels) {
            return known;
        }
        alike.push(self.met.len());
        self.met.push(Met { labels: labels.to_vec(), next: None });
        self.met.len() - 1
    }

    /// One update of the centres and the labels after it.
    fn step(
        &mut self,
        from: usize,
        steps: &mut impl Steps,
        centers: &mut [f64],
        labels: &mut [u32],
    ) -> (usize, f64) {
        if let Some((known, to, value)) = &self.met[from].next {
            centers.copy_from_slice(known);
            labels.copy_from_slice(&self.met[*to].labels);
            return (*to, *value);
        }
        steps.center(&self.met[from].labels, centers);
        let value = steps.label(centers, labels);
        let to = self.number(labels);
        self.met[from].next = Some((centers.to_vec(), to, value));
        (to, value)
    }

    fn limit(&mut self, rows: usize) {
        if self.met.len().saturating_mul(rows) > KEPT_MAX {
            *self = Self::default();
        }
    }
}

/// Alternates the half-steps from `start` until nothing changes (spec of the reference, §2.3).
pub(crate) fn descend(
    steps: &mut impl Steps,
    start: &[f64],
    rows: usize,
    limits: Limits,
    partitions: &mut Partitions,
    memory: &mut Memory,
) -> Restart {
    memory.limit(rows);
    let mut centers = start.to_vec();
    let mut labels = vec![0_u32; rows];
    let mut value = steps.label(&centers, &mut labels);
    let mut at = memory.number(&labels);
    let mut before: Option<usize> = None;
    let mut values = vec![value];
    let mut value_before = f64::INFINITY;
    let mut iterations = 0;
    let stop = loop {
        if iterations >= limits.iterations_max {
            break Stop::MaxIter;
        }
        let unchanged = before.is_some_and(|before| {
            before == at || (!limits.exact && partitions.same(&labels, &memory.met[before].labels))
        });
        if unchanged {
            break Stop::SameClustering;
        }
        if !improves(value_before, value, limits.tol) {
            break Stop::Tol;
        }
        iterations += 1;
        before = Some(at);
        value_before = value;
        (at, value) = memory.step(at, steps, &mut centers, &mut labels);
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

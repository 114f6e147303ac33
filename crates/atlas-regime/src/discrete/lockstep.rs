//! Descents from all starts side by side.

use super::four::F4;
use super::lanes::{Trail, forward};
use super::runs::{PrefixSums, Runs};
use crate::Rows;
use crate::descent::{Limits, Restart, Stop};

/// Lanes of one pass.
const WIDE: usize = 12;

/// One descent in progress.
#[derive(Debug)]
struct Descent {
    centers: Vec<f64>,
    runs: Runs,
    before: Option<Runs>,
    value: f64,
    value_before: f64,
    values: Vec<f64>,
    iterations: usize,
    stop: Option<Stop>,
}

/// Runs every start to its end: the same restarts as one after the other, centres equal to
/// rounding (they come from differences of prefix sums).
pub(super) fn descend_all(
    rows: Rows<'_>,
    states: usize,
    penalty: f64,
    starts: &[Vec<f64>],
    limits: Limits,
) -> Vec<Restart> {
    let sums = PrefixSums::new(rows);
    let mut pass = Pass { rows, states, penalty, packed: Vec::new(), trail: Trail::default() };
    let mut all: Vec<Descent> = starts
        .iter()
        .map(|start| Descent {
            centers: start.clone(),
            runs: Runs::default(),
            before: None,
            value: f64::INFINITY,
            value_before: f64::INFINITY,
            values: Vec::new(),
            iterations: 0,
            stop: None,
        })
        .collect();
    let mut active: Vec<usize> = (0..all.len()).collect();
    while !active.is_empty() {
        for lanes in active.chunks(WIDE) {
            pass.label(&mut all, lanes);
        }
        for &i in &active {
            decide(&mut all[i], limits);
        }
        finish_known(&mut all, &active, limits);
        active.retain(|&i| all[i].stop.is_none());
        for &i in &active {
            let descent = &mut all[i];
            descent.iterations += 1;
            sums.centers(&descent.runs, &mut descent.centers);
        }
    }
    all.into_iter().map(finished).collect()
}

/// The stop tests, in the order of the reference.
fn decide(descent: &mut Descent, limits: Limits) {
    descent.values.push(descent.value);
    let unchanged = descent.before.as_ref().is_some_and(|b| b.same_grouping(&descent.runs));
    descent.stop = if descent.iterations >= limits.iterations_max {
        Some(Stop::MaxIter)
    } else if unchanged {
        Some(Stop::SameClustering)
    } else if descent.value_before - descent.value > limits.tol {
        None
    } else {
        Some(Stop::Tol)
    };
}

/// Ends descents that have reached labels another one ended on: from equal labels follow equal
/// centres, hence the same labels and objective, and the stop for unchanged labels.
fn finish_known(all: &mut [Descent], active: &[usize], limits: Limits) {
    for &i in active {
        if all[i].stop.is_some() || all[i].iterations + 1 >= limits.iterations_max {
            continue;
        }
        let settled = |d: &&Descent| {
            d.stop == Some(Stop::SameClustering)
                && d.before.as_ref() == Some(&d.runs)
                && d.runs == all[i].runs
        };
        let Some(known) = all.iter().find(settled) else { continue };
        let (value, centers) = (known.value, known.centers.clone());
        let descent = &mut all[i];
        descent.iterations += 1;
        descent.values.push(value);
        descent.value = value;
        descent.centers = centers;
        descent.stop = Some(Stop::SameClustering);
    }
}

fn finished(descent: Descent) -> Restart {
    Restart {
        value: descent.value,
        iterations: descent.iterations,
        stop: descent.stop.unwrap_or(Stop::MaxIter),
        labels: descent.runs.labels(),
        centers: descent.centers,
        values: descent.values,
    }
}

/// The buffers of one labelling of several lanes.
#[derive(Debug)]
struct Pass<'a> {
    rows: Rows<'a>,
    states: usize,
    penalty: f64,
    packed: Vec<F4>,
    trail: Trail,
}

impl Pass<'_> {
    /// Labels the rows for the given descents, at most [`WIDE`] of them.
    fn label(&mut self, all: &mut [Descent], lanes: &[usize]) {
        match lanes.len().div_ceil(4) {
            1 => self.label_wide::<1>(all, lanes),
            2 => self.label_wide::<2>(all, lanes),
            _ => self.label_wide::<3>(all, lanes),
        }
    }

    fn label_wide<const V: usize>(&mut self, all: &mut [Descent], lanes: &[usize]) {
        match self.states {
            1 => self.label_with::<1, V>(all, lanes),
            2 => self.label_with::<2, V>(all, lanes),
            3 => self.label_with::<3, V>(all, lanes),
            4 => self.label_with::<4, V>(all, lanes),
            5 => self.label_with::<5, V>(all, lanes),
            6 => self.label_with::<6, V>(all, lanes),
            7 => self.label_with::<7, V>(all, lanes),
            _ => self.label_with::<8, V>(all, lanes),
        }
    }

    fn label_with<const K: usize, const V: usize>(&mut self, all: &mut [Descent], lanes: &[usize]) {
        let size = K * self.rows.cols();
        self.packed.clear();
        self.packed.resize(size * V, F4([0.0; 4]));
        for lane in 0..4 * V {
            // Lanes without a descent repeat the first one.
            let descent = &all[*lanes.get(lane).unwrap_or(&lanes[0])];
            for (i, c) in descent.centers.iter().enumerate() {
                self.packed[i * V + lane / 4].0[lane % 4] = *c;
            }
        }
        let values = forward::<K, V>(self.rows, &self.packed, self.penalty, &mut self.trail);
        for (lane, &i) in lanes.iter().enumerate() {
            let mut last = (0_u8, f64::INFINITY);
            for (k, value) in (0_u8..).zip(&values) {
                let value = value[lane / 4].0[lane % 4];
                if value < last.1 {
                    last = (k, value);
                }
            }
            let runs = self.trail.runs(self.rows.len(), K, lane, last.0);
            let descent = &mut all[i];
            descent.value_before = std::mem::replace(&mut descent.value, last.1);
            let old = std::mem::replace(&mut descent.runs, runs);
            descent.before = (!descent.values.is_empty()).then_some(old);
        }
    }
}

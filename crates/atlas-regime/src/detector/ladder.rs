//! Four regimes as rungs on the axis between the two fitted centres.

use atlas_core::Regime;

use super::params::LadderParams;
use crate::Rows;
use crate::count::float;
use crate::discrete::estep::{advance_values, first_smallest, loss};

/// The line from the bull to the bear centre.
#[derive(Debug, Clone)]
pub(crate) struct Axis {
    origin: Vec<f64>,
    direction: Vec<f64>,
    /// Squared length of the direction.
    scale: f64,
}

impl Axis {
    /// `None` if the centres coincide.
    pub(crate) fn new(bull: &[f64], bear: &[f64]) -> Option<Self> {
        let direction: Vec<f64> = bear.iter().zip(bull).map(|(b, a)| b - a).collect();
        let scale: f64 = direction.iter().map(|d| d * d).sum();
        (scale > 0.0).then(|| Self { origin: bull.to_vec(), direction, scale })
    }

    /// Where a scaled row lies: 0 at the bull, 1 at the bear centre.
    pub(crate) fn position(&self, row: &[f64]) -> f64 {
        let along = row.iter().zip(&self.origin).zip(&self.direction);
        along.map(|((x, o), d)| (x - o) * d).sum::<f64>() / self.scale
    }
}

/// The label's own filter over four rungs.
#[derive(Debug, Clone)]
pub(crate) struct Ladder {
    /// Positions on the axis, bull to crash.
    pub(crate) rungs: [f64; 4],
    /// The same at the scale of the model's losses.
    centers: [f64; 4],
    length: f64,
    penalty: f64,
    values: [f64; 4],
    started: bool,
}

impl Ladder {
    /// Places the rungs at quantiles of the sample's rows; every state has at least one row.
    ///
    /// Where the states overlap so much that a rung would lie below a milder one, it is moved up
    /// to that one; of two rungs in one place the milder label is said.
    pub(crate) fn new(params: &LadderParams, axis: &Axis, rows: Rows<'_>, labels: &[u32]) -> Self {
        let mut bull = Vec::new();
        let mut bear = Vec::new();
        for (row, &label) in rows.iter().zip(labels) {
            let side = if label == 0 { &mut bull } else { &mut bear };
            side.push(axis.position(row));
        }
        bull.sort_by(f64::total_cmp);
        bear.sort_by(f64::total_cmp);
        let rungs = in_order([
            quantile(&bull, params.bull_quantile),
            quantile(&bull, params.neutral_quantile),
            quantile(&bear, params.bear_quantile),
            quantile(&bear, params.crash_quantile),
        ]);
        let length = axis.scale.sqrt();
        Self {
            rungs,
            centers: rungs.map(|r| r * length),
            length,
            penalty: params.penalty,
            values: [0.0; 4],
            started: false,
        }
    }

    /// Takes the next position in; gives the label and its margin to the next best.
    pub(crate) fn push(&mut self, position: f64) -> (Regime, f64) {
        let row = [position * self.length];
        if self.started {
            advance_values(&mut self.values, self.penalty, &row, &self.centers);
        } else {
            self.values = self.centers.map(|c| loss(&row, &[c]));
            self.started = true;
        }
        let (label, smallest) = first_smallest(&self.values);
        let label = usize::from(label);
        let others = self.values.iter().enumerate().filter(|(k, _)| *k != label);
        let next = others.fold(f64::INFINITY, |m, (_, &v)| m.min(v));
        (Regime::ALL[label], next - smallest)
    }
}

/// No rung below a milder one.
fn in_order(mut rungs: [f64; 4]) -> [f64; 4] {
    for i in 1..rungs.len() {
        rungs[i] = rungs[i].max(rungs[i - 1]);
    }
    rungs
}

/// Linear interpolation between order statistics; `sorted` is not empty.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let place = q * float(sorted.len() - 1);
    let below = place.floor();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 <= place <= len - 1, as q is from 0 to 1"
    )]
    let i = below as usize;
    let upper = sorted[(i + 1).min(sorted.len() - 1)];
    sorted[i] + (place - below) * (upper - sorted[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_interpolate() {
        let sorted = [0.0, 1.0, 2.0, 4.0];
        for (q, expected) in [(0.0, 0.0), (0.5, 1.5), (1.0, 4.0), (0.75, 2.5)] {
            assert!((quantile(&sorted, q) - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn rungs_never_cross() {
        // The 95 % quantile of the bull rows lies above every bear row.
        let axis = Axis::new(&[0.0], &[1.0]).unwrap();
        let data = [0.0, 0.1, 3.0, 0.8, 1.0, 1.2];
        let rows = Rows::new(&data, 1).unwrap();
        let mut ladder = Ladder::new(&LadderParams::default(), &axis, rows, &[0, 0, 0, 1, 1, 1]);
        let rungs = ladder.rungs;
        assert!(rungs.is_sorted() && rungs[1] > 1.2, "{rungs:?}");
        assert!(rungs[1..].iter().all(|r| r.total_cmp(&rungs[1]).is_eq()), "{rungs:?}");
        assert_eq!(ladder.push(4.0).0, Regime::Neutral);
        assert_eq!(
            in_order([0.0, 0.5, 1.0, 2.0]).map(f64::to_bits),
            [0.0, 0.5, 1.0, 2.0_f64].map(f64::to_bits)
        );
    }

    #[test]
    fn the_label_climbs_only_when_the_evidence_outweighs_the_penalty() {
        let axis = Axis::new(&[0.0], &[1.0]).unwrap();
        let data = [-0.5, 0.0, 0.5, 1.0, 1.5, 3.0];
        let params = LadderParams { penalty: 2.0, ..LadderParams::default() };
        let rows = Rows::new(&data, 1).unwrap();
        let mut ladder = Ladder::new(&params, &axis, rows, &[0, 0, 0, 1, 1, 1]);
        for _ in 0..20 {
            assert_eq!(ladder.push(-0.5).0, Regime::Bull);
        }
        assert_eq!(ladder.push(1.0).0, Regime::Bull);
        let labels: Vec<_> = (0..6).map(|_| ladder.push(3.0).0).collect();
        assert_eq!(labels.last(), Some(&Regime::Crash));
    }
}

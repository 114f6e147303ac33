//! One refit of all candidates on the rows before it.

use chrono::NaiveDate;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::params::RollingParams;
use crate::discrete::estep::loss;
use crate::kmeanspp::Seeding;
use crate::{
    Clipper, Error, FitOptions, JumpModel, JumpParams, Mt19937, Rows, Scaler, SlidingFilter,
    StateEstimate,
};

/// Bounds and scale learnt on one window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Transform {
    pub(super) clipper: Clipper,
    pub(super) scaler: Scaler,
}

impl Transform {
    pub(super) fn apply(&self, row: &mut [f64]) -> Result<(), Error> {
        self.clipper.apply(row)?;
        self.scaler.apply(row)
    }

    /// A centre of this window in the units of another.
    fn translate(&self, center: &[f64], other: &Self) -> Result<Vec<f64>, Error> {
        let units = center.iter().zip(self.scaler.mean()).zip(self.scaler.scale());
        let mut raw: Vec<f64> = units.map(|((c, mean), scale)| c * scale + mean).collect();
        other.scaler.apply(&mut raw)?;
        Ok(raw)
    }
}

/// One candidate's model and the filter that runs on it; no filter where the fit found one state
/// only, which is then the bull state.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Fitted {
    pub(super) model: JumpModel,
    pub(super) filter: Option<SlidingFilter>,
}

/// The models in force since a refit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Refit {
    pub(super) session: usize,
    pub(super) date: NaiveDate,
    pub(super) transform: Transform,
    pub(super) fitted: Vec<Fitted>,
}

/// The names of the states disagree with the nearest centres of the refit before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Renaming {
    /// The candidate's penalty.
    pub penalty: f64,
    /// Sum of squared distances of the new centres to the old ones of the same name.
    pub distance_same: f64,
    /// The same with the names exchanged; smaller.
    pub distance_exchanged: f64,
}

impl Fitted {
    /// Half squared distances of a scaled row to both centres.
    pub(super) fn distances(&self, row: &[f64]) -> Option<[f64; 2]> {
        match self.model.centers.as_slice() {
            [Some(bull), Some(bear)] => Some([loss(row, bull), loss(row, bear)]),
            _ => None,
        }
    }
}

impl Refit {
    /// Fits every candidate on the window; starts are drawn once, as they do not depend on the
    /// penalty. Independent of the number of threads.
    pub(super) fn new(
        params: &RollingParams,
        (session, date): (usize, NaiveDate),
        window: &[f64],
        returns: &[f64],
    ) -> Result<Self, Error> {
        let cols = params.features.len();
        let mut data = window.to_vec();
        let clipper = Clipper::fit(Rows::new(&data, cols)?, params.clip)?;
        data.chunks_exact_mut(cols).try_for_each(|row| clipper.apply(row))?;
        let scaler = Scaler::fit(Rows::new(&data, cols)?)?;
        data.chunks_exact_mut(cols).try_for_each(|row| scaler.apply(row))?;
        let rows = Rows::new(&data, cols)?;
        let mut rng = Mt19937::new(params.seed);
        let mut seeding = Seeding::new(rows);
        let starts: Vec<Vec<f64>> = (0..params.restarts)
            .map(|_| seeding.draw(2, &mut rng).iter().flat_map(|&t| rows.row(t)).copied().collect())
            .collect();
        let options =
            FitOptions { returns: Some(returns), starts: Some(&starts), ..FitOptions::default() };
        let fit = |&penalty: &f64| {
            let (restarts, seed) = (params.restarts, params.seed);
            let jump = JumpParams { restarts, seed, ..JumpParams::new(2, penalty) }.check()?;
            let model = jump.fit_with(rows, &options)?.model;
            let mut filter = None;
            if model.empty_states().next().is_none() {
                let mut warm = SlidingFilter::new(&model, params.lookback)?;
                for row in &rows {
                    warm.push(row)?;
                }
                filter = Some(warm);
            }
            Ok(Fitted { model, filter })
        };
        let fitted: Result<Vec<Fitted>, Error> = params.penalties.par_iter().map(fit).collect();
        Ok(Self { session, date, transform: Transform { clipper, scaler }, fitted: fitted? })
    }

    /// A session's features as the models see them, and what the filters in force would take in;
    /// `None` where a fit found one state only. Changes nothing.
    pub(super) fn gaps(&mut self, row: &mut [f64]) -> Result<Vec<Option<f64>>, Error> {
        self.transform.apply(row)?;
        let gap = |fitted: &mut Fitted| fitted.filter.as_mut().map(|f| f.gap(row)).transpose();
        self.fitted.iter_mut().map(gap).collect()
    }

    /// Runs the filters over a session whose [`gaps`](Self::gaps) are known.
    pub(super) fn take(&mut self, gaps: &[Option<f64>]) -> Vec<Option<StateEstimate>> {
        let take = |(fitted, gap): (&mut Fitted, &Option<f64>)| {
            fitted.filter.as_mut().zip(*gap).map(|(filter, gap)| filter.take(gap))
        };
        self.fitted.iter_mut().zip(gaps).map(take).collect()
    }

    /// Where names disagree with the refit before.
    pub(super) fn renamings(&self, before: &Self) -> Result<Vec<Renaming>, Error> {
        let mut out = Vec::new();
        for (new, old) in self.fitted.iter().zip(&before.fitted) {
            let ([Some(a), Some(b)], [Some(p), Some(q)]) =
                (new.model.centers.as_slice(), old.model.centers.as_slice())
            else {
                continue;
            };
            let (p, q) = (
                before.transform.translate(p, &self.transform)?,
                before.transform.translate(q, &self.transform)?,
            );
            let distance_same = squared(a, &p) + squared(b, &q);
            let distance_exchanged = squared(a, &q) + squared(b, &p);
            if distance_exchanged < distance_same {
                let penalty = new.model.penalty;
                out.push(Renaming { penalty, distance_same, distance_exchanged });
            }
        }
        Ok(out)
    }
}

fn squared(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| (x - y) * (x - y)).sum()
}

//! One refit and the sessions it is in force for.

use std::ops::Range;

use atlas_core::Regime;

use super::evidence::{MarketState, Naming, ZScoreBranch};
use super::ladder::{Axis, Ladder};
use super::params::{CheckedDetectorParams, RegimeRule, ZScoreParams};
use super::prepared::{FEATURES, Prepared};
use crate::discrete::estep::loss;
use crate::{Clipper, Error, Filter, JumpModel, Rows, Scaler};

/// A model fitted on the sessions before a refit, with what is needed to run it forward.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) refit: usize,
    pub(crate) sample: Range<usize>,
    pub(crate) model: JumpModel,
    clipper: Clipper,
    scaler: Scaler,
    centers: [Vec<f64>; 2],
    axis: Axis,
    ladder: Option<Ladder>,
}

/// What a block says about one session.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) session: usize,
    pub(crate) scaled: [f64; FEATURES],
    pub(crate) expanding_z: [Option<f64>; FEATURES],
    pub(crate) state: MarketState,
    pub(crate) state_margin: f64,
    pub(crate) distances: [f64; 2],
    pub(crate) stress: f64,
    pub(crate) rungs: Option<[f64; 4]>,
    pub(crate) label_margin: Option<f64>,
    pub(crate) regime: Regime,
    pub(crate) z_branch: Option<ZScoreBranch>,
}

/// Session number of the refit in force on a session.
pub(crate) const fn refit_of(session: usize, every: usize) -> usize {
    session / every * every
}

/// Sessions a history must have for any to be judged: enough rows before the first usable refit,
/// and that refit's session itself.
pub(crate) const fn sessions_needed(warm_up: usize, rows_min: usize, every: usize) -> usize {
    (1 + warm_up + rows_min).div_ceil(every) * every + 1
}

impl Block {
    /// Fits on the sessions before `refit`; later ones are not looked at.
    pub(crate) fn fit(
        checked: &CheckedDetectorParams,
        prepared: &Prepared<'_>,
        refit: usize,
    ) -> Result<Self, Error> {
        let params = checked.params();
        let usable = 1 + params.warm_up;
        let need = sessions_needed(params.warm_up, params.rows_min, params.refit_every);
        if refit < usable + params.rows_min {
            let have = prepared.dates.len();
            return Err(Error::TooFewRows {
                what: "the index up to the date asked for",
                have,
                need,
            });
        }
        let sample = usable.max(refit.saturating_sub(params.lookback))..refit;
        let raw = prepared.rows(sample.start, sample.end)?;
        let clipper = Clipper::fit(raw, params.clip)?;
        let mut data = raw.as_slice().to_vec();
        data.chunks_exact_mut(FEATURES).try_for_each(|row| clipper.apply(row))?;
        let scaler = Scaler::fit(Rows::new(&data, FEATURES)?)?;
        data.chunks_exact_mut(FEATURES).try_for_each(|row| scaler.apply(row))?;
        let rows = Rows::new(&data, FEATURES)?;
        let returns = &prepared.returns[sample.clone()];
        let fit = params.jump_params().check()?.fit(rows, Some(returns))?;
        let one_state = || Error::OneState { refit: prepared.dates[refit] };
        let [Some(bull), Some(bear)] = fit.model.centers.as_slice() else {
            return Err(one_state());
        };
        let axis = Axis::new(bull, bear).ok_or_else(one_state)?;
        let ladder = match &params.rule {
            RegimeRule::Ladder(ladder) => Some(Ladder::new(ladder, &axis, rows, &fit.labels)),
            RegimeRule::ZScores(_) => None,
        };
        let centers = [bull.clone(), bear.clone()];
        Ok(Self { refit, sample, model: fit.model, clipper, scaler, centers, axis, ladder })
    }

    /// Runs the online filter from the start of the sample through the sessions of `emit`, and
    /// hands out what it says about those.
    pub(crate) fn run(
        &self,
        checked: &CheckedDetectorParams,
        prepared: &Prepared<'_>,
        emit: Range<usize>,
    ) -> Result<Vec<Judged>, Error> {
        let params = checked.params();
        prepared.defined_until(emit.end)?;
        let mut filter = Filter::new(&self.model)?;
        let mut ladder = self.ladder.clone();
        let mut out = Vec::with_capacity(emit.len());
        for session in self.sample.start..emit.end {
            let scaled = self.scaled(prepared.row(session))?;
            let estimate = filter.push(&scaled)?;
            let stress = self.axis.position(&scaled);
            let label = ladder.as_mut().map(|l| l.push(stress));
            if session < emit.start {
                continue;
            }
            let state = if estimate.state == 0 { MarketState::Bull } else { MarketState::Bear };
            let (expanding_z, observations) = prepared.expanding_z(session);
            let (regime, z_branch) = match (&params.rule, label) {
                (RegimeRule::ZScores(rule), _) => {
                    let branch = by_z_scores(rule, state, observations, &expanding_z);
                    (branch.regime(), Some(branch))
                }
                (RegimeRule::Ladder(_), label) => (label.map_or(Regime::Neutral, |(r, _)| r), None),
            };
            out.push(Judged {
                session,
                scaled,
                expanding_z,
                state,
                state_margin: estimate.margin,
                distances: [loss(&scaled, &self.centers[0]), loss(&scaled, &self.centers[1])],
                stress,
                rungs: ladder.as_ref().map(|l| l.rungs),
                label_margin: label.map(|(_, margin)| margin),
                regime,
                z_branch,
            });
        }
        Ok(out)
    }

    /// Compares the names of the states with those of the refit before, matched by the nearest
    /// centres in this refit's units.
    pub(crate) fn naming(&self, before: &Self) -> Result<Naming, Error> {
        let translate = |center: &[f64]| {
            let units = center.iter().zip(before.scaler.mean()).zip(before.scaler.scale());
            let mut raw: Vec<f64> = units.map(|((c, mean), scale)| c * scale + mean).collect();
            self.scaler.apply(&mut raw).map(|()| raw)
        };
        let [p, q] = &before.centers;
        let (p, q) = (translate(p)?, translate(q)?);
        let [a, b] = &self.centers;
        // `loss` is half of the squared distance.
        let distance_same = 2.0 * (loss(a, &p) + loss(b, &q));
        let distance_exchanged = 2.0 * (loss(a, &q) + loss(b, &p));
        Ok(if distance_exchanged < distance_same {
            Naming::Exchanged { distance_same, distance_exchanged }
        } else {
            Naming::Agrees
        })
    }

    fn scaled(&self, raw: &[f64]) -> Result<[f64; FEATURES], Error> {
        let mut row = std::array::from_fn(|j| raw[j]);
        self.clipper.apply(&mut row)?;
        self.scaler.apply(&mut row)?;
        Ok(row)
    }
}

/// The *seed* rule; too few observations or a column that does not vary count as z = 0.
fn by_z_scores(
    rule: &ZScoreParams,
    state: MarketState,
    observations: usize,
    z: &[Option<f64>; FEATURES],
) -> ZScoreBranch {
    let [downside, sortino, _] = z.map(|z| match z {
        Some(z) if observations >= rule.observations_min => z,
        _ => 0.0,
    });
    match state {
        MarketState::Bear
            if downside > rule.crash_downside_above && sortino < rule.crash_sortino_below =>
        {
            ZScoreBranch::BearExtreme
        }
        MarketState::Bear => ZScoreBranch::BearOtherwise,
        MarketState::Bull if sortino > 0.0 => ZScoreBranch::BullSortinoPositive,
        MarketState::Bull => ZScoreBranch::BullOtherwise,
    }
}

#[cfg(test)]
mod tests {
    use chrono::{Days, NaiveDate};

    use super::*;
    use crate::{DetectorParams, Inputs, Mt19937, Series};

    #[test]
    fn exchanged_names_are_seen_against_the_nearest_centres() {
        let first = NaiveDate::from_ymd_opt(2000, 1, 3).unwrap();
        let dates: Vec<NaiveDate> = (0..600).map(|t| first + Days::new(t)).collect();
        let mut rng = Mt19937::new(1);
        let mut close = 100.0;
        let mut closes = Vec::new();
        for t in 0..600 {
            let (mean, width) = if t % 90 < 60 { (0.001, 0.01) } else { (-0.002, 0.05) };
            close *= 1.0 + mean + width * (rng.next_f64() - 0.5);
            closes.push(close);
        }
        let index = Series { dates: &dates, values: &closes };
        let inputs = Inputs { index, vix: None, rate: None, as_of: dates[599] };
        let params = DetectorParams {
            warm_up: 60,
            rows_min: 200,
            refit_every: 50,
            ..DetectorParams::calibrated()
        };
        let checked = params.check().unwrap();
        let prepared = Prepared::new(checked.params(), &inputs).unwrap();
        let mut before = Block::fit(&checked, &prepared, 500).unwrap();
        let block = Block::fit(&checked, &prepared, 550).unwrap();
        assert_eq!(block.naming(&before), Ok(Naming::Agrees));
        before.centers.swap(0, 1);
        let naming = block.naming(&before).unwrap();
        let Naming::Exchanged { distance_same, distance_exchanged } = naming else {
            panic!("{naming:?}");
        };
        assert!(distance_exchanged < 0.2 * distance_same, "{naming:?}");
    }
}

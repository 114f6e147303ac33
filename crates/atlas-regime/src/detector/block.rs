//! One refit and the sessions it is in force for.

use std::ops::Range;

use atlas_core::Regime;

use super::evidence::MarketState;
use super::expanding::Expanding;
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
        data.chunks_exact_mut(FEATURES).for_each(|row| clipper.apply(row));
        let scaler = Scaler::fit(Rows::new(&data, FEATURES)?)?;
        data.chunks_exact_mut(FEATURES).for_each(|row| scaler.apply(row));
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
        let usable = 1 + params.warm_up;
        prepared.rows(usable, emit.end)?;
        let mut filter = Filter::new(&self.model)?;
        let mut ladder = self.ladder.clone();
        let mut seen = Expanding::new(FEATURES);
        for session in usable..self.sample.start {
            seen.push(prepared.row(session));
        }
        let mut out = Vec::with_capacity(emit.len());
        for session in self.sample.start..emit.end {
            let raw = prepared.row(session);
            seen.push(raw);
            let scaled = self.scaled(raw);
            let estimate = filter.push(&scaled)?;
            let stress = self.axis.position(&scaled);
            let label = ladder.as_mut().map(|l| l.push(stress));
            if session < emit.start {
                continue;
            }
            let state = if estimate.state == 0 { MarketState::Bull } else { MarketState::Bear };
            let expanding_z = std::array::from_fn(|j| seen.z(j, raw[j]));
            let regime = match (&params.rule, label) {
                (RegimeRule::ZScores(rule), _) => {
                    by_z_scores(rule, state, seen.observations(), &expanding_z)
                }
                (RegimeRule::Ladder(_), label) => label.map_or(Regime::Neutral, |(r, _)| r),
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
            });
        }
        Ok(out)
    }

    fn scaled(&self, raw: &[f64]) -> [f64; FEATURES] {
        let mut row = std::array::from_fn(|j| raw[j]);
        self.clipper.apply(&mut row);
        self.scaler.apply(&mut row);
        row
    }
}

/// The *seed* rule; too few observations or a column that does not vary count as z = 0.
fn by_z_scores(
    rule: &ZScoreParams,
    state: MarketState,
    observations: usize,
    z: &[Option<f64>; FEATURES],
) -> Regime {
    let [downside, sortino, _] = z.map(|z| match z {
        Some(z) if observations >= rule.observations_min => z,
        _ => 0.0,
    });
    match state {
        MarketState::Bear
            if downside > rule.crash_downside_above && sortino < rule.crash_sortino_below =>
        {
            Regime::Crash
        }
        MarketState::Bear => Regime::Bear,
        MarketState::Bull if sortino > 0.0 => Regime::Bull,
        MarketState::Bull => Regime::Neutral,
    }
}

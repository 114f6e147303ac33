//! One refit and the sessions it is in force for.

use std::ops::Range;

use atlas_core::Regime;
use chrono::NaiveDate;

use super::evidence::{MarketState, Naming, ZScoreBranch};
use super::expanding::Expanding;
use super::ladder::{Axis, Ladder};
use super::params::{DetectorParams, RegimeRule, ZScoreParams};
use super::window::{FEATURES, Window};
use crate::discrete::estep::loss;
use crate::{Clipper, Error, Filter, Fit, FitOptions, JumpModel, Rows, Scaler, StateEstimate};

/// A model fitted on the sessions before a refit, running forward from the start of its sample.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) sample: Range<usize>,
    pub(crate) model: JumpModel,
    clipper: Clipper,
    scaler: Scaler,
    centers: [Vec<f64>; 2],
    axis: Axis,
    ladder: Option<Ladder>,
    filter: Filter,
    /// The session to take in next.
    next: usize,
    last: Option<Last>,
    /// Why no more sessions can be taken in.
    halted: Option<Error>,
}

/// What a block has made of the last session taken in.
#[derive(Debug, Clone, Copy)]
struct Last {
    scaled: [f64; FEATURES],
    estimate: StateEstimate,
    stress: f64,
    /// Label of the ladder and its margin.
    label: Option<(Regime, f64)>,
}

/// What a block says about one session.
#[derive(Debug, Clone)]
pub(crate) struct Judged {
    pub(crate) scaled: [f64; FEATURES],
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
pub(crate) const fn sessions_needed(params: &DetectorParams) -> usize {
    let DetectorParams { warm_up, rows_min, refit_every, .. } = *params;
    (1 + warm_up + rows_min).div_ceil(refit_every) * refit_every + 1
}

/// Whether enough sessions lie before a refit.
pub(crate) const fn can_refit(params: &DetectorParams, refit: usize) -> bool {
    refit >= 1 + params.warm_up + params.rows_min
}

impl Block {
    /// Fits every candidate penalty on the sessions before `refit`; later ones are not looked at.
    pub(crate) fn fit_all(
        params: &DetectorParams,
        window: Window<'_>,
        (refit, date): (usize, NaiveDate),
    ) -> Result<Vec<Result<Self, Error>>, Error> {
        let start = (1 + params.warm_up).max(refit.saturating_sub(params.lookback));
        let mut data = window.rows(start..refit)?;
        let raw = Rows::new(&data, FEATURES)?;
        let clipper = Clipper::fit(raw, params.clip)?;
        data.chunks_exact_mut(FEATURES).try_for_each(|row| clipper.apply(row))?;
        let scaler = Scaler::fit(Rows::new(&data, FEATURES)?)?;
        data.chunks_exact_mut(FEATURES).try_for_each(|row| scaler.apply(row))?;
        let rows = Rows::new(&data, FEATURES)?;
        let returns = window.returns(start..refit)?;
        let options = FitOptions { returns: Some(&returns), ..FitOptions::default() };
        let jump = params.jump_params().check()?;
        let fits = match params.candidates() {
            [_] => vec![jump.fit_with(rows, &options)?],
            several => jump.fit_grid(rows, &options, several)?,
        };
        let block = |fit: Fit| {
            let one_state = || Error::OneState { refit: date };
            let [Some(bull), Some(bear)] = fit.model.centers.as_slice() else {
                return Err(one_state());
            };
            let axis = Axis::new(bull, bear).ok_or_else(one_state)?;
            let ladder = match &params.rule {
                RegimeRule::Ladder(ladder) => Some(Ladder::new(ladder, &axis, rows, &fit.labels)),
                RegimeRule::ZScores(_) => None,
            };
            Ok(Self {
                sample: start..refit,
                clipper: clipper.clone(),
                scaler: scaler.clone(),
                centers: [bull.clone(), bear.clone()],
                axis,
                ladder,
                filter: Filter::new(&fit.model)?,
                model: fit.model,
                next: start,
                last: None,
                halted: None,
            })
        };
        Ok(fits.into_iter().map(block).collect())
    }

    /// Takes the sessions up to and including `session` in, as far as that can be done.
    pub(crate) fn advance(&mut self, window: Window<'_>, session: usize) {
        while self.next <= session && self.halted.is_none() {
            match self.step(window) {
                Ok(last) => self.last = Some(last),
                Err(problem) => self.halted = Some(problem),
            }
            self.next += 1;
        }
    }

    fn step(&mut self, window: Window<'_>) -> Result<Last, Error> {
        let mut scaled = window.row(self.next)?;
        self.clipper.apply(&mut scaled)?;
        self.scaler.apply(&mut scaled)?;
        let estimate = self.filter.push(&scaled)?;
        let stress = self.axis.position(&scaled);
        let label = self.ladder.as_mut().map(|ladder| ladder.push(stress));
        Ok(Last { scaled, estimate, stress, label })
    }

    /// State by the filter after the last session taken in: 0 bull, 1 bear.
    pub(crate) fn state(&self) -> u8 {
        self.last.map_or(0, |last| last.estimate.state)
    }

    /// Whether it has taken every session in.
    pub(crate) const fn runs(&self) -> bool {
        self.halted.is_none()
    }

    /// What it says about the last session taken in; `seen` are the moments up to that session and
    /// `raw` are its features.
    pub(crate) fn judge(
        &self,
        params: &DetectorParams,
        seen: &Expanding,
        raw: &[f64; FEATURES],
    ) -> Result<Judged, Error> {
        if let Some(problem) = &self.halted {
            return Err(problem.clone());
        }
        let nothing = Error::TooFewRows { what: "the sessions taken in", have: 0, need: 1 };
        let Last { scaled, estimate, stress, label } = self.last.ok_or(nothing)?;
        let state = if estimate.state == 0 { MarketState::Bull } else { MarketState::Bear };
        let (regime, z_branch) = match (&params.rule, label) {
            (RegimeRule::ZScores(rule), _) => {
                let branch = by_z_scores(rule, state, seen, raw);
                (branch.regime(), Some(branch))
            }
            (RegimeRule::Ladder(_), label) => (label.map_or(Regime::Neutral, |(r, _)| r), None),
        };
        Ok(Judged {
            scaled,
            state,
            state_margin: estimate.margin,
            distances: [loss(&scaled, &self.centers[0]), loss(&scaled, &self.centers[1])],
            stress,
            rungs: self.ladder.as_ref().map(|l| l.rungs),
            label_margin: label.map(|(_, margin)| margin),
            regime,
            z_branch,
        })
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
}

/// The *seed* rule; too few observations or a column that does not vary count as z = 0.
fn by_z_scores(
    rule: &ZScoreParams,
    state: MarketState,
    seen: &Expanding,
    raw: &[f64; FEATURES],
) -> ZScoreBranch {
    let z = |column: usize| {
        let enough = seen.observations() >= rule.observations_min;
        seen.z(column, raw[column]).filter(|_| enough).unwrap_or(0.0)
    };
    let (downside, sortino) = (z(0), z(1));
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
    use std::collections::VecDeque;

    use super::*;
    use crate::{Feature, FeatureStream, Mt19937};

    #[test]
    fn exchanged_names_are_seen_against_the_nearest_centres() {
        let mut rng = Mt19937::new(1);
        let mut returns = VecDeque::new();
        for t in 0..600 {
            let (mean, width) = if t % 90 < 60 { (0.001, 0.01) } else { (-0.002, 0.05) };
            returns.push_back(mean + width * (rng.next_f64() - 0.5));
        }
        let stream = FeatureStream::new(&Feature::PAPER).unwrap();
        let rows: VecDeque<f64> = stream.batch(returns.make_contiguous()).unwrap().into();
        let window = Window { rows: &rows, returns: &returns, first: 0 };
        let params = DetectorParams {
            warm_up: 60,
            rows_min: 200,
            refit_every: 50,
            ..DetectorParams::calibrated()
        };
        let date = NaiveDate::default();
        let fit =
            |refit| Block::fit_all(&params, window, (refit, date)).unwrap().remove(0).unwrap();
        let (mut before, block) = (fit(500), fit(550));
        assert_eq!(block.naming(&before), Ok(Naming::Agrees));
        before.centers.swap(0, 1);
        let naming = block.naming(&before).unwrap();
        let Naming::Exchanged { distance_same, distance_exchanged } = naming else {
            panic!("{naming:?}");
        };
        assert!(distance_exchanged < 0.2 * distance_same, "{naming:?}");
    }
}

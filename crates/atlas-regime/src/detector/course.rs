//! One way of measuring returns, session by session: features, models, the choice of the penalty.

use std::collections::VecDeque;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::block::{Block, Judged, can_refit, refit_of, sessions_needed};
use super::evidence::Naming;
use super::expanding::Expanding;
use super::params::DetectorParams;
use super::window::{FEATURES, Window};
use crate::rolling::contest::Contest;
use crate::stored::Buffer;
use crate::{Error, Feature, FeatureStream};

/// Everything that follows from one series of returns.
///
/// What is filed away are the rows; the models fitted to them are worked out again when they are
/// wanted, to the same bit, whether the course was stopped in between or not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Course {
    stream: FeatureStream,
    /// Moments of all rows since the warm-up.
    seen: Expanding,
    /// Features of the newest sessions after the warm-up, as many as a fit of this refit and the
    /// one before may want.
    rows: VecDeque<f64>,
    /// Their returns.
    returns: VecDeque<f64>,
    /// The first feature that was undefined after the warm-up; nothing can be said ever after.
    undefined: Option<Undefined>,
    contest: Contest,
    #[serde(skip)]
    models: Buffer<Models>,
}

/// An undefined feature.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Undefined {
    column: usize,
    date: NaiveDate,
    /// Bits of its value, which JSON has no number for.
    bits: u64,
}

/// The refits in force and before.
#[derive(Debug, Clone, Default)]
struct Models {
    in_force: Option<Refit>,
    before: Option<Refit>,
}

/// One refit of every candidate.
#[derive(Debug, Clone)]
struct Refit {
    session: usize,
    blocks: Vec<Result<Block, Error>>,
    /// Names against the refit before, by candidate, where they were asked for.
    naming: Vec<Option<Result<Naming, Error>>>,
}

/// A session by its number and date, and the date of the refit in force on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) session: usize,
    pub(crate) date: NaiveDate,
    pub(crate) refit_date: NaiveDate,
}

/// What a course says about its last session.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) block: &'a Block,
    pub(crate) judged: Judged,
    pub(crate) naming: Naming,
    pub(crate) raw: [f64; FEATURES],
    pub(crate) expanding_z: [Option<f64>; FEATURES],
    pub(crate) penalty: f64,
    pub(crate) chosen_session: Option<usize>,
}

impl Course {
    /// Starts on the first session, which has no return.
    pub(crate) fn new(params: &DetectorParams) -> Result<Self, Error> {
        Ok(Self {
            stream: FeatureStream::new(&Feature::PAPER)?,
            seen: Expanding::new(FEATURES),
            rows: VecDeque::new(),
            returns: VecDeque::new(),
            undefined: None,
            contest: Contest::new(params.candidates().len(), Some(params.first_candidate())),
            models: Buffer::default(),
        })
    }

    /// Takes the return of the next session in, which [`check_return`](crate::features) let pass.
    pub(crate) fn push(
        &mut self,
        params: &DetectorParams,
        place: Place,
        simple_return: f64,
    ) -> Result<(), Error> {
        let mut row = [0.0; FEATURES];
        self.stream.push(simple_return, &mut row)?;
        if place.session <= params.warm_up || self.undefined.is_some() {
            return Ok(());
        }
        if let Some(column) = row.iter().position(|x| !x.is_finite()) {
            let bits = row[column].to_bits();
            self.undefined = Some(Undefined { column, date: place.date, bits });
            return Ok(());
        }
        self.seen.push(&row);
        if self.returns.len() == kept(params) {
            self.returns.pop_front();
            self.rows.drain(..FEATURES);
        }
        self.rows.extend(row);
        self.returns.push_back(simple_return);
        if let Some(choice) = &params.choice {
            self.emit(params, place, choice.terms());
        }
        Ok(())
    }

    /// Lets every candidate say its state and chooses among them where that is due. Where nothing
    /// can be fitted yet there is nothing to say; a fit without two states says bull and cannot be
    /// chosen.
    fn emit(
        &mut self,
        params: &DetectorParams,
        place: Place,
        terms: crate::rolling::contest::Terms,
    ) {
        if self.run(params, place).is_err() {
            return;
        }
        let Some(refit) = &self.models.0.in_force else { return };
        let state = |block: &Result<Block, Error>| block.as_ref().map_or(0, Block::state);
        let last = self.returns.back().copied().unwrap_or(0.0);
        self.contest.emit(refit.blocks.iter().map(state), last, terms);
        self.contest
            .choose(place.session, terms, |i| refit.blocks[i].as_ref().is_ok_and(Block::runs));
    }

    /// What is said about the last session.
    ///
    /// # Errors
    /// [`Error::TooFewRows`], [`Error::UndefinedFeature`], [`Error::OneState`],
    /// [`Error::AllEqual`] or [`Error::Overflow`].
    pub(crate) fn judge(
        &mut self,
        params: &DetectorParams,
        place: Place,
    ) -> Result<Found<'_>, Error> {
        self.run(params, place)?;
        let chosen = self.contest.chosen().unwrap_or(params.first_candidate());
        let naming = self.naming(params, place, chosen)?;
        let raw = self.window(place).row(place.session)?;
        let nothing = Error::TooFewRows { what: "the refits", have: 0, need: 1 };
        let refit = self.models.0.in_force.as_ref().ok_or(nothing)?;
        let block = refit.blocks[chosen].as_ref().map_err(Clone::clone)?;
        Ok(Found {
            judged: block.judge(params, &self.seen, &raw)?,
            block,
            naming,
            expanding_z: std::array::from_fn(|j| self.seen.z(j, raw[j])),
            raw,
            penalty: params.candidates()[chosen],
            chosen_session: self.contest.chosen_session(),
        })
    }

    /// Brings the models up to the last session, fitting them where a refit is due.
    fn run(&mut self, params: &DetectorParams, place: Place) -> Result<(), Error> {
        let session = refit_of(place.session, params.refit_every);
        if !can_refit(params, session) {
            let (what, have) = ("the index up to the date asked for", place.session + 1);
            return Err(Error::TooFewRows { what, have, need: sessions_needed(params) });
        }
        if let Some(Undefined { column, date, bits }) = self.undefined {
            let (feature, value) = (Feature::PAPER[column].name(), f64::from_bits(bits));
            return Err(Error::UndefinedFeature { feature, date, value });
        }
        if self.models.0.in_force.as_ref().is_none_or(|refit| refit.session != session) {
            let fitted = self.refit(params, place, session)?;
            self.models.0.before = self.models.0.in_force.replace(fitted);
        }
        let window = window(&self.rows, &self.returns, place);
        let refits = self.models.0.in_force.iter_mut();
        for block in refits.flat_map(|refit| &mut refit.blocks).flatten() {
            block.advance(window, place.session);
        }
        Ok(())
    }

    fn refit(&self, params: &DetectorParams, place: Place, session: usize) -> Result<Refit, Error> {
        let at = (session, place.refit_date);
        let blocks = Block::fit_all(params, self.window(place), at)?;
        Ok(Refit { session, naming: vec![None; blocks.len()], blocks })
    }

    /// Compares the names of a candidate's states with those of the refit before, if that can be
    /// made and tells two states apart.
    fn naming(
        &mut self,
        params: &DetectorParams,
        place: Place,
        candidate: usize,
    ) -> Result<Naming, Error> {
        let session = refit_of(place.session, params.refit_every);
        let earlier = session.checked_sub(params.refit_every);
        let Some(earlier) = earlier.filter(|earlier| can_refit(params, *earlier)) else {
            return Ok(Naming::NotCompared);
        };
        let known = self.models.0.in_force.as_ref().and_then(|r| r.naming[candidate].clone());
        if let Some(known) = known {
            return known;
        }
        if self.models.0.before.as_ref().is_none_or(|before| before.session != earlier) {
            self.models.0.before = match self.refit(params, place, earlier) {
                Ok(refit) => Some(refit),
                Err(Error::AllEqual { .. }) => return Ok(Naming::NotCompared),
                Err(other) => return Err(other),
            };
        }
        let Models { in_force: Some(now), before: Some(before) } = &mut self.models.0 else {
            return Ok(Naming::NotCompared);
        };
        let naming = match (&now.blocks[candidate], &before.blocks[candidate]) {
            (Ok(block), Ok(before)) => block.naming(before),
            // What is wrong with the fit in force is said by the judgement.
            (Err(_), _) | (Ok(_), Err(_)) => Ok(Naming::NotCompared),
        };
        now.naming[candidate] = Some(naming.clone());
        naming
    }

    fn window(&self, place: Place) -> Window<'_> {
        window(&self.rows, &self.returns, place)
    }

    /// Refuses what `sessions` sessions cannot have led to.
    pub(crate) fn check(&self, params: &DetectorParams, sessions: usize) -> Result<(), Error> {
        if self.stream.features() != Feature::PAPER {
            let value = format!("{:?}", self.stream.features());
            return Err(Error::Parameter {
                name: "stream",
                value,
                rule: "the detector's features",
            });
        }
        let usable = sessions.saturating_sub(1 + params.warm_up);
        let seen = match self.undefined {
            None => usable,
            Some(_) => self.seen.observations().min(usable.saturating_sub(1)),
        };
        self.seen.check(FEATURES, seen)?;
        let kept = seen.min(kept(params));
        let sizes = [
            ("the returns kept", self.returns.len(), kept),
            ("the rows kept", self.rows.len(), kept.saturating_mul(FEATURES)),
        ];
        for (what, found, expected) in sizes {
            if found != expected {
                return Err(Error::Shape { what, found, expected });
            }
        }
        for (what, list) in [("the rows kept", &self.rows), ("the returns kept", &self.returns)] {
            if let Some(row) = list.iter().position(|x| !x.is_finite()) {
                return Err(Error::NotFinite { what, row, column: 0, value: list[row] });
            }
        }
        if let Some(undefined) = self.undefined
            && undefined.column >= FEATURES
        {
            let value = undefined.column.to_string();
            return Err(Error::Parameter { name: "undefined", value, rule: "one of the features" });
        }
        self.contest.check(params.candidates().len(), params.terms(), sessions)
    }
}

/// Rows kept: those of the refit before, at the end of the time the refit in force is used.
const fn kept(params: &DetectorParams) -> usize {
    params.lookback.saturating_add(params.refit_every.saturating_mul(2))
}

/// The rows by session number, the last being that of `place`.
fn window<'a>(rows: &'a VecDeque<f64>, returns: &'a VecDeque<f64>, place: Place) -> Window<'a> {
    let first = (place.session + 1).saturating_sub(returns.len());
    Window { rows, returns, first }
}

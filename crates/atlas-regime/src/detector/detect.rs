//! From inputs to a regime.

use atlas_core::Regime;
use chrono::NaiveDate;

use super::block::{Block, Judged, refit_of};
use super::evidence::{DecidedBy, Evidence, FeatureReading, Naming, RegimeEstimate, VixEvidence};
use super::inputs::Inputs;
use super::params::CheckedDetectorParams;
use super::prepared::Prepared;
use super::vix_track::VixTrack;
use crate::{Error, Feature, VixReading};

/// Names the market regime of a session from data up to that session.
///
/// A two-state jump model on the features of [`Feature::PAPER`] is refitted every `refit_every`
/// sessions (counted from the index's first) on the sessions before; its online filter runs from
/// the start of that sample to the session judged; a rule makes four regimes of it; a VIX shock
/// overrides to [`Regime::Crash`]. The result is a function of the inputs up to `as_of` alone.
#[derive(Debug, Clone, PartialEq)]
pub struct Detector {
    params: CheckedDetectorParams,
}

impl Detector {
    /// A detector with checked settings.
    #[must_use]
    pub const fn new(params: CheckedDetectorParams) -> Self {
        Self { params }
    }

    /// The settings.
    #[must_use]
    pub const fn params(&self) -> &CheckedDetectorParams {
        &self.params
    }

    /// Judges one session.
    ///
    /// # Errors
    /// [`Error::Shape`], [`Error::DatesNotIncreasing`] or [`Error::BadValue`] for malformed series;
    /// [`Error::NoIndexClose`] if the index has no close on `as_of`; [`Error::TooFewRows`] saying
    /// how many sessions there are and how many are needed; [`Error::VixMissing`] and
    /// [`Error::VixGap`] under the policy to refuse; [`Error::RateStartsLate`] and
    /// [`Error::RateGap`]; [`Error::UndefinedFeature`] for a history without losses;
    /// [`Error::OneState`] if the fit tells no states apart; [`Error::Overflow`] for prices that
    /// cannot be squared; no other.
    pub fn detect(&self, inputs: &Inputs<'_>) -> Result<RegimeEstimate, Error> {
        let prepared = Prepared::new(self.params.params(), inputs)?;
        let session = prepared.dates.len() - 1;
        let track = VixTrack::new(self.params.params(), inputs, prepared.dates)?;
        let vix = track.on(session)?;
        let refit = refit_of(session, self.params.params().refit_every);
        let block = Block::fit(&self.params, &prepared, refit)?;
        let naming = self.naming(&prepared, &block)?;
        let judged = block.run(&self.params, &prepared, session..session + 1)?;
        let last = judged.into_iter().next_back().ok_or(Error::TooFewRows {
            what: "the judged sessions",
            have: 0,
            need: 1,
        })?;
        Ok(estimate(&prepared, &block, &last, vix, naming))
    }

    /// Judges every session from `from` to `inputs.as_of`; each entry equals what
    /// [`detect`](Self::detect) says about its date, at the cost of one fit per refit.
    ///
    /// # Errors
    /// Those of [`detect`](Self::detect) for one of the sessions.
    pub fn history(
        &self,
        inputs: &Inputs<'_>,
        from: NaiveDate,
    ) -> Result<Vec<RegimeEstimate>, Error> {
        let params = self.params.params();
        let whole = Prepared::new(params, inputs)?;
        let dates = whole.dates;
        let track = VixTrack::new(params, inputs, dates)?;
        let first = dates.partition_point(|&d| d < from);
        // What returns are measured against is decided by what is known on a session; each part
        // holds for the sessions from its start to the next part's.
        let mut parts = vec![(whole.holds_from().max(first), whole)];
        while let Some((start, _)) = parts.last().filter(|(start, _)| *start > first) {
            let as_of = dates[start - 1];
            let part = Prepared::new(params, &Inputs { as_of, ..*inputs })?;
            parts.push((part.holds_from().max(first), part));
        }
        let mut out = Vec::with_capacity(dates.len() - first);
        for (start, part) in parts.iter().rev() {
            self.judge_part(part, *start, &track, &mut out)?;
        }
        Ok(out)
    }

    /// Judges the sessions of a part from `start` on.
    fn judge_part(
        &self,
        part: &Prepared<'_>,
        start: usize,
        track: &VixTrack<'_>,
        out: &mut Vec<RegimeEstimate>,
    ) -> Result<(), Error> {
        let every = self.params.params().refit_every;
        let mut session = start;
        let mut before: Option<Block> = None;
        while session < part.dates.len() {
            let refit = refit_of(session, every);
            let end = (refit + every).min(part.dates.len());
            let block = Block::fit(&self.params, part, refit)?;
            let naming = match &before {
                Some(before) => block.naming(before)?,
                None => self.naming(part, &block)?,
            };
            for judged in block.run(&self.params, part, session..end)? {
                let vix = track.on(judged.session)?;
                out.push(estimate(part, &block, &judged, vix, naming));
            }
            before = Some(block);
            session = end;
        }
        Ok(())
    }

    /// Compares the names of the states with those of the refit before, if that can be made.
    fn naming(&self, prepared: &Prepared<'_>, block: &Block) -> Result<Naming, Error> {
        let every = self.params.params().refit_every;
        let Some(refit) = block.refit.checked_sub(every) else { return Ok(Naming::NotCompared) };
        match Block::fit(&self.params, prepared, refit) {
            Ok(before) => block.naming(&before),
            Err(Error::TooFewRows { .. } | Error::OneState { .. } | Error::AllEqual { .. }) => {
                Ok(Naming::NotCompared)
            }
            Err(other) => Err(other),
        }
    }
}

fn estimate(
    prepared: &Prepared<'_>,
    block: &Block,
    judged: &Judged,
    (vix, vix_unseen): (VixEvidence, usize),
    naming: Naming,
) -> RegimeEstimate {
    let shocked = matches!(&vix, VixEvidence::Read(VixReading { shock: Some(_), .. }));
    let decided_by = match (shocked, judged.rungs) {
        (true, _) => DecidedBy::VixShock,
        (false, Some(_)) => DecidedBy::Ladder,
        (false, None) => DecidedBy::ZScores,
    };
    let raw = prepared.row(judged.session);
    let features = Feature::PAPER.iter().enumerate().map(|(j, feature)| FeatureReading {
        name: feature.name(),
        value: raw[j],
        scaled: judged.scaled[j],
        expanding_z: judged.expanding_z[j],
    });
    let evidence = Evidence {
        session: judged.session,
        refit_session: block.refit,
        refit_date: prepared.dates[block.refit],
        model_age: judged.session - block.refit,
        sample_rows: block.sample.len(),
        objective: block.model.objective,
        returns: prepared.basis,
        features: features.collect(),
        state: judged.state,
        distances: judged.distances,
        state_margin: judged.state_margin,
        stress: judged.stress,
        rungs: judged.rungs,
        label_margin: judged.label_margin,
        model_regime: judged.regime,
        vix,
        vix_unseen,
        decided_by,
        z_branch: judged.z_branch,
        naming,
    };
    RegimeEstimate {
        as_of: prepared.dates[judged.session],
        regime: if shocked { Regime::Crash } else { judged.regime },
        evidence,
    }
}

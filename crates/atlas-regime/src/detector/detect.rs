//! From inputs to a regime.

use atlas_core::Regime;
use chrono::NaiveDate;

use super::block::{Block, Judged, refit_of};
use super::evidence::{DecidedBy, Evidence, FeatureReading, RegimeEstimate, VixEvidence};
use super::inputs::{Inputs, Series};
use super::params::{CheckedDetectorParams, VixPolicy};
use super::prepared::Prepared;
use crate::{Error, Feature, VixReading, VixRule};

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
        let vix = self.vix_evidence(inputs, prepared.dates)?;
        let session = prepared.dates.len() - 1;
        let refit = refit_of(session, self.params.params().refit_every);
        let block = Block::fit(&self.params, &prepared, refit)?;
        let judged = block.run(&self.params, &prepared, session..session + 1)?;
        let last = judged.into_iter().next_back().ok_or(Error::TooFewRows {
            what: "the judged sessions",
            have: 0,
            need: 1,
        })?;
        Ok(estimate(&prepared, &block, &last, vix))
    }

    /// Judges every session from `from` to `inputs.as_of`; each entry equals what
    /// [`detect`](Self::detect) says about its date, at the cost of one fit per refit.
    ///
    /// # Errors
    /// Those of [`detect`](Self::detect), for the first session that has one.
    pub fn history(
        &self,
        inputs: &Inputs<'_>,
        from: NaiveDate,
    ) -> Result<Vec<RegimeEstimate>, Error> {
        let params = self.params.params();
        let whole = Prepared::new(params, inputs)?;
        let mut out = Vec::new();
        let mut session = whole.dates.partition_point(|&d| d < from);
        while session < whole.dates.len() {
            let refit = refit_of(session, params.refit_every);
            let end = (refit + params.refit_every).min(whole.dates.len());
            self.judge_block(inputs, &whole, session..end, &mut out)?;
            session = end;
        }
        Ok(out)
    }

    /// Judges sessions under one refit; splits them where the return basis changes.
    fn judge_block(
        &self,
        inputs: &Inputs<'_>,
        whole: &Prepared<'_>,
        sessions: std::ops::Range<usize>,
        out: &mut Vec<RegimeEstimate>,
    ) -> Result<(), Error> {
        let refit = refit_of(sessions.start, self.params.params().refit_every);
        let mut start = sessions.start;
        while start < sessions.end {
            // The basis of a session is decided by what is known on it; once the rate has ended it
            // stays ended, so the last session with the same basis is found by bisection.
            let at = |t: usize| {
                let as_of = whole.dates[t];
                Prepared::new(self.params.params(), &Inputs { as_of, ..*inputs })
            };
            let mut prepared = at(sessions.end - 1)?;
            let mut end = sessions.end;
            let first = at(start)?;
            if first.basis != prepared.basis {
                let (mut same, mut other) = (start, sessions.end - 1);
                while other - same > 1 {
                    let mid = same.midpoint(other);
                    if at(mid)?.basis == first.basis { same = mid } else { other = mid }
                }
                prepared = at(same)?;
                end = same + 1;
            }
            let block = Block::fit(&self.params, &prepared, refit)?;
            for judged in block.run(&self.params, &prepared, start..end)? {
                let as_of = prepared.dates[judged.session];
                let known = &prepared.dates[..=judged.session];
                let vix = self.vix_evidence(&Inputs { as_of, ..*inputs }, known)?;
                out.push(estimate(&prepared, &block, &judged, vix));
            }
            start = end;
        }
        Ok(())
    }

    /// Applies the missing-data policy, then the rule over all sessions with a VIX.
    fn vix_evidence(
        &self,
        inputs: &Inputs<'_>,
        sessions: &[NaiveDate],
    ) -> Result<VixEvidence, Error> {
        let params = self.params.params();
        let as_of = inputs.as_of;
        let vix = inputs.vix.map(|vix| vix.up_to("VIX", as_of, true)).transpose()?;
        let last = vix.and_then(|v| v.dates.last().copied());
        let (Some(vix), true) = (vix, last == Some(as_of)) else {
            return match params.vix_missing {
                VixPolicy::Refuse => Err(Error::VixMissing { as_of, last }),
                VixPolicy::CarryOn => Ok(VixEvidence::Missing { last }),
            };
        };
        let recent = &sessions[sessions.len().saturating_sub(VIX_SESSIONS)..];
        let have = recent.iter().filter(|&&d| vix.on(d).is_some()).count();
        if have < VIX_SESSIONS {
            return match params.vix_missing {
                VixPolicy::Refuse => Err(Error::VixGap { as_of, have, need: VIX_SESSIONS }),
                VixPolicy::CarryOn => Ok(VixEvidence::Missing { last }),
            };
        }
        let reading = read_vix(VixRule::new(params.vix.clone())?, vix, sessions);
        Ok(reading.map_or(VixEvidence::Missing { last }, VixEvidence::Read))
    }
}

/// Sessions the shock rule looks at: three back and the one judged.
const VIX_SESSIONS: usize = 4;

/// Runs the rule over all sessions since the VIX starts.
fn read_vix(mut rule: VixRule, vix: Series<'_>, sessions: &[NaiveDate]) -> Option<VixReading> {
    let first = vix.dates.first()?;
    let from = sessions.partition_point(|d| d < first);
    let mut reading = None;
    let mut row = 0;
    for &session in &sessions[from..] {
        while vix.dates.get(row).is_some_and(|&d| d < session) {
            row += 1;
        }
        let close = vix.dates.get(row).filter(|&&d| d == session).map(|_| vix.values[row]);
        reading = rule.push(close);
    }
    reading
}

fn estimate(
    prepared: &Prepared<'_>,
    block: &Block,
    judged: &Judged,
    vix: VixEvidence,
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
        decided_by,
    };
    RegimeEstimate {
        as_of: prepared.dates[judged.session],
        regime: if shocked { Regime::Crash } else { judged.regime },
        evidence,
    }
}

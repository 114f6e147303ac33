//! What the shock rule says on every session, in one pass.

use chrono::NaiveDate;

use super::evidence::VixEvidence;
use super::inputs::Inputs;
use super::params::{DetectorParams, VixPolicy};
use crate::{Error, VixReading, VixRule};

/// Sessions the shock rule's rises look at: three back and the one judged.
const RISE_SESSIONS: usize = 4;

/// The rule run over all sessions since the VIX starts; the entry of a session depends on closes
/// up to it.
#[derive(Debug)]
pub(crate) struct VixTrack<'a> {
    sessions: &'a [NaiveDate],
    policy: VixPolicy,
    /// Dates of the VIX up to the last session.
    dates: &'a [NaiveDate],
    /// What the rule says; `None` where the session has no close.
    readings: Vec<Option<VixReading>>,
    /// Sessions without a close before each session.
    unseen: Vec<usize>,
    /// Sessions, the one judged included, that decide whether a shock is in force.
    window: usize,
}

impl<'a> VixTrack<'a> {
    /// Checks the VIX up to the last of `sessions` and runs the rule over it.
    pub(crate) fn new(
        params: &DetectorParams,
        inputs: &Inputs<'a>,
        sessions: &'a [NaiveDate],
    ) -> Result<Self, Error> {
        let vix = inputs.vix.map(|vix| vix.up_to("VIX", inputs.as_of, true)).transpose()?;
        let (dates, values) = vix.map_or((&[][..], &[][..]), |vix| (vix.dates, vix.values));
        let from = dates.first().map_or(sessions.len(), |f| sessions.partition_point(|d| d < f));
        let mut rule = VixRule::new(params.vix.clone())?;
        let mut readings = vec![None; from];
        let mut row = 0;
        for &session in &sessions[from..] {
            while dates.get(row).is_some_and(|&d| d < session) {
                row += 1;
            }
            let close = dates.get(row).filter(|&&d| d == session).map(|_| values[row]);
            readings.push(rule.push(close)?);
        }
        let mut unseen = vec![0];
        let mut holes = 0;
        for reading in &readings {
            holes += usize::from(reading.is_none());
            unseen.push(holes);
        }
        // A trigger holds for `hold_max` sessions, its own included, and compares with the close
        // three sessions before.
        let hold = usize::try_from(params.vix.hold_max).unwrap_or(usize::MAX);
        let window = hold.saturating_add(RISE_SESSIONS - 1);
        Ok(Self { sessions, policy: params.vix_missing, dates, readings, unseen, window })
    }

    /// What is known on a session, and how many sessions of the hold window have no close.
    ///
    /// Under the policy to refuse, a VIX that is missing on the session or one of the three before,
    /// or that starts inside the hold window, is an error: a shock before its first row may still be
    /// in force. A session without a close later in the window is counted and no more.
    pub(crate) fn on(&self, session: usize) -> Result<(VixEvidence, usize), Error> {
        let as_of = self.sessions[session];
        let last = self.dates[..self.dates.partition_point(|d| *d <= as_of)].last().copied();
        let unseen = self.missing(session, self.window);
        let missing = |error| match self.policy {
            VixPolicy::Refuse => Err(error),
            VixPolicy::CarryOn => Ok((VixEvidence::Missing { last }, unseen)),
        };
        if last != Some(as_of) {
            return missing(Error::VixMissing { as_of, last });
        }
        let gap = |need| Error::VixGap { as_of, have: need - self.missing(session, need), need };
        let (0, Some(reading)) = (self.missing(session, RISE_SESSIONS), self.readings[session])
        else {
            return missing(gap(RISE_SESSIONS));
        };
        let start = (session + 1).saturating_sub(self.window);
        let covered = self.dates.first().is_some_and(|first| *first <= self.sessions[start]);
        if !covered && self.policy == VixPolicy::Refuse {
            return Err(gap(self.window));
        }
        Ok((VixEvidence::Read(reading), unseen))
    }

    /// Sessions without a close among the last `count` up to one.
    fn missing(&self, session: usize, count: usize) -> usize {
        self.unseen[session + 1] - self.unseen[(session + 1).saturating_sub(count)]
    }
}

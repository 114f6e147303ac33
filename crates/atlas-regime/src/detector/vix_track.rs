//! What the shock rule says, session by session.

use std::collections::VecDeque;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::evidence::VixEvidence;
use super::newest::Newest;
use super::params::{DetectorParams, VixPolicy};
use super::session::Dated;
use crate::{Error, VixParams, VixReading, VixRule};

/// Sessions the shock rule's rises look at: three back and the one judged.
const RISE_SESSIONS: usize = 4;

/// The rule run over all sessions since the VIX starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct VixTrack {
    rule: VixRule,
    newest: Newest,
    /// What the rule says about the last session; `None` where that has no close.
    reading: Option<VixReading>,
    /// The last sessions that decide whether a shock is in force, and whether they have a close.
    window: VecDeque<(NaiveDate, bool)>,
}

impl VixTrack {
    pub(crate) fn new(params: &VixParams) -> Result<Self, Error> {
        Ok(Self {
            rule: VixRule::new(params.clone().check()?),
            newest: Newest::default(),
            reading: None,
            window: VecDeque::new(),
        })
    }

    /// The newest close after a session's, checked.
    pub(crate) fn newest(
        &self,
        session: NaiveDate,
        row: usize,
        vix: Option<Dated>,
    ) -> Result<Newest, Error> {
        self.newest.updated("VIX", session, row, vix, true)
    }

    /// Takes a session in with what [`newest`](Self::newest) gave for it.
    pub(crate) fn push(
        &mut self,
        params: &VixParams,
        session: NaiveDate,
        newest: Newest,
    ) -> Result<(), Error> {
        self.newest = newest;
        self.reading = None;
        if newest.first.is_some() {
            let close = newest.value.filter(|vix| vix.date == session).map(|vix| vix.value);
            self.reading = self.rule.push(close)?;
        }
        if self.window.len() == window(params) {
            self.window.pop_front();
        }
        self.window.push_back((session, self.reading.is_some()));
        Ok(())
    }

    /// What is known on the last session, and how many sessions of the hold window have no close.
    ///
    /// Under the policy to refuse, a VIX that is missing on the session or one of the three before,
    /// or that starts inside the hold window, is an error: a shock before its first row may still
    /// be in force. A session without a close later in the window is counted and no more. Under the
    /// policy to carry on, a shock in force outlasts sessions without a close, and a rise is judged
    /// wherever the close it compares with is there.
    pub(crate) fn judge(
        &self,
        params: &DetectorParams,
        as_of: NaiveDate,
    ) -> Result<(VixEvidence, usize), Error> {
        let last = self.newest.value.map(|vix| vix.date);
        let unseen = self.missing(self.window.len());
        let missing = |error| match params.vix_missing {
            VixPolicy::Refuse => Err(error),
            VixPolicy::CarryOn => {
                Ok((VixEvidence::Missing { last, shock: self.rule.shock() }, unseen))
            }
        };
        if last != Some(as_of) {
            return missing(Error::VixMissing { as_of, last });
        }
        let gap = |need| Error::VixGap { as_of, have: need - self.missing(need), need };
        let Some(reading) = self.reading else { return missing(gap(RISE_SESSIONS)) };
        if self.missing(RISE_SESSIONS) > 0 && params.vix_missing == VixPolicy::Refuse {
            return Err(gap(RISE_SESSIONS));
        }
        let start = self.window.front().map(|(session, _)| *session);
        let covered = self.newest.first <= start;
        if !covered && params.vix_missing == VixPolicy::Refuse {
            return Err(gap(window(&params.vix)));
        }
        Ok((VixEvidence::Read(reading), unseen))
    }

    /// Sessions without a close among the last `count`.
    fn missing(&self, count: usize) -> usize {
        self.window.iter().rev().take(count).filter(|(_, seen)| !seen).count()
    }

    /// Refuses what `sessions` sessions, the last of them `last`, cannot have led to.
    pub(crate) fn check(
        &self,
        params: &VixParams,
        sessions: usize,
        last: Option<NaiveDate>,
    ) -> Result<(), Error> {
        self.rule.check(params)?;
        self.newest.check("VIX", last, true)?;
        let (found, expected) = (self.window.len(), sessions.min(window(params)));
        if found != expected {
            return Err(Error::Shape { what: "the window of the shock rule", found, expected });
        }
        let pairs = self.window.iter().zip(self.window.iter().skip(1));
        for (row, ((previous, _), (date, _))) in pairs.enumerate() {
            if previous >= date {
                let (previous, date) = (*previous, *date);
                let series = "VIX";
                return Err(Error::DatesNotIncreasing { series, row, previous, date });
            }
        }
        let end = self.window.back().copied();
        let seen = end.is_some_and(|(_, seen)| seen);
        let close = self.newest.value.filter(|vix| Some(vix.date) == last).map(|vix| vix.value);
        let read = self.reading.map(|reading| reading.close);
        let same = close.map(f64::to_bits) == read.map(f64::to_bits);
        if end.map(|(date, _)| date) != last || seen != read.is_some() || !same {
            let value = format!("{:?}", self.reading);
            return Err(Error::Parameter { name: "reading", value, rule: "of the last session" });
        }
        Ok(())
    }
}

/// Sessions, the one judged included, that decide whether a shock is in force: a trigger holds for
/// `hold_max` sessions, its own included, and compares with the close three sessions before.
fn window(params: &VixParams) -> usize {
    let hold = usize::try_from(params.hold_max).unwrap_or(usize::MAX);
    hold.saturating_add(RISE_SESSIONS - 1)
}

//! What returns are measured against, session by session.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::evidence::ReturnBasis;
use super::newest::Newest;
use super::session::Dated;
use crate::rates::{RATE_CARRY_DAYS_MAX, interest_between};
use crate::{Error, RateQuote};

/// The rate known on the last session and the one before, and what is wrong with it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct RateTrack {
    newest: Newest,
    /// The session a rate was first known on.
    known_from: Option<NaiveDate>,
    /// The rate known on the session before the last, which the last one's return is measured by.
    before: Option<Dated>,
    /// That session.
    session_before: Option<NaiveDate>,
    /// First session whose interest no rate is known for, and the last rate before it.
    gap: Option<(NaiveDate, NaiveDate)>,
}

impl RateTrack {
    /// Takes a session's rate in, `index` being the first session; gives the track after it and
    /// the interest accrued since the session before, `None` where there is none to be had.
    pub(crate) fn next(
        self,
        quote: RateQuote,
        index: NaiveDate,
        last: Option<NaiveDate>,
        session: NaiveDate,
        (row, rate): (usize, Option<Dated>),
    ) -> Result<(Self, Option<f64>), Error> {
        let newest = self.newest.updated("rate", session, row, rate, false)?;
        if let Some(Dated { date, value }) = rate
            && !quote.bond_equivalent_pct(value).is_finite()
        {
            return Err(Error::BadValue { series: "rate", row, date, value });
        }
        let known_from = self.known_from.or(newest.value.map(|_| session));
        let Some(last) = last else { return Ok((Self { newest, known_from, ..self }, None)) };
        let before = self.newest.value;
        let session_before = Some(last);
        let mut next = Self { newest, known_from, before, session_before, gap: self.gap };
        let Some(rate) = before else { return Ok((next, None)) };
        if too_old(rate.date, last) && next.gap.is_none() {
            next.gap = Some((session, rate.date));
        }
        let usable = next.gap.is_none() && !next.starts_late(index);
        let interest = || interest_between(quote, rate.value, last, session);
        Ok((next, usable.then(interest)))
    }

    /// What the last session's returns are measured against.
    ///
    /// # Errors
    /// [`Error::RateStartsLate`] and [`Error::RateGap`] for a rate that is known on the session
    /// but not on all before.
    pub(crate) fn basis(&self, index: NaiveDate) -> Result<ReturnBasis, Error> {
        let (Some(rate), Some(session)) = (self.before, self.session_before) else {
            return Ok(ReturnBasis::RawNoRate);
        };
        if too_old(rate.date, session) {
            return Ok(ReturnBasis::RawRateEnded { last: rate.date });
        }
        if let Some(known) = self.known_from.filter(|known| *known > index) {
            let rate = self.newest.first.filter(|first| *first > index).unwrap_or(known);
            return Err(Error::RateStartsLate { rate, index });
        }
        match self.gap {
            Some((session, last)) => {
                Err(Error::RateGap { session, last, days: RATE_CARRY_DAYS_MAX })
            }
            None => Ok(ReturnBasis::Excess),
        }
    }

    /// Whether excess returns are known up to the last session.
    pub(crate) fn covers(&self, index: NaiveDate) -> bool {
        self.before.is_some() && self.gap.is_none() && !self.starts_late(index)
    }

    /// Whether the first rate was known after the first session.
    fn starts_late(&self, index: NaiveDate) -> bool {
        self.known_from.is_some_and(|known| known > index)
    }

    /// Refuses what sessions up to `last` cannot have led to.
    pub(crate) fn check(&self, last: Option<NaiveDate>) -> Result<(), Error> {
        self.newest.check("rate", last, false)?;
        if self.known_from.is_some() != self.newest.value.is_some() || self.known_from > last {
            let value = format!("{:?}", self.known_from);
            return Err(Error::Parameter { name: "known_from", value, rule: "a session before" });
        }
        let first = self.before.and(self.newest.first);
        Newest { first, value: self.before }.check("rate", self.session_before, false)?;
        match (self.session_before, last) {
            (Some(session), last) if last.is_none_or(|last| session >= last) => {
                Err(Error::OutOfOrder { session: last.unwrap_or(session), previous: session })
            }
            _ => Ok(()),
        }
    }
}

/// Whether a rate may no longer be carried.
fn too_old(last: NaiveDate, date: NaiveDate) -> bool {
    date.signed_duration_since(last).num_days() > i64::from(RATE_CARRY_DAYS_MAX)
}

//! The newest value of a side series.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::session::Dated;
use crate::Error;

/// The newest value known, and when the first one was.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Newest {
    /// Date of the first value.
    pub(crate) first: Option<NaiveDate>,
    /// The newest value.
    pub(crate) value: Option<Dated>,
}

impl Newest {
    /// With a value that may be new on a session; `row` is the session's number.
    ///
    /// # Errors
    /// [`Error::FromTheFuture`] for a date after the session, [`Error::DatesNotIncreasing`] for
    /// one before the value known or another value for the same date, [`Error::BadValue`] for a
    /// number that is not finite, or not positive where asked.
    pub(crate) fn updated(
        self,
        series: &'static str,
        session: NaiveDate,
        row: usize,
        new: Option<Dated>,
        positive: bool,
    ) -> Result<Self, Error> {
        let Some(new) = new else { return Ok(self) };
        let Dated { date, value } = new;
        if !value.is_finite() || (positive && value <= 0.0) {
            return Err(Error::BadValue { series, row, date, value });
        }
        if date > session {
            return Err(Error::FromTheFuture { series, date, session });
        }
        if let Some(known) = self.value {
            let same = known.date == date && known.value.to_bits() == value.to_bits();
            if !same && date <= known.date {
                let previous = known.date;
                return Err(Error::DatesNotIncreasing { series, row, previous, date });
            }
        }
        Ok(Self { first: self.first.or(Some(date)), value: Some(new) })
    }

    /// Refuses what values up to a session cannot have led to.
    pub(crate) fn check(
        &self,
        series: &'static str,
        last: Option<NaiveDate>,
        positive: bool,
    ) -> Result<(), Error> {
        let (Some(first), Some(Dated { date, value }), Some(last)) = (self.first, self.value, last)
        else {
            return match (self.first, self.value) {
                (None, None) => Ok(()),
                _ => Err(Error::TooFewRows { what: "a side series", have: 0, need: 1 }),
            };
        };
        if !value.is_finite() || (positive && value <= 0.0) {
            return Err(Error::BadValue { series, row: 0, date, value });
        }
        if date > last {
            return Err(Error::FromTheFuture { series, date, session: last });
        }
        if first > date {
            return Err(Error::DatesNotIncreasing { series, row: 0, previous: first, date });
        }
        Ok(())
    }
}

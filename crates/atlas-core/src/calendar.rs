//! The NYSE trading calendar, 1990 to 2030: sessions, half days, exchange time.
//!
//! Sessions follow from rules and a short table of unscheduled closures (module `closures`), so
//! there is no data file to load and nothing to keep up to date at run time.
//! Years after the release of this version are rules, not announcements.
//!
//! Four sessions were shortened or opened late on the day itself and are listed here with their
//! regular hours, as published calendars do: 1994-02-11 (closed 14:30), 1996-01-08 (11:00 to
//! 14:00), 1997-10-27 (closed 15:30) and 2005-06-01 (closed 15:56, all New York time).
//!
//! ```
//! use atlas_core::calendar::Calendar;
//! use chrono::NaiveDate;
//!
//! let nyse = Calendar::nyse();
//! let date = NaiveDate::from_ymd_opt(2018, 12, 24).unwrap();
//! let session = nyse.session(date)?;
//! assert!(session.early_close);
//! assert_eq!(session.close.to_rfc3339(), "2018-12-24T18:00:00+00:00");
//!
//! // 2018-12-25 is Christmas Day.
//! assert_eq!(nyse.next_session(date)?.date.to_string(), "2018-12-26");
//! # Ok::<(), atlas_core::Error>(())
//! ```

use std::sync::LazyLock;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use serde::{Deserialize, Serialize};

use crate::Error;

mod closures;
mod eastern;

pub use eastern::{eastern_offset, from_eastern, to_eastern};

/// The trading calendar of an exchange; at present that of the New York Stock Exchange.
///
/// Free to copy, holds no state; every question is answered from rules.
///
/// # Examples
///
/// ```
/// use atlas_core::calendar::Calendar;
/// use chrono::NaiveDate;
///
/// let nyse = Calendar::nyse();
/// let holiday = NaiveDate::from_ymd_opt(2019, 1, 1).unwrap();
/// assert!(!nyse.is_session(holiday)?);
/// assert_eq!(
///     nyse.session(holiday).unwrap_err().to_string(),
///     "2019-01-01 is not a trading session (New Year's Day): \
///      the session before it is 2018-12-31"
/// );
/// # Ok::<(), atlas_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calendar(());

/// One trading day: its date and the instants at which the exchange opens and closes.
///
/// # Examples
///
/// ```
/// use atlas_core::calendar::Calendar;
/// use chrono::NaiveDate;
///
/// let date = NaiveDate::from_ymd_opt(2019, 1, 2).unwrap();
/// let session = Calendar::nyse().session(date)?;
/// assert_eq!((session.close - session.open).num_minutes(), 390);
/// assert!(session.is_open_at(session.open));
/// assert!(!session.is_open_at(session.close));
/// # Ok::<(), atlas_core::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Session {
    /// The trading day, in New York.
    pub date: NaiveDate,
    /// Start of regular trading: 09:30 in New York.
    pub open: DateTime<Utc>,
    /// End of regular trading: 16:00 in New York, on half days 13:00 (14:00 until 1992).
    pub close: DateTime<Utc>,
    /// Whether the exchange closes before 16:00 by plan.
    pub early_close: bool,
}

impl Session {
    /// Whether regular trading goes on at `instant`: from the open, up to but without the close.
    #[must_use]
    pub fn is_open_at(&self, instant: DateTime<Utc>) -> bool {
        self.open <= instant && instant < self.close
    }
}

impl Calendar {
    /// First date covered, itself a session.
    pub const FIRST: NaiveDate = NaiveDate::from_ymd_opt(1990, 1, 2).expect("a date");
    /// Last date covered, itself a session.
    pub const LAST: NaiveDate = NaiveDate::from_ymd_opt(2030, 12, 31).expect("a date");

    /// The calendar of the New York Stock Exchange.
    #[must_use]
    pub const fn nyse() -> Self {
        Self(())
    }

    /// Whether the exchange trades on `date`.
    ///
    /// # Errors
    /// [`Error::CalendarRange`] before [`FIRST`](Self::FIRST) or after [`LAST`](Self::LAST).
    pub fn is_session(self, date: NaiveDate) -> Result<bool, Error> {
        Ok(self.closure(date)?.is_none())
    }

    /// Why the exchange is closed on `date`: a day of the weekend, the name of a holiday or of
    /// an unscheduled closure; `None` for a session.
    ///
    /// # Errors
    /// [`Error::CalendarRange`] before [`FIRST`](Self::FIRST) or after [`LAST`](Self::LAST).
    ///
    /// # Examples
    ///
    /// ```
    /// use atlas_core::calendar::Calendar;
    /// use chrono::NaiveDate;
    ///
    /// let date = NaiveDate::from_ymd_opt(2012, 10, 29).unwrap();
    /// assert_eq!(Calendar::nyse().closure(date)?, Some("Hurricane Sandy"));
    /// # Ok::<(), atlas_core::Error>(())
    /// ```
    pub fn closure(self, date: NaiveDate) -> Result<Option<&'static str>, Error> {
        within_range(date)?;
        Ok(closures::reason(date))
    }

    /// The session of `date`.
    ///
    /// # Errors
    /// - [`Error::NotASession`] on a day without trading; it names the reason and the session
    ///   before.
    /// - [`Error::CalendarRange`] before [`FIRST`](Self::FIRST) or after [`LAST`](Self::LAST).
    pub fn session(self, date: NaiveDate) -> Result<Session, Error> {
        match self.closure(date)? {
            None => Ok(session_of(date)),
            Some(reason) => Err(Error::NotASession {
                date,
                reason,
                previous: self.previous_session(date)?.date,
            }),
        }
    }

    /// The first session strictly after `date`, which need not be a session itself.
    ///
    /// # Errors
    /// [`Error::CalendarRange`] when `date` or the next session is outside of the calendar.
    pub fn next_session(self, date: NaiveDate) -> Result<Session, Error> {
        within_range(date)?;
        let mut day = date;
        loop {
            day = within_range(day.succ_opt().unwrap_or(NaiveDate::MAX))?;
            if closures::reason(day).is_none() {
                return Ok(session_of(day));
            }
        }
    }

    /// The last session strictly before `date`, which need not be a session itself.
    ///
    /// # Errors
    /// [`Error::CalendarRange`] when `date` or the previous session is outside of the calendar.
    pub fn previous_session(self, date: NaiveDate) -> Result<Session, Error> {
        within_range(date)?;
        let mut day = date;
        loop {
            day = within_range(day.pred_opt().unwrap_or(NaiveDate::MIN))?;
            if closures::reason(day).is_none() {
                return Ok(session_of(day));
            }
        }
    }

    /// The sessions from `from` to `to`, both included, in order; none when `from` is after `to`.
    ///
    /// # Errors
    /// [`Error::CalendarRange`] when either date is outside of the calendar.
    ///
    /// # Examples
    ///
    /// ```
    /// use atlas_core::calendar::Calendar;
    /// use chrono::NaiveDate;
    ///
    /// let from = NaiveDate::from_ymd_opt(2001, 9, 8).unwrap();
    /// let to = NaiveDate::from_ymd_opt(2001, 9, 18).unwrap();
    /// let days: Vec<String> =
    ///     Calendar::nyse().sessions(from, to)?.map(|s| s.date.to_string()).collect();
    /// assert_eq!(days, ["2001-09-10", "2001-09-17", "2001-09-18"]);
    /// # Ok::<(), atlas_core::Error>(())
    /// ```
    pub fn sessions(self, from: NaiveDate, to: NaiveDate) -> Result<Sessions, Error> {
        Ok(Sessions { next: within_range(from)?, last: within_range(to)? })
    }

    /// The number of sessions after `from` up to and including `to`: how many sessions have
    /// passed since `from`. Zero when `to` is not after `from`.
    ///
    /// # Errors
    /// [`Error::CalendarRange`] when either date is outside of the calendar.
    ///
    /// # Examples
    ///
    /// ```
    /// use atlas_core::calendar::Calendar;
    /// use chrono::NaiveDate;
    ///
    /// let friday = NaiveDate::from_ymd_opt(2024, 3, 1).unwrap();
    /// let monday = NaiveDate::from_ymd_opt(2024, 3, 4).unwrap();
    /// assert_eq!(Calendar::nyse().sessions_between(friday, monday)?, 1);
    /// assert_eq!(Calendar::nyse().sessions_between(monday, friday)?, 0);
    /// # Ok::<(), atlas_core::Error>(())
    /// ```
    pub fn sessions_between(self, from: NaiveDate, to: NaiveDate) -> Result<usize, Error> {
        let (before, upto) = (sessions_until(from)?, sessions_until(to)?);
        Ok(usize::from(upto.saturating_sub(before)))
    }

    /// The absolute number of the session of `date`: 0 on 1990-01-02, one more each session.
    ///
    /// What happens every n sessions is hung on this number, so that two runs that started on
    /// different days do it on the same dates.
    ///
    /// # Errors
    /// As [`session`](Self::session).
    pub fn session_number(self, date: NaiveDate) -> Result<usize, Error> {
        self.session(date)?;
        Ok(usize::from(sessions_until(date)?.saturating_sub(1)))
    }

    /// The last session whose close is at or before `instant`: the newest one of which a daily
    /// bar can exist.
    ///
    /// # Errors
    /// [`Error::CalendarRange`] when there is none in the calendar, or `instant` is outside.
    ///
    /// # Examples
    ///
    /// ```
    /// use atlas_core::calendar::Calendar;
    /// use chrono::NaiveDate;
    ///
    /// let nyse = Calendar::nyse();
    /// let wednesday = nyse.session(NaiveDate::from_ymd_opt(2019, 1, 2).unwrap())?;
    /// assert_eq!(nyse.last_closed(wednesday.close)?, wednesday);
    /// assert_eq!(nyse.last_closed(wednesday.open)?.date.to_string(), "2018-12-31");
    /// # Ok::<(), atlas_core::Error>(())
    /// ```
    pub fn last_closed(self, instant: DateTime<Utc>) -> Result<Session, Error> {
        let date = to_eastern(instant)?.date_naive();
        if self.is_session(date)? {
            let session = session_of(date);
            if session.close <= instant {
                return Ok(session);
            }
        }
        self.previous_session(date)
    }

    /// The trading day an instant belongs to: the date in New York if the exchange trades on it,
    /// else the last session's before it. A new one begins at midnight in New York, never on a
    /// weekend or a holiday.
    ///
    /// # Errors
    /// [`Error::CalendarRange`] when there is none in the calendar, or `instant` is outside.
    ///
    /// # Examples
    ///
    /// ```
    /// use atlas_core::calendar::Calendar;
    /// use chrono::{DateTime, Utc};
    ///
    /// // Eight in the evening of a Friday in New York, which is Saturday in UTC; then Sunday.
    /// for instant in ["2019-01-05T01:00:00Z", "2019-01-06T18:00:00Z"] {
    ///     let instant: DateTime<Utc> = instant.parse().unwrap();
    ///     assert_eq!(Calendar::nyse().trading_day(instant)?.to_string(), "2019-01-04");
    /// }
    /// # Ok::<(), atlas_core::Error>(())
    /// ```
    pub fn trading_day(self, instant: DateTime<Utc>) -> Result<NaiveDate, Error> {
        let date = to_eastern(instant)?.date_naive();
        if self.is_session(date)? {
            return Ok(date);
        }
        Ok(self.previous_session(date)?.date)
    }

    /// The session in which regular trading goes on at `instant`, if there is one.
    ///
    /// # Errors
    /// [`Error::CalendarRange`] when the New York date of `instant` is outside of the calendar.
    ///
    /// # Examples
    ///
    /// ```
    /// use atlas_core::calendar::Calendar;
    /// use chrono::{DateTime, Utc};
    ///
    /// let noon: DateTime<Utc> = "2019-01-02T17:00:00Z".parse().unwrap();
    /// let night: DateTime<Utc> = "2019-01-03T03:00:00Z".parse().unwrap();
    /// assert!(Calendar::nyse().session_at(noon)?.is_some());
    /// assert!(Calendar::nyse().session_at(night)?.is_none());
    /// # Ok::<(), atlas_core::Error>(())
    /// ```
    pub fn session_at(self, instant: DateTime<Utc>) -> Result<Option<Session>, Error> {
        let date = to_eastern(instant)?.date_naive();
        if !self.is_session(date)? {
            return Ok(None);
        }
        Ok(Some(session_of(date)).filter(|session| session.is_open_at(instant)))
    }
}

/// The sessions of a range of dates in order; made by [`Calendar::sessions`].
#[derive(Debug, Clone)]
pub struct Sessions {
    /// The date to look at next.
    next: NaiveDate,
    /// The last date to look at, inside of the calendar.
    last: NaiveDate,
}

impl Iterator for Sessions {
    type Item = Session;

    fn next(&mut self) -> Option<Session> {
        while self.next <= self.last {
            let date = self.next;
            self.next = date.succ_opt()?;
            if closures::reason(date).is_none() {
                return Some(session_of(date));
            }
        }
        None
    }
}

impl std::iter::FusedIterator for Sessions {}

/// `date` when the calendar covers it.
fn within_range(date: NaiveDate) -> Result<NaiveDate, Error> {
    if (Calendar::FIRST..=Calendar::LAST).contains(&date) {
        return Ok(date);
    }
    Err(Error::CalendarRange { date, first: Calendar::FIRST, last: Calendar::LAST })
}

/// The session of a date that is known to be one.
fn session_of(date: NaiveDate) -> Session {
    let close = closures::close(date);
    Session {
        date,
        open: eastern::session_instant(date, OPEN),
        close: eastern::session_instant(date, close),
        early_close: close < closures::REGULAR_CLOSE,
    }
}

/// The number of sessions from [`Calendar::FIRST`] up to and including `date`.
fn sessions_until(date: NaiveDate) -> Result<u16, Error> {
    /// For each day of the calendar the sessions up to and including it.
    static COUNTS: LazyLock<Vec<u16>> = LazyLock::new(|| {
        let mut count = 0;
        Calendar::FIRST
            .iter_days()
            .take_while(|day| *day <= Calendar::LAST)
            .map(|day| {
                count += u16::from(closures::reason(day).is_none());
                count
            })
            .collect()
    });
    let days = (within_range(date)? - Calendar::FIRST).num_days();
    let count = usize::try_from(days).ok().and_then(|day| COUNTS.get(day));
    count.copied().ok_or(Error::CalendarRange {
        date,
        first: Calendar::FIRST,
        last: Calendar::LAST,
    })
}

/// Start of regular trading in New York, in all the years of the calendar.
const OPEN: NaiveTime = NaiveTime::from_hms_opt(9, 30, 0).expect("a time");

#[cfg(test)]
mod tests;

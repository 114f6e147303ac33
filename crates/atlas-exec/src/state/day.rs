//! The trading day as the journal sees it: what it began with, and what was traded in it.

use std::collections::BTreeMap;

use atlas_core::calendar::{Calendar, from_eastern};
use atlas_core::time::Timestamp;
use atlas_core::{Error, Fill, Qty, Symbol, Usd};
use chrono::{Days, NaiveDate, NaiveTime};

use super::{Owner, State};
use crate::day::{BreakerSeen, DayClosed};

/// What a trading day began with, and what was traded in it up to now.
///
/// It is replaced by the first record of another trading day and by nothing else, so a restart
/// within a day forgets neither its limits nor its counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayMarks {
    /// The trading day.
    pub day: NaiveDate,
    /// The first instant that may be of another one: midnight in New York.
    until: Timestamp,
    /// Cash by the books when it began.
    pub cash: Usd,
    /// Realised gains less losses since the baseline, when it began.
    pub realised: Usd,
    /// Fees since the baseline, when it began; negative for what was paid.
    pub fees: Usd,
    /// Owned shares by symbol when it began.
    pub owned: BTreeMap<Symbol, Qty>,
    /// Executions of Atlas's orders in it.
    pub fills: u32,
    /// Dollars Atlas traded in it.
    pub traded: Usd,
    /// Whether the broker posted fees in it, such as those of the day before.
    pub posted: bool,
    /// Whether the circuit breaker opened in it.
    pub breaker: BreakerSeen,
}

/// The trading day of an instant; outside of the calendar its UTC date.
#[must_use]
pub fn trading_day(at: Timestamp) -> NaiveDate {
    Calendar::nyse().trading_day(at).unwrap_or_else(|_| at.date_naive())
}

/// Midnight in New York after an instant; outside of the calendar a day later.
fn midnight_after(at: Timestamp) -> Timestamp {
    let next = atlas_core::calendar::to_eastern(at).ok().and_then(|local| {
        let date = local.date_naive().checked_add_days(Days::new(1))?;
        from_eastern(date, NaiveTime::MIN).ok()
    });
    next.unwrap_or(at + Days::new(1))
}

impl State {
    /// What the current trading day began with; `None` before the first record.
    #[must_use]
    pub const fn day(&self) -> Option<&DayMarks> {
        self.day.as_ref()
    }

    /// What a trading day began with and what was traded in it; known of the current one and of
    /// the one with records before it.
    #[must_use]
    pub fn marks_of(&self, day: NaiveDate) -> Option<&DayMarks> {
        self.day.iter().chain(&self.day_before).find(|marks| marks.day == day)
    }

    /// Every trading day that was closed, by date.
    #[must_use]
    pub const fn days(&self) -> &BTreeMap<NaiveDate, DayClosed> {
        &self.days
    }

    /// Takes the marks of a new trading day with its first record.
    pub(super) fn begin_day(&mut self, at: Timestamp) {
        if self.day.as_ref().is_some_and(|marks| at < marks.until) {
            return;
        }
        let (day, until) = (trading_day(at), midnight_after(at));
        match &mut self.day {
            // A weekend goes on with the day before it.
            Some(marks) if marks.day == day => marks.until = until,
            marks => {
                self.day_before = marks.take();
                *marks = Some(DayMarks {
                    day,
                    until,
                    cash: self.books.cash(),
                    realised: self.books.realised(),
                    fees: self.books.fees(),
                    owned: self.books.all_owned(),
                    fills: 0,
                    traded: Usd::ZERO,
                    posted: false,
                    breaker: BreakerSeen::NotObserved,
                });
            }
        }
    }

    pub(super) fn count_fill(&mut self, fill: &Fill, owner: Owner) -> Result<(), Error> {
        if let (Some(marks), Owner::Atlas) = (&mut self.day, owner) {
            marks.fills = marks.fills.saturating_add(1);
            marks.traded = marks.traded.checked_add(fill.notional()?)?;
        }
        Ok(())
    }
}

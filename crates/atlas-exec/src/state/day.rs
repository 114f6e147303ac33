//! The trading day as the journal sees it: what it began with, and what was traded in it.

use std::collections::BTreeMap;

use atlas_core::calendar::{Calendar, from_eastern};
use atlas_core::time::Timestamp;
use atlas_core::{Error, Fill, Qty, Symbol, Usd};
use atlas_risk::TradingState;
use chrono::{Days, NaiveDate, NaiveTime};

use super::{Owner, State};
use crate::day::{BreakerSeen, DayClosed};

/// What a trading day began with, and what was traded in it up to now.
///
/// It is replaced by the first record of another trading day and by nothing else, so a restart
/// within a day forgets neither its limits nor its counts. A record stamped by a clock that ran
/// ahead begins a day of its own; the next record goes on with the day it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayMarks {
    /// The trading day.
    pub day: NaiveDate,
    /// Every instant from here on and before `until` is of this day for certain: the hours of a
    /// date in New York that a record fell into.
    from: Timestamp,
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
    /// The strictest state the account was in.
    pub strictest: TradingState,
    /// The last step of continuous trading when it began.
    pub engine_step: u64,
}

/// The trading day of an instant; outside of the calendar its UTC date.
#[must_use]
pub fn trading_day(at: Timestamp) -> NaiveDate {
    Calendar::nyse().trading_day(at).unwrap_or_else(|_| at.date_naive())
}

/// Days before the current one whose marks are kept.
const DAYS_KEPT: usize = 8;

/// The date of an instant in New York, from midnight to midnight; outside of the calendar a day
/// from the instant on.
fn hours_of(at: Timestamp) -> (Timestamp, Timestamp) {
    let hours = atlas_core::calendar::to_eastern(at).ok().and_then(|local| {
        let date = local.date_naive();
        let from = from_eastern(date, NaiveTime::MIN).ok()?;
        Some((from, from_eastern(date.checked_add_days(Days::new(1))?, NaiveTime::MIN).ok()?))
    });
    hours.unwrap_or((at, at + Days::new(1)))
}

impl State {
    /// What the current trading day began with; `None` before the first record.
    #[must_use]
    pub const fn day(&self) -> Option<&DayMarks> {
        self.day.as_ref()
    }

    /// What a trading day began with and what was traded in it; known of the current one and of
    /// the few with records before it.
    #[must_use]
    pub fn marks_of(&self, day: NaiveDate) -> Option<&DayMarks> {
        self.day.iter().chain(&self.days_before).find(|marks| marks.day == day)
    }

    /// Executions of Atlas's orders on a trading day, by the orders and the time of each fill.
    #[must_use]
    pub fn fills_on(&self, day: NaiveDate) -> u32 {
        let filled = self.orders.values().flat_map(|tracked| &tracked.fills);
        let count = filled.filter(|fill| trading_day(fill.ts_event) == day).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Every trading day that was closed, by date.
    #[must_use]
    pub const fn days(&self) -> &BTreeMap<NaiveDate, DayClosed> {
        &self.days
    }

    /// Takes the marks of a new trading day with its first record.
    pub(super) fn begin_day(&mut self, at: Timestamp) {
        if self.day.as_ref().is_some_and(|marks| (marks.from..marks.until).contains(&at)) {
            return;
        }
        let day = trading_day(at);
        let (from, until) = hours_of(at);
        match &mut self.day {
            // A weekend goes on with the day before it.
            Some(marks) if marks.day == day => (marks.from, marks.until) = (from, until),
            marks => {
                self.days_before.extend(marks.take());
                // A day that a record of another one interrupted goes on where it was.
                if let Some(at) = self.days_before.iter().position(|marks| marks.day == day) {
                    let again = self.days_before.remove(at);
                    *marks = Some(DayMarks { from, until, ..again });
                    return;
                }
                let surplus = self.days_before.len().saturating_sub(DAYS_KEPT);
                self.days_before.drain(..surplus);
                *marks = Some(DayMarks {
                    day,
                    from,
                    until,
                    cash: self.books.cash(),
                    realised: self.books.realised(),
                    fees: self.books.fees(),
                    owned: self.books.all_owned(),
                    fills: 0,
                    traded: Usd::ZERO,
                    posted: false,
                    breaker: BreakerSeen::NotObserved,
                    strictest: self.trading.state(),
                    engine_step: self.engine_step,
                });
            }
        }
    }

    /// Notes the state the account is in now as one of the day's.
    pub(super) fn mark_strictest(&mut self) {
        let state = self.trading.state();
        if let Some(marks) = &mut self.day {
            marks.strictest = marks.strictest.max(state);
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_ran_ahead_once_merges_no_days() {
        let mut state = State::new();
        let mut begin = |at: &str, fills: u32| {
            state.begin_day(at.parse().unwrap());
            let marks = state.day.as_mut().unwrap();
            marks.fills += fills;
            (marks.day.to_string(), marks.fills)
        };
        assert_eq!(begin("2017-10-02T14:00:00Z", 3), ("2017-10-02".into(), 3));
        assert_eq!(begin("2026-11-20T19:00:00Z", 0), ("2026-11-20".into(), 0));
        // The day goes on where it was, and each later one is counted by itself.
        assert_eq!(begin("2017-10-02T20:00:00Z", 1), ("2017-10-02".into(), 4));
        assert_eq!(begin("2017-10-03T14:00:00Z", 2), ("2017-10-03".into(), 2));
        assert_eq!(begin("2017-11-01T14:00:00Z", 5), ("2017-11-01".into(), 5));
        let told = |day: &str| state.marks_of(day.parse().unwrap()).map(|marks| marks.fills);
        assert_eq!((told("2017-10-02"), told("2017-10-03")), (Some(4), Some(2)));
    }
}

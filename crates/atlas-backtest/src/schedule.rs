//! When to decide.

use atlas_core::calendar::{Calendar, Session};
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::Error;

/// On which sessions to decide: the last of each period, by the exchange calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Every session.
    Daily,
    /// The last session of a week.
    Weekly,
    /// The last session of a month.
    Monthly,
}

/// A decision to come: after the close of one session, for the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) as_of: Session,
    pub(crate) execute_on: Session,
}

impl Schedule {
    /// Whether a session that is followed by `next` is the last of its period.
    #[must_use]
    pub fn ends_period(self, session: NaiveDate, next: NaiveDate) -> bool {
        match self {
            Self::Daily => true,
            Self::Weekly => session.iso_week() != next.iso_week(),
            Self::Monthly => (session.year(), session.month()) != (next.year(), next.month()),
        }
    }

    /// The sessions of a period after whose close is decided, where the next session, in which is
    /// acted, lies in the period too.
    ///
    /// # Errors
    /// [`Error::Core`] outside of the calendar's years.
    ///
    /// # Examples
    /// ```
    /// use atlas_backtest::Schedule;
    ///
    /// let day = |text: &str| text.parse().unwrap();
    /// let ends = Schedule::Monthly.sessions(day("2018-11-15"), day("2019-01-02"))?;
    /// // December's decision acts on the second of January, the last day that counts.
    /// assert_eq!(ends, [day("2018-11-30"), day("2018-12-31")]);
    /// # Ok::<(), atlas_backtest::Error>(())
    /// ```
    pub fn sessions(self, from: NaiveDate, to: NaiveDate) -> Result<Vec<NaiveDate>, Error> {
        Ok(self.slots(from, to, 1)?.into_iter().map(|slot| slot.as_of.date).collect())
    }

    /// Decisions that act `delay` sessions later, within the period and before the next decision.
    pub(crate) fn slots(
        self,
        from: NaiveDate,
        to: NaiveDate,
        delay: usize,
    ) -> Result<Vec<Slot>, Error> {
        let sessions: Vec<Session> = Calendar::nyse().sessions(from, to)?.collect();
        let slots = sessions.windows(delay + 1).filter_map(|part| {
            let [as_of, next, ..] = *part else { return None };
            let execute_on = *part.last()?;
            self.ends_period(as_of.date, next.date).then_some(Slot { as_of, execute_on })
        });
        let slots: Vec<Slot> = slots.collect();
        if slots.windows(2).any(|pair| pair[0].execute_on > pair[1].as_of) {
            return Err(Error::Parameter {
                what: "delay_sessions",
                value: delay.to_string(),
                range: "short enough for each decision to act before the next is made",
            });
        }
        Ok(slots)
    }
}

impl std::fmt::Display for Schedule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(schedule: Schedule, from: &str, to: &str, expected: &[&str]) {
        let found = schedule.sessions(from.parse().unwrap(), to.parse().unwrap()).unwrap();
        let expected: Vec<NaiveDate> = expected.iter().map(|text| text.parse().unwrap()).collect();
        assert_eq!(found, expected, "{schedule} {from} {to}");
    }

    #[test]
    fn the_last_session_of_each_period() {
        check(
            Schedule::Weekly,
            "2018-12-17",
            "2019-01-07",
            &["2018-12-21", "2018-12-28", "2019-01-04"],
        );
        check(Schedule::Monthly, "2018-12-03", "2018-12-31", &[]);
        check(Schedule::Daily, "2018-12-21", "2018-12-26", &["2018-12-21", "2018-12-24"]);
        // A week that straddles the year is one week.
        check(Schedule::Weekly, "2014-12-29", "2015-01-05", &["2015-01-02"]);
    }
}

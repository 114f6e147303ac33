//! When a rebalance is due.

use atlas_core::calendar::Calendar;
use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::Error;

/// How often a portfolio is rebalanced: after the close of the last session of each period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cadence {
    /// Every session.
    Daily,
    /// The last session of each calendar week.
    Weekly,
    /// The last session of each month.
    Monthly,
    /// The last session of March, June, September and December.
    Quarterly,
    /// The last session of June and December.
    SemiAnnual,
}

impl Cadence {
    /// Whether a rebalance is due after the close of `session`. Depends on the date alone, so that
    /// two runs that started on different days rebalance on the same ones.
    ///
    /// # Errors
    /// [`Error::Name`] if `session` is no session of the exchange, or outside of its calendar.
    ///
    /// # Examples
    /// ```
    /// use atlas_strategy::momentum::Cadence;
    ///
    /// // 2018-03-30 was Good Friday.
    /// assert!(Cadence::Quarterly.is_due("2018-03-29".parse()?)?);
    /// assert!(!Cadence::SemiAnnual.is_due("2018-03-29".parse()?)?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_due(self, session: NaiveDate) -> Result<bool, Error> {
        let calendar = Calendar::nyse();
        let today = calendar.session(session)?.date;
        // The calendar's last session ends a year, and with it every period.
        if today == Calendar::LAST {
            return Ok(true);
        }
        let next = calendar.next_session(today)?.date;
        let months = |date: NaiveDate, length: u32| (date.year(), date.month0() / length);
        Ok(match self {
            Self::Daily => true,
            Self::Weekly => next.iso_week() != today.iso_week(),
            Self::Monthly => months(next, 1) != months(today, 1),
            Self::Quarterly => months(next, 3) != months(today, 3),
            Self::SemiAnnual => months(next, 6) != months(today, 6),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due(cadence: Cadence, from: &str, to: &str) -> Vec<String> {
        let sessions = Calendar::nyse().sessions(from.parse().unwrap(), to.parse().unwrap());
        let dates = sessions.unwrap().map(|session| session.date);
        dates.filter(|date| cadence.is_due(*date).unwrap()).map(|date| date.to_string()).collect()
    }

    #[test]
    fn periods_end_with_their_last_session() {
        // Good Friday on the 30th of March, Memorial Day on the 28th of May.
        assert_eq!(
            due(Cadence::Weekly, "2018-03-19", "2018-04-13"),
            ["2018-03-23", "2018-03-29", "2018-04-06", "2018-04-13"]
        );
        assert_eq!(
            due(Cadence::Monthly, "2018-03-01", "2018-06-30"),
            ["2018-03-29", "2018-04-30", "2018-05-31", "2018-06-29"]
        );
        assert_eq!(
            due(Cadence::Quarterly, "2018-01-01", "2018-12-31"),
            ["2018-03-29", "2018-06-29", "2018-09-28", "2018-12-31"]
        );
        assert_eq!(
            due(Cadence::SemiAnnual, "2018-01-01", "2018-12-31"),
            ["2018-06-29", "2018-12-31"]
        );
        assert_eq!(due(Cadence::Daily, "2018-12-24", "2018-12-28").len(), 4);
        assert!(Cadence::Monthly.is_due("2018-12-25".parse().unwrap()).is_err());
        assert!(Cadence::Weekly.is_due(Calendar::LAST).unwrap());
    }
}

//! When a trade settles: the standard cycle of its day.

use atlas_core::calendar::Calendar;
use chrono::{Datelike, NaiveDate};

/// Sessions from trade to settlement, by first trade date.
///
/// Sources: 58 FR 52891 (T+5, in place on 1993-10-13), FR 94-28266 (T+3 from 1995-06-07),
/// 82 FR 15564 (T+2 from 2017-09-05), 88 FR 13872 (T+1 from 2024-05-28).
const CYCLES: [((i32, u32, u32), usize); 4] =
    [((1993, 10, 13), 5), ((1995, 6, 7), 3), ((2017, 9, 5), 2), ((2024, 5, 28), 1)];

/// The day a trade of `date` settles, counted in sessions of the exchange; `None` before the first
/// evidenced cycle and at the end of the calendar.
pub(crate) fn settlement_date(date: NaiveDate) -> Option<NaiveDate> {
    let day = (date.year(), date.month(), date.day());
    let (_, sessions) = CYCLES.iter().rev().find(|(from, _)| *from <= day)?;
    (0..*sessions).try_fold(date, |day, _| {
        Calendar::nyse().next_session(day).ok().map(|session| session.date)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_day_of_each_cycle() {
        let settles = |text: &str| settlement_date(text.parse().unwrap()).map(|d| d.to_string());
        assert_eq!(settles("1992-01-02"), None);
        assert_eq!(settles("1994-01-03").unwrap(), "1994-01-10");
        assert_eq!(settles("2017-09-01").unwrap(), "2017-09-07");
        assert_eq!(settles("2019-01-03").unwrap(), "2019-01-07");
        assert_eq!(settles("2024-05-28").unwrap(), "2024-05-29");
    }
}

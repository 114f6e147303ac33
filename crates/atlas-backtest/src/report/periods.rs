//! Returns by calendar month and year.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::report::Day;

/// The compound simple return of one calendar period.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PeriodReturn {
    /// The year.
    pub year: i32,
    /// The month, 1 to 12; `None` for a whole year.
    pub month: Option<u32>,
    /// Return as a fraction; of a part where the backtest covers only a part.
    pub simple_return: f64,
    /// Sessions with a return.
    pub sessions: usize,
}

/// Compounds daily returns by calendar month, then by year.
pub(crate) fn by_month_and_year(days: &[Day]) -> (Vec<PeriodReturn>, Vec<PeriodReturn>) {
    let month = |date: NaiveDate| (date.year(), Some(date.month()));
    let year = |date: NaiveDate| (date.year(), None);
    (compound(days, month), compound(days, year))
}

fn compound(days: &[Day], key: impl Fn(NaiveDate) -> (i32, Option<u32>)) -> Vec<PeriodReturn> {
    let mut periods: Vec<PeriodReturn> = Vec::new();
    for day in days {
        let Some(r) = day.simple_return else { continue };
        let (year, month) = key(day.date);
        match periods.last_mut().filter(|last| (last.year, last.month) == (year, month)) {
            Some(last) => {
                last.simple_return = (1.0 + last.simple_return) * (1.0 + r) - 1.0;
                last.sessions += 1;
            }
            None => periods.push(PeriodReturn { year, month, simple_return: r, sessions: 1 }),
        }
    }
    periods
}

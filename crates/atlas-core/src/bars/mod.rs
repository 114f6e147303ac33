//! Bars in columns: daily ones, raw or adjusted by type, and bars within days.

mod columns;
mod intraday;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use columns::{Bars, BarsView, Columns};
pub use intraday::{IntradayBars, IntradayColumns};

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::Raw {}
    impl Sealed for super::Adjusted {}
}

/// Whether prices are as printed at the exchange or back-adjusted; sealed.
pub trait Basis: sealed::Sealed + Copy + Send + Sync + 'static {
    /// The lower-case word for it.
    const NAME: &'static str;
}

/// Prices as printed at the exchange on the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Raw {}

/// Prices back-adjusted for splits and dividends: good for returns, never a price of the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Adjusted {}

impl Basis for Raw {
    const NAME: &'static str = "raw";
}

impl Basis for Adjusted {
    const NAME: &'static str = "adjusted";
}

/// One daily bar, known only after its session's close.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bar {
    /// The session.
    pub date: NaiveDate,
    /// First price, if the series has it.
    pub open: Option<f64>,
    /// Highest price, if the series has it.
    pub high: Option<f64>,
    /// Lowest price, if the series has it.
    pub low: Option<f64>,
    /// Last price.
    pub close: f64,
    /// Shares traded, if the series has it.
    pub volume: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2020, 1, day).unwrap()
    }

    fn columns() -> Columns {
        Columns {
            dates: vec![day(2), day(3), day(6)],
            open: vec![10.0, 11.0, 12.0],
            high: vec![11.0, 12.0, 13.0],
            low: vec![9.0, 10.0, 11.0],
            close: vec![10.5, 11.5, 12.5],
            volume: vec![100.0, 0.0, 300.0],
            adj_close: vec![],
        }
    }

    /// A spoiled bar and what the message must say.
    type Case = (fn(&mut Columns), &'static str);

    fn make(change: impl FnOnce(&mut Columns)) -> Result<Bars<Raw>, Error> {
        let mut columns = columns();
        change(&mut columns);
        Bars::new("X".parse().unwrap(), columns)
    }

    #[test]
    fn every_impossible_bar_is_named() {
        let changes: [Case; 9] = [
            (|c| c.dates[1] = c.dates[0], "dates must increase"),
            (|c| c.dates.swap(0, 1), "dates must increase"),
            (|c| c.close[1] = f64::NAN, "close NaN is not a price"),
            (|c| c.close[1] = -1.0, "close -1 is not a price"),
            (|c| c.open[2] = 0.0, "open 0 is not a price"),
            (|c| c.high[0] = 10.2, "high 10.2 is below close 10.5"),
            (|c| c.low[0] = 10.2, "low 10.2 is above open 10"),
            (|c| c.volume[0] = -5.0, "volume -5 is not a number of shares"),
            (|c| c.close.truncate(2), "column close has 2 rows"),
        ];
        for (change, expected) in changes {
            let message = make(change).unwrap_err().to_string();
            assert!(message.contains(expected), "{message} should say {expected}");
        }
    }

    #[test]
    fn a_view_ends_at_its_date() {
        let bars = make(|_| ()).unwrap();
        assert_eq!(bars.as_of(day(1)).len(), 0);
        assert_eq!(bars.as_of(day(5)).close(), [10.5, 11.5]);
        assert_eq!(bars.as_of(day(3)).last_price(), Some("11.5".parse().unwrap()));
        assert_eq!(bars.view().bar(2).map(|bar| bar.volume), Some(Some(300.0)));
        assert_eq!(bars.as_of(day(5)).bar(2), None);
    }
}

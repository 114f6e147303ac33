//! The lengths of bars a client can ask for.

use atlas_core::calendar::from_eastern;
use atlas_core::time::Timestamp;
use chrono::{Datelike, NaiveDate, NaiveTime, TimeDelta};

/// The length of a bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timeframe {
    /// So many minutes: 1 to 59, or whole hours.
    Minutes(u32),
    /// A day.
    Day,
    /// Monday to Sunday.
    Week,
    /// So many months of a year: 1, 2, 3, 4, 6 or 12.
    Months(u32),
}

impl Timeframe {
    /// Reads `5Min`, `5T`, `1Hour`, `1H`, `1Day`, `1D`, `1Week`, `1W`, `3Month` or `3M`, in any
    /// capitals but for `M`: minutes are `min` or `T`.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (count, unit) = text.split_at(digits);
        let count: u32 = if count.is_empty() { 1 } else { count.parse().ok()? };
        if unit == "M" {
            return Self::months(count);
        }
        match unit.to_ascii_lowercase().as_str() {
            "min" | "t" => (1..60).contains(&count).then_some(Self::Minutes(count)),
            "hour" | "h" => (1..24).contains(&count).then_some(Self::Minutes(count * 60)),
            "day" | "d" => (count == 1).then_some(Self::Day),
            "week" | "w" => (count == 1).then_some(Self::Week),
            "month" => Self::months(count),
            _ => None,
        }
    }

    fn months(count: u32) -> Option<Self> {
        [1, 2, 3, 4, 6, 12].contains(&count).then_some(Self::Months(count))
    }

    /// No bar of it is longer.
    pub(crate) fn longest(self) -> TimeDelta {
        match self {
            Self::Minutes(minutes) => TimeDelta::minutes(minutes.into()),
            Self::Day => TimeDelta::days(1),
            Self::Week => TimeDelta::days(7),
            Self::Months(count) => TimeDelta::days(31 * i64::from(count)),
        }
    }

    /// The first date of the bar a date belongs to, for bars of a day and more.
    pub(crate) fn first_date(self, date: NaiveDate) -> NaiveDate {
        let first = match self {
            Self::Minutes(_) | Self::Day => Some(date),
            Self::Week => {
                let back = date.weekday().num_days_from_monday();
                date.checked_sub_signed(TimeDelta::days(back.into()))
            }
            Self::Months(count) => {
                let month = date.month0() / count * count;
                date.with_day(1).and_then(|first| first.with_month0(month))
            }
        };
        first.unwrap_or(date)
    }
}

/// The first moment of a day: in New York, or in UTC for what trades around the clock.
pub(crate) fn midnight(date: NaiveDate, around_the_clock: bool) -> Timestamp {
    let utc = date.and_time(NaiveTime::MIN).and_utc();
    if around_the_clock { utc } else { from_eastern(date, NaiveTime::MIN).unwrap_or(utc) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_read() {
        for (text, expected) in [
            ("1Min", Some(Timeframe::Minutes(1))),
            ("1min", Some(Timeframe::Minutes(1))),
            ("59T", Some(Timeframe::Minutes(59))),
            ("1H", Some(Timeframe::Minutes(60))),
            ("23Hour", Some(Timeframe::Minutes(1380))),
            ("1Day", Some(Timeframe::Day)),
            ("1d", Some(Timeframe::Day)),
            ("1Week", Some(Timeframe::Week)),
            ("1M", Some(Timeframe::Months(1))),
            ("12Month", Some(Timeframe::Months(12))),
            ("Day", Some(Timeframe::Day)),
            ("60Min", None),
            ("0Min", None),
            ("24Hour", None),
            ("2Day", None),
            ("5Month", None),
            ("1m", None),
            ("", None),
            ("99999999999Min", None),
        ] {
            assert_eq!(Timeframe::read(text), expected, "{text:?}");
        }
    }

    #[test]
    fn weeks_start_on_mondays_and_months_at_their_first() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(Timeframe::Week.first_date(day("2019-01-02")), day("2018-12-31"));
        assert_eq!(Timeframe::Months(3).first_date(day("2019-05-31")), day("2019-04-01"));
        assert_eq!(Timeframe::Months(12).first_date(day("2019-05-31")), day("2019-01-01"));
        assert_eq!(midnight(day("2019-07-01"), false).to_rfc3339(), "2019-07-01T04:00:00+00:00");
        assert_eq!(midnight(day("2019-07-01"), true).to_rfc3339(), "2019-07-01T00:00:00+00:00");
    }
}

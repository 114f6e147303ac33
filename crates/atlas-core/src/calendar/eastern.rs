//! United States Eastern time for the years of the calendar.
//!
//! Daylight time runs from the first Sunday of April to the last Sunday of October until 2006
//! (Uniform Time Act as amended in 1986), from the second Sunday of March to the first Sunday of
//! November since 2007 (Energy Policy Act of 2005, section 110), changing at 02:00 local time.

use chrono::{
    DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Utc,
};

use super::within_range;
use crate::Error;

/// How far New York's clocks are from UTC at `instant`: minus five or minus four hours.
///
/// # Errors
/// [`Error::CalendarRange`] when the date in New York is outside of the calendar.
///
/// # Examples
///
/// ```
/// use atlas_core::calendar::eastern_offset;
/// use chrono::{DateTime, Utc};
///
/// let before: DateTime<Utc> = "2024-03-10T06:59:59Z".parse().unwrap();
/// let after: DateTime<Utc> = "2024-03-10T07:00:00Z".parse().unwrap();
/// assert_eq!(eastern_offset(before)?.to_string(), "-05:00");
/// assert_eq!(eastern_offset(after)?.to_string(), "-04:00");
/// # Ok::<(), atlas_core::Error>(())
/// ```
pub fn eastern_offset(instant: DateTime<Utc>) -> Result<FixedOffset, Error> {
    let utc = instant.naive_utc();
    // Nothing to subtract from at the very start of chrono's range: far outside in either case.
    let standard = utc.checked_add_offset(STANDARD).unwrap_or(utc);
    within_range(standard.date())?;
    Ok(offset_at(standard))
}

/// `instant` as New York's clocks show it.
///
/// # Errors
/// [`Error::CalendarRange`] when the date in New York is outside of the calendar.
///
/// # Examples
///
/// ```
/// use atlas_core::calendar::to_eastern;
/// use chrono::{DateTime, Utc};
///
/// let open: DateTime<Utc> = "2019-07-01T13:30:00Z".parse().unwrap();
/// assert_eq!(to_eastern(open)?.format("%H:%M").to_string(), "09:30");
/// # Ok::<(), atlas_core::Error>(())
/// ```
pub fn to_eastern(instant: DateTime<Utc>) -> Result<DateTime<FixedOffset>, Error> {
    Ok(instant.with_timezone(&eastern_offset(instant)?))
}

/// The instant at which New York's clocks show `time` on `date`.
///
/// Twice a year, before 03:00 on a Sunday, that is not one instant: a time skipped in spring is
/// read as if clocks had not been changed yet, of a time shown twice in autumn the first is meant.
///
/// # Errors
/// [`Error::CalendarRange`] when `date` is outside of the calendar.
///
/// # Examples
///
/// ```
/// use atlas_core::calendar::from_eastern;
/// use chrono::{NaiveDate, NaiveTime};
///
/// let date = NaiveDate::from_ymd_opt(2019, 1, 2).unwrap();
/// let time = NaiveTime::from_hms_opt(9, 35, 0).unwrap();
/// assert_eq!(from_eastern(date, time)?.to_rfc3339(), "2019-01-02T14:35:00+00:00");
/// # Ok::<(), atlas_core::Error>(())
/// ```
pub fn from_eastern(date: NaiveDate, time: NaiveTime) -> Result<DateTime<Utc>, Error> {
    within_range(date)?;
    let wall = date.and_time(time);
    let as_daylight = wall - DAYLIGHT;
    if offset_at(as_daylight + STANDARD) == DAYLIGHT {
        return Ok(as_daylight.and_utc());
    }
    Ok((wall - STANDARD).and_utc())
}

/// The instant of a time of a trading session, which is never near a change of clocks.
pub(super) fn session_instant(date: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    let offset = if is_daylight(date) { DAYLIGHT } else { STANDARD };
    (date.and_time(time) - offset).and_utc()
}

/// The offset at a moment given in standard time.
fn offset_at(standard: NaiveDateTime) -> FixedOffset {
    // Clocks change at 02:00 as they show it: 02:00 standard time in spring, 01:00 in autumn.
    let changed_at = TimeDelta::hours(if standard.month() <= 6 { 2 } else { 1 });
    if is_daylight((standard - changed_at).date()) { DAYLIGHT } else { STANDARD }
}

/// Whether daylight time holds on `date` after the hour at which clocks change.
fn is_daylight(date: NaiveDate) -> bool {
    // The day of the month of the Sunday on or before the date; zero or less in the month before.
    let sunday = i64::from(date.day()) - i64::from(date.weekday().num_days_from_sunday());
    match (date.month(), date.year() >= 2007) {
        (3, true) => sunday >= 8,
        (11, true) => sunday < 1,
        (3 | 11, false) => false,
        (4, false) => sunday >= 1,
        (10, false) => sunday < 25,
        (month, _) => (4..=10).contains(&month),
    }
}

/// Eastern Standard Time.
const STANDARD: FixedOffset = FixedOffset::west_opt(5 * 3600).expect("less than a day");

/// Eastern Daylight Time.
const DAYLIGHT: FixedOffset = FixedOffset::west_opt(4 * 3600).expect("less than a day");

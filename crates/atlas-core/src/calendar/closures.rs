//! When the NYSE stays closed or closes early: the rules, and the days no rule foresees.
//!
//! Sources: NYSE Rules 7.2 and 51 and the exchange's list of special closings; checked day by
//! day against `exchange_calendars` 4.13 (Apache-2.0) for 1990 to 2030.

use chrono::{Datelike, NaiveDate, NaiveTime, Weekday};

/// End of regular trading in New York.
pub(super) const REGULAR_CLOSE: NaiveTime = NaiveTime::from_hms_opt(16, 0, 0).expect("a time");

/// Why there is no trading on `date`; `None` when it is a session.
pub(super) fn reason(date: NaiveDate) -> Option<&'static str> {
    match date.weekday() {
        Weekday::Sat => Some("Saturday"),
        Weekday::Sun => Some("Sunday"),
        Weekday::Mon | Weekday::Tue | Weekday::Wed | Weekday::Thu | Weekday::Fri => {
            holiday(date).or_else(|| unscheduled(date))
        }
    }
}

/// When trading ends on a session, in New York time.
pub(super) fn close(date: NaiveDate) -> NaiveTime {
    if !is_half_day(date) {
        REGULAR_CLOSE
    } else if date.year() < 1993 {
        HALF_DAY_CLOSE_UNTIL_1992
    } else {
        HALF_DAY_CLOSE
    }
}

/// The holiday observed on a weekday.
fn holiday(date: NaiveDate) -> Option<&'static str> {
    let (year, month, weekday) = (date.year(), date.month(), date.weekday());
    let is_monday = weekday == Weekday::Mon;
    match month {
        // On a Saturday it is not made up for: the Friday belongs to the old year's accounts.
        1 if date.day() == 1 || (date.day() == 2 && is_monday) => Some("New Year's Day"),
        1 if year >= 1998 && is_monday && week(date) == 3 => Some("Martin Luther King Jr. Day"),
        2 if is_monday && week(date) == 3 => Some("Washington's Birthday"),
        3 | 4 if is_good_friday(date) => Some("Good Friday"),
        5 if is_monday && date.day() > 24 => Some("Memorial Day"),
        6 if year >= 2022 && is_observed(date, 19) => Some("Juneteenth"),
        7 if is_observed(date, 4) => Some("Independence Day"),
        9 if is_monday && week(date) == 1 => Some("Labor Day"),
        11 if weekday == Weekday::Thu && week(date) == 4 => Some("Thanksgiving Day"),
        12 if is_observed(date, 25) => Some("Christmas Day"),
        _ => None,
    }
}

/// Closures that no rule foresees.
fn unscheduled(date: NaiveDate) -> Option<&'static str> {
    match (date.year(), date.month(), date.day()) {
        (1994, 4, 27) => Some("funeral of President Nixon"),
        (2001, 9, 11..=14) => Some("attacks of September 11"),
        (2004, 6, 11) => Some("funeral of President Reagan"),
        (2007, 1, 2) => Some("day of mourning for President Ford"),
        (2012, 10, 29..=30) => Some("Hurricane Sandy"),
        (2018, 12, 5) => Some("day of mourning for President George H. W. Bush"),
        (2025, 1, 9) => Some("day of mourning for President Carter"),
        _ => None,
    }
}

/// Whether trading on a session ends early by plan.
fn is_half_day(date: NaiveDate) -> bool {
    let (year, weekday) = (date.year(), date.weekday());
    match (date.month(), date.day()) {
        // The day before Independence Day; until 2012 a Wednesday was full and the Friday after
        // the holiday was the half day.
        (7, 3) => year >= 1995 && (weekday != Weekday::Wed || year >= 2013),
        (7, 5) => (1995..2013).contains(&year) && weekday == Weekday::Fri,
        // The day after Thanksgiving Day, which is the fourth Thursday.
        (11, day) => year >= 1992 && weekday == Weekday::Fri && (23..=29).contains(&day),
        (12, 24) => true,
        (12, 26) => matches!(year, 1997 | 2003),
        (12, 31) => year == 1999,
        _ => false,
    }
}

/// Whether a holiday of this month, fixed on `day`, is observed on `date`, a weekday: on the day
/// itself, the Friday before a Saturday or the Monday after a Sunday.
fn is_observed(date: NaiveDate, day: u32) -> bool {
    let shift = match date.weekday() {
        Weekday::Fri => date.day() + 1 == day,
        Weekday::Mon => date.day() == day + 1,
        Weekday::Tue | Weekday::Wed | Weekday::Thu | Weekday::Sat | Weekday::Sun => false,
    };
    date.day() == day || shift
}

/// Which one of its weekday within the month `date` is, from 1.
fn week(date: NaiveDate) -> u32 {
    date.day0() / 7 + 1
}

/// Whether `date`, in March or April, is the Friday before Easter Sunday.
fn is_good_friday(date: NaiveDate) -> bool {
    let after_first_of_march = (date.month() - 3) * 31 + date.day0();
    date.weekday() == Weekday::Fri && after_first_of_march + 2 == easter(date.year().unsigned_abs())
}

/// Easter Sunday of a Gregorian year, in days after the first of March.
///
/// Source: J. Meeus, Astronomical Algorithms (2nd ed. 1998), chapter 8, with its letters.
#[expect(clippy::many_single_char_names, reason = "the letters of the source")]
fn easter(year: u32) -> u32 {
    let a = year % 19;
    let (b, c) = (year / 100, year % 100);
    let (d, e) = (b / 4, b % 4);
    let f = (b + 8) / 25;
    let g = (b - f + 1) / 3;
    let h = (19 * a + b + 15 - d - g) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    h + l + 21 - 7 * m
}

/// End of trading on a half day in New York, from 1993 on.
const HALF_DAY_CLOSE: NaiveTime = NaiveTime::from_hms_opt(13, 0, 0).expect("a time");

/// End of trading on a half day in New York until 1992.
const HALF_DAY_CLOSE_UNTIL_1992: NaiveTime = NaiveTime::from_hms_opt(14, 0, 0).expect("a time");

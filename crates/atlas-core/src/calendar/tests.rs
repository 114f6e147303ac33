//! The calendar against the published table, and its arithmetic.

use std::fmt::Write as _;
use std::path::PathBuf;

use chrono::{NaiveTime, TimeDelta};
use sha2::{Digest, Sha256};

use super::*;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn time(text: &str) -> NaiveTime {
    NaiveTime::parse_from_str(text, "%H:%M").unwrap()
}

fn instant(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

/// Every session, as the published table `calendar/XNYS.csv` writes it.
fn table() -> String {
    let mut text = String::from("date,open_utc,close_utc,early_close\n");
    for session in Calendar::nyse().sessions(Calendar::FIRST, Calendar::LAST).unwrap() {
        let (open, close) =
            (session.open.format("%Y-%m-%dT%H:%MZ"), session.close.format("%Y-%m-%dT%H:%MZ"));
        let early = u8::from(session.early_close);
        writeln!(text, "{},{open},{close},{early}", session.date).unwrap();
    }
    text
}

/// The digest of the published table, so that a clone without the shared folder is held to it.
#[test]
fn equals_the_published_table_by_digest() {
    let mut digest = String::new();
    for byte in Sha256::digest(table()) {
        write!(digest, "{byte:02x}").unwrap();
    }
    assert_eq!(digest, "06d5ad12c894eb0b433eb0e229c4af69ef1014565682a9bd993891a7a3616c76");
}

#[test]
fn equals_the_published_table_line_by_line() {
    let shared = std::env::var_os("ATLAS_SHARED_DIR").map_or_else(
        || PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared")),
        PathBuf::from,
    );
    let path = shared.join("data/calendar/XNYS.csv");
    let Ok(published) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not there", path.display());
        return;
    };
    let ours = table();
    for (line, (ours, published)) in ours.lines().zip(published.lines()).enumerate() {
        assert_eq!(ours, published, "line {}", line + 1);
    }
    assert_eq!(ours.lines().count(), published.lines().count());
}

#[test]
fn names_why_the_exchange_is_closed() {
    for (day, reason) in [
        ("1994-04-27", "funeral of President Nixon"),
        ("2000-02-21", "Washington's Birthday"),
        ("2000-04-21", "Good Friday"),
        ("2000-05-29", "Memorial Day"),
        ("2000-09-04", "Labor Day"),
        ("2000-11-23", "Thanksgiving Day"),
        ("2001-09-13", "attacks of September 11"),
        ("2004-06-11", "funeral of President Reagan"),
        ("2004-12-24", "Christmas Day"),
        ("2007-01-02", "day of mourning for President Ford"),
        ("2015-07-03", "Independence Day"),
        ("2017-01-02", "New Year's Day"),
        ("2018-12-05", "day of mourning for President George H. W. Bush"),
        ("2019-01-21", "Martin Luther King Jr. Day"),
        ("2019-01-26", "Saturday"),
        ("2019-01-27", "Sunday"),
        ("2022-06-20", "Juneteenth"),
        ("2025-01-09", "day of mourning for President Carter"),
    ] {
        let nyse = Calendar::nyse();
        let error = nyse.session(date(day)).unwrap_err();
        let previous = nyse.previous_session(date(day)).unwrap().date;
        assert_eq!(error, Error::NotASession { date: date(day), reason, previous });
        assert_eq!(nyse.is_session(date(day)), Ok(false));
    }
}

/// A New Year's Day on a Saturday is not made up for, and the King holiday began in 1998.
#[test]
fn sessions_that_look_like_holidays() {
    for day in ["2021-12-31", "2010-12-31", "1997-01-20", "2021-06-18"] {
        assert_eq!(Calendar::nyse().is_session(date(day)), Ok(true), "{day}");
    }
}

#[test]
fn knows_half_days() {
    for (day, close) in [
        ("1991-12-24", "14:00"),
        ("1991-11-29", "16:00"),
        ("1992-11-27", "14:00"),
        ("1993-11-26", "13:00"),
        ("1996-07-03", "16:00"),
        ("1996-07-05", "13:00"),
        ("2013-07-03", "13:00"),
        ("2013-07-05", "16:00"),
        ("2003-12-26", "13:00"),
        ("1999-12-31", "13:00"),
    ] {
        let session = Calendar::nyse().session(date(day)).unwrap();
        let shown = to_eastern(session.close).unwrap().time();
        assert_eq!(shown, time(close), "{day}");
        assert_eq!(session.early_close, close != "16:00", "{day}");
    }
}

#[test]
fn refuses_dates_outside() {
    let nyse = Calendar::nyse();
    for day in ["1990-01-01", "2031-01-01"].map(date) {
        let refusal =
            Error::CalendarRange { date: day, first: Calendar::FIRST, last: Calendar::LAST };
        assert_eq!(nyse.is_session(day), Err(refusal.clone()));
        assert_eq!(nyse.session(day), Err(refusal.clone()));
        assert_eq!(nyse.next_session(day), Err(refusal.clone()));
        assert_eq!(nyse.previous_session(day), Err(refusal.clone()));
        assert_eq!(nyse.session_number(day), Err(refusal.clone()));
        assert_eq!(nyse.sessions(day, day).unwrap_err(), refusal);
    }
    assert!(nyse.previous_session(Calendar::FIRST).is_err());
    assert!(nyse.next_session(Calendar::LAST).is_err());
}

#[test]
fn refuses_the_ends_of_time() {
    let nyse = Calendar::nyse();
    for day in [NaiveDate::MIN, NaiveDate::MAX] {
        assert!(nyse.next_session(day).is_err());
        assert!(nyse.previous_session(day).is_err());
        assert!(from_eastern(day, OPEN).is_err());
    }
    assert!(eastern_offset(DateTime::<Utc>::MIN_UTC).is_err());
    assert!(eastern_offset(DateTime::<Utc>::MAX_UTC).is_err());
}

#[test]
fn finds_the_session_at_an_instant() {
    let nyse = Calendar::nyse();
    let at = |text| nyse.session_at(instant(text)).unwrap().map(|s| s.date);
    assert_eq!(at("2018-12-24T14:29:59Z"), None);
    assert_eq!(at("2018-12-24T14:30:00Z"), Some(date("2018-12-24")));
    assert_eq!(at("2018-12-24T17:59:59Z"), Some(date("2018-12-24")));
    assert_eq!(at("2018-12-24T18:00:00Z"), None);
    assert_eq!(at("2018-12-25T15:00:00Z"), None);
    // After midnight UTC it is still the evening of the last covered day in New York.
    assert_eq!(at("2031-01-01T04:59:59Z"), None);
    assert!(nyse.session_at(instant("2031-01-01T05:00:00Z")).is_err());
}

#[test]
fn numbers_sessions_from_zero() {
    let nyse = Calendar::nyse();
    assert_eq!(nyse.session_number(Calendar::FIRST), Ok(0));
    assert_eq!(nyse.session_number(Calendar::LAST), Ok(10_321));
    assert_eq!(nyse.sessions_between(Calendar::FIRST, Calendar::LAST), Ok(10_321));
    assert!(nyse.session_number(date("2019-01-01")).is_err());
}

#[test]
fn changes_clocks_by_the_rules_of_the_year() {
    for (last_standard, last_daylight) in [
        ("1990-04-01T06:59:59Z", "1990-10-28T05:59:59Z"),
        ("2006-04-02T06:59:59Z", "2006-10-29T05:59:59Z"),
        ("2007-03-11T06:59:59Z", "2007-11-04T05:59:59Z"),
        ("2026-03-08T06:59:59Z", "2026-11-01T05:59:59Z"),
        ("2030-03-10T06:59:59Z", "2030-11-03T05:59:59Z"),
    ] {
        let hours =
            |moment: DateTime<Utc>| eastern_offset(moment).unwrap().local_minus_utc() / 3600;
        let second = TimeDelta::seconds(1);
        assert_eq!(hours(instant(last_standard)), -5);
        assert_eq!(hours(instant(last_standard) + second), -4);
        assert_eq!(hours(instant(last_daylight)), -4);
        assert_eq!(hours(instant(last_daylight) + second), -5);
    }
}

#[test]
fn reads_skipped_and_repeated_times_as_documented() {
    let read = |day, clock| from_eastern(date(day), time(clock)).unwrap();
    assert_eq!(read("2024-03-10", "02:30"), instant("2024-03-10T07:30:00Z"));
    assert_eq!(read("2024-11-03", "01:30"), instant("2024-11-03T05:30:00Z"));
    assert_eq!(read("2024-11-03", "02:00"), instant("2024-11-03T07:00:00Z"));
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    /// Dates far enough from both ends for every neighbour to be covered.
    fn dates() -> impl Strategy<Value = NaiveDate> {
        (10_u64..14_960).prop_map(|days| Calendar::FIRST + chrono::Days::new(days))
    }

    proptest! {
        #[test]
        fn neighbours_are_inverse(day in dates()) {
            let nyse = Calendar::nyse();
            let (before, after) = (nyse.previous_session(day)?, nyse.next_session(day)?);
            prop_assert!(before.date < day && day < after.date);
            prop_assert!(before.close < after.open);
            let between = if nyse.is_session(day)? { nyse.session(day)? } else { after };
            prop_assert_eq!(nyse.next_session(before.date)?, between);
            let between = if nyse.is_session(day)? { nyse.session(day)? } else { before };
            prop_assert_eq!(nyse.previous_session(after.date)?, between);
        }

        #[test]
        fn counts_equal_listing(a in dates(), b in dates()) {
            let nyse = Calendar::nyse();
            let listed = nyse.sessions(a, b)?.filter(|session| session.date > a).count();
            prop_assert_eq!(nyse.sessions_between(a, b)?, listed);
        }

        #[test]
        fn counts_add_up(mut days in proptest::array::uniform3(dates())) {
            days.sort_unstable();
            let [a, b, c] = days;
            let nyse = Calendar::nyse();
            prop_assert_eq!(
                nyse.sessions_between(a, c)?,
                nyse.sessions_between(a, b)? + nyse.sessions_between(b, c)?
            );
        }

        #[test]
        fn numbers_grow_by_one(day in dates()) {
            let nyse = Calendar::nyse();
            let session = nyse.next_session(day)?;
            let next = nyse.next_session(session.date)?;
            prop_assert_eq!(
                nyse.session_number(next.date)?,
                nyse.session_number(session.date)? + 1
            );
        }

        #[test]
        fn open_inside_of_the_session_only(day in dates(), seconds in 0_i64..86_400) {
            let nyse = Calendar::nyse();
            let moment = from_eastern(day, OPEN)? + TimeDelta::seconds(seconds);
            if let Some(session) = nyse.session_at(moment)? {
                prop_assert!(session.open <= moment && moment < session.close);
                prop_assert_eq!(session, nyse.session(session.date)?);
            }
            let closed = nyse.last_closed(moment)?;
            prop_assert!(closed.close <= moment);
            prop_assert!(moment < nyse.next_session(closed.date)?.close);
        }

        #[test]
        fn wall_time_round_trips(day in dates(), minute in 180_u32..1_440) {
            let wall = NaiveTime::from_num_seconds_from_midnight_opt(minute * 60, 0).unwrap();
            let shown = to_eastern(from_eastern(day, wall)?)?.naive_local();
            prop_assert_eq!(shown, day.and_time(wall));
        }
    }
}

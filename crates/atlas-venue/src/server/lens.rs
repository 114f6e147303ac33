//! How the venue's time is shown to clients.
//!
//! Usually as it is. A server that shows its session as if it were now ([`Pace::Wall`]) shifts
//! every moment on its way out and in: moments of the session by a number of whole minutes, daily
//! bars by trading days, so that the bar before today's is that of the session before today. The
//! venue itself knows nothing of it.
//!
//! [`Pace::Wall`]: super::Pace::Wall

use std::sync::Arc;

use atlas_core::calendar::{Calendar, Session};
use atlas_core::time::Timestamp;
use chrono::{NaiveDate, TimeDelta};
use serde::{Deserialize, Serialize};

/// How the venue's time is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lens {
    /// From which moment of the venue on how much is added; ascending in both.
    shifts: Vec<(Timestamp, TimeDeltaMinutes)>,
    /// The venue's session that is shown as today, and the date it is shown on.
    today: Option<(NaiveDate, NaiveDate)>,
}

/// A number of whole minutes.
type TimeDeltaMinutes = i64;

/// What one request sees: the lens, and what a fault makes of it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sight {
    pub(crate) lens: Arc<Lens>,
    /// By how much every moment shown is wrong.
    pub(crate) skew: TimeDelta,
    /// How old prices are that pass for new.
    pub(crate) staleness: TimeDelta,
}

tokio::task_local! {
    /// What the request under way sees.
    pub(crate) static SIGHT: Sight;
}

impl Lens {
    /// From `venue` on, moments are shown so that it is less than a minute before `wall`; returns
    /// the moment that is shown as exactly `wall`.
    pub(crate) fn shift(&mut self, venue: Timestamp, wall: Timestamp) -> Timestamp {
        let minutes = (wall - venue).num_seconds().div_euclid(60);
        // Shown time must not run backwards either.
        let minutes = self.shifts.last().map_or(minutes, |(_, last)| minutes.max(*last));
        self.shifts.retain(|(from, _)| *from < venue);
        self.shifts.push((venue, minutes));
        venue.max(wall - TimeDelta::minutes(minutes))
    }

    /// Shows the session of one date on another.
    pub(crate) const fn show_as(&mut self, session: NaiveDate, today: NaiveDate) {
        self.today = Some((session, today));
    }

    /// A moment as it is shown.
    pub(crate) fn show(&self, moment: Timestamp) -> Timestamp {
        let after = self.shifts.partition_point(|(from, _)| *from <= moment);
        let shift = self.shifts.get(after.saturating_sub(1));
        shift.map_or(moment, |(_, minutes)| moment + TimeDelta::minutes(*minutes))
    }

    /// The moment that is shown as `shown`; one that never was is the next that is.
    pub(crate) fn meant(&self, shown: Timestamp) -> Timestamp {
        let shift = |minutes: i64| TimeDelta::try_minutes(minutes).unwrap_or_default();
        let first = self.shifts.first().map_or(0, |(_, minutes)| *minutes);
        let mut meant = shown.checked_sub_signed(shift(first)).unwrap_or(shown);
        for (from, minutes) in &self.shifts {
            if shown >= *from + shift(*minutes) {
                meant = shown - shift(*minutes);
            } else {
                // In a gap between two shifts: the later one's first moment.
                return meant.min(*from);
            }
        }
        meant
    }

    /// What is added to the moments of a session: today's are shown as the present is, those of
    /// sessions before within the hours of the session they are shown as.
    pub(crate) fn session_shift(&self, session: &Session, around_the_clock: bool) -> TimeDelta {
        let Some((today, _)) = self.today.filter(|_| !around_the_clock) else {
            return self.show(session.open) - session.open;
        };
        if session.date >= today {
            let last = self.shifts.last().map_or(0, |(_, minutes)| *minutes);
            return TimeDelta::try_minutes(last).unwrap_or_default();
        }
        let shown = Calendar::nyse().session(self.show_date(session.date));
        shown.map_or_else(|_| TimeDelta::zero(), |shown| shown.open - session.open)
    }

    /// The date a trading day is shown on.
    pub(crate) fn show_date(&self, date: NaiveDate) -> NaiveDate {
        let Some((session, today)) = self.today else { return date };
        shifted(date, session, today).unwrap_or(date)
    }

    /// The date a day without closing hours is shown on: days count as they come.
    pub(crate) fn show_day(&self, date: NaiveDate) -> NaiveDate {
        self.today.map_or(date, |(session, today)| date + (today - session))
    }
}

/// As many sessions before `today` as `date` is before `session`.
fn shifted(date: NaiveDate, session: NaiveDate, today: NaiveDate) -> Option<NaiveDate> {
    let nyse = Calendar::nyse();
    if date >= session {
        return Some(today + (date - session));
    }
    let before = nyse.session_number(session).ok()?.checked_sub(nyse.session_number(date).ok()?)?;
    // The session before today is the first one back.
    let last = nyse.previous_session(today).ok()?;
    let number = nyse.session_number(last.date).ok()?.checked_sub(before - 1)?;
    nth_session(number)
}

/// The session with a number, by bisection over the calendar.
fn nth_session(number: usize) -> Option<NaiveDate> {
    let nyse = Calendar::nyse();
    let (mut low, mut high) = (Calendar::FIRST, Calendar::LAST);
    while low < high {
        let middle = low + TimeDelta::days((high - low).num_days() / 2);
        // The number of the last session up to the middle.
        let until = nyse.sessions_between(Calendar::FIRST, middle).ok()?;
        if until >= number { high = middle } else { low = middle.succ_opt()? }
    }
    Some(low)
}

/// A moment as the request under way is shown it.
pub(crate) fn shown(moment: Timestamp) -> Timestamp {
    SIGHT.try_with(|sight| sight.lens.show(moment) + sight.skew).unwrap_or(moment)
}

/// Whether the request under way is shown a session on another date.
pub(crate) fn is_moved() -> bool {
    SIGHT.try_with(|sight| sight.lens.today.is_some()).unwrap_or_default()
}

/// The moment the request under way means by `shown`.
pub(crate) fn meant(shown: Timestamp) -> Timestamp {
    SIGHT.try_with(|sight| sight.lens.meant(shown)).unwrap_or(shown)
}

/// A trading day as the request under way is shown it.
pub(crate) fn shown_date(date: NaiveDate) -> NaiveDate {
    SIGHT.try_with(|sight| sight.lens.show_date(date)).unwrap_or(date)
}

/// A day without closing hours as the request under way is shown it.
pub(crate) fn shown_day(date: NaiveDate) -> NaiveDate {
    SIGHT.try_with(|sight| sight.lens.show_day(date)).unwrap_or(date)
}

/// What is added to the moments of a session for the request under way.
pub(crate) fn session_shift(session: &Session, around_the_clock: bool) -> TimeDelta {
    let shift = |sight: &Sight| sight.lens.session_shift(session, around_the_clock) + sight.skew;
    SIGHT.try_with(shift).unwrap_or_default()
}

/// How old the prices are that the request under way is shown as new.
pub(crate) fn staleness() -> TimeDelta {
    SIGHT.try_with(|sight| sight.staleness).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_plain_lens_shows_what_is_there() {
        let lens = Lens::default();
        let moment = at("2019-01-02T15:00:00Z");
        assert_eq!((lens.show(moment), lens.meant(moment)), (moment, moment));
        assert_eq!(lens.show_date(day("2019-01-02")), day("2019-01-02"));
    }

    #[test]
    fn shown_time_never_runs_backwards_and_can_be_taken_back() {
        let mut lens = Lens::default();
        let start = lens.shift(at("2019-01-02T15:00:00Z"), at("2026-11-20T01:02:03.500Z"));
        assert_eq!(start, at("2019-01-02T15:00:03.500Z"));
        assert_eq!(lens.show(start), at("2026-11-20T01:02:03.500Z"));
        // Two hours of not being there.
        let again = lens.shift(at("2019-01-02T15:30:00Z"), at("2026-11-20T03:40:10Z"));
        assert_eq!(lens.show(again), at("2026-11-20T03:40:10Z"));
        let mut last = at("2000-01-01T00:00:00Z");
        for minute in 0..60 {
            let moment = at("2019-01-02T15:00:00Z") + TimeDelta::minutes(minute);
            let shown = lens.show(moment);
            assert!(shown > last);
            assert_eq!(lens.meant(shown), moment);
            last = shown;
        }
        assert_eq!(lens.meant(at("2026-11-20T02:00:00Z")), at("2019-01-02T15:30:00Z"));
        // A clock that went back shifts nothing back.
        let back = lens.shift(at("2019-01-02T15:40:00Z"), at("2026-11-20T03:00:00Z"));
        assert_eq!(back, at("2019-01-02T15:40:00Z"));
    }

    #[test]
    fn days_before_today_are_sessions_before_today() {
        let mut lens = Lens::default();
        // A Saturday plays the part of a Wednesday.
        lens.show_as(day("2019-01-02"), day("2026-11-21"));
        for (date, shown) in [
            ("2019-01-02", "2026-11-21"),
            ("2018-12-31", "2026-11-20"),
            ("2018-12-28", "2026-11-19"),
            ("2018-12-21", "2026-11-13"),
        ] {
            assert_eq!(lens.show_date(day(date)), day(shown), "{date}");
        }
        assert_eq!(lens.show_day(day("2019-01-01")), day("2026-11-20"));
    }
}

//! All sessions of the calendar in one table, so that finding one is a search instead of a
//! computation.

use std::sync::LazyLock;

use atlas_core::calendar::{Calendar, Session};
use atlas_core::time::Timestamp;
use chrono::TimeDelta;

/// Every session of the calendar, in order; empty never.
static SESSIONS: LazyLock<Vec<Session>> = LazyLock::new(|| {
    let all = Calendar::nyse().sessions(Calendar::FIRST, Calendar::LAST);
    all.map(Iterator::collect).unwrap_or_default()
});

/// The number of the first session that has not closed at `now`; the count of all at the end.
pub(super) fn next_number(now: Timestamp) -> usize {
    SESSIONS.partition_point(|session| session.close <= now)
}

/// The session of that number.
pub(super) fn session(number: usize) -> Option<&'static Session> {
    SESSIONS.get(number)
}

/// Whether this is the number [`next_number`] gives, without searching.
pub(super) fn is_next(number: usize, now: Timestamp) -> bool {
    let before = number.checked_sub(1).and_then(session);
    session(number).is_some_and(|next| now < next.close)
        && before.is_none_or(|before| before.close <= now)
}

/// The session after another one, without a search if `number` is that one's; `None` at the end.
pub(super) fn after(number: usize, of: &Session) -> Option<&'static Session> {
    if session(number) == Some(of) {
        return session(number + 1);
    }
    session(SESSIONS.partition_point(|other| other.date <= of.date))
}

/// As [`around`], without a search if `number` is the one [`next_number`] gives.
pub(super) fn around_near(
    number: usize,
    now: Timestamp,
) -> Option<(Option<&'static Session>, &'static Session)> {
    if !is_next(number, now) {
        return around(now);
    }
    let (last, next) = (session(number.checked_sub(1)?)?, session(number)?);
    Some(((next.open <= now).then_some(next), last))
}

/// The session in which trading goes on at `now`, and the last one that has closed; `None` where
/// the calendar must be asked, which says why.
pub(super) fn around(now: Timestamp) -> Option<(Option<&'static Session>, &'static Session)> {
    let number = next_number(now);
    let last = session(number.checked_sub(1)?)?;
    let next = session(number)?;
    Some(((next.open <= now).then_some(next), last))
}

/// From when to when a session's day is traded: from 04:00 New York time to four hours after the
/// close, which is 20:00 but on half days.
///
/// # Examples
/// ```
/// use atlas_core::calendar::Calendar;
///
/// let session = Calendar::nyse().session("2018-12-24".parse().unwrap())?;
/// let (from, until) = atlas_venue::core::extended(&session);
/// assert_eq!(from.to_rfc3339(), "2018-12-24T09:00:00+00:00");
/// assert_eq!(until.to_rfc3339(), "2018-12-24T22:00:00+00:00");
/// # Ok::<(), atlas_core::Error>(())
/// ```
#[must_use]
pub fn extended(session: &Session) -> (Timestamp, Timestamp) {
    (session.open - BEFORE, session.close + AFTER)
}

/// The session in whose hours before the opening or after the close `now` lies.
pub(super) fn outside(now: Timestamp) -> Option<&'static Session> {
    let number = next_number(now);
    let last = number.checked_sub(1).and_then(session);
    let next = session(number).filter(|next| now < next.open);
    last.filter(|last| now < extended(last).1)
        .or_else(|| next.filter(|next| now >= extended(next).0))
}

/// How long before the opening trading begins.
const BEFORE: TimeDelta = TimeDelta::minutes(330);
/// How long after the close trading goes on.
const AFTER: TimeDelta = TimeDelta::hours(4);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_the_calendar_says() {
        let nyse = Calendar::nyse();
        for text in [
            "2019-01-02T14:29:59.999Z",
            "2019-01-02T14:30:00Z",
            "2019-01-02T20:59:59Z",
            "2019-01-02T21:00:00Z",
            "2018-12-24T18:00:00Z",
            "2019-07-04T15:00:00Z",
        ] {
            let now = text.parse().unwrap();
            let (open, last) = around(now).unwrap();
            assert_eq!(open.copied(), nyse.session_at(now).unwrap(), "{text}");
            assert_eq!(*last, nyse.last_closed(now).unwrap(), "{text}");
            assert!(is_next(next_number(now), now) && !is_next(next_number(now) + 1, now));
            for off in 0..3 {
                assert_eq!(around_near(next_number(now) + off - 1, now), around(now), "{text}");
            }
        }
        let second = session(1).unwrap();
        assert_eq!(
            (after(0, session(0).unwrap()), after(7, session(0).unwrap())),
            (Some(second), Some(second))
        );
        for (text, expected) in [
            ("2019-01-02T08:59:59.999Z", None),
            ("2019-01-02T09:00:00Z", Some("2019-01-02")),
            ("2019-01-02T14:29:59Z", Some("2019-01-02")),
            ("2019-01-02T14:30:00Z", None),
            ("2019-01-02T21:00:00Z", Some("2019-01-02")),
            ("2019-01-03T00:59:59Z", Some("2019-01-02")),
            ("2019-01-03T01:00:00Z", None),
            ("2018-12-24T21:59:59Z", Some("2018-12-24")),
            ("2018-12-24T22:00:00Z", None),
        ] {
            let found = outside(text.parse().unwrap()).map(|session| session.date.to_string());
            assert_eq!(found.as_deref(), expected, "{text}");
        }
        assert!(around("1989-06-01T00:00:00Z".parse().unwrap()).is_none());
    }
}

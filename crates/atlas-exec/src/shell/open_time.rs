//! Time that counts: while the market is open.

use std::time::Duration;

use atlas_core::calendar::Calendar;
use atlas_core::time::Timestamp;
use chrono::Days;

/// How much of the time from `from` to `to` the New York Stock Exchange was open.
///
/// # Errors
/// [`atlas_core::Error::CalendarRange`] outside of the calendar's years.
///
/// # Examples
/// ```
/// use atlas_exec::shell::open_time;
/// use std::time::Duration;
///
/// // From an hour before the close to half an hour after the next open.
/// let open = open_time("2019-01-02T20:00:00Z".parse()?, "2019-01-03T15:00:00Z".parse()?)?;
/// assert_eq!(open, Duration::from_secs(90 * 60));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn open_time(from: Timestamp, to: Timestamp) -> Result<Duration, atlas_core::Error> {
    // A session's UTC date is its New York date; a day's margin either way costs nothing.
    let first = from.date_naive().checked_sub_days(Days::new(1)).unwrap_or(Calendar::FIRST);
    let sessions = Calendar::nyse()
        .sessions(first.max(Calendar::FIRST), to.date_naive().min(Calendar::LAST))?;
    let mut open = Duration::ZERO;
    for session in sessions {
        let overlap = to.min(session.close) - from.max(session.open);
        open += overlap.to_std().unwrap_or_default();
    }
    Ok(open)
}

/// The open-market time of one execution, and whether its session is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenTime {
    elapsed: Duration,
    session: SessionPart,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SessionPart {
    Before,
    During,
    After,
}

impl OpenTime {
    /// Begins to count at an instant.
    pub(super) fn begin(now: Timestamp) -> Self {
        let session = if is_open(now) { SessionPart::During } else { SessionPart::Before };
        Self { elapsed: Duration::ZERO, session }
    }

    /// Counts a wait of `slept` that began and ended at these instants. A clock that stands still
    /// while one waits, as in a replay that holds the opening phase, counts as open time, and so
    /// does time outside of the calendar: a wait always ends.
    pub(super) fn count(&mut self, before: Timestamp, after: Timestamp, slept: Duration) {
        self.elapsed +=
            if after > before { open_time(before, after).unwrap_or(slept) } else { slept };
        self.session = match (self.session, is_open(after)) {
            (SessionPart::Before | SessionPart::During, true) => SessionPart::During,
            (SessionPart::Before, false) => SessionPart::Before,
            (SessionPart::During, false) | (SessionPart::After, _) => SessionPart::After,
        };
    }

    pub(super) const fn elapsed(&self) -> Duration {
        self.elapsed
    }

    pub(super) fn session_over(&self) -> bool {
        self.session == SessionPart::After
    }
}

fn is_open(now: Timestamp) -> bool {
    matches!(Calendar::nyse().session_at(now), Ok(Some(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nights_and_weekends_do_not_count() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let friday = at("2019-01-04T20:59:00Z");
        let monday = at("2019-01-07T14:31:00Z");
        assert_eq!(open_time(friday, monday).unwrap(), Duration::from_mins(2));
        assert_eq!(open_time(monday, friday).unwrap(), Duration::ZERO);
        let mut time = OpenTime::begin(friday);
        time.count(friday, friday + Duration::from_mins(2), Duration::from_mins(2));
        assert_eq!(time.elapsed(), Duration::from_mins(1));
        assert!(time.session_over());
        time.count(friday, friday, Duration::from_secs(10));
        assert_eq!(time.elapsed(), Duration::from_secs(70), "a frozen clock still lets waits end");
    }
}

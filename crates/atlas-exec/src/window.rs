//! When orders of a session may be sent.

use std::fmt;

use atlas_core::calendar::Session;
use atlas_core::time::Timestamp;
use chrono::TimeDelta;

/// The part of a session in which a plan may begin; the minutes around opening and close, when
/// prices jump and auctions match, are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The first instant.
    pub from: Timestamp,
    /// The first instant that is too late to begin.
    pub until: Timestamp,
    /// The session's close: the first instant that is too late to go on.
    pub close: Timestamp,
}

/// Why a plan may not begin or go on now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outside {
    /// It is due later.
    Early {
        /// When.
        due: Timestamp,
    },
    /// The last minutes have begun, and it has not.
    Late {
        /// Since when it is too late.
        until: Timestamp,
    },
    /// The session is over.
    Over {
        /// Since when.
        close: Timestamp,
    },
}

impl Window {
    /// A session's window, without so many minutes after its opening and before its close.
    #[must_use]
    pub fn of(session: &Session, after_open_min: u16, before_close_min: u16) -> Self {
        let until = session.close - TimeDelta::minutes(before_close_min.into());
        let from = session.open + TimeDelta::minutes(after_open_min.into());
        Self { from, until, close: session.close }
    }

    /// Whether a plan may begin, or go on if it has begun.
    ///
    /// # Errors
    /// [`Outside`] with the instant that matters.
    pub fn check(&self, now: Timestamp, begun: bool) -> Result<(), Outside> {
        if now < self.from {
            return Err(Outside::Early { due: self.from });
        }
        if now >= self.close {
            return Err(Outside::Over { close: self.close });
        }
        if now >= self.until && !begun {
            return Err(Outside::Late { until: self.until });
        }
        Ok(())
    }
}

impl fmt::Display for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Early { due } => write!(f, "the plan is due at {due}"),
            Self::Late { until } => {
                write!(f, "no plan begins in the session's last minutes, from {until} on")
            }
            Self::Over { close } => write!(f, "its session closed at {close}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use atlas_core::calendar::Calendar;

    use super::*;

    #[test]
    fn first_and_last_minutes_are_left_out_on_half_days_too() {
        // The day after Thanksgiving ends at 13:00 in New York.
        let session = Calendar::nyse().session("2019-11-29".parse().unwrap()).unwrap();
        let window = Window::of(&session, 5, 5);
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let check = |text: &str, begun, expected: Result<(), Outside>| {
            assert_eq!(window.check(at(text), begun), expected, "{text}");
        };
        let (due, until, close) =
            (at("2019-11-29T14:35:00Z"), at("2019-11-29T17:55:00Z"), at("2019-11-29T18:00:00Z"));
        check("2019-11-29T14:34:59Z", false, Err(Outside::Early { due }));
        check("2019-11-29T14:34:59Z", true, Err(Outside::Early { due }));
        check("2019-11-29T14:35:00Z", false, Ok(()));
        check("2019-11-29T17:54:59Z", false, Ok(()));
        check("2019-11-29T17:55:00Z", false, Err(Outside::Late { until }));
        check("2019-11-29T17:55:00Z", true, Ok(()));
        check("2019-11-29T18:00:00Z", true, Err(Outside::Over { close }));
    }
}

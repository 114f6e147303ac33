//! What the market was like around an order.

use atlas_core::Price;
use atlas_core::calendar::{Calendar, to_eastern};
use atlas_core::time::Timestamp;
use chrono::{TimeDelta, Timelike as _};
use serde::{Deserialize, Serialize};

/// Bid and ask of a symbol, both there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quoted {
    /// Highest price somebody would pay.
    pub bid: Price,
    /// Lowest price somebody would take.
    pub ask: Price,
    /// When the venue made it.
    pub at: Timestamp,
}

/// What the venue was like when an order was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// Whether the venue said that the market is open.
    pub open: bool,
    /// The part of the session.
    pub part: Part,
    /// When the quote was made that the order went by; `None` without one.
    pub quoted_at: Option<Timestamp>,
}

/// The part of a session an instant lies in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The first half hour.
    Opening,
    /// Between the two.
    Middle,
    /// The last half hour.
    Closing,
    /// No session is under way.
    Outside,
}

impl Part {
    /// The part of its session an instant lies in.
    ///
    /// # Examples
    /// ```
    /// use atlas_exec::quality::Part;
    ///
    /// assert_eq!(Part::of("2019-01-03T14:35:00Z".parse()?), Part::Opening);
    /// assert_eq!(Part::of("2019-01-03T20:45:00Z".parse()?), Part::Closing);
    /// assert_eq!(Part::of("2019-01-05T17:00:00Z".parse()?), Part::Outside);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        let half_hour = TimeDelta::minutes(30);
        match Calendar::nyse().session_at(at) {
            Ok(Some(session)) if at < session.open + half_hour => Self::Opening,
            Ok(Some(session)) if at >= session.close - half_hour => Self::Closing,
            Ok(Some(_)) => Self::Middle,
            Ok(None) | Err(_) => Self::Outside,
        }
    }
}

/// The hour of an instant in New York, 0 to 23; outside of the calendar in UTC.
#[must_use]
pub fn hour_of(at: Timestamp) -> u32 {
    to_eastern(at).map_or_else(|_| at.hour(), |local| local.hour())
}

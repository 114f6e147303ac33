//! One session as it is handed to a detector that goes session by session.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// A value and the date it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Dated {
    /// Its date.
    pub date: NaiveDate,
    /// The value.
    pub value: f64,
}

/// A session after its close, with what is known by then.
///
/// # Examples
/// ```
/// use atlas_regime::{Dated, SessionClose};
/// use chrono::NaiveDate;
/// let date = NaiveDate::from_ymd_opt(2024, 8, 5).unwrap();
/// let session = SessionClose::new(date, 5186.33)
///     .vix(Dated { date, value: 38.57 })
///     .rate(Dated { date, value: 5.05 });
/// assert_eq!(session.vix.map(|vix| vix.date), Some(date));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SessionClose {
    /// The session, later than the one before.
    pub date: NaiveDate,
    /// Close of the index, positive.
    pub close: f64,
    /// The newest close of the VIX in index points, positive; `None` where nothing newer is known
    /// than on the session before. One dated before the session counts as stale.
    pub vix: Option<Dated>,
    /// The newest three-month Treasury rate in percent per year; `None` where nothing newer is
    /// known than on the session before. It is used from the next session on.
    pub rate: Option<Dated>,
}

impl SessionClose {
    /// A session of which only the index is known.
    #[must_use]
    pub const fn new(date: NaiveDate, close: f64) -> Self {
        Self { date, close, vix: None, rate: None }
    }

    /// With the newest close of the VIX.
    #[must_use]
    pub const fn vix(self, vix: Dated) -> Self {
        Self { vix: Some(vix), ..self }
    }

    /// With the newest rate.
    #[must_use]
    pub const fn rate(self, rate: Dated) -> Self {
        Self { rate: Some(rate), ..self }
    }
}

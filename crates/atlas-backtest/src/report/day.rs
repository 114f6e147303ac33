//! The account at one close.

use atlas_core::Usd;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// The account at the close of one session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Day {
    /// The session.
    pub date: NaiveDate,
    /// Cash plus positions.
    pub equity: Usd,
    /// Cash.
    pub cash: Usd,
    /// Shares at the close.
    pub positions: Usd,
    /// Simple return since the close before, as a fraction; `None` on the first day, and after a
    /// day without equity.
    pub simple_return: Option<f64>,
    /// Fall from the highest equity so far, as a fraction, zero or below.
    pub drawdown: f64,
    /// Positions as a share of equity; `None` without equity.
    pub exposure: Option<f64>,
}

impl Day {
    /// The day after `before`, whose equity had reached `peak` at most.
    pub(crate) fn after(
        before: Option<&Self>,
        peak: Usd,
        date: NaiveDate,
        (equity, cash, positions): (Usd, Usd, Usd),
    ) -> Self {
        let ratio = |a: Usd, b: Usd| (b > Usd::ZERO).then(|| a.to_f64() / b.to_f64());
        Self {
            date,
            equity,
            cash,
            positions,
            simple_return: before.and_then(|day| ratio(equity, day.equity)).map(|r| r - 1.0),
            drawdown: ratio(equity, peak.max(equity)).map_or(0.0, |r| r - 1.0),
            exposure: ratio(positions, equity),
        }
    }
}

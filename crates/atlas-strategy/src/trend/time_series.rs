//! Time-series momentum: a symbol's own past return.

use atlas_core::signal::Direction;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::indicator::{Indicator, Ohlcv, RealisedVolatility, Roc, period};
use crate::stop::AtrStop;
use crate::strategy::{Opinion, Strategy};

/// Long while the return over `lookback` bars, the newest `skip` left out, is above zero.
///
/// Strength is the size of that return, confidence that return over the volatility of the same span
/// (at most 1), the stop 2.5 average true ranges below the close. The field uses 252 and 21. Source:
/// T. Moskowitz, Y. H. Ooi, L. H. Pedersen, "Time series momentum" (2012).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimeSeriesMomentum {
    lookback: usize,
    change: Roc,
    /// The closes of the skipped bars, oldest first.
    skipped: std::collections::VecDeque<f64>,
    skip: usize,
    volatility: RealisedVolatility,
    stop: AtrStop,
}

impl TimeSeriesMomentum {
    /// One over `lookback` bars without the newest `skip`.
    ///
    /// # Errors
    /// [`Error::Parameter`] unless `skip` is at least 2 below `lookback`.
    pub fn new(lookback: usize, skip: usize) -> Result<Self, Error> {
        let owner = "time-series momentum";
        period(owner, "lookback", lookback, skip.saturating_add(2), "2 or more above skip")?;
        let span = lookback - skip;
        Ok(Self {
            lookback,
            change: Roc::new(span)?,
            skipped: std::collections::VecDeque::with_capacity(skip + 1),
            skip,
            volatility: RealisedVolatility::new(span, crate::indicator::count(span))?,
            stop: AtrStop::new()?,
        })
    }
}

impl Strategy for TimeSeriesMomentum {
    fn name(&self) -> &'static str {
        "time-series-momentum"
    }

    fn warm_up(&self) -> usize {
        (self.lookback + 1).max(AtrStop::WARM_UP)
    }

    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        let stop = self.stop.push(bar);
        self.skipped.push_back(bar.close);
        if self.skipped.len() <= self.skip {
            return None;
        }
        let close = self.skipped.pop_front()?;
        let (change, volatility) = (self.change.push(close), self.volatility.push(close));
        let (change, volatility, (_, stop)) = (change? / 100.0, volatility?, stop?);
        let long = change > 0.0;
        Some(Opinion {
            direction: if long { Direction::Long } else { Direction::Exit },
            strength: change.abs(),
            confidence: if volatility > 0.0 { (change / volatility).abs().min(1.0) } else { 0.0 },
            horizon: u32::try_from(self.skip.max(1)).unwrap_or(u32::MAX),
            stop: long.then_some(stop).filter(|stop| *stop > 0.0),
            target: None,
            evidence: [("return", change), ("volatility", volatility)].into(),
        })
    }
}

//! MACD as a trend.

use atlas_core::signal::Direction;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::indicator::{Indicator, Macd, Ohlcv};
use crate::stop::AtrStop;
use crate::strategy::{Opinion, Strategy};

/// Long while MACD is above its signal line, out otherwise.
///
/// Strength is the histogram over the close, confidence the histogram in average true ranges (at most
/// 1), the stop 2.5 average true ranges below the close.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MacdTrend {
    macd: Macd,
    stop: AtrStop,
    horizon: usize,
    warm_up: usize,
}

impl MacdTrend {
    /// One of three periods; the field uses 12, 26, 9.
    ///
    /// # Errors
    /// [`Error::Parameter`] as [`Macd::new`].
    pub fn new(fast: usize, slow: usize, signal: usize) -> Result<Self, Error> {
        let macd = Macd::new(fast, slow, signal)?;
        let warm_up = (slow + signal - 1).max(AtrStop::WARM_UP);
        Ok(Self { macd, stop: AtrStop::new()?, horizon: slow, warm_up })
    }
}

impl Strategy for MacdTrend {
    fn name(&self) -> &'static str {
        "macd"
    }

    fn warm_up(&self) -> usize {
        self.warm_up
    }

    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        let (macd, stop) = (self.macd.push(bar.close), self.stop.push(bar));
        let (macd, (range, stop)) = (macd?, stop?);
        let long = macd.histogram > 0.0;
        Some(Opinion {
            direction: if long { Direction::Long } else { Direction::Exit },
            strength: (macd.histogram / bar.close).abs(),
            confidence: if range > 0.0 { (macd.histogram / range).abs().min(1.0) } else { 0.0 },
            horizon: u32::try_from(self.horizon).unwrap_or(u32::MAX),
            stop: long.then_some(stop).filter(|stop| *stop > 0.0),
            target: None,
            evidence: [("macd", macd.macd), ("signal", macd.signal), ("atr", range)].into(),
        })
    }
}

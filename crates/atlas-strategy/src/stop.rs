//! The stop by volatility that several strategies share.

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::indicator::{Atr, Indicator, Ohlcv};

/// A stop 2.5 average true ranges of 14 bars below the close, the field's choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct AtrStop(Atr);

impl AtrStop {
    /// Bars before the first stop.
    pub(crate) const WARM_UP: usize = PERIOD + 1;

    pub(crate) fn new() -> Result<Self, Error> {
        Atr::new(PERIOD).map(Self)
    }

    /// The average range and the stop below the bar's close.
    pub(crate) fn push(&mut self, bar: &Ohlcv) -> Option<(f64, f64)> {
        let range = self.0.push(*bar)?;
        Some((range, bar.close - MULTIPLE * range))
    }
}

const PERIOD: usize = 14;
const MULTIPLE: f64 = 2.5;

//! How near a close is to the highest price of a year.

use serde::{Deserialize, Serialize};

use super::{Fill, Indicator, Ohlcv, RollingMax};
use crate::Error;

/// Close over the highest high of the last `n` bars, this one included: 1 at the high. The field
/// uses 252 bars, the 52-week high; a highest price of zero leaves it undefined. Source: T. George
/// and C.-Y. Hwang, "The 52-Week High and Momentum Investing" (2004).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HighDistance {
    highest: RollingMax,
}

impl HighDistance {
    /// One over `n` bars.
    ///
    /// # Errors
    /// [`Error::Parameter`] for `n` = 0.
    pub fn new(n: usize) -> Result<Self, Error> {
        Ok(Self { highest: RollingMax::new(n)? })
    }
}

impl Indicator for HighDistance {
    type Input = Ohlcv;
    type Output = f64;

    fn push(&mut self, bar: Ohlcv) -> Option<f64> {
        if !bar.is_finite() {
            return None;
        }
        let ratio = bar.close / self.highest.push(bar.high)?;
        ratio.is_finite().then_some(ratio)
    }
}

impl Fill for HighDistance {}

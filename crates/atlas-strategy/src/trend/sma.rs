//! Crossing simple averages, in one set or in three chosen by the strength of the trend.

use atlas_core::signal::Direction;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::indicator::{Adx, Indicator, Ohlcv, Sma, period};
use crate::stop::AtrStop;
use crate::strategy::{Opinion, Strategy};

/// Two averages that cross; the field's sets are 5/15, 10/30 and 20/50.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmaSet {
    /// Bars of the fast average.
    pub fast: usize,
    /// Bars of the slow average.
    pub slow: usize,
}

impl SmaSet {
    /// 5 and 15 bars.
    pub const FAST: Self = Self { fast: 5, slow: 15 };
    /// 10 and 30 bars.
    pub const MEDIUM: Self = Self { fast: 10, slow: 30 };
    /// 20 and 50 bars.
    pub const SLOW: Self = Self { fast: 20, slow: 50 };
}

/// Long while the fast average is above the slow one, out otherwise.
///
/// Strength is the gap over the slow average, confidence the gap in average true ranges (at most 1),
/// the stop 2.5 average true ranges below the close.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SmaCross {
    set: SmaSet,
    fast: Sma,
    slow: Sma,
    stop: AtrStop,
}

impl SmaCross {
    /// One of a set.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a fast average of 0 bars or one that is not below the slow one.
    pub fn new(set: SmaSet) -> Result<Self, Error> {
        period("SMA crossover", "slow", set.slow, set.fast.saturating_add(1), "above fast")?;
        let (fast, slow) = (Sma::new(set.fast)?, Sma::new(set.slow)?);
        Ok(Self { set, fast, slow, stop: AtrStop::new()? })
    }
}

impl Strategy for SmaCross {
    fn name(&self) -> &'static str {
        "sma-cross"
    }

    fn warm_up(&self) -> usize {
        self.set.slow.max(AtrStop::WARM_UP)
    }

    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        let (fast, slow) = (self.fast.push(bar.close), self.slow.push(bar.close));
        let stop = self.stop.push(bar);
        let (fast, slow, (range, stop)) = (fast?, slow?, stop?);
        let gap = fast - slow;
        let long = gap > 0.0;
        Some(Opinion {
            direction: if long { Direction::Long } else { Direction::Exit },
            strength: (gap / slow).abs(),
            confidence: if range > 0.0 { (gap / range).abs().min(1.0) } else { 0.0 },
            horizon: u32::try_from(self.set.slow).unwrap_or(u32::MAX),
            stop: long.then_some(stop).filter(|stop| *stop > 0.0),
            target: None,
            evidence: [("fast", fast), ("slow", slow), ("atr", range)].into(),
        })
    }
}

/// Three crossovers, of which the strength of the trend (ADX of 14 bars) chooses one: from 25 up the
/// slow set, below 20 none, in between the medium one where it agrees with the fast one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AdaptiveSma {
    adx: Adx,
    fast: SmaCross,
    medium: SmaCross,
    slow: SmaCross,
}

impl AdaptiveSma {
    /// The field's three sets.
    ///
    /// # Errors
    /// None: the sets are the constants of [`SmaSet`].
    pub fn new() -> Result<Self, Error> {
        Ok(Self {
            adx: Adx::new(14)?,
            fast: SmaCross::new(SmaSet::FAST)?,
            medium: SmaCross::new(SmaSet::MEDIUM)?,
            slow: SmaCross::new(SmaSet::SLOW)?,
        })
    }
}

impl Strategy for AdaptiveSma {
    fn name(&self) -> &'static str {
        "adaptive-sma"
    }

    fn warm_up(&self) -> usize {
        SmaSet::SLOW.slow
    }

    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        let adx = self.adx.push(*bar);
        let (fast, medium) = (self.fast.push(bar), self.medium.push(bar));
        // All three are asked, so that each has seen every bar when its turn comes.
        let slow = self.slow.push(bar)?;
        let (fast, medium, adx) = (fast?, medium?, adx?.adx);
        let mut chosen = if adx >= TRENDING {
            slow
        } else if adx >= RANGING && fast.direction == medium.direction {
            medium
        } else {
            return None;
        };
        chosen.evidence.push("adx", adx);
        Some(chosen)
    }
}

/// Wilder's thresholds: a trend from 25 up, none below 20.
const TRENDING: f64 = 25.0;
const RANGING: f64 = 20.0;

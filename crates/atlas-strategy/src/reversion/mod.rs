//! Strategies that buy weakness: RSI and z-score (Bollinger) mean reversion.

use atlas_core::signal::Direction;
use serde::{Deserialize, Serialize};

use crate::Error;
use crate::indicator::{Indicator, Ohlcv, Rsi, ZScore};
use crate::stop::AtrStop;
use crate::strategy::{Opinion, Strategy};

/// Enters below a level and stays until another is reached: the state both strategies share.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Band {
    enter_below: f64,
    leave_from: f64,
    long: bool,
}

impl Band {
    fn new(owner: &'static str, enter_below: f64, leave_from: f64) -> Result<Self, Error> {
        if enter_below.is_finite() && leave_from.is_finite() && enter_below < leave_from {
            return Ok(Self { enter_below, leave_from, long: false });
        }
        Err(Error::Parameter {
            owner,
            name: "enter_below",
            value: enter_below.to_string(),
            rule: "finite and below the level to leave at",
        })
    }

    /// Whether to be long after this value.
    fn push(&mut self, value: f64) -> bool {
        if value < self.enter_below {
            self.long = true;
        } else if value >= self.leave_from {
            self.long = false;
        }
        self.long
    }

    /// How far the value is from the level to leave at, one at the level to enter at.
    fn depth(&self, value: f64) -> f64 {
        (self.leave_from - value).abs() / (self.leave_from - self.enter_below)
    }
}

/// Long once the RSI falls below a level, until it rises to another; the field uses RSI(14), 30 and
/// 50.
///
/// Strength is the distance to the level to leave at (one at the level to enter at), confidence half
/// of it (at most 1), the stop 2.5 average true ranges below the close.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RsiReversion {
    n: usize,
    rsi: Rsi,
    band: Band,
    stop: AtrStop,
}

impl RsiReversion {
    /// One of an RSI and two levels.
    ///
    /// # Errors
    /// [`Error::Parameter`] for an RSI of 0 or levels that are not finite and in order.
    pub fn new(n: usize, enter_below: f64, leave_from: f64) -> Result<Self, Error> {
        let band = Band::new("RSI reversion", enter_below, leave_from)?;
        Ok(Self { n, rsi: Rsi::new(n)?, band, stop: AtrStop::new()? })
    }
}

impl Strategy for RsiReversion {
    fn name(&self) -> &'static str {
        "rsi-reversion"
    }

    fn warm_up(&self) -> usize {
        (self.n + 1).max(AtrStop::WARM_UP)
    }

    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        let (rsi, stop) = (self.rsi.push(bar.close), self.stop.push(bar));
        let (rsi, (_, stop)) = (rsi?, stop?);
        Some(opinion(&mut self.band, ("rsi", rsi), self.n, stop))
    }
}

/// Long once the close falls so many standard deviations below its mean, until it is back at the
/// mean: the lower Bollinger band. The field uses 20 bars, −2 and 0.
///
/// Strength, confidence and stop as for [`RsiReversion`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ZScoreReversion {
    n: usize,
    score: ZScore,
    band: Band,
    stop: AtrStop,
}

impl ZScoreReversion {
    /// One over `n` closes and two levels.
    ///
    /// # Errors
    /// [`Error::Parameter`] for fewer than 2 closes or levels that are not finite and in order.
    pub fn new(n: usize, enter_below: f64, leave_from: f64) -> Result<Self, Error> {
        let band = Band::new("z-score reversion", enter_below, leave_from)?;
        Ok(Self { n, score: ZScore::new(n)?, band, stop: AtrStop::new()? })
    }
}

impl Strategy for ZScoreReversion {
    fn name(&self) -> &'static str {
        "z-score-reversion"
    }

    fn warm_up(&self) -> usize {
        self.n.max(AtrStop::WARM_UP)
    }

    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        let (score, stop) = (self.score.push(bar.close), self.stop.push(bar));
        let (score, (_, stop)) = (score?, stop?);
        Some(opinion(&mut self.band, ("z_score", score), self.n, stop))
    }
}

fn opinion(band: &mut Band, reading: (&'static str, f64), horizon: usize, stop: f64) -> Opinion {
    let long = band.push(reading.1);
    let depth = band.depth(reading.1);
    Opinion {
        direction: if long { Direction::Long } else { Direction::Exit },
        strength: depth,
        confidence: (depth / 2.0).min(1.0),
        horizon: u32::try_from(horizon).unwrap_or(u32::MAX),
        stop: long.then_some(stop).filter(|stop| *stop > 0.0),
        target: None,
        evidence: [reading].into(),
    }
}

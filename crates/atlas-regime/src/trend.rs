//! Whether a market trends or ranges, by its distance from moving averages in units of range.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::count::float;

/// How a market moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Movement {
    /// Far above its 50-session average: score above +1.5.
    TrendingUp,
    /// Far below it: score below −1.5.
    TrendingDown,
    /// Not trending and within the 20-session average ± two average true ranges.
    Ranging,
    /// Neither.
    Unknown,
}

/// What is known after one session.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrendReading {
    /// How the market moves.
    pub movement: Movement,
    /// `(close − SMA50) / ATR14`, in average true ranges.
    pub score: f64,
    /// Average close of the last 50 sessions.
    pub sma_50: f64,
    /// Average close of the last 20 sessions.
    pub sma_20: f64,
    /// Average true range over 14 sessions, smoothed as by Wilder.
    pub atr_14: f64,
}

/// The indicator, one daily bar at a time; reads the past only.
///
/// The average true range starts as the plain mean of the first 14 true ranges and then moves by
/// a fourteenth each session. Source: Wilder 1978, "New concepts in technical trading systems".
/// Assumes closed bars on one adjustment basis.
///
/// # Examples
/// ```
/// use atlas_regime::{Movement, Trend};
/// let mut trend = Trend::new();
/// let mut last = None;
/// for t in 0..60 {
///     let close = 100.0 + f64::from(t);
///     last = trend.push(close + 0.5, close - 0.5, close)?;
/// }
/// assert_eq!(last.map(|r| r.movement), Some(Movement::TrendingUp));
/// # Ok::<(), atlas_regime::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(into = "Stored", try_from = "Stored")]
pub struct Trend {
    closes: VecDeque<f64>,
    ranges: Vec<f64>,
    atr: Option<f64>,
    bars: usize,
}

impl Trend {
    /// Starts without bars.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes one session's bar in; `None` until there are 50 sessions, or while prices have not
    /// moved at all.
    ///
    /// # Errors
    /// [`Error::NotFinite`] for a number that is NaN, infinite or not positive (column 0 is high, 1
    /// low, 2 close), [`Error::BarOutOfOrder`] if high, low and close are; the indicator is
    /// then as it was. No other.
    pub fn push(&mut self, high: f64, low: f64, close: f64) -> Result<Option<TrendReading>, Error> {
        let prices = [high, low, close];
        if let Some(column) = prices.iter().position(|p| !(p.is_finite() && *p > 0.0)) {
            let (row, value) = (self.bars, prices[column]);
            return Err(Error::NotFinite { what: "the bar", row, column, value });
        }
        if !(low <= close && close <= high) {
            return Err(Error::BarOutOfOrder { row: self.bars, high, low, close });
        }
        let before = self.closes.back().copied();
        let range = before.map_or(high - low, |b| high.max(b) - low.min(b));
        self.bars = self.bars.saturating_add(1);
        if let Some(atr) = &mut self.atr {
            *atr = (*atr * 13.0 + range) / 14.0;
        } else {
            self.ranges.push(range);
            self.atr =
                (self.ranges.len() == RANGES).then(|| self.ranges.iter().sum::<f64>() / 14.0);
        }
        if self.closes.len() == CLOSES {
            self.closes.pop_front();
        }
        self.closes.push_back(close);
        Ok(self.reading(close))
    }

    fn reading(&self, close: f64) -> Option<TrendReading> {
        let atr_14 = self.atr.filter(|atr| *atr > 0.0)?;
        if self.closes.len() < CLOSES {
            return None;
        }
        let mean = |n: usize| self.closes.iter().rev().take(n).sum::<f64>() / float(n);
        let (sma_50, sma_20) = (mean(50), mean(20));
        let score = (close - sma_50) / atr_14;
        let movement = if score > TRENDING {
            Movement::TrendingUp
        } else if score < -TRENDING {
            Movement::TrendingDown
        } else if (close - sma_20).abs() <= 2.0 * atr_14 {
            Movement::Ranging
        } else {
            Movement::Unknown
        };
        Some(TrendReading { movement, score, sma_50, sma_20, atr_14 })
    }
}

/// An indicator as it is filed away.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    closes: VecDeque<f64>,
    ranges: Vec<f64>,
    atr: Option<f64>,
    bars: usize,
}

impl From<Trend> for Stored {
    fn from(trend: Trend) -> Self {
        let Trend { closes, ranges, atr, bars } = trend;
        Self { format: TREND_FORMAT, closes, ranges, atr, bars }
    }
}

impl TryFrom<Stored> for Trend {
    type Error = Error;

    fn try_from(stored: Stored) -> Result<Self, Error> {
        let Stored { format, closes, ranges, atr, bars } = stored;
        if format != TREND_FORMAT {
            let (found, expected) = (format, TREND_FORMAT);
            return Err(Error::Format { what: "the trend indicator", found, expected });
        }
        let lengths = [("closes", closes.len(), CLOSES), ("true ranges", ranges.len(), RANGES)];
        for (what, found, most) in lengths {
            if found != bars.min(most) {
                return Err(Error::Shape { what, found, expected: bars.min(most) });
            }
        }
        let prices = closes.iter().all(|c| c.is_finite() && *c > 0.0);
        let spreads = ranges.iter().chain(&atr).all(|r| r.is_finite() && *r >= 0.0);
        if !prices || !spreads || atr.is_some() != (ranges.len() == RANGES) {
            let value = format!("{atr:?}");
            let rule = "prices above 0 and ranges from 0, with the average once there are 14";
            return Err(Error::Parameter { name: "the trend indicator", value, rule });
        }
        Ok(Self { closes, ranges, atr, bars })
    }
}

/// The format of filed-away indicators this version writes and reads.
const TREND_FORMAT: u32 = 1;

/// Closes kept, for the longer average.
const CLOSES: usize = 50;

/// True ranges the average starts from.
const RANGES: usize = 14;

/// A score beyond this, either way, is a trend.
const TRENDING: f64 = 1.5;

#[cfg(test)]
mod tests {
    use super::*;

    fn run(closes: impl Iterator<Item = f64>) -> Option<TrendReading> {
        let mut trend = Trend::new();
        closes.map(|c| trend.push(c + 1.0, c - 1.0, c).unwrap()).last().flatten()
    }

    #[test]
    fn a_wave_ranges_and_a_fall_trends() {
        let wave = run((0..80).map(|t| if t % 2 == 0 { 100.0 } else { 100.5 })).unwrap();
        assert_eq!(wave.movement, Movement::Ranging);
        let fall = run((0..80).map(|t| 200.0 - f64::from(t))).unwrap();
        assert_eq!(fall.movement, Movement::TrendingDown);
        assert!((fall.atr_14 - 2.0).abs() < 1e-12 && (fall.score + 12.25).abs() < 1e-12);
    }

    #[test]
    fn a_jump_out_of_the_band_that_is_no_trend_is_unknown() {
        // Long above, then below: the close is near the 50-session average but far from the 20.
        let closes = (0..60).map(|t| if t < 40 { 100.0 } else { 90.0 }).chain([96.0]);
        assert_eq!(run(closes).unwrap().movement, Movement::Unknown);
    }

    #[test]
    fn fifty_sessions_are_needed_and_bad_bars_are_refused() {
        assert!(run((0..49).map(|_| 10.0)).is_none());
        assert!(run((0..50).map(|_| 10.0)).is_some());
        let mut trend = Trend::new();
        let refused = Err(Error::BarOutOfOrder { row: 0, high: 1.0, low: 2.0, close: 1.5 });
        assert_eq!(trend.push(1.0, 2.0, 1.5), refused);
        assert!(trend.push(f64::NAN, 2.0, 1.5).is_err());
        assert_eq!(trend, Trend::new());
    }

    #[test]
    fn an_indicator_comes_back_and_a_damaged_one_does_not() {
        for bars in [0_u8, 5, 14, 50, 70] {
            let mut trend = Trend::new();
            for t in 0..bars {
                trend.push(12.0 + f64::from(t), 9.0, 10.0).unwrap();
            }
            let json = serde_json::to_value(&trend).unwrap();
            let mut again: Trend = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(again, trend);
            assert_eq!(again.push(12.0, 9.0, 11.0), trend.push(12.0, 9.0, 11.0));
            let damages = [
                ("format", serde_json::json!(2)),
                ("closes", serde_json::json!([1.0, -2.0])),
                ("ranges", serde_json::json!([1.0, 2.0, 3.0])),
                ("atr", serde_json::json!(-1.0)),
                ("bars", serde_json::json!(33)),
            ];
            for (field, value) in damages {
                let mut bad = json.clone();
                bad[field] = value;
                assert!(serde_json::from_value::<Trend>(bad).is_err(), "{bars}: {field}");
            }
        }
    }
}

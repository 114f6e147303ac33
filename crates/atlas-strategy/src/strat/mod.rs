//! STRAT: every bar is inside, outside, up or down against the one before, and a few of them in a row
//! make a pattern with entry, stop and target.

use atlas_core::Regime;
use atlas_core::signal::Direction;
use serde::{Deserialize, Serialize};

use crate::indicator::Ohlcv;
use crate::strategy::{Opinion, Strategy};

/// A bar against the one before; equal highs or lows do not count as taken out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum BarKind {
    /// 1: within the range of the one before.
    #[serde(rename = "1")]
    Inside,
    /// 2U: took out the high alone.
    #[serde(rename = "2U")]
    Up,
    /// 2D: took out the low alone.
    #[serde(rename = "2D")]
    Down,
    /// 3: took out both.
    #[serde(rename = "3")]
    Outside,
}

impl BarKind {
    /// The kind of `bar` after `before`.
    #[must_use]
    pub fn of(bar: &Ohlcv, before: &Ohlcv) -> Self {
        match (bar.high > before.high, bar.low < before.low) {
            (false, false) => Self::Inside,
            (true, false) => Self::Up,
            (false, true) => Self::Down,
            (true, true) => Self::Outside,
        }
    }
}

/// What the last bars make together; the newest bar of each is a 2 that triggered it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PatternKind {
    /// 2-1-2: a pause, then on or back.
    #[serde(rename = "2-1-2")]
    TwoOneTwo,
    /// 3-1-2: a pause after an outside bar.
    #[serde(rename = "3-1-2")]
    ThreeOneTwo,
    /// 1-2-2: out of a pause, then on or back.
    #[serde(rename = "1-2-2")]
    OneTwoTwo,
    /// 3-2: on from an outside bar.
    #[serde(rename = "3-2")]
    ThreeTwo,
    /// 2-2: on or back.
    #[serde(rename = "2-2")]
    TwoTwo,
}

/// Which way a pattern goes after what came before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Turn {
    /// Against its first 2.
    Reversal,
    /// On in the direction of its first 2; also where it has none.
    Continuation,
}

/// A pattern in force.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pattern {
    /// Which one.
    pub kind: PatternKind,
    /// Whether it points up.
    pub bullish: bool,
    /// Whether it turns the direction of its first 2 around.
    pub turn: Turn,
    /// The level whose break triggered it: the high (bearish: the low) of the bar before.
    pub entry: f64,
    /// The level at which it is wrong: the other end of that bar.
    pub stop: f64,
    /// The magnitude: the far end of the bar before that one, where it lies beyond the entry.
    pub target: Option<f64>,
}

/// How good a pattern is in a regime, and the share of a full position it deserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Quality {
    /// With the regime: 100 %.
    High,
    /// In a neutral one: 50 %.
    Medium,
    /// Against it, or up in a crash: nothing.
    Rejected,
}

impl Quality {
    /// Of a pattern that points up or down.
    #[must_use]
    pub const fn of(regime: Regime, bullish: bool) -> Self {
        match (regime, bullish) {
            (Regime::Bull, true) | (Regime::Bear | Regime::Crash, false) => Self::High,
            (Regime::Neutral, _) => Self::Medium,
            (Regime::Bull, false) | (Regime::Bear | Regime::Crash, true) => Self::Rejected,
        }
    }

    /// Share of a full position, in per cent.
    #[must_use]
    pub const fn percent(self) -> u8 {
        match self {
            Self::High => 100,
            Self::Medium => 50,
            Self::Rejected => 0,
        }
    }
}

/// Whether the close is on the same side of the open of every timeframe, such as day, week, month.
///
/// `Some(true)` if it is above all of them, `Some(false)` if below all, `None` otherwise or without
/// any.
#[must_use]
pub fn continuity(opens: &[f64], close: f64) -> Option<bool> {
    let above = opens.iter().filter(|open| close > **open).count();
    let below = opens.iter().filter(|open| close < **open).count();
    match (above, below) {
        (0, 0) => None,
        (above, _) if above == opens.len() => Some(true),
        (_, below) if below == opens.len() => Some(false),
        _ => None,
    }
}

/// Watches for patterns: long on a bullish one, out on a bearish one, no opinion otherwise.
///
/// Strength is the distance from entry to stop over the entry, confidence 1 for three-bar patterns
/// and 0.5 for two-bar ones. The stop is the pattern's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Strat {
    /// The last bars, newest last, at most four.
    bars: Vec<Ohlcv>,
}

impl Strat {
    /// The pattern the last bars make, if they make one; three bars before two.
    #[must_use]
    pub fn pattern(&self) -> Option<Pattern> {
        let count = self.bars.len();
        let kind = |back: usize| -> Option<BarKind> {
            let at = count.checked_sub(back + 1)?;
            Some(BarKind::of(&self.bars[at], self.bars.get(at.checked_sub(1)?)?))
        };
        let (newest, middle, oldest) = (kind(0)?, kind(1)?, kind(2));
        let bullish = match newest {
            BarKind::Up => true,
            BarKind::Down => false,
            BarKind::Inside | BarKind::Outside => return None,
        };
        let (name, first) = match (oldest, middle) {
            (Some(two @ (BarKind::Up | BarKind::Down)), BarKind::Inside) => {
                (PatternKind::TwoOneTwo, Some(two))
            }
            (Some(BarKind::Outside), BarKind::Inside) => (PatternKind::ThreeOneTwo, None),
            (Some(BarKind::Inside), two @ (BarKind::Up | BarKind::Down)) => {
                (PatternKind::OneTwoTwo, Some(two))
            }
            (_, BarKind::Outside) => (PatternKind::ThreeTwo, None),
            (_, two @ (BarKind::Up | BarKind::Down)) => (PatternKind::TwoTwo, Some(two)),
            (Some(BarKind::Inside) | None, BarKind::Inside) => return None,
        };
        let against = first.is_some_and(|first| (first == BarKind::Up) != bullish);
        let turn = if against { Turn::Reversal } else { Turn::Continuation };
        let (setup, before) = (&self.bars[count - 2], &self.bars[count - 3]);
        let (entry, stop, far) = if bullish {
            (setup.high, setup.low, before.high)
        } else {
            (setup.low, setup.high, before.low)
        };
        let beyond = if bullish { far > entry } else { far < entry };
        let target = beyond.then_some(far);
        Some(Pattern { kind: name, bullish, turn, entry, stop, target })
    }
}

impl Strategy for Strat {
    fn name(&self) -> &'static str {
        "strat"
    }

    fn warm_up(&self) -> usize {
        3
    }

    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        if self.bars.len() == 4 {
            self.bars.remove(0);
        }
        self.bars.push(*bar);
        let Pattern { kind, bullish, entry, stop, target, .. } = self.pattern()?;
        let three = !matches!(kind, PatternKind::TwoTwo | PatternKind::ThreeTwo);
        Some(Opinion {
            direction: if bullish { Direction::Long } else { Direction::Exit },
            strength: ((entry - stop) / entry).abs(),
            confidence: if three { 1.0 } else { 0.5 },
            horizon: 5,
            stop: bullish.then_some(stop),
            target: target.filter(|_| bullish),
            evidence: [("entry", entry), ("opposite", stop)].into(),
        })
    }
}

#[cfg(test)]
mod tests;

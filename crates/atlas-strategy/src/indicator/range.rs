//! True range and its average.

use serde::{Deserialize, Serialize};

use super::bars::true_range;
use super::column::{BLOCK, Column, Fill, all_finite};
use super::{Indicator, Ohlcv, Wilder};
use crate::Error;

/// True range: the bar's range widened to the close before.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TrueRange {
    last: Option<f64>,
}

impl Indicator for TrueRange {
    type Input = Ohlcv;
    type Output = f64;

    fn push(&mut self, bar: Ohlcv) -> Option<f64> {
        if !bar.is_finite() {
            return None;
        }
        self.last.replace(bar.close).map(|last| bar.true_range(last))
    }
}

impl Fill for TrueRange {}

/// Average true range by Wilder's smoothing, seeded with the mean of the first `n` true ranges. The
/// field uses 14.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Atr {
    range: TrueRange,
    mean: Wilder,
}

impl Atr {
    /// One of period `n`.
    ///
    /// # Errors
    /// [`Error::Parameter`] for `n` = 0.
    pub fn new(n: usize) -> Result<Self, Error> {
        Ok(Self { range: TrueRange::default(), mean: Wilder::new(n)? })
    }
}

impl Indicator for Atr {
    type Input = Ohlcv;
    type Output = f64;

    fn push(&mut self, bar: Ohlcv) -> Option<f64> {
        self.range.push(bar).and_then(|range| self.mean.push(range))
    }
}

impl Fill for Atr {}

/// High, low and close of a series, column by column.
#[derive(Debug, Clone, Copy)]
pub struct Ranges<'a> {
    high: &'a [f64],
    low: &'a [f64],
    close: &'a [f64],
}

impl<'a> Ranges<'a> {
    /// Three columns of one length.
    ///
    /// # Errors
    /// [`Error::Parameter`] if their lengths differ.
    pub fn new(high: &'a [f64], low: &'a [f64], close: &'a [f64]) -> Result<Self, Error> {
        if high.len() == close.len() && low.len() == close.len() {
            return Ok(Self { high, low, close });
        }
        Err(Error::Parameter {
            owner: "ranges",
            name: "columns",
            value: format!("{}, {} and {} rows", high.len(), low.len(), close.len()),
            rule: "of one length",
        })
    }

    /// One bar, opened and traded as if nothing were known of it.
    fn bar(&self, at: usize) -> Ohlcv {
        let (high, low, close) = (self.high[at], self.low[at], self.close[at]);
        Ohlcv { open: close, high, low, close, volume: 0.0 }
    }
}

impl Atr {
    /// Pushes every bar and keeps every result, one a bar; the column is emptied first. To the bits
    /// of [`Fill::fill`] over the same bars.
    pub fn fill_ranges(&mut self, ranges: &Ranges<'_>, out: &mut Column) {
        out.restart(ranges.close.len());
        let warm = self.mean.0.seeding() + 1;
        let (mut at, mut ready) = (0, 0);
        while at < ranges.close.len() {
            let length = if ready < warm { 1 } else { BLOCK.min(ranges.close.len() - at) };
            let part = |column: &'_ [f64]| all_finite(&column[at..at + length]);
            let whole = part(ranges.high) && part(ranges.low) && part(ranges.close);
            if ready >= warm && whole {
                self.fill_block(ranges, at, length, out);
            } else {
                for row in at..at + length {
                    let bar = ranges.bar(row);
                    ready = if bar.is_finite() { ready + 1 } else { 0 };
                    out.put(self.push(bar));
                }
            }
            at += length;
        }
    }

    /// Finite bars after one that was.
    fn fill_block(&mut self, ranges: &Ranges<'_>, at: usize, length: usize, out: &mut Column) {
        let mut mean = self.mean.0.clone();
        let bars = ranges.high[at..at + length]
            .iter()
            .zip(&ranges.low[at..at + length])
            .zip(&ranges.close[at - 1..]);
        out.put_all(bars.map(|((high, low), last)| mean.step(true_range(*high, *low, *last))));
        self.mean.0 = mean;
        self.range.last = Some(ranges.close[at + length - 1]);
    }
}

//! The figures of one fast run.

use serde::{Deserialize, Serialize};

use crate::metrics::Conventions;
use crate::metrics::stats::float;

/// What one fast run amounts to, by the conventions of [`crate::metrics`]; money in millionths of
/// a dollar. Undefined is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Bars.
    pub bars: usize,
    /// Fills.
    pub fills: usize,
    /// Cash plus shares at the last close.
    pub final_equity: i64,
    /// Fees in all.
    pub fees: i64,
    /// What slippage cost in all.
    pub slippage: i64,
    /// Dollars traded in all.
    pub traded: i64,
    /// Bars at whose close something was held.
    pub bars_held: usize,
    /// Entries that were followed by an exit.
    pub round_trips: usize,
    /// Those that gained after all costs.
    pub wins: usize,
    /// Sum of their gains.
    pub gained: i64,
    /// Sum of the losses of the others, zero or below.
    pub lost: i64,
    /// Compound simple return.
    pub total_return: f64,
    /// Deepest fall from a peak of equity at the close, zero or below.
    pub max_drawdown: f64,
    /// Most bars in a row below a peak.
    pub max_drawdown_bars: usize,
    /// Mean simple return a bar.
    pub mean: Option<f64>,
    /// Sample deviation (ddof 1) of simple returns a bar.
    pub deviation: Option<f64>,
}

impl Figures {
    /// Sharpe ratio a year, over a risk-free return of zero.
    #[must_use]
    pub fn sharpe(&self) -> Option<f64> {
        Some(self.mean? / self.deviation? * Conventions::SESSIONS.periods_per_year.sqrt())
    }

    /// Share of round trips that gained.
    #[must_use]
    pub fn win_rate(&self) -> Option<f64> {
        (self.round_trips > 0).then(|| float(self.wins) / float(self.round_trips))
    }

    /// Gains over losses of round trips.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a ratio of sums of money")]
    pub fn profit_factor(&self) -> Option<f64> {
        (self.lost < 0).then(|| self.gained as f64 / -(self.lost as f64))
    }

    /// Share of bars at whose close something was held.
    #[must_use]
    pub fn exposure(&self) -> Option<f64> {
        (self.bars > 0).then(|| float(self.bars_held) / float(self.bars))
    }
}

/// Figures of a curve while it is drawn.
#[derive(Debug, Clone, Copy)]
pub(super) struct Curve {
    last: i64,
    peak: i64,
    /// Lowest equity since the peak.
    trough: i64,
    /// Bars drawn.
    bars: usize,
    /// Bars drawn up to the peak.
    peak_at: usize,
    /// Deepest fall from a peak that is over, as a fraction, zero or above.
    deepest: f64,
    longest: usize,
    sum: f64,
    squares: f64,
}

/// Bars that are drawn at once: few enough to stay in the nearest cache.
pub(super) const BLOCK: usize = 64;

impl Curve {
    pub(super) const fn from(equity: i64) -> Self {
        Self {
            last: equity,
            peak: equity,
            trough: equity,
            bars: 0,
            peak_at: 0,
            deepest: 0.0,
            longest: 0,
            sum: 0.0,
            squares: 0.0,
        }
    }

    /// The equity at the next close.
    #[inline]
    pub(super) fn push(&mut self, equity: i64) {
        self.extend(&[equity]);
    }

    /// The equity at the next closes, at most [`BLOCK`] of them.
    #[inline]
    pub(super) fn extend(&mut self, equities: &[i64]) {
        self.add_returns(equities);
        for (at, equity) in equities.iter().copied().enumerate() {
            self.trough = self.trough.min(equity);
            if equity >= self.peak {
                self.settle(self.bars + at);
                self.peak = equity;
                self.trough = equity;
                self.peak_at = self.bars + at + 1;
            }
        }
        self.bars += equities.len();
        self.last = equities.last().copied().unwrap_or(self.last);
    }

    /// Quotients first, which the processor divides two at a time, then four sums side by side.
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "the border to statistics")]
    fn add_returns(&mut self, equities: &[i64]) {
        let mut changes = [0.0; BLOCK];
        let mut bases = [1.0; BLOCK];
        let mut last = self.last;
        for ((change, base), equity) in changes.iter_mut().zip(&mut bases).zip(equities) {
            // Both are equities: below 2⁶³ and above zero, so the difference fits.
            *change = equity.wrapping_sub(last) as f64;
            *base = last as f64;
            last = *equity;
        }
        // What is beyond the last bar is 0 / 1 and adds nothing.
        let used = equities.len().next_multiple_of(4).min(BLOCK);
        let (mut sums, mut squares) = ([0.0; 4], [0.0; 4]);
        let (changes, bases) = (changes.as_chunks::<4>().0, bases.as_chunks::<4>().0);
        for (change, base) in changes.iter().zip(bases).take(used / 4) {
            for lane in 0..4 {
                let simple_return = change[lane] / base[lane];
                sums[lane] += simple_return;
                squares[lane] += simple_return * simple_return;
            }
        }
        self.sum += (sums[0] + sums[1]) + (sums[2] + sums[3]);
        self.squares += (squares[0] + squares[1]) + (squares[2] + squares[3]);
    }

    /// Books the fall that ends before bar number `end`.
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "the border to statistics")]
    fn settle(&mut self, end: usize) {
        let under = end - self.peak_at;
        if under > 0 {
            self.longest = self.longest.max(under);
            let fall = (self.peak - self.trough) as f64 / self.peak as f64;
            self.deepest = self.deepest.max(fall);
        }
    }

    /// Bars without a change.
    #[inline]
    pub(super) const fn stay(&mut self, bars: usize) {
        self.bars += bars;
        if self.last >= self.peak {
            self.peak_at = self.bars;
        }
    }

    /// The end of the curve: the fall that goes on counts too.
    pub(super) fn end(&mut self) {
        self.settle(self.bars);
    }

    pub(super) const fn deepest(&self) -> f64 {
        self.deepest
    }

    pub(super) const fn longest(&self) -> usize {
        self.longest
    }

    /// Mean and sample deviation of `returns` simple returns, those of unchanged bars included.
    pub(super) fn moments(&self, returns: usize) -> (Option<f64>, Option<f64>) {
        if returns == 0 {
            return (None, None);
        }
        let n = float(returns);
        let mean = self.sum / n;
        let variance = (self.squares - n * mean * mean) / (n - 1.0);
        let deviation = (returns > 1 && variance > 0.0).then(|| variance.sqrt());
        (Some(mean), deviation)
    }
}

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
    /// Deepest fall as a fraction, zero or above.
    deepest: f64,
    under: usize,
    longest: usize,
    sum: f64,
    squares: f64,
}

impl Curve {
    pub(super) const fn from(equity: i64) -> Self {
        Self {
            last: equity,
            peak: equity,
            deepest: 0.0,
            under: 0,
            longest: 0,
            sum: 0.0,
            squares: 0.0,
        }
    }

    /// The equity at the next close.
    #[inline]
    #[expect(clippy::cast_precision_loss, reason = "the border to statistics")]
    pub(super) fn push(&mut self, equity: i64) {
        let simple_return = (equity - self.last) as f64 / self.last as f64;
        self.sum += simple_return;
        self.squares += simple_return * simple_return;
        self.last = equity;
        if equity >= self.peak {
            self.peak = equity;
            self.under = 0;
            return;
        }
        self.under += 1;
        self.longest = self.longest.max(self.under);
        let (fall, peak) = ((self.peak - equity) as f64, self.peak as f64);
        if fall > self.deepest * peak {
            self.deepest = fall / peak;
        }
    }

    /// Bars without a change.
    #[inline]
    pub(super) fn stay(&mut self, bars: usize) {
        if self.last < self.peak {
            self.under += bars;
            self.longest = self.longest.max(self.under);
        }
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

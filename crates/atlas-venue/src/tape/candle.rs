//! A bar of any length.

use atlas_core::time::Timestamp;

use crate::core::Px;

/// A bar of any length, stamped with its start as it is shown.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Candle {
    pub(crate) start: Timestamp,
    pub(crate) open: Px,
    pub(crate) high: Px,
    pub(crate) low: Px,
    pub(crate) close: Px,
    /// Shares, or coins.
    pub(crate) volume: f64,
    pub(crate) trades: u64,
    /// Mean price.
    pub(crate) mean: Px,
}

impl Candle {
    /// This bar and a later one as one.
    pub(crate) fn then(self, later: &Self) -> Self {
        let volume = self.volume + later.volume;
        let share = if volume > 0.0 { later.volume / volume } else { 0.5 };
        Self {
            start: self.start,
            open: self.open,
            high: self.high.max(later.high),
            low: self.low.min(later.low),
            close: later.close,
            volume,
            trades: self.trades + later.trades,
            mean: between(self.mean, later.mean, share),
        }
    }

    /// The bar with every price times a factor, for adjusted series.
    pub(crate) fn scaled(self, factor: f64) -> Self {
        let scaled = |price: Px| {
            #[expect(clippy::cast_precision_loss, reason = "adjusted prices are no exact ones")]
            let nanos = price.nanos() as f64 * factor;
            rounded(nanos).unwrap_or(price)
        };
        Self {
            open: scaled(self.open),
            high: scaled(self.high),
            low: scaled(self.low),
            close: scaled(self.close),
            mean: scaled(self.mean),
            ..self
        }
    }
}

/// The price a share of the way from one to another.
pub(super) fn between(from: Px, to: Px, share: f64) -> Px {
    #[expect(clippy::cast_precision_loss, reason = "a mean is no exact price")]
    let nanos = from.nanos() as f64 + (to.nanos() - from.nanos()) as f64 * share;
    rounded(nanos).map_or(from, |price| price.clamp(from.min(to), from.max(to)))
}

/// Billionths as a price of millionths.
fn rounded(nanos: f64) -> Option<Px> {
    #[expect(clippy::cast_possible_truncation, reason = "prices are far below 2^63 billionths")]
    let whole = (nanos / 1e3).round() as i64;
    Px::from_nanos(whole.checked_mul(1_000)?)
}

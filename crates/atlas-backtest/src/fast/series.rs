//! Prices as whole millionths of a dollar.

use atlas_core::{Bars, Raw};
use atlas_venue::core::Px;

use super::trading::TICK;
use crate::Error;

/// Prices of one instrument, oldest first, in whole millionths of a dollar.
///
/// # Examples
/// ```
/// use atlas_backtest::fast::FixedSeries;
///
/// let series = FixedSeries::new(None, vec![100_000_000, 101_500_000])?;
/// assert_eq!(series.len(), 2);
/// assert!(FixedSeries::new(None, vec![0]).is_err());
/// # Ok::<(), atlas_backtest::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedSeries {
    opens: Option<Vec<i64>>,
    closes: Vec<i64>,
    /// Lowest and highest price of each bar on the grid of fills, rounded away from each other,
    /// where they are known.
    ranges: Option<Vec<(i64, i64)>>,
    /// Sum of the closes before each bar and at the end, modulo 2⁶⁴.
    sums: Vec<i64>,
    /// The highest price of all.
    dearest: i64,
}

impl FixedSeries {
    /// Opens, where they are known, and closes.
    ///
    /// # Errors
    /// [`Error::Parameter`] for a price that is not above zero or above $100 000, and for columns
    /// of different length.
    pub fn new(opens: Option<Vec<i64>>, closes: Vec<i64>) -> Result<Self, Error> {
        let unfit =
            |column: &[i64]| column.iter().copied().find(|price| !(1..=PRICE_MAX).contains(price));
        if let Some(wrong) = unfit(&closes).or_else(|| unfit(opens.as_deref()?)) {
            return Err(Error::Parameter {
                what: "a price in millionths of a dollar",
                value: wrong.to_string(),
                range: "above zero and at most 100000 dollars",
            });
        }
        if let Some(rows) = opens.as_ref().map(Vec::len).filter(|rows| *rows != closes.len()) {
            return Err(Error::Parameter {
                what: "the number of opens",
                value: rows.to_string(),
                range: "that of the closes",
            });
        }
        let mut sum = 0_i64;
        let mut sums = Vec::with_capacity(closes.len() + 1);
        sums.push(0);
        sums.extend(closes.iter().map(|close| {
            sum = sum.wrapping_add(*close);
            sum
        }));
        let most = |column: &[i64]| column.iter().copied().max().unwrap_or(0);
        let dearest = most(&closes).max(opens.as_deref().map_or(0, most));
        Ok(Self { opens, closes, ranges: None, sums, dearest })
    }

    /// Of raw bars, as the venue reads them.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`Error::Venue`] for a price the venue cannot read.
    pub fn of(bars: &Bars<Raw>) -> Result<Self, Error> {
        // The venue reads prices at six decimals, so that nothing is lost.
        let micros = |values: &[f64]| -> Result<Vec<i64>, Error> {
            values.iter().map(|value| Ok(Px::from_bar(*value)?.nanos() / 1_000)).collect()
        };
        let columns = bars.columns();
        let opens = (!columns.open.is_empty()).then(|| micros(&columns.open)).transpose()?;
        let mut series = Self::new(opens, micros(&columns.close)?)?;
        let has_range = !columns.high.is_empty() && !columns.low.is_empty();
        if let Some(opens) = series.opens.as_ref().filter(|_| has_range) {
            let (lows, highs) = (micros(&columns.low)?, micros(&columns.high)?);
            let ends = opens.iter().zip(&series.closes);
            let ranges =
                lows.into_iter().zip(highs).zip(ends).map(|((low, high), (open, close))| {
                    let (low, high) = (low.min(*open).min(*close), high.max(*open).max(*close));
                    (low / TICK * TICK, (high + (TICK - 1)) / TICK * TICK)
                });
            series.ranges = Some(ranges.collect());
        }
        Ok(series)
    }

    /// The lowest and highest price of a fill in a bar, where they are known.
    #[inline]
    pub(super) fn range(&self, bar: usize) -> Option<(i64, i64)> {
        self.ranges.as_ref()?.get(bar).copied()
    }

    /// Number of bars.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.closes.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.closes.is_empty()
    }

    /// The closes.
    #[must_use]
    pub fn closes(&self) -> &[i64] {
        &self.closes
    }

    /// The price at which is acted in each bar: its open, or its close where opens are unknown.
    pub(super) fn prices(&self) -> &[i64] {
        self.opens.as_deref().unwrap_or(&self.closes)
    }

    pub(super) const fn dearest(&self) -> i64 {
        self.dearest
    }

    pub(super) fn sums(&self) -> &[i64] {
        &self.sums
    }
}

/// Largest price, in millionths of a dollar: $100 000. Times the longest window squared it is
/// below 2⁶³.
pub(super) const PRICE_MAX: i64 = 100_000_000_000;

//! The columnar series, and the view of it that ends at a date.

use std::marker::PhantomData;

use chrono::NaiveDate;

use super::{Bar, Basis};
use crate::money::Rounding;
use crate::{Error, Price, Symbol};

/// The columns a series is made from, each with one row a session.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Columns {
    /// Sessions, strictly increasing.
    pub dates: Vec<NaiveDate>,
    /// First prices; empty if unknown.
    pub open: Vec<f64>,
    /// Highest prices; empty if unknown.
    pub high: Vec<f64>,
    /// Lowest prices; empty if unknown.
    pub low: Vec<f64>,
    /// Last prices.
    pub close: Vec<f64>,
    /// Shares traded; empty if unknown.
    pub volume: Vec<f64>,
    /// Split- and dividend-adjusted last prices beside raw ones; empty if unknown.
    pub adj_close: Vec<f64>,
}

/// A checked daily series of one symbol.
///
/// Prices are US dollars per share (index points for an index), finite and above zero; the low is
/// at most, the high at least every other price of the bar; volume is zero or more; dates strictly
/// increase. Columns the source does not have are empty.
#[derive(Debug, Clone, PartialEq)]
pub struct Bars<B: Basis> {
    symbol: Symbol,
    columns: Columns,
    basis: PhantomData<B>,
}

impl<B: Basis> Bars<B> {
    /// Checks columns and makes them a series.
    ///
    /// # Errors
    /// [`Error::ColumnLength`] if a column is neither empty nor as long as the dates;
    /// [`Error::BadBar`] naming the first session that breaks a rule above.
    pub fn new(symbol: Symbol, columns: Columns) -> Result<Self, Error> {
        check_lengths(&symbol, &columns)?;
        for row in 0..columns.dates.len() {
            if let Some(problem) = problem_at(&columns, row) {
                let date = columns.dates[row];
                return Err(Error::BadBar { symbol: symbol.to_string(), date, problem });
            }
        }
        Ok(Self { symbol, columns, basis: PhantomData })
    }

    /// What the series is of.
    #[must_use]
    pub const fn symbol(&self) -> &Symbol {
        &self.symbol
    }

    /// All rows.
    #[must_use]
    pub fn view(&self) -> BarsView<'_, B> {
        BarsView { bars: self, len: self.columns.dates.len() }
    }

    /// The rows whose session is not after `as_of`: all a decision of that date may see.
    #[must_use]
    pub fn as_of(&self, as_of: NaiveDate) -> BarsView<'_, B> {
        BarsView { bars: self, len: self.columns.dates.partition_point(|date| *date <= as_of) }
    }

    /// The columns themselves.
    #[must_use]
    pub const fn columns(&self) -> &Columns {
        &self.columns
    }
}

/// The first rows of a series; whatever comes later does not exist here.
#[derive(Debug, Clone, Copy)]
pub struct BarsView<'a, B: Basis> {
    bars: &'a Bars<B>,
    len: usize,
}

impl<'a, B: Basis> BarsView<'a, B> {
    /// What the series is of.
    #[must_use]
    pub const fn symbol(&self) -> &'a Symbol {
        &self.bars.symbol
    }

    /// Number of sessions.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no session at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Sessions, strictly increasing.
    #[must_use]
    pub fn dates(&self) -> &'a [NaiveDate] {
        &self.bars.columns.dates[..self.len]
    }

    /// Last prices.
    #[must_use]
    pub fn close(&self) -> &'a [f64] {
        &self.bars.columns.close[..self.len]
    }

    /// First prices, if the series has them.
    #[must_use]
    pub fn open(&self) -> Option<&'a [f64]> {
        self.bars.columns.open.get(..self.len)
    }

    /// Highest prices, if the series has them.
    #[must_use]
    pub fn high(&self) -> Option<&'a [f64]> {
        self.bars.columns.high.get(..self.len)
    }

    /// Lowest prices, if the series has them.
    #[must_use]
    pub fn low(&self) -> Option<&'a [f64]> {
        self.bars.columns.low.get(..self.len)
    }

    /// Shares traded, if the series has them.
    #[must_use]
    pub fn volume(&self) -> Option<&'a [f64]> {
        self.bars.columns.volume.get(..self.len)
    }

    /// Adjusted last prices beside raw ones, if the series has them.
    #[must_use]
    pub fn adj_close(&self) -> Option<&'a [f64]> {
        self.bars.columns.adj_close.get(..self.len)
    }

    /// Closes to compute returns from: the adjusted ones where a raw series has them.
    #[must_use]
    pub fn return_closes(&self) -> &'a [f64] {
        self.adj_close().filter(|closes| !closes.is_empty()).unwrap_or_else(|| self.close())
    }

    /// One bar, counted from the first session.
    #[must_use]
    pub fn bar(&self, row: usize) -> Option<Bar> {
        let date = *self.dates().get(row)?;
        let at = |column: Option<&[f64]>| column.and_then(|values| values.get(row).copied());
        Some(Bar {
            date,
            open: at(self.open()),
            high: at(self.high()),
            low: at(self.low()),
            close: self.close()[row],
            volume: at(self.volume()),
        })
    }

    /// The last session, if there is one.
    #[must_use]
    pub fn last_date(&self) -> Option<NaiveDate> {
        self.dates().last().copied()
    }

    /// The last close as a price: rounded half to even at six decimals, exact for data that have
    /// no more. `None` for an empty series.
    #[must_use]
    pub fn last_price(&self) -> Option<Price<B>> {
        let close = *self.close().last()?;
        Price::from_f64(close, 6, Rounding::HalfEven).ok()
    }
}

fn check_lengths(symbol: &Symbol, columns: &Columns) -> Result<(), Error> {
    let expected = columns.dates.len();
    let wrong =
        |column, found| Error::ColumnLength { symbol: symbol.to_string(), column, found, expected };
    if columns.close.len() != expected {
        return Err(wrong("close", columns.close.len()));
    }
    let optional = [
        ("open", &columns.open),
        ("high", &columns.high),
        ("low", &columns.low),
        ("volume", &columns.volume),
        ("adj_close", &columns.adj_close),
    ];
    for (name, column) in optional {
        if !column.is_empty() && column.len() != expected {
            return Err(wrong(name, column.len()));
        }
    }
    Ok(())
}

/// What is wrong with one row, in words.
fn problem_at(columns: &Columns, row: usize) -> Option<String> {
    if row > 0 && columns.dates[row] <= columns.dates[row - 1] {
        let before = columns.dates[row - 1];
        return Some(format!("stands after {before}; dates must increase without repeats"));
    }
    let at = |column: &[f64]| column.get(row).copied();
    let prices = [
        ("open", at(&columns.open)),
        ("high", at(&columns.high)),
        ("low", at(&columns.low)),
        ("close", at(&columns.close)),
        ("adj_close", at(&columns.adj_close)),
    ];
    for (name, price) in prices {
        // Written so that NaN fails as well. The limit is the one of `Price`.
        if price.is_some_and(|p| !(p > 0.0 && p <= 1e9)) {
            return Some(format!("{name} {} is not a price", price.unwrap_or(f64::NAN)));
        }
    }
    if let Some(volume) = at(&columns.volume)
        && !(volume >= 0.0 && volume.is_finite())
    {
        return Some(format!("volume {volume} is not a number of shares"));
    }
    for (name, price) in [prices[0], prices[3]] {
        let Some(price) = price else { continue };
        if let Some(high) = at(&columns.high).filter(|high| *high < price) {
            return Some(format!("high {high} is below {name} {price}"));
        }
        if let Some(low) = at(&columns.low).filter(|low| *low > price) {
            return Some(format!("low {low} is above {name} {price}"));
        }
    }
    let (high, low) = (at(&columns.high)?, at(&columns.low)?);
    (high < low).then(|| format!("high {high} is below low {low}"))
}

//! From rows, as any file has them, to checked series.
//!
//! Problems are words here; the reader of the file adds where they stand.

use atlas_core::bars::Columns;
use atlas_core::calendar::Calendar;
use atlas_core::{Adjusted, Bars, Symbol};
use chrono::NaiveDate;

use crate::Error;
use crate::levels::Levels;
use crate::series::Series;

/// What a file holds, and how much of it is older than the calendar.
#[derive(Debug)]
pub(crate) struct Parsed<T> {
    /// The series.
    pub(crate) value: T,
    /// Rows passed over because they are before the first session of the calendar.
    pub(crate) too_old: usize,
}

/// One row of daily prices; what a file leaves empty is `None`.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct BarRow {
    pub(crate) open: Option<f64>,
    pub(crate) high: Option<f64>,
    pub(crate) low: Option<f64>,
    pub(crate) close: Option<f64>,
    pub(crate) adj_close: Option<f64>,
    pub(crate) volume: Option<f64>,
}

/// Gathers the rows of one symbol.
#[derive(Debug, Clone, Default)]
pub(crate) struct BarRows {
    before: Option<NaiveDate>,
    columns: Columns,
    too_old: usize,
}

impl BarRows {
    /// Takes in the next row, in the order of dates.
    pub(crate) fn push(&mut self, date: NaiveDate, row: &BarRow) -> Result<(), String> {
        check_order(self.before.replace(date), date)?;
        if date < Calendar::FIRST {
            self.too_old += 1;
            return Ok(());
        }
        check_session(date)?;
        if row.close.is_none() && row.adj_close.is_none() {
            return Err("has neither close nor adj_close".to_owned());
        }
        if let Some(volume) = row.volume.filter(|volume| *volume < 0.0) {
            return Err(format!("volume {volume} is below zero"));
        }
        let columns = &mut self.columns;
        let prices = [
            ("open", row.open, &mut columns.open),
            ("high", row.high, &mut columns.high),
            ("low", row.low, &mut columns.low),
            ("close", row.close, &mut columns.close),
            ("adj_close", row.adj_close, &mut columns.adj_close),
        ];
        let rows = columns.dates.len();
        for (name, price, column) in prices {
            check_price(name, price)?;
            fill(name, column, rows, price)?;
        }
        fill("volume", &mut columns.volume, rows, row.volume)?;
        columns.dates.push(date);
        Ok(())
    }

    /// The prices of a symbol: raw if there are closes, adjusted if there are adjusted closes
    /// only, which then are all that is kept.
    pub(crate) fn series(self, file: &str, symbol: &Symbol) -> Result<Parsed<Series>, Error> {
        let Self { mut columns, too_old, .. } = self;
        let refuse = |source| Error::BadBars { file: file.to_owned(), source };
        let value = if columns.close.is_empty() {
            columns = adjusted_only(columns);
            Series::Adjusted(Bars::new(symbol.clone(), columns).map_err(refuse)?)
        } else {
            Series::Raw(Bars::new(symbol.clone(), columns).map_err(refuse)?)
        };
        Ok(Parsed { value, too_old })
    }

    /// The levels of an index: its closes as they are, adjusted ones only where there are no
    /// others.
    pub(crate) fn index(self, file: &str) -> Result<Parsed<Bars<Adjusted>>, Error> {
        let Self { mut columns, too_old, .. } = self;
        if columns.close.is_empty() {
            columns = adjusted_only(columns);
        }
        columns.adj_close.clear();
        let value = Bars::new(Symbol::new(INDEX_SYMBOL)?, columns)
            .map_err(|source| Error::BadBars { file: file.to_owned(), source })?;
        Ok(Parsed { value, too_old })
    }
}

/// Gathers the rows of a volatility index or a rate.
#[derive(Debug, Clone)]
pub(crate) struct LevelRows {
    kind: LevelKind,
    before: Option<NaiveDate>,
    dates: Vec<NaiveDate>,
    values: Vec<f64>,
    too_old: usize,
}

/// What a series of numbers is, and so what it may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LevelKind {
    /// Points above zero on every session. Rows on days without stock trading, which the index's
    /// own publisher has, are passed over.
    Vix,
    /// Per cent per year, on whatever days there is one.
    Rate,
}

impl LevelRows {
    pub(crate) const fn new(kind: LevelKind) -> Self {
        Self { kind, before: None, dates: Vec::new(), values: Vec::new(), too_old: 0 }
    }

    /// Takes in the next row, in the order of dates.
    pub(crate) fn push(&mut self, date: NaiveDate, value: Option<f64>) -> Result<(), String> {
        check_order(self.before.replace(date), date)?;
        match self.kind {
            LevelKind::Vix => check_price("close", value)?,
            LevelKind::Rate => check_rate(value)?,
        }
        if date < Calendar::FIRST {
            self.too_old += 1;
            return Ok(());
        }
        let wanted = match self.kind {
            LevelKind::Rate => true,
            LevelKind::Vix => {
                Calendar::nyse().is_session(date).map_err(|error| error.to_string())?
            }
        };
        match value {
            Some(value) if wanted => {
                self.dates.push(date);
                self.values.push(value);
            }
            None if wanted && self.kind == LevelKind::Vix => {
                return Err("has no close".to_owned());
            }
            Some(_) | None => {}
        }
        Ok(())
    }

    pub(crate) fn levels(self) -> Result<Parsed<Levels>, Error> {
        let name = match self.kind {
            LevelKind::Vix => "the VIX",
            LevelKind::Rate => "the rate",
        };
        let value = Levels::new(name, self.dates, self.values)?;
        Ok(Parsed { value, too_old: self.too_old })
    }
}

/// A date written as 2019-01-02, and nothing else.
pub(crate) fn iso_date(field: &[u8]) -> Option<NaiveDate> {
    let [y3, y2, y1, y0, b'-', m1, m0, b'-', d1, d0] = field else { return None };
    let number = |digits: &[&u8]| {
        digits.iter().try_fold(0_u32, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u32::from(**digit - b'0'))
        })
    };
    let year = i32::try_from(number(&[y3, y2, y1, y0])?).ok()?;
    NaiveDate::from_ymd_opt(year, number(&[m1, m0])?, number(&[d1, d0])?)
}

/// A date written as 01/02/2019, and nothing else.
pub(crate) fn us_date(field: &[u8]) -> Option<NaiveDate> {
    let [m1, m0, b'/', d1, d0, b'/', y3, y2, y1, y0] = *field else { return None };
    iso_date(&[y3, y2, y1, y0, b'-', m1, m0, b'-', d1, d0])
}

/// Refuses a date that does not come after the one of the row before.
pub(crate) fn check_order(before: Option<NaiveDate>, date: NaiveDate) -> Result<(), String> {
    match before {
        Some(before) if date == before => Err(format!("{date} appears twice")),
        Some(before) if date < before => {
            Err(format!("{date} stands after {before} where dates must increase"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Refuses a date without trading.
pub(crate) fn check_session(date: NaiveDate) -> Result<(), String> {
    match Calendar::nyse().closure(date) {
        Ok(None) => Ok(()),
        Ok(Some(reason)) => Err(format!("{date} is not a trading session ({reason})")),
        Err(error) => Err(error.to_string()),
    }
}

/// Refuses what is zero or less, or no number.
pub(crate) fn check_price(name: &str, price: Option<f64>) -> Result<(), String> {
    match price {
        Some(price) if price.is_nan() || price <= 0.0 => {
            Err(format!("{name} {price} is not above zero"))
        }
        Some(_) | None => Ok(()),
    }
}

fn check_rate(rate: Option<f64>) -> Result<(), String> {
    match rate {
        Some(rate) if !(-10.0..=100.0).contains(&rate) => {
            Err(format!("{rate} is not a rate in per cent per year"))
        }
        Some(_) | None => Ok(()),
    }
}

/// Adds a value to a column that is filled in every row or in none.
pub(crate) fn fill(
    name: &str,
    column: &mut Vec<f64>,
    rows: usize,
    value: Option<f64>,
) -> Result<(), String> {
    match value {
        Some(value) if column.len() == rows => column.push(value),
        Some(_) => return Err(format!("{name} is filled here but empty above")),
        None if column.is_empty() => {}
        None => return Err(format!("{name} is empty here but filled above")),
    }
    Ok(())
}

fn adjusted_only(columns: Columns) -> Columns {
    Columns { dates: columns.dates, close: columns.adj_close, ..Columns::default() }
}

/// What every source calls the index.
pub(crate) const INDEX_SYMBOL: &str = "SPX";

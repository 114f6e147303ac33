//! The file of one symbol: a row a session, named columns.

use atlas_core::bars::Columns;
use atlas_core::calendar::Calendar;
use atlas_core::{Adjusted, Bars, Symbol};

use super::table::{Row, Table};
use crate::Error;
use crate::series::Series;

/// Bars of a symbol, and how many rows were older than the calendar.
pub(crate) struct Parsed<T> {
    /// What the file holds.
    pub(crate) value: T,
    /// Rows passed over because they are before the first session of the calendar.
    pub(crate) too_old: usize,
}

/// Reads the prices of a symbol: raw if there are closes, adjusted if there are adjusted closes
/// only, which then are all that is kept.
pub(crate) fn series(file: &str, symbol: &Symbol, bytes: &[u8]) -> Result<Parsed<Series>, Error> {
    let Parsed { value: mut columns, too_old } = columns(file, bytes)?;
    let refuse = |source| Error::BadBars { file: file.to_owned(), source };
    if !columns.close.is_empty() {
        let bars = Bars::new(symbol.clone(), columns).map_err(refuse)?;
        return Ok(Parsed { value: Series::Raw(bars), too_old });
    }
    columns = Columns { dates: columns.dates, close: columns.adj_close, ..Columns::default() };
    let bars = Bars::new(symbol.clone(), columns).map_err(refuse)?;
    Ok(Parsed { value: Series::Adjusted(bars), too_old })
}

/// Reads an index: its closes as they are, adjusted closes only where there are no others.
pub(crate) fn index(
    file: &str,
    symbol: &Symbol,
    bytes: &[u8],
) -> Result<Parsed<Bars<Adjusted>>, Error> {
    let Parsed { value: mut columns, too_old } = columns(file, bytes)?;
    let adjusted = std::mem::take(&mut columns.adj_close);
    if columns.close.is_empty() {
        columns = Columns { dates: columns.dates, close: adjusted, ..Columns::default() };
    }
    let bars = Bars::new(symbol.clone(), columns)
        .map_err(|source| Error::BadBars { file: file.to_owned(), source })?;
    Ok(Parsed { value: bars, too_old })
}

/// The columns of a bar file; either closes or adjusted closes are complete.
fn columns(file: &str, bytes: &[u8]) -> Result<Parsed<Columns>, Error> {
    let mut table = Table::open(file, bytes)?;
    let date = table.required(&["date"])?;
    let mut open = Column::find(&table, &["open"]);
    let mut high = Column::find(&table, &["high"]);
    let mut low = Column::find(&table, &["low"]);
    let mut close = Column::find(&table, &["close"]);
    let mut adj_close = Column::find(&table, &["adj_close", "adj close", "adjclose"]);
    let mut volume = Column::find(&table, &["volume"]);
    if close.place.is_none() && adj_close.place.is_none() {
        table.required(&["close"])?;
    }

    let (mut dates, mut before, mut too_old) = (Vec::new(), None, 0);
    while let Some(row) = table.next_row()? {
        let day = row.date(date)?;
        row.after(day, before)?;
        before = Some(day);
        if day < Calendar::FIRST {
            too_old += 1;
            continue;
        }
        row.session(day)?;
        for prices in [&mut open, &mut high, &mut low, &mut close, &mut adj_close] {
            prices.push_price(&row, dates.len())?;
        }
        volume.push_volume(&row, dates.len())?;
        if close.values.is_empty() && adj_close.values.is_empty() {
            return Err(row.malformed("has neither close nor adj_close".to_owned()));
        }
        dates.push(day);
    }
    let columns = Columns {
        dates,
        open: open.values,
        high: high.values,
        low: low.values,
        close: close.values,
        volume: volume.values,
        adj_close: adj_close.values,
    };
    Ok(Parsed { value: columns, too_old })
}

/// A column that is filled in every row or in none.
struct Column {
    name: &'static str,
    place: Option<usize>,
    values: Vec<f64>,
}

impl Column {
    fn find(table: &Table<'_>, names: &[&'static str]) -> Self {
        let name = names.first().copied().unwrap_or_default();
        Self { name, place: table.column(names), values: Vec::new() }
    }

    fn push_price(&mut self, row: &Row<'_>, rows: usize) -> Result<(), Error> {
        let Some(place) = self.place else { return Ok(()) };
        let price = row.price(place, self.name)?;
        self.push(row, rows, price)
    }

    fn push_volume(&mut self, row: &Row<'_>, rows: usize) -> Result<(), Error> {
        let Some(place) = self.place else { return Ok(()) };
        let volume = row.number(place)?;
        if let Some(negative) = volume.filter(|volume| *volume < 0.0) {
            return Err(row.malformed(format!("{} {negative} is below zero", self.name)));
        }
        self.push(row, rows, volume)
    }

    /// Adds the value of one more row after `rows` others.
    fn push(&mut self, row: &Row<'_>, rows: usize, value: Option<f64>) -> Result<(), Error> {
        match value {
            Some(value) if self.values.len() == rows => self.values.push(value),
            Some(_) => {
                let name = self.name;
                return Err(row.malformed(format!("{name} is filled here but empty above")));
            }
            None if self.values.is_empty() => {}
            None => {
                let name = self.name;
                return Err(row.malformed(format!("{name} is empty here but filled above")));
            }
        }
        Ok(())
    }
}

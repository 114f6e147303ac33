//! The file of one symbol: a row a session, named columns.

use atlas_core::{Adjusted, Bars, Symbol};

use super::table::{Row, Table};
use crate::Error;
use crate::rows::{BarRow, BarRows, Parsed};
use crate::series::Series;

/// Reads the prices of a symbol.
pub(crate) fn series(file: &str, symbol: &Symbol, bytes: &[u8]) -> Result<Parsed<Series>, Error> {
    rows(file, bytes)?.series(file, symbol)
}

/// Reads the levels of an index.
pub(crate) fn index(file: &str, bytes: &[u8]) -> Result<Parsed<Bars<Adjusted>>, Error> {
    rows(file, bytes)?.index(file)
}

fn rows(file: &str, bytes: &[u8]) -> Result<BarRows, Error> {
    let mut table = Table::open(file, bytes)?;
    let date = table.required(&["date"])?;
    let places = Places::find(&table)?;
    let mut rows = BarRows::default();
    while let Some(row) = table.next_row()? {
        let bar = places.bar(&row)?;
        rows.push(row.date(date)?, &bar).map_err(|problem| row.malformed(problem))?;
    }
    Ok(rows)
}

/// Where the columns are.
struct Places {
    open: Option<usize>,
    high: Option<usize>,
    low: Option<usize>,
    close: Option<usize>,
    adj_close: Option<usize>,
    volume: Option<usize>,
}

impl Places {
    fn find(table: &Table<'_>) -> Result<Self, Error> {
        let adj_close = table.column(&["adj_close", "adj close", "adjclose"]);
        let close = match adj_close {
            Some(_) => table.column(&["close"]),
            None => Some(table.required(&["close"])?),
        };
        Ok(Self {
            open: table.column(&["open"]),
            high: table.column(&["high"]),
            low: table.column(&["low"]),
            close,
            adj_close,
            volume: table.column(&["volume"]),
        })
    }

    fn bar(&self, row: &Row<'_>) -> Result<BarRow, Error> {
        let number = |place: Option<usize>| place.map_or(Ok(None), |place| row.number(place));
        Ok(BarRow {
            open: number(self.open)?,
            high: number(self.high)?,
            low: number(self.low)?,
            close: number(self.close)?,
            adj_close: number(self.adj_close)?,
            volume: number(self.volume)?,
        })
    }
}

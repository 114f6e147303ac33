//! A table of adjusted closes: a row a session, a column a symbol.

use std::collections::BTreeMap;

use atlas_core::bars::Columns;
use atlas_core::calendar::Calendar;
use atlas_core::{Adjusted, Bars, Symbol};
use chrono::NaiveDate;

use super::table::Table;
use crate::Error;
use crate::rows::{Parsed, check_order, check_price, check_session};

/// The symbols of a wide file: every column but the first, which is the date.
pub(crate) fn symbols(file: &str, bytes: &[u8]) -> Result<Vec<Symbol>, Error> {
    let table = Table::open(file, bytes)?;
    let titles = table.header().iter().skip(1);
    let symbols: Vec<Symbol> = titles
        .map(|title| Symbol::new(title))
        .collect::<Result<_, _>>()
        .map_err(|error| Error::BadFile { file: file.to_owned(), problem: error.to_string() })?;
    let mut sorted = symbols.clone();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        None => Ok(symbols),
        Some(pair) => Err(Error::BadFile {
            file: file.to_owned(),
            problem: format!("has two columns {}; keep one", pair[0]),
        }),
    }
}

/// Reads the closes of the wanted symbols that the file has. An empty field is a session without
/// a price.
pub(crate) fn closes(
    file: &str,
    bytes: &[u8],
    wanted: &[Symbol],
) -> Result<Parsed<BTreeMap<Symbol, Bars<Adjusted>>>, Error> {
    let mut columns: Vec<(usize, Symbol, Columns)> = symbols(file, bytes)?
        .into_iter()
        .zip(1..)
        .filter(|(symbol, _)| wanted.contains(symbol))
        .map(|(symbol, place)| (place, symbol, Columns::default()))
        .collect();
    let mut table = Table::open(file, bytes)?;
    let date = table.required(&["date"])?;
    let (mut before, mut too_old): (Option<NaiveDate>, usize) = (None, 0);
    while let Some(row) = table.next_row()? {
        let day = row.date(date)?;
        check_order(before.replace(day), day).map_err(|problem| row.malformed(problem))?;
        if day < Calendar::FIRST {
            too_old += 1;
            continue;
        }
        check_session(day).map_err(|problem| row.malformed(problem))?;
        for (place, symbol, column) in &mut columns {
            let close = row.number(*place)?;
            check_price(symbol.as_str(), close).map_err(|problem| row.malformed(problem))?;
            if let Some(close) = close {
                column.dates.push(day);
                column.close.push(close);
            }
        }
    }
    let mut series = BTreeMap::new();
    for (_, symbol, columns) in columns {
        let bars = Bars::new(symbol.clone(), columns)
            .map_err(|source| Error::BadBars { file: file.to_owned(), source })?;
        series.insert(symbol, bars);
    }
    Ok(Parsed { value: series, too_old })
}

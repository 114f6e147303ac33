//! The file of a volatility index or a rate: a date and a number a row.

use atlas_core::calendar::Calendar;

use super::bars::Parsed;
use super::table::Table;
use crate::Error;
use crate::levels::Levels;

/// Reads VIX closes in points. Rows on days without stock trading, which the index's own
/// publisher has, are passed over.
pub(crate) fn vix(file: &str, bytes: &[u8]) -> Result<Parsed<Levels>, Error> {
    let mut table = Table::open(file, bytes)?;
    let (date, value) = (table.required(&["date"])?, table.required(&["close", "vix"])?);
    let (mut dates, mut values, mut before, mut too_old) = (Vec::new(), Vec::new(), None, 0);
    while let Some(row) = table.next_row()? {
        let day = row.date(date)?;
        row.after(day, before)?;
        before = Some(day);
        let Some(close) = row.price(value, "close")? else {
            return Err(row.malformed("has no close".to_owned()));
        };
        if day < Calendar::FIRST {
            too_old += 1;
        } else if Calendar::nyse().is_session(day).map_err(|e| row.malformed(e.to_string()))? {
            dates.push(day);
            values.push(close);
        }
    }
    Ok(Parsed { value: Levels::new("the VIX", dates, values)?, too_old })
}

/// Reads rates in per cent per year, on whatever days they have; empty rows are passed over.
pub(crate) fn rate(file: &str, bytes: &[u8]) -> Result<Levels, Error> {
    let mut table = Table::open(file, bytes)?;
    let date = table.required(&["date"])?;
    let value = table.required(&["rate_pct", "rate", "close"])?;
    let (mut dates, mut values, mut before) = (Vec::new(), Vec::new(), None);
    while let Some(row) = table.next_row()? {
        let day = row.date(date)?;
        row.after(day, before)?;
        before = Some(day);
        match row.number(value)? {
            Some(rate) if !(-10.0..=100.0).contains(&rate) => {
                return Err(row.malformed(format!("{rate} is not a rate in per cent per year")));
            }
            Some(rate) => {
                dates.push(day);
                values.push(rate);
            }
            None => {}
        }
    }
    Levels::new("the rate", dates, values)
}

//! The file of a volatility index or a rate: a date and a number a row.

use super::table::Table;
use crate::Error;
use crate::levels::Levels;
use crate::rows::{LevelKind, LevelRows, Parsed};

/// Reads VIX closes in points.
pub(crate) fn vix(file: &str, bytes: &[u8]) -> Result<Parsed<Levels>, Error> {
    rows(file, bytes, &["close", "vix"], LevelKind::Vix)
}

/// Reads rates in per cent per year.
pub(crate) fn rate(file: &str, bytes: &[u8]) -> Result<Parsed<Levels>, Error> {
    rows(file, bytes, &["rate_pct", "rate", "close"], LevelKind::Rate)
}

fn rows(
    file: &str,
    bytes: &[u8],
    names: &[&str],
    kind: LevelKind,
) -> Result<Parsed<Levels>, Error> {
    let mut table = Table::open(file, bytes)?;
    let (date, value) = (table.required(&["date"])?, table.required(names)?);
    let mut rows = LevelRows::new(kind);
    while let Some(row) = table.next_row()? {
        let pushed = rows.push(row.date(date)?, row.number(value)?);
        pushed.map_err(|problem| row.malformed(problem))?;
    }
    rows.levels()
}

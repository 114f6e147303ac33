//! The file of a volatility index or a rate: a date and a number a row.
//!
//! The files of the publishers are read as they are: Cboe's daily history (`DATE,OPEN,HIGH,LOW,CLOSE`
//! with dates like 11/19/2026) and FRED's (`observation_date,VIXCLS`, a full stop or nothing where
//! there is no value).

use super::table::Table;
use crate::Error;
use crate::levels::Levels;
use crate::rows::{LevelKind, LevelRows, Parsed};

/// Reads VIX closes in points.
pub(crate) fn vix(file: &str, bytes: &[u8]) -> Result<Parsed<Levels>, Error> {
    rows(file, bytes, &["close", "vix", "vixcls"], LevelKind::Vix)
}

/// Reads rates in per cent per year.
pub(crate) fn rate(file: &str, bytes: &[u8]) -> Result<Parsed<Levels>, Error> {
    rows(file, bytes, &["rate_pct", "rate", "close", "dtb3"], LevelKind::Rate)
}

fn rows(
    file: &str,
    bytes: &[u8],
    names: &[&str],
    kind: LevelKind,
) -> Result<Parsed<Levels>, Error> {
    let mut table = Table::open(file, bytes)?;
    let date = table.required(&["date", "observation_date"])?;
    let value = table.required(names)?;
    let mut rows = LevelRows::new(kind);
    while let Some(row) = table.next_row()? {
        let pushed = rows.push(row.published_date(date)?, row.published_number(value)?);
        pushed.map_err(|problem| row.malformed(problem))?;
    }
    rows.levels()
}

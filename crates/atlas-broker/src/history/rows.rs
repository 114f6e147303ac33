//! Bars as lines of the files that `atlas-data` reads.

use atlas_core::bars::Basis;
use atlas_core::calendar::to_eastern;
use atlas_core::{Adjusted, Raw, Symbol};
use atlas_data::validate::check_sessions;
use chrono::NaiveDate;

use crate::market_data::MarketBar;
use crate::{Error, daily_bars};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Its session.
    pub(super) date: NaiveDate,
    /// The line without its end.
    pub(super) text: String,
}

const PRICES: &str = "date,open,high,low,close,adj_close,volume";
const LEVELS: &str = "date,close";

/// Raw bars with the adjusted closes of the same sessions beside them, none after `through`.
pub(super) fn joined(
    symbol: &Symbol,
    raw: &[MarketBar<Raw>],
    adjusted: &[MarketBar<Adjusted>],
    through: NaiveDate,
) -> Result<Vec<Row>, Error> {
    let raw = dated(symbol, raw, through)?;
    let adjusted = dated(symbol, adjusted, through)?;
    let same = raw.iter().map(|(date, _)| date).eq(adjusted.iter().map(|(date, _)| date));
    if !same {
        return Err(unreadable(symbol, "raw and adjusted bars are of different sessions"));
    }
    let pairs = raw.iter().zip(&adjusted);
    Ok(pairs
        .map(|((date, bar), (_, restated))| Row {
            date: *date,
            text: format!(
                "{date},{},{},{},{},{},{}",
                bar.open, bar.high, bar.low, bar.close, restated.close, bar.volume
            ),
        })
        .collect())
}

/// The closes of adjusted bars, none after `through`.
pub(super) fn closes(
    symbol: &Symbol,
    bars: &[MarketBar<Adjusted>],
    through: NaiveDate,
) -> Result<Vec<Row>, Error> {
    let bars = dated(symbol, bars, through)?;
    let row = |(date, bar): &(NaiveDate, MarketBar<Adjusted>)| Row {
        date: *date,
        text: format!("{date},{}", bar.close),
    };
    Ok(bars.iter().map(row).collect())
}

/// Bars by session, refused unless each is of a session of its own and possible: nothing is kept
/// that could not be loaded again.
fn dated<B: Basis>(
    symbol: &Symbol,
    bars: &[MarketBar<B>],
    through: NaiveDate,
) -> Result<Vec<(NaiveDate, MarketBar<B>)>, Error> {
    let refuse = |problem: String| unreadable(symbol, &problem);
    let mut found = Vec::with_capacity(bars.len());
    for bar in bars {
        let day = to_eastern(bar.start).map_err(|error| refuse(error.to_string()))?.date_naive();
        if day <= through {
            found.push((day, *bar));
        }
    }
    let dates: Vec<NaiveDate> = found.iter().map(|(date, _)| *date).collect();
    check_sessions(symbol.as_str(), &dates).map_err(|error| refuse(error.to_string()))?;
    let bars: Vec<MarketBar<B>> = found.iter().map(|(_, bar)| *bar).collect();
    if !bars.is_empty() {
        daily_bars(symbol, &bars).map_err(|error| refuse(error.to_string()))?;
    }
    Ok(found)
}

fn unreadable(symbol: &Symbol, problem: &str) -> Error {
    Error::BadAnswer {
        venue: "the market data".to_owned(),
        request: format!("daily bars of {symbol}"),
        problem: problem.to_owned(),
    }
}

/// A file of prices.
pub(super) fn file(rows: &[Row]) -> String {
    appended(PRICES, rows)
}

/// A file of levels.
pub(super) fn level_file(rows: &[Row]) -> String {
    appended(LEVELS, rows)
}

/// A file with more rows.
pub(super) fn appended(before: &str, rows: &[Row]) -> String {
    let mut text = before.trim_end().to_owned();
    for row in rows {
        text.push('\n');
        text.push_str(&row.text);
    }
    text.push('\n');
    text
}

//! Bars within days: a row a bar, stamped with its first moment.

use atlas_core::Symbol;
use atlas_core::bars::{IntradayBars, IntradayColumns};
use atlas_core::time::Timestamp;
use chrono::TimeDelta;

use super::table::Table;
use crate::Error;
use crate::rows::fill;

/// Reads the bars of a symbol, each of a length.
pub(crate) fn intraday(
    file: &str,
    symbol: &Symbol,
    length: TimeDelta,
    bytes: &[u8],
) -> Result<IntradayBars, Error> {
    let mut table = Table::open(file, bytes)?;
    let start = table.required(&["ts"])?;
    let mut needed = [0; 4];
    for (place, name) in needed.iter_mut().zip(["open", "high", "low", "close"]) {
        *place = table.required(&[name])?;
    }
    let [volume, vwap, trades] = [["volume"], ["vwap"], ["trades"]].map(|name| table.column(&name));
    let mut columns = IntradayColumns::default();
    let mut counts = Vec::new();
    while let Some(row) = table.next_row()? {
        let mut prices = [0.0; 4];
        for (price, place) in prices.iter_mut().zip(needed) {
            let number = row.number(place)?;
            *price =
                number.ok_or_else(|| row.malformed("has no open, high, low or close".into()))?;
        }
        let number = |place: Option<usize>| place.map_or(Ok(None), |place| row.number(place));
        let rows = columns.starts.len();
        for (name, column, value) in [
            ("volume", &mut columns.volume, number(volume)?),
            ("vwap", &mut columns.vwap, number(vwap)?),
            ("trades", &mut counts, number(trades)?),
        ] {
            fill(name, column, rows, value).map_err(|problem| row.malformed(problem))?;
        }
        columns.starts.push(row.moment(start)?);
        columns.open.push(prices[0]);
        columns.high.push(prices[1]);
        columns.low.push(prices[2]);
        columns.close.push(prices[3]);
    }
    for count in counts {
        columns.trades.push(whole(count).ok_or_else(|| Error::BadFile {
            file: file.to_owned(),
            problem: format!("has {count} trades; give whole numbers"),
        })?);
    }
    IntradayBars::new(symbol.clone(), length, columns)
        .map_err(|source| Error::BadBars { file: file.to_owned(), source })
}

fn whole(count: f64) -> Option<u64> {
    let is_whole = count >= 0.0 && count.fract() == 0.0 && count < 9e15;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a whole number below 2^53"
    )]
    is_whole.then_some(count as u64)
}

/// What the name of a file says it holds: `SPY_1min`, `BTCUSD_1h`, `BTC-USD_15min`.
pub(crate) fn named(stem: &str) -> Option<(Symbol, TimeDelta)> {
    let (name, length) = stem.rsplit_once('_')?;
    let digits = length.find(|c: char| !c.is_ascii_digit())?;
    let count: i64 = length[..digits].parse().ok()?;
    let minutes = match &length[digits..] {
        "min" => count,
        "h" => count.checked_mul(60)?,
        _ => return None,
    };
    let coin = name.strip_suffix("-USD").or_else(|| {
        // No stock has six letters.
        name.strip_suffix("USD").filter(|coin| coin.len() >= 3)
    });
    let symbol = match coin {
        Some(coin) => Symbol::new(&format!("{coin}/USD")),
        None => Symbol::new(name),
    };
    Some((symbol.ok()?, TimeDelta::try_minutes(minutes).filter(|length| !length.is_zero())?))
}

/// A moment written as RFC 3339.
pub(super) fn moment(field: &[u8]) -> Option<Timestamp> {
    std::str::from_utf8(field).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_say_what_they_hold() {
        let known = |stem: &str| {
            named(stem).map(|(symbol, length)| (symbol.to_string(), length.num_minutes()))
        };
        for (stem, symbol, minutes) in [
            ("SPY_1min", "SPY", 1),
            ("BRK.B_5min", "BRK.B", 5),
            ("BTCUSD_1h", "BTC/USD", 60),
            ("BTC-USD_15min", "BTC/USD", 15),
            ("USD_1min", "USD", 1),
        ] {
            assert_eq!(known(stem), Some((symbol.to_owned(), minutes)), "{stem}");
        }
        for stem in ["SPY", "SPY_1d", "SPY_min", "SPY_0min", "spy_1min", "_1min", "SPY_1"] {
            assert_eq!(known(stem), None, "{stem}");
        }
    }

    #[test]
    fn rows_are_read_with_their_offsets_and_refused_with_their_lines() {
        let symbol: Symbol = "SPY".parse().unwrap();
        let read = |rows: &str| {
            let text = format!("ts,open,high,low,close,volume,vwap,trades\n{rows}");
            intraday("f", &symbol, TimeDelta::minutes(1), text.as_bytes())
        };
        let bars = read("2024-02-20T09:30:00-05:00,4,6,3,5,100,4.5,7\n").unwrap();
        assert_eq!(bars.columns().starts, ["2024-02-20T14:30:00Z".parse::<Timestamp>().unwrap()]);
        assert_eq!((bars.columns().trades[0], bars.columns().vwap[0]), (7, 4.5));
        assert!(read("2024-02-20T14:30:00Z,4,6,3,5,,,\n").unwrap().columns().volume.is_empty());
        for (rows, word) in [
            ("2024-02-20T14:30:00Z,,6,3,5,1,,\n", "line 2"),
            ("2024-02-20,4,6,3,5,1,,\n", "is not a moment"),
            ("2024-02-20T14:30:00Z,4,6,3,5,1,,1.5\n", "whole numbers"),
            ("2024-02-20T14:30:00Z,4,6,3,5,1,,\n2024-02-20T14:31:00Z,4,6,3,5,,,\n", "line 3"),
            ("2024-02-20T14:30:00Z,9,6,3,5,1,,\n", "outside of"),
        ] {
            let error = read(rows).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }
}

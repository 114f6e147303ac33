//! A recorded day of SPY minutes and BTC hours, from the shared folder beside the project.

use std::io::Read as _;
use std::path::PathBuf;

use atlas_broker::market_data::MarketBar;
use atlas_core::time::Timestamp;
use atlas_core::{Price, Qty, Rounding, Symbol};
use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

/// The rows of a file whose bars start in a span; `None` where the file is absent.
fn rows(file: &str, from: &str, to: &str) -> Option<Vec<(Timestamp, MarketBar)>> {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/intraday").join(file);
    let packed = std::fs::File::open(path).ok()?;
    let mut text = String::new();
    flate2::read::MultiGzDecoder::new(packed).read_to_string(&mut text).unwrap();
    let (from, to): (Timestamp, Timestamp) = (from.parse().unwrap(), to.parse().unwrap());
    let mut all = Vec::new();
    for line in text.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let start = DateTime::parse_from_rfc3339(fields[0]).unwrap().with_timezone(&Utc);
        if !(from..to).contains(&start) {
            continue;
        }
        let price = |text: &str| {
            let value: Decimal = text.parse().unwrap();
            Price::new(Rounding::HalfEven.apply(value, 2)).unwrap()
        };
        let volume: Decimal = fields[5].parse().unwrap();
        let bar = MarketBar {
            start,
            open: price(fields[1]),
            high: price(fields[2]),
            low: price(fields[3]),
            close: price(fields[4]),
            volume: Qty::new(Rounding::Down.apply(volume, 6)).unwrap(),
            trades: None,
            vwap: None,
        };
        all.push((start, bar));
    }
    Some(all)
}

/// Two days of history and one to trade on, by the end of the bars. The hours of BTC are of
/// 2019-03-04 to 2019-03-06, put on the days of SPY's minutes; each is told as the last minute of its
/// hour.
pub(crate) fn days() -> Option<Vec<(Symbol, MarketBar)>> {
    let spy: Symbol = "SPY".parse().unwrap();
    let btc: Symbol = "BTC/USD".parse().unwrap();
    let minutes = rows("SPY_1min.csv.gz", "2024-02-20T00:00:00Z", "2024-02-23T00:00:00Z")?;
    let hours = rows("BTCUSD_1h.csv.gz", "2019-02-24T00:00:00Z", "2019-03-07T00:00:00Z")?;
    let shift = "2024-02-22T00:00:00Z".parse::<Timestamp>().unwrap()
        - "2019-03-06T00:00:00Z".parse::<Timestamp>().unwrap();
    let mut all: Vec<(Symbol, MarketBar)> =
        minutes.into_iter().map(|(_, bar)| (spy.clone(), bar)).collect();
    all.extend(hours.into_iter().map(|(start, bar)| {
        let start = start + shift + TimeDelta::minutes(59);
        (btc.clone(), MarketBar { start, ..bar })
    }));
    all.sort_by_key(|(symbol, bar)| (bar.start, symbol.clone()));
    Some(all)
}

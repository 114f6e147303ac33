//! Bars, quotes and trades in Alpaca's shapes.

use serde_json::{Value, json};

use super::super::wire::{number, stamp};
use super::Market;
use crate::core::Px;
use crate::tape::{Candle, Tick};

/// A bar of a market.
pub(crate) fn bar(candle: &Candle, market: Market) -> Value {
    let volume = match market {
        Market::Stocks => json!(whole(candle.volume)),
        Market::Crypto => json!(candle.volume),
    };
    json!({
        "t": stamp(candle.start),
        "o": number(candle.open), "h": number(candle.high),
        "l": number(candle.low), "c": number(candle.close),
        "v": volume, "n": candle.trades, "vw": number(candle.mean),
    })
}

/// A volume is a whole number of shares; its JSON form must not have a decimal point.
fn whole(volume: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "volumes are far below 2^63")]
    let whole = volume.round() as i64;
    whole
}

/// A trade of a market.
pub(crate) fn trade(tick: &Tick, market: Market) -> Value {
    let name = tick.at.timestamp_millis();
    match market {
        Market::Stocks => json!({
            "t": stamp(tick.at), "p": number(tick.price), "s": whole(tick.size).max(1),
            "x": "V", "i": name, "c": ["@"], "z": "A",
        }),
        Market::Crypto => json!({
            "t": stamp(tick.at), "p": number(tick.price), "s": tick.size,
            "i": name, "tks": if tick.slot % 2 == 0 { "B" } else { "S" },
        }),
    }
}

/// A quote of a market.
pub(crate) fn quote(tick: &Tick, market: Market) -> Value {
    // A price of zero says that the side is empty.
    let side = |price: Option<Px>| price.map_or_else(|| json!(0), |price| json!(number(price)));
    let (bid, ask) = (side(tick.sides.0), side(tick.sides.1));
    let (bids, asks) = tick.depth;
    match market {
        Market::Stocks => json!({
            "t": stamp(tick.at),
            "ap": ask, "as": asks * 100, "ax": "V",
            "bp": bid, "bs": bids * 100, "bx": "V",
            "c": ["R"], "z": "A",
        }),
        Market::Crypto => json!({
            "t": stamp(tick.at),
            "ap": ask, "as": f64::from(asks), "bp": bid, "bs": f64::from(bids),
        }),
    }
}

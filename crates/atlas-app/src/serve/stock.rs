//! What a served venue lists: the data, completed to a market clients can trade in.

use anyhow::Result;
use atlas_core::calendar::Calendar;
use atlas_core::{Raw, Symbol};
use atlas_data::Series;
use atlas_venue::core::{CryptoRules, Px};
use atlas_venue::{Listing, synth};
use chrono::NaiveDate;

use crate::market::Market;

/// Lists every series of the data, and crypto pairs.
///
/// Series of closes get the rest of their bars made, so that prices move within the day; crypto
/// pairs the data do not have are made altogether.
///
/// # Errors
/// [`Exit::Data`](crate::exit::Exit::Data) for a series that cannot be listed.
pub(super) fn listings(market: &Market, seed: u64) -> Result<Vec<Listing>> {
    let mut all = Vec::new();
    for series in market.series() {
        let bars = match series {
            Series::Raw(bars) if !bars.columns().open.is_empty() => bars.clone(),
            Series::Raw(bars) => synth::complete(bars, seed)?,
            Series::Adjusted(bars) => synth::complete(bars, seed)?,
        };
        all.push(listed(bars)?);
    }
    for (pair, price) in PAIRS {
        let pair: Symbol = pair.parse()?;
        if all.iter().all(|listing| *listing.symbol() != pair) {
            all.push(listed(synth::coin(&pair, price, COINS_FROM, Calendar::LAST, seed)?)?);
        }
    }
    Ok(all)
}

fn listed(bars: atlas_core::Bars<Raw>) -> Result<Listing> {
    if !bars.symbol().is_crypto() {
        return Ok(Listing::raw(bars).in_cents());
    }
    // Cents, and hundredths of a cent for what costs less than a dollar.
    let is_cheap = bars.columns().close.first().is_some_and(|close| *close < 1.0);
    let price_increment = Px::from_nanos(if is_cheap { 100_000 } else { 10_000_000 });
    let rules = CryptoRules {
        price_increment: price_increment.unwrap_or(CryptoRules::FINEST.price_increment),
        ..CryptoRules::FINEST
    };
    Ok(Listing::crypto(bars, rules)?)
}

/// Made pairs, and where their prices begin.
const PAIRS: [(&str, f64); 5] = [
    ("BTC/USD", 40_000.0),
    ("DOGE/USD", 0.15),
    ("ETH/USD", 2_500.0),
    ("LTC/USD", 90.0),
    ("SOL/USD", 100.0),
];
/// The first day of made pairs.
const COINS_FROM: NaiveDate = Calendar::FIRST;

//! A little market: random walks of a few symbols over a few sessions.

use std::collections::BTreeMap;

use atlas_core::bars::Columns;
use atlas_core::calendar::{Calendar, Session};
use atlas_core::{Bars, Price, Rounding, Symbol};
use atlas_venue::{CostModel, Listing, Venue, VenueConfig};
use chrono::NaiveDate;

use crate::rng::Rng;

/// The sessions a story has, and a venue that trades in them.
pub(crate) struct Market {
    pub(crate) venue: Venue,
    pub(crate) symbols: Vec<Symbol>,
    pub(crate) sessions: Vec<Session>,
    /// Closing prices by symbol and session.
    pub(crate) closes: BTreeMap<Symbol, Vec<Price>>,
}

impl Market {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Rng::new(seed, 1);
        let first = NaiveDate::from_ymd_opt(2019, 1, 2).unwrap();
        let last = NaiveDate::from_ymd_opt(2019, 1, 18).unwrap();
        let days = rng.index(4, 8);
        let sessions: Vec<Session> =
            Calendar::nyse().sessions(first, last).unwrap().take(days + 1).collect();
        let symbols: Vec<Symbol> = ["AAPL", "IBM", "MSFT", "GOOG", "BRK.B"][..rng.index(2, 5)]
            .iter()
            .map(|symbol| symbol.parse().unwrap())
            .collect();
        let thin = rng.percent(40);
        let (mut listings, mut closes) = (Vec::new(), BTreeMap::new());
        for symbol in &symbols {
            let bars = walk(&mut rng, symbol, &sessions, thin);
            let close = |close: &f64| Price::from_f64(*close, 2, Rounding::HalfEven).unwrap();
            closes.insert(symbol.clone(), bars.view().close().iter().map(close).collect());
            listings.push(Listing::raw(bars));
        }
        let config = VenueConfig {
            cash: rng.between(2_000, 60_000).to_string().parse().unwrap(),
            seed,
            costs: if rng.percent(50) { CostModel::realistic() } else { CostModel::free() },
            ..VenueConfig::realistic(sessions[0].close)
        };
        let venue = Venue::open(None, config, listings).unwrap();
        Self { venue, symbols, sessions, closes }
    }
}

/// Prices in cents, that move a few per cent a day; thin volumes make orders fill in part.
fn walk(rng: &mut Rng, symbol: &Symbol, sessions: &[Session], thin: bool) -> Bars<atlas_core::Raw> {
    let mut cents = rng.between(500, 40_000);
    let mut columns = Columns::default();
    let dollars = |cents: u64| f64::from(u32::try_from(cents).unwrap()) / 100.0;
    for session in sessions {
        let open = (cents * rng.between(9_600, 10_400) / 10_000).max(100);
        let close = (open * rng.between(9_700, 10_300) / 10_000).max(100);
        columns.dates.push(session.date);
        columns.open.push(dollars(open));
        columns.close.push(dollars(close));
        columns.high.push(dollars(open.max(close) + rng.below(50)));
        columns.low.push(dollars(open.min(close) - rng.below(50)));
        let volume = if thin { rng.between(0, 8_000) } else { 50_000_000 };
        columns.volume.push(f64::from(u32::try_from(volume).unwrap()));
        cents = close;
    }
    Bars::new(symbol.clone(), columns).unwrap()
}

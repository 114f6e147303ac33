//! The same run, event by event on the simulated venue: what the fast path is held to.

use atlas_core::calendar::Calendar;
use atlas_core::{Bars, Raw, Side, Usd};
use atlas_venue::core::{Class, Entry, Kind, NewOrder, Px, Shares, Size, Tif};
use atlas_venue::{InProcess, Listing, Venue, VenueConfig};
use chrono::TimeDelta;

use super::{BarStrategy, Stance, Trading};
use crate::Error;

/// What a run on the venue came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventReport {
    /// Every fill: the number of its bar, the side, and the price a share.
    pub fills: Vec<(usize, Side, Px)>,
    /// Equity at each close.
    pub equity: Vec<Usd>,
}

/// Runs a strategy on daily bars of consecutive sessions, bar by bar: the venue's clock moves to
/// each close, the strategy sees that close, and a market order goes out five minutes after the
/// next open.
///
/// # Errors
/// [`Error::Parameter`] if there are no bars or a session is missing among them; [`Error::Venue`]
/// and [`Error::HeldBack`] if the venue takes no order.
pub fn run<S: BarStrategy>(
    bars: &Bars<Raw>,
    strategy: &S,
    trading: &Trading,
) -> Result<EventReport, Error> {
    let dates = &bars.columns().dates;
    let (Some(first), Some(last)) = (dates.first(), dates.last()) else {
        return Err(gap("0 bars".to_owned()));
    };
    let sessions: Vec<_> = Calendar::nyse().sessions(*first, *last)?.collect();
    if sessions.len() != dates.len() {
        return Err(gap(format!("{} bars of {} sessions", dates.len(), sessions.len())));
    }
    let start = sessions.first().map_or_else(Default::default, |session| session.open);
    let config = VenueConfig {
        cash: trading.spec().cash,
        costs: trading.costs(),
        ..VenueConfig::realistic(start)
    };
    let venue = Venue::open(None, config, [Listing::raw(bars.clone())])?;
    let broker = InProcess::new(venue.clone());
    let mut strategy = strategy.clone();
    let mut report = EventReport { fills: Vec::new(), equity: Vec::new() };
    let (mut wanted, mut held) = (None, false);
    let mut seen = 0;
    for (bar, session) in sessions.iter().enumerate() {
        let side = match (wanted.take(), held) {
            (Some(Stance::Long), false) => Some(Side::Buy),
            (Some(Stance::Flat), true) => Some(Side::Sell),
            (Some(Stance::Long | Stance::Flat) | None, _) => None,
        };
        if let Some(side) = side {
            venue.advance_to(session.open + TimeDelta::minutes(5))?;
            let order = order(bars, side, trading)?;
            let refused = |refusal: atlas_venue::Refusal| Error::HeldBack {
                as_of: session.date,
                why: refusal.message(),
            };
            venue.submit(order).map_err(refused)?;
            held = side == Side::Buy;
        }
        venue.advance_to(session.close)?;
        venue.inspect(|exchange| {
            let all = exchange.activities();
            for activity in all.get(seen..).unwrap_or_default() {
                if let Entry::Fill(fill) = &activity.entry {
                    report.fills.push((bar, fill.side, fill.price));
                }
            }
            seen = all.len();
        });
        report.equity.push(broker.money()?.1);
        let close = bars.columns().close.get(bar).copied().unwrap_or(f64::NAN);
        wanted = strategy.push(Px::from_bar(close)?.nanos() / 1_000).or(wanted);
    }
    Ok(report)
}

fn order(bars: &Bars<Raw>, side: Side, trading: &Trading) -> Result<NewOrder, Error> {
    let qty = Shares::try_from(atlas_core::Qty::from_shares(trading.spec().shares))?;
    Ok(NewOrder {
        client_order_id: None,
        symbol: bars.symbol().clone(),
        side,
        size: Size::Shares(qty),
        kind: Kind::Market,
        tif: Tif::Day,
        extended_hours: false,
        class: Class::Simple,
        take_profit: None,
        stop_loss: None,
    })
}

const fn gap(value: String) -> Error {
    Error::Parameter { what: "the series", value, range: "daily bars of consecutive sessions" }
}

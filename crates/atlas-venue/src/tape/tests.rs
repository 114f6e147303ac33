//! What is shown is what trades.

use atlas_core::bars::{Bars, Columns};
use atlas_core::calendar::{Calendar, Session};
use atlas_core::{Raw, Side, Weight};
use chrono::TimeDelta;
use proptest::prelude::*;

use super::{Days, MINUTE, Tick, present};
use crate::VenueConfig;
use crate::core::tests::order;
use crate::core::{Exchange, Kind, Listing, Px, Shares, Status};

/// A market of one symbol at a moment of its second day; prices in hundredths of a cent, so that
/// they lie off the grid of cents.
fn exchange(rough: (u32, u32, u32, u32), is_paper: bool, after: i64) -> Exchange {
    let (low, open, close, over) = rough;
    let price = |units: u32| f64::from(units) / 10_000.0;
    let columns = Columns {
        dates: vec![date("2019-01-02"), date("2019-01-03")],
        open: vec![price(low + open); 2],
        high: vec![price(low + open.max(close) + over); 2],
        low: vec![price(low); 2],
        close: vec![price(low + close); 2],
        volume: vec![90_000.0; 2],
        ..Columns::default()
    };
    let bars: Bars<Raw> = Bars::new("AAPL".parse().unwrap(), columns).unwrap();
    let now = session().open + TimeDelta::milliseconds(after);
    let listing = Listing::raw(bars);
    let (config, listing) = if is_paper {
        (VenueConfig::alpaca_paper(now), listing.in_cents())
    } else {
        (VenueConfig::realistic(now), listing)
    };
    Exchange::new(VenueConfig { split_fills: Weight::ZERO, ..config }, [listing]).unwrap()
}

fn date(text: &str) -> chrono::NaiveDate {
    text.parse().unwrap()
}

fn session() -> Session {
    Calendar::nyse().session(date("2019-01-03")).unwrap()
}

fn sides(tick: &Tick) -> (Px, Px) {
    tick.sides.0.zip(tick.sides.1).unwrap()
}

fn bars() -> impl Strategy<Value = (u32, u32, u32, u32)> {
    (95_000_u32..2_000_000, 0_u32..9_000, 0_u32..9_000, 0_u32..3_000)
}

proptest! {
    /// The latest quote, the quote of the past and the core's own are one, and a limit at it
    /// trades at it.
    #[test]
    fn what_is_quoted_is_what_trades(
        rough in bars(), is_paper: bool, is_buy: bool, slot in 0_i64..4_679, off in 0_i64..5_000,
    ) {
        for after in [slot * 5_000, slot * 5_000 + off] {
            let mut ex = exchange(rough, is_paper, after);
            let listing = ex.listings().values().next().unwrap().clone();
            let tick = present(&ex.view(), &listing).unwrap().unwrap();
            let quoted = sides(&tick);
            prop_assert_eq!(ex.quote(listing.symbol()).unwrap(), Some(quoted));
            prop_assert!(quoted.0 <= tick.price && tick.price <= quoted.1);
            if after % 5_000 == 0 {
                let view = ex.view();
                let days = Days::new(&view, &listing).unwrap();
                let day = days.day(1).unwrap().unwrap();
                prop_assert_eq!(day.quotes(after, after).map(|q| sides(&q)).next(), Some(quoted));
            }
            let (side, limit) = if is_buy { (Side::Buy, quoted.1) } else { (Side::Sell, quoted.0) };
            // A limit on the grid of orders that the quote reaches.
            let cent = 10_000_000;
            let nanos = if is_buy { (limit.nanos() + cent - 1) / cent } else { limit.nanos() / cent };
            let grid = Px::from_nanos(nanos * cent).unwrap();
            prop_assert!(!is_paper || grid == limit);
            let sent = ex.submit(order("AAPL", side, "1", Kind::Limit(grid)));
            if is_buy || is_paper {
                let taken = sent.unwrap();
                let done = ex.order_by_id(taken.order.id).unwrap();
                prop_assert_eq!(done.status, Status::Filled);
                prop_assert_eq!(done.filled_notional, limit.times(Shares::from_nanos(1_000_000_000).unwrap()));
            }
        }
    }

    /// A bar's prices lie between its lowest and highest one, the mean too.
    #[test]
    fn bars_are_whole(rough in bars(), is_paper: bool, length in 1_i64..400) {
        let ex = exchange(rough, is_paper, 23_400_000);
        let listing = ex.listings().values().next().unwrap();
        let view = ex.view();
        let days = Days::new(&view, listing).unwrap();
        let day = days.day(1).unwrap().unwrap();
        let mut from = 0;
        while let Some(bar) = day.bar(from, from + length * MINUTE) {
            for price in [bar.open, bar.close, bar.mean] {
                prop_assert!(bar.low <= price && price <= bar.high, "{:?}", bar);
            }
            from += length * MINUTE;
        }
        prop_assert!(from > 0);
    }
}

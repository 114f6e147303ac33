//! What is shown is what trades.

use atlas_core::bars::{Bars, Columns};
use atlas_core::calendar::{Calendar, Session};
use atlas_core::{Raw, Side, Weight};
use chrono::TimeDelta;
use proptest::prelude::*;

use super::{Candle, Chain, Days, MINUTE, Newest, Tick, Timeframe, present};
use crate::VenueConfig;
use crate::core::tests::order;
use crate::core::{ActionKind, CorporateAction, Exchange, Kind, Listing, Px, Shares, Status};

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
            let tick = present(&ex.view(), &listing, Newest::Quote).unwrap().unwrap();
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

/// A company whose name changes on the fourth day, and which splits two for one on the fifth.
fn renamed() -> Exchange {
    let series = |symbol: &str, dates: &[&str], close: &[f64]| {
        let columns = Columns {
            dates: dates.iter().map(|day| date(day)).collect(),
            close: close.to_vec(),
            ..Columns::default()
        };
        Listing::raw(Bars::<Raw>::new(symbol.parse().unwrap(), columns).unwrap())
    };
    let action = |day: &str, kind| CorporateAction { date: date(day), kind };
    let to = ActionKind::Rename { to: "META".parse().unwrap() };
    let old = series("FB", &["2019-01-02", "2019-01-03", "2019-01-04"], &[10.0, 11.0, 12.0])
        .with_actions([action("2019-01-07", to)])
        .unwrap();
    let new = series("META", &["2019-01-07", "2019-01-08", "2019-01-09"], &[13.0, 7.0, 8.0])
        .with_actions([action("2019-01-08", ActionKind::Split { new: 2, old: 1 })])
        .unwrap();
    let now = "2019-01-09T22:00:00Z".parse().unwrap();
    Exchange::new(VenueConfig::realistic(now), [old, new]).unwrap()
}

#[test]
fn a_company_is_followed_through_its_names() {
    let view = renamed().view();
    let closes = |name: &str, as_of: Option<&str>, frame, newest_first, split| {
        let listing = &view.listings()[&name.parse().unwrap()];
        let chain = Chain::new(&view, listing, as_of.map(date), (split, false)).unwrap().unwrap();
        let span = ("2018-12-01T00:00:00Z".parse().unwrap(), view.now());
        let mut told: Vec<String> = Vec::new();
        let take = |candle: &Candle| {
            told.push(candle.close.to_string());
            true
        };
        chain.bars(frame, span, newest_first, take).unwrap();
        told
    };
    let day = Timeframe::Day;
    let today = Some("2019-01-09");
    let all = ["10", "11", "12", "13", "7", "8"];
    assert_eq!(closes("META", today, day, false, false), all);
    assert_eq!(closes("FB", Some("2019-01-04"), day, false, false), all);
    let backwards: Vec<&str> = all.into_iter().rev().collect();
    assert_eq!(closes("META", today, day, true, false), backwards);
    // The old name was nobody's any more, the new one nobody's yet.
    assert_eq!(closes("FB", today, day, false, false), all[..3]);
    assert_eq!(closes("META", Some("2019-01-04"), day, false, false), all[3..]);
    assert_eq!(closes("META", None, day, false, false), all[3..]);
    // The split restates the prices under the old name too.
    let halves = ["5", "5.5", "6", "6.5", "7", "8"];
    assert_eq!(closes("META", today, day, false, true), halves);
    // A month is one bar under both names.
    for newest_first in [false, true] {
        assert_eq!(closes("META", today, Timeframe::Months(1), newest_first, false), ["8"]);
    }
    assert_eq!(closes("META", today, Timeframe::Minutes(60), false, false).len(), 42);
}

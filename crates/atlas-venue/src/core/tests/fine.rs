//! Days with bars within them.

use atlas_core::bars::{IntradayBars, IntradayColumns};
use chrono::TimeDelta;
use proptest::prelude::*;

use super::*;

/// Open, high, low, close and volume of a bar that begins at a time of 3 January 2019, UTC.
type Row<'a> = (&'a str, [f64; 4], f64);

const ROWS: [Row<'static>; 6] = [
    ("14:00", [145.0, 145.5, 144.8, 145.2], 800.0),
    ("14:30", [144.0, 144.6, 143.8, 144.5], 40_000.0),
    ("14:31", [144.4, 144.5, 143.0, 143.1], 20_000.0),
    // A hole, and a jump.
    ("14:40", [142.0, 142.3, 141.9, 142.2], 8_000.0),
    ("20:59", [142.6, 142.8, 142.5, 142.7], 50_000.0),
    ("21:05", [142.7, 143.4, 142.7, 143.3], 1_200.0),
];

fn bars(symbol: &str, minutes: i64, rows: &[Row<'_>]) -> IntradayBars {
    let column = |at: usize| rows.iter().map(|row| row.1[at]).collect();
    let start = |row: &Row<'_>| at(&format!("2019-01-03T{}:00Z", row.0));
    let columns = IntradayColumns {
        starts: rows.iter().map(start).collect(),
        open: column(0),
        high: column(1),
        low: column(2),
        close: column(3),
        volume: rows.iter().map(|row| row.2).collect(),
        ..IntradayColumns::default()
    };
    IntradayBars::new(symbol.parse().unwrap(), TimeDelta::minutes(minutes), columns).unwrap()
}

fn fine(change: impl FnOnce(&mut VenueConfig)) -> Exchange {
    let [aapl, xom] = listings();
    let aapl = aapl.with_intraday(&bars("AAPL", 1, &ROWS)).unwrap();
    let mut config = VenueConfig::realistic(at("2019-01-02T22:00:00Z"));
    config.costs.slippage = crate::Slippage::None;
    change(&mut config);
    Exchange::new(config, [aapl, xom]).unwrap()
}

#[test]
fn the_daily_bar_is_made_of_those_in_regular_hours() {
    let exchange = fine(|_| {});
    let columns = exchange.listings()[&"AAPL".parse().unwrap()].columns();
    assert_eq!((columns.open[1], columns.high[1]), (144.0, 144.6));
    assert_eq!((columns.low[1], columns.close[1], columns.volume[1]), (141.9, 142.7, 118_000.0));
    // The other days are as they were.
    assert_eq!((columns.open[0], columns.close[2]), (154.0, 148.0));
}

#[test]
fn the_price_goes_through_each_bar_stands_in_holes_and_jumps() {
    let mut exchange = fine(|_| {});
    for (now, price) in [
        ("2019-01-03T13:59:59Z", "157"),
        ("2019-01-03T14:00:00Z", "145"),
        ("2019-01-03T14:01:00Z", "145.2"),
        ("2019-01-03T14:29:00Z", "145.2"),
        ("2019-01-03T14:30:00Z", "144"),
        ("2019-01-03T14:30:20Z", "143.8"),
        ("2019-01-03T14:30:40Z", "144.6"),
        ("2019-01-03T14:31:00Z", "144.4"),
        ("2019-01-03T14:35:00Z", "143.1"),
        ("2019-01-03T14:40:00Z", "142"),
        ("2019-01-03T18:00:00Z", "142.2"),
        ("2019-01-03T21:00:00Z", "142.7"),
        ("2019-01-03T21:06:00Z", "143.3"),
        ("2019-01-04T02:00:00Z", "143.3"),
        ("2019-01-04T14:30:00Z", "144.5"),
    ] {
        exchange.advance_to(at(now)).unwrap();
        assert_eq!(exchange.mark_of_holding(&"AAPL".parse().unwrap()).unwrap(), px(price), "{now}");
    }
}

#[test]
fn orders_meet_the_bars_and_what_is_jumped_over_is_not_paid() {
    let mut exchange = fine(|config| config.participation = None);
    let limit = |price: &str| order("AAPL", Side::Buy, "10", Kind::Limit(px(price)));
    exchange.submit(limit("143.5")).unwrap();
    exchange.submit(limit("142.5")).unwrap();
    exchange.submit(NewOrder { extended_hours: true, ..limit("145.1") }).unwrap();
    exchange.advance_to(at("2019-01-03T09:00:00Z")).unwrap();
    assert_eq!(told(&exchange, 3), "new 0@-");
    exchange.advance_to(at("2019-01-03T13:59:59.999Z")).unwrap();
    exchange.submit(NewOrder { extended_hours: true, ..limit("145.3") }).unwrap();
    assert_eq!((told(&exchange, 3), told(&exchange, 4)), ("new 0@-".into(), "new 0@-".into()));
    exchange.advance_to(at("2019-01-03T14:29:59Z")).unwrap();
    // Not before there is a price, and then at it.
    assert_eq!(told(&exchange, 3), "filled 10@145");
    assert_eq!(told(&exchange, 4), "filled 10@145");
    exchange.advance_to(at("2019-01-03T14:35:00Z")).unwrap();
    assert_eq!(told(&exchange, 1), "filled 10@143.5");
    assert_eq!(told(&exchange, 2), "new 0@-");
    exchange.advance_to(at("2019-01-03T14:40:00Z")).unwrap();
    assert_eq!(told(&exchange, 2), "filled 10@142");
}

#[test]
fn fills_are_limited_by_the_volume_of_each_bar() {
    // 2.5 %: 1000 in the first minute, 500 in the next one, nothing in the hole, 200 at 14:40.
    let mut exchange = fine(|config| {
        config.cash = "1000000".parse().unwrap();
    });
    exchange.submit(order("AAPL", Side::Buy, "2500", Kind::Market)).unwrap();
    for (now, filled) in [
        ("2019-01-03T14:30:30Z", "1000"),
        ("2019-01-03T14:31:00Z", "1500"),
        ("2019-01-03T14:39:59Z", "1500"),
        ("2019-01-03T14:41:00Z", "1700"),
        ("2019-01-03T20:58:00Z", "1700"),
        ("2019-01-03T20:59:00Z", "2500"),
    ] {
        exchange.advance_to(at(now)).unwrap();
        assert_eq!(exchange.order(1).unwrap().filled.to_string(), filled, "{now}");
    }
    let mut whole = fine(|config| config.cash = "1000000".parse().unwrap());
    whole.submit(order("AAPL", Side::Buy, "2500", Kind::Market)).unwrap();
    whole.advance_to(at("2019-01-03T20:59:00Z")).unwrap();
    assert_eq!(told(&whole, 1), told(&exchange, 1));
}

#[test]
fn a_coarse_bar_that_straddles_the_opening_counts_from_it_on() {
    let [_, xom] = listings();
    let rows: [Row<'_>; 2] = [
        ("14:00", [144.0, 145.0, 143.0, 144.5], 1_000.0),
        ("20:00", [144.5, 144.6, 144.0, 144.1], 2_000.0),
    ];
    let none = Bars::new("SPY".parse().unwrap(), Columns::default()).unwrap();
    let spy = Listing::raw(none).with_intraday(&bars("SPY", 60, &rows)).unwrap();
    assert!(!spy.has_extended());
    let config = VenueConfig::realistic(at("2019-01-03T14:30:00Z"));
    let exchange = Exchange::new(config, [spy, xom]).unwrap();
    let spy = &exchange.listings()[&"SPY".parse().unwrap()];
    assert_eq!((spy.columns().dates.len(), spy.columns().volume[0]), (1, 3_000.0));
    assert_eq!(exchange.quote(spy.symbol()).unwrap().unwrap(), (px("143.928"), px("144.072")));
}

#[test]
fn what_cannot_be_is_refused() {
    let refused = |listing: Listing, bars: &IntradayBars| {
        listing.with_intraday(bars).unwrap_err().to_string()
    };
    let night: [Row<'_>; 1] = [("02:00", [144.0, 145.0, 143.0, 144.5], 1.0)];
    let early: [Row<'_>; 1] = [("14:00", [144.0, 145.0, 143.0, 144.5], 1.0)];
    let [aapl, xom] = listings();
    let text = refused(aapl.clone(), &bars("AAPL", 1, &early));
    assert!(text.contains("no bar in regular hours"), "{text}");
    let text = refused(aapl.clone(), &bars("AAPL", 1, &night));
    assert!(text.contains("2019-01-02"), "{text}");
    let text = refused(aapl, &bars("SPY", 1, &ROWS));
    assert!(text.contains("bars of SPY for AAPL"), "{text}");
    assert!(refused(xom, &bars("XOM", 1, &ROWS)).contains("raw series alone"));
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// However time is cut into steps, the fills are the same, and none is outside of its bar.
        #[test]
        fn steps_do_not_matter(
            limits in prop::collection::vec((1_400_u32..1_470, any::<bool>(), any::<bool>()), 1..8),
            step in 1_i64..100_000,
        ) {
            let run = |step: i64| {
                let mut exchange = fine(|config| config.refuse_wash_trades = false);
                for (limit, is_extended, is_stop) in &limits {
                    let price = px(&format!("{}.{}", limit / 10, limit % 10));
                    let kind = if *is_stop && !is_extended {
                        Kind::Stop(price)
                    } else {
                        Kind::Limit(price)
                    };
                    let wish = order("AAPL", Side::Buy, "7", kind);
                    exchange.submit(NewOrder { extended_hours: *is_extended, ..wish }).unwrap();
                }
                let (mut now, end) = (at("2019-01-03T13:00:00Z"), at("2019-01-04T01:00:00Z"));
                while now < end {
                    now = end.min(now + TimeDelta::seconds(step));
                    exchange.advance_to(now).unwrap();
                }
                let told: Vec<String> = (1..=limits.len() as u64).map(|seq| told(&exchange, seq)).collect();
                for order in exchange.orders() {
                    if let Some(price) = order.avg_price() {
                        prop_assert!(price >= px("141.9") && price <= px("145.5"), "{price}");
                    }
                }
                Ok(told)
            };
            prop_assert_eq!(run(step)?, run(1_000_000)?);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever the bars within the day, an order of no size trades at what was quoted, on either
    /// side.
    #[test]
    fn what_is_quoted_is_what_trades(
        rough in proptest::collection::vec((13_900_i32..14_500, 0_i32..80, 0_i32..80, 0_i32..40), 2..40),
        moments in proptest::collection::vec(300_000_i64..23_000_000, 1..12),
        half_spread in 0_i16..20,
    ) {
        let starts: Vec<String> =
            (0..rough.len()).map(|at| format!("{}:{:02}", 14 + (30 + at * 7) / 60, (30 + at * 7) % 60)).collect();
        let price = |cents: i32| f64::from(cents) / 100.0;
        let rows: Vec<Row<'_>> = rough.iter().zip(&starts).map(|((low, open, close, over), start)| {
            let (open, close) = (low + open, low + close);
            let high = open.max(close) + over;
            (start.as_str(), [open, high, *low, close].map(price), 1_000_000.0)
        }).collect();
        let [aapl, _] = listings();
        let aapl = aapl.with_intraday(&bars("AAPL", 1, &rows)).unwrap();
        let symbol = aapl.symbol().clone();
        let mut config = VenueConfig::realistic(at("2019-01-03T14:30:00Z"));
        config.participation = None;
        config.costs.slippage = crate::Slippage::HalfSpread(atlas_core::Bps::from_int(half_spread));
        let mut exchange = Exchange::new(config, [aapl]).unwrap();
        let mut moments = moments;
        moments.sort_unstable();
        for moment in moments {
            exchange.advance_to(at("2019-01-03T14:30:00Z") + TimeDelta::milliseconds(moment)).unwrap();
            for side in [Side::Buy, Side::Sell] {
                let (bid, ask) = exchange.quote(&symbol).unwrap().unwrap();
                let order = exchange.submit(order("AAPL", side, "1", Kind::Market)).unwrap().order;
                let order = exchange.order(order.seq).unwrap();
                prop_assert_eq!(order.status, Status::Filled);
                prop_assert_eq!(order.avg_price(), Some(if side == Side::Buy { ask } else { bid }));
            }
        }
    }
}

//! The contract of [`MarketData`], as one suite of scenarios over every implementation of it: the
//! venue asked in process, the Alpaca client over HTTP against the venue's server, and that client
//! against a server that answers in payloads, and pages, of the real service's shapes.

use std::collections::BTreeMap;

use atlas_broker::market_data::{Adjustment, BarsRequest, MarketBar, TicksRequest, Timeframe};
use atlas_broker::{MarketClock, MarketData};
use atlas_core::bars::{Bars, Basis, Columns, IntradayBars, IntradayColumns};
use atlas_core::calendar::Calendar;
use atlas_core::{Raw, Symbol};
use atlas_tests::block_on;
use atlas_tests::market::{at, listings, symbol};
use atlas_tests::world::{Door, START, World};
use atlas_venue::Listing;
use atlas_venue::core::{ActionKind, CorporateAction, CryptoRules};
use chrono::{NaiveDate, TimeDelta};

use crate::values::price;

/// What is listed here besides the usual: a pair, minutes of two sessions, a split and a dividend.
fn market() -> Vec<Listing> {
    let mut all = listings();
    all.push(Listing::crypto(coin(), CryptoRules::FINEST).unwrap());
    let empty = Bars::<Raw>::new(symbol("MIN"), Columns::default()).unwrap();
    all.push(Listing::raw(empty).with_intraday(&minutes()).unwrap());
    let acts = Bars::<Raw>::new(
        symbol("ACT"),
        Columns {
            dates: sessions("2018-12-28", "2019-01-04"),
            open: vec![100.0, 100.0, 50.0, 49.0, 49.0],
            high: vec![100.0, 100.0, 50.0, 49.0, 49.0],
            low: vec![100.0, 100.0, 50.0, 49.0, 49.0],
            close: vec![100.0, 100.0, 50.0, 49.0, 49.0],
            volume: vec![1000.0; 5],
            ..Columns::default()
        },
    );
    let date = |text: &str| text.parse().unwrap();
    let per_share = "1".parse().unwrap();
    let actions = [
        CorporateAction { date: date("2019-01-02"), kind: ActionKind::Split { new: 2, old: 1 } },
        CorporateAction {
            date: date("2019-01-03"),
            kind: ActionKind::Dividend { per_share, pay_date: None },
        },
    ];
    all.push(Listing::raw(acts.unwrap()).with_actions(actions).unwrap());
    // A company that has another name from 3 January on.
    let named = |name: &str, dates: Vec<NaiveDate>, price: f64| {
        let all = vec![price; dates.len()];
        let [open, high, low, close] = [all.clone(), all.clone(), all.clone(), all];
        let columns = Columns { dates, open, high, low, close, ..Columns::default() };
        Listing::raw(Bars::<Raw>::new(symbol(name), columns).unwrap())
    };
    let kind = ActionKind::Rename { to: symbol("NEW") };
    let rename = CorporateAction { date: date("2019-01-03"), kind };
    let old = named("OLD", sessions("2018-12-28", "2019-01-02"), 60.0);
    all.push(old.with_actions([rename]).unwrap());
    all.push(named("NEW", sessions("2019-01-03", "2019-01-11"), 61.0));
    all
}

fn sessions(from: &str, to: &str) -> Vec<NaiveDate> {
    let day = |text: &str| text.parse().unwrap();
    Calendar::nyse().sessions(day(from), day(to)).unwrap().map(|session| session.date).collect()
}

fn coin() -> Bars<Raw> {
    let first: NaiveDate = "2019-01-01".parse().unwrap();
    let dates: Vec<NaiveDate> = first.iter_days().take(10).collect();
    let all = |value: f64| vec![value; dates.len()];
    let (open, high, low, close) = (all(4000.0), all(4100.0), all(3900.0), all(4050.0));
    let columns = Columns { open, high, low, close, dates, ..Columns::default() };
    Bars::new(symbol("BTC/USD"), columns).unwrap()
}

/// Three bars of a minute on each of two sessions, one of them before the opening.
fn minutes() -> IntradayBars {
    let starts = ["02T14:00", "02T14:30", "02T14:32", "03T14:00", "03T14:30", "03T14:36"];
    let starts = starts.map(|start| at(&format!("2019-01-{start}:00Z"))).to_vec();
    let columns = IntradayColumns {
        open: vec![10.0, 10.5, 11.0, 12.0, 12.5, 12.25],
        high: vec![10.25, 11.0, 11.5, 12.5, 12.5, 12.75],
        low: vec![10.0, 10.25, 10.75, 12.0, 12.0, 12.25],
        close: vec![10.25, 10.75, 11.25, 12.25, 12.0, 12.5],
        volume: vec![500.0, 7_000.0, 3_000.0, 800.0, 9_000.0, 4_000.0],
        vwap: vec![10.1, 10.6, 11.2, 12.2, 12.3, 12.4],
        trades: vec![5, 70, 30, 8, 90, 40],
        starts,
    };
    IntradayBars::new(symbol("MIN"), TimeDelta::minutes(1), columns).unwrap()
}

fn play(door: Door, scenario: impl AsyncFnOnce(&World, &dyn MarketData)) {
    block_on(async {
        let world = World::of(door, at(START), market()).await;
        scenario(&world, world.market_data()).await;
    });
}

fn request(names: &[&str], timeframe: Timeframe, start: &str, end: &str) -> BarsRequest {
    let symbols = names.iter().map(|name| symbol(name)).collect();
    BarsRequest { symbols, timeframe, start: at(start), end: at(end) }
}

/// Start, open, high, low, close and volume of each bar.
fn told<B: Basis>(bars: &[MarketBar<B>]) -> Vec<String> {
    let one = |bar: &MarketBar<B>| {
        let MarketBar { start, open, high, low, close, volume, .. } = bar;
        let start = start.format("%m-%dT%H:%M");
        format!("{start} {open} {high} {low} {close} {volume}")
    };
    bars.iter().map(one).collect()
}

fn names<T>(all: &BTreeMap<Symbol, T>) -> Vec<&str> {
    all.keys().map(Symbol::as_str).collect()
}

async fn days_are_told_as_far_as_they_are_known(world: &World, data: &dyn MarketData) {
    let ask =
        request(&["UPP", "THN"], Timeframe::Day, "2019-01-01T00:00:00Z", "2019-01-31T00:00:00Z");
    let bars = data.bars(&ask).await.unwrap();
    assert_eq!(told(&bars[&symbol("THN")])[0], "01-02T05:00 20 21 19 20 10000");
    // Five minutes into the session the price has not left its open.
    let today = &bars[&symbol("UPP")][1];
    assert_eq!(
        (bars[&symbol("UPP")].len(), today.high, today.close),
        (2, price("100"), price("100"))
    );
    world.advance("2019-01-03T21:00:00Z");
    let bars = data.bars(&ask).await.unwrap();
    let today = bars[&symbol("UPP")][1];
    assert_eq!((today.low, today.high, today.close), (price("98"), price("105"), price("104")));
}

async fn both_ends_of_a_request_count(world: &World, data: &dyn MarketData) {
    world.advance("2019-01-11T22:00:00Z");
    let count = async |start: &str, end: &str| {
        let bars = data.bars(&request(&["UPP"], Timeframe::Day, start, end)).await.unwrap();
        bars.get(&symbol("UPP")).map_or(0, Vec::len)
    };
    assert_eq!(count("2019-01-03T05:00:00Z", "2019-01-07T05:00:00Z").await, 3);
    assert_eq!(count("2019-01-03T05:00:00.001Z", "2019-01-07T04:59:59Z").await, 1);
    assert_eq!(count("2019-01-05T05:00:00Z", "2019-01-06T05:00:00Z").await, 0);
    assert_eq!(count("2018-01-05T05:00:00Z", "2018-02-06T05:00:00Z").await, 0);
}

async fn minutes_make_up_hours_and_days(world: &World, data: &dyn MarketData) {
    world.advance("2019-01-04T22:00:00Z");
    let day = ("2019-01-03T05:00:00Z", "2019-01-04T04:59:59Z");
    let bars = async |timeframe| {
        let bars = data.bars(&request(&["THN"], timeframe, day.0, day.1)).await.unwrap();
        bars[&symbol("THN")].clone()
    };
    let whole = bars(Timeframe::Day).await[0];
    for (timeframe, count) in [
        (Timeframe::Minutes(1), 390),
        (Timeframe::Minutes(15), 26),
        (Timeframe::Hours(1), 7),
        (Timeframe::Hours(23), 1),
    ] {
        let parts = bars(timeframe).await;
        assert_eq!(parts.len(), count, "{timeframe:?}");
        assert!(parts.is_sorted_by_key(|bar| bar.start));
        assert_eq!((parts[0].open, parts[count - 1].close), (whole.open, whole.close));
        assert_eq!(parts.iter().map(|bar| bar.high).max(), Some(whole.high));
        assert_eq!(parts.iter().map(|bar| bar.low).min(), Some(whole.low));
        let volume: rust_decimal::Decimal = parts.iter().map(|bar| bar.volume.value()).sum();
        assert_eq!(volume, whole.volume.value(), "{timeframe:?}");
    }
}

async fn weeks_and_months_hold_their_days(world: &World, data: &dyn MarketData) {
    world.advance("2019-02-04T22:00:00Z");
    let (start, end) = ("2019-01-01T05:00:00Z", "2019-02-04T05:00:00Z");
    let months = data.bars(&request(&["THN"], Timeframe::Months(1), start, end)).await.unwrap();
    assert_eq!(
        told(&months[&symbol("THN")]),
        ["01-01T05:00 20 21 19 20 210000", "02-01T05:00 20 21 19 20 20000"]
    );
    let weeks = data.bars(&request(&["THN"], Timeframe::Week, start, end)).await.unwrap();
    let weeks = &weeks[&symbol("THN")];
    // The week that began before the start is no part of it.
    assert_eq!((weeks.len(), told(weeks)[0].as_str()), (5, "01-07T05:00 20 21 19 20 50000"));
}

async fn what_nobody_has_is_absent(_: &World, data: &dyn MarketData) {
    let ask = request(
        &["NOPE", "UPP", "LAT", "UPP"],
        Timeframe::Day,
        "2019-01-02T05:00:00Z",
        "2019-01-02T05:00:00Z",
    );
    let bars = data.bars(&ask).await.unwrap();
    assert_eq!((names(&bars), bars[&symbol("UPP")].len()), (vec!["UPP"], 1));
    assert!(data.bars(&BarsRequest { symbols: Vec::new(), ..ask }).await.unwrap().is_empty());
    let some = ["NOPE", "LAT", "UPP"].map(symbol);
    assert_eq!(names(&data.latest_quotes(&some).await.unwrap()), ["UPP"]);
    assert_eq!(names(&data.latest_trades(&some).await.unwrap()), ["UPP"]);
    assert_eq!(names(&data.snapshots(&some).await.unwrap()), ["UPP"]);
    assert!(data.snapshots(&[]).await.unwrap().is_empty());
}

async fn nothing_of_the_future_is_told(world: &World, data: &dyn MarketData) {
    let ask = |timeframe| {
        let (start, end) = ("2019-01-02T05:00:00Z", "2019-01-31T05:00:00Z");
        request(&["UPP", "SHT", "MIN", "BTC/USD"], timeframe, start, end)
    };
    for timeframe in [Timeframe::Minutes(1), Timeframe::Hours(1), Timeframe::Day] {
        for (name, bars) in data.bars(&ask(timeframe)).await.unwrap() {
            let last = bars.last().unwrap().start;
            assert!(last < world.venue().now(), "{name} {timeframe:?} {last}");
        }
    }
    // A series of closes says nothing of today before it is over.
    let days = data.bars(&ask(Timeframe::Day)).await.unwrap();
    assert_eq!(days[&symbol("SHT")].len(), 1);
    world.advance("2019-01-03T21:00:00Z");
    let days = data.bars(&ask(Timeframe::Day)).await.unwrap();
    assert_eq!(days[&symbol("SHT")].len(), 2);
}

async fn more_bars_than_a_page_are_walked(world: &World, data: &dyn MarketData) {
    world.advance("2019-01-22T22:00:00Z");
    let (start, end) = ("2019-01-02T05:00:00Z", "2019-01-22T22:00:00Z");
    let ask = request(&["DWN", "UPP"], Timeframe::Minutes(1), start, end);
    let bars = data.bars(&ask).await.unwrap();
    for bars in bars.values() {
        assert_eq!(bars.len(), 14 * 390);
        assert!(bars.windows(2).all(|pair| pair[0].start < pair[1].start));
    }
}

async fn splits_and_dividends_restate_what_was_before(world: &World, data: &dyn MarketData) {
    world.advance("2019-01-04T22:00:00Z");
    let ask = request(&["ACT"], Timeframe::Day, "2018-12-28T05:00:00Z", "2019-01-04T05:00:00Z");
    let closes = |bars: &[String]| -> Vec<String> {
        bars.iter().map(|bar| bar.split(' ').skip(4).collect::<Vec<_>>().join("x")).collect()
    };
    let raw = data.bars(&ask).await.unwrap();
    assert_eq!(
        closes(&told(&raw[&symbol("ACT")])),
        ["100x1000", "100x1000", "50x1000", "49x1000", "49x1000"]
    );
    let splits = data.adjusted_bars(&ask, Adjustment::Splits).await.unwrap();
    assert_eq!(
        closes(&told(&splits[&symbol("ACT")])),
        ["50x2000", "50x2000", "50x1000", "49x1000", "49x1000"]
    );
    let all = data.adjusted_bars(&ask, Adjustment::All).await.unwrap();
    assert_eq!(
        closes(&told(&all[&symbol("ACT")])),
        ["49x2000", "49x2000", "49x1000", "49x1000", "49x1000"]
    );
}

async fn quotes_stand_around_the_last_trade(world: &World, data: &dyn MarketData) {
    for moment in ["2019-01-03T14:36:00Z", "2019-01-03T17:00:00Z", "2019-01-03T23:00:00Z"] {
        world.advance(moment);
        let symbols = ["UPP", "DWN", "SHT", "BTC/USD"].map(symbol);
        let quotes = data.latest_quotes(&symbols).await.unwrap();
        let trades = data.latest_trades(&symbols).await.unwrap();
        assert_eq!((quotes.len(), trades.len()), (4, 4));
        for (name, quote) in &quotes {
            let trade = trades[name];
            assert!(quote.bid.unwrap() <= trade.price && trade.price <= quote.ask.unwrap());
            assert!(!trade.qty.is_zero() && trade.ts_event <= world.venue().now(), "{name}");
        }
    }
    let trade = data.latest_trades(&[symbol("UPP")]).await.unwrap()[&symbol("UPP")];
    assert_eq!(trade.price, price("104"));
}

async fn each_adjustment_restates_its_own(world: &World, data: &dyn MarketData) {
    world.advance("2019-01-04T22:00:00Z");
    let ask = request(&["ACT"], Timeframe::Day, "2018-12-28T05:00:00Z", "2018-12-28T05:00:00Z");
    for (adjustment, close) in [
        (Adjustment::Splits, "50"),
        (Adjustment::Dividends, "98"),
        (Adjustment::SpinOffs, "100"),
        (Adjustment::SplitsAndDividends, "49"),
        (Adjustment::All, "49"),
    ] {
        let bars = data.adjusted_bars(&ask, adjustment).await.unwrap();
        assert_eq!(bars[&symbol("ACT")][0].close.to_string(), close, "{adjustment:?}");
    }
}

async fn quarters_hold_their_days(world: &World, data: &dyn MarketData) {
    world.advance("2019-04-10T22:00:00Z");
    let (start, end) = ("2019-01-01T05:00:00Z", "2019-04-09T05:00:00Z");
    let days = data.bars(&request(&["THN"], Timeframe::Day, start, end)).await.unwrap();
    let quarters = data.bars(&request(&["THN"], Timeframe::Months(3), start, end)).await.unwrap();
    let volume = |bars: &[MarketBar]| -> rust_decimal::Decimal {
        bars.iter().map(|bar| bar.volume.value()).sum()
    };
    let (days, quarters) = (&days[&symbol("THN")], &quarters[&symbol("THN")]);
    assert_eq!(quarters.len(), 2);
    let spring = at("2019-04-01T04:00:00Z");
    assert_eq!(quarters[1].start, spring);
    let winter: Vec<MarketBar> = days.iter().filter(|bar| bar.start < spring).copied().collect();
    assert_eq!(volume(&quarters[..1]), volume(&winter));
}

async fn trades_and_quotes_of_the_past_are_told(world: &World, data: &dyn MarketData) {
    world.advance("2019-01-03T15:00:00Z");
    let ask = TicksRequest {
        symbols: ["UPP", "BTC/USD", "LAT"].map(symbol).to_vec(),
        start: at("2019-01-03T14:40:00Z"),
        end: at("2019-01-03T14:42:00Z"),
    };
    let trades = data.past_trades(&ask).await.unwrap();
    let quotes = data.past_quotes(&ask).await.unwrap();
    assert_eq!((names(&trades), names(&quotes)), (vec!["BTC/USD", "UPP"], vec!["BTC/USD", "UPP"]));
    let within = |moment| ask.start <= moment && moment <= ask.end;
    for (name, trades) in &trades {
        assert!(trades.len() > 10 && trades.is_sorted_by_key(|trade| trade.ts_event), "{name}");
        assert!(trades.iter().all(|trade| within(trade.ts_event) && !trade.qty.is_zero()));
    }
    for (name, quotes) in &quotes {
        assert!(quotes.len() > 10 && quotes.is_sorted_by_key(|quote| quote.ts_event), "{name}");
        assert!(quotes.iter().all(|quote| within(quote.ts_event) && quote.bid <= quote.ask));
    }
    // The minute's bar holds its trades.
    let minute = ("2019-01-03T14:40:00Z", "2019-01-03T14:40:00Z");
    let bars = data.bars(&request(&["UPP"], Timeframe::Minutes(1), minute.0, minute.1)).await;
    let bar = bars.unwrap()[&symbol("UPP")][0];
    let close = bar.start + TimeDelta::minutes(1);
    for trade in trades[&symbol("UPP")].iter().filter(|trade| trade.ts_event < close) {
        assert!(bar.low <= trade.price && trade.price <= bar.high, "{trade:?}");
    }
    let nothing =
        TicksRequest { start: at("2018-01-03T14:40:00Z"), end: at("2018-01-03T14:42:00Z"), ..ask };
    assert!(data.past_trades(&nothing).await.unwrap().is_empty());
}

async fn the_past_of_a_company_is_under_its_present_name(world: &World, data: &dyn MarketData) {
    world.advance("2019-01-03T15:00:00Z");
    for (minute, at_price) in [("2019-01-02T18:00", "60"), ("2019-01-03T14:50", "61")] {
        let ask = TicksRequest {
            symbols: vec![symbol("NEW")],
            start: at(&format!("{minute}:00Z")),
            end: at(&format!("{minute}:59Z")),
        };
        let trades = data.past_trades(&ask).await.unwrap().remove(&symbol("NEW")).unwrap();
        let quotes = data.past_quotes(&ask).await.unwrap().remove(&symbol("NEW")).unwrap();
        assert!(trades.iter().all(|trade| trade.price == price(at_price)), "{trades:?}");
        let around = |side: Option<atlas_core::Price>| {
            side.is_some_and(|side| {
                (side.value() - price(at_price).value()).abs() < rust_decimal::Decimal::ONE
            })
        };
        assert!(quotes.len() > 3 && quotes.iter().all(|quote| around(quote.bid)), "{quotes:?}");
    }
}

async fn the_clock_is_the_brokers(world: &World, data: &dyn MarketData) {
    for moment in ["2019-01-03T14:36:00Z", "2019-01-05T14:36:00Z"] {
        world.advance(moment);
        let clock = data.clock().await.unwrap();
        let brokers = world.broker().clock().await.unwrap();
        let told = |clock: &MarketClock| (clock.is_open, clock.next_open, clock.next_close);
        assert_eq!(told(&clock), told(&brokers));
        assert_eq!((clock.timestamp, clock.is_open), (at(moment), moment.contains("-03T")));
    }
}

async fn snapshots_hold_today_and_the_day_before(world: &World, data: &dyn MarketData) {
    world.advance("2019-01-03T19:00:00Z");
    let snapshots = data.snapshots(&["THN", "BTC/USD"].map(symbol)).await.unwrap();
    let thin = &snapshots[&symbol("THN")];
    let (today, before) = (thin.daily_bar.unwrap(), thin.previous_daily_bar.unwrap());
    assert_eq!(
        (today.start, before.start),
        (at("2019-01-03T05:00:00Z"), at("2019-01-02T05:00:00Z"))
    );
    assert_eq!((today.high, before.volume.to_string()), (price("21"), "10000".to_owned()));
    assert_eq!(thin.minute_bar.unwrap().start, at("2019-01-03T18:59:00Z"));
    let (trade, quote) = (thin.trade.unwrap(), thin.quote.as_ref().unwrap());
    assert!(trade.price == price("21") && quote.bid.unwrap() < trade.price);
    let coin = &snapshots[&symbol("BTC/USD")];
    assert_eq!(coin.daily_bar.unwrap().start, at("2019-01-03T00:00:00Z"));
}

async fn crypto_trades_around_the_clock(world: &World, data: &dyn MarketData) {
    world.advance("2019-01-06T12:00:00Z");
    let (start, end) = ("2019-01-04T00:00:00Z", "2019-01-06T00:00:00Z");
    let days = data.bars(&request(&["BTC/USD", "UPP"], Timeframe::Day, start, end)).await.unwrap();
    // Of the Sunday as much as is known: up to noon, past the low.
    let coin: Vec<String> = told(&days[&symbol("BTC/USD")])
        .iter()
        .map(|bar| bar.split(' ').take(4).collect::<Vec<_>>().join(" "))
        .collect();
    assert_eq!(coin[..2], ["01-04T00:00 4000 4100 3900", "01-05T00:00 4000 4100 3900"]);
    assert_eq!((coin.len(), days[&symbol("UPP")].len()), (3, 1));
    let hours =
        request(&["BTC/USD"], Timeframe::Hours(1), "2019-01-05T00:00:00Z", "2019-01-05T23:00:00Z");
    assert_eq!(data.bars(&hours).await.unwrap()[&symbol("BTC/USD")].len(), 24);
}

async fn bars_within_the_day_are_told_as_they_are_given(world: &World, data: &dyn MarketData) {
    world.advance("2019-01-03T14:36:30Z");
    let (start, end) = ("2019-01-02T05:00:00Z", "2019-01-04T05:00:00Z");
    let minutes = request(&["MIN"], Timeframe::Minutes(1), start, end);
    let bars = data.bars(&minutes).await.unwrap()[&symbol("MIN")].clone();
    assert_eq!(
        told(&bars[..5]),
        [
            "01-02T14:00 10 10.25 10 10.25 500",
            "01-02T14:30 10.5 11 10.25 10.75 7000",
            "01-02T14:32 11 11.5 10.75 11.25 3000",
            "01-03T14:00 12 12.5 12 12.25 800",
            "01-03T14:30 12.5 12.5 12 12 9000",
        ]
    );
    assert_eq!((bars[1].trades, bars[1].vwap), (Some(70), Some(price("10.6"))));
    // Half of the last minute is known.
    assert_eq!((bars.len(), bars[5].volume.to_string()), (6, "2000".to_owned()));
    // A day holds regular hours alone, an hour what lies in it.
    let days = data.bars(&request(&["MIN"], Timeframe::Day, start, end)).await.unwrap();
    assert_eq!(told(&days[&symbol("MIN")])[0], "01-02T05:00 10.5 11.5 10.25 11.25 10000");
    let hours = data.bars(&request(&["MIN"], Timeframe::Hours(1), start, end)).await.unwrap();
    assert_eq!(told(&hours[&symbol("MIN")])[0], "01-02T14:00 10 11.5 10 11.25 10500");
}

async fn the_calendar_knows_holidays_and_half_days(_: &World, data: &dyn MarketData) {
    let day = |text: &str| text.parse().unwrap();
    let days = data.calendar(day("2018-12-22"), day("2019-01-02")).await.unwrap();
    let told: Vec<String> =
        days.iter().map(|day| format!("{} {}", day.date, day.close.format("%H:%M"))).collect();
    assert_eq!(
        told,
        [
            "2018-12-24 18:00",
            "2018-12-26 21:00",
            "2018-12-27 21:00",
            "2018-12-28 21:00",
            "2018-12-31 21:00",
            "2019-01-02 21:00"
        ]
    );
    assert!(days[0].early_close && !days[1].early_close);
    assert!(data.calendar(day("2018-12-22"), day("2018-12-23")).await.unwrap().is_empty());
}

async fn lengths_nobody_has_are_refused(_: &World, data: &dyn MarketData) {
    let (start, end) = ("2019-01-02T05:00:00Z", "2019-01-03T05:00:00Z");
    for timeframe in [
        Timeframe::Minutes(0),
        Timeframe::Minutes(60),
        Timeframe::Hours(24),
        Timeframe::Months(5),
        Timeframe::Months(0),
    ] {
        assert!(
            data.bars(&request(&["UPP"], timeframe, start, end)).await.is_err(),
            "{timeframe:?}"
        );
    }
}

/// Makes a test of each scenario for each door.
macro_rules! suite {
    (@through $door:ident as $module:ident: $($name:ident),+) => {
        mod $module {
            use atlas_tests::world::Door;
            /// What is played through this door.
            pub(crate) const SCENARIOS: &[&str] = &[$(stringify!($name)),+];
            $(#[test]
            fn $name() {
                super::play(Door::$door, super::$name);
            })+
        }
    };
    ($($module:ident = $door:ident),+; $list:tt) => {
        $(suite! { @door $door as $module $list })+
    };
    (@door $door:ident as $module:ident { $($name:ident),+ $(,)? }) => {
        suite! { @through $door as $module: $($name),+ }
    };
}

suite! { in_process = InProcess, alpaca_client = Alpaca, recorded_shapes = Recorded; {
    days_are_told_as_far_as_they_are_known,
    both_ends_of_a_request_count,
    minutes_make_up_hours_and_days,
    weeks_and_months_hold_their_days,
    what_nobody_has_is_absent,
    nothing_of_the_future_is_told,
    more_bars_than_a_page_are_walked,
    splits_and_dividends_restate_what_was_before,
    quotes_stand_around_the_last_trade,
    snapshots_hold_today_and_the_day_before,
    crypto_trades_around_the_clock,
    bars_within_the_day_are_told_as_they_are_given,
    the_calendar_knows_holidays_and_half_days,
    the_clock_is_the_brokers,
    each_adjustment_restates_its_own,
    quarters_hold_their_days,
    trades_and_quotes_of_the_past_are_told,
    the_past_of_a_company_is_under_its_present_name,
    lengths_nobody_has_are_refused,
}}

#[test]
fn every_door_plays_every_scenario() {
    for (door, played) in [
        ("in process", in_process::SCENARIOS),
        ("alpaca client", alpaca_client::SCENARIOS),
        ("recorded shapes", recorded_shapes::SCENARIOS),
    ] {
        println!("market data, {door}: {} scenarios", played.len());
        assert_eq!(played, in_process::SCENARIOS);
    }
}

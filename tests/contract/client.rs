//! What the Alpaca client can ask beyond the contract, of the venue's server.

use std::time::Duration;

use atlas_broker::alpaca::{HistoryRequest, OrderFilter, Paper, Session, Which};
use atlas_broker::market_data::{
    Adjustment, BarsRequest, DataEvent, MarketData as _, Subscription, Timeframe,
};
use atlas_broker::{Broker as _, Gate, StopLoss, Submission, Terms, Trail};
use atlas_core::{OrderStatus, Side};
use atlas_tests::approval::approve;
use atlas_tests::block_on;
use atlas_tests::market::{at, symbol};
use atlas_tests::orders::{Change, buy, sell};
use atlas_tests::world::{Door, Ground, World};

use crate::values::{price, usd};

/// Plays a scenario with a client of the venue's server.
fn with_client(scenario: impl AsyncFnOnce(&World, &Session<Paper>)) {
    block_on(async {
        let world = World::open(Door::Alpaca, Ground::Memory).await;
        let session = world.impatient(Duration::from_mins(1)).unwrap();
        scenario(&world, &session).await;
    });
}

/// Lets through as many orders as it was told.
#[derive(Debug)]
struct Turnstile(std::sync::atomic::AtomicUsize);

impl Gate for Turnstile {
    fn check(&self) -> Result<(), String> {
        use std::sync::atomic::Ordering::Relaxed;
        let taken = self.0.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        taken.map(drop).map_err(|_| "the fence is up".to_owned())
    }
}

#[test]
fn a_gate_is_asked_right_before_an_order_goes_out() {
    with_client(async |world, session| {
        session.pass(std::sync::Arc::new(Turnstile(1.into())));
        let taken = session.submit(approve(buy("first", "UPP", 10))).await;
        assert!(matches!(taken, Submission::Accepted(_)), "{taken:?}");
        let Submission::NotReached { order, error } =
            session.submit(approve(buy("second", "UPP", 10).limit("1"))).await
        else {
            panic!("it went past the gate")
        };
        assert!(error.to_string().contains("the fence is up"), "{error}");
        assert_eq!(order.get().client_order_id.as_str(), "second");
        // Nothing but orders is held back.
        assert!(session.order(&"second".parse().unwrap()).await.unwrap().is_none());
        assert_eq!(world.open_orders().await, Vec::<String>::new());
    });
}

#[test]
fn orders_are_listed_by_every_filter() {
    with_client(async |world, session| {
        world.send(buy("filled", "UPP", 10)).await;
        world.send(buy("other", "DWN", 1).limit("40")).await;
        world.advance("2019-01-03T15:00:00Z");
        let between = world.venue().now();
        world.advance("2019-01-03T15:10:00Z");
        world.send(sell("sell", "UPP", 5).limit("120")).await;
        world.send(buy("gone", "THN", 1).limit("10")).await;
        world.cancel("gone").await;
        let all = OrderFilter { which: Which::All, ..OrderFilter::default() };
        for (filter, names) in [
            (OrderFilter::default(), &["other", "sell"][..]),
            (all.clone(), &["filled", "other", "sell", "gone"]),
            (OrderFilter { which: Which::Closed, ..all.clone() }, &["filled", "gone"]),
            (OrderFilter { symbols: vec![symbol("UPP")], ..all.clone() }, &["filled", "sell"]),
            (
                OrderFilter { symbols: vec![symbol("DWN"), symbol("THN")], ..all.clone() },
                &["other", "gone"],
            ),
            (OrderFilter { side: Some(Side::Sell), ..all.clone() }, &["sell"]),
            (OrderFilter { after: Some(between), ..all.clone() }, &["sell", "gone"]),
            (OrderFilter { until: Some(between), ..all.clone() }, &["filled", "other"]),
        ] {
            let found = session.orders(&filter).await.unwrap();
            let found: Vec<&str> = found.iter().map(|o| o.client_order_id.as_str()).collect();
            assert_eq!(found, names, "{filter:?}");
        }
    });
}

#[test]
fn legs_and_successors_are_found() {
    with_client(async |world, session| {
        let stop_loss = StopLoss { stop_price: price("95"), limit_price: Some(price("94")) };
        let terms = Terms::Bracket { take_profit: price("110"), stop_loss };
        let entry = world.send_with(buy("b", "UPP", 10).limit("99"), terms).await;
        let (order, legs) = session.order_with_legs(&entry.venue_order_id).await.unwrap();
        assert_eq!(order.client_order_id.as_str(), "b");
        assert_eq!(legs.len(), 2);
        assert!(legs.iter().all(|leg| leg.side == Side::Sell && leg.status.is_open()), "{legs:?}");

        let old = world.send(buy("old", "DWN", 10).limit("40")).await;
        assert_eq!(session.successor(&old.venue_order_id).await.unwrap(), None);
        let wish = approve(buy("new", "DWN", 10).limit("41"));
        drop(session.replace(&old.venue_order_id, wish).await);
        let new = world.order("new").await;
        assert_eq!(new.replaces, Some(old.venue_order_id.clone()));
        assert_eq!(session.successor(&old.venue_order_id).await.unwrap(), Some(new.venue_order_id));
    });
}

#[test]
fn one_triggers_another_and_every_leg_can_be_canceled() {
    with_client(async |world, session| {
        let gain = Terms::TakeProfit { take_profit: price("104") };
        world.send_with(buy("gain", "UPP", 10), gain).await;
        let loss = Terms::StopLoss(StopLoss { stop_price: price("40"), limit_price: None });
        world.send_with(buy("loss", "DWN", 10), loss).await;
        assert_eq!(session.open_orders().await.unwrap().len(), 2, "an exit each");
        world.advance("2019-01-03T19:00:00Z");
        assert!(world.position("UPP").await.is_none(), "the gain was taken");
        assert_eq!(world.fills().await[2].price, price("104"));
        assert_eq!(session.cancel_all().await.unwrap().len(), 1);
        assert!(session.open_orders().await.unwrap().is_empty());
        assert!(world.position("DWN").await.is_some());
    });
}

#[test]
fn settings_assets_and_history_are_told() {
    with_client(async |world, session| {
        assert_eq!(session.configuration().await.unwrap().suspend_trade, Some(false));
        session.suspend(true).await.unwrap();
        assert_eq!(session.configuration().await.unwrap().suspend_trade, Some(true));
        session.suspend(false).await.unwrap();

        let asset = session.asset(&symbol("UPP")).await.unwrap().unwrap();
        assert!(asset.tradable && asset.class == "us_equity", "{asset:?}");
        assert_eq!(session.asset(&symbol("NOPE")).await.unwrap(), None);
        let assets = session.assets("us_equity").await.unwrap();
        let names: Vec<&str> = assets.iter().map(|asset| asset.symbol.as_str()).collect();
        assert!(names.contains(&"UPP") && names.is_sorted(), "{names:?}");

        world.send(buy("b", "UPP", 10)).await;
        world.advance("2019-01-07T21:30:00Z");
        let history = session.portfolio_history(&HistoryRequest::daily(30)).await.unwrap();
        let last = history.points.last().unwrap();
        assert_eq!(last.equity, world.account().await.equity);
        assert!(history.base_value.is_none_or(|value| value == usd("100000")));
    });
}

#[test]
fn bars_trades_snapshots_and_the_calendar_are_told() {
    with_client(async |world, session| {
        world.advance("2019-01-11T22:00:00Z");
        let request = BarsRequest {
            symbols: ["UPP", "DWN", "NOPE"].map(symbol).to_vec(),
            timeframe: Timeframe::Day,
            start: at("2019-01-02T05:00:00Z"),
            end: at("2019-01-11T05:00:00Z"),
        };
        let bars = session.bars(&request).await.unwrap();
        assert_eq!(bars.len(), 2, "what nobody has is absent");
        let upp = &bars[&symbol("UPP")];
        assert_eq!(upp.len(), 8);
        assert_eq!((upp[0].open, upp[0].close), (price("100"), price("104")));
        let adjusted = session.adjusted_bars(&request, Adjustment::All).await.unwrap();
        assert_eq!(adjusted[&symbol("UPP")].len(), 8);

        let names = ["UPP", "NOPE"].map(symbol);
        let trades = session.latest_trades(&names).await.unwrap();
        assert_eq!(trades[&symbol("UPP")].price, price("104"));
        let snapshots = session.snapshots(&names).await.unwrap();
        let snapshot = &snapshots[&symbol("UPP")];
        assert!(snapshot.daily_bar.is_some() && snapshot.quote.is_some(), "{snapshot:?}");

        let (from, to) = ("2019-01-18".parse().unwrap(), "2019-01-22".parse().unwrap());
        let days = session.calendar(from, to).await.unwrap();
        let days: Vec<String> = days.iter().map(|day| day.date.to_string()).collect();
        assert_eq!(days, ["2019-01-18", "2019-01-22"], "Martin Luther King Jr. Day between");
    });
}

#[test]
fn the_data_stream_connects_and_takes_a_subscription() {
    with_client(async |_, session| {
        let subscription = Subscription { quotes: vec![symbol("UPP")], ..Subscription::default() };
        let mut stream = session.data_stream(subscription).unwrap();
        let first = stream.next().await.unwrap();
        assert!(matches!(first, DataEvent::Connected), "{first:?}");
    });
}

#[test]
fn auctions_and_extended_hours_are_sent() {
    use atlas_core::TimeInForce;
    with_client(async |world, _| {
        world.send(buy("close", "UPP", 10).tif(TimeInForce::Cls)).await;
        let late = buy("late", "UPP", 10).limit("90").tif(TimeInForce::Gtc);
        world.send_with(late, Terms::ExtendedHours).await;
        world.advance("2019-01-03T21:00:00Z");
        assert_eq!(world.order("close").await.status, OrderStatus::Filled);
        assert!(world.order("late").await.status.is_open());
        // After seven in the evening the next opening auction takes orders.
        world.advance("2019-01-04T00:30:00Z");
        world.send(buy("open", "UPP", 10).tif(TimeInForce::Opg)).await;
        world.advance("2019-01-04T14:30:01Z");
        assert_eq!(world.order("open").await.status, OrderStatus::Filled);
    });
}

#[test]
fn a_trailing_stop_gets_another_trail() {
    with_client(async |world, session| {
        world.send(buy("b", "UPP", 10)).await;
        let trail = |text: &str| Trail::Price(price(text));
        let stop = |name: &str| sell(name, "UPP", 10).stop("97");
        world.send_with(stop("wide"), Terms::Trailing(trail("3"))).await;
        let old = world.order("wide").await.venue_order_id;
        let percent = Trail::Percent("2".parse().unwrap());
        let other = session.replace_trail(&old, approve(stop("percent")), percent).await;
        assert!(matches!(other, Submission::Refused { .. }), "{other:?}");
        let near = session.replace_trail(&old, approve(stop("near")), trail("2")).await;
        let Submission::Accepted(near) = near else { panic!("{near:?}") };
        assert_eq!(near.replaces.as_ref(), Some(&old));
        assert_eq!(world.order("wide").await.status, OrderStatus::Replaced);
    });
}

//! Orders that trade, and at which price.

use atlas_core::{OrderStatus, Side, TimeInForce};
use atlas_tests::orders::{Change, buy, order, sell};
use atlas_tests::world::World;

use crate::values::{price, qty};

pub(crate) async fn a_market_buy_trades_at_the_ask(world: &mut World) {
    let (_, ask) = world.quote("UPP").await.unwrap();
    let order = world.send(buy("b", "UPP", 10)).await;
    assert_eq!((order.status, order.filled_qty), (OrderStatus::Filled, qty("10")));
    let fills = world.fills().await;
    assert_eq!(fills.len(), 1);
    assert_eq!((fills[0].price, ask), (price("100.05"), price("100.05")));
    assert_eq!(order.avg_fill_price, Some(ask));
}

pub(crate) async fn a_market_sell_trades_at_the_bid(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    let (bid, _) = world.quote("UPP").await.unwrap();
    let order = world.send(sell("s", "UPP", 4)).await;
    assert_eq!((order.status, order.filled_qty), (OrderStatus::Filled, qty("4")));
    let fills = world.fills().await;
    assert_eq!((fills[1].price, bid), (price("99.95"), price("99.95")));
}

pub(crate) async fn a_limit_beyond_the_market_trades_at_the_market(world: &mut World) {
    let order = world.send(buy("b", "UPP", 10).limit("103")).await;
    assert_eq!(order.status, OrderStatus::Filled);
    assert_eq!(order.limit_price, Some(price("103")));
    assert_eq!(world.fills().await[0].price, price("100.05"));
}

pub(crate) async fn a_limit_the_price_does_not_reach_stays_open(world: &mut World) {
    world.send(buy("b", "UPP", 10).limit("97.99")).await;
    world.advance("2019-01-03T20:59:59Z");
    let order = world.order("b").await;
    assert!(order.status.is_open() && order.filled_qty.is_zero(), "{order:?}");
    assert!(world.fills().await.is_empty());
}

pub(crate) async fn a_buy_limit_trades_when_the_price_comes_down(world: &mut World) {
    world.send(buy("b", "UPP", 10).limit("99")).await;
    world.advance("2019-01-03T15:59:00Z");
    assert!(world.order("b").await.status.is_open());
    world.advance("2019-01-03T17:00:00Z");
    assert_eq!(world.order("b").await.status, OrderStatus::Filled);
    let fills = world.fills().await;
    assert_eq!(fills[0].price, price("99"), "at its limit, since the price came there");
    let (from, to) = ("2019-01-03T16:00:00Z", "2019-01-03T16:10:00Z");
    assert!(atlas_tests::market::at(from) < fills[0].ts_event);
    assert!(fills[0].ts_event <= atlas_tests::market::at(to), "{}", fills[0].ts_event);
}

pub(crate) async fn a_sell_limit_trades_when_the_price_comes_up(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    world.send(sell("s", "UPP", 10).limit("104.5")).await;
    world.advance("2019-01-03T17:00:00Z");
    assert!(world.order("s").await.status.is_open(), "the low comes first");
    world.advance("2019-01-03T19:00:00Z");
    assert_eq!(world.order("s").await.status, OrderStatus::Filled);
    assert_eq!(world.fills().await[1].price, price("104.5"));
}

pub(crate) async fn volume_bounds_a_fill_and_the_rest_expires(world: &mut World) {
    let order = world.send(buy("b", "THN", 1000)).await;
    assert_eq!((order.status, order.filled_qty), (OrderStatus::PartiallyFilled, qty("250")));
    let nothing_left = world.send(buy("c", "THN", 1)).await;
    assert!(nothing_left.filled_qty.is_zero(), "the day's volume is used up");
    world.advance("2019-01-03T21:00:00Z");
    let order = world.order("b").await;
    assert_eq!((order.status, order.filled_qty), (OrderStatus::Expired, qty("250")));
}

pub(crate) async fn a_series_of_closes_trades_at_the_close(world: &mut World) {
    let order = world.send(buy("b", "SHT", 10)).await;
    assert_eq!(order.status, OrderStatus::Filled);
    assert_eq!(world.fills().await[0].price, price("200.1"), "200 and five basis points");
}

pub(crate) async fn adjusted_units_trade_to_six_decimals(world: &mut World) {
    world.send(buy("b", "UNT", 100)).await;
    assert_eq!(world.fills().await[0].price, price("12.351851"), "rounded against the buyer");
}

pub(crate) async fn fractions_of_a_share_trade(world: &mut World) {
    let order = world.send(order("b", Side::Buy, "UPP", "1.5")).await;
    assert_eq!((order.status, order.filled_qty), (OrderStatus::Filled, qty("1.5")));
    assert_eq!(world.position("UPP").await.unwrap().qty, qty("1.5"));
}

pub(crate) async fn an_order_at_once_or_not_at_all(world: &mut World) {
    let ioc = world.send(buy("i", "THN", 1000).tif(TimeInForce::Ioc)).await;
    assert_eq!((ioc.status, ioc.filled_qty), (OrderStatus::Canceled, qty("250")));
    let fok = world.send(buy("f", "UPP", 10).limit("99").tif(TimeInForce::Fok)).await;
    assert_eq!((fok.status, fok.filled_qty), (OrderStatus::Canceled, qty("0")));
    let fok = world.send(buy("g", "UPP", 10).tif(TimeInForce::Fok)).await;
    assert_eq!(fok.status, OrderStatus::Filled);
}

pub(crate) async fn every_way_to_fill_adds_up(world: &mut World) {
    world.send(buy("a", "UPP", 10)).await;
    world.send(buy("b", "DWN", 33)).await;
    world.send(buy("c", "UPP", 7).limit("99")).await;
    world.send(order("d", Side::Buy, "DWN", "0.25")).await;
    world.advance("2019-01-03T18:00:00Z");
    world.check().await;
    world.send(sell("e", "UPP", 12)).await;
    world.send(sell("f", "DWN", 30).limit("48.5")).await;
    world.advance("2019-01-03T21:00:00Z");
    world.check().await;
    world.send(sell("g", "UPP", 5)).await;
    world.advance("2019-01-04T16:00:00Z");
    assert!(world.position("UPP").await.is_none());
}

//! The exchange's hours, and what they do to orders.

use atlas_core::OrderStatus;
use atlas_core::TimeInForce;
use atlas_tests::market::at;
use atlas_tests::orders::{Change, buy};
use atlas_tests::world::World;

use crate::values::price;

async fn check(world: &World, is_open: bool, next_open: &str, next_close: &str) {
    let clock = world.broker().clock().await.unwrap();
    assert_eq!(clock.is_open, is_open, "{clock:?}");
    assert_eq!((clock.next_open, clock.next_close), (at(next_open), at(next_close)));
    assert!((clock.timestamp - world.venue().now()).num_milliseconds().abs() < 10, "{clock:?}");
}

pub(crate) async fn the_clock_in_a_session(world: &mut World) {
    check(world, true, "2019-01-04T14:30:00Z", "2019-01-03T21:00:00Z").await;
}

pub(crate) async fn the_clock_after_the_close(world: &mut World) {
    world.advance("2019-01-03T21:00:00Z");
    check(world, false, "2019-01-04T14:30:00Z", "2019-01-04T21:00:00Z").await;
}

pub(crate) async fn the_clock_over_a_long_weekend(world: &mut World) {
    world.advance("2019-01-19T12:00:00Z");
    // Monday the 21st is Martin Luther King Jr. Day.
    check(world, false, "2019-01-22T14:30:00Z", "2019-01-22T21:00:00Z").await;
}

pub(crate) async fn the_clock_over_the_change_to_summer_time(world: &mut World) {
    world.advance("2019-03-08T20:00:00Z");
    check(world, true, "2019-03-11T13:30:00Z", "2019-03-08T21:00:00Z").await;
}

pub(crate) async fn a_day_order_expires_at_the_close(world: &mut World) {
    world.send(buy("b", "UPP", 10).limit("90")).await;
    world.advance("2019-01-03T20:59:59Z");
    assert!(world.order("b").await.status.is_open());
    world.advance("2019-01-03T21:00:00Z");
    assert_eq!(world.order("b").await.status, OrderStatus::Expired);
    assert!(world.open_orders().await.is_empty());
    let account = world.account().await;
    assert_eq!(account.buying_power, account.cash, "its money is free again");
}

pub(crate) async fn an_order_until_canceled_outlives_the_close(world: &mut World) {
    world.send(buy("b", "UPP", 10).limit("90").tif(TimeInForce::Gtc)).await;
    world.advance("2019-01-07T15:00:00Z");
    assert!(world.order("b").await.status.is_open());
    assert_eq!(world.open_orders().await, ["b"]);
}

pub(crate) async fn what_is_sent_when_closed_meets_the_next_open(world: &mut World) {
    world.advance("2019-01-03T22:00:00Z");
    let order = world.send(buy("b", "UPP", 10)).await;
    assert!(order.status.is_open() && order.filled_qty.is_zero(), "{order:?}");
    world.advance("2019-01-04T14:29:59Z");
    assert!(world.order("b").await.status.is_open());
    world.advance("2019-01-04T14:35:00Z");
    assert_eq!(world.order("b").await.status, OrderStatus::Filled);
    let fills = world.fills().await;
    assert_eq!(fills[0].price, price("100.05"), "at the open, not at the close before");
    assert!(fills[0].ts_event >= at("2019-01-04T14:30:00Z"));
}

pub(crate) async fn a_queued_limit_waits_for_its_price(world: &mut World) {
    world.advance("2019-01-05T12:00:00Z");
    world.send(buy("b", "UPP", 10).limit("99")).await;
    world.advance("2019-01-07T14:35:00Z");
    assert!(world.order("b").await.status.is_open());
    world.advance("2019-01-07T17:00:00Z");
    assert_eq!(world.order("b").await.status, OrderStatus::Filled);
    assert_eq!(world.fills().await[0].price, price("99"));
}

pub(crate) async fn what_is_canceled_while_queued_never_trades(world: &mut World) {
    world.advance("2019-01-03T22:00:00Z");
    world.send(buy("b", "UPP", 10)).await;
    world.cancel("b").await;
    world.advance("2019-01-04T15:00:00Z");
    assert_eq!(world.order("b").await.status, OrderStatus::Canceled);
    assert!(world.fills().await.is_empty());
}

//! The venue is stopped and opened again from disk in the middle.

use atlas_core::{OrderStatus, TimeInForce};
use atlas_tests::orders::{Change, buy, sell};
use atlas_tests::world::World;

use crate::values::qty;

pub(crate) async fn keeps_account_positions_and_ledger(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    world.send(sell("s", "UPP", 3)).await;
    let account = world.account().await;
    let (ledger, now) = (world.activities().await, world.venue().now());
    world.restart().await;
    assert_eq!(world.account().await, account);
    assert_eq!((world.activities().await, world.venue().now()), (ledger, now));
    assert_eq!(world.position("UPP").await.unwrap().qty, qty("7"));
}

pub(crate) async fn goes_on_with_the_ledger(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    let ledger = world.activities().await;
    world.restart().await;
    world.check().await;
    world.send(sell("t", "UPP", 7)).await;
    let later = world.broker().activities(Some(&ledger.last().unwrap().id)).await.unwrap();
    assert_eq!(later.len(), 1, "the ledger goes on where it was");
}

pub(crate) async fn keeps_open_orders_and_their_money(world: &mut World) {
    world.send(buy("b", "UPP", 10).limit("99")).await;
    world.send(buy("c", "UPP", 10).limit("90").tif(TimeInForce::Gtc)).await;
    let buying_power = world.account().await.buying_power;
    world.restart().await;
    assert_eq!(world.open_orders().await, ["b", "c"]);
    assert_eq!(world.account().await.buying_power, buying_power);
    world.advance("2019-01-03T17:00:00Z");
    assert_eq!(world.order("b").await.status, OrderStatus::Filled);
    world.restart().await;
    world.cancel("c").await;
    assert!(world.open_orders().await.is_empty());
}

pub(crate) async fn keeps_every_name(world: &mut World) {
    let filled = world.send(buy("filled", "UPP", 10)).await;
    world.send(buy("canceled", "UPP", 10).limit("90")).await;
    world.cancel("canceled").await;
    world.restart().await;
    assert_eq!(world.order("filled").await, filled);
    assert_eq!(world.order("canceled").await.status, OrderStatus::Canceled);
    world.refused(buy("filled", "DWN", 10)).await;
    world.refused(buy("canceled", "DWN", 10)).await;
    assert_eq!(world.find("nobody").await, None);
}

pub(crate) async fn keeps_what_is_owed(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    world.send(sell("s", "UPP", 10)).await;
    let owed = world.account().await;
    world.restart().await;
    assert_eq!(world.account().await, owed);
    world.advance("2019-01-03T21:00:00Z");
    assert_eq!(world.account().await.cash, owed.buying_power);
}

pub(crate) async fn keeps_what_was_queued(world: &mut World) {
    world.advance("2019-01-03T22:00:00Z");
    world.send(buy("b", "UPP", 10)).await;
    world.restart().await;
    assert_eq!(world.open_orders().await, ["b"]);
    world.advance("2019-01-04T14:35:00Z");
    assert_eq!(world.order("b").await.status, OrderStatus::Filled);
}

pub(crate) async fn keeps_a_suspension(world: &mut World) {
    world.broker().suspend(true).await.unwrap();
    world.restart().await;
    world.refused(buy("b", "UPP", 1)).await;
    world.broker().suspend(false).await.unwrap();
    world.send(buy("b", "UPP", 1)).await;
}

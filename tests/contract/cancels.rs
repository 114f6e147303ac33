//! Asking for orders to end.

use atlas_broker::Error;
use atlas_core::{OrderStatus, VenueOrderId};
use atlas_tests::orders::{Change, buy, sell};
use atlas_tests::world::World;

use crate::values::{qty, usd};

pub(crate) async fn an_open_order_ends_canceled(world: &mut World) {
    world.send(buy("b", "UPP", 10).limit("99")).await;
    world.cancel("b").await;
    assert_eq!(world.order("b").await.status, OrderStatus::Canceled);
    assert!(world.open_orders().await.is_empty());
    world.advance("2019-01-03T21:00:00Z");
    assert_eq!(world.order("b").await.status, OrderStatus::Canceled);
    assert!(world.fills().await.is_empty());
}

pub(crate) async fn a_cancel_gives_the_money_back(world: &mut World) {
    world.send(buy("b", "UPP", 10).limit("90")).await;
    world.cancel("b").await;
    assert_eq!(world.account().await.buying_power, usd("100000"));
}

pub(crate) async fn canceling_twice_is_no_error(world: &mut World) {
    world.send(buy("b", "UPP", 10).limit("90")).await;
    world.cancel("b").await;
    world.cancel("b").await;
    assert_eq!(world.order("b").await.status, OrderStatus::Canceled);
}

pub(crate) async fn canceling_what_is_filled_is_no_error(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    world.cancel("b").await;
    let order = world.order("b").await;
    assert_eq!((order.status, order.filled_qty), (OrderStatus::Filled, qty("10")));
}

pub(crate) async fn canceling_what_nobody_knows_is_refused(world: &mut World) {
    let id = VenueOrderId::new("00000000-0000-4000-8000-000000000000").unwrap();
    match world.broker().cancel(&id).await {
        Err(Error::Refused { status, .. }) => assert_eq!(status, 404),
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn a_partly_filled_order_keeps_its_fill(world: &mut World) {
    world.send(buy("b", "THN", 1000)).await;
    world.cancel("b").await;
    let order = world.order("b").await;
    assert_eq!((order.status, order.filled_qty), (OrderStatus::Canceled, qty("250")));
    assert_eq!(world.position("THN").await.unwrap().qty, qty("250"));
    let account = world.account().await;
    assert_eq!(account.buying_power, account.cash);
}

pub(crate) async fn all_of_them_at_once(world: &mut World) {
    world.send(buy("a", "UPP", 10)).await;
    world.send(buy("b", "UPP", 10).limit("90")).await;
    world.send(sell("c", "UPP", 5).limit("120")).await;
    let mut asked = world.broker().cancel_all().await.unwrap();
    let mut open =
        [world.order("b").await.venue_order_id, world.order("c").await.venue_order_id].to_vec();
    asked.sort();
    open.sort();
    assert_eq!(asked, open);
    assert!(world.open_orders().await.is_empty());
    assert_eq!(world.order("a").await.status, OrderStatus::Filled);
    assert!(world.broker().cancel_all().await.unwrap().is_empty());
}

pub(crate) async fn open_orders_are_told_oldest_first(world: &mut World) {
    for name in ["m", "a", "z", "k"] {
        world.send(buy(name, "UPP", 1).limit("90")).await;
    }
    world.send(buy("gone", "UPP", 1)).await;
    world.cancel("a").await;
    assert_eq!(world.open_orders().await, ["m", "z", "k"]);
}

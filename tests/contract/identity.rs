//! A client order id names one order, for ever.

use atlas_broker::Submission;
use atlas_core::OrderStatus;
use atlas_tests::orders::{Change, buy};
use atlas_tests::world::World;

use crate::values::qty;

pub(crate) async fn the_same_order_twice_is_one_order(world: &mut World) {
    let first = world.send(buy("b", "UPP", 10)).await;
    let Submission::Accepted(again) = world.submit(buy("b", "UPP", 10)).await else {
        panic!("the same order was not taken for itself");
    };
    assert_eq!(again.venue_order_id, first.venue_order_id);
    assert_eq!(world.fills().await.len(), 1);
    assert_eq!(world.position("UPP").await.unwrap().qty, qty("10"));
}

pub(crate) async fn another_order_under_the_same_name_is_refused(world: &mut World) {
    let first = world.send(buy("b", "UPP", 10).limit("90")).await;
    let others = [
        buy("b", "UPP", 11).limit("90"),
        buy("b", "UPP", 10).limit("91"),
        buy("b", "UPP", 10),
        buy("b", "DWN", 10).limit("90"),
    ];
    for other in others {
        world.refused(other).await;
    }
    assert_eq!(world.order("b").await, first);
    assert_eq!(world.open_orders().await, ["b"]);
}

pub(crate) async fn a_name_is_taken_for_ever_after_a_cancel(world: &mut World) {
    world.send(buy("b", "UPP", 10).limit("90")).await;
    world.cancel("b").await;
    world.advance("2019-01-08T15:00:00Z");
    // The same order is the one that was canceled, not a new one.
    match world.submit(buy("b", "UPP", 10).limit("90")).await {
        Submission::Accepted(order) => assert_eq!(order.status, OrderStatus::Canceled),
        Submission::Refused { .. } => {}
        other => panic!("{other:?}"),
    }
    world.refused(buy("b", "UPP", 5)).await;
    assert!(world.open_orders().await.is_empty());
    assert!(world.fills().await.is_empty());
}

pub(crate) async fn a_name_is_taken_for_ever_after_a_fill(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    world.advance("2019-01-08T15:00:00Z");
    match world.submit(buy("b", "UPP", 10)).await {
        Submission::Accepted(order) => assert_eq!(order.status, OrderStatus::Filled),
        Submission::Refused { .. } => {}
        other => panic!("{other:?}"),
    }
    world.refused(buy("b", "DWN", 10)).await;
    assert_eq!(world.fills().await.len(), 1);
}

pub(crate) async fn an_unknown_name_is_none(world: &mut World) {
    assert_eq!(world.find("nobody").await, None);
    world.send(buy("somebody", "UPP", 1)).await;
    assert_eq!(world.find("nobody").await, None);
    assert_eq!(world.find("some").await, None, "half a name is no name");
}

pub(crate) async fn a_final_order_is_still_found(world: &mut World) {
    world.send(buy("filled", "UPP", 10)).await;
    world.send(buy("canceled", "UPP", 10).limit("90")).await;
    world.send(buy("expired", "UPP", 10).limit("90")).await;
    world.cancel("canceled").await;
    world.advance("2019-02-08T15:00:00Z");
    assert_eq!(world.order("filled").await.status, OrderStatus::Filled);
    assert_eq!(world.order("canceled").await.status, OrderStatus::Canceled);
    assert_eq!(world.order("expired").await.status, OrderStatus::Expired);
}

pub(crate) async fn any_printable_name_is_kept(world: &mut World) {
    let long = "x".repeat(128);
    for name in ["atlas-main-7-buy-BRK.B-0", "a/b?c=d&e#f", "100%25", "'\"\\+;,:@{}", &long] {
        let taken = world.send(buy(name, "UPP", 1)).await;
        assert_eq!(taken.client_order_id.as_str(), name);
    }
    let names: Vec<String> =
        world.fills().await.into_iter().map(|fill| fill.client_order_id.to_string()).collect();
    assert_eq!(names.len(), 5);
    assert_eq!(names[1], "a/b?c=d&e#f");
}

pub(crate) async fn what_was_refused_left_no_name_behind(world: &mut World) {
    world.refused(buy("b", "UPP", 100_000)).await;
    assert_eq!(world.find("b").await, None);
    let order = world.send(buy("b", "UPP", 10)).await;
    assert_eq!(order.status, OrderStatus::Filled);
}

//! One order taking the place of another.

use atlas_broker::{BrokerOrder, Submission};
use atlas_core::OrderStatus;
use atlas_core::VenueOrderId;
use atlas_tests::approval::approve;
use atlas_tests::orders::{Change, buy, sell};
use atlas_tests::world::World;

use crate::values::{price, qty, usd};

pub(crate) async fn a_replaced_order_has_a_successor(world: &mut World) {
    let old = world.send(buy("old", "UPP", 10).limit("90")).await;
    let wish = approve(buy("new", "UPP", 5).limit("95"));
    let answer = world.broker().replace(&old.venue_order_id, wish).await;
    assert!(matches!(answer, Submission::Accepted(_)), "{answer:?}");
    assert_eq!(world.order("old").await.status, OrderStatus::Replaced);
    let new = world.order("new").await;
    assert_eq!((new.qty, new.limit_price), (qty("5"), Some(price("95"))));
    assert_eq!(world.open_orders().await, ["new"]);
    assert_eq!(world.account().await.buying_power, usd("99525"));
}

pub(crate) async fn what_is_filled_is_not_replaced(world: &mut World) {
    let old = world.send(buy("old", "UPP", 10).limit("103")).await;
    let wish = approve(buy("new", "UPP", 5).limit("95"));
    let answer = world.broker().replace(&old.venue_order_id, wish).await;
    assert!(matches!(answer, Submission::Refused { .. }), "{answer:?}");
    assert_eq!(world.find("new").await, None);
    assert_eq!(world.order("old").await.status, OrderStatus::Filled);
}

pub(crate) async fn a_replacement_under_a_used_name_is_refused(world: &mut World) {
    world.send(buy("used", "UPP", 1)).await;
    let old = world.send(buy("old", "UPP", 10).limit("90")).await;
    let wish = approve(buy("used", "UPP", 5).limit("95"));
    let answer = world.broker().replace(&old.venue_order_id, wish).await;
    assert!(matches!(answer, Submission::Refused { .. }), "{answer:?}");
    assert_eq!(world.open_orders().await, ["old"]);
}

pub(crate) async fn a_replacement_may_come_late(world: &mut World) {
    let old = world.send(buy("old", "UPP", 10).limit("90")).await;
    world.delay_replacement();
    let wish = approve(buy("new", "UPP", 20).limit("95"));
    let answer = world.broker().replace(&old.venue_order_id, wish).await;
    assert!(matches!(answer, Submission::Accepted(_)), "{answer:?}");
    // The larger of both counts meanwhile.
    let stands = async |status| {
        let (order, account) = (world.order("old").await, world.account().await);
        assert_eq!((order.status, account.buying_power), (status, usd("98100")));
    };
    stands(OrderStatus::PendingReplace).await;
    assert_eq!(world.order("new").await.replaces, Some(old.venue_order_id));
    world.carry_out("new");
    stands(OrderStatus::Replaced).await;
    assert_eq!(world.open_orders().await, ["new"]);
}

/// An order of which 250 of 1 000 shares are filled.
async fn partly_filled(world: &World) -> BrokerOrder {
    let old = world.send(buy("old", "THN", 1_000).limit("21")).await;
    assert_eq!((old.status, old.filled_qty), (OrderStatus::PartiallyFilled, qty("250")));
    old
}

pub(crate) async fn a_partly_filled_order_keeps_its_fills(world: &mut World) {
    let old = partly_filled(world).await;
    let wish = approve(buy("new", "THN", 600).limit("19.5"));
    let answer = world.broker().replace(&old.venue_order_id, wish).await;
    assert!(matches!(answer, Submission::Accepted(_)), "{answer:?}");
    let old = world.order("old").await;
    assert_eq!((old.status, old.filled_qty), (OrderStatus::Replaced, qty("250")));
    let new = world.order("new").await;
    assert_eq!(new.replaces.as_ref(), Some(&old.venue_order_id));
    assert_eq!((new.qty, new.filled_qty), (qty("600"), qty("250")), "the total, and what is had");
    assert_eq!(world.fills().await.len(), 1, "nothing is told twice");
    world.check().await;
}

pub(crate) async fn what_is_filled_is_the_least_a_replacement_asks_for(world: &mut World) {
    let old = partly_filled(world).await;
    let few = approve(buy("few", "THN", 250).limit("19.5"));
    let answer = world.broker().replace(&old.venue_order_id, few).await;
    assert!(matches!(answer, Submission::Refused { .. }), "{answer:?}");
    let more = approve(buy("new", "THN", 251).limit("19.5"));
    drop(world.broker().replace(&old.venue_order_id, more).await);
    world.advance("2019-01-03T21:00:00Z");
    let new = world.order("new").await;
    assert_eq!((new.status, new.filled_qty), (OrderStatus::Expired, qty("250")));
    assert_eq!(world.position("THN").await.unwrap().qty, qty("250"));
}

pub(crate) async fn what_nobody_knows_is_not_replaced(world: &mut World) {
    for name in ["00000000-0000-4000-8000-000000000000", "no-such-order"] {
        let id = VenueOrderId::new(name).unwrap();
        let wish = approve(buy("new", "UPP", 5).limit("95"));
        let answer = world.broker().replace(&id, wish).await;
        assert!(matches!(answer, Submission::Refused { .. }), "{name}: {answer:?}");
    }
    assert_eq!(world.find("new").await, None);
}

pub(crate) async fn nothing_is_replaced_while_suspended(world: &mut World) {
    let old = world.send(buy("old", "UPP", 10).limit("90")).await;
    world.broker().suspend(true).await.unwrap();
    let wish = approve(buy("new", "UPP", 5).limit("103"));
    let answer = world.broker().replace(&old.venue_order_id, wish).await;
    assert!(matches!(answer, Submission::Refused { .. }), "{answer:?}");
    assert_eq!(world.find("new").await, None);
    world.broker().suspend(false).await.unwrap();
    assert_eq!(world.open_orders().await, ["old"]);
}

pub(crate) async fn a_replacement_that_could_meet_our_own_is_refused(world: &mut World) {
    world.send(buy("have", "UPP", 2)).await;
    world.send(sell("offer", "UPP", 1).limit("150")).await;
    let old = world.send(buy("old", "UPP", 10).limit("90")).await;
    let wish = approve(buy("new", "UPP", 5).limit("151"));
    let answer = world.broker().replace(&old.venue_order_id, wish).await;
    assert!(matches!(answer, Submission::Refused { .. }), "{answer:?}");
    assert_eq!(world.find("new").await, None);
    assert_eq!(world.open_orders().await.len(), 2);
}

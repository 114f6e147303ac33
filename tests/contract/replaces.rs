//! One order taking the place of another.

use atlas_broker::Submission;
use atlas_core::OrderStatus;
use atlas_tests::approval::approve;
use atlas_tests::orders::{Change, buy};
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

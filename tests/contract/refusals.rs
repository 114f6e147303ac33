//! Orders the venue says no to, and that this leaves nothing behind.

use atlas_core::OrderRequest;
use atlas_tests::orders::{Change, buy, sell};
use atlas_tests::world::World;

/// Refused with this code, and as if it had never been sent.
async fn check(world: &World, request: OrderRequest, expected: i64) {
    let id = request.client_order_id.to_string();
    let before = (world.account().await, world.open_orders().await, world.activities().await);
    let (code, reason) = world.refused(request).await;
    assert_eq!(code, Some(expected), "{reason}");
    assert!(!reason.is_empty());
    let after = (world.account().await, world.open_orders().await, world.activities().await);
    assert_eq!(after, before);
    assert_eq!(world.find(&id).await, None);
}

/// The account does not have what it takes.
const FORBIDDEN: i64 = 40_310_000;
/// A rule of the market is broken.
const RULE: i64 = 42_210_000;

pub(crate) async fn more_than_is_held_is_not_sold(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    check(world, sell("s", "UPP", 11), FORBIDDEN).await;
}

pub(crate) async fn what_is_not_held_is_not_sold(world: &mut World) {
    check(world, sell("s", "UPP", 1), FORBIDDEN).await;
}

pub(crate) async fn what_open_sells_offer_is_not_sold_again(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    world.send(sell("s", "UPP", 6).limit("120")).await;
    check(world, sell("t", "UPP", 5), FORBIDDEN).await;
    world.send(sell("u", "UPP", 4).limit("120")).await;
}

pub(crate) async fn more_than_there_is_money_for_is_not_bought(world: &mut World) {
    check(world, buy("b", "UPP", 1_001), FORBIDDEN).await;
    check(world, buy("b", "UPP", 1_001).limit("100"), FORBIDDEN).await;
}

pub(crate) async fn money_that_open_buys_hold_is_not_spent_again(world: &mut World) {
    world.send(buy("b", "UPP", 600).limit("90")).await;
    check(world, buy("c", "UPP", 600).limit("90"), FORBIDDEN).await;
    world.cancel("b").await;
    world.send(buy("d", "UPP", 600).limit("90")).await;
}

pub(crate) async fn an_unknown_symbol_is_refused(world: &mut World) {
    check(world, buy("b", "NOPE", 1), RULE).await;
}

pub(crate) async fn a_symbol_without_a_price_is_refused(world: &mut World) {
    check(world, buy("b", "LAT", 1), RULE).await;
    world.advance("2019-01-14T14:35:00Z");
    world.send(buy("b", "LAT", 1)).await;
}

pub(crate) async fn a_limit_between_ticks_is_refused(world: &mut World) {
    check(world, buy("b", "UPP", 1).limit("99.995"), RULE).await;
    check(world, buy("b", "UPP", 1).stop("120.001"), RULE).await;
}

pub(crate) async fn an_order_that_could_meet_our_own_is_refused(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    world.send(buy("c", "UPP", 10).limit("95")).await;
    check(world, sell("s", "UPP", 10), FORBIDDEN).await;
    world.send(sell("t", "UPP", 10).limit("120")).await;
}

pub(crate) async fn nothing_is_taken_while_suspended(world: &mut World) {
    world.broker().suspend(true).await.unwrap();
    check(world, buy("b", "UPP", 1), FORBIDDEN).await;
    world.broker().suspend(false).await.unwrap();
    world.send(buy("b", "UPP", 1)).await;
}

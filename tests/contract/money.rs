//! Orders for an amount of money instead of a number of shares.

use atlas_broker::{Submission, Terms};
use atlas_core::{OrderStatus, Usd};
use atlas_tests::approval::approve;
use atlas_tests::orders::{Change, buy, sell};
use atlas_tests::world::World;

use crate::values::{qty, usd};

pub(crate) async fn buys_what_it_buys_and_no_more(world: &mut World) {
    let order = world.send_with(buy("atlas-b", "UPP", 10).limit("103"), money("1000")).await;
    assert_eq!(order.status, OrderStatus::Filled);
    assert_eq!((order.notional, order.qty), (Some(usd("1000")), order.filled_qty));
    assert_eq!(world.position("UPP").await.unwrap().qty, order.filled_qty);
    let paid = usd("100000").checked_sub(world.account().await.cash).unwrap();
    assert!(paid <= usd("1000") && paid > usd("999.99"), "{paid}");
}

pub(crate) async fn sells_no_more_shares_than_were_approved(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    let order = world.send_with(sell("atlas-s", "UPP", 5).limit("98"), money("490")).await;
    assert_eq!(order.status, OrderStatus::Filled);
    assert!(order.filled_qty <= qty("5") && order.filled_qty > qty("4.9"), "{}", order.filled_qty);
}

pub(crate) async fn waits_and_is_canceled_like_any_other(world: &mut World) {
    let order = world.send_with(buy("atlas-b", "UPP", 10).limit("90"), money("900")).await;
    assert!(order.status.is_open() && order.filled_qty.is_zero(), "{order:?}");
    assert_eq!((order.notional, order.qty), (Some(usd("900")), qty("0")));
    assert_eq!(world.open_orders().await, ["atlas-b"]);
    assert_eq!(world.account().await.buying_power, usd("99100"));
    world.cancel("atlas-b").await;
    assert_eq!(world.order("atlas-b").await.status, OrderStatus::Canceled);
}

pub(crate) async fn a_market_buy_is_held_to_what_was_approved(world: &mut World) {
    // Approvals here are made at one hundred dollars a share.
    let order = world.send_with(buy("atlas-b", "UPP", 10), money("999.999999999")).await;
    assert_eq!(order.status, OrderStatus::Filled);
    assert_eq!((order.notional, order.qty), (Some(usd("999.999999999")), order.filled_qty));
    let paid = usd("100000").checked_sub(world.account().await.cash).unwrap();
    assert!(paid <= usd("1000") && paid > usd("999.99"), "{paid}");
    let sale = approve(sell("atlas-s", "UPP", 5));
    let answer = world.broker().submit_with(sale, money("100")).await;
    assert!(matches!(answer, Submission::Refused { code: None, .. }), "{answer:?}");
}

pub(crate) async fn beyond_the_approval_is_not_sent(world: &mut World) {
    let asks = [
        (buy("b", "UPP", 10).limit("103"), "1030.01"),
        (buy("b", "UPP", 10), "1000.01"),
        (buy("b", "UPP", 10).limit("103"), "10.0000000001"),
        (buy("b", "UPP", 10).limit("103"), "0.5"),
    ];
    for (request, amount) in asks {
        let answer = world.broker().submit_with(approve(request), money(amount)).await;
        assert!(matches!(answer, Submission::Refused { code: None, .. }), "{answer:?}");
    }
    assert_eq!(world.find("b").await, None);
}

fn money(amount: &str) -> Terms {
    Terms::Notional(amount.parse::<Usd>().unwrap())
}

//! The account's money.

use atlas_tests::orders::{Change, buy, sell};
use atlas_tests::world::World;

use crate::values::usd;

pub(crate) async fn is_the_venues_own(world: &mut World) {
    let account = world.account().await;
    assert_eq!(account.account_number, world.venue().account_number());
    assert!(!account.trading_blocked);
    assert_eq!(world.account().await, account, "asking changes nothing");
}

pub(crate) async fn starts_with_its_cash_and_nothing_else(world: &mut World) {
    let account = world.account().await;
    assert_eq!(account.cash, usd("100000"));
    assert_eq!((account.equity, account.buying_power), (account.cash, account.cash));
    assert!(world.broker().positions().await.unwrap().is_empty());
    assert!(world.open_orders().await.is_empty());
}

pub(crate) async fn a_buy_turns_cash_into_a_position(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    let account = world.account().await;
    assert_eq!(account.cash, usd("98999.5"), "ten shares at 100.05");
    assert_eq!(account.equity, usd("99999.5"), "ten shares are worth 100 each");
    assert_eq!(account.buying_power, usd("98999.5"));
}

pub(crate) async fn a_sell_turns_it_back(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    world.send(sell("s", "UPP", 10)).await;
    let account = world.account().await;
    assert_eq!(account.cash, usd("99999"), "bought at 100.05, sold at 99.95");
    assert_eq!(account.equity, account.cash);
}

pub(crate) async fn an_open_buy_holds_buying_power(world: &mut World) {
    world.send(buy("b", "UPP", 10).limit("90")).await;
    let account = world.account().await;
    assert_eq!(account.cash, usd("100000"));
    assert_eq!(account.buying_power, usd("99100"));
}

pub(crate) async fn a_queued_market_buy_holds_the_ask_and_a_collar(world: &mut World) {
    world.advance("2019-01-03T22:00:00Z");
    let (_, ask) = world.quote("UPP").await.unwrap();
    world.send(buy("b", "UPP", 10)).await;
    let account = world.account().await;
    let held = (account.cash.value() - account.buying_power.value()) / ask.value();
    assert!(held > 10.into() && held < 11.into(), "{held} shares' worth is held");
}

pub(crate) async fn fees_owed_are_no_buying_power(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    world.send(sell("s", "UPP", 10)).await;
    let before = world.account().await;
    assert!(before.buying_power < before.cash, "a sell costs fees");
    world.advance("2019-01-03T21:00:00Z");
    let after = world.account().await;
    assert_eq!(after.cash, before.buying_power, "they are what was held back");
    assert_eq!(after.buying_power, after.cash);
}

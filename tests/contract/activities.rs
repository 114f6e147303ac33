//! The broker's ledger.

use atlas_broker::{CashKind, Entry};
use atlas_core::Side;
use atlas_tests::orders::{buy, sell};
use atlas_tests::world::World;

use crate::values::{price, qty, usd};

pub(crate) async fn begin_with_the_deposit(world: &mut World) {
    let activities = world.activities().await;
    assert_eq!(activities.len(), 1);
    let Entry::Cash(cash) = &activities[0].entry else { panic!("{activities:?}") };
    assert_eq!((&cash.kind, cash.net_amount), (&CashKind::Deposit, usd("100000")));
    assert_eq!(cash.symbol, None);
}

pub(crate) async fn tell_each_fill_once_with_its_order(world: &mut World) {
    let bought = world.send(buy("b", "UPP", 10)).await;
    let sold = world.send(sell("s", "UPP", 4)).await;
    let fills = world.fills().await;
    assert_eq!(fills.len(), 2);
    assert_eq!(fills[0].client_order_id, bought.client_order_id);
    assert_eq!(fills[0].venue_order_id, bought.venue_order_id);
    assert_eq!((fills[0].side, fills[0].qty), (Side::Buy, qty("10")));
    assert_eq!(fills[1].venue_order_id, sold.venue_order_id);
    assert_eq!(
        (fills[1].side, fills[1].qty, fills[1].price),
        (Side::Sell, qty("4"), price("99.95"))
    );
    assert!(fills[0].ts_event < fills[1].ts_event);
    assert_ne!(fills[0].execution_id, fills[1].execution_id);
    assert_eq!(world.fills().await, fills, "asking again tells the same");
}

pub(crate) async fn are_asked_for_from_a_bookmark(world: &mut World) {
    for (number, name) in ["a", "b", "c", "d"].into_iter().enumerate() {
        world.send(buy(name, "UPP", u32::try_from(number).unwrap() + 1)).await;
    }
    let all = world.activities().await;
    assert_eq!(all.len(), 5);
    for (position, activity) in all.iter().enumerate() {
        let later = world.broker().activities(Some(&activity.id)).await.unwrap();
        assert_eq!(later, all[position + 1..], "strictly after {:?}", activity.id);
    }
}

pub(crate) async fn post_fees_at_the_close(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    world.send(sell("s", "UPP", 10)).await;
    let before = world.activities().await;
    assert_eq!(before.len(), 3, "no fee during the session");
    world.advance("2019-01-03T21:00:00Z");
    let fees = world.broker().activities(Some(&before[2].id)).await.unwrap();
    assert!(!fees.is_empty());
    for fee in &fees {
        let Entry::Cash(cash) = &fee.entry else { panic!("{fee:?}") };
        assert_eq!(cash.kind, CashKind::Fee);
        assert!(cash.net_amount < usd("0") && cash.net_amount > usd("-1"), "{cash:?}");
        assert_eq!(cash.date.to_string(), "2019-01-03");
    }
}

pub(crate) async fn of_a_quiet_day_are_none(world: &mut World) {
    let before = world.activities().await;
    world.advance("2019-01-08T22:00:00Z");
    assert_eq!(world.activities().await, before);
}

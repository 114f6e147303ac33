//! More than one page of anything.

use std::collections::BTreeSet;

use atlas_tests::orders::{Change, buy, sell};
use atlas_tests::world::World;

pub(crate) async fn more_fills_than_a_page(world: &mut World) {
    for number in 0..60 {
        world.send(buy(&format!("b{number}"), "UPP", 2)).await;
        world.send(sell(&format!("s{number}"), "UPP", 1)).await;
    }
    let all = world.activities().await;
    assert_eq!(all.len(), 121);
    let ids: BTreeSet<_> = all.iter().map(|activity| activity.id.clone()).collect();
    assert_eq!(ids.len(), 121);
    for bookmark in [0, 19, 20, 21, 99, 100, 119, 120] {
        let later = world.broker().activities(Some(&all[bookmark].id)).await.unwrap();
        assert_eq!(later, all[bookmark + 1..], "after entry {bookmark}");
    }
}

pub(crate) async fn more_open_orders_than_a_page(world: &mut World) {
    let names: Vec<String> = (0..520).map(|number| format!("order-{number}")).collect();
    for name in &names {
        let answer = world.submit(buy(name, "UPP", 1).limit("1")).await;
        assert!(matches!(answer, atlas_broker::Submission::Accepted(_)), "{answer:?}");
    }
    assert_eq!(world.open_orders().await, names, "all of them, oldest first");
}

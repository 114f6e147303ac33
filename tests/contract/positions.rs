//! What is held.

use atlas_tests::orders::{Change, buy, sell};
use atlas_tests::world::World;

use crate::values::{price, qty};

pub(crate) async fn open_sells_take_from_what_is_available(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    world.send(sell("s", "UPP", 4).limit("120")).await;
    let held = world.position("UPP").await.unwrap();
    assert_eq!((held.qty, held.qty_available), (qty("10"), qty("6")));
    world.cancel("s").await;
    assert_eq!(world.position("UPP").await.unwrap().qty_available, qty("10"));
}

pub(crate) async fn a_position_remembers_what_it_cost(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    world.send(buy("c", "UPP", 10).limit("99")).await;
    world.advance("2019-01-03T17:00:00Z");
    let held = world.position("UPP").await.unwrap();
    assert_eq!((held.qty, held.avg_entry_price), (qty("20"), price("99.525")));
    world.send(sell("s", "UPP", 5)).await;
    let held = world.position("UPP").await.unwrap();
    assert_eq!((held.qty, held.avg_entry_price), (qty("15"), price("99.525")));
}

pub(crate) async fn a_position_that_is_sold_is_gone(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    world.send(buy("c", "DWN", 10)).await;
    world.send(sell("s", "UPP", 10)).await;
    let positions = world.broker().positions().await.unwrap();
    let names: Vec<&str> = positions.keys().map(atlas_core::Symbol::as_str).collect();
    assert_eq!(names, ["DWN"]);
}

pub(crate) async fn a_position_is_worth_the_present_price(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    assert_eq!(world.position("UPP").await.unwrap().current_price, price("100"));
    world.advance("2019-01-03T17:00:00Z");
    assert_eq!(world.position("UPP").await.unwrap().current_price, price("98"));
    world.check().await;
    world.advance("2019-01-03T19:00:00Z");
    assert_eq!(world.position("UPP").await.unwrap().current_price, price("105"));
    world.check().await;
    world.advance("2019-01-03T21:00:00Z");
    assert_eq!(world.position("UPP").await.unwrap().current_price, price("104"));
}

//! The latest quotes.

use atlas_tests::market::symbol;
use atlas_tests::world::World;

use crate::values::price;

pub(crate) async fn have_two_sides(world: &mut World) {
    let names = ["UPP", "DWN", "THN"].map(symbol);
    let quotes = world.broker().quotes(&names).await.unwrap();
    assert_eq!(quotes.len(), 3);
    for (name, quote) in &quotes {
        assert_eq!(*name, quote.symbol);
        assert!(quote.bid.is_some() && quote.ask.is_some() && !quote.is_crossed(), "{quote:?}");
        assert!(quote.ts_event <= world.venue().now());
    }
    assert_eq!(world.quote("UPP").await, Some((price("99.95"), price("100.05"))));
}

pub(crate) async fn follow_the_price(world: &mut World) {
    world.advance("2019-01-03T17:00:00Z");
    assert_eq!(world.quote("UPP").await, Some((price("97.951"), price("98.049"))));
    world.advance("2019-01-03T22:00:00Z");
    assert_eq!(world.quote("UPP").await, Some((price("103.948"), price("104.052"))));
}

pub(crate) async fn of_a_series_of_closes_know_no_close_before_it(world: &mut World) {
    let quoted = world.quote("SHT").await;
    assert_eq!(quoted, Some((price("199.9"), price("200.1"))), "the close of the day before");
}

pub(crate) async fn of_what_nobody_quotes_are_absent(world: &mut World) {
    let names = ["UPP", "NOPE", "LAT"].map(symbol);
    let quotes = world.broker().quotes(&names).await.unwrap();
    let quoted: Vec<&str> = quotes.keys().map(atlas_core::Symbol::as_str).collect();
    assert_eq!(quoted, ["UPP"]);
}

pub(crate) async fn of_nothing_are_nothing(world: &mut World) {
    assert!(world.broker().quotes(&[]).await.unwrap().is_empty());
}

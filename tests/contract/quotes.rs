//! The latest quotes.

use atlas_core::OrderStatus;
use atlas_tests::market::symbol;
use atlas_tests::orders::{Change, buy, sell};
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
    assert_eq!(
        world.quote("UPP").await,
        Some((price("98"), price("98.049"))),
        "no bid below the low"
    );
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

pub(crate) async fn are_what_trades_between_ticks_too(world: &mut World) {
    // Moments at which the price lies between two ticks.
    let moments = ["2019-01-03T15:37:13.337Z", "2019-01-03T16:41:07.001Z", "2019-01-03T18:03:59Z"];
    for (number, moment) in moments.into_iter().enumerate() {
        world.advance(moment);
        let (bid, ask) = world.quote("UPP").await.unwrap();
        let shown = world.market_data().latest_quotes(&[symbol("UPP")]).await.unwrap();
        assert_eq!((shown[&symbol("UPP")].bid, shown[&symbol("UPP")].ask), (Some(bid), Some(ask)));
        // The nearest cent the quote reaches.
        let up = ask
            .value()
            .round_dp_with_strategy(2, rust_decimal::RoundingStrategy::ToPositiveInfinity);
        let down = bid
            .value()
            .round_dp_with_strategy(2, rust_decimal::RoundingStrategy::ToNegativeInfinity);
        let bought = world.send(buy(&format!("b{number}"), "UPP", 1).limit(&up.to_string())).await;
        assert_eq!((bought.status, bought.avg_fill_price), (OrderStatus::Filled, Some(ask)));
        let sold = world.send(sell(&format!("s{number}"), "UPP", 1).limit(&down.to_string())).await;
        assert_eq!((sold.status, sold.avg_fill_price), (OrderStatus::Filled, Some(bid)));
    }
}

//! Orders that sleep until a price is touched, and exits that hang together.

use atlas_broker::{StopLoss, Terms, Trail};
use atlas_core::OrderStatus;
use atlas_tests::orders::{Change, buy, sell};
use atlas_tests::world::World;

use crate::values::price;

pub(crate) async fn a_sell_stop_wakes_on_the_way_down(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    world.send(sell("s", "UPP", 10).stop("99")).await;
    world.advance("2019-01-03T15:59:00Z");
    assert!(world.order("s").await.status.is_open());
    world.advance("2019-01-03T16:01:00Z");
    assert_eq!(world.order("s").await.status, OrderStatus::Filled);
    assert_eq!(world.fills().await[1].price, price("98.9505"), "at the market it woke in");
}

pub(crate) async fn a_buy_stop_wakes_on_the_way_up(world: &mut World) {
    world.send(buy("b", "UPP", 10).stop("103")).await;
    world.advance("2019-01-03T17:00:00Z");
    assert!(world.order("b").await.status.is_open());
    world.advance("2019-01-03T19:00:00Z");
    assert_eq!(world.order("b").await.status, OrderStatus::Filled);
    assert_eq!(world.fills().await[0].price, price("103.0515"));
}

pub(crate) async fn a_stop_limit_keeps_to_its_limit(world: &mut World) {
    world.send(buy("b", "UPP", 20)).await;
    world.send(sell("near", "UPP", 10).stop("99").limit("98.5")).await;
    // Wakes at 99, and from there the bid is below its limit until the price comes back.
    world.send(sell("far", "UPP", 10).stop("99").limit("103")).await;
    world.advance("2019-01-03T17:00:00Z");
    assert_eq!(world.order("near").await.status, OrderStatus::Filled);
    assert!(world.order("far").await.status.is_open());
    world.advance("2019-01-03T19:00:00Z");
    assert_eq!(world.order("far").await.status, OrderStatus::Filled);
    let fills = world.fills().await;
    assert!(fills[1].price >= price("98.5"), "{}", fills[1].price);
    assert_eq!(fills[2].price, price("103"));
}

pub(crate) async fn a_trailing_stop_follows_the_high(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    let trail = Terms::Trailing(Trail::Price(price("3")));
    world.send_with(sell("s", "UPP", 10).stop("97"), trail).await;
    world.advance("2019-01-03T21:00:00Z");
    assert_eq!(world.order("s").await.status, OrderStatus::Expired, "never three below its best");

    world.advance("2019-01-04T14:35:00Z");
    let trail = Terms::Trailing(Trail::Price(price("1.5")));
    world.send_with(sell("t", "UPP", 10).stop("98.5"), trail).await;
    world.advance("2019-01-04T17:00:00Z");
    assert_eq!(world.order("t").await.status, OrderStatus::Filled);
    assert_eq!(world.fills().await[1].price, price("98.4507"), "98.5 less five basis points");
}

fn bracket(gain: &str, loss: &str) -> Terms {
    let stop_loss = StopLoss { stop_price: price(loss), limit_price: None };
    Terms::Bracket { take_profit: price(gain), stop_loss }
}

pub(crate) async fn a_bracket_takes_its_profit_once(world: &mut World) {
    let entry = world.send_with(buy("b", "UPP", 10), bracket("104", "95")).await;
    assert_eq!(entry.status, OrderStatus::Filled);
    world.check().await;
    world.advance("2019-01-03T19:00:00Z");
    let fills = world.fills().await;
    assert_eq!(fills.len(), 2);
    assert_eq!(fills[1].price, price("104"));
    assert!(world.position("UPP").await.is_none());
    assert!(world.open_orders().await.is_empty());
}

pub(crate) async fn a_bracket_stops_its_loss_once(world: &mut World) {
    world.send_with(buy("b", "UPP", 10), bracket("104", "99")).await;
    world.advance("2019-01-03T20:59:00Z");
    let fills = world.fills().await;
    assert_eq!(fills.len(), 2, "the low comes before the high");
    assert_eq!(fills[1].price, price("98.9505"));
    assert!(world.position("UPP").await.is_none());
    assert!(world.open_orders().await.is_empty());
}

pub(crate) async fn one_exit_cancels_the_other(world: &mut World) {
    world.send(buy("b", "UPP", 10)).await;
    let stop = StopLoss { stop_price: price("95"), limit_price: None };
    let exits = Terms::OneCancelsOther(stop);
    world.send_with(sell("s", "UPP", 10).limit("104"), exits).await;
    assert_eq!(world.open_orders().await.len(), 2);
    world.advance("2019-01-03T19:00:00Z");
    assert_eq!(world.order("s").await.status, OrderStatus::Filled);
    assert!(world.open_orders().await.is_empty());
    assert!(world.position("UPP").await.is_none());
}

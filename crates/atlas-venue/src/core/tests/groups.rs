//! Orders with exits, and replacements.

use atlas_core::Side;

use super::{OPEN_3, at, exchange, order, px, told};
use crate::core::*;

fn bracket(qty: &str, kind: Kind, gain: &str, loss: &str) -> NewOrder {
    NewOrder {
        class: Class::Bracket,
        take_profit: Some(px(gain)),
        stop_loss: Some((px(loss), None)),
        ..order("AAPL", Side::Buy, qty, kind)
    }
}

fn statuses(exchange: &Exchange) -> Vec<&'static str> {
    exchange.orders().iter().map(|order| order.status.as_str()).collect()
}

#[test]
fn the_first_exit_that_fills_cancels_the_other() {
    let mut exchange = exchange(|_| {});
    exchange.advance_to(at(OPEN_3)).unwrap();
    // The day goes to 145, down to 142 and closes at 142.5.
    let taken = exchange.submit(bracket("10", Kind::Market, "150", "143")).unwrap();
    assert_eq!(taken.legs.len(), 2);
    assert!(taken.legs.iter().all(|leg| leg.status == Status::Held));
    assert_eq!(statuses(&exchange), ["filled", "new", "new"]);
    // Both exits hold the same ten shares.
    let (held, related) = exchange.held_for_sells(&"AAPL".parse().unwrap()).unwrap();
    assert_eq!((held, related.len()), (px("10").to_string().parse().unwrap(), 2));
    exchange.advance_to(at("2019-01-03T20:59:00Z")).unwrap();
    assert_eq!(statuses(&exchange), ["filled", "canceled", "filled"]);
    assert_eq!(told(&exchange, 3), "filled 10@142.9285");
}

#[test]
fn exits_wait_for_the_whole_entry() {
    let mut exchange = exchange(|config| config.cash = "1000000".parse().unwrap());
    exchange.advance_to(at(OPEN_3)).unwrap();
    exchange.limit_next_order("0.5".parse().unwrap());
    exchange.submit(bracket("10", Kind::Market, "150", "143")).unwrap();
    assert_eq!(statuses(&exchange), ["partially_filled", "held", "held"]);
    // The end of the entry is the end of its exits.
    exchange.advance_to(at("2019-01-03T21:00:00Z")).unwrap();
    assert_eq!(statuses(&exchange), ["expired", "canceled", "canceled"]);
}

#[test]
fn canceling_any_member_cancels_all() {
    for member in 0..3 {
        let mut exchange = exchange(|_| {});
        exchange.advance_to(at(OPEN_3)).unwrap();
        exchange.submit(bracket("10", Kind::Limit(px("140")), "150", "130")).unwrap();
        let id = exchange.orders()[member].id;
        exchange.cancel(id).unwrap();
        assert_eq!(statuses(&exchange), ["canceled"; 3], "{member}");
    }
}

#[test]
fn two_exits_of_a_position() {
    let mut exchange = exchange(|_| {});
    exchange.advance_to(at(OPEN_3)).unwrap();
    exchange.submit(order("AAPL", Side::Buy, "10", Kind::Market)).unwrap();
    let oco = NewOrder {
        class: Class::Oco,
        stop_loss: Some((px("130"), Some(px("129")))),
        ..order("AAPL", Side::Sell, "10", Kind::Limit(px("144.5")))
    };
    exchange.submit(oco.clone()).unwrap();
    assert!(matches!(exchange.submit(oco), Err(Refusal::QtyAvailable { .. })));
    exchange.advance_to(at("2019-01-03T20:59:00Z")).unwrap();
    assert_eq!(statuses(&exchange), ["filled", "filled", "canceled"]);
    assert_eq!(told(&exchange, 2), "filled 10@144.5");
}

#[test]
fn exits_on_the_wrong_side_are_refused() {
    let mut exchange = exchange(|_| {});
    exchange.advance_to(at(OPEN_3)).unwrap();
    for (gain, loss) in [("143", "130"), ("150", "144"), ("144.005", "130")] {
        let refusal = exchange.submit(bracket("1", Kind::Market, gain, loss)).unwrap_err();
        assert_eq!((refusal.status(), refusal.code()), (422, 42_210_000), "{gain} {loss}");
    }
    let oto = NewOrder { class: Class::Oto, ..bracket("1", Kind::Market, "150", "130") };
    assert!(matches!(exchange.submit(oto), Err(Refusal::Rule(_))));
    assert!(exchange.orders().is_empty());
}

fn wish(qty: &str, limit: &str) -> Replacement {
    Replacement {
        qty: Some(qty.parse().unwrap()),
        limit: Some(px(limit)),
        ..Replacement::default()
    }
}

/// A limit order for ten shares of which four are filled.
fn partly_filled() -> (Exchange, uuid::Uuid) {
    let mut exchange = exchange(|_| {});
    exchange.advance_to(at(OPEN_3)).unwrap();
    exchange.limit_next_order("0.4".parse().unwrap());
    let limit = Kind::Limit(px("144.10"));
    let taken = exchange.submit(order("AAPL", Side::Buy, "10", limit)).unwrap();
    assert_eq!(told(&exchange, 1), "partially_filled 4@144.072");
    (exchange, taken.order.id)
}

#[test]
fn a_replacement_must_change_something_and_be_affordable() {
    let (mut exchange, id) = partly_filled();
    for (qty, limit, status) in [("4", "144.10", 422), ("10", "144.10", 422), ("9000", "144", 403)]
    {
        let refusal = exchange.replace(id, &wish(qty, limit)).unwrap_err();
        assert_eq!(refusal.status(), status, "{qty} at {limit}: {refusal:?}");
    }
    assert_eq!(statuses(&exchange), ["partially_filled"]);
}

#[test]
fn a_replacement_asks_for_the_new_total() {
    let (mut exchange, id) = partly_filled();
    let second = exchange.replace(id, &wish("7", "140")).unwrap();
    assert_eq!((second.filled, second.replaces), ("4".parse().unwrap(), Some(id)));
    assert_eq!(statuses(&exchange), ["replaced", "partially_filled"]);
    assert_eq!(exchange.order(1).unwrap().replaced_by, Some(second.id));
    let again = exchange.replace(id, &wish("8", "140"));
    assert_eq!(again, Err(Refusal::Ended { status: "replaced" }));
    // Only the rest of the new total is reserved.
    assert_eq!(exchange.reserved, "420".parse().unwrap());
    exchange.advance_to(at("2019-01-03T21:00:00Z")).unwrap();
    assert_eq!(told(&exchange, 2), "expired 4@144.072");
    assert_eq!(exchange.reserved, Money::ZERO);
}

#[test]
fn an_exit_can_be_moved() {
    let mut exchange = exchange(|_| {});
    exchange.advance_to(at(OPEN_3)).unwrap();
    exchange.submit(bracket("10", Kind::Market, "150", "140")).unwrap();
    let stop = exchange.orders()[2].id;
    let wish = Replacement { stop: Some(px("143")), ..Replacement::default() };
    exchange.replace(stop, &wish).unwrap();
    assert_eq!(statuses(&exchange), ["filled", "new", "replaced", "new"]);
    let legs = exchange.legs(&exchange.orders()[0]);
    assert_eq!(legs.iter().map(|leg| leg.seq).collect::<Vec<_>>(), [2, 4]);
    exchange.advance_to(at("2019-01-03T20:59:00Z")).unwrap();
    assert_eq!(statuses(&exchange), ["filled", "canceled", "replaced", "filled"]);
}

#[test]
fn a_suspended_account_takes_no_orders() {
    let mut exchange = exchange(|_| {});
    exchange.suspend(true);
    let refusal = exchange.submit(order("AAPL", Side::Buy, "1", Kind::Market)).unwrap_err();
    assert_eq!(refusal.status(), 403);
    exchange.suspend(false);
    exchange.submit(order("AAPL", Side::Buy, "1", Kind::Market)).unwrap();
}

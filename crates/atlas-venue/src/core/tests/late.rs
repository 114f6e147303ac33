//! Replacements that come late.

use super::*;
use crate::CostModel;

/// A market without costs in which a bar of THN fills 250 shares.
fn open() -> Exchange {
    let mut exchange = exchange(|config| config.costs = CostModel::free());
    exchange.advance_to(at(OPEN_3)).unwrap();
    exchange.watch();
    exchange
}

fn rests(exchange: &mut Exchange, price: &str) -> OrderRecord {
    exchange.submit(order("AAPL", Side::Buy, "10", Kind::Limit(px(price)))).unwrap().order
}

fn wish(qty: &str, limit: &str) -> Replacement {
    Replacement {
        qty: Some(qty.parse().unwrap()),
        limit: Some(px(limit)),
        ..Replacement::default()
    }
}

/// What was told since the last time: the number of the order, the event and where the order stood.
fn told(exchange: &mut Exchange) -> Vec<(u64, &'static str, &'static str)> {
    let updates = exchange.take_changes().updates;
    let line =
        |update: Update| (update.order.seq, update.event.as_str(), update.order.status_text());
    updates.into_iter().map(line).collect()
}

fn status(exchange: &Exchange, seq: u64) -> &'static str {
    exchange.order(seq).unwrap().status_text()
}

#[test]
fn the_old_one_works_until_it_comes() {
    let mut exchange = open();
    let old = rests(&mut exchange, "100");
    drop(told(&mut exchange));
    let before = exchange.buying_power().unwrap();
    let new = exchange.begin_replace(old.id, &wish("20", "101")).unwrap();
    assert_eq!(
        told(&mut exchange),
        [(1, "pending_replace", "pending_replace"), (2, "pending_new", "pending_new")]
    );
    // 2 020 counts, of which the old one holds 1 000 already.
    let held = before.minus(exchange.buying_power().unwrap()).unwrap();
    assert_eq!(held, Money::from_cents(102_000));
    for id in [old.id, new.id] {
        let refusal = exchange.replace(id, &wish("5", "99")).unwrap_err();
        assert!(refusal.message().starts_with("cannot replace order in pending_"), "{refusal:?}");
    }
    exchange.end_replace(new.id).unwrap();
    assert_eq!(told(&mut exchange), [(1, "replaced", "replaced"), (2, "new", "new")]);
    let (old, new) = (exchange.order(1).unwrap(), exchange.order(2).unwrap());
    assert_eq!((old.replaced_by, new.replaces), (Some(new.id), Some(old.id)));
    assert_eq!(exchange.reserved, Money::from_cents(202_000));
    // It is decided.
    let id = new.id;
    exchange.end_replace(id).unwrap();
    assert_eq!(told(&mut exchange), []);
}

#[test]
fn the_old_one_fills_first() {
    let mut exchange = open();
    // The price of the day comes down to it.
    let old = rests(&mut exchange, "143.5");
    drop(told(&mut exchange));
    let new = exchange.begin_replace(old.id, &wish("5", "100")).unwrap();
    drop(told(&mut exchange));
    exchange.advance_to(at("2019-01-03T20:59:00Z")).unwrap();
    assert_eq!(
        told(&mut exchange),
        [
            (1, "fill", "filled"),
            (1, "order_replace_rejected", "filled"),
            (2, "rejected", "rejected")
        ]
    );
    assert_eq!(exchange.reserved, Money::ZERO);
    exchange.end_replace(new.id).unwrap();
    assert_eq!(told(&mut exchange), []);
    assert_eq!(status(&exchange, 1), "filled");
}

#[test]
fn what_could_not_be_asked_for_any_more_is_rejected_and_the_old_one_works_on() {
    let mut exchange = open();
    let old = rests(&mut exchange, "100");
    let new = exchange.begin_replace(old.id, &wish("12", "99")).unwrap();
    drop(told(&mut exchange));
    exchange.suspend(true);
    exchange.end_replace(new.id).unwrap();
    assert_eq!(
        told(&mut exchange),
        [(1, "order_replace_rejected", "new"), (2, "rejected", "rejected")]
    );
    assert_eq!(exchange.reserved, Money::from_cents(100_000));
}

#[test]
fn canceling_either_cancels_both() {
    for is_old in [true, false] {
        let mut exchange = open();
        let old = rests(&mut exchange, "100");
        let new = exchange.begin_replace(old.id, &wish("12", "99")).unwrap();
        drop(told(&mut exchange));
        exchange.cancel(if is_old { old.id } else { new.id }).unwrap();
        assert_eq!(told(&mut exchange), [(1, "canceled", "canceled"), (2, "canceled", "canceled")]);
        exchange.cancel(new.id).unwrap();
        exchange.end_replace(new.id).unwrap();
        assert_eq!(exchange.open_orders().count(), 0);
    }
}

#[test]
fn the_end_of_the_old_one_is_the_end_of_what_waits() {
    let mut exchange = open();
    let old = rests(&mut exchange, "100");
    exchange.begin_replace(old.id, &wish("12", "99")).unwrap();
    drop(told(&mut exchange));
    exchange.advance_to(at("2019-01-03T21:00:00Z")).unwrap();
    assert_eq!(
        told(&mut exchange),
        [
            (1, "expired", "expired"),
            (1, "order_replace_rejected", "expired"),
            (2, "rejected", "rejected")
        ]
    );
}

#[test]
fn a_sale_is_not_held_back_twice() {
    let mut exchange = open();
    exchange.submit(order("AAPL", Side::Buy, "10", Kind::Market)).unwrap();
    let sale = order("AAPL", Side::Sell, "10", Kind::Limit(px("200")));
    let old = exchange.submit(sale).unwrap().order;
    let new = exchange.begin_replace(old.id, &wish("10", "190")).unwrap();
    let aapl = "AAPL".parse().unwrap();
    assert_eq!(exchange.held_back(&aapl, Side::Sell).unwrap().0, "10".parse().unwrap());
    exchange.end_replace(new.id).unwrap();
    assert_eq!(exchange.held_back(&aapl, Side::Sell).unwrap().0, "10".parse().unwrap());
    assert_eq!(status(&exchange, 3), "new");
}

#[test]
fn a_member_of_a_group_is_not_replaced_late() {
    let mut exchange = open();
    let oto = NewOrder {
        class: Class::Oto,
        take_profit: Some(px("190")),
        ..order("AAPL", Side::Buy, "1", Kind::Limit(px("100")))
    };
    let entry = exchange.submit(oto).unwrap().order;
    let limit = Replacement { limit: Some(px("101")), ..Replacement::default() };
    assert!(matches!(exchange.begin_replace(entry.id, &limit), Err(Refusal::Rule(_))));
    exchange.replace(entry.id, &limit).unwrap();
}

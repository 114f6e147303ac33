//! Orders before the opening and after the close.

use super::*;

/// A venue as `alpaca-paper`, without draws that split fills, at a moment.
fn paper(now: &str) -> Exchange {
    let config = VenueConfig { split_fills: atlas_core::Weight::ZERO, ..paper_config(now) };
    Exchange::new(config, listings()).unwrap()
}

fn paper_config(now: &str) -> VenueConfig {
    VenueConfig::alpaca_paper(at(now))
}

fn extended(side: Side, limit: &str) -> NewOrder {
    NewOrder { extended_hours: true, ..order("AAPL", side, "10", Kind::Limit(px(limit))) }
}

const EARLY_3: &str = "2019-01-03T09:00:00Z";
const LATE_3: &str = "2019-01-03T21:30:00Z";

#[test]
fn a_limit_order_for_extended_hours_fills_before_the_opening() {
    let mut exchange = paper("2019-01-03T10:00:00Z");
    exchange.submit(extended(Side::Buy, "158")).unwrap();
    let price = exchange.order(1).unwrap().avg_price().unwrap();
    // On the way from the close before, 157, to the open, 144, at most half way back.
    assert!(price > px("144") && price < px("150.5"), "{price}");
    let mark = exchange.mark_of_holding(&"AAPL".parse().unwrap()).unwrap();
    // The ask, rounded up to the tick.
    assert!(price >= mark && price.nanos() - mark.nanos() < 100_000, "{price} {mark}");
}

#[test]
fn after_the_close_the_price_moves_a_little_and_an_order_meets_it() {
    let mut exchange = paper(LATE_3);
    exchange.submit(extended(Side::Buy, "140")).unwrap();
    exchange.submit(extended(Side::Buy, "143")).unwrap();
    assert_eq!(told(&exchange, 1), "new 0@-");
    let price = exchange.order(2).unwrap().avg_price().unwrap();
    assert!(price >= px("142.07") && price <= px("142.93"), "{price}");
    // It works to the end of the hours after the close.
    exchange.advance_to(at("2019-01-04T00:59:59.999Z")).unwrap();
    assert_eq!(told(&exchange, 1), "new 0@-");
    exchange.advance_to(at("2019-01-04T01:00:00Z")).unwrap();
    assert_eq!(told(&exchange, 1), "expired 0@-");
}

#[test]
fn others_wait_for_regular_hours() {
    let mut exchange = paper("2019-01-03T10:00:00Z");
    exchange.submit(order("AAPL", Side::Buy, "10", Kind::Market)).unwrap();
    exchange.submit(order("AAPL", Side::Buy, "10", Kind::Limit(px("158")))).unwrap();
    exchange.advance_to(at("2019-01-03T14:29:59Z")).unwrap();
    assert_eq!(
        (told(&exchange, 1), told(&exchange, 2)),
        ("accepted 0@-".into(), "accepted 0@-".into())
    );
    exchange.advance_to(at("2019-01-03T14:30:00Z")).unwrap();
    assert_eq!(told(&exchange, 1), "filled 10@144");
    assert_eq!(told(&exchange, 2), "filled 10@144");
}

#[test]
fn one_sent_at_night_begins_at_four_and_a_gtc_one_goes_on_over_days() {
    let mut exchange = paper("2019-01-03T02:00:00Z");
    exchange.submit(extended(Side::Buy, "158")).unwrap();
    exchange.submit(NewOrder { tif: Tif::Gtc, ..extended(Side::Buy, "130") }).unwrap();
    assert_eq!(told(&exchange, 1), "accepted 0@-");
    exchange.advance_to(at("2019-01-03T08:59:59.999Z")).unwrap();
    assert_eq!(told(&exchange, 1), "accepted 0@-");
    exchange.advance_to(at(EARLY_3)).unwrap();
    assert_eq!(exchange.order(1).unwrap().status, Status::Filled);
    exchange.advance_to(at("2019-01-04T15:00:00Z")).unwrap();
    assert_eq!(told(&exchange, 2), "new 0@-");
}

#[test]
fn a_day_order_of_regular_hours_trades_after_the_close_too() {
    let mut exchange = paper("2019-01-03T20:00:00Z");
    exchange.submit(extended(Side::Buy, "140")).unwrap();
    exchange.submit(order("AAPL", Side::Buy, "10", Kind::Limit(px("140")))).unwrap();
    exchange.advance_to(at(CLOSE_3)).unwrap();
    assert_eq!((told(&exchange, 1), told(&exchange, 2)), ("new 0@-".into(), "expired 0@-".into()));
    assert_eq!(exchange.order(1).unwrap().times.expires, at("2019-01-04T01:00:00Z"));
}

#[test]
fn where_nothing_trades_then_it_waits_for_the_opening() {
    // `realistic` makes no prices.
    let mut exchange = exchange(|_| {});
    exchange.submit(extended(Side::Buy, "158")).unwrap();
    assert_eq!(exchange.order(1).unwrap().times.expires, at(CLOSE_3));
    exchange.advance_to(at("2019-01-03T14:29:59Z")).unwrap();
    assert_eq!(told(&exchange, 1), "accepted 0@-");
    exchange.advance_to(at("2019-01-03T14:30:00Z")).unwrap();
    assert_eq!(told(&exchange, 1), "filled 10@144.072");
}

#[test]
fn steps_of_any_length_give_the_same_books() {
    let run = |minutes: i64| {
        let mut exchange = paper("2019-01-02T22:00:00Z");
        for limit in ["157.2", "156.9", "146", "144.2", "142.4", "148.2", "141"] {
            let gtc = NewOrder { tif: Tif::Gtc, ..extended(Side::Buy, limit) };
            exchange.submit(gtc).unwrap();
            exchange.submit(extended(Side::Buy, limit)).unwrap();
        }
        let (mut now, end) = (at("2019-01-02T22:00:00Z"), at("2019-01-05T02:00:00Z"));
        while now < end {
            now = end.min(now + chrono::TimeDelta::minutes(minutes));
            exchange.advance_to(now).unwrap();
        }
        let fills: Vec<String> = (1..=14).map(|seq| told(&exchange, seq)).collect();
        (fills, exchange.state().ledger.cash)
    };
    let whole = run(10_000);
    assert_eq!(run(7), whole);
    assert_eq!(run(330), whole);
    assert!(whole.0.iter().any(|told| told.starts_with("filled")));
}

#[test]
fn a_split_happens_before_the_first_price_of_its_day() {
    let [aapl, xom] = listings();
    let action = CorporateAction {
        date: "2019-01-04".parse().unwrap(),
        kind: ActionKind::Split { new: 2, old: 1 },
    };
    let aapl = aapl.with_actions([action]).unwrap();
    let mut exchange = Exchange::new(paper_config(OPEN_3), [aapl, xom]).unwrap();
    exchange.submit(order("AAPL", Side::Buy, "10", Kind::Market)).unwrap();
    let held = |exchange: &Exchange| {
        exchange.state().ledger.position(&"AAPL".parse().unwrap()).size().to_string()
    };
    exchange.advance_to(at("2019-01-04T08:59:59Z")).unwrap();
    assert_eq!(held(&exchange), "10");
    exchange.advance_to(at("2019-01-04T09:00:00Z")).unwrap();
    assert_eq!(held(&exchange), "20");
    exchange.advance_to(at("2019-01-04T15:00:00Z")).unwrap();
    assert_eq!(held(&exchange), "20");
}

/// The ninetieth day after Thursday the third of January is a Wednesday; after the Monday before, a
/// Sunday.
#[test]
fn gtc_orders_run_out_when_they_say() {
    for (sent, end) in [
        ("2019-01-03T15:00:00Z", "2019-04-03T20:15:00Z"),
        ("2019-01-07T15:00:00Z", "2019-04-05T20:15:00Z"),
    ] {
        let plain = Exchange::new(VenueConfig::realistic(at(sent)), listings()).unwrap();
        for made in [paper(sent), plain] {
            let mut exchange = made;
            let limit = Kind::Limit(px("50"));
            let gtc = NewOrder { tif: Tif::Gtc, ..order("AAPL", Side::Buy, "1", limit) };
            exchange.submit(gtc).unwrap();
            assert_eq!(exchange.order(1).unwrap().times.expires, at(end));
            exchange.advance_to(at(end) - chrono::TimeDelta::milliseconds(1)).unwrap();
            assert_eq!(told(&exchange, 1), "new 0@-");
            exchange.advance_to(at(end) + chrono::TimeDelta::days(3)).unwrap();
            assert_eq!(told(&exchange, 1), "expired 0@-");
            assert_eq!(exchange.order(1).unwrap().times.ended, Some(at(end)));
        }
    }
}

//! A replacement passes the gates of a new order.

use super::*;
use crate::CostModel;

fn open(change: impl FnOnce(&mut VenueConfig)) -> Exchange {
    let mut exchange = exchange(|config| {
        config.costs = CostModel::free();
        change(config);
    });
    exchange.advance_to(at(OPEN_3)).unwrap();
    exchange
}

/// Sends an order and gives its number.
fn sent(exchange: &mut Exchange, order: NewOrder) -> u64 {
    exchange.submit(order).unwrap().order.seq
}

fn limit(price: &str) -> Replacement {
    Replacement { limit: Some(px(price)), ..Replacement::default() }
}

fn as_tif(tif: Tif) -> Replacement {
    Replacement { tif: Some(tif), ..Replacement::default() }
}

/// Refuses, and leaves everything as it is.
fn refused(exchange: &mut Exchange, seq: u64, wish: &Replacement) -> Refusal {
    let told = |exchange: &Exchange| format!("{:?}{:?}", exchange.state(), exchange.orders());
    let before = told(exchange);
    let id = exchange.order(seq).unwrap().id;
    let refusal = exchange.replace(id, wish).unwrap_err();
    assert_eq!(told(exchange), before);
    refusal
}

#[test]
fn it_could_not_meet_our_own() {
    let mut exchange = open(|_| {});
    sent(&mut exchange, order("AAPL", Side::Buy, "10", Kind::Market));
    let sell = sent(&mut exchange, order("AAPL", Side::Sell, "1", Kind::Limit(px("150"))));
    let buy = sent(&mut exchange, order("AAPL", Side::Buy, "1", Kind::Limit(px("100"))));
    let wash = refused(&mut exchange, buy, &limit("151"));
    assert!(matches!(wash, Refusal::WashTrade { is_limit: true, .. }), "{wash:?}");
    let wash = refused(&mut exchange, sell, &limit("99"));
    assert!(matches!(wash, Refusal::WashTrade { .. }), "{wash:?}");
    // The one it takes the place of is not in its way.
    exchange.replace(exchange.order(buy).unwrap().id, &limit("120")).unwrap();
}

#[test]
fn nothing_while_suspended_and_nothing_that_is_being_canceled() {
    let mut exchange = open(|_| {});
    let seq = sent(&mut exchange, order("AAPL", Side::Buy, "1", Kind::Limit(px("100"))));
    exchange.suspend(true);
    assert!(matches!(refused(&mut exchange, seq, &limit("101")), Refusal::Forbidden(_)));
    exchange.suspend(false);
    let id = exchange.order(seq).unwrap().id;
    exchange.begin_cancel(id).unwrap();
    let refusal = refused(&mut exchange, seq, &limit("101"));
    assert_eq!(refusal.message(), "cannot replace order in pending_cancel status");
    exchange.cancel(id).unwrap();
    assert_eq!(exchange.order(seq).unwrap().status, Status::Canceled);
}

#[test]
fn its_time_in_force_is_one_it_could_be_sent_with() {
    let mut exchange = open(|_| {});
    let low = || Kind::Limit(px("100"));
    let whole = sent(&mut exchange, order("AAPL", Side::Buy, "1", low()));
    let part = sent(&mut exchange, order("AAPL", Side::Buy, "1.5", low()));
    let stop = sent(&mut exchange, order("AAPL", Side::Buy, "1", Kind::Stop(px("200"))));
    let outside = NewOrder { extended_hours: true, ..order("AAPL", Side::Buy, "1", low()) };
    let outside = sent(&mut exchange, outside);
    // After two minutes before the opening no order for it is taken.
    for (seq, tif) in [(whole, Tif::Opg), (part, Tif::Gtc), (stop, Tif::Cls), (outside, Tif::Fok)] {
        let refusal = refused(&mut exchange, seq, &as_tif(tif));
        assert!(matches!(refusal, Refusal::Rule(_)), "{tif:?}: {refusal:?}");
    }
    exchange.replace(exchange.order(whole).unwrap().id, &as_tif(Tif::Gtc)).unwrap();
    assert_eq!(exchange.orders().last().unwrap().tif, Tif::Gtc);
}

#[test]
fn it_is_not_too_small() {
    let mut exchange = open(|_| {});
    let seq = sent(&mut exchange, order("AAPL", Side::Buy, "1", Kind::Limit(px("100"))));
    let refusal = refused(&mut exchange, seq, &limit("0.5"));
    assert!(refusal.message().contains("minimal amount"), "{refusal:?}");
}

#[test]
fn the_members_of_a_group_stay_in_their_places() {
    let mut exchange = open(|_| {});
    let bracket = NewOrder {
        class: Class::Bracket,
        take_profit: Some(px("110")),
        stop_loss: Some((px("90"), None)),
        ..order("AAPL", Side::Buy, "1", Kind::Limit(px("100")))
    };
    let entry = sent(&mut exchange, bracket);
    let (gain, loss) = (entry + 1, entry + 2);
    let stop = |price: &str| Replacement { stop: Some(px(price)), ..Replacement::default() };
    for (seq, wish) in
        [(entry, limit("110")), (entry, limit("90")), (gain, limit("100")), (loss, stop("100"))]
    {
        let refusal = refused(&mut exchange, seq, &wish);
        assert!(matches!(refusal, Refusal::Exits { .. }), "{seq}: {refusal:?}");
    }
    exchange.replace(exchange.order(entry).unwrap().id, &limit("105")).unwrap();
    exchange.replace(exchange.order(gain).unwrap().id, &limit("106")).unwrap();
}

#[test]
fn a_short_sale_reserves_as_a_new_one_does() {
    let mut exchange = open(|config| config.account = crate::AccountRules::MARGIN);
    let seq = sent(&mut exchange, order("AAPL", Side::Sell, "10", Kind::Limit(px("160"))));
    exchange.replace(exchange.order(seq).unwrap().id, &limit("145")).unwrap();
    // 1.03 × the ask, which is 144, is more than the new limit.
    assert_eq!(exchange.orders().last().unwrap().reserve, Some(px("148.32")));
}

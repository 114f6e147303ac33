//! The exchange through its public calls.

use atlas_core::bars::{Bars, Columns};
use atlas_core::time::{Mode, Timestamp};
use atlas_core::{Raw, Side};

use super::*;
use crate::{CostModel, Error, VenueConfig};

mod actions;
mod books;
mod crypto;
mod extended;
mod fine;
mod groups;
mod late;
mod ledger;
mod margin;
mod replace;

/// Three sessions of one symbol with a range, and of one with closes alone.
pub(crate) fn listings() -> [Listing; 2] {
    let dates: Vec<chrono::NaiveDate> =
        ["2019-01-02", "2019-01-03", "2019-01-04"].map(|d| d.parse().unwrap()).into();
    let aapl: Bars<Raw> = Bars::new(
        "AAPL".parse().unwrap(),
        Columns {
            dates: dates.clone(),
            open: vec![154.0, 144.0, 144.5],
            high: vec![158.0, 145.0, 148.5],
            low: vec![154.0, 142.0, 143.0],
            close: vec![157.0, 142.5, 148.0],
            volume: vec![40_000.0, 90_000.0, 60_000.0],
            ..Columns::default()
        },
    )
    .unwrap();
    let unit = Bars::new(
        "XOM".parse().unwrap(),
        Columns { dates, close: vec![50.123_456, 49.5, 51.0], ..Columns::default() },
    )
    .unwrap();
    let permit = Mode::Replay.replay_permit().unwrap();
    [Listing::raw(aapl), Listing::adjusted_units(unit, permit)]
}

/// An exchange after the first of those sessions.
fn exchange(change: impl FnOnce(&mut VenueConfig)) -> Exchange {
    let mut config = VenueConfig::realistic(at("2019-01-02T22:00:00Z"));
    change(&mut config);
    Exchange::new(config, listings()).unwrap()
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn order(symbol: &str, side: Side, qty: &str, kind: Kind) -> NewOrder {
    NewOrder {
        client_order_id: None,
        symbol: symbol.parse().unwrap(),
        side,
        size: Size::Shares(qty.parse().unwrap()),
        kind,
        tif: Tif::Day,
        extended_hours: false,
        class: Class::Simple,
        take_profit: None,
        stop_loss: None,
    }
}

fn px(text: &str) -> Px {
    text.parse().unwrap()
}

/// State and fills of an order, as `status filled@average`.
fn told(exchange: &Exchange, seq: u64) -> String {
    let order = exchange.order(seq).unwrap();
    let average = order.avg_price().map_or_else(|| "-".to_owned(), |price| price.to_string());
    format!("{} {}@{average}", order.status.as_str(), order.filled)
}

const OPEN_3: &str = "2019-01-03T14:35:00Z";
const CLOSE_3: &str = "2019-01-03T21:00:00Z";

#[test]
fn a_market_order_in_the_opening_phase_fills_at_the_open_with_slippage() {
    let mut exchange = exchange(|_| {});
    exchange.advance_to(at(OPEN_3)).unwrap();
    let (bid, ask) = exchange.quote(&"AAPL".parse().unwrap()).unwrap().unwrap();
    assert_eq!((bid, ask), (px("143.928"), px("144.072")));
    let taken = exchange.submit(order("AAPL", Side::Buy, "100", Kind::Market)).unwrap();
    assert_eq!(taken.order.status, Status::PendingNew);
    assert_eq!(told(&exchange, 1), "filled 100@144.072");
    let cash = exchange.state().ledger.cash;
    assert_eq!(cash, "85592.8".parse().unwrap());
}

#[test]
fn a_series_of_closes_fills_at_its_close_and_does_not_show_it_before() {
    let mut exchange = exchange(|_| {});
    exchange.advance_to(at(OPEN_3)).unwrap();
    let xom = "XOM".parse().unwrap();
    let (bid, ask) = exchange.quote(&xom).unwrap().unwrap();
    assert_eq!((bid, ask), (px("50.098394"), px("50.148518")));
    exchange.submit(order("XOM", Side::Buy, "10", Kind::Market)).unwrap();
    assert_eq!(told(&exchange, 1), "filled 10@49.52475");
    // Still marked at the close everybody knows.
    assert_eq!(exchange.mark_of_holding(&xom).unwrap(), px("50.123456"));
    exchange.advance_to(at(CLOSE_3)).unwrap();
    assert_eq!(exchange.mark_of_holding(&xom).unwrap(), px("49.5"));
}

#[test]
fn a_limit_outside_of_the_quote_rests_and_fills_on_the_way() {
    let mut exchange = exchange(|_| {});
    exchange.advance_to(at(OPEN_3)).unwrap();
    exchange.submit(order("AAPL", Side::Buy, "10", Kind::Limit(px("143")))).unwrap();
    exchange.submit(order("AAPL", Side::Buy, "10", Kind::Limit(px("142.01")))).unwrap();
    assert_eq!(told(&exchange, 1), "new 0@-");
    exchange.advance_to(at("2019-01-03T20:59:00Z")).unwrap();
    assert_eq!(told(&exchange, 1), "filled 10@143");
    // The low is 142, the offer there 142.071.
    assert_eq!(told(&exchange, 2), "new 0@-");
    exchange.advance_to(at(CLOSE_3)).unwrap();
    assert_eq!(told(&exchange, 2), "expired 0@-");
    let fill = exchange.activities().iter().find_map(|a| match &a.entry {
        Entry::Fill(fill) => Some((a.stamp, fill.clone())),
        Entry::Deposit(_) | Entry::Fee { .. } | Entry::Posting(_) => None,
    });
    let (stamp, fill) = fill.unwrap();
    assert!(fill.reference <= px("143") && fill.reference >= px("142"));
    assert!(stamp > at("2019-01-03T17:00:00Z") && stamp < at("2019-01-03T19:00:00Z"));
}

#[test]
fn a_stop_wakes_when_it_is_touched() {
    let mut exchange = exchange(|config| config.refuse_wash_trades = false);
    exchange.advance_to(at(OPEN_3)).unwrap();
    exchange.submit(order("AAPL", Side::Buy, "10", Kind::Market)).unwrap();
    exchange.submit(order("AAPL", Side::Sell, "5", Kind::Stop(px("143")))).unwrap();
    let kind = Kind::StopLimit { stop: px("142.5"), limit: px("142.6") };
    exchange.submit(order("AAPL", Side::Sell, "5", kind)).unwrap();
    exchange.advance_to(at("2019-01-03T20:59:59Z")).unwrap();
    assert_eq!(told(&exchange, 2), "filled 5@142.9285");
    // Woken at 142.5, its limit is reached no more: the close is 142.5 as well.
    assert_eq!(told(&exchange, 3), "new 0@-");
}

#[test]
fn a_trailing_stop_follows_the_best_price() {
    let mut exchange = exchange(|_| {});
    exchange.advance_to(at(OPEN_3)).unwrap();
    exchange.submit(order("AAPL", Side::Buy, "10", Kind::Market)).unwrap();
    let trail = Kind::Trailing(Trail::Price(px("2")));
    exchange.submit(order("AAPL", Side::Sell, "10", trail)).unwrap();
    exchange.advance_to(at("2019-01-03T20:59:59Z")).unwrap();
    // The day closes below its open, so it goes to 145 first: the stop is at 143.
    assert_eq!(told(&exchange, 2), "filled 10@142.9285");
}

#[test]
fn orders_sent_while_closed_wait_for_the_opening() {
    let mut exchange = exchange(|_| {});
    let taken = exchange.submit(order("AAPL", Side::Buy, "10", Kind::Market)).unwrap();
    assert_eq!(taken.order.status, Status::Accepted);
    exchange.advance_to(at("2019-01-03T14:29:59Z")).unwrap();
    assert_eq!(told(&exchange, 1), "accepted 0@-");
    exchange.advance_to(at("2019-01-03T14:30:00Z")).unwrap();
    assert_eq!(told(&exchange, 1), "filled 10@144.072");
}

#[test]
fn auctions_and_immediate_orders() {
    let mut exchange = exchange(|_| {});
    let tif = |tif, kind| NewOrder { tif, ..order("AAPL", Side::Buy, "10", kind) };
    // Not before seven in the evening.
    assert!(matches!(exchange.submit(tif(Tif::Opg, Kind::Market)), Err(Refusal::Rule(_))));
    exchange.advance_to(at("2019-01-03T00:00:00Z")).unwrap();
    exchange.submit(tif(Tif::Opg, Kind::Market)).unwrap();
    exchange.submit(tif(Tif::Opg, Kind::Limit(px("140")))).unwrap();
    exchange.advance_to(at(OPEN_3)).unwrap();
    assert_eq!(told(&exchange, 1), "filled 10@144.072");
    assert_eq!(told(&exchange, 2), "canceled 0@-");
    assert!(matches!(exchange.submit(tif(Tif::Opg, Kind::Market)), Err(Refusal::Rule(_))));
    exchange.submit(tif(Tif::Ioc, Kind::Limit(px("144")))).unwrap();
    assert_eq!(told(&exchange, 3), "canceled 0@-");
    exchange.submit(tif(Tif::Cls, Kind::Market)).unwrap();
    assert_eq!(told(&exchange, 4), "new 0@-");
    exchange.advance_to(at(CLOSE_3)).unwrap();
    assert_eq!(told(&exchange, 4), "filled 10@142.5713");
}

#[test]
fn fills_stay_within_a_share_of_the_volume() {
    let mut exchange = exchange(|config| config.cash = "1000000".parse().unwrap());
    exchange.advance_to(at(OPEN_3)).unwrap();
    exchange.submit(order("AAPL", Side::Buy, "3000", Kind::Market)).unwrap();
    // 2.5 % of 90 000.
    assert_eq!(told(&exchange, 1), "partially_filled 2250@144.072");
    let fok = NewOrder { tif: Tif::Fok, ..order("AAPL", Side::Buy, "1", Kind::Market) };
    exchange.submit(fok).unwrap();
    assert_eq!(told(&exchange, 2), "canceled 0@-");
    exchange.advance_to(at(CLOSE_3)).unwrap();
    assert_eq!(told(&exchange, 1), "expired 2250@144.072");
}

#[test]
fn cash_never_goes_below_zero() {
    let mut exchange = exchange(|config| config.cash = "5300".parse().unwrap());
    // Quoted at 50.148518 and reserved with 4 % on top: 100 shares fit, and the open is lower.
    exchange.submit(order("XOM", Side::Buy, "100", Kind::Market)).unwrap();
    let more = order("XOM", Side::Buy, "2", Kind::Market);
    assert!(matches!(exchange.submit(more), Err(Refusal::BuyingPower { .. })));
    exchange.advance_to(at("2019-01-04T14:30:00Z")).unwrap();
    assert_eq!(told(&exchange, 1), "filled 100@49.52475");
    // On the fourth the price jumps past what is left.
    exchange.submit(order("XOM", Side::Buy, "6", Kind::Market)).unwrap();
    assert_eq!(told(&exchange, 2), "filled 6@51.0255");
    assert!(exchange.state().ledger.cash > Money::ZERO);
}

#[test]
fn what_cannot_be_paid_is_canceled() {
    let mut exchange = exchange(|config| {
        config.cash = "508.2".parse().unwrap();
        config.collar = atlas_core::Bps::ZERO;
    });
    exchange.advance_to(at("2019-01-04T14:30:00Z")).unwrap();
    // Quoted at 49.52475, traded at 51.0255.
    exchange.submit(order("XOM", Side::Buy, "10", Kind::Market)).unwrap();
    assert_eq!(told(&exchange, 1), "canceled 9@51.0255");
}

#[test]
fn fees_are_posted_at_the_close_and_held_back_before() {
    let mut exchange = exchange(|_| {});
    exchange.advance_to(at(OPEN_3)).unwrap();
    exchange.submit(order("AAPL", Side::Buy, "100", Kind::Market)).unwrap();
    exchange.submit(order("AAPL", Side::Sell, "100", Kind::Market)).unwrap();
    // 14 392.80 × 13 / 10^6 = 0.1871, and 100 × 0.000119 = 0.0119.
    let owed: Money = "0.21".parse().unwrap();
    assert_eq!(exchange.state().ledger.fees_owed().unwrap(), owed);
    let free = exchange.buying_power().unwrap();
    exchange.advance_to(at(CLOSE_3)).unwrap();
    assert_eq!(exchange.state().ledger.cash, free);
    assert_eq!(exchange.state().ledger.fees_owed().unwrap(), Money::ZERO);
    let fees: Vec<String> = exchange.activities()[3..]
        .iter()
        .map(|entry| entry.entry.cash_effect().to_string())
        .collect();
    assert_eq!(fees, ["-0.19", "-0.02"]);
}

#[test]
fn refusals_leave_nothing_behind() {
    let mut exchange = exchange(|_| {});
    let before = format!("{:?}{:?}", exchange.state(), exchange.orders());
    let mut check = |order: NewOrder, status: u16, code: i64| {
        let refusal = exchange.submit(order).unwrap_err();
        assert_eq!((refusal.status(), refusal.code()), (status, code), "{refusal:?}");
    };
    let buy = |qty, kind| order("AAPL", Side::Buy, qty, kind);
    check(buy("0", Kind::Market), 422, 40_010_001);
    check(buy("1", Kind::Limit(px("100.001"))), 422, 42_210_000);
    check(order("MSFT", Side::Buy, "1", Kind::Market), 422, 42_210_000);
    check(buy("10000", Kind::Market), 403, 40_310_000);
    check(order("AAPL", Side::Sell, "1", Kind::Market), 403, 40_310_000);
    check(NewOrder { tif: Tif::Gtc, ..buy("0.5", Kind::Market) }, 422, 42_210_000);
    check(buy("0.001", Kind::Market), 403, 40_310_000);
    let long = NewOrder { client_order_id: Some("x".repeat(129)), ..buy("1", Kind::Market) };
    check(long, 422, 40_010_001);
    assert_eq!(format!("{:?}{:?}", exchange.state(), exchange.orders()), before);
    // Units of an adjusted series take six decimals.
    exchange.submit(order("XOM", Side::Buy, "1", Kind::Limit(px("49.123456")))).unwrap();
}

#[test]
fn a_client_order_id_is_used_once_for_ever() {
    let mut exchange = exchange(|_| {});
    let named = NewOrder {
        client_order_id: Some("once".into()),
        ..order("AAPL", Side::Buy, "1", Kind::Limit(px("100")))
    };
    let taken = exchange.submit(named.clone()).unwrap();
    exchange.cancel(taken.order.id).unwrap();
    exchange.cancel(taken.order.id).unwrap();
    assert_eq!(exchange.submit(named), Err(Refusal::Duplicate));
    assert_eq!(exchange.order_by_client_id("once").unwrap().status, Status::Canceled);
}

#[test]
fn shares_in_open_sells_are_not_available() {
    let mut exchange = exchange(|_| {});
    exchange.advance_to(at(OPEN_3)).unwrap();
    exchange.submit(order("AAPL", Side::Buy, "10", Kind::Market)).unwrap();
    exchange.submit(order("AAPL", Side::Sell, "8", Kind::Limit(px("150")))).unwrap();
    let refusal = exchange.submit(order("AAPL", Side::Sell, "3", Kind::Market)).unwrap_err();
    let extras = refusal.extras();
    assert_eq!(extras.available.as_deref(), Some("2"));
    assert_eq!(extras.related_orders.len(), 1);
    let wash = exchange.submit(order("AAPL", Side::Buy, "1", Kind::Market)).unwrap_err();
    assert!(matches!(wash, Refusal::WashTrade { is_limit: true, .. }));
    exchange.submit(order("AAPL", Side::Buy, "1", Kind::Limit(px("140")))).unwrap();
}

#[test]
fn money_orders_buy_fractions() {
    let mut exchange = exchange(|config| config.costs = CostModel::free());
    exchange.advance_to(at(OPEN_3)).unwrap();
    let size = Size::Notional("1000".parse().unwrap());
    exchange.submit(NewOrder { size, ..order("AAPL", Side::Buy, "1", Kind::Market) }).unwrap();
    assert_eq!(told(&exchange, 1), "filled 6.944444444@144");
}

#[test]
fn a_limited_order_fills_in_part_and_goes_on_the_next_day() {
    let mut exchange = exchange(|_| {});
    exchange.advance_to(at(OPEN_3)).unwrap();
    exchange.limit_next_order("0.5".parse().unwrap());
    let gtc = NewOrder { tif: Tif::Gtc, ..order("AAPL", Side::Buy, "9", Kind::Market) };
    exchange.submit(gtc).unwrap();
    assert_eq!(told(&exchange, 1), "partially_filled 4@144.072");
    exchange.advance_to(at(CLOSE_3)).unwrap();
    assert_eq!(told(&exchange, 1), "partially_filled 4@144.072");
    exchange.advance_to(at("2019-01-04T14:30:00Z")).unwrap();
    assert_eq!(exchange.order(1).unwrap().status, Status::Filled);
}

#[test]
fn an_order_whose_cancellation_is_to_come_can_fill() {
    let mut exchange = exchange(|config| config.costs = CostModel::free());
    exchange.advance_to(at(OPEN_3)).unwrap();
    // The day falls to 142 and more.
    exchange.submit(order("AAPL", Side::Buy, "1", Kind::Limit(px("143.9")))).unwrap();
    exchange.submit(order("AAPL", Side::Buy, "1", Kind::Limit(px("100")))).unwrap();
    let ids = [exchange.order(1).unwrap().id, exchange.order(2).unwrap().id];
    let state = |exchange: &Exchange, seq| {
        let order = exchange.order(seq).unwrap();
        (order.status_text(), order.core_status())
    };
    for id in ids {
        exchange.begin_cancel(id).unwrap();
        exchange.begin_cancel(id).unwrap();
    }
    let pending = ("pending_cancel", atlas_core::OrderStatus::PendingCancel);
    assert_eq!((state(&exchange, 1), state(&exchange, 2)), (pending, pending));
    exchange.advance_to(at("2019-01-03T20:59:00Z")).unwrap();
    assert_eq!(state(&exchange, 1), ("filled", atlas_core::OrderStatus::Filled));
    assert!(matches!(exchange.begin_cancel(ids[0]), Err(Refusal::Ended { .. })));
    exchange.cancel(ids[1]).unwrap();
    assert_eq!(state(&exchange, 2), ("canceled", atlas_core::OrderStatus::Canceled));
    assert!(exchange.begin_cancel(uuid::Uuid::nil()).is_err());
}

#[test]
fn a_limit_meant_for_the_next_order_waits_for_one_of_shares() {
    let mut exchange = exchange(|config| config.costs = CostModel::free());
    exchange.advance_to(at(OPEN_3)).unwrap();
    exchange.limit_next_order("0.5".parse().unwrap());
    let size = Size::Notional("144".parse().unwrap());
    exchange.submit(NewOrder { size, ..order("AAPL", Side::Buy, "1", Kind::Market) }).unwrap();
    exchange.submit(order("AAPL", Side::Buy, "10", Kind::Market)).unwrap();
    assert_eq!(
        (told(&exchange, 1), told(&exchange, 2)),
        ("filled 1@144".to_owned(), "partially_filled 5@144".to_owned())
    );
}

#[test]
fn the_account_day_by_day() {
    let mut exchange = exchange(|config| config.costs = CostModel::free());
    exchange.advance_to(at(OPEN_3)).unwrap();
    exchange.submit(order("AAPL", Side::Buy, "100", Kind::Market)).unwrap();
    exchange.advance_to(at("2019-01-04T21:00:00Z")).unwrap();
    let days = exchange.past().day_ends().unwrap();
    let told: Vec<String> = days.iter().map(|day| format!("{} {}", day.date, day.equity)).collect();
    // Bought at 144, closed at 142.5 and 148; the deposit came after the close of the second.
    assert_eq!(told, ["2019-01-02 100000", "2019-01-03 99850", "2019-01-04 100400"]);
    assert_eq!(exchange.state().last_equity, days[2].equity);
}

#[test]
fn one_order_in_ten_trades_in_two_executions_on_paper() {
    let mut config = VenueConfig::alpaca_paper(at(OPEN_3));
    config.cash = "10000000".parse().unwrap();
    let mut exchange = Exchange::new(config, listings()).unwrap();
    for _ in 0..300 {
        exchange.submit(order("AAPL", Side::Buy, "100", Kind::Market)).unwrap();
    }
    assert!(exchange.orders().iter().all(|order| order.status == Status::Filled));
    let fills = exchange.activities().len() - 1;
    assert!((310..360).contains(&fills), "{fills}");
    assert_eq!(exchange.state().ledger.cash, "5680000".parse().unwrap());
}

#[test]
fn the_clock_only_moves_forward() {
    let mut exchange = exchange(|_| {});
    exchange.advance_to(at(OPEN_3)).unwrap();
    let back = exchange.advance_to(at("2019-01-03T14:34:59Z"));
    assert!(matches!(back, Err(Error::ClockBackwards { .. })));
    assert!(exchange.advance_to(at("2031-01-03T14:34:59Z")).is_err());
    assert_eq!(exchange.now(), at(OPEN_3));
}

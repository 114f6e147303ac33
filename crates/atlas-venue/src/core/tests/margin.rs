//! Accounts on credit: buying power, short positions, interest, liquidation, day trading.

use atlas_core::Side;

use super::{CLOSE_3, OPEN_3, at, listings, order, px, told};
use crate::core::*;
use crate::{AccountRules, CostModel, VenueConfig};

/// A margin account without costs of trading, in the opening phase of the third of January.
fn margin(change: impl FnOnce(&mut VenueConfig)) -> Exchange {
    let mut config = VenueConfig::realistic(at("2019-01-02T22:00:00Z"));
    config.account = AccountRules::MARGIN;
    config.costs = CostModel::free();
    config.participation = None;
    change(&mut config);
    let mut exchange = Exchange::new(config, listings()).unwrap();
    exchange.advance_to(at(OPEN_3)).unwrap();
    exchange
}

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn forbidden(refusal: &Refusal) -> bool {
    (refusal.status(), refusal.code()) == (403, 40_310_000)
}

#[test]
fn buying_power_is_twice_the_excess() {
    let mut exchange = margin(|_| {});
    assert_eq!(exchange.buying_power().unwrap(), money("200000"));
    exchange.submit(order("AAPL", Side::Buy, "1000", Kind::Market)).unwrap();
    let standing = exchange.standing().unwrap();
    assert_eq!(standing.cash, money("-44000"));
    assert_eq!(standing.initial_margin, money("72000"));
    assert_eq!(standing.maintenance_margin, money("43200"));
    assert_eq!(standing.buying_power, money("56000"));
    assert_eq!(standing.non_marginable_buying_power, money("28000"));
    // Units of an adjusted series cannot be held on credit.
    let units = order("XOM", Side::Buy, "700", Kind::Limit(px("50")));
    assert!(matches!(exchange.submit(units), Err(Refusal::BuyingPower { .. })));
    let rest = order("AAPL", Side::Buy, "400", Kind::Limit(px("139")));
    exchange.submit(rest).unwrap();
    assert_eq!(exchange.buying_power().unwrap(), money("400"));
}

#[test]
fn four_times_the_equity_within_a_day() {
    let mut exchange = margin(|config| config.account = AccountRules::PAPER);
    assert_eq!(exchange.buying_power().unwrap(), money("400000"));
    exchange.submit(order("AAPL", Side::Buy, "2000", Kind::Market)).unwrap();
    assert_eq!(exchange.buying_power().unwrap(), money("112000"));
    exchange.submit(order("AAPL", Side::Sell, "1000", Kind::Market)).unwrap();
    assert_eq!(exchange.buying_power().unwrap(), money("256000"));
    exchange.advance_to(at(CLOSE_3)).unwrap();
    // 98 500 of equity, 142 500 of stock that needs 30 %.
    assert_eq!(exchange.buying_power().unwrap(), money("223000"));
}

#[test]
fn a_small_account_is_a_cash_account() {
    let mut exchange = margin(|config| config.cash = "1999".parse().unwrap());
    assert_eq!(exchange.standing().unwrap().multiplier, Multiplier::One);
    assert_eq!(exchange.buying_power().unwrap(), money("1999"));
    assert!(forbidden(&exchange.submit(order("AAPL", Side::Sell, "1", Kind::Market)).unwrap_err()));
}

#[test]
fn a_short_position_from_its_sale_to_its_cover() {
    let mut exchange = margin(|_| {});
    exchange.submit(order("AAPL", Side::Sell, "100", Kind::Market)).unwrap();
    assert_eq!(told(&exchange, 1), "filled 100@144");
    let standing = exchange.standing().unwrap();
    assert_eq!((standing.cash, standing.short), (money("114400"), money("-14400")));
    assert_eq!((standing.equity, standing.long), (money("100000"), Money::ZERO));
    assert_eq!(standing.maintenance_margin, money("4320"));
    assert_eq!(standing.buying_power, money("185600"));
    assert_eq!(exchange.order(1).unwrap().holds(), Shares::ZERO);
    // More cannot be bought back than is owed, and what is offered counts.
    let cover = |qty| order("AAPL", Side::Buy, qty, Kind::Limit(px("143")));
    assert!(matches!(exchange.submit(cover("101")), Err(Refusal::QtyAvailable { .. })));
    exchange.submit(cover("60")).unwrap();
    assert!(matches!(exchange.submit(cover("41")), Err(Refusal::QtyAvailable { .. })));
    exchange.submit(cover("40")).unwrap();
    assert_eq!(exchange.reserved, Money::ZERO);
    exchange.advance_to(at("2019-01-03T20:59:00Z")).unwrap();
    assert_eq!(exchange.state().ledger.position(&"AAPL".parse().unwrap()), Delta::ZERO);
    assert_eq!(exchange.state().ledger.cash, money("100100"));
}

#[test]
fn shorts_need_permission_whole_shares_and_somebody_who_lends() {
    let sale = |qty| order("AAPL", Side::Sell, qty, Kind::Market);
    let mut barred = margin(|config| config.account.shorting = false);
    assert!(forbidden(&barred.submit(sale("1")).unwrap_err()));
    let mut exchange = margin(|_| {});
    assert!(forbidden(&exchange.submit(sale("0.5")).unwrap_err()));
    assert!(forbidden(&exchange.submit(order("XOM", Side::Sell, "1", Kind::Market)).unwrap_err()));
    // Reserved at 1.03 times the ask: 148.32 a share.
    let too_many = exchange.submit(sale("1349")).unwrap_err();
    assert!(matches!(too_many, Refusal::BuyingPower { .. }), "{too_many:?}");
    exchange.submit(sale("1348")).unwrap();
    let [aapl, xom] = listings();
    let mut config = VenueConfig::realistic(at(OPEN_3));
    config.account = AccountRules::MARGIN;
    let mut unlent = Exchange::new(config, [aapl.not_shortable(), xom]).unwrap();
    assert!(forbidden(&unlent.submit(sale("1")).unwrap_err()));
}

#[test]
fn no_order_turns_a_position_around() {
    let mut exchange = margin(|_| {});
    exchange.submit(order("AAPL", Side::Buy, "10", Kind::Limit(px("130")))).unwrap();
    // Flat, with a buy that would open a long position.
    let short = order("AAPL", Side::Sell, "10", Kind::Limit(px("160")));
    let refusal = exchange.submit(short).unwrap_err();
    assert!(forbidden(&refusal) && refusal.message().contains("long buy order is open"));
    exchange.submit(order("AAPL", Side::Buy, "5", Kind::Market)).unwrap();
    let over = exchange.submit(order("AAPL", Side::Sell, "6", Kind::Limit(px("150"))));
    assert!(matches!(over, Err(Refusal::QtyAvailable { .. })));
}

#[test]
fn a_bracket_around_a_short_position() {
    let mut exchange = margin(|_| {});
    let bracket = |gain, loss| NewOrder {
        class: Class::Bracket,
        take_profit: Some(px(gain)),
        stop_loss: Some((px(loss), None)),
        ..order("AAPL", Side::Sell, "10", Kind::Market)
    };
    assert!(matches!(exchange.submit(bracket("150", "140")), Err(Refusal::Exits { .. })));
    let taken = exchange.submit(bracket("142.5", "150")).unwrap();
    assert!(taken.legs.iter().all(|leg| leg.side == Side::Buy && leg.is_closing()));
    exchange.advance_to(at("2019-01-03T20:59:00Z")).unwrap();
    assert_eq!(told(&exchange, 2), "filled 10@142.5");
    assert_eq!(told(&exchange, 3), "canceled 0@-");
    assert_eq!(exchange.state().ledger.cash, money("100015"));
}

#[test]
fn a_touched_buy_stop_pays_no_more_than_its_guard() {
    let touched = |protect: bool| {
        let mut exchange = margin(|config| config.account.protect_buy_stops = protect);
        exchange.advance_to(at(CLOSE_3)).unwrap();
        // Opens at 144.5, far above the stop.
        let stop =
            NewOrder { tif: Tif::Gtc, ..order("AAPL", Side::Buy, "10", Kind::Stop(px("140"))) };
        exchange.submit(stop).unwrap();
        exchange.advance_to(at("2019-01-04T14:35:00Z")).unwrap();
        told(&exchange, 1)
    };
    // 140 and 2.5 %: 143.50, which the day reaches later.
    assert_eq!(touched(true), "new 0@-");
    assert_eq!(touched(false), "filled 10@144.5");
}

#[test]
fn interest_on_borrowed_money_by_the_day_it_settles() {
    let mut exchange = margin(|_| {});
    exchange.submit(order("AAPL", Side::Buy, "1000", Kind::Market)).unwrap();
    exchange.advance_to(at(CLOSE_3)).unwrap();
    // Bought on Thursday, settled on Monday: nothing yet.
    assert_eq!(exchange.standing().unwrap().owed, Money::ZERO);
    exchange.advance_to(at("2019-01-07T21:00:00Z")).unwrap();
    // 44 000 × 12 % / 360 = 14.666…, rounded up as it would be posted.
    assert_eq!(exchange.standing().unwrap().owed, money("14.67"));
    assert_eq!(exchange.state().ledger.cash, money("-44000"));
    exchange.advance_to(at("2019-01-31T21:00:00Z")).unwrap();
    // 25 nights from the 7th to the 1st of February.
    let last = exchange.activities().last().unwrap().entry.clone();
    assert_eq!(last.cash_effect(), money("-366.67"));
    let Entry::Posting(posting) = last else { panic!("{last:?}") };
    assert_eq!(posting.kind, PostingKind::MarginInterest);
    assert_eq!(exchange.standing().unwrap().owed, Money::ZERO);
}

#[test]
fn borrowed_shares_cost_and_idle_cash_earns() {
    let mut exchange = margin(|config| config.carry.idle = atlas_core::Bps::from_int(360));
    exchange.submit(order("AAPL", Side::Sell, "100", Kind::Market)).unwrap();
    exchange.advance_to(at(CLOSE_3)).unwrap();
    // 14 250 × 3 % / 360 = 1.1875 for a night; 100 000 − 14 250 of settled cash earns 8.575.
    assert_eq!(exchange.standing().unwrap().owed, money("1.19"));
    exchange.advance_to(at("2019-01-04T21:00:00Z")).unwrap();
    // Three nights at 14 800 more.
    assert_eq!(exchange.standing().unwrap().owed, money("4.89"));
    exchange.advance_to(at("2019-02-01T21:00:00Z")).unwrap();
    let kinds: Vec<PostingKind> = exchange
        .activities()
        .iter()
        .filter_map(|activity| match &activity.entry {
            Entry::Posting(posting) => Some(posting.kind),
            Entry::Fill(_) | Entry::Deposit(_) | Entry::Fee { .. } => None,
        })
        .collect();
    assert_eq!(kinds, [PostingKind::BorrowFee, PostingKind::CashInterest]);
}

#[test]
fn unsettled_money_can_be_held_back() {
    let cash = |spend| {
        let mut exchange = margin(|config| {
            config.account = AccountRules { spend_unsettled: spend, ..AccountRules::CASH };
            config.cash = "15000".parse().unwrap();
        });
        exchange.submit(order("AAPL", Side::Buy, "100", Kind::Market)).unwrap();
        exchange.submit(order("AAPL", Side::Sell, "100", Kind::Market)).unwrap();
        exchange
    };
    assert_eq!(cash(true).buying_power().unwrap(), money("15000"));
    let mut exchange = cash(false);
    assert_eq!(exchange.buying_power().unwrap(), money("600"));
    exchange.advance_to(at("2019-01-07T21:00:00Z")).unwrap();
    assert_eq!(exchange.buying_power().unwrap(), money("15000"));
}

#[test]
fn an_account_below_its_margin_is_closed_out_at_the_opening() {
    let mut exchange = margin(|config| {
        config.cash = "10000".parse().unwrap();
        config.account.multiplier = Multiplier::Four;
        config.account.day_trading_rules = false;
    });
    exchange.submit(order("AAPL", Side::Buy, "266", Kind::Market)).unwrap();
    exchange.submit(order("AAPL", Side::Buy, "1", Kind::Limit(px("100")))).unwrap();
    exchange.advance_to(at("2019-01-04T14:29:00Z")).unwrap();
    // 9 601 of equity against 11 371.50, and 10 133 against 11 531.10 at the opening.
    assert_eq!(exchange.open_orders().count(), 0);
    exchange.advance_to(at("2019-01-04T14:30:00Z")).unwrap();
    let last = exchange.orders().last().unwrap();
    assert!(last.client_order_id.starts_with("liquidation-"), "{last:?}");
    assert_eq!(told(&exchange, 3), "filled 266@144.5");
    assert_eq!(exchange.state().ledger.cash, money("10133"));
    assert!(exchange.state().ledger.holdings.is_empty());
}

#[test]
fn the_fourth_day_trade_within_five_sessions_is_refused() {
    let small = |config: &mut VenueConfig| config.cash = "20000".parse().unwrap();
    let mut exchange = margin(small);
    let trade = |exchange: &mut Exchange, side| {
        exchange.submit(order("AAPL", side, "1", Kind::Market)).map(|_| ())
    };
    trade(&mut exchange, Side::Buy).unwrap();
    trade(&mut exchange, Side::Sell).unwrap();
    let seen = &exchange.state().margin.day_trades;
    assert_eq!(seen.len(), 1);
    // Once more on the same day is the same day trade.
    trade(&mut exchange, Side::Buy).unwrap();
    trade(&mut exchange, Side::Sell).unwrap();
    assert_eq!(exchange.state().margin.day_trades.len(), 1);
    assert_eq!(exchange.pattern(), (1, false));
    let made = exchange.state().margin.day_trades[0].clone();
    exchange.state.margin.day_trades =
        vec![made.clone(), (made.0, "A".parse().unwrap()), (made.0, "B".parse().unwrap())];
    assert_eq!(exchange.pattern(), (3, false));
    exchange.advance_to(at("2019-01-04T14:35:00Z")).unwrap();
    trade(&mut exchange, Side::Buy).unwrap();
    let refusal = trade(&mut exchange, Side::Sell).unwrap_err();
    assert_eq!((refusal.status(), refusal.code()), (403, 40_310_100));
    let made = exchange.state.margin.day_trades[0].clone();
    exchange.state.margin.day_trades.push((made.0, "C".parse().unwrap()));
    assert_eq!(exchange.pattern(), (4, true));
    // Overnight it is no day trade any more, and after five sessions the old ones are forgotten.
    exchange.advance_to(at("2019-01-09T21:00:00Z")).unwrap();
    assert!(exchange.state().margin.day_trades.is_empty());
}

#[test]
fn a_halted_symbol_does_not_trade() {
    let mut exchange = margin(|_| {});
    let aapl = "AAPL".parse().unwrap();
    exchange.halt(&aapl, true).unwrap();
    exchange.submit(order("AAPL", Side::Buy, "10", Kind::Market)).unwrap();
    let ioc = NewOrder { tif: Tif::Ioc, ..order("AAPL", Side::Buy, "10", Kind::Market) };
    exchange.submit(ioc).unwrap();
    exchange.advance_to(at("2019-01-03T15:30:00Z")).unwrap();
    assert_eq!(told(&exchange, 1), "new 0@-");
    assert_eq!(told(&exchange, 2), "canceled 0@-");
    exchange.halt(&aapl, false).unwrap();
    assert_eq!(exchange.order(1).unwrap().status, Status::Filled);
    assert!(exchange.halt(&"NONE".parse().unwrap(), true).is_err());
}

#[test]
fn an_intraday_deficit_left_alone_freezes_the_account() {
    use atlas_core::bars::{Bars, Columns};
    let from = "2026-06-08".parse().unwrap();
    let sessions = atlas_core::calendar::Calendar::nyse();
    let sessions: Vec<_> =
        sessions.sessions(from, atlas_core::calendar::Calendar::LAST).unwrap().take(12).collect();
    // Falls by a fifth after the first session.
    let close: Vec<f64> = (0..12).map(|row| if row == 0 { 100.0 } else { 80.0 }).collect();
    let columns = Columns {
        dates: sessions.iter().map(|session| session.date).collect(),
        open: close.clone(),
        high: close.clone(),
        low: close.clone(),
        close,
        ..Columns::default()
    };
    let bars: Bars<atlas_core::Raw> = Bars::new("AAPL".parse().unwrap(), columns).unwrap();
    let mut config = VenueConfig::realistic(sessions[0].open);
    config.cash = "10000".parse().unwrap();
    config.costs = CostModel::free();
    config.carry = Carry::FREE;
    config.account =
        AccountRules { multiplier: Multiplier::Four, liquidation: false, ..AccountRules::MARGIN };
    let mut exchange = Exchange::new(config, [Listing::raw(bars)]).unwrap();
    assert_eq!(exchange.pattern(), (0, false));
    // The old rule would have left a small account twice its equity.
    assert_eq!(exchange.buying_power().unwrap(), money("40000"));
    exchange.submit(order("AAPL", Side::Buy, "330", Kind::Market)).unwrap();
    exchange.advance_to(sessions[1].close).unwrap();
    // 3 400 of equity against 7 920.
    assert_eq!(exchange.state().margin.deficit_since, Some(sessions[1].date));
    exchange.advance_to(sessions[5].close).unwrap();
    assert_eq!(exchange.state().margin.frozen_until, None);
    exchange.advance_to(sessions[7].open).unwrap();
    let until = sessions[6].date + chrono::TimeDelta::days(90);
    assert_eq!(exchange.state().margin.frozen_until, Some(until));
    let refusal = exchange.submit(order("AAPL", Side::Buy, "1", Kind::Limit(px("10"))));
    assert!(forbidden(&refusal.unwrap_err()));
    // What reduces stays possible, and meeting the deficit ends it.
    exchange.submit(order("AAPL", Side::Sell, "300", Kind::Market)).unwrap();
    exchange.advance_to(sessions[8].open).unwrap();
    assert_eq!(exchange.state().margin.frozen_until, None);
}

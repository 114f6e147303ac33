//! What companies do to their shares.

use atlas_core::bars::{Bars, Columns};
use atlas_core::{Bps, Raw, Side};

use super::{at, order, px, told};
use crate::core::*;
use crate::{AccountRules, CostModel, Error, VenueConfig};

const OPEN_2: &str = "2019-01-02T14:35:00Z";
const OPEN_3: &str = "2019-01-03T14:35:00Z";
const OPEN_4: &str = "2019-01-04T14:35:00Z";

/// Three sessions whose prices stand still at `prices`.
fn still(symbol: &str, prices: [f64; 3]) -> Listing {
    let dates = ["2019-01-02", "2019-01-03", "2019-01-04"].map(|d| d.parse().unwrap());
    let prices = prices.to_vec();
    let bars: Bars<Raw> = Bars::new(
        symbol.parse().unwrap(),
        Columns {
            dates: dates.into(),
            open: prices.clone(),
            high: prices.clone(),
            low: prices.clone(),
            close: prices,
            ..Columns::default()
        },
    )
    .unwrap();
    Listing::raw(bars)
}

fn on_third(kind: ActionKind) -> CorporateAction {
    CorporateAction { date: "2019-01-03".parse().unwrap(), kind }
}

/// An account in the opening phase of the second, holding ten shares, or owing them.
fn holding(listings: impl IntoIterator<Item = Listing>, side: Side) -> Exchange {
    let mut config = VenueConfig::realistic(at(OPEN_2));
    config.costs = CostModel::free();
    config.account = AccountRules::MARGIN;
    config.carry = Carry::FREE;
    let mut exchange = Exchange::new(config, listings).unwrap();
    exchange.submit(order("OLD", side, "10", Kind::Market)).unwrap();
    exchange
}

fn gtc(side: Side, qty: &str, kind: Kind) -> NewOrder {
    NewOrder { tif: Tif::Gtc, ..order("OLD", side, qty, kind) }
}

fn position(exchange: &Exchange, symbol: &str) -> String {
    exchange.state().ledger.position(&symbol.parse().unwrap()).to_string()
}

#[test]
fn a_split_multiplies_shares_and_divides_prices() {
    for (side, qty, after) in [(Side::Buy, "10", "25"), (Side::Sell, "-10", "-25")] {
        let split = on_third(ActionKind::Split { new: 5, old: 2 });
        let listing = still("OLD", [100.0, 40.0, 40.0]).with_actions([split]).unwrap();
        let mut exchange = holding([listing], side);
        assert_eq!(position(&exchange, "OLD"), qty);
        let (other, limit) =
            if side == Side::Buy { (Side::Sell, "120.01") } else { (Side::Buy, "80.01") };
        exchange.submit(gtc(other, "5", Kind::Limit(px(limit)))).unwrap();
        let equity = exchange.equity().unwrap();
        exchange.advance_to(at(OPEN_3)).unwrap();
        assert_eq!(position(&exchange, "OLD"), after);
        assert_eq!(exchange.equity().unwrap(), equity);
        let order = exchange.order(2).unwrap();
        assert_eq!(order.qty().unwrap().to_string(), "12");
        // 48.004 up for a sale, 32.004 down for a buy.
        let limit = if side == Side::Buy { "48.01" } else { "32" };
        assert_eq!(order.kind.limit(), Some(px(limit)));
    }
}

#[test]
fn a_reverse_split_cancels_open_orders() {
    let split = on_third(ActionKind::Split { new: 1, old: 4 });
    let listing = still("OLD", [10.0, 40.0, 40.0]).with_actions([split]).unwrap();
    let mut exchange = holding([listing], Side::Buy);
    exchange.submit(gtc(Side::Buy, "5", Kind::Limit(px("9")))).unwrap();
    exchange.advance_to(at(OPEN_3)).unwrap();
    assert_eq!(position(&exchange, "OLD"), "2.5");
    assert_eq!(told(&exchange, 2), "canceled 0@-");
    assert_eq!(exchange.reserved, Money::ZERO);
}

#[test]
fn dividends_are_received_and_owed_on_their_pay_date() {
    // Rounded to the cent against the account: 3.333.
    for (side, amount, owed) in [(Side::Buy, "3.33", "0"), (Side::Sell, "-3.34", "3.34")] {
        let dividend = on_third(ActionKind::Dividend {
            per_share: px("0.3333"),
            pay_date: Some("2019-01-04".parse().unwrap()),
        });
        let listing = still("OLD", [100.0; 3]).with_actions([dividend]).unwrap();
        let mut exchange = holding([listing], side);
        exchange.submit(gtc(Side::Buy, "5", Kind::Limit(px("90")))).unwrap();
        let cash = exchange.state().ledger.cash;
        exchange.advance_to(at(OPEN_3)).unwrap();
        assert_eq!(exchange.state().ledger.cash, cash);
        let (amount, owes): (Money, Money) = (amount.parse().unwrap(), owed.parse().unwrap());
        assert_eq!(exchange.standing().unwrap().owed, owes);
        assert_eq!(exchange.order(2).unwrap().kind, Kind::Limit(px("89.66")));
        exchange.advance_to(at(OPEN_4)).unwrap();
        assert_eq!(exchange.state().ledger.cash, cash.plus(amount).unwrap());
        assert_eq!(exchange.standing().unwrap().owed, Money::ZERO);
    }
}

#[test]
fn another_symbol_for_the_same_shares() {
    let rename = on_third(ActionKind::Rename { to: "NEW".parse().unwrap() });
    let old = still("OLD", [100.0; 3]).with_actions([rename]).unwrap();
    assert!(matches!(
        Exchange::new(VenueConfig::realistic(at(OPEN_2)), [old.clone()]),
        Err(Error::NotListed { symbol }) if symbol == "NEW"
    ));
    let mut exchange = holding([old, still("NEW", [100.0; 3])], Side::Buy);
    exchange.submit(gtc(Side::Sell, "4", Kind::Limit(px("110")))).unwrap();
    exchange.advance_to(at(OPEN_3)).unwrap();
    assert_eq!(
        (position(&exchange, "OLD").as_str(), position(&exchange, "NEW").as_str()),
        ("0", "10")
    );
    assert_eq!(exchange.order(2).unwrap().symbol, "NEW".parse().unwrap());
    assert_eq!(exchange.held_for_sells(&"NEW".parse().unwrap()).unwrap().0, "4".parse().unwrap());
    let cost = exchange.state().ledger.holdings[&"NEW".parse().unwrap()].cost;
    assert_eq!(cost, "1000".parse().unwrap());
    assert!(matches!(exchange.submit(gtc(Side::Buy, "1", Kind::Market)), Err(Refusal::Rule(_))));
}

#[test]
fn a_delisted_position_is_worth_its_stated_return() {
    for (side, bps, amount) in [(Side::Buy, -3_000, "700"), (Side::Sell, -10_000, "0")] {
        let kind = ActionKind::Delisting { delisting_return: Bps::from_int(bps) };
        let listing = still("OLD", [100.0; 3]).with_actions([on_third(kind)]).unwrap();
        let mut exchange = holding([listing], side);
        exchange.submit(gtc(Side::Buy, "5", Kind::Limit(px("90")))).unwrap();
        let before = exchange.state().ledger.cash;
        exchange.advance_to(at(OPEN_3)).unwrap();
        assert_eq!(position(&exchange, "OLD"), "0");
        let amount: Money = amount.parse().unwrap();
        assert_eq!(exchange.state().ledger.cash, before.plus(amount).unwrap());
        assert_eq!(told(&exchange, 2), "canceled 0@-");
        let refused = exchange.submit(gtc(Side::Buy, "1", Kind::Market));
        assert!(matches!(refused, Err(Refusal::Rule(_))));
    }
}

#[test]
fn actions_that_make_no_sense_are_refused() {
    let with = |kind| still("OLD", [100.0; 3]).with_actions([on_third(kind)]);
    assert!(with(ActionKind::Split { new: 2, old: 0 }).is_err());
    assert!(with(ActionKind::Split { new: 2, old: 2 }).is_err());
    assert!(with(ActionKind::Delisting { delisting_return: Bps::from_int(-10_001) }).is_err());
}

#[test]
fn actions_before_the_account_was_opened_are_past() {
    let split = CorporateAction {
        date: "2019-01-02".parse().unwrap(),
        kind: ActionKind::Split { new: 2, old: 1 },
    };
    let listing = still("OLD", [100.0; 3]).with_actions([split]).unwrap();
    let mut exchange = holding([listing], Side::Buy);
    exchange.advance_to(at(OPEN_3)).unwrap();
    assert_eq!(position(&exchange, "OLD"), "10");
}

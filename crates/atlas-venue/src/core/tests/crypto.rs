//! Crypto: around the clock, for cash, with its fee in what is credited.

use atlas_core::bars::{Bars, Columns};
use atlas_core::{Raw, Side};

use super::{at, order, px, told};
use crate::core::*;
use crate::costs::CryptoFees;
use crate::{AccountRules, CostModel, VenueConfig};

/// Three UTC days over a weekend, with ranges.
fn bitcoin() -> Listing {
    let dates = ["2019-01-04", "2019-01-05", "2019-01-06"].map(|d| d.parse().unwrap());
    let bars: Bars<Raw> = Bars::new(
        "BTC/USD".parse().unwrap(),
        Columns {
            dates: dates.into(),
            open: vec![3_800.0, 3_850.0, 3_820.0],
            high: vec![3_900.0, 3_900.0, 4_100.0],
            low: vec![3_700.0, 3_800.0, 3_800.0],
            close: vec![3_850.0, 3_820.0, 4_050.0],
            volume: vec![12.5, 0.5, 20.0],
            ..Columns::default()
        },
    )
    .unwrap();
    let rules =
        CryptoRules { min_trade_increment: "0.0001".parse().unwrap(), price_increment: px("0.01") };
    Listing::crypto(bars, rules).unwrap()
}

/// An account on Saturday morning, when the exchange is closed.
fn saturday(change: impl FnOnce(&mut VenueConfig)) -> Exchange {
    let mut config = VenueConfig::realistic(at("2019-01-05T00:10:00Z"));
    config.costs = CostModel::free();
    config.participation = None;
    change(&mut config);
    let mut exchange = Exchange::new(config, [bitcoin()]).unwrap();
    exchange.watch();
    exchange
}

fn coin(side: Side, qty: &str, kind: Kind, tif: Tif) -> NewOrder {
    NewOrder { tif, ..order("BTC/USD", side, qty, kind) }
}

#[test]
fn it_trades_while_the_exchange_is_closed_and_pays_in_kind() {
    let mut exchange = saturday(|_| {});
    exchange.submit(coin(Side::Buy, "2", Kind::Market, Tif::Gtc)).unwrap();
    assert_eq!(told(&exchange, 1), "filled 2@3850");
    let held = |exchange: &Exchange| {
        exchange.state().ledger.position(&"BTC/USD".parse().unwrap()).to_string()
    };
    // 25 bps of what is received.
    assert_eq!(held(&exchange), "1.995");
    assert_eq!(exchange.state().ledger.cash, "92300".parse().unwrap());
    let over = exchange.submit(coin(Side::Sell, "2", Kind::Market, Tif::Gtc));
    assert!(matches!(over, Err(Refusal::QtyAvailable { .. })));
    exchange.submit(coin(Side::Sell, "1", Kind::Market, Tif::Ioc)).unwrap();
    // 3 850 less 9.625, rounded up to the cent.
    assert_eq!(exchange.state().ledger.cash, "96140.37".parse().unwrap());
    assert_eq!(held(&exchange), "0.995");
}

#[test]
fn resting_orders_meet_prices_across_midnight() {
    let mut exchange = saturday(|_| {});
    exchange.submit(coin(Side::Buy, "1", Kind::Limit(px("3810")), Tif::Gtc)).unwrap();
    exchange.submit(coin(Side::Buy, "0.1", Kind::Limit(px("3799")), Tif::Gtc)).unwrap();
    let stop = Kind::StopLimit { stop: px("4000"), limit: px("4000") };
    exchange
        .submit(NewOrder { side: Side::Buy, ..coin(Side::Buy, "0.1", stop, Tif::Gtc) })
        .unwrap();
    exchange.advance_to(at("2019-01-05T23:59:00Z")).unwrap();
    assert_eq!(told(&exchange, 1), "filled 1@3810");
    // It rested: 15 bps of the coin instead of 25.
    let held = exchange.state().ledger.position(&"BTC/USD".parse().unwrap());
    assert_eq!(held.to_string(), "0.9985");
    assert_eq!(told(&exchange, 3), "new 0@-");
    exchange.advance_to(at("2019-01-06T23:59:00Z")).unwrap();
    assert_eq!(told(&exchange, 2), "new 0@-");
    assert_eq!(told(&exchange, 3), "filled 0.1@4000");
    let stamp = exchange.activities().last().unwrap().stamp;
    assert!(stamp > at("2019-01-06T00:00:00Z") && stamp < at("2019-01-06T23:00:00Z"), "{stamp}");
    // gtc orders outlive the exchange's closes.
    exchange.advance_to(at("2019-01-08T21:00:00Z")).unwrap();
    assert_eq!(told(&exchange, 2), "new 0@-");
}

#[test]
fn what_crypto_orders_must_look_like() {
    let mut exchange = saturday(|_| {});
    let mut refused = |order: NewOrder, status: u16| {
        let refusal = exchange.submit(order).unwrap_err();
        assert_eq!(refusal.status(), status, "{refusal:?}");
    };
    let limit = Kind::Limit(px("3800"));
    refused(coin(Side::Buy, "1", limit, Tif::Day), 422);
    refused(coin(Side::Buy, "1", Kind::Stop(px("3900")), Tif::Gtc), 422);
    refused(coin(Side::Buy, "0.00015", limit, Tif::Gtc), 422);
    refused(coin(Side::Buy, "1", Kind::Limit(px("3800.001")), Tif::Gtc), 422);
    refused(coin(Side::Buy, "0.0026", limit, Tif::Gtc), 403);
    refused(coin(Side::Sell, "1", Kind::Market, Tif::Gtc), 403);
    refused(NewOrder { class: Class::Bracket, ..coin(Side::Buy, "1", limit, Tif::Gtc) }, 422);
    refused(coin(Side::Buy, "100", limit, Tif::Gtc), 403);
}

#[test]
fn amounts_of_money_buy_whole_increments() {
    let mut exchange = saturday(|config| config.crypto_fees = CryptoFees::FREE);
    let size = Size::Notional("1000".parse().unwrap());
    exchange.submit(NewOrder { size, ..coin(Side::Buy, "1", Kind::Market, Tif::Gtc) }).unwrap();
    // 0.25974… in steps of 0.0001.
    assert_eq!(told(&exchange, 1), "filled 0.2597@3850");
    // Away from the day's first price it is one execution as well, sized by the price it gets.
    let limit = Kind::Limit(px("3820"));
    exchange.submit(NewOrder { size, ..coin(Side::Buy, "1", limit, Tif::Gtc) }).unwrap();
    exchange.advance_to(at("2019-01-06T00:00:00Z")).unwrap();
    assert_eq!(told(&exchange, 2), "filled 0.2617@3820");
    let fills =
        |entry: &&Activity| matches!(&entry.entry, Entry::Fill(fill) if fill.order_seq == 2);
    assert_eq!(exchange.activities().iter().filter(fills).count(), 1);
}

#[test]
fn its_volume_limits_each_utc_day() {
    let mut exchange =
        saturday(|config| config.participation = Some(atlas_core::Bps::from_int(1_000)));
    exchange.submit(coin(Side::Buy, "1", Kind::Market, Tif::Gtc)).unwrap();
    assert_eq!(told(&exchange, 1), "partially_filled 0.05@3850");
    exchange.advance_to(at("2019-01-06T00:01:00Z")).unwrap();
    assert_eq!(exchange.order(1).unwrap().status, Status::Filled);
}

#[test]
fn it_is_bought_for_cash_on_a_margin_account_too() {
    let mut exchange = saturday(|config| {
        config.cash = "5000".parse().unwrap();
        config.account = AccountRules::MARGIN;
    });
    let standing = exchange.standing().unwrap();
    assert_eq!(standing.buying_power, "10000".parse().unwrap());
    assert_eq!(standing.non_marginable_buying_power, "5000".parse().unwrap());
    let two = coin(Side::Buy, "2", Kind::Limit(px("3850")), Tif::Gtc);
    assert!(matches!(exchange.submit(two), Err(Refusal::BuyingPower { .. })));
    exchange.submit(coin(Side::Buy, "1", Kind::Limit(px("3850")), Tif::Gtc)).unwrap();
    let short = coin(Side::Sell, "1", Kind::Market, Tif::Gtc);
    exchange.submit(coin(Side::Sell, "0.9975", Kind::Market, Tif::Gtc)).unwrap();
    assert!(matches!(exchange.submit(short), Err(Refusal::Forbidden(_))));
}

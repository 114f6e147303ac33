//! Bounds that the controls' own probes do not reach.

use atlas_core::{OrderType, Price, Qty, Side, Symbol, Usd};
use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::context::OpenOrder;
use crate::controls::Scene;
use crate::desk::{DayTradeRule, Desk, DeskRules, SymbolDesk};
use crate::limits::LimitsSpec;
use crate::validator::Validator;
use crate::verdict::{Effect, GateName, Verdict, VerdictKind};
use crate::{Error, Profile};

fn price(text: &str) -> Price {
    text.parse().unwrap()
}

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

/// A purchase of ten shares at 100 by an account of 20 000.
fn scene() -> Scene {
    Scene::buy(Qty::from_shares(10), price("100"), usd("20000")).unwrap()
}

fn verdict(scene: &Scene, gate: GateName) -> Verdict {
    under(scene, gate, |_| ())
}

fn under(scene: &Scene, gate: GateName, change: impl Fn(&mut LimitsSpec)) -> Verdict {
    let mut spec = Profile::Standard.limits();
    change(&mut spec);
    let validator = Validator::new(&spec.check().unwrap());
    let judged = scene.judge(&validator);
    judged.verdicts.into_iter().find(|verdict| verdict.gate == gate).unwrap()
}

fn numbers(verdict: &Verdict) -> (Option<Decimal>, Option<Decimal>, VerdictKind) {
    (verdict.value, verdict.limit, verdict.kind)
}

fn open(symbol: &str, side: Side, shares: u32, limit: Option<&str>) -> OpenOrder {
    OpenOrder {
        client_order_id: format!("atlas-test-0-{side}-{symbol}").parse().unwrap(),
        symbol: symbol.parse().unwrap(),
        side,
        leaves_qty: Qty::from_shares(shares),
        limit_price: limit.map(price),
    }
}

#[test]
fn half_a_cent_is_tolerated_and_no_more() {
    for (budget, kind) in [
        ("1000", VerdictKind::Pass),
        ("999.995", VerdictKind::Pass),
        ("999.9949", VerdictKind::Deny),
    ] {
        let mut scene = scene();
        scene.budget = usd(budget);
        assert_eq!(verdict(&scene, GateName::TotalAllocation).kind, kind, "{budget}");
    }
}

#[test]
fn open_purchases_count_as_held_and_paid() {
    let mut scene = scene();
    let held: Symbol = "HELD".parse().unwrap();
    scene.hold(&held, Qty::from_shares(5), price("10"));
    scene.open_orders = vec![
        open("HELD", Side::Buy, 5, Some("11")),
        open("NEW", Side::Buy, 10, Some("20")),
        open("HELD", Side::Sell, 2, None),
    ];
    // 5 + 5 of HELD at the broker's 10, 10 of NEW at their limit of 20, and the order's 1000.
    let allocation = verdict(&scene, GateName::TotalAllocation);
    assert_eq!(allocation.value, Some(Decimal::from(1_300)));
    // 20 000 less 5 × 11 and 10 × 20.
    let power = verdict(&scene, GateName::BuyingPower);
    assert_eq!(power.limit, Some(Decimal::from(19_745)));
    assert_eq!(verdict(&scene, GateName::MaxPositions).value, Some(Decimal::from(3)));
    // Of five held shares an open sale offers two: three are free, a fourth would be a short.
    scene.open_orders.retain(|order| order.side == Side::Sell);
    scene.request.symbol = held.clone();
    scene.request.side = Side::Sell;
    scene.request.order_type = OrderType::Market;
    for (shares, effect) in [(3, Effect::Reducing), (4, Effect::Opening)] {
        scene.request.qty = Qty::from_shares(shares);
        let validator = Validator::new(&Profile::Standard.limits().check().unwrap());
        assert_eq!(scene.judge(&validator).effect, effect, "{shares}");
    }
}

#[test]
fn an_open_purchase_without_a_price_leaves_the_money_unknown() {
    let mut scene = scene();
    scene.open_orders = vec![open("NEW", Side::Buy, 10, None)];
    for gate in [GateName::TotalAllocation, GateName::BuyingPower] {
        let verdict = verdict(&scene, gate);
        assert_eq!(numbers(&verdict), (None, None, VerdictKind::Deny), "{verdict}");
    }
}

#[test]
fn spreads_are_judged_at_their_bounds() {
    let spread = |bid: &str, ask: &str| {
        let mut scene = scene();
        let quote = scene.entry().unwrap().quote.as_mut().unwrap();
        (quote.bid, quote.ask) = (Some(price(bid)), Some(price(ask)));
        let verdict = verdict(&scene, GateName::Quote);
        (verdict.value.unwrap().to_string(), verdict.kind)
    };
    assert_eq!(spread("100", "100"), ("0".into(), VerdictKind::Pass));
    assert_eq!(spread("99.75", "100.25"), ("50".into(), VerdictKind::Pass));
    assert_eq!(spread("99.74", "100.26"), ("52".into(), VerdictKind::Warn));
    assert_eq!(spread("99", "101"), ("200".into(), VerdictKind::Warn));
    assert_eq!(spread("98.9", "101.1"), ("220".into(), VerdictKind::Deny));
    assert_eq!(spread("100.01", "100"), ("-1".into(), VerdictKind::Deny));
}

#[test]
fn warnings_begin_at_their_limits() {
    let mut scene = scene();
    scene.performance.drawdown = Some("0.1".parse().unwrap());
    assert_eq!(verdict(&scene, GateName::Drawdown).kind, VerdictKind::Warn);
    scene.performance.drawdown = Some("0.099".parse().unwrap());
    assert_eq!(verdict(&scene, GateName::Drawdown).kind, VerdictKind::Pass);
    let most = under(&scene, GateName::Quantity, |l| l.max_order_qty = Qty::from_shares(10));
    assert_eq!(most.kind, VerdictKind::Pass);
    let more = under(&scene, GateName::Quantity, |l| l.max_order_qty = Qty::from_shares(9));
    assert_eq!(more.kind, VerdictKind::Deny);
}

#[test]
fn fractions_may_be_sold_off_and_not_bought() {
    let mut scene = scene();
    let symbol = scene.request.symbol.clone();
    scene.hold(&symbol, "10.5".parse().unwrap(), price("100"));
    scene.request.side = Side::Sell;
    scene.request.order_type = OrderType::Market;
    for (qty, kind) in [
        ("10.5", VerdictKind::Pass),
        ("0.5", VerdictKind::Pass),
        ("3", VerdictKind::Pass),
        ("0.25", VerdictKind::Deny),
    ] {
        scene.request.qty = qty.parse().unwrap();
        assert_eq!(verdict(&scene, GateName::Quantity).kind, kind, "{qty}");
    }
    // Half a share more makes it whole, which is no reason to buy it.
    scene.request.side = Side::Buy;
    scene.request.qty = "0.5".parse().unwrap();
    assert_eq!(verdict(&scene, GateName::Quantity).kind, VerdictKind::Deny);
}

#[test]
fn remarks_are_what_a_person_should_see() {
    let mut scene = scene();
    scene.performance.drawdown = Some("0.15".parse().unwrap());
    scene.budget = Usd::ZERO;
    let validator = Validator::new(&Profile::Standard.limits().check().unwrap());
    let judged = scene.judge(&validator);
    let remarks: Vec<GateName> = judged.remarks().map(|verdict| verdict.gate).collect();
    assert_eq!(remarks, [GateName::TotalAllocation, GateName::Drawdown]);
}

fn rules() -> DeskRules {
    DeskRules {
        pair_correlation: 0.8,
        mean_correlation: 0.6,
        sector: "0.6".parse().unwrap(),
        exposure: Decimal::ONE,
        min_volume: 1.0,
        min_price: price("5"),
        day_trades: None,
        cooldown_seconds: 60,
    }
}

#[test]
fn the_day_trade_rule_ends_by_date_and_by_equity() {
    let mut scene = scene();
    let limits = Profile::Standard.limits().check().unwrap();
    scene.desk = Some(Desk { day_trades: Some(3), ..Desk::default() });
    let today = scene.now.date_naive();
    let kind = |scene: &Scene, last_day: NaiveDate, equity: &str| {
        let rule = DayTradeRule { count: 3, equity: usd(equity), last_day };
        let rules = DeskRules { day_trades: Some(rule), ..rules() };
        let judged = scene.judge(&Validator::with_desk(&limits, &rules).unwrap());
        judged.verdicts.iter().find(|v| v.gate == GateName::DayTrades).unwrap().kind
    };
    assert_eq!(kind(&scene, today, "25000"), VerdictKind::Deny);
    assert_eq!(kind(&scene, today.pred_opt().unwrap(), "25000"), VerdictKind::Pass);
    assert_eq!(kind(&scene, today, "20000"), VerdictKind::Pass);
    assert_eq!(kind(&scene, today, "20000.01"), VerdictKind::Deny);
}

#[test]
fn desk_rules_that_contradict_are_named() {
    let limits = Profile::Standard.limits().check().unwrap();
    let refused = |rules: DeskRules| match rules.check(&limits) {
        Err(Error::Limit { name, .. }) => name,
        other => panic!("{other:?}"),
    };
    assert!(rules().check(&limits).is_ok());
    assert!(DeskRules { min_volume: 0.0, ..rules() }.check(&limits).is_ok());
    assert_eq!(refused(DeskRules { min_volume: -1.0, ..rules() }), "desk.min_volume");
    assert_eq!(refused(DeskRules { min_volume: f64::INFINITY, ..rules() }), "desk.min_volume");
    assert_eq!(refused(DeskRules { mean_correlation: 1.1, ..rules() }), "desk.mean_correlation");
    assert_eq!(refused(DeskRules { exposure: Decimal::ZERO, ..rules() }), "desk.exposure");
    let sector = limits.get().position_deny;
    assert_eq!(refused(DeskRules { sector, ..rules() }), "desk.sector");
}

#[test]
fn correlations_are_found_either_way_round() {
    let (a, b): (Symbol, Symbol) = ("A".parse().unwrap(), "B".parse().unwrap());
    let mut desk = Desk::default();
    desk.correlations.entry(a.clone()).or_default().insert(b.clone(), 0.5);
    assert_eq!(desk.correlation(&a, &b), Some(0.5));
    assert_eq!(desk.correlation(&b, &a), Some(0.5));
    desk.correlations.entry(a.clone()).or_default().insert(b.clone(), f64::NAN);
    assert_eq!(desk.correlation(&a, &b), None);
    let known = SymbolDesk {
        stop: None,
        sector: None,
        mean_volume: Some(2.0),
        raw_price: Some(price("6")),
        last_loss: None,
    };
    desk.symbols.insert(a.clone(), known);
    let text =
        serde_json::to_string(&Desk { correlations: std::collections::BTreeMap::new(), ..desk });
    assert!(serde_json::from_str::<Desk>(&text.unwrap()).unwrap().symbols.contains_key(&a));
}

//! Bounds that the controls' own probes do not reach.

use atlas_core::{OrderRequest, OrderType, Price, Qty, Side, Symbol, Usd, Weight};
use chrono::NaiveDate;
use rust_decimal::Decimal;

use crate::context::{OpenOrder, Phase};
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
fn the_most_shares_of_an_order_never_trap_an_exit() {
    let mut scene = scene();
    let symbol = scene.request.symbol.clone();
    scene.hold(&symbol, Qty::from_shares(254), price("100"));
    scene.request.order_type = OrderType::Market;
    scene.request.qty = Qty::from_shares(254);
    let least = |l: &mut LimitsSpec| l.max_order_qty = Qty::from_shares(100);
    scene.request.side = Side::Sell;
    assert_eq!(under(&scene, GateName::Quantity, least).kind, VerdictKind::Warn);
    scene.request.side = Side::Buy;
    assert_eq!(under(&scene, GateName::Quantity, least).kind, VerdictKind::Deny);
    // A sale of more than is held is no exit.
    scene.request.side = Side::Sell;
    scene.request.qty = Qty::from_shares(255);
    assert_eq!(under(&scene, GateName::Quantity, least).kind, VerdictKind::Deny);
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
fn crypto_is_bought_in_fractions_whatever_the_profile() {
    let mut scene = scene();
    scene.request.symbol = "BTC/USD".parse().unwrap();
    scene.request.qty = "0.0123".parse().unwrap();
    assert_eq!(verdict(&scene, GateName::Quantity).kind, VerdictKind::Pass);
    scene.request.qty = Qty::ZERO;
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
        min_price: usd("5"),
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
    assert_eq!(refused(DeskRules { min_price: usd("-1"), ..rules() }), "desk.min_price");
    assert!(DeskRules { sector: Weight::ONE, ..rules() }.check(&limits).is_ok());
    let sector = limits.get().position_deny;
    assert_eq!(refused(DeskRules { sector, ..rules() }), "desk.sector");
}

#[test]
fn correlations_are_found_either_way_round() {
    let (a, b): (Symbol, Symbol) = ("A".parse().unwrap(), "B".parse().unwrap());
    let mut desk = Desk::default();
    desk.correlations.set(&a, &b, 0.5);
    assert_eq!(desk.correlation(&a, &b), Some(0.5));
    assert_eq!(desk.correlation(&b, &a), Some(0.5));
    desk.correlations.set(&a, &b, f64::NAN);
    assert_eq!(desk.correlation(&a, &b), None);
    let known = SymbolDesk {
        stop: None,
        sector: None,
        mean_volume: Some(2.0),
        raw_price: Some(price("6")),
        last_loss: None,
    };
    desk.symbols.insert(a.clone(), known);
    let text = serde_json::to_string(&desk).unwrap();
    assert_eq!(serde_json::from_str::<Desk>(&text).unwrap(), desk);
}

/// A limit that nothing can exceed needs nothing to be known; with the least limit in its place the
/// same order is denied for what is missing.
#[test]
fn a_rule_that_is_switched_off_asks_for_nothing() {
    let limits = Profile::Standard.limits().check().unwrap();
    let off = DeskRules {
        pair_correlation: 1.0,
        mean_correlation: 1.0,
        sector: Weight::ONE,
        exposure: Decimal::ONE,
        min_volume: 0.0,
        min_price: Usd::ZERO,
        day_trades: None,
        cooldown_seconds: 0,
    };
    let mut scene = scene();
    let (held, symbol): (Symbol, _) = ("HELD".parse().unwrap(), scene.request.symbol.clone());
    scene.hold(&held, Qty::from_shares(1), price("1"));
    let mut desk = Desk::default();
    for name in [held, symbol] {
        let stop = Some(price("1000000"));
        desk.symbols.insert(name, SymbolDesk { stop, ..SymbolDesk::default() });
    }
    scene.desk = Some(desk);
    let denied = |rules: &DeskRules| -> Vec<GateName> {
        let judged = scene.judge(&Validator::with_desk(&limits, rules).unwrap());
        let denials = judged.verdicts.iter().filter(|v| v.kind == VerdictKind::Deny);
        denials.map(|verdict| verdict.gate).collect()
    };
    assert_eq!(denied(&off), []);
    for (rules, gate) in [
        (DeskRules { pair_correlation: 0.99, ..off }, GateName::PairCorrelation),
        (DeskRules { mean_correlation: 0.99, ..off }, GateName::MeanCorrelation),
        (DeskRules { sector: "0.99".parse().unwrap(), ..off }, GateName::Sector),
        (DeskRules { min_volume: 1.0, ..off }, GateName::Liquidity),
        (DeskRules { min_price: usd("0.01"), ..off }, GateName::Liquidity),
    ] {
        assert_eq!(denied(&rules), [gate]);
    }
    let words = |rules| {
        let gates = crate::gates::with_desk(&limits, rules);
        gates.iter().filter(|gate| gate.explain().starts_with("off: ")).count()
    };
    assert_eq!((words(&off), words(&rules())), (5, 0));
}

#[test]
fn collars_bind_sales_below_and_purchases_above() {
    let mut scene = scene();
    let symbol = scene.request.symbol.clone();
    scene.hold(&symbol, Qty::from_shares(10), price("100"));
    scene.entry().unwrap().quote = None;
    // 1000 bps of 100 either way.
    for (side, limit, kind, bound) in [
        (Side::Sell, "90", VerdictKind::Pass, 90),
        (Side::Sell, "89.99", VerdictKind::Warn, 90),
        (Side::Sell, "95", VerdictKind::Pass, 90),
        (Side::Buy, "110", VerdictKind::Pass, 110),
        (Side::Buy, "110.01", VerdictKind::Deny, 110),
    ] {
        scene.request.side = side;
        scene.request.order_type = OrderType::Limit { limit_price: price(limit) };
        let verdict = verdict(&scene, GateName::PriceCollar);
        assert_eq!((verdict.kind, verdict.limit), (kind, Some(Decimal::from(bound))), "{limit}");
    }
    // A quote that is nearer binds sooner: 10 % below a bid of 104, above an ask of 95.
    let quoted = |side: Side, at: &str, limit: &str| {
        let mut scene = scene.clone();
        scene.request.side = side;
        scene.request.order_type = OrderType::Limit { limit_price: price(limit) };
        scene.entry().unwrap().quote = self::scene().entry().unwrap().quote.take();
        let quote = scene.entry().unwrap().quote.as_mut().unwrap();
        (quote.bid, quote.ask) = (Some(price(at)), Some(price(at)));
        verdict(&scene, GateName::PriceCollar)
    };
    let sale = quoted(Side::Sell, "104", "93.5");
    assert_eq!(
        numbers(&sale),
        (Some("93.5".parse().unwrap()), Some("93.6".parse().unwrap()), VerdictKind::Warn)
    );
    let purchase = quoted(Side::Buy, "95", "104.6");
    assert_eq!(
        numbers(&purchase),
        (Some("104.6".parse().unwrap()), Some("104.5".parse().unwrap()), VerdictKind::Deny)
    );
}

#[test]
fn positions_are_counted_where_they_are_added_to() {
    let mut scene = scene();
    let symbol = scene.request.symbol.clone();
    // A symbol that is held already is no position more, however many there are.
    scene.hold(&symbol, Qty::from_shares(5), price("100"));
    let one = |l: &mut LimitsSpec| (l.top_n, l.max_positions) = (1, 1);
    let added = under(&scene, GateName::MaxPositions, one);
    assert_eq!(numbers(&added), (Some(Decimal::ONE), Some(Decimal::ONE), VerdictKind::Pass));
    let other: Symbol = "OTHER".parse().unwrap();
    scene.hold(&other, Qty::from_shares(5), price("100"));
    let added = under(&scene, GateName::MaxPositions, one);
    assert_eq!(numbers(&added), (Some(Decimal::TWO), Some(Decimal::ONE), VerdictKind::Pass));
    scene.positions.remove(&symbol);
    let new = under(&scene, GateName::MaxPositions, one);
    assert_eq!(numbers(&new), (Some(Decimal::TWO), Some(Decimal::ONE), VerdictKind::Deny));
}

#[test]
fn shares_of_equity_are_told_in_per_cent() {
    let mut scene = scene();
    scene.request.qty = Qty::from_shares(71);
    let denied = verdict(&scene, GateName::PositionSize);
    assert!(denied.sentence.ends_with("above 7000 USD (35 % of equity)"), "{denied}");
}

/// What a batch has let through counts for the orders after it.
#[test]
fn a_batch_counts_its_own_orders() {
    let mut scene = scene();
    let order = |symbol: &str, side: Side, shares: u32| OrderRequest {
        client_order_id: format!("atlas-test-1-{side}-{symbol}-{shares}").parse().unwrap(),
        symbol: symbol.parse().unwrap(),
        side,
        qty: Qty::from_shares(shares),
        order_type: OrderType::Market,
        time_in_force: scene.request.time_in_force,
    };
    let batch = [
        order("A", Side::Sell, 4),
        order("A", Side::Sell, 3),
        order("B", Side::Buy, 20),
        order("C", Side::Buy, 20),
        order("C", Side::Buy, 10),
    ];
    for name in ["A", "B", "C"] {
        scene.price(&name.parse().unwrap(), price("100")).unwrap();
    }
    scene.hold(&"A".parse().unwrap(), Qty::from_shares(10), price("100"));
    let mut spec = Profile::Standard.limits();
    (spec.orders_per_day, spec.top_n, spec.max_positions) = (2, 1, 9);
    let validator = Validator::new(&spec.check().unwrap());
    let judged = validator.judge(&batch, &scene.context(Phase::Plan));
    let value = |at: usize, gate: GateName| {
        judged[at].verdicts.iter().find(|verdict| verdict.gate == gate).unwrap().value
    };
    let denied = |at: usize| {
        let denying = judged[at].verdicts.iter().filter(|v| v.kind == VerdictKind::Deny);
        denying.map(|verdict| verdict.gate).collect::<Vec<_>>()
    };
    assert_eq!(denied(0), []);
    assert_eq!(denied(1), [GateName::Duplicate], "a second sale of the symbol in the batch");
    assert_eq!(denied(2), []);
    assert_eq!(denied(3), [GateName::OrdersPerDay]);
    assert_eq!(denied(4), [GateName::OrdersPerDay], "what was denied is no duplicate");
    // One position sold in part, one bought; the third would be one more.
    let counted: Vec<_> = (0..4).map(|at| value(at, GateName::OrdersPerDay)).collect();
    assert_eq!(counted, [1, 2, 2, 3].map(|count| Some(Decimal::from(count))));
    let positions: Vec<_> = (2..4).map(|at| value(at, GateName::MaxPositions)).collect();
    assert_eq!(positions, [2, 3].map(|count| Some(Decimal::from(count))));
    let invested: Vec<_> = (2..4).map(|at| value(at, GateName::TotalAllocation)).collect();
    assert_eq!(invested, [2_600, 4_600].map(|dollars| Some(Decimal::from(dollars))));
}

#[test]
fn heat_is_the_fall_to_the_stop_times_the_shares() {
    let limits = Profile::Standard.limits().check().unwrap();
    let validator = Validator::with_desk(&limits, &rules()).unwrap();
    let heat = |stop: &str, open: Option<OpenOrder>| {
        let mut scene = scene();
        let known = |stop: &str| SymbolDesk {
            stop: Some(price(stop)),
            sector: Some("own".into()),
            mean_volume: Some(2.0),
            raw_price: Some(price("6")),
            last_loss: None,
        };
        let mut desk = Desk::default();
        desk.symbols.insert(scene.request.symbol.clone(), known(stop));
        desk.symbols.insert("NEW".parse().unwrap(), known("15"));
        scene.desk = Some(desk);
        scene.open_orders.extend(open);
        scene.price(&"NEW".parse().unwrap(), price("20")).unwrap();
        let judged = scene.judge(&validator);
        let verdict = judged.verdicts.into_iter().find(|v| v.gate == GateName::Heat).unwrap();
        (verdict.value.unwrap().to_string(), verdict.kind)
    };
    // Ten shares at 100 of an equity of 20 000: 1200 warn, 1600 deny.
    assert_eq!(heat("90", None), ("100".into(), VerdictKind::Pass));
    assert_eq!(heat("99.5", None), ("5".into(), VerdictKind::Pass));
    // An open purchase counts with its own stop, an open sale does not.
    let bought = open("NEW", Side::Buy, 10, Some("20"));
    assert_eq!(heat("90", Some(bought)), ("150".into(), VerdictKind::Pass));
    let sold = open("NEW", Side::Sell, 10, Some("20"));
    assert_eq!(heat("90", Some(sold)), ("100".into(), VerdictKind::Pass));
    let many = |shares| Some(open("NEW", Side::Buy, shares, Some("20")));
    assert_eq!(heat("90", many(220)), ("1200".into(), VerdictKind::Pass));
    assert_eq!(heat("90", many(221)), ("1205".into(), VerdictKind::Warn));
    assert_eq!(heat("90", many(300)), ("1600".into(), VerdictKind::Warn));
    assert_eq!(heat("90", many(301)), ("1605".into(), VerdictKind::Deny));
}

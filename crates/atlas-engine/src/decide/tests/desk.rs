//! The desk's rules at the decision and at the send.

use atlas_risk::{DayTradeRule, DeskRules};

use super::*;
use crate::policy::DeskPolicy;

fn off() -> DeskRules {
    DeskRules {
        pair_correlation: 1.0,
        mean_correlation: 1.0,
        sector: Weight::ONE,
        exposure: Decimal::ONE,
        min_volume: 0.0,
        min_price: Usd::ZERO,
        day_trades: None,
        cooldown_seconds: 0,
    }
}

/// Five symbols near their high: A and B move together, the others each in a way of its own.
fn world(rules: DeskRules) -> World {
    let names = ["A", "B", "C", "D", "E"];
    let mut world = World::new("100000", &names.map(|name| (name, 99.0)));
    let bars = names.iter().enumerate().map(|(at, name)| {
        let period = u32::try_from(at.max(1)).unwrap() + 2;
        let wave = |day: u32| if day % period < period / 2 + 1 { 98.0 } else { 100.0 };
        let close = (0..252).map(wave).collect();
        let volume = vec![1_000.0 * f64::from(u32::try_from(at).unwrap() + 1); 252];
        let columns = Columns { dates: dates(), close, volume, ..Columns::default() };
        Bars::new(symbol(name), columns).unwrap()
    });
    world.bars = bars.collect();
    let sectors = names.map(|name| (symbol(name), name.to_owned())).into();
    world.policy.desk = Some(DeskPolicy::new(rules, sectors));
    world
}

fn denied(plan: &RebalancePlan) -> Vec<(String, GateName)> {
    let why = |order: &PlannedOrder| {
        let denial = order.verdicts.iter().find(|v| v.kind == VerdictKind::Deny).unwrap();
        (order.request.symbol.to_string(), denial.gate)
    };
    plan.denied.iter().map(why).collect()
}

fn planned(world: &World) -> RebalancePlan {
    let plan = world.try_plan().unwrap();
    world.recomputes(&plan);
    plan
}

#[test]
fn rules_that_are_off_change_nothing_but_who_speaks() {
    let world = world(off());
    let plan = planned(&world);
    assert_eq!((plan.orders.len(), plan.denied.len()), (5, 0));
    assert!(plan.orders.iter().all(|order| order.verdicts.len() == GateName::ALL.len()));
    let mut without = world;
    without.policy.desk = None;
    assert_eq!(bought(&without.plan()), bought(&plan));
}

#[test]
fn symbols_that_move_together_are_not_both_bought() {
    let plan = planned(&world(DeskRules { pair_correlation: 0.9, ..off() }));
    // Ranked alike they come in the order of their names.
    assert_eq!(denied(&plan), [("B".into(), GateName::PairCorrelation)]);
    let ended = plan.signals.iter().find(|s| s.signal.symbol == symbol("B")).unwrap();
    assert_eq!(ended.outcome, Some(SignalOutcome::RejectedByCorrelation));
    let alike = plan.desk.unwrap().desk.correlation(&symbol("A"), &symbol("B")).unwrap();
    assert!(alike > 0.999, "{alike}");
}

#[test]
fn a_symbol_without_a_past_has_no_correlation_and_is_not_bought_beside_others() {
    let mut world = world(DeskRules { mean_correlation: 0.9, ..off() });
    // The price stood still but for its last day: nothing can be said of how it moves.
    let columns = Columns { dates: dates(), close: vec![473.96; 252], ..Columns::default() };
    world.bars[2] = Bars::new(symbol("C"), columns).unwrap();
    let missing = denied(&planned(&world));
    assert!(missing.iter().all(|(_, gate)| *gate == GateName::MeanCorrelation), "{missing:?}");
    assert!(!missing.is_empty());
}

#[test]
fn a_sector_holds_so_much_and_an_unknown_one_nothing() {
    let rules = DeskRules { sector: "0.36".parse().unwrap(), ..off() };
    let mut world = world(rules);
    let sectors = &mut world.policy.desk.as_mut().unwrap().sectors;
    // The heat limit leaves each about 13 %.
    sectors.extend(["B", "C"].map(|name| (symbol(name), "A".to_owned())));
    sectors.remove(&symbol("E"));
    let found = denied(&planned(&world));
    assert_eq!(found, [("C".into(), GateName::Sector), ("E".into(), GateName::Sector)]);
}

#[test]
fn thin_symbols_and_adjusted_prices_are_not_bought() {
    let found = denied(&planned(&world(DeskRules { min_volume: 2_500.0, ..off() })));
    assert_eq!(found, ["A", "B"].map(|name| (name.to_owned(), GateName::Liquidity)));
    // Nobody knows the raw price of adjusted ones.
    let found = denied(&planned(&world(DeskRules { min_price: usd("5"), ..off() })));
    assert_eq!(found.len(), 5);
}

#[test]
fn losses_and_day_trades_come_from_the_account() {
    let rule = DayTradeRule {
        count: 3,
        equity: usd("1000000"),
        last_day: NaiveDate::from_ymd_opt(2030, 1, 1).unwrap(),
    };
    let rules = DeskRules { day_trades: Some(rule), cooldown_seconds: 3_600, ..off() };
    let mut world = world(rules);
    world.snapshot.last_losses.insert(symbol("D"), now() - chrono::TimeDelta::seconds(3_599));
    assert_eq!(denied(&planned(&world)), [("D".into(), GateName::Cooldown)]);
    world.snapshot.last_losses.insert(symbol("D"), now() - chrono::TimeDelta::seconds(3_600));
    world.snapshot.day_trades = Some(3);
    assert!(denied(&planned(&world)).iter().all(|(_, gate)| *gate == GateName::DayTrades));
    world.snapshot.day_trades = Some(2);
    assert_eq!(denied(&planned(&world)), []);
    world.snapshot.day_trades = None;
    assert_eq!(denied(&planned(&world)).len(), 5);
}

/// What was let through is let through again just before the send, unless a loss came between.
#[test]
fn a_send_is_held_to_the_rules_of_its_plan() {
    let rules = DeskRules {
        pair_correlation: 0.999,
        sector: "0.36".parse().unwrap(),
        min_volume: 1.0,
        cooldown_seconds: 60,
        ..off()
    };
    let world = world(rules);
    let plan = planned(&world);
    let market = plan.market(&BTreeMap::new(), &BTreeMap::new());
    let order = plan.orders[0].request.clone();
    let denial = |losses: &BTreeMap<Symbol, Timestamp>| {
        let fresh = crate::Fresh {
            now: now(),
            state: TradingState::Active,
            authority: Authority::Engine,
            hours: Hours::Open,
            account: &world.snapshot.account,
            positions: &world.snapshot.positions,
            open_orders: &[],
            recent_orders: &[],
            market: &market,
            activity: atlas_risk::Activity::NONE,
            performance: atlas_risk::Performance::NEW,
            breaker: atlas_risk::BreakerStance::Closed,
            last_losses: Some(losses),
            day_trades: Some(0),
        };
        let desk = plan.desk(&fresh).unwrap().unwrap();
        let planned = plan.desk.as_ref().unwrap();
        let validator = Validator::with_desk(&world.policy.limits, &planned.rules).unwrap();
        let batch = [order.clone()];
        let judged = validator.judge_with(&batch, &plan.context(&fresh), Some(&desk));
        let denials = judged[0].verdicts.iter().filter(|v| v.kind == VerdictKind::Deny);
        let gates: Vec<_> = denials.map(|verdict| verdict.gate).collect();
        gates
    };
    // There are no quotes here, so the gate of quotes denies either way.
    assert_eq!(denial(&BTreeMap::new()), [GateName::Quote]);
    let lost = BTreeMap::from([(order.symbol.clone(), now())]);
    assert_eq!(denial(&lost), [GateName::Quote, GateName::Cooldown]);
}

#[test]
fn windows_that_say_nothing_are_refused() {
    let mut world = world(off());
    for (correlation, volume) in [(19, 20), (251, 20), (60, 0), (60, 251)] {
        let desk = world.policy.desk.as_mut().unwrap();
        (desk.correlation_sessions, desk.volume_sessions) = (correlation, volume);
        assert!(matches!(world.try_plan(), Err(Error::Policy { .. })));
    }
}

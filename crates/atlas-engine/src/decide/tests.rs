mod desk;

use std::collections::BTreeMap;

use atlas_core::bars::Columns;
use atlas_core::signal::Direction;
use atlas_core::time::Mode;
use atlas_core::{
    Account, Adjusted, Bars, Bps, DecisionId, OrderType, Position, Qty, Raw, Regime, Side,
    SignalOutcome, Usd, Weight,
};
use atlas_regime::Series;
use atlas_risk::{GateName, OpenOrder, Profile, TradingState, VerdictKind};
use chrono::{Days, NaiveDate, TimeZone, Utc};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::inputs::DecisionInputs;
use crate::plan::PlannedOrder;
use crate::policy::{Allocations, Unmanaged};
use crate::view::PriceSeries;

/// A market of symbols whose high is 100 for 252 sessions and whose last close is given.
struct World {
    bars: Vec<Bars<Adjusted>>,
    others: Vec<Bars<Adjusted>>,
    dates: Vec<NaiveDate>,
    index: Vec<f64>,
    snapshot: AccountSnapshot,
    policy: Policy,
}

fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

fn usd(text: &str) -> Usd {
    text.parse().unwrap()
}

fn dates() -> Vec<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(2018, 1, 1).unwrap();
    (0..252).map(|day| first + Days::new(day)).collect()
}

fn now() -> Timestamp {
    Utc.with_ymd_and_hms(2019, 1, 2, 22, 0, 0).unwrap()
}

fn columns(last: f64) -> Columns {
    let mut close = vec![100.0; 252];
    close[251] = last;
    Columns { dates: dates(), close, ..Columns::default() }
}

impl std::fmt::Debug for World {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let last = |bars: &Bars<Adjusted>| (bars.symbol().clone(), bars.view().close()[251]);
        let closes: Vec<_> = self.bars.iter().map(last).collect();
        write!(f, "{closes:?} {:?} {:?}", self.snapshot, self.policy)
    }
}

impl World {
    fn new(cash: &str, closes: &[(&str, f64)]) -> Self {
        let bars = closes
            .iter()
            .map(|(name, last)| Bars::new(symbol(name), columns(*last)).unwrap())
            .collect();
        let account = Account {
            account_number: "PA1".into(),
            cash: usd(cash),
            equity: usd(cash),
            buying_power: usd(cash),
            trading_blocked: false,
        };
        let limits = Profile::Standard.limits().check().unwrap();
        let name = "main".parse().unwrap();
        let mut policy = Policy::new(name, DecisionId(7), Mode::Replay, "test".into(), limits);
        policy.regime_override = Some(Regime::Bull);
        Self {
            bars,
            others: Vec::new(),
            dates: dates(),
            index: vec![100.0; 252],
            snapshot: AccountSnapshot::fresh(account, BTreeMap::new()),
            policy,
        }
    }

    fn hold(mut self, name: &str, shares: &str, price: &str) -> Self {
        let qty: Qty = shares.parse().unwrap();
        let position = Position {
            symbol: symbol(name),
            qty,
            qty_available: qty,
            avg_entry_price: price.parse().unwrap(),
            current_price: price.parse().unwrap(),
        };
        self.snapshot.owned.insert(symbol(name));
        self.snapshot.positions.insert(symbol(name), position);
        self
    }

    fn regime(mut self, regime: Regime) -> Self {
        self.policy.regime_override = Some(regime);
        self
    }

    fn view(&self) -> MarketView<'_> {
        let as_of = self.dates[251];
        MarketView {
            as_of,
            execute_on: as_of + Days::new(1),
            universe: self.bars.iter().map(|bars| PriceSeries::Adjusted(bars.view())).collect(),
            others: self.others.iter().map(|bars| PriceSeries::Adjusted(bars.view())).collect(),
            tradability: BTreeMap::new(),
            index: Series { dates: &self.dates, values: &self.index },
            vix: None,
            rate: None,
        }
    }

    fn plan(&self) -> RebalancePlan {
        let plan = self.try_plan().unwrap();
        self.holds(&plan);
        plan
    }

    fn try_plan(&self) -> Result<RebalancePlan, Error> {
        plan(&self.view(), &self.snapshot, &self.policy, now())
    }

    /// What every plan keeps.
    fn holds(&self, plan: &RebalancePlan) {
        let invested = Usd::sum(
            plan.targets
                .iter()
                .map(|target| target.decision_price.notional(target.target).unwrap()),
        );
        let room = plan.budget.checked_add(Usd::HALF_CENT).unwrap();
        let others = self.unmanaged();
        assert!(invested.unwrap() <= room.max(others), "{plan:#?}");
        // No set of fills at the worst prices overdraws: purchases at their limits, sales as decided.
        let spent = total(&plan.orders, Side::Buy, |order| order.request.limit_price().unwrap());
        let earned = total(&plan.orders, Side::Sell, |order| order.decision_price);
        let spendable = self.snapshot.account.spendable().checked_add(earned).unwrap();
        assert!(spent <= spendable, "{spent} {spendable}");
        let sides: Vec<Side> = plan.orders.iter().map(|order| order.request.side).collect();
        assert!(sides.is_sorted_by_key(|side| *side == Side::Buy));
        for planned in &plan.signals {
            let orders = plan.orders.iter().filter(|o| o.signal_id == planned.signal.id).count();
            assert_eq!(orders, usize::from(planned.outcome.is_none()), "{planned:?}");
        }
        for order in &plan.orders {
            assert!(plan.signals.iter().any(|planned| planned.signal.id == order.signal_id));
            assert!(order.verdicts.iter().all(|verdict| verdict.kind < VerdictKind::Deny));
            let core = GateName::ALL.iter().filter(|gate| !gate.is_of_desk());
            assert_eq!(order.verdicts.len(), core.count());
        }
        self.recomputes(plan);
    }

    /// The stored inputs give the same bytes.
    fn recomputes(&self, plan: &RebalancePlan) {
        let inputs = DecisionInputs::capture(&self.view(), &self.snapshot, &self.policy, now());
        let text = serde_json::to_string(&inputs).unwrap();
        let again: DecisionInputs = serde_json::from_str(&text).unwrap();
        assert_eq!(again, inputs);
        let bytes = serde_json::to_vec(&again.decide().unwrap()).unwrap();
        assert_eq!(bytes, serde_json::to_vec(plan).unwrap());
        assert_eq!(serde_json::from_slice::<RebalancePlan>(&bytes).unwrap(), *plan);
    }

    fn unmanaged(&self) -> Usd {
        let others = self.snapshot.positions.values();
        let others = others.filter(|held| !self.snapshot.owned.contains(&held.symbol));
        Usd::sum(others.map(|held| {
            let close = self.bars.iter().find(|bars| *bars.symbol() == held.symbol);
            let close = close.and_then(|bars| {
                PriceSeries::Adjusted(bars.view()).last_price(Mode::Replay.replay_permit())
            });
            close.unwrap_or(held.current_price).notional(held.qty).unwrap()
        }))
        .unwrap()
    }
}

fn total(
    orders: &[PlannedOrder],
    side: Side,
    price: impl Fn(&PlannedOrder) -> atlas_core::Price,
) -> Usd {
    let orders = orders.iter().filter(|order| order.request.side == side);
    Usd::sum(orders.map(|order| price(order).notional(order.request.qty).unwrap())).unwrap()
}

fn bought(plan: &RebalancePlan) -> Vec<(String, String)> {
    let text = |o: &PlannedOrder| (o.request.symbol.to_string(), o.request.qty.to_string());
    plan.orders.iter().filter(|o| o.request.side == Side::Buy).map(text).collect()
}

const SEVEN: [(&str, f64); 7] =
    [("A", 91.0), ("B", 99.0), ("C", 89.0), ("D", 95.0), ("E", 96.0), ("F", 97.0), ("G", 98.0)];

#[test]
fn the_reference_budgets_hold_to_the_cent() {
    for (regime, budget) in [
        (Regime::Bull, "10109.39"),
        (Regime::Neutral, "7076.57"),
        (Regime::Bear, "3032.82"),
        (Regime::Crash, "0"),
    ] {
        let plan = World::new("10109.39", &SEVEN).regime(regime).plan();
        let cents = plan.budget.to_cents(atlas_core::Rounding::HalfEven);
        assert_eq!(cents, usd(budget), "{regime}");
        assert_eq!(plan.regime.allocation, Allocations::standard().of(regime));
    }
}

#[test]
fn the_best_share_the_budget_best_first() {
    let plan = World::new("10000", &SEVEN).regime(Regime::Neutral).plan();
    let expect = [("B", "14"), ("G", "14"), ("F", "14"), ("E", "15"), ("D", "15")];
    let expect: Vec<_> = expect.map(|(s, q)| (s.to_owned(), q.to_owned())).to_vec();
    assert_eq!(bought(&plan), expect);
    let first = &plan.orders[0];
    assert_eq!(first.request.client_order_id.as_str(), "atlas-main-7-buy-B-0");
    let limit_price = "101.97".parse().unwrap();
    assert_eq!(first.request.order_type, OrderType::Limit { limit_price });
    let ended = |name: &str| {
        let found = plan.signals.iter().find(|p| p.signal.symbol == symbol(name)).unwrap();
        (found.outcome, found.reason.clone())
    };
    let (outcome, reason) = ended("A");
    assert_eq!(outcome, Some(SignalOutcome::Filtered));
    assert_eq!(reason, "close 91 is 0.91 of its high 100; rank 6, and the best 5 are taken");
    assert_eq!(ended("C").0, Some(SignalOutcome::Filtered));
    // The calm index cannot feed the detector; with a person's regime that is a note.
    assert!(plan.regime.overridden && plan.regime.estimate.is_none());
    assert!(plan.notes[0].starts_with("a person set the regime to neutral; the detector says: "));
}

#[test]
fn purchases_at_their_limits_never_overdraw() {
    let mut world = World::new("10000", &SEVEN);
    // The heat limit of the standard profile leaves less than the money there is.
    world.policy.limits = Profile::Racehorse.limits().check().unwrap();
    let plan = world.plan();
    let spent = total(&plan.orders, Side::Buy, |order| order.request.limit_price().unwrap());
    assert!(spent <= usd("10000") && spent > usd("9800"), "{spent}");
    assert!(
        plan.notes.iter().any(|note| note.contains("purchases cost up to")),
        "{:?}",
        plan.notes
    );
    assert_eq!(plan.preview.exposure_none, Usd::ZERO);
    assert_eq!(plan.preview.exposure_all, plan.preview.exposure_worst);
    // The stop of each is 88 % of its high of 100.
    let loss: Decimal = plan
        .orders
        .iter()
        .map(|order| (order.decision_price.value() - Decimal::from(88)) * order.request.qty.value())
        .sum();
    let rounding = plan.preview.loss_if_stopped.value() - loss;
    assert!(rounding >= Decimal::ZERO && rounding < Decimal::new(1, 1), "{rounding}");
}

#[test]
fn crash_sells_everything_owned_and_opens_nothing() {
    let world = World::new("1000", &SEVEN).hold("B", "40", "90").hold("C", "7", "90");
    let mut world = world.hold("OUT", "3.5", "12.25").regime(Regime::Crash);
    world.snapshot.owned.insert(symbol("NOTHELD"));
    let plan = world.plan();
    let sold: Vec<_> = plan
        .orders
        .iter()
        .map(|o| (o.request.symbol.to_string(), o.request.qty.to_string(), o.request.side))
        .collect();
    let row = |s: &str, q: &str| (s.to_owned(), q.to_owned(), Side::Sell);
    assert_eq!(sold, [row("B", "40"), row("C", "7"), row("OUT", "3.5")]);
    assert!(plan.orders.iter().all(|o| o.request.order_type == OrderType::Market));
    assert_eq!(plan.orders[0].signal_id.as_str(), "7-regime-B");
    assert_eq!(plan.orders[1].signal_id.as_str(), "7-high52-C");
    assert_eq!(plan.budget, Usd::ZERO);
    let long = plan.signals.iter().find(|p| p.signal.id.as_str() == "7-high52-B").unwrap();
    assert_eq!(long.outcome, Some(SignalOutcome::RejectedByRegime));
    let why = |at: usize| plan.orders[at].reason.rsplit(": ").next();
    assert!((0..3).all(|at| why(at) == Some("the crash regime allows no position")));
    // Equity: 1000 + 40 × 99 + 7 × 89 + 3.5 × the broker's 12.25.
    assert_eq!(plan.equity, usd("5625.875"));
}

#[test]
fn held_positions_are_adjusted_kept_or_left() {
    let world = World::new("5000", &SEVEN)
        .hold("B", "30", "99")
        .hold("A", "10", "91")
        .hold("G", "10", "98")
        .hold("GONE", "5", "20");
    let mut world = world.regime(Regime::Neutral);
    world.others.push(Bars::new(symbol("GONE"), columns(20.0)).unwrap());
    let plan = world.plan();
    let orders: Vec<_> = plan
        .orders
        .iter()
        .map(|o| format!("{} {} {}", o.request.side, o.request.qty, o.request.symbol))
        .collect();
    // Equity 9960, budget 6972, a fifth is 1394.4.
    assert_eq!(
        orders,
        ["sell 10 A", "sell 16 B", "sell 5 GONE", "buy 4 G", "buy 14 F", "buy 14 E", "buy 15 D"]
    );
    assert!(plan.orders[2].reason.contains("not in universe test"));
    let again = {
        let mut world = World::new("9000", &[("B", 99.0)]).hold("B", "35", "99");
        world.policy.allocations.bull = Weight::from_percent(28).unwrap();
        world.plan()
    };
    assert_eq!(again.signals[0].outcome, Some(SignalOutcome::AlreadyAtTarget));
    assert!(again.orders.is_empty());
}

#[test]
fn a_regime_may_block_entries_and_keep_what_is_held() {
    let mut world = World::new("9000", &SEVEN).hold("B", "10", "99").regime(Regime::Bear);
    world.policy.entries_blocked.insert(Regime::Bear);
    let plan = world.plan();
    // B stays as it is although its part of the budget is larger; the four others that were
    // selected are not entered.
    assert!(plan.orders.is_empty() && plan.denied.is_empty());
    let outcome = Some(SignalOutcome::RejectedByRegime);
    assert_eq!(plan.signals.iter().filter(|p| p.outcome == outcome).count(), 4);
}

#[test]
fn selecting_nothing_is_a_plan_with_a_reason() {
    let plan = World::new("10000", &[("A", 50.0), ("B", 60.0)]).plan();
    assert!(plan.orders.is_empty() && plan.targets.is_empty());
    assert!(plan.notes.iter().any(|note| note.starts_with("no symbol is to be held: of 2 ")));
}

#[test]
fn positions_of_others_are_refused_or_left_alone() {
    let mut world = World::new("5000", &SEVEN).hold("B", "30", "99").regime(Regime::Neutral);
    world.snapshot.owned.clear();
    let error = world.try_plan().unwrap_err().to_string();
    assert!(error.starts_with("the account holds B, which Atlas does not own"), "{error}");
    world.policy.unmanaged = Unmanaged::Ignore;
    let plan = world.plan();
    assert!(plan.orders.iter().all(|o| o.request.symbol != symbol("B")));
    // 70 % of 7970 less the 2970 that stay.
    assert!(plan.preview.exposure_all <= usd("5579"));
    let crash = world.regime(Regime::Crash).plan();
    assert!(crash.orders.is_empty());
}

#[test]
fn states_end_signals_by_gate() {
    let mut world = World::new("5000", &SEVEN).hold("A", "10", "91").regime(Regime::Neutral);
    world.snapshot.state = TradingState::Reducing;
    let plan = world.plan();
    assert_eq!(plan.orders.len(), 1);
    assert_eq!(plan.denied.len(), 5);
    let ended = plan.signals.iter().filter(|p| p.outcome == Some(SignalOutcome::RejectedByPaused));
    assert_eq!(ended.count(), 5);
    world.snapshot.state = TradingState::Paused;
    assert!(world.plan().orders.is_empty());
}

#[test]
fn an_open_order_is_not_doubled() {
    let mut world = World::new("5000", &SEVEN).hold("A", "10", "91");
    world.snapshot.open_orders.push(OpenOrder {
        client_order_id: "atlas-main-6-sell-A-0".parse().unwrap(),
        symbol: symbol("A"),
        side: Side::Sell,
        leaves_qty: Qty::from_shares(10),
        limit_price: None,
    });
    let plan = world.plan();
    let denied: Vec<_> = plan.denied.iter().map(|o| o.request.symbol.to_string()).collect();
    // The money of a sale that is under way is not counted on either.
    assert_eq!(denied, ["A"]);
    assert!(total(&plan.orders, Side::Buy, |o| o.decision_price) <= usd("4999"));
    let ended = plan.signals.iter().find(|p| p.signal.symbol == symbol("A")).unwrap();
    assert_eq!(ended.signal.direction, Direction::Exit);
    assert_eq!(ended.outcome, Some(SignalOutcome::RejectedByDuplicate));
}

#[test]
fn what_cannot_be_decided_is_an_error() {
    let world = World::new("10000", &SEVEN);
    let message = |change: &dyn Fn(&mut World)| {
        let mut changed = World::new("10000", &SEVEN);
        change(&mut changed);
        changed.try_plan().unwrap_err().to_string()
    };
    assert!(world.try_plan().is_ok());
    let no_override = message(&|w| w.policy.regime_override = None);
    assert!(
        no_override.starts_with("the regime of 2018-09-09 cannot be detected: "),
        "{no_override}"
    );
    let live = message(&|w| w.policy.mode = Mode::Live);
    assert_eq!(live, "a regime override is refused in live mode: leave --regime out");
    let paper = message(&|w| w.policy.mode = Mode::Paper);
    assert!(paper.starts_with("prices of A are adjusted, which paper mode cannot order on"));
    let twice = message(&|w| w.bars.push(w.bars[0].clone()));
    assert_eq!(twice, "prices of A are given twice: name each symbol once");
    let poor = message(&|w| w.snapshot.account.cash = usd("0"));
    assert!(poor.starts_with("equity at decision prices is 0 USD"), "{poor}");
    let collar = message(&|w| w.policy.buy_limit_collar = Bps::from_int(1_001));
    assert!(collar.starts_with("policy buy_limit_collar = 1001 cannot be used"), "{collar}");
    let stale = message(&|w| {
        let mut columns = columns(99.0);
        columns.dates.pop();
        columns.close.pop();
        w.bars[0] = Bars::new(symbol("A"), columns).unwrap();
    });
    assert!(stale.starts_with("only 6 of 7 symbols of universe test have a close of"), "{stale}");
    let thresholds = message(&|w| w.policy.momentum.exit = 0.95);
    assert!(thresholds.contains("exit = 0.95"), "{thresholds}");
}

#[test]
fn a_stale_symbol_is_left_alone_and_noted() {
    let mut closes: Vec<(String, f64)> = (0..12).map(|n| (format!("S{n}"), 95.0)).collect();
    closes[0].1 = 100.0;
    let closes: Vec<(&str, f64)> = closes.iter().map(|(s, c)| (s.as_str(), *c)).collect();
    let mut world = World::new("10000", &closes).hold("S0", "10", "77");
    let mut short = columns(100.0);
    short.dates.pop();
    short.close.pop();
    world.bars[0] = Bars::new(symbol("S0"), short).unwrap();
    let plan = world.plan();
    assert!(plan.orders.is_empty(), "neither sold nor anything opened: {:?}", plan.orders);
    assert_eq!(plan.equity, usd("10770"));
    assert!(plan.notes.iter().any(|note| note.contains("its last one is of 2018-09-08")));
    assert_eq!(world.regime(Regime::Crash).plan().orders[0].request.symbol, symbol("S0"));
}

#[test]
fn raw_prices_work_in_paper_mode_with_ticks() {
    let bars = Bars::<Raw>::new(symbol("A"), columns(99.99)).unwrap();
    let mut world = World::new("10000", &[]);
    world.policy.mode = Mode::Paper;
    let mut view = world.view();
    view.universe = vec![PriceSeries::Raw(bars.view())];
    let plan = plan(&view, &world.snapshot, &world.policy, now()).unwrap();
    // 99.99 × 1.03 is 102.9897.
    assert_eq!(plan.orders[0].request.limit_price(), Some("102.98".parse().unwrap()));
}

/// Cuts the last session off.
fn short(name: &str, last: f64) -> Bars<Adjusted> {
    let mut short = columns(last);
    short.dates.pop();
    short.close.pop();
    Bars::new(symbol(name), short).unwrap()
}

#[test]
fn a_held_symbol_without_a_close_blocks_what_opens_and_nothing_else() {
    let world = || {
        let world = World::new("20000", &SEVEN)
            .hold("A", "10", "91")
            .hold("B", "5", "99")
            .hold("OUT", "5", "20");
        world.regime(Regime::Neutral)
    };
    let ended = |plan: &RebalancePlan, name: &str| {
        let found = plan.signals.iter().find(|p| p.signal.symbol == symbol(name)).unwrap();
        (found.outcome, found.reason.clone())
    };
    let mut stale = world();
    stale.others.push(short("OUT", 20.0));
    let plan = stale.plan();
    // A is left for its rank, OUT for being outside of the universe; B is not added to.
    let sold: Vec<_> = plan.orders.iter().map(|o| o.request.symbol.as_str()).collect();
    assert_eq!(sold, ["A", "OUT"]);
    assert!(bought(&plan).is_empty() && plan.denied.is_empty());
    let why = "nothing is opened until OUT has a close of 2018-09-09 (its last is 2018-09-08): \
               update the data";
    assert!(plan.notes.iter().any(|note| note == why), "{:?}", plan.notes);
    for name in ["B", "D", "E", "F", "G"] {
        let (outcome, reason) = ended(&plan, name);
        assert_eq!(outcome, Some(SignalOutcome::RejectedByStaleData), "{name}: {reason}");
        assert!(reason.ends_with(why), "{reason}");
    }
    // 20000 + 910 + 495 and the broker's 100.
    assert_eq!(plan.equity, usd("21505"));
    let crash = stale.regime(Regime::Crash).plan();
    assert_eq!(crash.orders.len(), 3);

    let nowhere = world().plan();
    assert!(bought(&nowhere).is_empty());
    assert!(nowhere.notes.iter().any(|note| note.contains("2018-09-09 (it has none): update")));

    let mut fresh = world();
    fresh.others.push(Bars::new(symbol("OUT"), columns(20.0)).unwrap());
    assert_eq!(bought(&fresh.plan()).len(), 5);

    // What Atlas does not own does not block.
    let mut unowned = world();
    unowned.snapshot.owned.remove(&symbol("OUT"));
    unowned.policy.unmanaged = Unmanaged::Ignore;
    assert_eq!(bought(&unowned.plan()).len(), 5);
}

#[test]
fn a_small_drift_of_a_kept_position_is_left_alone() {
    // Equity 100 000 less what shares cost, a fifth of the budget about 20 000.
    let world = |shares: &str| {
        let held = World::new("80398", &SEVEN).hold("B", shares, "99");
        held.regime(Regime::Bull).plan()
    };
    let of_b = |plan: &RebalancePlan| {
        let ours = |p: &&crate::plan::PlannedSignal| p.signal.symbol == symbol("B");
        let found = plan.signals.iter().find(ours).unwrap().clone();
        (found.outcome, found.reason)
    };
    let (outcome, reason) = of_b(&world("199"));
    assert_eq!(outcome, Some(SignalOutcome::AlreadyAtTarget));
    let said = "199 shares are held already, within 2 % of its part of the budget: left alone";
    assert!(reason.ends_with(said), "{reason}");
    // Ten shares too many or too few are more than that.
    assert_eq!(of_b(&world("212")).0, None);
    assert_eq!(of_b(&world("185")).0, None);
    // An exit goes however small.
    let exit = World::new("100000", &SEVEN).hold("A", "1", "91").plan();
    assert_eq!(exit.orders[0].request.symbol, symbol("A"));
}

#[test]
fn a_book_over_its_budget_is_cut_however_little() {
    let mut world = World::new("9900", &[("B", 99.0)]).hold("B", "101", "99");
    world.policy.limits = Profile::Racehorse.limits().check().unwrap();
    world.policy.momentum.top_n = 1;
    // Equity 19 899, half of it 9 949.5: 101 shares of 9 999 are within 2 % and above it.
    world.policy.allocations.bull = Weight::from_percent(50).unwrap();
    let plan = world.plan();
    assert_eq!(plan.orders.len(), 1, "{plan:#?}");
    assert_eq!(plan.orders[0].request.qty, Qty::from_shares(1));
    assert_eq!(plan.orders[0].request.side, Side::Sell);
}

fn worlds() -> impl Strategy<Value = World> {
    let symbols = prop::collection::vec((70_u32..=100, 0_u32..60, any::<bool>()), 1..9);
    let money = 0_u32..40_000;
    let regime = prop::sample::select(Regime::ALL.to_vec());
    let profile = prop::sample::select(Profile::ALL.to_vec());
    (symbols, money, regime, profile, 1_usize..8, 0_u8..20).prop_map(
        |(symbols, cash, regime, profile, top_n, band)| {
            let names: Vec<String> = (0..symbols.len()).map(|n| format!("S{n}")).collect();
            let closes: Vec<(&str, f64)> =
                names.iter().zip(&symbols).map(|(n, s)| (n.as_str(), f64::from(s.0))).collect();
            let mut world = World::new(&cash.to_string(), &closes).regime(regime);
            for (name, (price, shares, managed)) in names.iter().zip(&symbols) {
                if *shares > 0 {
                    world = world.hold(name, &shares.to_string(), &price.to_string());
                    if !managed {
                        world.snapshot.owned.remove(&symbol(name));
                    }
                }
            }
            world.policy.unmanaged = Unmanaged::Ignore;
            world.policy.limits = profile.limits().check().unwrap();
            world.policy.momentum.top_n = top_n;
            world.policy.drift_band = Weight::from_percent(band).unwrap();
            world
        },
    )
}

proptest! {
    /// Whatever is held, owned, allowed and there: every plan keeps what `holds` asserts, nothing
    /// it drafts is denied, and nothing that is not Atlas's is touched.
    #[test]
    fn every_plan_keeps_its_promises(world in worlds()) {
        match world.try_plan() {
            Ok(plan) => {
                world.holds(&plan);
                prop_assert!(plan.denied.is_empty(), "{:#?}", plan.denied);
                for order in &plan.orders {
                    let symbol = &order.request.symbol;
                    let held = world.snapshot.positions.contains_key(symbol);
                    prop_assert!(!held || world.snapshot.owned.contains(symbol));
                }
            }
            Err(Error::NoEquity { .. }) => prop_assert!(world.snapshot.account.cash.is_zero()),
            Err(error) => prop_assert!(false, "{error}"),
        }
    }
}

/// What a plan puts at risk down to 88, the level every symbol of [`SEVEN`] is left at.
fn at_risk(plan: &RebalancePlan) -> Decimal {
    let risk = |target: &crate::plan::Target| {
        (target.decision_price.value() - Decimal::from(88)) * target.target.value()
    };
    plan.targets.iter().map(risk).sum()
}

#[test]
fn purchases_are_scaled_down_to_the_heat_limit() {
    let plan = World::new("10000", &SEVEN).plan();
    assert_eq!((bought(&plan).len(), plan.denied.len()), (5, 0));
    let risk = at_risk(&plan);
    assert!(risk <= Decimal::from(800) && risk > Decimal::from(740), "{risk}");
    let note = plan.notes.iter().find(|note| note.contains("the heat limit is 800 USD"));
    assert!(note.unwrap().starts_with("B, G, F, E, D: "), "{note:?}");
    for order in &plan.orders {
        let heard = order.verdicts.iter().find(|verdict| verdict.gate == GateName::Heat).unwrap();
        assert_eq!(heard.limit, Some(Decimal::from(800)));
    }
    // What is held is not sold for it: here more is at risk than the limit before anything is bought.
    let hot = World::new("3000", &SEVEN).hold("B", "35", "99").hold("G", "35", "98");
    let mut hot = hot.hold("OUT", "100", "40");
    hot.policy.universe = "test".into();
    hot.snapshot.owned.remove(&symbol("OUT"));
    hot.policy.unmanaged = Unmanaged::Ignore;
    let plan = hot.plan();
    assert!(bought(&plan).is_empty(), "{:?}", plan.orders);
    assert!(plan.denied.is_empty());
    let ended = plan.signals.iter().filter(|p| p.outcome == Some(SignalOutcome::RejectedByHeat));
    assert_eq!(ended.count(), 3);
}

/// At its exit level a purchase risks nothing, and is denied beyond the limit all the same.
#[test]
fn nothing_is_bought_beyond_the_heat_limit_even_where_it_risks_nothing() {
    let world = World::new("5000", &[("A", 88.0), ("OUT", 98.0)]).hold("OUT", "100", "98");
    let mut world = world.hold("A", "1", "88");
    world.snapshot.owned.remove(&symbol("OUT"));
    world.policy.unmanaged = Unmanaged::Ignore;
    let plan = world.plan();
    assert!(bought(&plan).is_empty() && plan.denied.is_empty(), "{:?}", plan.denied);
}

#[test]
fn what_heat_leaves_too_small_is_skipped_the_lowest_ranked_first() {
    let mut world = World::new("10000", &SEVEN);
    let mut spec = Profile::Standard.limits();
    spec.heat_warn = "0.015".parse().unwrap();
    spec.heat_deny = "0.02".parse().unwrap();
    world.policy.limits = spec.check().unwrap();
    let plan = world.plan();
    assert!(plan.denied.is_empty());
    assert!(at_risk(&plan) <= Decimal::from(200));
    let kept: Vec<_> = bought(&plan).into_iter().map(|(symbol, _)| symbol).collect();
    assert!((1..5).contains(&kept.len()) && kept[..] == ["B", "G", "F"][..kept.len()], "{kept:?}");
    for order in &plan.orders {
        let value = order.decision_price.notional(order.request.qty).unwrap();
        assert!(value >= usd("500"), "{value}");
    }
    let ended = plan.signals.iter().filter(|p| p.outcome == Some(SignalOutcome::RejectedByHeat));
    assert_eq!(ended.count(), 5 - kept.len());
}

/// Inputs stored before the limit held give the plan they gave then.
#[test]
fn inputs_without_the_choice_are_not_held_to_the_heat_limit() {
    let world = World::new("10000", &SEVEN);
    let mut stored = serde_json::to_value(&world.policy).unwrap();
    stored.as_object_mut().unwrap().remove("heat").unwrap();
    let policy: Policy = serde_json::from_value(stored).unwrap();
    let plan = World { policy, ..world }.try_plan().unwrap();
    assert!(plan.falls.is_none() && at_risk(&plan) > Decimal::from(800));
    assert!(!serde_json::to_string(&plan).unwrap().contains("falls"));
}

#[test]
fn the_heat_limit_holds_at_the_send_for_what_came_after_the_plan() {
    let world = World::new("10000", &SEVEN);
    let plan = world.plan();
    let market = plan.market(&BTreeMap::new(), &BTreeMap::new());
    let heard = |positions: &BTreeMap<Symbol, Position>| {
        let fresh = crate::Fresh {
            now: now(),
            state: TradingState::Active,
            authority: Authority::Engine,
            hours: Hours::Open,
            account: &world.snapshot.account,
            positions,
            open_orders: &[],
            recent_orders: &[],
            market: &market,
            activity: atlas_risk::Activity::NONE,
            performance: atlas_risk::Performance::NEW,
            breaker: atlas_risk::BreakerStance::Closed,
            last_losses: None,
            day_trades: None,
        };
        let desk = plan.desk(&fresh).unwrap().unwrap();
        let validator = Validator::with_heat(&world.policy.limits);
        let batch = [plan.orders[0].request.clone()];
        let judged = validator.judge_with(&batch, &plan.context(&fresh), Some(&desk));
        judged[0].verdicts.iter().find(|v| v.gate == GateName::Heat).unwrap().kind
    };
    assert_eq!(heard(&BTreeMap::new()), VerdictKind::Pass);
    // A stranger's 40 × 100 USD: the fifth of it that a disaster takes is the whole limit.
    let stranger = World::new("0", &SEVEN).hold("NEW", "40", "100").snapshot.positions;
    assert_eq!(heard(&stranger), VerdictKind::Deny);
}

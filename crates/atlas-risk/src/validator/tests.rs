mod desk;
mod trouble;

use atlas_core::{ClientOrderId, OrderType, Price, Qty, Symbol, TimeInForce, Usd};
use proptest::prelude::*;
use rust_decimal::Decimal;

use self::trouble::trouble;
use super::*;
use crate::Profile;
use crate::context::Phase;
use crate::controls::Scene;

fn price(cents: u32) -> Price {
    Price::new(Decimal::new(i64::from(cents), 2)).unwrap()
}

fn usd(dollars: u32) -> Usd {
    Usd::new(Decimal::from(dollars)).unwrap()
}

fn request(side: Side, symbol: &Symbol, qty: u32, limit: Option<Price>) -> OrderRequest {
    let id = format!("atlas-model-1-{side}-{symbol}-0");
    OrderRequest {
        client_order_id: ClientOrderId::new(&id).unwrap(),
        symbol: symbol.clone(),
        side,
        qty: Qty::from_shares(qty),
        order_type: limit.map_or(OrderType::Market, |limit_price| OrderType::Limit { limit_price }),
        time_in_force: TimeInForce::Day,
    }
}

/// One symbol of a model: what is held, what is ordered, what fills.
#[derive(Debug, Clone)]
struct Leg {
    cents: u32,
    held: u32,
    side: Side,
    qty: u32,
    /// Percent of the order that fills.
    filled: u32,
    /// Basis points above the decision price a purchase may and does pay.
    limit_bps: u32,
}

fn legs() -> impl Strategy<Value = Vec<Leg>> {
    let side = prop::sample::select(vec![Side::Buy, Side::Sell]);
    let filled = prop::sample::select(vec![0, 0, 30, 100, 100, 100]);
    let leg = (100_u32..20_000, 0_u32..80, side, 0_u32..120, filled, 0_u32..400).prop_map(
        |(cents, held, side, qty, filled, limit_bps)| {
            // Half of the positions start empty.
            let held = held.saturating_sub(40);
            Leg { cents, held, side, qty, filled, limit_bps }
        },
    );
    prop::collection::vec(leg, 1..10)
}

struct Model {
    scene: Scene,
    validator: Validator,
    limits: Limits,
    batch: Vec<OrderRequest>,
}

impl Model {
    fn new(legs: &[Leg], cash: u32, share: u8, profile: Profile) -> Self {
        let limits = profile.limits().check().unwrap();
        let mut scene = Scene::buy(Qty::from_shares(1), price(100), usd(1)).unwrap();
        let mut equity = usd(cash);
        let mut batch = Vec::new();
        for (number, leg) in legs.iter().enumerate() {
            let symbol: Symbol = format!("S{number}").parse().unwrap();
            let decided = price(leg.cents);
            scene.price(&symbol, decided).unwrap();
            if leg.held > 0 {
                scene.hold(&symbol, Qty::from_shares(leg.held), decided);
            }
            let worth = decided.notional(Qty::from_shares(leg.held)).unwrap();
            equity = equity.checked_add(worth).unwrap();
            let limit = decided.moved(Decimal::new(i64::from(leg.limit_bps), 4)).unwrap();
            let limit = (leg.side == Side::Buy).then_some(limit);
            batch.push(request(leg.side, &symbol, leg.qty, limit));
        }
        scene.equity = equity;
        // Up to twice the equity, so that the money binds before the budget does.
        let share = Decimal::new(i64::from(share), 2);
        scene.budget = Usd::new(equity.value() * share).unwrap();
        scene.account.cash = usd(cash);
        scene.account.buying_power = usd(cash);
        Self { scene, validator: Validator::new(&limits), limits, batch }
    }

    fn exposure(&self) -> Usd {
        let worth = |held: &atlas_core::Position| {
            self.scene.market[&held.symbol].decision_price.notional(held.qty).unwrap()
        };
        Usd::sum(self.scene.positions.values().map(worth)).unwrap()
    }

    /// Executes so many shares of an order: purchases at their limit, sales at the decision price.
    fn fill(&mut self, order: &OrderRequest, qty: Qty) {
        let decided = self.scene.market[&order.symbol].decision_price;
        let paid = order.limit_price().unwrap_or(decided).notional(qty).unwrap();
        let held = self.scene.positions.get(&order.symbol).map_or(Qty::ZERO, |p| p.qty);
        let (held, cash) = match order.side {
            Side::Buy => (held.checked_add(qty).unwrap(), -paid),
            Side::Sell => (held.checked_sub(qty).unwrap(), paid),
        };
        self.scene.account.cash = self.scene.account.cash.checked_add(cash).unwrap();
        self.scene.account.buying_power = self.scene.account.cash;
        self.scene.positions.remove(&order.symbol);
        if !held.is_zero() {
            self.scene.hold(&order.symbol, held, decided);
        }
    }

    /// What may never be broken by a purchase, whatever filled before it.
    fn keeps_limits(&self, bought: &OrderRequest) -> Result<(), TestCaseError> {
        let limits = self.limits.get();
        let slack = |limit: Usd| limit.checked_add(Usd::HALF_CENT).unwrap();
        prop_assert!(self.exposure() <= slack(self.scene.budget));
        prop_assert!(slack(self.scene.account.cash) >= Usd::ZERO);
        let held = &self.scene.positions[&bought.symbol];
        let worth = self.scene.market[&bought.symbol].decision_price.notional(held.qty).unwrap();
        prop_assert!(worth <= slack(self.scene.equity.share(limits.position_deny).unwrap()));
        prop_assert!(self.scene.positions.len() <= usize::try_from(limits.max_positions).unwrap());
        Ok(())
    }
}

fn part(qty: Qty, percent: u32) -> Qty {
    Qty::new((qty.value() * Decimal::new(i64::from(percent), 2)).trunc()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// A batch that was let through, sent sells first, each order approved on the account as it is
    /// then, breaks no limit at decision prices, whichever part of each order fills.
    #[test]
    fn no_subset_of_fills_breaks_a_limit(
        legs in legs(),
        cash in 0_u32..20_000,
        share in 0_u8..=200,
        profile in prop::sample::select(Profile::ALL.to_vec()),
    ) {
        let mut model = Model::new(&legs, cash, share, profile);
        let judged = model.validator.judge(&model.batch, &model.scene.context(Phase::Plan));
        prop_assert_eq!(judged.len(), legs.len());
        for side in [Side::Sell, Side::Buy] {
            for (number, leg) in legs.iter().enumerate() {
                let order = model.batch[number].clone();
                if order.side != side || judged[number].is_denied() {
                    continue;
                }
                let context = model.scene.context(Phase::Send);
                let Ok(approved) = model.validator.approve(order.clone(), &context) else { continue };
                let qty = part(approved.get().qty, leg.filled);
                if qty.is_zero() {
                    continue;
                }
                model.fill(&order, qty);
                if side == Side::Buy {
                    model.keeps_limits(&order)?;
                }
            }
        }
    }

    /// With all sells filled at decision prices, every order that was let through in the plan is
    /// approved before it is sent: the plan promised nothing it cannot keep.
    #[test]
    fn what_the_plan_let_through_is_approved_when_all_fills(
        legs in legs(),
        cash in 0_u32..20_000,
        share in 0_u8..=200,
    ) {
        let mut model = Model::new(&legs, cash, share, Profile::Standard);
        let judged = model.validator.judge(&model.batch, &model.scene.context(Phase::Plan));
        for side in [Side::Sell, Side::Buy] {
            for (order, judgement) in model.batch.clone().into_iter().zip(&judged) {
                if order.side != side || judgement.is_denied() {
                    continue;
                }
                let context = model.scene.context(Phase::Send);
                let approved = model.validator.approve(order.clone(), &context);
                prop_assert!(approved.is_ok(), "{}", approved.unwrap_err());
                model.fill(&order, order.qty);
            }
        }
    }

    /// An order that reduces is denied for the named reasons alone, whatever else is wrong.
    #[test]
    fn reducing_orders_are_denied_for_named_reasons_only(trouble in trouble(), qty in 1_u32..=10) {
        let limits = Profile::Standard.limits().check().unwrap();
        let validator = Validator::new(&limits);
        let mut scene = Scene::buy(Qty::from_shares(10), price(10_000), usd(1_000)).unwrap();
        let symbol = scene.request.symbol.clone();
        scene.hold(&symbol, Qty::from_shares(10), price(10_000));
        scene.request = request(Side::Sell, &symbol, qty, None);
        trouble.strike(&mut scene);
        let judged = scene.judge(&validator);
        let reduces = scene.open_orders.iter().all(|order| order.side == Side::Buy);
        if reduces {
            prop_assert_eq!(judged.effect, Effect::Reducing);
            for verdict in judged.verdicts.iter().filter(|v| v.kind == VerdictKind::Deny) {
                prop_assert!(verdict.gate.may_deny_reducing(), "{}", verdict);
            }
            let stopped = trouble.stops_exits();
            prop_assert_eq!(judged.is_denied(), stopped, "{:?}", judged);
        }
    }

    /// The same trouble stops an opening order, whatever it is: missing numbers above all.
    #[test]
    fn any_trouble_stops_an_opening_order(trouble in trouble()) {
        let limits = Profile::Standard.limits().check().unwrap();
        let validator = Validator::new(&limits);
        let mut scene = Scene::buy(Qty::from_shares(10), price(10_000), usd(20_000)).unwrap();
        prop_assert!(!scene.judge(&validator).is_denied());
        trouble.strike(&mut scene);
        let judged = scene.judge(&validator);
        prop_assert_eq!(judged.effect, Effect::Opening);
        prop_assert_eq!(judged.is_denied(), trouble.stops_entries(), "{:?}", judged);
        prop_assert_eq!(judged.verdicts.len(), validator.gates().count());
    }
}

#[test]
fn a_desk_that_knows_nothing_stops_entries_and_no_exit() {
    let limits = Profile::Standard.limits().check().unwrap();
    let rules = DeskRules {
        pair_correlation: 0.8,
        mean_correlation: 0.6,
        sector: "0.4".parse().unwrap(),
        exposure: Decimal::ONE,
        min_volume: 1.0,
        min_price: "5".parse().unwrap(),
        day_trades: None,
        cooldown_seconds: 60,
    };
    let validator = Validator::with_desk(&limits, &rules).unwrap();
    let mut scene = Scene::buy(Qty::from_shares(10), price(10_000), usd(20_000)).unwrap();
    let unknown: Vec<GateName> = scene
        .judge(&validator)
        .verdicts
        .iter()
        .filter(|verdict| verdict.kind == VerdictKind::Deny)
        .map(|verdict| verdict.gate)
        .collect();
    // With nothing held there is nothing to correlate with, and the exposure is known.
    let silent = [GateName::Heat, GateName::Sector, GateName::Liquidity, GateName::Cooldown];
    assert_eq!(unknown, silent);
    let symbol = scene.request.symbol.clone();
    scene.hold(&symbol, Qty::from_shares(10), price(10_000));
    scene.request = request(Side::Sell, &symbol, 10, None);
    assert!(!scene.judge(&validator).is_denied());
}

#[test]
fn a_batch_is_net_and_its_order_does_not_matter_across_sides() {
    let (a, b): (Symbol, Symbol) = ("A".parse().unwrap(), "B".parse().unwrap());
    let mut scene = Scene::buy(Qty::from_shares(1), price(10_000), usd(10_000)).unwrap();
    scene.price(&a, price(10_000)).unwrap();
    scene.price(&b, price(10_000)).unwrap();
    scene.hold(&a, Qty::from_shares(30), price(10_000));
    scene.account.cash = usd(0);
    let limits = Profile::Standard.limits().check().unwrap();
    let validator = Validator::new(&limits);
    let sell = request(Side::Sell, &a, 30, None);
    let buy = request(Side::Buy, &b, 30, Some(price(10_000)));
    let context = scene.context(Phase::Plan);
    for batch in [[sell.clone(), buy.clone()], [buy.clone(), sell.clone()]] {
        let judged = validator.judge(&batch, &context);
        assert!(judged.iter().all(|judgement| !judgement.is_denied()), "{judged:#?}");
    }
    // Alone, before the sale has filled, the purchase has no money.
    let denial = validator.approve(buy, &scene.context(Phase::Send)).unwrap_err();
    assert_eq!(denial.gate(), Some(GateName::BuyingPower));
    let text = denial.to_string();
    assert!(text.starts_with("buy 30 B was denied: buying-power: it may cost 3000 USD"), "{text}");
    // And a second sale of the same shares would be a short.
    let twice = validator.judge(&[sell.clone(), sell], &context);
    assert_eq!(twice[1].effect, Effect::Opening);
    assert!(twice[1].is_denied());
}

//! Random plans over what Atlas owns and what the market offers.

use atlas_core::signal::Direction;
use atlas_core::time::Mode;
use atlas_core::{
    AccountName, ClientOrderId, OrderRequest, OrderType, Qty, Regime, Side, Signal, SignalId,
    SignalOutcome, Symbol, TimeInForce, Usd, Weight,
};
use atlas_engine::plan::{PlannedOrder, PlannedSignal, Preview, RebalancePlan, RegimeDecision};
use atlas_exec::Session;
use atlas_risk::Effect;
use rust_decimal::Decimal;

use crate::market::Market;
use crate::rng::Rng;

pub(crate) fn account() -> AccountName {
    "sim".parse().unwrap()
}

/// The plan for the session after `day`: what it is follows from books, prices and seed alone.
pub(crate) fn plan(session: &Session, market: &Market, day: usize, mut rng: Rng) -> RebalancePlan {
    let decision_id = session.state().next_decision_id();
    let (mut sells, mut buys, mut signals) = (Vec::new(), Vec::new(), Vec::new());
    let as_of = market.sessions[day].date;
    for symbol in &market.listed(day) {
        let close = market.closes[symbol][&day];
        let owned = session.state().books().owned(symbol);
        let id = SignalId::new(&format!("{decision_id}-sim-{symbol}")).unwrap();
        let (side, qty) = match rng.below(5) {
            0 | 1 if !owned.is_zero() => (Side::Sell, part_of(owned, &mut rng)),
            2 | 3 => (Side::Buy, Qty::from_shares(u32::try_from(rng.between(1, 300)).unwrap())),
            _ => {
                signals.push(signal(id, symbol, as_of, Direction::Long, true));
                continue;
            }
        };
        let direction = if side == Side::Sell { Direction::Exit } else { Direction::Long };
        signals.push(signal(id.clone(), symbol, as_of, direction, false));
        let order = PlannedOrder {
            request: OrderRequest {
                client_order_id: ClientOrderId::for_leg(&account(), decision_id, side, symbol, 0)
                    .unwrap(),
                symbol: symbol.clone(),
                side,
                qty,
                order_type: OrderType::Market,
                time_in_force: TimeInForce::Day,
            },
            effect: if side == Side::Sell { Effect::Reducing } else { Effect::Opening },
            decision_price: close,
            signal_id: id,
            reason: "a random plan".to_owned(),
            verdicts: Vec::new(),
        };
        if side == Side::Sell { sells.push(order) } else { buys.push(order) }
    }
    sells.append(&mut buys);
    RebalancePlan {
        account: account(),
        decision_id,
        as_of,
        execute_on: market.sessions[day + 1].date,
        decided_at: market.sessions[day].close,
        mode: Mode::Paper,
        regime: RegimeDecision {
            regime: Regime::Bull,
            allocation: Weight::ONE,
            overridden: true,
            estimate: None,
        },
        equity: Usd::ZERO,
        budget: Usd::ZERO,
        signals,
        targets: Vec::new(),
        orders: sells,
        denied: Vec::new(),
        preview: Preview {
            costs: Usd::ZERO,
            loss_if_stopped: Usd::ZERO,
            exposure_all: Usd::ZERO,
            exposure_sells_only: Usd::ZERO,
            exposure_none: Usd::ZERO,
            exposure_worst: Usd::ZERO,
        },
        falls: None,
        desk: None,
        notes: Vec::new(),
    }
}

fn signal(
    id: SignalId,
    symbol: &Symbol,
    as_of: chrono::NaiveDate,
    direction: Direction,
    filtered: bool,
) -> PlannedSignal {
    PlannedSignal {
        signal: Signal {
            id,
            strategy: "sim".to_owned(),
            symbol: symbol.clone(),
            direction,
            strength: 1.0,
            as_of,
            evidence: Vec::new(),
        },
        outcome: filtered.then_some(SignalOutcome::Filtered),
        reason: "a random plan".to_owned(),
    }
}

fn part_of(owned: Qty, rng: &mut Rng) -> Qty {
    if rng.percent(50) {
        return owned;
    }
    let part = owned.value() * Decimal::new(i64::try_from(rng.between(1, 100)).unwrap(), 2);
    Qty::new(part.ceil()).unwrap().min(owned)
}

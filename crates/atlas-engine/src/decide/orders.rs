//! The difference between what is held and what is to be held, as orders.

use atlas_core::{ClientOrderId, OrderRequest, OrderType, Price, Qty, Side, SignalId, TimeInForce};
use atlas_risk::{Effect, Judgement};

use super::Frame;
use super::desire::Desires;
use super::target::buy_limit;
use crate::Error;
use crate::plan::{PlannedOrder, Target};

/// Orders in the order of sending: sales by symbol, then purchases, the best ranked first.
pub(super) fn draft(
    frame: &Frame<'_>,
    targets: &[Target],
    desires: &Desires,
) -> Result<Vec<PlannedOrder>, Error> {
    let mut orders = Vec::new();
    for target in targets.iter().filter(|target| target.target < target.held) {
        orders.push(order(frame, target, desires, Side::Sell)?);
    }
    for symbol in &desires.wanted {
        let found = targets.binary_search_by(|target| target.symbol.cmp(symbol));
        let target = found.ok().and_then(|at| targets.get(at));
        if let Some(target) = target.filter(|target| target.target > target.held) {
            orders.push(order(frame, target, desires, Side::Buy)?);
        }
    }
    Ok(orders)
}

/// Splits drafts by what the gates said.
pub(super) fn judged(
    drafts: Vec<PlannedOrder>,
    judgements: Vec<Judgement>,
) -> (Vec<PlannedOrder>, Vec<PlannedOrder>) {
    let heard = drafts.into_iter().zip(judgements).map(|(draft, judgement)| {
        let denied = judgement.is_denied();
        let Judgement { effect, verdicts } = judgement;
        (denied, PlannedOrder { effect, verdicts, ..draft })
    });
    let (denied, passed): (Vec<_>, Vec<_>) = heard.partition(|(denied, _)| *denied);
    let orders = |split: Vec<(bool, PlannedOrder)>| split.into_iter().map(|(_, o)| o).collect();
    (orders(passed), orders(denied))
}

fn order(
    frame: &Frame<'_>,
    target: &Target,
    desires: &Desires,
    side: Side,
) -> Result<PlannedOrder, Error> {
    let Target { symbol, decision_price, held, target: goal } = target;
    let policy = frame.policy;
    let (qty, order_type): (Qty, _) = match side {
        // An exit is never trapped by a limit.
        Side::Sell => (held.checked_sub(*goal)?, OrderType::Market),
        Side::Buy => {
            let limit_price: Price = buy_limit(frame, symbol, *decision_price)?;
            (goal.checked_sub(*held)?, OrderType::Limit { limit_price })
        }
    };
    let speaker = desires.speaks.get(symbol).and_then(|at| desires.signals.get(*at));
    let signal_id = match speaker {
        Some(planned) => planned.signal.id.clone(),
        // Every order stems from a signal; this keeps a broken promise visible, not fatal.
        None => SignalId::new(&format!("{}-none-{symbol}", policy.decision_id))?,
    };
    let why = speaker.map_or("no signal", |planned| planned.reason.as_str());
    let client_order_id =
        ClientOrderId::for_leg(&policy.account, policy.decision_id, side, symbol, 0)?;
    Ok(PlannedOrder {
        request: OrderRequest {
            client_order_id,
            symbol: symbol.clone(),
            side,
            qty,
            order_type,
            time_in_force: TimeInForce::Day,
        },
        effect: match side {
            Side::Buy => Effect::Opening,
            Side::Sell => Effect::Reducing,
        },
        decision_price: *decision_price,
        signal_id,
        reason: format!("from {held} to {goal} shares: {why}"),
        verdicts: Vec::new(),
    })
}

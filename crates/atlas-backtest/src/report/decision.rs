//! One decision: what it saw, wanted, was denied and got.

use atlas_core::signal::Direction;
use atlas_core::{
    ClientOrderId, DecisionId, OrderStatus, Price, Qty, Regime, Side, SignalId, SignalOutcome,
    Symbol, Usd, Weight,
};
use atlas_engine::plan::PlannedOrder;
use atlas_regime::Evidence;
use atlas_risk::{GateName, VerdictKind};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::desk::Done;

/// One decision and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionRecord {
    /// Its number.
    pub decision_id: DecisionId,
    /// The session after whose close it was made.
    pub as_of: NaiveDate,
    /// The session in which it acted.
    pub execute_on: NaiveDate,
    /// The regime that counted.
    pub regime: Regime,
    /// Whether that was set instead of detected.
    pub overridden: bool,
    /// What the detector rested on, where it could say anything.
    pub evidence: Option<Evidence>,
    /// Share of equity the regime allows.
    pub allocation: Weight,
    /// Equity at decision prices.
    pub equity: Usd,
    /// What could be invested at decision prices.
    pub budget: Usd,
    /// Every signal with its end.
    pub signals: Vec<SignalRecord>,
    /// Every order that was planned, sent or not, with its end.
    pub orders: Vec<OrderRecord>,
    /// Orders a gate denied when they were planned.
    pub denied: Vec<DeniedOrder>,
    /// Notes of the plan and warnings about the data, each one sentence.
    pub notes: Vec<String>,
}

/// One signal and its end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignalRecord {
    /// Its name.
    pub id: SignalId,
    /// The strategy.
    pub strategy: String,
    /// The symbol.
    pub symbol: Symbol,
    /// Which way.
    pub direction: Direction,
    /// Rank order within the strategy.
    pub strength: f64,
    /// How it ended; exactly one end, `None` never in a finished decision.
    pub outcome: Option<SignalOutcome>,
    /// Why, in one sentence.
    pub reason: String,
}

/// One order of a plan and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRecord {
    /// Our name for it.
    pub client_order_id: ClientOrderId,
    /// The signal it acted on.
    pub signal_id: SignalId,
    /// The symbol.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Shares planned.
    pub planned_qty: Qty,
    /// Shares sent, after buys were fitted to the money; zero if it was not sent.
    pub sent_qty: Qty,
    /// Its limit.
    pub limit_price: Option<Price>,
    /// The close it was decided at.
    pub decision_price: Price,
    /// Where it ended; `None` if it was not sent.
    pub status: Option<OrderStatus>,
    /// Shares filled.
    pub filled_qty: Qty,
    /// Average price of the fills.
    pub avg_fill_price: Option<Price>,
    /// Why it was planned, in one sentence.
    pub reason: String,
    /// What gates warned of, each with the gate's name.
    pub warnings: Vec<String>,
}

/// An order that never was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeniedOrder {
    /// The signal it would have acted on.
    pub signal_id: SignalId,
    /// The symbol.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Shares.
    pub qty: Qty,
    /// Every gate that denied it.
    pub gates: Vec<GateName>,
    /// The first one's sentence.
    pub reason: String,
}

impl DecisionRecord {
    pub(crate) fn of(done: &Done, warnings: &[atlas_data::Warning]) -> Self {
        let plan = &done.plan;
        let notes = plan.notes.iter().cloned().chain(warnings.iter().map(ToString::to_string));
        Self {
            decision_id: plan.decision_id,
            as_of: plan.as_of,
            execute_on: plan.execute_on,
            regime: plan.regime.regime,
            overridden: plan.regime.overridden,
            evidence: plan.regime.estimate.as_ref().map(|estimate| estimate.evidence.clone()),
            allocation: plan.regime.allocation,
            equity: plan.equity,
            budget: plan.budget,
            signals: signals(done),
            orders: plan.orders.iter().map(|order| order_record(done, order)).collect(),
            denied: plan.denied.iter().map(denied).collect(),
            notes: notes.collect(),
        }
    }
}

fn signals(done: &Done) -> Vec<SignalRecord> {
    let record = |planned: &atlas_engine::plan::PlannedSignal| {
        let signal = &planned.signal;
        let end = done.report.signals.iter().find(|end| end.id == signal.id);
        SignalRecord {
            id: signal.id.clone(),
            strategy: signal.strategy.clone(),
            symbol: signal.symbol.clone(),
            direction: signal.direction,
            strength: signal.strength,
            outcome: end.and_then(|end| end.outcome).or(planned.outcome),
            reason: end.map_or_else(|| planned.reason.clone(), |end| end.reason.clone()),
        }
    };
    done.plan.signals.iter().map(record).collect()
}

fn order_record(done: &Done, order: &PlannedOrder) -> OrderRecord {
    let request = &order.request;
    let id = &request.client_order_id;
    let sent = done.report.orders.iter().find(|sent| sent.request.client_order_id == *id);
    let warned = order.verdicts.iter().filter(|verdict| verdict.kind == VerdictKind::Warn);
    OrderRecord {
        client_order_id: id.clone(),
        signal_id: order.signal_id.clone(),
        symbol: request.symbol.clone(),
        side: request.side,
        planned_qty: request.qty,
        sent_qty: sent.map_or(Qty::ZERO, |sent| sent.request.qty),
        limit_price: request.limit_price(),
        decision_price: order.decision_price,
        status: sent.map(|sent| sent.status),
        filled_qty: sent.map_or(Qty::ZERO, |sent| sent.filled_qty),
        avg_fill_price: sent.and_then(|sent| sent.avg_fill_price),
        reason: order.reason.clone(),
        warnings: warned.map(ToString::to_string).collect(),
    }
}

fn denied(order: &PlannedOrder) -> DeniedOrder {
    let denials = || order.verdicts.iter().filter(|verdict| verdict.kind == VerdictKind::Deny);
    DeniedOrder {
        signal_id: order.signal_id.clone(),
        symbol: order.request.symbol.clone(),
        side: order.request.side,
        qty: order.request.qty,
        gates: denials().map(|verdict| verdict.gate).collect(),
        reason: denials().next().map(ToString::to_string).unwrap_or_default(),
    }
}

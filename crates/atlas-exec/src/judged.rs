//! The gates heard just before a send, as the journal keeps them: compact, and enough to hear them
//! again.
//!
//! What the broker was asked is kept once, though many orders rest on it. What the journal itself
//! adds (orders sent meanwhile, counts, state, breaker) is not kept but folded again up to the
//! record after which the gates were heard; one function puts the two together, for the send and
//! for `atlas why`.

use std::collections::{BTreeMap, BTreeSet};

use atlas_core::time::Timestamp;
use atlas_core::{
    Account, ClientOrderId, OrderRequest, OrderType, Position, Price, Qty, Quote, Symbol,
};
use atlas_risk::{Activity, GateName, Hours, OpenOrder, Performance, Verdict, VerdictKind};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::approver::FreshContext;
use crate::ramp::Stage;
use crate::state::{State, past};
use crate::states::TradingState;

/// What the broker was asked before a send; later sends rest on it until it is asked again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextAsked {
    /// When.
    pub now: Timestamp,
    /// The account's money.
    pub account: Account,
    /// Every position on the account.
    pub positions: BTreeMap<Symbol, Position>,
    /// The part of the positions that was Atlas's own.
    pub owned: BTreeMap<Symbol, Qty>,
    /// Orders the broker listed as open.
    pub open_orders: Vec<OpenOrder>,
    /// Quotes of the plan's symbols.
    pub quotes: BTreeMap<Symbol, Quote>,
    /// Whether the market was open.
    pub hours: Hours,
    /// How the account had done by the equity that was reported.
    pub performance: Performance,
}

/// What the gates said of one order just before it was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderJudged {
    /// The order.
    pub request: OrderRequest,
    /// When they were heard.
    pub at: Timestamp,
    /// The last record of the journal then: what it adds follows from the records up to it.
    pub after: u64,
    /// What the staged ramp said, where it was in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ramp: Option<RampHeard>,
    /// What each gate said, in the order of the gates; none was heard of an order that the ramp
    /// turned away.
    pub said: Vec<Said>,
}

/// What the staged ramp said of an opening order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RampHeard {
    /// The stage in force.
    pub stage: Stage,
    /// The worst price the order was taken to fill at.
    pub worst: Price,
    /// Why it was turned away, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub denied: Option<String>,
}

/// One gate's verdict without its sentence, which follows from the numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said(
    /// Which gate.
    pub GateName,
    /// What it said.
    pub VerdictKind,
    /// The number it looked at.
    pub Option<Decimal>,
    /// The limit it compared with.
    pub Option<Decimal>,
);

impl From<&Verdict> for Said {
    fn from(verdict: &Verdict) -> Self {
        Self(verdict.gate, verdict.kind, verdict.value, verdict.limit)
    }
}

impl From<&FreshContext> for ContextAsked {
    fn from(context: &FreshContext) -> Self {
        Self {
            now: context.now,
            account: context.account.clone(),
            positions: context.positions.clone(),
            owned: context.owned.clone(),
            open_orders: context.open_orders.clone(),
            quotes: context.quotes.clone(),
            hours: context.hours,
            performance: context.performance,
        }
    }
}

impl ContextAsked {
    /// The context before the journal adds its part.
    pub(crate) fn into_fresh(self) -> FreshContext {
        FreshContext {
            now: self.now,
            account: self.account,
            positions: self.positions,
            owned: self.owned,
            open_orders: self.open_orders,
            recent_orders: Vec::new(),
            quotes: self.quotes,
            hours: self.hours,
            state: TradingState::Halted,
            activity: Activity::default(),
            breaker: atlas_risk::BreakerStance::Closed,
            performance: self.performance,
        }
    }
}

/// The open orders the broker listed when it was asked.
pub(crate) fn listed(context: &FreshContext) -> BTreeSet<ClientOrderId> {
    context.open_orders.iter().map(|order| order.client_order_id.clone()).collect()
}

/// What the journal adds to what the broker was asked, at an instant: orders of ours that the
/// broker had not `listed`, which come after those that it had, what was sent of late, state and
/// breaker.
pub(crate) fn add_what_was_sent(
    context: &mut FreshContext,
    listed: &BTreeSet<ClientOrderId>,
    (state, trading): (&State, TradingState),
    at: Timestamp,
) {
    context.open_orders.truncate(listed.len());
    for tracked in state.open_orders() {
        let (order, request) = (&tracked.order, tracked.order.request());
        let id = &request.client_order_id;
        if !listed.contains(id) {
            context.open_orders.push(OpenOrder {
                client_order_id: id.clone(),
                symbol: request.symbol.clone(),
                side: request.side,
                leaves_qty: order.leaves_qty(),
                limit_price: request.limit_price(),
            });
        }
    }
    context.state = trading;
    context.breaker = state.breaker(at);
    if let Ok((recent, activity)) = past(state, context.now) {
        (context.recent_orders, context.activity) = (recent, activity);
    }
}

/// The context as one order is judged by it; `None` where that is the context itself, as it nearly
/// always is.
pub(crate) fn made_for(context: &FreshContext, request: &OrderRequest) -> Option<FreshContext> {
    let id = &request.client_order_id;
    let stop = matches!(request.order_type, OrderType::Stop { .. });
    if !stop && context.open_orders.iter().all(|open| open.client_order_id != *id) {
        return None;
    }
    let mut own = context.clone();
    // An order is no duplicate of itself.
    own.open_orders.retain(|open| open.client_order_id != *id);
    if stop {
        // What was sold a moment ago is no reason to leave the rest unprotected.
        own.recent_orders.retain(|recent| recent.symbol != request.symbol);
    }
    Some(own)
}

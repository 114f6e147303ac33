//! What came of an execution, told from the journal.

use atlas_core::{
    Account, DecisionId, Fill, OrderRequest, OrderStatus, Price, Qty, SignalId, SignalOutcome,
    VenueOrderId,
};

use crate::error::Error;
use crate::reconcile::Reconciliation;
use crate::sequencer::Finish;
use crate::session::Session;

/// What came of an execution.
#[derive(Debug, Clone, PartialEq)]
pub struct ExecutionReport {
    /// The decision.
    pub decision_id: DecisionId,
    /// How it ended; [`Finish::Complete`] also if there was nothing left to do.
    pub finish: Finish,
    /// Whether this call sent or canceled anything, or only told what earlier ones did.
    pub acted: bool,
    /// Every order that was sent for the decision, now or earlier, in the order of the plan.
    pub orders: Vec<OrderReport>,
    /// Every signal of the decision with its end; `None` for one that has not ended.
    pub signals: Vec<SignalReport>,
    /// The account when the execution began first.
    pub account_before: Account,
    /// The account now.
    pub account_after: Account,
    /// The reconciliation that followed.
    pub reconciliation: Reconciliation,
}

/// One order and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderReport {
    /// What was sent.
    pub request: OrderRequest,
    /// Shares the plan had, before buys were fitted to the money.
    pub planned_qty: Qty,
    /// The price per share it was decided at.
    pub decision_price: Price,
    /// The signal it acted on.
    pub signal_id: SignalId,
    /// Where it stands.
    pub status: OrderStatus,
    /// The broker's name for it.
    pub venue_order_id: Option<VenueOrderId>,
    /// Shares filled.
    pub filled_qty: Qty,
    /// Mean fill price, rounded half to even at six decimals; `None` without a fill.
    pub avg_fill_price: Option<Price>,
    /// Its fills.
    pub fills: Vec<Fill>,
    /// What the broker or the gates said, if they did.
    pub reason: Option<String>,
}

/// One signal and its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignalReport {
    /// The signal.
    pub id: SignalId,
    /// Its end, `None` if it has not ended.
    pub outcome: Option<SignalOutcome>,
    /// Why, in one sentence; empty if it has not ended.
    pub reason: String,
}

impl Session {
    /// Every order that was sent for a decision, in the order of the plan.
    ///
    /// # Errors
    /// [`Error::NoSuchDecision`].
    pub fn order_reports(&self, id: DecisionId) -> Result<Vec<OrderReport>, Error> {
        let legs = &self.decision(id)?.planned.legs;
        let reports = legs.iter().filter_map(|leg| {
            let tracked = self.state().orders().get(leg.id())?;
            let order = &tracked.order;
            Some(OrderReport {
                request: order.request().clone(),
                planned_qty: leg.request.qty,
                decision_price: leg.decision_price,
                signal_id: leg.signal_id.clone(),
                status: order.status(),
                venue_order_id: order.venue_order_id().cloned(),
                filled_qty: order.filled_qty(),
                avg_fill_price: order.avg_fill_price(),
                fills: tracked.fills.clone(),
                reason: order.reason().map(str::to_owned),
            })
        });
        Ok(reports.collect())
    }

    /// Every signal of a decision with its end.
    ///
    /// # Errors
    /// [`Error::NoSuchDecision`].
    pub fn signal_reports(&self, id: DecisionId) -> Result<Vec<SignalReport>, Error> {
        let decision = self.decision(id)?;
        let reports = decision.planned.signals.iter().map(|signal| {
            let end = decision.ends.get(&signal.id);
            SignalReport {
                id: signal.id.clone(),
                outcome: end.map(|end| end.outcome),
                reason: end.map(|end| end.reason.clone()).unwrap_or_default(),
            }
        });
        Ok(reports.collect())
    }
}

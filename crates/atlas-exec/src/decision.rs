//! Decisions of a session: journaled, approved, checked for drift, put aside.

use std::collections::BTreeMap;
use std::fmt;

use atlas_broker::Broker;
use atlas_core::journal::Hash;
use atlas_core::{Bps, DecisionId, Price, Qty, SignalOutcome, Symbol};
use atlas_engine::plan::RebalancePlan;
use rust_decimal::Decimal;

use crate::error::Error;
use crate::event::{
    DecisionCompleted, DecisionPlanned, DecisionQuoted, Event, Kept, KeptSignal, PlanApproved,
    PlannedEnd, Reference, SignalEnded,
};
use crate::journal::Draft;
use crate::quality::Quoted;
use crate::sequencer::{Leg, end_of};
use crate::session::Session;
use crate::state::Decision;

/// How far the world may have moved since an approval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DriftLimit {
    /// Largest move of a price either way, against the price the approval saw.
    pub price: Bps,
    /// Largest move of cash either way, as a share of the cash the approval saw.
    pub cash: Bps,
}

/// What moved too far since an approval.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Drift {
    /// A price moved.
    Price {
        /// The symbol.
        symbol: Symbol,
        /// At the approval.
        then: Price,
        /// Now.
        now: Price,
        /// The limit.
        limit: Bps,
    },
    /// A price the approval saw cannot be seen any more, or never was.
    NoPrice {
        /// The symbol.
        symbol: Symbol,
    },
    /// A position is not what it was.
    Position {
        /// The symbol.
        symbol: Symbol,
        /// Shares at the approval.
        then: Qty,
        /// Shares now.
        now: Qty,
    },
    /// Cash moved.
    Cash {
        /// USD at the approval.
        then: atlas_core::Usd,
        /// USD now.
        now: atlas_core::Usd,
    },
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Price { symbol, then, now, limit } => write!(
                f,
                "{symbol} moved from {then} to {now} since the approval, more than {limit} bps"
            ),
            Self::NoPrice { symbol } => {
                write!(f, "{symbol} has no price to hold the approval against")
            }
            Self::Position { symbol, then, now } => {
                write!(f, "{then} shares of {symbol} were held at the approval, now {now}")
            }
            Self::Cash { then, now } => {
                write!(f, "cash was {then} USD at the approval and is {now} USD now")
            }
        }
    }
}

/// Says what moved too far between an approval and now; symbols are those of the plan's legs.
///
/// Positions must be equal; prices and cash may move within the limits, both ends included.
#[must_use]
pub fn drift(legs: &[Leg], then: &Reference, now: &Reference, limit: DriftLimit) -> Option<Drift> {
    for leg in legs {
        let symbol = leg.request.symbol.clone();
        let (Some(before), Some(after)) = (then.prices.get(&symbol), now.prices.get(&symbol))
        else {
            return Some(Drift::NoPrice { symbol });
        };
        if moved(before.value(), after.value(), limit.price) {
            let (then, now, limit) = (*before, *after, limit.price);
            return Some(Drift::Price { symbol, then, now, limit });
        }
    }
    for symbol in then.positions.keys().chain(now.positions.keys()) {
        let held =
            |reference: &Reference| reference.positions.get(symbol).copied().unwrap_or(Qty::ZERO);
        if held(then) != held(now) {
            let (then, now) = (held(then), held(now));
            return Some(Drift::Position { symbol: symbol.clone(), then, now });
        }
    }
    moved(then.cash.value(), now.cash.value(), limit.cash)
        .then_some(Drift::Cash { then: then.cash, now: now.cash })
}

fn moved(then: Decimal, now: Decimal, limit: Bps) -> bool {
    // A product that does not fit is far beyond any limit.
    then.abs().checked_mul(limit.fraction()).is_none_or(|most| (now - then).abs() > most)
}

/// The name under which the checkpoint of the regime model stands among a decision's inputs.
pub const MODEL: &str = "model";

/// What an account remembers of a plan beyond its execution.
fn kept_of(plan: &RebalancePlan, inputs: &BTreeMap<String, Hash>) -> Kept {
    let signals = plan.signals.iter().map(|planned| {
        let signal = &planned.signal;
        let kept = KeptSignal {
            id: signal.id.clone(),
            direction: signal.direction,
            strength: signal.strength,
            as_of: signal.as_of,
        };
        (signal.symbol.clone(), kept)
    });
    let model = inputs.get(MODEL).copied();
    Kept { regime: Some(plan.regime.clone()), signals: signals.collect(), model }
}

impl Session {
    /// Journals a plan: first its document and inputs durably into the store, then the record
    /// that names them.
    ///
    /// # Errors
    /// [`Error::PendingDecision`] if an earlier plan is not finished, [`Error::Plan`] if the plan
    /// is for another account or number, names a signal twice or has an order without a signal,
    /// [`Error::Input`] if an input it names is not stored; as [`crate::journal::Journal::append`].
    pub fn record_plan(
        &mut self,
        plan: &RebalancePlan,
        inputs: BTreeMap<String, Hash>,
    ) -> Result<DecisionId, Error> {
        let id = plan.decision_id;
        if let Some(pending) = self.state().pending() {
            let (id, as_of) = (pending.planned.decision_id, pending.planned.as_of);
            return Err(Error::PendingDecision { id, as_of });
        }
        self.check_plan(plan)?;
        for hash in inputs.values() {
            self.inputs().get(*hash)?;
        }
        let unwritable = |error: serde_json::Error| Error::Plan { id, problem: error.to_string() };
        let plan_hash = self.inputs().put(&serde_json::to_vec(plan).map_err(unwritable)?)?;
        let signals = plan.signals.iter().map(|planned| PlannedEnd {
            id: planned.signal.id.clone(),
            outcome: planned.outcome,
            reason: planned.reason.clone(),
        });
        let kept = kept_of(plan, &inputs);
        let planned = DecisionPlanned {
            decision_id: id,
            as_of: plan.as_of,
            execute_on: plan.execute_on,
            mode: plan.mode,
            plan_hash,
            inputs,
            legs: plan.orders.iter().map(Leg::from).collect(),
            signals: signals.collect(),
            kept,
        };
        self.record(Some(id), Event::DecisionPlanned(Box::new(planned)))?;
        Ok(id)
    }

    fn check_plan(&self, plan: &RebalancePlan) -> Result<(), Error> {
        let id = plan.decision_id;
        let refuse = |problem: String| Err(Error::Plan { id, problem });
        if plan.account != *self.account() {
            return refuse(format!("it is for account {}", plan.account));
        }
        if id != self.state().next_decision_id() {
            return refuse(format!("the next decision is {}", self.state().next_decision_id()));
        }
        if self.state().account().is_none() {
            return Err(Error::NotOpened);
        }
        let mut open = BTreeMap::new();
        for signal in &plan.signals {
            let id = &signal.signal.id;
            if open.insert(id, signal.outcome.is_none()).is_some() {
                return refuse(format!("signal {id} occurs twice"));
            }
        }
        for order in &plan.orders {
            let signal = &order.signal_id;
            if open.insert(signal, false) != Some(true) {
                return refuse(format!(
                    "order {} acts on signal {signal}, which is not there, has ended, or has \
                     another order",
                    order.request.client_order_id
                ));
            }
        }
        match open.iter().find(|(_, open)| **open) {
            Some((signal, _)) => refuse(format!("signal {signal} has neither an order nor an end")),
            None => Ok(()),
        }
    }

    /// Asks the broker for bid and ask of the pending plan's symbols and journals them: what the
    /// market was like when it was decided. A broker that does not answer leaves nothing, and the
    /// plan as it is.
    ///
    /// # Errors
    /// [`Error::NoSuchDecision`]; as [`crate::journal::Journal::append`].
    pub async fn note_quotes(&mut self, id: DecisionId, broker: &dyn Broker) -> Result<(), Error> {
        let legs = &self.decision(id)?.planned.legs;
        let symbols: Vec<Symbol> = legs.iter().map(|leg| leg.request.symbol.clone()).collect();
        if symbols.is_empty() {
            return Ok(());
        }
        let found = match broker.quotes(&symbols).await {
            Ok(found) => found,
            Err(error) => {
                tracing::warn!(%error, "nobody knows what the market was like at the decision");
                return Ok(());
            }
        };
        let quotes = found.into_iter().filter_map(|(symbol, quote)| {
            Some((symbol, Quoted { bid: quote.bid?, ask: quote.ask?, at: quote.ts_event }))
        });
        let quotes = quotes.collect();
        self.record(Some(id), Event::DecisionQuoted(DecisionQuoted { quotes }))
    }

    /// The plan of a decision, as it was journaled.
    ///
    /// # Errors
    /// [`Error::NoSuchDecision`]; [`Error::Input`] if the document is missing or not readable.
    pub fn plan(&self, id: DecisionId) -> Result<RebalancePlan, Error> {
        let hash = self.decision(id)?.planned.plan_hash;
        let bytes = self.inputs().get(hash)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::Plan { id, problem: error.to_string() })
    }

    /// A decision by its number.
    ///
    /// # Errors
    /// [`Error::NoSuchDecision`].
    pub fn decision(&self, id: DecisionId) -> Result<&Decision, Error> {
        self.state().decisions().get(&id).ok_or(Error::NoSuchDecision { id })
    }

    /// Approves the pending plan by its hash, or by the first digits of it (at least eight).
    ///
    /// # Errors
    /// [`Error::NoSuchPlan`] if the hash is not the pending plan's; as
    /// [`crate::journal::Journal::append`].
    pub fn approve(
        &mut self,
        hash: &str,
        by: &str,
        reference: Reference,
    ) -> Result<DecisionId, Error> {
        let pending = self.state().pending().filter(|decision| {
            hash.len() >= 8 && decision.planned.plan_hash.to_string().starts_with(hash)
        });
        let Some(pending) = pending else {
            return Err(Error::NoSuchPlan { hash: hash.to_owned() });
        };
        let (id, plan_hash) = (pending.planned.decision_id, pending.planned.plan_hash);
        let at = self.now();
        let approved = PlanApproved { plan_hash, by: by.to_owned(), at, reference };
        self.record(Some(id), Event::PlanApproved(approved))?;
        Ok(id)
    }

    /// Whether an order of a decision was sent, or was about to be. One that was only begun has
    /// nothing at the broker, and everything is checked again before it goes on.
    ///
    /// # Errors
    /// [`Error::NoSuchDecision`].
    pub fn has_sent(&self, id: DecisionId) -> Result<bool, Error> {
        let orders = self.state().orders();
        Ok(self.decision(id)?.planned.legs.iter().any(|leg| orders.contains_key(leg.id())))
    }

    /// Checks that a decision was approved and that nothing has drifted too far since. A decision
    /// of which an order was sent is not checked again: it is resumed.
    ///
    /// # Errors
    /// [`Error::Approval`] with the reason in a sentence.
    pub fn check_approval(
        &self,
        id: DecisionId,
        now: &Reference,
        limit: DriftLimit,
    ) -> Result<(), Error> {
        if self.has_sent(id)? {
            return Ok(());
        }
        let decision = self.decision(id)?;
        let refuse = |problem: String| Err(Error::Approval { id, problem });
        let Some(approval) = &decision.approval else {
            let hash = decision.planned.plan_hash.short();
            return refuse(format!("nobody approved it: `atlas approve {hash}` does"));
        };
        match drift(&decision.planned.legs, &approval.reference, now, limit) {
            Some(drift) => refuse(format!("{drift}: look at the plan again and approve it anew")),
            None => Ok(()),
        }
    }

    /// Puts a pending decision aside: what was not sent will not be, and every signal that has
    /// not ended by its order gets `outcome`.
    ///
    /// # Errors
    /// [`Error::Plan`] if an order of it may still be working; as
    /// [`crate::journal::Journal::append`].
    pub fn put_aside(
        &mut self,
        id: DecisionId,
        outcome: SignalOutcome,
        reason: &str,
    ) -> Result<(), Error> {
        let decision = self.decision(id)?;
        let orders = self.state().orders();
        let working = decision.planned.legs.iter().filter_map(|leg| orders.get(leg.id()));
        if let Some(order) = working.map(|t| &t.order).find(|order| order.status().is_open()) {
            let problem = format!(
                "order {} is {}: it must end first",
                order.request().client_order_id,
                order.status().as_str()
            );
            return Err(Error::Plan { id, problem });
        }
        self.complete(id, Some((outcome, reason)), reason)
    }

    /// Ends every signal that is left, by its order or with the given outcome, and the decision.
    pub(crate) fn complete(
        &mut self,
        id: DecisionId,
        rest: Option<(SignalOutcome, &str)>,
        summary: &str,
    ) -> Result<(), Error> {
        let decision = self.decision(id)?;
        let mut events = Vec::new();
        for signal in decision.open_signals() {
            let leg = decision.planned.legs.iter().find(|leg| leg.signal_id == *signal);
            let end = leg.and_then(|leg| self.leg_end(decision, leg));
            let (outcome, reason) = match (end, rest) {
                (Some(end), _) => end,
                (None, Some((outcome, reason))) => (outcome, reason.to_owned()),
                (None, None) => {
                    let problem = format!("signal {signal} has not ended");
                    return Err(Error::Plan { id, problem });
                }
            };
            events.push(Event::SignalEnded(SignalEnded { id: signal.clone(), outcome, reason }));
        }
        let summary = summary.to_owned();
        events.push(Event::DecisionCompleted(DecisionCompleted { summary }));
        let ts_event = self.now();
        let drafts =
            events.into_iter().map(|event| Draft { ts_event, decision_id: Some(id), event });
        self.record_all(drafts.collect())
    }

    /// How a leg ended by what is journaled of it.
    fn leg_end(&self, decision: &Decision, leg: &Leg) -> Option<(SignalOutcome, String)> {
        if let Some(end) = decision.dropped.get(leg.id()) {
            return Some((end.outcome, end.reason.clone()));
        }
        let order = &self.state().orders().get(leg.id())?.order;
        let status = order.status();
        let qty = order.request().qty;
        let end = end_of(leg, qty, status, order.filled_qty(), order.reason())?;
        Some((end.outcome, end.reason))
    }
}

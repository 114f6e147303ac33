//! Orders as the journal tells them.

use atlas_core::journal::Record;
use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, DecisionId, Error, Fill, Order, OrderEvent, Price, Usd};

use super::{Fault, State};
use crate::event::{OrderIntent, OrderUpdate};
use crate::protection::GuardIntent;
use crate::quality::Conditions;

/// An order with what the journal knows beside its state.
#[expect(
    clippy::struct_excessive_bools,
    reason = "two facts that have nothing to do with each other"
)]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrackedOrder {
    /// The order and its state machine.
    pub order: Order,
    /// The decision it belongs to; `None` for an operator's order.
    pub decision_id: Option<DecisionId>,
    /// When the intent was journaled.
    pub intended_at: Timestamp,
    /// When it was sent for the last time, if it was.
    pub sent_at: Option<Timestamp>,
    /// How often it was sent.
    pub sends: u32,
    /// Bid and ask when it was intended, as far as known.
    pub quoted: (Option<Price>, Option<Price>),
    /// Its fills, in the order we learned of them.
    pub fills: Vec<Fill>,
    /// When the last news of it was learned.
    pub updated_at: Timestamp,
    /// What the venue was like when it was intended, where somebody asked.
    pub conditions: Option<Conditions>,
    /// Whether it protects a position: a stop that rests at the broker.
    pub protects: bool,
    /// Gains less losses its fills have realised over mean cost, USD; zero for a buy.
    pub realised: Usd,
    /// Whether it was fitted to a split or another symbol while it worked.
    pub reshaped: bool,
}

impl TrackedOrder {
    /// Takes in a fill that was not counted before; unchanged if it does not fit.
    pub(super) fn fill(&mut self, fill: &Fill, now: Timestamp) -> Result<(), Error> {
        if self.order.apply(&OrderEvent::Filled(fill.clone()))? {
            self.fills.push(fill.clone());
            self.updated_at = now;
        }
        Ok(())
    }
}

impl State {
    pub(super) fn on_intent(&mut self, record: &Record, intent: OrderIntent) -> Result<(), Fault> {
        let id = intent.request.client_order_id.clone();
        if self.orders.contains_key(&id) {
            return Err(format!("order {id} was intended before").into());
        }
        if let Some(decision_id) = record.decision_id {
            let decision = self.decisions.get(&decision_id).ok_or("there is no such decision")?;
            if !decision.planned.legs.iter().any(|leg| *leg.id() == id) {
                return Err(format!("order {id} is no leg of decision {decision_id}").into());
            }
        }
        let tracked = TrackedOrder {
            order: Order::new(intent.request),
            decision_id: record.decision_id,
            intended_at: record.ts_event,
            sent_at: None,
            sends: 0,
            quoted: (intent.bid, intent.ask),
            fills: Vec::new(),
            updated_at: record.ts_init,
            conditions: intent.conditions,
            protects: false,
            realised: Usd::ZERO,
            reshaped: false,
        };
        self.by_intent.push(id.clone());
        self.orders.insert(id, tracked);
        Ok(())
    }

    pub(super) fn on_guard(&mut self, record: &Record, intent: GuardIntent) -> Result<(), Fault> {
        let id = intent.request.client_order_id.clone();
        if self.orders.contains_key(&id) {
            return Err(format!("order {id} was intended before").into());
        }
        let tracked = TrackedOrder {
            order: Order::new(intent.request),
            decision_id: record.decision_id,
            intended_at: record.ts_event,
            sent_at: None,
            sends: 0,
            quoted: (None, None),
            fills: Vec::new(),
            updated_at: record.ts_init,
            conditions: None,
            protects: true,
            realised: Usd::ZERO,
            reshaped: false,
        };
        self.by_intent.push(id.clone());
        self.orders.insert(id, tracked);
        Ok(())
    }

    pub(super) fn on_update(&mut self, record: &Record, update: &OrderUpdate) -> Result<(), Fault> {
        let id = &update.client_order_id;
        let tracked =
            self.orders.get_mut(id).ok_or_else(|| format!("order {id} was never intended"))?;
        tracked.order.apply(&update.update)?;
        if update.update == OrderEvent::Submitted {
            tracked.sent_at = Some(record.ts_event);
            tracked.sends = tracked.sends.saturating_add(1);
        }
        tracked.updated_at = record.ts_init;
        self.note_open(id);
        Ok(())
    }

    /// Keeps the set of open orders in step with an order's state.
    pub(super) fn note_open(&mut self, id: &ClientOrderId) {
        let open = self.orders.get(id).is_some_and(|tracked| tracked.order.status().is_open());
        if open {
            self.open.insert(id.clone());
        } else {
            self.open.remove(id);
        }
    }
}

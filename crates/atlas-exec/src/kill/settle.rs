//! What became of orders that were sent past the journal, or that a crash left in doubt.

use std::collections::BTreeSet;
use std::time::Duration;

use atlas_broker::Broker;
use atlas_core::{ClientOrderId, OrderEvent, OrderRequest, OrderStatus};

use crate::error::Error;
use crate::event::{Event, OrderIntent, OrderUpdate};
use crate::journal::Draft;
use crate::session::Session;
use crate::shell::look_up::{LookUp, look_up};
use crate::states::Cause;
use crate::timer::Timer;

impl Session {
    /// The sells of a flattening as sent, for the journal: they may have been, whatever is known.
    pub(crate) fn flattening(&self, orders: &[OrderRequest]) -> Vec<Draft> {
        let ts_event = self.now();
        let mut drafts = Vec::new();
        for request in orders {
            let client_order_id = request.client_order_id.clone();
            if self.state().orders().contains_key(&client_order_id) {
                continue;
            }
            let request = request.clone();
            let intent = OrderIntent { request, bid: None, ask: None, conditions: None };
            let update = OrderUpdate { client_order_id, update: OrderEvent::Submitted };
            for event in [Event::OrderIntent(intent), Event::OrderUpdate(update)] {
                drafts.push(Draft { ts_event, decision_id: None, event });
            }
        }
        drafts
    }

    /// Finds out what became of orders that a person sent past the journal, and of protective ones
    /// that a crash left open: one the broker has never seen, after every look-up, is closed as not
    /// placed; one it does not answer for makes the account PAUSED.
    ///
    /// # Errors
    /// As [`crate::journal::Journal::append`].
    pub async fn settle_operator_orders(
        &mut self,
        broker: &dyn Broker,
        timer: &dyn Timer,
        waits: &[Duration],
    ) -> Result<(), Error> {
        self.settle_doubtful(broker, timer, waits, &BTreeSet::new()).await
    }

    /// As [`settle_operator_orders`](Self::settle_operator_orders), but leaves those open that are to
    /// be `sent_again` if the broker has never seen them.
    pub(crate) async fn settle_doubtful(
        &mut self,
        broker: &dyn Broker,
        timer: &dyn Timer,
        waits: &[Duration],
        sent_again: &BTreeSet<ClientOrderId>,
    ) -> Result<(), Error> {
        let doubtful = self.state().open_orders().filter(|tracked| {
            (tracked.decision_id.is_none() || tracked.protects)
                && tracked.order.status() == OrderStatus::Submitted
        });
        let ids: Vec<ClientOrderId> =
            doubtful.map(|tracked| tracked.order.request().client_order_id.clone()).collect();
        for id in ids {
            match look_up(broker, timer, waits, &id, &mut || self.beat()).await {
                LookUp::Found(order) => self.absorb(&order)?,
                LookUp::NotFound if sent_again.contains(&id) => {}
                LookUp::NotFound => {
                    let reason = "the broker has never seen it".to_owned();
                    let update = OrderEvent::NotPlaced { reason };
                    let event = Event::OrderUpdate(OrderUpdate { client_order_id: id, update });
                    self.record(None, event)?;
                }
                LookUp::NoAnswer => {
                    let detail = format!("nobody knows what became of order {id}");
                    self.enter(Cause::UnknownOrder, detail)?;
                }
            }
        }
        Ok(())
    }
}

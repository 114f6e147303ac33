//! Giving up a plan whose time is over, without leaving anything of it at the broker.

use std::time::Duration;

use atlas_broker::Broker;
use atlas_core::{ClientOrderId, DecisionId, OrderEvent, OrderStatus, SignalOutcome};

use super::look_up::{LookUp, look_up};
use super::{Settings, open_time::OpenTime};
use crate::error::Error;
use crate::event::{Event, OrderUpdate};
use crate::session::Session;
use crate::states::{Deed, Permission};
use crate::timer::Timer;

/// Gives up a pending plan, such as one whose session has passed: cancels what still works, looks
/// up what nobody knows of, waits until every order has ended, and puts the decision aside with
/// `outcome` for every signal that its order did not end. Sends nothing new.
///
/// An order that the broker has never seen, after all look-ups, is closed as not placed.
///
/// # Errors
/// [`Error::NoSuchDecision`]; [`Error::NotPermitted`] if an order is left to be canceled and the
/// account's state leaves that to an operator; [`Error::Plan`] if an order has not ended in time, or nobody knows of
/// it because the broker does not answer: nothing was put aside then; [`Error::Broker`]; as
/// [`crate::journal::Journal::append`].
pub async fn retire(
    session: &mut Session,
    id: DecisionId,
    broker: &dyn Broker,
    timer: &dyn Timer,
    settings: &Settings,
    end: (SignalOutcome, &str),
) -> Result<(), Error> {
    session.import_news(broker).await?;
    for order in open_orders(session, id)? {
        settle_unknown(session, id, &order, broker, timer, settings).await?;
    }
    let mut time = OpenTime::begin(session.now());
    let mut delay = settings.poll_first;
    loop {
        let open = open_orders(session, id)?;
        if open.is_empty() || time.elapsed() >= settings.waits.cancel {
            break;
        }
        // By the table of states: what HALTED leaves to an operator is not done by a schedule.
        if session.permits(Deed::Cancel) != Permission::Yes {
            return Err(Error::NotPermitted {
                state: session.trading_state(),
                cause: session.state().trading().describe(),
                action: "cancel what is left of the plan",
                remedy: "`atlas kill --all` cancels it, and it ends by itself with its session"
                    .to_owned(),
            });
        }
        for order in open {
            cancel(session, id, &order, broker).await?;
        }
        let before = session.now();
        timer.sleep(delay).await;
        // Orders end in closed markets as well, so all time counts.
        let waited = (session.now() - before).to_std().unwrap_or_default().max(delay);
        time.count(before, before, waited);
        delay = (delay * 2).min(settings.poll.max(Duration::from_millis(1)));
        session.import_news(broker).await?;
    }
    session.put_aside(id, end.0, end.1)
}

/// The decision's orders that have not ended.
fn open_orders(session: &Session, id: DecisionId) -> Result<Vec<ClientOrderId>, Error> {
    let legs = session.decision(id)?.planned.legs.iter();
    let orders = session.state().orders();
    let open = legs
        .filter(|leg| orders.get(leg.id()).is_some_and(|tracked| tracked.order.status().is_open()));
    Ok(open.map(|leg| leg.id().clone()).collect())
}

async fn settle_unknown(
    session: &mut Session,
    decision_id: DecisionId,
    id: &ClientOrderId,
    broker: &dyn Broker,
    timer: &dyn Timer,
    settings: &Settings,
) -> Result<(), Error> {
    let status = session.state().orders().get(id).map(|tracked| tracked.order.status());
    if status != Some(OrderStatus::Submitted) {
        return Ok(());
    }
    let found = look_up(broker, timer, &settings.lookups, id, &mut || session.beat()).await;
    match found {
        LookUp::Found(order) => session.absorb(&order),
        LookUp::NotFound => {
            let reason = "the plan was given up, and the broker has never seen it".to_owned();
            update(session, decision_id, id, OrderEvent::NotPlaced { reason })
        }
        LookUp::NoAnswer => Err(Error::Plan {
            id: decision_id,
            problem: format!("nobody knows what became of order {id}: the broker does not answer"),
        }),
    }
}

async fn cancel(
    session: &mut Session,
    decision_id: DecisionId,
    id: &ClientOrderId,
    broker: &dyn Broker,
) -> Result<(), Error> {
    let tracked = session.state().orders().get(id);
    let Some(venue_order_id) = tracked.and_then(|t| t.order.venue_order_id().cloned()) else {
        return Ok(());
    };
    update(session, decision_id, id, OrderEvent::CancelRequested)?;
    if let Err(error) = broker.cancel(&venue_order_id).await {
        tracing::warn!(%id, %error, "a cancel could not be asked for");
    }
    Ok(())
}

fn update(
    session: &mut Session,
    decision_id: DecisionId,
    id: &ClientOrderId,
    update: OrderEvent,
) -> Result<(), Error> {
    let client_order_id = id.clone();
    session.record(Some(decision_id), Event::OrderUpdate(OrderUpdate { client_order_id, update }))
}

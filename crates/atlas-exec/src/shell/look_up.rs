//! Finding out what became of an order.

use std::time::Duration;

use atlas_broker::{Broker, BrokerOrder};
use atlas_core::ClientOrderId;

use crate::timer::Timer;

/// What looking an order up by our name for it has told.
pub(crate) enum LookUp {
    /// The broker has it.
    Found(BrokerOrder),
    /// The broker answered, and never that it has it.
    NotFound,
    /// The broker never answered.
    NoAnswer,
}

/// Looks an order up at once and then after each wait, until the broker has it. `alive` is called
/// before each look: a broker that answers late may not make the process look dead.
pub(crate) async fn look_up(
    broker: &dyn Broker,
    timer: &dyn Timer,
    waits: &[Duration],
    id: &ClientOrderId,
    alive: &mut (dyn FnMut() + Send),
) -> LookUp {
    let mut waits = waits.iter();
    let mut result = LookUp::NoAnswer;
    loop {
        alive();
        match broker.order(id).await {
            Ok(Some(order)) => return LookUp::Found(order),
            Ok(None) => result = LookUp::NotFound,
            Err(error) => tracing::warn!(%id, %error, "an order could not be looked up"),
        }
        match waits.next() {
            Some(wait) => timer.sleep(*wait).await,
            None => return result,
        }
    }
}

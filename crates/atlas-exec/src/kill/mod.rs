//! The kill switch: works from a second process while the first one hangs.

mod copy;
mod flatten;
mod seen;
mod settle;

use std::collections::BTreeSet;
use std::time::Duration;

use atlas_broker::{Broker, BrokerOrder};
use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, Side, Symbol};

use crate::error::Error;
use crate::folder::{Fence, FenceNote};
use crate::states::Cause;
use crate::timer::Timer;

pub use copy::Copy;
pub use flatten::{Flatten, Flattened, Left, Sale, Sold, flatten};

/// Which orders the kill switch cancels. Other clients' orders are never touched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Entries: buys of ours. What protects or reduces keeps working.
    Entries,
    /// Every order of ours, protective ones included.
    All,
}

/// What the broker itself did about trading on the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suspension {
    /// It accepts no more orders, from anybody.
    Set,
    /// It has no such thing, or did not do it: the fence alone holds.
    NotSet,
}

/// What the kill switch has done.
#[derive(Debug)]
pub struct Killed {
    /// Orders whose cancel the broker took.
    pub canceled: Vec<ClientOrderId>,
    /// Orders that could not be canceled, and why.
    pub failed: Vec<(ClientOrderId, atlas_broker::Error)>,
    /// Whether the broker suspended trading.
    pub suspension: Suspension,
}

/// Raises the fence, then sets the broker's own suspension where there is one, then cancels.
///
/// Takes no lock and writes no journal: the process that holds the account may hang. That process,
/// or the next one, journals the halt when it sees the fence, which it looks at before every send.
/// The fence is up before the broker is asked for anything, so that it stands whatever the broker
/// answers; running it again cancels what was not canceled yet.
///
/// # Errors
/// [`Error::Io`] if the fence cannot be raised: nothing else is tried then, and the process has
/// to be stopped by other means. [`Error::Broker`] if the open orders cannot be listed; the fence
/// is up then.
pub async fn kill(
    fence: &Fence,
    broker: &dyn Broker,
    scope: Scope,
    by: &str,
    why: &str,
    now: Timestamp,
) -> Result<Killed, Error> {
    raise(fence, by, why, now)?;
    let suspension = suspend(broker).await;
    let (canceled, failed) = cancel(broker, scope).await?;
    Ok(Killed { canceled, failed, suspension })
}

/// Raises the fence, and does nothing else: what comes first whatever follows.
///
/// # Errors
/// [`Error::Io`] if it cannot be raised.
pub fn raise(fence: &Fence, by: &str, why: &str, now: Timestamp) -> Result<(), Error> {
    let (by, why) = (by.to_owned(), why.to_owned());
    fence.raise(&FenceNote { cause: Cause::Kill, by, at: now, why })
}

/// Sets the broker's own suspension of trading where there is one.
pub async fn suspend(broker: &dyn Broker) -> Suspension {
    match broker.suspend(true).await {
        Ok(()) => Suspension::Set,
        Err(error) => {
            tracing::warn!(%error, "the broker did not suspend trading");
            Suspension::NotSet
        }
    }
}

/// Orders whose cancel the broker took, and those it did not, with the reason.
pub type Canceled = (Vec<ClientOrderId>, Vec<(ClientOrderId, atlas_broker::Error)>);

/// Asks for every order of ours in the scope to be canceled.
///
/// # Errors
/// [`Error::Broker`] if the open orders cannot be listed.
pub async fn cancel(broker: &dyn Broker, scope: Scope) -> Result<Canceled, Error> {
    cancel_where(broker, |order| is_meant(order, scope)).await
}

/// Asks for every order of ours for these symbols to be canceled, protective ones included.
///
/// # Errors
/// As [`cancel`].
pub async fn cancel_of(broker: &dyn Broker, symbols: &BTreeSet<Symbol>) -> Result<Canceled, Error> {
    let meant =
        |order: &BrokerOrder| order.client_order_id.is_ours() && symbols.contains(&order.symbol);
    cancel_where(broker, meant).await
}

/// Cancels again and again until no order in the scope was open for as long as `quiet`: a process
/// that hangs may have sent one that the broker does not tell of yet.
///
/// # Errors
/// As [`cancel`], for the first look; later ones that fail are taken for unquiet.
pub async fn cancel_until_quiet(
    broker: &dyn Broker,
    timer: &dyn Timer,
    scope: Scope,
    quiet: Duration,
) -> Result<Canceled, Error> {
    let (mut canceled, mut failed) = cancel(broker, scope).await?;
    let mut left = looks(quiet);
    // However long it takes, a broker that never confirms is told to the operator.
    let mut all = left.saturating_mul(3);
    while left > 0 && all > 0 {
        timer.sleep(LOOK).await;
        (left, all) = (left - 1, all - 1);
        match cancel(broker, scope).await {
            Ok((again, refused)) if again.is_empty() && refused.is_empty() => {}
            Ok((again, refused)) => {
                left = looks(quiet);
                canceled.extend(
                    again.into_iter().filter(|id| !canceled.contains(id)).collect::<Vec<_>>(),
                );
                failed = refused;
            }
            Err(error) => {
                tracing::warn!(%error, "the open orders could not be listed again");
                left = looks(quiet);
            }
        }
    }
    Ok((canceled, failed))
}

/// Time between two looks at what is open.
const LOOK: Duration = Duration::from_secs(1);

fn looks(quiet: Duration) -> u64 {
    quiet.as_secs().max(1)
}

/// Asks for every order of ours for other symbols than these to be canceled.
///
/// # Errors
/// As [`cancel`].
pub async fn cancel_others(
    broker: &dyn Broker,
    symbols: &BTreeSet<Symbol>,
) -> Result<Canceled, Error> {
    let meant =
        |order: &BrokerOrder| order.client_order_id.is_ours() && !symbols.contains(&order.symbol);
    cancel_where(broker, meant).await
}

async fn cancel_where(
    broker: &dyn Broker,
    meant: impl Fn(&BrokerOrder) -> bool,
) -> Result<Canceled, Error> {
    let open = broker.open_orders().await.map_err(Error::broker("ask for the open orders"))?;
    let (mut canceled, mut failed) = (Vec::new(), Vec::new());
    for order in open.into_iter().filter(meant) {
        match broker.cancel(&order.venue_order_id).await {
            Ok(()) => canceled.push(order.client_order_id),
            Err(error) => failed.push((order.client_order_id, error)),
        }
    }
    Ok((canceled, failed))
}

fn is_meant(order: &BrokerOrder, scope: Scope) -> bool {
    order.client_order_id.is_ours() && (scope == Scope::All || order.side == Side::Buy)
}

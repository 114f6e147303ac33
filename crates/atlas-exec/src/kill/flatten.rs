//! Flattening: selling what Atlas owns at a person's word, past a process that may hang.
//!
//! What has to be known is asked before any protective order is taken away, and nothing that a
//! sale at the market can do without stops it. Each sell is named in the account's inbox, durably,
//! before it goes out: the process that holds the account, or the next one, journals it from
//! there. They are approved like any other order, on fresh data and with an operator's authority;
//! the fence, where it is up, holds back everybody else.

use std::collections::BTreeMap;
use std::time::Duration;

use atlas_broker::{ActivityId, Broker, BrokerOrder, Submission};
use atlas_core::journal::Hash;
use atlas_core::time::{Mode, Timestamp};
use atlas_core::{
    AccountName, ClientOrderId, OrderRequest, OrderStatus, OrderType, Qty, Side, Symbol,
    TimeInForce,
};
use atlas_risk::{ApprovedOrder, Hours, Limits, TradingState, Validator};
use serde::Serialize;

use super::cancel_of;
use super::seen::{Seen, wait_for_cancels};
use crate::error::Error;
use crate::folder::{Command, Inbox};
use crate::shell::look_up::{LookUp, look_up};
use crate::shell::send::DUPLICATE;
use crate::states::{Deed, Permission, permits};
use crate::timer::Timer;

/// What is to be flattened, and how.
pub struct Flatten<'a> {
    /// The account's name.
    pub account: &'a AccountName,
    /// Replay, paper or live.
    pub mode: Mode,
    /// The account's state, which has to leave exits to an operator at least.
    pub state: TradingState,
    /// Shares Atlas owns by its journal; never more is sold.
    pub owned: &'a BTreeMap<Symbol, Qty>,
    /// The last entry of the broker's ledger that `owned` follows from; the names of the sells
    /// come from it, so that the same shares are never sold under two names.
    pub entry: Option<&'a ActivityId>,
    /// The account's limits.
    pub limits: &'a Limits,
    /// Where the sells are named before they are sent.
    pub inbox: &'a Inbox,
    /// What waits between two looks.
    pub timer: &'a dyn Timer,
    /// Waits between two looks, for cancels to be confirmed and for orders nobody knows of.
    pub waits: &'a [Duration],
    /// Who asks.
    pub by: &'a str,
    /// Why.
    pub why: &'a str,
    /// The present.
    pub now: Timestamp,
}

impl std::fmt::Debug for Flatten<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Flatten")
            .field("account", self.account)
            .field("mode", &self.mode)
            .field("owned", self.owned)
            .finish_non_exhaustive()
    }
}

/// What became of one sell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Sold {
    /// The broker has it.
    Taken {
        /// Where it stands.
        status: OrderStatus,
        /// Shares filled so far.
        filled: Qty,
    },
    /// A gate or the broker said no.
    Refused(String),
    /// Nobody knows whether it arrived.
    Unknown(String),
}

/// One sell and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sale {
    /// What was to be sold.
    pub request: OrderRequest,
    /// What became of it.
    pub sold: Sold,
}

/// What is still held of what was to be sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Shares.
    pub qty: Qty,
    /// Whether an order of ours that sells them is working. If not, nothing protects them.
    pub on_offer: bool,
}

/// What flattening has done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Flattened {
    /// Orders whose cancel the broker took.
    pub canceled: Vec<ClientOrderId>,
    /// Orders that could not be canceled, and why.
    pub not_canceled: Vec<(ClientOrderId, String)>,
    /// Every sell.
    pub sales: Vec<Sale>,
    /// What is owned and was not sold, each with the reason in a sentence.
    pub kept: Vec<(Symbol, String)>,
    /// What Atlas owns and the broker still holds.
    pub left: BTreeMap<Symbol, Left>,
}

/// Cancels every order of ours for what is owned, protective ones included, and sells it at the
/// market. What another client's order offers is left to that, so that there are never two exits
/// for the same shares. Whoever calls holds [`crate::folder::AccountLock::flattening`].
///
/// # Errors
/// [`Error::NotPermitted`] if the state leaves exits to nobody; [`Error::Broker`] if account,
/// positions or open orders cannot be had: nothing was canceled and nothing sent then.
pub async fn flatten(broker: &dyn Broker, order: Flatten<'_>) -> Result<Flattened, Error> {
    if permits(order.state, Deed::Reduce) == Permission::No {
        return Err(Error::NotPermitted {
            state: order.state,
            cause: order.why.to_owned(),
            action: "flatten",
            remedy: "sell at the broker, and reconcile".to_owned(),
        });
    }
    let mut done = Flattened::default();
    if order.owned.is_empty() {
        return Ok(done);
    }
    let mut seen = Seen::ask(broker, order.owned.keys().cloned().collect(), order.now).await?;
    let symbols = order.owned.keys().cloned().collect();
    let (canceled, failed) = cancel_of(broker, &symbols).await?;
    done.canceled = canceled;
    done.not_canceled = failed.into_iter().map(|(id, error)| (id, error.to_string())).collect();
    wait_for_cancels(broker, &order).await;
    for (symbol, owned) in order.owned {
        match sell(broker, &order, &mut seen, symbol, *owned).await {
            Ok(sale) => done.sales.push(sale),
            Err(reason) => done.kept.push((symbol.clone(), reason)),
        }
    }
    follow(broker, &order, seen.hours, &mut done).await;
    // What cannot be asked for any more stands as it was seen last.
    drop(seen.look_again(broker, &order).await);
    done.left = left(&order, &seen, &done);
    Ok(done)
}

/// Sells what is free of one symbol, by what the broker says right before; says why not, if there
/// is nothing to be sold.
async fn sell(
    broker: &dyn Broker,
    order: &Flatten<'_>,
    seen: &mut Seen,
    symbol: &Symbol,
    owned: Qty,
) -> Result<Sale, String> {
    seen.look_again(broker, order).await?;
    let qty = seen.free(symbol, owned)?;
    let (request, earlier) = name(broker, order, symbol, qty, seen.held(symbol)).await?;
    if let Some(found) = earlier {
        return Ok(Sale { request, sold: taken(&found) });
    }
    let validator = Validator::new(order.limits);
    let approved = match seen.approve(&validator, order, request.clone()) {
        Ok(approved) => approved,
        Err(reason) => return Ok(Sale { request, sold: Sold::Refused(reason) }),
    };
    let (by, why) = (order.by.to_owned(), order.why.to_owned());
    let named = Command::Flatten { by, why, orders: vec![request.clone()] };
    let sold = match order.inbox.leave(&named, order.now) {
        Ok(_) => send(broker, order, approved).await,
        Err(error) => Sold::Refused(error.to_string()),
    };
    Ok(Sale { request, sold })
}

/// The sell under a name that comes from what is sold: the same shares are never sold under two,
/// whoever asks and how often. One that ended without having sold anything gives way to the next;
/// any other that is there already is given back, and nothing more is sent.
async fn name(
    broker: &dyn Broker,
    order: &Flatten<'_>,
    symbol: &Symbol,
    qty: Qty,
    held: Qty,
) -> Result<(OrderRequest, Option<BrokerOrder>), String> {
    let entry = order.entry.map_or("none", |entry| entry.0.as_str());
    let mark = Hash::of(format!("{symbol} {held} {entry}").as_bytes()).short();
    let start = format!("{}{}-flatten", atlas_core::id::ORDER_PREFIX, order.account);
    let mut waits = order.waits.iter();
    let mut attempt = 0_u32;
    loop {
        let id = ClientOrderId::new(&format!("{start}-{mark}-{attempt}-{symbol}"))
            .map_err(|error| error.to_string())?;
        let request = OrderRequest {
            client_order_id: id.clone(),
            symbol: symbol.clone(),
            side: Side::Sell,
            qty,
            order_type: OrderType::Market,
            time_in_force: TimeInForce::Day,
        };
        match broker.order(&id).await {
            Ok(None) => return Ok((request, None)),
            Ok(Some(found)) if found.status.is_terminal() && found.filled_qty.is_zero() => {
                attempt += 1;
            }
            Ok(Some(found)) => return Ok((request, Some(found))),
            Err(error) => match waits.next() {
                Some(wait) => order.timer.sleep(*wait).await,
                None => return Err(format!("nobody can tell whether it was sold: {error}")),
            },
        }
    }
}

/// Looks at the sells until they have ended, for as long as the waits last and the market is open.
async fn follow(broker: &dyn Broker, order: &Flatten<'_>, hours: Hours, done: &mut Flattened) {
    let mut waits = order.waits.iter();
    loop {
        let mut working = false;
        for sale in &mut done.sales {
            if let (Sold::Taken { .. }, Ok(Some(now))) =
                (&sale.sold, broker.order(&sale.request.client_order_id).await)
            {
                sale.sold = taken(&now);
            }
            working |= sale.is_working();
        }
        match waits.next() {
            Some(wait) if working && hours == Hours::Open => order.timer.sleep(*wait).await,
            Some(_) | None => return,
        }
    }
}

impl Sale {
    /// Whether the broker has it and it may still fill.
    fn is_working(&self) -> bool {
        matches!(self.sold, Sold::Taken { status, .. } if !status.is_terminal())
    }

    const fn filled(&self) -> Qty {
        match self.sold {
            Sold::Taken { filled, .. } => filled,
            Sold::Refused(_) | Sold::Unknown(_) => Qty::ZERO,
        }
    }
}

/// Shares that were owned, were not sold, and are at the broker.
fn left(order: &Flatten<'_>, seen: &Seen, done: &Flattened) -> BTreeMap<Symbol, Left> {
    let rest = |(symbol, owned): (&Symbol, &Qty)| {
        let sale = done.sales.iter().find(|sale| sale.request.symbol == *symbol);
        let sold = sale.map_or(Qty::ZERO, Sale::filled);
        let qty = owned.saturating_sub(sold).min(seen.held(symbol));
        let on_offer = sale.is_some_and(Sale::is_working);
        (!qty.is_zero()).then(|| (symbol.clone(), Left { qty, on_offer }))
    };
    order.owned.iter().filter_map(rest).collect()
}

/// Sends one sell; one that may have arrived is looked up before it is sent again.
async fn send(broker: &dyn Broker, order: &Flatten<'_>, approved: ApprovedOrder) -> Sold {
    let id = approved.get().client_order_id.clone();
    let mut submission = broker.submit(approved).await;
    for wait in order.waits.iter().take(TRIES) {
        submission = match submission {
            Submission::NotReached { order: approved, .. } => {
                order.timer.sleep(*wait).await;
                broker.submit(approved).await
            }
            Submission::Unknown(token) => {
                match look_up(broker, order.timer, order.waits, &id, &mut || ()).await {
                    LookUp::Found(found) => return taken(&found),
                    LookUp::NoAnswer => return Sold::Unknown(token.error().to_string()),
                    LookUp::NotFound => broker.resend(token).await,
                }
            }
            Submission::Accepted(found) => return taken(&found),
            Submission::Refused { code, reason } => {
                return refused(broker, order, &id, code, reason).await;
            }
        };
    }
    match submission {
        Submission::Accepted(found) => taken(&found),
        Submission::Refused { code, reason } => refused(broker, order, &id, code, reason).await,
        Submission::NotReached { error, .. } => Sold::Refused(error.to_string()),
        Submission::Unknown(token) => Sold::Unknown(token.error().to_string()),
    }
}

/// A refusal of a name that exists is about an earlier send of the same sale.
async fn refused(
    broker: &dyn Broker,
    order: &Flatten<'_>,
    id: &ClientOrderId,
    code: Option<i64>,
    reason: String,
) -> Sold {
    if code != Some(DUPLICATE) {
        return Sold::Refused(reason);
    }
    match look_up(broker, order.timer, order.waits, id, &mut || ()).await {
        LookUp::Found(found) => taken(&found),
        LookUp::NotFound | LookUp::NoAnswer => Sold::Unknown(reason),
    }
}

const fn taken(found: &BrokerOrder) -> Sold {
    Sold::Taken { status: found.status, filled: found.filled_qty }
}

/// How often one sell is tried.
const TRIES: usize = 3;

//! Flattening: selling what Atlas owns at a person's word, past a process that may hang.
//!
//! The sells are named in the account's inbox, durably, before the first of them goes out: the
//! process that holds the account, or the next one, journals them from there. They are approved
//! like any other order, on fresh data and with an operator's authority; the fence, which is up by
//! then, holds back everybody else.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use atlas_broker::{Broker, Submission};
use atlas_core::time::{Mode, Timestamp};
use atlas_core::{
    Account, AccountName, ClientOrderId, OrderEvent, OrderRequest, OrderStatus, OrderType,
    Position, Qty, Quote, Regime, Side, Symbol, TimeInForce,
};
use atlas_risk::{
    Activity, ApprovedOrder, Authority, BreakerStance, Context, Entries, Hours, Limits, OpenOrder,
    Performance, Phase, SymbolMarket, Tradability, TradingState, Validator,
};

use serde::Serialize;

use crate::error::Error;
use crate::event::{Event, OrderIntent, OrderUpdate};
use crate::folder::{Command, Inbox};
use crate::journal::Draft;
use crate::session::Session;
use crate::shell::look_up::{LookUp, look_up};
use crate::snapshot::still_open;
use crate::states::{Cause, Deed, Permission, permits};
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

/// What flattening has done.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Flattened {
    /// Every sell.
    pub sales: Vec<Sale>,
    /// What is owned and was not sold, each with the reason in a sentence.
    pub kept: Vec<(Symbol, String)>,
}

/// Sells at the market what Atlas owns and no open order offers; every order of ours should have
/// been canceled before. What is still on offer is left to the order that offers it, so that there
/// are never two exits for the same shares.
///
/// # Errors
/// [`Error::NotPermitted`] if the state leaves exits to nobody; [`Error::Broker`] if the broker
/// cannot be asked, [`Error::Io`] if the sells cannot be named in
/// the inbox: nothing was sent then.
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
    let Some(seen) = Seen::ask(broker, &order).await? else { return Ok(done) };
    let mut requests = Vec::new();
    for (symbol, owned) in order.owned {
        match seen.free(symbol, *owned) {
            Ok(qty) => requests.push(request(&order, symbol, qty)?),
            Err(reason) => done.kept.push((symbol.clone(), reason)),
        }
    }
    if requests.is_empty() {
        return Ok(done);
    }
    let (by, why) = (order.by.to_owned(), order.why.to_owned());
    order.inbox.leave(&Command::Flatten { by, why, orders: requests.clone() }, order.now)?;
    let validator = Validator::new(order.limits);
    for request in requests {
        let sold = match seen.approve(&validator, &order, request.clone()) {
            Ok(approved) => send(broker, &order, approved).await,
            Err(reason) => Sold::Refused(reason),
        };
        done.sales.push(Sale { request, sold });
    }
    for sale in &mut done.sales {
        if let (Sold::Taken { .. }, Ok(Some(now))) =
            (&sale.sold, broker.order(&sale.request.client_order_id).await)
        {
            sale.sold = Sold::Taken { status: now.status, filled: now.filled_qty };
        }
    }
    Ok(done)
}

/// What was asked of the broker once cancels were confirmed.
struct Seen {
    account: Account,
    positions: BTreeMap<Symbol, Position>,
    open: Vec<OpenOrder>,
    market: BTreeMap<Symbol, SymbolMarket>,
    hours: Hours,
}

impl Seen {
    /// Waits until no order of ours for what is sold is open, for as long as the waits last, then asks for
    /// everything. `None` if nothing is owned.
    async fn ask(broker: &dyn Broker, order: &Flatten<'_>) -> Result<Option<Self>, Error> {
        if order.owned.is_empty() {
            return Ok(None);
        }
        let mut waits = order.waits.iter();
        let open = loop {
            let open = broker.open_orders().await.map_err(Error::broker("ask for open orders"))?;
            let ours = open.iter().any(|open| {
                open.client_order_id.is_ours() && order.owned.contains_key(&open.symbol)
            });
            match (ours, waits.next()) {
                (true, Some(wait)) => order.timer.sleep(*wait).await,
                (false, _) | (true, None) => break open,
            }
        };
        let account = broker.account().await.map_err(Error::broker("ask for the account"))?;
        let positions = broker.positions().await.map_err(Error::broker("ask for positions"))?;
        let symbols: Vec<Symbol> = order.owned.keys().cloned().collect();
        let quotes = broker.quotes(&symbols).await.map_err(Error::broker("ask for quotes"))?;
        let clock = broker.clock().await.map_err(Error::broker("ask for the market clock"))?;
        let market = positions.values().map(|position| known(position, &quotes, order.now));
        Ok(Some(Self {
            account,
            market: market.collect(),
            positions,
            open: open.into_iter().map(still_open).collect(),
            hours: if clock.is_open { Hours::Open } else { Hours::Closed },
        }))
    }

    /// Shares of a symbol that are owned, there, and not on offer.
    fn free(&self, symbol: &Symbol, owned: Qty) -> Result<Qty, String> {
        let held = self.positions.get(symbol).map_or(Qty::ZERO, |position| position.qty);
        let offers = self.open.iter().filter(|o| o.symbol == *symbol && o.side == Side::Sell);
        let free = offers.fold(held, |free, offer| free.saturating_sub(offer.leaves_qty));
        let qty = free.min(owned);
        if qty.is_zero() {
            return Err(format!(
                "{owned} are owned by the journal, {held} are at the broker, none of them free"
            ));
        }
        Ok(qty)
    }

    fn approve(
        &self,
        validator: &Validator,
        order: &Flatten<'_>,
        request: OrderRequest,
    ) -> Result<ApprovedOrder, String> {
        let context = Context {
            now: order.now,
            phase: Phase::Send,
            mode: order.mode,
            state: order.state,
            authority: Authority::Operator,
            hours: self.hours,
            regime: Regime::Crash,
            entries: Entries::Blocked,
            equity: self.account.equity,
            budget: atlas_core::Usd::ZERO,
            account: &self.account,
            positions: &self.positions,
            open_orders: &self.open,
            recent_orders: &[],
            market: &self.market,
            decision_session: order.now.date_naive(),
            activity: Activity::NONE,
            performance: Performance { day_return: None, drawdown: None },
            breaker: BreakerStance::Closed,
        };
        validator.approve(request, &context).map_err(|denial| denial.to_string())
    }
}

fn known(
    position: &Position,
    quotes: &BTreeMap<Symbol, Quote>,
    now: Timestamp,
) -> (Symbol, SymbolMarket) {
    let market = SymbolMarket {
        decision_price: position.current_price,
        session: now.date_naive(),
        quote: quotes.get(&position.symbol).cloned(),
        tradability: Tradability::Tradable,
    };
    (position.symbol.clone(), market)
}

fn request(order: &Flatten<'_>, symbol: &Symbol, qty: Qty) -> Result<OrderRequest, Error> {
    // The instant tells a second flattening's orders from those of the first.
    let stamp = order.now.format("%Y%m%dT%H%M%S%3f");
    let id = format!("{}{}-flatten-{stamp}-{symbol}", atlas_core::id::ORDER_PREFIX, order.account);
    Ok(OrderRequest {
        client_order_id: ClientOrderId::new(&id)?,
        symbol: symbol.clone(),
        side: Side::Sell,
        qty,
        order_type: OrderType::Market,
        time_in_force: TimeInForce::Day,
    })
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
            Submission::Refused { reason, .. } => return Sold::Refused(reason),
        };
    }
    match submission {
        Submission::Accepted(found) => taken(&found),
        Submission::Refused { reason, .. } => Sold::Refused(reason),
        Submission::NotReached { error, .. } => Sold::Refused(error.to_string()),
        Submission::Unknown(token) => Sold::Unknown(token.error().to_string()),
    }
}

const fn taken(found: &atlas_broker::BrokerOrder) -> Sold {
    Sold::Taken { status: found.status, filled: found.filled_qty }
}

/// How often one sell is tried.
const TRIES: usize = 3;

impl Session {
    /// Journals the sells of a flattening as sent: they may have been, whatever is known.
    pub(crate) fn note_flattening(&mut self, orders: &[OrderRequest]) -> Result<(), Error> {
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
        self.record_all(drafts)
    }

    /// Finds out what became of orders that a person sent past the journal, and of protective ones
    /// that a crash left open: one the broker has
    /// never seen, after every look-up, is closed as not placed; one it does not answer for makes
    /// the account PAUSED.
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

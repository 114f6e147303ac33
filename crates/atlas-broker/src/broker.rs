//! The contract every broker keeps.

use std::collections::BTreeMap;

use async_trait::async_trait;
use atlas_core::time::Timestamp;
use atlas_core::{
    Account, ClientOrderId, OrderRequest, OrderStatus, Position, Price, Qty, Quote, Side, Symbol,
    Usd, VenueOrderId,
};
use atlas_risk::ApprovedOrder;
use serde::{Deserialize, Serialize};

use crate::activity::{Activity, ActivityId};
use crate::error::Error;
use crate::terms::{Terms, Trail};
use crate::updates::UpdateStream;

/// An order as the broker reports it. Amounts are cumulative.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BrokerOrder {
    /// The broker's name for it.
    pub venue_order_id: VenueOrderId,
    /// Our name for it, or whatever another client called it.
    pub client_order_id: ClientOrderId,
    /// What it trades.
    pub symbol: Symbol,
    /// Which way.
    pub side: Side,
    /// Shares asked for; of an order for an amount of money, shares filled so far.
    pub qty: Qty,
    /// Dollars asked for, if money was asked for instead of shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notional: Option<Usd>,
    /// Shares filled so far; of a replacement, those of the orders before it included.
    pub filled_qty: Qty,
    /// Mean price of the fills so far, as the broker computes it; advisory.
    pub avg_fill_price: Option<Price>,
    /// Where it stands, in our words.
    pub status: OrderStatus,
    /// The limit, if it has one.
    pub limit_price: Option<Price>,
    /// When the broker took it.
    pub submitted_at: Timestamp,
    /// The order whose place it took, if it took one's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<VenueOrderId>,
}

/// What became of a submit: did the order reach the broker?
#[derive(Debug)]
#[must_use = "an order whose outcome nobody looks at is lost sight of"]
pub enum Submission {
    /// Yes, and the broker has it.
    Accepted(BrokerOrder),
    /// Yes, and the broker refused it; sending it again cannot help.
    Refused {
        /// The broker's code, such as Alpaca's `40310000`.
        code: Option<i64>,
        /// The broker's words.
        reason: String,
    },
    /// No: it certainly never reached the broker, and may be sent again.
    NotReached {
        /// The order with its approval, unspent.
        order: ApprovedOrder,
        /// What went wrong.
        error: Error,
    },
    /// Nobody knows: see [`UnknownOutcome`].
    Unknown(UnknownOutcome),
}

/// A submit whose outcome is unknown: it permits a look-up by client order id and, where that
/// finds nothing, sending the very same order under the very same id again; nothing else.
///
/// The approval inside never comes out again: a broker resends what [`UnknownOutcome::request`]
/// and [`UnknownOutcome::sent`] show, and nobody can submit or replace with it.
///
/// ```compile_fail
/// # use atlas_broker::{Broker, UnknownOutcome};
/// # async fn demo(broker: &dyn Broker, unknown: UnknownOutcome) {
/// let order: atlas_risk::ApprovedOrder = unknown.into_order();
/// # }
/// ```
#[derive(Debug)]
#[must_use = "an order whose outcome is unknown may be working at the broker"]
pub struct UnknownOutcome {
    order: ApprovedOrder,
    error: Error,
    sent: Sent,
}

/// How an order of unknown outcome was sent, and so how it has to be sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sent {
    /// As a new order on these terms.
    Submitted(Terms),
    /// As the replacement of this order.
    Replacing(VenueOrderId),
    /// As the replacement of this trailing stop, with this trail.
    ReplacingTrail(VenueOrderId, Trail),
}

impl UnknownOutcome {
    /// Only a broker learns that an outcome is unknown; implementations outside of this crate call
    /// this with the order they were handed.
    pub const fn new(order: ApprovedOrder, error: Error) -> Self {
        Self::sent_as(order, error, Sent::Submitted(Terms::Simple))
    }

    /// The same for an order that was not sent plainly.
    pub const fn sent_as(order: ApprovedOrder, error: Error, sent: Sent) -> Self {
        Self { order, error, sent }
    }

    /// How it was sent.
    #[must_use]
    pub const fn sent(&self) -> &Sent {
        &self.sent
    }

    /// The order in question.
    #[must_use]
    pub const fn request(&self) -> &OrderRequest {
        self.order.get()
    }

    /// What went wrong.
    #[must_use]
    pub const fn error(&self) -> &Error {
        &self.error
    }

    /// The same after another attempt that said nothing either: what a broker's own
    /// [`Broker::resend`] answers then.
    pub fn still_unknown(self, error: Error) -> Self {
        Self { error, ..self }
    }
}

/// The market's opening hours as the broker sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarketClock {
    /// The broker's present.
    pub timestamp: Timestamp,
    /// Whether the stock market is open.
    pub is_open: bool,
    /// The next opening after the present.
    pub next_open: Timestamp,
    /// The next close after the present.
    pub next_close: Timestamp,
}

/// Asked right before an order goes onto the wire, after everything that takes time: reads that
/// prepare it, and waiting for the budget of requests.
pub trait Gate: std::fmt::Debug + Send + Sync {
    /// Whether an order may be sent now.
    ///
    /// # Errors
    /// Why not, in a sentence.
    fn check(&self) -> Result<(), String>;
}

/// A broker: the truth about money, positions and orders.
///
/// What any implementation must keep:
/// - every call has a deadline, and nothing is retried behind the caller's back;
/// - `submit` sends at most one request, and says truthfully whether it may have arrived;
/// - a client order id is unique for ever: a second submit under it never makes a second order;
/// - `order` finds an order for as long as the account exists, whatever its state;
/// - `activities` come oldest first and without gaps; the id of the last one is a bookmark;
/// - a fill appears in `activities` once, under one execution id.
///
/// There is no "close position": flattening is approved sells.
#[async_trait]
pub trait Broker: Send + Sync {
    /// The account's money.
    ///
    /// # Errors
    /// Any [`Error`]; none is fatal for the account.
    async fn account(&self) -> Result<Account, Error>;

    /// Every open position, by symbol.
    ///
    /// # Errors
    /// As [`Broker::account`]; a short position is [`Error::Unsupported`].
    async fn positions(&self) -> Result<BTreeMap<Symbol, Position>, Error>;

    /// Every order that may still fill, oldest first, however many there are.
    ///
    /// # Errors
    /// As [`Broker::account`]; a state nobody knows is [`Error::UnknownState`].
    async fn open_orders(&self) -> Result<Vec<BrokerOrder>, Error>;

    /// One order by our name for it, `None` if the broker has never seen it.
    ///
    /// # Errors
    /// As [`Broker::open_orders`].
    async fn order(&self, id: &ClientOrderId) -> Result<Option<BrokerOrder>, Error>;

    /// Sends one approved order, once.
    async fn submit(&self, order: ApprovedOrder) -> Submission;

    /// Sends the same order under the same id again, after a look-up has not found it.
    async fn resend(&self, unknown: UnknownOutcome) -> Submission;

    /// Sends one approved order on terms, once. `conflict` of the terms refuses without sending.
    ///
    /// A broker that has no such terms does not send: [`Error::Unsupported`].
    async fn submit_with(&self, order: ApprovedOrder, terms: Terms) -> Submission {
        if terms == Terms::Simple {
            return self.submit(order).await;
        }
        Submission::NotReached { order, error: unsupported("an order with terms") }
    }

    /// Sends one approved order to take the place of an open one, once. The approved quantity is
    /// the total, fills of the old order included; symbol, side and type are those of the old one.
    ///
    /// `Accepted` does not mean that the old order did not fill meanwhile: the new one is rejected
    /// then. Both are told by [`Broker::order`]. The new order's `filled_qty` begins with that of the
    /// old one, whose executions stay under the old one's name. An order the broker does not know
    /// is `Refused`: there is nothing to replace, now or later.
    async fn replace(&self, old: &VenueOrderId, order: ApprovedOrder) -> Submission {
        let _ = old;
        Submission::NotReached { order, error: unsupported("replacing an order") }
    }

    /// The same for a trailing stop: the approved order is a stop, and the new one follows the
    /// market at this trail, dollars or per cent as the old one does. The stop price of the approval
    /// is not sent: where the stop stands is the market's doing.
    async fn replace_trail(
        &self,
        old: &VenueOrderId,
        order: ApprovedOrder,
        trail: Trail,
    ) -> Submission {
        let _ = (old, trail);
        Submission::NotReached { order, error: unsupported("replacing a trailing stop") }
    }

    /// Asks for every open order to be canceled; gives the orders that were asked for.
    ///
    /// # Errors
    /// As [`Broker::account`]; some orders may have been asked for before it.
    async fn cancel_all(&self) -> Result<Vec<VenueOrderId>, Error> {
        let mut asked = Vec::new();
        for order in self.open_orders().await? {
            self.cancel(&order.venue_order_id).await?;
            asked.push(order.venue_order_id);
        }
        Ok(asked)
    }

    /// Sets or lifts the broker's own suspension of trading, where there is one.
    ///
    /// # Errors
    /// As [`Broker::account`]; [`Error::Unsupported`] where there is none.
    async fn suspend(&self, suspended: bool) -> Result<(), Error> {
        let _ = suspended;
        Err(unsupported("suspending trading"))
    }

    /// Opens a stream of what happens to orders, told from a bookmark of [`Broker::activities`] on;
    /// nothing is connected before the first update is asked for.
    ///
    /// # Errors
    /// [`Error::Unsupported`] where there is none.
    fn updates(&self, after: Option<ActivityId>) -> Result<Box<dyn UpdateStream + '_>, Error> {
        drop(after);
        Err(unsupported("a stream of order updates"))
    }

    /// Asks for an order to be canceled; its end is told by [`Broker::order`], not by the answer.
    /// Canceling what has ended already is no error.
    ///
    /// # Errors
    /// As [`Broker::account`].
    async fn cancel(&self, id: &VenueOrderId) -> Result<(), Error>;

    /// Everything that moved money or shares since a bookmark, oldest first.
    ///
    /// Fees and dividends can be posted days later under the day they belong to, and so before
    /// later fills: who wants those asks again from an older bookmark and skips the ids it knows.
    ///
    /// # Errors
    /// As [`Broker::account`].
    async fn activities(&self, after: Option<&ActivityId>) -> Result<Vec<Activity>, Error>;

    /// The broker's clock.
    ///
    /// # Errors
    /// As [`Broker::account`].
    async fn clock(&self) -> Result<MarketClock, Error>;

    /// The latest quote of each symbol; a symbol nobody quotes is absent.
    ///
    /// # Errors
    /// As [`Broker::account`].
    async fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, Error>;
}

/// The error of an optional part of the contract.
fn unsupported(what: &str) -> Error {
    Error::Unsupported {
        venue: "this broker".to_owned(),
        what: what.to_owned(),
        remedy: "use a broker that has it",
    }
}

//! Protective orders: stops that rest at the broker, so that positions are protected while Atlas is
//! down.
//!
//! There is at most one for each symbol Atlas owns, for exactly the shares it owns. Before the
//! sequencer trades the symbol it cancels the stop and waits for the end of it; once the trading is
//! over it places another one for what is held then ([`crate::sequencer`]). So no two live exits
//! ever offer the same share.

use std::collections::BTreeMap;
use std::fmt;

use atlas_core::{
    AccountName, Bps, ClientOrderId, DecisionId, OrderRequest, OrderType, Price, Qty, Rounding,
    Side, Symbol, TimeInForce,
};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::state::State;

/// When a position gets a protective order, and where its stop is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Protection {
    /// How far below the price of the moment it is placed at the stop is; above 0, below 100 %.
    pub stop_below: Bps,
}

/// A protective order is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardIntent {
    /// Exactly what is sent.
    pub request: OrderRequest,
    /// The price per share the stop was set from.
    pub basis: Price,
    /// How far below it the stop is.
    pub stop_below: Bps,
}

/// What is protected of one symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cover {
    /// Shares Atlas owns.
    pub owned: Qty,
    /// Shares its live protective order still offers.
    pub protected: Qty,
    /// The stop of that order.
    pub stop_price: Option<Price>,
    /// The order.
    pub client_order_id: Option<ClientOrderId>,
}

impl Cover {
    /// Whether every whole share that is owned is protected.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.protected == self.owned.whole()
    }
}

/// What is protected, by every symbol that is owned or has a live protective order.
#[must_use]
pub fn cover(state: &State) -> BTreeMap<Symbol, Cover> {
    let bare =
        |owned| Cover { owned, protected: Qty::ZERO, stop_price: None, client_order_id: None };
    let mut found: BTreeMap<Symbol, Cover> =
        state.books().all_owned().into_iter().map(|(symbol, qty)| (symbol, bare(qty))).collect();
    for tracked in state.guards() {
        let request = tracked.order.request();
        let cover = found.entry(request.symbol.clone()).or_insert_with(|| bare(Qty::ZERO));
        let leaves = tracked.order.leaves_qty();
        cover.protected = cover.protected.checked_add(leaves).unwrap_or(cover.protected);
        cover.stop_price = stop_price(request);
        cover.client_order_id = Some(request.client_order_id.clone());
    }
    found
}

/// The price that wakes an order, if it has one.
#[must_use]
pub const fn stop_price(request: &OrderRequest) -> Option<Price> {
    match request.order_type {
        OrderType::Stop { stop_price } | OrderType::StopLimit { stop_price, .. } => {
            Some(stop_price)
        }
        OrderType::Market | OrderType::Limit { .. } | _ => None,
    }
}

/// The protective order for shares that are owned: a stop that works until it is canceled, its
/// price rounded down to the tick.
///
/// # Errors
/// [`atlas_core::Error`] if the stop is no price, or the parts make no name.
pub(crate) fn guard(
    name: GuardName<'_>,
    qty: Qty,
    basis: Price,
    protection: Protection,
) -> Result<GuardIntent, Error> {
    let stop_price = basis.moved(-protection.stop_below.fraction())?.to_tick(Rounding::Down)?;
    let request = OrderRequest {
        client_order_id: name.id()?,
        symbol: name.symbol.clone(),
        side: Side::Sell,
        qty,
        order_type: OrderType::Stop { stop_price },
        time_in_force: TimeInForce::Gtc,
    };
    Ok(GuardIntent { request, basis, stop_below: protection.stop_below })
}

/// What a protective order is named after: the account, what it was placed after, the symbol, and
/// how many of that kind there were before it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GuardName<'a> {
    pub(crate) account: &'a AccountName,
    pub(crate) after: Origin,
    pub(crate) symbol: &'a Symbol,
    pub(crate) attempt: usize,
}

/// What a protective order was placed after.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Origin {
    /// The execution of a plan.
    Decision(DecisionId),
    /// A look at what lacks protection, on a trading day.
    Day(NaiveDate),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decision(id) => write!(f, "{id}"),
            Self::Day(day) => write!(f, "{}", day.format("%Y%m%d")),
        }
    }
}

impl GuardName<'_> {
    fn id(&self) -> Result<ClientOrderId, atlas_core::Error> {
        let Self { account, after, symbol, attempt } = self;
        let prefix = atlas_core::id::ORDER_PREFIX;
        ClientOrderId::new(&format!("{prefix}{account}-{after}-guard-{symbol}-{attempt}"))
    }
}

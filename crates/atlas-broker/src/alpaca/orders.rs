//! Listing orders with filters, to the end of the list.

use std::collections::BTreeMap;

use atlas_core::time::Timestamp;
use atlas_core::{Side, Symbol, VenueOrderId};
use chrono::SecondsFormat;

use super::http::{Call, path};
use super::wire::WireOrder;
use super::{Mode, Session};
use crate::{BrokerOrder, Error};

/// Which orders are listed. The default is every open one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderFilter {
    /// Whether they may still fill.
    pub which: Which,
    /// Of these symbols alone; empty for all.
    pub symbols: Vec<Symbol>,
    /// Of this side alone.
    pub side: Option<Side>,
    /// Submitted after this instant.
    pub after: Option<Timestamp>,
    /// Submitted before this instant.
    pub until: Option<Timestamp>,
}

/// Whether listed orders may still fill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Which {
    /// Those that may still fill.
    #[default]
    Open,
    /// Those that have ended.
    Closed,
    /// Both.
    All,
}

impl Which {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Closed => "closed",
            Self::All => "all",
        }
    }
}

/// The most orders one page can hold.
const PAGE: usize = 500;

impl<M: Mode> Session<M> {
    /// Every order the filter lets pass, oldest first, legs as orders of their own.
    ///
    /// The first page is found by time, the others by the id of the last order, so that orders
    /// submitted at the same instant are not lost.
    ///
    /// # Errors
    /// Any [`Error`]; nothing is left out of a list that is returned.
    pub async fn orders(&self, filter: &OrderFilter) -> Result<Vec<BrokerOrder>, Error> {
        let mut orders: BTreeMap<VenueOrderId, BrokerOrder> = BTreeMap::new();
        let mut last: Option<String> = None;
        loop {
            let call = list_call(filter, last.as_deref());
            let page: Vec<WireOrder> = self.trading.ask(&call).await?;
            let full = page.len() >= PAGE;
            let before = orders.len();
            last = page.last().map(|order| order.id.clone());
            for wire in page {
                let order = wire.order().map_err(|fault| self.trading.fault(&call, fault))?;
                self.remember(&order);
                orders.insert(order.venue_order_id.clone(), order);
            }
            if !full {
                break;
            }
            if orders.len() == before {
                let problem = "a full page without a new order: the list does not end".to_owned();
                return Err(self.trading.bad_answer(&call, problem));
            }
        }
        let in_time = |order: &BrokerOrder| {
            filter.after.is_none_or(|after| order.submitted_at > after)
                && filter.until.is_none_or(|until| order.submitted_at < until)
        };
        let mut orders: Vec<BrokerOrder> = orders.into_values().filter(in_time).collect();
        orders.sort_by_key(|order| order.submitted_at);
        Ok(orders)
    }

    /// One order by the broker's name for it, with the exits that hang on it.
    ///
    /// # Errors
    /// Any [`Error`]; [`Error::Refused`] with status 404 if the broker has no such order.
    pub async fn order_with_legs(
        &self,
        id: &VenueOrderId,
    ) -> Result<(BrokerOrder, Vec<BrokerOrder>), Error> {
        let call = Call::get(path(&["v2", "orders", id.as_str()])).with("nested", "true");
        let wire: WireOrder = self.trading.ask(&call).await?;
        let fault = |fault| self.trading.fault(&call, fault);
        let (order, legs) = (wire.order().map_err(fault)?, wire.legs().map_err(fault)?);
        std::iter::once(&order).chain(&legs).for_each(|order| self.remember(order));
        Ok((order, legs))
    }

    /// The order that took this one's place, if one did.
    ///
    /// # Errors
    /// As [`Session::order_with_legs`].
    pub async fn successor(&self, id: &VenueOrderId) -> Result<Option<VenueOrderId>, Error> {
        let call = Call::get(path(&["v2", "orders", id.as_str()]));
        let wire: WireOrder = self.trading.ask(&call).await?;
        let name = |text: &String| {
            let bad = |error: atlas_core::Error| self.trading.bad_answer(&call, error.to_string());
            VenueOrderId::new(text).map_err(bad)
        };
        wire.replaced_by.as_ref().map(name).transpose()
    }
}

/// One page of the list.
fn list_call(filter: &OrderFilter, last: Option<&str>) -> Call {
    let mut call = Call::get("/v2/orders")
        .with("status", filter.which.as_str())
        .with("limit", PAGE.to_string())
        .with("direction", "asc")
        .with("nested", "false");
    if !filter.symbols.is_empty() {
        let names: Vec<&str> = filter.symbols.iter().map(Symbol::as_str).collect();
        call = call.with("symbols", names.join(","));
    }
    if let Some(side) = filter.side {
        call = call.with("side", side.as_str());
    }
    // The cursor and the times exclude each other.
    if let Some(id) = last {
        return call.with("after_order_id", id);
    }
    let instant = |t: Timestamp| t.to_rfc3339_opts(SecondsFormat::AutoSi, true);
    if let Some(after) = filter.after {
        call = call.with("after", instant(after));
    }
    if let Some(until) = filter.until {
        call = call.with("until", instant(until));
    }
    call
}

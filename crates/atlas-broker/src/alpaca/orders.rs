//! Listing orders with filters, to the end of the list.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use atlas_core::time::Timestamp;
use atlas_core::{Side, Symbol, VenueOrderId};
use chrono::SecondsFormat;

use super::http::{Call, path};
use super::wire::WireOrder;
use super::{Mode, Session};
use crate::{BrokerOrder, Error};

/// Which orders are listed. The default is every open one, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OrderFilter {
    /// Whether they may still fill.
    pub which: Which,
    /// Of these symbols alone; empty for all.
    pub symbols: Vec<Symbol>,
    /// Of this side alone.
    pub side: Option<Side>,
    /// Of this class of assets alone.
    pub asset_class: Option<AssetClass>,
    /// Submitted after this instant.
    pub after: Option<Timestamp>,
    /// Submitted before this instant.
    pub until: Option<Timestamp>,
    /// Submitted after this order.
    pub after_order_id: Option<VenueOrderId>,
    /// Submitted before this order.
    pub before_order_id: Option<VenueOrderId>,
    /// Which end of the list comes first, and so which orders a limit keeps.
    pub direction: Direction,
    /// So many orders at most; `None` for all. Legs that come with their parent do not count.
    pub limit: Option<NonZeroU32>,
    /// Whether legs are listed with their parents, whatever the rest of the filter says of them;
    /// otherwise each is an order that passes the filter or does not.
    pub nested: bool,
}

/// A class of assets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum AssetClass {
    /// US stocks and funds.
    UsEquity,
    /// Pairs of crypto currencies.
    Crypto,
}

impl AssetClass {
    const fn as_str(self) -> &'static str {
        match self {
            Self::UsEquity => "us_equity",
            Self::Crypto => "crypto",
        }
    }
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// What was submitted first comes first.
    #[default]
    OldestFirst,
    /// What was submitted last comes first.
    NewestFirst,
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
pub(super) const PAGE: usize = 500;

impl<M: Mode> Session<M> {
    /// Every order the filter lets pass, in its direction, legs as orders of their own.
    ///
    /// The first page is found by time, the others by the id of the last order, so that orders
    /// submitted at the same instant are not lost; the walk ends where the filter's times do.
    ///
    /// # Errors
    /// Any [`Error`]; nothing is left out of a list that is returned.
    pub async fn orders(&self, filter: &OrderFilter) -> Result<Vec<BrokerOrder>, Error> {
        let mut orders: BTreeMap<VenueOrderId, BrokerOrder> = BTreeMap::new();
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut taken = 0;
        let mut last: Option<String> = None;
        let limit = filter.limit.map_or(usize::MAX, |limit| limit.get() as usize);
        while taken < limit {
            let asked = PAGE.min(limit - taken);
            let call = list_call(filter, asked, last.as_deref());
            let page: Vec<WireOrder> = self.trading.ask(&call).await?;
            let more = page.len() >= asked && page.last().is_some_and(|end| !filter.is_over(end));
            let before = seen.len();
            last = page.last().map(|order| order.id.clone());
            for wire in page.iter().take(asked) {
                if !seen.insert(wire.id.clone()) || !filter.is_in_time(wire) {
                    continue;
                }
                let fault = |fault| self.trading.fault(&call, fault);
                taken += 1;
                let legs = wire.legs().map_err(fault)?;
                for order in std::iter::once(wire.order().map_err(fault)?).chain(legs) {
                    self.remember(&order);
                    orders.insert(order.venue_order_id.clone(), order);
                }
            }
            if !more {
                break;
            }
            if seen.len() == before {
                let problem = "a full page without a new order: the list does not end".to_owned();
                return Err(self.trading.bad_answer(&call, problem));
            }
        }
        let mut orders: Vec<BrokerOrder> = orders.into_values().collect();
        match filter.direction {
            Direction::OldestFirst => orders.sort_by_key(|order| order.submitted_at),
            Direction::NewestFirst => orders.sort_by_key(|order| Reverse(order.submitted_at)),
        }
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

impl OrderFilter {
    /// Whether an order was submitted between the filter's times, as far as it is told.
    fn is_in_time(&self, order: &WireOrder) -> bool {
        order.instant().is_none_or(|instant| {
            self.after.is_none_or(|after| instant > after)
                && self.until.is_none_or(|until| instant < until)
        })
    }

    /// Whether no order after this one in the list can be between the filter's times.
    fn is_over(&self, order: &WireOrder) -> bool {
        order.instant().is_some_and(|instant| match self.direction {
            Direction::OldestFirst => self.until.is_some_and(|until| instant >= until),
            Direction::NewestFirst => self.after.is_some_and(|after| instant <= after),
        })
    }
}

/// One page of the list.
fn list_call(filter: &OrderFilter, limit: usize, last: Option<&str>) -> Call {
    let oldest_first = filter.direction == Direction::OldestFirst;
    let mut call = Call::get("/v2/orders")
        .with("status", filter.which.as_str())
        .with("limit", limit.to_string())
        .with("direction", if oldest_first { "asc" } else { "desc" })
        .with("nested", if filter.nested { "true" } else { "false" });
    if !filter.symbols.is_empty() {
        let names: Vec<&str> = filter.symbols.iter().map(Symbol::as_str).collect();
        call = call.with("symbols", names.join(","));
    }
    if let Some(side) = filter.side {
        call = call.with("side", side.as_str());
    }
    if let Some(class) = filter.asset_class {
        call = call.with("asset_class", class.as_str());
    }
    let newest_known = if oldest_first { last } else { None };
    let oldest_known = if oldest_first { None } else { last };
    let after_id = newest_known.or(filter.after_order_id.as_ref().map(VenueOrderId::as_str));
    let before_id = oldest_known.or(filter.before_order_id.as_ref().map(VenueOrderId::as_str));
    // Cursors and times exclude each other; what a cursor leaves out of the times is checked here.
    if after_id.is_some() || before_id.is_some() {
        for (name, id) in [("after_order_id", after_id), ("before_order_id", before_id)] {
            if let Some(id) = id {
                call = call.with(name, id);
            }
        }
        return call;
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

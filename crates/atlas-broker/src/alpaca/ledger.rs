//! Walking the ledger, and finding the names of the orders in it.

use std::num::NonZeroU32;

use atlas_core::time::Timestamp;
use atlas_core::{Qty, VenueOrderId};
use chrono::{NaiveDate, SecondsFormat};
use serde_json::value::RawValue;

use super::http::Call;
use super::lookup::Wanted;
use super::wire::{WireActivity, WireEntry};
use super::{Direction, Mode, Session};
use crate::{Activity, ActivityId, Entry, Error};

/// The most entries one page can hold.
const PAGE: usize = 100;

/// One entry.
#[derive(Debug)]
pub(crate) struct LedgerEntry {
    pub(crate) activity: Activity,
    /// For an execution: how much of its order was filled after it, if told.
    pub(crate) cumulative: Option<Qty>,
}

/// Which entries of the ledger are asked for. The default is all of them, oldest first.
///
/// # Examples
/// ```
/// use atlas_broker::alpaca::ActivityFilter;
///
/// let day = "2026-01-05".parse().unwrap();
/// let paid = ActivityFilter {
///     kinds: vec!["DIV".to_owned(), "INT".to_owned()],
///     date: Some(day),
///     ..ActivityFilter::default()
/// };
/// assert_eq!(paid.limit, None);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActivityFilter {
    /// Of these kinds alone, by Alpaca's codes such as `FILL` or `DIV`; empty for all.
    pub kinds: Vec<String>,
    /// About this order alone.
    pub order: Option<VenueOrderId>,
    /// Entered on this day alone; not together with `after` or `until`.
    pub date: Option<NaiveDate>,
    /// Entered after this instant.
    pub after: Option<Timestamp>,
    /// Entered before this instant.
    pub until: Option<Timestamp>,
    /// Beyond this entry, in the direction of the list.
    pub bookmark: Option<ActivityId>,
    /// Which end of the list comes first, and so which entries a limit keeps.
    pub direction: Direction,
    /// So many entries at most; `None` for all.
    pub limit: Option<NonZeroU32>,
}

impl ActivityFilter {
    /// A page of so many entries at most.
    fn call(&self, size: usize) -> Call {
        let instant = |t: Timestamp| t.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let oldest_first = self.direction == Direction::OldestFirst;
        let kinds = (!self.kinds.is_empty()).then(|| self.kinds.join(","));
        [
            ("activity_types", kinds),
            ("order_id", self.order.as_ref().map(|order| order.as_str().to_owned())),
            ("date", self.date.map(|date| date.to_string())),
            ("after", self.after.map(instant)),
            ("until", self.until.map(instant)),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .fold(Call::get("/v2/account/activities"), |call, (name, value)| call.with(name, value))
        .with("direction", if oldest_first { "asc" } else { "desc" })
        .with("page_size", size.to_string())
    }
}

impl<M: Mode> Session<M> {
    /// Every entry of the ledger the filter lets pass, in its direction.
    ///
    /// # Errors
    /// Any [`Error`]; nothing is left out of a list that is returned.
    pub async fn activities_by(&self, filter: &ActivityFilter) -> Result<Vec<Activity>, Error> {
        if filter.date.is_some() && (filter.after.is_some() || filter.until.is_some()) {
            let problem = "activities are of a date, or between instants, not both".to_owned();
            return Err(Error::Setup { problem });
        }
        let entries = self.ledger_entries(filter).await?;
        Ok(entries.into_iter().map(|entry| entry.activity).collect())
    }

    /// Every entry the filter lets pass, with what the stream needs besides.
    ///
    /// # Errors
    /// Any [`Error`]; nothing is left out of a list that is returned.
    pub(crate) async fn ledger_entries(
        &self,
        filter: &ActivityFilter,
    ) -> Result<Vec<LedgerEntry>, Error> {
        let mut entries: Vec<LedgerEntry> = Vec::new();
        let limit = filter.limit.map_or(usize::MAX, |limit| limit.get() as usize);
        let mut token = filter.bookmark.as_ref().map(|id| id.0.clone());
        loop {
            let size = PAGE.min(limit - entries.len());
            let mut call = filter.call(size);
            if let Some(token) = &token {
                call = call.with("page_token", token.clone());
            }
            let page: Vec<Box<RawValue>> = self.trading.ask(&call).await?;
            let full = page.len() >= size;
            let fault = |fault| self.trading.fault(&call, fault);
            let read =
                page.iter().map(|raw| WireActivity::read(raw)).collect::<Result<Vec<_>, _>>();
            let page = read.map_err(fault)?;
            let mut orders = Wanted::new();
            for wire in &page {
                if let WireEntry::Fill(fill) = &wire.entry {
                    orders.entry(fill.venue_order_id().map_err(fault)?).or_insert(fill.instant());
                }
            }
            self.learn_names(orders).await?;
            for wire in page.iter().take(size) {
                entries.push(self.entry(&call, wire).await?);
            }
            if !full || entries.len() >= limit {
                return Ok(entries);
            }
            let last = entries.last().map(|entry| entry.activity.id.0.clone());
            if last == token {
                let problem = "a page that ends where it began: the ledger does not end".to_owned();
                return Err(self.trading.bad_answer(&call, problem));
            }
            token = last;
        }
    }

    /// One entry in our words.
    async fn entry(&self, call: &Call, wire: &WireActivity) -> Result<LedgerEntry, Error> {
        let fault = |fault| self.trading.fault(call, fault);
        let (entry, cumulative) = match &wire.entry {
            WireEntry::Fill(fill) => {
                let order = self.name_of(&fill.venue_order_id().map_err(fault)?).await?;
                let cumulative = fill.cumulative().map_err(fault)?;
                (Entry::Fill(fill.fill(&wire.id, order).map_err(fault)?), cumulative)
            }
            WireEntry::Cash(cash) => (cash.entry(&wire.id).map_err(fault)?, None),
        };
        let activity = Activity { id: ActivityId(wire.id.clone()), entry };
        Ok(LedgerEntry { activity, cumulative })
    }
}

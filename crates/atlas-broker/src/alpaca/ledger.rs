//! Walking the ledger, and finding the names of the orders in it.

use atlas_core::{Qty, VenueOrderId};
use serde_json::value::RawValue;

use super::http::Call;
use super::lookup::Wanted;
use super::wire::{WireActivity, WireEntry};
use super::{Mode, Session};
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

impl<M: Mode> Session<M> {
    /// Everything after a bookmark, oldest first, to the end of the ledger; of one order alone if
    /// one is named.
    ///
    /// # Errors
    /// Any [`Error`]; nothing is left out of a list that is returned.
    pub(crate) async fn ledger_entries(
        &self,
        after: Option<&ActivityId>,
        order: Option<&VenueOrderId>,
    ) -> Result<Vec<LedgerEntry>, Error> {
        let mut entries: Vec<LedgerEntry> = Vec::new();
        let mut token = after.map(|id| id.0.clone());
        loop {
            let mut call = Call::get("/v2/account/activities")
                .with("direction", "asc")
                .with("page_size", PAGE.to_string());
            if let Some(order) = order {
                call = call.with("order_id", order.as_str());
            }
            if let Some(token) = &token {
                call = call.with("page_token", token.clone());
            }
            let page: Vec<Box<RawValue>> = self.trading.ask(&call).await?;
            let full = page.len() >= PAGE;
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
            for wire in &page {
                entries.push(self.entry(&call, wire).await?);
            }
            if !full {
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

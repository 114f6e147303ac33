//! Orders that no plan holds: what a person sold, and what a strategy sent in continuous trading.

use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, Fill, OrderRequest, OrderStatus, Price, Qty, Usd};
use serde::Serialize;

use crate::error::Error;
use crate::event::Event;
use crate::folder::{AccountFolder, Command};
use crate::journal::{SqliteStorage, Storage as _};
use crate::peek::peek;

/// The chain of an order without a decision: whose word it followed, what was sent, what came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unplanned {
    /// What was sent.
    pub request: OrderRequest,
    /// Who asked for it and why, where a command did.
    pub asked: Option<Asked>,
    /// When the intent was journaled.
    pub intended_at: Timestamp,
    /// When it was sent for the last time, if it was.
    pub sent_at: Option<Timestamp>,
    /// Bid and ask when it was intended, as far as known.
    pub quoted: (Option<Price>, Option<Price>),
    /// Where it stands.
    pub status: OrderStatus,
    /// Shares filled.
    pub filled_qty: Qty,
    /// Its fills, in the order the journal learned of them.
    pub fills: Vec<Fill>,
    /// Gains less losses its fills have realised over mean cost, USD.
    pub realised: Usd,
}

/// A person's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Asked {
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
    /// When the journal took it.
    pub at: Timestamp,
}

/// Tells an order that belongs to no decision; `None` if the journal has no such order. Takes no
/// lock and writes nothing.
///
/// # Errors
/// As [`peek`].
pub fn unplanned(folder: &AccountFolder, id: &ClientOrderId) -> Result<Option<Unplanned>, Error> {
    let state = peek(folder)?.unwrap_or_default();
    let Some(tracked) = state.orders().get(id).filter(|order| order.decision_id.is_none()) else {
        return Ok(None);
    };
    Ok(Some(Unplanned {
        request: tracked.order.request().clone(),
        asked: asked(folder, id)?,
        intended_at: tracked.intended_at,
        sent_at: tracked.sent_at,
        quoted: tracked.quoted,
        status: tracked.order.status(),
        filled_qty: tracked.order.filled_qty(),
        fills: tracked.fills.clone(),
        realised: tracked.realised,
    }))
}

/// The command that named the order.
fn asked(folder: &AccountFolder, id: &ClientOrderId) -> Result<Option<Asked>, Error> {
    let mut found = None;
    SqliteStorage::open_read_only(&folder.journal())?.replay(&mut |record, _| {
        let event = Event::decode(record.seq, &record.kind, record.version, &record.payload)?;
        if let Event::CommandTaken(taken) = event
            && let Command::Flatten { by, why, orders } = taken.command
            && orders.iter().any(|order| order.client_order_id == *id)
        {
            found = Some(Asked { by, why, at: record.ts_event });
        }
        Ok(())
    })?;
    Ok(found)
}

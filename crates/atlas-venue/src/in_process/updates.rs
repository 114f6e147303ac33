//! Order updates without a socket.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use atlas_broker::{ActivityId, Entry, Error, OrderNews, OrderUpdate, Update, UpdateStream};
use atlas_core::time::Timestamp;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use super::convert::{NAME, activity, broker_order};
use crate::Venue;
use crate::core::{self, Event};

/// The updates of a venue from a bookmark on.
///
/// Fills are told from the ledger alone, so each is told once; what happens to orders is told as
/// the venue tells it, and asked for again after this reader was too slow.
pub(super) struct Updates {
    venue: Venue,
    /// The last entry of the ledger that was told.
    bookmark: Option<ActivityId>,
    /// Stamp of the last thing told of an order.
    told_until: Option<Timestamp>,
    receiver: Option<Receiver<Arc<core::Update>>>,
    ready: VecDeque<Update>,
}

impl Updates {
    pub(super) const fn new(venue: Venue, bookmark: Option<ActivityId>) -> Self {
        Self { venue, bookmark, told_until: None, receiver: None, ready: VecDeque::new() }
    }

    /// Listens from now on, and queues everything from before that was not told.
    fn connect(&mut self) -> Result<(), Error> {
        let venue = self.venue.clone();
        // Under the venue's lock nothing can happen between the two.
        let (receiver, changed) = venue.inspect(|exchange| {
            let told_until = self.told_until.or_else(|| {
                let bookmark = self.bookmark.as_ref()?;
                let entries = exchange.activities();
                let at = entries.partition_point(|entry| entry.id <= bookmark.0).checked_sub(1)?;
                Some(entries[at].stamp)
            });
            let missed = |order: &&core::OrderRecord| {
                told_until.is_none_or(|until| order.times.updated > until)
            };
            let changed: Vec<_> = exchange.orders().iter().filter(missed).cloned().collect();
            (venue.updates(), changed)
        });
        self.tell_fills()?;
        for order in changed {
            self.told_until = self.told_until.max(Some(order.times.updated));
            let order = broker_order(&order)?;
            let found = OrderUpdate { news: OrderNews::Found, order, ts_event: None };
            self.ready.push_back(Update::Order(found));
        }
        self.ready.push_back(Update::CaughtUp);
        self.receiver = Some(receiver);
        Ok(())
    }

    /// Queues the ledger's executions after the bookmark.
    fn tell_fills(&mut self) -> Result<(), Error> {
        let bookmark = self.bookmark.clone();
        let new = self.venue.inspect(|exchange| {
            let all = exchange.activities();
            let from = bookmark.map_or(0, |id| all.partition_point(|entry| entry.id <= id.0));
            all[from..].iter().map(activity).collect::<Result<Vec<_>, _>>()
        })?;
        for activity in new {
            self.bookmark = Some(activity.id);
            if let Entry::Fill(fill) = activity.entry {
                self.ready.push_back(Update::Fill(fill));
            }
        }
        Ok(())
    }

    /// Queues one message of the venue.
    fn take(&mut self, update: &core::Update) -> Result<(), Error> {
        if update.execution.is_some() {
            self.tell_fills()?;
        }
        self.told_until = self.told_until.max(Some(update.stamp));
        let news = match update.event {
            Event::Accepted | Event::PendingNew | Event::New => OrderNews::Accepted,
            Event::Held => OrderNews::Held,
            Event::PartialFill => OrderNews::PartialFill,
            Event::Fill => OrderNews::Fill,
            Event::PendingCancel => OrderNews::PendingCancel,
            Event::Canceled => OrderNews::Canceled,
            Event::Expired => OrderNews::Expired,
            Event::Replaced => OrderNews::Replaced,
            Event::PendingReplace => OrderNews::PendingReplace,
            Event::OrderReplaceRejected => OrderNews::ReplaceRejected,
            Event::Rejected => OrderNews::Rejected,
        };
        let (order, ts_event) = (broker_order(&update.order)?, Some(update.stamp));
        self.ready.push_back(Update::Order(OrderUpdate { news, order, ts_event }));
        Ok(())
    }
}

#[async_trait]
impl UpdateStream for Updates {
    async fn next(&mut self) -> Result<Update, Error> {
        loop {
            if let Some(update) = self.ready.pop_front() {
                return Ok(update);
            }
            let Some(receiver) = &mut self.receiver else {
                self.connect()?;
                continue;
            };
            match receiver.recv().await {
                Ok(update) => self.take(&update)?,
                Err(RecvError::Lagged(missed)) => {
                    self.receiver = None;
                    self.ready.push_back(Update::Lost(lost(format!("{missed} updates missed"))));
                }
                Err(RecvError::Closed) => return Err(lost("the venue is gone".to_owned())),
            }
        }
    }
}

fn lost(reason: String) -> Error {
    Error::NoAnswer { venue: NAME.to_owned(), request: "order updates".to_owned(), reason }
}

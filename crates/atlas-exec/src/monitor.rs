//! Watching orders until they have ended, without taking hold of the account.
//!
//! The broker is looked at again and again, and listened to in between where it has a stream. A
//! monitor sends nothing and writes no journal, so it works beside the process that trades.

use std::collections::BTreeMap;
use std::time::Duration;

use atlas_broker::{ActivityId, Broker, BrokerOrder, Update, UpdateStream};
use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, Clock, OrderStatus, Price, Qty, Side, Symbol};
use serde::Serialize;

use crate::error::Error;
use crate::timer::Timer;

/// How a change was learned of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// By looking.
    Poll,
    /// By listening.
    Stream,
}

/// An order as it was seen when it had changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sighting {
    /// When, by the monitor's clock.
    pub at: Timestamp,
    /// How.
    pub source: Source,
    /// The order.
    pub client_order_id: ClientOrderId,
    /// The broker's name for it; empty while the broker does not know it.
    pub venue_order_id: String,
    /// What it trades; `None` while the broker does not know it.
    pub symbol: Option<Symbol>,
    /// Which way.
    pub side: Option<Side>,
    /// Shares asked for.
    pub qty: Qty,
    /// Where it stands; `None` while the broker does not know it.
    pub status: Option<OrderStatus>,
    /// Shares filled.
    pub filled_qty: Qty,
    /// Mean fill price, by the broker.
    pub avg_fill_price: Option<Price>,
}

/// What ends a monitor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// Every order has ended.
    Terminal,
    /// The time was over first.
    TimeOver,
}

/// The orders of one monitor.
pub struct Monitor<'a> {
    /// The broker, by a connection of the monitor's own.
    pub broker: &'a dyn Broker,
    /// What waits.
    pub timer: &'a dyn Timer,
    /// Whose time is told.
    pub clock: &'a dyn Clock,
    /// Time between two looks.
    pub poll: Duration,
    /// How long to watch at most; `None` for as long as it takes.
    pub most: Option<Duration>,
    /// From where on the stream tells; `None` from the beginning of the account.
    pub bookmark: Option<ActivityId>,
}

impl std::fmt::Debug for Monitor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Monitor").field("poll", &self.poll).finish_non_exhaustive()
    }
}

impl Monitor<'_> {
    /// Watches until every order that `orders` names has ended. `orders` is asked before each look:
    /// it names those that may be at the broker, and says whether more may come. Each change is
    /// told once, in the order it was learned of.
    ///
    /// # Errors
    /// What `orders` or `tell` give; a broker that does not answer is asked again.
    pub async fn watch(
        &self,
        orders: &mut (dyn FnMut() -> Result<(Vec<ClientOrderId>, More), Error> + Send),
        tell: &mut (dyn FnMut(&Sighting) -> Result<(), Error> + Send),
    ) -> Result<Ended, Error> {
        let mut stream = self.broker.updates(self.bookmark.clone()).ok();
        let mut last: BTreeMap<ClientOrderId, Sighting> = BTreeMap::new();
        let mut watched = Duration::ZERO;
        loop {
            let (ids, more) = orders()?;
            for id in &ids {
                match self.broker.order(id).await {
                    Ok(found) => self.note(Source::Poll, id, found.as_ref(), &mut last, tell)?,
                    Err(error) => tracing::warn!(%id, %error, "an order could not be looked at"),
                }
            }
            let ended = |id: &ClientOrderId| {
                last.get(id).and_then(|seen| seen.status).is_some_and(OrderStatus::is_terminal)
            };
            if more == More::No && ids.iter().all(ended) {
                return Ok(Ended::Terminal);
            }
            if self.most.is_some_and(|most| watched >= most) {
                return Ok(Ended::TimeOver);
            }
            let wait =
                self.most.map_or(self.poll, |most| self.poll.min(most.saturating_sub(watched)));
            self.listen(&mut stream, wait, &ids, &mut last, tell).await?;
            watched += wait;
        }
    }

    /// Waits, telling what the stream tells meanwhile.
    async fn listen(
        &self,
        stream: &mut Option<Box<dyn UpdateStream + '_>>,
        wait: Duration,
        ids: &[ClientOrderId],
        last: &mut BTreeMap<ClientOrderId, Sighting>,
        tell: &mut (dyn FnMut(&Sighting) -> Result<(), Error> + Send),
    ) -> Result<(), Error> {
        let over = self.timer.sleep(wait);
        tokio::pin!(over);
        loop {
            let Some(open) = stream else {
                over.await;
                return Ok(());
            };
            let update = tokio::select! {
                biased;
                () = &mut over => return Ok(()),
                update = open.next() => update,
            };
            match update {
                Ok(Update::Order(update)) if ids.contains(&update.order.client_order_id) => {
                    let id = update.order.client_order_id.clone();
                    self.note(Source::Stream, &id, Some(&update.order), last, tell)?;
                    let ended = |id: &ClientOrderId| {
                        last.get(id)
                            .and_then(|seen| seen.status)
                            .is_some_and(OrderStatus::is_terminal)
                    };
                    if ids.iter().all(ended) {
                        // The next look confirms it.
                        return Ok(());
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    tracing::warn!(%error, "the stream failed; orders are looked at alone");
                    *stream = None;
                }
            }
        }
    }

    /// Tells a change, once.
    fn note(
        &self,
        source: Source,
        id: &ClientOrderId,
        found: Option<&BrokerOrder>,
        last: &mut BTreeMap<ClientOrderId, Sighting>,
        tell: &mut (dyn FnMut(&Sighting) -> Result<(), Error> + Send),
    ) -> Result<(), Error> {
        let sighting = Sighting {
            at: self.clock.now(),
            source,
            client_order_id: id.clone(),
            venue_order_id: found.map(|o| o.venue_order_id.to_string()).unwrap_or_default(),
            symbol: found.map(|order| order.symbol.clone()),
            side: found.map(|order| order.side),
            qty: found.map(|order| order.qty).unwrap_or_default(),
            status: found.map(|order| order.status),
            filled_qty: found.map(|order| order.filled_qty).unwrap_or_default(),
            avg_fill_price: found.and_then(|order| order.avg_fill_price),
        };
        let same = |seen: &Sighting| {
            (seen.status, seen.filled_qty) == (sighting.status, sighting.filled_qty)
        };
        if last.get(id).is_some_and(same) {
            return Ok(());
        }
        tell(&sighting)?;
        last.insert(id.clone(), sighting);
        Ok(())
    }
}

/// Whether more orders may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum More {
    /// A plan is not carried out to its end.
    Yes,
    /// There will be no others.
    No,
}

/// The head of the audit.
pub const CSV_HEAD: &str = "at,source,client_order_id,venue_order_id,symbol,side,qty,status,\
                            filled_qty,avg_fill_price";

impl Sighting {
    /// The sighting as a line of the audit, without its end. No field can hold a comma.
    #[must_use]
    pub fn csv(&self) -> String {
        let or_empty = |text: Option<String>| text.unwrap_or_default();
        [
            self.at.to_rfc3339_opts(chrono::SecondsFormat::Millis, true),
            format!("{:?}", self.source).to_lowercase(),
            self.client_order_id.to_string(),
            self.venue_order_id.clone(),
            or_empty(self.symbol.as_ref().map(ToString::to_string)),
            or_empty(self.side.map(|side| side.to_string())),
            self.qty.to_string(),
            self.status.map_or("unknown", OrderStatus::as_str).to_owned(),
            self.filled_qty.to_string(),
            or_empty(self.avg_fill_price.map(|price| price.to_string())),
        ]
        .join(",")
    }
}

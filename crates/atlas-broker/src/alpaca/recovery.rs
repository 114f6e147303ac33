//! Reading again what a stream may have missed.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::num::NonZeroU32;

use atlas_core::time::Timestamp;
use atlas_core::{Fill, Qty, VenueOrderId};
use chrono::{DateTime, TimeDelta};

use super::books::{Books, Step};
use super::http::{Call, path};
use super::ledger::LedgerEntry;
use super::lookup::Wanted;
use super::wire::WireOrder;
use super::{ActivityFilter, Direction, Mode, OrderFilter, Session, Which};
use crate::{ActivityId, BrokerOrder, Entry, Error, OrderNews, OrderUpdate, Update};

/// What was read, not yet taken in: so that a read that is broken off changes nothing.
#[derive(Debug)]
pub(crate) struct Recovery {
    /// Executions since the bookmark, oldest first, with the order's quantity after each.
    fills: Vec<(Fill, Qty)>,
    /// Orders as they stand.
    orders: Vec<BrokerOrder>,
    /// Orders that are new to the books and partly filled: what the whole ledger holds of them.
    ledgers: BTreeMap<VenueOrderId, Qty>,
    /// When the last order was sent before the telling began, if it begins with this.
    begun: Option<Timestamp>,
    /// The last entry that was read.
    pub(crate) bookmark: Option<ActivityId>,
}

/// By how much orders may be told in another order than they were sent in; less than [`Books`] keep
/// what has ended, so that nothing is told twice.
const OVERLAP: TimeDelta = TimeDelta::seconds(10);

impl<M: Mode> Session<M> {
    /// Reads the ledger since the bookmark, every open order, every order that was open when it was
    /// last told, and the one whose update waits; after a time without a connection also every order
    /// that was sent meanwhile, which may have ended without a trace in the ledger.
    pub(crate) async fn recover(
        &self,
        after: Option<&ActivityId>,
        books: &Books,
        (waiting, cut): (Option<&BrokerOrder>, bool),
    ) -> Result<Recovery, Error> {
        let since = ActivityFilter { bookmark: after.cloned(), ..ActivityFilter::default() };
        let entries = self.ledger_entries(&since).await?;
        let bookmark = entries.last().map(|entry| entry.activity.id.clone());
        let fills = self.fills(entries)?;
        let (mut orders, mut begun) = (Vec::new(), None);
        match books.newest().filter(|_| cut) {
            Some(newest) => orders = self.sent_since(newest).await?,
            None if cut => begun = Some(self.newest_order().await?),
            None => {}
        }
        let sent: BTreeSet<_> = orders.iter().map(|o| o.venue_order_id.clone()).collect();
        let open = self.orders(&OrderFilter::default()).await?;
        orders.extend(open.into_iter().filter(|order| !sent.contains(&order.venue_order_id)));
        let listed: BTreeSet<_> = orders.iter().map(|o| o.venue_order_id.clone()).collect();
        let touched = fills.iter().map(|(fill, _)| (fill.venue_order_id.clone(), fill.ts_event));
        let waits = waiting.map(|order| (order.venue_order_id.clone(), order.submitted_at));
        let mut others: Wanted = touched.chain(waits).chain(books.open()).collect();
        others.retain(|id, _| !listed.contains(id));
        orders.extend(self.look_up(others).await?);
        let mut ledgers = BTreeMap::new();
        for order in &orders {
            let id = &order.venue_order_id;
            let told = fills.iter().any(|(fill, _)| fill.venue_order_id == *id);
            if !told && !books.knows(id) && !order.filled_qty.is_zero() {
                let of = ActivityFilter { order: Some(id.clone()), ..ActivityFilter::default() };
                let entries = self.ledger_entries(&of).await?;
                let last = match (self.fills(entries)?.last(), &order.replaces) {
                    (Some((_, after)), _) => *after,
                    (None, None) => Qty::ZERO,
                    // What the order before it had filled is not told again under its name.
                    (None, Some(before)) => self.filled_of(before).await?,
                };
                ledgers.insert(id.clone(), last);
            }
        }
        Ok(Recovery { fills, orders, ledgers, begun, bookmark })
    }

    /// Orders sent since an instant, and a little before it.
    async fn sent_since(&self, newest: Timestamp) -> Result<Vec<BrokerOrder>, Error> {
        let after = newest.checked_sub_signed(OVERLAP);
        let filter = OrderFilter { which: Which::All, after, ..OrderFilter::default() };
        self.orders(&filter).await
    }

    /// When the last order was sent, ever.
    async fn newest_order(&self) -> Result<Timestamp, Error> {
        let last = OrderFilter {
            which: Which::All,
            direction: Direction::NewestFirst,
            limit: Some(NonZeroU32::MIN),
            ..OrderFilter::default()
        };
        let orders = self.orders(&last).await?;
        Ok(orders.first().map_or(DateTime::UNIX_EPOCH, |order| order.submitted_at))
    }

    /// Shares of an order filled so far.
    async fn filled_of(&self, id: &VenueOrderId) -> Result<Qty, Error> {
        let call = Call::get(path(&["v2", "orders", id.as_str()]));
        let wire: WireOrder = self.trading.ask(&call).await?;
        let order = wire.order().map_err(|fault| self.trading.fault(&call, fault))?;
        Ok(order.filled_qty)
    }

    /// The executions among entries, with the cumulative quantity the stream needs.
    fn fills(&self, entries: Vec<LedgerEntry>) -> Result<Vec<(Fill, Qty)>, Error> {
        let mut fills = Vec::new();
        for entry in entries {
            let Entry::Fill(fill) = entry.activity.entry else { continue };
            let Some(cumulative) = entry.cumulative else {
                let call = Call::get("/v2/account/activities");
                let problem = format!("cum_qty of {} is missing", fill.execution_id);
                return Err(self.trading.bad_answer(&call, problem));
            };
            fills.push((fill, cumulative));
        }
        Ok(fills)
    }
}

impl Recovery {
    /// Takes everything in. Whether ledger and orders agree; if not, the ledger lags behind.
    pub(crate) fn apply<M: Mode>(
        &self,
        session: &Session<M>,
        books: &mut Books,
        ready: &mut VecDeque<Update>,
    ) -> Result<bool, Error> {
        for (fill, cumulative) in &self.fills {
            let id = &fill.venue_order_id;
            books.start(id, cumulative.saturating_sub(fill.qty));
            match books.fill(id, fill.qty, *cumulative) {
                Step::Next => ready.push_back(Update::Fill(fill.clone())),
                Step::Known => {}
                Step::Gap => {
                    let call = Call::get("/v2/account/activities");
                    let problem = format!("executions of order {id} do not add up");
                    return Err(session.trading.bad_answer(&call, problem));
                }
            }
        }
        if let Some(begun) = self.begun {
            books.begin(begun);
        }
        for (id, filled) in &self.ledgers {
            books.start(id, *filled);
        }
        let mut complete = true;
        for order in &self.orders {
            session.remember(order);
            if order.filled_qty > books.filled(&order.venue_order_id) {
                complete = false;
            } else if books.order(order, &OrderNews::Found) {
                let order = order.clone();
                let update = OrderUpdate { news: OrderNews::Found, order, ts_event: None };
                ready.push_back(Update::Order(update));
            }
        }
        Ok(complete)
    }
}

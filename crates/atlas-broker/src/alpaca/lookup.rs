//! Finding many orders of which only the broker's names are known, a page of the list at a time.

use std::collections::BTreeMap;

use atlas_core::VenueOrderId;
use atlas_core::time::Timestamp;
use chrono::{SecondsFormat, TimeDelta};

use super::http::{Call, path};
use super::orders::PAGE;
use super::wire::WireOrder;
use super::{Mode, Session};
use crate::{BrokerOrder, Error};

/// Orders that are looked for, each with an instant it was submitted at or before: its own, or that
/// of one of its executions.
pub(crate) type Wanted = BTreeMap<VenueOrderId, Timestamp>;

/// So many orders are asked for one by one rather than by a page.
const FEW: usize = 2;

/// How long before its execution most orders are submitted; what is older is asked for by itself.
const WORKING: TimeDelta = TimeDelta::days(1);

impl<M: Mode> Session<M> {
    /// Orders as they stand, in no order.
    ///
    /// # Errors
    /// Any [`Error`]; the names of what was read before it are kept.
    pub(crate) async fn look_up(&self, mut wanted: Wanted) -> Result<Vec<BrokerOrder>, Error> {
        let list = Call::get("/v2/orders");
        let mut orders = Vec::new();
        for wire in self.listed(&mut wanted).await? {
            orders.push(wire.order().map_err(|fault| self.trading.fault(&list, fault))?);
        }
        for id in wanted.keys() {
            let call = Call::get(path(&["v2", "orders", id.as_str()]));
            let wire: WireOrder = self.trading.ask(&call).await?;
            orders.push(wire.order().map_err(|fault| self.trading.fault(&call, fault))?);
        }
        Ok(orders)
    }

    /// Learns our names of these orders as far as pages of the list show them.
    ///
    /// # Errors
    /// As [`Session::look_up`].
    pub(crate) async fn learn_names(&self, mut wanted: Wanted) -> Result<(), Error> {
        wanted.retain(|id, _| !self.has_name(id));
        self.listed(&mut wanted).await.map(drop)
    }

    /// Those of the wanted orders that pages of the list show; the others stay wanted. The names of
    /// all the pages show are kept at once. Never more pages are asked for than half of what asking
    /// one by one would take.
    async fn listed(&self, wanted: &mut Wanted) -> Result<Vec<WireOrder>, Error> {
        let mut found = Vec::new();
        let (first, last) = (wanted.values().min().copied(), wanted.values().max().copied());
        let Some((first, last)) = first.zip(last) else { return Ok(found) };
        let after = first.checked_sub_signed(WORKING).unwrap_or(first);
        let mut cursor = ("after", after.to_rfc3339_opts(SecondsFormat::AutoSi, true));
        for _ in 0..wanted.len() / FEW {
            if wanted.len() <= FEW {
                break;
            }
            let call = Call::get("/v2/orders")
                .with("status", "all")
                .with("limit", PAGE.to_string())
                .with("direction", "asc")
                .with("nested", "false")
                .with(cursor.0, cursor.1.clone());
            let page: Vec<WireOrder> = match self.trading.ask(&call).await {
                Ok(page) => page,
                // One order nobody understands must not hide the others.
                Err(Error::BadAnswer { .. }) => break,
                Err(error) => return Err(error),
            };
            let full = page.len() >= PAGE;
            let Some(end) = page.last() else { break };
            let beyond = end.instant().is_none_or(|instant| instant > last);
            cursor = ("after_order_id", end.id.clone());
            for wire in page {
                let (Ok(id), Ok(name)) = (wire.venue_order_id(), wire.client_order_id()) else {
                    continue;
                };
                if wanted.remove(&id).is_some() {
                    found.push(wire);
                }
                self.remember_name(id, name);
            }
            if !full || beyond {
                break;
            }
        }
        Ok(found)
    }
}

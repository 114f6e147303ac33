//! Replacements that are accepted and carried out later: a fault for tests of others.
//!
//! Until then the old order is `pending_replace` and can be filled, and its successor is
//! `pending_new` and trades nothing. The successor takes over what the old order is by then. If that
//! one has ended, or the successor could not be asked for any more, the successor is `rejected`.

use uuid::Uuid;

use super::events::Event;
use super::exchange::Exchange;
use super::order::{OrderRecord, Replacement};
use super::terms::{Class, Status};
use super::{Money, Refusal, Shares};
use crate::Error;

impl Exchange {
    /// Accepts the replacement of an order without carrying it out: until
    /// [`end_replace`](Self::end_replace) does, the order can be filled. Gives the successor.
    ///
    /// # Errors
    /// As [`replace`](Self::replace), and [`Refusal::Rule`] for a member of a group.
    pub fn begin_replace(&mut self, id: Uuid, wish: &Replacement) -> Result<OrderRecord, Refusal> {
        let order = self.replaceable(id)?;
        if order.class != Class::Simple {
            let text = "a member of a group cannot be replaced late".to_owned();
            return Err(Refusal::Rule(text));
        }
        let old = order.seq;
        let mut successor = self.successor(order, wish)?;
        successor.status = Status::PendingNew;
        // The larger of both counts meanwhile (contract §6): it holds back what it needs beyond the
        // old one.
        let more = successor.reserved().minus(order.reserved())?;
        // What the old one has filled is its own until then.
        (successor.filled, successor.filled_notional) = (Shares::ZERO, Money::ZERO);
        let asked = successor.qty().unwrap_or_default();
        successor.reserve = more.mean_price(asked).filter(|_| more > Money::ZERO);
        let seq = successor.seq;
        let stamp = self.stamp();
        self.change(old, |order| {
            order.replacing = true;
            order.times.updated = stamp;
        })?;
        self.tell(old, Event::PendingReplace, stamp, None);
        let stamp = self.stamp();
        successor.times.submitted = stamp;
        successor.times.updated = stamp;
        let taken = successor.clone();
        self.add(successor)?;
        self.tell(seq, Event::PendingNew, stamp, None);
        Ok(taken)
    }

    /// Carries out a replacement that was accepted, unless it has been decided meanwhile.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] for a successor nobody knows; after [`Refusal::Internal`] the exchange
    /// must not be used any more.
    pub fn end_replace(&mut self, successor: Uuid) -> Result<(), Refusal> {
        let none = || Refusal::NotFound(format!("order not found for {successor}"));
        let waiting = self.order_by_id(successor).ok_or_else(none)?;
        let seq = waiting.seq;
        let old = waiting.replaces.and_then(|id| self.order_by_id(id));
        let Some(old) = old.filter(|old| waiting.waits() && old.replacing).map(|old| old.seq)
        else {
            return Ok(());
        };
        self.change(seq, |order| order.reserve = None)?;
        self.change(old, |order| order.replacing = false)?;
        match self.taken_over(old, seq) {
            Ok(order) => self.settle_replace(old, order),
            Err(Refusal::Internal(problem)) => Err(Refusal::Internal(problem)),
            Err(_) => Ok(self.reject_successor(old, seq)?),
        }
    }

    /// The waiting successor as it begins to work: its own terms, and all that has become of the old
    /// order.
    fn taken_over(&self, old: u64, seq: u64) -> Result<OrderRecord, Refusal> {
        let gone = || Refusal::Internal("an order that is replaced is gone".to_owned());
        let (old, new) = self.order(old).zip(self.order(seq)).ok_or_else(gone)?;
        let mut order = OrderRecord {
            seq,
            id: new.id,
            client_order_id: new.client_order_id.clone(),
            size: new.size,
            kind: new.kind,
            tif: new.tif,
            replaces: new.replaces,
            canceling: false,
            times: new.times,
            ..old.clone()
        };
        if order.qty().is_some_and(|qty| qty <= old.filled) {
            return Err(Refusal::Rule("qty must be > filled_qty".to_owned()));
        }
        self.check_replaceable(old)?;
        self.check_successor(old, &mut order)?;
        Ok(order)
    }

    /// After the end of an order that was to be replaced, or of the successor that waits: the other
    /// is not left waiting.
    pub(super) fn end_waiting(&mut self, seq: u64) -> Result<(), Error> {
        let Some(order) = self.order(seq).filter(|order| order.status.is_final()) else {
            return Ok(());
        };
        if order.replacing {
            let (id, is_canceled) = (order.id, order.status == Status::Canceled);
            let waits = |order: &&OrderRecord| order.waits() && order.replaces == Some(id);
            let waiting = self.open_orders().find(waits).map(|order| order.seq);
            self.change(seq, |order| order.replacing = false)?;
            return match waiting {
                Some(waiting) if is_canceled => {
                    self.set_status(waiting, Status::Canceled, Event::Canceled)
                }
                Some(waiting) => self.reject_successor(seq, waiting),
                None => Ok(()),
            };
        }
        let old = order.replaces.and_then(|id| self.order_by_id(id));
        if let Some(old) = old.filter(|old| old.replacing).map(|old| old.seq) {
            self.change(old, |order| order.replacing = false)?;
            let stamp = self.stamp();
            self.tell(old, Event::OrderReplaceRejected, stamp, None);
        }
        Ok(())
    }

    /// The order that waits to be replaced by this one, or this one.
    pub(super) fn replaced_or_self(&self, order: &OrderRecord) -> u64 {
        let old = order.replaces.filter(|_| order.waits()).and_then(|id| self.order_by_id(id));
        old.filter(|old| old.replacing).map_or(order.seq, |old| old.seq)
    }

    /// Rejects every successor that still waits, since whoever was to carry it out is gone; says
    /// whether there were any.
    pub(crate) fn reject_waiting(&mut self) -> Result<bool, Error> {
        let waiting: Vec<u64> =
            self.open_orders().filter(|order| order.waits()).map(|order| order.seq).collect();
        for seq in waiting.iter().copied() {
            let old = self.order(seq).and_then(|order| self.order_by_id(order.replaces?));
            if let Some(old) = old.map(|old| old.seq) {
                self.reject_successor(old, seq)?;
            }
        }
        Ok(!waiting.is_empty())
    }

    fn reject_successor(&mut self, old: u64, seq: u64) -> Result<(), Error> {
        let stamp = self.stamp();
        self.tell(old, Event::OrderReplaceRejected, stamp, None);
        self.set_status(seq, Status::Rejected, Event::Rejected)
    }
}

//! Replacing an order by one with other terms.

use uuid::Uuid;

use super::events::Event;
use super::exchange::Exchange;
use super::ids::{self, Kind as IdKind};
use super::listing::Listing;
use super::market::Market;
use super::means::check_minimum;
use super::order::{NewOrder, OrderRecord, Replacement};
use super::terms::{Class, Kind, Size, Status, Trail};
use super::{Px, Refusal, Shares, date_of, rules};
use crate::Error;

impl Exchange {
    /// Replaces a working order: the old one ends as `replaced`, its successor has a name and
    /// number of its own, asks for the new total quantity and counts what the old one filled. Gives
    /// the successor as it was before it met the market.
    ///
    /// # Errors
    /// A [`Refusal`], which leaves nothing behind; after [`Refusal::Internal`] the exchange must
    /// not be used any more.
    pub fn replace(&mut self, id: Uuid, wish: &Replacement) -> Result<OrderRecord, Refusal> {
        let order = self.replaceable(id)?;
        let old = order.seq;
        let mut successor = self.successor(order, wish)?;
        let (seq, held) = (successor.seq, successor.status);
        self.end_replaced(old, successor.id)?;
        // What is told first happened first.
        let stamp = self.stamp();
        successor.times.submitted = stamp;
        successor.times.updated = stamp;
        let taken = successor.clone();
        self.add(successor)?;
        if held == Status::Held {
            self.tell(seq, Event::Held, stamp, None);
            return Ok(taken);
        }
        self.tell(seq, Event::New, stamp, None);
        if self.trades_now(seq)? {
            self.meet(seq)?;
        }
        Ok(taken)
    }

    /// An order that may be replaced at present.
    pub(super) fn replaceable(&self, id: Uuid) -> Result<&OrderRecord, Refusal> {
        let order = self.order_by_id(id);
        let order = order.ok_or_else(|| Refusal::NotFound(format!("order not found for {id}")))?;
        self.check_replaceable(order)?;
        Ok(order)
    }

    pub(super) fn check_replaceable(&self, order: &OrderRecord) -> Result<(), Refusal> {
        check_state(order)?;
        if self.state.suspended {
            return Err(Refusal::Forbidden("trading is suspended by the user".to_owned()));
        }
        Ok(())
    }

    /// Ends an order another one takes the place of.
    fn end_replaced(&mut self, old: u64, successor: Uuid) -> Result<(), Error> {
        self.change(old, |order| order.replaced_by = Some(successor))?;
        self.set_status(old, Status::Replaced, Event::Replaced)
    }

    /// Lets a successor that has waited take the old order's place.
    pub(super) fn settle_replace(&mut self, old: u64, order: OrderRecord) -> Result<(), Refusal> {
        let seq = order.seq;
        self.end_replaced(old, order.id)?;
        let stamp = self.stamp();
        self.change(seq, |waiting| {
            *waiting = order;
            waiting.times.updated = stamp;
        })?;
        self.tell(seq, Event::New, stamp, None);
        if self.trades_now(seq)? {
            self.meet(seq)?;
        }
        Ok(())
    }

    pub(super) fn successor(
        &self,
        old: &OrderRecord,
        wish: &Replacement,
    ) -> Result<OrderRecord, Refusal> {
        if let Some(id) = &wish.client_order_id {
            if id.chars().count() > 128 {
                let text = "client_order_id must be no more than 128 characters";
                return Err(Refusal::Malformed(text.to_owned()));
            }
            if self.order_by_client_id(id).is_some() {
                return Err(Refusal::Duplicate);
            }
        }
        let size = new_size(old, wish)?;
        let kind = new_kind(old.kind, wish)?;
        let tif = wish.tif.unwrap_or(old.tif);
        if (size, kind, tif) == (old.size, old.kind, old.tif) {
            return Err(Refusal::Rule("order parameters are not changed".to_owned()));
        }
        if old.class != Class::Simple && (size, tif) != (old.size, old.tif) {
            let text = "only limit_price and stop_price of complex orders can be replaced";
            return Err(Refusal::Rule(text.to_owned()));
        }
        let seq = self.state.orders + 1;
        let made_up = || ids::uuid(self.state.seed, IdKind::ClientOrder, seq).to_string();
        let mut successor = old.clone();
        successor.seq = seq;
        successor.id = ids::uuid(self.state.seed, IdKind::Order, seq);
        successor.client_order_id = wish.client_order_id.clone().unwrap_or_else(made_up);
        successor.size = size;
        successor.kind = kind;
        successor.tif = tif;
        successor.replaces = Some(old.id);
        successor.parent = old.group();
        // A cancellation that was to come was of the old one.
        successor.canceling = false;
        let phase = Market::phase(self.state.clock).map_err(Refusal::from)?;
        successor.times.expires = rules::expiry(
            tif,
            phase,
            self.state.clock,
            (old.extended_hours && self.extends(&old.symbol), self.trades_now(old.seq)?),
        )?;
        self.check_successor(old, &mut successor)?;
        Ok(successor)
    }

    /// Holds a successor to every rule a new order of its terms would be held to.
    pub(super) fn check_successor(
        &self,
        old: &OrderRecord,
        new: &mut OrderRecord,
    ) -> Result<(), Refusal> {
        let unknown = || Refusal::Rule(format!("asset \"{}\" not found", old.symbol));
        let listing = self.market.listing(&old.symbol).ok_or_else(unknown)?;
        let order = asked(new);
        // An exit is held to the rules of an order alone; its group is looked at below.
        rules::check(&order, listing)?;
        rules::check_listed(listing, date_of(self.state.clock))?;
        if new.tif != old.tif {
            rules::check_window(new.tif, self.state.clock)?;
        }
        if old.reserve.is_some() {
            self.check_intent(&order, listing, old.is_short)?;
        }
        if old.class != Class::Simple {
            self.check_group(old, new, listing)?;
        }
        self.check_change(old, new, (&order, listing))?;
        self.check_wash(&NewOrder { class: old.class, ..order }, Some(old.seq))
    }

    /// Checks that the account has the money or the shares for the change, and that the order is
    /// not too small.
    fn check_change(
        &self,
        old: &OrderRecord,
        new: &mut OrderRecord,
        (order, listing): (&NewOrder, &Listing),
    ) -> Result<(), Refusal> {
        let qty = new.qty().unwrap_or_default();
        if old.reserve.is_none() {
            if listing.is_crypto() {
                let price = order.kind.limit().map_or_else(
                    || self.quote(&old.symbol).map(|quote| quote.map(|(bid, _)| bid)),
                    |limit| Ok(Some(limit)),
                )?;
                let none = || Refusal::Rule(format!("asset \"{}\" has no price", old.symbol));
                check_minimum(price.ok_or_else(none)?.times(qty), listing)?;
            }
            let more = qty.minus(old.qty().unwrap_or_default());
            let held = self.state.ledger.position(&old.symbol).size();
            let (held_for_orders, related_orders) = self.held_back(&old.symbol, old.side)?;
            if more > held.minus(held_for_orders) {
                return Err(Refusal::QtyAvailable {
                    symbol: old.symbol.to_string(),
                    requested: more,
                    held,
                    held_for_orders,
                    related_orders,
                });
            }
            return Ok(());
        }
        let price = self.reserve_price(order, listing)?;
        check_minimum(price.times(qty), listing)?;
        new.reserve = Some(price);
        let (before, after) = (old.reserved(), new.reserved());
        let buying_power = self.power_in(&old.symbol)?.plus(before)?;
        if after > buying_power {
            return Err(Refusal::BuyingPower { buying_power, cost_basis: after });
        }
        Ok(())
    }
}

/// What somebody would have asked for who sent the order anew, by itself.
pub(super) fn asked(order: &OrderRecord) -> NewOrder {
    NewOrder {
        client_order_id: None,
        symbol: order.symbol.clone(),
        side: order.side,
        size: order.size,
        kind: order.kind,
        tif: order.tif,
        extended_hours: order.extended_hours,
        class: Class::Simple,
        take_profit: None,
        stop_loss: None,
    }
}

fn check_state(order: &OrderRecord) -> Result<(), Refusal> {
    if order.status.is_final() {
        return Err(Refusal::Ended { status: order.status.as_str() });
    }
    if order.canceling
        || order.replacing
        || matches!(order.status, Status::Accepted | Status::PendingNew)
    {
        let status = order.status_text();
        return Err(Refusal::Rule(format!("cannot replace order in {status} status")));
    }
    Ok(())
}

fn new_size(old: &OrderRecord, wish: &Replacement) -> Result<Size, Refusal> {
    let rule = |text: &str| Err(Refusal::Rule(text.to_owned()));
    match (old.size, wish.qty) {
        (Size::Notional(_), _) => rule("notional orders cannot be replaced"),
        (size @ Size::Shares(_), None) => Ok(size),
        (Size::Shares(asked), Some(qty))
            if qty != asked && !(qty.is_whole() && asked.is_whole()) =>
        {
            rule("a fractional quantity cannot be changed")
        }
        (Size::Shares(_), Some(qty)) if qty <= old.filled || qty == Shares::ZERO => {
            rule("qty must be > filled_qty")
        }
        (Size::Shares(_), Some(qty)) => Ok(Size::Shares(qty)),
    }
}

fn new_kind(old: Kind, wish: &Replacement) -> Result<Kind, Refusal> {
    let none = |name: &str, price: Option<Px>| match price {
        Some(_) => {
            Err(Refusal::Malformed(format!("{name} is not accepted for {} orders", old.as_str())))
        }
        None => Ok(()),
    };
    if !matches!(old, Kind::Trailing(_)) {
        none("trail", wish.trail)?;
    }
    match old {
        Kind::Market | Kind::Trailing(_) => {
            none("limit_price", wish.limit)?;
            none("stop_price", wish.stop)?;
        }
        Kind::Limit(_) => none("stop_price", wish.stop)?,
        Kind::Stop(_) => none("limit_price", wish.limit)?,
        Kind::StopLimit { .. } => {}
    }
    Ok(match old {
        Kind::Market => Kind::Market,
        Kind::Limit(limit) => Kind::Limit(wish.limit.unwrap_or(limit)),
        Kind::Stop(stop) => Kind::Stop(wish.stop.unwrap_or(stop)),
        Kind::StopLimit { stop, limit } => {
            Kind::StopLimit { stop: wish.stop.unwrap_or(stop), limit: wish.limit.unwrap_or(limit) }
        }
        Kind::Trailing(Trail::Price(width)) => {
            Kind::Trailing(Trail::Price(wish.trail.unwrap_or(width)))
        }
        Kind::Trailing(Trail::Percent(percent)) => {
            Kind::Trailing(Trail::Percent(wish.trail.unwrap_or(percent)))
        }
    })
}

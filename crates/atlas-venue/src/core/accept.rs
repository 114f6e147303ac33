//! Taking and canceling orders.

use atlas_core::time::Timestamp;
use atlas_core::{Side, Symbol};
use uuid::Uuid;

use super::events::Event;
use super::exchange::Exchange;
use super::groups::Exits;
use super::ids::{self, Kind as IdKind};
use super::market::Market;
use super::means::Means;
use super::order::{NewOrder, OrderRecord, Taken, Times};
use super::terms::{Class, Intent, Kind, Role, Size, Status, Wake};
use super::{Money, Refusal, Shares, date_of, rules};
use crate::Error;

impl Exchange {
    /// Takes an order: in trading hours it meets the present price at once, otherwise it is queued
    /// for the next opening. Gives the order as it was when it was taken, before any fill.
    ///
    /// # Errors
    /// A [`Refusal`], which leaves nothing behind; after [`Refusal::Internal`] the exchange must
    /// not be used any more.
    pub fn submit(&mut self, order: NewOrder) -> Result<Taken, Refusal> {
        self.submit_meant(order, None)
    }

    /// Takes an order as [`submit`](Self::submit) does if it would do what its sender means to do,
    /// where that was said.
    ///
    /// # Errors
    /// [`Refusal::Rule`] if it would do something else; otherwise as [`submit`](Self::submit).
    pub fn submit_meant(
        &mut self,
        order: NewOrder,
        meant: Option<Intent>,
    ) -> Result<Taken, Refusal> {
        let unknown = || Refusal::Rule(format!("asset \"{}\" not found", order.symbol));
        let listing = self.market.listing(&order.symbol).ok_or_else(unknown)?;
        rules::check(&order, listing)?;
        rules::check_listed(listing, date_of(self.state.clock))?;
        if self.state.suspended {
            return Err(Refusal::Forbidden("trading is suspended by the user".to_owned()));
        }
        if order.client_order_id.as_ref().is_some_and(|id| self.order_by_client_id(id).is_some()) {
            return Err(Refusal::Duplicate);
        }
        rules::check_window(order.tif, self.state.clock)?;
        let is_short = self.is_of_short(&order);
        let is_closing = (order.side == Side::Sell) != is_short;
        let does = Intent::of(order.side, is_short);
        if let Some(meant) = meant.filter(|meant| *meant != does) {
            let (meant, does) = (meant.as_str(), does.as_str());
            let text = format!("position_intent {meant} does not fit: the order would {does}");
            return Err(Refusal::Rule(text));
        }
        self.check_intent(&order, listing, is_short)?;
        let exits = self.check_exits(&order, listing, is_closing)?;
        let means = self.check_means(&order, listing, is_closing)?;
        self.check_wash(&order, None)?;
        self.take(order, means, exits, is_short)
    }

    /// Takes the venue's own order that closes a position, which no rule keeps out.
    pub(super) fn take_unchecked(
        &mut self,
        order: NewOrder,
        is_short: bool,
    ) -> Result<Taken, Refusal> {
        self.take(order, (None, None), Exits::new(), is_short)
    }

    /// Whether an order can trade at this moment.
    pub(super) fn trades_now(&self, seq: u64) -> Result<bool, Error> {
        let Some(order) = self.order(seq) else { return Ok(false) };
        self.trades_in(&order.symbol, order.extended_hours)
    }

    /// Whether an order for regular hours alone, or for extended ones too, can trade at this moment.
    fn trades_in(&self, symbol: &Symbol, extended_hours: bool) -> Result<bool, Error> {
        let Some(listing) = self.market.listing(symbol) else { return Ok(false) };
        let trading = self.market.trading(listing, self.state.clock)?;
        Ok(trading.is_some_and(|trading| trading.is_regular || extended_hours))
    }

    fn take(
        &mut self,
        order: NewOrder,
        means: Means,
        exits: Exits,
        is_short: bool,
    ) -> Result<Taken, Refusal> {
        let phase = Market::phase(self.state.clock)?;
        let is_open = self.trades_in(&order.symbol, order.extended_hours)?;
        let status = if is_open { Status::PendingNew } else { Status::Accepted };
        let extends = order.extended_hours && self.extends(&order.symbol);
        let expires = rules::expiry(order.tif, phase, self.state.clock, (extends, is_open))?;
        let mut record = self.record(order, means, expires);
        (record.is_short, record.status) = (is_short, status);
        let mut taken = Taken { order: record.clone(), legs: Vec::with_capacity(exits.len()) };
        self.add(record)?;
        for (role, kind) in exits {
            let leg = self.leg(&taken.order, role, kind);
            self.add(leg.clone())?;
            taken.legs.push(leg);
        }
        for order in std::iter::once(&taken.order).chain(&taken.legs) {
            let event = match order.status {
                Status::Accepted => Event::Accepted,
                Status::Held => Event::Held,
                Status::PendingNew
                | Status::New
                | Status::PartiallyFilled
                | Status::Filled
                | Status::Canceled
                | Status::Expired
                | Status::Replaced
                | Status::Rejected => Event::PendingNew,
            };
            self.tell(order.seq, event, order.times.submitted, None);
        }
        if is_open {
            for order in std::iter::once(&taken.order).chain(&taken.legs) {
                // Exits that wait stay so; an exit may have been canceled by the other meanwhile.
                if self.order(order.seq).is_some_and(|now| now.status == Status::PendingNew) {
                    self.set_status(order.seq, Status::New, Event::New)?;
                    self.meet(order.seq)?;
                }
            }
        }
        Ok(taken)
    }

    /// Accepts the cancellation of an order without carrying it out: until [`cancel`](Self::cancel)
    /// does, the order can be filled. A fault for tests of others.
    ///
    /// # Errors
    /// As [`cancel`](Self::cancel).
    pub fn begin_cancel(&mut self, id: Uuid) -> Result<(), Refusal> {
        let order = self.order_by_id(id);
        let order = order.ok_or_else(|| Refusal::NotFound(format!("order not found for {id}")))?;
        if order.status == Status::Canceled {
            return Ok(());
        }
        if order.status.is_final() {
            return Err(Refusal::Ended { status: order.status.as_str() });
        }
        if order.canceling {
            return Ok(());
        }
        let (seq, stamp) = (order.seq, self.stamp());
        self.change(seq, |order| {
            order.canceling = true;
            order.times.updated = stamp;
        })?;
        self.tell(seq, Event::PendingCancel, stamp, None);
        Ok(())
    }

    /// Cancels an order; one that is canceled already stays so, without complaint.
    ///
    /// # Errors
    /// [`Refusal::NotFound`], or [`Refusal::Ended`] if it ended in another way.
    pub fn cancel(&mut self, id: Uuid) -> Result<(), Refusal> {
        let order = self.order_by_id(id);
        let order = order.ok_or_else(|| Refusal::NotFound(format!("order not found for {id}")))?;
        if order.status == Status::Canceled {
            return Ok(());
        }
        if order.status.is_final() {
            return Err(Refusal::Ended { status: order.status.as_str() });
        }
        // With a successor that waits goes the order it was to take the place of.
        let seq = self.replaced_or_self(order);
        Ok(self.set_status(seq, Status::Canceled, Event::Canceled)?)
    }

    /// Whether a symbol trades outside of regular hours.
    pub(super) fn extends(&self, symbol: &Symbol) -> bool {
        self.market.listing(symbol).is_some_and(|listing| self.market.extends(listing))
    }

    /// Refuses an order that could trade against one of the account's own, except the one it is to
    /// take the place of.
    pub(super) fn check_wash(&self, order: &NewOrder, except: Option<u64>) -> Result<(), Refusal> {
        let exempt = matches!(order.kind, Kind::Trailing(_)) || order.class != Class::Simple;
        if !self.config.refuse_wash_trades || exempt {
            return Ok(());
        }
        let open = self.open.get(&order.symbol).into_iter().flatten();
        for seq in open.filter(|seq| Some(**seq) != except) {
            let Some(other) = self.order(*seq).filter(|other| other.side != order.side) else {
                continue;
            };
            let exempt = matches!(other.kind, Kind::Trailing(_)) || other.class != Class::Simple;
            if !exempt && rules::could_cross(order.side, order.kind, other.kind) {
                let is_limit = other.kind.limit().is_some();
                return Err(Refusal::WashTrade { existing: other.id, is_limit });
            }
        }
        Ok(())
    }

    /// Makes the record of an order that was found good; whether it works is not decided yet.
    fn record(
        &mut self,
        order: NewOrder,
        (reserve, hold): Means,
        expires: Timestamp,
    ) -> OrderRecord {
        let seq = self.state.orders + 1;
        let seed = self.state.seed;
        let made_up = || ids::uuid(seed, IdKind::ClientOrder, seq).to_string();
        let submitted = self.stamp();
        let most = match order.size {
            Size::Shares(qty) => self.next_fill.take().map(|share| qty.portion(share)),
            // Its shares are not known yet: what was meant for the next order waits for one of shares.
            Size::Notional(_) => None,
        };
        OrderRecord {
            seq,
            id: ids::uuid(seed, IdKind::Order, seq),
            client_order_id: order.client_order_id.unwrap_or_else(made_up),
            symbol: order.symbol,
            side: order.side,
            size: order.size,
            kind: order.kind,
            tif: order.tif,
            extended_hours: order.extended_hours,
            class: order.class,
            status: Status::Accepted,
            filled: Shares::ZERO,
            filled_notional: Money::ZERO,
            wake: Wake::Asleep,
            best: None,
            is_short: false,
            reserve,
            hold,
            canceling: false,
            replacing: false,
            most,
            role: match order.class {
                Class::Simple => Role::Alone,
                Class::Bracket | Class::Oto => Role::Entry,
                Class::Oco => Role::TakeProfit,
            },
            parent: None,
            replaces: None,
            replaced_by: None,
            times: Times { submitted, updated: submitted, ended: None, expires },
        }
    }
}

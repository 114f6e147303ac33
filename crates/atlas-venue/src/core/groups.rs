//! Orders that belong together: an entry with its exits, two exits of which one cancels the other.
//!
//! - Exits wait (`held`) until their entry is completely filled.
//! - An exit that fills cancels the other; what fills of it in part is taken off the other.
//! - Canceling any member cancels the whole group, and so does the end of an unfilled entry.

use atlas_core::{Side, Symbol};
use uuid::Uuid;

use super::events::Event;
use super::exchange::Exchange;
use super::listing::Listing;
use super::order::{NewOrder, OrderRecord};
use super::terms::{Class, Kind, Role, Size, Status, opposite};
use super::{Money, Px, Refusal, Shares};
use crate::Error;

/// The exits of an order that is about to be taken.
pub(super) type Exits = Vec<(Role, Kind)>;

impl Exchange {
    /// Checks an order's exits; none for a simple order.
    pub(super) fn check_exits(
        &self,
        order: &NewOrder,
        listing: &Listing,
        is_closing: bool,
    ) -> Result<Exits, Refusal> {
        let rule = |text: &str| Err(Refusal::Rule(text.to_owned()));
        let gain = order.take_profit.map(|limit| (Role::TakeProfit, Kind::Limit(limit)));
        let loss = order.stop_loss.map(|(stop, limit)| {
            let kind = limit.map_or(Kind::Stop(stop), |limit| Kind::StopLimit { stop, limit });
            (Role::StopLoss, kind)
        });
        if order.class != Class::Simple && is_closing != (order.class == Class::Oco) {
            let text = if is_closing {
                "bracket and oto orders must open a position"
            } else {
                "oco orders must close a position"
            };
            return Err(Refusal::Forbidden(text.to_owned()));
        }
        let exits: Exits = match (order.class, gain, loss) {
            (Class::Simple, ..) => return Ok(Exits::new()),
            (Class::Bracket, Some(gain), Some(loss)) => vec![gain, loss],
            (Class::Oto, Some(exit), None) | (Class::Oto, None, Some(exit)) => vec![exit],
            (Class::Oco, _, Some(loss)) => vec![loss],
            (Class::Bracket, ..) => return rule("bracket orders need take_profit and stop_loss"),
            (Class::Oto, ..) => {
                return rule("oto orders need exactly one of take_profit and stop_loss");
            }
            (Class::Oco, _, None) => return rule("oco orders need take_profit and stop_loss"),
        };
        self.check_places(order, listing, &exits)?;
        Ok(exits)
    }

    /// Whether the gain lies above the base, and the base above the loss, by a cent or more; the
    /// other way round for a short position.
    fn check_places(
        &self,
        order: &NewOrder,
        listing: &Listing,
        exits: &[(Role, Kind)],
    ) -> Result<(), Refusal> {
        let mark = self.market.mark(listing, self.state.clock)?;
        let (base, known) = match (order.class, order.kind.limit()) {
            (Class::Oco, limit) => (mark, limit.is_some()),
            (_, Some(limit)) => (Some(limit), true),
            (_, None) => (mark, true),
        };
        let (Some(base), true) = (base, known) else { return Ok(()) };
        let is_oco = order.class == Class::Oco;
        let is_long = is_oco == (order.side == Side::Sell);
        let apart = |high: Px, low: Px| {
            let (high, low) = if is_long { (high, low) } else { (low, high) };
            high.nanos() - low.nanos() >= super::NANO / 100
        };
        let wrong = |message: String| Err(Refusal::Exits { message, base_price: base });
        let mut gain = order.kind.limit().filter(|_| is_oco);
        let mut loss = None;
        for (role, kind) in exits {
            super::rules::check_prices(*kind, listing)?;
            match role {
                Role::TakeProfit => gain = kind.limit(),
                Role::StopLoss => loss = kind.stop(),
                Role::Alone | Role::Entry => {}
            }
        }
        let (up, plus, down, minus) =
            if is_long { (">=", "+", "<=", "-") } else { ("<=", "-", ">=", "+") };
        if !is_oco && gain.is_some_and(|gain| !apart(gain, base)) {
            return wrong(format!("take_profit.limit_price must be {up} {base} {plus} 0.01"));
        }
        if loss.is_some_and(|loss| !apart(base, loss)) {
            return wrong(format!("stop_loss.stop_price must be {down} {base} {minus} 0.01"));
        }
        if gain.zip(loss).is_some_and(|(gain, loss)| (gain > loss) != is_long || gain == loss) {
            let than = if is_long { ">" } else { "<" };
            return wrong(format!("take_profit.limit_price must be {than} stop_loss.stop_price"));
        }
        Ok(())
    }

    /// Checks a member of a group that is about to take another's place: while the entry is open its
    /// exits must lie as those of a new order, afterwards as two exits must.
    pub(super) fn check_group(
        &self,
        old: &OrderRecord,
        new: &OrderRecord,
        listing: &Listing,
    ) -> Result<(), Refusal> {
        let others = self.others(old.seq);
        let others = others.iter().filter_map(|seq| self.order(*seq));
        let members: Vec<&OrderRecord> = others.chain(std::iter::once(new)).collect();
        let with = |role| members.iter().copied().find(|order| order.role == role);
        let exits = |roles: &[Role]| -> Exits {
            let of = members.iter().filter(|order| roles.contains(&order.role));
            of.map(|order| (order.role, order.kind)).collect()
        };
        let both = [Role::TakeProfit, Role::StopLoss];
        let (base, class, exits) = match (with(Role::Entry), with(Role::TakeProfit)) {
            (Some(entry), _) => (entry, entry.class, exits(&both)),
            (None, Some(gain)) => (gain, Class::Oco, exits(&[Role::StopLoss])),
            (None, None) => return Ok(()),
        };
        let order = NewOrder {
            client_order_id: None,
            symbol: base.symbol.clone(),
            side: base.side,
            size: base.size,
            kind: base.kind,
            tif: base.tif,
            extended_hours: base.extended_hours,
            class,
            take_profit: None,
            stop_loss: None,
        };
        self.check_places(&order, listing, &exits)
    }

    /// After a fill: an entry that is complete wakes its exits, an exit takes its fill off the
    /// other.
    pub(super) fn after_fill(&mut self, seq: u64, qty: Shares) -> Result<(), Error> {
        let Some(order) = self.order(seq) else { return Ok(()) };
        let (role, is_filled) = (order.role, order.status == Status::Filled);
        match (role, is_filled) {
            (Role::Alone, true) => self.end_waiting(seq),
            (Role::Alone | Role::Entry, false) => Ok(()),
            (Role::Entry, true) => self.wake_exits(seq),
            (Role::TakeProfit | Role::StopLoss, true) => self.after_end(seq),
            (Role::TakeProfit | Role::StopLoss, false) => {
                for other in self.others(seq) {
                    self.change(other, |order| {
                        if let Size::Shares(asked) = order.size {
                            order.size = Size::Shares(asked.minus(qty));
                        }
                    })?;
                }
                Ok(())
            }
        }
    }

    /// Lets the exits of a complete entry come to work, for as much of it as was not sold or
    /// promised to other orders while the entry filled.
    fn wake_exits(&mut self, seq: u64) -> Result<(), Error> {
        let waits = |order: &OrderRecord| order.status == Status::Held;
        let Some(order) = self.order(seq) else { return Ok(()) };
        let (symbol, side) = (order.symbol.clone(), opposite(order.side));
        let held = match side {
            Side::Sell => self.state.ledger.held(&symbol),
            Side::Buy => self.state.ledger.owed(&symbol),
        };
        let (for_others, _) = self.held_back(&symbol, side)?;
        let free = held.minus(for_others);
        for leg in self.others(seq) {
            if !self.order(leg).is_some_and(waits) {
                continue;
            }
            let asked = self.order(leg).and_then(OrderRecord::qty).unwrap_or_default();
            self.change(leg, |order| order.size = Size::Shares(asked.min(free)))?;
            if free.is_zero() {
                self.set_status(leg, Status::Canceled, Event::Canceled)?;
            } else {
                self.set_status(leg, Status::New, Event::New)?;
            }
        }
        for leg in self.others(seq) {
            self.meet(leg)?;
        }
        Ok(())
    }

    /// After the end of an order: the rest of its group is canceled, except where it lives on.
    pub(super) fn after_end(&mut self, seq: u64) -> Result<(), Error> {
        let Some(order) = self.order(seq) else { return Ok(()) };
        if order.role == Role::Alone {
            return self.end_waiting(seq);
        }
        let ends = match (order.status, order.role) {
            // An order alone, and an entry whose exits have just woken.
            (_, Role::Alone)
            | (Status::Filled, Role::Entry)
            // Still open, or living on in its successor.
            | (
                Status::PendingNew
                | Status::Accepted
                | Status::Held
                | Status::New
                | Status::PartiallyFilled
                | Status::Replaced,
                _,
            ) => false,
            (Status::Filled | Status::Canceled | Status::Rejected, _) => true,
            // An exit that runs out leaves the other to run out by itself.
            (Status::Expired, role) => role == Role::Entry,
        };
        if ends {
            for other in self.others(seq) {
                if self.order(other).is_some_and(|order| !order.status.is_final()) {
                    self.set_status(other, Status::Canceled, Event::Canceled)?;
                }
            }
        }
        Ok(())
    }

    /// The other open members of an order's group, oldest first.
    fn others(&self, seq: u64) -> Vec<u64> {
        let Some(order) = self.order(seq) else { return Vec::new() };
        let Some(group) = order.group() else { return Vec::new() };
        let open = self.open.get(&order.symbol).into_iter().flatten().copied();
        let member = |other: &OrderRecord| other.group() == Some(group);
        open.filter(|other| *other != seq && self.order(*other).is_some_and(member)).collect()
    }

    /// Whether an exit holds nothing of its own, because its group's other exit holds it.
    pub(super) fn is_second_exit(&self, order: &OrderRecord) -> bool {
        order.role == Role::StopLoss
            && self
                .others(order.seq)
                .iter()
                .any(|other| self.order(*other).is_some_and(|other| other.role == Role::TakeProfit))
    }

    /// Shares of a symbol that open orders to sell what is held would sell, and those orders.
    pub(crate) fn held_for_sells(&self, symbol: &Symbol) -> Result<(Shares, Vec<Uuid>), Error> {
        self.held_back(symbol, Side::Sell)
    }

    /// The exits that hang below an order, oldest first.
    #[must_use]
    pub fn legs(&self, order: &OrderRecord) -> Vec<&OrderRecord> {
        let Some(group) = order.group().filter(|_| !order.is_leg()) else { return Vec::new() };
        let from = usize::try_from(group).unwrap_or(usize::MAX);
        let below = self.orders.get(from..).unwrap_or_default().iter();
        let replaced = |leg: &OrderRecord| leg.status == Status::Replaced;
        below.filter(|leg| leg.group() == Some(group) && leg.is_leg() && !replaced(leg)).collect()
    }

    /// The record of an exit, below the order that was just recorded.
    pub(super) fn leg(&mut self, parent: &OrderRecord, role: Role, kind: Kind) -> OrderRecord {
        let seq = self.state.orders + 1;
        let submitted = self.stamp();
        let mut leg = parent.clone();
        leg.seq = seq;
        leg.id = super::ids::uuid(self.state.seed, super::ids::Kind::Order, seq);
        leg.client_order_id =
            super::ids::uuid(self.state.seed, super::ids::Kind::ClientOrder, seq).to_string();
        leg.side = if parent.role == Role::Entry { opposite(parent.side) } else { parent.side };
        leg.kind = kind;
        leg.role = role;
        leg.parent = Some(parent.seq);
        leg.reserve = None;
        leg.hold = None;
        leg.most = None;
        leg.filled_notional = Money::ZERO;
        leg.times.submitted = submitted;
        leg.times.updated = submitted;
        if parent.role == Role::Entry {
            leg.status = Status::Held;
        }
        leg
    }
}

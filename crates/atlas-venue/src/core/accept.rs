//! Taking, canceling and replacing orders.

use atlas_core::Side;
use uuid::Uuid;

use super::events::Event;
use super::exchange::Exchange;
use super::ids::{self, Kind as IdKind};
use super::market::{Listing, Market, Phase};
use super::order::{Class, Kind, NewOrder, OrderRecord, Role, Size, Status, Taken, Times, Wake};
use super::{Money, Px, Refusal, Shares, rules};
use crate::costs::Slippage;

impl Exchange {
    /// Takes an order: in trading hours it meets the present price at once, otherwise it is queued
    /// for the next opening. Gives the order as it was when it was taken, before any fill.
    ///
    /// # Errors
    /// A [`Refusal`], which leaves nothing behind; after [`Refusal::Internal`] the exchange must
    /// not be used any more.
    pub fn submit(&mut self, order: NewOrder) -> Result<Taken, Refusal> {
        let unknown = || Refusal::Rule(format!("asset \"{}\" not found", order.symbol));
        let listing = self.market.listing(&order.symbol).ok_or_else(unknown)?;
        rules::check(&order, listing)?;
        if self.state.suspended {
            return Err(Refusal::Forbidden("trading is suspended by the user".to_owned()));
        }
        if order.client_order_id.as_ref().is_some_and(|id| self.order_by_client_id(id).is_some()) {
            return Err(Refusal::Duplicate);
        }
        rules::check_window(order.tif, self.state.clock)?;
        let exits = self.check_exits(&order, listing)?;
        let means = self.check_means(&order, listing)?;
        self.check_wash(&order)?;
        let phase = Market::phase(self.state.clock)?;
        let record = self.record(order, means, phase)?;
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
        if let Phase::Open(session) = phase {
            for order in std::iter::once(&taken.order).chain(&taken.legs) {
                // Exits that wait stay so; an exit may have been canceled by the other meanwhile.
                if self.order(order.seq).is_some_and(|now| now.status == Status::PendingNew) {
                    self.set_status(order.seq, Status::New, Event::New)?;
                    self.meet(order.seq, &session)?;
                }
            }
        }
        Ok(taken)
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
        let seq = order.seq;
        Ok(self.set_status(seq, Status::Canceled, Event::Canceled)?)
    }

    /// Checks that the account has the money or the shares; gives the price a share of a buy is
    /// reserved at, and the shares a sale for an amount of money holds.
    fn check_means(
        &self,
        order: &NewOrder,
        listing: &Listing,
    ) -> Result<(Option<Px>, Option<Shares>), Refusal> {
        match order.side {
            Side::Sell => {
                let requested = self.check_shares(order)?;
                Ok((None, matches!(order.size, Size::Notional(_)).then_some(requested)))
            }
            Side::Buy => {
                let none = || Refusal::Rule(format!("asset \"{}\" has no price yet", order.symbol));
                let quote = self.quote(&order.symbol)?.ok_or_else(none)?;
                let collar = Slippage::Fixed(self.config.collar).rate()?;
                let base = order.kind.stop().map_or(quote.1, |stop| stop.max(quote.1));
                let raised = collar.worsened(base, Side::Buy, listing.trade_tick());
                let price = order.kind.limit().unwrap_or(raised);
                let (cost_basis, least) = match order.size {
                    Size::Shares(qty) => (price.times(qty), price.times(qty)),
                    Size::Notional(amount) => (amount, amount),
                };
                check_minimum(least)?;
                let buying_power = self.buying_power()?;
                if cost_basis > buying_power {
                    return Err(Refusal::BuyingPower { buying_power, cost_basis });
                }
                Ok((Some(price), None))
            }
        }
    }

    fn check_shares(&self, order: &NewOrder) -> Result<Shares, Refusal> {
        let held = self.state.ledger.held(&order.symbol);
        let (held_for_orders, related_orders) = self.held_for_sells(&order.symbol)?;
        let requested = match order.size {
            Size::Shares(qty) => qty,
            Size::Notional(amount) => {
                let none = || Refusal::Rule(format!("asset \"{}\" has no price", order.symbol));
                let (bid, _) = self.quote(&order.symbol)?.ok_or_else(none)?;
                check_minimum(amount)?;
                amount.buys(bid)
            }
        };
        if held.is_zero() {
            return Err(Refusal::Forbidden("account is not allowed to short".to_owned()));
        }
        if requested > held.minus(held_for_orders) {
            return Err(Refusal::QtyAvailable {
                symbol: order.symbol.to_string(),
                requested,
                held,
                held_for_orders,
                related_orders,
            });
        }
        Ok(requested)
    }

    /// Refuses an order that could trade against one of the account's own.
    fn check_wash(&self, order: &NewOrder) -> Result<(), Refusal> {
        let exempt = matches!(order.kind, Kind::Trailing(_)) || order.class != Class::Simple;
        if !self.config.refuse_wash_trades || exempt {
            return Ok(());
        }
        for seq in self.open.get(&order.symbol).into_iter().flatten() {
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

    /// Makes the record of an order that was found good.
    fn record(
        &mut self,
        order: NewOrder,
        (reserve, hold): (Option<Px>, Option<Shares>),
        phase: Phase,
    ) -> Result<OrderRecord, Refusal> {
        let seq = self.state.orders + 1;
        let seed = self.state.seed;
        let made_up = || ids::uuid(seed, IdKind::ClientOrder, seq).to_string();
        let expires = rules::expiry(order.tif, phase, self.state.clock)?;
        let submitted = self.stamp();
        let most = self.next_fill.take().zip(match order.size {
            Size::Shares(qty) => Some(qty),
            Size::Notional(_) => None,
        });
        let most = most.map(|(share, qty)| qty.portion(share));
        Ok(OrderRecord {
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
            status: match phase {
                Phase::Open(_) => Status::PendingNew,
                Phase::Closed { .. } => Status::Accepted,
            },
            filled: Shares::ZERO,
            filled_notional: Money::ZERO,
            wake: Wake::Asleep,
            best: None,
            reserve,
            hold,
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
        })
    }
}

/// The least an order may come to: one dollar.
fn check_minimum(amount: Money) -> Result<(), Refusal> {
    if amount < Money::from_cents(100) {
        return Err(Refusal::Forbidden(
            "cost basis must be >= minimal amount of order 1".to_owned(),
        ));
    }
    Ok(())
}

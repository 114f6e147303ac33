//! What becomes of orders: changes of state, fills and their division, ends.

use atlas_core::{
    ClientOrderId, Fill, OrderEvent, OrderStatus, Price, Qty, Side, SignalOutcome, Usd,
};
use atlas_risk::TradingState;
use atlas_strategy::Strategy;

use super::action::Purpose;
use super::orders::Child;
use super::{Action, Engine, Severity, note};
use crate::Error;

impl<S: Strategy + Clone> Engine<S> {
    pub(super) fn order_changed(
        &mut self,
        id: &ClientOrderId,
        change: &OrderEvent,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let Some(working) = self.orders.get_mut(id) else {
            self.pause(&format!("the broker tells of order {id}, which is not known here"), out);
            return Ok(());
        };
        if let OrderEvent::Filled(fill) = change {
            let fill = fill.clone();
            return self.filled(&fill, Usd::ZERO, out);
        }
        if let Err(error) = working.order.apply(change) {
            self.pause(&error.to_string(), out);
            return Ok(());
        }
        self.end_if_terminal(id, out)
    }

    pub(super) fn filled(
        &mut self,
        fill: &Fill,
        fee: Usd,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let id = &fill.client_order_id;
        let Some(working) = self.orders.get_mut(id) else {
            self.pause(
                &format!("the broker tells of a fill of {id}, which is not known here"),
                out,
            );
            return Ok(());
        };
        match working.order.apply(&OrderEvent::Filled(fill.clone())) {
            Ok(true) => (),
            Ok(false) => return Ok(()),
            Err(error) => {
                self.pause(&error.to_string(), out);
                return Ok(());
            }
        }
        let d = working.desk;
        let parts = working.divide(fill, fee, self.desks[d].decimals())?;
        for part in &parts {
            let child = &mut working.children[part.child];
            child.filled = child.filled.checked_add(part.qty)?;
        }
        let slots: Vec<usize> =
            parts.iter().map(|part| working.children[part.child].slot).collect();
        let mut shares = Vec::with_capacity(parts.len());
        for (part, s) in parts.iter().zip(slots) {
            shares.push(self.share(self.desks[d].slots[s].strategy, part.qty, part.cash));
            if fill.side == Side::Buy {
                let slot = &mut self.desks[d].slots[s];
                slot.in_flight = slot.in_flight.saturating_sub(part.qty);
                self.bought(d, s, part.qty, part.cash, fill.price)?;
            } else {
                self.sell_from(d, s, part.qty, part.cash)?;
            }
        }
        let (execution, symbol) = (fill.execution_id.clone(), fill.symbol.clone());
        out.push(Action::Attributed { execution, symbol, side: fill.side, shares });
        self.end_if_terminal(id, out)
    }

    /// Shares into a slot that were waited for; `cash` is below zero.
    pub(super) fn buy_into(
        &mut self,
        d: usize,
        s: usize,
        qty: Qty,
        cash: Usd,
        price: Price,
    ) -> Result<(), Error> {
        let slot = &mut self.desks[d].slots[s];
        slot.entering = slot.entering.checked_sub(qty)?;
        let left = slot.limit.map_or(Ok(Usd::ZERO), |limit| limit.notional(slot.entering))?;
        let freed = slot.reserved.checked_sub(left)?;
        slot.reserved = left;
        let book = &mut self.books[slot.strategy];
        book.reserved = book.reserved.checked_sub(freed)?;
        self.bought(d, s, qty, cash, price)
    }

    fn bought(
        &mut self,
        d: usize,
        s: usize,
        qty: Qty,
        cash: Usd,
        price: Price,
    ) -> Result<(), Error> {
        let slot = &mut self.desks[d].slots[s];
        slot.bought(qty, cash, price.to_f64())?;
        let book = &mut self.books[slot.strategy];
        book.cash = book.cash.checked_add(cash)?;
        book.invested = book.invested.checked_sub(cash)?;
        Ok(())
    }

    /// Shares out of a slot; `cash` is above zero, unless the fee is larger than the proceeds.
    pub(super) fn sell_from(
        &mut self,
        d: usize,
        s: usize,
        qty: Qty,
        cash: Usd,
    ) -> Result<(), Error> {
        let slot = &mut self.desks[d].slots[s];
        let before = slot.cost;
        let profit = slot.sold(qty, cash)?;
        let book = &mut self.books[slot.strategy];
        book.cash = book.cash.checked_add(cash)?;
        book.invested = book.invested.checked_sub(before.checked_sub(slot.cost)?)?;
        if slot.held.is_zero() {
            slot.refused = 0;
        }
        if profit.is_negative() {
            slot.cooling = self.spec.strategies[slot.strategy].cooldown;
        }
        Ok(())
    }

    /// Deals with the end of an order, once.
    fn end_if_terminal(&mut self, id: &ClientOrderId, out: &mut Vec<Action>) -> Result<(), Error> {
        let Some(working) = self.orders.get_mut(id) else { return Ok(()) };
        let status = working.order.status();
        if working.settled || !status.is_terminal() {
            return Ok(());
        }
        working.settled = true;
        let (d, purpose) = (working.desk, working.purpose);
        let why = working.order.reason().unwrap_or(status.as_str()).to_owned();
        let children = working.children.clone();
        if self.desks[d].live.as_ref() == Some(id) {
            self.desks[d].live = None;
        }
        for child in &children {
            match purpose {
                Purpose::Entry => self.entry_ended(d, child, status, &why, out)?,
                Purpose::Exit => self.exit_ended(d, child, status, &why, out),
                Purpose::Guard => self.guard_ended(d, child, status, &why, out),
            }
        }
        self.settle(d, out)
    }

    fn entry_ended(
        &mut self,
        d: usize,
        child: &Child,
        status: OrderStatus,
        why: &str,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let slot = &mut self.desks[d].slots[child.slot];
        let book = &mut self.books[slot.strategy];
        book.reserved = book.reserved.checked_sub(child.reserved)?;
        slot.in_flight = Qty::ZERO;
        if slot.held.is_zero() {
            slot.declined = true;
            if slot.leaving {
                // There is nothing to sell: the purchase it was to undo did not happen.
                slot.leaving = false;
                end(out, slot.signal.take(), SignalOutcome::AlreadyAtTarget, "nothing was bought");
            }
        }
        let outcome = outcome_of(child, status);
        end(out, child.signal.clone(), outcome, why);
        Ok(())
    }

    /// A sale that did not sell all goes on, with the same signal; refused too often it pauses.
    fn exit_ended(
        &mut self,
        d: usize,
        child: &Child,
        status: OrderStatus,
        why: &str,
        out: &mut Vec<Action>,
    ) {
        let slot = &mut self.desks[d].slots[child.slot];
        if slot.held.is_zero() {
            end(out, child.signal.clone(), SignalOutcome::Executed, why);
            return;
        }
        slot.signal = slot.signal.take().or_else(|| child.signal.clone());
        if !is_refusal(status) {
            return;
        }
        slot.refused += 1;
        let symbol = &self.desks[d].symbol;
        let what = format!("the sale of {symbol} was refused: {why}");
        if self.desks[d].slots[child.slot].refused >= self.spec.exit_attempts {
            self.pause(&what, out);
        } else {
            note(out, Severity::Warning, what);
        }
    }

    fn guard_ended(
        &mut self,
        d: usize,
        child: &Child,
        status: OrderStatus,
        why: &str,
        out: &mut Vec<Action>,
    ) {
        let slot = &mut self.desks[d].slots[child.slot];
        (slot.guard, slot.guard_stop) = (None, None);
        if slot.held.is_zero() {
            slot.leaving = false;
            end(out, slot.signal.take(), SignalOutcome::AlreadyAtTarget, "the stop sold it first");
        }
        if is_refusal(status) {
            slot.refused += 1;
            let symbol = &self.desks[d].symbol;
            let what = format!(
                "the stop order of {symbol} was refused, the engine watches the stop itself: {why}"
            );
            note(out, Severity::Warning, what);
        }
    }

    /// Nothing new goes out until a person has looked.
    pub(super) fn pause(&mut self, why: &str, out: &mut Vec<Action>) {
        self.state = self.state.max(TradingState::Paused);
        note(out, Severity::Critical, format!("paused: {why}"));
    }
}

fn end(
    out: &mut Vec<Action>,
    signal: Option<atlas_core::SignalId>,
    outcome: SignalOutcome,
    reason: &str,
) {
    if let Some(id) = signal {
        out.push(Action::SignalEnded { id, outcome, reason: reason.to_owned() });
    }
}

const fn is_refusal(status: OrderStatus) -> bool {
    matches!(status, OrderStatus::Rejected | OrderStatus::Denied | OrderStatus::NotPlaced)
}

fn outcome_of(child: &Child, status: OrderStatus) -> SignalOutcome {
    if child.filled == child.qty {
        SignalOutcome::Executed
    } else if !child.filled.is_zero() {
        SignalOutcome::PartiallyExecuted
    } else {
        match status {
            OrderStatus::Denied => SignalOutcome::RejectedByLimit,
            OrderStatus::Rejected | OrderStatus::NotPlaced => SignalOutcome::RejectedByBroker,
            OrderStatus::Initialized
            | OrderStatus::Submitted
            | OrderStatus::Accepted
            | OrderStatus::PartiallyFilled
            | OrderStatus::PendingCancel
            | OrderStatus::PendingReplace
            | OrderStatus::Filled
            | OrderStatus::Canceled
            | OrderStatus::Expired
            | OrderStatus::Replaced => SignalOutcome::ExpiredUnfilled,
        }
    }
}

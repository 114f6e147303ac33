//! What is sent for a symbol: crossing, the one order, and the stops that rest beside it.

use atlas_core::{
    ClientOrderId, DecisionId, Order, OrderEvent, OrderRequest, OrderStatus, OrderType, Price, Qty,
    Rounding, Side, SignalOutcome, TimeInForce, Usd,
};
use atlas_risk::TradingState;
use atlas_strategy::Strategy;
use chrono::TimeDelta;

use super::action::Purpose;
use super::desk::Trading;
use super::orders::{Child, Working};
use super::{Action, Engine, Severity, Share, note};
use crate::Error;

/// How far a trailing stop must have risen before the resting order is renewed.
const GUARD_STEP: f64 = 1.005;

impl<S: Strategy + Clone> Engine<S> {
    /// Brings what is at work for a symbol nearer to what the strategies want.
    pub(super) fn settle(&mut self, d: usize, out: &mut Vec<Action>) -> Result<(), Error> {
        if !self.connected
            || self.state == TradingState::Halted
            || self.desks[d].trading == Trading::Gone
        {
            return Ok(());
        }
        if let Some(id) = self.desks[d].live.clone() {
            self.retract(d, &id, out);
            return Ok(());
        }
        self.cross(d, out)?;
        let buying = self.desks[d].slots.iter().any(|slot| !slot.entering.is_zero());
        if buying && !self.may_enter(d) {
            return self.drop_entries(d, out);
        }
        if buying {
            return self.buy(d, out);
        }
        let leaving = self.desks[d].slots.iter().any(|slot| slot.leaving && !slot.held.is_zero());
        if leaving {
            return if self.may_exit(d) { self.sell(d, out) } else { Ok(()) };
        }
        self.guard(d, out)
    }

    fn may_enter(&self, d: usize) -> bool {
        self.state == TradingState::Active
            && self.desks[d].trading == Trading::Open
            && self.window_open(d)
    }

    fn may_exit(&self, d: usize) -> bool {
        let allowed = matches!(self.state, TradingState::Active | TradingState::Reducing);
        allowed && self.desks[d].trading == Trading::Open && self.window_open(d)
    }

    /// Whether orders for the symbol may be sent at this instant.
    pub(super) fn window_open(&self, d: usize) -> bool {
        if self.desks[d].symbol.is_crypto() {
            return true;
        }
        let (now, session) = (self.now(), self.session.as_ref());
        session.is_some_and(|session| {
            let (from, to) = self.spec.window.of(session);
            from <= now && now < to
        })
    }

    /// Cancels a purchase at work that somebody no longer wants.
    fn retract(&mut self, d: usize, id: &ClientOrderId, out: &mut Vec<Action>) {
        let Some(working) = self.orders.get(id) else { return };
        let slots = &self.desks[d].slots;
        let unwanted = working.purpose == Purpose::Entry
            && working.children.iter().any(|child| slots[child.slot].leaving);
        if unwanted {
            self.cancel(id, "a strategy no longer wants it", out);
        }
    }

    /// Gives up purchases that may not be sent now.
    fn drop_entries(&mut self, d: usize, out: &mut Vec<Action>) -> Result<(), Error> {
        let (outcome, reason) = if self.state == TradingState::Active {
            (SignalOutcome::RejectedByMarketHours, "nothing may be sent for it at this time")
        } else {
            (SignalOutcome::RejectedByPaused, "the engine opens nothing in its state")
        };
        for s in 0..self.desks[d].slots.len() {
            self.give_up_entry(d, s, outcome, reason, out)?;
        }
        Ok(())
    }

    /// Lets strategies that sell and strategies that buy trade with each other.
    fn cross(&mut self, d: usize, out: &mut Vec<Action>) -> Result<(), Error> {
        let slots = &self.desks[d].slots;
        // Shares under a resting stop stay there until the stop is gone.
        let sells = |s: &usize| {
            let slot = &slots[*s];
            slot.leaving && slot.guard.is_none() && !slot.held.is_zero()
        };
        let sellers: Vec<usize> = (0..slots.len()).filter(sells).collect();
        let buyers: Vec<usize> =
            (0..slots.len()).filter(|s| !slots[*s].entering.is_zero()).collect();
        if sellers.is_empty() || buyers.is_empty() {
            return Ok(());
        }
        let Some(price) = self.desks[d].price()? else { return Ok(()) };
        if buyers.iter().any(|&b| slots[b].limit.is_some_and(|limit| price > limit)) {
            return Ok(());
        }
        let (mut sold, mut bought) = (Vec::new(), Vec::new());
        for &b in &buyers {
            for &a in &sellers {
                let (from, to) = (&self.desks[d].slots[a], &self.desks[d].slots[b]);
                let qty = from.held.min(to.entering);
                if qty.is_zero() {
                    continue;
                }
                let cash = price.notional(qty)?;
                sold.push(self.share(from.strategy, qty, cash));
                bought.push(self.share(to.strategy, qty, -cash));
                self.sell_from(d, a, qty, cash)?;
                self.buy_into(d, b, qty, -cash, price)?;
                self.netted(d, a, b, out);
            }
        }
        let symbol = self.desks[d].symbol.clone();
        out.push(Action::Crossed { symbol, price, sold, bought });
        Ok(())
    }

    /// Ends the signals of both sides where a crossing gave them all they wanted.
    fn netted(&mut self, d: usize, a: usize, b: usize, out: &mut Vec<Action>) {
        let (gone, filled) = {
            let slots = &self.desks[d].slots;
            (slots[a].held.is_zero(), slots[b].entering.is_zero())
        };
        for (s, done) in [(a, gone), (b, filled)] {
            if let Some(id) = self.desks[d].slots[s].signal.take_if(|_| done) {
                let reason = "crossed with another strategy's order".to_owned();
                out.push(Action::SignalEnded { id, outcome: SignalOutcome::Netted, reason });
            }
        }
    }

    pub(super) fn share(&self, strategy: usize, qty: Qty, cash: Usd) -> Share {
        Share { strategy: self.spec.strategies[strategy].name.clone(), qty, cash }
    }

    /// Sends one purchase for all who buy, once no stop of the symbol rests any more.
    fn buy(&mut self, d: usize, out: &mut Vec<Action>) -> Result<(), Error> {
        if !self.clear_guards(d, |_| true, "the venue holds no purchase beside a stop", out) {
            return Ok(());
        }
        let mut children = Vec::new();
        let (mut total, mut limit): (Qty, Option<Price>) = (Qty::ZERO, None);
        for (index, slot) in self.desks[d].slots.iter_mut().enumerate() {
            if slot.entering.is_zero() {
                continue;
            }
            let signal = slot.signal.take();
            let (qty, reserved) = (slot.entering, slot.reserved);
            (slot.entering, slot.in_flight, slot.reserved) = (Qty::ZERO, qty, Usd::ZERO);
            total = total.checked_add(qty)?;
            limit = [limit, slot.limit].into_iter().flatten().min();
            children.push(Child { slot: index, qty, filled: Qty::ZERO, reserved, signal });
        }
        let Some(limit_price) = limit else { return Ok(()) };
        let order_type = OrderType::Limit { limit_price };
        self.send(d, Purpose::Entry, total, order_type, children, out)
    }

    /// Sends one sale for all who leave, once their own stops are gone.
    fn sell(&mut self, d: usize, out: &mut Vec<Action>) -> Result<(), Error> {
        if !self.clear_guards(d, |leaving| leaving, "its shares are to be sold now", out) {
            return Ok(());
        }
        let mut children = Vec::new();
        let mut total = Qty::ZERO;
        for (index, slot) in self.desks[d].slots.iter_mut().enumerate() {
            if slot.leaving && !slot.held.is_zero() {
                let (qty, signal) = (slot.held, slot.signal.take());
                total = total.checked_add(qty)?;
                let reserved = Usd::ZERO;
                children.push(Child { slot: index, qty, filled: Qty::ZERO, reserved, signal });
            }
        }
        self.send(d, Purpose::Exit, total, OrderType::Market, children, out)
    }

    /// Cancels the stops of the slots chosen by whether they leave; true once none rests.
    fn clear_guards(
        &mut self,
        d: usize,
        chosen: impl Fn(bool) -> bool,
        reason: &str,
        out: &mut Vec<Action>,
    ) -> bool {
        let slots = self.desks[d].slots.iter().filter(|slot| chosen(slot.leaving));
        let resting: Vec<ClientOrderId> = slots.filter_map(|slot| slot.guard.clone()).collect();
        for id in &resting {
            self.cancel(id, reason, out);
        }
        resting.is_empty()
    }

    /// Lets a stop order rest for every position that has a stop and none resting, and renews those
    /// whose stop rose.
    fn guard(&mut self, d: usize, out: &mut Vec<Action>) -> Result<(), Error> {
        let allowed = matches!(self.state, TradingState::Active | TradingState::Reducing);
        if !allowed || !self.desks[d].can_rest() {
            return Ok(());
        }
        for s in 0..self.desks[d].slots.len() {
            let slot = &self.desks[d].slots[s];
            let Some(stop) = slot.stop.filter(|_| !slot.held.is_zero()) else { continue };
            if let Some(id) = slot.guard.clone() {
                if slot.guard_stop.is_some_and(|at| stop > at.to_f64() * GUARD_STEP) {
                    self.cancel(&id, "its stop rose", out);
                }
                continue;
            }
            if slot.refused >= self.spec.exit_attempts {
                continue;
            }
            let stop_price = Price::from_f64(stop, 6, Rounding::Up)?.to_tick(Rounding::Up)?;
            let (qty, signal) = (slot.held, None);
            let child = Child { slot: s, qty, filled: Qty::ZERO, reserved: Usd::ZERO, signal };
            let order_type = OrderType::Stop { stop_price };
            self.send(d, Purpose::Guard, qty, order_type, vec![child], out)?;
        }
        Ok(())
    }

    /// Books the order as submitted and asks for it to be sent.
    fn send(
        &mut self,
        d: usize,
        purpose: Purpose,
        qty: Qty,
        order_type: OrderType,
        children: Vec<Child>,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let symbol = self.desks[d].symbol.clone();
        let Some(decision_price) = self.desks[d].price()? else { return Ok(()) };
        self.decisions += 1;
        let side = if purpose == Purpose::Entry { Side::Buy } else { Side::Sell };
        let decision = DecisionId(self.decisions);
        let id = ClientOrderId::for_leg(&self.spec.account, decision, side, &symbol, 0)?;
        let lasting = purpose == Purpose::Guard || symbol.is_crypto();
        let time_in_force = if lasting { TimeInForce::Gtc } else { TimeInForce::Day };
        let client_order_id = id.clone();
        let request =
            OrderRequest { client_order_id, symbol, side, qty, order_type, time_in_force };
        let mut order = Order::new(request.clone());
        order.apply(&OrderEvent::Submitted)?;
        let shares = children
            .iter()
            .map(|child| self.share(self.desks[d].slots[child.slot].strategy, child.qty, Usd::ZERO))
            .collect();
        let deadline = self.now() + TimeDelta::seconds(i64::from(self.spec.fill_wait));
        if purpose == Purpose::Guard {
            let slot = &mut self.desks[d].slots[children[0].slot];
            slot.guard = Some(id.clone());
            if let OrderType::Stop { stop_price } = order_type {
                slot.guard_stop = Some(stop_price);
            }
        } else {
            self.desks[d].live = Some(id.clone());
            out.push(Action::WakeAt(deadline));
        }
        out.push(Action::Submit { request, purpose, decision_price, shares });
        let settled = false;
        let working = Working { order, purpose, desk: d, children, deadline, settled };
        self.orders.insert(id, working);
        Ok(())
    }

    /// Asks for the cancel of an order, once.
    pub(super) fn cancel(&mut self, id: &ClientOrderId, reason: &str, out: &mut Vec<Action>) {
        let Some(working) = self.orders.get_mut(id) else { return };
        let status = working.order.status();
        if status == OrderStatus::PendingCancel || !status.is_open() {
            return;
        }
        match working.order.apply(&OrderEvent::CancelRequested) {
            Ok(_) => out.push(Action::Cancel { id: id.clone(), reason: reason.to_owned() }),
            Err(error) => {
                note(out, Severity::Warning, format!("{id} cannot be canceled now: {error}"));
            }
        }
    }
}

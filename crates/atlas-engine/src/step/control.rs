//! The day, the regime, the connection, commands and corporate actions.

use atlas_core::calendar::Session;
use atlas_core::signal::Direction;
use atlas_core::{Price, Qty, Regime, Rounding, SignalOutcome, Symbol, Usd};
use atlas_risk::TradingState;
use atlas_strategy::Strategy;
use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::action::Purpose;
use super::desk::Trading;
use super::market::exit_opinion;
use super::{Action, Command, CorporateAction, Engine, Severity, note};
use crate::Error;
use crate::inputs::DecisionInputs;

impl<S: Strategy + Clone> Engine<S> {
    /// Cancels what worked too long, and sends what the window holds back no longer.
    pub(super) fn timer(&mut self, out: &mut Vec<Action>) -> Result<(), Error> {
        let now = self.now();
        let late: Vec<_> = self
            .orders
            .iter()
            .filter(|(_, order)| order.purpose != Purpose::Guard && order.deadline <= now)
            .map(|(id, _)| id.clone())
            .collect();
        for id in &late {
            self.cancel(id, "it worked too long", out);
        }
        self.settle_all(out)
    }

    fn settle_all(&mut self, out: &mut Vec<Action>) -> Result<(), Error> {
        (0..self.desks.len()).try_for_each(|d| self.settle(d, out))
    }

    pub(super) fn session_open(
        &mut self,
        session: Session,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        self.session = Some(session);
        for book in &mut self.books {
            if book.day != Some(session.date) {
                book.day = Some(session.date);
                book.trades_today = 0;
            }
        }
        for slot in self.desks.iter_mut().flat_map(|desk| &mut desk.slots) {
            if slot.declined && slot.last == Some(Direction::Long) {
                slot.last = None;
            }
            slot.declined = false;
        }
        // Fills that come late come before the next session.
        self.orders.retain(|_, working| !working.settled);
        out.push(Action::WakeAt(self.spec.window.of(&session).0));
        self.settle_all(out)
    }

    pub(super) fn session_close(&mut self, date: NaiveDate, out: &mut Vec<Action>) {
        if self.session.as_ref().is_some_and(|session| session.date == date) {
            self.session = None;
        } else {
            note(out, Severity::Warning, format!("session {date} closed, which was not open"));
        }
    }

    /// A regime that allows nothing ends every position.
    pub(super) fn regime_changed(
        &mut self,
        regime: Regime,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        if self.regime != Some(regime) {
            let before = self.regime.map_or("unknown", Regime::as_str);
            let mut exposure = Usd::ZERO;
            for book in &self.books {
                exposure = exposure.checked_add(book.invested)?;
            }
            let what = format!("regime {before} to {regime}, {exposure} USD invested at cost");
            note(out, Severity::Notice, what);
        }
        self.regime = Some(regime);
        if !self.spec.allocations.of(regime).value().is_zero() {
            return Ok(());
        }
        for d in 0..self.desks.len() {
            for s in 0..self.desks[d].slots.len() {
                let slot = &self.desks[d].slots[s];
                if slot.at_work() && !slot.leaving {
                    self.leave(d, s, &exit_opinion([("allocation", 0.0)]), out)?;
                }
            }
            self.settle(d, out)?;
        }
        Ok(())
    }

    pub(super) fn connectivity(&mut self, up: bool, out: &mut Vec<Action>) -> Result<(), Error> {
        if self.connected != up {
            let word = if up { "open again" } else { "closed" };
            note(out, Severity::Warning, format!("the way to the broker is {word}"));
        }
        self.connected = up;
        if up { self.settle_all(out) } else { Ok(()) }
    }

    pub(super) fn command(
        &mut self,
        command: &Command,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        match command {
            Command::Pause => {
                self.pause("by command", out);
                self.cancel_where("the engine is paused", |purpose| purpose == Purpose::Entry, out)
            }
            Command::Reduce => {
                self.state = self.state.max(TradingState::Reducing);
                let reason = "the engine opens nothing more";
                self.cancel_where(reason, |purpose| purpose == Purpose::Entry, out)?;
                self.settle_all(out)
            }
            Command::Resume => {
                self.state = TradingState::Active;
                self.settle_all(out)
            }
            Command::Kill { all } => {
                self.state = TradingState::Halted;
                note(out, Severity::Critical, "halted: by command".to_owned());
                let chosen = |purpose| *all || purpose == Purpose::Entry;
                self.cancel_where("the engine is halted", chosen, out)
            }
            Command::Enable { strategy } => self.enable(strategy, true, out),
            Command::Disable { strategy } => self.enable(strategy, false, out),
        }
    }

    fn enable(&mut self, name: &str, enabled: bool, out: &mut Vec<Action>) -> Result<(), Error> {
        let Some(index) = self.spec.strategies.iter().position(|known| known.name == name) else {
            note(out, Severity::Warning, format!("there is no strategy {name}"));
            return Ok(());
        };
        self.books[index].enabled = enabled;
        if enabled {
            return Ok(());
        }
        for d in 0..self.desks.len() {
            let slots = &self.desks[d].slots;
            if let Some(s) = slots.iter().position(|slot| slot.strategy == index) {
                let outcome = SignalOutcome::RejectedByOperator;
                self.give_up_entry(d, s, outcome, "its strategy was disabled", out)?;
            }
        }
        Ok(())
    }

    fn cancel_where(
        &mut self,
        reason: &str,
        chosen: impl Fn(Purpose) -> bool,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let ids: Vec<_> = self
            .orders
            .iter()
            .filter(|(_, working)| chosen(working.purpose))
            .map(|(id, _)| id.clone())
            .collect();
        for id in &ids {
            self.cancel(id, reason, out);
        }
        for d in 0..self.desks.len() {
            for s in 0..self.desks[d].slots.len() {
                self.give_up_entry(d, s, SignalOutcome::RejectedByPaused, reason, out)?;
            }
        }
        Ok(())
    }

    /// Nothing goes out any more: the books can no longer be trusted.
    pub(super) fn halt(&mut self, why: &str, out: &mut Vec<Action>) {
        self.state = TradingState::Halted;
        note(out, Severity::Critical, format!("halted: {why}"));
    }

    pub(super) fn exchange_halt(
        &mut self,
        symbol: &Symbol,
        halted: bool,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let Some(d) = self.desk_of(symbol) else { return Ok(()) };
        let desk = &mut self.desks[d];
        if desk.trading != Trading::Gone {
            desk.trading = if halted { Trading::Halted } else { Trading::Open };
        }
        self.settle(d, out)
    }

    pub(super) fn corporate(
        &mut self,
        action: &CorporateAction,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let (CorporateAction::Split { symbol, .. }
        | CorporateAction::Dividend { symbol, .. }
        | CorporateAction::Delisted { symbol, .. }) = action;
        let Some(d) = self.desk_of(symbol) else { return Ok(()) };
        match action {
            CorporateAction::Split { from, to, .. } => self.split(d, *from, *to, out),
            CorporateAction::Dividend { per_share, .. } => self.pay(d, *per_share),
            CorporateAction::Delisted { per_share, .. } => self.delisted(d, *per_share, out),
        }
    }

    /// Takes shares out of the books that a fee took, in proportion to what each strategy holds;
    /// what they cost stays.
    pub(super) fn charged(
        &mut self,
        symbol: &Symbol,
        qty: Qty,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let held = self.held_of(symbol)?;
        let Some(d) = self.desk_of(symbol).filter(|_| qty <= held) else {
            self.pause(&format!("a fee took {qty} {symbol} of {held} held"), out);
            return Ok(());
        };
        let decimals = self.desks[d].decimals();
        let mut left = qty;
        let slots = &mut self.desks[d].slots;
        for slot in slots.iter_mut().filter(|_| !held.is_zero()) {
            let (all, mine) = (qty.value(), slot.held.value());
            let overflow = atlas_core::Error::Overflow { operation: "fee", left: all, right: mine };
            let part = all.checked_mul(mine).and_then(|n| n.checked_div(held.value()));
            let part = Qty::new(Rounding::Down.apply(part.ok_or(overflow)?, decimals))?.min(left);
            slot.held = slot.held.checked_sub(part)?;
            left = left.checked_sub(part)?;
        }
        for slot in slots {
            let more = left.min(slot.held);
            slot.held = slot.held.checked_sub(more)?;
            left = left.checked_sub(more)?;
        }
        Ok(())
    }

    fn pay(&mut self, d: usize, per_share: Price) -> Result<(), Error> {
        for slot in &self.desks[d].slots {
            let book = &mut self.books[slot.strategy];
            book.cash = book.cash.checked_add(per_share.notional(slot.held)?)?;
        }
        Ok(())
    }

    /// Scales what is held; strategies start anew on bars of the new scale.
    fn split(&mut self, d: usize, from: u32, to: u32, out: &mut Vec<Action>) -> Result<(), Error> {
        if from == 0 || to == 0 {
            let what = format!("a split of {} from {from} to {to}", self.desks[d].symbol);
            note(out, Severity::Warning, format!("{what} is impossible and left out"));
            return Ok(());
        }
        let reason = "its shares are split";
        let resting = self.desks[d].slots.iter().filter_map(|slot| slot.guard.clone());
        let ids: Vec<_> = resting.chain(self.desks[d].live.clone()).collect();
        for id in &ids {
            self.cancel(id, reason, out);
        }
        let decimals = self.desks[d].decimals();
        let (old, new) = (Decimal::from(from), Decimal::from(to));
        let scale = f64::from(from) / f64::from(to);
        let symbol = self.desks[d].symbol.clone();
        for s in 0..self.desks[d].slots.len() {
            self.give_up_entry(d, s, SignalOutcome::RejectedByStaleData, reason, out)?;
            let slot = &mut self.desks[d].slots[s];
            let overflow = || atlas_core::Error::Overflow {
                operation: "split",
                left: slot.held.value(),
                right: new,
            };
            let exact = slot.held.value().checked_mul(new).and_then(|n| n.checked_div(old));
            let exact = exact.ok_or_else(overflow)?;
            slot.held = Qty::new(Rounding::Down.apply(exact, decimals))?;
            if slot.held.value() != exact {
                let what =
                    format!("{exact} shares of {symbol} after its split: the rest is paid out");
                note(out, Severity::Notice, what);
            }
            (slot.stop, slot.target) =
                (slot.stop.map(|p| p * scale), slot.target.map(|p| p * scale));
            slot.peak *= scale;
            slot.brain = slot.fresh.clone();
            slot.warming = true;
            out.push(Action::NeedHistory {
                symbol: symbol.clone(),
                timeframe: slot.timeframe,
                bars: slot.brain.warm_up(),
            });
        }
        let desk = &mut self.desks[d];
        desk.last = desk.last.map(|last| last * scale);
        (desk.bid, desk.ask) = (None, None);
        Ok(())
    }

    /// Takes what was held out of the books, at what was paid for it.
    fn delisted(
        &mut self,
        d: usize,
        per_share: Option<Price>,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let reason = "its symbol no longer trades";
        for s in 0..self.desks[d].slots.len() {
            self.give_up_entry(d, s, SignalOutcome::RejectedBySymbol, reason, out)?;
            let held = self.desks[d].slots[s].held;
            if held.is_zero() {
                continue;
            }
            let cash = per_share.map_or(Ok(Usd::ZERO), |price| price.notional(held))?;
            self.sell_from(d, s, held, cash)?;
            if let Some(id) = self.desks[d].slots[s].signal.take() {
                let outcome = SignalOutcome::RejectedBySymbol;
                out.push(Action::SignalEnded { id, outcome, reason: reason.to_owned() });
            }
        }
        self.desks[d].trading = Trading::Gone;
        let what = format!("{} no longer trades", self.desks[d].symbol);
        note(out, Severity::Warning, what);
        Ok(())
    }

    /// Decides a rebalance by the same function as the main job, unless it would trade a symbol that
    /// strategies here trade.
    pub(super) fn rebalance(&mut self, inputs: &DecisionInputs, out: &mut Vec<Action>) {
        let plan = match inputs.decide() {
            Ok(plan) => plan,
            Err(error) => return note(out, Severity::Critical, format!("no plan: {error}")),
        };
        let shared = plan.orders.iter().find(|o| self.desk_of(&o.request.symbol).is_some());
        match shared {
            None => out.push(Action::Plan(Box::new(plan))),
            Some(order) => {
                let symbol = &order.request.symbol;
                let what = format!("no plan: {symbol} is traded bar by bar and cannot be in both");
                note(out, Severity::Critical, what);
            }
        }
    }
}

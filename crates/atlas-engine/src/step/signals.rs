//! From an opinion to a signal, and from a signal to a size or a reason why not.

use atlas_core::signal::Direction;
use atlas_core::{DecisionId, Price, Qty, Rounding, Side, Signal, SignalId, SignalOutcome, Usd};
use atlas_risk::TradingState;
use atlas_risk::sizing::fixed_fractional;
use atlas_strategy::{Opinion, Strategy};
use rust_decimal::Decimal;

use super::desk::Trading;
use super::{Action, Engine};
use crate::Error;

/// Why a signal was turned down.
type Refusal = (SignalOutcome, String);

impl<S: Strategy + Clone> Engine<S> {
    /// Acts on what a strategy says. The same direction twice is one signal.
    pub(super) fn opinion(
        &mut self,
        d: usize,
        s: usize,
        opinion: &Opinion,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let slot = &mut self.desks[d].slots[s];
        if slot.last == Some(opinion.direction) {
            return Ok(());
        }
        let first = slot.last.is_none();
        slot.last = Some(opinion.direction);
        slot.declined = false;
        match opinion.direction {
            Direction::Long if !slot.at_work() => self.enter(d, s, opinion, out),
            Direction::Exit if slot.leaving => Ok(()),
            Direction::Exit if slot.at_work() => self.leave(d, s, opinion, out),
            // The first word of a strategy that says "out" and holds nothing changes nothing.
            Direction::Exit if first => Ok(()),
            Direction::Long | Direction::Exit => {
                slot.declined = slot.leaving;
                let (outcome, reason) = if slot.leaving {
                    (SignalOutcome::Filtered, "its shares are being sold")
                } else {
                    (SignalOutcome::AlreadyAtTarget, "what it wants is there already")
                };
                let id = self.signal(d, s, opinion, out)?;
                let reason = reason.to_owned();
                out.push(Action::SignalEnded { id, outcome, reason });
                Ok(())
            }
        }
    }

    fn enter(
        &mut self,
        d: usize,
        s: usize,
        opinion: &Opinion,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let id = self.signal(d, s, opinion, out)?;
        let strategy = self.desks[d].slots[s].strategy;
        let sized = match self.barred(d, s) {
            Some(refusal) => Err(refusal),
            None => self.size(d, strategy, opinion.stop)?,
        };
        let slot = &mut self.desks[d].slots[s];
        match sized {
            Err((outcome, reason)) => {
                slot.declined = true;
                out.push(Action::SignalEnded { id, outcome, reason });
            }
            Ok((qty, limit)) => {
                let cost = limit.notional(qty)?;
                slot.signal = Some(id);
                (slot.entering, slot.limit, slot.reserved) = (qty, Some(limit), cost);
                (slot.stop, slot.target) = (opinion.stop, opinion.target);
                let book = &mut self.books[strategy];
                book.reserved = book.reserved.checked_add(cost)?;
                book.trades_today = book.trades_today.saturating_add(1);
            }
        }
        Ok(())
    }

    /// Sells everything of a slot, and gives up what it still wanted to buy.
    pub(super) fn leave(
        &mut self,
        d: usize,
        s: usize,
        opinion: &Opinion,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let id = self.signal(d, s, opinion, out)?;
        self.give_up_entry(d, s, SignalOutcome::Superseded, "it is to be sold now", out)?;
        let slot = &mut self.desks[d].slots[s];
        slot.last = Some(Direction::Exit);
        slot.leaving = true;
        slot.signal = Some(id);
        Ok(())
    }

    /// Ends a purchase that was not sent yet.
    pub(super) fn give_up_entry(
        &mut self,
        d: usize,
        s: usize,
        outcome: SignalOutcome,
        reason: &str,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let slot = &mut self.desks[d].slots[s];
        if slot.entering.is_zero() {
            return Ok(());
        }
        let book = &mut self.books[slot.strategy];
        book.reserved = book.reserved.checked_sub(slot.reserved)?;
        (slot.entering, slot.reserved, slot.limit) = (Qty::ZERO, Usd::ZERO, None);
        if let Some(id) = slot.signal.take() {
            slot.declined = true;
            out.push(Action::SignalEnded { id, outcome, reason: reason.to_owned() });
        }
        Ok(())
    }

    /// Makes the signal and tells of it.
    fn signal(
        &mut self,
        d: usize,
        s: usize,
        opinion: &Opinion,
        out: &mut Vec<Action>,
    ) -> Result<SignalId, Error> {
        let desk = &self.desks[d];
        let name = &self.spec.strategies[desk.slots[s].strategy].name;
        self.decisions += 1;
        let as_of = self.now.unwrap_or_default().date_naive();
        let signal: Signal =
            opinion.signal(name, &desk.symbol, DecisionId(self.decisions), as_of)?;
        let id = signal.id.clone();
        out.push(Action::Signal(signal));
        Ok(id)
    }

    /// The first rule that bars an entry.
    fn barred(&self, d: usize, s: usize) -> Option<Refusal> {
        use SignalOutcome as O;
        let (desk, slot) = (&self.desks[d], &self.desks[d].slots[s]);
        let (spec, book) = (&self.spec.strategies[slot.strategy], &self.books[slot.strategy]);
        let limit = |what: &str, value: u32, most: u32| {
            Some((O::RejectedByLimit, format!("{what}: {value} of at most {most}")))
        };
        if self.state != TradingState::Active {
            return Some((O::RejectedByPaused, format!("the engine is {}", self.state)));
        }
        if !self.connected {
            return Some((O::RejectedByPaused, "the way to the broker is closed".into()));
        }
        if desk.trading != Trading::Open {
            return Some((O::RejectedBySymbol, format!("{} is halted or gone", desk.symbol)));
        }
        if !self.window_open(d) {
            return Some((O::RejectedByMarketHours, "outside of the trading window".into()));
        }
        let Some(regime) = self.regime else {
            return Some((O::RejectedByRegime, "the regime is not known".into()));
        };
        if !spec.opens_in.contains(&regime) {
            return Some((O::RejectedByRegime, format!("{} opens nothing in {regime}", spec.name)));
        }
        if slot.cooling > 0 {
            return limit("bars of cooldown left", slot.cooling, 0);
        }
        let positions = self.positions(slot.strategy);
        if positions >= u32::from(spec.max_positions) {
            return limit("positions", positions, spec.max_positions.into());
        }
        if book.trades_today >= spec.trades_per_day {
            return limit("entries today", book.trades_today, spec.trades_per_day);
        }
        None
    }

    /// Symbols a strategy holds or is buying.
    fn positions(&self, strategy: usize) -> u32 {
        let slots = self.desks.iter().flat_map(|desk| &desk.slots);
        let held = slots.filter(|slot| slot.strategy == strategy && slot.at_work()).count();
        u32::try_from(held).unwrap_or(u32::MAX)
    }

    /// Shares and their limit price, or why there are none.
    fn size(
        &self,
        d: usize,
        strategy: usize,
        stop: Option<f64>,
    ) -> Result<Result<(Qty, Price), Refusal>, Error> {
        let (desk, book) = (&self.desks[d], &self.books[strategy]);
        let spec = &self.spec.strategies[strategy];
        let refuse = |outcome, reason: &str| Ok(Err((outcome, reason.to_owned())));
        let Some(price) = desk.price()? else {
            return refuse(SignalOutcome::RejectedByStaleData, "no price was seen yet");
        };
        // One pays the ask where it is known.
        let price = desk.ask.map_or(price, |ask| ask.max(price));
        let limit = price.moved(self.spec.buy_limit_collar.fraction())?.to_limit_tick(Side::Buy)?;
        let value = book.value()?;
        let allocation =
            self.regime.map_or(atlas_core::Weight::ZERO, |regime| self.spec.allocations.of(regime));
        let taken = book.invested.checked_add(book.reserved)?;
        let room = value.share(allocation)?.checked_sub(taken)?;
        let free = book.cash.checked_sub(book.reserved)?;
        let dollars = value.share(spec.max_position)?.min(room).min(free);
        if dollars < limit.notional(Qty::from_shares(1))? && desk.decimals() == 0 {
            let outcome = if dollars == free {
                SignalOutcome::RejectedByBuyingPower
            } else {
                SignalOutcome::RejectedBySizing
            };
            return refuse(outcome, "what may be spent does not pay for one share");
        }
        let mut qty = shares(dollars, limit, desk.decimals())?;
        if let Some(stop) = stop {
            let stop = Price::from_f64(stop, 6, Rounding::HalfEven)?;
            if stop >= limit {
                return refuse(SignalOutcome::RejectedBySizing, "the stop is above the limit");
            }
            let risked = fixed_fractional(value, spec.risk_per_trade, limit, stop)?;
            qty = qty.min(Qty::new(Rounding::Down.apply(risked.value(), desk.decimals()))?);
        }
        if qty.is_zero() {
            return refuse(SignalOutcome::RejectedBySizing, "no share is within the risk allowed");
        }
        Ok(Ok((qty, limit)))
    }
}

/// How many shares an amount pays for, rounded down.
fn shares(dollars: Usd, price: Price, decimals: u32) -> Result<Qty, Error> {
    let exact = dollars.value().checked_div(price.value()).unwrap_or_default();
    Ok(Qty::new(Rounding::Down.apply(exact.max(Decimal::ZERO), decimals))?)
}

//! Prices: bars to strategies, and every price to the exits the engine watches.

use std::panic::{AssertUnwindSafe, catch_unwind};

use atlas_core::signal::Direction;
use atlas_core::{Price, Quote, Symbol};
use atlas_strategy::indicator::Ohlcv;
use atlas_strategy::{Opinion, Strategy};
use chrono::TimeDelta;

use super::event::{BarClosed, History};
use super::{Action, Engine, Severity, note};
use crate::Error;

impl<S: Strategy + Clone> Engine<S> {
    pub(super) fn bar(&mut self, event: &BarClosed, out: &mut Vec<Action>) -> Result<(), Error> {
        let Some(d) = self.known(&event.symbol, "a bar", out) else { return Ok(()) };
        if let Some(problem) = problem(&event.bar) {
            let BarClosed { symbol, closed_at, .. } = event;
            let what = format!("the bar of {symbol} at {closed_at} is impossible: {problem}");
            note(out, Severity::Warning, what);
            return Ok(());
        }
        let mut taken = false;
        for s in 0..self.desks[d].slots.len() {
            let slot = &mut self.desks[d].slots[s];
            if slot.timeframe != event.timeframe {
                continue;
            }
            if slot.last_close.is_some_and(|last| event.closed_at <= last) {
                let BarClosed { symbol, closed_at, .. } = event;
                let what = format!("the bar of {symbol} at {closed_at} is late or there twice");
                note(out, Severity::Notice, what);
                return Ok(());
            }
            slot.last_close = Some(event.closed_at);
            slot.bars_held = slot.bars_held.saturating_add(1);
            slot.cooling = slot.cooling.saturating_sub(1);
            taken = true;
        }
        if taken {
            self.desks[d].last = Some(event.bar.close);
            self.watch_exits(d, event.bar.low, event.bar.high, out)?;
            for s in 0..self.desks[d].slots.len() {
                self.push(d, s, event, out)?;
            }
            self.settle(d, out)?;
        }
        Ok(())
    }

    /// Gives one strategy the bar and acts on what it says.
    fn push(
        &mut self,
        d: usize,
        s: usize,
        event: &BarClosed,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let past = self.is_past(event);
        let slot = &mut self.desks[d].slots[s];
        let strategy = slot.strategy;
        if slot.timeframe != event.timeframe || slot.warming || !self.books[strategy].enabled {
            return Ok(());
        }
        match ask(&mut slot.brain, &event.bar) {
            Ok(None) => Ok(()),
            Ok(Some(opinion)) if opinion.direction == Direction::Long && past => {
                // As with history: known, and not acted on.
                slot.last = Some(Direction::Long);
                Ok(())
            }
            Ok(Some(opinion)) => self.opinion(d, s, &opinion, out),
            Err(why) => {
                slot.brain = slot.fresh.clone();
                self.books[strategy].enabled = false;
                let name = &self.spec.strategies[strategy].name;
                let what = format!("strategy {name} is disabled: on {} it {why}", event.symbol);
                note(out, Severity::Critical, what);
                Ok(())
            }
        }
    }

    /// Whether a bar closed too long ago to open anything on it.
    fn is_past(&self, event: &BarClosed) -> bool {
        let most = TimeDelta::seconds(i64::from(self.spec.bar_max_age));
        self.now().signed_duration_since(event.closed_at) > most
    }

    pub(super) fn history(&mut self, event: &History, out: &mut Vec<Action>) {
        let Some(d) = self.known(&event.symbol, "history", out) else { return };
        for slot in &mut self.desks[d].slots {
            if slot.timeframe != event.timeframe {
                continue;
            }
            slot.brain = slot.fresh.clone();
            for bar in &event.bars {
                match ask(&mut slot.brain, bar) {
                    Ok(Some(opinion)) => slot.last = Some(opinion.direction),
                    Ok(None) => (),
                    Err(why) => {
                        let name = &self.spec.strategies[slot.strategy].name;
                        let what =
                            format!("strategy {name} is disabled: on {} it {why}", event.symbol);
                        self.books[slot.strategy].enabled = false;
                        note(out, Severity::Critical, what);
                        break;
                    }
                }
            }
            slot.last_close = Some(event.last_close);
            slot.warming = false;
        }
        if let Some(bar) = event.bars.last() {
            self.desks[d].last = Some(bar.close);
        }
    }

    pub(super) fn quote(&mut self, quote: &Quote, out: &mut Vec<Action>) -> Result<(), Error> {
        let Some(d) = self.known(&quote.symbol, "a quote", out) else { return Ok(()) };
        if quote.is_crossed() {
            let what = format!("the quote of {} is crossed and left out", quote.symbol);
            note(out, Severity::Notice, what);
            return Ok(());
        }
        let desk = &mut self.desks[d];
        (desk.bid, desk.ask) = (quote.bid, quote.ask);
        let Some(bid) = quote.bid else { return Ok(()) };
        let price = bid.to_f64();
        desk.last = Some(quote.ask.map_or(price, |ask| f64::midpoint(price, ask.to_f64())));
        self.watch_exits(d, price, price, out)?;
        self.settle(d, out)
    }

    pub(super) fn trade(
        &mut self,
        symbol: &Symbol,
        price: Price,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        let Some(d) = self.known(symbol, "a trade", out) else { return Ok(()) };
        let price = price.to_f64();
        self.desks[d].last = Some(price);
        self.watch_exits(d, price, price, out)?;
        self.settle(d, out)
    }

    /// Raises trailing stops and ends positions whose time or price has come.
    fn watch_exits(
        &mut self,
        d: usize,
        low: f64,
        high: f64,
        out: &mut Vec<Action>,
    ) -> Result<(), Error> {
        for s in 0..self.desks[d].slots.len() {
            let slot = &mut self.desks[d].slots[s];
            if slot.held.is_zero() || slot.leaving {
                continue;
            }
            let exits = self.spec.strategies[slot.strategy].exits;
            // The stop of before this price counts: the order of prices within a bar is not known.
            let (stop, guarded) = (slot.stop, slot.guard_stop.map(Price::to_f64));
            slot.peak = slot.peak.max(high);
            if let Some(distance) = exits.trailing {
                let trail = slot.peak * (1.0 - distance.to_f64());
                slot.stop = Some(slot.stop.map_or(trail, |stop| stop.max(trail)));
            }
            let below = stop.is_some_and(|stop| low <= stop);
            let venue_has_it = guarded.is_some_and(|guard| stop.is_some_and(|stop| guard >= stop));
            let target = slot.target.filter(|_| exits.take_profit);
            let reason = if below && !venue_has_it {
                ("stop", stop.unwrap_or(low))
            } else if let Some(target) = target.filter(|target| high >= *target) {
                ("target", target)
            } else if exits.max_bars.is_some_and(|most| slot.bars_held >= most) {
                ("bars held", f64::from(slot.bars_held))
            } else {
                continue;
            };
            let exit = exit_opinion([reason, ("low", low), ("high", high)]);
            self.leave(d, s, &exit, out)?;
        }
        Ok(())
    }

    fn known(&self, symbol: &Symbol, what: &str, out: &mut Vec<Action>) -> Option<usize> {
        let found = self.desk_of(symbol);
        if found.is_none() {
            note(out, Severity::Notice, format!("{what} of {symbol}, which nobody watches"));
        }
        found
    }
}

/// The opinion to sell, for a reason outside of the strategy.
pub(super) fn exit_opinion<const N: usize>(evidence: [(&'static str, f64); N]) -> Opinion {
    Opinion {
        direction: Direction::Exit,
        strength: 1.0,
        confidence: 1.0,
        horizon: 0,
        stop: None,
        target: None,
        evidence: evidence.into(),
    }
}

/// Asks a strategy, keeping its panics and impossible numbers to itself.
fn ask<S: Strategy>(brain: &mut S, bar: &Ohlcv) -> Result<Option<Opinion>, String> {
    // A panic leaves the brain in an unknown state: the caller puts a new one in its place.
    let answer = catch_unwind(AssertUnwindSafe(|| brain.push(bar)));
    let opinion = answer.map_err(|_| "panicked".to_owned())?;
    if let Some(opinion) = &opinion {
        let mut numbers = vec![("strength", opinion.strength), ("confidence", opinion.confidence)];
        numbers.extend(opinion.stop.map(|stop| ("stop", stop)));
        numbers.extend(opinion.target.map(|target| ("target", target)));
        // Strength and confidence may be zero, a price may not.
        let possible = |name: &str, value: f64| {
            value.is_finite() && value >= 0.0 && (value > 0.0 || !matches!(name, "stop" | "target"))
        };
        if let Some((name, value)) = numbers.iter().find(|(name, value)| !possible(name, *value)) {
            return Err(format!("gave {name} = {value}"));
        }
    }
    Ok(opinion)
}

/// What is impossible about a bar.
fn problem(bar: &Ohlcv) -> Option<&'static str> {
    let prices = [bar.open, bar.high, bar.low, bar.close];
    if !prices.iter().all(|price| price.is_finite() && *price > 0.0) {
        return Some("a price is not above zero");
    }
    if !(bar.volume >= 0.0 && bar.volume.is_finite()) {
        return Some("the volume is below zero");
    }
    let inside = |price: f64| bar.low <= price && price <= bar.high;
    (!inside(bar.open) || !inside(bar.close)).then_some("open or close is outside of low and high")
}

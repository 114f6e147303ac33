//! What the engine knows of one symbol, and of each strategy on it.

use atlas_core::signal::Direction;
use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, Price, Qty, SignalId, Symbol, Usd};
use serde::{Deserialize, Serialize};

use super::event::Timeframe;
use crate::Error;

/// One symbol: its last prices, who watches it, and the one order that trades it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Desk<S> {
    pub(super) symbol: Symbol,
    /// Last known price, from a bar, a trade or the middle of a quote.
    pub(super) last: Option<f64>,
    pub(super) bid: Option<Price>,
    pub(super) ask: Option<Price>,
    pub(super) trading: Trading,
    /// The one entry or exit at work; guards rest beside it.
    pub(super) live: Option<ClientOrderId>,
    pub(super) slots: Vec<Slot<S>>,
}

/// Whether the exchange lets a symbol trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Trading {
    Open,
    Halted,
    /// For ever.
    Gone,
}

/// One strategy on one symbol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "three facts that do not exclude each other")]
pub(super) struct Slot<S> {
    /// Index of the strategy.
    pub(super) strategy: usize,
    pub(super) timeframe: Timeframe,
    pub(super) brain: S,
    /// The state machine as it was given, for starting anew.
    pub(super) fresh: S,
    pub(super) last_close: Option<Timestamp>,
    /// Whether it waits for history and must not act.
    pub(super) warming: bool,
    pub(super) held: Qty,
    /// Shares still to be bought.
    pub(super) entering: Qty,
    /// Shares of it in a purchase at work.
    pub(super) in_flight: Qty,
    /// Money set aside for shares still to be bought, USD.
    pub(super) reserved: Usd,
    /// The most a share of them may cost.
    pub(super) limit: Option<Price>,
    /// Whether everything held is to be sold.
    pub(super) leaving: bool,
    /// What the shares held cost, fees included, USD.
    pub(super) cost: Usd,
    pub(super) stop: Option<f64>,
    pub(super) target: Option<f64>,
    /// Highest price since the entry.
    pub(super) peak: f64,
    /// Bars since the entry.
    pub(super) bars_held: u32,
    /// Bars left in which nothing is opened.
    pub(super) cooling: u32,
    /// Direction of the last signal, against repeating it.
    pub(super) last: Option<Direction>,
    /// Whether the last signal was turned down, so that it may be given again next session.
    pub(super) declined: bool,
    /// The signal that waits for its order.
    pub(super) signal: Option<SignalId>,
    /// The resting stop order.
    pub(super) guard: Option<ClientOrderId>,
    /// The price the resting stop was sent with.
    pub(super) guard_stop: Option<Price>,
    /// Exits refused in a row.
    pub(super) refused: u32,
}

impl<S> Desk<S> {
    pub(super) fn new(symbol: Symbol) -> Self {
        Self {
            symbol,
            last: None,
            bid: None,
            ask: None,
            trading: Trading::Open,
            live: None,
            slots: Vec::new(),
        }
    }

    /// Digits after the point a quantity may have.
    pub(super) fn decimals(&self) -> u32 {
        if self.symbol.is_crypto() { 9 } else { 0 }
    }

    /// Whether the venue holds stop orders for it: whole shares, not crypto.
    pub(super) fn can_rest(&self) -> bool {
        !self.symbol.is_crypto() && self.trading == Trading::Open
    }

    /// The last price as money.
    pub(super) fn price(&self) -> Result<Option<Price>, Error> {
        let Some(last) = self.last else { return Ok(None) };
        Ok(Some(Price::from_f64(last, 6, atlas_core::Rounding::HalfEven)?))
    }
}

impl<S: Clone> Slot<S> {
    pub(super) fn new(strategy: usize, timeframe: Timeframe, brain: S) -> Self {
        Self {
            strategy,
            timeframe,
            fresh: brain.clone(),
            brain,
            last_close: None,
            warming: false,
            held: Qty::ZERO,
            entering: Qty::ZERO,
            in_flight: Qty::ZERO,
            reserved: Usd::ZERO,
            limit: None,
            leaving: false,
            cost: Usd::ZERO,
            stop: None,
            target: None,
            peak: 0.0,
            bars_held: 0,
            cooling: 0,
            last: None,
            declined: false,
            signal: None,
            guard: None,
            guard_stop: None,
            refused: 0,
        }
    }

    /// Whether it holds, buys or is about to buy.
    pub(super) fn at_work(&self) -> bool {
        !(self.held.is_zero() && self.entering.is_zero() && self.in_flight.is_zero())
    }

    /// Takes shares and what was paid for them into the book.
    pub(super) fn bought(&mut self, qty: Qty, cash: Usd, price: f64) -> Result<(), Error> {
        if self.held.is_zero() {
            self.peak = price;
            self.bars_held = 0;
        }
        self.held = self.held.checked_add(qty)?;
        self.cost = self.cost.checked_sub(cash)?;
        Ok(())
    }

    /// Takes shares out of the book; gives the profit, below zero for a loss.
    pub(super) fn sold(&mut self, qty: Qty, cash: Usd) -> Result<Usd, Error> {
        let left = self.held.checked_sub(qty)?;
        let cost = if left.is_zero() { self.cost } else { part(self.cost, qty, self.held)? };
        self.cost = self.cost.checked_sub(cost)?;
        self.held = left;
        if left.is_zero() {
            self.leaving = false;
        }
        Ok(cash.checked_sub(cost)?)
    }
}

/// `amount × part ÷ whole`, rounded down to the cent.
pub(super) fn part(amount: Usd, part: Qty, whole: Qty) -> Result<Usd, Error> {
    let overflow = || atlas_core::Error::Overflow {
        operation: "share",
        left: amount.value(),
        right: part.value(),
    };
    let product = amount.value().checked_mul(part.value()).ok_or_else(overflow)?;
    let share = product.checked_div(whole.value()).ok_or_else(overflow)?;
    Ok(Usd::new(share)?.to_cents(atlas_core::Rounding::Down))
}

//! The engine of continuous trading: events in, actions out, many strategies on many symbols.
//!
//! [`Engine::step`] is a pure function of the engine's state and one [`Event`]: no clock, no I/O, no
//! randomness, and an order defined everywhere (symbols by name, strategies as listed). The same
//! engine runs in a backtest, in a rehearsal and live; its state serializes, and going on from a
//! checkpoint equals never having stopped.
//!
//! **One order a symbol.** What strategies want of a symbol is added up: opposite wishes are crossed
//! between their books, and only the difference is sent, as one order whose fills are divided among
//! them exactly. While it works, nothing else is sent for the symbol but the cancel of it. So orders
//! of Atlas never meet each other at the venue.
//!
//! **Exits.** A signal's stop rests at the venue as a stop order where the venue can hold one (whole
//! shares of equities) and is watched by the engine where it cannot, as are targets, trailing and
//! time exits. Before the engine sells, the resting order of those shares is canceled and its end
//! awaited: two live exits for the same quantity do not exist. Purchases wait until all stops of the
//! symbol are gone, since the venue refuses to hold both.
//!
//! **Sizes.** A strategy trades with its part of the capital. An entry is the smallest of: largest
//! position, risk over the distance to the stop, room in the regime's allocation, free cash; all of
//! the strategy's book value, which is its cash and what its positions cost.
//!
//! **The past.** A bar that closed longer ago than [`EngineSpec::bar_max_age`] is of the past: it is
//! pushed to the strategies, and their exits and stops count, since what reduces risk is never late;
//! what they want to buy on it does not.
//!
//! **Trouble.** A bar out of order, an impossible price, an order nobody knows, a strategy that
//! panics or says NaN: an incident, and never a guess. Arithmetic that does not fit halts.

mod action;
mod control;
mod desk;
mod event;
mod fills;
mod market;
mod orders;
mod settle;
mod signals;
mod spec;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use atlas_core::calendar::Session;
use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, Qty, Regime, Symbol, Usd};
use atlas_risk::TradingState;
use atlas_strategy::{Stage, Strategy};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use action::{Action, Purpose, Severity};
pub use event::{BarClosed, Command, CorporateAction, Event, History, Share, Timeframe};
pub use spec::{EngineSpec, Exits, StrategySpec, Watch, Window};

use self::desk::{Desk, Slot};
use self::orders::Working;
use crate::Error;

/// Strategies, their books and the orders at work; see the [module](self).
///
/// Serializing it is a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "two facts that do not exclude each other")]
pub struct Engine<S> {
    spec: EngineSpec,
    /// By symbol, ascending.
    desks: Vec<Desk<S>>,
    /// As the strategies in the specification.
    books: Vec<Book>,
    orders: BTreeMap<ClientOrderId, Working>,
    state: TradingState,
    connected: bool,
    session: Option<Session>,
    regime: Option<Regime>,
    now: Option<Timestamp>,
    /// Whether the clock was found behind and that was told.
    behind: bool,
    decisions: u64,
}

/// One strategy's money.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Book {
    cash: Usd,
    /// Of the cash, set aside for purchases under way.
    reserved: Usd,
    /// What the positions cost.
    invested: Usd,
    enabled: bool,
    trades_today: u32,
    day: Option<NaiveDate>,
}

impl<S: Strategy + Clone> Engine<S> {
    /// Whether any of its strategies is there for tests only, and may never trade real money.
    #[must_use]
    pub fn is_test_only(&self) -> bool {
        let mut slots = self.desks.iter().flat_map(|desk| &desk.slots);
        slots.any(|slot| slot.brain.stage() == Stage::TestOnly)
    }

    /// An engine that holds nothing yet, is connected, and waits for a regime and a session.
    ///
    /// # Errors
    /// [`Error::Policy`] for a specification that cannot be used: names twice or unknown, capital
    /// that is not there, the same strategy twice on a symbol, a test strategy outside of a replay
    /// is the caller's to refuse; [`Error::Core`] if an amount overflows.
    pub fn new(spec: EngineSpec, watches: Vec<Watch<S>>) -> Result<Self, Error> {
        spec.check()?;
        let mut desks: BTreeMap<Symbol, Desk<S>> = BTreeMap::new();
        for watch in watches {
            let known = spec.strategies.iter().position(|known| known.name == watch.strategy);
            let refuse =
                |rule| Error::Policy { name: "watch", value: watch.strategy.clone(), rule };
            let strategy = known.ok_or_else(|| refuse("of a strategy that is listed"))?;
            if watch.timeframe.0 == 0 {
                return Err(refuse("of bars that span a second or more"));
            }
            let symbol = watch.symbol.clone();
            let desk = desks.entry(symbol.clone()).or_insert_with(|| Desk::new(symbol));
            if desk.slots.iter().any(|slot| slot.strategy == strategy) {
                return Err(refuse("once a symbol"));
            }
            desk.slots.push(Slot::new(strategy, watch.timeframe, watch.brain));
            desk.slots.sort_by_key(|slot| slot.strategy);
        }
        let mut books = Vec::with_capacity(spec.strategies.len());
        for strategy in &spec.strategies {
            let cash = spec.capital.share(strategy.capital)?;
            books.push(Book::new(cash.to_cents(atlas_core::Rounding::Down)));
        }
        Ok(Self {
            decisions: spec.decisions,
            spec,
            desks: desks.into_values().collect(),
            books,
            orders: BTreeMap::new(),
            state: TradingState::Active,
            connected: true,
            session: None,
            regime: None,
            now: None,
            behind: false,
        })
    }

    /// Takes in one event at instant `at` and says what is to be done, in order.
    ///
    /// Work is bounded: by the strategies on the symbol for events of the market and of orders, by
    /// all symbols for those about the day, the regime, the connection and commands. Time does not
    /// go back: an event from before the last one is taken at the last one's instant, and told once.
    pub fn step(&mut self, at: Timestamp, event: &Event) -> Vec<Action> {
        let mut out = Vec::new();
        self.advance(at, &mut out);
        if let Err(error) = self.handle(event, &mut out) {
            self.halt(&error.to_string(), &mut out);
        }
        out
    }

    fn handle(&mut self, event: &Event, out: &mut Vec<Action>) -> Result<(), Error> {
        match event {
            Event::Bar(bar) => self.bar(bar, out),
            Event::History(history) => {
                self.history(history, out);
                Ok(())
            }
            Event::Quote(quote) => self.quote(quote, out),
            Event::Trade { symbol, price } => self.trade(symbol, *price, out),
            Event::Order { id, change } => self.order_changed(id, change, out),
            Event::Fill { fill, fee } => self.filled(fill, *fee, out),
            Event::Charged { symbol, qty } => self.charged(symbol, *qty, out),
            Event::Timer => self.timer(out),
            Event::SessionOpen(session) => self.session_open(*session, out),
            Event::SessionClose { date } => {
                self.session_close(*date, out);
                Ok(())
            }
            Event::Regime(regime) => self.regime_changed(*regime, out),
            Event::Corporate(action) => self.corporate(action, out),
            Event::Halt { symbol, halted } => self.exchange_halt(symbol, *halted, out),
            Event::Command(command) => self.command(command, out),
            Event::Connectivity { up } => self.connectivity(*up, out),
            Event::Rebalance(inputs) => {
                self.rebalance(inputs, out);
                Ok(())
            }
        }
    }

    fn advance(&mut self, at: Timestamp, out: &mut Vec<Action>) {
        match self.now {
            Some(now) if at < now => {
                if !self.behind {
                    let what = format!("the clock went back from {now} to {at}");
                    note(out, Severity::Warning, what);
                }
                self.behind = true;
            }
            Some(_) | None => {
                self.now = Some(at);
                self.behind = false;
            }
        }
    }

    fn now(&self) -> Timestamp {
        self.now.unwrap_or_default()
    }

    fn desk_of(&self, symbol: &Symbol) -> Option<usize> {
        self.desks.binary_search_by(|desk| desk.symbol.cmp(symbol)).ok()
    }

    /// Bars each strategy needs before all of it can have an opinion, by symbol and span.
    pub fn warm_up(&self) -> impl Iterator<Item = (&Symbol, Timeframe, usize)> {
        self.desks.iter().flat_map(|desk| {
            desk.slots.iter().map(|slot| (&desk.symbol, slot.timeframe, slot.brain.steady()))
        })
    }
}

impl<S> Engine<S> {
    /// The state it is in.
    #[must_use]
    pub const fn state(&self) -> TradingState {
        self.state
    }

    /// Whether another one was told the same before it started, the number of decisions aside: the
    /// same choices, and the same strategies on the same symbols.
    #[must_use]
    pub fn is_set_up_like(&self, other: &Self) -> bool
    where
        S: PartialEq,
    {
        let mut spec = other.spec.clone();
        spec.decisions = self.spec.decisions;
        let watches = |engine: &Self| -> Vec<_> {
            engine.desks.iter().map(|desk| (desk.symbol.clone(), desk.slots.len())).collect()
        };
        let same = |(a, b): (&Slot<S>, &Slot<S>)| {
            a.strategy == b.strategy && a.timeframe == b.timeframe && a.fresh == b.fresh
        };
        let mine = self.desks.iter().flat_map(|desk| &desk.slots);
        let theirs = other.desks.iter().flat_map(|desk| &desk.slots);
        self.spec == spec && watches(self) == watches(other) && mine.zip(theirs).all(same)
    }

    /// What it was told before it started.
    #[must_use]
    pub const fn spec(&self) -> &EngineSpec {
        &self.spec
    }

    /// The session it is in.
    #[must_use]
    pub const fn session(&self) -> Option<&Session> {
        self.session.as_ref()
    }

    /// Whether it takes the way to the broker for open.
    #[must_use]
    pub const fn is_connected(&self) -> bool {
        self.connected
    }

    /// The symbols it trades, ascending.
    pub fn symbols(&self) -> impl Iterator<Item = &Symbol> {
        self.desks.iter().map(|desk| &desk.symbol)
    }

    /// Shares of a symbol of all strategies together.
    ///
    /// # Errors
    /// [`Error::Core`] if they do not fit.
    pub fn held_of(&self, symbol: &Symbol) -> Result<Qty, Error> {
        let desk = self.desks.iter().find(|desk| desk.symbol == *symbol);
        let slots = desk.into_iter().flat_map(|desk| &desk.slots);
        Ok(slots.map(|slot| slot.held).try_fold(Qty::ZERO, Qty::checked_add)?)
    }

    /// The symbols and spans whose strategies have seen no bar yet, or wait for history.
    #[must_use]
    pub fn unwarmed(&self) -> BTreeSet<(Symbol, Timeframe)> {
        let slots = self.desks.iter().flat_map(|desk| desk.slots.iter().map(move |s| (desk, s)));
        slots
            .filter(|(_, slot)| slot.warming || slot.last_close.is_none())
            .map(|(desk, slot)| (desk.symbol.clone(), slot.timeframe))
            .collect()
    }

    /// Whether it holds nothing and no order of it can be at work.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let held = self.desks.iter().flat_map(|desk| &desk.slots).any(|slot| !slot.held.is_zero());
        !held && self.open_orders().next().is_none()
    }

    /// The number of its last decision.
    #[must_use]
    pub const fn decisions(&self) -> u64 {
        self.decisions
    }

    /// The last bar taken in of each symbol and span, by its close; of strategies that differ the
    /// one furthest behind counts.
    #[must_use]
    pub fn last_closes(&self) -> BTreeMap<(Symbol, Timeframe), Option<Timestamp>> {
        let mut last: BTreeMap<_, Option<Timestamp>> = BTreeMap::new();
        for desk in &self.desks {
            for slot in &desk.slots {
                let key = (desk.symbol.clone(), slot.timeframe);
                let entry = last.entry(key).or_insert(slot.last_close);
                *entry = (*entry).min(slot.last_close);
            }
        }
        last
    }

    /// Shares a strategy holds of a symbol.
    #[must_use]
    pub fn held(&self, strategy: &str, symbol: &Symbol) -> Qty {
        let index = self.spec.strategies.iter().position(|known| known.name == strategy);
        let desk = self.desks.iter().find(|desk| desk.symbol == *symbol);
        let slot =
            desk.and_then(|desk| desk.slots.iter().find(|slot| Some(slot.strategy) == index));
        slot.map_or(Qty::ZERO, |slot| slot.held)
    }

    /// A strategy's cash, USD; `None` for a name that is not listed.
    #[must_use]
    pub fn cash(&self, strategy: &str) -> Option<Usd> {
        let index = self.spec.strategies.iter().position(|known| known.name == strategy)?;
        self.books.get(index).map(|book| book.cash)
    }

    /// Whether a strategy may open; `None` for a name that is not listed.
    #[must_use]
    pub fn enabled(&self, strategy: &str) -> Option<bool> {
        let index = self.spec.strategies.iter().position(|known| known.name == strategy)?;
        self.books.get(index).map(|book| book.enabled)
    }

    /// Every order it may still hear of, with what it is for, by name: those at work and those that
    /// ended since the session opened.
    pub fn orders(&self) -> impl Iterator<Item = (&atlas_core::Order, Purpose)> {
        self.orders.values().map(|working| (&working.order, working.purpose))
    }

    /// Orders that may be working at the venue, by name.
    pub fn open_orders(&self) -> impl Iterator<Item = &atlas_core::Order> {
        self.orders.values().map(|working| &working.order).filter(|order| order.status().is_open())
    }
}

impl Book {
    const fn new(cash: Usd) -> Self {
        Self {
            cash,
            reserved: Usd::ZERO,
            invested: Usd::ZERO,
            enabled: true,
            trades_today: 0,
            day: None,
        }
    }

    /// Cash and what positions cost.
    fn value(&self) -> Result<Usd, Error> {
        Ok(self.cash.checked_add(self.invested)?)
    }
}

/// Tells of something.
fn note(out: &mut Vec<Action>, severity: Severity, what: String) {
    out.push(Action::Incident { severity, what });
}

//! The exchange: one account, one clock, all orders.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use atlas_core::time::Timestamp;
use atlas_core::{Clock, Symbol, Weight};
use chrono::{SubsecRound, TimeDelta};
use uuid::Uuid;

use super::carry::Rates;
use super::daytrade::MarginState;
use super::events::{Changes, Event, Update};
use super::hours;
use super::ids::{self, Kind as IdKind};
use super::ledger::{Activity, Entry, Ledger};
use super::listing::Listing;
use super::margin::Multiplier;
use super::market::Market;
use super::order::OrderRecord;
use super::state::State;
use super::terms::Status;
use super::{Money, Px, Refusal, Shares};
use crate::costs::SlippageRate;
use crate::{Error, VenueConfig};

/// The simulated exchange with its one account: synchronous and deterministic, without I/O.
///
/// The same configuration, listings and calls give the same state, byte for byte. Time moves only
/// by [`advance_to`](Self::advance_to); however a stretch of time is cut into steps, the same fills
/// come out. Each event gets a stamp of its own, at least a millisecond after the one before.
///
/// A [`Venue`](crate::Venue) around it keeps what each call changed.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub(super) config: VenueConfig,
    pub(super) market: Arc<Market>,
    /// Slippage of an order of no size.
    pub(super) slippage: SlippageRate,
    /// Rates of interest and borrow fees.
    pub(super) carry: Rates,
    pub(super) state: State,
    /// All orders; number `n` stands at `n - 1`.
    pub(super) orders: Vec<OrderRecord>,
    /// Orders that have not ended, by symbol, oldest first.
    pub(super) open: BTreeMap<Symbol, Vec<u64>>,
    by_id: BTreeMap<Uuid, u64>,
    by_client_id: BTreeMap<String, u64>,
    activities: Vec<Activity>,
    /// Buying power open orders hold back.
    pub(super) reserved: Money,
    changes: Changes,
    /// Whether changes are collected for somebody.
    is_watched: bool,
    /// How often an order was changed or told of.
    steps: u64,
    /// Number of the first session that has not closed.
    pub(super) next_session: usize,
    /// Share of the next order that may fill in the present session.
    pub(super) next_fill: Option<Weight>,
}

impl Exchange {
    /// Opens an account: the first entry of its ledger is the deposit.
    ///
    /// # Errors
    /// [`Error::Setting`], [`Error::ListedTwice`], or [`Error::Core`] if the start is outside of
    /// the calendar.
    pub fn new(
        config: VenueConfig,
        listings: impl IntoIterator<Item = Listing>,
    ) -> Result<Self, Error> {
        let config = VenueConfig { start: config.start.trunc_subsecs(3), ..config };
        Market::phase(config.start)?;
        let state = State {
            seed: config.seed,
            clock: config.start,
            stamp: config.start - TimeDelta::milliseconds(1),
            opened: config.start,
            orders: 0,
            activities: 0,
            updates: 0,
            ledger: Ledger::default(),
            traded: BTreeMap::new(),
            bars: BTreeMap::new(),
            last_equity: Money::try_from(config.cash)?,
            watchlists: Vec::new(),
            suspended: false,
            no_shorting: false,
            no_fractions: false,
            max_multiplier: None,
            preferences: BTreeMap::new(),
            margin: MarginState::default(),
            actions_until: Some(ids::date_of(config.start)),
            halted: BTreeSet::new(),
            crypto_day: None,
            quotes: BTreeMap::new(),
        };
        let deposit = Money::try_from(config.cash)?;
        let mut exchange = Self::restore(config, listings, state, Vec::new(), Vec::new())?;
        exchange.post(Entry::Deposit(deposit))?;
        Ok(exchange)
    }

    /// Takes up an account where it was left.
    pub(crate) fn restore(
        config: VenueConfig,
        listings: impl IntoIterator<Item = Listing>,
        state: State,
        orders: Vec<OrderRecord>,
        activities: Vec<Activity>,
    ) -> Result<Self, Error> {
        config.check()?;
        let made_extended = config.made_extended_hours.then_some(state.seed);
        let market = Arc::new(Market::new(listings, config.opening, made_extended)?);
        let mut exchange = Self {
            slippage: config.costs.slippage.rate()?,
            carry: config.carry.rates()?,
            next_session: hours::next_number(state.clock),
            config,
            market,
            state,
            orders: Vec::new(),
            open: BTreeMap::new(),
            by_id: BTreeMap::new(),
            by_client_id: BTreeMap::new(),
            changes: Changes { activities_before: activities.len(), ..Changes::default() },
            activities,
            reserved: Money::ZERO,
            is_watched: false,
            steps: 0,
            next_fill: None,
        };
        for order in orders {
            exchange.index(&order)?;
            exchange.orders.push(order);
        }
        let unlisted = exchange.needed().find(|symbol| exchange.market.listing(symbol).is_none());
        if let Some(symbol) = unlisted {
            return Err(Error::NotListed { symbol: symbol.to_string() });
        }
        Ok(exchange)
    }

    /// The venue's present: where the clock was set, or the stamp of the last event if that is
    /// later.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.state.clock.max(self.state.stamp)
    }

    /// Moves the clock forward: working orders meet the prices on the way, sessions open and
    /// close, orders expire, fees are posted.
    ///
    /// # Errors
    /// [`Error::ClockBackwards`], before anything has changed; [`Error::Core`] at the end of the
    /// calendar and [`Error::Overflow`], after which the exchange must not be used any more.
    pub fn advance_to(&mut self, to: Timestamp) -> Result<(), Error> {
        // Everything at the venue happens at whole milliseconds.
        let to = to.trunc_subsecs(3);
        if to < self.state.clock {
            return Err(Error::ClockBackwards { clock: self.state.clock, asked: to });
        }
        if !hours::is_next(self.next_session, self.state.clock) {
            self.next_session = hours::next_number(self.state.clock);
        }
        let is_near = hours::session(self.next_session).is_some_and(|next| to <= next.close);
        if !is_near {
            Market::phase(to)?;
        }
        while let Some(session) = hours::session(self.next_session) {
            if self.state.clock < session.open {
                self.walk_closed(session, to.min(session.open))?;
                if to < session.open {
                    return Ok(());
                }
                self.open_session(session)?;
            }
            self.walk(Some((session, true)), to.min(session.close))?;
            if to < session.close {
                return Ok(());
            }
            self.close_session(session)?;
            self.next_session += 1;
        }
        Market::phase(to).map(|_| ())
    }

    /// Refuses a moment that the calendar does not reach; most are told without asking it.
    pub(crate) fn check_reach(&self, to: Timestamp) -> Result<(), Error> {
        let is_near = hours::session(self.next_session).is_some_and(|next| to <= next.close);
        if is_near && to >= self.state.clock {
            return Ok(());
        }
        Market::phase(to).map(|_| ())
    }

    /// Moves the clock to where another one stands: the venue runs by whatever clock it is given.
    ///
    /// # Errors
    /// As [`advance_to`](Self::advance_to).
    pub fn follow<C: Clock + ?Sized>(&mut self, clock: &C) -> Result<(), Error> {
        self.advance_to(clock.now())
    }

    /// Halts trading in a symbol, or lifts the halt. Orders are taken and wait meanwhile; those that
    /// must trade at once are canceled. When trading resumes, the orders meet the price there is.
    ///
    /// # Errors
    /// [`Refusal::NotFound`] if the symbol is not listed; after [`Refusal::Internal`] the exchange
    /// must not be used any more.
    pub fn halt(&mut self, symbol: &Symbol, halted: bool) -> Result<(), Refusal> {
        if self.market.listing(symbol).is_none() {
            return Err(Refusal::NotFound(format!("asset not found for {symbol}")));
        }
        if halted {
            self.state.halted.insert(symbol.clone());
        } else if self.state.halted.remove(symbol) {
            for seq in self.open.get(symbol).cloned().unwrap_or_default() {
                if self.order(seq).is_some_and(|order| order.status.is_working()) {
                    self.meet(seq)?;
                }
            }
        }
        Ok(())
    }

    /// Lets the next order of a number of shares fill by at most this share in the session it comes
    /// to work in, rounded down to whole shares: a fault for tests of others. Orders for an amount of
    /// money pass it by.
    pub const fn limit_next_order(&mut self, share: Weight) {
        self.next_fill = Some(share);
    }

    /// Suspends trading, or lifts the suspension: while it holds, no order is taken.
    pub const fn suspend(&mut self, suspended: bool) {
        self.state.suspended = suspended;
    }

    /// Forbids the account to sell short, or permits it again as far as its
    /// [rules](crate::AccountRules::shorting) do.
    pub const fn forbid_shorting(&mut self, forbidden: bool) {
        self.state.no_shorting = forbidden;
    }

    /// Forbids the account to open positions in stocks by fractions of a share or amounts of money,
    /// or permits it again.
    pub const fn forbid_fractions(&mut self, forbidden: bool) {
        self.state.no_fractions = forbidden;
    }

    /// Uses at most this multiplier from now on, as far as the account's rules permit as much.
    pub const fn limit_multiplier(&mut self, most: Multiplier) {
        self.state.max_multiplier = Some(most);
    }

    /// Keeps a setting of the owner's that changes nothing here.
    pub(crate) fn prefer(&mut self, name: &str, value: serde_json::Value) {
        self.state.preferences.insert(name.to_owned(), value);
    }

    /// Everything listed.
    #[must_use]
    pub fn listings(&self) -> &BTreeMap<Symbol, Listing> {
        self.market.listings()
    }

    /// One order by its number.
    #[must_use]
    pub fn order(&self, seq: u64) -> Option<&OrderRecord> {
        self.orders.get(usize::try_from(seq.checked_sub(1)?).ok()?)
    }

    /// One order by the venue's name for it.
    #[must_use]
    pub fn order_by_id(&self, id: Uuid) -> Option<&OrderRecord> {
        self.by_id.get(&id).and_then(|seq| self.order(*seq))
    }

    /// One order by the sender's name for it.
    #[must_use]
    pub fn order_by_client_id(&self, id: &str) -> Option<&OrderRecord> {
        self.by_client_id.get(id).and_then(|seq| self.order(*seq))
    }

    /// All orders, oldest first.
    #[must_use]
    pub fn orders(&self) -> &[OrderRecord] {
        &self.orders
    }

    /// Orders that have not ended, by symbol.
    pub fn open_orders(&self) -> impl Iterator<Item = &OrderRecord> {
        self.open.values().flatten().filter_map(|seq| self.order(*seq))
    }

    /// All entries of the ledger, oldest first.
    #[must_use]
    pub fn activities(&self) -> &[Activity] {
        &self.activities
    }

    pub(crate) const fn state(&self) -> &State {
        &self.state
    }

    /// From now on changes are collected for [`take_changes`](Self::take_changes).
    pub(crate) const fn watch(&mut self) {
        self.is_watched = true;
    }

    /// How often an order was changed or told of since changes are collected.
    pub(crate) const fn steps(&self) -> u64 {
        self.steps
    }

    /// What changed since the last call.
    pub(crate) fn take_changes(&mut self) -> Changes {
        let next = Changes { activities_before: self.activities.len(), ..Changes::default() };
        std::mem::replace(&mut self.changes, next)
    }

    /// Symbols the account cannot do without: held, or with an open order.
    fn needed(&self) -> impl Iterator<Item = &Symbol> {
        self.state.ledger.holdings.keys().chain(self.open.keys())
    }

    /// A moment for the next event: now, but after every event before.
    pub(super) fn stamp(&mut self) -> Timestamp {
        let next = self.state.stamp + TimeDelta::milliseconds(1);
        self.state.stamp = self.state.clock.max(next);
        self.state.stamp
    }

    /// Posts an entry to the ledger and gives its name's second half.
    pub(super) fn post(&mut self, entry: Entry) -> Result<Timestamp, Error> {
        self.state.ledger.post(&entry)?;
        let stamp = self.stamp();
        let seq = self.state.activities + 1;
        let uuid = match &entry {
            Entry::Fill(fill) => fill.id,
            Entry::Deposit(_) | Entry::Fee { .. } | Entry::Posting(_) => {
                ids::uuid(self.state.seed, IdKind::Activity, seq)
            }
        };
        self.activities.push(Activity { seq, id: ids::activity_id(stamp, uuid)?, stamp, entry });
        self.state.activities = seq;
        Ok(stamp)
    }

    /// Adds a new order under its next number.
    pub(super) fn add(&mut self, order: OrderRecord) -> Result<(), Error> {
        self.index(&order)?;
        self.state.orders = order.seq;
        self.note(order.seq);
        self.orders.push(order);
        Ok(())
    }

    fn index(&mut self, order: &OrderRecord) -> Result<(), Error> {
        self.by_id.insert(order.id, order.seq);
        self.by_client_id.insert(order.client_order_id.clone(), order.seq);
        if !order.status.is_final() {
            self.open.entry(order.symbol.clone()).or_default().push(order.seq);
            self.reserved = self.reserved.plus(order.reserved())?;
        }
        Ok(())
    }

    /// Changes an order, keeping reserve, index and change list in step.
    pub(super) fn change(
        &mut self,
        seq: u64,
        how: impl FnOnce(&mut OrderRecord),
    ) -> Result<(), Error> {
        let at = usize::try_from(seq.saturating_sub(1)).unwrap_or(usize::MAX);
        let Some(order) = self.orders.get_mut(at) else { return Ok(()) };
        let before = order.reserved();
        how(order);
        let (after, is_final) = (order.reserved(), order.status.is_final());
        if is_final && let Some(open) = self.open.get_mut(&order.symbol) {
            open.retain(|other| *other != seq);
            if open.is_empty() {
                let symbol = order.symbol.clone();
                self.open.remove(&symbol);
            }
        }
        self.reserved = self.reserved.minus(before)?.plus(after)?;
        self.note(seq);
        Ok(())
    }

    fn note(&mut self, seq: u64) {
        if self.is_watched {
            self.steps += 1;
            self.changes.orders.insert(seq);
        }
    }

    /// Moves an order to another state and tells of it.
    pub(super) fn set_status(
        &mut self,
        seq: u64,
        status: Status,
        event: Event,
    ) -> Result<(), Error> {
        let stamp = self.stamp();
        self.change(seq, |order| {
            order.status = status;
            order.times.updated = stamp;
            if status.is_final() {
                order.times.ended = Some(stamp);
            }
        })?;
        self.tell(seq, event, stamp, None);
        self.after_end(seq)
    }

    /// Adds a message about an order.
    pub(super) fn tell(
        &mut self,
        seq: u64,
        event: Event,
        stamp: Timestamp,
        execution: Option<(Uuid, Px, Shares)>,
    ) {
        if !self.is_watched {
            return;
        }
        let Some(order) = self.order(seq).cloned() else { return };
        self.steps += 1;
        let position_qty = execution.map(|_| self.state.ledger.position(&order.symbol));
        self.state.updates += 1;
        let seq = self.state.updates;
        self.changes.updates.push(Update { seq, event, stamp, order, execution, position_qty });
    }

    pub(crate) fn market(&self) -> &Market {
        &self.market
    }
}

//! A broker, a clock and a network that do what a test says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use atlas_broker::{
    Activity, ActivityId, Broker, BrokerOrder, CashEntry, CashKind, Entry, Error, MarketClock,
    Submission, UnknownOutcome, Update, UpdateStream,
};
use atlas_core::time::Timestamp;
use atlas_core::{
    Account, ClientOrderId, Clock, ExecutionId, Fill, OrderRequest, OrderStatus, Position, Price,
    Qty, Quote, Side, Symbol, Usd, VenueOrderId,
};
use atlas_risk::ApprovedOrder;
use rust_decimal::Decimal;

use crate::timer::Timer;

/// What the venue does with an order of a symbol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    Fill,
    /// Half at once, nothing more.
    Half,
    Hang,
    /// Accepted, then rejected.
    Reject,
    /// Refused at the door.
    Refuse,
    /// Half at once; the rest while a cancel is under way.
    FillOnCancel,
    /// Cancels are asked for in vain.
    Deaf,
    /// Fills completely after so many seconds.
    Later(i64),
}

/// What the network does to one submit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The request is lost, and nobody knows.
    RequestLost,
    /// The answer is lost.
    AnswerLost,
    /// No connection.
    NotReached,
    /// The answer is lost, and the order shows up only after so many look-ups.
    Late(u32),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    Submit(OrderRequest),
    Cancel(ClientOrderId),
    Account,
}

#[derive(Debug, Default)]
pub(super) struct Inner {
    pub(super) now: Timestamp,
    pub(super) cash: Usd,
    pub(super) held: BTreeMap<Symbol, Qty>,
    pub(super) cost: BTreeMap<Symbol, Price>,
    pub(super) prices: BTreeMap<Symbol, Price>,
    pub(super) habits: BTreeMap<Symbol, Habit>,
    pub(super) orders: BTreeMap<ClientOrderId, BrokerOrder>,
    pub(super) ledger: Vec<Activity>,
    pub(super) submit_faults: Vec<Option<Fault>>,
    /// Reads that get no answer, by number.
    pub(super) read_faults: BTreeSet<usize>,
    pub(super) reads: usize,
    /// Everything that arrived at the venue, in order.
    pub(super) seen: Vec<Seen>,
    /// The process hangs for ever once an order of this symbol has arrived.
    hang_at: Option<Symbol>,
    due: BTreeMap<ClientOrderId, Timestamp>,
    /// Orders that rest until their price is reached.
    stops: BTreeMap<ClientOrderId, Price>,
    late: BTreeMap<ClientOrderId, (u32, OrderRequest)>,
    number: u64,
    /// Whether there is a stream, and whether it works.
    stream: Option<bool>,
}

/// Tells executions as they are written into the ledger, and never an order's state.
struct Wire {
    world: World,
    next: usize,
}

#[async_trait]
impl UpdateStream for Wire {
    async fn next(&mut self) -> Result<Update, Error> {
        if self.world.inner().stream != Some(true) {
            return Err(no_answer());
        }
        for _ in 0..10 {
            let news = self.world.inner().ledger.get(self.next).cloned();
            if let Some(activity) = news {
                self.next += 1;
                return Ok(match activity.entry {
                    Entry::Fill(fill) => Update::Fill(fill),
                    Entry::Cash(_) | _ => Update::CaughtUp,
                });
            }
            // Time passes while one listens.
            self.world.inner().advance(Duration::from_secs(1));
        }
        std::future::pending().await
    }
}

/// The world; clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct World(Arc<Mutex<Inner>>);

impl World {
    /// In the middle of a session, with some cash.
    pub(super) fn new(cash: &str) -> Self {
        let world = Self::default();
        world.inner().now = "2019-01-03T14:35:00Z".parse().unwrap();
        world.deposit(cash);
        world
    }

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub(super) fn deposit(&self, amount: &str) {
        let mut inner = self.inner();
        let net_amount: Usd = amount.parse().unwrap();
        inner.cash = inner.cash.checked_add(net_amount).unwrap();
        let entry = Entry::Cash(CashEntry {
            kind: CashKind::Deposit,
            date: inner.now.date_naive(),
            net_amount,
            taken: Qty::ZERO,
            symbol: None,
            description: String::new(),
        });
        inner.note(entry);
    }

    pub(super) fn price(&self, symbol: &str, price: &str) {
        self.inner().prices.insert(symbol.parse().unwrap(), price.parse().unwrap());
    }

    /// The price falls or rises, and stops that it reaches fill.
    pub(super) fn moves(&self, symbol: &str, price: &str) {
        self.price(symbol, price);
        let mut inner = self.inner();
        let price = inner.prices[&symbol.parse::<Symbol>().unwrap()];
        let reached: Vec<ClientOrderId> = inner
            .stops
            .iter()
            .filter(|(id, stop)| {
                let order = &inner.orders[*id];
                order.symbol.as_str() == symbol && order.status.is_open() && price <= **stop
            })
            .map(|(id, _)| id.clone())
            .collect();
        for id in reached {
            let leaves = inner.orders[&id].qty;
            inner.fill(&id, leaves);
        }
    }

    pub(super) fn habit(&self, symbol: &str, habit: Habit) {
        self.inner().habits.insert(symbol.parse().unwrap(), habit);
    }

    /// Order updates are streamed from now on.
    pub(super) fn stream(&self) {
        self.inner().stream = Some(true);
    }

    /// There is a stream, and it fails.
    pub(super) fn broken_stream(&self) {
        self.inner().stream = Some(false);
    }

    pub(super) fn hang_at(&self, symbol: &str) {
        self.inner().hang_at = Some(symbol.parse().unwrap());
    }

    /// Lets the canceled orders of a symbol work again.
    pub(super) fn reopen(&self, symbol: &str) {
        for order in self.inner().orders.values_mut() {
            if order.symbol.as_str() == symbol && order.status == OrderStatus::Canceled {
                order.status = OrderStatus::PartiallyFilled;
            }
        }
    }

    /// Another client trades on the account.
    pub(super) fn stranger_buys(&self, symbol: &str, qty: u32) {
        let mut inner = self.inner();
        let request = OrderRequest {
            client_order_id: format!("somebody-{}", inner.number).parse().unwrap(),
            symbol: symbol.parse().unwrap(),
            side: Side::Buy,
            qty: Qty::from_shares(qty),
            order_type: atlas_core::OrderType::Market,
            time_in_force: atlas_core::TimeInForce::Day,
        };
        let habit = inner.habits.insert(request.symbol.clone(), Habit::Fill);
        drop(inner.arrive(&request));
        inner.habits.insert(request.symbol, habit.unwrap_or(Habit::Fill));
    }

    /// Names of all orders of ours that arrived, in order.
    pub(super) fn submits(&self) -> Vec<String> {
        let seen = self.inner().seen.clone();
        seen.iter()
            .filter_map(|seen| match seen {
                Seen::Submit(request) => Some(request.client_order_id.to_string()),
                Seen::Cancel(_) | Seen::Account => None,
            })
            .collect()
    }

    /// One order on its way, which may go wrong.
    async fn attempt(&self, request: &OrderRequest) -> Result<Submission, Fault> {
        let hangs = self.inner().hang_at.as_ref() == Some(&request.symbol);
        if hangs {
            drop(self.inner().arrive(request));
            std::future::pending::<()>().await;
        }
        let mut inner = self.inner();
        let fault =
            if inner.submit_faults.is_empty() { None } else { inner.submit_faults.remove(0) };
        match fault {
            None => return Ok(inner.arrive(request)),
            Some(Fault::AnswerLost) => drop(inner.arrive(request)),
            Some(Fault::Late(lookups)) => {
                inner.late.insert(request.client_order_id.clone(), (lookups, request.clone()));
            }
            Some(Fault::RequestLost | Fault::NotReached) => {}
        }
        Err(fault.unwrap_or(Fault::RequestLost))
    }

    fn read(&self) -> Result<MutexGuard<'_, Inner>, Error> {
        let mut inner = self.inner();
        inner.reads += 1;
        let number = inner.reads;
        if inner.read_faults.contains(&number) {
            return Err(no_answer());
        }
        Ok(inner)
    }
}

fn no_answer() -> Error {
    Error::NoAnswer { venue: "test".into(), request: "x".into(), reason: "timeout".into() }
}

impl Inner {
    fn note(&mut self, entry: Entry) {
        let id = ActivityId(format!("{:06}", self.ledger.len() + 1));
        self.ledger.push(Activity { id, entry });
    }

    fn fill(&mut self, id: &ClientOrderId, qty: Qty) {
        let order = self.orders[id].clone();
        if qty.is_zero() {
            return;
        }
        let price = self.prices[&order.symbol];
        self.number += 1;
        let fill = Fill {
            execution_id: ExecutionId::new(&format!("e{}", self.number)).unwrap(),
            client_order_id: id.clone(),
            venue_order_id: order.venue_order_id.clone(),
            symbol: order.symbol.clone(),
            side: order.side,
            qty,
            price,
            ts_event: self.now,
        };
        self.cash = self.cash.checked_add(fill.cash_effect().unwrap()).unwrap();
        let held = self.held.entry(order.symbol.clone()).or_default();
        *held = match order.side {
            Side::Buy => held.checked_add(qty).unwrap(),
            Side::Sell => held.checked_sub(qty).unwrap(),
        };
        if held.is_zero() {
            self.held.remove(&order.symbol);
        }
        self.cost.insert(order.symbol.clone(), price);
        let filled_qty = order.filled_qty.checked_add(qty).unwrap();
        let order = self.orders.get_mut(id).unwrap();
        order.filled_qty = filled_qty;
        order.status = if filled_qty == order.qty {
            OrderStatus::Filled
        } else {
            OrderStatus::PartiallyFilled
        };
        self.note(Entry::Fill(fill));
    }

    /// An order arrives; a second one under the same name is refused.
    pub(super) fn arrive(&mut self, request: &OrderRequest) -> Submission {
        let id = &request.client_order_id;
        self.seen.push(Seen::Submit(request.clone()));
        let refuse = |code, reason: &str| Submission::Refused {
            code: Some(code),
            reason: reason.to_owned(),
        };
        if self.orders.contains_key(id) {
            self.seen.pop();
            return refuse(40_010_001, "client_order_id must be unique");
        }
        let habit = self.habits.get(&request.symbol).copied().unwrap_or(Habit::Fill);
        let cost = self.prices[&request.symbol].notional(request.qty).unwrap();
        if habit == Habit::Refuse || (request.side == Side::Buy && cost > self.buying_power()) {
            return refuse(40_310_000, "insufficient buying power");
        }
        self.number += 1;
        let order = BrokerOrder {
            venue_order_id: VenueOrderId::new(&format!("v{}", self.number)).unwrap(),
            client_order_id: id.clone(),
            symbol: request.symbol.clone(),
            side: request.side,
            qty: request.qty,
            notional: None,
            filled_qty: Qty::ZERO,
            avg_fill_price: None,
            status: OrderStatus::Accepted,
            limit_price: request.limit_price(),
            submitted_at: self.now,
            replaces: None,
        };
        self.orders.insert(id.clone(), order);
        let half = Qty::new((request.qty.value() / Decimal::TWO).trunc()).unwrap();
        if let atlas_core::OrderType::Stop { stop_price } = request.order_type {
            self.stops.insert(id.clone(), stop_price);
            return Submission::Accepted(self.orders[id].clone());
        }
        match habit {
            Habit::Fill => self.fill(id, request.qty),
            Habit::Half | Habit::FillOnCancel => self.fill(id, half),
            Habit::Reject => self.orders.get_mut(id).unwrap().status = OrderStatus::Rejected,
            Habit::Later(seconds) => {
                self.due.insert(id.clone(), self.now + chrono::TimeDelta::seconds(seconds));
            }
            Habit::Hang | Habit::Deaf | Habit::Refuse => {}
        }
        Submission::Accepted(self.orders[id].clone())
    }

    fn buying_power(&self) -> Usd {
        let open = self.orders.values().filter(|o| o.side == Side::Buy && o.status.is_open());
        let reserved = open.map(|o| {
            self.prices[&o.symbol].notional(o.qty.checked_sub(o.filled_qty).unwrap()).unwrap()
        });
        self.cash.checked_sub(Usd::sum(reserved).unwrap()).unwrap()
    }

    fn advance(&mut self, by: Duration) {
        self.now += by;
        let now = self.now;
        let due: Vec<ClientOrderId> =
            self.due.iter().filter(|(_, at)| **at <= now).map(|(id, _)| id.clone()).collect();
        for id in due {
            self.due.remove(&id);
            let order = &self.orders[&id];
            if order.status.is_open() {
                let leaves = order.qty.checked_sub(order.filled_qty).unwrap();
                self.fill(&id, leaves);
            }
        }
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        self.inner().now
    }
}

#[async_trait]
impl Timer for World {
    async fn sleep(&self, duration: Duration) {
        self.inner().advance(duration);
    }
}

#[async_trait]
impl Broker for World {
    async fn account(&self) -> Result<Account, Error> {
        let mut inner = self.read()?;
        inner.seen.push(Seen::Account);
        let mut equity = inner.cash;
        for (symbol, qty) in &inner.held {
            equity = equity.checked_add(inner.prices[symbol].notional(*qty).unwrap()).unwrap();
        }
        Ok(Account {
            account_number: "PA1".to_owned(),
            cash: inner.cash,
            equity,
            buying_power: inner.buying_power(),
            trading_blocked: false,
        })
    }

    async fn positions(&self) -> Result<BTreeMap<Symbol, Position>, Error> {
        let inner = self.read()?;
        let position = |(symbol, qty): (&Symbol, &Qty)| {
            let position = Position {
                symbol: symbol.clone(),
                qty: *qty,
                qty_available: *qty,
                avg_entry_price: inner.cost[symbol],
                current_price: inner.prices[symbol],
            };
            (symbol.clone(), position)
        };
        Ok(inner.held.iter().map(position).collect())
    }

    async fn open_orders(&self) -> Result<Vec<BrokerOrder>, Error> {
        let inner = self.read()?;
        Ok(inner.orders.values().filter(|order| order.status.is_open()).cloned().collect())
    }

    async fn order(&self, id: &ClientOrderId) -> Result<Option<BrokerOrder>, Error> {
        let mut inner = self.read()?;
        if let Some((left, request)) = inner.late.remove(id) {
            if left == 0 {
                drop(inner.arrive(&request));
            } else {
                inner.late.insert(id.clone(), (left - 1, request));
            }
        }
        Ok(inner.orders.get(id).cloned())
    }

    async fn submit(&self, order: ApprovedOrder) -> Submission {
        match self.attempt(order.get()).await {
            Ok(answer) => answer,
            Err(Fault::NotReached) => Submission::NotReached { order, error: no_answer() },
            Err(_) => Submission::Unknown(UnknownOutcome::new(order, no_answer())),
        }
    }

    async fn resend(&self, unknown: UnknownOutcome) -> Submission {
        match self.attempt(unknown.request()).await {
            Ok(answer) => answer,
            Err(_) => Submission::Unknown(unknown.still_unknown(no_answer())),
        }
    }

    async fn cancel(&self, id: &VenueOrderId) -> Result<(), Error> {
        let mut inner = self.read()?;
        let Some(order) = inner.orders.values().find(|o| o.venue_order_id == *id).cloned() else {
            return Ok(());
        };
        let id = order.client_order_id;
        inner.seen.push(Seen::Cancel(id.clone()));
        if !order.status.is_open() {
            return Ok(());
        }
        let leaves = order.qty.checked_sub(order.filled_qty).unwrap();
        match inner.habits.get(&order.symbol) {
            Some(Habit::Deaf) => {}
            Some(Habit::FillOnCancel) => inner.fill(&id, leaves),
            _ => inner.orders.get_mut(&id).unwrap().status = OrderStatus::Canceled,
        }
        Ok(())
    }

    async fn activities(&self, after: Option<&ActivityId>) -> Result<Vec<Activity>, Error> {
        let inner = self.read()?;
        let news = inner.ledger.iter().filter(|a| after.is_none_or(|after| a.id > *after));
        Ok(news.cloned().collect())
    }

    fn updates(&self, after: Option<ActivityId>) -> Result<Box<dyn UpdateStream + '_>, Error> {
        let inner = self.inner();
        if inner.stream.is_none() {
            return Err(no_answer());
        }
        let past = |activity: &Activity| after.as_ref().is_some_and(|after| activity.id <= *after);
        let next = inner.ledger.iter().filter(|activity| past(activity)).count();
        Ok(Box::new(Wire { world: self.clone(), next }))
    }

    async fn clock(&self) -> Result<MarketClock, Error> {
        let now = self.read()?.now;
        Ok(MarketClock { timestamp: now, is_open: true, next_open: now, next_close: now })
    }

    async fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, Error> {
        let inner = self.read()?;
        let quote = |symbol: &Symbol| {
            let price = inner.prices.get(symbol).copied()?;
            let (symbol, ts_event) = (symbol.clone(), inner.now);
            Some((symbol.clone(), Quote { symbol, bid: Some(price), ask: Some(price), ts_event }))
        };
        Ok(symbols.iter().filter_map(quote).collect())
    }
}

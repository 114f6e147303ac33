//! The network between Atlas and the venue, and what happens on the account behind Atlas's back.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use atlas_broker::{
    Activity, ActivityId, Broker, BrokerOrder, CashEntry, CashKind, Entry, Error, MarketClock,
    Submission, UnknownOutcome,
};
use atlas_core::time::Timestamp;
use atlas_core::{
    Account, ClientOrderId, Clock, OrderRequest, Position, Quote, Side, Symbol, Usd, VenueOrderId,
};
use atlas_exec::Timer;
use atlas_risk::ApprovedOrder;
use atlas_venue::core::{Class, Kind, NewOrder, Shares, Size, Tif};
use atlas_venue::{InProcess, Venue};

use crate::mortal::process;
use crate::rng::Rng;

/// How often, in per cent, each thing goes wrong.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rates {
    pub(crate) submit: u64,
    pub(crate) read: u64,
    pub(crate) cancel: u64,
    pub(crate) lag: u64,
    pub(crate) twice: u64,
}

/// An order of ours that arrived at the venue.
#[derive(Debug, Clone)]
pub(crate) struct Arrival {
    pub(crate) id: ClientOrderId,
    pub(crate) side: Side,
    /// Sells of ours that could still fill at that moment.
    pub(crate) open_sells: Vec<String>,
    /// Whether the account was asked after the last sell arrived.
    pub(crate) asked: bool,
    /// Whether Atlas may send anything at all.
    pub(crate) forbidden: bool,
}

#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) rng: Rng,
    pub(crate) rates: Rates,
    /// Calls until the process is stopped for good; 0 is never.
    pub(crate) kill_in: u64,
    pub(crate) faults: u64,
    pub(crate) arrivals: Vec<Arrival>,
    /// Orders of which no sender has heard since what became of them, by name.
    in_doubt: BTreeSet<ClientOrderId>,
    /// Those of which somebody heard that they had not come, and which may come yet.
    not_come: BTreeSet<ClientOrderId>,
    /// What was sent while it was in doubt, which nothing excuses.
    pub(crate) sent_in_doubt: Vec<ClientOrderId>,
    /// Buys the venue refused for want of money.
    pub(crate) unpaid: Vec<ClientOrderId>,
    /// What the account was last said to be able to spend.
    told: Usd,
    /// Whether a buy was sent since the day began.
    pub(crate) has_bought: bool,
    /// What buys were fitted to, where the account had not just said so.
    pub(crate) old_money: Vec<String>,
    /// Set while the account is PAUSED or HALTED on record.
    pub(crate) forbidden: bool,
    /// Every entry of the ledger in order, under names of ours.
    pub(crate) ledger: Vec<Activity>,
    taken: usize,
    /// How many entries are told, for how many calls.
    held: (usize, u64),
    extra_cash: Usd,
    late: Vec<(u64, (OrderRequest, Arrival))>,
    asked: bool,
}

/// The broker as Atlas sees it; clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Lossy {
    broker: InProcess,
    wire: Arc<Mutex<Wire>>,
}

impl Lossy {
    pub(crate) fn new(venue: Venue, rng: Rng) -> Self {
        let wire = Wire {
            rng,
            rates: Rates::default(),
            kill_in: 0,
            faults: 0,
            arrivals: Vec::new(),
            in_doubt: BTreeSet::new(),
            not_come: BTreeSet::new(),
            sent_in_doubt: Vec::new(),
            unpaid: Vec::new(),
            told: Usd::ZERO,
            has_bought: false,
            old_money: Vec::new(),
            forbidden: false,
            ledger: Vec::new(),
            taken: 0,
            held: (0, 0),
            extra_cash: Usd::ZERO,
            late: Vec::new(),
            asked: false,
        };
        Self { broker: InProcess::new(venue), wire: Arc::new(Mutex::new(wire)) }
    }

    pub(crate) fn wire(&self) -> MutexGuard<'_, Wire> {
        self.wire.lock().unwrap()
    }

    pub(crate) fn venue(&self) -> &Venue {
        self.broker.venue()
    }

    /// The truth, without the network.
    pub(crate) fn truth(&self) -> (Account, BTreeMap<Symbol, Position>) {
        let account = process(self.broker.account()).unwrap().unwrap();
        let positions = process(self.broker.positions()).unwrap().unwrap();
        let cash = account.cash.checked_add(self.wire().extra_cash).unwrap();
        (Account { cash, ..account }, positions)
    }

    pub(crate) fn quotes_now(&self, symbols: &[Symbol]) -> BTreeMap<Symbol, Quote> {
        process(self.broker.quotes(symbols)).unwrap().unwrap()
    }

    /// A dividend, or any other money that comes without trading.
    pub(crate) fn pay(&self, kind: CashKind, amount: &str) {
        self.pull();
        let mut wire = self.wire();
        let net_amount: Usd = amount.parse().unwrap();
        wire.extra_cash = wire.extra_cash.checked_add(net_amount).unwrap();
        let date = self.venue().now().date_naive();
        let (taken, symbol, description) = (atlas_core::Qty::ZERO, None, String::new());
        let entry = CashEntry { kind, date, net_amount, taken, symbol, description };
        wire.note(Entry::Cash(entry));
    }

    /// Another client of the same account sends an order.
    pub(crate) fn stranger(&self, number: usize, symbol: &Symbol, side: Side, shares: u32) {
        let id = format!("somebody-{number}-{}", self.venue().now().timestamp());
        let request = OrderRequest {
            client_order_id: id.parse().unwrap(),
            symbol: symbol.clone(),
            side,
            qty: atlas_core::Qty::from_shares(shares),
            order_type: atlas_core::OrderType::Market,
            time_in_force: atlas_core::TimeInForce::Day,
        };
        drop(self.venue().submit(new_order(&request)));
    }

    /// Everything of the venue's ledger gets a name of ours.
    pub(crate) fn pull(&self) {
        let all = process(self.broker.activities(None)).unwrap().unwrap();
        let mut wire = self.wire();
        let news: Vec<Entry> = all.into_iter().skip(wire.taken).map(|a| a.entry).collect();
        wire.taken += news.len();
        for entry in news {
            wire.note(entry);
        }
    }

    /// What any call does first: late orders come nearer, and the process may be stopped.
    async fn enter(&self) {
        let mut due = Vec::new();
        {
            let mut wire = self.wire();
            wire.late.retain_mut(|(left, late)| {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    due.push(late.clone());
                }
                *left > 0
            });
        }
        for (request, arrival) in due {
            self.arrive(&request, arrival);
        }
        self.perhaps_die().await;
    }

    async fn perhaps_die(&self) {
        let dies = {
            let mut wire = self.wire();
            wire.kill_in = wire.kill_in.saturating_sub(1);
            let dies = wire.kill_in == 1;
            if dies {
                wire.kill_in = 0;
            }
            dies
        };
        if dies {
            pending::<()>().await;
        }
    }

    /// Whether something with this rate goes wrong now.
    fn fails(&self, rate: impl Fn(&Rates) -> u64) -> bool {
        let mut wire = self.wire();
        let percent = rate(&wire.rates);
        let fails = wire.rng.percent(percent);
        wire.faults += u64::from(fails);
        fails
    }

    async fn read(&self) -> Result<(), Error> {
        self.enter().await;
        if self.fails(|rates| rates.read) { Err(no_answer()) } else { Ok(()) }
    }

    /// What is going on when an order of ours is sent.
    fn look_around(&self, request: &OrderRequest) -> Arrival {
        let open_sells = self.venue().inspect(|exchange| {
            let open = exchange.open_orders().filter(|order| order.side == Side::Sell);
            let ids = open.map(|order| order.client_order_id.clone());
            ids.filter(|id| id.starts_with("atlas-")).collect::<Vec<_>>()
        });
        let mut wire = self.wire();
        let (asked, forbidden) = (wire.asked, wire.forbidden);
        match request.side {
            Side::Sell => wire.asked = false,
            Side::Buy => wire.has_bought = true,
        }
        let (id, side) = (request.client_order_id.clone(), request.side);
        Arrival { id, side, open_sells, asked, forbidden }
    }

    /// Whether the venue has an order under this name.
    fn knows(&self, id: &ClientOrderId) -> bool {
        self.venue().inspect(|exchange| exchange.order_by_client_id(id.as_str()).is_some())
    }

    /// An order of ours arrives. The venue knows each name once; what it refuses it never knew, and
    /// may be sent again.
    fn arrive(&self, request: &OrderRequest, arrival: Arrival) {
        let known = self.knows(&arrival.id);
        drop(self.venue().submit(new_order(request)));
        if !known && self.knows(&arrival.id) {
            self.wire().arrivals.push(arrival);
        }
    }

    /// One order on its way.
    async fn travel(&self, request: &OrderRequest) -> Travel {
        self.enter().await;
        self.doubt(&request.client_order_id);
        let arrival = self.look_around(request);
        if !self.fails(|rates| rates.submit) {
            let fresh = !self.knows(&arrival.id);
            return Travel::Arrives(fresh.then_some(arrival));
        }
        let kind = self.wire().rng.below(4);
        match kind {
            0 => {
                self.settle(&request.client_order_id);
                return Travel::NeverLeft;
            }
            1 => {}
            2 => self.arrive(request, arrival),
            _ => {
                let mut wire = self.wire();
                let calls = wire.rng.between(1, 7);
                wire.late.push((calls, (request.clone(), arrival)));
            }
        }
        self.perhaps_die().await;
        Travel::NobodyKnows
    }

    /// An order is on its way; until its sender hears what became of it, it may not be sent again.
    fn doubt(&self, id: &ClientOrderId) {
        let mut wire = self.wire();
        if !wire.in_doubt.insert(id.clone()) {
            wire.sent_in_doubt.push(id.clone());
        }
    }

    /// The sender has heard.
    fn settle(&self, id: &ClientOrderId) {
        self.wire().in_doubt.remove(id);
    }

    /// Whoever sent an order hears the answer.
    fn hear(&self, id: &ClientOrderId, answer: &Submission) {
        self.settle(id);
        if let Submission::Refused { reason, .. } = answer
            && reason.contains("buying power")
        {
            self.wire().unpaid.push(id.clone());
        }
    }

    /// Notes what somebody has brought, if the venue took it.
    fn brought(&self, arrival: Option<Arrival>) {
        if let Some(arrival) = arrival.filter(|arrival| self.knows(&arrival.id)) {
            self.wire().arrivals.push(arrival);
        }
    }
}

/// What becomes of an order on its way.
enum Travel {
    /// It gets there, and somebody has to bring it; with it the note to make if it is taken, unless
    /// the venue has it already.
    Arrives(Option<Arrival>),
    /// It certainly did not get there.
    NeverLeft,
    /// It did or did not, or will.
    NobodyKnows,
}

impl Wire {
    fn note(&mut self, entry: Entry) {
        let id = ActivityId(format!("{:08}", self.ledger.len() + 1));
        self.ledger.push(Activity { id, entry });
    }

    /// Buys are fitted to this: exactly what the account has just said, less what earlier buys of
    /// the day may still take.
    pub(crate) fn fitted(&mut self, payload: &str) {
        let payload: serde_json::Value = serde_json::from_str(payload).unwrap();
        let spendable: Usd = payload["spendable"].as_str().unwrap().parse().unwrap();
        if spendable > self.told || (spendable != self.told && !self.has_bought) {
            self.old_money.push(format!("{spendable} where {} were told", self.told));
        }
    }

    /// An execution begins: what a comparison was told before does not tell it what has come since.
    pub(crate) fn begin(&mut self) {
        let not_come = std::mem::take(&mut self.not_come);
        self.in_doubt.extend(not_come);
    }

    /// Whether an order is still under way in the network.
    pub(crate) fn is_late(&self) -> bool {
        !self.late.is_empty()
    }

    /// Nothing goes wrong any more; what was under way arrives with the next call.
    pub(crate) fn calm(&mut self) {
        self.rates = Rates::default();
        self.kill_in = 0;
        self.held = (0, 0);
        for (left, _) in &mut self.late {
            *left = 1;
        }
    }
}

fn no_answer() -> Error {
    Error::NoAnswer { venue: "simulation".into(), request: "it".into(), reason: "lost".into() }
}

fn new_order(request: &OrderRequest) -> NewOrder {
    NewOrder {
        client_order_id: Some(request.client_order_id.to_string()),
        symbol: request.symbol.clone(),
        side: request.side,
        size: Size::Shares(Shares::try_from(request.qty).unwrap()),
        kind: Kind::Market,
        tif: Tif::Day,
        extended_hours: false,
        class: Class::Simple,
        take_profit: None,
        stop_loss: None,
    }
}

impl Clock for Lossy {
    fn now(&self) -> Timestamp {
        self.venue().now()
    }
}

#[async_trait]
impl Timer for Lossy {
    async fn sleep(&self, duration: Duration) {
        self.venue().advance_to(self.venue().now() + duration).unwrap();
    }
}

#[async_trait]
impl Broker for Lossy {
    async fn account(&self) -> Result<Account, Error> {
        self.read().await?;
        let account = self.truth().0;
        let mut wire = self.wire();
        wire.asked = true;
        wire.told = account.cash.min(account.buying_power).max(Usd::ZERO);
        Ok(account)
    }

    async fn positions(&self) -> Result<BTreeMap<Symbol, Position>, Error> {
        self.read().await?;
        self.broker.positions().await
    }

    async fn open_orders(&self) -> Result<Vec<BrokerOrder>, Error> {
        self.read().await?;
        self.broker.open_orders().await
    }

    async fn order(&self, id: &ClientOrderId) -> Result<Option<BrokerOrder>, Error> {
        self.read().await?;
        let found = self.broker.order(id).await;
        if let Ok(found) = &found {
            self.settle(id);
            if found.is_none() {
                self.wire().not_come.insert(id.clone());
            }
        }
        found
    }

    async fn submit(&self, order: ApprovedOrder) -> Submission {
        let arrival = match self.travel(order.get()).await {
            Travel::Arrives(arrival) => arrival,
            Travel::NeverLeft => return Submission::NotReached { order, error: no_answer() },
            Travel::NobodyKnows => {
                return Submission::Unknown(UnknownOutcome::new(order, no_answer()));
            }
        };
        let id = order.get().client_order_id.clone();
        let answer = self.broker.submit(order).await;
        self.brought(arrival);
        self.perhaps_die().await;
        self.hear(&id, &answer);
        answer
    }

    async fn resend(&self, unknown: UnknownOutcome) -> Submission {
        let Travel::Arrives(arrival) = self.travel(unknown.request()).await else {
            return Submission::Unknown(unknown.still_unknown(no_answer()));
        };
        let id = unknown.request().client_order_id.clone();
        let answer = self.broker.resend(unknown).await;
        self.brought(arrival);
        self.perhaps_die().await;
        self.hear(&id, &answer);
        answer
    }

    async fn cancel(&self, id: &VenueOrderId) -> Result<(), Error> {
        self.enter().await;
        if self.fails(|rates| rates.cancel) {
            if self.wire().rng.percent(50) {
                self.broker.cancel(id).await?;
            }
            return Err(no_answer());
        }
        let answer = self.broker.cancel(id).await;
        self.perhaps_die().await;
        answer
    }

    async fn activities(&self, after: Option<&ActivityId>) -> Result<Vec<Activity>, Error> {
        self.read().await?;
        self.pull();
        let mut wire = self.wire();
        // The ledger may lag: for a while, nothing newer than some entry is told.
        if wire.held.1 == 0 {
            let percent = wire.rates.lag;
            if wire.rng.percent(percent) {
                let back = wire.rng.index(0, 2);
                wire.held = (wire.ledger.len().saturating_sub(back), wire.rng.below(60));
            }
        } else {
            wire.held.1 -= 1;
        }
        let told = if wire.held.1 > 0 { wire.held.0 } else { wire.ledger.len() };
        let known = wire.ledger.iter().filter(|a| after.is_some_and(|id| a.id <= *id)).count();
        // Some entries may be told twice.
        let percent = wire.rates.twice;
        let again = if wire.rng.percent(percent) { wire.rng.index(1, 3) } else { 0 };
        let from = if after.is_some() { known.saturating_sub(again) } else { 0 };
        Ok(wire.ledger[from.min(told)..told].to_vec())
    }

    async fn clock(&self) -> Result<MarketClock, Error> {
        self.read().await?;
        self.broker.clock().await
    }

    async fn quotes(&self, symbols: &[Symbol]) -> Result<BTreeMap<Symbol, Quote>, Error> {
        self.read().await?;
        self.broker.quotes(symbols).await
    }
}

//! The network between Atlas and the venue, and what happens on the account behind Atlas's back.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use atlas_broker::{
    Activity, ActivityId, Broker, BrokerOrder, CashEntry, CashKind, Entry, Error, MarketClock,
    Submission, UnknownOutcome, UpdateStream,
};
use atlas_core::journal::Record;
use atlas_core::time::Timestamp;
use atlas_core::{
    Account, Bps, ClientOrderId, Clock, OrderRequest, OrderType, Position, Quote, Side, Symbol,
    TimeInForce, Usd, VenueOrderId,
};
use atlas_exec::Timer;
use atlas_exec::folder::{Command, FenceNote};
use atlas_exec::states::Cause;
use atlas_risk::ApprovedOrder;
use atlas_venue::core::{Class, Kind, NewOrder, Px, Shares, Size, Tif};
use atlas_venue::{InProcess, Venue};
use rust_decimal::Decimal;

use crate::mortal::process;
use crate::rng::Rng;
use crate::stream::Noisy;
use crate::wire::{Arrival, Rates, Wire, Word, is_guard};

/// The broker as Atlas sees it; clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Lossy {
    broker: InProcess,
    wire: Arc<Mutex<Wire>>,
}

impl Lossy {
    pub(crate) fn new(venue: Venue, rng: Rng) -> Self {
        Self { broker: InProcess::new(venue), wire: Arc::new(Mutex::new(Wire::new(rng))) }
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
        let extra = self.wire().extra_cash;
        let cash = account.cash.checked_add(extra).unwrap();
        let equity = account.equity.checked_add(extra).unwrap();
        (Account { cash, equity, ..account }, positions)
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
            order_type: OrderType::Market,
            time_in_force: TimeInForce::Day,
        };
        drop(self.venue().submit(new_order(&request)));
    }

    /// Every order of other clients that works is canceled by them.
    pub(crate) fn strangers_leave(&self) {
        let theirs = self.venue().inspect(|exchange| {
            let theirs =
                exchange.open_orders().filter(|o| !o.client_order_id.starts_with("atlas-"));
            theirs.map(|order| order.id).collect::<Vec<_>>()
        });
        for id in theirs {
            drop(self.venue().cancel(id));
        }
    }

    /// Another client cancels an order of ours, or takes its place.
    fn meddle(&self) {
        let ours = self.venue().inspect(|exchange| {
            let open = exchange.open_orders().filter(|o| o.client_order_id.starts_with("atlas-"));
            open.map(|order| (order.id, order.symbol.clone(), order.kind)).collect::<Vec<_>>()
        });
        if ours.is_empty() {
            return;
        }
        let (index, cancels) = {
            let mut wire = self.wire();
            (wire.rng.index(0, ours.len() - 1), wire.rng.percent(60))
        };
        let (id, symbol, kind) = &ours[index];
        let done = if cancels {
            self.venue().cancel(*id).is_ok()
        } else {
            let number = self.wire().meddled;
            let wish = atlas_venue::core::Replacement {
                client_order_id: Some(format!("somebody-else-{number}")),
                stop: kind.stop(),
                tif: Some(Tif::Day),
                ..Default::default()
            };
            self.venue().replace(*id, &wish).is_ok()
        };
        if done {
            let mut wire = self.wire();
            wire.meddled += 1;
            wire.touched.insert(symbol.clone());
        }
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

    /// Records that are durable from now on.
    pub(crate) fn on_record<'a>(&self, records: impl Iterator<Item = &'a Record>) {
        let mut wire = self.wire();
        for record in records {
            wire.record.read(record);
            if record.kind == "funds_asked" {
                wire.fitted(&record.payload);
            }
        }
    }

    /// The process is dead; it leaves no fence, whatever it was about to do.
    pub(crate) fn die(&self) {
        let mut wire = self.wire();
        if !wire.dead {
            wire.fence_at_death = wire.fence.check().unwrap().is_some();
            wire.dead = true;
        }
    }

    /// What becomes of the next update of the stream: 0 the stream dies, 1 it is lost, 2 it comes
    /// later, 3 it comes twice, else it comes.
    pub(crate) fn fate_of_update(&self) -> u64 {
        let mut wire = self.wire();
        wire.told += 1;
        let percent = wire.rates.stream;
        if !wire.rng.percent(percent) {
            return 9;
        }
        wire.faults += 1;
        wire.rng.below(12).min(4)
    }

    /// An operator speaks, from another process.
    fn speak(&self, word: Word) {
        let now = self.venue().now();
        let (fence, inbox) = {
            let mut wire = self.wire();
            wire.words += 1;
            (wire.fence.clone(), wire.inbox.clone())
        };
        let (by, why) = ("operator".to_owned(), "a word".to_owned());
        match word {
            Word::Pause => drop(inbox.leave(&Command::Pause { by, why }, now).unwrap()),
            Word::Reduce => drop(inbox.leave(&Command::Reduce { by, why }, now).unwrap()),
            Word::Kill | Word::KillAndCancel => {
                fence.raise(&FenceNote { cause: Cause::Kill, by, at: now, why }).unwrap();
            }
        }
        if word == Word::KillAndCancel {
            let entries = self.venue().inspect(|exchange| {
                let open = exchange.open_orders();
                let ours = open.filter(|order| {
                    order.client_order_id.starts_with("atlas-") && order.side == Side::Buy
                });
                ours.map(|order| order.id).collect::<Vec<_>>()
            });
            for id in entries {
                drop(self.venue().cancel(id));
            }
        }
    }

    /// A fee comes nearer, and is charged; never more than there is cash for.
    fn charge(&self) {
        let percent = {
            let mut wire = self.wire();
            wire.fee_in.0 = wire.fee_in.0.saturating_sub(1);
            if wire.fee_in.0 != 1 {
                return;
            }
            std::mem::take(&mut wire.fee_in).1
        };
        let account = self.truth().0;
        let fee = account.equity.value() * Decimal::new(i64::try_from(percent).unwrap(), 2);
        let fee = fee.min(account.cash.value() / Decimal::TWO).round_dp(2);
        if fee > Decimal::ZERO {
            self.wire().charged += 1;
            self.pay(CashKind::Fee, &format!("-{fee}"));
        }
    }

    /// What any call does first: late orders come nearer, others act, and the process may be
    /// stopped.
    async fn enter(&self) {
        if self.wire().dead {
            pending::<()>().await;
        }
        let mut due = Vec::new();
        let word = {
            let mut wire = self.wire();
            wire.late.retain_mut(|(left, late)| {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    due.push(late.clone());
                }
                *left > 0
            });
            wire.word_in.0 = wire.word_in.0.saturating_sub(1);
            if wire.word_in.0 == 1 { wire.word_in.1.take() } else { None }
        };
        self.charge();
        for (request, arrival) in due {
            self.arrive(&request, arrival);
        }
        if self.fails(|rates| rates.meddle) {
            self.meddle();
        }
        if let Some(word) = word {
            self.speak(word);
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

    /// What is going on when an order of ours is sent; it is judged whether it may be.
    fn look_around(&self, request: &OrderRequest) -> Arrival {
        let open: BTreeMap<String, (Symbol, Side)> = self.venue().inspect(|exchange| {
            let ours = exchange.open_orders().filter(|o| o.client_order_id.starts_with("atlas-"));
            ours.map(|o| (o.client_order_id.clone(), (o.symbol.clone(), o.side))).collect()
        });
        let now = self.venue().now();
        let mut wire = self.wire();
        wire.judge_send(request, now, &open);
        let sells = open.iter().filter(|(name, (_, side))| *side == Side::Sell && !is_guard(name));
        let open_sells = sells.map(|(name, _)| name.clone()).collect();
        let asked = wire.asked;
        match request.side {
            Side::Sell if is_guard(request.client_order_id.as_str()) => {}
            Side::Sell => wire.asked = false,
            Side::Buy => wire.has_bought = true,
        }
        let (id, side) = (request.client_order_id.clone(), request.side);
        Arrival { id, side, open_sells, asked }
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
        // It leaves now: what happens from here on, its sender cannot know.
        if self.wire().dead {
            pending::<()>().await;
        }
        self.doubt(&request.client_order_id);
        let arrival = self.look_around(request);
        self.enter().await;
        if !self.fails(|rates| rates.submit) {
            let fresh = !self.knows(&arrival.id);
            return Travel::Arrives(fresh.then_some(arrival));
        }
        let kind = self.wire().rng.below(4);
        match kind {
            0 => {
                self.settle(&request.client_order_id);
                let mut wire = self.wire();
                if wire.rng.percent(20) {
                    // It is sent again after a pause, in which somebody may speak.
                    wire.word_in = (2, Some(Word::Kill));
                }
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
            wire.breaks(format!("{id} was sent again before anybody asked what became of it"));
        }
    }

    /// The sender has heard.
    fn settle(&self, id: &ClientOrderId) {
        self.wire().in_doubt.remove(id);
    }

    /// Whoever sent an order hears the answer.
    fn hear(&self, request: &OrderRequest, answer: &Submission) {
        let id = &request.client_order_id;
        self.settle(id);
        let Submission::Refused { reason, .. } = answer else { return };
        let power = self.truth().0.buying_power;
        let mut wire = self.wire();
        if reason.contains("buying power") {
            // The venue reserves by the price of the moment. One that has risen while the order was
            // on its way, or was sent again under its name, nobody could know.
            let told = wire.asks.get(&request.symbol).copied();
            let cost = told.and_then(|ask| ask.moved(cushion().fraction()).ok());
            let cost = cost.and_then(|price| price.notional(request.qty).ok());
            if cost.is_some_and(|cost| cost <= power) {
                wire.outpriced += 1;
                return;
            }
            wire.breaks(format!("{id} was refused for want of money, which could be known"));
        }
        if reason.contains("insufficient qty") && !wire.touched.contains(&request.symbol) {
            wire.breaks(format!("{id} offers shares that are on offer already: {reason}"));
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

/// What buys are fitted with beyond the ask, as the venue reserves them.
pub(crate) fn cushion() -> Bps {
    Bps::from_int(400)
}

pub(crate) fn no_answer() -> Error {
    Error::NoAnswer { venue: "simulation".into(), request: "it".into(), reason: "lost".into() }
}

fn new_order(request: &OrderRequest) -> NewOrder {
    NewOrder {
        client_order_id: Some(request.client_order_id.to_string()),
        symbol: request.symbol.clone(),
        side: request.side,
        size: Size::Shares(Shares::try_from(request.qty).unwrap()),
        kind: match request.order_type {
            OrderType::Stop { stop_price } => Kind::Stop(Px::try_from(stop_price).unwrap()),
            _ => Kind::Market,
        },
        tif: if request.time_in_force == TimeInForce::Gtc { Tif::Gtc } else { Tif::Day },
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
        self.enter().await;
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
        wire.said = account.cash.min(account.buying_power).max(Usd::ZERO);
        wire.worth = Some(account.equity.value());
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
        let request = order.get().clone();
        let answer = self.broker.submit(order).await;
        self.brought(arrival);
        self.perhaps_die().await;
        self.hear(&request, &answer);
        answer
    }

    async fn resend(&self, unknown: UnknownOutcome) -> Submission {
        let Travel::Arrives(arrival) = self.travel(unknown.request()).await else {
            return Submission::Unknown(unknown.still_unknown(no_answer()));
        };
        let request = unknown.request().clone();
        let answer = self.broker.resend(unknown).await;
        self.brought(arrival);
        self.perhaps_die().await;
        self.hear(&request, &answer);
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

    fn updates(&self, after: Option<ActivityId>) -> Result<Box<dyn UpdateStream + '_>, Error> {
        // Ledger entries have names of ours here, so the stream begins where the venue's ledger is.
        drop(after);
        let told = process(self.broker.activities(None)).unwrap().unwrap();
        let back = self.wire().rng.index(0, 4);
        let from = told.len().saturating_sub(back + 1);
        let bookmark = told.get(from).map(|activity| activity.id.clone());
        Ok(Box::new(Noisy::new(self.broker.updates(bookmark)?, self.clone())))
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
        let quotes = self.broker.quotes(symbols).await?;
        let asks = quotes.iter().filter_map(|(symbol, quote)| Some((symbol.clone(), quote.ask?)));
        self.wire().asks.extend(asks);
        Ok(quotes)
    }
}

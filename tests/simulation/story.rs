//! One seed: some sessions of an account, with everything that can go wrong, and what must hold.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use atlas_broker::CashKind;
use atlas_core::{Bps, DecisionId, Side, SignalOutcome, Symbol};
use atlas_exec::event::Reference;
use atlas_exec::folder::{Fence, InputStore};
use atlas_exec::journal::MemoryStorage;
use atlas_exec::reconcile::{Policy, Unmanaged};
use atlas_exec::sequencer::{Finish, Waits};
use atlas_exec::session::Ground;
use atlas_exec::{Error, Session, Settings, TradingState, execute};
use chrono::TimeDelta;

use crate::approver::Wide;
use crate::judge;
use crate::lossy::{Lossy, Rates};
use crate::market::Market;
use crate::mortal::{Mortal, process};
use crate::plans::{account, plan};
use crate::rng::Rng;

/// What happened in how many seeds and days; a simulation in which nothing goes wrong proves
/// nothing.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    pub(crate) days: u64,
    pub(crate) orders: u64,
    pub(crate) fills: u64,
    pub(crate) faults: u64,
    pub(crate) kills: u64,
    pub(crate) pauses: u64,
    pub(crate) partials: u64,
    pub(crate) stale_approvals: u64,
    /// Minutes from the opening to the end of the longest day.
    pub(crate) longest_min: u64,
}

impl Totals {
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            days: self.days + other.days,
            orders: self.orders + other.orders,
            fills: self.fills + other.fills,
            faults: self.faults + other.faults,
            kills: self.kills + other.kills,
            pauses: self.pauses + other.pauses,
            partials: self.partials + other.partials,
            stale_approvals: self.stale_approvals + other.stale_approvals,
            longest_min: self.longest_min.max(other.longest_min),
        }
    }

    pub(crate) fn check_that_enough_happened(&self, seeds: u64) {
        for (what, count, least) in [
            ("orders", self.orders, 5 * seeds),
            ("fills", self.fills, 3 * seeds),
            ("faults", self.faults, seeds),
            ("kills", self.kills, seeds),
            ("pauses", self.pauses, seeds / 10),
            ("partial fills", self.partials, seeds / 10),
            ("stale approvals", self.stale_approvals, seeds / 20),
        ] {
            assert!(count >= least, "only {count} {what} in {seeds} seeds: it proves too little");
        }
    }
}

/// How one process ended.
enum End {
    /// There is nothing left to do today.
    Done,
    /// It was killed, or gave up.
    Again,
}

/// What outlives every process.
struct Story {
    seed: u64,
    rng: Rng,
    market: Market,
    wire: Lossy,
    storage: MemoryStorage,
    inputs: InputStore,
    fence: Fence,
    policy: Policy,
    /// The state the last process left on record, which the next one must find.
    left_in: TradingState,
    totals: Totals,
}

/// Attempts of a day; faults stop after half of them, and then the day must settle.
const ATTEMPTS: usize = 12;

/// By when a day has settled, from the opening: half the attempts may be spent in waits for fills
/// and for cancels, and are not.
const LONGEST_DAY: TimeDelta = TimeDelta::minutes(90);

/// Plays a seed.
///
/// # Errors
/// The first promise that was broken.
pub(crate) fn play(seed: u64) -> Result<Totals, String> {
    let market = Market::new(seed);
    let mut rng = Rng::new(seed, 2);
    let strangers = rng.percent(30);
    let unmanaged = if strangers { Unmanaged::Ignore } else { Unmanaged::Refuse };
    let mut story = Story {
        seed,
        wire: Lossy::new(market.venue.clone(), Rng::new(seed, 3)),
        rng,
        storage: MemoryStorage::new(),
        inputs: InputStore::in_memory(),
        fence: Fence::in_memory(),
        policy: Policy { unmanaged, ..Policy::default() },
        left_in: TradingState::Active,
        totals: Totals::default(),
        market,
    };
    story.open_account()?;
    for day in 0..story.market.sessions.len() - 1 {
        story.day(day).map_err(|broken| format!("day {day}: {broken}\n{}", story.tail()))?;
    }
    story.totals.faults = story.wire.wire().faults;
    Ok(story.totals)
}

impl Story {
    /// The last records, for whoever looks into a failure.
    fn tail(&self) -> String {
        let records = self.storage.records();
        let last = records.iter().skip(records.len().saturating_sub(40));
        let lines = last.map(|r| format!("{} {} {} {}", r.seq, r.ts_init, r.kind, r.payload));
        lines.collect::<Vec<_>>().join("\n")
    }

    /// The first look at the account, on a quiet evening.
    fn open_account(&mut self) -> Result<(), String> {
        let mut session = self.session(0, false).map_err(|error| error.to_string())?;
        let found = process(session.reconcile(&self.wire, &self.policy))
            .ok_or("killed on a quiet evening")?
            .map_err(|error| error.to_string())?;
        if found.is_clean() { Ok(()) } else { Err(format!("not clean at first: {found:?}")) }
    }

    fn day(&mut self, day: usize) -> Result<(), String> {
        self.totals.days += 1;
        let open = self.market.sessions[day + 1].open;
        self.market.venue.advance_to(open + TimeDelta::minutes(5)).map_err(|e| e.to_string())?;
        self.happen_behind_the_back(day);
        self.wire.wire().has_bought = false;
        let approval = self.rng.percent(25);
        let mut settled = false;
        for attempt in 0..ATTEMPTS {
            let kill = self.stir(attempt);
            match self.one_process(day, approval, kill)? {
                End::Done => {
                    settled = true;
                    break;
                }
                End::Again => {}
            }
        }
        let took = self.market.venue.now() - open;
        self.totals.longest_min = self.totals.longest_min.max(took.num_minutes().unsigned_abs());
        // Whatever the network does, waits are bounded.
        if took > LONGEST_DAY {
            return Err(format!("the day settled {took} after the opening"));
        }
        if !settled {
            return Err(format!("not settled after {ATTEMPTS} attempts: {:?}", self.state()));
        }
        self.wire.wire().calm();
        self.judge()?;
        self.market.venue.settle_day().map_err(|error| error.to_string())
    }

    /// Sets what goes wrong in an attempt; gives the write of the journal at which it ends.
    fn stir(&mut self, attempt: usize) -> u64 {
        let mut wire = self.wire.wire();
        if attempt >= ATTEMPTS / 2 {
            wire.calm();
            return 0;
        }
        let rng = &mut self.rng;
        let mut rate = |most: u64| if rng.percent(60) { rng.below(most) } else { 0 };
        wire.rates = Rates {
            submit: rate(70),
            read: rate(15),
            cancel: rate(60),
            lag: rate(50),
            twice: rate(30),
        };
        wire.kill_in = if self.rng.percent(40) { self.rng.between(2, 80) } else { 0 };
        if self.rng.percent(40) { self.rng.between(1, 40) } else { 0 }
    }

    fn happen_behind_the_back(&mut self, day: usize) {
        if self.rng.percent(20) {
            let kind = if self.rng.percent(50) { CashKind::Dividend } else { CashKind::Interest };
            let cents = self.rng.between(1, 5_000);
            self.wire.pay(kind, &format!("{}.{:02}", cents / 100, cents % 100));
        }
        if self.policy.unmanaged == Unmanaged::Ignore && self.rng.percent(50) {
            let symbol =
                self.market.symbols[self.rng.index(0, self.market.symbols.len() - 1)].clone();
            let shares = u32::try_from(self.rng.between(1, 20)).unwrap_or(1);
            self.wire.stranger(day, &symbol, Side::Buy, shares);
        }
    }

    fn session(&self, kill_at_write: u64, durable: bool) -> Result<Session, Error> {
        let storage = Mortal {
            inner: self.storage.clone(),
            left: Arc::new(AtomicU64::new(kill_at_write)),
            durable,
            wire: self.wire.clone(),
        };
        // A process that dies leaves no fence; only a journal that fails while it lives does.
        let fence = if kill_at_write > 0 { Fence::in_memory() } else { self.fence.clone() };
        let ground = Ground { inputs: self.inputs.clone(), fence };
        Session::over(&account(), Box::new(storage), ground, Arc::new(self.wire.clone()))
    }

    /// The journal's state as a process would find it now.
    fn state(&self) -> String {
        self.session(0, false).map_or_else(
            |error| error.to_string(),
            |session| {
                let trading = session.state().trading();
                format!("{} ({})", trading.state(), trading.describe())
            },
        )
    }

    /// A process from start to end, or to its death.
    fn one_process(&mut self, day: usize, approval: bool, kill: u64) -> Result<End, String> {
        let durable = self.rng.percent(50);
        let mut session = self.session(kill, durable).map_err(|error| error.to_string())?;
        if session.trading_state() < self.left_in {
            return Err(format!(
                "the account was left {} and is {} after the restart",
                self.left_in,
                session.trading_state()
            ));
        }
        self.wire.wire().forbidden = session.trading_state() >= TradingState::Paused;
        let plan_rng = Rng::new(self.seed, 100 + u64::try_from(day).unwrap_or(0));
        let ended = process(work(self, &mut session, day, approval, plan_rng));
        // What a dead process knew is gone; what is on record is not.
        self.left_in = judge::state_on_record(&self.storage.records());
        match ended {
            None | Some(Err(Error::JournalFault)) => {
                self.totals.kills += 1;
                Ok(End::Again)
            }
            Some(Ok(work)) => self.after(work),
            Some(Err(Error::Broker { .. })) => Ok(End::Again),
            Some(Err(error)) => Err(error.to_string()),
        }
    }

    fn after(&mut self, work: Work) -> Result<End, String> {
        match work {
            Work::Done => Ok(End::Done),
            Work::Stale => {
                self.totals.stale_approvals += 1;
                Ok(End::Done)
            }
            Work::Paused => {
                self.totals.pauses += 1;
                Ok(End::Again)
            }
            Work::Broken(broken) => Err(broken),
        }
    }

    fn judge(&mut self) -> Result<(), String> {
        let session = self.session(0, false).map_err(|error| error.to_string())?;
        let found = judge::judge(&session, &self.storage.records(), &self.wire)?;
        self.totals.orders = found.orders;
        self.totals.fills = found.fills;
        self.totals.partials = found.partials;
        Ok(())
    }
}

/// What a process has come to.
enum Work {
    Done,
    Paused,
    /// The approval had drifted; the plan was put aside.
    Stale,
    Broken(String),
}

fn settings(policy: Policy) -> Settings {
    let standard = Settings::standard("500".parse().unwrap());
    Settings {
        waits: Waits {
            reducing: Duration::from_mins(5),
            opening: Duration::from_mins(5),
            ..standard.waits
        },
        buy_cushion: Bps::from_int(400),
        policy,
        ..standard
    }
}

/// What the application does, with an operator who resumes as soon as the books agree.
async fn work(
    story: &Story,
    session: &mut Session,
    day: usize,
    approval: bool,
    rng: Rng,
) -> Result<Work, Error> {
    let wire = &story.wire;
    let found = session.reconcile(wire, &story.policy).await?;
    if session.trading_state() >= TradingState::Paused {
        if !found.is_clean() {
            // An impatient operator gets nowhere.
            return Ok(match session.resume("operator", "never mind") {
                Ok(_) => Work::Broken("PAUSED was left while the books differ".to_owned()),
                Err(_) => Work::Paused,
            });
        }
        session.resume("operator", "the books agree")?;
        wire.wire().forbidden = false;
    }
    let as_of = story.market.sessions[day].date;
    let known = session.state().decision_on(as_of).map(|decision| decision.planned.decision_id);
    let id = if let Some(id) = known {
        id
    } else {
        let plan = plan(session, &story.market, day, rng);
        let inputs = [("closes".to_owned(), session.inputs().put(b"closes")?)];
        session.record_plan(&plan, BTreeMap::from(inputs))?
    };
    if approval {
        approve(story, session, id, day)?;
    }
    let expected = approval && drifted(story, session, id);
    let (approver, settings) = (Wide::new(as_of), settings(story.policy));
    wire.wire().begin();
    match execute(session, id, wire, &approver, wire, &settings).await {
        Ok(_) if expected => {
            Ok(Work::Broken("a plan was executed whose approval had drifted".to_owned()))
        }
        Ok(report) if report.finish == Finish::Complete => {
            let clean = report.reconciliation.is_clean();
            Ok(if clean { Work::Done } else { Work::Paused })
        }
        Ok(_) | Err(Error::NotPermitted { .. }) => Ok(Work::Paused),
        Err(Error::Approval { .. }) if expected => {
            session.put_aside(id, SignalOutcome::Superseded, "the approval had drifted")?;
            Ok(Work::Stale)
        }
        Err(error) => Err(error),
    }
}

/// A person approves the pending plan at the closing prices it was made on.
fn approve(story: &Story, session: &mut Session, id: DecisionId, day: usize) -> Result<(), Error> {
    let decision = session.decision(id)?;
    if decision.approval.is_some() || !decision.is_pending() || decision.started.is_some() {
        return Ok(());
    }
    let hash = decision.planned.plan_hash.to_string();
    let prices = story.market.closes.iter().map(|(symbol, closes)| (symbol.clone(), closes[day]));
    let (account, positions) = story.wire.truth();
    let reference = Reference {
        prices: prices.collect(),
        cash: account.cash,
        positions: positions.into_iter().map(|(symbol, p)| (symbol, p.qty)).collect(),
    };
    session.approve(&hash, "operator", reference).map(|_| ())
}

/// Whether any price of the plan is more than 300 bps from the approval's, naively.
fn drifted(story: &Story, session: &Session, id: DecisionId) -> bool {
    let Ok(decision) = session.decision(id) else { return false };
    let Some(approval) = decision.approval.as_ref().filter(|_| decision.started.is_none()) else {
        return false;
    };
    let symbols: Vec<Symbol> =
        decision.planned.legs.iter().map(|leg| leg.request.symbol.clone()).collect();
    let quotes = story.wire.quotes_now(&symbols);
    decision.is_pending()
        && symbols.iter().any(|symbol| {
            let quote = &quotes[symbol];
            let (bid, ask) = (quote.bid.unwrap().value(), quote.ask.unwrap().value());
            let then = approval.reference.prices[symbol].value();
            let now = ((bid + ask) / rust_decimal::Decimal::TWO).round_dp(6);
            (now - then).abs() * rust_decimal::Decimal::from(10_000)
                > then * rust_decimal::Decimal::from(300)
        })
}

//! One seed: some sessions of an account, with everything that can go wrong, and what must hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use atlas_broker::CashKind;
use atlas_core::Side;
use atlas_exec::folder::{Fence, InputStore};
use atlas_exec::journal::MemoryStorage;
use atlas_exec::reconcile::{Policy, Unmanaged};
use atlas_exec::session::Ground;
use atlas_exec::{Error, Session};
use chrono::TimeDelta;

use crate::judge;
use crate::lossy::Lossy;
use crate::market::Market;
use crate::mortal::{Blow, Mortal, process};
use crate::nature::Nature;
use crate::plans::account;
use crate::rng::Rng;
use crate::totals::Totals;
use crate::wire::{Rates, Word};
use crate::work::{Work, close, evening, open_account, work};

/// How one process ended.
enum End {
    /// There is nothing left to do today.
    Done,
    /// It was killed, or gave up.
    Again,
}

/// What outlives every process.
pub(crate) struct Story {
    pub(crate) seed: u64,
    pub(crate) rng: Rng,
    pub(crate) market: Market,
    pub(crate) wire: Lossy,
    storage: MemoryStorage,
    inputs: InputStore,
    pub(crate) policy: Policy,
    pub(crate) nature: Nature,
    /// Nobody resumes before the day is over.
    pub(crate) left_alone: bool,
    pub(crate) totals: Totals,
}

/// Attempts of a day; faults stop after half of them, and then the day must settle.
const ATTEMPTS: usize = 12;

/// By when a day has settled, from the opening: half the attempts may be spent in waits for fills
/// and for cancels, and are not.
const LONGEST_DAY: TimeDelta = TimeDelta::minutes(120);

/// Plays a seed.
///
/// # Errors
/// The first promise that was broken.
pub(crate) fn play(seed: u64) -> Result<Totals, String> {
    let market = Market::new(seed);
    let mut rng = Rng::new(seed, 2);
    let nature = Nature::draw(&mut rng);
    let unmanaged = if nature.ignores { Unmanaged::Ignore } else { Unmanaged::Refuse };
    let mut story = Story {
        seed,
        wire: Lossy::new(market.venue.clone(), Rng::new(seed, 3)),
        rng,
        storage: MemoryStorage::new(),
        inputs: InputStore::in_memory(),
        policy: Policy { unmanaged, ..Policy::default() },
        nature,
        left_alone: false,
        totals: Totals::default(),
        market,
    };
    story.wire.wire().sends_most = usize::try_from(story.nature.orders_per_day).unwrap();
    story.wire.wire().losses_most = story.nature.loss_shares();
    open_account(&mut story)?;
    for day in 0..story.market.sessions.len() - 1 {
        story.day(day).map_err(|broken| format!("day {day}: {broken}\n{}", story.tail()))?;
    }
    Ok(story.counted())
}

impl Story {
    fn counted(&self) -> Totals {
        let wire = self.wire.wire();
        let seen = |cause: &str| u64::from(wire.record.seen.contains(cause));
        Totals {
            faults: wire.faults,
            words: wire.words,
            meddled: wire.meddled,
            outpriced: wire.outpriced,
            charged: wire.charged,
            updates: wire.told,
            actions: self.market.actions,
            kills: self.totals.kills,
            halts: seen("kill"),
            reduced: seen("operator_reduce"),
            losses: seen("daily_loss") + seen("drawdown"),
            breakers: seen("breaker"),
            ..self.totals
        }
    }

    /// The last records, for whoever looks into a failure.
    fn tail(&self) -> String {
        let records = self.storage.records();
        let last = records.iter().skip(records.len().saturating_sub(60));
        let lines = last.map(|r| format!("{} {} {} {}", r.seq, r.ts_init, r.kind, r.payload));
        lines.collect::<Vec<_>>().join("\n")
    }

    fn day(&mut self, day: usize) -> Result<(), String> {
        self.totals.days += 1;
        if self.rng.percent(50) {
            evening(self, day)?;
        }
        let open = self.market.sessions[day + 1].open;
        self.market.venue.advance_to(open + TimeDelta::minutes(5)).map_err(|e| e.to_string())?;
        self.begin(day);
        let approval = self.rng.percent(25);
        let mut settled = false;
        for attempt in 0..ATTEMPTS {
            let blow = self.stir(attempt);
            if let End::Done = self.one_process(day, approval, blow)? {
                settled = true;
                break;
            }
        }
        let took = self.market.venue.now() - open;
        self.totals.longest_min = self.totals.longest_min.max(took.num_minutes().unsigned_abs());
        // Whatever the network does, waits are bounded.
        if took > LONGEST_DAY {
            return Err(format!("the day settled {took} after the opening"));
        }
        self.wire.wire().calm();
        if !settled && !self.left_alone {
            return Err(format!("not settled after {ATTEMPTS} attempts: {:?}", self.state()));
        }
        self.wire.strangers_leave();
        self.market.venue.settle_day().map_err(|error| error.to_string())?;
        close(self)?;
        self.judge()
    }

    /// What nobody asked Atlas about, before it looks at the day.
    fn begin(&mut self, day: usize) {
        self.left_alone = self.nature.is_hostile || self.rng.percent(4);
        {
            let mut wire = self.wire.wire();
            wire.has_bought = false;
            wire.sends_today.clear();
        }
        if self.rng.percent(20) {
            let kind = if self.rng.percent(50) { CashKind::Dividend } else { CashKind::Interest };
            let cents = self.rng.between(1, 5_000);
            self.wire.pay(kind, &format!("{}.{:02}", cents / 100, cents % 100));
        }
        if self.nature.strangers && self.rng.percent(50) {
            let listed = self.market.listed(day + 1);
            let symbol = listed[self.rng.index(0, listed.len() - 1)].clone();
            let theirs = judge::shares(&self.wire).others.get(&symbol).copied().unwrap_or_default();
            let shares = u32::try_from(self.rng.between(1, 20)).unwrap();
            if theirs >= shares.into() && self.rng.percent(50) {
                self.wire.stranger(day, &symbol, Side::Sell, shares);
            } else {
                self.wire.stranger(day, &symbol, Side::Buy, shares);
            }
        }
        judge::note_outdated(self);
    }

    /// Sets what goes wrong in an attempt; gives the write of the journal at which something
    /// happens, and what.
    fn stir(&mut self, attempt: usize) -> (u64, Blow) {
        let mut wire = self.wire.wire();
        if attempt >= ATTEMPTS / 2 {
            wire.calm();
            return (0, Blow::DiesBefore);
        }
        let rng = &mut self.rng;
        let mut rate = |most: u64| if rng.percent(60) { rng.below(most) } else { 0 };
        wire.rates = Rates {
            submit: rate(70),
            read: rate(15),
            cancel: rate(60),
            lag: rate(50),
            twice: rate(30),
            stream: rate(60),
            meddle: if self.nature.meddlers { rate(4) } else { 0 },
        };
        wire.kill_in = if self.rng.percent(40) { self.rng.between(2, 80) } else { 0 };
        let words = [Word::Pause, Word::Reduce, Word::Kill, Word::KillAndCancel];
        wire.word_in = if self.rng.percent(12) {
            (self.rng.between(2, 90), Some(words[self.rng.index(0, 3)]))
        } else {
            (0, None)
        };
        // A fee as large as the limits of loss: what is lost while a plan is carried out counts.
        wire.fee_in = if self.nature.is_tight() && self.rng.percent(20) {
            (self.rng.between(2, 60), self.rng.between(1, 8))
        } else {
            (0, 0)
        };
        let blows = [Blow::DiesBefore, Blow::DiesAfter, Blow::DiesAfter, Blow::DiskFails];
        let blow = blows[self.rng.index(0, 3)];
        (if self.rng.percent(40) { self.rng.between(1, 40) } else { 0 }, blow)
    }

    pub(crate) fn session(&self, left: u64, blow: Blow) -> Result<Session, Error> {
        let (inner, wire) = (self.storage.clone(), self.wire.clone());
        let storage = Mortal { inner, left, blow, wire };
        let (fence, inbox) = {
            let wire = self.wire.wire();
            (wire.fence.clone(), wire.inbox.clone())
        };
        let ground = Ground { inputs: self.inputs.clone(), fence };
        let clock = Arc::new(self.wire.clone());
        Ok(Session::over(&account(), Box::new(storage), ground, clock)?.with_inbox(inbox))
    }

    /// A session to which nothing happens.
    pub(crate) fn quiet_session(&self) -> Result<Session, Error> {
        self.session(0, Blow::DiesBefore)
    }

    /// The journal's state as a process would find it now.
    fn state(&self) -> String {
        self.quiet_session().map_or_else(
            |error| error.to_string(),
            |session| {
                let trading = session.state().trading();
                format!("{} ({})", trading.state(), trading.describe())
            },
        )
    }

    /// A process from start to end, or to its death.
    fn one_process(
        &mut self,
        day: usize,
        approval: bool,
        (left, blow): (u64, Blow),
    ) -> Result<End, String> {
        let mut session = self.session(left, blow).map_err(|error| error.to_string())?;
        let left_in = self.wire.wire().record.state_of();
        if session.trading_state() < left_in {
            let now = session.trading_state();
            return Err(format!("the account was left {left_in} and is {now} after the restart"));
        }
        let plan_rng = Rng::new(self.seed, 100 + u64::try_from(day).unwrap_or(0));
        let streams = self.rng.percent(50);
        let ended = process(work(self, &mut session, day, (approval, streams), plan_rng));
        drop(session);
        self.bury()?;
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

    /// What a dead process knew is gone; what is on record, and the fence, are not.
    fn bury(&mut self) -> Result<(), String> {
        let mut wire = self.wire.wire();
        let up = wire.fence.check().map_err(|error| error.to_string())?.is_some();
        if wire.dead && up && !wire.fence_at_death {
            wire.fence = Fence::in_memory();
        } else if wire.journal_failed && !wire.dead && !up {
            return Err("the journal failed and no fence is up".to_owned());
        }
        (wire.dead, wire.journal_failed) = (false, false);
        Ok(())
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
        let session = self.quiet_session().map_err(|error| error.to_string())?;
        let found = judge::judge(&session, &self.storage.records(), &self.wire)?;
        self.totals.orders = found.orders;
        self.totals.fills = found.fills;
        self.totals.partials = found.partials;
        self.totals.guards = found.guards;
        Ok(())
    }

    /// The approval's prices: the closes the plan was made on.
    pub(crate) fn closes(&self, day: usize) -> BTreeMap<atlas_core::Symbol, atlas_core::Price> {
        let listed = self.market.listed(day).into_iter();
        listed.map(|symbol| (symbol.clone(), self.market.closes[&symbol][&day])).collect()
    }
}

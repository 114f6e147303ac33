//! What the journal amounts to: a pure fold over its records, and nothing besides.

mod books;
mod day;
mod decision;
mod memory;
mod orders;
mod past;
mod performance;
mod reshape;
mod shares;

use std::collections::{BTreeMap, BTreeSet};

use atlas_broker::{Activity, ActivityId, CashKind, Entry};
use atlas_core::journal::{Hash, Record};
use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, DecisionId, ExecutionId, Qty, Side, Symbol};
use atlas_engine::plan::RegimeDecision;
use atlas_risk::{BreakerStance, CircuitBreaker};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

pub use books::{Books, DaySells, Lot, Owner};
pub use day::{DayMarks, trading_day};
pub use decision::{Decision, DecisionStatus, End};
pub use memory::{LastDrill, LastOverride};
pub use orders::TrackedOrder;
pub(crate) use past::past;
pub use performance::Track;
pub use shares::Reshape;

use crate::day::{BreakerSeen, DayClosed};
use crate::drill::Drill;
use crate::error::Error;
use crate::event::{
    AccountOpened, Adopted, BreakerTold, Event, Filled, KeptSignal, Reconciled, Subject,
};
use crate::states::{Cause, Holding, Trading};

/// Everything that follows from the records so far.
///
/// `apply` is the only way to change it, so that the state after a restart is the state before.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct State {
    seq: u64,
    head: Hash0,
    last: Option<Timestamp>,
    account: Option<AccountOpened>,
    books: Books,
    orders: BTreeMap<ClientOrderId, TrackedOrder>,
    open: BTreeSet<ClientOrderId>,
    by_intent: Vec<ClientOrderId>,
    decisions: BTreeMap<DecisionId, Decision>,
    trading: Trading,
    bookmark: Option<ActivityId>,
    imported: BTreeSet<ActivityId>,
    executions: BTreeSet<ExecutionId>,
    accepted_orders: BTreeSet<ClientOrderId>,
    anomalies: BTreeMap<u64, Anomaly>,
    reconciled: Option<LastReconciliation>,
    track: Track,
    commands: BTreeSet<String>,
    breaker: Option<CircuitBreaker>,
    artifacts: BTreeSet<String>,
    set_aside: BTreeSet<String>,
    limits: BTreeMap<String, serde_json::Value>,
    overrides: BTreeMap<String, LastOverride>,
    engine_step: u64,
    day: Option<DayMarks>,
    days_before: Vec<DayMarks>,
    days: BTreeMap<NaiveDate, DayClosed>,
    drills: BTreeMap<Drill, LastDrill>,
    judged: BTreeSet<ClientOrderId>,
    regime: Option<RegimeDecision>,
    model: Option<Hash>,
    signals: BTreeMap<Symbol, KeptSignal>,
}

/// A hash whose default is [`Hash::ZERO`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hash0(Hash);

impl Default for Hash0 {
    fn default() -> Self {
        Self(Hash::ZERO)
    }
}

/// Something that happened and should not have; it stays until a person accepts it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Anomaly {
    /// The order it is about, if it is about one.
    pub client_order_id: Option<ClientOrderId>,
    /// What is odd, in one sentence.
    pub problem: String,
}

/// The latest comparison with the broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastReconciliation {
    /// The record of it.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What was seen and found.
    pub result: Reconciled,
}

impl State {
    /// The state before the first record.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next record.
    ///
    /// # Errors
    /// [`Error::Core`] with [`atlas_core::Error::Chain`] if the record does not continue the
    /// chain, [`Error::UnknownEvent`], [`Error::Payload`], or [`Error::Fold`] if the event cannot
    /// have happened in this state. The state is of no use then: a part of the event may be in it.
    pub fn apply(&mut self, record: &Record) -> Result<(), Error> {
        record.follows(self.seq, self.head.0)?;
        let event = Event::decode(record.seq, &record.kind, record.version, &record.payload)?;
        self.apply_event(record, event)
    }

    /// As [`State::apply`], with the event already at hand.
    pub(crate) fn apply_event(&mut self, record: &Record, event: Event) -> Result<(), Error> {
        let kind = event.kind();
        self.begin_day(record.ts_init);
        self.take(record, event).map_err(|error| match error {
            Fault::Problem(problem) => Error::Fold { seq: record.seq, kind, problem },
            Fault::Core(error) => Error::Fold { seq: record.seq, kind, problem: error.to_string() },
        })?;
        self.seq = record.seq;
        self.head = Hash0(record.hash());
        self.last = Some(record.ts_init);
        Ok(())
    }

    /// Number of the last record, 0 before the first.
    #[must_use]
    pub const fn seq(&self) -> u64 {
        self.seq
    }

    /// Hash of the last record, [`Hash::ZERO`] before the first.
    #[must_use]
    pub const fn head(&self) -> Hash {
        self.head.0
    }

    /// When the last record was written.
    #[must_use]
    pub const fn last(&self) -> Option<Timestamp> {
        self.last
    }

    /// The account as it was first seen; `None` before that.
    #[must_use]
    pub const fn account(&self) -> Option<&AccountOpened> {
        self.account.as_ref()
    }

    /// Money and shares by our own account.
    #[must_use]
    pub const fn books(&self) -> &Books {
        &self.books
    }

    /// Every order ever intended, by name.
    #[must_use]
    pub const fn orders(&self) -> &BTreeMap<ClientOrderId, TrackedOrder> {
        &self.orders
    }

    /// Every decision, by number.
    #[must_use]
    pub const fn decisions(&self) -> &BTreeMap<DecisionId, Decision> {
        &self.decisions
    }

    /// What holds trading back.
    #[must_use]
    pub const fn trading(&self) -> &Trading {
        &self.trading
    }

    /// The last ledger entry taken in.
    #[must_use]
    pub const fn bookmark(&self) -> Option<&ActivityId> {
        self.bookmark.as_ref()
    }

    /// Whether an entry of the broker's ledger was taken in before, or is part of the baseline.
    #[must_use]
    pub fn has_imported(&self, id: &ActivityId) -> bool {
        let baseline = self.account.as_ref().and_then(|opened| opened.bookmark.as_ref());
        baseline.is_some_and(|bookmark| id <= bookmark) || self.imported.contains(id)
    }

    /// Whether an execution was taken in before, from wherever.
    #[must_use]
    pub fn has_execution(&self, id: &ExecutionId) -> bool {
        self.executions.contains(id)
    }

    /// Oddities nobody has accepted yet, by record.
    #[must_use]
    pub const fn anomalies(&self) -> &BTreeMap<u64, Anomaly> {
        &self.anomalies
    }

    /// Whether a person accepted an order at the broker that the journal does not know.
    #[must_use]
    pub fn is_accepted(&self, id: &ClientOrderId) -> bool {
        self.accepted_orders.contains(id)
    }

    /// The latest comparison with the broker.
    #[must_use]
    pub const fn reconciled(&self) -> Option<&LastReconciliation> {
        self.reconciled.as_ref()
    }

    /// How the account has done, as the reconciliations saw it.
    #[must_use]
    pub const fn track(&self) -> &Track {
        &self.track
    }

    /// What the circuit breaker lets through at an instant; closed while it was never told
    /// anything.
    #[must_use]
    pub fn breaker(&self, now: Timestamp) -> BreakerStance {
        self.breaker.as_ref().map_or(BreakerStance::Closed, |breaker| breaker.stance(now))
    }

    /// Artifacts the journal has a record of, by their path within the account's folder.
    #[must_use]
    pub const fn artifacts(&self) -> &BTreeSet<String> {
        &self.artifacts
    }

    /// What was overridden, with who did it last.
    #[must_use]
    pub const fn overrides(&self) -> &BTreeMap<String, LastOverride> {
        &self.overrides
    }

    /// The last step of the engine of continuous trading that led to something; 0 before the first.
    #[must_use]
    pub const fn engine_step(&self) -> u64 {
        self.engine_step
    }

    /// Whether a command file was taken before.
    #[must_use]
    pub fn has_taken(&self, file: &str) -> bool {
        self.commands.contains(file)
    }

    /// Orders that may still fill, or of which nobody knows.
    pub fn open_orders(&self) -> impl Iterator<Item = &TrackedOrder> {
        self.open.iter().filter_map(|id| self.orders.get(id))
    }

    /// Every order, the latest intent first.
    pub fn latest_orders(&self) -> impl Iterator<Item = &TrackedOrder> {
        self.by_intent.iter().rev().filter_map(|id| self.orders.get(id))
    }

    /// Shares of a symbol that Atlas owns and that no open sell of ours offers already.
    #[must_use]
    pub fn free_to_sell(&self, symbol: &Symbol) -> Qty {
        let offered = self.open_orders().map(|tracked| &tracked.order).filter(|order| {
            order.request().side == Side::Sell && order.request().symbol == *symbol
        });
        offered
            .fold(self.books.owned(symbol), |free, order| free.saturating_sub(order.leaves_qty()))
    }

    /// The number the next decision gets.
    #[must_use]
    pub fn next_decision_id(&self) -> DecisionId {
        DecisionId(self.decisions.keys().next_back().map_or(1, |id| id.0 + 1))
    }

    fn take(&mut self, record: &Record, event: Event) -> Result<(), Fault> {
        match event {
            Event::AccountOpened(opened) => self.on_opened(opened),
            Event::Adopted(adopted) => self.on_adopted(record, adopted),
            Event::Filled(filled) => self.on_filled(record, &filled),
            Event::ActivityImported(activity) => self.on_imported(record, activity),
            Event::OrderIntent(intent) => self.on_intent(record, intent),
            Event::OrderUpdate(update) => self.on_update(record, &update),
            Event::StateEntered(entered) => {
                let (since, seq) = (record.ts_event, record.seq);
                self.trading.enter(entered.cause, Holding { since, seq, detail: entered.detail });
                self.mark_strictest();
                Ok(())
            }
            Event::StateLeft(left) => {
                self.on_left(left.cause);
                Ok(())
            }
            Event::Reconciled(result) => self.on_reconciled(record, *result),
            Event::BreakerTold(told) => self.on_breaker(record, &told),
            Event::GuardIntent(intent) => self.on_guard(record, intent),
            Event::OrderRestated(restated) => self.on_restated(restated),
            Event::DayClosed(closed) => {
                self.days.insert(closed.day, *closed);
                Ok(())
            }
            Event::DrillWalked(walked) => {
                self.drills.insert(walked.drill, LastDrill { at: record.ts_event, walked });
                Ok(())
            }
            Event::OverrideRecorded(recorded) => {
                let (by, at, config) = (recorded.by, record.ts_event, recorded.config);
                self.overrides.insert(recorded.what, LastOverride { by, at, config });
                Ok(())
            }
            Event::EngineActed(acted) => {
                self.engine_step = self.engine_step.max(acted.step);
                Ok(())
            }
            Event::RegimeChanged(_)
            | Event::RecordsLost(_)
            | Event::ContextAsked(_)
            | Event::OrderJudged(_) => Ok(()),
            Event::TailSetAside(_) | Event::LimitsChanged(_) | Event::CommandTaken(_) => {
                self.keep(event);
                Ok(())
            }
            Event::ArtifactUnaccounted(found) => {
                self.artifacts.insert(found.path);
                Ok(())
            }
            Event::ArtifactWritten(written) => {
                self.artifacts.insert(written.path.clone());
                let decision = record.decision_id.and_then(|id| self.decisions.get_mut(&id));
                if let Some(decision) = decision {
                    decision.artifact = Some(written);
                }
                Ok(())
            }
            Event::DecisionPlanned(_)
            | Event::PlanApproved(_)
            | Event::ExecutionStarted(_)
            | Event::DecisionQuoted(_)
            | Event::FundsAsked(_)
            | Event::LegDropped(_)
            | Event::SignalEnded(_)
            | Event::DecisionCompleted(_) => self.on_decision(record, event),
        }
    }

    fn on_imported(&mut self, record: &Record, activity: Activity) -> Result<(), Fault> {
        if self.has_imported(&activity.id) {
            return Err(format!("entry {} was imported before", activity.id.0).into());
        }
        if let Entry::Cash(entry) = &activity.entry {
            self.books.cash_entry(entry)?;
            if let (CashKind::Fee, Some(day)) = (&entry.kind, &mut self.day) {
                day.posted = true;
            }
        }
        if let Entry::Shares(entry) = &activity.entry {
            self.on_shares(record, entry)?;
        }
        self.mark(activity.id);
        Ok(())
    }

    fn on_left(&mut self, cause: Cause) {
        self.trading.leave(cause);
        if cause == Cause::Drawdown {
            // Whoever lets the account go on begins a new peak; else it would stop at once.
            self.track.begin_anew();
        }
    }

    fn on_reconciled(&mut self, record: &Record, result: Reconciled) -> Result<(), Fault> {
        let (seq, at) = (record.seq, record.ts_event);
        let net = result.account.equity.checked_sub(self.books.flows())?;
        self.track.see(trading_day(at), net);
        self.reconciled = Some(LastReconciliation { seq, at, result });
        Ok(())
    }

    fn on_breaker(&mut self, record: &Record, told: &BreakerTold) -> Result<(), Fault> {
        let same = self.breaker.take().filter(|breaker| *breaker.rules() == told.rules);
        let mut breaker = match same {
            Some(breaker) => breaker,
            None => told.rules.check().map_err(|error| error.to_string())?,
        };
        let before = breaker.stance(record.ts_event);
        match told.event {
            Some(event) => breaker.tell(event, record.ts_event),
            None => breaker.reset(),
        }
        let fired = breaker.stance(record.ts_event) == BreakerStance::Open;
        if let (true, Some(day)) = (fired && before != BreakerStance::Open, &mut self.day) {
            day.breaker = BreakerSeen::Fired;
        }
        self.breaker = Some(breaker);
        self.judged.extend(told.trade.clone());
        Ok(())
    }

    fn on_opened(&mut self, opened: AccountOpened) -> Result<(), Fault> {
        if self.account.is_some() {
            return Err("the account was opened before".into());
        }
        self.books = Books::opened(opened.cash, &opened.positions);
        self.bookmark.clone_from(&opened.bookmark);
        self.account = Some(opened);
        Ok(())
    }

    fn on_adopted(&mut self, record: &Record, adopted: Adopted) -> Result<(), Fault> {
        match adopted.subject {
            Subject::Position { symbol, qty, price } => {
                self.books.adopt(&symbol, qty, price, record.ts_event)?;
            }
            Subject::WriteOff { symbol, qty } => self.books.write_off(&symbol, qty)?,
            Subject::Cash { amount } => self.books.adopt_cash(amount)?,
            Subject::Anomaly { seq } => {
                self.anomalies.remove(&seq).ok_or("there is no such anomaly")?;
            }
            Subject::Order { client_order_id } => {
                self.accepted_orders.insert(client_order_id);
            }
        }
        Ok(())
    }

    /// A fill moves money and shares whatever the journal thinks of it; what does not add up is
    /// noted as an anomaly.
    fn on_filled(&mut self, record: &Record, filled: &Filled) -> Result<(), Fault> {
        let fill = &filled.fill;
        if !self.executions.contains(&fill.execution_id) {
            let ours = self.orders.contains_key(&fill.client_order_id);
            let owner = if ours { Owner::Atlas } else { Owner::Other };
            let mut books = self.books.clone_for(&fill.symbol);
            let booked = self.books.fill_into(&mut books, fill, owner)?;
            self.books.commit(books);
            self.count_fill(fill, owner)?;
            let mut problem = booked.short.then(|| {
                format!("execution {} sells more {} than is held", fill.execution_id, fill.symbol)
            });
            if let Some(tracked) = self.orders.get_mut(&fill.client_order_id) {
                tracked.realised = tracked.realised.checked_add(booked.realised)?;
                match tracked.fill(fill, record.ts_init) {
                    Ok(()) => {}
                    Err(error) => problem = Some(error.to_string()),
                }
            } else if fill.client_order_id.is_ours()
                && !self.accepted_orders.contains(&fill.client_order_id)
            {
                problem = Some(format!(
                    "execution {} is of order {}, which the journal does not know",
                    fill.execution_id, fill.client_order_id
                ));
            }
            if let Some(problem) = problem {
                let client_order_id = Some(fill.client_order_id.clone());
                self.anomalies.insert(record.seq, Anomaly { client_order_id, problem });
            }
            self.executions.insert(fill.execution_id.clone());
            self.note_open(&fill.client_order_id);
        }
        if let Some(id) = &filled.activity {
            self.mark(id.clone());
        }
        Ok(())
    }

    /// Notes that a ledger entry was taken in; the bookmark never goes back.
    fn mark(&mut self, id: ActivityId) {
        if self.bookmark.as_ref().is_none_or(|bookmark| *bookmark < id) {
            self.bookmark = Some(id.clone());
        }
        self.imported.insert(id);
    }
}

/// Why an event cannot have happened.
#[derive(Debug)]
enum Fault {
    Problem(String),
    Core(atlas_core::Error),
}

impl From<&str> for Fault {
    fn from(problem: &str) -> Self {
        Self::Problem(problem.to_owned())
    }
}

impl From<String> for Fault {
    fn from(problem: String) -> Self {
        Self::Problem(problem)
    }
}

impl From<atlas_core::Error> for Fault {
    fn from(error: atlas_core::Error) -> Self {
        Self::Core(error)
    }
}

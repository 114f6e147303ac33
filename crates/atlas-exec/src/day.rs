//! The end of a trading day: compared, counted, checked and, where nothing was traded, proven quiet.

use std::collections::BTreeMap;

use atlas_core::calendar::{Calendar, Session as Trading};
use atlas_core::time::{Mode, Timestamp};
use atlas_core::{Account, ClientOrderId, Qty, Regime, SignalId, Symbol, Usd, Weight};
use atlas_risk::{BreakerEvent, BreakerRules, BreakerStance, LimitsSpec, TradingState};
use chrono::{NaiveDate, TimeDelta};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::event::{BreakerTold, Event, StateLeft};
use crate::journal::Draft;
use crate::reconcile::Severity;
use crate::session::Session;
use crate::state::{DayMarks, State, trading_day};
use crate::states::Cause;

/// A trading day as it stood after its close.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayClosed {
    /// The trading day.
    pub day: NaiveDate,
    /// Replay, paper or live.
    pub mode: Mode,
    /// When books and broker were compared, after the close.
    pub compared_at: Timestamp,
    /// Whether they agreed and every signal had its end.
    pub clean: bool,
    /// The account as the broker reported it then.
    pub account: Account,
    /// Shares the broker reported.
    pub positions: BTreeMap<Symbol, Qty>,
    /// Orders of Atlas sent in the day.
    pub orders: u32,
    /// Executions of them.
    pub fills: u32,
    /// Dollars traded.
    pub traded: Usd,
    /// Gains less losses realised in the day over mean cost, USD.
    pub realised: Usd,
    /// Fees posted in the day, USD; negative for what was paid.
    pub fees: Usd,
    /// The regime of the last decision, if there is one.
    pub regime: Option<Regime>,
    /// Signals of plans for this day or before it that have no end; there should be none.
    pub open_signals: Vec<SignalId>,
    /// What the circuit breaker did.
    pub breaker: BreakerSeen,
    /// Proof that a day without executions changed nothing.
    pub quiet: Option<Quiet>,
    /// The strictest state the account was in; `None` in records of older programs.
    #[serde(default)]
    pub strictest: Option<TradingState>,
    /// Whether what was due was done; `None` in records of older programs.
    #[serde(default)]
    pub schedule: Option<Schedule>,
}

/// The losses that stop entries, as shares of equity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Losses {
    /// Of the day, from what the day before ended at.
    pub daily: Weight,
    /// From the highest equity seen.
    pub drawdown: Weight,
}

/// Whether a trading day did what was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// A plan was carried out, or strategies traded.
    CarriedOut,
    /// No rebalance was due.
    NothingDue,
    /// One was due, and none was carried out.
    Missed,
}

impl DayClosed {
    /// Whether the day is one of an account that works as it is meant to: clean, never PAUSED nor
    /// HALTED, and what was due was done. A day whose record says nothing of that is none.
    #[must_use]
    pub fn counts(&self) -> bool {
        let free = self.strictest.is_some_and(|state| state < TradingState::Paused);
        let kept = self.schedule.is_some_and(|schedule| schedule != Schedule::Missed);
        self.clean && free && kept
    }
}

/// What the circuit breaker did in a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BreakerSeen {
    /// It did not fire, so nobody has seen it work.
    NotObserved,
    /// It opened in the day, or stood open at its end.
    Fired,
}

/// Why nothing was executed, and proof that nothing changed by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a proof of its own")]
pub struct Quiet {
    /// Why, in one sentence.
    pub reason: String,
    /// Realised gains and losses are what they were when the day began.
    pub realised_unchanged: bool,
    /// Fees are what they were, but for those of earlier days that were posted in it.
    pub fees_unchanged: bool,
    /// Owned shares are what they were.
    pub positions_unchanged: bool,
}

impl Quiet {
    /// Whether nothing changed.
    #[must_use]
    pub const fn holds(&self) -> bool {
        self.realised_unchanged && self.fees_unchanged && self.positions_unchanged
    }
}

impl Session {
    /// Closes the trading day whose session ended last, if books and broker were compared since
    /// its close. A day that was closed with something wrong is closed again once it is clean;
    /// otherwise nothing is written, and the result is `None`. `due` says whether a plan was to be
    /// carried out in a session, by the schedule of rebalances.
    ///
    /// # Errors
    /// As [`crate::journal::Journal::append`].
    pub fn close_day(
        &mut self,
        mode: Mode,
        due: impl Fn(NaiveDate) -> bool,
    ) -> Result<Option<DayClosed>, Error> {
        let now = self.now();
        let Ok(trading) = Calendar::nyse().last_closed(now) else { return Ok(None) };
        let next = Calendar::nyse().next_session(trading.date);
        if next.is_ok_and(|next| now >= next.open) {
            return Ok(None);
        }
        let is_due = due(trading.date);
        let Some(closed) = closed(self.state(), &trading, mode, is_due)? else { return Ok(None) };
        match self.state().days().get(&closed.day) {
            Some(before) if before.clean || !closed.clean => return Ok(None),
            Some(_) | None => {}
        }
        self.record(None, Event::DayClosed(Box::new(closed.clone())))?;
        Ok(Some(closed))
    }

    /// Holds the account to the limits of its trading day: lets go what ends with the day before,
    /// tells the circuit breaker of every trade that has ended, and enters REDUCING for a loss of
    /// the day, a drawdown or an open breaker. A breaker that lets entries be tried again lets go.
    ///
    /// # Errors
    /// [`Error::Fold`] for breaker rules that make no sense; as
    /// [`crate::journal::Journal::append`].
    pub fn heed_limits(&mut self, limits: &LimitsSpec, rules: BreakerRules) -> Result<(), Error> {
        let now = self.now();
        let today = trading_day(now);
        if let Ok(session) = Calendar::nyse().session(today) {
            self.begin_trading_day(session.open)?;
        }
        self.judge_trades(rules)?;
        self.heed_breaker(now)?;
        let Some(last) = self.state().reconciled() else { return Ok(()) };
        let equity = last.result.account.equity;
        self.heed_losses(
            equity,
            Losses { daily: limits.daily_loss, drawdown: limits.drawdown_deny },
        )
    }

    /// Enters REDUCING if, by this equity, the day's loss or the drawdown has reached its limit.
    ///
    /// # Errors
    /// [`Error::Core`] if the amounts do not fit; as [`crate::journal::Journal::append`].
    pub fn heed_losses(&mut self, equity: Usd, losses: Losses) -> Result<(), Error> {
        let today = trading_day(self.now());
        let found = self.performance(equity, today)?;
        let share = |part: Decimal| format!("{:.2} %", part * Decimal::ONE_HUNDRED);
        let (daily, deepest) = (losses.daily.value(), losses.drawdown.value());
        if let Some(loss) = found.day_return.map(|change| -change).filter(|loss| *loss >= daily) {
            let detail = format!("{} of {} allowed lost on {today}", share(loss), share(daily));
            self.enter(Cause::DailyLoss, detail)?;
        }
        if let Some(fall) = found.drawdown.filter(|fall| *fall >= deepest) {
            let detail = format!("{} below the peak, {} allowed", share(fall), share(deepest));
            self.enter(Cause::Drawdown, detail)?;
        }
        Ok(())
    }

    fn heed_breaker(&mut self, now: Timestamp) -> Result<(), Error> {
        let holds = self.state().trading().causes().contains_key(&Cause::Breaker);
        match (self.state().breaker(now), holds) {
            (BreakerStance::Open, false) => {
                self.enter(Cause::Breaker, "failures or losses have opened it".to_owned())
            }
            (BreakerStance::HalfOpen | BreakerStance::Closed, true) => {
                let why = "its cooldown is over: entries are tried again".to_owned();
                let by = "circuit breaker".to_owned();
                let left = StateLeft { cause: Cause::Breaker, by, why };
                self.record(None, Event::StateLeft(left))
            }
            (BreakerStance::Open, true) | (BreakerStance::HalfOpen | BreakerStance::Closed, _) => {
                Ok(())
            }
        }
    }

    /// Tells the breaker of the gain or loss of every sell of ours that has ended, each once.
    fn judge_trades(&mut self, rules: BreakerRules) -> Result<(), Error> {
        let mut trades: Vec<(Timestamp, ClientOrderId, Usd)> = self
            .state()
            .unjudged_trades()
            .map(|(id, tracked)| (tracked.updated_at, id.clone(), tracked.realised))
            .collect();
        trades.sort();
        let ts_event = self.now();
        let drafts = trades.into_iter().map(|(_, id, realised)| {
            let lost = realised.is_negative();
            let event = Some(if lost { BreakerEvent::Loss } else { BreakerEvent::Gain });
            let about = format!("{realised} USD realised by order {id}");
            let event = Event::BreakerTold(BreakerTold { rules, event, about, trade: Some(id) });
            Draft { ts_event, decision_id: None, event }
        });
        self.record_all(drafts.collect())
    }
}

/// What a day amounts to; `None` unless books and broker were compared after its close.
fn closed(
    state: &State,
    trading: &Trading,
    mode: Mode,
    due: bool,
) -> Result<Option<DayClosed>, Error> {
    let Some(last) = state.reconciled().filter(|last| last.at >= trading.close) else {
        return Ok(None);
    };
    let day = trading.date;
    let marks = state.marks_of(day);
    let books = state.books();
    // Without marks of the day no record fell into it; what was filled in it says its own time.
    let none = (0, Usd::ZERO, books.realised(), books.fees());
    let (counted, traded, realised, fees) =
        marks.map_or(none, |m| (m.fills, m.traded, m.realised, m.fees));
    let fills = counted.max(state.fills_on(day));
    let open_signals = open_signals(state, day);
    let agree = last.result.discrepancies.iter().all(|d| d.severity() == Severity::Advisory);
    let quiet = (fills == 0).then(|| Quiet {
        reason: why_quiet(state, day, marks),
        realised_unchanged: realised == books.realised(),
        fees_unchanged: marks.is_none_or(|marks| fees == books.fees() || marks.posted),
        positions_unchanged: match marks {
            Some(marks) => marks.owned == books.all_owned(),
            None => as_closed_before(state, day, &last.result.positions),
        },
    });
    Ok(Some(DayClosed {
        day,
        mode,
        compared_at: last.at,
        clean: agree && open_signals.is_empty() && quiet.as_ref().is_none_or(Quiet::holds),
        account: last.result.account.clone(),
        positions: last.result.positions.clone(),
        orders: orders_on(state, day),
        fills,
        traded,
        realised: books.realised().checked_sub(realised)?,
        fees: books.fees().checked_sub(fees)?,
        regime: state.regime().map(|regime| regime.regime),
        open_signals,
        breaker: breaker_seen(state, marks, last.at),
        quiet,
        strictest: Some(marks.map_or_else(|| state.trading().state(), |marks| marks.strictest)),
        schedule: Some(schedule(state, day, marks, due)),
    }))
}

/// Whether what was due on a day was done.
fn schedule(state: &State, day: NaiveDate, marks: Option<&DayMarks>, due: bool) -> Schedule {
    let done = state.decisions().values().any(|decision| {
        decision.planned.execute_on == day
            && decision.started.is_some()
            && decision.completed.is_some()
    });
    if done || marks.is_some_and(|marks| state.engine_step() > marks.engine_step) {
        Schedule::CarriedOut
    } else if due {
        Schedule::Missed
    } else {
        Schedule::NothingDue
    }
}

/// Whether the broker reports of every symbol Atlas owns what it reported when the day before was
/// closed; before any day was closed, whether nothing was ever filled.
fn as_closed_before(state: &State, day: NaiveDate, now: &BTreeMap<Symbol, Qty>) -> bool {
    match state.days().range(..day).next_back() {
        Some((_, before)) => {
            let owned = state.books().all_owned();
            owned.keys().all(|symbol| before.positions.get(symbol) == now.get(symbol))
        }
        None => state.orders().values().all(|tracked| tracked.fills.is_empty()),
    }
}

fn breaker_seen(state: &State, marks: Option<&DayMarks>, at: Timestamp) -> BreakerSeen {
    let fired = marks.is_some_and(|marks| marks.breaker == BreakerSeen::Fired);
    if fired || state.breaker(at) == BreakerStance::Open {
        BreakerSeen::Fired
    } else {
        BreakerSeen::NotObserved
    }
}

/// Signals without an end of every plan that was for this day or an earlier one.
fn open_signals(state: &State, day: NaiveDate) -> Vec<SignalId> {
    let due = state.decisions().values().filter(|decision| decision.planned.execute_on <= day);
    due.flat_map(|decision| decision.open_signals().cloned()).collect()
}

fn orders_on(state: &State, day: NaiveDate) -> u32 {
    let recent = |at: Timestamp| trading_day(at) >= day;
    let sent = state
        .latest_orders()
        .take_while(|tracked| recent(tracked.intended_at + TimeDelta::days(7)))
        .filter(|tracked| tracked.sent_at.is_some_and(|at| trading_day(at) == day));
    u32::try_from(sent.count()).unwrap_or(u32::MAX)
}

/// Why nothing was executed on a day, by what the journal says of it.
fn why_quiet(state: &State, day: NaiveDate, marks: Option<&DayMarks>) -> String {
    let plan = state.decisions().values().rev().find(|d| d.planned.execute_on == day);
    let trading = state.trading();
    match plan {
        None => {
            let strictest = marks.map_or_else(|| trading.state(), |marks| marks.strictest);
            match strictest {
                TradingState::Active => "no plan was made for it".to_owned(),
                held @ (TradingState::Reducing | TradingState::Paused | TradingState::Halted) => {
                    format!("no plan was made for it; the account was {held}")
                }
            }
        }
        Some(decision) if decision.started.is_none() => match &decision.completed {
            Some((_, summary)) => format!("its plan was put aside: {summary}"),
            None => "its plan was never begun".to_owned(),
        },
        Some(decision) if decision.planned.legs.is_empty() => {
            format!("its plan had no orders: {}", outcomes(decision))
        }
        Some(decision) if decision.completed.is_none() => {
            format!("its plan was not finished: {} ({})", trading.state(), trading.describe())
        }
        Some(decision) => format!("no order of its plan filled: {}", outcomes(decision)),
    }
}

/// How many signals ended how, most frequent words first by name.
fn outcomes(decision: &crate::state::Decision) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for end in decision.ends.values() {
        *counts.entry(end.outcome.to_string()).or_default() += 1;
    }
    if counts.is_empty() {
        return "there was no signal".to_owned();
    }
    let words: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    words.join(", ")
}

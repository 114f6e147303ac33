//! What the journal says about a stretch of days, gathered in one reading.

use std::collections::BTreeMap;

use atlas_broker::{CashKind, Entry};
use atlas_core::journal::Record;
use atlas_core::time::Timestamp;
use atlas_core::{Side, SignalId, Usd};
use atlas_exec::event::Event;
use atlas_exec::folder::AccountFolder;
use atlas_exec::journal::{SqliteStorage, Storage as _};
use atlas_exec::reconcile::Severity;
use atlas_exec::state::State;
use atlas_exec::{Cause, TradingState};
use atlas_risk::BreakerStance;
use chrono::NaiveDate;
use serde::Serialize;

use crate::error::Error;

/// A cause that held trading back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Spell {
    /// Why.
    pub cause: Cause,
    /// The state it led to.
    pub state: TradingState,
    /// The particulars, in one sentence.
    pub detail: String,
    /// From when.
    pub since: Timestamp,
    /// Until when, and who ended it; `None` if it holds still.
    pub ended: Option<(Timestamp, String)>,
}

/// What the journal says.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Evidence {
    /// Money paid in (above zero) or out, by calendar day.
    pub flows: BTreeMap<NaiveDate, Usd>,
    /// Every cause that held trading back, oldest first.
    pub spells: Vec<Spell>,
    /// Comparisons of books and broker that found a mismatch, with what was found first.
    pub mismatches: Vec<(Timestamp, String)>,
    /// Whether the last comparison found none; `None` if there was no comparison.
    pub agrees: Option<bool>,
    /// Buys that were sent while something held trading back or the breaker was open.
    pub sent_while_held: Vec<(Timestamp, String)>,
    /// Times the circuit breaker opened.
    pub breaker_openings: Vec<Timestamp>,
    /// Signals that a completed decision left without an end.
    pub silent: Vec<SignalId>,
    /// What a person overrode or took over, in a few words each.
    pub interventions: Vec<(Timestamp, String)>,
    /// Executions that were taken up again after an interruption.
    pub resumed: Vec<Timestamp>,
}

impl Evidence {
    /// Reads the journal of an account, which is proved on the way; nothing if it has none.
    ///
    /// # Errors
    /// [`Error::Journal`] if it cannot be trusted.
    pub fn gather(folder: &AccountFolder) -> Result<Self, Error> {
        let path = folder.journal();
        let mut found = Self::default();
        if !path.exists() {
            return Ok(found);
        }
        let mut state = State::new();
        SqliteStorage::open_read_only(&path)
            .and_then(|mut storage| {
                storage.replay(&mut |record, _| {
                    let event =
                        Event::decode(record.seq, &record.kind, record.version, &record.payload)?;
                    found.before(&state, &record, &event);
                    state.apply(&record)?;
                    found.after(&state, &record, &event)
                })
            })
            .map_err(Box::new)?;
        found.agrees = state.reconciled().map(|last| {
            last.result.discrepancies.iter().all(|d| d.severity() != Severity::Mismatch)
        });
        Ok(found)
    }

    /// Takes an event together with the state it met.
    fn before(&mut self, state: &State, record: &Record, event: &Event) {
        let at = record.ts_event;
        if let Event::OrderIntent(intent) = event
            && intent.request.side == Side::Buy
        {
            let held = state.trading().state();
            let breaker = state.breaker(at);
            if held != TradingState::Active || breaker == BreakerStance::Open {
                let id = &intent.request.client_order_id;
                let why = format!("{id} was sent while {held}, the breaker {breaker}");
                self.sent_while_held.push((at, why));
            }
        }
        if let Event::ExecutionStarted(_) = event
            && record
                .decision_id
                .and_then(|id| state.decisions().get(&id))
                .is_some_and(|decision| decision.started.is_some())
        {
            self.resumed.push(at);
        }
    }

    /// Takes an event together with the state it led to.
    #[expect(clippy::wildcard_enum_match_arm, reason = "the other kinds say nothing here")]
    fn after(
        &mut self,
        state: &State,
        record: &Record,
        event: &Event,
    ) -> Result<(), atlas_exec::Error> {
        let at = record.ts_event;
        match event {
            Event::ActivityImported(activity) => self.flow(&activity.entry)?,
            Event::StateEntered(entered) => self.spells.push(Spell {
                cause: entered.cause,
                state: entered.cause.state(),
                detail: entered.detail.clone(),
                since: at,
                ended: None,
            }),
            Event::StateLeft(left) => {
                let open = self.spells.iter_mut().filter(|s| s.ended.is_none());
                for spell in open.filter(|spell| spell.cause == left.cause) {
                    spell.ended = Some((at, left.by.clone()));
                }
            }
            Event::Reconciled(compared) => {
                let mut graver = compared.discrepancies.iter();
                if let Some(first) = graver.find(|d| d.severity() == Severity::Mismatch) {
                    self.mismatches.push((at, first.to_string()));
                }
            }
            Event::BreakerTold(_) => {
                let open = state.breaker(at) == BreakerStance::Open;
                if open && self.breaker_openings.last() != Some(&at) {
                    self.breaker_openings.push(at);
                }
            }
            Event::OverrideRecorded(done) => {
                let what = format!("{} set to {} by {}: {}", done.what, done.to, done.by, done.why);
                self.interventions.push((at, what));
            }
            Event::Adopted(done) => {
                self.interventions.push((at, format!("adopted by {}: {}", done.by, done.why)));
            }
            Event::DecisionCompleted(_) => self.unended(state, record),
            _ => {}
        }
        Ok(())
    }

    fn flow(&mut self, entry: &Entry) -> Result<(), atlas_exec::Error> {
        if let Entry::Cash(cash) = entry
            && matches!(cash.kind, CashKind::Deposit | CashKind::Withdrawal)
        {
            let sum = self.flows.entry(cash.date).or_insert(Usd::ZERO);
            *sum = sum.checked_add(cash.net_amount)?;
        }
        Ok(())
    }

    /// The signals of a decision that is done with, and that have no end.
    fn unended(&mut self, state: &State, record: &Record) {
        let decision = record.decision_id.and_then(|id| state.decisions().get(&id));
        let Some(decision) = decision else { return };
        let planned = decision.planned.signals.iter();
        let silent = planned.filter(|s| s.outcome.is_none() && !decision.ends.contains_key(&s.id));
        self.silent.extend(silent.map(|signal| signal.id.clone()));
    }
}

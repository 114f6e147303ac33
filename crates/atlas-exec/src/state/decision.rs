//! Decisions as the journal tells them: planned, approved, executed, done with.

use std::collections::BTreeMap;

use atlas_core::journal::Record;
use atlas_core::time::Timestamp;
use atlas_core::{Account, ClientOrderId, SignalId, SignalOutcome, Symbol};

use super::{Fault, State};
use crate::event::{ArtifactWritten, DecisionPlanned, Event, FundsAsked, LegDropped, PlanApproved};
use crate::quality::Quoted;
use crate::sequencer::LegEnd;

/// How far a decision has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DecisionStatus {
    /// Journaled, nothing sent.
    Planned,
    /// Approved by a person, nothing sent.
    Approved,
    /// Its execution has begun.
    Executing,
    /// Done with: every signal has its end.
    Completed,
}

/// The end of a signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// How it ended.
    pub outcome: SignalOutcome,
    /// Why, in one sentence.
    pub reason: String,
}

/// A decision and what became of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    /// What was planned.
    pub planned: DecisionPlanned,
    /// When it was journaled.
    pub planned_at: Timestamp,
    /// Bid and ask by symbol when it was made, where the broker was asked.
    pub quotes: BTreeMap<Symbol, Quoted>,
    /// The latest approval.
    pub approval: Option<PlanApproved>,
    /// The account when its execution began first, and when that was.
    pub started: Option<(Timestamp, Account)>,
    /// What the account could spend, as last asked.
    pub funds: Option<FundsAsked>,
    /// Legs that were not sent, with the reason.
    pub dropped: BTreeMap<ClientOrderId, LegEnd>,
    /// Symbols whose shares were split, renamed or taken away since it was planned, with the words.
    pub reshaped: BTreeMap<Symbol, String>,
    /// Signals that have ended.
    pub ends: BTreeMap<SignalId, End>,
    /// How it was completed, and when.
    pub completed: Option<(Timestamp, String)>,
    /// The latest artifact written for it. A decision without one was not finished: the
    /// comparison at its end may be missing too.
    pub artifact: Option<ArtifactWritten>,
}

impl Decision {
    /// How far it has come.
    #[must_use]
    pub const fn status(&self) -> DecisionStatus {
        if self.completed.is_some() {
            DecisionStatus::Completed
        } else if self.started.is_some() {
            DecisionStatus::Executing
        } else if self.approval.is_some() {
            DecisionStatus::Approved
        } else {
            DecisionStatus::Planned
        }
    }

    /// Whether something is still to be done for it.
    #[must_use]
    pub const fn is_pending(&self) -> bool {
        self.completed.is_none()
    }

    /// The signals that have not ended.
    pub fn open_signals(&self) -> impl Iterator<Item = &SignalId> {
        let all = self.planned.signals.iter().map(|signal| &signal.id);
        all.filter(|id| !self.ends.contains_key(*id))
    }
}

impl State {
    /// The decision that still is to be executed or put aside; there is at most one.
    #[must_use]
    pub fn pending(&self) -> Option<&Decision> {
        self.decisions.values().next_back().filter(|decision| decision.is_pending())
    }

    /// The decision a run has still to tell to the end: one that is pending, or the latest one if
    /// it was carried out and its run ended before its artifact was written.
    #[must_use]
    pub fn unfinished(&self) -> Option<&Decision> {
        self.decisions.values().next_back().filter(|decision| {
            decision.is_pending() || (decision.started.is_some() && decision.artifact.is_none())
        })
    }

    /// The latest decision made for an as-of session.
    #[must_use]
    pub fn decision_on(&self, as_of: chrono::NaiveDate) -> Option<&Decision> {
        self.decisions.values().rev().find(|decision| decision.planned.as_of == as_of)
    }

    pub(super) fn on_decision(&mut self, record: &Record, event: Event) -> Result<(), Fault> {
        if let Event::DecisionPlanned(planned) = event {
            return self.on_planned(record, *planned);
        }
        let id = record.decision_id.ok_or("the record names no decision")?;
        let decision = self.decisions.get_mut(&id).ok_or("there is no such decision")?;
        if decision.completed.is_some() {
            return Err(format!("decision {id} is done with").into());
        }
        decision.take(record, event)
    }

    fn on_planned(&mut self, record: &Record, planned: DecisionPlanned) -> Result<(), Fault> {
        let id = planned.decision_id;
        if record.decision_id != Some(id) || id != self.next_decision_id() {
            return Err(format!("the next decision is {}", self.next_decision_id()).into());
        }
        if let Some(pending) = self.pending() {
            return Err(format!("decision {} is pending", pending.planned.decision_id).into());
        }
        let ends = planned.signals.iter().filter_map(|signal| {
            let end = End { outcome: signal.outcome?, reason: signal.reason.clone() };
            Some((signal.id.clone(), end))
        });
        let decision = Decision {
            ends: ends.collect(),
            planned_at: record.ts_event,
            quotes: BTreeMap::new(),
            approval: None,
            started: None,
            funds: None,
            dropped: BTreeMap::new(),
            reshaped: BTreeMap::new(),
            completed: None,
            artifact: None,
            planned,
        };
        self.remember(&decision.planned.kept);
        self.decisions.insert(id, decision);
        Ok(())
    }
}

impl Decision {
    fn take(&mut self, record: &Record, event: Event) -> Result<(), Fault> {
        match event {
            Event::PlanApproved(approved) => {
                if approved.plan_hash != self.planned.plan_hash {
                    return Err("another plan was approved".into());
                }
                self.approval = Some(approved);
            }
            Event::ExecutionStarted(started) => {
                self.started.get_or_insert((record.ts_event, started.account));
            }
            Event::DecisionQuoted(quoted) => self.quotes = quoted.quotes,
            Event::FundsAsked(funds) => self.funds = Some(funds),
            Event::LegDropped(dropped) => self.on_dropped(dropped)?,
            Event::SignalEnded(ended) => {
                if self.ends.contains_key(&ended.id) {
                    return Err(format!("signal {} has ended before", ended.id).into());
                }
                if !self.planned.signals.iter().any(|signal| signal.id == ended.id) {
                    return Err(format!("signal {} is not of this decision", ended.id).into());
                }
                let end = End { outcome: ended.outcome, reason: ended.reason };
                self.ends.insert(ended.id, end);
            }
            Event::DecisionCompleted(completed) => {
                if let Some(open) = self.open_signals().next() {
                    return Err(format!("signal {open} has not ended").into());
                }
                self.completed = Some((record.ts_event, completed.summary));
            }
            Event::AccountOpened(_)
            | Event::Adopted(_)
            | Event::DecisionPlanned(_)
            | Event::OverrideRecorded(_)
            | Event::ContextAsked(_)
            | Event::OrderJudged(_)
            | Event::OrderIntent(_)
            | Event::OrderUpdate(_)
            | Event::Filled(_)
            | Event::ActivityImported(_)
            | Event::StateEntered(_)
            | Event::StateLeft(_)
            | Event::Reconciled(_)
            | Event::ArtifactWritten(_)
            | Event::ArtifactUnaccounted(_)
            | Event::RegimeChanged(_)
            | Event::TailSetAside(_)
            | Event::RecordsLost(_)
            | Event::LimitsChanged(_)
            | Event::CommandTaken(_)
            | Event::BreakerTold(_)
            | Event::EngineActed(_)
            | Event::GuardIntent(_)
            | Event::OrderRestated(_)
            | Event::DayClosed(_)
            | Event::DrillWalked(_) => return Err("it is no event of a decision".into()),
        }
        Ok(())
    }

    fn on_dropped(&mut self, dropped: LegDropped) -> Result<(), Fault> {
        let id = dropped.client_order_id;
        if !self.planned.legs.iter().any(|leg| *leg.id() == id) {
            return Err(format!("order {id} is no leg of this decision").into());
        }
        let end = LegEnd { outcome: dropped.outcome, reason: dropped.reason };
        if self.dropped.insert(id.clone(), end).is_some() {
            return Err(format!("leg {id} was dropped before").into());
        }
        Ok(())
    }
}

//! Everything the journal can say, each kind with the version of its form.
//!
//! A form never changes: a new field that old records lack gets `#[serde(default)]`, anything
//! else a new version with its own payload type and its own line in the table.

use std::collections::BTreeMap;

use atlas_broker::{Activity, ActivityId};
use atlas_core::journal::Hash;
use atlas_core::signal::Direction;
use atlas_core::time::{Mode, Timestamp};
use atlas_core::{
    Account, ClientOrderId, DecisionId, Fill, OrderEvent, OrderRequest, Price, Qty, Regime,
    SignalId, SignalOutcome, Symbol, Usd,
};
use atlas_engine::plan::RegimeDecision;
use atlas_risk::{BreakerEvent, BreakerRules};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::day::DayClosed;
use crate::drill::DrillWalked;
use crate::error::Error;
use crate::journal::Head;
use crate::judged::{ContextAsked, OrderJudged};
use crate::protection::GuardIntent;
use crate::quality::{Conditions, Quoted};
use crate::reconcile::Discrepancy;
use crate::sequencer::Leg;
use crate::states::Cause;

/// Declares the events from one table: variant, payload, kind, version.
macro_rules! events {
    ($($(#[$doc:meta])* $variant:ident($payload:ty) = $kind:literal, $version:literal;)*) => {
        /// One thing that happened.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Event {
            $($(#[$doc])* $variant($payload),)*
        }

        impl Event {
            /// The record's kind.
            #[must_use]
            pub const fn kind(&self) -> &'static str {
                match self {
                    $(Self::$variant(_) => $kind,)*
                }
            }

            /// The version of the payload's form.
            #[must_use]
            pub const fn version(&self) -> u16 {
                match self {
                    $(Self::$variant(_) => $version,)*
                }
            }

            /// The payload as JSON text.
            pub(crate) fn payload(&self) -> Result<String, serde_json::Error> {
                match self {
                    $(Self::$variant(payload) => serde_json::to_string(payload),)*
                }
            }

            /// Reads a record's payload.
            ///
            /// # Errors
            /// [`Error::UnknownEvent`] for a kind or version this program does not know,
            /// [`Error::Payload`] if the text is not of the kind's form.
            pub fn decode(seq: u64, kind: &str, version: u16, payload: &str) -> Result<Self, Error> {
                match (kind, version) {
                    $(($kind, $version) => match serde_json::from_str(payload) {
                        Ok(payload) => Ok(Self::$variant(payload)),
                        Err(source) => Err(Error::Payload { seq, kind: kind.to_owned(), source }),
                    },)*
                    _ => Err(Error::UnknownEvent { seq, kind: kind.to_owned(), version }),
                }
            }
        }
    };
}

events! {
    /// The account was seen for the first time; what it held then is the baseline.
    AccountOpened(AccountOpened) = "account_opened", 1;
    /// A person took something over into Atlas's books.
    Adopted(Adopted) = "adopted", 1;
    /// A decision was made; its plan and inputs are stored under their digests.
    DecisionPlanned(Box<DecisionPlanned>) = "decision_planned", 1;
    /// A person approved a plan.
    PlanApproved(PlanApproved) = "plan_approved", 1;
    /// A person overrode something.
    OverrideRecorded(OverrideRecorded) = "override_recorded", 1;
    /// A plan began to be executed, or to be executed again after a restart.
    ExecutionStarted(ExecutionStarted) = "execution_started", 1;
    /// The account was asked what it can spend, and buys were fitted to it.
    FundsAsked(FundsAsked) = "funds_asked", 1;
    /// A leg will not be sent.
    LegDropped(LegDropped) = "leg_dropped", 1;
    /// The broker was asked for what the gates look at before a send.
    ContextAsked(Box<ContextAsked>) = "context_asked", 1;
    /// The gates were heard just before a send.
    OrderJudged(Box<OrderJudged>) = "order_judged", 1;
    /// An order is about to be sent; durable before anything goes out.
    OrderIntent(OrderIntent) = "order_intent", 1;
    /// An order changed its state other than by a fill.
    OrderUpdate(OrderUpdate) = "order_update", 1;
    /// An execution, of our order or of another client's.
    Filled(Filled) = "fill", 1;
    /// An entry of the broker's ledger other than an execution.
    ActivityImported(Activity) = "activity_imported", 1;
    /// A cause began to hold.
    StateEntered(StateEntered) = "state_entered", 1;
    /// A cause ceased to hold.
    StateLeft(StateLeft) = "state_left", 1;
    /// Journal and broker were compared.
    Reconciled(Box<Reconciled>) = "reconciled", 1;
    /// A signal reached its end.
    SignalEnded(SignalEnded) = "signal_ended", 1;
    /// A decision is done with.
    DecisionCompleted(DecisionCompleted) = "decision_completed", 1;
    /// An artifact was written.
    ArtifactWritten(ArtifactWritten) = "artifact_written", 1;
    /// An artifact was found that names a head which is no part of the journal.
    ArtifactUnaccounted(ArtifactUnaccounted) = "artifact_unaccounted", 1;
    /// The end of the journal's file was no complete write; a copy of it was set aside.
    TailSetAside(TailSetAside) = "tail_set_aside", 1;
    /// The journal lacks records that were durable once.
    RecordsLost(RecordsLost) = "records_lost", 1;
    /// The limits an account trades under are others than before.
    LimitsChanged(Box<LimitsChanged>) = "limits_changed", 1;
    /// A plan of another regime than the last one was carried out.
    RegimeChanged(RegimeChanged) = "regime_changed", 1;
    /// An operator's command was taken from the inbox.
    CommandTaken(CommandTaken) = "command_taken", 1;
    /// The engine of continuous trading acted, or its shell has something to tell.
    EngineActed(Box<EngineActed>) = "engine_acted", 1;
    /// The circuit breaker was told something, or reset.
    BreakerTold(BreakerTold) = "breaker_told", 1;
    /// A protective order is about to be sent; durable before anything goes out.
    GuardIntent(GuardIntent) = "guard_intent", 1;
    /// The broker has rounded an order of ours otherwise when it fitted it to a split.
    OrderRestated(OrderRestated) = "order_restated", 1;
    /// What the market was like when a decision was made.
    DecisionQuoted(DecisionQuoted) = "decision_quoted", 1;
    /// A trading day was closed: compared, counted and, where nothing was traded, proven quiet.
    DayClosed(Box<DayClosed>) = "day_closed", 1;
    /// A drill was walked through.
    DrillWalked(DrillWalked) = "drill_walked", 1;
}

/// The account as it was when Atlas first saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountOpened {
    /// The broker's number of the account.
    pub account_number: String,
    /// Cash at the baseline, in USD.
    pub cash: Usd,
    /// Shares held at the baseline; unmanaged until adopted.
    pub positions: BTreeMap<Symbol, Qty>,
    /// The last ledger entry the baseline includes.
    pub bookmark: Option<ActivityId>,
}

/// What a person can take over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "subject", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Subject {
    /// Shares that are there and were not Atlas's become Atlas's.
    Position {
        /// The symbol.
        symbol: Symbol,
        /// How many.
        qty: Qty,
        /// What they are taken to have cost, per share.
        price: Price,
    },
    /// Shares in the books that are not there any more are written off.
    WriteOff {
        /// The symbol.
        symbol: Symbol,
        /// How many.
        qty: Qty,
    },
    /// A difference in cash is accepted: what the broker has more than the books.
    Cash {
        /// The amount, negative if the broker has less.
        amount: Usd,
    },
    /// Something odd in the journal is accepted as explained.
    Anomaly {
        /// The record it was found at.
        seq: u64,
    },
    /// An order the broker knows under our prefix and the journal does not is accepted.
    Order {
        /// Its name.
        client_order_id: ClientOrderId,
    },
}

/// A person took something over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adopted {
    /// What.
    #[serde(flatten)]
    pub subject: Subject,
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
}

/// A signal as the plan has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedEnd {
    /// The signal.
    pub id: SignalId,
    /// Its end if the decision ended it, `None` while an order is to be sent for it.
    pub outcome: Option<SignalOutcome>,
    /// Why, in one sentence.
    pub reason: String,
}

/// A decision, as far as it must be known to execute it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DecisionPlanned {
    /// The decision's number.
    pub decision_id: DecisionId,
    /// The session after whose close it was decided.
    pub as_of: NaiveDate,
    /// The session in which it is to be executed.
    pub execute_on: NaiveDate,
    /// Replay, paper or live.
    pub mode: Mode,
    /// Digest of the plan document, which is stored among the inputs.
    pub plan_hash: Hash,
    /// Digests of what the plan was made from, by name.
    pub inputs: BTreeMap<String, Hash>,
    /// What is to be sent, in order of sending.
    pub legs: Vec<Leg>,
    /// Every signal of the decision.
    pub signals: Vec<PlannedEnd>,
    /// What is kept of the decision beyond its execution.
    #[serde(default)]
    pub kept: Kept,
}

/// What an account remembers of its last decision, across restarts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Kept {
    /// The regime it rests on, with the detector's evidence: where its model stands.
    pub regime: Option<RegimeDecision>,
    /// What was signaled for each symbol.
    pub signals: BTreeMap<Symbol, KeptSignal>,
    /// Digest of the regime model's checkpoint, which is stored among the inputs; `None` where the
    /// decision had no model, and in records of older programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<Hash>,
}

/// What was signaled for a symbol.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptSignal {
    /// The signal.
    pub id: SignalId,
    /// Which way it pointed.
    pub direction: Direction,
    /// How strongly.
    pub strength: f64,
    /// The session it was made of.
    pub as_of: NaiveDate,
}

/// What the market was like when a decision was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionQuoted {
    /// Bid and ask by symbol; a symbol nobody quoted is absent.
    pub quotes: BTreeMap<Symbol, Quoted>,
}

/// Prices, cash and positions an approval was given on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reference {
    /// Price per share by symbol, at least of every symbol the plan trades.
    pub prices: BTreeMap<Symbol, Price>,
    /// The account's cash, in USD.
    pub cash: Usd,
    /// Shares held by symbol.
    pub positions: BTreeMap<Symbol, Qty>,
}

/// A person approved a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanApproved {
    /// Digest of the plan that was shown.
    pub plan_hash: Hash,
    /// Who.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What was true then.
    pub reference: Reference,
}

/// A person overrode something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverrideRecorded {
    /// What was overridden, such as `regime`.
    pub what: String,
    /// What Atlas would have taken.
    pub from: String,
    /// What the person set.
    pub to: String,
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
    /// Digest of the configuration it was given under, where it holds for that one alone.
    #[serde(default)]
    pub config: Option<Hash>,
}

/// A plan began to be executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExecutionStarted {
    /// The account at that moment.
    pub account: Account,
    /// What the gates look at beside the plan and the fresh context ([`crate::approver::Gates`]),
    /// as it was written: a form of a later program leaves the journal readable. `None` where the
    /// gates cannot be heard again, as in journals from before it was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gates: Option<serde_json::Value>,
}

/// What the account can spend, and what the buys need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FundsAsked {
    /// What the account can spend, in USD.
    pub spendable: Usd,
    /// The price per share each buy was fitted at.
    pub prices: BTreeMap<Symbol, Price>,
    /// What each buy was fitted to, in shares; a resumed plan never sends more than that.
    pub sizes: BTreeMap<ClientOrderId, Qty>,
}

/// A leg will not be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LegDropped {
    /// The leg.
    pub client_order_id: ClientOrderId,
    /// How its signal ends.
    pub outcome: SignalOutcome,
    /// Why, in one sentence.
    pub reason: String,
}

/// An order is about to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderIntent {
    /// Exactly what is sent.
    pub request: OrderRequest,
    /// The market when it was sent; what execution quality is measured against.
    pub bid: Option<Price>,
    /// As `bid`.
    pub ask: Option<Price>,
    /// What the venue was like then; `None` where nobody asked.
    #[serde(default)]
    pub conditions: Option<Conditions>,
}

/// An order changed its state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderUpdate {
    /// The order.
    pub client_order_id: ClientOrderId,
    /// What happened.
    pub update: OrderEvent,
}

/// The broker has rounded an order otherwise when it fitted it to a split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRestated {
    /// What it asks for now, under the same name.
    pub request: OrderRequest,
    /// Why, in one sentence.
    pub why: String,
}

/// An execution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filled {
    /// The ledger entry that tells of it; `None` if a stream or a poll was faster.
    pub activity: Option<ActivityId>,
    /// The execution.
    pub fill: Fill,
}

/// A cause began to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateEntered {
    /// The cause.
    pub cause: Cause,
    /// The particulars, in one sentence.
    pub detail: String,
}

/// A cause ceased to hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateLeft {
    /// The cause.
    pub cause: Cause,
    /// Who ended it: a person, or `next trading day`.
    pub by: String,
    /// Why.
    pub why: String,
}

/// Journal and broker were compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reconciled {
    /// The account as the broker reported it.
    pub account: Account,
    /// Shares the broker reported, by symbol.
    pub positions: BTreeMap<Symbol, Qty>,
    /// What was found; empty or advisory only if the two agree.
    pub discrepancies: Vec<Discrepancy>,
}

/// A signal reached its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignalEnded {
    /// The signal.
    pub id: SignalId,
    /// Its end.
    pub outcome: SignalOutcome,
    /// Why, in one sentence.
    pub reason: String,
}

/// A decision is done with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionCompleted {
    /// How, in one sentence.
    pub summary: String,
}

/// An artifact was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactWritten {
    /// File name within the account's folder.
    pub path: String,
    /// Digest of its bytes.
    pub hash: Hash,
}

/// A plan of another regime than the last one was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegimeChanged {
    /// The regime of the plan before.
    pub from: Regime,
    /// The regime of this plan.
    pub to: Regime,
    /// Worth of all positions when its execution began, USD.
    pub exposure_before: Usd,
    /// Worth of all positions after it, USD.
    pub exposure_after: Usd,
}

/// An artifact was found that the journal does not account for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactUnaccounted {
    /// File name within the account's folder.
    pub path: String,
    /// The head of the journal it names; `None` if it cannot be read.
    pub head: Option<Hash>,
}

/// The end of the journal's file was no complete write.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TailSetAside {
    /// The copy, by its path within the account's folder.
    pub path: String,
    /// Bytes of the log up to the last complete write.
    pub whole_bytes: u64,
    /// Bytes after it that were of an incomplete one.
    pub torn_bytes: u64,
}

/// The journal lacks records that were durable once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordsLost {
    /// The last record the journal still had.
    pub last: u64,
    /// The record that was durable and is not part of it; `None` if the note of it is unreadable.
    pub durable: Option<Head>,
}

/// The limits an account trades under are others than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitsChanged {
    /// Every limit that is another one, by its name; all of them the first time.
    pub changed: BTreeMap<String, LimitChange>,
    /// Digest of the configuration they come from.
    pub config_hash: Hash,
    /// What was run under them first, such as `rebalance`.
    pub by: String,
}

/// What one limit was and is; limits are written as in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitChange {
    /// What it was; `None` if nothing was on record.
    pub from: Option<serde_json::Value>,
    /// What it is; `None` if there is no such limit any more.
    pub to: Option<serde_json::Value>,
}

/// The circuit breaker was told something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerTold {
    /// The rules that hold; other ones than before begin a new breaker.
    pub rules: BreakerRules,
    /// What it was told; `None` for a reset by an operator.
    pub event: Option<BreakerEvent>,
    /// What it was about, in a few words.
    pub about: String,
    /// The order whose trade was judged, for a gain or a loss; each is told once.
    #[serde(default)]
    pub trade: Option<ClientOrderId>,
}

/// The engine of continuous trading acted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EngineActed {
    /// The step it was, counted over all runs of the account; incidents of the shell carry the last
    /// one's.
    pub step: u64,
    /// What it wanted done, in order; timers are left out.
    pub actions: Vec<atlas_engine::Action>,
}

/// An operator's command was taken from the inbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandTaken {
    /// The file it came in.
    pub file: String,
    /// The command as it was written.
    pub command: crate::folder::Command,
}

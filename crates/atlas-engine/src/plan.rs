//! The plan of one rebalance: what was seen, what was decided, what is to be sent.

use atlas_core::journal::Hash;
use atlas_core::time::{Mode, Timestamp};
use atlas_core::{
    AccountName, DecisionId, OrderRequest, Price, Qty, Regime, Signal, SignalId, SignalOutcome,
    Symbol, Usd, Weight,
};
use atlas_regime::RegimeEstimate;
use atlas_risk::{Desk, DeskRules, Effect, Verdict};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::falls::Falls;

/// The plan of one rebalance. Journaled before anything is sent, resumed and never recomputed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RebalancePlan {
    /// The account it is for.
    pub account: AccountName,
    /// Its number in the account's journal.
    pub decision_id: DecisionId,
    /// The session after whose close it was decided.
    pub as_of: NaiveDate,
    /// The session in which it is to be executed.
    pub execute_on: NaiveDate,
    /// The clock reading it was decided at.
    pub decided_at: Timestamp,
    /// Replay, paper or live.
    pub mode: Mode,
    /// The regime it rests on.
    pub regime: RegimeDecision,
    /// Equity at decision prices: broker's cash plus held shares at the closes of `as_of`.
    pub equity: Usd,
    /// What the regime and the profile allow to be invested, at decision prices.
    pub budget: Usd,
    /// Every signal, with its outcome where the decision itself ended it.
    pub signals: Vec<PlannedSignal>,
    /// What is to be held afterwards, by symbol.
    pub targets: Vec<Target>,
    /// Orders that passed every gate, in the order of sending: sells first.
    pub orders: Vec<PlannedOrder>,
    /// Orders a gate denied, with its verdicts.
    pub denied: Vec<PlannedOrder>,
    /// The worst that can come of it.
    pub preview: Preview,
    /// What the heat limit counts with; `None` in a plan that was not held to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub falls: Option<Falls>,
    /// What the desk's gates look at; `None` in a plan that was not held to its rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desk: Option<PlannedDesk>,
    /// Notes for the reader, each one sentence.
    pub notes: Vec<String>,
}

/// The desk's rules and what was known at the decision, so that every send is held to the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedDesk {
    /// The rules.
    pub rules: DeskRules,
    /// What was known of all that is held, being bought or wanted.
    pub desk: Desk,
}

impl RebalancePlan {
    /// The digest of the plan's JSON form, which a person approves.
    ///
    /// # Errors
    /// [`serde_json::Error`] if a number in it is not finite.
    pub fn hash(&self) -> Result<Hash, serde_json::Error> {
        Ok(Hash::of(&serde_json::to_vec(self)?))
    }
}

/// The regime a plan rests on: detected, or put in its place by a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegimeDecision {
    /// The regime that counts.
    pub regime: Regime,
    /// Share of equity it allows.
    pub allocation: Weight,
    /// Whether a person overrode the detector.
    pub overridden: bool,
    /// What the detector said. `None` only where an override made detection impossible to matter
    /// and the detector could not run; the notes of the plan say why.
    pub estimate: Option<RegimeEstimate>,
}

/// A signal and, where the decision already ended it, how.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedSignal {
    /// The signal.
    pub signal: Signal,
    /// Its end, `None` while an order is to be sent for it.
    pub outcome: Option<SignalOutcome>,
    /// Why, in one sentence.
    pub reason: String,
}

/// What is to be held of one symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The symbol.
    pub symbol: Symbol,
    /// The close it was decided at.
    pub decision_price: Price,
    /// Shares held before.
    pub held: Qty,
    /// Shares to be held after.
    pub target: Qty,
}

/// One order of the plan: a request, not an approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedOrder {
    /// What is to be sent.
    pub request: OrderRequest,
    /// Whether it opens or reduces.
    pub effect: Effect,
    /// The close it was decided at.
    pub decision_price: Price,
    /// The signal it acts on.
    pub signal_id: SignalId,
    /// Why, in one sentence.
    pub reason: String,
    /// What every gate said.
    pub verdicts: Vec<Verdict>,
}

/// The worst that can come of a plan, before anything is sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// Estimated fees and slippage of all orders.
    pub costs: Usd,
    /// Loss from decision prices if all positions held after the plan fall to the levels the
    /// strategy leaves them at (without such a level, by the policy's disaster move); never negative.
    ///
    /// Stops that rest at the broker are not counted on: a level is looked at when the next rebalance
    /// decides, and the sale follows a session later. A price that gaps or goes on falling past it
    /// loses more.
    pub loss_if_stopped: Usd,
    /// Exposure if every order fills.
    pub exposure_all: Usd,
    /// Exposure if the sells fill and no buy does.
    pub exposure_sells_only: Usd,
    /// Exposure if no order fills.
    pub exposure_none: Usd,
    /// Largest exposure any subset of fills can lead to in the sequence Atlas sends.
    pub exposure_worst: Usd,
}

//! Why a trade happened: a decision computed again from its stored inputs, and its chain from bars
//! to fills.
//!
//! Nothing is taken on trust: the journal's chain is checked as it is read, every stored input
//! against its digest, and the plan made again has to be the journaled one, byte for byte.

mod chain;
mod heard;
mod question;
mod unplanned;

use atlas_core::journal::Hash;
use atlas_core::time::{Mode, Timestamp};
use atlas_core::{DecisionId, Usd};
use atlas_engine::plan::RegimeDecision;
use atlas_engine::{DecisionInputs, RebalancePlan};
use chrono::NaiveDate;
use serde::Serialize;

pub use chain::{Bars, Chain, Step};
pub use heard::HeardAgain;
pub use question::Question;
pub use unplanned::{Asked, Unplanned, unplanned};

use crate::error::Error;
use crate::folder::{AccountFolder, InputStore};
use crate::peek::peek;
use crate::state::{Decision, State};

/// The name under which the inputs of a decision stand in its record.
pub const INPUTS: &str = "decision";

/// A decision, proven, with what it says about what was asked.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The decision.
    pub decision_id: DecisionId,
    /// The session after whose close it was decided.
    pub as_of: NaiveDate,
    /// The session in which it was to be executed.
    pub execute_on: NaiveDate,
    /// Replay, paper or live.
    pub mode: Mode,
    /// The clock reading it was decided at.
    pub decided_at: Timestamp,
    /// Digest of the journaled plan; the plan computed again has the same.
    pub plan_hash: Hash,
    /// Digests of what it was made from, by name.
    pub inputs: std::collections::BTreeMap<String, Hash>,
    /// The index's sessions the regime rests on.
    pub index: Option<Bars>,
    /// The last VIX close seen.
    pub vix: Option<Bars>,
    /// The regime and its evidence.
    pub regime: RegimeDecision,
    /// Equity at decision prices, USD.
    pub equity: Usd,
    /// What could be invested, USD.
    pub budget: Usd,
    /// Who approved the plan and when, if somebody did.
    pub approved: Option<(String, Timestamp)>,
    /// How it was completed, if it was.
    pub completed: Option<String>,
    /// Notes of the plan.
    pub notes: Vec<String>,
    /// One chain for each symbol that was asked about, in the order of the signals.
    pub chains: Vec<Chain>,
}

/// Explains the latest decision that has to do with what is asked. Takes no lock and writes nothing.
///
/// # Errors
/// [`Error::Differs`] if a stored input is not what it was, or what is computed from it is not what
/// the journal says; [`Error::Unexplained`] if nothing in the journal has to do with the question;
/// as [`peek`].
pub fn explain(folder: &AccountFolder, question: &Question) -> Result<Explanation, Error> {
    let state = peek(folder)?.unwrap_or_default();
    let decision = question
        .find(&state)
        .ok_or_else(|| Error::Unexplained { question: question.to_string() })?;
    let store = InputStore::of(folder);
    let inputs = stored(&store, decision)?;
    let plan = recompute(&store, decision, &inputs)?;
    let chains = chain::chains(folder, &state, decision, &inputs, &plan, question)?;
    Ok(explanation(decision, &inputs, plan, chains))
}

/// Computes a decision of a journal again and compares it with what was journaled.
///
/// # Errors
/// As [`explain`].
pub fn prove(store: &InputStore, state: &State, id: DecisionId) -> Result<RebalancePlan, Error> {
    let decision = state.decisions().get(&id).ok_or(Error::NoSuchDecision { id })?;
    recompute(store, decision, &stored(store, decision)?)
}

fn stored(store: &InputStore, decision: &Decision) -> Result<DecisionInputs, Error> {
    let id = decision.planned.decision_id;
    let differs = |problem: String| Error::Differs { id, problem };
    let hash = decision.planned.inputs.get(INPUTS).copied();
    let hash = hash.ok_or_else(|| differs("its inputs were not stored".to_owned()))?;
    let bytes = store.get(hash).map_err(|error| differs(error.to_string()))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| differs(format!("stored input {hash} cannot be read: {error}")))
}

fn recompute(
    store: &InputStore,
    decision: &Decision,
    inputs: &DecisionInputs,
) -> Result<RebalancePlan, Error> {
    let (id, journaled) = (decision.planned.decision_id, decision.planned.plan_hash);
    let differs = |problem: String| Error::Differs { id, problem };
    let kept = store.get(journaled).map_err(|error| differs(error.to_string()))?;
    let plan = inputs
        .decide()
        .map_err(|error| differs(format!("nothing can be decided from them any more: {error}")))?;
    let again = serde_json::to_vec(&plan).map_err(|error| differs(error.to_string()))?;
    if again == kept {
        return Ok(plan);
    }
    let told: Result<RebalancePlan, _> = serde_json::from_slice(&kept);
    let what =
        told.map_or("the journaled plan cannot be read", |told| first_difference(&told, &plan));
    Err(differs(format!(
        "the plan computed again has hash {}, the journaled one {}: {what}",
        Hash::of(&again).short(),
        journaled.short()
    )))
}

/// The first part of the chain that came out differently.
fn first_difference(told: &RebalancePlan, again: &RebalancePlan) -> &'static str {
    let parts = [
        (
            "the account or its mode differs",
            (&told.account, told.mode) == (&again.account, again.mode),
        ),
        ("its dates differ", (told.as_of, told.execute_on) == (again.as_of, again.execute_on)),
        ("the regime differs", told.regime == again.regime),
        ("equity or budget differ", (told.equity, told.budget) == (again.equity, again.budget)),
        ("signals differ", told.signals == again.signals),
        ("targets differ", told.targets == again.targets),
        ("orders differ", told.orders == again.orders),
        ("denied orders differ", told.denied == again.denied),
    ];
    parts.into_iter().find(|(_, same)| !same).map_or("remarks differ", |(what, _)| what)
}

fn explanation(
    decision: &Decision,
    inputs: &DecisionInputs,
    plan: RebalancePlan,
    chains: Vec<Chain>,
) -> Explanation {
    let planned = &decision.planned;
    Explanation {
        decision_id: planned.decision_id,
        as_of: plan.as_of,
        execute_on: plan.execute_on,
        mode: plan.mode,
        decided_at: plan.decided_at,
        plan_hash: planned.plan_hash,
        inputs: planned.inputs.clone(),
        index: Bars::of(&inputs.index.dates, &inputs.index.values),
        vix: inputs.vix.as_ref().and_then(|vix| Bars::of(&vix.dates, &vix.values)),
        regime: plan.regime,
        equity: plan.equity,
        budget: plan.budget,
        approved: decision.approval.as_ref().map(|word| (word.by.clone(), word.at)),
        completed: decision.completed.as_ref().map(|(_, summary)| summary.clone()),
        notes: plan.notes,
        chains,
    }
}

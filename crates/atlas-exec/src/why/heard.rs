//! The gates heard just before each send, heard again from the journal.

use std::collections::BTreeMap;

use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, Symbol};
use atlas_engine::RebalancePlan;
use atlas_risk::{GateName, Verdict, VerdictKind};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;

use crate::approver::Gates;
use crate::error::Error;
use crate::event::Event;
use crate::folder::AccountFolder;
use crate::journal::{SqliteStorage, Storage as _};
use crate::judged::{
    ContextAsked, OrderJudged, RampHeard, Said, add_what_was_sent, listed, made_for,
};
use crate::plan_approver::PlanApprover;
use crate::ramp;
use crate::state::{Decision, State};

/// What ramp and gates said just before a send, and say again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeardAgain {
    /// The record.
    pub seq: u64,
    /// The order.
    pub client_order_id: ClientOrderId,
    /// When they were heard.
    pub at: Timestamp,
    /// What the staged ramp said, where it was in force.
    pub ramp: Option<RampHeard>,
    /// One verdict a gate.
    pub verdicts: Vec<Verdict>,
}

/// One hearing on record, with what it rests on.
struct Hearing {
    seq: u64,
    judged: OrderJudged,
    asked: ContextAsked,
    gates: Value,
}

/// Hears the gates again on every order of a decision, by symbol: on what the broker was asked then,
/// on what the records up to then amount to, and under the limits of then.
///
/// # Errors
/// [`Error::Differs`] naming the order and the first gate that says something else now.
pub(super) fn heard_again(
    folder: &AccountFolder,
    decision: &Decision,
    plan: &RebalancePlan,
) -> Result<BTreeMap<Symbol, Vec<HeardAgain>>, Error> {
    let id = decision.planned.decision_id;
    let mut found: BTreeMap<Symbol, Vec<HeardAgain>> = BTreeMap::new();
    let mut hearings = on_record(folder, decision)?.into_iter().peekable();
    if hearings.peek().is_none() {
        return Ok(found);
    }
    let mut state = State::new();
    SqliteStorage::open_read_only(&folder.journal())?.replay(&mut |record, _| {
        state.apply(&record)?;
        while let Some(hearing) = hearings.next_if(|next| next.judged.after == state.seq()) {
            let heard =
                again(&state, plan, hearing).map_err(|problem| Error::Differs { id, problem })?;
            found.entry(heard.0).or_default().push(heard.1);
        }
        Ok(())
    })?;
    match hearings.next() {
        None => Ok(found),
        Some(Hearing { seq, judged, .. }) => {
            let problem = format!(
                "record {seq} says that the gates were heard after record {}, which is no earlier \
                 one",
                judged.after
            );
            Err(Error::Differs { id, problem })
        }
    }
}

/// The hearings of a decision, in order; a journal from before they were kept has none.
fn on_record(folder: &AccountFolder, decision: &Decision) -> Result<Vec<Hearing>, Error> {
    let id = decision.planned.decision_id;
    let (mut gates, mut asked) = (None, None);
    let mut hearings = Vec::new();
    SqliteStorage::open_read_only(&folder.journal())?.replay(&mut |record, _| {
        let of_interest = ["execution_started", "context_asked", "order_judged"];
        if record.decision_id != Some(id) || !of_interest.contains(&record.kind.as_str()) {
            return Ok(());
        }
        let seq = record.seq;
        let event = Event::decode(seq, &record.kind, record.version, &record.payload)?;
        if let Event::ExecutionStarted(started) = event {
            gates = started.gates;
        } else if let Event::ContextAsked(context) = event {
            asked = Some(*context);
        } else if let Event::OrderJudged(judged) = event {
            let (Some(gates), Some(asked)) = (gates.clone(), asked.clone()) else {
                let problem = format!("record {seq} does not say what the gates looked at");
                return Err(Error::Differs { id, problem });
            };
            hearings.push(Hearing { seq, judged: *judged, asked, gates });
        }
        Ok(())
    })?;
    Ok(hearings)
}

/// Hears ramp and gates once more.
fn again(
    state: &State,
    plan: &RebalancePlan,
    hearing: Hearing,
) -> Result<(Symbol, HeardAgain), String> {
    let Hearing { seq, judged: OrderJudged { request, at, ramp, said, .. }, asked, gates } =
        hearing;
    let id = request.client_order_id.clone();
    let unusable = |problem: String| format!("what order {id} was judged under: {problem}");
    let gates: Gates =
        serde_json::from_value(gates).map_err(|error| unusable(error.to_string()))?;
    let approver =
        PlanApprover::again(plan, &gates).map_err(|error| unusable(error.to_string()))?;
    let mut context = asked.into_fresh();
    let listed = listed(&context);
    add_what_was_sent(&mut context, &listed, (state, state.trading().state()), at);
    let context = made_for(&context, &request).unwrap_or(context);
    let turned_away = ramp.as_ref().and_then(|ramp| {
        ramp::check(ramp.stage, &request, ramp.worst, &context).err().map(|denial| denial.reason)
    });
    let before = ramp.as_ref().and_then(|ramp| ramp.denied.clone());
    if turned_away != before {
        let word = |denied: Option<String>| denied.unwrap_or_else(|| "let through".to_owned());
        return Err(format!(
            "what the ramp said of order {id} at its send comes out differently: then \"{}\", \
             now \"{}\"",
            word(before),
            word(turned_away)
        ));
    }
    let verdicts = if turned_away.is_some() {
        Vec::new()
    } else {
        approver.judge(&request, &context).verdicts
    };
    if let Some(difference) = first_difference(&said, &verdicts) {
        return Err(format!(
            "what the gates said of order {id} at its send comes out differently: {difference}"
        ));
    }
    let symbol = request.symbol;
    Ok((symbol, HeardAgain { seq, client_order_id: id, at, ramp, verdicts }))
}

/// The first gate that says something else, if one does. A gate that was not heard then is none: a
/// later program has gates that an earlier one had not.
fn first_difference(said: &[Said], now: &[Verdict]) -> Option<String> {
    let by_gate: BTreeMap<GateName, &Verdict> = now.iter().map(|v| (v.gate, v)).collect();
    let words = |kind: VerdictKind, value: Option<Decimal>, limit: Option<Decimal>| {
        let number = |n: Option<Decimal>| n.map_or_else(|| "none".to_owned(), |n| n.to_string());
        format!("{kind:?} ({}, limit {})", number(value), number(limit)).to_lowercase()
    };
    said.iter().find_map(|Said(gate, kind, value, limit)| {
        let then = words(*kind, *value, *limit);
        let now = by_gate.get(gate).map_or_else(
            || "not heard".to_owned(),
            |verdict| words(verdict.kind, verdict.value, verdict.limit),
        );
        (then != now).then(|| format!("gate {gate}, then {then}, now {now}"))
    })
}

//! `atlas shadow`: what a live account would have decided beside this one; sends nothing.
//!
//! The latest decision is made once more from its stored inputs: first as it was, which has to give
//! the journaled plan to the byte, then with the limits a live account of this configuration stands
//! under. What differs is the day's divergence report.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use atlas_core::time::Mode;
use atlas_core::{DecisionId, Qty, Symbol, Usd};
use atlas_engine::{DecisionInputs, Policy, RebalancePlan};
use atlas_exec::folder::{AccountFolder, InputStore};
use atlas_exec::ramp::{self, Standing};
use atlas_exec::why::{INPUTS, prove};
use atlas_exec::{State, peek};
use chrono::NaiveDate;
use serde::Serialize;

use super::operate::existing;
use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;

/// The document of the command, and of the report it leaves.
#[derive(Debug, Serialize)]
struct Shadow {
    decision_id: DecisionId,
    as_of: NaiveDate,
    execute_on: NaiveDate,
    /// Where a live account stands on the ramp.
    ramp: Standing,
    /// Orders of the decision, and of its shadow.
    orders: (usize, usize),
    /// Dollars of those orders at decision prices.
    notional: (Usd, Usd),
    /// Orders a gate denied.
    denied: (usize, usize),
    /// Symbols with different targets.
    diverging: BTreeMap<Symbol, Divergence>,
    /// Why the shadow decided nothing, if it did not.
    problem: Option<String>,
}

/// Shares held, and wanted by either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Divergence {
    held: Qty,
    wanted: Qty,
    live: Qty,
}

/// Computes, compares, reports.
pub(super) fn shadow(job: &Job) -> Result<()> {
    let folder = existing(job, "to shadow")?;
    let state = peek(&folder)?.unwrap_or_default();
    let Some((id, decision)) = state.decisions().iter().next_back() else {
        let sentence =
            format!("account {} has decided nothing yet: there is no shadow", job.account);
        return Err(Failure::error(Exit::Refused, sentence));
    };
    let store = InputStore::of(&folder);
    let told = prove(&store, &state, *id)?;
    let digest = decision.planned.inputs.get(INPUTS).copied();
    let bytes = store.get(digest.context("the decision was journaled without its inputs")?)?;
    let inputs: DecisionInputs = serde_json::from_slice(&bytes)?;
    let found = compare(job, &state, &told, inputs)?;
    keep(&folder, &found)?;
    tell(job, &found, &text(job, &found)?)
}

fn compare(
    job: &Job,
    state: &State,
    told: &RebalancePlan,
    inputs: DecisionInputs,
) -> Result<Shadow> {
    let ramp = ramp::standing(state, Mode::Live, told.as_of);
    let mut limits = ramp.stage.tighten(inputs.policy.limits.get())?;
    if let Some(most) = job.config.live.max_order {
        limits.max_order_notional = limits.max_order_notional.min(most);
    }
    let limits = limits.check()?;
    // Everything but the limits is as it was: the same market, account, regime and clock.
    let live = DecisionInputs { policy: Policy { limits, ..inputs.policy }, ..inputs }.decide();
    let (live, problem) = match live {
        Ok(plan) => (Some(plan), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let none = RebalancePlan { targets: vec![], orders: vec![], denied: vec![], ..told.clone() };
    let live = live.unwrap_or(none);
    Ok(Shadow {
        decision_id: told.decision_id,
        as_of: told.as_of,
        execute_on: told.execute_on,
        ramp,
        orders: (told.orders.len(), live.orders.len()),
        notional: (notional(told)?, notional(&live)?),
        denied: (told.denied.len(), live.denied.len()),
        diverging: diverging(told, &live),
        problem,
    })
}

fn notional(plan: &RebalancePlan) -> Result<Usd> {
    let all = plan.orders.iter().map(|order| order.decision_price.notional(order.request.qty));
    Ok(Usd::sum(all.collect::<Result<Vec<_>, _>>()?)?)
}

fn diverging(told: &RebalancePlan, live: &RebalancePlan) -> BTreeMap<Symbol, Divergence> {
    let mut all: BTreeMap<Symbol, Divergence> = BTreeMap::new();
    for target in &told.targets {
        let (held, wanted) = (target.held, target.target);
        all.insert(target.symbol.clone(), Divergence { held, wanted, live: Qty::ZERO });
    }
    for target in &live.targets {
        let bare = Divergence { held: target.held, wanted: Qty::ZERO, live: Qty::ZERO };
        all.entry(target.symbol.clone()).or_insert(bare).live = target.target;
    }
    all.retain(|_, divergence| divergence.wanted != divergence.live);
    all
}

/// The day's report, in the account's folder; computed again it is the same or takes its place.
fn keep(folder: &AccountFolder, found: &Shadow) -> Result<()> {
    let reports = folder.root().join("shadow");
    std::fs::create_dir_all(&reports).context("the folder of shadow reports cannot be made")?;
    let path = reports.join(format!("{}.json", found.as_of));
    let text = format!("{}\n", serde_json::to_string_pretty(found)?);
    std::fs::write(&path, text)
        .with_context(|| format!("the report {} cannot be written", path.display()))
}

fn text(job: &Job, found: &Shadow) -> Result<String> {
    let mut out = String::new();
    writeln!(
        out,
        "Shadow of decision {} of account {}, after the close of {}; nothing was sent.",
        found.decision_id, job.account, found.as_of
    )?;
    writeln!(out, "  ramp     {} stage: {}", found.ramp.stage, found.ramp.sentence)?;
    let ((orders, live_orders), (dollars, live_dollars)) = (found.orders, found.notional);
    writeln!(out, "  decided  {orders} orders of {dollars} USD, {} denied", found.denied.0)?;
    writeln!(
        out,
        "  live     {live_orders} orders of {live_dollars} USD, {} denied",
        found.denied.1
    )?;
    if let Some(problem) = &found.problem {
        writeln!(out, "  live     decides nothing: {problem}")?;
    }
    if found.diverging.is_empty() {
        writeln!(out, "  the two want the same")?;
    }
    for (symbol, Divergence { held, wanted, live }) in &found.diverging {
        writeln!(out, "  {symbol:<8} {held} held, {wanted} wanted, {live} by the live limits")?;
    }
    Ok(out)
}

//! `atlas shadow`: what a live account would have decided and held beside this one; sends nothing.
//!
//! Every decision is made once more from its stored inputs: first as it was, which has to give the
//! journaled plan to the byte, then for the shadow: the same market, the shadow's own money and
//! positions, and the limits a live account of this configuration stands under. What differs is the
//! day's divergence report.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::{Context as _, Result};
use atlas_core::time::Mode;
use atlas_core::{DecisionId, Qty, Regime, Symbol, Usd};
use atlas_engine::{DecisionInputs, Policy, RebalancePlan};
use atlas_exec::folder::{AccountFolder, InputStore};
use atlas_exec::ramp::{self, Standing};
use atlas_exec::why::{INPUTS, prove};
use atlas_exec::{State, peek};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Serialize;

use super::operate::existing;
use super::shadow_book::Book;
use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::render::dollars;

/// The document of the command, and of the report it leaves.
#[derive(Debug, Serialize)]
struct Shadow {
    decision_id: DecisionId,
    as_of: NaiveDate,
    execute_on: NaiveDate,
    /// Where a live account stands on the ramp.
    ramp: Standing,
    /// The regime of the decision, and of its shadow.
    regime: (Regime, Option<Regime>),
    /// Orders of the decision, and of its shadow.
    orders: (usize, usize),
    /// Dollars of those orders at decision prices.
    notional: (Usd, Usd),
    /// Orders a gate denied.
    denied: (usize, usize),
    /// What account and shadow came to, at the closes decided on.
    result: (Worth, Worth),
    /// The decision the shadow began with.
    begun: DecisionId,
    /// Symbols held or wanted differently.
    diverging: BTreeMap<Symbol, Divergence>,
    /// Why the shadow decided nothing, if it did not.
    problem: Option<String>,
}

/// What an account is worth, and what it gained since the shadow began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Worth {
    equity: Usd,
    gain: Usd,
    /// In per cent of what it began with.
    gain_percent: Decimal,
}

/// Shares held, and wanted, by either.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
struct Divergence {
    held: Qty,
    wanted: Qty,
    held_live: Qty,
    wanted_live: Qty,
}

/// One decision, proven, and what its shadow decided.
struct Pair {
    told: RebalancePlan,
    inputs: DecisionInputs,
    ramp: Standing,
    live: Result<RebalancePlan, String>,
}

/// Computes, compares, reports.
pub(super) fn shadow(job: &Job) -> Result<()> {
    let folder = existing(job, "to shadow")?;
    let state = peek(&folder)?.unwrap_or_default();
    let Some(latest) = state.decisions().keys().next_back().copied() else {
        let sentence =
            format!("account {} has decided nothing yet: there is no shadow", job.account);
        return Err(Failure::error(Exit::Refused, sentence));
    };
    let store = InputStore::of(&folder);
    let mut book = match Book::read(&folder)? {
        Some(book) => book,
        None => Book::begin(&prove(&store, &state, latest)?, job.config.live.max_equity),
    };
    // A book of another journal, such as one that was set aside, is not gone on with.
    if book.before > latest {
        let sentence = format!(
            "the shadow of account {} stands before decision {}, which its journal does not have: \
             remove shadow/book.json to begin anew",
            job.account, book.before
        );
        return Err(Failure::error(Exit::State, sentence));
    }
    let mut pair = decide(job, &store, &state, book.before, &book)?;
    while book.before < latest {
        book.peak = book.peak.max(book.equity(&pair.inputs)?);
        let decision = state.decisions().get(&book.before).context("a decision is missing")?;
        let orders = pair.live.as_ref().map(|live| live.orders.as_slice()).unwrap_or_default();
        book.settle(&state, decision, orders)?;
        book.before = DecisionId(book.before.0 + 1);
        pair = decide(job, &store, &state, book.before, &book)?;
    }
    let found = compare(&book, &pair)?;
    keep(&folder, &found)?;
    book.write(&folder)?;
    tell(job, &found, &text(job, &found)?)
}

/// Proves a decision, and makes it for the shadow.
fn decide(
    job: &Job,
    store: &InputStore,
    state: &State,
    id: DecisionId,
    book: &Book,
) -> Result<Pair> {
    let told = prove(store, state, id)?;
    let decision = state.decisions().get(&id).context("the decision is missing")?;
    let digest = decision.planned.inputs.get(INPUTS).copied();
    let bytes = store.get(digest.context("the decision was journaled without its inputs")?)?;
    let inputs: DecisionInputs = serde_json::from_slice(&bytes)?;
    let ramp = ramp::standing(state, Mode::Live, told.as_of);
    let mut limits = ramp.stage.tighten(inputs.policy.limits.get())?;
    if let Some(most) = job.config.live.max_order {
        limits.max_order_notional = limits.max_order_notional.min(most);
    }
    let policy = Policy { limits: limits.check()?, ..inputs.policy.clone() };
    // The market, regime and clock are as they were; money, positions and limits are the shadow's.
    let snapshot = book.snapshot(&inputs)?;
    let live = DecisionInputs { policy, snapshot, ..inputs.clone() };
    let live = live.decide().map_err(|error| error.to_string());
    Ok(Pair { told, inputs, ramp, live })
}

fn compare(book: &Book, pair: &Pair) -> Result<Shadow> {
    let told = &pair.told;
    let none = RebalancePlan { targets: vec![], orders: vec![], denied: vec![], ..told.clone() };
    let live = pair.live.as_ref().unwrap_or(&none);
    let equity = book.equity(&pair.inputs)?;
    Ok(Shadow {
        decision_id: told.decision_id,
        as_of: told.as_of,
        execute_on: told.execute_on,
        ramp: pair.ramp.clone(),
        regime: (told.regime.regime, pair.live.as_ref().ok().map(|live| live.regime.regime)),
        orders: (told.orders.len(), live.orders.len()),
        notional: (notional(told)?, notional(live)?),
        denied: (told.denied.len(), live.denied.len()),
        result: (worth(told.equity, book.start.0)?, worth(equity, book.start.1)?),
        begun: book.begun,
        diverging: diverging(told, live, book),
        problem: pair.live.as_ref().err().cloned(),
    })
}

fn worth(equity: Usd, start: Usd) -> Result<Worth> {
    let gain = equity.checked_sub(start)?;
    let gain_percent = if start > Usd::ZERO {
        (gain.value() / start.value() * Decimal::ONE_HUNDRED).round_dp(4)
    } else {
        Decimal::ZERO
    };
    Ok(Worth { equity, gain, gain_percent })
}

fn notional(plan: &RebalancePlan) -> Result<Usd> {
    let all = plan.orders.iter().map(|order| order.decision_price.notional(order.request.qty));
    Ok(Usd::sum(all.collect::<Result<Vec<_>, _>>()?)?)
}

fn diverging(
    told: &RebalancePlan,
    live: &RebalancePlan,
    book: &Book,
) -> BTreeMap<Symbol, Divergence> {
    let mut all: BTreeMap<Symbol, Divergence> = BTreeMap::new();
    for target in &told.targets {
        let found = all.entry(target.symbol.clone()).or_default();
        (found.held, found.wanted) = (target.held, target.target);
    }
    for (symbol, held) in &book.positions {
        let found = all.entry(symbol.clone()).or_default();
        // What the shadow decides nothing about stays as it is.
        (found.held_live, found.wanted_live) = (*held, *held);
    }
    for target in &live.targets {
        all.entry(target.symbol.clone()).or_default().wanted_live = target.target;
    }
    all.retain(|_, found| (found.held, found.wanted) != (found.held_live, found.wanted_live));
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
    let word = |regime: Option<Regime>| {
        regime.map_or_else(|| "none".to_owned(), |regime| regime.to_string().to_uppercase())
    };
    writeln!(out, "  regime   {}, live {}", word(Some(found.regime.0)), word(found.regime.1))?;
    let ((orders, live_orders), (paid, live_paid)) = (found.orders, found.notional);
    writeln!(out, "  decided  {orders} orders of {}, {} denied", dollars(paid), found.denied.0)?;
    writeln!(
        out,
        "  live     {live_orders} orders of {}, {} denied",
        dollars(live_paid),
        found.denied.1
    )?;
    if let Some(problem) = &found.problem {
        writeln!(out, "  live     decides nothing: {problem}")?;
    }
    for (what, worth) in [("account", found.result.0), ("shadow", found.result.1)] {
        writeln!(
            out,
            "  {what:<8} worth {}, {} ({:+.2} %) since decision {}",
            dollars(worth.equity),
            dollars(worth.gain),
            worth.gain_percent,
            found.begun
        )?;
    }
    if found.diverging.is_empty() {
        writeln!(out, "  the two hold and want the same")?;
    }
    for (symbol, found) in &found.diverging {
        let Divergence { held, wanted, held_live, wanted_live } = found;
        writeln!(
            out,
            "  {symbol:<8} {held} held, {wanted} wanted; the shadow {held_live} held, \
             {wanted_live} wanted"
        )?;
    }
    Ok(out)
}

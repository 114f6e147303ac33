//! `atlas status`: what an account amounts to, by its files alone; asks nobody and takes nothing.

use std::fmt::Write as _;

use anyhow::Result;
use atlas_core::journal::Hash;
use atlas_core::time::Timestamp;
use atlas_core::{ClientOrderId, DecisionId, OrderStatus, Price, Qty, Regime, Symbol, Usd};
use atlas_exec::day::DayClosed;
use atlas_exec::event::KeptSignal;
use atlas_exec::folder::{AccountFolder, AccountLock, Fence, FenceNote, Holder, Inbox};
use atlas_exec::protection::cover;
use atlas_exec::reconcile::Severity;
use atlas_exec::state::{DecisionStatus, State};
use atlas_exec::states::Holding;
use atlas_exec::{Cause, TradingState, peek};
use chrono::NaiveDate;
use serde::Serialize;
use std::collections::BTreeMap;

use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;

/// Everything a person asks first.
#[derive(Debug, Serialize)]
struct Status {
    state: TradingState,
    causes: BTreeMap<Cause, Holding>,
    fence: Option<FenceNote>,
    held_by: Option<Holder>,
    commands_waiting: usize,
    pending: Option<Pending>,
    owned: BTreeMap<Symbol, Held>,
    cash: Usd,
    regime: Option<Regime>,
    day: Option<Day>,
    last_closed: Option<DayClosed>,
    open_orders: Vec<Open>,
    breaker: atlas_risk::BreakerStance,
    reconciled: Option<Compared>,
    last_decision: Option<Told>,
    limits: BTreeMap<String, serde_json::Value>,
    records: u64,
    journal_head: Hash,
    last_record: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a step of its own")]
struct Pending {
    decision_id: DecisionId,
    as_of: NaiveDate,
    execute_on: NaiveDate,
    plan_hash: Hash,
    approved: bool,
    begun: bool,
}

/// Shares that are owned, since when, and what protects them.
#[derive(Debug, Serialize)]
struct Held {
    qty: Qty,
    since: Option<Timestamp>,
    protected: Qty,
    stop_price: Option<Price>,
    last_signal: Option<KeptSignal>,
}

/// The trading day up to now.
#[derive(Debug, Serialize)]
struct Day {
    date: NaiveDate,
    fills: u32,
    traded: Usd,
    realised: Usd,
}

#[derive(Debug, Serialize)]
struct Open {
    client_order_id: ClientOrderId,
    status: OrderStatus,
    leaves_qty: Qty,
}

#[derive(Debug, Serialize)]
struct Compared {
    at: Timestamp,
    clean: bool,
    equity: Usd,
    sentences: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Told {
    decision_id: DecisionId,
    as_of: NaiveDate,
    execute_on: NaiveDate,
    artifact: Option<String>,
}

/// Shows it.
pub(super) fn status(job: &Job) -> Result<()> {
    let folder = AccountFolder::new(&job.state_dir, &job.account);
    let Some(state) = peek(&folder)? else {
        return Err(Failure::error(
            Exit::Refused,
            format!("account {} has no journal: it was never used", job.account),
        ));
    };
    let fence = Fence::of(&folder).check()?;
    let status = gather(&folder, &state, fence)?;
    tell(job, &status, &text(job, &status)?)
}

fn gather(folder: &AccountFolder, state: &State, fence: Option<FenceNote>) -> Result<Status> {
    let trading = state.trading();
    // A fence counts before anybody has journaled it.
    let fenced = fence.as_ref().map_or(TradingState::Active, |note| note.cause.state());
    let waiting = Inbox::of(folder).waiting()?;
    let last = state.last().unwrap_or_default();
    Ok(Status {
        state: trading.state().max(fenced),
        causes: trading.causes().clone(),
        fence,
        held_by: AccountLock::holder(folder)?,
        commands_waiting: waiting,
        pending: state.pending().map(|pending| Pending {
            decision_id: pending.planned.decision_id,
            as_of: pending.planned.as_of,
            execute_on: pending.planned.execute_on,
            plan_hash: pending.planned.plan_hash,
            approved: pending.status() >= DecisionStatus::Approved,
            begun: pending.started.is_some(),
        }),
        owned: held(state),
        cash: state.books().cash(),
        regime: state.regime().map(|regime| regime.regime),
        day: day_of(state),
        last_closed: state.days().values().next_back().cloned(),
        open_orders: state.open_orders().map(open).collect(),
        breaker: state.breaker(last),
        reconciled: state.reconciled().map(|compared| {
            let found = &compared.result.discrepancies;
            let graver = found.iter().filter(|found| found.severity() == Severity::Mismatch);
            let sentences: Vec<String> = graver.map(ToString::to_string).collect();
            let equity = compared.result.account.equity;
            Compared { at: compared.at, clean: sentences.is_empty(), equity, sentences }
        }),
        last_decision: state.decisions().values().next_back().map(|decision| Told {
            decision_id: decision.planned.decision_id,
            as_of: decision.planned.as_of,
            execute_on: decision.planned.execute_on,
            artifact: decision.artifact.as_ref().map(|written| written.path.clone()),
        }),
        limits: state.limits().clone(),
        records: state.seq(),
        journal_head: state.head(),
        last_record: state.last(),
    })
}

fn held(state: &State) -> BTreeMap<Symbol, Held> {
    let covered = cover(state);
    let lots = state.books().lots().iter().filter(|(_, lot)| !lot.owned.is_zero());
    let held = lots.map(|(symbol, lot)| {
        let cover = covered.get(symbol);
        let held = Held {
            qty: lot.owned,
            since: lot.opened,
            protected: cover.map_or(Qty::ZERO, |cover| cover.protected),
            stop_price: cover.and_then(|cover| cover.stop_price),
            last_signal: state.last_signals().get(symbol).cloned(),
        };
        (symbol.clone(), held)
    });
    held.collect()
}

fn day_of(state: &State) -> Option<Day> {
    let marks = state.day()?;
    let realised = state.books().realised().checked_sub(marks.realised).ok()?;
    Some(Day { date: marks.day, fills: marks.fills, traded: marks.traded, realised })
}

fn open(tracked: &atlas_exec::state::TrackedOrder) -> Open {
    let order = &tracked.order;
    Open {
        client_order_id: order.request().client_order_id.clone(),
        status: order.status(),
        leaves_qty: order.leaves_qty(),
    }
}

fn text(job: &Job, status: &Status) -> Result<String> {
    let mut out = String::new();
    writeln!(out, "Account {} is {}", job.account, status.state)?;
    for (cause, holding) in &status.causes {
        writeln!(out, "  since {}: {cause}: {}", holding.since, holding.detail)?;
    }
    if let Some(note) = &status.fence {
        writeln!(out, "  fence    raised by {} at {}: {}", note.by, note.at, note.why)?;
    }
    if let Some(holder) = &status.held_by {
        writeln!(out, "  held by  {holder}")?;
    }
    if status.commands_waiting > 0 {
        writeln!(out, "  inbox    {} not taken yet", status.commands_waiting)?;
    }
    let held: Vec<String> =
        status.owned.iter().map(|(symbol, held)| format!("{} {symbol}", held.qty)).collect();
    let held = if held.is_empty() { "nothing".to_owned() } else { held.join(", ") };
    writeln!(out, "  books    cash {} USD, {held}", status.cash)?;
    write_protection(&mut out, status)?;
    if let Some(regime) = status.regime {
        writeln!(out, "  regime   {}", regime.to_string().to_uppercase())?;
    }
    if let Some(Day { date, fills, traded, realised }) = &status.day {
        writeln!(
            out,
            "  day      {date}: {fills} executions, {traded} USD traded, {realised} USD realised"
        )?;
    }
    if let Some(closed) = &status.last_closed {
        writeln!(out, "  closed   {}", crate::day::sentence(closed))?;
    }
    writeln!(out, "  breaker  {}", status.breaker)?;
    for order in &status.open_orders {
        let (id, leaves) = (&order.client_order_id, order.leaves_qty);
        writeln!(out, "  order    {id} is {}, {leaves} shares open", order.status.as_str())?;
    }
    match &status.reconciled {
        Some(compared) if compared.clean => {
            writeln!(out, "  compared {}: books and broker agree", compared.at)?;
        }
        Some(compared) => {
            writeln!(out, "  compared {}: {}", compared.at, compared.sentences.join("; "))?;
        }
        None => writeln!(out, "  compared never")?,
    }
    if let Some(pending) = &status.pending {
        let stage = match (pending.begun, pending.approved) {
            (true, _) => "under way: `atlas execute` finishes it",
            (false, true) => "approved: `atlas execute` carries it out",
            (false, false) => "waiting for approval",
        };
        writeln!(
            out,
            "  plan     decision {} of {} ({}) is {stage}",
            pending.decision_id,
            pending.as_of,
            pending.plan_hash.short()
        )?;
    }
    writeln!(out, "  journal  {} records, head {}", status.records, status.journal_head.short())?;
    Ok(out)
}

/// Says what is protected, where anything is or was to be.
fn write_protection(out: &mut String, status: &Status) -> Result<()> {
    let protected: Vec<String> = status
        .owned
        .iter()
        .filter_map(|(symbol, held)| {
            let stop = held.stop_price?;
            Some(format!("{} {symbol} below {stop}", held.protected))
        })
        .collect();
    if protected.is_empty() {
        return Ok(());
    }
    let bare: Vec<&str> = status
        .owned
        .iter()
        .filter(|(_, held)| held.protected != held.qty.whole())
        .map(|(symbol, _)| symbol.as_str())
        .collect();
    let bare = match bare.as_slice() {
        [] => String::new(),
        some => format!("; NOT wholly protected: {}", some.join(", ")),
    };
    writeln!(out, "  stops    {}{bare}", protected.join(", "))?;
    Ok(())
}

//! Telling a run: the report from plan and journal.

use std::collections::BTreeMap;

use anyhow::Result;
use atlas_core::{OrderStatus, SignalId};
use atlas_engine::plan::{PlannedOrder, PlannedSignal};
use atlas_exec::shell::{OrderReport as Sent, SignalReport};
use atlas_report::RunReport;
use atlas_report::run::{OrderReport, RunStatus, SCHEMA};

use crate::decision::Decided;
use crate::job::Job;
use crate::seat::Seat;
use crate::self_test;

/// The report of a decision as it stands in the journal now.
pub(crate) fn report(
    job: &Job,
    seat: &Seat,
    decided: &Decided,
    status: RunStatus,
    summary: String,
) -> Result<RunReport> {
    let Decided { plan, context, before } = decided;
    let id = plan.decision_id;
    let limits = job.limits_in(seat.session.state(), plan.mode, plan.as_of)?;
    let sent = seat.session.order_reports(id)?;
    let ends: BTreeMap<SignalId, SignalReport> =
        seat.session.signal_reports(id)?.into_iter().map(|end| (end.id.clone(), end)).collect();
    let orders = plan.orders.iter().map(|order| {
        let sent = sent.iter().find(|s| s.request.client_order_id == order.request.client_order_id);
        order_report(order, sent, ends.get(&order.signal_id))
    });
    Ok(RunReport {
        schema: SCHEMA,
        version: context.version.clone(),
        command: job.command.to_owned(),
        status,
        summary,
        account: job.account.clone(),
        mode: plan.mode,
        as_of: plan.as_of,
        execute_on: plan.execute_on,
        due: job.due(&seat.execute_on),
        data: context.data.clone(),
        config_hash: context.config_hash,
        decision_id: id,
        plan_hash: plan.hash()?,
        regime: plan.regime.clone(),
        equity: plan.equity,
        budget: plan.budget,
        signals: plan.signals.iter().map(|signal| ended(signal, &ends)).collect(),
        targets: plan.targets.clone(),
        preview: plan.preview.clone(),
        orders: orders.collect(),
        denied: plan.denied.clone(),
        fills: sent.iter().flat_map(|sent| sent.fills.clone()).collect(),
        account_before: before.clone(),
        account_after: None,
        reconciliation: None,
        verification: None,
        controls: Some(self_test::tried(&limits)),
        notes: plan.notes.clone(),
        journal_head: seat.session.state().head(),
        artifact: None,
        stages: job.stopwatch.stages(),
    })
}

/// The signal with the end the journal has for it.
fn ended(planned: &PlannedSignal, ends: &BTreeMap<SignalId, SignalReport>) -> PlannedSignal {
    let mut planned = planned.clone();
    if let Some(end) = ends.get(&planned.signal.id).filter(|end| end.outcome.is_some()) {
        planned.outcome = end.outcome;
        planned.reason.clone_from(&end.reason);
    }
    planned
}

fn order_report(
    order: &PlannedOrder,
    sent: Option<&Sent>,
    end: Option<&SignalReport>,
) -> OrderReport {
    let request = &order.request;
    // What ended without having been sent says why in its signal's end.
    let reason = match (sent.and_then(|sent| sent.reason.clone()), end) {
        (Some(reason), _) => reason,
        (None, Some(end)) if sent.is_none() && end.outcome.is_some() => end.reason.clone(),
        (None, _) => order.reason.clone(),
    };
    OrderReport {
        client_order_id: request.client_order_id.clone(),
        venue_order_id: sent.and_then(|sent| sent.venue_order_id.clone()),
        signal_id: order.signal_id.clone(),
        symbol: request.symbol.clone(),
        side: request.side,
        planned_qty: request.qty,
        sent_qty: sent.map(|sent| sent.request.qty),
        order_type: request.order_type,
        decision_price: order.decision_price,
        status: sent.map_or(OrderStatus::Initialized, |sent| sent.status),
        filled_qty: sent.map(|sent| sent.filled_qty).unwrap_or_default(),
        avg_fill_price: sent.and_then(|sent| sent.avg_fill_price),
        reason,
    }
}

//! What the dashboard shows, gathered from the account's files; asks nobody and takes nothing.

use std::collections::BTreeMap;

use anyhow::Result;
use atlas_core::{Price, Symbol};
use atlas_exec::folder::{AccountFolder, AccountLock, Fence};
use atlas_exec::quality::{samples, summarize};
use atlas_exec::reconcile::Severity;
use atlas_exec::state::State;
use atlas_exec::{TradingState, peek};
use atlas_report::RunReport;
use atlas_report::audit::Evidence;
use atlas_report::daily::{DayFigures, figures};
use atlas_report::dashboard::{Gauge, OpenOrder, Point, PositionRow, SignalRow, View};
use atlas_report::history::{executed, read_all};
use atlas_report::incident;
use atlas_risk::Limits;

use crate::job::Job;

/// Incidents that are shown.
const INCIDENTS: usize = 20;

/// The account at this moment.
///
/// # Errors
/// [`crate::exit::Exit::State`] if journal or artifacts cannot be trusted.
pub(super) fn look(job: &Job, folder: &AccountFolder) -> Result<View> {
    let state = peek(folder)?.unwrap_or_default();
    let fence = Fence::of(folder).check()?;
    let days = read_all(&folder.artifacts())?;
    let done = executed(&days);
    let rows = figures(&done, &Evidence::gather(folder)?.flows);
    let last = days.last().map(|day| &day.report);
    let fenced = fence.as_ref().map_or(TradingState::Active, |note| note.cause.state());
    let mut causes: Vec<String> = (state.trading().causes().iter())
        .map(|(cause, holding)| format!("Since {}: {cause}: {}.", holding.since, holding.detail))
        .collect();
    causes.extend(fence.map(|note| format!("The fence was raised by {}: {}.", note.by, note.why)));
    let compared = state.reconciled();
    let mismatches: Vec<String> = compared.map_or_else(Vec::new, |compared| {
        let found = compared.result.discrepancies.iter();
        let graver = found.filter(|found| found.severity() == Severity::Mismatch);
        graver.map(ToString::to_string).collect()
    });
    let mut incidents = incident::read_all(folder.root())?;
    incidents.reverse();
    incidents.truncate(INCIDENTS);
    Ok(View {
        account: job.account.to_string(),
        state: state.trading().state().max(fenced).to_string(),
        causes,
        held_by: AccountLock::holder(folder)?.map(|holder| holder.to_string()),
        cash: state.books().cash(),
        equity: compared.map(|compared| compared.result.account.equity),
        clean: mismatches.is_empty(),
        compared: match compared {
            None => "Books and broker were never compared.".to_owned(),
            Some(at) if mismatches.is_empty() => {
                format!("Books and broker agreed at {}.", at.at)
            }
            Some(at) => {
                format!("Books and broker differ since {}: {}.", at.at, mismatches.join("; "))
            }
        },
        breaker: state.breaker(state.last().unwrap_or_default()).to_string(),
        curve: rows.iter().map(point).collect(),
        positions: positions(&state, last),
        orders: state.open_orders().map(order).collect(),
        day: last.map(|report| report.execute_on),
        signals: last.map(signals).unwrap_or_default(),
        gauges: gauges(&state, rows.last(), &job.limits()?),
        evidence: last.map(evidence).unwrap_or_default(),
        quality: quality(&state),
        incidents,
        journal: format!("{} records, head {}", state.seq(), state.head().short()),
    })
}

fn point(row: &DayFigures) -> Point {
    Point { date: row.date, equity: row.equity.to_f64(), regime: row.regime.clone() }
}

fn positions(state: &State, last: Option<&RunReport>) -> Vec<PositionRow> {
    let books = last.and_then(|report| report.account_after.as_ref());
    let price = |symbol: &Symbol| -> Option<Price> {
        books?.positions.get(symbol).map(|held| held.current_price)
    };
    let stops: BTreeMap<&Symbol, f64> = last.map_or_else(BTreeMap::new, |report| {
        let signals = report.signals.iter().map(|planned| &planned.signal);
        let stop = |signal: &atlas_core::Signal| {
            signal.evidence.iter().find(|(name, _)| name == "exit_level").map(|(_, at)| *at)
        };
        signals.filter_map(|signal| Some((&signal.symbol, stop(signal)?))).collect()
    });
    let lots = state.books().lots().iter().filter(|(_, lot)| !lot.owned.is_zero());
    lots.map(|(symbol, lot)| {
        let (cost, price) = (lot.avg_price(), price(symbol));
        let gain =
            |cost: Price, price: Price| (price.to_f64() - cost.to_f64()) * lot.owned.to_f64();
        PositionRow {
            symbol: symbol.clone(),
            qty: lot.owned,
            cost,
            price,
            stop: stops.get(symbol).copied(),
            unrealised: cost.zip(price).map(|(cost, price)| gain(cost, price)),
        }
    })
    .collect()
}

fn order(tracked: &atlas_exec::state::TrackedOrder) -> OpenOrder {
    let (order, request) = (&tracked.order, tracked.order.request());
    OpenOrder {
        id: request.client_order_id.to_string(),
        what: format!("{} {} {}", request.side, request.qty, request.symbol),
        status: order.status().as_str().to_owned(),
        leaves: order.leaves_qty(),
    }
}

fn signals(report: &RunReport) -> Vec<SignalRow> {
    let row = |planned: &atlas_engine::plan::PlannedSignal| SignalRow {
        strategy: planned.signal.strategy.clone(),
        symbol: planned.signal.symbol.clone(),
        end: planned.outcome.map(|end| end.to_string()).unwrap_or_default(),
        reason: planned.reason.clone(),
    };
    report.signals.iter().map(row).collect()
}

fn gauges(state: &State, last: Option<&DayFigures>, limits: &Limits) -> Vec<Gauge> {
    let limits = limits.get();
    let today = state.reconciled().map(|compared| {
        let day = compared.at.date_naive();
        state.track().performance(day, compared.result.account.equity)
    });
    let share = |value: rust_decimal::Decimal| value.to_string().parse::<f64>().ok();
    let loss = today.as_ref().and_then(|p| p.day_return).and_then(share);
    let fall = today.as_ref().and_then(|p| p.drawdown).and_then(share);
    let largest = last.map(|row| row.concentration.unwrap_or(0.0));
    let gauge = |name: &str, value: Option<f64>, limit: atlas_core::Weight| Gauge {
        name: name.to_owned(),
        value,
        limit: limit.to_f64(),
    };
    vec![
        gauge(
            "loss of the day",
            loss.map(|day| if day < 0.0 { -day } else { 0.0 }),
            limits.daily_loss,
        ),
        gauge("fall from the peak", fall, limits.drawdown_deny),
        gauge("largest position", largest, limits.position_deny),
        gauge("exposure", last.map(|row| row.exposure), atlas_core::Weight::ONE),
        gauge("loss at the levels left at", last.and_then(|row| row.heat), limits.heat_deny),
    ]
}

fn evidence(report: &RunReport) -> Vec<(String, String)> {
    let regime = &report.regime;
    let mut pairs = vec![
        ("regime".to_owned(), regime.regime.to_string()),
        ("as of".to_owned(), report.as_of.to_string()),
        ("may be invested".to_owned(), format!("{:.0} %", regime.allocation.to_f64() * 100.0)),
    ];
    if regime.overridden {
        pairs.push(("set by".to_owned(), "a person, against the detector".to_owned()));
    }
    // The evidence has many shapes; its plain figures are shown by their own names.
    if let Some(estimate) = &regime.estimate
        && let Ok(serde_json::Value::Object(fields)) = serde_json::to_value(&estimate.evidence)
    {
        let plain = fields.into_iter().filter(|(_, value)| !value.is_null() && !value.is_object());
        pairs.extend(plain.filter(|(_, value)| !value.is_array()).map(|(name, value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.replace('_', " "), text)
        }));
    }
    pairs
}

fn quality(state: &State) -> Vec<(String, String)> {
    let all = summarize(&samples(state)).all;
    if all.fills == 0 {
        return Vec::new();
    }
    let bps =
        |value: Option<f64>| value.map_or_else(|| "unknown".to_owned(), |v| format!("{v:.1} bps"));
    let seconds = all.seconds_to_fill.map_or_else(|| "unknown".to_owned(), |s| format!("{s:.0} s"));
    vec![
        ("fills".to_owned(), all.fills.to_string()),
        ("against the quote at the send".to_owned(), bps(all.slippage_bps)),
        ("against the price of decision".to_owned(), bps(all.shortfall_bps)),
        ("time to fill".to_owned(), seconds),
    ]
}

//! What is looked at once a plan has been carried out.

use anyhow::Result;
use atlas_core::{Clock as _, Regime, Usd};
use atlas_engine::RebalancePlan;
use atlas_exec::ExecutionReport;
use atlas_exec::event::RegimeChanged;
use atlas_exec::verification;
use atlas_report::RunReport;
use atlas_report::incident::Severity;
use atlas_report::run::Books;
use atlas_risk::Effect;

use crate::day;
use crate::decision::Decided;
use crate::job::Job;
use crate::seat::Seat;

/// Verifies the execution, records a change of regime, and notes what a person should look at.
pub(super) fn tell(
    job: &Job,
    seat: &mut Seat,
    decided: &Decided,
    done: &ExecutionReport,
    report: &mut RunReport,
) -> Result<()> {
    let Some(after) = report.account_after.clone() else { return Ok(()) };
    let plan = &decided.plan;
    // What a buy may cost above its decision price is the limit for every fill.
    let limit = job.config.rebalance.buy_collar_bps;
    let found = verification::verify(plan, done, &after.positions, limit)?;
    for fill in found.fills.iter().filter(|fill| fill.beyond_limit) {
        let cause = format!(
            "order {} filled at {}, {} bps worse than the {} it was decided at",
            fill.client_order_id, fill.filled, fill.worse_bps, fill.expected
        );
        note(seat, Severity::Warning, cause, "the plan went on")?;
    }
    for order in plan.denied.iter().filter(|order| order.effect == Effect::Reducing) {
        let (request, reason) = (&order.request, &order.reason);
        let cause = format!("the exit of {} {} was denied: {reason}", request.qty, request.symbol);
        note(seat, Severity::Error, cause, "it is still held; look at the gate that denied it")?;
    }
    let observed = seat.session.state().breaker(seat.desk.clock.now());
    if observed == atlas_risk::BreakerStance::Closed {
        report.notes.push("the circuit breaker did not fire: not observed".to_owned());
    } else {
        report.notes.push(format!("the circuit breaker is {observed}"));
    }
    record_regime(seat, decided, &after)?;
    report.verification = Some(found);
    Ok(())
}

fn record_regime(seat: &mut Seat, decided: &Decided, after: &Books) -> Result<()> {
    let plan = &decided.plan;
    let (before, after_worth) = (exposure(&decided.before)?, exposure(after)?);
    let allowed = after.account.equity.share(plan.regime.allocation)?;
    // Prices move between decision and fill; a tenth of the equity is more than they should.
    let spike = after_worth > before
        && after_worth.checked_sub(allowed)? > after.account.equity.share(tenth()?)?;
    if spike {
        let cause = format!(
            "exposure is {after_worth} USD after {} USD, and the {} regime allows {allowed}",
            before, plan.regime.regime
        );
        note(seat, Severity::Error, cause, "nothing was undone; look at the plan")?;
    }
    let Some(from) = regime_before(seat, plan)? else { return Ok(()) };
    if from == plan.regime.regime {
        return Ok(());
    }
    let changed = RegimeChanged {
        from,
        to: plan.regime.regime,
        exposure_before: before,
        exposure_after: after_worth,
    };
    Ok(seat.session.record_regime_change(plan.decision_id, changed)?)
}

/// The regime of the last plan before this one that was carried out.
fn regime_before(seat: &Seat, plan: &RebalancePlan) -> Result<Option<Regime>> {
    let decisions = seat.session.state().decisions();
    let mut earlier = decisions.range(..plan.decision_id).rev();
    let Some((id, _)) = earlier.find(|(_, decision)| decision.started.is_some()) else {
        return Ok(None);
    };
    Ok(Some(seat.session.plan(*id)?.regime.regime))
}

fn exposure(books: &Books) -> Result<Usd> {
    let worth = books.positions.values().map(atlas_core::Position::market_value);
    Ok(Usd::sum(worth.collect::<Result<Vec<_>, _>>()?)?)
}

fn tenth() -> Result<atlas_core::Weight> {
    Ok("0.1".parse()?)
}

fn note(seat: &Seat, severity: Severity, cause: String, action: &str) -> Result<()> {
    day::note(&seat.session, seat.desk.clock.now(), severity, cause, action)
}

//! Executing a journaled plan, with every order judged again just before it is sent.

use std::time::Duration;

use anyhow::Result;
use atlas_broker::Broker;
use atlas_core::{DecisionId, SignalOutcome};
use atlas_engine::RebalancePlan;
use atlas_exec::sequencer::Waits;
use atlas_exec::shell::{Approval, reference_now, retire};
use atlas_exec::{DriftLimit, ExecutionReport, PlanApprover, Settings, execute};
use atlas_risk::Limits;

use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::seat::Seat;

/// Goes to the plan's window: a replay moves its clock there, real time has to be within it.
///
/// # Errors
/// [`Exit::Refused`] outside of the window.
pub(crate) fn enter_window(job: &Job, seat: &Seat) -> Result<()> {
    match &seat.desk.venue {
        Some(venue) => venue.advance_to(job.due(&seat.execute_on)),
        None => check_window(job, seat),
    }
}

/// Refuses a plan that nobody approved, or whose approval no longer holds.
///
/// # Errors
/// [`Exit::Refused`] with what is missing or has moved.
pub(crate) async fn check_approval(job: &Job, seat: &Seat, id: DecisionId) -> Result<()> {
    let legs = &seat.session.decision(id)?.planned.legs;
    let reference = reference_now(&seat.desk.broker, legs).await?;
    Ok(seat.session.check_approval(id, &reference, drift_limit(job))?)
}

/// Carries the plan out; its window has been entered.
///
/// # Errors
/// As [`execute`].
pub(crate) async fn carry_out(
    job: &mut Job,
    seat: &mut Seat,
    plan: &RebalancePlan,
    approval: Approval,
) -> Result<ExecutionReport> {
    let limits = job.limits()?;
    let settings = settings(job, &limits, approval)?;
    let equity = seat.desk.broker.account().await?.equity;
    let performance = seat.session.performance(equity, seat.execute_on.date)?;
    let gates = PlanApprover::new(plan, &limits, performance);
    let (id, timer, broker) = (plan.decision_id, seat.desk.timer(), &seat.desk.broker);
    let report = execute(&mut seat.session, id, broker, &gates, &*timer, &settings).await?;
    job.stopwatch.lap("execution");
    Ok(report)
}

/// Gives up an earlier plan that nobody executed, so that another can take its place.
///
/// # Errors
/// As [`retire`].
pub(crate) async fn give_up(
    job: &Job,
    seat: &mut Seat,
    id: DecisionId,
    reason: &str,
) -> Result<()> {
    let settings = settings(job, &job.limits()?, Approval::NotNeeded)?;
    let (timer, broker) = (seat.desk.timer(), &seat.desk.broker);
    let end = (SignalOutcome::Superseded, reason);
    Ok(retire(&mut seat.session, id, broker, &*timer, &settings, end).await?)
}

const fn drift_limit(job: &Job) -> DriftLimit {
    let drift = job.config.rebalance.approval_drift_bps;
    DriftLimit { price: drift, cash: drift }
}

/// Whether the plan's window is now; a replay makes it now instead.
fn check_window(job: &Job, seat: &Seat) -> Result<()> {
    let (now, due) = (seat.desk.clock.now(), job.due(&seat.execute_on));
    let refuse = |sentence: String| Err(Failure::error(Exit::Refused, sentence));
    if now < due {
        return refuse(format!("the plan is due at {due}, and it is {now}: come back then"));
    }
    let close = seat.execute_on.close;
    if now >= close {
        return refuse(format!(
            "the plan was for the session of {}, which closed at {close}: make a new one with \
             `atlas plan`",
            seat.execute_on.date
        ));
    }
    Ok(())
}

fn settings(job: &Job, limits: &Limits, approval: Approval) -> Result<Settings> {
    let (execution, spec) = (&job.config.execution, limits.get());
    let wait = execution.fill_wait_s.unwrap_or(spec.fill_wait_seconds);
    let poll = execution.poll_s.unwrap_or(spec.fill_poll_seconds);
    let wait = Duration::from_secs(wait.into());
    let standard = Settings::standard(spec.min_position);
    Ok(Settings {
        waits: Waits { reducing: wait, opening: wait, ..standard.waits },
        poll: Duration::from_secs(poll.into()),
        approval,
        drift: drift_limit(job),
        policy: job.reconciliation()?,
        ..standard
    })
}

//! Executing a journaled plan, with every order judged again just before it is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use atlas_broker::Broker;
use atlas_core::{DecisionId, OrderRequest};
use atlas_engine::{Fresh, RebalancePlan};
use atlas_exec::sequencer::{Leg, Waits};
use atlas_exec::shell::{Approval, reference_now};
use atlas_exec::{Approver, Denial, DriftLimit, ExecutionReport, FreshContext, Settings, execute};
use atlas_risk::{ApprovedOrder, Authority, BreakerStance, Limits, Performance, Validator};

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
    let judge = Judge { plan, validator: Validator::new(&limits), performance };
    let (id, timer, broker) = (plan.decision_id, seat.desk.timer(), &seat.desk.broker);
    let report = execute(&mut seat.session, id, broker, &judge, &*timer, &settings).await?;
    job.stopwatch.lap("execution");
    Ok(report)
}

const fn drift_limit(job: &Job) -> DriftLimit {
    let drift = job.config.rebalance.approval_drift_bps;
    DriftLimit { price: drift, cash: drift }
}

/// Whether the plan's window is now; a replay makes it now instead.
fn check_window(job: &Job, seat: &Seat) -> Result<()> {
    let (now, due) = (seat.desk.clock.now(), job.due(&seat.execute_on));
    let refuse = |sentence: String| Err(Failure::new(Exit::Refused, sentence));
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

/// The gates, on what was asked of the broker moments ago.
struct Judge<'a> {
    plan: &'a RebalancePlan,
    validator: Validator,
    performance: Performance,
}

impl Approver for Judge<'_> {
    fn approve(
        &self,
        _leg: &Leg,
        request: &OrderRequest,
        context: &FreshContext,
    ) -> Result<ApprovedOrder, Denial> {
        let market = self.plan.market(&context.quotes, &BTreeMap::new());
        let fresh = Fresh {
            now: context.now,
            state: context.state,
            authority: Authority::Engine,
            hours: context.hours,
            account: &context.account,
            positions: &context.positions,
            open_orders: &context.open_orders,
            recent_orders: &context.recent_orders,
            market: &market,
            activity: context.activity,
            performance: self.performance,
            breaker: BreakerStance::Closed,
        };
        Ok(self.validator.approve(request.clone(), &self.plan.context(&fresh))?)
    }
}

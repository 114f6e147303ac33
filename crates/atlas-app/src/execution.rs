//! Executing a journaled plan, with every order judged again just before it is sent.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Result;
use atlas_core::{DecisionId, OrderRequest};
use atlas_engine::{Fresh, RebalancePlan};
use atlas_exec::sequencer::{Leg, Waits};
use atlas_exec::shell::Approval;
use atlas_exec::{Approver, Denial, DriftLimit, ExecutionReport, FreshContext, Settings, execute};
use atlas_risk::{ApprovedOrder, Authority, BreakerStance, Limits, Performance, Validator};

use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::seat::Seat;

/// Carries the plan out in the session it is for.
///
/// # Errors
/// [`Exit::Refused`] outside of that session's window.
pub(crate) async fn carry_out(
    job: &mut Job,
    seat: &mut Seat,
    plan: &RebalancePlan,
    approval: Approval,
) -> Result<ExecutionReport> {
    let due = job.due(&seat.execute_on);
    match &seat.desk.venue {
        Some(venue) => venue.advance_to(due)?,
        None => check_window(job, seat)?,
    }
    let limits = job.limits()?;
    let settings = settings(job, &limits, approval)?;
    let performance = seat.session.performance(
        atlas_broker::Broker::account(&seat.desk.broker).await?.equity,
        seat.as_of.date,
    )?;
    let judge = Judge { plan, validator: Validator::new(&limits), performance };
    let timer = seat.desk.timer();
    let id: DecisionId = plan.decision_id;
    let report =
        execute(&mut seat.session, id, &seat.desk.broker, &judge, &*timer, &settings).await?;
    job.stopwatch.lap("execution");
    Ok(report)
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
    let drift = job.config.rebalance.approval_drift_bps;
    Ok(Settings {
        waits: Waits { reducing: wait, opening: wait, ..standard.waits },
        poll: Duration::from_secs(poll.into()),
        approval,
        drift: DriftLimit { price: drift, cash: drift },
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

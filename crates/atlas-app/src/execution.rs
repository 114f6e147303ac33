//! Executing a journaled plan, with every order judged again just before it is sent.

use std::time::Duration;

use anyhow::Result;
use atlas_core::time::Mode;
use atlas_core::{DecisionId, SignalOutcome, Usd};
use atlas_engine::RebalancePlan;
use atlas_exec::day::Losses;
use atlas_exec::protection::Protection;
use atlas_exec::sequencer::{Ceilings, Waits};
use atlas_exec::shell::{Approval, News, Ramp, reference_now, retire};
use atlas_exec::window::{Outside, Window};
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
    let reference = reference_now(seat.desk.broker(), legs).await?;
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
    seat.session.heed_limits(job.limits()?.get(), job.config.risk.breaker)?;
    let limits = job.limits_in(seat.session.state(), seat.mode(), plan.as_of)?;
    let equity = seat.desk.broker().account().await?.equity;
    let mut settings = settings(job, &limits, approval)?;
    settings.ceilings = ceilings(job, &limits, seat.mode(), equity)?;
    settings.entries_until = Some(window_of(job, seat).until);
    let past = seat.session.past();
    let gates = PlanApprover::new(plan, &limits, past)?.knowing(job.tradability());
    let (id, timer, broker) = (plan.decision_id, seat.desk.timer(), seat.desk.broker());
    seat.desk.heed(seat.session.fence());
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
    let (timer, broker) = (seat.desk.timer(), seat.desk.broker());
    let end = (SignalOutcome::Superseded, reason);
    Ok(retire(&mut seat.session, id, broker, &*timer, &settings, end).await?)
}

/// Whether the session a begun plan was for is over in real time, so that it can neither go on nor
/// wait for another one.
pub(crate) fn is_overdue(seat: &Seat, id: DecisionId) -> Result<bool> {
    let decision = seat.session.decision(id)?;
    let begun = decision.is_pending() && decision.started.is_some();
    let over = seat.desk.clock.now() >= seat.execute_on.close;
    Ok(begun && over && seat.desk.venue.is_none())
}

/// Ends a begun plan whose session is over: cancels what still works, finds out what became of the
/// rest, and gives every signal without an order its end. Sends nothing.
///
/// # Errors
/// As [`retire`].
pub(crate) async fn end_overdue(job: &Job, seat: &mut Seat, id: DecisionId) -> Result<()> {
    let trading = seat.session.state().trading();
    let outcome =
        trading.leading().map_or(SignalOutcome::ExpiredUnfilled, |(cause, _)| cause.outcome());
    let reason = format!("its session closed at {}", seat.execute_on.close);
    let settings = settings(job, &job.limits()?, Approval::NotNeeded)?;
    let (timer, broker) = (seat.desk.timer(), seat.desk.broker());
    let end = (outcome, reason.as_str());
    Ok(retire(&mut seat.session, id, broker, &*timer, &settings, end).await?)
}

const fn drift_limit(job: &Job) -> DriftLimit {
    let drift = job.config.rebalance.approval_drift_bps;
    DriftLimit { price: drift, cash: drift }
}

/// Whether the plan's window is now; a replay makes it now instead. A plan that has begun may go on
/// to the close.
fn check_window(job: &Job, seat: &Seat) -> Result<()> {
    let window = window_of(job, seat);
    let begun = seat.session.state().pending().is_some_and(|pending| pending.started.is_some());
    let now = seat.desk.clock.now();
    let refuse = |sentence: String| Err(Failure::error(Exit::Refused, sentence));
    match window.check(now, begun) {
        Ok(()) => Ok(()),
        Err(early @ Outside::Early { .. }) => {
            refuse(format!("{early}, and it is {now}: come back then"))
        }
        Err(outside @ (Outside::Late { .. } | Outside::Over { .. })) => refuse(format!(
            "the plan was for {}, and {outside}: make a new one with `atlas plan`",
            seat.execute_on.date
        )),
    }
}

/// What nothing goes beyond at the last point before the wire, whatever the gates said: the limits'
/// largest order, with real money also `live.max_order`, and twice what may be turned over in a
/// day. The gates refuse before that; who reaches it HALTS.
fn ceilings(job: &Job, limits: &Limits, mode: Mode, equity: Usd) -> Result<Ceilings> {
    let spec = limits.get();
    let live = job.config.live.max_order.filter(|_| mode == Mode::Live);
    let order = live.map_or(spec.max_order_notional, |most| most.min(spec.max_order_notional));
    let turnover = equity.max(Usd::ZERO).value() * spec.turnover_per_day;
    let plan = Usd::new(turnover * rust_decimal::Decimal::TWO)?;
    Ok(Ceilings { order_notional: Some(order), plan_notional: Some(plan) })
}

/// The part of the plan's session in which it may begin, and anything may be bought.
fn window_of(job: &Job, seat: &Seat) -> Window {
    let execution = &job.config.execution;
    let (after, before) = (execution.start_after_open_min, execution.stop_before_close_min);
    Window::of(&seat.execute_on, after, before)
}

/// How orders are carried out, by the configuration and the limits.
///
/// # Errors
/// [`Exit::Config`] for a policy that makes no sense.
pub(crate) fn settings(job: &Job, limits: &Limits, approval: Approval) -> Result<Settings> {
    let (execution, spec) = (&job.config.execution, limits.get());
    let wait = execution.fill_wait_s.unwrap_or(spec.fill_wait_seconds);
    let poll = execution.poll_s.unwrap_or(spec.fill_poll_seconds);
    let wait = Duration::from_secs(wait.into());
    let standard = Settings::standard(spec.min_position);
    Ok(Settings {
        waits: Waits { reducing: wait, opening: wait, ..standard.waits },
        poll: Duration::from_secs(poll.into()),
        ceilings: Ceilings { order_notional: Some(spec.max_order_notional), plan_notional: None },
        approval,
        drift: drift_limit(job),
        policy: job.reconciliation()?,
        // A replay has no time in which a stream could be sooner.
        news: if job.is_replay() { News::Polled } else { News::Streamed },
        breaker: Some(job.config.risk.breaker),
        losses: Some(Losses { daily: spec.daily_loss, drawdown: spec.drawdown_deny }),
        protection: job
            .config
            .protection
            .stop_below_bps
            .map(|stop_below| Protection { stop_below }),
        ramp: if job.config.ramp.rehearse { Ramp::Rehearsed } else { Ramp::Live },
        ..standard
    })
}

//! `atlas check`: what has to be right before a plan is carried out.

use anyhow::Result;
use atlas_core::time::Mode;
use atlas_exec::preopen::{self, Check};
use atlas_risk::Effect;
use serde::Serialize;

use super::take_pending;
use crate::decision::{self, Decided};
use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::seat::Seat;
use crate::self_test;

/// Looks at everything, and says all of it.
pub(super) async fn check(mut job: Job) -> Result<()> {
    let (seat, decided) = take_pending(&mut job).await?;
    let result = check_at(&job, &seat, &decided).await;
    seat.desk.close().await;
    result
}

/// The document of the command.
#[derive(Serialize)]
struct Body<'a> {
    passed: bool,
    checks: &'a [Check],
}

async fn check_at(job: &Job, seat: &Seat, decided: &Decided) -> Result<()> {
    let checks = look(job, seat, decided).await?;
    let lines = checks.iter().map(|check| {
        let word = if check.passed { "ok   " } else { "WRONG" };
        format!("  {word} {:<13} {}", check.name, check.sentence)
    });
    let passed = checks.iter().all(|check| check.passed);
    let text = lines.collect::<Vec<_>>().join("\n");
    tell(job, &Body { passed, checks: &checks }, &text)?;
    refuse_failed(job, &checks)
}

/// Refuses to carry a plan out while something is wrong. A replay makes its own clock and market,
/// and is held to nothing here.
///
/// # Errors
/// [`Exit::Refused`] with everything that is wrong.
pub(super) async fn before_execution(job: &Job, seat: &Seat, decided: &Decided) -> Result<()> {
    let begun = seat.session.has_sent(decided.plan.decision_id)?;
    // A plan of which orders were sent is finished whatever changed; that is the safer of the two.
    if seat.mode() == Mode::Replay || begun {
        return Ok(());
    }
    refuse_failed(job, &look(job, seat, decided).await?)
}

fn refuse_failed(job: &Job, checks: &[Check]) -> Result<()> {
    let wrong: Vec<&str> =
        checks.iter().filter(|check| !check.passed).map(|check| check.sentence.as_str()).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Failure::error(
        Exit::Refused,
        format!("the plan of account {} is not carried out: {}", job.account, wrong.join("; ")),
    ))
}

async fn look(job: &Job, seat: &Seat, decided: &Decided) -> Result<Vec<Check>> {
    let broker = seat.desk.broker();
    let (plan, context) = (&decided.plan, &decided.context);
    let mut checks = vec![
        preopen::data_fresh(plan.as_of, plan.execute_on),
        preopen::account_reachable(broker).await,
        preopen::unchanged("configuration", Some(context.config_hash), Some(job.config_hash()?)),
    ];
    if seat.mode() != Mode::Replay {
        checks.push(preopen::unchanged("program", context.program, decision::program()));
        // An account that lives by the broker's clock has no other.
        if !job.place.follows_broker() {
            checks.push(preopen::clock_skew(broker, seat.desk.clock.now()).await);
        }
    }
    let limits = job.limits_in(seat.session.state(), plan.mode, plan.as_of)?;
    let opens = plan.orders.iter().any(|order| order.effect == Effect::Opening);
    checks.push(self_test::check(&limits, opens));
    checks.extend(seat.session.folder().map(|folder| preopen::disk_room(folder.root())));
    Ok(checks)
}

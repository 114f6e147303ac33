//! Protective orders outside of a plan: what is missing is placed, and what stays bare is told.

use anyhow::Result;
use atlas_exec::shell::{Approval, Restored, bare, restore_protection};
use atlas_exec::{Error, GuardApprover, Session};
use atlas_report::incident::Severity;

use crate::accounts::Desk;
use crate::day;
use crate::execution;
use crate::job::Job;

/// Places the stops that are missing, and makes an incident of every position that stays bare, also
/// since the broker does not answer.
///
/// # Errors
/// Those of the journal, and of files that cannot be written.
pub(crate) async fn restore(session: &mut Session, desk: &Desk, job: &Job) -> Result<Restored> {
    let limits = job.limits()?;
    let settings = execution::settings(job, &limits, Approval::NotNeeded)?;
    let gates = GuardApprover::new(&limits, desk.mode());
    let timer = desk.timer();
    desk.heed(session.fence());
    let done = restore_protection(session, desk.broker(), &gates, &*timer, &settings).await;
    let done = match done {
        Ok(done) => done,
        // What was done before counts; the next look tries again.
        Err(error @ Error::Broker { .. }) => Restored {
            acted: false,
            bare: bare(session.state()),
            held_back: Some(error.to_string()),
        },
        Err(error) => return Err(error.into()),
    };
    for (symbol, cover) in &done.bare {
        let cause = format!(
            "{} of {} shares of {symbol} are protected by a stop at the broker",
            cover.protected, cover.owned
        );
        let action = done.held_back.as_ref().map_or_else(
            || "placing one was tried in vain; the next look tries again".to_owned(),
            |why| format!("none is placed now: {why}"),
        );
        day::note(session, desk.clock.now(), Severity::Error, cause, &action)?;
    }
    Ok(done)
}

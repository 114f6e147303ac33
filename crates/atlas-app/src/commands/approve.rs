//! `atlas approve`: a person's word for a plan.

use anyhow::Result;
use atlas_report::run::RunStatus;

use super::{reference_of, show_outcome, take_pending};
use crate::decision::Decided;
use crate::job::Job;
use crate::seat::Seat;
use crate::{render, reporting};

/// Approves the pending plan, as of the moment.
pub(super) async fn approve(mut job: Job, hash: &str) -> Result<()> {
    let (mut seat, decided) = take_pending(&mut job).await?;
    let result = approve_at(&mut job, &mut seat, &decided, hash).await;
    seat.desk.close().await;
    result
}

async fn approve_at(job: &mut Job, seat: &mut Seat, decided: &Decided, hash: &str) -> Result<()> {
    let reference = reference_of(seat, decided.plan.decision_id).await?;
    let id = seat.session.approve(hash, "operator", reference)?;
    let summary = format!(
        "Approved decision {id}; `atlas execute` carries it out from {}.",
        job.due(&seat.execute_on)
    );
    let report = reporting::report(job, seat, decided, RunStatus::Approved, summary)?;
    if job.json {
        return show_outcome(job, &report);
    }
    render::print(&format!("{}\n", report.summary))
}

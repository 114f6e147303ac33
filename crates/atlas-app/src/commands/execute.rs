//! `atlas execute`: the approved plan, or one that was interrupted.

use anyhow::Result;
use atlas_core::journal::Hash;
use atlas_exec::event::ArtifactWritten;
use atlas_exec::folder::AccountFolder;
use atlas_exec::reconcile::Reconciliation;
use atlas_exec::sequencer::Finish;
use atlas_exec::shell::Approval;
use atlas_exec::{ExecutionReport, TradingState, peek};
use atlas_report::incident::Severity;
use atlas_report::run::{Books, Comparison, RunStatus};
use atlas_report::{RunReport, artifact};
use atlas_risk::Effect;

use super::rebalance::planned_summary;
use super::{aftermath, check, sentences, show_decision, show_outcome, take_pending};
use crate::decision::Decided;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::seat::Seat;
use crate::{day, execution, protection, reporting};

/// Takes hold of the pending plan and carries it out.
pub(super) async fn execute(mut job: Job) -> Result<()> {
    let (mut seat, decided) = take_pending(&mut job).await?;
    let result = execute_at(&mut job, &mut seat, &decided).await;
    seat.desk.close().await;
    result
}

/// Ends the begun plan of an account in real time whose session is over, compares and writes its
/// artifact, so that another plan can be made; does nothing where there is none such.
///
/// # Errors
/// [`Exit::Paused`] if books and broker differ; [`Exit::Broker`] if the broker does not answer.
pub(super) async fn end_overdue(job: &mut Job) -> Result<()> {
    let folder = AccountFolder::new(&job.state_dir, &job.account);
    if job.is_replay() || !folder.journal().exists() {
        return Ok(());
    }
    let state = peek(&folder)?.unwrap_or_default();
    if state.unfinished().is_none_or(|left| left.started.is_none()) {
        return Ok(());
    }
    let (mut seat, decided) = take_pending(job).await?;
    let result = end_overdue_at(job, &mut seat, &decided).await;
    seat.desk.close().await;
    match result? {
        Some(finished) => finished.judge(job),
        None => Ok(()),
    }
}

async fn end_overdue_at(
    job: &mut Job,
    seat: &mut Seat,
    decided: &Decided,
) -> Result<Option<Finished>> {
    let id = decided.plan.decision_id;
    if !seat.session.decision(id)?.is_pending() {
        // Carried out by a run that ended before it had told so.
        return carry_through(job, seat, decided, Approval::NotNeeded).await.map(Some);
    }
    if !execution::is_overdue(seat, id)? {
        return Ok(None);
    }
    seat.session.take_note_of_fence()?;
    seat.session.take_commands()?;
    execution::end_overdue(job, seat, id).await?;
    let action = "it was ended, nothing more was sent, and another plan can be made";
    let cause = format!("the session of decision {id} closed while its plan was under way");
    day::note(&seat.session, seat.desk.clock.now(), Severity::Error, cause, action)?;
    carry_through(job, seat, decided, Approval::NotNeeded).await.map(Some)
}

async fn execute_at(job: &mut Job, seat: &mut Seat, decided: &Decided) -> Result<()> {
    if let Some(finished) = end_overdue_at(job, seat, decided).await? {
        show_outcome(job, &finished.report)?;
        return finished.judge(job);
    }
    execution::enter_window(job, seat)?;
    check::before_execution(job, seat, decided).await?;
    execution::check_approval(job, seat, decided.plan.decision_id).await?;
    let (status, summary) = planned_summary(job, seat, decided, false);
    let report = reporting::report(job, seat, decided, status, summary)?;
    show_decision(job, &report)?;
    finish(job, seat, decided, Approval::Required).await
}

/// Executes, settles the day, compares, writes the artifact and tells the run.
pub(super) async fn finish(
    job: &mut Job,
    seat: &mut Seat,
    decided: &Decided,
    approval: Approval,
) -> Result<()> {
    let finished = carry_through(job, seat, decided, approval).await?;
    show_outcome(job, &finished.report)?;
    finished.judge(job)
}

/// A plan that was carried through, for better or worse.
pub(super) struct Finished {
    /// The run, as its artifact tells it.
    pub(super) report: RunReport,
    found: Reconciliation,
    finish: Finish,
    state: TradingState,
    /// Exits the plan wanted and a gate denied.
    denied_exits: usize,
}

impl Finished {
    /// Whether it came to the end that was meant.
    ///
    /// # Errors
    /// [`Exit::Paused`] with what differs, or what the plan was stopped by; [`Exit::Refused`] if an
    /// exit was denied, so that what was to be sold is still held.
    pub(super) fn judge(self, job: &Job) -> Result<()> {
        if !self.found.is_clean() {
            return Err(Failure::error(
                Exit::Paused,
                format!("account {} is {}: {}", job.account, self.state, sentences(&self.found)),
            ));
        }
        match self.finish {
            Finish::Complete if self.denied_exits > 0 => Err(Failure::error(
                Exit::Refused,
                format!(
                    "{} exits of account {} were denied, and what they were to sell is still held: \
                     `atlas why` tells by which gate",
                    self.denied_exits, job.account
                ),
            )),
            Finish::Complete => Ok(()),
            Finish::Stopped { reason, .. } => Err(Failure::error(
                Exit::Paused,
                format!("the plan of account {} was not finished: {reason}", job.account),
            )),
        }
    }
}

/// Executes, settles the day, compares and writes the artifact.
pub(super) async fn carry_through(
    job: &mut Job,
    seat: &mut Seat,
    decided: &Decided,
    approval: Approval,
) -> Result<Finished> {
    if seat.session.decision(decided.plan.decision_id)?.is_pending() {
        execution::enter_window(job, seat)?;
    }
    let done = execution::carry_out(job, seat, &decided.plan, approval).await?;
    // A replay goes on to the close, where the day's fees are posted.
    if let Some(venue) = &seat.desk.venue {
        venue.advance_to(seat.execute_on.close)?;
    }
    let found = seat.compare(job).await?;
    protection::restore(&mut seat.session, &seat.desk, job).await?;
    job.stopwatch.lap("reconciliation");

    let summary = executed_summary(job, decided, &done, &found);
    let mut report = reporting::report(job, seat, decided, RunStatus::Executed, summary)?;
    report.account_after = Some(Books {
        account: found.account.clone(),
        positions: seat.desk.broker().positions().await?,
    });
    report.reconciliation = Some(Comparison::from(&found));
    aftermath::tell(job, seat, decided, &done, &mut report)?;
    write_artifact(job, seat, &mut report)?;
    let state = seat.session.trading_state();
    let denied_exits = denied_exits(decided);
    Ok(Finished { report, found, finish: done.finish, state, denied_exits })
}

fn denied_exits(decided: &Decided) -> usize {
    decided.plan.denied.iter().filter(|order| order.effect == Effect::Reducing).count()
}

fn executed_summary(
    job: &Job,
    decided: &Decided,
    done: &ExecutionReport,
    found: &Reconciliation,
) -> String {
    let filled = done.orders.iter().filter(|order| !order.filled_qty.is_zero()).count();
    let denied = match decided.plan.denied.len() {
        0 => String::new(),
        denied => format!(", {denied} denied"),
    };
    let exits = match denied_exits(decided) {
        0 => String::new(),
        exits => format!(", {exits} EXITS DENIED and still held"),
    };
    let books = if found.is_clean() { "books agree" } else { "books DISAGREE" };
    format!(
        "Rebalanced account {} as of {}: {filled} of {} orders filled on {}{denied}{exits}, {books}.",
        job.account,
        decided.plan.as_of,
        decided.plan.orders.len(),
        decided.plan.execute_on
    )
}

fn write_artifact(job: &mut Job, seat: &mut Seat, report: &mut RunReport) -> Result<()> {
    let Some(folder) = seat.session.folder().map(AccountFolder::artifacts) else {
        return Ok(());
    };
    report.journal_head = seat.session.state().head();
    report.stages = job.stopwatch.stages();
    let path = artifact::write(&folder, report.execute_on, report)?;
    let bytes = std::fs::read(&path)?;
    let name = path.file_name().unwrap_or_default();
    let written = ArtifactWritten {
        path: format!("artifacts/{}", name.to_string_lossy()),
        hash: Hash::of(&bytes),
    };
    seat.session.record_artifact(Some(report.decision_id), written)?;
    report.artifact = Some(path);
    if let Some(folder) = seat.session.folder() {
        super::audit::write_metrics(folder)?;
    }
    job.stopwatch.lap("artifact");
    report.stages = job.stopwatch.stages();
    Ok(())
}

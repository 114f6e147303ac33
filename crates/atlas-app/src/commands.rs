//! The commands.

use anyhow::Result;
use atlas_broker::Broker;
use atlas_core::journal::Hash;
use atlas_core::time::Mode;
use atlas_core::{DecisionId, Side, SignalOutcome, Symbol};
use atlas_exec::ExecutionReport;
use atlas_exec::event::{ArtifactWritten, Reference};
use atlas_exec::folder::AccountFolder;
use atlas_exec::reconcile::Reconciliation;
use atlas_exec::sequencer::Finish;
use atlas_exec::shell::{Approval, reference_now};
use atlas_exec::state::DecisionStatus;
use atlas_report::run::{Books, Comparison, RunStatus};
use atlas_report::{RunReport, artifact};
use chrono::NaiveDate;

use crate::cli::{Cli, Command, Decide};
use crate::decision::{self, Decided};
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::market::{Market, needs};
use crate::seat::{Ground, Hold, Reached, Seat};
use crate::{execution, render, reporting};

/// Runs a command to its end.
pub(crate) fn run(cli: Cli) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Rebalance(flags) => {
                let job = Job::new("rebalance", cli.common)?;
                rebalance(job, flags, Extent::Execute).await
            }
            Command::Plan(flags) => {
                rebalance(Job::new("plan", cli.common)?, flags, Extent::Plan).await
            }
            Command::Approve { hash } => approve(Job::new("approve", cli.common)?, &hash).await,
            Command::Execute => execute(Job::new("execute", cli.common)?).await,
        }
    })
}

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Up to the journaled plan.
    Plan,
    /// Up to reconciled fills.
    Execute,
}

async fn rebalance(mut job: Job, flags: Decide, extent: Extent) -> Result<()> {
    let broker = Reached::reach(&job).await?;
    let universe = flags.universe.clone().or_else(|| job.config.rebalance.universe.clone());
    let market = Market::load(job.data(), universe.as_deref())?;
    let as_of = as_of(&job, &market)?;
    // Checked before anything is opened: bad data leave no trace.
    let policy = job.policy(&flags, market.universe.name(), DecisionId(0), Mode::Replay)?;
    market.check(as_of, &needs(job.config.regime.missing_vix, policy.momentum.window))?;
    job.stopwatch.lap("data");

    let ground = if flags.dry_run { Ground::Copy } else { Ground::Real };
    let hold = Hold::take(&job, ground, broker)?;
    let mut seat = hold.sit(&mut job, market, as_of).await?;
    let result = rebalance_at(&mut job, &mut seat, &flags, extent).await;
    seat.desk.close().await;
    result
}

async fn rebalance_at(
    job: &mut Job,
    seat: &mut Seat,
    flags: &Decide,
    extent: Extent,
) -> Result<()> {
    let as_of = seat.as_of.date;
    let existing = seat.session.state().decision_on(as_of);
    let existing = existing.map(|decision| (decision.planned.decision_id, decision.status()));
    if let Some((id, DecisionStatus::Completed)) = existing
        && !was_superseded(seat, id)?
    {
        return already_done(job, seat, id);
    }
    if let Some((id, _)) = existing
        && seat.session.state().pending().is_some()
    {
        // It stands in the journal, so it is shown or gone on with, never computed again.
        let decided = decision::recall(seat, id)?;
        return go_on(job, seat, &decided, flags, extent).await;
    }
    job.check_schedule(as_of, flags.force)?;
    refuse_the_past(job, seat)?;
    settle_pending(job, seat).await?;
    if let Some(venue) = &seat.desk.venue {
        venue.advance_to(seat.as_of.close)?;
    }
    seat.reconcile(job).await?;
    let decided = decision::decide(job, seat, flags).await?;
    go_on(job, seat, &decided, flags, extent).await
}

/// Shows a journaled decision and goes as far with it as was asked for: a replay makes the next
/// session now, in real time `atlas execute` takes over in it.
async fn go_on(
    job: &mut Job,
    seat: &mut Seat,
    decided: &Decided,
    flags: &Decide,
    extent: Extent,
) -> Result<()> {
    let execute = extent == Extent::Execute && !flags.dry_run;
    if execute && seat.mode() != Mode::Replay {
        // Whoever asks for a whole rebalance approves what it decides, as of now.
        let hash = decided.plan.hash()?.to_string();
        let reference = reference_of(seat, decided.plan.decision_id).await?;
        seat.session.approve(&hash, "rebalance", reference)?;
    }
    let (status, summary) = planned_summary(job, seat, decided, flags.dry_run);
    let report = reporting::report(job, seat, decided, status, summary)?;
    show_decision(job, &report)?;
    if !execute || seat.mode() != Mode::Replay {
        return show_outcome(job, &report);
    }
    finish(job, seat, decided, Approval::NotNeeded).await
}

/// Prices, cash and positions of the moment, for an approval.
async fn reference_of(seat: &Seat, id: DecisionId) -> Result<Reference> {
    let legs = &seat.session.decision(id)?.planned.legs;
    Ok(reference_now(&seat.desk.broker, legs).await?)
}

/// The as-of session: as asked for, or what the data say; in real time the last one that closed.
fn as_of(job: &Job, market: &Market) -> Result<NaiveDate> {
    match job.as_of {
        Some(as_of) => Ok(as_of),
        None if job.is_replay() => market.default_as_of(),
        None => Job::last_closed(),
    }
}

/// Whether a completed decision was put aside without having been executed.
fn was_superseded(seat: &Seat, id: DecisionId) -> Result<bool> {
    let decision = seat.session.decision(id)?;
    Ok(decision.started.is_none()
        && decision.ends.values().any(|end| end.outcome == SignalOutcome::Superseded))
}

fn already_done(job: &mut Job, seat: &Seat, id: DecisionId) -> Result<()> {
    let decided = decision::recall(seat, id)?;
    let summary = format!(
        "The rebalance of {} on account {} was done before (decision {id}): nothing was sent.",
        decided.plan.as_of, job.account
    );
    let report = reporting::report(job, seat, &decided, RunStatus::AlreadyDone, summary)?;
    if job.json {
        return show_outcome(job, &report);
    }
    render::print(&format!("{}\n", report.summary));
    Ok(())
}

/// A replay's clock only goes forward.
fn refuse_the_past(job: &Job, seat: &Seat) -> Result<()> {
    let Some(venue) = &seat.desk.venue else { return Ok(()) };
    let now = venue.now();
    // After that session's close and before the next opening is the moment to decide.
    if now < seat.execute_on.open {
        return Ok(());
    }
    Err(Failure::error(
        Exit::Refused,
        format!(
            "as-of date {} is before the clock of account {}, which stands at {}: use that date \
             or a later one, or another --account",
            seat.as_of.date,
            job.account,
            now.date_naive()
        ),
    ))
}

/// An earlier plan that nobody executed makes room; one that is under way does not.
async fn settle_pending(job: &Job, seat: &mut Seat) -> Result<()> {
    let Some(pending) = seat.session.state().pending() else { return Ok(()) };
    let (id, as_of) = (pending.planned.decision_id, pending.planned.as_of);
    if pending.started.is_some() {
        return Err(Failure::error(
            Exit::Refused,
            format!(
                "decision {id} of {as_of} is under way: finish it with `atlas execute` before \
                 making another plan"
            ),
        ));
    }
    let reason = format!("a plan as of {} took the place of the one of {as_of}", seat.as_of.date);
    execution::give_up(job, seat, id, &reason).await
}

fn planned_summary(
    job: &Job,
    seat: &Seat,
    decided: &Decided,
    dry_run: bool,
) -> (RunStatus, String) {
    let plan = &decided.plan;
    let count = |side| plan.orders.iter().filter(|order| order.request.side == side).count();
    let orders = match (count(Side::Sell), count(Side::Buy)) {
        (0, 0) => "no orders".to_owned(),
        (sells, buys) => format!("{sells} to sell, {buys} to buy"),
    };
    if dry_run {
        return (
            RunStatus::DryRun,
            format!("Dry run: {orders}; nothing was sent, and nothing was kept."),
        );
    }
    let hash = plan.hash().map(|hash| hash.short()).unwrap_or_default();
    let next = match job.command {
        "rebalance" => format!("`atlas execute` carries it out from {}", job.due(&seat.execute_on)),
        _ => format!("approve it with `atlas approve {hash}`"),
    };
    (RunStatus::Planned, format!("Planned {orders}; nothing was sent; {next}."))
}

/// Takes hold of the account at its pending plan.
async fn take_pending(job: &mut Job) -> Result<(Seat, Decided)> {
    let hold = Hold::take(job, Ground::Real, Reached::reach(job).await?)?;
    let pending = hold.session().state().pending().map(|pending| &pending.planned);
    let Some((id, as_of)) = pending.map(|planned| (planned.decision_id, planned.as_of)) else {
        return Err(Failure::error(
            Exit::Refused,
            format!("account {} has no plan: make one with `atlas plan`", job.account),
        ));
    };
    let data = decision::recall_context(hold.session(), id)?.data;
    let symbols: Vec<&str> = data.symbols.iter().map(Symbol::as_str).collect();
    let name = job.data.clone().unwrap_or(data.name);
    let market = Market::load(&name, Some(&symbols.join(",")))?;
    job.stopwatch.lap("data");
    let seat = hold.sit(job, market, as_of).await?;
    let decided = decision::recall(&seat, id)?;
    Ok((seat, decided))
}

async fn approve(mut job: Job, hash: &str) -> Result<()> {
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
    render::print(&format!("{}\n", report.summary));
    Ok(())
}

async fn execute(mut job: Job) -> Result<()> {
    let (mut seat, decided) = take_pending(&mut job).await?;
    let result = execute_at(&mut job, &mut seat, &decided).await;
    seat.desk.close().await;
    result
}

async fn execute_at(job: &mut Job, seat: &mut Seat, decided: &Decided) -> Result<()> {
    execution::enter_window(job, seat)?;
    execution::check_approval(job, seat, decided.plan.decision_id).await?;
    let (status, summary) = planned_summary(job, seat, decided, false);
    let report = reporting::report(job, seat, decided, status, summary)?;
    show_decision(job, &report)?;
    finish(job, seat, decided, Approval::Required).await
}

/// Executes, settles the day, compares, writes the artifact and tells the run.
async fn finish(
    job: &mut Job,
    seat: &mut Seat,
    decided: &Decided,
    approval: Approval,
) -> Result<()> {
    execution::enter_window(job, seat)?;
    let done = execution::carry_out(job, seat, &decided.plan, approval).await?;
    // A replay goes on to the close, where the day's fees are posted.
    if let Some(venue) = &seat.desk.venue {
        venue.advance_to(seat.execute_on.close)?;
    }
    let found = seat.compare(job).await?;
    job.stopwatch.lap("reconciliation");

    let summary = executed_summary(job, decided, &done, &found);
    let mut report = reporting::report(job, seat, decided, RunStatus::Executed, summary)?;
    report.account_after = Some(Books {
        account: found.account.clone(),
        positions: seat.desk.broker.positions().await?,
    });
    report.reconciliation = Some(Comparison::from(&found));
    write_artifact(job, seat, &mut report)?;
    show_outcome(job, &report)?;
    if !found.is_clean() {
        return Err(Failure::error(
            Exit::Paused,
            format!("account {} is PAUSED: {}", job.account, sentences(&found)),
        ));
    }
    match done.finish {
        Finish::Complete => Ok(()),
        Finish::Stopped { reason, .. } => Err(Failure::error(
            Exit::Paused,
            format!("the plan of account {} was not finished: {reason}", job.account),
        )),
    }
}

fn executed_summary(
    job: &Job,
    decided: &Decided,
    done: &ExecutionReport,
    found: &Reconciliation,
) -> String {
    let filled = done.orders.iter().filter(|order| !order.filled_qty.is_zero()).count();
    let books = if found.is_clean() { "books agree" } else { "books DISAGREE" };
    format!(
        "Rebalanced account {} as of {}: {filled} of {} orders filled on {}, {books}.",
        job.account,
        decided.plan.as_of,
        decided.plan.orders.len(),
        decided.plan.execute_on
    )
}

fn sentences(found: &Reconciliation) -> String {
    let sentences: Vec<String> = found.mismatches().map(ToString::to_string).collect();
    sentences.join("; ")
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
    job.stopwatch.lap("artifact");
    report.stages = job.stopwatch.stages();
    Ok(())
}

/// Text shows the decision before anything is sent; JSON is one document at the end.
fn show_decision(job: &Job, report: &RunReport) -> Result<()> {
    if !job.json {
        render::print(&render::Painter::for_stdout().decision(report)?);
    }
    Ok(())
}

fn show_outcome(job: &Job, report: &RunReport) -> Result<()> {
    if job.json {
        render::print(&format!("{}\n", serde_json::to_string_pretty(report)?));
    } else {
        render::print(&render::Painter::for_stdout().outcome(report)?);
    }
    Ok(())
}

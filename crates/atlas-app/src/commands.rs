//! The commands.

use anyhow::Result;
use atlas_broker::Broker;
use atlas_core::journal::Hash;
use atlas_core::time::Mode;
use atlas_core::{DecisionId, Side, Symbol};
use atlas_exec::ExecutionReport;
use atlas_exec::event::{ArtifactWritten, Reference};
use atlas_exec::folder::AccountFolder;
use atlas_exec::reconcile::Reconciliation;
use atlas_exec::sequencer::Finish;
use atlas_exec::shell::{Approval, reference_now};
use atlas_exec::state::{Decision, DecisionStatus};
use atlas_report::run::{Books, Comparison, RunStatus};
use atlas_report::{RunReport, artifact};
use chrono::NaiveDate;

use crate::cli::{Cli, Command, Decide};
use crate::decision::{self, Decided, Detected};
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::market::Market;
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
            Command::Resume { why } => resume(Job::new("resume", cli.common)?, &why).await,
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
    job.stopwatch.lap("data");
    // Checked before anything is opened: data that cannot be decided on leave no trace.
    let detected = decision::detect(&job, &market, &flags, as_of)?;
    if job.is_replay() {
        market.check_next(as_of)?;
    }
    job.stopwatch.lap("regime");

    let ground = if flags.dry_run { Ground::Copy } else { Ground::Real };
    let hold = Hold::take(&job, ground, broker)?;
    let mut seat = hold.sit(&mut job, market, as_of).await?;
    let result = rebalance_at(&mut job, &mut seat, &flags, extent, detected).await;
    seat.desk.close().await;
    result
}

async fn rebalance_at(
    job: &mut Job,
    seat: &mut Seat,
    flags: &Decide,
    extent: Extent,
    detected: Detected,
) -> Result<()> {
    let as_of = seat.as_of.date;
    if let Some((id, stage)) = stage_of(seat.session.state().decision_on(as_of)) {
        let asked_differently = decision::differs(job, seat, id, flags)?;
        match (stage, asked_differently) {
            (Stage::Finished | Stage::UnderWay, Some(difference)) => {
                return Err(Failure::error(
                    Exit::Refused,
                    format!(
                        "decision {id} of {as_of} was made with {difference}, and is carried out: \
                         leave that out, or decide on a later date"
                    ),
                ));
            }
            (Stage::Finished, None) => return already_done(job, seat, id),
            (Stage::UnderWay | Stage::Waiting, None) => {
                // It stands in the journal: shown or gone on with, never computed again.
                let decided = decision::recall(seat, id)?;
                return go_on(job, seat, &decided, flags, extent).await;
            }
            // Nobody has begun it, so what is asked for now takes its place.
            (Stage::Waiting, Some(_)) => {}
        }
    }
    job.check_schedule(as_of, flags.force)?;
    refuse_the_past(job, seat)?;
    settle_pending(job, seat).await?;
    if let Some(venue) = &seat.desk.venue {
        venue.advance_to(seat.as_of.close)?;
    }
    seat.reconcile(job).await?;
    let decided = decision::decide(job, seat, flags, detected).await?;
    go_on(job, seat, &decided, flags, extent).await
}

/// How far a decision for the as-of session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Journaled, nothing sent.
    Waiting,
    /// Begun, and not told to the end: orders, comparison or artifact are missing.
    UnderWay,
    /// Executed, compared and told.
    Finished,
}

/// The stage of a decision; `None` also for one that was put aside before it began.
fn stage_of(decision: Option<&Decision>) -> Option<(DecisionId, Stage)> {
    let decision = decision?;
    let stage = match (decision.status(), &decision.started, &decision.artifact) {
        (DecisionStatus::Completed, Some(_), Some(_)) => Stage::Finished,
        (DecisionStatus::Completed, None, _) => return None,
        (_, Some(_), _) => Stage::UnderWay,
        (_, None, _) => Stage::Waiting,
    };
    Some((decision.planned.decision_id, stage))
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
    let begun = seat.session.decision(decided.plan.decision_id)?.started.is_some();
    let later = seat.mode() != Mode::Replay && !begun;
    if execute && later {
        // Whoever asks for a whole rebalance approves what it decides, as of now.
        let hash = decided.plan.hash()?.to_string();
        let reference = reference_of(seat, decided.plan.decision_id).await?;
        seat.session.approve(&hash, "rebalance", reference)?;
    }
    let (status, summary) = planned_summary(job, seat, decided, flags.dry_run);
    let report = reporting::report(job, seat, decided, status, summary)?;
    show_decision(job, &report)?;
    if !execute || later {
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
    if job.is_replay() {
        return job.as_of.map_or_else(|| market.default_as_of(), Ok);
    }
    let last = Job::last_closed()?;
    match job.as_of {
        Some(as_of) if as_of != last => Err(Failure::error(
            Exit::Refused,
            format!(
                "as-of date {as_of} is not {last}, the last session that has closed, which a paper \
                 account is decided on: leave --as-of out, or use a venue account"
            ),
        )),
        Some(_) | None => Ok(last),
    }
}

/// Tells a finished decision again, from its artifact.
fn already_done(job: &mut Job, seat: &Seat, id: DecisionId) -> Result<()> {
    let decided = decision::recall(seat, id)?;
    let mut summary = format!(
        "The rebalance of {} on account {} was done before (decision {id}): nothing was sent.",
        decided.plan.as_of, job.account
    );
    let mut report = reporting::report(job, seat, &decided, RunStatus::AlreadyDone, String::new())?;
    let written = seat.session.decision(id)?.artifact.as_ref();
    let path = written.and_then(|written| Some(seat.session.folder()?.root().join(&written.path)));
    match path.map(|path| (artifact::read(&path), path)) {
        Some((Ok(told), path)) => {
            report.account_after = told.account_after;
            report.reconciliation = told.reconciliation;
            report.artifact = Some(path);
        }
        Some((Err(error), _)) => summary = format!("{summary} But {error}."),
        None => {}
    }
    report.summary = summary;
    if job.json {
        return show_outcome(job, &report);
    }
    render::print(&format!("{}\n", report.summary))
}

/// A replay's clock only goes forward.
fn refuse_the_past(job: &Job, seat: &Seat) -> Result<()> {
    let Some(venue) = &seat.desk.venue else { return Ok(()) };
    // After that session's close and before the next opening is the moment to decide.
    if venue.now() < seat.execute_on.open {
        return Ok(());
    }
    let now = venue.now().date_naive();
    Err(Failure::error(
        Exit::Refused,
        format!(
            "as-of date {} is before the clock of account {}, which stands at {now}: use {now} or \
             a later date, or another --account",
            seat.as_of.date, job.account,
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
    let no_plan = format!("account {} has no plan: make one with `atlas plan`", job.account);
    let hold = take_existing(job, &no_plan).await?;
    let pending = hold.session().state().pending().map(|pending| pending.planned.decision_id);
    let id = pending.ok_or_else(|| Failure::error(Exit::Refused, no_plan))?;
    let seat = sit_at(job, hold, id).await?;
    let decided = decision::recall(&seat, id)?;
    Ok((seat, decided))
}

/// Takes hold of an account that has been used before; makes none.
async fn take_existing(job: &Job, otherwise: &str) -> Result<Hold> {
    if !AccountFolder::new(&job.state_dir, &job.account).journal().exists() {
        return Err(Failure::error(Exit::Refused, otherwise));
    }
    Hold::take(job, Ground::Real, Reached::reach(job).await?)
}

/// Sits down at a journaled decision, with the very market it was made on.
async fn sit_at(job: &mut Job, hold: Hold, id: DecisionId) -> Result<Seat> {
    let as_of = hold.session().decision(id)?.planned.as_of;
    let data = decision::recall_context(hold.session(), id)?.data;
    let symbols: Vec<&str> = data.symbols.iter().map(Symbol::as_str).collect();
    let name = job.data.clone().unwrap_or(data.name);
    let market = Market::load(&name, Some(&symbols.join(",")))?;
    if job.is_replay() && market.digest() != data.sha256 {
        return Err(Failure::error(
            Exit::Refused,
            format!(
                "{name} is not what decision {id} was made from: bring the same data back, or make \
                 another plan"
            ),
        ));
    }
    job.stopwatch.lap("data");
    hold.sit(job, market, as_of).await
}

async fn resume(mut job: Job, why: &str) -> Result<()> {
    let unused = format!("account {} has no journal: there is nothing to resume", job.account);
    let hold = take_existing(&job, &unused).await?;
    let last = hold.session().state().decisions().keys().next_back().copied();
    let id = last.ok_or_else(|| Failure::error(Exit::Refused, unused))?;
    let mut seat = sit_at(&mut job, hold, id).await?;
    let result = resume_at(&job, &mut seat, why).await;
    seat.desk.close().await;
    result
}

async fn resume_at(job: &Job, seat: &mut Seat, why: &str) -> Result<()> {
    let found = seat.compare(job).await?;
    if !found.is_clean() {
        return Err(Failure::error(
            Exit::Paused,
            format!("account {} stays PAUSED: {}", job.account, sentences(&found)),
        ));
    }
    let state = seat.session.resume("operator", why)?;
    render::print(&format!("Account {} is {state}: books and broker agree.\n", job.account))
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
    render::print(&format!("{}\n", report.summary))
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
    if seat.session.decision(decided.plan.decision_id)?.is_pending() {
        execution::enter_window(job, seat)?;
    }
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
    let denied = match decided.plan.denied.len() {
        0 => String::new(),
        denied => format!(", {denied} denied"),
    };
    let books = if found.is_clean() { "books agree" } else { "books DISAGREE" };
    format!(
        "Rebalanced account {} as of {}: {filled} of {} orders filled on {}{denied}, {books}.",
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
        render::print(&render::Painter::for_stdout().decision(report)?)?;
    }
    Ok(())
}

fn show_outcome(job: &Job, report: &RunReport) -> Result<()> {
    if job.json {
        render::print(&format!("{}\n", serde_json::to_string_pretty(report)?))
    } else {
        render::print(&render::Painter::for_stdout().outcome(report)?)
    }
}

//! `atlas rebalance` and `atlas plan`: deciding, and in a replay carrying out.

use anyhow::Result;
use atlas_core::calendar::Calendar;
use atlas_core::time::Mode;
use atlas_core::{DecisionId, Side};
use atlas_exec::shell::Approval;
use atlas_exec::state::{Decision, DecisionStatus};
use atlas_report::artifact;
use atlas_report::run::RunStatus;
use chrono::NaiveDate;

use super::execute::{end_overdue, finish};
use super::{reference_of, show_decision, show_outcome};
use crate::cli::Decide;
use crate::decision::{self, Decided, Detected};
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::market::Market;
use crate::seat::{Ground, Hold, Reached, Seat};
use crate::{execution, render, reporting, self_test};

/// How far to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Up to the journaled plan.
    Plan,
    /// Up to reconciled fills.
    Execute,
}

pub(super) async fn rebalance(mut job: Job, flags: Decide, extent: Extent) -> Result<()> {
    if job.mode() == Mode::Live && flags.regime.is_some() {
        let sentence = "--regime is refused with real money: the detector's word counts there";
        return Err(Failure::error(Exit::Refused, sentence));
    }
    if !flags.dry_run {
        Box::pin(end_overdue(&mut job)).await?;
    }
    let broker = Reached::reach(&job).await?;
    let universe = flags.universe.clone().or_else(|| job.config.rebalance.universe.clone());
    let market = Market::open(&job, job.data(), universe.as_deref()).await?;
    let as_of = as_of(&job, &market, &broker)?;
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
    // A replay that is held back stays where it is.
    if seat.desk.venue.is_some() {
        seat.refuse_held()?;
    }
    if let Some(venue) = &seat.desk.venue {
        venue.advance_to(seat.as_of.close)?;
    }
    seat.reconcile(job).await?;
    let decided = decision::decide(job, seat, flags, detected).await?;
    go_on(job, seat, &decided, flags, extent).await
}

/// How far a decision for the as-of session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Journaled, nothing sent.
    Waiting,
    /// Begun, and not told to the end: orders, comparison or artifact are missing.
    UnderWay,
    /// Executed, compared and told.
    Finished,
}

/// The stage of a decision; `None` also for one that was put aside before it began.
pub(super) fn stage_of(decision: Option<&Decision>) -> Option<(DecisionId, Stage)> {
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
        show_outcome(job, &report)?;
    } else {
        finish(job, seat, decided, Approval::NotNeeded).await?;
    }
    self_test::complain(report.controls.as_ref())
}

/// The as-of session: as asked for, or what the data say; in real time the last one that closed.
fn as_of(job: &Job, market: &Market, broker: &Reached) -> Result<NaiveDate> {
    if job.is_replay() {
        return job.as_of.map_or_else(|| market.default_as_of(), Ok);
    }
    let last = Calendar::nyse().last_closed(broker.now())?.date;
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

pub(super) fn planned_summary(
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

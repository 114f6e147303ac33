//! The commands, one file for each group; here is what they share.

mod aftermath;
mod approve;
pub(crate) mod audit;
mod check;
pub(crate) mod configuration;
pub(crate) mod controls;
pub(crate) mod drill;
mod execute;
mod flatten;
mod gate;
mod journal;
mod kill;
mod monitor;
mod operate;
mod protect;
mod quality;
mod rebalance;
pub(crate) mod research;
mod schedule;
mod shadow;
mod shadow_book;
mod status;
pub(crate) mod trade;
mod watchdog;
mod why;

use anyhow::Result;
use atlas_core::DecisionId;
use atlas_exec::event::Reference;
use atlas_exec::folder::AccountFolder;
use atlas_exec::reconcile::Reconciliation;
use atlas_exec::shell::reference_now;
use atlas_report::RunReport;

use self::rebalance::Extent;
use crate::cli::{Cli, Command, Common, Practice};
use crate::dashboard;
use crate::decision::{self, Decided};
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::render;
use crate::seat::{Ground, Hold, Reached, Seat};
use crate::serve::{self, VenueCommand};

/// Runs a command to its end.
pub(crate) fn run(cli: Cli) -> Result<()> {
    // A server has many clients at once; everything else is one thing after another.
    let mut runtime = if matches!(cli.command, Command::Venue(_) | Command::Serve(_)) {
        tokio::runtime::Builder::new_multi_thread()
    } else {
        tokio::runtime::Builder::new_current_thread()
    };
    runtime.enable_all().build()?.block_on(dispatch(cli))
}

async fn dispatch(cli: Cli) -> Result<()> {
    let common = cli.common;
    match cli.command {
        Command::Rebalance(flags) => {
            let job = Job::new("rebalance", common)?;
            Box::pin(rebalance::rebalance(job, flags, Extent::Execute)).await
        }
        Command::Plan(flags) => {
            let job = Job::new("plan", common)?;
            Box::pin(rebalance::rebalance(job, flags, Extent::Plan)).await
        }
        Command::Approve { hash } => {
            Box::pin(approve::approve(Job::new("approve", common)?, &hash)).await
        }
        Command::Execute => Box::pin(execute::execute(Job::new("execute", common)?)).await,
        Command::Serve(flags) => dashboard::serve(common, &flags).await,
        Command::Venue(VenueCommand::Serve(flags)) => serve::serve(common, flags).await,
        Command::Resume(word) => operate::resume(Job::new("resume", common)?, &word).await,
        Command::Pause(word) => operate::pause(&Job::new("pause", common)?, &word),
        Command::Kill(flags) => Box::pin(kill::kill(Job::new("kill", common)?, &flags)).await,
        Command::Reconcile { adopt } => {
            operate::reconcile(Job::new("reconcile", common)?, adopt).await
        }
        Command::Controls(what) => controls::controls(&Job::new("controls", common)?, &what),
        Command::Research(what) => research::run(what, common).await,
        Command::Status => status::status(&Job::new("status", common)?),
        Command::Trade(flags) => Box::pin(trade::trade(Job::new("trade", common)?, &flags)).await,
        Command::Check => Box::pin(check::check(Job::new("check", common)?)).await,
        Command::Setup(what) => configuration::setup(&what, common),
        Command::Audit(flags) => audit::audit(&Job::new("audit", common)?, &flags),
        Command::Artifacts(what) => audit::artifacts(&Job::new("artifacts", common)?, &what),
        Command::Practice(what) => practice(what, common).await,
        Command::Why { about } => why::why(&Job::new("why", common)?, &about),
        Command::Journal(what) => journal::journal(&Job::new("journal", common)?, &what),
    }
}

async fn practice(what: Practice, common: Common) -> Result<()> {
    match what {
        Practice::Reduce(word) => operate::reduce(&Job::new("reduce", common)?, &word),
        Practice::Flatten(flags) => {
            Box::pin(flatten::flatten(Job::new("flatten", common)?, &flags)).await
        }
        Practice::Protect => Box::pin(protect::protect(Job::new("protect", common)?)).await,
        Practice::Monitor(flags) => monitor::monitor(&Job::new("monitor", common)?, &flags).await,
        Practice::Watchdog(flags) => {
            watchdog::watchdog(&Job::new("watchdog", common)?, &flags).await
        }
        Practice::Gate(flags) => gate::gate(&Job::new("gate", common)?, &flags),
        Practice::Quality(flags) => quality::quality(&Job::new("quality", common)?, &flags),
        Practice::Schedule(flags) => Box::pin(schedule::schedule(common, &flags)).await,
        Practice::Drill(what) => Box::pin(drill::drill(Job::new("drill", common)?, what)).await,
        Practice::Shadow => shadow::shadow(&Job::new("shadow", common)?),
    }
}

/// Prices, cash and positions of the moment, for an approval.
pub(super) async fn reference_of(seat: &Seat, id: DecisionId) -> Result<Reference> {
    let legs = &seat.session.decision(id)?.planned.legs;
    Ok(reference_now(seat.desk.broker(), legs).await?)
}

/// Takes hold of the account at its pending plan.
pub(super) async fn take_pending(job: &mut Job) -> Result<(Seat, Decided)> {
    let no_plan = format!("account {} has no plan: make one with `atlas plan`", job.account);
    let hold = take_existing(job, &no_plan).await?;
    let pending = hold.session().state().unfinished().map(|left| left.planned.decision_id);
    let id = pending.ok_or_else(|| Failure::error(Exit::Refused, no_plan))?;
    let seat = sit_at(job, hold, id).await?;
    let decided = decision::recall(&seat, id)?;
    Ok((seat, decided))
}

/// Takes hold of an account that has been used before; makes none.
pub(super) async fn take_existing(job: &Job, otherwise: &str) -> Result<Hold> {
    if !AccountFolder::new(&job.state_dir, &job.account).journal().exists() {
        return Err(Failure::error(Exit::Refused, otherwise));
    }
    Hold::take(job, Ground::Real, Reached::reach(job).await?)
}

/// Sits down at a journaled decision, with the very market it was made on.
pub(super) async fn sit_at(job: &mut Job, hold: Hold, id: DecisionId) -> Result<Seat> {
    let (market, as_of) = hold.market_of(job, id).await?;
    let digest = decision::recall_context(hold.session(), id)?.data.sha256;
    if job.is_replay() && market.digest() != digest {
        let name = market.source_name();
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

pub(super) fn sentences(found: &Reconciliation) -> String {
    let sentences: Vec<String> = found.mismatches().map(ToString::to_string).collect();
    sentences.join("; ")
}

/// Text shows the decision before anything is sent; JSON is one document at the end.
pub(super) fn show_decision(job: &Job, report: &RunReport) -> Result<()> {
    if !job.json {
        render::print(&render::Painter::for_stdout().decision(report)?)?;
    }
    Ok(())
}

pub(super) fn show_outcome(job: &Job, report: &RunReport) -> Result<()> {
    if job.json {
        render::print(&format!("{}\n", serde_json::to_string_pretty(report)?))
    } else {
        render::print(&render::Painter::for_stdout().outcome(report)?)
    }
}

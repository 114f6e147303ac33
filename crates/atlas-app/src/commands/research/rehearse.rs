//! `atlas rehearse`: the whole live path over history.

use std::path::PathBuf;

use anyhow::Result;
use atlas_backtest::parity::{Course, Parity};
use atlas_backtest::{Backtest, BacktestReport, Config, Schedule};
use atlas_core::calendar::Calendar;
use atlas_core::time::Mode;
use atlas_core::{DecisionId, Usd};
use atlas_exec::folder::AccountFolder;
use atlas_venue::{CostModel, Slippage};
use chrono::NaiveDate;
use clap::Args;
use serde::Serialize;

use super::choices::Every;
use super::progress::Progress;
use super::stage::{Stage, Troubles};
use super::{parity, told};
use crate::cli::Decide;
use crate::config::{AccountConfig, VenueConfig};
use crate::document::tell;
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::market::Market;

/// What to rehearse.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    /// First day; without it the longest period the data allow.
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<NaiveDate>,
    /// Last day; without it the longest period the data allow.
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: Option<NaiveDate>,
    /// How often is decided.
    #[arg(long, value_enum, default_value = "monthly")]
    schedule: Every,
    /// A named universe, symbols separated by commas, or a file with one symbol a line.
    #[arg(long, value_name = "NAME|SYMBOLS|FILE")]
    universe: Option<String>,
    /// Hold at most the best N symbols.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    top_n: Option<u16>,
    /// Let the venue misbehave as this seed draws: connections cut before and after an order was
    /// taken, gateways that fail, orders filled in part. A run that fails is started again, and an
    /// account that is PAUSED is resumed once its books agree.
    #[arg(long, value_name = "SEED")]
    faults: Option<u64>,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document<'a> {
    from: NaiveDate,
    to: NaiveDate,
    schedule: Schedule,
    data: &'a str,
    data_sha256: &'a str,
    decisions: usize,
    orders: usize,
    fills: usize,
    /// Whether every decision was rehearsed; false after Ctrl-C.
    complete: bool,
    final_equity: Option<Usd>,
    faults: Option<u64>,
    troubles: &'a Troubles,
    folder: &'a PathBuf,
    /// Identical if it names no first difference.
    parity: &'a Parity,
}

pub(super) async fn run(job: Job, flags: Flags) -> Result<()> {
    let venue = match &job.place {
        AccountConfig::Venue(venue) => venue.clone(),
        // A paper account is rehearsed at the embedded venue, under its own name.
        AccountConfig::Alpaca(_) => VenueConfig::default(),
    };
    let universe = flags.universe.clone().or_else(|| job.config.rebalance.universe.clone());
    let market = Market::load(job.data(), universe.as_deref())?;
    let tested = backtest(&job, &flags, &market, &venue)?;
    let decisions: Vec<NaiveDate> = tested.decisions.iter().map(|d| d.as_of).collect();
    let last = tested.header.last_session;

    let folder = new_folder(&job, &tested)?;
    let place = AccountConfig::Venue(venue.clone());
    let job = Job { command: "rehearse", place, state_dir: folder.clone(), ..job };
    let first = decisions.first().copied().unwrap_or(last);
    let opening = Stage::open(job, venue, decide(&flags), flags.faults, market, first);
    let mut stage = Box::pin(opening).await?;
    let progress = Progress::begin("rehearsal", decisions.len());
    let mut until = None;
    for (number, as_of) in decisions.iter().enumerate() {
        Box::pin(stage.play(*as_of)).await?;
        let acted = Calendar::nyse().next_session(*as_of)?.date;
        until = Some(acted);
        if !progress.done(number + 1) {
            break;
        }
    }
    let complete = until.is_some() && until >= tested.decisions.last().map(|d| d.execute_on);
    let until = if complete { last } else { until.unwrap_or(last) };
    let (job, troubles) = Box::pin(stage.close(until)).await?;

    let journal = AccountFolder::new(&folder, &job.account).journal();
    let rehearsed = parity::course_of_journal(&journal)?;
    let own = Course::of(&tested).between(tested.header.first_session, until);
    let found = own.compare(&rehearsed).map_err(told)?;
    let document = Document {
        from: tested.header.first_session,
        to: until,
        schedule: tested.header.schedule,
        data: &tested.header.data,
        data_sha256: &tested.header.data_sha256,
        decisions: decisions.len(),
        orders: rehearsed.orders.len(),
        fills: rehearsed.fills.len(),
        complete,
        final_equity: rehearsed.equity.last().map(|(_, equity)| *equity),
        faults: flags.faults,
        troubles: &troubles,
        folder: &folder,
        parity: &found,
    };
    tell(&job, &document, &in_words(&document))?;
    parity::judge(&found, flags.faults.is_none())
}

/// The same dates as a backtest: what the rehearsal is held against.
fn backtest(
    job: &Job,
    flags: &Flags,
    market: &Market,
    venue: &VenueConfig,
) -> Result<BacktestReport> {
    let policy = job.policy(&decide(flags), market.universe.name(), DecisionId(1), Mode::Replay)?;
    let costs =
        CostModel { slippage: Slippage::Fixed(venue.slippage_bps), ..CostModel::realistic() };
    let (from, to) = (flags.from.unwrap_or(Calendar::FIRST), flags.to.unwrap_or(Calendar::LAST));
    let minutes = job.config.execution.start_after_open_min;
    let config = Config::new(from, to, flags.schedule.into(), policy).at_costs(costs);
    let config = Config {
        cash: venue.cash,
        seed: venue.seed,
        missing_vix: job.config.regime.missing_vix.into(),
        start_after_open_minutes: u8::try_from(minutes).unwrap_or(u8::MAX),
        ..config
    };
    config.check().map_err(told)?;
    let backtest = Backtest::new(market.data()).map_err(told)?;
    let config = if flags.from.is_some() && flags.to.is_some() {
        config
    } else {
        let (from, to) = backtest.longest_period(&config).map_err(told)?;
        Config { from: flags.from.unwrap_or(from), to: flags.to.unwrap_or(to), ..config }
    };
    backtest.run(&config).map_err(told)
}

fn decide(flags: &Flags) -> Decide {
    Decide {
        dry_run: false,
        force: true,
        universe: flags.universe.clone(),
        top_n: flags.top_n,
        regime: None,
    }
}

/// A folder nobody has rehearsed in.
fn new_folder(job: &Job, tested: &BacktestReport) -> Result<PathBuf> {
    let all = job.state_dir.join("rehearsals");
    let name = format!("{}_{}", tested.header.first_session, tested.header.last_session);
    let numbered = (2..).map(|number| format!("{name}-r{number}"));
    let free = std::iter::once(name.clone()).chain(numbered).map(|name| all.join(name));
    let folder = free.into_iter().find(|folder| !folder.exists()).unwrap_or(all);
    std::fs::create_dir_all(&folder).map_err(|error| {
        Failure::error(
            Exit::State,
            format!("{} cannot be made ({error}): its folder must be writable", folder.display()),
        )
    })?;
    Ok(folder)
}

fn in_words(document: &Document<'_>) -> String {
    let Document { from, to, schedule, decisions, orders, fills, troubles, folder, .. } = document;
    let mut lines = vec![format!(
        "Rehearsed {decisions} {schedule} decisions, {from} to {to}: {orders} orders, {fills} fills."
    )];
    if !document.complete {
        lines.push(format!("STOPPED: rehearsed up to {to} only; what follows is of that part."));
    }
    if let Some(seed) = document.faults {
        let Troubles { committed, restarts, resumed, .. } = troubles;
        lines.push(format!(
            "Faults drawn from {seed}: {committed} committed, {restarts} runs started again, {resumed} \
             times resumed from PAUSED."
        ));
        lines.extend(troubles.sentences.iter().map(|sentence| format!("  - {sentence}")));
    }
    lines.push(format!("Held against a backtest: {}", parity::in_words(document.parity)));
    lines.push(format!("Journal and artifacts: {}", folder.display()));
    lines.join("\n")
}

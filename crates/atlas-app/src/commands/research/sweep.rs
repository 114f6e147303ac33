//! `atlas sweep`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use anyhow::Result;
use atlas_backtest::honesty::bootstrap::Bootstrap;
use atlas_backtest::honesty::overfitting::Overfitting;
use atlas_backtest::honesty::reality::RealityCheck;
use atlas_backtest::honesty::sharpe::Estimate;
use atlas_backtest::honesty::{Deflation, TrialLedger};
use atlas_backtest::search::{
    Axis, Found, Plateau, Searched, grid, memory_of, plateau, random, search,
};
use atlas_backtest::{Backtest, Config, StrategySpec};
use atlas_report::{search_csv, search_page};
use chrono::NaiveDate;
use clap::Args;
use serde::Serialize;

use super::choices::Choices;
use super::outcome::{number, percent, table};
use super::progress::Progress;
use super::{ledger, place, told};
use crate::exit::{Exit, Failure};
use crate::job::Job;
use crate::render;

/// What to search and where to put it.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(flatten)]
    pub(super) choices: Choices,
    #[command(flatten)]
    pub(super) space: Space,
    /// Write every run's figures as CSV.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
    /// Write the search as one page of HTML, with the map of the first two parameters.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// How the space of parameters is searched.
#[derive(Debug, Clone, Args)]
pub(crate) struct Space {
    /// Draw so many combinations instead of trying all of them.
    #[arg(long, value_name = "N")]
    random: Option<usize>,
    /// Threads; without it as many as there are processors. Changes nothing but the time.
    #[arg(long, value_name = "N")]
    threads: Option<NonZeroUsize>,
}

/// What `--json` prints. Everything but `deflation` is a function of data and choices alone, once
/// the search is complete.
#[derive(Serialize)]
struct Document<'a> {
    data: &'a str,
    data_sha256: &'a str,
    from: NaiveDate,
    to: NaiveDate,
    costs: String,
    asked: usize,
    complete: bool,
    left_out: usize,
    found: &'a [Found],
    best: Option<&'a StrategySpec>,
    tests: &'a Tests,
    plateau: Option<&'a Plateau>,
    deflation: Option<Deflation>,
}

/// How likely the best one is luck.
#[derive(Debug, Default, Serialize)]
struct Tests {
    /// Combinatorially symmetric cross-validation; `None` with fewer than two runs.
    overfitting: Option<Overfitting>,
    /// White's and Hansen's tests against holding nothing.
    reality: Option<RealityCheck>,
}

/// A search that is over, with everything it was made from.
pub(super) struct Done {
    pub(super) config: Config,
    pub(super) searched: Searched,
    pub(super) axes: Vec<Axis>,
    pub(super) left_out: usize,
    pub(super) dates: Vec<NaiveDate>,
    pub(super) source: (String, String),
    pub(super) seed: u64,
}

pub(super) async fn run(job: Job, flags: Flags) -> Result<()> {
    let Flags { choices, space, csv, report } = flags;
    let done = carry_out(&job, choices, space).await?;
    let Done { config, searched, axes, left_out, source, .. } = &done;
    let tests = tests(&searched.found, done.seed)?;
    let best = searched.best();
    let deflation = ledger::with(&job.state_dir, |ledger| Ok(enter(ledger, searched)))?;
    let map = plateau(&searched.found, axes);
    if let Some(path) = &csv {
        place::write(path, &search_csv(&searched.found)?)?;
    }
    if let Some(path) = &report {
        let title = format!("{} · {} to {}", choices_name(best), config.from, config.to);
        let mut told = about(&done);
        told.extend(verdicts(&tests, map.as_ref(), deflation.as_ref()));
        place::write(path, &search_page(&title, &told, &searched.found, map.as_ref())?)?;
    }
    if job.json {
        let document = Document {
            data: &source.0,
            data_sha256: &source.1,
            from: config.from,
            to: config.to,
            costs: atlas_backtest::report::StatedCosts::of(&config.costs).stated,
            asked: searched.asked,
            complete: searched.is_complete(),
            left_out: *left_out,
            found: &searched.found,
            best: best.map(|best| &best.strategy),
            tests: &tests,
            plateau: map.as_ref(),
            deflation,
        };
        return render::print(&format!("{}\n", serde_json::to_string_pretty(&document)?));
    }
    render::print(&in_words(&done, &tests, map.as_ref(), deflation.as_ref()))
}

fn choices_name(best: Option<&Found>) -> String {
    best.map_or_else(|| "search".to_owned(), |best| format!("search of {}", best.strategy.name()))
}

/// Loads, estimates, and searches, away from the thread that hears Ctrl-C.
pub(super) async fn carry_out(job: &Job, choices: Choices, space: Space) -> Result<Done> {
    let axes = choices.axes()?;
    let seed = choices.rules.seed;
    let (specs, left_out) = match space.random {
        Some(count) => random(&choices.strategy, &axes, count, seed),
        None => grid(&choices.strategy, &axes),
    }
    .map_err(told)?;
    let Some(first) = specs.first().cloned() else {
        return Err(Failure::error(Exit::Usage, "--random 0 asks for nothing: take 1 or more"));
    };
    // The longest warm-up decides from when on all can be compared.
    let slowest = specs.iter().max_by(|a, b| widest(a).total_cmp(&widest(b))).cloned();
    let (universe, market) = choices.market(job)?;
    let config = choices.config(job, &universe, slowest.unwrap_or(first))?;
    let backtest = Backtest::new(&market).map_err(told)?;
    let config = choices.dated(&backtest, config)?;
    let threads = space.threads.or_else(|| std::thread::available_parallelism().ok());
    let threads = threads.unwrap_or(NonZeroUsize::MIN);
    if let Some(available) = place::available_memory() {
        let needed = memory_of(&market, &config, specs.len()).map_err(told)?;
        needed.check(threads.get(), available).map_err(told)?;
    }
    let progress = Progress::begin("sweep", specs.len());
    let source = (market.source.name.clone(), market.source.sha256.clone());
    let work = move || {
        let backtest = Backtest::new(&market)?;
        let searched = search(&backtest, &config, &specs, threads, &|done| progress.done(done))?;
        let calendar = atlas_core::calendar::Calendar::nyse();
        let dates = calendar.sessions(config.from, config.to)?.map(|session| session.date);
        let dates = dates.collect();
        Ok(Done { config, searched, axes, left_out, dates, source, seed })
    };
    let done = tokio::task::spawn_blocking(work).await?;
    done.map_err(|error: atlas_backtest::Error| told(error))
}

/// The widest window of a strategy, as far as its parameters say.
fn widest(spec: &StrategySpec) -> f64 {
    spec.params().values().copied().fold(0.0, f64::max)
}

fn tests(found: &[Found], seed: u64) -> Result<Tests> {
    let returns: Vec<Vec<f64>> = found.iter().map(|one| one.returns.clone()).collect();
    let rows = returns.first().map_or(0, Vec::len);
    if returns.len() < 2 || rows < 2 * BLOCKS {
        return Ok(Tests::default());
    }
    let bootstrap = Bootstrap { draws: DRAWS, mean_block: 10.0, seed };
    Ok(Tests {
        overfitting: Overfitting::of(&returns, BLOCKS).map_err(told)?,
        reality: Some(RealityCheck::of(&returns, &vec![0.0; rows], bootstrap).map_err(told)?),
    })
}

/// Enters every run, and deflates the best one by all of them.
fn enter(ledger: &mut TrialLedger, searched: &Searched) -> Option<Deflation> {
    for found in &searched.found {
        ledger.record(found.trial.clone());
    }
    let best = searched.best()?;
    Some(ledger.deflate(&best.trial, Estimate::of(&best.metrics)))
}

fn in_words(
    done: &Done,
    tests: &Tests,
    map: Option<&Plateau>,
    deflation: Option<&Deflation>,
) -> String {
    let Done { config, searched, left_out, .. } = done;
    let mut order: Vec<&Found> = searched.found.iter().collect();
    let ratio = |found: &Found| found.metrics.sharpe.unwrap_or(f64::NEG_INFINITY);
    order.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)));
    let mut rows = table(&["strategy", "return a year", "Sharpe", "deepest fall", "round trips"]);
    for found in order.iter().take(SHOWN) {
        rows.add_row([
            found.strategy.to_string(),
            percent(found.metrics.annual_return),
            number(found.metrics.sharpe),
            percent(found.metrics.max_drawdown),
            found.trades.round_trips.to_string(),
        ]);
    }
    let (ran, asked) = (searched.found.len(), searched.asked);
    let mut lines = vec![format!("Sweep · {} to {} · {ran} runs", config.from, config.to)];
    if !searched.is_complete() {
        lines.push(format!("STOPPED: {ran} of {asked} runs were made; what follows is of those"));
    }
    if *left_out > 0 {
        lines.push(format!("{left_out} combinations make no strategy and were left out"));
    }
    lines.push(String::new());
    lines.push(rows.to_string());
    lines.push(String::new());
    lines.extend(verdicts(tests, map, deflation));
    lines.push(String::new());
    lines.join("\n")
}

/// What was searched, each one sentence.
fn about(done: &Done) -> Vec<String> {
    let Done { config, searched, left_out, source, .. } = done;
    let (ran, asked) = (searched.found.len(), searched.asked);
    let mut lines = vec![
        format!("Data: {}, SHA-256 {}", source.0, source.1),
        format!(
            "Costs: {}; decided {}",
            atlas_backtest::report::StatedCosts::of(&config.costs).stated,
            config.schedule
        ),
        format!("{ran} runs of {asked}"),
    ];
    if ran < asked {
        lines.push("STOPPED before the end: what follows is of the runs that were made".to_owned());
    }
    if *left_out > 0 {
        lines.push(format!("{left_out} combinations make no strategy and were left out"));
    }
    lines
}

/// How likely the best one is luck, each one sentence.
fn verdicts(tests: &Tests, map: Option<&Plateau>, deflation: Option<&Deflation>) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(flat) = map.and_then(|map| map.flatness) {
        lines.push(format!(
            "Plateau: the best one's neighbours have {:.0} % of its Sharpe ratio on average",
            flat * 100.0
        ));
    }
    if let Some(overfit) = &tests.overfitting {
        lines.push(format!(
            "Probability of overfitting (CSCV): {:.1} %; that the best one loses afterwards: {:.1} %",
            overfit.probability * 100.0,
            overfit.loss_probability * 100.0
        ));
    }
    if let Some(reality) = &tests.reality {
        lines.push(format!(
            "Reality check against holding nothing: p = {:.3} (White), {} (Hansen)",
            reality.white,
            reality.hansen.map_or_else(|| "undefined".to_owned(), |p| format!("{p:.3}"))
        ));
    }
    if let Some(found) = deflation {
        lines.push(format!(
            "The best one after {} trials on this history: probability of a true Sharpe ratio above \
             zero {}, deflated {}",
            found.trials,
            percent(found.probabilistic),
            percent(found.deflated)
        ));
    }
    lines
}

/// Blocks of cross-validation: 252 deals.
const BLOCKS: usize = 10;
/// Histories dealt again.
const DRAWS: usize = 1_000;
/// Runs that are shown.
const SHOWN: usize = 15;

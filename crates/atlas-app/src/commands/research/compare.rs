//! `atlas compare`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::Result;
use atlas_backtest::honesty::Trial;
use atlas_backtest::search::each;
use atlas_backtest::strategies::KINDS;
use atlas_backtest::{Backtest, BacktestReport, Config, StrategySpec};
use atlas_report::{Compared, comparison_csv, comparison_page, curves_csv};
use clap::Args;
use serde::Serialize;

use super::choices::Choices;
use super::outcome::{number, percent, table};
use super::progress::Progress;
use super::{ledger, place, told};
use crate::job::Job;
use crate::render;

/// What to compare and where to put it.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(flatten)]
    choices: Choices,
    /// Folder for `strategy_comparison.csv`, an equity curve a strategy, and the charts.
    #[arg(long, default_value = "results", value_name = "DIR")]
    out: PathBuf,
    /// Only these strategies, each with its parameters, such as "sma fast=5 slow=20".
    #[arg(long, value_name = "STRATEGY")]
    only: Vec<String>,
}

pub(super) async fn run(job: Job, flags: Flags) -> Result<()> {
    let Flags { choices, out, only } = flags;
    let specs: Vec<StrategySpec> = if only.is_empty() {
        KINDS.iter().map(|kind| StrategySpec::new(kind.name, [])).collect::<Result<_, _>>()
    } else {
        only.iter().map(|text| text.parse()).collect::<Result<_, _>>()
    }
    .map_err(told)?;
    let (universe, market) = choices.market(&job)?;
    let backtest = Backtest::new(&market).map_err(told)?;
    let mut configs = Vec::new();
    for spec in specs {
        configs.push(choices.dated(&backtest, choices.config(&job, &universe, spec)?)?);
    }
    // All over the same sessions: the latest beginning and the earliest end.
    let from = configs.iter().map(|config| config.from).max();
    let to = configs.iter().map(|config| config.to).min();
    let all: Vec<Config> = configs
        .into_iter()
        .map(|config| Config {
            from: from.unwrap_or(config.from),
            to: to.unwrap_or(config.to),
            ..config
        })
        .flat_map(|config| [config.clone(), config.without_costs()])
        .collect();
    let asked = all.len();
    let progress = Progress::begin("compare", asked);
    let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let work = move || -> Result<Vec<BacktestReport>, atlas_backtest::Error> {
        let backtest = Backtest::new(&market)?;
        let one = |at: usize| all.get(at).map(|config| backtest.run(config));
        let found = each(all.len(), threads, &|done| progress.done(done), one);
        found.into_iter().flatten().flatten().collect()
    };
    let reports = tokio::task::spawn_blocking(work).await?.map_err(told)?;
    let complete = reports.len() == asked;
    ledger::with(&job.state_dir, |ledger| {
        for report in &reports {
            ledger.record(Trial::of(report).map_err(told)?);
        }
        Ok(())
    })?;
    let rows: Vec<Compared> = reports.iter().map(Compared::of).collect();
    place::write(&out.join("strategy_comparison.csv"), &comparison_csv(&rows)?)?;
    let with_costs: Vec<&BacktestReport> =
        reports.iter().filter(|report| report.header.costs.on).collect();
    for report in &with_costs {
        let name = report.header.strategy.to_string().replace([' ', '='], "-");
        let path = out.join("equity").join(format!("{name}.csv"));
        place::write(&path, &atlas_report::equity_csv(report)?)?;
    }
    place::write(&out.join("equity_curves.csv"), &curves_csv(&with_costs)?)?;
    place::write(&out.join("strategy_comparison.html"), &comparison_page(&with_costs, &rows)?)?;
    if job.json {
        let document = Document { complete, asked, rows: &rows };
        return render::print(&format!("{}\n", serde_json::to_string_pretty(&document)?));
    }
    render::print(&in_words(&rows, asked, &out))
}

/// What `--json` prints.
#[derive(Serialize)]
struct Document<'a> {
    /// Whether every run was made; false after Ctrl-C.
    complete: bool,
    asked: usize,
    rows: &'a [Compared],
}

fn in_words(rows: &[Compared], asked: usize, out: &Path) -> String {
    let mut shown = table(&[
        "strategy",
        "costs",
        "return a year",
        "Sharpe",
        "deepest fall",
        "win rate",
        "trips",
    ]);
    for row in rows {
        shown.add_row([
            row.strategy.clone(),
            if row.costs_on { "on" } else { "off" }.to_owned(),
            percent(row.annual_return),
            number(row.sharpe),
            percent(row.max_drawdown),
            percent(row.win_rate),
            row.round_trips.to_string(),
        ]);
    }
    let period = rows.first().map_or_else(String::new, |row| {
        format!("{} to {}, the same sessions for all", row.from, row.to)
    });
    let stopped = match rows.len() {
        made if made < asked => format!("STOPPED: {made} of {asked} runs were made\n"),
        _ => String::new(),
    };
    format!("Comparison · {period}\n{stopped}\n{shown}\n\nwritten: {}\n", out.display())
}

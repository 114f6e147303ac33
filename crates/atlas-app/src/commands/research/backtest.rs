//! `atlas backtest`.

use std::path::PathBuf;

use anyhow::Result;
use atlas_backtest::honesty::Judgement;
use atlas_backtest::{Backtest, BacktestReport};
use atlas_report::{equity_csv, tear_sheet, trades_csv};
use clap::Args;
use serde::Serialize;

use super::choices::Choices;
use super::progress::Progress;
use super::{ledger, outcome, place, told};
use crate::job::Job;
use crate::render;

/// What to run and where to put it.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(flatten)]
    choices: Choices,
    /// Write the result as one page of HTML that needs nothing else.
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write equity.csv and trades.csv into this folder.
    #[arg(long, value_name = "DIR")]
    csv: Option<PathBuf>,
}

/// What `--json` prints: the result, whose bytes are a function of data and choices alone, and
/// what is to be thought of it, which depends on the ledger too.
#[derive(Serialize)]
struct Document<'a> {
    result: &'a BacktestReport,
    judgement: &'a Judgement,
}

pub(super) async fn run(job: Job, flags: Flags) -> Result<()> {
    let choices = &flags.choices;
    let spec = choices.spec()?;
    let (universe, market) = choices.market(&job)?;
    let backtest = Backtest::new(&market).map_err(told)?;
    let config = choices.config(&job, &universe, spec)?;
    let config = choices.dated(&backtest, config)?;
    let progress = Progress::begin("backtest", 0);
    let work = move || {
        Backtest::new(&market)?.run_watched(&config, &|done, total| progress.of(done, total))
    };
    let report = tokio::task::spawn_blocking(work).await?.map_err(told)?;
    let judgement =
        ledger::with(&job.state_dir, |ledger| Judgement::enter(&report, ledger).map_err(told))?;
    let mut written = Vec::new();
    if let Some(path) = &flags.report {
        place::write(path, &tear_sheet(&report, &judgement)?)?;
        written.push(path.clone());
    }
    if let Some(folder) = &flags.csv {
        for (name, text) in
            [("equity.csv", equity_csv(&report)?), ("trades.csv", trades_csv(&report)?)]
        {
            let path = folder.join(name);
            place::write(&path, &text)?;
            written.push(path);
        }
    }
    if job.json {
        let document = Document { result: &report, judgement: &judgement };
        return render::print(&format!("{}\n", serde_json::to_string_pretty(&document)?));
    }
    render::print(&outcome::told(&report, &judgement, &written)?)
}

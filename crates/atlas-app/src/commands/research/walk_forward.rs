//! `atlas walk-forward`.

use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::Result;
use atlas_backtest::StrategySpec;
use atlas_backtest::honesty::split::{Past, WalkForward};
use atlas_backtest::honesty::walk::{Walk, walk_forward};
use chrono::NaiveDate;
use clap::Args;
use serde::Serialize;

use super::choices::Choices;
use super::outcome::{number, percent, table};
use super::sweep::{Done, Space, carry_out};
use super::{ledger, place, told};
use crate::job::Job;
use crate::render;

/// What to choose among, and how to go through history.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(flatten)]
    choices: Choices,
    #[command(flatten)]
    space: Space,
    /// Sessions that are chosen by.
    #[arg(long, default_value_t = 504, value_name = "N")]
    train: usize,
    /// Sessions that are judged by, after which is chosen again.
    #[arg(long, default_value_t = 126, value_name = "N")]
    test: usize,
    /// Sessions left out between both.
    #[arg(long, default_value_t = 1, value_name = "N")]
    purge: usize,
    /// Sessions left out after those judged by.
    #[arg(long, default_value_t = 0, value_name = "N")]
    embargo: usize,
    /// Choose by the latest sessions alone instead of all since the beginning.
    #[arg(long)]
    rolling: bool,
    /// Write the returns of the futures, put end to end, as CSV.
    #[arg(long, value_name = "FILE")]
    csv: Option<PathBuf>,
}

/// What `--json` prints: a function of data and choices alone.
#[derive(Serialize)]
struct Document<'a> {
    data: &'a str,
    data_sha256: &'a str,
    from: NaiveDate,
    to: NaiveDate,
    plan: WalkForward,
    candidates: Vec<&'a StrategySpec>,
    complete: bool,
    dates: Vec<(NaiveDate, NaiveDate)>,
    walk: &'a Walk,
}

pub(super) async fn run(job: Job, flags: Flags) -> Result<()> {
    let Flags { choices, space, train, test, purge, embargo, rolling, csv } = flags;
    let past = if rolling { Past::Rolling } else { Past::Anchored };
    let plan = WalkForward { past, train, test, purge, embargo };
    let done = carry_out(&job, choices, space).await?;
    let found = &done.searched.found;
    let returns: Vec<Vec<f64>> = found.iter().map(|one| one.returns.clone()).collect();
    let walk = walk_forward(&returns, plan).map_err(told)?;
    // Every candidate was looked at, so every one is a trial.
    ledger::with(&job.state_dir, |ledger| {
        for one in found {
            ledger.record(one.trial.clone());
        }
        Ok(())
    })?;
    let dates = future_dates(&done, &walk);
    if let Some(path) = &csv {
        place::write(path, &returns_csv(&done, &walk)?)?;
    }
    if job.json {
        let document = Document {
            data: &done.source.0,
            data_sha256: &done.source.1,
            from: done.config.from,
            to: done.config.to,
            plan,
            candidates: found.iter().map(|one| &one.strategy).collect(),
            complete: done.searched.is_complete(),
            dates,
            walk: &walk,
        };
        return render::print(&format!("{}\n", serde_json::to_string_pretty(&document)?));
    }
    render::print(&in_words(&done, &walk, &dates)?)
}

/// The session a return is of: the run's first session has none.
fn session(done: &Done, row: usize) -> NaiveDate {
    let days = done.searched.found.first().map_or(0, |one| one.returns.len());
    let first = done.dates.len().saturating_sub(days);
    done.dates.get(first + row).copied().unwrap_or(done.config.to)
}

/// First and last session of each future.
fn future_dates(done: &Done, walk: &Walk) -> Vec<(NaiveDate, NaiveDate)> {
    let ends = |test: &std::ops::Range<usize>| {
        (session(done, test.start), session(done, test.end.saturating_sub(1)))
    };
    walk.steps.iter().map(|step| ends(&step.split.test)).collect()
}

fn returns_csv(done: &Done, walk: &Walk) -> Result<String> {
    let mut out = String::from("date,simple_return,strategy\n");
    let mut returns = walk.returns.iter();
    for step in &walk.steps {
        let chosen = step.chosen.and_then(|at| done.searched.found.get(at));
        let name = chosen.map_or_else(|| "nothing".to_owned(), |one| one.strategy.to_string());
        for (row, simple_return) in step.split.test.clone().zip(&mut returns) {
            writeln!(out, "{},{simple_return},{name}", session(done, row))?;
        }
    }
    Ok(out)
}

fn in_words(done: &Done, walk: &Walk, dates: &[(NaiveDate, NaiveDate)]) -> Result<String> {
    let (ran, asked) = (done.searched.found.len(), done.searched.asked);
    let mut out = String::new();
    writeln!(
        out,
        "Walk-forward over {ran} candidates · {} to {}",
        done.config.from, done.config.to
    )?;
    if ran < asked {
        writeln!(out, "STOPPED: {ran} of {asked} candidates were run; what follows is of those")?;
    }
    let mut rows = table(&["future", "chosen", "Sharpe before, a year", "return after"]);
    for (step, (from, to)) in walk.steps.iter().zip(dates) {
        let chosen = step.chosen.and_then(|at| done.searched.found.get(at));
        rows.add_row([
            format!("{from} to {to}"),
            chosen.map_or_else(|| "nothing".to_owned(), |one| one.strategy.to_string()),
            number(step.past_sharpe.map(|ratio| ratio * 252.0_f64.sqrt())),
            percent(step.future_return),
        ]);
    }
    let metrics = &walk.metrics;
    writeln!(out, "\n{rows}\n")?;
    writeln!(
        out,
        "All futures: return a year {}, Sharpe {}, deepest fall {}; kept {} of the Sharpe ratio that \
         was chosen by",
        percent(metrics.annual_return),
        number(metrics.sharpe),
        percent(metrics.max_drawdown),
        percent(walk.efficiency)
    )?;
    Ok(out)
}

//! `atlas stress`: the same strategy at other costs and delays, and history dealt again.

use anyhow::Result;
use atlas_backtest::honesty::Trial;
use atlas_backtest::honesty::bootstrap::{Bootstrap, Interval};
use atlas_backtest::honesty::dealt::DealtTrades;
use atlas_backtest::metrics::{Conventions, Metrics};
use atlas_backtest::sensitivity::{Assumption, Variant, sensitivity_watched};
use atlas_backtest::{Backtest, Config};
use clap::Args;
use serde::Serialize;

use super::choices::Choices;
use super::outcome::{number, percent, table};
use super::progress::Progress;
use super::{ledger, told};
use crate::job::Job;
use crate::render;

/// What to try on it.
#[derive(Debug, Args)]
pub(crate) struct Flags {
    #[command(flatten)]
    choices: Choices,
    /// Histories dealt again.
    #[arg(long, default_value_t = 1_000, value_name = "N")]
    draws: usize,
    /// Sessions a block of the bootstrap has on average.
    #[arg(long, default_value_t = 10.0, value_name = "N")]
    mean_block: f64,
}

/// What `--json` prints: a function of data and choices alone.
#[derive(Serialize)]
struct Document<'a> {
    data: &'a str,
    data_sha256: &'a str,
    config_from: chrono::NaiveDate,
    config_to: chrono::NaiveDate,
    /// Whether every assumption was tried; false after Ctrl-C.
    complete: bool,
    variants: &'a [Variant],
    bootstrap: Bootstrap,
    intervals: &'a [Named],
    trades: Option<&'a DealtTrades>,
}

/// The interval of one figure.
#[derive(Debug, Serialize)]
struct Named {
    figure: &'static str,
    /// `None` where the figure is undefined.
    interval: Option<Interval>,
}

/// What came of it.
struct Done {
    config: Config,
    source: (String, String),
    variants: Vec<Variant>,
    asked: usize,
    intervals: Vec<Named>,
    trades: Option<DealtTrades>,
    trial: Trial,
}

pub(super) async fn run(job: Job, flags: Flags) -> Result<()> {
    let Flags { choices, draws, mean_block } = flags;
    let bootstrap = Bootstrap { draws, mean_block, seed: choices.rules.seed };
    let bootstrap = bootstrap.check().map_err(told)?;
    let (universe, market) = choices.market(&job)?;
    let config = choices.config(&job, &universe, choices.spec()?)?;
    let backtest = Backtest::new(&market).map_err(told)?;
    let config = choices.dated(&backtest, config)?;
    let progress = Progress::begin("stress", Assumption::all(&config).len());
    let source = (market.source.name.clone(), market.source.sha256.clone());
    let work = move || -> Result<Done, atlas_backtest::Error> {
        let backtest = Backtest::new(&market)?;
        let report = backtest.run(&config)?;
        let variants = sensitivity_watched(&backtest, &config, &|done| progress.done(done))?;
        let intervals = intervals(bootstrap, &report.returns())?;
        let trades = DealtTrades::of(&report, draws, bootstrap.seed)?;
        let asked = Assumption::all(&config).len();
        let trial = Trial::of(&report)?;
        Ok(Done { config, source, variants, asked, intervals, trades, trial })
    };
    let done = tokio::task::spawn_blocking(work).await?.map_err(told)?;
    // Other costs and delays are not other ideas: one trial.
    ledger::with(&job.state_dir, |ledger| Ok(ledger.record(done.trial.clone())))?;
    if job.json {
        let document = Document {
            data: &done.source.0,
            data_sha256: &done.source.1,
            config_from: done.config.from,
            config_to: done.config.to,
            complete: done.variants.len() == done.asked,
            variants: &done.variants,
            bootstrap,
            intervals: &done.intervals,
            trades: done.trades.as_ref(),
        };
        return render::print(&format!("{}\n", serde_json::to_string_pretty(&document)?));
    }
    render::print(&in_words(&done, bootstrap))
}

/// Where the figures lie when the daily returns are dealt again in blocks.
fn intervals(bootstrap: Bootstrap, returns: &[f64]) -> Result<Vec<Named>, atlas_backtest::Error> {
    type Read = fn(&Metrics) -> Option<f64>;
    let figures: [(&'static str, Read); 3] = [
        ("return a year", |m| m.annual_return),
        ("Sharpe", |m| m.sharpe),
        ("deepest fall", |m| m.max_drawdown),
    ];
    let one = |(figure, read): (&'static str, Read)| {
        let of = |returns: &[f64]| {
            Metrics::of(returns, Conventions::SESSIONS).ok().as_ref().and_then(read)
        };
        Ok(Named { figure, interval: bootstrap.interval(returns, CONFIDENCE, of)? })
    };
    figures.into_iter().map(one).collect()
}

fn in_words(done: &Done, bootstrap: Bootstrap) -> String {
    let Done { config, variants, asked, intervals, trades, .. } = done;
    let mut rows = table(&["assumed", "return a year", "Sharpe", "deepest fall", "costs, USD"]);
    for variant in variants {
        rows.add_row([
            variant.assumption.to_string(),
            percent(variant.metrics.annual_return),
            number(variant.metrics.sharpe),
            percent(variant.metrics.max_drawdown),
            format!("{:.0}", variant.costs.to_f64()),
        ]);
    }
    let mut lines =
        vec![format!("Stress · {} · {} to {}", config.strategy, config.from, config.to)];
    if variants.len() < *asked {
        let made = variants.len();
        lines.push(format!("STOPPED: {made} of {asked} assumptions were tried"));
    }
    lines.extend([String::new(), rows.to_string(), String::new()]);
    lines.push(format!(
        "History dealt again {} times in blocks of {} sessions on average, nine tenths of them lie",
        bootstrap.draws, bootstrap.mean_block
    ));
    for Named { figure, interval } in intervals {
        let show = if *figure == "Sharpe" { number } else { percent };
        lines.push(interval.map_or_else(
            || format!("  {figure}: undefined"),
            |found| {
                format!(
                    "  {figure}: {} to {} (as it was {}); zero or below in {}",
                    show(Some(found.low)),
                    show(Some(found.high)),
                    show(Some(found.point)),
                    percent(Some(found.at_most_zero))
                )
            },
        ));
    }
    lines.push(trades.as_ref().map_or_else(
        || "Fewer than two round trips: nothing to deal again".to_owned(),
        |found| {
            format!(
                "{} round trips drawn again: profit {:.0} to {:.0} USD (as it was {:.0}), none in {}; \
                 shuffled they fall by {} to {}",
                found.trades,
                found.profits.low,
                found.profits.high,
                found.profit,
                percent(Some(found.at_most_zero)),
                percent(Some(found.falls.low)),
                percent(Some(found.falls.high))
            )
        },
    ));
    lines.push(String::new());
    lines.join("\n")
}

/// Share of histories between both ends.
const CONFIDENCE: f64 = 0.9;

//! System A (regime and 52-week momentum) against System B (regime and STRAT): the figures of
//! `docs/studies/system-a-vs-b.md`.
//!
//! `cargo run --release -p atlas-backtest --example system_a_vs_b -- FOLDER`, where the folder has
//! `tech30`, `multi100`, `daily` and `rates`; without it the environment's `ATLAS_SHARED_DIR`, then
//! the shared test data beside the repository. Without any it says so and ends.

#![expect(clippy::print_stdout, reason = "an example prints what it found")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};

use atlas_backtest::honesty::difference::{Dealing, SharpeDifference};
use atlas_backtest::honesty::{Judgement, TrialLedger};
use atlas_backtest::metrics::{Conventions, Metrics};
use atlas_backtest::{Backtest, BacktestReport, Config, Schedule, StrategySpec};
use atlas_core::journal::Hash;
use atlas_core::time::Mode;
use atlas_core::{AccountName, DecisionId, Weight};
use atlas_data::{BarSource, CsvSource, MarketData, Series, ShortHistory, Universe};
use atlas_engine::Policy;
use atlas_risk::Profile;
use chrono::NaiveDate;

/// What may fail.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let Some(folder) = folder() else {
        println!("skipped: no folder with tech30, multi100, daily and rates was named or found");
        return Ok(());
    };
    let tech = market(&folder, &["tech30"])?;
    let all = market(&folder, &["tech30", "multi100"])?;
    let mut ledger = TrialLedger::default();
    for (title, from, to) in [
        ("January 2020 to June 2023", "2020-01-01", "2023-06-30"),
        ("Longest common history", "2000-12-29", "2023-06-30"),
    ] {
        for (name, market) in [("30 technology stocks", &tech), ("130 stocks of 11 sectors", &all)]
        {
            println!("## {title}, {name}\n");
            compare(market, (from.parse()?, to.parse()?), &mut ledger)?;
        }
    }
    println!("Trials in all: {}", ledger.len());
    Ok(())
}

/// The first of argument, environment and neighbourhood that has the data.
fn folder() -> Option<PathBuf> {
    let named = std::env::args_os().nth(1).map(PathBuf::from);
    let from_environment =
        std::env::var_os("ATLAS_SHARED_DIR").map(|dir| Path::new(&dir).join("data"));
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let all = [named, from_environment, Some(beside)];
    all.into_iter().flatten().find(|folder| folder.join("tech30").is_dir())
}

/// Every stock of the folders in prices adjusted for splits and dividends, traded as total-return
/// units.
fn market(folder: &Path, parts: &[&str]) -> Result<MarketData> {
    let mut whole: Option<MarketData> = None;
    for part in parts {
        let source = CsvSource::open(&folder.join(part))?
            .with_index(&folder.join("daily/SPX.csv.gz"))
            .with_vix(&folder.join("daily/VIX.csv.gz"))
            .with_rate(&folder.join("rates/DTB3.csv.gz"));
        let mut market = source.load(&Universe::resolve(None, &source)?)?;
        market.source.name = format!("shared data, {}", parts.join(" and "));
        match &mut whole {
            None => whole = Some(market),
            Some(whole) => {
                whole.series.extend(market.series);
                let both = format!("{}{}", whole.source.sha256, market.source.sha256);
                whole.source.sha256 = Hash::of(both.as_bytes()).to_string();
            }
        }
    }
    let mut market = whole.ok_or("no folder")?;
    let units = market.series.values().map(|series| {
        let bars = series.adjusted()?;
        Ok((bars.symbol().clone(), Series::Adjusted(bars)))
    });
    market.series = units.collect::<std::result::Result<BTreeMap<_, _>, atlas_data::Error>>()?;
    Ok(market)
}

fn config(
    (from, to): (NaiveDate, NaiveDate),
    schedule: Schedule,
    strategy: &str,
    halts: bool,
) -> Result<Config> {
    let mut limits = Profile::Standard.limits();
    if !halts {
        // Whoever is halted at a fall of 20 % goes on at once.
        (limits.drawdown_warn, limits.drawdown_deny) = (Weight::ONE, Weight::ONE);
    }
    let limits = limits.check()?;
    let account = AccountName::new("study")?;
    let policy = Policy::new(account, DecisionId(1), Mode::Replay, "study".to_owned(), limits);
    let config =
        Config::new(from, to, schedule, policy).with_strategy(strategy.parse::<StrategySpec>()?);
    Ok(Config { short_history: ShortHistory::LeaveOut, ..config })
}

fn compare(
    market: &MarketData,
    period: (NaiveDate, NaiveDate),
    ledger: &mut TrialLedger,
) -> Result<()> {
    let backtest = Backtest::new(market)?;
    let of_a = |halts| config(period, Schedule::Monthly, "high52", halts);
    let of_b = |halts| config(period, Schedule::Daily, "strat", halts);
    let (a, b) = (of_a(false)?, of_b(false)?);
    let runs = [
        ("**A**: regime, 52-week momentum, monthly", a.clone()),
        ("**B**: regime, STRAT, daily", b.clone()),
        ("B, decided weekly", config(period, Schedule::Weekly, "strat", false)?),
        ("A without regime", a.clone().without_regime()),
        ("B without regime", b.clone().without_regime()),
        ("A without costs", a.without_costs()),
        ("B without costs", b.without_costs()),
        ("A, nobody resumes after a halt", of_a(true)?),
        ("B, nobody resumes after a halt", of_b(true)?),
    ];
    let mut reports = Vec::new();
    for (name, config) in runs {
        let report = backtest.run(&config)?;
        let judged = Judgement::enter(&report, ledger)?;
        reports.push((name, report, judged));
    }
    // All from the session in which each has acted.
    let start = reports.iter().map(|(_, report, _)| report.header.first_session).max();
    let start = start.ok_or("no run")?;
    println!(
        "{start} to {}; data {}.\n",
        reports[0].1.header.last_session,
        &reports[0].1.header.data_sha256[..12]
    );
    println!(
        "| | growth a year | volatility | Sharpe | Sortino | drawdown | exposure | turnover | costs, \
         USD | round trips | won |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    );
    for (name, report, _) in &reports {
        row(name, report, start)?;
    }
    others(&reports[0].1, market, start)?;
    let (a, b) = (returns(&reports[0].1, start), returns(&reports[1].1, start));
    println!();
    for block in [5, 10, 21] {
        let dealing = Dealing { draws: 4_999, block, seed: 1 };
        let year = 252.0_f64.sqrt();
        if let Some(found) = SharpeDifference::of(&a, &b, 0.95, dealing)? {
            println!(
                "* Sharpe ratio of A less that of B, blocks of {block} sessions: {:+.2} a year, 95 % \
                 interval {:+.2} to {:+.2}, p = {:.3}",
                found.difference * year,
                found.low * year,
                found.high * year,
                found.p_value
            );
        }
    }
    for (name, report, _) in reports.iter().take(2) {
        let judged = Judgement::enter(report, ledger)?;
        println!("* {name}: {}", verdict(&judged));
    }
    println!();
    Ok(())
}

fn verdict(judged: &Judgement) -> String {
    let share = |share: Option<f64>| {
        share.map_or("undefined".to_owned(), |s| format!("{:.0} %", s * 100.0))
    };
    let deflation = &judged.deflation;
    let doubts = judged.doubts.join("; ");
    format!(
        "probability of a true Sharpe ratio above zero {}, after {} trials {}. Against it: {}.",
        share(deflation.probabilistic),
        deflation.trials,
        share(deflation.deflated),
        if doubts.is_empty() { "nothing that is looked for" } else { &doubts }
    )
}

fn returns(report: &BacktestReport, start: NaiveDate) -> Vec<f64> {
    let later = report.days.iter().filter(|day| day.date > start);
    later.filter_map(|day| day.simple_return).collect()
}

fn percent(value: Option<f64>) -> String {
    value.map_or("–".to_owned(), |value| format!("{:.1} %", value * 100.0))
}

fn figures(metrics: &Metrics) -> String {
    let number = |value: Option<f64>| value.map_or("–".to_owned(), |value| format!("{value:.2}"));
    format!(
        "{} | {} | {} | {} | {}",
        percent(metrics.annual_return),
        percent(metrics.annual_volatility),
        number(metrics.sharpe),
        number(metrics.sortino),
        percent(metrics.max_drawdown)
    )
}

fn row(name: &str, report: &BacktestReport, start: NaiveDate) -> Result<()> {
    let metrics = Metrics::of(&returns(report, start), Conventions::SESSIONS)?;
    println!(
        "| {name} | {} | {} | {} | {:.0} | {} | {} |",
        figures(&metrics),
        percent(report.mean_exposure),
        percent(report.annual_turnover),
        report.costs.total.to_f64(),
        report.trade_statistics.round_trips,
        percent(report.trade_statistics.win_rate)
    );
    Ok(())
}

/// What somebody without either could have had: the index, and the same survivors evenly.
fn others(report: &BacktestReport, market: &MarketData, start: NaiveDate) -> Result<()> {
    let dates: Vec<NaiveDate> =
        report.days.iter().map(|day| day.date).filter(|date| *date >= start).collect();
    let index = market.index.columns();
    let on = |dates: &[NaiveDate], closes: &[f64], date: NaiveDate| {
        dates.binary_search(&date).ok().map(|row| closes[row])
    };
    let (mut held, mut even) = (Vec::new(), Vec::new());
    for pair in dates.windows(2) {
        let change = |dates: &[NaiveDate], closes: &[f64]| {
            Some(on(dates, closes, pair[1])? / on(dates, closes, pair[0])? - 1.0)
        };
        held.extend(change(&index.dates, &index.close));
        let all: Vec<f64> = market
            .series
            .values()
            .filter_map(|series| change(series.view().dates(), series.view().close()))
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "a number of symbols")]
        even.push(all.iter().sum::<f64>() / all.len() as f64);
    }
    for (name, returns) in [
        ("S&P 500 held, without dividends and costs", held),
        ("the same survivors, evenly, every session, no costs", even),
    ] {
        let metrics = Metrics::of(&returns, Conventions::SESSIONS)?;
        println!("| {name} | {} | 100 % | | | | |", figures(&metrics));
    }
    Ok(())
}

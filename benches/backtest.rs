//! Backtests: the fast path on one instrument, sweeps, and the whole system over history.
//!
//! The work of the first two is that measured on peers: a seeded driftless random walk, a long-only
//! crossing of two moving averages that acts on the next bar, 10 shares an entry, $10⁹ of cash,
//! 10 bps of fees, 5 bps of slippage. Fills and final equity are printed before each.

use std::hint::black_box;
use std::num::NonZeroUsize;

use atlas_backtest::fast::{
    FixedSeries, SmaCross, Trading, TradingSpec, event, random_walk, run, summarize, sweep,
};
use atlas_backtest::{Backtest, Config, Schedule};
use atlas_core::bars::Columns;
use atlas_core::calendar::Calendar;
use atlas_core::time::Mode;
use atlas_core::{AccountName, Bars, Bps, DecisionId, Raw};
use atlas_data::{
    BarSource, MarketData, MissingVix, SampleSource, ShortHistory, SyntheticSource, Universe,
};
use atlas_engine::Policy;
use atlas_regime::VixPolicy;
use atlas_risk::Profile;
use criterion::{Criterion, Throughput};

/// What may fail in setting up.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn main() -> Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    sma(&mut criterion)?;
    grid(&mut criterion)?;
    system(&mut criterion)?;
    criterion.final_summary();
    Ok(())
}

fn trading() -> Result<Trading> {
    let (fee, slippage) = (Bps::from_int(10), Bps::from_int(5));
    Ok(TradingSpec { cash: "1000000000".parse()?, shares: 10, fee, slippage }.check()?)
}

#[expect(clippy::print_stdout, reason = "the figures belong beside the times")]
fn sma(criterion: &mut Criterion) -> Result<()> {
    let (trading, cross) = (trading()?, SmaCross::new(10, 30)?);
    let series = FixedSeries::new(None, random_walk(1, 1_000_000))?;
    let figures = summarize(&series, &cross, &trading)?;
    println!(
        "sma_1M: {} fills, final equity {} millionths of a dollar",
        figures.fills, figures.final_equity
    );
    let mut group = criterion.benchmark_group("backtest");
    group.throughput(Throughput::Elements(1_000_000)).sample_size(30);
    group.bench_function("sma_1M", |b| b.iter(|| run(black_box(&series), &cross, &trading)));
    group.bench_function("sma_1M/figures", |b| {
        b.iter(|| summarize(black_box(&series), &cross, &trading));
    });
    group.bench_function("sma_1M/from_prices", |b| {
        b.iter(|| {
            let series = FixedSeries::new(None, black_box(series.closes()).to_vec());
            series.map(|series| run(&series, &cross, &trading))
        });
    });
    let bars = daily(5_000)?;
    let equity = event::run(&bars, &cross, &trading)?.equity;
    println!("event path: {} sessions, final equity {:?} dollars", equity.len(), equity.last());
    group.throughput(Throughput::Elements(5_000)).sample_size(10);
    group.bench_function("sma_5k/event", |b| b.iter(|| event::run(&bars, &cross, &trading)));
    group.finish();
    Ok(())
}

/// The walk on consecutive sessions.
fn daily(sessions: usize) -> Result<Bars<Raw>> {
    let dates = Calendar::nyse().sessions(Calendar::FIRST, Calendar::LAST)?.take(sessions);
    #[expect(clippy::cast_precision_loss, reason = "prices below 2^53")]
    let close = random_walk(1, sessions).into_iter().map(|close| close as f64 / 1e6).collect();
    let dates = dates.map(|session| session.date).collect();
    Ok(Bars::new("WALK".parse()?, Columns { dates, close, ..Columns::default() })?)
}

#[expect(clippy::print_stdout, reason = "the figures belong beside the times")]
fn grid(criterion: &mut Criterion) -> Result<()> {
    let trading = trading()?;
    let series: Vec<FixedSeries> = (1..=20)
        .map(|seed| FixedSeries::new(None, random_walk(seed, 5_000)))
        .collect::<std::result::Result<_, _>>()?;
    let pairs = (2..22_u16).flat_map(|fast| (0..50_u16).map(move |step| (fast, 25 + 3 * step)));
    let crosses: Vec<SmaCross> = pairs
        .map(|(fast, slow)| SmaCross::new(fast, slow))
        .collect::<std::result::Result<_, _>>()?;
    let threads = NonZeroUsize::MIN.saturating_add(1);
    let figures = sweep(&series, &crosses, &trading, threads)?;
    let all = || figures.iter().flatten();
    let fills: usize = all().map(|figures| figures.fills).sum();
    let equity: i128 = all().map(|figures| i128::from(figures.final_equity)).sum();
    println!("sweep: {} runs, {fills} fills, equity in all {equity}", all().count());
    let mut group = criterion.benchmark_group("backtest");
    group.throughput(Throughput::Elements(100_000_000)).sample_size(10);
    group.bench_function("sweep_1000x20x5000", |b| {
        b.iter(|| sweep(black_box(&series), &crosses, &trading, threads));
    });
    group.finish();
    Ok(())
}

/// The whole system: engine, gates, sequencer, venue.
fn config(from: &str, to: &str, universe: &str) -> Result<Config> {
    let limits = Profile::Standard.limits().check()?;
    let account = AccountName::new("bench")?;
    let mut policy = Policy::new(account, DecisionId(1), Mode::Replay, universe.to_owned(), limits);
    policy.detector.vix_missing = VixPolicy::CarryOn;
    Ok(Config {
        missing_vix: MissingVix::Warn,
        short_history: ShortHistory::LeaveOut,
        ..Config::new(from.parse()?, to.parse()?, Schedule::Monthly, policy)
    })
}

fn system(criterion: &mut Criterion) -> Result<()> {
    let mut group = criterion.benchmark_group("backtest");
    group.sample_size(10);
    let source = SampleSource;
    let sample = source.load(&Universe::resolve(None, &source)?)?;
    let whole = config("1994-01-03", "2022-12-28", "sample")?;
    case(&mut group, "system_a_1990_2022", &sample, &whole)?;
    let source = SyntheticSource {
        stocks: 500,
        from: "1998-01-02".parse()?,
        to: "2022-12-30".parse()?,
        ..SyntheticSource::seeded(1)
    };
    let many = source.load(&Universe::resolve(None, &source)?)?;
    let twenty_years = config("2003-01-02", "2022-12-28", "synthetic")?;
    case(&mut group, "portfolio_500x20y", &many, &twenty_years)?;
    group.finish();
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the figures belong beside the times")]
fn case(
    group: &mut criterion::BenchmarkGroup<'_, criterion::measurement::WallTime>,
    name: &str,
    market: &MarketData,
    config: &Config,
) -> Result<()> {
    let backtest = Backtest::new(market)?;
    let report = backtest.run(config)?;
    println!(
        "{name}: {} decisions, {} fills, final equity {:?}",
        report.decisions.len(),
        report.trades.len(),
        report.days.last().map(|day| day.equity)
    );
    group.bench_function(name, |b| b.iter(|| backtest.run(black_box(config))));
    Ok(())
}

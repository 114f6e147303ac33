//! Indicators over ten million bars of a driftless random walk, in batch form: into buffers that
//! were used before, and (`fresh`) into new ones, whose pages the system has to give first.
//!
//! Nanoseconds a bar are the time over ten: 25 ms are 2.5 ns.

use std::hint::black_box;

use atlas_benches::walk;
use atlas_strategy::indicator::{
    Adx, Atr, Beta, Bollinger, BollingerColumns, Column, Correlation, Donchian, Ema, Fill,
    HighDistance, Indicator, Macd, MacdColumns, Obv, Ohlcv, Ranges, RealisedVolatility, Roc,
    RollingMax, Rsi, Sma, StdDev, Stochastic, TrueRange, Vwap, Wilder, Wma, ZScore,
};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput};

/// What may fail in setting up.
type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

const BARS: usize = 10_000_000;

fn main() -> Result<()> {
    let mut criterion = Criterion::default().configure_from_args();
    let close = walk(1, BARS, 0.000_1, 0.0);
    let mut group = criterion.benchmark_group("indicator");
    group.throughput(Throughput::Elements(BARS as u64)).sample_size(10);
    fill(&mut group, "sma", &Sma::new(20)?, &close);
    fill(&mut group, "ema", &Ema::new(20)?, &close);
    fill(&mut group, "rsi", &Rsi::new(14)?, &close);
    macd(&mut group, &Macd::new(12, 26, 9)?, &close);
    bollinger(&mut group, &Bollinger::new(20, 2.0)?, &close);
    fill(&mut group, "wilder", &Wilder::new(14)?, &close);
    fill(&mut group, "std_dev", &StdDev::new(20)?, &close);
    fill(&mut group, "z_score", &ZScore::new(20)?, &close);
    fill(&mut group, "wma", &Wma::new(20)?, &close);
    fill(&mut group, "roc", &Roc::new(10)?, &close);
    fill(&mut group, "rolling_max", &RollingMax::new(252)?, &close);
    fill(&mut group, "realised_volatility", &RealisedVolatility::new(20, 252.0)?, &close);
    let other = walk(2, BARS, 0.000_1, 0.0);
    let pairs: Vec<(f64, f64)> = close.iter().copied().zip(other.iter().copied()).collect();
    drop(other);
    fill(&mut group, "correlation", &Correlation::new(30)?, &pairs);
    fill(&mut group, "beta", &Beta::new(30)?, &pairs);
    drop(pairs);
    of_bars(&mut group, &close)?;
    group.finish();
    criterion.final_summary();
    Ok(())
}

/// Indicators of ranges and volumes, on bars around the walk.
fn of_bars(group: &mut Group<'_>, close: &[f64]) -> Result<()> {
    let spread = |factor: f64| -> Vec<f64> { close.iter().map(|close| close * factor).collect() };
    let (high, low) = (spread(1.000_2), spread(0.999_8));
    let ranges = Ranges::new(&high, &low, close)?;
    let mut out = Column::new();
    group.bench_function("atr/10M", |b| {
        b.iter(|| Atr::new(14).map(|mut atr| atr.fill_ranges(black_box(&ranges), &mut out)));
    });
    group.bench_function("atr/10M/fresh", |b| {
        b.iter(|| {
            let mut out = Column::new();
            Atr::new(14).map(|mut atr| atr.fill_ranges(black_box(&ranges), &mut out)).map(|()| out)
        });
    });
    let bars: Vec<Ohlcv> = close
        .iter()
        .zip(high.iter().zip(&low))
        .map(|(close, (high, low))| Ohlcv {
            open: *close,
            high: *high,
            low: *low,
            close: *close,
            volume: 100.0,
        })
        .collect();
    fill(group, "true_range", &TrueRange::default(), &bars);
    fill(group, "high_distance", &HighDistance::new(252)?, &bars);
    fill(group, "obv", &Obv::default(), &bars);
    fill(group, "vwap", &Vwap::default(), &bars);
    push(group, "adx", &Adx::new(14)?, &bars);
    push(group, "stochastic", &Stochastic::new(14, 3, 3)?, &bars);
    push(group, "donchian", &Donchian::new(20)?, &bars);
    Ok(())
}

/// One column of results, in a used buffer and in a fresh one.
fn fill<I: Fill + Clone>(group: &mut Group<'_>, name: &str, fresh: &I, inputs: &[I::Input]) {
    let mut out = Column::new();
    group.bench_function(format!("{name}/10M"), |b| {
        b.iter(|| fresh.clone().fill(black_box(inputs), &mut out));
    });
    drop(out);
    group.bench_function(format!("{name}/10M/fresh"), |b| {
        b.iter(|| {
            let mut out = Column::new();
            fresh.clone().fill(black_box(inputs), &mut out);
            out
        });
    });
}

/// Pushes alone, for outputs of several numbers without a batch form of their own.
fn push<I: Indicator + Clone>(group: &mut Group<'_>, name: &str, fresh: &I, inputs: &[I::Input]) {
    group.bench_function(format!("{name}/10M"), |b| {
        b.iter(|| {
            let mut one = fresh.clone();
            inputs.iter().filter(|input| one.push(**black_box(input)).is_some()).count()
        });
    });
}

fn macd(group: &mut Group<'_>, fresh: &Macd, close: &[f64]) {
    let mut out = MacdColumns::default();
    group.bench_function("macd/10M", |b| {
        b.iter(|| fresh.clone().fill(black_box(close), &mut out));
    });
    drop(out);
    group.bench_function("macd/10M/fresh", |b| {
        b.iter(|| {
            let mut out = MacdColumns::default();
            fresh.clone().fill(black_box(close), &mut out);
            out
        });
    });
}

fn bollinger(group: &mut Group<'_>, fresh: &Bollinger, close: &[f64]) {
    let mut out = BollingerColumns::default();
    group.bench_function("bollinger/10M", |b| {
        b.iter(|| fresh.clone().fill(black_box(close), &mut out));
    });
    drop(out);
    group.bench_function("bollinger/10M/fresh", |b| {
        b.iter(|| {
            let mut out = BollingerColumns::default();
            fresh.clone().fill(black_box(close), &mut out);
            out
        });
    });
}

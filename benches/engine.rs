//! The engine of continuous trading: one bar, and one bar each of many symbols.
//!
//! `cargo bench -p atlas-benches --bench engine`

#![expect(clippy::unwrap_used, reason = "a bench that cannot be set up fails")]

use std::hint::black_box;

use atlas_benches::walk;
use atlas_core::calendar::Calendar;
use atlas_core::time::Timestamp;
use atlas_core::{Bps, Regime, Symbol, Weight};
use atlas_engine::step::{BarClosed, EngineSpec, StrategySpec, Timeframe, Watch, Window};
use atlas_engine::{Allocations, Engine, Event};
use atlas_strategy::indicator::Ohlcv;
use atlas_strategy::trend::{SmaCross, SmaSet};
use chrono::{NaiveDate, TimeDelta};
use criterion::{Criterion, criterion_group, criterion_main};
use rust_decimal::Decimal;

const MINUTE: Timeframe = Timeframe(60);

/// An engine of so many symbols and strategies, in the trading window, warm.
fn engine(symbols: usize, strategies: usize) -> (Engine<SmaCross>, Vec<Symbol>, Timestamp) {
    let names: Vec<String> = (0..strategies).map(|n| format!("sma-{n}")).collect();
    let part = Weight::new(Decimal::ONE / Decimal::from(strategies)).unwrap();
    let symbols: Vec<Symbol> = (0..symbols).map(|n| format!("S{n:03}").parse().unwrap()).collect();
    let spec = EngineSpec {
        account: "bench".parse().unwrap(),
        decisions: 0,
        capital: "10000000".parse().unwrap(),
        strategies: names
            .iter()
            .map(|name| StrategySpec { capital: part, ..StrategySpec::named(name) })
            .collect(),
        allocations: Allocations::standard(),
        buy_limit_collar: Bps::new(100.into()).unwrap(),
        window: Window::standard(),
        fill_wait: 300,
        bar_max_age: 3_600,
        exit_attempts: 3,
    };
    let mut watches = Vec::new();
    for symbol in &symbols {
        for (n, name) in names.iter().enumerate() {
            let set = [SmaSet::FAST, SmaSet::MEDIUM, SmaSet::SLOW][n % 3];
            let (strategy, symbol) = (name.clone(), symbol.clone());
            let brain = SmaCross::new(set).unwrap();
            watches.push(Watch { strategy, symbol, timeframe: MINUTE, brain });
        }
    }
    let mut engine = Engine::new(spec, watches).unwrap();
    let day = NaiveDate::from_ymd_opt(2019, 1, 3).unwrap();
    let session = Calendar::nyse().session(day).unwrap();
    engine.step(session.open, &Event::Regime(Regime::Bull));
    engine.step(session.open, &Event::SessionOpen(session));
    (engine, symbols, session.open + TimeDelta::minutes(6))
}

fn bar(symbol: &Symbol, at: Timestamp, close: f64) -> Event {
    let bar = Ohlcv { open: close, high: close * 1.001, low: close * 0.999, close, volume: 1e4 };
    Event::Bar(BarClosed { symbol: symbol.clone(), timeframe: MINUTE, closed_at: at, bar })
}

/// Bars of a driftless walk; orders are sent and never answered, so that each step is the work of
/// the engine alone.
fn step(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("engine");
    for (id, symbols, strategies) in [("step_bar", 1, 1), ("step_500x4", 500, 4)] {
        let (mut engine, names, start) = engine(symbols, strategies);
        let closes = walk(7, 4_096, 0.001, 0.0);
        let mut at = start;
        let mut n = 0;
        let mut events: Vec<Event> = names.iter().map(|name| bar(name, at, 100.0)).collect();
        group.bench_function(id, |bencher| {
            bencher.iter(|| {
                at += TimeDelta::milliseconds(1);
                n = (n + 1) % closes.len();
                let mut actions = 0;
                for event in &mut events {
                    if let Event::Bar(bar) = event {
                        bar.closed_at = at;
                        let close = closes[n];
                        (bar.bar.open, bar.bar.close) = (close, close);
                        (bar.bar.high, bar.bar.low) = (close * 1.001, close * 0.999);
                    }
                    actions += engine.step(at, black_box(event)).len();
                }
                actions
            });
        });
    }
    group.finish();
}

criterion_group!(benches, step);
criterion_main!(benches);

//! The engine against a small exchange that does what it likes within the rules.

mod exchange;
mod rules;
mod stories;

use atlas_core::signal::Direction;
use atlas_core::time::Timestamp;
use atlas_core::{Regime, Symbol};
use atlas_strategy::indicator::Ohlcv;
use atlas_strategy::{Opinion, Strategy};
use chrono::{DateTime, TimeDelta};
use serde::{Deserialize, Serialize};

use super::*;
use crate::Allocations;

/// A strategy that says what a seed tells it, or misbehaves at a bar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Toy {
    pub(super) seed: u64,
    pub(super) bars: u64,
    pub(super) trouble: Option<(u64, Trouble)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Trouble {
    Panic,
    Nan,
}

impl Toy {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed, bars: 0, trouble: None }
    }
}

/// A number that looks random, from two others.
pub(super) fn mix(a: u64, b: u64) -> u64 {
    let mut x = a.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ b.wrapping_add(0x2545_f491_4f6c_dd1d);
    for _ in 0..3 {
        x ^= x >> 31;
        x = x.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    }
    x ^ (x >> 29)
}

impl Strategy for Toy {
    fn name(&self) -> &'static str {
        "toy"
    }

    fn warm_up(&self) -> usize {
        1
    }

    fn push(&mut self, bar: &Ohlcv) -> Option<Opinion> {
        self.bars += 1;
        let mut strength = 1.0;
        match self.trouble {
            Some((at, Trouble::Panic)) if at == self.bars => panic!("as told"),
            Some((at, Trouble::Nan)) if at == self.bars => strength = f64::NAN,
            _ => (),
        }
        let direction = match mix(self.seed, self.bars) % 4 {
            0 => Direction::Long,
            1 => Direction::Exit,
            _ => return None,
        };
        let long = direction == Direction::Long;
        Some(Opinion {
            direction,
            strength,
            confidence: 0.5,
            horizon: 5,
            stop: long.then_some(bar.close * 0.97),
            target: long.then_some(bar.close * 1.05),
            evidence: [("close", bar.close)].into(),
        })
    }
}

pub(super) fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

pub(super) fn spec(strategies: &[&str]) -> EngineSpec {
    let each = rust_decimal::Decimal::ONE / rust_decimal::Decimal::from(strategies.len());
    let part = atlas_core::Weight::new(each.trunc_with_scale(4)).unwrap();
    EngineSpec {
        account: "test".parse().unwrap(),
        decisions: 0,
        capital: "100000".parse().unwrap(),
        strategies: strategies
            .iter()
            .map(|name| StrategySpec { capital: part, ..StrategySpec::named(name) })
            .collect(),
        allocations: Allocations::standard(),
        buy_limit_collar: atlas_core::Bps::new(100.into()).unwrap(),
        window: Window::standard(),
        fill_wait: 180,
        bar_max_age: 3_600,
        exit_attempts: 5,
    }
}

pub(super) fn watch(strategy: &str, of: &str, brain: Toy) -> Watch<Toy> {
    Watch { strategy: strategy.into(), symbol: symbol(of), timeframe: Timeframe(60), brain }
}

/// An engine in the trading window of 2019-01-03, in a bull market.
pub(super) fn started(spec: EngineSpec, watches: Vec<Watch<Toy>>) -> (Engine<Toy>, Timestamp) {
    let mut engine = Engine::new(spec, watches).unwrap();
    let day = NaiveDate::from_ymd_opt(2019, 1, 3).unwrap();
    let session = atlas_core::calendar::Calendar::nyse().session(day).unwrap();
    engine.step(session.open, &Event::Regime(Regime::Bull));
    engine.step(session.open, &Event::SessionOpen(session));
    (engine, session.open + TimeDelta::minutes(10))
}

pub(super) fn flat(price: f64) -> Ohlcv {
    Ohlcv { open: price, high: price, low: price, close: price, volume: 1000.0 }
}

pub(super) fn bar(of: &str, at: Timestamp, bar: Ohlcv) -> Event {
    Event::Bar(BarClosed { symbol: symbol(of), timeframe: Timeframe(60), closed_at: at, bar })
}

pub(super) const EPOCH: Timestamp = DateTime::UNIX_EPOCH;

#[test]
fn an_engine_with_a_test_strategy_says_so() {
    let brain = atlas_strategy::EveryOther::default();
    let (strategy, symbol, timeframe) = ("probe".to_owned(), symbol("A"), Timeframe(60));
    let watch = Watch { strategy, symbol, timeframe, brain };
    assert!(Engine::new(spec(&["probe"]), vec![watch]).unwrap().is_test_only());
    let (engine, _) = started(spec(&["toy"]), vec![self::watch("toy", "A", Toy::new(1))]);
    assert!(!engine.is_test_only());
}

//! What holds whatever happens.

use std::collections::BTreeMap;

use atlas_core::{Qty, SignalOutcome, Usd};
use chrono::TimeDelta;
use proptest::prelude::*;

use super::exchange::Exchange;
use super::*;

const SYMBOLS: [&str; 3] = ["AAA", "BBB", "BTC/USD"];
const STRATEGIES: [&str; 3] = ["one", "two", "three"];

fn world(seed: u64) -> (Engine<Toy>, Timestamp) {
    let mut spec = spec(&STRATEGIES);
    spec.strategies[0].exits.trailing = Some("0.02".parse().unwrap());
    spec.strategies[1].exits.take_profit = true;
    spec.strategies[2].exits.max_bars = Some(7);
    let mut watches = Vec::new();
    for (s, name) in STRATEGIES.iter().enumerate() {
        for (n, of) in SYMBOLS.iter().enumerate() {
            watches.push(watch(name, of, Toy::new(mix(seed, (s * 10 + n) as u64))));
        }
    }
    started(spec, watches)
}

/// Signals by their end.
#[derive(Default)]
struct Signals(BTreeMap<String, Option<SignalOutcome>>);

impl Signals {
    fn note(&mut self, action: &Action) {
        if let Action::Signal(signal) = action {
            let before = self.0.insert(signal.id.to_string(), None);
            assert!(before.is_none(), "{} was made twice", signal.id);
        } else if let Action::SignalEnded { id, outcome, .. } = action {
            let end = self.0.get_mut(id.as_str()).expect("a signal ends after it was made");
            assert!(end.is_none(), "{id} ended as {end:?} and as {outcome}");
            *end = Some(*outcome);
        }
    }
}

fn commands(draw: u64) -> Option<Event> {
    let one = || "one".to_owned();
    Some(match draw % 60 {
        0 => Event::Command(Command::Pause),
        1 => Event::Command(Command::Reduce),
        2..=6 => Event::Command(Command::Resume),
        7 => Event::Command(Command::Disable { strategy: one() }),
        8..=10 => Event::Command(Command::Enable { strategy: one() }),
        11 => Event::Connectivity { up: false },
        12..=15 => Event::Connectivity { up: true },
        16 => Event::Regime(Regime::Crash),
        17..=20 => Event::Regime(Regime::Bull),
        21..=23 => Event::Timer,
        _ => return None,
    })
}

/// Runs `bars` bars of each symbol; checkpoints after each event if told.
fn run(seed: u64, bars: u64, checkpoint: bool) -> Vec<Action> {
    let (mut engine, mut now) = world(seed);
    let mut exchange = Exchange::new(seed, "100000".parse().unwrap());
    let mut prices = [100.0, 40.0, 9_000.0];
    let mut signals = Signals::default();
    let mut all = Vec::new();
    for n in 0..bars {
        now += TimeDelta::seconds(60);
        let mut events = Vec::new();
        for (i, of) in SYMBOLS.iter().enumerate() {
            let draw = mix(seed ^ 7, n * 16 + i as u64);
            let open = prices[i];
            prices[i] *= 1.0 + f64::from(u32::try_from(draw % 201).unwrap()) / 10_000.0 - 0.01;
            let (low, high) = (open.min(prices[i]) * 0.998, open.max(prices[i]) * 1.002);
            exchange.price(&symbol(of), low, prices[i]);
            events.append(&mut exchange.telling);
            events.extend(commands(draw >> 20));
            let ohlcv = Ohlcv { open, high, low, close: prices[i], volume: 10.0 };
            events.push(bar(of, now, ohlcv));
        }
        events.push(Event::Timer);
        while !events.is_empty() {
            for event in std::mem::take(&mut events) {
                let actions = engine.step(now, &event);
                for action in &actions {
                    signals.note(action);
                    exchange.take(action);
                }
                all.extend(actions);
                if checkpoint {
                    let text = serde_json::to_string(&engine).unwrap();
                    engine = serde_json::from_str(&text).unwrap();
                }
            }
            events.append(&mut exchange.telling);
        }
        agree(&engine, &exchange);
    }
    all
}

/// Books of the engine and of the exchange, to the share and the cent.
fn agree(engine: &Engine<Toy>, exchange: &Exchange) {
    assert_ne!(engine.state(), TradingState::Halted);
    for of in SYMBOLS {
        let held = STRATEGIES
            .iter()
            .fold(Qty::ZERO, |sum, name| sum.checked_add(engine.held(name, &symbol(of))).unwrap());
        assert_eq!(held, exchange.held.get(&symbol(of)).copied().unwrap_or_default(), "{of}");
    }
    let idle = engine.spec.capital.checked_sub(allocated(engine)).unwrap();
    let cash = engine.books.iter().fold(idle, |sum, book| sum.checked_add(book.cash).unwrap());
    assert_eq!(cash, exchange.cash);
    for book in &engine.books {
        assert!(!book.cash.is_negative() && !book.reserved.is_negative());
    }
}

fn allocated(engine: &Engine<Toy>) -> Usd {
    let parts = engine.spec.strategies.iter().map(|strategy| {
        engine.spec.capital.share(strategy.capital).unwrap().to_cents(atlas_core::Rounding::Down)
    });
    Usd::sum(parts).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Books agree, no orders meet, no share is for sale twice, signals end once: asserted inside.
    #[test]
    fn books_agree_with_the_exchange(seed: u64) {
        let actions = run(seed, 60, false);
        prop_assert!(!actions.is_empty());
    }

    #[test]
    fn going_on_from_checkpoints_changes_nothing(seed: u64) {
        prop_assert_eq!(run(seed, 25, true), run(seed, 25, false));
    }

    #[test]
    fn what_comes_later_changes_nothing(seed: u64) {
        let (short, long) = (run(seed, 20, false), run(seed, 30, false));
        prop_assert_eq!(&long[..short.len()], &short[..]);
    }
}

fn kind_of(action: &Action) -> String {
    if let Action::Submit { purpose, .. } = action {
        format!("submit {purpose:?}")
    } else if let Action::SignalEnded { outcome, .. } = action {
        outcome.to_string()
    } else if let Action::Cancel { reason, .. } = action {
        reason.clone()
    } else if matches!(action, Action::Crossed { .. }) {
        "crossed".into()
    } else if matches!(action, Action::Attributed { shares, .. } if shares.len() > 1) {
        "divided".into()
    } else {
        "other".into()
    }
}

/// The random stories do exercise what the rules are about.
#[test]
fn the_stories_are_not_empty() {
    let mut seen = BTreeMap::new();
    for seed in 0..25 {
        for action in run(seed, 60, false) {
            let kind = kind_of(&action);
            *seen.entry(kind).or_insert(0_u32) += 1;
        }
    }
    for kind in [
        "submit Entry",
        "submit Exit",
        "submit Guard",
        "crossed",
        "divided",
        "EXECUTED",
        "PARTIALLY_EXECUTED",
        "NETTED",
        "SUPERSEDED",
        "REJECTED_BY_BROKER",
        "REJECTED_BY_REGIME",
        "its shares are to be sold now",
        "the venue holds no purchase beside a stop",
        "its stop rose",
        "a strategy no longer wants it",
    ] {
        assert!(seen.get(kind).is_some_and(|n| *n > 2), "{kind} is missing: {seen:#?}");
    }
}

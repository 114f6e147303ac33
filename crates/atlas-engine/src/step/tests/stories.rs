//! One thing at a time.

use atlas_core::{OrderEvent, SignalOutcome};

use super::*;

fn incidents(actions: &[Action]) -> Vec<String> {
    let mut told = Vec::new();
    for action in actions {
        if let Action::Incident { what, .. } = action {
            told.push(what.clone());
        }
    }
    told
}

/// A brain whose first word is to buy.
fn buyer() -> Toy {
    (0..1_000).map(Toy::new).find(|toy| mix(toy.seed, 1).is_multiple_of(4)).unwrap()
}

#[test]
fn a_strategy_that_panics_or_says_nan_is_alone_in_it() {
    for trouble in [Trouble::Panic, Trouble::Nan] {
        let bad = Toy { trouble: Some((1, trouble)), ..buyer() };
        let watches = vec![watch("bad", "AAA", bad), watch("good", "AAA", buyer())];
        let (mut engine, now) = started(spec(&["bad", "good"]), watches);
        let actions = engine.step(now, &bar("AAA", now, flat(10.0)));
        assert_eq!(engine.enabled("bad"), Some(false));
        assert_eq!(engine.enabled("good"), Some(true));
        assert!(incidents(&actions)[0].contains("strategy bad is disabled"), "{actions:?}");
        assert!(actions.iter().any(|action| matches!(action, Action::Submit { .. })));
    }
}

#[test]
fn impossible_and_late_bars_are_told_and_left_out() {
    let (mut engine, now) = started(spec(&["one"]), vec![watch("one", "AAA", buyer())]);
    engine.step(now, &Event::Timer);
    let cases = [
        (flat(0.0), "not above zero"),
        (flat(f64::NAN), "not above zero"),
        (Ohlcv { high: 9.0, ..flat(10.0) }, "outside of low and high"),
        (Ohlcv { volume: -1.0, ..flat(10.0) }, "volume"),
    ];
    for (ohlcv, said) in cases {
        let before = engine.clone();
        let actions = engine.step(now, &bar("AAA", now, ohlcv));
        assert!(incidents(&actions)[0].contains(said), "{actions:?}");
        assert_eq!(engine, before);
    }
    engine.step(now, &bar("AAA", now, flat(10.0)));
    let again = engine.step(now, &bar("AAA", now, flat(10.0)));
    assert!(incidents(&again)[0].contains("late or there twice"), "{again:?}");
    let strange = engine.step(now, &bar("ZZZ", now, flat(10.0)));
    assert!(incidents(&strange)[0].contains("nobody watches"), "{strange:?}");
}

#[test]
fn nothing_is_opened_without_a_regime_a_session_or_in_pause() {
    let ended = |actions: &[Action]| {
        actions.iter().find_map(|action| {
            if let Action::SignalEnded { outcome, .. } = action { Some(*outcome) } else { None }
        })
    };
    let mut engine = Engine::new(spec(&["one"]), vec![watch("one", "AAA", buyer())]).unwrap();
    let actions = engine.step(EPOCH, &bar("AAA", EPOCH, flat(10.0)));
    assert_eq!(ended(&actions), Some(SignalOutcome::RejectedByMarketHours));

    let (mut engine, now) = started(spec(&["one"]), vec![watch("one", "AAA", buyer())]);
    engine.regime = None;
    let actions = engine.step(now, &bar("AAA", now, flat(10.0)));
    assert_eq!(ended(&actions), Some(SignalOutcome::RejectedByRegime));

    let (mut engine, now) = started(spec(&["one"]), vec![watch("one", "AAA", buyer())]);
    engine.step(now, &Event::Command(Command::Pause));
    let actions = engine.step(now, &bar("AAA", now, flat(10.0)));
    assert_eq!(ended(&actions), Some(SignalOutcome::RejectedByPaused));
}

#[test]
fn an_order_nobody_knows_pauses() {
    let (mut engine, now) = started(spec(&["one"]), vec![watch("one", "AAA", buyer())]);
    let id = "atlas-test-99-buy-AAA-0".parse().unwrap();
    engine.step(now, &Event::Order { id, change: OrderEvent::Canceled });
    assert_eq!(engine.state(), TradingState::Paused);
}

#[test]
fn history_leads_to_no_signal_and_to_no_repetition_of_it() {
    let (mut engine, now) = started(spec(&["one"]), vec![watch("one", "AAA", buyer())]);
    let history = History {
        symbol: symbol("AAA"),
        timeframe: Timeframe(60),
        last_close: now,
        bars: vec![flat(10.0)],
    };
    assert_eq!(engine.step(now, &Event::History(history)), []);
    assert_eq!(engine.desks[0].slots[0].last, Some(Direction::Long));
}

#[test]
fn a_kill_leaves_nothing_but_cancels() {
    let (mut engine, now) = started(spec(&["one"]), vec![watch("one", "AAA", buyer())]);
    engine.step(now, &bar("AAA", now, flat(10.0)));
    assert_eq!(engine.open_orders().count(), 1);
    let actions = engine.step(now, &Event::Command(Command::Kill { all: false }));
    assert!(actions.iter().any(|action| matches!(action, Action::Cancel { .. })), "{actions:?}");
    let later = now + TimeDelta::minutes(1);
    let actions = engine.step(later, &bar("AAA", later, flat(11.0)));
    assert!(!actions.iter().any(|action| matches!(action, Action::Submit { .. })), "{actions:?}");
}

#[test]
fn a_specification_that_cannot_be_used_is_refused() {
    let change: [fn(&mut EngineSpec); 5] = [
        |spec| spec.capital = Usd::ZERO,
        |spec| spec.strategies[0].name = "One".into(),
        |spec| spec.strategies.push(StrategySpec::named("one")),
        |spec| spec.strategies[0].max_positions = 0,
        |spec| spec.fill_wait = 0,
    ];
    for change in change {
        let mut spec = spec(&["one"]);
        change(&mut spec);
        assert!(Engine::<Toy>::new(spec, Vec::new()).is_err());
    }
    let watches = vec![watch("nobody", "AAA", buyer())];
    assert!(Engine::new(spec(&["one"]), watches).is_err());
    let twice = vec![watch("one", "AAA", buyer()), watch("one", "AAA", buyer())];
    assert!(Engine::new(spec(&["one"]), twice).is_err());
}

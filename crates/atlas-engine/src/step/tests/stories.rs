//! One thing at a time.

use atlas_core::{Fill, OrderEvent, Qty, SignalOutcome};

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

/// An engine that holds shares of AAA, bought at 10 with a stop at 9.70 that rests.
fn holding(shares_out: &mut Qty) -> (Engine<Toy>, Timestamp) {
    let (mut engine, now) = started(spec(&["one"]), vec![watch("one", "AAA", buyer())]);
    engine.step(now, &bar("AAA", now, flat(10.0)));
    let request = engine.open_orders().next().unwrap().request().clone();
    *shares_out = request.qty;
    let fill = Fill {
        execution_id: "x1".parse().unwrap(),
        client_order_id: request.client_order_id,
        venue_order_id: "v".parse().unwrap(),
        symbol: request.symbol,
        side: request.side,
        qty: request.qty,
        price: "10".parse().unwrap(),
        ts_event: EPOCH,
    };
    let actions = engine.step(now, &Event::Fill { fill, fee: Usd::ZERO });
    let guard = |action: &Action| matches!(action, Action::Submit { purpose: Purpose::Guard, .. });
    assert!(actions.iter().any(guard), "{actions:?}");
    (engine, now)
}

#[test]
fn a_split_scales_shares_and_stop_and_asks_for_history() {
    let mut bought = Qty::ZERO;
    let (mut engine, now) = holding(&mut bought);
    let cash = engine.cash("one");
    let split = CorporateAction::Split { symbol: symbol("AAA"), from: 1, to: 2 };
    let actions = engine.step(now, &Event::Corporate(split));
    assert_eq!(engine.held("one", &symbol("AAA")), bought.checked_add(bought).unwrap());
    assert_eq!(engine.cash("one"), cash);
    assert!(actions.iter().any(|action| matches!(action, Action::NeedHistory { .. })));
    // The stop of 9.70 is 4.85 now, and watched while the strategy waits for its history.
    engine.desks[0].slots[0].guard_stop = None;
    let later = now + TimeDelta::minutes(1);
    engine.step(later, &bar("AAA", later, flat(4.90)));
    assert!(!engine.desks[0].slots[0].leaving);
    let later = later + TimeDelta::minutes(1);
    engine.step(later, &bar("AAA", later, flat(4.80)));
    assert!(engine.desks[0].slots[0].leaving);
}

#[test]
fn an_odd_split_tells_what_is_paid_out_and_an_impossible_one_is_left_out() {
    let mut bought = Qty::ZERO;
    let (mut engine, now) = holding(&mut bought);
    let split =
        |from, to| Event::Corporate(CorporateAction::Split { symbol: symbol("AAA"), from, to });
    let said = incidents(&engine.step(now, &split(0, 2)));
    assert!(said[0].contains("impossible"), "{said:?}");
    assert_eq!(engine.held("one", &symbol("AAA")), bought);
    let said = incidents(&engine.step(now, &split(999_983, 1)));
    assert!(said.iter().any(|what| what.contains("paid out")), "{said:?}");
    assert!(engine.held("one", &symbol("AAA")).is_zero());
}

#[test]
fn dividends_and_what_a_delisting_pays_are_cash() {
    let mut bought = Qty::ZERO;
    let (mut engine, now) = holding(&mut bought);
    let before = engine.cash("one").unwrap();
    let one = "1".parse().unwrap();
    let dividend = CorporateAction::Dividend { symbol: symbol("AAA"), per_share: one };
    engine.step(now, &Event::Corporate(dividend));
    let paid = Usd::new(bought.value()).unwrap();
    assert_eq!(engine.cash("one"), Some(before.checked_add(paid).unwrap()));
    let gone = CorporateAction::Delisted { symbol: symbol("AAA"), per_share: Some(one) };
    engine.step(now, &Event::Corporate(gone));
    assert_eq!(
        engine.cash("one"),
        Some(before.checked_add(paid).unwrap().checked_add(paid).unwrap())
    );
    assert!(engine.held("one", &symbol("AAA")).is_zero());
}

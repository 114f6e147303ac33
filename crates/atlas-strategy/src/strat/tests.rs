use super::*;

fn bar(low: f64, high: f64) -> Ohlcv {
    Ohlcv { open: low, high, low, close: high, volume: 1.0 }
}

fn pattern(ranges: &[(f64, f64)]) -> Option<(PatternKind, bool, bool)> {
    full(ranges).map(|found| (found.kind, found.bullish, found.turn == Turn::Reversal))
}

fn full(ranges: &[(f64, f64)]) -> Option<Pattern> {
    let mut strat = Strat::default();
    for (low, high) in ranges {
        strat.push(&bar(*low, *high));
    }
    strat.pattern()
}

#[test]
fn kinds_use_strict_inequalities() {
    let before = bar(10.0, 20.0);
    for (low, high, kind) in [
        (10.0, 20.0, BarKind::Inside),
        (11.0, 19.0, BarKind::Inside),
        (10.0, 20.1, BarKind::Up),
        (9.9, 20.0, BarKind::Down),
        (9.9, 20.1, BarKind::Outside),
    ] {
        assert_eq!(BarKind::of(&bar(low, high), &before), kind, "{low} {high}");
    }
}

#[test]
fn every_pattern_is_found_up_and_down() {
    use PatternKind::{OneTwoTwo, ThreeOneTwo, ThreeTwo, TwoOneTwo, TwoTwo};
    let base = (10.0, 20.0);
    let (up, down) = ((11.0, 21.0), (9.0, 19.0));
    for (bars, kind, bullish, reversal) in [
        (&[base, up, (12.0, 20.5), (12.5, 22.0)][..], TwoOneTwo, true, false),
        (&[base, up, (12.0, 20.5), (11.5, 20.0)], TwoOneTwo, false, true),
        (&[base, down, (10.0, 18.0), (11.0, 18.5)], TwoOneTwo, true, true),
        (&[base, (9.0, 21.0), (10.0, 20.0), (11.0, 20.5)], ThreeOneTwo, true, false),
        (&[base, (9.0, 21.0), (10.0, 20.0), (9.5, 19.0)], ThreeOneTwo, false, false),
        (&[base, (11.0, 19.0), (12.0, 19.5), (13.0, 20.5)], OneTwoTwo, true, false),
        (&[base, (11.0, 19.0), (12.0, 19.5), (11.5, 19.0)], OneTwoTwo, false, true),
        (&[base, (9.0, 21.0), (10.0, 22.0)], ThreeTwo, true, false),
        (&[base, up, (12.0, 22.0)], TwoTwo, true, false),
        (&[base, down, (10.0, 19.5)], TwoTwo, true, true),
        (&[base, up, (10.5, 20.5)], TwoTwo, false, true),
    ] {
        assert_eq!(pattern(bars), Some((kind, bullish, reversal)), "{bars:?}");
    }
    assert_eq!(pattern(&[base, up, (12.0, 20.5)]), None, "an inside bar triggers nothing");
    assert_eq!(pattern(&[base, up]), None);
}

#[test]
fn entry_stop_and_magnitude_come_from_the_bars() {
    // 2D-1-2U: over the inside bar's high, wrong below its low, to the down bar's high.
    let found = full(&[(10.0, 20.0), (9.0, 19.0), (10.0, 18.0), (11.0, 18.5)]).unwrap();
    assert_eq!((found.entry, found.stop, found.target), (18.0, 10.0, Some(19.0)));
    // 2U-2U: nothing lies beyond.
    let found = full(&[(10.0, 20.0), (11.0, 21.0), (12.0, 22.0)]).unwrap();
    assert_eq!((found.entry, found.stop, found.target), (21.0, 11.0, None));
}

#[test]
fn quality_and_continuity_follow_their_tables() {
    for (regime, up, down) in [
        (Regime::Bull, 100, 0),
        (Regime::Neutral, 50, 50),
        (Regime::Bear, 0, 100),
        (Regime::Crash, 0, 100),
    ] {
        assert_eq!(Quality::of(regime, true).percent(), up, "{regime}");
        assert_eq!(Quality::of(regime, false).percent(), down, "{regime}");
    }
    assert_eq!(continuity(&[1.0, 2.0, 3.0], 4.0), Some(true));
    assert_eq!(continuity(&[1.0, 2.0, 3.0], 0.5), Some(false));
    assert_eq!(continuity(&[1.0, 2.0, 3.0], 2.5), None);
    assert_eq!(continuity(&[1.0, 2.0], 2.0), None);
    assert_eq!(continuity(&[], 2.0), None);
}

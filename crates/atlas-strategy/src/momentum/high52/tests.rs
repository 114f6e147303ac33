use proptest::prelude::*;

use super::*;

fn symbol(text: &str) -> Symbol {
    text.parse().unwrap()
}

fn as_of() -> NaiveDate {
    NaiveDate::from_ymd_opt(2019, 1, 2).unwrap()
}

fn scanner(window: usize, top_n: usize) -> High52 {
    High52Params { window, top_n, ..High52Params::default() }.check().unwrap()
}

/// Scans symbols named by their last close over a high of 100.
fn scan(
    closes: &[(&str, f64)],
    held: &[&str],
    top_n: usize,
) -> Vec<(String, Selection, Direction)> {
    let symbols: Vec<Symbol> = closes.iter().map(|(name, _)| symbol(name)).collect();
    let columns: Vec<[f64; 2]> = closes.iter().map(|(_, close)| [100.0, *close]).collect();
    let histories: Vec<History<'_>> =
        symbols.iter().zip(&columns).map(|(s, c)| History::of_closes(s, c)).collect();
    let held = held.iter().map(|name| symbol(name)).collect();
    let scan = scanner(2, top_n).scan(&histories, &held, DecisionId(7), as_of()).unwrap();
    let row = |s: Scanned| (s.signal.symbol.to_string(), s.selection, s.signal.direction);
    scan.scanned.into_iter().map(row).collect()
}

#[test]
fn thresholds_hysteresis_and_ranks() {
    use Direction::{Exit, Long};
    use Selection::{BelowEntry, BelowExit, Outranked, Selected};
    let found = scan(
        &[("A", 89.0), ("B", 90.0), ("C", 88.0), ("D", 87.9), ("E", 99.0), ("F", 90.0)],
        &["C", "D", "F"],
        2,
    );
    let row = |name: &str, selection, direction| (name.to_owned(), selection, direction);
    assert_eq!(
        found,
        [
            row("E", Selected { rank: 1 }, Long),
            row("B", Selected { rank: 2 }, Long),
            row("F", Outranked { rank: 3 }, Exit),
            row("C", Outranked { rank: 4 }, Exit),
            row("A", BelowEntry, Long),
            row("D", BelowExit, Exit),
        ]
    );
}

#[test]
fn short_histories_give_no_signal() {
    let (a, b) = (symbol("A"), symbol("B"));
    let histories = [History::of_closes(&b, &[1.0; 251]), History::of_closes(&a, &[1.0; 252])];
    let scan = scanner(252, 5).scan(&histories, &BTreeSet::new(), DecisionId(1), as_of()).unwrap();
    assert_eq!(scan.warming, [Warming { symbol: b.clone(), sessions: 251 }]);
    assert_eq!(scan.scanned.len(), 1);
    assert_eq!(scan.scanned[0].signal.id.as_str(), "1-high52-A");
}

#[test]
fn volume_confirms_entries_only() {
    let rule = Some(VolumeRule { window: 2, ratio: 1.25 });
    let scanner = High52Params { window: 2, volume: rule, ..High52Params::default() };
    let scanner = scanner.check().unwrap();
    let names = [symbol("A"), symbol("B"), symbol("C")];
    let closes = [1.0, 1.0, 1.0];
    let thin = [4.0, 4.0, 4.9];
    let thick = [4.0, 4.0, 5.0];
    let histories = [
        History::of_closes(&names[0], &closes).with_volume(&thin).unwrap(),
        History::of_closes(&names[1], &closes).with_volume(&thick).unwrap(),
        History::of_closes(&names[2], &closes),
    ];
    let held = BTreeSet::from([names[0].clone()]);
    let selections = |held: &BTreeSet<Symbol>| -> Vec<Selection> {
        let scan = scanner.scan(&histories, held, DecisionId(1), as_of()).unwrap();
        scan.scanned.iter().map(|s| s.selection).collect()
    };
    let selected = |rank| Selection::Selected { rank };
    assert_eq!(
        selections(&BTreeSet::new()),
        [selected(1), Selection::LowVolume, Selection::LowVolume]
    );
    assert_eq!(selections(&held), [selected(1), selected(2), Selection::LowVolume]);
}

#[test]
fn nonsense_is_refused() {
    for params in [
        High52Params { window: 1, ..High52Params::default() },
        High52Params { top_n: 0, ..High52Params::default() },
        High52Params { entry: f64::NAN, ..High52Params::default() },
        High52Params { entry: 1.01, ..High52Params::default() },
        High52Params { exit: 0.91, ..High52Params::default() },
        High52Params {
            volume: Some(VolumeRule { window: 0, ratio: 1.0 }),
            ..High52Params::default()
        },
    ] {
        assert!(params.clone().check().is_err(), "{params:?}");
    }
}

/// Price paths of a few symbols, all of one length.
fn paths() -> impl Strategy<Value = Vec<Vec<f64>>> {
    let path = prop::collection::vec(50_u32..150, 40);
    prop::collection::vec(path, 1..6).prop_map(|paths| {
        paths.into_iter().map(|p| p.into_iter().map(f64::from).collect()).collect()
    })
}

fn decisions(paths: &[Vec<f64>], len: usize, held: &BTreeSet<Symbol>) -> Scan {
    let names: Vec<Symbol> = (0..paths.len()).map(|n| symbol(&format!("S{n}"))).collect();
    let histories: Vec<History<'_>> =
        names.iter().zip(paths).map(|(s, p)| History::of_closes(s, &p[..len])).collect();
    scanner(10, 2).scan(&histories, held, DecisionId(1), as_of()).unwrap()
}

proptest! {
    /// What comes later changes nothing: prefix invariance.
    #[test]
    fn the_future_changes_nothing(paths in paths(), len in 10_usize..40, shock in 1.0_f64..1e6) {
        let held = BTreeSet::from([symbol("S0")]);
        let before = decisions(&paths, len, &held);
        let mut other = paths;
        for path in &mut other {
            path[len..].fill(shock);
        }
        prop_assert_eq!(before, decisions(&other, len, &held));
    }

    /// Rescaling all past prices of a symbol, as a later split does, changes no decision. Powers of
    /// two are exact in binary; any other factor moves ratios by rounding alone.
    #[test]
    fn rescaling_changes_no_decision(paths in paths(), exponent in -8_i32..8) {
        let held = BTreeSet::from([symbol("S0")]);
        let scaled: Vec<Vec<f64>> =
            paths.iter().map(|p| p.iter().map(|x| x * 2_f64.powi(exponent)).collect()).collect();
        let pick = |scan: Scan| -> Vec<(Symbol, Selection, u64)> {
            let row = |s: Scanned| (s.signal.symbol, s.selection, s.signal.strength.to_bits());
            scan.scanned.into_iter().map(row).collect()
        };
        prop_assert_eq!(
            pick(decisions(&paths, 40, &held)),
            pick(decisions(&scaled, 40, &held))
        );
    }

    /// Session by session gives, bit for bit, what the batch gives.
    #[test]
    fn streaming_equals_batch(paths in paths(), lift in 0_u32..5) {
        let scanner = scanner(10, 2);
        let name = symbol("A");
        for path in &paths {
            let highs: Vec<f64> = path.iter().map(|close| close + f64::from(lift)).collect();
            let mut stream = High52Stream::new(&scanner).unwrap();
            for end in 1..=path.len() {
                let history = History::of_closes(&name, &path[..end]);
                let history = history.with_highs(&highs[..end]).unwrap();
                let streamed = stream.push(highs[end - 1], path[end - 1]);
                prop_assert_eq!(streamed, scanner.proximity(&history));
                prop_assert_eq!(streamed.is_some(), end >= 10);
            }
        }
    }
}

#[test]
fn reasons_round_prices_and_name_their_basis() {
    let name = symbol("A");
    let dates = [1, 2].map(|day| NaiveDate::from_ymd_opt(2019, 1, day).unwrap()).to_vec();
    let reason = |adj_close: Vec<f64>| {
        let columns = atlas_core::bars::Columns {
            dates: dates.clone(),
            high: vec![50.000_06, 49.0],
            close: vec![50.0, 48.4],
            adj_close,
            ..Default::default()
        };
        let bars = atlas_core::Bars::<atlas_core::Raw>::new(name.clone(), columns).unwrap();
        let histories = [History::raw(&bars.view())];
        let found = scanner(2, 5).scan(&histories, &BTreeSet::new(), DecisionId(1), as_of());
        found.unwrap().scanned[0].reason()
    };
    let end = "rank 1 of the best 5";
    assert_eq!(
        reason(vec![42.961_234_567, 41.587_654_3]),
        format!("adjusted close 41.5877 is 0.968 of its adjusted high 42.9613; {end}")
    );
    assert_eq!(reason(Vec::new()), format!("close 48.4 is 0.968 of its high 50.0001; {end}"));
}

//! The fast path against the event path, against its own streaming form, and against vectorbt.

use std::num::NonZeroUsize;

use atlas_core::bars::Columns;
use atlas_core::calendar::Calendar;
use atlas_core::{Bars, Bps, Raw, Usd};
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::*;
use crate::metrics::{Conventions, Metrics};

fn trading(cash: &str, shares: u32, fee: &str, slippage: &str) -> Trading {
    TradingSpec {
        cash: cash.parse().unwrap(),
        shares,
        fee: fee.parse().unwrap(),
        slippage: slippage.parse().unwrap(),
    }
    .check()
    .unwrap()
}

fn usd(micros: i64) -> Usd {
    Usd::new(Decimal::new(micros, 6)).unwrap()
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
fn dollars(micros: &[i64]) -> Vec<f64> {
    micros.iter().map(|price| *price as f64 / 1e6).collect()
}

/// Daily bars of consecutive sessions; opens make a range with the closes.
fn bars(opens: Option<&[i64]>, closes: &[i64]) -> Bars<Raw> {
    let from = "2003-01-02".parse().unwrap();
    let to = "2012-12-31".parse().unwrap();
    let sessions = Calendar::nyse().sessions(from, to).unwrap();
    let mut columns = Columns {
        dates: sessions.map(|session| session.date).take(closes.len()).collect(),
        close: dollars(closes),
        ..Columns::default()
    };
    if let Some(opens) = opens {
        columns.open = dollars(opens);
        let pairs = || columns.open.iter().zip(&columns.close);
        let high = pairs().map(|(open, close)| open.max(*close)).collect();
        let low = pairs().map(|(open, close)| open.min(*close)).collect();
        (columns.high, columns.low) = (high, low);
    }
    Bars::new("WALK".parse().unwrap(), columns).unwrap()
}

/// What vectorbt 0.28 makes of the same walks: bars, windows, orders, final value, fees.
#[test]
fn within_a_cent_a_fill_of_vectorbt() {
    let golden = [
        (1, 5_000, (10, 30), 194, 999_999_257.716_632, 67.465_686),
        (2, 20_000, (10, 30), 785, 999_999_102.456_064, 485.642_049),
        (3, 3_000, (5, 50), 96, 999_999_767.331_002, 62.979_355),
    ];
    let trading = trading("1000000000", 10, "10", "5");
    for (seed, bars, (fast, slow), orders, value, fees) in golden {
        let series = FixedSeries::new(None, random_walk(seed, bars)).unwrap();
        let report = run(&series, &SmaCross::new(fast, slow).unwrap(), &trading).unwrap();
        assert_eq!(report.fills.len(), orders);
        let cents = f64::from(u32::try_from(orders).unwrap()) * 0.01;
        let found = usd(report.figures.final_equity).to_f64();
        assert!((found - value).abs() <= cents, "{found} {value}");
        assert!((usd(report.figures.fees).to_f64() - fees).abs() <= cents);
    }
    // The first fills of the first walk: vectorbt's 108.822484, 101.594178 and 106.688117.
    let series = FixedSeries::new(None, random_walk(1, 5_000)).unwrap();
    let fills = run(&series, &SmaCross::new(10, 30).unwrap(), &trading).unwrap().fills;
    let first: Vec<_> = fills.iter().take(3).map(|fill| (fill.bar, fill.price)).collect();
    assert_eq!(first, [(45, 108_822_500), (70, 101_594_100), (82, 106_688_200)]);
}

#[test]
fn figures_are_those_of_the_curve() {
    let series = FixedSeries::new(None, random_walk(9, 4_000)).unwrap();
    let trading = trading("20000", 80, "10", "5");
    let cross = SmaCross::new(4, 11).unwrap();
    let report = run(&series, &cross, &trading).unwrap();
    assert_eq!(summarize(&series, &cross, &trading).unwrap(), report.figures);
    let figures = report.figures;
    assert_eq!(report.equity.len(), series.len());
    assert_eq!(report.equity.last(), Some(&figures.final_equity));
    let curve = dollars(&report.equity);
    let returns: Vec<f64> = curve.windows(2).map(|pair| pair[1] / pair[0] - 1.0).collect();
    let metrics = Metrics::of(&returns, Conventions::SESSIONS).unwrap();
    let close = |a: f64, b: f64| (a - b).abs() < 1e-9 * b.abs().max(1e-3);
    assert!(close(figures.total_return, metrics.total_return.unwrap()));
    assert!(close(figures.sharpe().unwrap(), metrics.sharpe.unwrap()));
    assert!(close(figures.max_drawdown, metrics.max_drawdown.unwrap()));
    assert_eq!(figures.max_drawdown_bars, metrics.max_drawdown_periods);
    let kept = figures.gained + figures.lost;
    let flat = report.fills.len().is_multiple_of(2);
    assert!(!flat || kept == figures.final_equity - trading.cash);
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let series: Vec<_> =
        (1..4).map(|seed| FixedSeries::new(None, random_walk(seed, 800)).unwrap()).collect();
    let pairs = (2..9).flat_map(|fast| (10..14).map(move |slow| SmaCross::new(fast, slow)));
    let crosses: Vec<SmaCross> = pairs.collect::<Result<_, _>>().unwrap();
    let trading = trading("1000000", 10, "10", "5");
    let on =
        |threads| sweep(&series, &crosses, &trading, NonZeroUsize::new(threads).unwrap()).unwrap();
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(64));
    for (row, series) in one.iter().zip(&series) {
        for (figures, cross) in row.iter().zip(&crosses) {
            assert_eq!(*figures, run(series, cross, &trading).unwrap().figures);
        }
    }
}

#[test]
fn what_cannot_be_modelled_is_refused() {
    let series = FixedSeries::new(None, random_walk(1, 500)).unwrap();
    let cross = SmaCross::new(3, 8).unwrap();
    let error = run(&series, &cross, &trading("1000", 10, "10", "5")).unwrap_err();
    assert!(error.to_string().contains("cash is 1000"), "{error}");
    assert!(FixedSeries::new(Some(vec![1]), vec![1, 2]).is_err());
    assert!(FixedSeries::new(None, vec![i64::MAX]).is_err());
    assert!(SmaCross::new(0, 5).is_err() && SmaCross::new(5, 5_001).is_err());
    let good = trading("1000", 1, "10", "5").spec();
    for bad in [
        TradingSpec { cash: "0.001".parse().unwrap(), ..good },
        TradingSpec { fee: Bps::from_int(1_000), ..good },
        TradingSpec { slippage: Bps::from_int(-1), ..good },
    ] {
        assert!(bad.check().is_err(), "{bad:?}");
    }
    let empty = FixedSeries::new(None, vec![]).unwrap();
    let figures = summarize(&empty, &cross, &good.check().unwrap()).unwrap();
    assert_eq!((figures.fills, figures.mean, figures.exposure()), (0, None, None));
}

/// Prices in hundredths of a cent around a level, so that averages cross often and sometimes tie.
fn prices(bars: usize) -> impl Strategy<Value = Vec<i64>> {
    let wild = proptest::collection::vec((900_000_i64..1_100_000).prop_map(|p| p * 100), bars);
    let tied = proptest::collection::vec((98_i64..103).prop_map(|p| p * 1_000_000), bars);
    prop_oneof![wild, tied]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn running_sums_say_what_the_stream_says(
        closes in prices(200), fast in 1_u16..12, more in 1_u16..40,
    ) {
        let series = FixedSeries::new(None, closes).unwrap();
        let cross = SmaCross::new(fast, fast + more).unwrap();
        let mut batch = Vec::new();
        cross.changes(&series, |bar, stance| batch.push((bar, stance)));
        let mut state = cross;
        let said = series.closes().iter().enumerate();
        let streamed: Vec<_> =
            said.filter_map(|(bar, close)| Some((bar, state.push(*close)?))).collect();
        prop_assert_eq!(batch, streamed);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn equal_to_the_event_path_to_the_last_digit(
        closes in prices(60),
        opens in proptest::option::of(prices(60)),
        fast in 1_u16..6,
        more in 1_u16..9,
        shares in 1_u32..300,
        fee in prop_oneof![Just("0"), Just("10"), Just("3.5")],
        slippage in prop_oneof![Just("0"), Just("5"), Just("12.25")],
    ) {
        let trading = trading("100000", shares, fee, slippage);
        let cross = SmaCross::new(fast, fast + more).unwrap();
        let bars = bars(opens.as_deref(), &closes);
        let series = FixedSeries::of(&bars).unwrap();
        prop_assert_eq!(series.closes(), &closes[..]);
        let fast = run(&series, &cross, &trading).unwrap();
        let slow = event::run(&bars, &cross, &trading).unwrap();
        let fills: Vec<_> =
            fast.fills.iter().map(|fill| (fill.bar, fill.side, fill.price * 1_000)).collect();
        let theirs: Vec<_> =
            slow.fills.iter().map(|(bar, side, price)| (*bar, *side, price.nanos())).collect();
        prop_assert_eq!(fills, theirs);
        let equity: Vec<Usd> = fast.equity.iter().map(|micros| usd(*micros)).collect();
        prop_assert_eq!(equity, slow.equity);
    }
}

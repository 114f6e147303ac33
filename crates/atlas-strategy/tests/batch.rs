//! Batch forms give the very bits of pushes, for every indicator, whatever is in the series.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use atlas_strategy::indicator::{
    Adx, Atr, Beta, Bollinger, BollingerColumns, Column, Correlation, Donchian, Ema, Fill,
    HighDistance, Indicator, Macd, MacdColumns, Obv, Ohlcv, Ranges, RealisedVolatility, Roc,
    RollingMax, RollingMin, Rsi, Sma, StdDev, Stochastic, TrueRange, Vwap, Wilder, Wma, ZScore,
    batch,
};
use proptest::prelude::*;

fn bits(values: impl Iterator<Item = Option<f64>>) -> Vec<Option<u64>> {
    values.map(|value| value.map(f64::to_bits)).collect()
}

/// Fills in two runs of one indicator, so that what came before counts, and compares with pushes.
fn same<I>(name: &str, make: impl Fn() -> I, inputs: &[I::Input], cut: usize)
where
    I: Fill + PartialEq + std::fmt::Debug,
{
    let mut pushed = make();
    let expected: Vec<Option<f64>> = inputs.iter().map(|input| pushed.push(*input)).collect();
    let (mut filled, mut out) = (make(), Column::new());
    let mut found = Vec::new();
    for part in [&inputs[..cut], &inputs[cut..]] {
        filled.fill(part, &mut out);
        found.extend(out.iter());
    }
    assert_eq!(bits(expected.into_iter()), bits(found.into_iter()), "{name}");
    assert_eq!(pushed, filled, "{name} is left in another state");
}

/// The general form, for outputs of more than one number.
fn generic<I>(name: &str, make: impl Fn() -> I, inputs: &[I::Input])
where
    I: Indicator,
    I::Output: PartialEq + std::fmt::Debug,
{
    let (mut one, mut out) = (make(), Vec::new());
    batch(&mut make(), inputs, &mut out);
    for (input, expected) in inputs.iter().zip(out) {
        assert_eq!(one.push(*input), expected, "{name}");
    }
}

fn numbers(values: &[f64], cut: usize, n: usize) {
    same("sma", || Sma::new(n).unwrap(), values, cut);
    same("ema", || Ema::new(n).unwrap(), values, cut);
    same("wma", || Wma::new(n).unwrap(), values, cut);
    same("wilder", || Wilder::new(n).unwrap(), values, cut);
    same("rsi", || Rsi::new(n).unwrap(), values, cut);
    same("std-dev", || StdDev::new(n + 1).unwrap(), values, cut);
    same("z-score", || ZScore::new(n + 1).unwrap(), values, cut);
    same("max", || RollingMax::new(n).unwrap(), values, cut);
    same("min", || RollingMin::new(n).unwrap(), values, cut);
    same("roc", || Roc::new(n).unwrap(), values, cut);
    same("volatility", || RealisedVolatility::new(n + 1, 252.0).unwrap(), values, cut);
    let pairs: Vec<(f64, f64)> = values.iter().copied().zip(values.iter().rev().copied()).collect();
    same("correlation", || Correlation::new(n + 1).unwrap(), &pairs, cut);
    same("beta", || Beta::new(n + 1).unwrap(), &pairs, cut);
}

fn columns(values: &[f64], n: usize) {
    let (mut bands, mut pushed) =
        (BollingerColumns::default(), Bollinger::new(n + 1, 2.0).unwrap());
    let mut filled = pushed.clone();
    filled.fill(values, &mut bands);
    for (at, value) in values.iter().enumerate() {
        let found = pushed.push(*value);
        let row = [found.map(|v| v.upper), found.map(|v| v.middle), found.map(|v| v.lower)];
        let columns = [bands.upper.get(at), bands.middle.get(at), bands.lower.get(at)];
        assert_eq!(bits(row.into_iter()), bits(columns.into_iter()), "Bollinger at {at}");
    }
    assert_eq!(pushed, filled);
    let (mut lines, mut pushed) = (MacdColumns::default(), Macd::new(n, n + 5, n).unwrap());
    let mut filled = pushed.clone();
    filled.fill(values, &mut lines);
    for (at, value) in values.iter().enumerate() {
        let found = pushed.push(*value);
        let row = [found.map(|v| v.macd), found.map(|v| v.signal), found.map(|v| v.histogram)];
        let columns = [lines.macd.get(at), lines.signal.get(at), lines.histogram.get(at)];
        assert_eq!(bits(row.into_iter()), bits(columns.into_iter()), "MACD at {at}");
    }
    assert_eq!(pushed, filled);
}

fn bars(values: &[f64], cut: usize, n: usize) {
    let bar = |pair: &[f64]| Ohlcv {
        open: pair[1],
        high: pair[0].max(pair[1]) + 1.0,
        low: pair[0].min(pair[1]),
        close: pair[1],
        volume: (pair[0] * 7.0).round(),
    };
    let bars: Vec<Ohlcv> = values.windows(2).map(bar).collect();
    let cut = cut.min(bars.len());
    same("true range", TrueRange::default, &bars, cut);
    same("atr", || Atr::new(n).unwrap(), &bars, cut);
    same("obv", Obv::default, &bars, cut);
    same("vwap", Vwap::default, &bars, cut);
    same("high distance", || HighDistance::new(n).unwrap(), &bars, cut);
    generic("adx", || Adx::new(n + 1).unwrap(), &bars);
    generic("stochastic", || Stochastic::new(n, 3, 3).unwrap(), &bars);
    generic("donchian", || Donchian::new(n).unwrap(), &bars);
    // From columns: bars whose open and volume play no part.
    let column = |read: fn(&Ohlcv) -> f64| -> Vec<f64> { bars.iter().map(read).collect() };
    let (high, low, close) = (column(|b| b.high), column(|b| b.low), column(|b| b.close));
    let (mut from_bars, mut from_columns) = (Atr::new(n).unwrap(), Atr::new(n).unwrap());
    let (mut expected, mut found) = (Column::new(), Column::new());
    let plain: Vec<Ohlcv> = bars.iter().map(|b| Ohlcv { volume: 0.0, ..*b }).collect();
    from_bars.fill(&plain, &mut expected);
    from_columns.fill_ranges(&Ranges::new(&high, &low, &close).unwrap(), &mut found);
    assert_eq!(bits(expected.iter()), bits(found.iter()), "ATR of columns");
    assert_eq!(from_bars, from_columns);
    assert!(Ranges::new(&high[1..], &low, &close).is_err());
}

/// A walk with whatever else may come: spikes, flat stretches, holes.
fn series(length: usize, odd: &[(usize, u8)]) -> Vec<f64> {
    let mut state = 11_u64;
    let mut last = 100.0;
    let mut values: Vec<f64> = (0..length)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let step = f64::from(u32::try_from(state >> 32).unwrap()) / f64::from(u32::MAX) - 0.5;
            last = f64::max(last + step, 1.0);
            last
        })
        .collect();
    for (at, kind) in odd {
        let at = at % length;
        match kind {
            0 => values[at] = f64::NAN,
            1 => values[at] = f64::INFINITY,
            2 => values[at] *= 1e6,
            3 => values[at] = 0.0,
            _ => {
                let end = (at + 40).min(length);
                let value = values[at];
                values[at..end].fill(value);
            }
        }
    }
    values
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn fills_equal_pushes_to_the_bit(
        length in 2_usize..1_500,
        odd in prop::collection::vec((0_usize..1_500, 0_u8..5), 0..4),
        cut in 0_usize..1_500,
        n in 1_usize..60,
    ) {
        let values = series(length, &odd);
        let cut = cut % length;
        numbers(&values, cut, n);
        columns(&values, n);
        bars(&values, cut, n);
    }
}

#[test]
fn columns_hold_what_is_undefined() {
    let mut out = Column::new();
    assert!(out.is_empty());
    Sma::new(2).unwrap().fill(&[1.0, f64::NAN, 3.0], &mut out);
    assert_eq!((out.len(), out.get(0), out.get(1), out.get(2)), (3, None, None, Some(2.0)));
    assert_eq!(out.get(3), None);
    // A flat series has no RSI and no score, at any length.
    let flat = [5.0; 1_000];
    Rsi::new(14).unwrap().fill(&flat, &mut out);
    assert!(out.iter().all(|value| value.is_none()));
    ZScore::new(14).unwrap().fill(&flat, &mut out);
    assert!(out.iter().all(|value| value.is_none()));
}

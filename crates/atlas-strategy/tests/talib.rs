//! Parity with TA-Lib: golden figures made by `tests/golden/indicators/make_golden.py`.
//!
//! Every output agrees within 1e-9 × max(|value|, price scale) from TA-Lib's first defined value on.
//! What is measured otherwise than by TA-Lib itself is listed in that script.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up fails")]

use std::collections::BTreeMap;
use std::path::Path;

use atlas_data::{Series, Universe};
use atlas_strategy::indicator::{
    Adx, Atr, Beta, Bollinger, Correlation, Donchian, Ema, HighDistance, Indicator, Macd, Obv,
    Ohlcv, RealisedVolatility, Roc, RollingMax, RollingMin, Rsi, Sma, StdDev, Stochastic,
    TrueRange, Vwap, Wilder, Wma, ZScore,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct Golden {
    series: BTreeMap<String, BTreeMap<String, Kept>>,
}

#[derive(Deserialize)]
struct Kept {
    first: usize,
    values: Vec<(usize, f64)>,
}

type Column = Vec<Option<f64>>;

fn golden() -> Golden {
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/indicators/golden.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn aapl() -> Vec<Ohlcv> {
    let source = atlas_data::open("sample").unwrap();
    let universe = Universe::resolve(Some("sample-ohlc"), source.as_ref()).unwrap();
    let data = source.load(&universe).unwrap();
    let Series::Raw(bars) = &data.series[&"AAPL".parse().unwrap()] else { panic!("raw bars") };
    let columns = bars.columns();
    (0..columns.dates.len())
        .map(|row| Ohlcv {
            open: columns.open[row],
            high: columns.high[row],
            low: columns.low[row],
            close: columns.close[row],
            volume: columns.volume[row],
        })
        .collect()
}

/// The synthetic series of the script, from the same integers.
fn synthetic() -> Vec<Ohlcv> {
    let mut state = 20_190_102_u64;
    let mut draw = move |below: i32| {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i32::try_from((state >> 33) % u64::try_from(below).unwrap()).unwrap()
    };
    let cents = |ticks: i32| f64::from(ticks) / 100.0;
    let mut last = 20_000;
    (0..100_000)
        .map(|_| {
            let close = (last + draw(201) - 100).clamp(5_000, 50_000);
            let high = last.max(close) + draw(50);
            let low = last.min(close) - draw(50);
            let volume = f64::from(1_000 + draw(100_000));
            let open = cents(last);
            last = close;
            Ohlcv { open, high: cents(high), low: cents(low), close: cents(close), volume }
        })
        .collect()
}

/// One pass of an indicator over inputs.
fn run<I: Indicator>(
    mut indicator: I,
    inputs: &[I::Input],
    read: impl Fn(I::Output) -> f64,
) -> Column {
    inputs.iter().map(|input| indicator.push(*input).map(&read)).collect()
}

fn outputs(bars: &[Ohlcv]) -> Vec<(&'static str, Column)> {
    let closes: Vec<f64> = bars.iter().map(|bar| bar.close).collect();
    let highs: Vec<f64> = bars.iter().map(|bar| bar.high).collect();
    let lows: Vec<f64> = bars.iter().map(|bar| bar.low).collect();
    let ranges: Vec<(f64, f64)> = bars.iter().map(|bar| (bar.high, bar.low)).collect();
    let mut returns = vec![(f64::NAN, f64::NAN)];
    returns.extend(
        bars.windows(2)
            .map(|pair| (pair[1].open / pair[0].open - 1.0, pair[1].close / pair[0].close - 1.0)),
    );
    let macd = || Macd::new(12, 26, 9).unwrap();
    let bollinger = || Bollinger::new(20, 2.0).unwrap();
    let stochastic = || Stochastic::new(14, 3, 3).unwrap();
    let adx = || Adx::new(14).unwrap();
    let donchian = || Donchian::new(20).unwrap();
    let same = |value: f64| value;
    vec![
        ("sma_20", run(Sma::new(20).unwrap(), &closes, same)),
        ("ema_20", run(Ema::new(20).unwrap(), &closes, same)),
        ("wma_20", run(Wma::new(20).unwrap(), &closes, same)),
        ("wilder_14", run(Wilder::new(14).unwrap(), &closes, same)),
        ("rsi_14", run(Rsi::new(14).unwrap(), &closes, same)),
        ("macd", run(macd(), &closes, |value| value.macd)),
        ("macd_signal", run(macd(), &closes, |value| value.signal)),
        ("macd_histogram", run(macd(), &closes, |value| value.histogram)),
        ("true_range", run(TrueRange::default(), bars, same)),
        ("atr_14", run(Atr::new(14).unwrap(), bars, same)),
        ("bollinger_upper", run(bollinger(), &closes, |value| value.upper)),
        ("bollinger_middle", run(bollinger(), &closes, |value| value.middle)),
        ("bollinger_lower", run(bollinger(), &closes, |value| value.lower)),
        ("std_dev_20", run(StdDev::new(20).unwrap(), &closes, same)),
        ("z_score_20", run(ZScore::new(20).unwrap(), &closes, same)),
        ("realised_volatility_20", run(RealisedVolatility::new(20, 252.0).unwrap(), &closes, same)),
        ("max_252", run(RollingMax::new(252).unwrap(), &highs, same)),
        ("min_252", run(RollingMin::new(252).unwrap(), &lows, same)),
        ("adx_14", run(adx(), bars, |value| value.adx)),
        ("plus_di_14", run(adx(), bars, |value| value.plus_di)),
        ("minus_di_14", run(adx(), bars, |value| value.minus_di)),
        ("stochastic_k", run(stochastic(), bars, |value| value.slow_k)),
        ("stochastic_d", run(stochastic(), bars, |value| value.slow_d)),
        ("roc_10", run(Roc::new(10).unwrap(), &closes, same)),
        ("donchian_upper", run(donchian(), bars, |value| value.upper)),
        ("donchian_middle", run(donchian(), bars, |value| value.middle)),
        ("high_distance_252", run(HighDistance::new(252).unwrap(), bars, same)),
        ("vwap", run(Vwap::default(), bars, same)),
        ("donchian_lower", run(donchian(), bars, |value| value.lower)),
        ("obv", run(Obv::default(), bars, same)),
        ("correlation_30", run(Correlation::new(30).unwrap(), &ranges, same)),
        ("beta_30", run(Beta::new(30).unwrap(), &returns, same)),
    ]
}

/// Outputs whose first value comes later here, as they come together with one that does.
fn joined(name: &str) -> Option<usize> {
    match name {
        "macd" => Some(33),
        "plus_di_14" | "minus_di_14" => Some(27),
        _ => None,
    }
}

fn check(series: &str, bars: &[Ohlcv]) {
    let golden = golden();
    let scale = bars.iter().map(|bar| bar.high).fold(0.0, f64::max);
    let kept = &golden.series[series];
    let outputs = outputs(bars);
    assert_eq!(kept.len(), outputs.len());
    for (name, column) in &outputs {
        let Kept { first, values } = &kept[*name];
        let first = joined(name).unwrap_or(*first);
        assert_eq!(column.iter().position(Option::is_some), Some(first), "{series} {name}");
        for (row, expected) in values.iter().filter(|(row, _)| *row >= first) {
            let found = column[*row].unwrap();
            let error = (found - expected).abs();
            let allowed = 1e-9 * expected.abs().max(scale);
            assert!(error <= allowed, "{series} {name} at {row}: {found} against {expected}");
        }
    }
}

#[test]
fn indicators_agree_with_talib_on_the_bundled_bars() {
    check("AAPL", &aapl());
}

#[test]
fn indicators_agree_with_talib_on_a_hundred_thousand_bars() {
    check("synthetic", &synthetic());
}

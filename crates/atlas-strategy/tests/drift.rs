//! No drift, no look-ahead, no scale: properties every indicator keeps.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use atlas_strategy::indicator::{
    Atr, Bollinger, Correlation, Ema, Indicator, Macd, Ohlcv, Rsi, Sma, StdDev, Wilder, Wma,
    ZScore, batch,
};
use proptest::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A walk with spikes a million times its size.
fn spiky(length: usize) -> Vec<f64> {
    let mut state = 7_u64;
    let mut last = 100.0;
    (0..length)
        .map(|at| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let step = f64::from(u32::try_from(state >> 32).unwrap()) / f64::from(u32::MAX) - 0.5;
            last = (last + step).clamp(50.0, 150.0);
            if at % 9_973 == 5_000 { last * 1e6 } else { last }
        })
        .collect()
}

fn naive(window: &[f64]) -> (f64, f64, f64) {
    let n = f64::from(u32::try_from(window.len()).unwrap());
    // Deviations from a first mean make the second one exact to the last digit.
    let rough = window.iter().sum::<f64>() / n;
    let mean = rough + window.iter().map(|x| x - rough).sum::<f64>() / n;
    let variance = window.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    let weights = n * (n + 1.0) / 2.0;
    let weighted =
        window.iter().zip(1_u32..).map(|(x, weight)| x * f64::from(weight)).sum::<f64>() / weights;
    (mean, variance.sqrt(), weighted)
}

#[test]
fn sums_do_not_drift_under_spikes() {
    let values = spiky(300_000);
    let window = 50;
    let mut sma = Sma::new(window).unwrap();
    let mut wma = Wma::new(window).unwrap();
    let mut deviation = StdDev::new(window).unwrap();
    for (at, value) in values.iter().enumerate() {
        let found = (sma.push(*value), deviation.push(*value), wma.push(*value));
        if at % 211 != 0 && at % 9_973 != 5_050 {
            continue;
        }
        let (Some(mean), Some(spread), Some(weighted)) = found else { continue };
        let seen = &values[at + 1 - window..=at];
        let expected = naive(seen);
        let allowed = 1e-12 * seen.iter().copied().fold(0.0, f64::max);
        assert!((mean - expected.0).abs() <= allowed, "mean at {at}");
        assert!((spread - expected.1).abs() <= allowed, "deviation at {at}: {spread} {expected:?}");
        assert!((weighted - expected.2).abs() <= allowed, "weighted at {at}");
    }
}

/// The past alone decides, a restart changes nothing, a value that is no number is left out, and the
/// batch form gives the same bits.
fn keeps<I>(make: impl Fn() -> I, inputs: &[I::Input], cut: usize, nonsense: I::Input)
where
    I: Indicator + Serialize + DeserializeOwned,
    I::Output: PartialEq + std::fmt::Debug,
{
    let mut whole = Vec::new();
    batch(&mut make(), inputs, &mut whole);
    let mut first = make();
    let mut pieces: Vec<Option<I::Output>> =
        inputs[..cut].iter().map(|input| first.push(*input)).collect();
    assert_eq!(whole[..cut], pieces[..]);
    assert_eq!(first.push(nonsense), None);
    let text = serde_json::to_string(&first).unwrap();
    let mut second: I = serde_json::from_str(&text).unwrap();
    pieces.extend(inputs[cut..].iter().map(|input| second.push(*input)));
    assert_eq!(whole, pieces);
}

proptest! {
    #[test]
    fn every_indicator_is_causal_and_restartable(
        walk in prop::collection::vec(1_u32..10_000, 40..90),
        cut in 0_usize..40,
        n in 2_usize..12,
    ) {
        let values: Vec<f64> = walk.iter().map(|x| f64::from(*x) / 100.0).collect();
        let nan = f64::NAN;
        keeps(|| Sma::new(n).unwrap(), &values, cut, nan);
        keeps(|| Ema::new(n).unwrap(), &values, cut, nan);
        keeps(|| Wilder::new(n).unwrap(), &values, cut, f64::INFINITY);
        keeps(|| Wma::new(n).unwrap(), &values, cut, nan);
        keeps(|| StdDev::new(n).unwrap(), &values, cut, nan);
        keeps(|| ZScore::new(n).unwrap(), &values, cut, nan);
        keeps(|| Bollinger::new(n, 2.0).unwrap(), &values, cut, nan);
        keeps(|| Rsi::new(n).unwrap(), &values, cut, nan);
        keeps(|| Macd::new(n, n + 5, 4).unwrap(), &values, cut, nan);
        let pairs: Vec<(f64, f64)> = values.windows(2).map(|pair| (pair[0], pair[1])).collect();
        keeps(|| Correlation::new(n).unwrap(), &pairs, cut.min(pairs.len()), (nan, 1.0));
        let bars: Vec<Ohlcv> = values
            .windows(2)
            .map(|pair| Ohlcv {
                open: pair[0],
                high: pair[0].max(pair[1]) + 1.0,
                low: pair[0].min(pair[1]),
                close: pair[1],
                volume: 100.0,
            })
            .collect();
        let broken = Ohlcv { open: nan, ..bars[0] };
        keeps(|| Atr::new(n).unwrap(), &bars, cut.min(bars.len()), broken);
    }

    /// Doubling every price doubles what is in prices and changes nothing that is a ratio.
    #[test]
    fn scales_pass_through(walk in prop::collection::vec(1_u32..10_000, 30..60), n in 2_usize..12) {
        let (mut single, mut double) = (Sma::new(n).unwrap(), Sma::new(n).unwrap());
        let (mut rsi, mut rsi_double) = (Rsi::new(n).unwrap(), Rsi::new(n).unwrap());
        let (mut z, mut z_double) = (ZScore::new(n).unwrap(), ZScore::new(n).unwrap());
        for value in walk.iter().map(|x| f64::from(*x)) {
            prop_assert_eq!(single.push(value).map(|x| x * 2.0), double.push(value * 2.0));
            prop_assert_eq!(rsi.push(value), rsi_double.push(value * 2.0));
            prop_assert_eq!(z.push(value), z_double.push(value * 2.0));
        }
    }
}

#[test]
fn constants_are_undefined_where_a_ratio_has_no_meaning() {
    let flat = [5.0; 40];
    let mut out = Vec::new();
    batch(&mut Rsi::new(14).unwrap(), &flat, &mut out);
    assert!(out.iter().all(Option::is_none));
    batch(&mut ZScore::new(14).unwrap(), &flat, &mut out);
    assert!(out.iter().all(Option::is_none));
    batch(&mut StdDev::new(14).unwrap(), &flat, &mut out);
    assert_eq!(out[39], Some(0.0));
}

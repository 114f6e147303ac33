//! No drift, no look-ahead, no scale: properties every indicator keeps.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]
#![expect(clippy::print_stdout, reason = "the largest errors belong in the log")]

use atlas_strategy::indicator::{
    Adx, Atr, Beta, Bollinger, BollingerColumns, Column, Correlation, Donchian, Ema, Fill,
    HighDistance, Indicator, Macd, Obv, Ohlcv, RealisedVolatility, Roc, RollingMax, RollingMin,
    Rsi, Sma, StdDev, Stochastic, TrueRange, Vwap, Wilder, Wma, ZScore, batch,
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

/// What the sums of a window ought to give, from deviations that are taken anew.
struct Naive {
    mean: f64,
    deviation: f64,
    weighted: f64,
}

fn naive(window: &[f64]) -> Naive {
    let n = f64::from(u32::try_from(window.len()).unwrap());
    // Deviations from a first mean make the second one exact to the last digit.
    let rough = window.iter().sum::<f64>() / n;
    let mean = rough + window.iter().map(|x| x - rough).sum::<f64>() / n;
    let variance = window.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    let weights = n * (n + 1.0) / 2.0;
    let weighted =
        window.iter().zip(1_u32..).map(|(x, weight)| (x - mean) * f64::from(weight)).sum::<f64>();
    Naive { mean, deviation: variance.sqrt(), weighted: mean + weighted / weights }
}

/// Covariance over the product of deviations, and over the variance of the first.
fn naive_pair(window: &[(f64, f64)]) -> (f64, f64) {
    let (x, y): (Vec<f64>, Vec<f64>) = window.iter().copied().unzip();
    let (mx, my) = (naive(&x).mean, naive(&y).mean);
    let sum = |f: &dyn Fn(&(f64, f64)) -> f64| window.iter().map(f).sum::<f64>();
    let covariance = sum(&|(x, y)| (x - mx) * (y - my));
    let (vx, vy) = (sum(&|(x, _)| (x - mx) * (x - mx)), sum(&|(_, y)| (y - my) * (y - my)));
    (covariance / (vx.sqrt() * vy.sqrt()), covariance / vx)
}

const WINDOW: usize = 50;

/// The largest error of each indicator over the largest value of its window.
#[derive(Debug, Default)]
struct Worst(std::collections::BTreeMap<&'static str, f64>);

impl Worst {
    fn see(&mut self, name: &'static str, found: Option<f64>, expected: f64, scale: f64) {
        let error = (found.unwrap() - expected).abs() / scale;
        assert!(error <= 1e-12, "{name}: {found:?} against {expected}, {error:e} of the maximum");
        let worst = self.0.entry(name).or_default();
        *worst = worst.max(error);
    }
}

fn drift(length: usize) {
    let values = spiky(length);
    let mut worst = Worst::default();
    let (mut sma, mut wma) = (Column::new(), Column::new());
    let (mut deviation, mut bands) = (Column::new(), BollingerColumns::default());
    Sma::new(WINDOW).unwrap().fill(&values, &mut sma);
    Wma::new(WINDOW).unwrap().fill(&values, &mut wma);
    StdDev::new(WINDOW).unwrap().fill(&values, &mut deviation);
    Bollinger::new(WINDOW, 2.0).unwrap().fill(&values, &mut bands);
    let (mut highest, mut lowest) = (Column::new(), Column::new());
    RollingMax::new(WINDOW).unwrap().fill(&values, &mut highest);
    RollingMin::new(WINDOW).unwrap().fill(&values, &mut lowest);
    for at in looked_at(length) {
        let seen = &values[at + 1 - WINDOW..=at];
        let scale = seen.iter().copied().fold(0.0, f64::max);
        let Naive { mean, deviation: spread, weighted } = naive(seen);
        worst.see("SMA", sma.get(at), mean, scale);
        worst.see("WMA", wma.get(at), weighted, scale);
        worst.see("standard deviation", deviation.get(at), spread, scale);
        worst.see("Bollinger", bands.upper.get(at), mean + 2.0 * spread, scale);
        assert_eq!(highest.get(at), Some(scale));
        assert_eq!(lowest.get(at), Some(seen.iter().copied().fold(f64::INFINITY, f64::min)));
    }
    pairs(&values, &mut worst);
    recursions(&values, &mut worst);
    println!("{length} bars, errors over the window's maximum: {:?}", worst.0);
}

/// Rows that are compared: some of all, and those right after a spike has left the window.
fn looked_at(length: usize) -> impl Iterator<Item = usize> {
    let after = |at: usize| matches!(at % 9_973, 4_999..5_001 | 5_048..5_052);
    let step = 211 * (length / 300_000).max(1);
    (WINDOW - 1..length).filter(move |at| at % step == 0 || after(*at))
}

/// Correlation and beta are of the order of one, and are compared with one.
fn pairs(values: &[f64], worst: &mut Worst) {
    let pairs: Vec<(f64, f64)> = values.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let (mut correlation, mut beta) = (Column::new(), Column::new());
    Correlation::new(WINDOW).unwrap().fill(&pairs, &mut correlation);
    Beta::new(WINDOW).unwrap().fill(&pairs, &mut beta);
    for at in looked_at(pairs.len()) {
        let (expected, slope) = naive_pair(&pairs[at + 1 - WINDOW..=at]);
        worst.see("correlation", correlation.get(at), expected, 1.0);
        worst.see("beta", beta.get(at), slope, slope.abs().max(1.0));
    }
}

/// A recursion forgets: started anew from zero a few thousand values before, it says the same, to
/// 1e-12 of the largest value it still remembers.
fn recursions(values: &[f64], worst: &mut Worst) {
    let n = 20;
    let mut out = Column::new();
    Ema::new(n).unwrap().fill(values, &mut out);
    let keep = 1.0 - 2.0 / 21.0;
    for at in looked_at(values.len()).filter(|at| *at > 600) {
        let (mut mean, mut scale) = (0.0, 0.0_f64);
        let mut weight = 2.0 / 21.0;
        for value in values[at - 600..=at].iter().rev() {
            mean += weight * value;
            scale = scale.max(weight * value);
            weight *= keep;
        }
        worst.see("EMA", out.get(at), mean, scale.max(values[at]));
    }
}

#[test]
fn sums_do_not_drift_under_spikes() {
    drift(300_000);
}

/// `cargo test --release -p atlas-strategy --test drift -- --ignored --nocapture`
#[test]
#[ignore = "ten million bars take a while in a debug build"]
fn ten_million_bars_do_not_drift() {
    drift(10_000_000);
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
        let first = cut.min(pairs.len());
        keeps(|| Correlation::new(n).unwrap(), &pairs, first, (nan, 1.0));
        keeps(|| Beta::new(n).unwrap(), &pairs, first, (1.0, nan));
        keeps(|| RealisedVolatility::new(n, 252.0).unwrap(), &values, cut, nan);
        keeps(|| Roc::new(n).unwrap(), &values, cut, nan);
        keeps(|| RollingMax::new(n).unwrap(), &values, cut, nan);
        keeps(|| RollingMin::new(n).unwrap(), &values, cut, nan);
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
        keeps(|| Atr::new(n).unwrap(), &bars, first, broken);
        keeps(TrueRange::default, &bars, first, broken);
        keeps(|| Adx::new(n).unwrap(), &bars, first, broken);
        keeps(|| Stochastic::new(n, 3, 2).unwrap(), &bars, first, broken);
        keeps(|| Donchian::new(n).unwrap(), &bars, first, broken);
        keeps(|| HighDistance::new(n).unwrap(), &bars, first, broken);
        keeps(Obv::default, &bars, first, broken);
        keeps(Vwap::default, &bars, first, broken);
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
    let pairs = [(5.0, 5.0); 40];
    batch(&mut Correlation::new(14).unwrap(), &pairs, &mut out);
    assert!(out.iter().all(Option::is_none));
    batch(&mut Beta::new(14).unwrap(), &pairs, &mut out);
    assert!(out.iter().all(Option::is_none));
    let bar = Ohlcv { open: 5.0, high: 5.0, low: 5.0, close: 5.0, volume: 0.0 };
    let (mut found, bars) = (Vec::new(), [bar; 40]);
    batch(&mut Stochastic::new(14, 3, 3).unwrap(), &bars, &mut found);
    assert!(found.iter().all(Option::is_none));
    let mut found = Vec::new();
    batch(&mut Adx::new(14).unwrap(), &bars, &mut found);
    assert!(found.iter().all(Option::is_none));
    batch(&mut Vwap::default(), &bars, &mut out);
    assert!(out.iter().all(Option::is_none), "nothing was traded");
}

proptest! {
    /// A price that stands still after whatever it did before has no z-score, no correlation and no
    /// slope, whatever cent it stands at; the batch form says the same bit for bit.
    #[test]
    fn a_price_that_stands_still_does_not_vary(
        walk in prop::collection::vec(1_u32..200_000, 0..60),
        cents in 1_u32..200_000,
        still in 20_usize..900,
        n in 2_usize..20,
    ) {
        let price = |cents: u32| f64::from(cents) / 100.0;
        let mut values: Vec<f64> = walk.iter().copied().map(price).collect();
        values.extend(std::iter::repeat_n(price(cents), still));
        let others: Vec<f64> = (0..values.len()).map(|at| price(1 + 37 * u32::try_from(at).unwrap())).collect();
        let (mut z, mut deviation) = (ZScore::new(n).unwrap(), StdDev::new(n).unwrap());
        let (mut correlation, mut beta) = (Correlation::new(n).unwrap(), Beta::new(n).unwrap());
        for (at, (value, other)) in values.iter().zip(&others).enumerate() {
            let flat = at >= walk.len() + n - 1;
            let (scored, spread) = (z.push(*value), deviation.push(*value));
            let (alike, slope) = (correlation.push((*value, *other)), beta.push((*value, *other)));
            if flat {
                prop_assert_eq!((scored, spread, alike, slope), (None, Some(0.0), None, None));
            }
        }
        let mut column = Column::default();
        ZScore::new(n).unwrap().fill(&values, &mut column);
        let mut streamed = ZScore::new(n).unwrap();
        for (at, value) in values.iter().enumerate() {
            let bits = |score: Option<f64>| score.map(f64::to_bits);
            prop_assert_eq!(bits(column.get(at)), bits(streamed.push(*value)));
        }
    }
}

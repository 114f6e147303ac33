//! Golden values of `empyrical-reloaded` 0.5.12, `quantstats` 0.0.86 and scipy 1.17.1, made by
//! `tests/golden/metrics/make_golden.py`.

use super::*;

#[track_caller]
fn golden(name: &str) -> f64 {
    let text = include_str!("../../../../tests/golden/metrics/golden.json");
    let all: serde_json::Value = serde_json::from_str(text).unwrap();
    all[name].as_f64().unwrap()
}

/// A series anybody can make again: a 64-bit congruential generator, four draws a return, rounded
/// to six decimals.
fn made(seed: u64, scale: f64) -> Vec<f64> {
    let mut state = seed;
    let mut draw = || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        #[expect(clippy::cast_precision_loss, reason = "53 bits")]
        let unit = (state >> 11) as f64 / 9_007_199_254_740_992.0;
        unit
    };
    let one = |_| {
        let sum: f64 = (0..4).map(|_| draw()).sum();
        (((sum - 2.0) * scale + 0.0004) * 1e6).round_ties_even() / 1e6
    };
    (0..750).map(one).collect()
}

fn series() -> (Vec<f64>, Vec<f64>) {
    let (own, other) = (made(7, 0.02), made(11, 0.018));
    let mix = |(a, b): (&f64, &f64)| ((0.6 * a + 0.5 * b) * 1e6).round_ties_even() / 1e6;
    let benchmark = own.iter().zip(&other).map(mix).collect();
    (own, benchmark)
}

#[track_caller]
fn same(found: Option<f64>, expected: f64) {
    let found = found.unwrap();
    assert!((found - expected).abs() <= 1e-11 * expected.abs().max(1.0), "{found} {expected}");
}

#[test]
fn equal_to_empyrical_and_quantstats() {
    let (own, _) = series();
    same(own.first().copied(), golden("first"));
    same(own.get(3).copied(), golden("fourth"));
    let found = Metrics::of(&own, Conventions::SESSIONS).unwrap();
    same(found.total_return, golden("total_return"));
    same(found.annual_return, golden("annual_return"));
    same(found.annual_volatility, golden("annual_volatility"));
    same(found.sharpe, golden("sharpe"));
    same(found.sortino, golden("sortino"));
    same(found.calmar, golden("calmar"));
    same(found.omega, golden("omega"));
    same(found.max_drawdown, golden("max_drawdown"));
    same(found.value_at_risk, golden("value_at_risk"));
    same(found.expected_shortfall, golden("expected_shortfall"));
    same(found.tail_ratio, golden("tail_ratio"));
    same(found.stability, golden("stability"));
    same(found.skewness, golden("skewness"));
    same(found.kurtosis, golden("kurtosis"));
    same(found.positive, golden("positive"));
    let paid = Conventions { risk_free: 0.0001, ..Conventions::SESSIONS };
    same(Metrics::of(&own, paid).unwrap().sharpe, golden("sharpe_risk_free_1bp"));
}

#[test]
fn quantstats_moments_follow_by_their_definition() {
    let (own, _) = series();
    let found = Metrics::of(&own, Conventions::SESSIONS).unwrap();
    let n = float(own.len());
    let skewness = found.skewness.map(|g| g * (n * (n - 1.0)).sqrt() / (n - 2.0));
    same(skewness, golden("quantstats_skewness"));
    let kurtosis =
        found.kurtosis.map(|b| (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * (b - 3.0) + 6.0));
    same(kurtosis, golden("quantstats_kurtosis"));
}

#[test]
fn relative_to_a_benchmark() {
    let (own, benchmark) = series();
    let found = Relative::of(&own, &benchmark, Conventions::SESSIONS).unwrap();
    same(found.beta, golden("beta"));
    same(found.alpha, golden("alpha"));
    same(
        found.information_ratio.map(|a| a / 252.0_f64.sqrt()),
        golden("quantstats_information_ratio"),
    );
    let paid = Conventions { risk_free: 0.0001, ..Conventions::SESSIONS };
    let found = Relative::of(&own, &benchmark, paid).unwrap();
    same(found.alpha, golden("alpha_risk_free_1bp"));
    assert!(Relative::of(&own, &benchmark[1..], paid).is_err());
    let flat = vec![0.001; own.len()];
    assert_eq!(Relative::of(&own, &flat, paid).unwrap().beta, None);
    assert_eq!(Relative::of(&own, &own, paid).unwrap().information_ratio, None);
}

#[test]
fn undefined_is_undefined() {
    let nothing = Metrics::of(&[], Conventions::SESSIONS).unwrap();
    assert_eq!((nothing.total_return, nothing.sharpe, nothing.positive), (None, None, None));
    let gains = Metrics::of(&[0.01, 0.02], Conventions::SESSIONS).unwrap();
    assert_eq!((gains.sortino, gains.omega, gains.calmar), (None, None, None));
    assert_eq!(gains.max_drawdown, Some(0.0));
    let broke = Metrics::of(&[0.01, -1.0, 0.0], Conventions::SESSIONS).unwrap();
    assert_eq!((broke.stability, broke.total_return), (None, Some(-1.0)));
    for wrong in [f64::NAN, f64::INFINITY, -1.5] {
        assert!(Metrics::of(&[wrong], Conventions::SESSIONS).is_err());
    }
    let conventions = Conventions { periods_per_year: 0.0, risk_free: 0.0 };
    assert!(Metrics::of(&[0.0], conventions).is_err());
}

#[test]
fn a_rolling_ratio_is_that_of_each_stretch() {
    let (own, _) = series();
    let rolling = rolling_sharpe(&own, 60, Conventions::SESSIONS).unwrap();
    assert_eq!(rolling.len(), own.len() - 59);
    let last = Metrics::of(&own[own.len() - 60..], Conventions::SESSIONS).unwrap();
    assert_eq!(rolling.last().copied().flatten(), last.sharpe);
    assert!(rolling_sharpe(&own, 1, Conventions::SESSIONS).is_err());
}

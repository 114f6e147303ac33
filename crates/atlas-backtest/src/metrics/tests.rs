//! Golden values, computed with `empyrical-reloaded` 0.7.1, `quantstats` 0.0.86 and scipy.

use super::*;

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
    assert!((own[0] - 0.012_964).abs() < 1e-15 && (own[3] + 0.017_209).abs() < 1e-15);
    let found = Metrics::of(&own, Conventions::SESSIONS).unwrap();
    same(found.total_return, 0.134_074_681_901_595_22);
    same(found.annual_return, 0.043_180_826_196_354_66);
    same(found.annual_volatility, 0.181_446_518_262_898_2);
    same(found.sharpe, 0.323_584_671_461_869_53);
    same(found.sortino, 0.467_731_537_001_611_35);
    same(found.calmar, 0.188_595_894_556_309_48);
    same(found.omega, 1.051_283_300_453_779_8);
    same(found.max_drawdown, -0.228_959_523_736_939_4);
    same(found.value_at_risk, -0.017_362_7);
    same(found.expected_shortfall, -0.022_798_447_368_421_054);
    same(found.tail_ratio, 1.068_278_551_146_999);
    same(found.stability, 0.349_208_775_652_408_04);
    same(found.skewness, 0.023_130_310_963_771_49);
    same(found.kurtosis, 2.820_384_903_407_198_6);
    same(found.positive, 0.504);
    let paid = Conventions { risk_free: 0.0001, ..Conventions::SESSIONS };
    same(Metrics::of(&own, paid).unwrap().sharpe, 0.184_700_772_000_719_77);
}

#[test]
fn quantstats_moments_follow_by_their_definition() {
    let (own, _) = series();
    let found = Metrics::of(&own, Conventions::SESSIONS).unwrap();
    let n = float(own.len());
    let skewness = found.skewness.map(|g| g * (n * (n - 1.0)).sqrt() / (n - 2.0));
    same(skewness, 0.023_176_690_119_950_02);
    let kurtosis =
        found.kurtosis.map(|b| (n - 1.0) / ((n - 2.0) * (n - 3.0)) * ((n + 1.0) * (b - 3.0) + 6.0));
    same(kurtosis, -0.172_775_437_254_104_35);
}

#[test]
fn relative_to_a_benchmark() {
    let (own, benchmark) = series();
    let found = Relative::of(&own, &benchmark, Conventions::SESSIONS).unwrap();
    same(found.beta, 1.061_748_700_460_872_3);
    same(found.alpha, -0.010_599_897_914_795_098);
    same(found.information_ratio.map(|a| a / 252.0_f64.sqrt()), -0.003_708_446_772_755_338);
    let paid = Conventions { risk_free: 0.0001, ..Conventions::SESSIONS };
    let found = Relative::of(&own, &benchmark, paid).unwrap();
    same(found.alpha, -0.009_059_065_909_503_783);
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

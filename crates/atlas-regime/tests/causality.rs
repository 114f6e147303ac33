//! No output up to a session may depend on a later one; and the check that says so is itself
//! checked on rules that leak.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use atlas_regime::hmm::{HMM_FORMAT, HmmFilter, HmmModel};
use atlas_regime::rolling::{RollingDetector, RollingParams};
use atlas_regime::{
    Detector, DetectorParams, Feature, FeatureStream, Filter, Inputs, JumpModel, JumpParams, Rows,
    SlidingFilter, Trend, VixParams, VixRule, simple_returns,
};
use proptest::prelude::*;
use support::Market;

/// Outputs per session, as bits.
type Outputs = Vec<Vec<u64>>;

/// Runs a rule on a market, on the same market cut after some sessions and with everything after
/// them changed, and gives the first session whose output differs.
fn first_leak(market: &Market, rule: &dyn Fn(&Market) -> Outputs) -> Option<usize> {
    let n = market.dates.len();
    let whole = rule(market);
    assert_eq!(whole.len(), n, "one output per session");
    for cut in [n / 3, n / 2, n - 130, n - 2] {
        let mut shorter = market.clone();
        shorter.truncate(cut + 1);
        let mut changed = market.clone();
        for t in cut + 1..n {
            let bend = if t % 3 == 0 { 0.93 } else { 1.04 };
            changed.closes[t] = changed.closes[t - 1] * bend;
            changed.vix[t] *= 1.7;
            changed.rates[t] += 1.0;
        }
        for other in [rule(&shorter), rule(&changed)] {
            let differs = |t: &usize| whole[*t] != other[*t];
            if let Some(t) = (0..=cut).find(differs) {
                return Some(t);
            }
        }
    }
    None
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|x| x.to_bits()).collect()
}

fn features(market: &Market) -> Vec<Vec<f64>> {
    let stream = FeatureStream::new(&Feature::PAPER).unwrap();
    let data = stream.batch(&simple_returns(&market.closes)).unwrap();
    data.chunks(3)
        .map(|row| row.iter().map(|x| if x.is_finite() { *x } else { 0.0 }).collect())
        .collect()
}

/// A model that knows nothing of the market.
fn fixed_model(penalty: f64) -> JumpModel {
    let centers = vec![Some(vec![0.004, 0.1, 0.1]), Some(vec![0.015, -0.1, -0.05])];
    JumpModel::from_centers(centers, penalty).unwrap()
}

fn rolling_params() -> RollingParams {
    RollingParams {
        penalties: vec![2.0, 10.0, 40.0],
        lookback: 120,
        warm_up: 40,
        refit_every: 20,
        choose_every: 7,
        validation: 60,
        restarts: 3,
        ..RollingParams::default()
    }
}

fn rolling(market: &Market) -> Outputs {
    let mut detector = RollingDetector::new(rolling_params().check().unwrap()).unwrap();
    let sessions = market.dates.iter().zip(&market.closes).zip(&market.rates);
    sessions
        .map(|((date, close), rate)| {
            let said = detector.push(*date, *close, rate * 1e-5).unwrap();
            serde_json::to_string(&said).unwrap().bytes().map(u64::from).collect()
        })
        .collect()
}

#[test]
fn features_filters_and_rules_do_not_look_ahead() {
    let market = Market::new(420, 21);
    let check = |name: &str, rule: &dyn Fn(&Market) -> Outputs| {
        assert_eq!(first_leak(&market, rule), None, "{name}");
    };
    check("features", &|m| features(m).iter().map(|row| bits(row)).collect());
    check("online filter", &|m| {
        let mut filter = Filter::new(&fixed_model(0.01)).unwrap();
        let step = |row: &Vec<f64>| {
            let e = filter.push(row).unwrap();
            vec![u64::from(e.state), e.margin.to_bits()]
        };
        features(m).iter().map(step).collect()
    });
    check("sliding filter", &|m| {
        let mut filter = SlidingFilter::new(&fixed_model(0.01), 50).unwrap();
        let step = |row: &Vec<f64>| {
            let e = filter.push(row).unwrap();
            vec![u64::from(e.state), e.margin.to_bits()]
        };
        features(m).iter().map(step).collect()
    });
    check("hidden Markov filter", &|m| {
        let model = HmmModel {
            format: HMM_FORMAT,
            initial: vec![0.5, 0.5],
            transitions: vec![vec![0.98, 0.02], vec![0.05, 0.95]],
            means: vec![vec![0.0006], vec![-0.001]],
            variances: vec![vec![5e-5], vec![4e-4]],
        };
        let mut filter = HmmFilter::new(&model).unwrap();
        let step = |r: &f64| {
            filter.push(&[*r]).unwrap();
            bits(filter.probabilities())
        };
        simple_returns(&m.closes).iter().map(step).collect()
    });
    check("VIX shock", &|m| {
        let mut rule = VixRule::new(VixParams::default()).unwrap();
        let step = |close: &f64| {
            vec![u64::from(rule.push(Some(*close)).unwrap().unwrap().shock.is_some())]
        };
        m.vix.iter().map(step).collect()
    });
    check("trend and range", &|m| {
        let mut trend = Trend::new();
        let step = |c: &f64| {
            let reading = trend.push(c * 1.01, c * 0.99, *c).unwrap();
            vec![reading.map_or(0, |r| r.score.to_bits())]
        };
        m.closes.iter().map(step).collect()
    });
    check("rolling detector", &rolling);
}

#[test]
fn both_profiles_do_not_look_ahead() {
    let market = Market::new(760, 22);
    let persistent = DetectorParams { penalty: 4.0, ..DetectorParams::calibrated() };
    for params in [persistent, DetectorParams::seed()] {
        let params =
            DetectorParams { lookback: 300, rows_min: 120, warm_up: 100, restarts: 3, ..params };
        let detector = Detector::new(params.check().unwrap());
        let rule = |m: &Market| -> Outputs {
            let judge = |t: usize| match t % 11 {
                0 if t >= 260 => format!("{:?}", detector.detect(&m.inputs(t))),
                _ => String::new(),
            };
            (0..m.dates.len()).map(|t| judge(t).bytes().map(u64::from).collect()).collect()
        };
        assert_eq!(first_leak(&market, &rule), None);
    }
}

#[test]
fn a_planted_global_z_score_is_caught() {
    let rule = |m: &Market| -> Outputs {
        let returns = simple_returns(&m.closes);
        let mean = returns.iter().sum::<f64>() / f64::from(u32::try_from(returns.len()).unwrap());
        returns.iter().map(|r| bits(&[r - mean])).collect()
    };
    assert!(first_leak(&Market::new(420, 23), &rule).is_some());
}

#[test]
fn planted_smoothed_states_are_caught() {
    let rule = |m: &Market| -> Outputs {
        let data: Vec<f64> = features(m).concat();
        let path = fixed_model(0.1).smoothed_states(Rows::new(&data, 3).unwrap()).unwrap();
        path.iter().map(|s| vec![u64::from(*s)]).collect()
    };
    let caught = (0..20).filter(|seed| first_leak(&Market::new(420, *seed), &rule).is_some());
    assert!(caught.count() > 0);
}

#[test]
fn a_penalty_chosen_by_todays_centres_over_the_past_is_caught() {
    let rule = |m: &Market| -> Outputs {
        let data: Vec<f64> = features(m).concat();
        let rows = Rows::new(&data, 3).unwrap();
        let returns = simple_returns(&m.closes);
        let mut best: Option<(f64, Vec<u8>)> = None;
        for penalty in [0.0, 1e-4, 0.01] {
            let fit =
                JumpParams::new(2, penalty).check().unwrap().fit(rows, Some(&returns)).unwrap();
            let mut filter = Filter::new(&fit.model).unwrap();
            let states: Vec<u8> = rows.iter().map(|x| filter.push(x).unwrap().state).collect();
            let held = states.iter().zip(returns.iter().skip(2));
            let earned: f64 = held.filter(|(s, _)| **s == 0).map(|(_, r)| r).sum();
            if best.as_ref().is_none_or(|(most, _)| earned > *most) {
                best = Some((earned, states));
            }
        }
        best.unwrap().1.iter().map(|s| vec![u64::from(*s)]).collect()
    };
    assert!(first_leak(&Market::new(420, 25), &rule).is_some());
}

#[test]
fn back_adjusted_prices_are_caught() {
    // Every quarter pays a dividend; adjusting the past for it changes yesterday's price level.
    let rule = |m: &Market| -> Outputs {
        let mut factor = 1.0;
        let mut adjusted = vec![0.0; m.closes.len()];
        for t in (0..m.closes.len()).rev() {
            adjusted[t] = m.closes[t] * factor;
            if t % 63 == 0 {
                factor *= 0.995;
            }
        }
        adjusted.iter().map(|p| vec![u64::from(*p > 1000.0), p.to_bits()]).collect()
    };
    assert!(first_leak(&Market::new(420, 26), &rule).is_some());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn a_checkpoint_goes_on_as_if_it_had_never_stopped(seed in 0_u32..1000, stop in 1_usize..330) {
        let market = Market::new(340, seed);
        let expected = rolling(&market);
        let mut detector = RollingDetector::new(rolling_params().check().unwrap()).unwrap();
        for (t, expected) in expected.iter().enumerate() {
            if t == stop {
                let json = serde_json::to_string(&detector.checkpoint()).unwrap();
                let stored = serde_json::from_str(&json).unwrap();
                let restored = RollingDetector::restore(stored).unwrap();
                prop_assert_eq!(&restored, &detector);
                detector = restored;
            }
            let said = detector.push(market.dates[t], market.closes[t], market.rates[t] * 1e-5);
            let said = serde_json::to_string(&said.unwrap()).unwrap();
            let said: Vec<u64> = said.bytes().map(u64::from).collect();
            prop_assert_eq!(&said, expected);
        }
    }

    #[test]
    fn features_in_one_go_equal_features_one_by_one(
        returns in prop::collection::vec(-0.2_f64..0.2, 1..200),
    ) {
        let batch = FeatureStream::new(&Feature::PACKAGE).unwrap().batch(&returns).unwrap();
        let mut stream = FeatureStream::new(&Feature::PACKAGE).unwrap();
        let mut row = [0.0; 9];
        for (r, expected) in returns.iter().zip(batch.chunks(9)) {
            stream.push(*r, &mut row).unwrap();
            prop_assert_eq!(bits(&row), bits(expected));
        }
    }

    #[test]
    fn the_detector_says_the_same_with_any_future(seed in 0_u32..1000, t in 300_usize..500) {
        let params = DetectorParams { lookback: 150, rows_min: 100, warm_up: 60, restarts: 2, penalty: 4.0, ..DetectorParams::calibrated() };
        let detector = Detector::new(params.check().unwrap());
        let market = Market::new(520, seed);
        let mut other = Market::new(520, seed + 5000);
        other.closes[..=t].copy_from_slice(&market.closes[..=t]);
        other.vix[..=t].copy_from_slice(&market.vix[..=t]);
        other.rates[..=t].copy_from_slice(&market.rates[..=t]);
        let inputs: Inputs<'_> = market.inputs(t);
        prop_assert_eq!(detector.detect(&inputs), detector.detect(&other.inputs(t)));
    }
}

//! Damaged checkpoints: refused when restored, or good enough to go on from; never a panic.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

#[path = "support/damage.rs"]
mod damage;
#[expect(dead_code, reason = "other tests use all of it")]
mod support;

use atlas_regime::continuous::{ContinuousFilter, ContinuousParams};
use atlas_regime::hmm::{HmmFilter, HmmParams};
use atlas_regime::rolling::{RollingDetector, RollingParams};
use atlas_regime::{
    Error, Feature, FeatureStream, Filter, FitOptions, JumpParams, Rows, SlidingFilter,
    simple_returns,
};
use damage::{damages, pointers};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use support::Market;

/// Sessions before the checkpoint, among them two refits and a choice.
const BEFORE: usize = 130;

fn params(penalties: Vec<f64>) -> RollingParams {
    RollingParams {
        penalties,
        lookback: 60,
        warm_up: 30,
        refit_every: 10,
        choose_every: 5,
        validation: 20,
        restarts: 1,
        ..RollingParams::default()
    }
}

fn stored(market: &Market, penalties: Vec<f64>) -> Value {
    let mut detector = RollingDetector::new(params(penalties).check().unwrap()).unwrap();
    for t in 0..BEFORE {
        detector.push(market.dates[t], market.closes[t], 0.0).unwrap();
    }
    serde_json::to_value(detector.checkpoint()).unwrap()
}

fn restore(value: Value) -> Option<Result<RollingDetector, Error>> {
    serde_json::from_value(value).ok().map(RollingDetector::restore)
}

/// Restores and goes on over a refit and a choice; says whether it was let in.
fn go_on(value: Value, market: &Market) -> bool {
    let Some(Ok(mut detector)) = restore(value) else { return false };
    for t in BEFORE..BEFORE + 12 {
        let before = detector.clone();
        if detector.push(market.dates[t], market.closes[t], 0.0).is_err() {
            assert_eq!(detector, before, "a refused session changes nothing");
        }
    }
    true
}

/// Through JSON and back, unchanged.
fn refiled<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(before: &T) -> T {
    let after = serde_json::from_str(&serde_json::to_string(before).unwrap()).unwrap();
    assert_eq!(*before, after);
    after
}

/// Runs a filter over all rows, filing it away and restoring it after `stop` of them; everything
/// it says must be as if it had not been.
fn goes_on<F, S>(fresh: &F, rows: Rows<'_>, stop: usize, push: impl Fn(&mut F, &[f64]) -> S)
where
    F: Clone + Serialize + DeserializeOwned + PartialEq + std::fmt::Debug,
    S: PartialEq + std::fmt::Debug,
{
    let (mut whole, mut halved) = (fresh.clone(), fresh.clone());
    for (t, row) in rows.iter().enumerate() {
        if t == stop {
            halved = refiled(&halved);
        }
        assert_eq!(push(&mut halved, row), push(&mut whole, row), "row {t}, filed away at {stop}");
    }
    assert_eq!(whole, halved);
}

#[test]
fn filters_go_on_as_if_they_had_never_stopped() {
    let market = Market::new(300, 33);
    let returns = simple_returns(&market.closes).split_off(60);
    let data = FeatureStream::new(&Feature::PAPER).unwrap().batch(&returns).unwrap().split_off(90);
    let rows = Rows::new(&data, 3).unwrap();
    let model = |states| JumpParams::new(states, 1e-3).check().unwrap().fit(rows, None).unwrap();
    let params = ContinuousParams::new(2, 0.01).check().unwrap();
    let continuous = params.fit_with(rows, &FitOptions::default()).unwrap().model;
    let hmm = HmmParams::default().check().unwrap().fit(rows).unwrap().model;
    for stop in [0, 1, 50, rows.len() - 1] {
        for states in [2, 3] {
            let filter = Filter::new(&model(states).model).unwrap();
            goes_on(&filter, rows, stop, |f, row| f.push(row).unwrap());
        }
        let sliding = SlidingFilter::new(&model(2).model, 30).unwrap();
        goes_on(&sliding, rows, stop, |f, row| f.push(row).unwrap());
        let mixed = ContinuousFilter::new(&continuous).unwrap();
        goes_on(&mixed, rows, stop, |f, row| f.push(row).unwrap());
        let hidden = HmmFilter::new(&hmm).unwrap();
        goes_on(&hidden, rows, stop, |f, row| {
            f.push(row).unwrap();
            (f.probabilities().to_vec(), f.viterbi_state())
        });
    }
}

#[test]
fn every_damaged_field_is_refused_or_harmless() {
    let market = Market::new(BEFORE + 20, 31);
    for penalties in [vec![2.0], vec![2.0, 10.0]] {
        let whole = stored(&market, penalties);
        assert!(go_on(whole.clone(), &market));
        let mut all = Vec::new();
        pointers(&whole, "", &mut all);
        let (mut tried, mut refused) = (0, 0);
        for pointer in &all {
            for damage in damages(whole.pointer(pointer).unwrap()) {
                let mut broken = whole.clone();
                *broken.pointer_mut(pointer).unwrap() = damage;
                tried += 1;
                refused += u32::from(!go_on(broken, &market));
            }
        }
        assert!(tried > 1000 && refused > tried / 2, "{refused} of {tried} refused");
    }
}

#[test]
fn what_would_have_been_out_of_bounds_has_its_error() {
    let market = Market::new(BEFORE + 20, 31);
    let whole = stored(&market, vec![2.0, 10.0]);
    let broken = |pointer: &str, value: Value| {
        let mut broken = whole.clone();
        *broken.pointer_mut(pointer).unwrap() = value;
        restore(broken)
    };
    let chosen = broken("/state/contest/chosen", json!(2));
    assert!(matches!(chosen, Some(Err(Error::Parameter { name: "chosen", .. }))));
    let fitted = whole.pointer("/state/refit/fitted").unwrap().as_array().unwrap();
    let shorter = broken("/state/refit/fitted", json!(fitted[..1]));
    assert!(matches!(shorter, Some(Err(Error::Shape { found: 1, expected: 2, .. }))));
    assert!(broken("/state/stream/pair_of", json!([0, 1, 9])).is_none());
    assert!(broken("/state/stream/pair_of", json!([0])).is_none());
}

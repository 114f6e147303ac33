//! The detector from outside: what it says, what it refuses, what it must not see.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use atlas_core::Regime;
use atlas_regime::{
    DecidedBy, Detector, DetectorParams, Error, Inputs, RegimeEstimate, ReturnBasis, Series,
    VixEvidence, VixPolicy,
};
use support::Market;

fn detector(params: DetectorParams) -> Detector {
    Detector::new(params.check().unwrap())
}

fn small() -> DetectorParams {
    DetectorParams { lookback: 600, rows_min: 400, warm_up: 100, ..DetectorParams::calibrated() }
}

#[test]
fn history_equals_detecting_every_date() {
    let mut market = Market::new(900, 1);
    market.rates.truncate(760);
    let rate_dates = market.dates[..760].to_vec();
    let mut inputs = market.inputs(899);
    inputs.rate = Some(Series { dates: &rate_dates, values: &market.rates });
    for params in
        [small(), DetectorParams { lookback: 600, rows_min: 400, ..DetectorParams::seed() }]
    {
        let detector = detector(params);
        let history = detector.history(&inputs, market.dates[756]).unwrap();
        assert_eq!(history.len(), 144);
        for estimate in history.iter().step_by(5) {
            let as_of = estimate.as_of;
            assert_eq!(detector.detect(&Inputs { as_of, ..inputs }).as_ref(), Ok(estimate));
        }
        assert_eq!(history[0].evidence.returns, ReturnBasis::Excess);
        let ended = ReturnBasis::RawRateEnded { last: rate_dates[759] };
        assert_eq!(history[143].evidence.returns, ended);
    }
}

#[test]
fn later_rows_never_matter() {
    let market = Market::new(900, 2);
    let detector = detector(small());
    for t in [640, 700, 755, 756, 757, 801] {
        let known = detector.detect(&market.inputs(t)).unwrap();
        let mut changed = market.clone();
        for later in t + 1..900 {
            changed.closes[later] = f64::NAN;
            changed.vix[later] = -1.0;
            changed.rates[later] = f64::INFINITY;
        }
        assert_eq!(detector.detect(&changed.inputs(t)).unwrap(), known);
        changed.truncate(t + 1);
        assert_eq!(detector.detect(&changed.inputs(t)).unwrap(), known);
    }
}

#[test]
fn a_vix_shock_overrides_the_model_and_says_so() {
    let mut market = Market::new(800, 3);
    market.vix.fill(15.0);
    let calm = detector(small()).detect(&market.inputs(799)).unwrap();
    assert_ne!(calm.evidence.decided_by, DecidedBy::VixShock);
    market.vix[799] = 18.0;
    let shocked = detector(small()).detect(&market.inputs(799)).unwrap();
    assert_eq!(shocked.regime, Regime::Crash);
    assert_eq!(shocked.evidence.decided_by, DecidedBy::VixShock);
    assert_eq!(shocked.evidence.model_regime, calm.regime);
}

#[test]
fn a_missing_or_stale_vix_is_refused_or_flagged() {
    let market = Market::new(800, 4);
    let (t, last) = (799, market.dates[798]);
    let mut inputs = market.inputs(t);
    let as_of = inputs.as_of;
    let flagging = DetectorParams { vix_missing: VixPolicy::CarryOn, ..small() };
    let stale = Series { dates: &market.dates[..799], values: &market.vix[..799] };
    for (vix, last) in [(None, None), (Some(stale), Some(last))] {
        inputs.vix = vix;
        let refused = detector(small()).detect(&inputs);
        assert_eq!(refused, Err(Error::VixMissing { as_of, last }));
        let carried = detector(flagging.clone()).detect(&inputs).unwrap();
        assert_eq!(carried.evidence.vix, VixEvidence::Missing { last });
    }
    let young = Series { dates: &market.dates[798..], values: &market.vix[798..] };
    inputs.vix = Some(young);
    let refused = detector(small()).detect(&inputs);
    assert_eq!(refused, Err(Error::VixGap { as_of, have: 2, need: 4 }));
}

#[test]
fn bad_series_are_named() {
    let market = Market::new(800, 5);
    let detector = detector(small());
    let check = |change: &dyn Fn(&mut Market), expected: &str| {
        let mut bad = market.clone();
        change(&mut bad);
        let said = detector.detect(&bad.inputs(700)).unwrap_err().to_string();
        assert!(said.contains(expected), "{said}");
    };
    check(&|m| m.closes[10] = f64::NAN, "index: row 10 (2000-01-17) is NaN");
    check(&|m| m.closes[10] = -3.0, "is -3, not a positive number");
    check(&|m| m.vix[10] = 0.0, "series VIX: row 10");
    check(&|m| m.rates[10] = f64::INFINITY, "series rate: row 10");
    check(&|m| m.dates.swap(9, 10), "does not follow");
    check(&|m| m.dates[10] = m.dates[9], "does not follow");
    check(&|m| m.closes.truncate(799), "index has 799 where 800");
    let flat = |m: &mut Market| {
        m.closes.fill(5.0);
        m.rates.fill(0.0);
    };
    check(&flat, "feature sortino_20 is NaN on");
}

#[test]
fn too_little_history_says_how_much_is_needed() {
    let market = Market::new(800, 6);
    let found = detector(DetectorParams::calibrated()).detect(&market.inputs(799));
    let what = "the index up to the date asked for";
    assert_eq!(found, Err(Error::TooFewRows { what, have: 800, need: 1009 }));
    let longer = Market::new(1009, 6);
    assert!(detector(DetectorParams::calibrated()).detect(&longer.inputs(1008)).is_ok());
    assert!(detector(DetectorParams::calibrated()).detect(&longer.inputs(1007)).is_err());
}

#[test]
fn a_date_without_a_close_is_refused() {
    let market = Market::new(800, 7);
    let mut inputs = market.inputs(799);
    inputs.as_of = market.dates[799] + chrono::Days::new(1);
    let expected = Error::NoIndexClose { as_of: inputs.as_of, last: Some(market.dates[799]) };
    assert_eq!(detector(small()).detect(&inputs), Err(expected));
}

#[test]
fn without_a_rate_returns_are_raw_and_a_late_rate_is_refused() {
    let market = Market::new(800, 8);
    let mut inputs = market.inputs(799);
    inputs.rate = None;
    let estimate = detector(small()).detect(&inputs).unwrap();
    assert_eq!(estimate.evidence.returns, ReturnBasis::RawNoRate);
    inputs.rate = Some(Series { dates: &market.dates[1..], values: &market.rates[1..] });
    let (rate, index) = (market.dates[1], market.dates[0]);
    let refused = detector(small()).detect(&inputs);
    assert_eq!(refused, Err(Error::RateStartsLate { rate, index }));
}

#[test]
fn an_estimate_survives_json() {
    let market = Market::new(800, 9);
    let estimate = detector(small()).detect(&market.inputs(799)).unwrap();
    let json = serde_json::to_string(&estimate).unwrap();
    assert_eq!(serde_json::from_str::<RegimeEstimate>(&json).unwrap(), estimate);
}

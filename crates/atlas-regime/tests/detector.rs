//! The detector from outside: what it says, what it refuses, what it must not see.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use atlas_core::Regime;
use atlas_regime::{
    DecidedBy, Detector, DetectorParams, Error, Inputs, Naming, RegimeEstimate, ReturnBasis,
    Series, VixEvidence, VixPolicy,
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
        let vix = carried.evidence.vix;
        assert!(
            matches!(vix, VixEvidence::Missing { last: found, .. } if found == last),
            "{vix:?}"
        );
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

/// A shock before the VIX's first row may still be in force: a series that starts inside the hold
/// window is refused or flagged, one that covers it is neither.
#[test]
fn a_vix_that_starts_inside_the_hold_window_is_refused_or_flagged() {
    let mut market = Market::new(800, 10);
    market.vix.fill(15.0);
    // A shock that the policy to carry on cannot see once its session is cut off.
    market.vix[790..].fill(19.0);
    let as_of = market.dates[799];
    let flagging = DetectorParams { vix_missing: VixPolicy::CarryOn, ..small() };
    // Holds of up to 21 sessions, the first rise of which looks three back: sessions 776 to 799.
    for (start, unseen) in [(0, 0), (776, 0), (777, 1), (790, 14), (796, 20)] {
        let mut inputs = market.inputs(799);
        let vix = Series { dates: &market.dates[start..], values: &market.vix[start..] };
        inputs.vix = Some(vix);
        let refused = detector(small()).detect(&inputs);
        let carried = detector(flagging.clone()).detect(&inputs).unwrap();
        assert_eq!(carried.evidence.vix_unseen, unseen);
        assert_eq!(carried.regime == Regime::Crash, start < 790, "{start}");
        if unseen == 0 {
            assert_eq!(refused.as_ref(), Ok(&carried));
        } else {
            let (have, need) = (24 - unseen, 24);
            assert_eq!(refused, Err(Error::VixGap { as_of, have, need }));
        }
    }
    // A session without a close inside the window is counted; the rule goes on.
    let dates = [&market.dates[..785], &market.dates[786..]].concat();
    let values = [&market.vix[..785], &market.vix[786..]].concat();
    let mut inputs = market.inputs(799);
    inputs.vix = Some(Series { dates: &dates, values: &values });
    let estimate = detector(small()).detect(&inputs).unwrap();
    assert_eq!((estimate.regime, estimate.evidence.vix_unseen), (Regime::Crash, 1));
}

/// One lost quote in the middle of a crash ends no shock, and is flagged for as long as a rise
/// might look at it.
#[test]
fn a_shock_outlasts_a_hole_in_the_vix() {
    let mut market = Market::new(800, 13);
    market.vix.fill(15.0);
    market.vix[788..].fill(19.0);
    let flagging = DetectorParams { vix_missing: VixPolicy::CarryOn, ..small() };
    let hole = 790;
    let dates = [&market.dates[..hole], &market.dates[hole + 1..]].concat();
    let values = [&market.vix[..hole], &market.vix[hole + 1..]].concat();
    let mut inputs = market.inputs(799);
    inputs.vix = Some(Series { dates: &dates, values: &values });
    let history = detector(flagging).history(&inputs, market.dates[787]).unwrap();
    assert_ne!(history[0].evidence.decided_by, DecidedBy::VixShock);
    for (t, estimate) in (787..).zip(&history).skip(1) {
        let evidence = &estimate.evidence;
        assert_eq!(estimate.regime, Regime::Crash, "{t}");
        assert_eq!(evidence.decided_by, DecidedBy::VixShock, "{t}");
        assert_eq!(evidence.vix_unseen, usize::from(t >= hole), "{t}");
        match evidence.vix {
            VixEvidence::Missing { last, shock } => {
                assert_eq!((t, last), (hole, Some(market.dates[hole - 1])));
                assert!(shock.is_some_and(|shock| shock.sessions == 3));
            }
            VixEvidence::Read(reading) => {
                assert_ne!(t, hole);
                assert_eq!(reading.change_1.is_none(), t == hole + 1);
                assert_eq!(reading.change_3.is_none(), t == hole + 3);
            }
            other => panic!("{other:?}"),
        }
    }
    let said = detector(small()).detect(&Inputs { as_of: market.dates[hole + 2], ..inputs });
    assert!(matches!(said, Err(Error::VixGap { have: 3, need: 4, .. })), "{said:?}");
}

#[test]
fn a_history_with_a_short_vix_equals_detecting_every_date() {
    let market = Market::new(800, 11);
    let mut inputs = market.inputs(799);
    inputs.vix = Some(Series { dates: &market.dates[700..790], values: &market.vix[700..790] });
    let detector =
        detector(DetectorParams { vix_missing: VixPolicy::CarryOn, refit_every: 40, ..small() });
    let history = detector.history(&inputs, market.dates[690]).unwrap();
    assert_eq!(history.len(), 110);
    for estimate in &history {
        let as_of = estimate.as_of;
        assert_eq!(detector.detect(&Inputs { as_of, ..inputs }).as_ref(), Ok(estimate));
    }
}

#[test]
fn the_branch_of_the_z_scores_is_named() {
    let market = Market::new(1200, 12);
    let params = DetectorParams { lookback: 600, rows_min: 400, ..DetectorParams::seed() };
    let history = detector(params).history(&market.inputs(1199), market.dates[760]).unwrap();
    let mut branches = std::collections::BTreeSet::new();
    for estimate in &history {
        let evidence = &estimate.evidence;
        let branch = evidence.z_branch.unwrap();
        assert_eq!(branch.regime(), evidence.model_regime);
        let z = evidence.features[1].expanding_z.unwrap();
        if evidence.model_regime == Regime::Bull {
            assert!(z > 0.0);
        }
        branches.insert(format!("{branch:?}"));
    }
    assert!(branches.len() >= 3, "{branches:?}");
    let ladder = detector(small()).detect(&market.inputs(1199)).unwrap();
    assert_eq!(ladder.evidence.z_branch, None);
}

/// Short samples of a market without a premium for calm: now and then the state that earned more
/// in one sample is the one that earned less in the next.
#[test]
fn states_that_change_names_at_a_refit_are_an_incident() {
    let params = DetectorParams {
        lookback: 150,
        rows_min: 100,
        warm_up: 100,
        refit_every: 100,
        penalty: 5.0,
        ..DetectorParams::calibrated()
    };
    let detector = detector(params);
    let mut seen = [0, 0];
    for seed in 0..8 {
        let market = Market::new(1000, seed);
        let history = detector.history(&market.inputs(999), market.dates[300]).unwrap();
        assert_eq!(history[0].evidence.naming, Naming::NotCompared, "no refit before the first");
        for estimate in history.iter().skip(100).filter(|e| e.evidence.model_age % 33 == 1) {
            match estimate.evidence.naming {
                Naming::Agrees => seen[0] += 1,
                Naming::Exchanged { distance_same, distance_exchanged } => {
                    assert!(distance_exchanged < distance_same);
                    seen[1] += 1;
                    // It is said by a single detection as well, and for as long as the refit lasts.
                    let inputs = Inputs { as_of: estimate.as_of, ..market.inputs(999) };
                    assert_eq!(detector.detect(&inputs).as_ref(), Ok(estimate));
                }
                Naming::NotCompared | _ => panic!("{estimate:?}"),
            }
        }
    }
    assert!(seen[0] > seen[1] && seen[1] > 0, "{seen:?}");
}

/// Estimates stored before the newer parts of the evidence were recorded can be read.
#[test]
fn an_older_estimate_can_be_read() {
    let market = Market::new(800, 9);
    let mut estimate = detector(small()).detect(&market.inputs(799)).unwrap();
    let mut json = serde_json::to_value(&estimate).unwrap();
    for field in ["vix_unseen", "z_branch", "naming"] {
        assert!(json["evidence"].as_object_mut().unwrap().remove(field).is_some(), "{field}");
    }
    estimate.evidence.naming = Naming::NotCompared;
    assert_eq!(serde_json::from_value::<RegimeEstimate>(json).unwrap(), estimate);
}

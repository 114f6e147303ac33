//! Arbitrary matrices and parameters: an answer or a typed error, never a panic.

use atlas_regime::continuous::ContinuousParams;
use atlas_regime::hmm::HmmParams;
use atlas_regime::rolling::{RollingDetector, RollingParams};
use atlas_regime::sparse::SparseParams;
use atlas_regime::{Clipper, Error, Filter, FitOptions, JumpParams, Rows, Scaler, SlidingFilter};
use chrono::{Days, NaiveDate};
use proptest::prelude::*;

/// Ordinary numbers, extreme ones, and what is no number.
fn number() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => -3.0_f64..3.0,
        2 => Just(0.0),
        1 => any::<f64>(),
        1 => Just(1e300),
        1 => Just(f64::MIN_POSITIVE),
    ]
}

/// A table of up to 30 rows and 4 columns; mostly finite and moderate.
fn table() -> impl Strategy<Value = (Vec<f64>, usize)> {
    let cell = prop_oneof![9 => (-3.0_f64..3.0).boxed(), 1 => number().boxed()];
    (1_usize..5, 0_usize..30, prop_oneof![Just(true), Just(false)]).prop_flat_map(
        move |(cols, rows, equal)| {
            let cell = cell.clone();
            prop::collection::vec(cell, cols * rows).prop_map(move |mut data| {
                if equal && data.len() > cols {
                    let first = data[..cols].to_vec();
                    data.chunks_mut(cols).for_each(|row| row.copy_from_slice(&first));
                }
                (data, cols)
            })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn fits_answer_or_refuse(
        (data, cols) in table(),
        states in 0_usize..10,
        penalty in number(),
        weights in prop::collection::vec(number(), 0..5),
        restarts in 0_usize..4,
    ) {
        let rows = Rows::new(&data, cols).unwrap();
        let jump = JumpParams { restarts, iterations_max: 50, ..JumpParams::new(states, penalty) };
        let weights = (!weights.is_empty()).then_some(weights);
        let options = FitOptions { feature_weights: weights.as_deref(), ..FitOptions::default() };
        if let Ok(fit) = jump.clone().check().and_then(|p| p.fit_with(rows, &options)) {
            prop_assert_eq!(fit.labels.len(), rows.len());
            prop_assert!(fit.model.objective().is_finite());
            let mut filter = Filter::new(&fit.model).unwrap();
            for row in &rows {
                prop_assert!(filter.push(row).is_ok());
            }
            if let Ok(mut sliding) = SlidingFilter::new(&fit.model, 5) {
                for row in &rows {
                    prop_assert!(sliding.push(row).is_ok());
                }
            }
        }
        let continuous = ContinuousParams { jump: jump.clone(), grid_size: 0.5, mode_loss: true };
        if let Ok(fit) = continuous.check().and_then(|p| p.fit_with(rows, &options)) {
            prop_assert_eq!(fit.labels.len(), rows.len());
        }
        let sparse = SparseParams { jump, features_max: 2.0, rounds_max: 4, ..SparseParams::default() };
        if let Ok(fit) = sparse.check().and_then(|p| p.fit(rows, None)) {
            prop_assert_eq!(fit.weights.len(), cols);
        }
    }

    #[test]
    fn scaling_and_hidden_markov_models_answer_or_refuse((data, cols) in table(), mul in number()) {
        let rows = Rows::new(&data, cols).unwrap();
        let clipped = Clipper::fit(rows, mul);
        let scaled = Scaler::fit(rows);
        if rows.is_empty() || data.iter().any(|x| !x.is_finite()) {
            prop_assert!(clipped.is_err() && scaled.is_err());
        }
        let params = HmmParams { restarts: 2, iterations_max: 20, ..HmmParams::default() };
        if let Ok(fit) = params.check().unwrap().fit(rows) {
            prop_assert!(fit.log_likelihood.is_finite());
        }
    }

    #[test]
    fn a_bad_session_leaves_the_rolling_detector_as_it_was(
        closes in prop::collection::vec(prop_oneof![9 => 90.0_f64..110.0, 1 => number()], 1..160),
    ) {
        let params = RollingParams { lookback: 60, warm_up: 10, refit_every: 7, restarts: 2, ..RollingParams::default() };
        let mut detector = RollingDetector::new(params.check().unwrap()).unwrap();
        let mut day = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
        for close in closes {
            let before = detector.clone();
            if detector.push(day, close, 0.0).is_err() {
                prop_assert_eq!(&before, &detector);
            } else {
                day = day + Days::new(1);
            }
        }
    }
}

#[test]
fn the_first_bad_cell_is_named() {
    let data = [1.0, 2.0, 3.0, f64::NAN, 5.0, 6.0];
    let rows = Rows::new(&data, 2).unwrap();
    let found = JumpParams::new(2, 1.0).check().unwrap().fit(rows, None).unwrap_err();
    assert!(matches!(found, Error::NotFinite { row: 1, column: 1, .. }));
    assert_eq!(found.to_string(), "the sample: row 1, column 1 is NaN, not a finite number");
}

#[test]
fn every_kind_of_nonsense_has_its_error() {
    let data = [1.0, 2.0, 3.0, 4.0];
    let rows = Rows::new(&data, 1).unwrap();
    let fit = |params: JumpParams, options: &FitOptions<'_>| {
        params.check().and_then(|p| p.fit_with(rows, options)).unwrap_err()
    };
    let plain = FitOptions::default();
    for (states, penalty) in [(0, 1.0), (9, 1.0), (2, -1.0), (2, f64::INFINITY), (2, f64::NAN)] {
        assert!(matches!(fit(JumpParams::new(states, penalty), &plain), Error::Parameter { .. }));
    }
    assert_eq!(
        fit(JumpParams::new(5, 1.0), &plain),
        Error::TooFewRows { what: "the sample", have: 4, need: 5 }
    );
    let short = FitOptions { returns: Some(&data[..3]), ..plain };
    assert!(matches!(fit(JumpParams::new(2, 1.0), &short), Error::Shape { found: 3, .. }));
    let zero = FitOptions { feature_weights: Some(&[0.0]), ..plain };
    assert!(matches!(fit(JumpParams::new(2, 1.0), &zero), Error::Parameter { .. }));
    let equal = [7.0; 6];
    let found = JumpParams::new(2, 1.0).check().unwrap().fit(Rows::new(&equal, 2).unwrap(), None);
    assert_eq!(found, Err(Error::AllEqual { what: "the sample", rows: 3 }));
    let huge = [1e200, -1e200, 1e200, -3e200];
    let found = JumpParams::new(2, 1.0).check().unwrap().fit(Rows::new(&huge, 1).unwrap(), None);
    assert_eq!(found, Err(Error::Overflow { what: "discrete jump model" }));
}

//! Arbitrary matrices and parameters: an answer or a typed error, never a panic.

use atlas_regime::continuous::ContinuousParams;
use atlas_regime::dp::Penalties;
use atlas_regime::hmm::HmmParams;
use atlas_regime::rolling::{RollingDetector, RollingParams};
use atlas_regime::sparse::{SparseParams, between_cluster_sums, weighted_means};
use atlas_regime::{
    Clipper, Dated, DetectorParams, DetectorStream, Error, Filter, FitOptions, JumpParams, Mt19937,
    Rows, Scaler, SessionClose, SlidingFilter, Trend, VixParams, VixRule, kmeanspp_rows,
};
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

/// A small count, and now and then one nobody can mean.
fn count(small: std::ops::Range<usize>) -> impl Strategy<Value = usize> {
    let absurd = prop_oneof![Just(usize::MAX), Just(1 << 62), Just(1 << 33), Just(1 << 31)];
    prop_oneof![9 => small, 1 => absurd]
}

/// A table of up to 30 rows and 4 columns; mostly finite and moderate.
fn table() -> impl Strategy<Value = (Vec<f64>, usize)> {
    let cell = prop_oneof![9 => (-3.0_f64..3.0).boxed(), 1 => number().boxed()];
    let flat = || prop_oneof![3 => Just(false), 1 => Just(true)];
    (1_usize..5, 0_usize..30, flat(), flat()).prop_flat_map(move |(cols, rows, equal, constant)| {
        let cell = cell.clone();
        prop::collection::vec(cell, cols * rows).prop_map(move |mut data| {
            if equal && data.len() > cols {
                let first = data[..cols].to_vec();
                data.chunks_mut(cols).for_each(|row| row.copy_from_slice(&first));
            }
            if constant && !data.is_empty() {
                let first = data[0];
                data.iter_mut().step_by(cols).for_each(|x| *x = first);
            }
            (data, cols)
        })
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn fits_answer_or_refuse(
        (data, cols) in table(),
        states in count(0..10),
        penalty in number(),
        weights in prop::collection::vec(number(), 0..5),
        restarts in count(0..4),
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
    fn scaling_and_hidden_markov_models_answer_or_refuse(
        (data, cols) in table(),
        mul in number(),
        states in count(0..10),
        restarts in count(0..3),
    ) {
        let rows = Rows::new(&data, cols).unwrap();
        let clipped = Clipper::fit(rows, mul);
        let scaled = Scaler::fit(rows);
        if rows.is_empty() || data.iter().any(|x| !x.is_finite()) {
            prop_assert!(clipped.is_err() && scaled.is_err());
        }
        let params = HmmParams { states, restarts, iterations_max: 20, ..HmmParams::default() };
        prop_assert_eq!(
            params.clone().check().is_ok(),
            (1..9).contains(&states) && (1..3).contains(&restarts)
        );
        if let Ok(fit) = params.check().and_then(|params| params.fit(rows)) {
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

/// Restarts that all meet each other, on the stack a worker thread has.
#[test]
fn any_number_of_restarts_fits_on_a_small_stack() {
    let fit = || {
        let data: Vec<f64> =
            (0..60).map(|t| f64::from(t % 7 + if t < 30 { 0 } else { 9 })).collect();
        let params = JumpParams { restarts: 20_000, ..JumpParams::new(2, 1.0) };
        params.check().unwrap().fit(Rows::new(&data, 1).unwrap(), None).unwrap().model.objective()
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).stack_size(2 << 20).build().unwrap();
    let many = pool.install(fit);
    let thread = std::thread::Builder::new().stack_size(2 << 20).spawn(fit).unwrap();
    assert_eq!(many.to_bits(), thread.join().unwrap().to_bits());
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

/// Lists of starts, of the right length or not, with what is no number now and then.
fn centers() -> impl Strategy<Value = Vec<Vec<f64>>> {
    let cell = prop_oneof![12 => (-3.0_f64..3.0).boxed(), 1 => number().boxed()];
    let one = prop_oneof![
        4 => prop::collection::vec(cell.clone(), 4),
        1 => prop::collection::vec(cell, 0..9),
    ];
    prop::collection::vec(one, 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn starts_and_returns_answer_or_refuse(
        data in prop::collection::vec(-3.0_f64..3.0, 16),
        starts in centers(),
        warm in centers(),
        returns in prop::collection::vec(prop_oneof![9 => -0.1_f64..0.1, 1 => number()], 7..10),
    ) {
        let rows = Rows::new(&data, 2).unwrap();
        let warm = warm.first().map(Vec::as_slice);
        let options = FitOptions {
            returns: (returns.len() != 9).then_some(&returns),
            starts: Some(&starts),
            warm_start: warm,
            feature_weights: None,
        };
        let whole = |c: &[f64]| {
            let empty = |row: &[f64]| row.iter().all(|x| x.is_nan());
            c.chunks(2).all(|row| row.iter().all(|x| x.is_finite()) || empty(row))
        };
        let good = starts.iter().all(|c| c.len() == 4 && c.iter().all(|x| x.is_finite()))
            && warm.is_none_or(|c| c.len() == 4 && whole(c))
            && !(starts.is_empty() && warm.is_none())
            && options.returns.is_none_or(|r| r.len() == 8 && r.iter().all(|x| x.is_finite()));
        let params = JumpParams { iterations_max: 50, ..JumpParams::new(2, 1.0) };
        let refused = |found: Option<Error>| match found {
            None => good,
            Some(Error::Overflow { .. }) => true,
            Some(_) => !good,
        };
        let found = params.clone().check().unwrap().fit_with(rows, &options);
        prop_assert!(refused(found.err()));
        let mixed = ContinuousParams { jump: params.clone(), grid_size: 0.5, mode_loss: true };
        prop_assert!(refused(mixed.check().unwrap().fit_with(rows, &options).err()));
        let sparse = SparseParams { jump: params, rounds_max: 3, ..SparseParams::default() };
        prop_assert!(refused(sparse.check().unwrap().fit_with(rows, &options).err()));
    }

    #[test]
    fn matrices_memberships_bars_and_closes_answer_or_refuse(
        numbers in prop::collection::vec(number(), 0..20),
        (data, cols) in table(),
        states in count(0..5),
        penalty in number(),
    ) {
        if let Ok(penalties) = Penalties::new(states, &numbers) {
            prop_assert_eq!(numbers.len(), states * states);
            drop(penalties.solve(&data));
        }
        let uniform = Penalties::uniform(states, penalty);
        prop_assert_eq!(uniform.is_ok(), (1..5).contains(&states) && penalty.is_finite());
        let rows = Rows::new(&data, cols).unwrap();
        prop_assert!(kmeanspp_rows(rows, states, &mut Mt19937::new(1)).is_err() || states <= rows.len());
        let fits = states > 0 && !rows.is_empty()
            && Some(numbers.len()) == rows.len().checked_mul(states);
        prop_assert_eq!(weighted_means(rows, &numbers, states).is_ok(), fits);
        prop_assert_eq!(between_cluster_sums(rows, &numbers, states).is_ok(), fits);
        let (mut trend, mut rule) = (Trend::new(), VixRule::new(VixParams::default().check().unwrap()));
        let (mut bars, mut sessions) = (0, 0);
        for (t, x) in numbers.iter().enumerate() {
            let y = numbers[(t + 1) % numbers.len()];
            match trend.push(x.max(y), x.min(y), *x) {
                Ok(_) => bars += 1,
                Err(Error::NotFinite { row, .. } | Error::BarOutOfOrder { row, .. }) => {
                    prop_assert_eq!(row, bars);
                }
                Err(other) => prop_assert!(false, "{}", other),
            }
            match rule.push(Some(*x)) {
                Ok(_) => sessions += 1,
                Err(Error::NotFinite { row, .. }) => prop_assert_eq!(row, sessions),
                Err(other) => prop_assert!(false, "{}", other),
            }
        }
    }

    #[test]
    fn a_bad_session_leaves_the_detector_as_it_was(
        closes in prop::collection::vec(
            prop_oneof![9 => 90.0_f64..110.0, 1 => number()], 1..60,
        ),
        vix in prop::collection::vec(prop_oneof![9 => 10.0_f64..40.0, 1 => number()], 60),
    ) {
        let mut stream = DetectorStream::new(DetectorParams::calibrated().check().unwrap()).unwrap();
        let mut date = NaiveDate::from_ymd_opt(2020, 1, 1).unwrap();
        for (close, value) in closes.into_iter().zip(vix) {
            let before = stream.clone();
            let session = SessionClose::new(date, close).vix(Dated { date, value });
            if stream.push(&session).is_err() {
                prop_assert_eq!(&before, &stream);
            } else {
                date = date + Days::new(1);
                prop_assert!(stream.estimate().is_err());
            }
        }
    }
}

/// By design a column that never moves is no error: it tells no states apart and changes nothing.
#[test]
fn a_constant_column_changes_no_state_of_any_model() {
    let plain: Vec<f64> =
        (0..40).map(|t| f64::from(t % 7) + if t < 20 { 0.0 } else { 9.0 }).collect();
    let padded: Vec<f64> = plain.iter().flat_map(|x| [*x, 3.5]).collect();
    let (one, two) = (Rows::new(&plain, 1).unwrap(), Rows::new(&padded, 2).unwrap());
    let starts = (vec![vec![1.0, 12.0]], vec![vec![1.0, 3.5, 12.0, 3.5]]);
    let options = |starts| FitOptions::<'_> { starts: Some(starts), ..FitOptions::default() };
    let jump = JumpParams::new(2, 5.0);
    let fit =
        |rows, starts| jump.clone().check().unwrap().fit_with(rows, &options(starts)).unwrap();
    let states = fit(one, &starts.0).labels;
    assert_eq!(states, fit(two, &starts.1).labels);
    let mixed = ContinuousParams { jump: jump.clone(), grid_size: 0.5, mode_loss: false };
    let mixed = mixed.check().unwrap();
    let fit = |rows, starts| mixed.fit_with(rows, &options(starts)).unwrap().labels;
    assert_eq!(fit(one, &starts.0), fit(two, &starts.1));
    let sparse = SparseParams { jump, ..SparseParams::default() }.check().unwrap();
    let found = sparse.fit_with(two, &options(&starts.1)).unwrap();
    assert_eq!((found.labels, found.weights), (states, vec![1.0, 0.0]));
    let clipper = Clipper::fit(two, 3.0).unwrap();
    let scaler = Scaler::fit(two).unwrap();
    let mut row = [2.0, 3.5];
    clipper.apply(&mut row).unwrap();
    scaler.apply(&mut row).unwrap();
    assert!(row[1].abs() < 1e-15);
    let hmm = HmmParams::default().check().unwrap();
    let found = hmm.fit(two).unwrap();
    assert!(found.log_likelihood.is_finite());
}

/// The errors name the cell: which centre of a start, which of its columns.
#[test]
fn a_start_that_is_no_number_is_named() {
    let data = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
    let rows = Rows::new(&data, 2).unwrap();
    let params = JumpParams::new(2, 1.0).check().unwrap();
    let bad = [vec![1.0, 2.0, 3.0, f64::INFINITY]];
    let found = params.fit_with(rows, &FitOptions { starts: Some(&bad), ..FitOptions::default() });
    assert!(matches!(found, Err(Error::NotFinite { what: "a start", row: 1, column: 1, .. })));
    let empty = [1.0, 2.0, f64::NAN, f64::NAN];
    let warm = |warm| FitOptions { warm_start: Some(warm), ..FitOptions::default() };
    assert!(params.fit_with(rows, &warm(&empty)).is_ok());
    let half = [1.0, 2.0, f64::NAN, 4.0];
    let found = params.fit_with(rows, &warm(&half));
    assert!(matches!(found, Err(Error::NotFinite { row: 1, column: 0, .. })));
}

//! Fitted models as things to keep: filed away, restored, compared, fitted in bulk.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use atlas_regime::continuous::{ContinuousFilter, ContinuousModel, ContinuousParams, Grid};
use atlas_regime::hmm::HmmParams;
use atlas_regime::sparse::{SparseModel, SparseParams};
use atlas_regime::{Error, Filter, FitOptions, JumpModel, JumpParams, Mt19937, Rows};
use serde_json::json;

/// Two noisy levels in spells of forty rows, two columns, and returns that go with them.
fn sample() -> (Vec<f64>, Vec<f64>) {
    let mut rng = Mt19937::new(4);
    let mut data = Vec::new();
    let mut returns = Vec::new();
    for t in 0..600 {
        let level = if t / 40 % 3 == 0 { 1.5 } else { -0.5 };
        data.extend([level + 2.0 * rng.next_f64() - 1.0, 3.0 * rng.next_f64()]);
        returns.push(-0.001 * level);
    }
    (data, returns)
}

#[test]
fn a_model_survives_json_to_the_bit_and_runs_on() {
    let (data, returns) = sample();
    let rows = Rows::new(&data, 2).unwrap();
    let model = JumpParams::new(3, 2.0).check().unwrap().fit(rows, Some(&returns)).unwrap().model;
    let json = serde_json::to_string(&model).unwrap();
    let restored: JumpModel = serde_json::from_str(&json).unwrap();
    assert_eq!(restored, model);
    let (mut a, mut b) = (Filter::new(&model).unwrap(), Filter::new(&restored).unwrap());
    for row in &rows {
        assert_eq!(a.push(row), b.push(row));
    }
    let mut other: serde_json::Value = serde_json::from_str(&json).unwrap();
    other["format"] = 99.into();
    let other: JumpModel = serde_json::from_value(other).unwrap();
    let refused = Error::Format { what: "the jump model", found: 99, expected: 1 };
    assert_eq!(Filter::new(&other), Err(refused));
}

#[test]
fn an_empty_state_is_none_and_survives_json() {
    let (data, _) = sample();
    let rows = Rows::new(&data, 2).unwrap();
    let model = JumpParams::new(2, 1e9).check().unwrap().fit(rows, None).unwrap().model;
    assert_eq!(model.empty_states().collect::<Vec<_>>(), [1]);
    let json = serde_json::to_string(&model).unwrap();
    assert_eq!(serde_json::from_str::<JumpModel>(&json).unwrap(), model);
    let mut filter = Filter::new(&model).unwrap();
    assert!(rows.iter().all(|row| filter.push(row).unwrap().state == 0));
}

#[test]
fn a_continuous_model_survives_json_and_its_filter_agrees_with_its_last_vertex() {
    let (data, returns) = sample();
    let rows = Rows::new(&data, 2).unwrap();
    let options = FitOptions { returns: Some(&returns), ..FitOptions::default() };
    let params = ContinuousParams { grid_size: 0.25, ..ContinuousParams::new(2, 20.0) };
    let model = params.check().unwrap().fit_with(rows, &options).unwrap().model;
    let json = serde_json::to_string(&model).unwrap();
    assert_eq!(serde_json::from_str::<ContinuousModel>(&json).unwrap(), model);
    let mut filter = ContinuousFilter::new(&model).unwrap();
    let online: Vec<usize> = rows.iter().map(|row| filter.push(row).unwrap().vertex).collect();
    let smoothed = model.smoothed_vertices(rows).unwrap();
    assert_eq!(online.last().copied(), smoothed.last().map(|v| *v as usize));
}

#[test]
fn a_grid_of_penalties_equals_one_fit_each_on_any_number_of_threads() {
    let (data, returns) = sample();
    let rows = Rows::new(&data, 2).unwrap();
    let options = FitOptions { returns: Some(&returns), ..FitOptions::default() };
    let penalties = [0.0, 0.5, 2.0, 8.0];
    let params = JumpParams::new(3, 0.0).check().unwrap();
    let one_by_one: Vec<_> = penalties
        .iter()
        .map(|&p| JumpParams::new(3, p).check().unwrap().fit_with(rows, &options).unwrap())
        .collect();
    for threads in [1, 2, 5] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let grid = pool.install(|| params.fit_grid(rows, &options, &penalties)).unwrap();
        for (found, expected) in grid.iter().zip(&one_by_one) {
            assert!(found.model == expected.model, "{threads} threads");
            assert!(found.labels == expected.labels, "{threads} threads");
            assert_eq!(found.start_rows, expected.start_rows);
        }
    }
}

/// What `work` says, on one thread and on several.
fn on_any_number_of_threads<T: PartialEq + Send>(what: &str, work: impl Fn() -> T + Sync) {
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(&work)
    };
    let alone = on(1);
    for threads in [2, 3, 7] {
        assert!(on(threads) == alone, "{what} on {threads} threads");
    }
}

#[test]
fn restarts_are_the_same_on_any_number_of_threads() {
    let mut rng = Mt19937::new(9);
    let (few, returns) = sample();
    // Enough rows for the restarts of a discrete fit to be shared out.
    let data: Vec<f64> = (0..4400).map(|t| few[t % few.len()] + rng.next_f64()).collect();
    let rows = Rows::new(&data, 2).unwrap();
    for states in [2, 3, 5] {
        let jump = JumpParams { restarts: 40, ..JumpParams::new(states, 2.0) };
        let params = jump.clone().check().unwrap();
        // As text: empty states have centres that are not numbers, hence not equal.
        on_any_number_of_threads("a discrete fit", || {
            format!("{:?}", params.fit(rows, None).unwrap())
        });
    }
    let (rows, options) = (
        Rows::new(&few, 2).unwrap(),
        FitOptions { returns: Some(&returns), ..FitOptions::default() },
    );
    for (states, grid_size, compat) in [(2, 0.1, false), (3, 0.25, false), (2, 0.2, true)] {
        let jump = JumpParams { restarts: 7, compat, ..JumpParams::new(states, 6.0) };
        let params = ContinuousParams { jump, grid_size, mode_loss: true }.check().unwrap();
        on_any_number_of_threads("a continuous fit", || {
            format!("{:?}", params.fit_with(rows, &options).unwrap())
        });
    }
    let sparse = SparseParams::new(2, 2.0, 1.5).check().unwrap();
    on_any_number_of_threads("a sparse fit", || {
        format!("{:?}", sparse.fit(rows, Some(&returns)).unwrap())
    });
    let hmm = HmmParams { iterations_max: 30, ..HmmParams::default() }.check().unwrap();
    on_any_number_of_threads("a hidden Markov fit", || format!("{:?}", hmm.fit(rows).unwrap()));
}

#[test]
fn grids_of_continuous_and_sparse_fits_equal_one_fit_each() {
    let (data, returns) = sample();
    let rows = Rows::new(&data, 2).unwrap();
    let options = FitOptions { returns: Some(&returns), ..FitOptions::default() };
    let penalties = [0.5, 4.0, 30.0];
    let mixed = |penalty| ContinuousParams {
        jump: JumpParams { restarts: 3, ..JumpParams::new(2, penalty) },
        grid_size: 0.1,
        mode_loss: true,
    };
    let found = mixed(0.0).check().unwrap().fit_grid(rows, &options, &penalties).unwrap();
    for (fit, penalty) in found.iter().zip(penalties) {
        assert!(*fit == mixed(penalty).check().unwrap().fit_with(rows, &options).unwrap());
    }
    let sparse = |penalty| SparseParams::new(2, penalty, 1.5).check().unwrap();
    let starts = [vec![0.0, 0.0, 3.0, 3.0], vec![-1.0, 2.0, 1.0, -2.0]];
    let explicit = FitOptions { starts: Some(&starts), ..options };
    for options in [options, explicit] {
        let found = sparse(0.0).fit_grid(rows, &options, &penalties).unwrap();
        for (fit, penalty) in found.iter().zip(penalties) {
            let expected = sparse(penalty).fit_with(rows, &options).unwrap();
            assert_eq!(format!("{fit:?}"), format!("{expected:?}"));
            let first = fit.rounds[0].restarts.len();
            assert_eq!(first, if options.starts.is_some() { 2 } else { 10 });
        }
    }
}

/// Beyond 4 096 vertices penalties are not written out; beyond memory a fit is refused.
#[test]
fn fine_grids_of_many_states_can_be_fitted() {
    let (data, _) = sample();
    let rows = Rows::new(&data[..16], 2).unwrap();
    let fit = |states, grid_size, rows| {
        let jump = JumpParams { restarts: 1, iterations_max: 1, ..JumpParams::new(states, 1.0) };
        let params = ContinuousParams { jump, grid_size, mode_loss: true }.check().unwrap();
        params.fit_with(rows, &FitOptions::default())
    };
    for (states, grid_size, vertices) in [(4, 0.032, 5984), (5, 0.0625, 4845)] {
        let found = fit(states, grid_size, rows).unwrap();
        assert_eq!(Grid::count(states, grid_size), Ok(vertices));
        let model = found.model;
        assert!(model.states().objective().is_finite());
        let mut filter = ContinuousFilter::new(&model).unwrap();
        let last = rows.iter().map(|row| filter.push(row).unwrap().vertex).last().unwrap();
        let path = model.smoothed_vertices(rows).unwrap();
        assert_eq!(path.last(), Some(&u32::try_from(last).unwrap()));
    }
    let many: Vec<f64> = data.iter().cycle().take(60_000).copied().collect();
    let refused = fit(5, 0.05, Rows::new(&many, 2).unwrap()).unwrap_err();
    assert!(matches!(refused, Error::TooLarge { bytes: 2_550_240_000, .. }), "{refused}");
}

#[test]
fn the_exact_stop_finds_an_objective_no_worse_than_the_compatible_one() {
    let mut rng = Mt19937::new(17);
    let mut better = 0;
    for _ in 0..60 {
        let data: Vec<f64> = (0..12).map(|_| 4.0 * rng.next_f64() - 2.0).collect();
        let rows = Rows::new(&data, 2).unwrap();
        let fit = |compat: bool| {
            let jump = JumpParams { restarts: 1, compat, ..JumpParams::new(2, 6.0) };
            let params = ContinuousParams { jump, grid_size: 0.1, mode_loss: true };
            let fit = params.check().unwrap().fit_with(rows, &FitOptions::default());
            fit.unwrap().model.states().objective()
        };
        let (exact, compat) = (fit(false), fit(true));
        assert!(exact <= compat + 1e-12);
        better += usize::from(exact < compat - 1e-9);
    }
    assert!(better > 0, "the quirk of the reference shows on short series");
}

#[test]
fn a_sparse_fit_takes_explicit_starts_as_the_features_are() {
    let (data, returns) = sample();
    let rows = Rows::new(&data, 2).unwrap();
    let params = SparseParams::new(2, 0.5, 2.0).check().unwrap();
    let drawn = params.fit(rows, Some(&returns)).unwrap();
    // The rows that were drawn in the first round, given as starts, lead to the same first round.
    let starts: Vec<Vec<f64>> = drawn.rounds[0]
        .start_rows
        .iter()
        .map(|picked| picked.iter().flat_map(|&t| rows.row(t)).copied().collect())
        .collect();
    let options =
        FitOptions { returns: Some(&returns), starts: Some(&starts), ..FitOptions::default() };
    let given = params.fit_with(rows, &options).unwrap();
    assert_eq!(given.rounds[0].restarts, drawn.rounds[0].restarts);
    assert_eq!(given.rounds[0].next_weights, drawn.rounds[0].next_weights);
    let one = FitOptions { starts: Some(&starts[..1]), ..options };
    let one = params.fit_with(rows, &one).unwrap();
    assert_eq!(one.rounds[0].restarts.len(), 1);
    assert_eq!(one.rounds[0].restarts[0], drawn.rounds[0].restarts[0]);
    let warm = FitOptions { warm_start: Some(&starts[0]), starts: None, ..options };
    let warm = params.fit_with(rows, &warm).unwrap();
    let root = (1.0 / 2.0_f64.sqrt()).sqrt();
    let weighted: Vec<f64> = starts[0].iter().map(|x| x * root).collect();
    assert_eq!(warm.rounds[0].warm_start.as_ref(), Some(&weighted));
    let weighing = FitOptions { feature_weights: Some(&[1.0, 1.0]), ..options };
    assert!(matches!(params.fit_with(rows, &weighing), Err(Error::Parameter { .. })));
    let short = [vec![0.0; 3]];
    let short = FitOptions { starts: Some(&short), ..options };
    assert!(matches!(params.fit_with(rows, &short), Err(Error::Shape { found: 3, .. })));
}

/// Every damage to a filed-away model that a later step could trip over is refused.
#[test]
fn damaged_models_are_refused() {
    let (data, returns) = sample();
    let rows = Rows::new(&data, 2).unwrap();
    let options = FitOptions { returns: Some(&returns), ..FitOptions::default() };
    let params = ContinuousParams { grid_size: 0.25, ..ContinuousParams::new(2, 20.0) };
    let mixed = params.check().unwrap().fit_with(rows, &options).unwrap().model;
    let sparse = SparseParams::new(2, 0.5, 2.0).check().unwrap();
    let sparse = sparse.fit(rows, Some(&returns)).unwrap();
    let model = sparse.model;
    assert_eq!((model.weights(), model.rounds()), (&sparse.weights[..], sparse.rounds.len()));
    let sound = |model: &ContinuousModel| model.check().and(ContinuousFilter::new(model)).is_ok();
    assert!(sound(&mixed) && model.check().is_ok() && model.features_max() > 1.9);
    let (mixed, sparse) =
        (serde_json::to_value(mixed).unwrap(), serde_json::to_value(&model).unwrap());
    let back: SparseModel = serde_json::from_value(sparse.clone()).unwrap();
    assert_eq!(back, model);
    let states = [
        ("/frequency", json!([1.0])),
        ("/frequency/0", json!(-1.0)),
        ("/mean_return", json!([0.1, 0.1, 0.1])),
        ("/volatility/1", json!(-0.1)),
        ("/transitions", json!([[1.0, 0.0]])),
        ("/transitions/0", json!([1.0])),
        ("/transitions/0/0", json!(1.5)),
        ("/best_restart", json!(99)),
        ("/format", json!(7)),
    ];
    let mixed_own = [("/format", json!(2)), ("/grid_size", json!(0.0))];
    let sparse_own = [
        ("/format", json!(0)),
        ("/weights", json!([1.0])),
        ("/weights/0", json!(-1.0)),
        ("/rounds", json!(0)),
        ("/features_max", json!(0.5)),
    ];
    let broken = |whole: &serde_json::Value, pointer: &str, value: &serde_json::Value| {
        let mut bad = whole.clone();
        *bad.pointer_mut(pointer).unwrap() = value.clone();
        bad
    };
    for (at, value) in &states {
        let bad = broken(&mixed["states"], at, value);
        let states: JumpModel = serde_json::from_value(bad).unwrap();
        assert!(states.check().is_err() && Filter::new(&states).is_err(), "{at}");
        let bad = broken(&sparse, &format!("/inner/discrete{at}"), value);
        assert!(serde_json::from_value::<SparseModel>(bad).unwrap().check().is_err(), "{at}");
        let bad = broken(&mixed, &format!("/states{at}"), value);
        assert!(!sound(&serde_json::from_value(bad).unwrap()), "{at}");
    }
    for (at, value) in &mixed_own {
        assert!(!sound(&serde_json::from_value(broken(&mixed, at, value)).unwrap()), "{at}");
    }
    for (at, value) in &sparse_own {
        let bad: SparseModel = serde_json::from_value(broken(&sparse, at, value)).unwrap();
        assert!(bad.check().is_err(), "{at}");
    }
}

//! Fitted models as things to keep: filed away, restored, compared, fitted in bulk.

use atlas_regime::continuous::{ContinuousFilter, ContinuousModel, ContinuousParams};
use atlas_regime::{Error, Filter, FitOptions, JumpModel, JumpParams, Mt19937, Rows};

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
    let mut other: JumpModel = serde_json::from_str(&json).unwrap();
    other.format = 99;
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
            fit.unwrap().model.states.objective
        };
        let (exact, compat) = (fit(false), fit(true));
        assert!(exact <= compat + 1e-12);
        better += usize::from(exact < compat - 1e-9);
    }
    assert!(better > 0, "the quirk of the reference shows on short series");
}

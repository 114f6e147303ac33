//! Whole fits: every start, every descent, every figure of the result.

use std::sync::Arc;

use atlas_regime::continuous::{ContinuousFilter, ContinuousParams, Grid};
use atlas_regime::dp::Penalties;
use atlas_regime::{Filter, FitOptions, JumpModel, JumpParams, Restart, Rows, SortBy, Stop};
use serde_json::Value;

use crate::basics::text;
use crate::compare::{FLOAT, MARGIN, RETURN, VOLATILITY, close, crc, margin, same, smaller};
use crate::folder::{Folder, Matrix};
use crate::json::{Case, floats};
use crate::replay::{Replay, replay};
use crate::tally::Tally;

pub(crate) fn fits(
    folder: &Folder,
    file: &Case<'_>,
    kinds: [&'static str; 2],
    tally: &mut Tally,
) -> Result<(), String> {
    for case in file.cases("cases")? {
        let restarts = case.get("restarts").and_then(Value::as_array).map_or(0, Vec::len);
        tally.count(kinds[1], restarts);
        tally.check(kinds[0], case, |case| fit(folder, case, None).map(|_| ()));
    }
    Ok(())
}

/// The same object fitted repeatedly: the centres of one step are the warm start of the next.
pub(crate) fn refits(folder: &Folder, file: &Case<'_>, tally: &mut Tally) -> Result<(), String> {
    for sequence in file.cases("sequences")? {
        let mut steps = 0;
        tally.check("refit/sequences", sequence, |sequence| {
            let mut warm: Option<Vec<f64>> = None;
            for step in sequence.list("steps")? {
                let step = Case::new(step)?;
                let states = step.count("n_components")?;
                let matrix = folder.matrix(step.text("X")?)?;
                let usable = warm.filter(|w| w.len() == states * matrix.cols);
                warm = Some(fit(folder, &step, usable.as_deref())?);
                step.skip(&["name"]);
                step.finish()?;
                steps += 1;
            }
            Ok(())
        });
        tally.count("refit/steps", steps);
    }
    Ok(())
}

/// A fit of either model in one shape.
pub(crate) struct Found {
    restarts: Vec<Restart>,
    start_rows: Vec<Vec<usize>>,
    sort_permutation: Vec<usize>,
    states: JumpModel,
    labels: Vec<u32>,
    /// Vertices before sorting, continuous only.
    weights: Option<Vec<f64>>,
}

/// What is observed while the filter runs over the sample.
struct Online {
    states: Vec<u32>,
    vertices: Option<Vec<u32>>,
    margin: f64,
    last: Vec<f64>,
}

/// Checks one fit and gives its sorted, weighted centres, NaN for empty states.
pub(crate) fn fit(
    folder: &Folder,
    case: &Case<'_>,
    warm: Option<&[f64]>,
) -> Result<Vec<f64>, String> {
    let matrix = match case.opt("X_values") {
        None => folder.matrix(case.text("X")?)?,
        Some(values) => inline(values, case)?,
    };
    case.skip(&["ret_values", "note"]);
    let matrix = matrix.first(case.count("n_rows")?)?;
    let jump = jump_params(case)?;
    let returns = case.flag("with_ret")?.then_some(matrix.returns.as_slice());
    let weights = case.opt("feat_weights").map(floats).transpose()?;
    let options =
        FitOptions { returns, feature_weights: weights.as_deref(), warm_start: warm, starts: None };
    let rows = Rows::new(&matrix.data, matrix.cols).map_err(text)?;
    let grid = if case.flag("cont")? { Some(grid(case)?) } else { None };
    let inputs = ["X", "X_values", "n_rows", "cont", "grid_size", "mode_loss"];
    let key = format!("{jump:?} {options:?} {:?}", inputs.map(|input| case.opt(input)));
    let known = folder.fits.get(&key, || run(case, &jump, rows, &options, grid.as_ref()))?;
    let (penalties, found) = (&known.0, &known.1);
    let weighted: Vec<f64> = match &weights {
        None => matrix.data.clone(),
        Some(w) => rows.iter().flat_map(|row| row.iter().zip(w).map(|(x, w)| x * w)).collect(),
    };
    let weighted = Rows::new(&weighted, matrix.cols).map_err(text)?;
    if let Some(starts) = case.opt("n_starts") {
        same("n_starts", &found.restarts.len(), &crate::json::count(starts)?)?;
    }
    let again = |i: usize, start: &[f64]| {
        let key = format!("{key} {i} {start:?}");
        let compute = || Ok(replay(weighted, grid.as_ref(), penalties, start, &jump));
        folder.replays.get(&key, compute)
    };
    restarts(case, weighted, &again, found, warm)?;
    same("best_restart", &found.states.best_restart(), &case.count("best_restart")?)?;
    if case.opt("sort_perm").is_some() {
        same("sort_perm", &found.sort_permutation, &case.counts("sort_perm")?)?;
    }
    expect(&case.case("expect")?, found, grid.as_ref())?;
    if case.opt("insample").is_none() {
        return Ok(flat(&found.states));
    }
    let insample = case.case("insample")?;
    let online = online(found, rows, grid.as_ref(), case)?;
    let smoothed = smoothed(found, weighted, grid.as_ref(), penalties)?;
    same("online", &online.states, &insample.runs("online_rle")?)?;
    same("predict", &smoothed, &insample.runs("predict_rle")?)?;
    let equal = smoothed == found.labels;
    same("predict_equals_labels", &equal, &insample.flag("predict_equals_labels")?)?;
    let floor = found.states.objective().abs() * 1e-6;
    close("online_margin", &[online.margin], &[insample.float("online_margin")?], MARGIN, floor)?;
    close("value_last", &online.last, &insample.floats("value_last")?, FLOAT, 1.0)?;
    if let Some(vertices) = online.vertices {
        same("online vertices", &vertices, &insample.runs("online_grid_idx_rle")?)?;
    }
    insample.finish()?;
    Ok(flat(&found.states))
}

fn jump_params(case: &Case<'_>) -> Result<JumpParams, String> {
    let sort_by = match case.opt("sort_by").and_then(Value::as_str) {
        None => SortBy::Unsorted,
        Some("cumret") => SortBy::CumulativeReturn,
        Some("ret") => SortBy::MeanReturn,
        Some("vol") => SortBy::Volatility,
        Some("freq") => SortBy::Frequency,
        Some(other) => return Err(format!("sort_by {other} is unknown")),
    };
    // The reference cuts a fractional number of states.
    let states = case.float("n_components")?;
    let states = (1..=8_u8).rev().find(|&k| f64::from(k) <= states).ok_or("no states")?;
    Ok(JumpParams {
        states: usize::from(states),
        penalty: case.float("jump_penalty")?,
        restarts: case.count("n_init")?,
        iterations_max: case.count("max_iter")?,
        tol: case.float("tol")?,
        seed: u32::try_from(case.count("random_state")?).map_err(text)?,
        sort_by,
        compat: true,
    })
}

fn grid(case: &Case<'_>) -> Result<Grid, String> {
    let states = case.count("n_components")?;
    let grid = Grid::new(states, case.float("grid_size")?).map_err(text)?;
    same("n_grid", &grid.len(), &case.count("n_grid")?)?;
    Ok(grid)
}

fn run(
    case: &Case<'_>,
    jump: &JumpParams,
    rows: Rows<'_>,
    options: &FitOptions<'_>,
    grid: Option<&Grid>,
) -> Result<(Penalties, Found), String> {
    let Some(grid) = grid else {
        let fit = jump.clone().check().and_then(|p| p.fit_with(rows, options)).map_err(text)?;
        let penalties = Penalties::uniform(jump.states, jump.penalty).map_err(text)?;
        let found = Found {
            restarts: fit.restarts,
            start_rows: fit.start_rows,
            sort_permutation: fit.sort_permutation,
            states: fit.model,
            labels: fit.labels,
            weights: None,
        };
        return Ok((penalties, found));
    };
    let (grid_size, mode_loss) = (case.float("grid_size")?, case.flag("mode_loss")?);
    let params = ContinuousParams { jump: jump.clone(), grid_size, mode_loss };
    let fit = params.check().and_then(|p| p.fit_with(rows, options)).map_err(text)?;
    let penalties = grid.penalties(jump.penalty, mode_loss).map_err(text)?;
    let found = Found {
        restarts: fit.restarts,
        start_rows: fit.start_rows,
        sort_permutation: fit.sort_permutation,
        states: fit.model.states().clone(),
        labels: fit.labels,
        weights: Some(fit.weights),
    };
    Ok((penalties, found))
}

/// The replay of a restart with this number from this start.
type Again<'a> = dyn Fn(usize, &[f64]) -> Result<Arc<Replay>, String> + 'a;

/// Every restart against the file, and against a plain replay of it.
fn restarts(
    case: &Case<'_>,
    rows: Rows<'_>,
    again: &Again<'_>,
    found: &Found,
    warm: Option<&[f64]>,
) -> Result<(), String> {
    // A few cases vary the order of states only and list no restarts.
    let Some(expected) = case.opt("restarts") else { return Ok(()) };
    let expected = expected.as_array().ok_or("restarts is not a list")?;
    same("restarts", &found.restarts.len(), &expected.len())?;
    for (i, (restart, expected)) in found.restarts.iter().zip(expected).enumerate() {
        let check = || -> Result<(), String> {
            let expected = Case::new(expected)?;
            let start: Vec<f64> = if let Some(centers) = expected.opt("init_centers") {
                close("init_centers", warm.unwrap_or_default(), &floats(centers)?, FLOAT, 1e-3)?;
                warm.unwrap_or_default().to_vec()
            } else {
                same("init_rows", &found.start_rows[i], &expected.counts("init_rows")?)?;
                found.start_rows[i].iter().flat_map(|&t| rows.row(t)).copied().collect()
            };
            one_restart(restart, &*again(i, &start)?, &expected)?;
            expected.finish()
        };
        check().map_err(|e| format!("restart {i}: {e}"))?;
    }
    Ok(())
}

fn one_restart(found: &Restart, again: &Replay, expected: &Case<'_>) -> Result<(), String> {
    same("n_iter", &found.iterations, &expected.count("n_iter")?)?;
    let stop = match found.stop {
        Stop::SameClustering => "same_clustering",
        Stop::Tol => "tol",
        Stop::MaxIter => "max_iter",
        _ => "unknown",
    };
    same("stop", &stop, &expected.text("stop")?)?;
    close("val", &[found.value], &[expected.float("val")?], FLOAT, 1e-6)?;
    close("vals", &found.values, &expected.floats("vals")?, FLOAT, 1e-6)?;
    close("centers", &found.centers, &expected.floats("centers")?, FLOAT, 1e-3)?;
    same("labels_crc", &crc(&found.labels)?, &expected.count("labels_crc")?)?;
    let mut used = found.labels.clone();
    used.sort_unstable();
    used.dedup();
    same("n_states_used", &used.len(), &expected.count("n_states_used")?)?;
    same("replayed labels", &again.labels, &found.labels)?;
    same("replayed iterations", &again.iterations, &found.iterations)?;
    let equal = again.labels_equal_exactly;
    if let Some(flag) = expected.opt("labels_equal_exactly") {
        same("labels_equal_exactly", &Some(equal), &flag.as_bool())?;
    }
    let floor = found.value.abs() * 1e-6;
    close("min_margin", &[again.margin], &[expected.float("min_margin")?], MARGIN, floor)
}

fn expect(expected: &Case<'_>, found: &Found, grid: Option<&Grid>) -> Result<(), String> {
    let states = &found.states;
    close("val", &[states.objective()], &[expected.float("val")?], FLOAT, 1e-6)?;
    close("centers", &flat(states), &expected.floats("centers")?, FLOAT, 1e-3)?;
    same("labels", &found.labels, &expected.runs("labels_rle")?)?;
    close("freq", states.frequency(), &expected.floats("freq")?, FLOAT, 1.0)?;
    let unsorted: Vec<u32> = match &found.weights {
        None => found.restarts[states.best_restart()].labels.clone(),
        Some(_) => found.labels.clone(),
    };
    let sorted = crc(&found.labels)?;
    let expected_crc = expected.count("labels_crc")?;
    if expected_crc != sorted {
        same("labels_crc", &crc(&unsorted)?, &expected_crc)?;
    }
    let transitions: Vec<f64> = states
        .transitions()
        .iter()
        .flat_map(|row| row.clone().unwrap_or_else(|| vec![f64::NAN; states.states()]))
        .collect();
    close("transmat", &transitions, &expected.floats("transmat")?, FLOAT, 1e-3)?;
    let values = |v: &[Option<f64>]| v.iter().map(|x| x.unwrap_or(f64::NAN)).collect::<Vec<f64>>();
    match (expected.opt("ret"), expected.opt("vol")) {
        (None, None) => same("returns", &states.mean_return().len(), &0)?,
        (ret, vol) => {
            let (ret, vol) = (ret.ok_or("no ret")?, vol.ok_or("no vol")?);
            close("ret", &values(states.mean_return()), &floats(ret)?, RETURN, 1e-4)?;
            close("vol", &values(states.volatility()), &floats(vol)?, VOLATILITY, 0.0)?;
        }
    }
    if let (Some(grid), Some(weights)) = (grid, &found.weights) {
        let vertices: Result<Vec<u32>, String> =
            weights.chunks(grid.states()).map(|w| vertex_of(grid, w)).collect();
        same("vertices", &vertices?, &expected.runs("grid_idx_rle")?)?;
    }
    Ok(())
}

/// The number of the vertex with these weights.
pub(crate) fn vertex_of(grid: &Grid, weights: &[f64]) -> Result<u32, String> {
    let near = |i: &u32| {
        grid.vertex(*i as usize)
            .unwrap_or_default()
            .iter()
            .zip(weights)
            .all(|(a, b)| (a - b).abs() < 1e-9)
    };
    let count = u32::try_from(grid.len()).map_err(text)?;
    (0..count).find(near).ok_or_else(|| "weights that are no vertex".to_owned())
}

fn online(
    found: &Found,
    rows: Rows<'_>,
    grid: Option<&Grid>,
    case: &Case<'_>,
) -> Result<Online, String> {
    let mut states = Vec::with_capacity(rows.len());
    let mut smallest = f64::NAN;
    if grid.is_none() && found.states.penalty() >= 0.0 {
        let mut filter = Filter::new(&found.states).map_err(text)?;
        for row in &rows {
            states.push(u32::from(filter.push(row).map_err(text)?.state));
            smallest = smaller(smallest, margin(filter.values().iter().copied()));
        }
        let last = filter.values().to_vec();
        return Ok(Online { states, vertices: None, margin: smallest, last });
    }
    let Some(grid) = grid else { return negative_online(found, rows) };
    let model = crate::predict::continuous_model(
        &found.states,
        case.float("grid_size")?,
        case.flag("mode_loss")?,
    )?;
    let mut filter = ContinuousFilter::new(&model).map_err(text)?;
    let mut vertices = Vec::with_capacity(rows.len());
    for row in &rows {
        let estimate = filter.push(row).map_err(text)?;
        states.push(u32::from(estimate.state));
        vertices.push(u32::try_from(estimate.vertex).map_err(text)?);
        smallest = smaller(smallest, margin(filter.values().iter().copied()));
    }
    same("grid", &grid.len(), &filter.values().len())?;
    let last = filter.values().iter().copied().fold(f64::INFINITY, f64::min);
    Ok(Online { states, vertices: Some(vertices), margin: smallest, last: vec![last] })
}

/// A negative penalty, which the filter refuses, by the general recursion.
fn negative_online(found: &Found, rows: Rows<'_>) -> Result<Online, String> {
    let k = found.states.states();
    let losses = crate::replay::losses(rows, &flat(&found.states), None);
    let penalties = Penalties::uniform(k, found.states.penalty()).map_err(text)?;
    let path = penalties.solve(&losses).map_err(text)?;
    let states: Vec<u32> = path
        .values
        .chunks(k)
        .map(|v| u32::try_from(crate::basics::first_smallest(v)).map_err(text))
        .collect::<Result<_, _>>()?;
    let smallest = path.values.chunks(k).map(|v| margin(v.iter().copied())).fold(f64::NAN, smaller);
    let last = path.values[path.values.len() - k..].to_vec();
    Ok(Online { states, vertices: None, margin: smallest, last })
}

fn smoothed(
    found: &Found,
    weighted: Rows<'_>,
    grid: Option<&Grid>,
    penalties: &Penalties,
) -> Result<Vec<u32>, String> {
    let losses = crate::replay::losses(weighted, &flat(&found.states), grid);
    let path = penalties.solve(&losses).map_err(text)?.path;
    Ok(match grid {
        None => path,
        Some(grid) => path
            .iter()
            .map(|&v| crate::predict::heaviest(grid.vertex(v as usize).unwrap_or_default()))
            .collect(),
    })
}

/// Centres row after row, NaN for empty states.
pub(crate) fn flat(model: &JumpModel) -> Vec<f64> {
    let empty = vec![f64::NAN; model.features()];
    model.centers().iter().flat_map(|c| c.as_ref().unwrap_or(&empty)).copied().collect()
}

/// A matrix spelled out in the case.
pub(crate) fn inline(values: &Value, case: &Case<'_>) -> Result<Matrix, String> {
    let first = values.as_array().and_then(|rows| rows.first()).and_then(Value::as_array);
    let cols = first.map_or(0, Vec::len);
    let data = floats(values)?;
    let returns = case.opt("ret_values").map(floats).transpose()?;
    let rows = data.len().checked_div(cols).unwrap_or(0);
    let returns = returns.unwrap_or_else(|| vec![0.0; rows]);
    Ok(Matrix { cols, data, returns, dates: Vec::new() })
}

//! Stored centres applied to rows: online, smoothed, and over a sliding window.

use atlas_regime::continuous::{ContinuousFilter, ContinuousModel, Grid};
use atlas_regime::dp::Penalties;
use atlas_regime::{Filter, JumpModel, Rows, SlidingFilter};

use crate::basics::text;
use crate::compare::{FLOAT, MARGIN, close, exact, margin, same, smaller};
use crate::folder::Folder;
use crate::json::{Case, floats};
use crate::tally::Tally;

pub(crate) fn predict(folder: &Folder, file: &Case<'_>, tally: &mut Tally) -> Result<(), String> {
    for case in file.cases("cases")? {
        tally.check("predict/cases", case, |case| one(folder, case));
    }
    for case in file.cases("sliding")? {
        tally.check("predict/sliding", case, |case| sliding(folder, case));
    }
    Ok(())
}

/// Everything a filter says over all rows.
struct Run {
    states: Vec<u32>,
    vertices: Vec<u32>,
    margin: f64,
    /// Values row after row.
    values: Vec<f64>,
    width: usize,
}

fn one(folder: &Folder, case: &Case<'_>) -> Result<(), String> {
    let matrix = folder.matrix(case.text("X")?)?;
    let rows = Rows::new(&matrix.data, matrix.cols).map_err(text)?;
    let model = case.case("model")?;
    let states = model_of(&model)?;
    let continuous = model.flag("cont")?;
    let (size, mode_loss) = (model.float("grid_size")?, model.flag("mode_loss")?);
    same("n_components", &states.states(), &model.count("n_components")?)?;
    model.finish()?;
    let grid = Grid::new(states.states(), size).map_err(text)?;
    let (run, smoothed) = if continuous {
        let model = continuous_model(&states, size, mode_loss)?;
        let vertices = model.smoothed_vertices(rows).map_err(text)?;
        same("predict vertices", &vertices, &case.runs("predict_grid_idx_rle")?)?;
        let run = run_continuous(&model, rows)?;
        same("online vertices", &run.vertices, &case.runs("online_grid_idx_rle")?)?;
        let weights: Vec<f64> = run
            .vertices
            .iter()
            .flat_map(|&v| grid.vertex(v as usize).unwrap_or_default())
            .copied()
            .collect();
        let first = case.floats("online_proba_first20")?;
        close("online_proba_first20", &weights[..first.len()], &first, FLOAT, 1.0)?;
        (
            run,
            vertices
                .iter()
                .map(|&v| heaviest(grid.vertex(v as usize).unwrap_or_default()))
                .collect(),
        )
    } else {
        (run_discrete(&states, rows)?, states.smoothed_states(rows).map_err(text)?)
    };
    same("online", &run.states, &case.runs("online_rle")?)?;
    same("predict", &smoothed, &case.runs("predict_rle")?)?;
    let floor = run.values.last().copied().unwrap_or_default().abs() * 1e-6;
    close("online_margin", &[run.margin], &[case.float("online_margin")?], MARGIN, floor)?;
    values(case, &run, continuous)?;
    for prefix in case.list("prefix")? {
        let prefix = Case::new(prefix)?;
        let n = prefix.count("n")?;
        let part = Rows::new(&matrix.data[..n * matrix.cols], matrix.cols).map_err(text)?;
        let last = if continuous {
            let model = continuous_model(&states, size, mode_loss)?;
            let vertices = model.smoothed_vertices(part).map_err(text)?;
            vertices.last().map(|&v| heaviest(grid.vertex(v as usize).unwrap_or_default()))
        } else {
            states.smoothed_states(part).map_err(text)?.last().copied()
        };
        let last = last.ok_or("no rows")? as usize;
        same("predict_last", &last, &prefix.count("predict_last")?)?;
        same("online_last", &(run.states[n - 1] as usize), &prefix.count("online_last")?)?;
        prefix.finish()?;
    }
    Ok(())
}

/// First and last rows of values; given losses they are exact, mixed ones come from a product of
/// matrices in the reference.
fn values(case: &Case<'_>, run: &Run, continuous: bool) -> Result<(), String> {
    for (key, from_start) in [("value_first", true), ("value_last", false)] {
        let Some(expected) = case.opt(key) else { continue };
        let expected = floats(expected)?;
        let found = if from_start {
            &run.values[..expected.len()]
        } else {
            &run.values[run.values.len() - expected.len()..]
        };
        same("columns of values", &(expected.len() % run.width), &0)?;
        if continuous {
            close(key, found, &expected, FLOAT, 1.0)?;
        } else {
            exact(key, found, &expected)?;
        }
    }
    Ok(())
}

fn run_discrete(model: &JumpModel, rows: Rows<'_>) -> Result<Run, String> {
    let mut filter = Filter::new(model).map_err(text)?;
    let mut run = Run {
        states: Vec::new(),
        vertices: Vec::new(),
        margin: f64::NAN,
        values: Vec::new(),
        width: model.states(),
    };
    for row in &rows {
        run.states.push(u32::from(filter.push(row).map_err(text)?.state));
        run.margin = smaller(run.margin, margin(filter.values().iter().copied()));
        run.values.extend(filter.values());
    }
    Ok(run)
}

fn run_continuous(model: &ContinuousModel, rows: Rows<'_>) -> Result<Run, String> {
    let mut filter = ContinuousFilter::new(model).map_err(text)?;
    let mut run = Run {
        states: Vec::new(),
        vertices: Vec::new(),
        margin: f64::NAN,
        values: Vec::new(),
        width: filter.grid().len(),
    };
    for row in &rows {
        let estimate = filter.push(row).map_err(text)?;
        run.states.push(u32::from(estimate.state));
        run.vertices.push(u32::try_from(estimate.vertex).map_err(text)?);
        run.margin = smaller(run.margin, margin(filter.values().iter().copied()));
        run.values.extend(filter.values());
    }
    Ok(run)
}

fn sliding(folder: &Folder, case: &Case<'_>) -> Result<(), String> {
    let matrix = folder.matrix(case.text("X")?)?;
    let rows = Rows::new(&matrix.data, matrix.cols).map_err(text)?;
    let centers = case.list("centers")?.iter().map(|c| floats(c).map(Some));
    let centers = centers.collect::<Result<Vec<_>, _>>()?;
    let model = JumpModel::from_centers(centers, case.float("jump_penalty")?).map_err(text)?;
    let lookback = case.count("lookback")?;
    let mut window = SlidingFilter::new(&model, lookback).map_err(text)?;
    let mut expanding = Filter::new(&model).map_err(text)?;
    let (start, step) = (case.count("start")?, case.count("step")?);
    let (mut found, mut differ) = (Vec::new(), 0);
    for (t, row) in rows.iter().enumerate() {
        let state = window.push(row).map_err(text)?.state;
        let whole = expanding.push(row).map_err(text)?.state;
        if t >= start && (t - start).is_multiple_of(step) {
            found.push(u32::from(state));
            differ += usize::from(state != whole);
        }
    }
    same("last_state", &found, &case.runs("last_state_rle")?)?;
    same("n_diff_from_expanding", &differ, &case.count("n_diff_from_expanding")?)
}

/// The model a case describes.
fn model_of(case: &Case<'_>) -> Result<JumpModel, String> {
    let centers = case.list("centers")?.iter().map(|c| {
        let c = floats(c)?;
        Ok(c.iter().all(|x| x.is_finite()).then_some(c))
    });
    let centers = centers.collect::<Result<Vec<_>, String>>()?;
    let model = JumpModel::from_centers(centers, case.float("jump_penalty")?).map_err(text)?;
    match case.opt("feat_weights") {
        None => Ok(model),
        Some(weights) => model.with_feature_weights(floats(weights)?).map_err(text),
    }
}

/// A continuous model with the states of another.
pub(crate) fn continuous_model(
    states: &JumpModel,
    grid_size: f64,
    mode_loss: bool,
) -> Result<ContinuousModel, String> {
    ContinuousModel::new(states.clone(), grid_size, mode_loss).map_err(text)
}

/// Index of the first largest weight.
pub(crate) fn heaviest(weights: &[f64]) -> u32 {
    let mut best = (0, f64::NEG_INFINITY);
    for (k, &w) in (0..).zip(weights) {
        if w > best.1 {
            best = (k, w);
        }
    }
    best.0
}

/// What the reference says online about rows with infinite numbers, by the general recursion.
pub(crate) fn reference_online(
    rows: Rows<'_>,
    centers: &[f64],
    penalty: f64,
) -> Result<(Vec<usize>, Vec<usize>), String> {
    let k = centers.len() / rows.cols();
    let losses = crate::replay::losses(rows, centers, None);
    let path = Penalties::uniform(k, penalty).and_then(|p| p.solve(&losses)).map_err(text)?;
    let online = path.values.chunks(k).map(crate::basics::first_smallest).collect();
    Ok((online, crate::basics::numbers(&path.path)))
}

//! Sparse fits, round by round.

use std::sync::Arc;

use atlas_regime::continuous::Grid;
use atlas_regime::dp::Penalties;
use atlas_regime::sparse::{Mixture, SparseParams, SparseRound};
use atlas_regime::{JumpParams, Rows};
use serde_json::Value;

use crate::basics::text;
use crate::compare::{FLOAT, MARGIN, RETURN, SPARSE_WEIGHT, VOLATILITY, close, crc, same, smaller};
use crate::fits::{flat, vertex_of};
use crate::folder::Folder;
use crate::json::{Case, floats};
use crate::replay::replay;
use crate::tally::Tally;

pub(crate) fn sparse(folder: &Folder, file: &Case<'_>, tally: &mut Tally) -> Result<(), String> {
    for case in file.cases("cases")? {
        let rounds = case.get("outer").and_then(Value::as_array).map_or(0, Vec::len);
        tally.count("fit_sjm/rounds", rounds);
        tally.check("fit_sjm/cases", case, |case| one(folder, case));
    }
    Ok(())
}

fn one(folder: &Folder, case: &Case<'_>) -> Result<(), String> {
    let matrix = folder.matrix(case.text("X")?)?.first(case.count("n_rows")?)?;
    let rows = Rows::new(&matrix.data, matrix.cols).map_err(text)?;
    let (grid_size, mode_loss) = (case.float("grid_size")?, case.flag("mode_loss")?);
    let params = SparseParams {
        jump: JumpParams {
            states: case.count("n_components")?,
            penalty: case.float("jump_penalty")?,
            restarts: case.count("n_init_jm")?,
            tol: case.float("tol_jm")?,
            seed: u32::try_from(case.count("random_state")?).map_err(text)?,
            compat: true,
            ..JumpParams::default()
        },
        mixture: case.flag("cont")?.then_some(Mixture { grid_size, mode_loss }),
        features_max: case.float("max_feats")?,
        rounds_max: case.count("max_iter")?,
        weights_tol: case.float("tol_w")?,
    };
    let key = format!("{params:?} {:?} {}", case.opt("X"), rows.len());
    let fit = folder.sparse.get(&key, || {
        params.clone().check().and_then(|p| p.fit(rows, Some(&matrix.returns))).map_err(text)
    })?;
    same("n_outer", &fit.rounds.len(), &case.count("n_outer")?)?;
    let cols = f64::from(u32::try_from(matrix.cols).map_err(text)?);
    let mut weights = vec![1.0 / cols.sqrt(); matrix.cols];
    for (i, (round, expected)) in fit.rounds.iter().zip(case.list("outer")?).enumerate() {
        let expected = Case::new(expected)?;
        let margin = || {
            let compute = || round_margin(round, rows, &params, &weights);
            folder.margins.get(&format!("{key} {i}"), compute)
        };
        one_round(round, &expected, &margin)
            .and_then(|()| expected.finish())
            .map_err(|e| format!("round {i}: {e}"))?;
        if let Some(next) = &round.next_weights {
            weights.clone_from(next);
        }
    }
    let expected = case.case("expect")?;
    let states = fit.model.states();
    close("w", &fit.weights, &expected.floats("w")?, SPARSE_WEIGHT, 1.0)?;
    let roots = states.feature_weights().unwrap_or_default();
    close("feat_weights", roots, &expected.floats("feat_weights")?, SPARSE_WEIGHT, 1.0)?;
    close("centers", &flat(states), &expected.floats("centers")?, FLOAT, 1e-3)?;
    same("labels", &fit.labels, &expected.runs("labels_rle")?)?;
    if let (Some(Mixture { grid_size, .. }), Some(_)) =
        (params.mixture, expected.opt("grid_idx_rle"))
    {
        let grid = Grid::new(params.jump.states, grid_size).map_err(text)?;
        let vertices: Result<Vec<u32>, String> =
            fit.memberships.chunks(grid.states()).map(|w| vertex_of(&grid, w)).collect();
        same("vertices", &vertices?, &expected.runs("grid_idx_rle")?)?;
    }
    close("freq", states.frequency(), &expected.floats("freq")?, FLOAT, 1.0)?;
    let values = |v: &[Option<f64>]| v.iter().map(|x| x.unwrap_or(f64::NAN)).collect::<Vec<f64>>();
    close("ret", &values(states.mean_return()), &expected.floats("ret")?, RETURN, 1e-4)?;
    close("vol", &values(states.volatility()), &expected.floats("vol")?, VOLATILITY, 0.0)?;
    close("val", &[states.objective()], &[expected.float("val")?], FLOAT, 1e-6)?;
    let transitions: Vec<f64> = states
        .transitions()
        .iter()
        .flat_map(|row| row.clone().unwrap_or_else(|| vec![f64::NAN; states.states()]))
        .collect();
    close("transmat", &transitions, &expected.floats("transmat")?, FLOAT, 1e-3)?;
    expected.finish()
}

fn one_round(
    round: &SparseRound,
    expected: &Case<'_>,
    margin: &dyn Fn() -> Result<Arc<f64>, String>,
) -> Result<(), String> {
    close("val", &[round.objective], &[expected.float("val")?], FLOAT, 1e-6)?;
    close("bcss", &round.between, &expected.floats("bcss")?, FLOAT, 1.0)?;
    match (&round.next_weights, expected.opt("w_next")) {
        (Some(found), Some(wanted)) => {
            close("w_next", found, &floats(wanted)?, SPARSE_WEIGHT, 1.0)?;
        }
        (found, wanted) => same("w_next is there", &found.is_some(), &wanted.is_some())?,
    }
    same("best_restart", &round.best_restart, &expected.count("best_restart")?)?;
    same("sort_perm", &round.sort_permutation, &expected.counts("sort_perm")?)?;
    let starts: Vec<usize> = round.start_rows.iter().flatten().copied().collect();
    let wanted: Vec<f64> = expected.floats("init_rows")?;
    let found: Vec<f64> =
        starts.iter().map(|&t| f64::from(u32::try_from(t).unwrap_or(u32::MAX))).collect();
    close("init_rows", &found, &wanted, 0.0, 0.0)?;
    match (&round.warm_start, expected.opt("warm_start_centers")) {
        (Some(found), Some(wanted)) => {
            close("warm_start_centers", found, &floats(wanted)?, FLOAT, 1e-3)?;
        }
        (found, wanted) => same("a warm start", &found.is_some(), &wanted.is_some())?,
    }
    let values: Vec<f64> = round.restarts.iter().map(|r| r.value).collect();
    close("restart_vals", &values, &expected.floats("restart_vals")?, FLOAT, 1e-6)?;
    let iterations: Vec<usize> = round.restarts.iter().map(|r| r.iterations).collect();
    same("restart_n_iter", &iterations, &expected.counts("restart_n_iter")?)?;
    let crcs = round.restarts.iter().map(|r| crc(&r.labels)).collect::<Result<Vec<_>, _>>()?;
    same("restart_crc", &crcs, &expected.counts("restart_crc")?)?;
    let found = *margin()?;
    let floor = round.objective.abs() * 1e-6;
    close("min_margin", &[found], &[expected.float("min_margin")?], MARGIN, floor)
}

/// The smallest margin over all descents of the round, from a plain replay.
fn round_margin(
    round: &SparseRound,
    rows: Rows<'_>,
    params: &SparseParams,
    weights: &[f64],
) -> Result<f64, String> {
    let roots: Vec<f64> = weights.iter().map(|w| w.sqrt()).collect();
    let weighted: Vec<f64> =
        rows.iter().flat_map(|row| row.iter().zip(&roots).map(|(x, w)| x * w)).collect();
    let weighted = Rows::new(&weighted, rows.cols()).map_err(text)?;
    let mut jump = params.jump.clone();
    jump.penalty /= f64::from(u32::try_from(rows.cols()).map_err(text)?).sqrt();
    let grid = params.mixture.map(|m| Grid::new(jump.states, m.grid_size)).transpose();
    let grid = grid.map_err(text)?;
    let penalties = match (&grid, params.mixture) {
        (Some(grid), Some(m)) => grid.penalties(jump.penalty, m.mode_loss),
        _ => Penalties::uniform(jump.states, jump.penalty),
    };
    let penalties = penalties.map_err(text)?;
    let drawn = round
        .start_rows
        .iter()
        .map(|picked| picked.iter().flat_map(|&t| weighted.row(t)).copied().collect::<Vec<f64>>());
    let mut smallest = f64::NAN;
    for start in drawn.chain(round.warm_start.clone()) {
        let again = replay(weighted, grid.as_ref(), &penalties, &start, &jump);
        smallest = smaller(smallest, again.margin);
    }
    Ok(smallest)
}

//! Recursion, random stream, grids and weight step: nothing is fitted here.

use atlas_regime::continuous::Grid;
use atlas_regime::dp::Penalties;
use atlas_regime::sparse::{between_cluster_sums, bounded_weights, soft_threshold, weighted_means};
use atlas_regime::{Mt19937, Rows, kmeanspp_rows, returns_by_state};

use crate::compare::{
    FLOAT, RETURN, SPARSE_WEIGHT, VOLATILITY, close, exact, margin, same, smaller,
};
use crate::folder::Folder;
use crate::json::{Case, floats};
use crate::tally::Tally;

pub(crate) fn dp(file: &Case<'_>, tally: &mut Tally) -> Result<(), String> {
    for case in file.cases("cases")? {
        tally.check("dp/cases", case, |case| {
            case.skip(&["note"]);
            let states = case.count("K")?;
            let penalties = Penalties::new(states, &case.floats("penalty")?).map_err(text)?;
            let found = penalties.solve(&case.floats("loss")?).map_err(text)?;
            same("T", &found.path.len(), &case.count("T")?)?;
            exact("value", &[found.value], &[case.float("value")?])?;
            same("path", &numbers(&found.path), &case.counts("path")?)?;
            let online: Vec<usize> = found.values.chunks(states).map(first_smallest).collect();
            same("online", &online, &case.counts("online")?)?;
            exact("value_mx", &found.values, &case.floats("value_mx")?)?;
            let gap = path_margin(&penalties, &found.values, &found.path);
            exact("min_margin", &[gap], &[case.float("min_margin")?])
        });
    }
    if let Some(case) = file.opt("big") {
        tally.check("dp/big", case, big);
    }
    Ok(())
}

fn big(case: &Case<'_>) -> Result<(), String> {
    let seed = u32::try_from(case.count("seed")?).map_err(text)?;
    let (rows, states) = (case.count("T")?, case.count("K")?);
    let mut rng = Mt19937::new(seed);
    let losses: Vec<f64> = (0..rows * states).map(|_| rng.next_f64()).collect();
    let penalties = Penalties::uniform(states, case.float("jump_penalty")?).map_err(text)?;
    let found = penalties.solve(&losses).map_err(text)?;
    case.skip(&["note"]);
    exact("value", &[found.value], &[case.float("value")?])?;
    same("path", &found.path, &case.runs("path_rle")?)?;
    let online: Vec<usize> = found.values.chunks(states).map(first_smallest).collect();
    same("online", &online, &numbers(&case.runs("online_rle")?))?;
    let last = &found.values[found.values.len() - states..];
    exact("value_last", last, &case.floats("value_last")?)?;
    let gap = path_margin(&penalties, &found.values, &found.path);
    exact("min_margin", &[gap], &[case.float("min_margin")?])
}

pub(crate) fn rng(folder: &Folder, file: &Case<'_>, tally: &mut Tally) -> Result<(), String> {
    for case in file.cases("random_sample")? {
        tally.check("rng_kmeanspp/random_sample", case, |case| {
            let mut rng = Mt19937::new(u32::try_from(case.count("seed")?).map_err(text)?);
            let stream: Vec<f64> = (0..1001).map(|_| rng.next_f64()).collect();
            let first = case.floats("first")?;
            exact("first", &stream[..first.len()], &first)?;
            exact("at_1000", &stream[1000..], &case.floats("at_1000")?)
        });
    }
    for case in file.cases("kmeanspp")? {
        tally.check("rng_kmeanspp/kmeanspp", case, |case| {
            let matrix = folder.matrix(case.text("X")?)?;
            let rows = Rows::new(&matrix.data, matrix.cols).map_err(text)?;
            let states = case.count("K")?;
            let trials = 2.0 + f64::from(u32::try_from(states).map_err(text)?).ln().floor();
            exact("n_local_trials", &[trials], &[case.float("n_local_trials")?])?;
            let mut rng = Mt19937::new(u32::try_from(case.count("seed")?).map_err(text)?);
            for (i, expected) in case.list("rows")?.iter().enumerate() {
                let found = kmeanspp_rows(rows, states, &mut rng).map_err(text)?;
                let expected: Result<Vec<usize>, String> = expected
                    .as_array()
                    .ok_or("not a list")?
                    .iter()
                    .map(crate::json::count)
                    .collect();
                same(&format!("rows[{i}]"), &found, &expected?)?;
            }
            exact("next", &[rng.next_f64()], &[case.float("next_random_sample")?])
        });
    }
    Ok(())
}

pub(crate) fn grid(file: &Case<'_>, tally: &mut Tally) -> Result<(), String> {
    for case in file.cases("cases")? {
        tally.check("cjm_grid/cases", case, |case| {
            let grid = Grid::new(case.count("K")?, case.float("grid_size")?).map_err(text)?;
            let n = grid.len();
            same("N", &n, &case.count("N")?)?;
            if let Some(vertices) = case.opt("prob_vecs") {
                let found: Vec<f64> =
                    (0..n).flat_map(|i| grid.vertex(i).unwrap_or_default()).copied().collect();
                close("prob_vecs", &found, &floats(vertices)?, FLOAT, 1.0)?;
            }
            let mode_loss = case.flag("mode_loss")?;
            let penalties = grid.penalties(case.float("jump_penalty")?, mode_loss).map_err(text)?;
            let row = |i: usize| (0..n).map(|j| penalties.between(i, j)).collect::<Vec<f64>>();
            if let Some(whole) = case.opt("penalty") {
                let found: Vec<f64> = (0..n).flat_map(row).collect();
                return close("penalty", &found, &floats(whole)?, FLOAT, 1.0);
            }
            close("penalty_row0", &row(0), &case.floats("penalty_row0")?, FLOAT, 1.0)?;
            close("penalty_rowmid", &row(n / 2), &case.floats("penalty_rowmid")?, FLOAT, 1.0)?;
            let diagonal: Vec<f64> = (0..n).map(|i| penalties.between(i, i)).collect();
            close("penalty_diag", &diagonal, &case.floats("penalty_diag")?, FLOAT, 1.0)
        });
    }
    for case in file.cases("sizes")? {
        tally.check("cjm_grid/sizes", case, |case| {
            let found = Grid::count(case.count("K")?, case.float("grid_size")?).map_err(text)?;
            same("N", &found, &case.count("N")?)
        });
    }
    Ok(())
}

pub(crate) fn lasso(folder: &Folder, file: &Case<'_>, tally: &mut Tally) -> Result<(), String> {
    for case in file.cases("lasso")? {
        tally.check("lasso_bcss/lasso", case, |case| {
            case.skip(&["name"]);
            let found = bounded_weights(&case.floats("a")?, case.float("norm_ub")?);
            let Some(raises) = case.opt("raises") else {
                return close("w", &found.map_err(text)?, &case.floats("w")?, SPARSE_WEIGHT, 1.0);
            };
            // Equal values have an answer here, where the reference has none (spec §12).
            let equal = case.floats("a")?.windows(2).all(|p| p[0].total_cmp(&p[1]).is_eq());
            let known = matches!(raises.as_str(), Some("IndexError" | "AssertionError"));
            same("raises", &(known, found.is_err()), &(true, !equal))
        });
    }
    for case in file.cases("soft_threshold")? {
        tally.check("lasso_bcss/soft_threshold", case, |case| {
            let found = soft_threshold(&case.floats("x")?, case.float("thres")?);
            close("y", &found, &case.floats("y")?, FLOAT, 1.0)
        });
    }
    for case in file.cases("moments")? {
        tally.check("lasso_bcss/moments", case, |case| moments(folder, case));
    }
    Ok(())
}

fn moments(folder: &Folder, case: &Case<'_>) -> Result<(), String> {
    let matrix = folder.matrix(case.text("X")?)?.first(case.count("rows")?)?;
    let states = case.count("K")?;
    let memberships: Vec<f64> = if let Some(first) = case.opt("weights_col0") {
        floats(first)?.iter().flat_map(|&w| [w, 1.0 - w]).collect()
    } else {
        let one_hot = |label: u32| (0..).take(states).map(move |k| f64::from(u8::from(k == label)));
        case.runs("labels_rle")?.into_iter().flat_map(one_hot).collect()
    };
    case.skip(&["labels_rle"]);
    let rows = Rows::new(&matrix.data, matrix.cols).map_err(text)?;
    same("memberships", &memberships.len(), &(rows.len() * states))?;
    let centers = weighted_means(rows, &memberships, states).map_err(text)?;
    close("centers", &centers, &case.floats("centers")?, FLOAT, 1.0)?;
    let between = between_cluster_sums(rows, &memberships, states).map_err(text)?;
    close("bcss", &between, &case.floats("bcss")?, FLOAT, 1.0)?;
    let (mean, deviation) =
        returns_by_state(&matrix.returns, &memberships, states).map_err(text)?;
    close("ret_mean", &mean, &case.floats("ret_mean")?, RETURN, 1e-4)?;
    close("ret_std", &deviation, &case.floats("ret_std")?, VOLATILITY, 0.0)
}

/// The smallest margin of any decision on the way back along the cheapest path.
pub(crate) fn path_margin(penalties: &Penalties, values: &[f64], path: &[u32]) -> f64 {
    let k = penalties.states();
    let row = |t: usize| values[t * k..(t + 1) * k].iter().copied();
    let last = path.len() - 1;
    let mut smallest = margin(row(last));
    for t in (1..path.len()).rev() {
        let to = path[t] as usize;
        let costs = row(t - 1).enumerate().map(|(i, v)| v + penalties.between(i, to));
        smallest = smaller(smallest, margin(costs));
    }
    smallest
}

/// Index of the first smallest value.
pub(crate) fn first_smallest(values: &[f64]) -> usize {
    let mut best = 0;
    for (i, v) in values.iter().enumerate() {
        if *v < values[best] {
            best = i;
        }
    }
    best
}

pub(crate) fn numbers(labels: &[u32]) -> Vec<usize> {
    labels.iter().map(|&l| l as usize).collect()
}

pub(crate) fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

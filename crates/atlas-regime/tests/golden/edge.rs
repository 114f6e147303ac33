//! Small inputs with odd shapes, and what must be refused.

use atlas_regime::{Filter, FitOptions, JumpModel, JumpParams, Rows, SortBy};

use crate::basics::text;
use crate::compare::{FLOAT, close, same};
use crate::fits::{fit, flat, inline};
use crate::folder::{Folder, Matrix};
use crate::json::{Case, floats};
use crate::predict::reference_online;
use crate::tally::Tally;

pub(crate) fn edge(folder: &Folder, file: &Case<'_>, tally: &mut Tally) -> Result<(), String> {
    for case in file.cases("cases")? {
        if case.get("raises").is_some() {
            tally.check("edge/raises", case, raises);
        } else if case.get("restarts").is_some() {
            tally.check("edge/fits", case, |case| edge_fit(folder, case));
        } else if case.get("online").is_some() {
            tally.check("edge/online", case, infinite_row);
        } else {
            tally.check("edge/dataframe", case, |case| dataframe(folder, case));
        }
    }
    Ok(())
}

/// A fit in compatibility mode; without it a negative penalty and equal rows are refused.
fn edge_fit(folder: &Folder, case: &Case<'_>) -> Result<(), String> {
    fit(folder, case, None)?;
    let penalty = case.float("jump_penalty")?;
    let plain = JumpParams::new(2, penalty);
    same("refused", &plain.check().is_err(), &(penalty < 0.0))
}

/// What the reference raises on is refused with a typed error; one state is supported (§12).
fn raises(case: &Case<'_>) -> Result<(), String> {
    case.skip(&["note"]);
    let kind = case.text("raises")?;
    let matrix = inline(case.get("X_values")?, case)?;
    let options = case.case("options")?;
    let weights = options.opt("fw").map(floats).transpose()?;
    if let Some(sort_by) = options.opt("sort_by") {
        let parsed = serde_json::from_value::<SortBy>(sort_by.clone());
        same("sort_by is refused", &parsed.is_err(), &true)?;
        same("the exception", &kind, &"AssertionError")?;
        case.skip(&["n_components", "jump_penalty"]);
        return options.finish();
    }
    options.finish()?;
    let states = case.count("n_components")?;
    let params = JumpParams::new(states, case.float("jump_penalty")?);
    same("the exception", &kind, &exception(&matrix, &params, weights.is_some()))?;
    let found = params.check().and_then(|p| {
        let rows = Rows::new(&matrix.data, matrix.cols)?;
        let returns = Some(matrix.returns.as_slice());
        let weights = weights.as_deref();
        p.fit_with(rows, &FitOptions { returns, feature_weights: weights, ..FitOptions::default() })
    });
    same("refused", &found.is_err(), &(states > 1))
}

/// What the reference raises: on its own checks, those of its library, or by accident.
fn exception(matrix: &Matrix, params: &JumpParams, weighted: bool) -> &'static str {
    let rows = matrix.data.len() / matrix.cols;
    if params.states == 1 {
        "IndexError"
    } else if params.penalty.is_infinite() {
        "KeyError"
    } else if matrix.data.iter().any(|x| x.is_infinite()) || rows < params.states {
        "ValueError"
    } else {
        let missing = matrix.data.iter().chain(&matrix.returns).any(|x| x.is_nan());
        let refused = weighted || missing || matrix.returns.len() != rows;
        if refused { "AssertionError" } else { "none" }
    }
}

/// Rows with infinite numbers are refused; what the reference makes of them is known all the same.
fn infinite_row(case: &Case<'_>) -> Result<(), String> {
    case.skip(&["note"]);
    let matrix = inline(case.get("X_values")?, case)?;
    let rows = Rows::new(&matrix.data, matrix.cols).map_err(text)?;
    let penalty = case.float("jump_penalty")?;
    let centers = case.list("centers")?.iter().map(floats).collect::<Result<Vec<_>, _>>()?;
    same("n_components", &centers.len(), &case.count("n_components")?)?;
    let (online, path) = reference_online(rows, &centers.concat(), penalty)?;
    same("online", &online, &case.counts("online")?)?;
    same("predict", &path, &case.counts("predict")?)?;
    let model = JumpModel::from_centers(centers.into_iter().map(Some).collect(), penalty);
    let mut filter = model.and_then(|m| Filter::new(&m)).map_err(text)?;
    let refused = rows.iter().filter(|row| filter.push(row).is_err()).count();
    same("an infinite row is refused", &(refused > 0), &true)
}

/// The reference's two input types differ in the last bits only; both must be matched.
fn dataframe(folder: &Folder, case: &Case<'_>) -> Result<(), String> {
    case.skip(&["note"]);
    let matrix = folder.matrix("train3")?;
    let rows = Rows::new(&matrix.data, matrix.cols).map_err(text)?;
    let params = JumpParams::new(2, 50.0).check().map_err(text)?;
    let found = params.fit(rows, Some(&matrix.returns)).map_err(text)?.model;
    for key in ["val_ndarray", "val_dataframe"] {
        close(key, &[found.objective()], &[case.float(key)?], FLOAT, 1.0)?;
    }
    same("labels_equal", &case.flag("labels_equal")?, &true)?;
    same("centres are finite", &flat(&found).iter().all(|c| c.is_finite()), &true)?;
    close("centers_max_abs_diff", &[0.0], &[case.float("centers_max_abs_diff")?], FLOAT, 1.0)
}
